"""Makes articles of the newest items of a feed, whatever its format. Pure.

What it does not know: XML and JSON. A fault in an item is a line in `problems`, and the others are returned.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple

from newsletter.characters import turns_round
from newsletter.errors import counted
from newsletter.issue import Article
from newsletter.links import canonical, is_home_page, same_site
from newsletter.sources import Pulled
from newsletter.sources.blurb import Block, Repeated, blurb, titles_without_tails
from newsletter.sources.dates import EARLIEST
from newsletter.sources.reading import Reading, shortened
from newsletter.sources.text import MAX_TITLE, NOTHING, one_line

MAX_ITEMS = 500
_NUMBER = re.compile(r"\d+", re.ASCII)
_ABSOLUTE = re.compile(r"https?://", re.IGNORECASE)
_PAID = re.compile(
    r"sponsored(?: content| post)?|advertisements?|advertorial|paid (?:post|content)|partner content|promoted|"
    r"promotion|brand(?:ed)? content|anzeige|werbung|publireportage|publicidad|patrocinado|sponsorisé|"
    r"contenu partenaire",
    re.IGNORECASE,
)
_PAID_TITLE = re.compile(rf"(?:\[(?:{_PAID.pattern}|ad)\]|(?:{_PAID.pattern})\s*[:|–—-]\s)", re.IGNORECASE)


class Told(NamedTuple):
    """An article of a feed without its blurb, the texts the blurb may come from, and the title as it is written."""

    article: Article
    described: Sequence[Block]
    content: Callable[[], Sequence[Block]]
    written: str = ""


def articles_of(
    items: Sequence[Any],
    make: Callable[[Any], Told],
    *,
    facts: Sequence[tuple[str, str]],
    count: int,
    site: str,
    reading: Reading,
) -> Pulled:
    """Makes an article of each of the newest items; a fault in one never stops the others.

    `facts` are the date and the address or guid of each as they are written, `count` is how many the feed had, `site`
    the title of the feed.
    """
    positions, known = _newest(facts, reading=reading)
    told: list[Told] = []
    problems, nameless = [], 0
    for position in positions:
        try:
            one = make(items[position])
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            problems.append(f"item {position + 1} cannot be read ({error})")
            continue
        article = one.article
        if not article.title and not article.url:
            nameless += 1
            continue
        name = f'item {position + 1} ("{one_line(article.title, limit=60)}")'
        problems += [f"{name}: {fault}" for fault in _faults(one, reading=reading)]
        told.append(one)
    if nameless:
        left_out = "was left out" if nameless == 1 else "were left out"
        problems.append(f"{counted(nameless, 'item')} had neither a title nor an address and {left_out}")
    if lost := [one_line(article.title, limit=60) for article, *_ in told if not article.url]:
        several = "has no address of its own" if len(lost) == 1 else "have no address of their own"
        problems.append(f'{counted(len(lost), "item")} {several} and cannot be picked: "{lost[0]}"')
    if left := count - len(positions):
        which = "the newest" if known else "the order is not known: only the first"
        rest = f", the oldest {left} were left" if known else ""
        problems.append(f"the feed has {count} items; {which} {len(positions)} were read{rest}")
    return Pulled(articles=_worded(told, site=site), problems=shortened(problems))


def _faults(told: Told, *, reading: Reading) -> Iterator[str]:
    article, written = told.article, told.written
    if article.published_raw and article.published is None:
        yield f'its date "{one_line(article.published_raw, limit=60)}" {reading.date_fault(article.published_raw)}'
    if len(written) > MAX_TITLE and article.title.endswith("…"):
        yield f"its title has {len(written):,} characters and was cut"
    if turns_round(written):
        yield "what turns the direction of its title round was taken out"


def _newest(facts: Sequence[tuple[str, str]], *, reading: Reading) -> tuple[Sequence[int], bool]:
    """The positions of the newest items in the feed's order, and whether what is newest is known.

    By date; where no item has one, by a number in the address or guid that rises throughout the feed.
    """
    if len(facts) <= MAX_ITEMS:
        return range(len(facts)), True
    ages: list[Any] = [reading.date(date) or EARLIEST for date, _ in facts]
    known = max(ages) > EARLIEST
    if not known:
        numbers = [int(found[-1][-18:]) if (found := _NUMBER.findall(name)) else -1 for _, name in facts]
        known = all(one < other for one, other in pairwise(numbers))
        ages = numbers if known else ages
    return sorted(sorted(range(len(facts)), key=ages.__getitem__, reverse=True)[:MAX_ITEMS]), known


def _worded(told: Sequence[Told], *, site: str) -> tuple[Article, ...]:
    """The articles with titles and blurbs as one would print them, judged by what the whole feed repeats."""
    described = [one.described or one.content() for one in told]
    repeated = Repeated(described)
    titles = titles_without_tails([one.article.title for one in told], site=site)
    found = []
    for one, blocks, title in zip(told, described, titles, strict=True):
        summary = blurb(repeated.mended(blocks), title=title, repeated=repeated.lines)
        if not summary and blocks is one.described:
            summary = blurb(one.content(), title=title, repeated=repeated.lines)
        found.append(replace(one.article, title="" if title.casefold() in NOTHING else title, summary=summary))
    return tuple(found)


def link(raw: str, *, site: str) -> str | None:
    """The address of an item's page. The home page of its own site is none; that of another may be what it is about."""
    url = canonical(raw, against=site) if raw.strip() else ""
    return url if url and not (is_home_page(url) and same_site(url, site)) else None


def permalink(guid: str, *, site: str) -> str | None:
    """A guid as an address, if it is one by itself."""
    return link(guid, site=site) if _ABSOLUTE.match(guid.strip()) else None


def is_paid(title: str, tags: Iterable[str]) -> bool:
    return bool(_PAID_TITLE.match(title)) or any(_PAID.fullmatch(tag) for tag in tags)
