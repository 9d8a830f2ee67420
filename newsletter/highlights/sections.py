"""Which sections an article is tried in.

The decision, because several are possible: an article belongs to the sections whose rule it fits, wherever in the
settings a section without a rule stands; what fits no rule belongs to the sections without one. It is tried in each of
its sections in the order of the settings. What finds no place there waits for the next issue and does not spill into
another section, so that an editor always knows where guides go. A source that is bound to sections fills those alone;
a hint of the source that names a section counts as fitting its rule. What a section leaves out (`unless`) it never
gets, whatever else speaks for it. What fits no rule goes where past issues put its like, if they leave no doubt.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from newsletter.highlights.candidate import Candidate
from newsletter.highlights.learned import Filing
from newsletter.issue import Article, Match, Section
from newsletter.links import canonical


def sections_of(
    candidate: Candidate, *, sections: Sequence[Section], filing: Filing | None = None
) -> tuple[tuple[str, ...], str]:
    """The names of the sections a candidate is tried in, in the order of `sections`, and what decided if no rule did.

    No names: it fits none. `filing` is what past issues teach about articles that fit no rule.
    """
    article = candidate.article
    bound = [one for one in sections if one.name in candidate.sections] if candidate.sections else sections
    allowed = [one for one in bound if not (one.match.unless and mark_of(article, one.match.unless))]
    hint = article.section.strip().casefold()
    ruled = [one.name for one in allowed if (hint and _is_hinted(hint, one)) or _fits_rule(article, one)]
    if ruled:
        return tuple(ruled), ""
    if filing and filing.articles:
        learned, why = filing.section_of(article, among=[section.name for section in allowed if not section.fixed])
        if learned:
            return (learned,), why
    open_to_all = tuple(section.name for section in allowed if section.match.takes_all)
    return open_to_all or (tuple(section.name for section in allowed) if candidate.sections else ()), ""


def fits(article: Article, match: Match) -> bool:
    """Whether every field that is set fits. Raises `ValueError` when `match.title` is not a regular expression."""
    return all(fit for _, fit in _marks(article, match))


def mark_of(article: Article, match: Match) -> str:
    """The first field that is set and fits, in words such as "its tag is no-newsletter"; "" when none does."""
    return next((words for words, fit in _marks(article, match) if fit), "")


def _marks(article: Article, match: Match) -> Iterator[tuple[str, bool]]:
    """Each field that is set, what it would mean that it fits, and whether it does."""
    if match.category:
        yield _shared("category", match.category, (*article.categories, article.section))
    if match.tag:
        yield _shared("tag", match.tag, article.tags)
    if match.source:
        yield _shared("source", match.source, (article.source,))
    if match.url_prefix:
        yield "its address is left out", _starts(article.url or "", match.url_prefix)
    if match.title:
        found_in_title = _pattern(match.title).search(article.title)
        yield f"its title has “{found_in_title[0] if found_in_title else ''}”", found_in_title is not None


def _fits_rule(article: Article, section: Section) -> bool:
    return not section.match.takes_all and fits(article, section.match)


def _is_hinted(hint: str, section: Section) -> bool:
    return hint in (section.name.casefold(), section.title.casefold())


def _shared(name: str, wanted: Sequence[str], found: Sequence[str]) -> tuple[str, bool]:
    """The mark of the first wanted text that is found, as the rule writes it, and whether there is one."""
    there = [text.strip().casefold() for text in found]
    for folded, text in _folded(tuple(wanted)):
        if folded in there:
            return f"its {name} is {text}", True
    return "", False


@lru_cache(maxsize=64)
def _folded(wanted: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((text.strip().casefold(), text) for text in wanted)


def _starts(url: str, prefixes: Sequence[str]) -> bool:
    """Whether the address or its path begins with a prefix, however either writes its letters and its host."""
    try:
        path = urlsplit(url).path
    except ValueError:  # "http://[" and its like
        path = ""
    return any(unquote(text).casefold().startswith(_comparable(tuple(prefixes))) for text in (path, url))


@lru_cache(maxsize=64)
def _comparable(prefixes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(unquote(canonical(prefix) or prefix).casefold() for prefix in prefixes)


@lru_cache(maxsize=64)
def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text, re.IGNORECASE)
    except re.error as error:
        what = f"“{text}” is not a regular expression ({error})"
        raise ValueError(f"{what}: correct the section's title rule.") from error
