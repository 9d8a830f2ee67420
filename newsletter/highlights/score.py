"""How good an article is among those it stands beside: five terms, each 0 to 1 times its weight.

The weights are measured on 390 weeks of three editors' picks and the pools they chose from (docs/decisions.md). Inside
a week popularity tells most: recall .220 and .286 where chance has .136 and .088. Age only settles ties: recency at .10
instead of .03 lowered recall from .286 to .254. Comments mislead: 30 % of them in popularity cost .035 of recall, so
they count only where nothing better is known. A term that no article has anything for is left out and the others share
its weight. Unknown is neutral (0.5), never zero, and the words say so.

What it does not know: sections, duplicates, or what was picked before.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from newsletter.errors import counted
from newsletter.highlights.candidate import Candidate
from newsletter.issue import Article, SignalKind, Term

NEUTRAL = 0.5
WEIGHTS = {"popularity": 0.50, "rating": 0.10, "prominence": 0.10, "completeness": 0.05, "recency": 0.03}

_BEST_FIRST = (SignalKind.VIEWS, SignalKind.SHARES, SignalKind.VOTES, SignalKind.COMMENTS)
_STEADY = 20  # how many raters it takes to weigh as much as the site's mean
_TOP = 5.0
_MOST = 1e12


@dataclass(frozen=True, slots=True)
class Measured:
    """One term's value before its weight, and whether anything was known."""

    value: float
    why: str
    known: bool = True


def total(terms: Sequence[Term]) -> float:
    return sum(term.points for term in terms)


def terms_for(
    candidates: Sequence[Candidate], *, now: datetime, max_age: timedelta, site_mean: float
) -> list[tuple[Term, ...]]:
    """The terms of each candidate, in the same order. Every candidate has a date; `site_mean` is 0 to 5."""
    columns = {
        "popularity": _popularity(candidates),
        "rating": [_rating(candidate.article, site_mean=site_mean) for candidate in candidates],
        "prominence": [_prominence(candidate) for candidate in candidates],
        "completeness": [_completeness(candidate.article) for candidate in candidates],
        "recency": [_recency(candidate.article, now=now, max_age=max_age) for candidate in candidates],
    }
    present = {name: column for name, column in columns.items() if any(measured.known for measured in column)}
    whole = sum(WEIGHTS[name] for name in present)
    weights = {name: WEIGHTS[name] / whole for name in present}
    return [
        tuple(Term(name, weights[name], cell.value, cell.why) for name, cell in zip(present, row, strict=True))
        for row in zip(*present.values(), strict=True)
    ]


def site_mean_of(candidates: Sequence[Candidate]) -> float:
    """The mean of all ratings a site has, 0 to 5; the middle when it has none."""
    ratings = [rating for candidate in candidates if (rating := rating_of(candidate.article)[0]) is not None]
    return sum(ratings) / len(ratings) if ratings else _TOP / 2


def rating_of(article: Article) -> tuple[float | None, int | None]:
    """A rating (0 to 5) and by how many, from the signals or else the card. Each is None when unknown or impossible.

    A count without a value stays that ("3 users"); a value that nobody gave is none.
    """
    card = article.card
    rating = _first(article.signal(SignalKind.RATING), card.rating if card else None)
    count = _first(article.signal(SignalKind.RATING_COUNT), card.rating_count if card else None)
    if rating is not None and (rating > _TOP or count == 0):
        rating = None
    return rating, None if count is None else int(count)


def _first(*values: float | None) -> float | None:
    """The first that can be true: sources deliver NaN, negative views and more readers than there are people."""
    return next((value for value in values if value is not None and 0 <= value <= _MOST), None)


def _popularity(candidates: Sequence[Candidate]) -> list[Measured]:
    """The share of the others an article beats, counting ties half, among those known by the same kind of number."""
    found = [loudest(candidate.article) for candidate in candidates]
    values = {kind: sorted(one[1] for one in found if one and one[0] == kind) for kind in _BEST_FIRST}
    return [_place(signal, values, candidate.weight) for signal, candidate in zip(found, candidates, strict=True)]


def loudest(article: Article) -> tuple[SignalKind, float] | None:
    """The number that says most about how popular an article is: views, else shares, votes, comments."""
    known = ((kind, _first(article.signal(kind))) for kind in _BEST_FIRST)
    return next(((kind, value) for kind, value in known if value is not None), None)


def _place(
    signal: tuple[SignalKind, float] | None, values: dict[SignalKind, list[float]], source_weight: float
) -> Measured:
    if signal is None:
        share, why = NEUTRAL, "no views, shares or votes known: neutral"
    else:
        kind, value = signal
        column = values[kind]
        share = (bisect_left(column, value) + bisect_right(column, value)) / 2 / len(column)
        place = f"{_ordinal(round(100 * share))} of 100 among {len(column)}"
        noun = kind.value[:-1] if value == 1 else kind.value
        why = f"{value:,.0f} {noun}: {place if len(column) > 1 else 'nothing to compare it with'}"
    if source_weight == 1:
        return Measured(share, why, known=signal is not None)
    # Weight 2 is the chance of the better of two draws: it lifts without ever running into a ceiling.
    weighted = 1 - (1 - share) ** max(source_weight, 0.0)
    return Measured(weighted, f"{why}; source weight {source_weight:g}")


def _rating(article: Article, *, site_mean: float) -> Measured:
    """A Bayesian mean: where 3.8 is usual, three raters at 5.0 make 3.96, and four hundred at 4.5 make 4.47."""
    rating, count = rating_of(article)
    if rating is None:
        if count is None:
            return Measured(NEUTRAL, "not rated: neutral", known=False)
        return Measured(NEUTRAL, f"{counted(count, 'user')}, no rating value: neutral")
    raters = 1 if count is None else count
    steady = (raters * rating + _STEADY * site_mean) / (raters + _STEADY)
    by = "an unknown number" if count is None else f"{count:,}"
    why = f"{rating:g} of 5 by {by}, where {site_mean:.1f} is usual"
    return Measured(min(1.0, max(0.0, (steady - site_mean + 1) / 2)), why)


def _prominence(candidate: Candidate) -> Measured:
    if candidate.article.featured:
        return Measured(1.0, "featured by its source")
    if candidate.seen_in > 1:
        return Measured(0.7, f"seen in {candidate.seen_in} sources")
    return Measured(NEUTRAL, "not featured: neutral")


def _completeness(article: Article) -> Measured:
    image, blurb = article.image is not None, bool(article.blurb.strip())
    why = {(1, 1): "image and blurb", (1, 0): "no blurb", (0, 1): "no image", (0, 0): "no image, no blurb"}
    return Measured((image + blurb) / 2, why[image, blurb])


def _recency(article: Article, *, now: datetime, max_age: timedelta) -> Measured:
    assert article.published is not None  # candidates have a date
    age = now - article.published
    days = age // timedelta(days=1)
    when = "less than a day old" if days < 1 else f"{counted(days, 'day')} old"
    return Measured(min(1.0, max(0.0, 1 - age / max_age)), when)


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
