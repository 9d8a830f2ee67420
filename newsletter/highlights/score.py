"""How good an article is among those it stands beside: six terms, each 0 to 1 times its weight.

The weights are measured on 390 weeks of three editors' picks and the pools they chose from (docs/decisions.md). Inside
a week popularity tells most: recall .220 and .286 where chance has .136 and .088. The prior, what this editor kept
before, adds .05 to .2 to that (docs/benchmarks.md). Age only settles ties: recency at .10 instead of .03 lowered recall
from .286 to .254. Comments mislead: 30 % of them in popularity cost .035 of recall, so they count only where nothing
better is known, and then less. The weights are relative to each other: a term that no article has anything for is left
out and the others share its weight. Unknown is neutral (0.5), never zero, and the words say so.

Numbers are computed for all, once, as columns; words only for an article whose terms are looked at.

What it does not know: sections, duplicates, or what was picked before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, overload

from newsletter.errors import counted
from newsletter.highlights.candidate import Candidate
from newsletter.highlights.prior import NOTHING_LEARNED, Prior
from newsletter.issue import Article, SignalKind, Term

NEUTRAL = 0.5
WEIGHTS = {
    "popularity": 0.50,
    "prior": 0.35,
    "rating": 0.10,
    "prominence": 0.10,
    "completeness": 0.05,
    "recency": 0.03,
}

COMMENTS_ALONE = 0.15
"""What popularity weighs where comments are all that is known of it."""

_BEST_FIRST = (SignalKind.VIEWS, SignalKind.SHARES, SignalKind.VOTES, SignalKind.COMMENTS)
_RATERS = 20  # how many raters it takes to weigh as much as the site's mean
_TOP = 5.0
_MOST = 1e12


@dataclass(frozen=True, slots=True)
class Scale:
    """What all candidates of one choice are measured by. `site_mean` is the usual rating, 0 to 5."""

    now: datetime
    max_age: timedelta
    site_mean: float
    prior: Prior = NOTHING_LEARNED


class Measured(NamedTuple):
    """What is known of one candidate before it is compared: the same in every section."""

    candidate: Candidate
    loudest: tuple[SignalKind, float] | None
    rated: bool
    rating: float | None
    taste: float | None
    prominence: float
    completeness: float
    recency: float


def measure(candidate: Candidate, *, scale: Scale) -> Measured:
    """The numbers of a candidate that has a date."""
    article = candidate.article
    assert article.published is not None
    age = (scale.now - article.published) / scale.max_age
    rated = rating_of(article)
    return Measured(
        candidate,
        loudest=loudest(article),
        rated=rated != (None, None),
        rating=None if rated[0] is None else _steady(rated[0], rated[1], site_mean=scale.site_mean),
        taste=scale.prior.taste(article) if scale.prior else None,
        prominence=1.0 if article.featured else 0.7 if candidate.seen_in > 1 else NEUTRAL,
        completeness=((article.image is not None) + bool(article.blurb.strip())) / 2,
        recency=min(1.0, max(0.0, 1 - age)),
    )


class Scores:
    """The scores of articles that stand beside each other. `totals` is in the order of `measured`."""

    def __init__(self, measured: Sequence[Measured], *, scale: Scale) -> None:
        self._measured, self._scale = measured, scale
        loud: list[list[float]] = [[] for _ in _BEST_FIRST]
        for one in measured:
            if one.loudest:
                loud[_BEST_FIRST.index(one.loudest[0])].append(one.loudest[1])
        self._shares = [_shares_beaten(values) for values in loud]
        self._known = [len(values) for values in loud]
        tastes = _shares_beaten([one.taste for one in measured if one.taste is not None])
        columns = {
            "popularity": [self._popularity(one) for one in measured] if self._has_popularity() else None,
            "prior": [tastes[one.taste] for one in measured if one.taste is not None],
            "rating": [NEUTRAL if one.rating is None else one.rating for one in measured] if self._rated() else None,
            "prominence": [one.prominence for one in measured],
            "completeness": [one.completeness for one in measured],
            "recency": [one.recency for one in measured],
        }
        self._columns = {name: column for name, column in columns.items() if column}
        by_comments = any(self._known) and not any(self._known[: _BEST_FIRST.index(SignalKind.COMMENTS)])
        weights = {**WEIGHTS, "popularity": COMMENTS_ALONE} if by_comments else WEIGHTS
        whole = sum(weights[name] for name in self._columns)
        self._weights = {name: weights[name] / whole for name in self._columns}
        self.totals = [0.0] * len(measured)
        for name, column in self._columns.items():
            weight = self._weights[name]
            self.totals = [total + weight * value for total, value in zip(self.totals, column, strict=True)]

    def terms(self, index: int) -> Sequence[Term]:
        """The terms of one article; their words are made when they are looked at."""
        return _Terms(self, index)

    def made(self, index: int) -> tuple[Term, ...]:
        one = self._measured[index]
        return tuple(
            Term(name, self._weights[name], column[index], self._why(name, one))
            for name, column in self._columns.items()
        )

    def _has_popularity(self) -> bool:
        return any(self._known) or any(one.candidate.weight != 1 for one in self._measured)

    def _rated(self) -> bool:
        return any(one.rated for one in self._measured)

    def _popularity(self, one: Measured) -> float:
        """The share of the others it beats, counting ties half, among those known by the same kind of number."""
        share = NEUTRAL
        if one.loudest:
            kind, value = one.loudest
            share = self._shares[_BEST_FIRST.index(kind)][value]
        weight = one.candidate.weight
        # Weight 2 is the chance of the better of two draws: it lifts without ever running into a ceiling.
        return share if weight == 1 else 1 - (1 - share) ** max(weight, 0.0)

    def _why(self, name: str, one: Measured) -> str:
        article = one.candidate.article
        match name:
            case "popularity":
                return self._why_popular(one)
            case "prior":
                return self._scale.prior.why(article) or "nothing like it was kept or passed over often"
            case "rating":
                return _why_rated(article, site_mean=self._scale.site_mean)
            case "prominence":
                seen_in = one.candidate.seen_in
                seen = f"seen in {seen_in} sources" if seen_in > 1 else "not featured: neutral"
                return "featured by its source" if article.featured else seen
            case "completeness":
                lacks = [
                    what for what, there in (("image", article.image), ("blurb", article.blurb.strip())) if not there
                ]
                return ", ".join(f"no {what}" for what in lacks) or "image and blurb"
            case _:
                assert article.published is not None
                days = days_between(article.published, self._scale.now)
                return f"{counted(days, 'day')} old" if days else "less than a day old"

    def _why_popular(self, one: Measured) -> str:
        if one.loudest is None:
            why = "no views, shares or votes known: neutral"
        else:
            kind, value = one.loudest
            column = _BEST_FIRST.index(kind)
            known = self._known[column]
            place = f"{_ordinal(round(100 * self._shares[column][value]))} of 100 among {known}"
            noun = kind.value[:-1] if value == 1 else kind.value
            why = f"{value:,.0f} {noun}: {place if known > 1 else 'nothing to compare it with'}"
        weight = one.candidate.weight
        return why if weight == 1 else f"{why}; source weight {weight:g}"


class _Terms(Sequence[Term]):
    """Terms whose words are made when they are looked at: of ten thousand articles few are."""

    __slots__ = ("_index", "_scores")

    def __init__(self, scores: Scores, index: int) -> None:
        self._scores, self._index = scores, index

    @overload
    def __getitem__(self, index: int) -> Term: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Term]: ...
    def __getitem__(self, index: int | slice) -> Term | Sequence[Term]:
        return self._scores.made(self._index)[index]

    def __iter__(self) -> Iterator[Term]:
        return iter(self._scores.made(self._index))

    def __len__(self) -> int:
        return len(self._scores.made(self._index))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]

    def as_json(self) -> list[Term]:
        return list(self)


def _shares_beaten(values: Sequence[float]) -> dict[float, float]:
    """For each value the share of all that it beats, counting ties half."""
    first: dict[float, int] = {}
    behind: dict[float, int] = {}
    for place, value in enumerate(sorted(values)):
        first.setdefault(value, place)
        behind[value] = place + 1
    return {value: (place + behind[value]) / 2 / len(values) for value, place in first.items()}


def site_mean_of(candidates: Sequence[Candidate]) -> float:
    """The mean of all ratings a site has, 0 to 5; the middle when it has none."""
    ratings = [rating for candidate in candidates if (rating := rating_of(candidate.article)[0]) is not None]
    return sum(ratings) / len(ratings) if ratings else _TOP / 2


def rating_of(article: Article) -> tuple[float | None, int | None]:
    """A rating (0 to 5) and by how many, from the signals or else the card. Each is None when unknown or impossible.

    A count without a value stays that ("3 users"); a value that nobody gave is none.
    """
    card = article.card
    rating = count = None
    for signal in article.signals:
        if signal.kind is SignalKind.RATING:
            rating = signal.value
        elif signal.kind is SignalKind.RATING_COUNT:
            count = signal.value
    if card is None and rating is None and count is None:
        return None, None
    rating = _first(rating, card.rating if card else None)
    count = _first(count, card.rating_count if card else None)
    if rating is not None and (rating > _TOP or count == 0):
        rating = None
    return rating, None if count is None else int(count)


def _first(*values: float | None) -> float | None:
    """The first that can be true: sources deliver NaN, negative views and more readers than there are people."""
    return next((value for value in values if value is not None and 0 <= value <= _MOST), None)


def loudest(article: Article) -> tuple[SignalKind, float] | None:
    """The number that says most about how popular an article is: views, else shares, votes, comments."""
    for kind in _BEST_FIRST if article.signals else ():
        value = article.signal(kind)
        if value is not None and 0 <= value <= _MOST:
            return kind, value
    return None


def _steady(rating: float, count: int | None, *, site_mean: float) -> float:
    """A Bayesian mean: where 3.8 is usual, three raters at 5.0 make 3.96, and four hundred at 4.5 make 4.47."""
    raters = 1 if count is None else count
    steady = (raters * rating + _RATERS * site_mean) / (raters + _RATERS)
    return min(1.0, max(0.0, (steady - site_mean + 1) / 2))


def _why_rated(article: Article, *, site_mean: float) -> str:
    rating, count = rating_of(article)
    if rating is None:
        return "not rated: neutral" if count is None else f"{counted(count, 'user')}, no rating value: neutral"
    by = "an unknown number" if count is None else f"{count:,}"
    return f"{rating:g} of 5 by {by}, where {site_mean:.1f} is usual"


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def days_between(published: datetime, now: datetime) -> int:
    """The age in days as one says it: 0 below a whole day, then to the nearest."""
    age = (now - published) / timedelta(days=1)
    return round(age) if age >= 1 else 0
