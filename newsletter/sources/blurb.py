"""Chooses the words one would print under a title: from the blocks of a text, never from the flattened whole. Pure.

A feed's description is often a whole article, or what a system puts before one: a bare address, a list of points, a
credit, links to other stories, its own author and date line. A blurb is the first block that is none of these: the
standfirst, or else the first real sentences, cut at the end of one.

What it does not know: where the text comes from. What a source repeats in many items is found by `Repeated`, which sees
all items of a reading. The measure is benchmarks/blurbs.py.
"""

# ruff: noqa: RUF001 - typographic marks are what this file is about

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain, islice
from typing import NamedTuple

from newsletter.sources.text import (
    BLOCK_TAG,
    NOTHING,
    SUMMARY_LIMIT,
    cut_at_word,
    first_sentences,
    is_complete,
    plain,
    without_boilerplate,
)

MAX_HTML = 20_000
"""Characters of a text in which its blurb is looked for."""
MAX_BLOCKS = 20
"""Blocks of a text among which its blurb is looked for."""
SHORT = 60
"""A complete sentence shorter than this (characters) is followed by the next block's."""
_FRAGMENT = 25
_MOSTLY = 0.8

# Marks that outlive the cleaning of the mark-up. Private-use characters: whatever a source sends of them is taken out.
_ITEM, _HEADING, _CAPTION, _OPEN, _CLOSE = "\ue001", "\ue002", "\ue003", "\ue004", "\ue005"
_MARKS = re.compile("[\ue001-\ue005]")
_KINDS = {_ITEM: "item", _HEADING: "heading", _CAPTION: "caption"}
_TAG = re.compile(r"<(li|h[1-6]|figcaption|/?a)(?:\s[^<>]{0,2000})?>", re.IGNORECASE)
_LINK = re.compile(f"{_OPEN}([^{_CLOSE}]*){_CLOSE}?")

_BULLET = re.compile(r"\s*[•●▪◦‣∙*–-]\s+\S")
_INNER_BULLETS = re.compile(r"\s[•●▪◦‣]\s.*\s[•●▪◦‣]\s")
_BARE_ADDRESS = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_ELSEWHERE = re.compile(
    r"""(?: (?:read|see|watch|listen|lesen\ sie|lies|lire|leer|lea|leggi)\s+
              (?:also|more|next|too|auch|mehr|aussi|también|anche)\b
          | (?:also(?:\ read|\ on|\ see)?|more(?:\ on|\ from|\ news|\ stories)?|recommended|see|subscribe
              |sign\ up|follow\ us|related(?:\ (?:posts?|articles?|stories|coverage|content))?|download
              |advertisement|anzeige|share\ this
              |don['’]t\ miss)\b\s*[:|»→–-]
          | (?:related\ (?:posts?|articles?|stories)|advertisement|anzeige|subscribe\ (?:now|to)|sign\ up\ for
              |follow\ us\ on|share\ this)\b)""",
    re.IGNORECASE | re.VERBOSE,
)
_CREDIT = re.compile(
    r"(?:photo(?:graph)?s?|images?|pictures?|credits?|illustrations?|fotos?|bild(?:er)?|"
    r"crédit(?: photo)?|foto(?:grafía)?)"
    r"(?:\s*(?:credit|by|courtesy(?: of)?|von|de))?\s*[:©/|]|©|\((?:ap|afp|reuters|getty|epa|dpa)\b[^)]*\)\W*$",
    re.IGNORECASE,
)
_PROTECTED = re.compile(
    r"there is no excerpt because this is a protected post|this (?:content|post) is (?:password[ -])?protected",
    re.IGNORECASE,
)
_CLOCK_OR_DAY = re.compile(
    r"\b\d{1,2}:\d{2}\b|\b\d{1,4}[./-]\d{1,2}[./-]\d{1,4}\b|"
    r"\b\d{1,2}\.? \w{3,12}\.? \d{4}\b|\b\w{3,12} \d{1,2}, \d{4}\b"
)
_FILED = re.compile(
    r"(?:submitted|posted|published|written|verfasst|publié|publicado)\b.{0,20}\b(?:by|on|von|am|par|por|le|el)\b",
    re.IGNORECASE,
)
_UPDATED = re.compile(
    r"(?:update|updated|aktualisiert|mise à jour)(?:\s+(?:on\s+)?[\d/.,: -]+(?:[ap]m)?)?\s*:\s+", re.IGNORECASE
)
_TOPICS = re.compile(r"(?<=[.!?…])\s*\([^().!?]{3,160}\)$")
_CUT_OFF = re.compile(r"\s*(?:\.{3}|…)$")
_TAIL = re.compile(r"\s+(?:[|»›·•—–-]|::)\s+([^|»›·•—–]{2,60})$")
_TAILS_AT_LEAST = 5
_SENTENCE = re.compile(r"""[.!?。！？]["'”’»)\]]*(?:\s|$)""")


class Block(NamedTuple):
    """A block's words on one line, what to compare them by, its `kind` ("text", "item", "heading" or "caption") and the
    share of it in links.
    """

    text: str
    key: str
    kind: str = "text"
    linked: float = 0.0


def blocks_of(html: str) -> tuple[Block, ...]:
    """The blocks of a piece of HTML, or of a text whose paragraphs are lines, in order."""
    html = _MARKS.sub("", html[:MAX_HTML])
    if not BLOCK_TAG.search(html):
        return blocks_of_text(plain(html))
    marked = _TAG.sub(_marked, " ".join(html.split()))
    found = (block for line in plain(marked).split("\n") if (block := _block(line)).text)
    return tuple(islice(found, MAX_BLOCKS))


def blocks_of_text(text: str) -> tuple[Block, ...]:
    """The blocks of a plain text: its lines."""
    lines = (line.strip() for line in text[:MAX_HTML].split("\n"))
    return tuple(islice((_block(line) for line in lines if line), MAX_BLOCKS))


def _marked(found: re.Match[str]) -> str:
    name = found[1].lower()
    if name == "/a":
        return f"{_CLOSE}{found[0]}"
    return found[0] + {"li": _ITEM, "figcaption": _CAPTION, "a": _OPEN}.get(name, _HEADING)


def _block(line: str) -> Block:
    text, kind, linked = line, "text", 0
    if _MARKS.search(line):
        kind = next((_KINDS[mark] for mark in line if mark in _KINDS), "text")
        linked = sum(len(found[1]) for found in _LINK.finditer(line))
        text = " ".join(_MARKS.sub("", line).split())
    kind = "item" if _BULLET.match(text) else kind
    return Block(text, key_of(text), kind, min(1.0, linked / len(text)) if text else 0.0)


def blurb(
    blocks: Sequence[Block], *, title: str = "", repeated: frozenset[str] = frozenset(), limit: int = SUMMARY_LIMIT
) -> str:
    """The words to print under a title, on one line; "" when there are none. `repeated` is what `Repeated` found."""
    unwanted = repeated | {"", key_of(title)}
    usable = [cleaned for block in blocks if (cleaned := _usable(block, title=title, unwanted=unwanted))]
    prose = [block for block in usable if block.kind == "text"] or [
        block for block in usable if block.kind == "heading"
    ]
    told = [block.text for block in prose if block.linked < _MOSTLY] or [
        block.text for block in prose if len(block.text) > SHORT
    ]
    # A line without a full stop is a standfirst where it says something, and a label where it does not.
    while len(told) > 1 and len(told[0]) < _FRAGMENT and not _ends(told[0]) and told[0][-1] != ":":
        told.pop(0)
    if not told:
        return ""
    text = told.pop(0)
    while told and (text.endswith(":") or (len(text) < SHORT and is_complete(text) and is_complete(told[0]))):
        text = f"{text} {told.pop(0)}"
    return _whole(text, limit=limit)


def _usable(block: Block, *, title: str, unwanted: frozenset[str]) -> Block | None:
    """The block without what was put before or behind its words, or None when it is nothing to print."""
    if block.kind in ("item", "caption") or block.key in unwanted:
        return None
    text = without_title(block.text, title)
    short = len(text) < 160
    if (text is not block.text and key_of(text) in unwanted) or text.casefold() in NOTHING:
        return None
    if _BARE_ADDRESS.fullmatch(text) or _PROTECTED.match(text) or _INNER_BULLETS.search(text):
        return None
    if short and (_ELSEWHERE.match(text) or _CREDIT.search(text)):
        return None
    if short and not _ends(text) and (_FILED.search(text) or _CLOCK_OR_DAY.search(text)):
        return None
    return block._replace(text=_UPDATED.sub("", text, count=1) if _UPDATED.match(text) else text)


def without_title(text: str, title: str) -> str:
    """A block without the article's title and its date at the start."""
    if not title or not text.casefold().startswith(title.casefold()):
        return text
    rest = text[len(title) :]
    if rest and not rest[0].isalnum() and not _ends(title) and _CLOCK_OR_DAY.search(rest):
        return rest.lstrip(" .:|–—-")
    return text


def _whole(text: str, *, limit: int) -> str:
    text = _TOPICS.sub("", without_boilerplate(text)).rstrip()
    if _CUT_OFF.search(text):  # its source has cut it: the last whole sentence, or else the last whole word
        ends = [found.end() for found in _SENTENCE.finditer(text)]
        kept = _CUT_OFF.sub("", text)
        whole = next((text[:end].rstrip() for end in reversed(ends) if 40 <= end < len(kept)), "")
        text = whole or f"{kept.rstrip(' ,;:-–—')}…"
    cut = first_sentences(text, limit=limit)
    while cut.endswith(":") and (ends := [found.end() for found in _SENTENCE.finditer(cut)]):
        cut = cut[: ends[-1]].rstrip()
    return cut


def _ends(text: str) -> bool:
    return is_complete(text) or text.endswith("…")


def key_of(line: str) -> str:
    """The words of a line, to compare it by."""
    return " ".join(re.findall(r"\w+", line.casefold()))


class Repeated:
    """What a source says in many of its items, and where it cuts them off: learned from all items of a reading."""

    AT_LEAST = 3
    SHARE = 0.2

    def __init__(self, items: Iterable[Sequence[Block]]) -> None:
        every = [list(blocks) for blocks in items]
        need = max(self.AT_LEAST, self.SHARE * len(every))
        lines = Counter(chain.from_iterable({block.key for block in blocks} for blocks in every))
        self.lines = frozenset(line for line, number in lines.items() if line and number >= need)
        # A system that cuts at a number of characters leaves several texts of just that length, without an end.
        lengths = Counter(len(blocks[0].text) for blocks in every if len(blocks) == 1 and not _ends(blocks[0].text))
        self.cut_at = frozenset(length for length, number in lengths.items() if length >= 80 and number >= need)

    def mended(self, blocks: Sequence[Block]) -> Sequence[Block]:
        """The blocks; a text that was cut in the middle of a word ends in "…" behind the word before."""
        if len(blocks) != 1 or len(blocks[0].text) not in self.cut_at or _ends(blocks[0].text):
            return blocks
        text = blocks[0].text
        return [blocks[0]._replace(text=cut_at_word(text, len(text) - 1))]


def titles_without_tails(titles: Sequence[str], *, site: str = "") -> list[str]:
    """Titles without what follows the last bar or dash, where that is the site's name or stands behind most titles."""
    parted = [_TAIL.search(title) for title in titles]
    tails = Counter(key_of(found[1]) for found in parted if found)
    common = {tail for tail, number in tails.items() if number >= _TAILS_AT_LEAST and number > len(titles) / 2}
    names = (common | {key_of(site)}) - {""}
    return [
        title[: found.start()].rstrip() if found and key_of(found[1]) in names and found.start() > 0 else title
        for title, found in zip(titles, parted, strict=True)
    ]
