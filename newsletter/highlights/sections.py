"""Which sections an article is tried in.

The decision, because several are possible: an article belongs to the sections whose rule it fits, wherever in the
settings a section without a rule stands; what fits no rule belongs to the sections without one. It is tried in each of
its sections in the order of the settings. What finds no place there waits for the next issue and does not spill into
another section, so that an editor always knows where guides go. A source that is bound to sections fills those alone;
a hint of the source that names a section counts as fitting its rule.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from newsletter.highlights.candidate import Candidate
from newsletter.issue import Article, Match, Section
from newsletter.links import canonical


def sections_of(candidate: Candidate, *, sections: Sequence[Section]) -> tuple[str, ...]:
    """The names of the sections a candidate is tried in, in the order of `sections`. Empty: it fits none."""
    article = candidate.article
    allowed = [section for section in sections if not candidate.sections or section.name in candidate.sections]
    ruled = [section.name for section in allowed if _is_hinted(article, section) or _fits_rule(article, section)]
    if ruled:
        return tuple(ruled)
    open_to_all = tuple(section.name for section in allowed if section.match == Match())
    bound = tuple(section.name for section in allowed) if candidate.sections else ()
    return open_to_all or bound


def fits(article: Article, match: Match) -> bool:
    """Whether every field that is set fits. Raises `ValueError` when `match.title` is not a regular expression."""
    return (
        (not match.category or _meet(match.category, (*article.categories, article.section)))
        and (not match.tag or _meet(match.tag, article.tags))
        and (not match.source or _meet(match.source, (article.source,)))
        and (not match.url_prefix or _starts(article.url or "", match.url_prefix))
        and (not match.title or _pattern(match.title).search(article.title) is not None)
    )


def _fits_rule(article: Article, section: Section) -> bool:
    return section.match != Match() and fits(article, section.match)


def _is_hinted(article: Article, section: Section) -> bool:
    hint = article.section.strip().casefold()
    return bool(hint) and hint in (section.name.casefold(), section.title.casefold())


def _meet(wanted: Sequence[str], found: Sequence[str]) -> bool:
    return not {text.strip().casefold() for text in wanted}.isdisjoint(text.strip().casefold() for text in found)


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
