"""The history of the numbers about articles: what others measured, and what an article has gained since a moment.

A number is written when it differs from the one before, or is a day younger: both ends of a week are known then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from newsletter.issue import Article, Signal, SignalKind
from newsletter.shelf.names import exact_name, url_name
from newsletter.shelf.statements import portions
from newsletter.shelf.tables import names, signals

COUNTS = frozenset({SignalKind.VIEWS, SignalKind.COMMENTS, SignalKind.SHARES, SignalKind.VOTES})
"""What only grows, so that the gain of a week can be told; a rating is what it is."""
AGAIN = timedelta(days=1)

History = Mapping[SignalKind, Sequence[Signal]]


def note(connection: sa.Connection, numbers: Sequence[tuple[str, Sequence[Signal]]], *, now: datetime) -> int:
    """Write numbers by address to the articles that have it under any of their names; returns for how many."""
    wanted = {name for url, _ in numbers for name in (exact_name(url), url_name(url))}
    known: dict[str, int] = {}
    for some in portions(sorted(wanted)):
        query = sa.select(names.c.name, names.c.article_id).where(names.c.name.in_(some))
        known |= {row.name: row.article_id for row in connection.execute(query)}
    given: dict[int, list[Signal]] = {}
    for url, measured in numbers:
        number = known.get(exact_name(url), known.get(url_name(url)))
        if number is not None:
            given.setdefault(number, []).extend(measured)
    before = histories(connection, list(given))
    fresh = []
    for number, measured in given.items():
        for kind in SignalKind:
            at_times = {min(one.at or now, now): one.value for one in measured if one.kind == kind}
            old = before.get(number, {}).get(kind, ())
            fresh += [
                {"article_id": number, "kind": kind, "at": at, "value": value} for at, value in _news(at_times, old)
            ]
    if fresh:
        connection.execute(signals.insert(), fresh)
    return len(given)


def _news(measured: Mapping[datetime, float], old: Sequence[Signal]) -> Iterable[tuple[datetime, float]]:
    """The numbers worth writing beside the old ones, earliest first."""
    history = {one.at: one.value for one in old if one.at is not None}
    for at in sorted(measured):
        if at in history:
            continue
        before = max((moment for moment in history if moment < at), default=None)
        if before is None or history[before] != measured[at] or at - before >= AGAIN:
            history[at] = measured[at]
            yield at, measured[at]


def histories(
    connection: sa.Connection, numbers: Sequence[int], *, until: datetime | None = None
) -> dict[int, dict[SignalKind, list[Signal]]]:
    """All numbers of each kind about each of these articles, or those until a moment, earliest first."""
    found: dict[int, dict[SignalKind, list[Signal]]] = {}
    for some in portions(numbers):
        query = sa.select(signals).where(signals.c.article_id.in_(some)).order_by(signals.c.at)
        query = query.where(signals.c.at <= until) if until else query
        for row in connection.execute(query):
            kind = SignalKind(row.kind)
            found.setdefault(row.article_id, {}).setdefault(kind, []).append(Signal(kind, row.value, row.at))
    return found


def gained(article: Article, history: History, *, since: datetime) -> tuple[Signal, ...]:
    """The numbers with which an article stands in a choice: what its counts have gained since a moment.

    Of an article that is younger, the whole count. Of an older one the difference of two readings, from the last one
    before the moment, else from the first; with one reading the gain is unknown and the count absent. A count that
    fell has begun anew.
    """
    young = article.published is not None and article.published >= since
    found = []
    for kind, readings in history.items():
        latest = readings[-1]
        if kind not in COUNTS or young:
            found.append(latest)
            continue
        earlier = [one for one in readings[:-1] if one.at is not None and one.at <= since]
        first = earlier[-1] if earlier else readings[0]
        if first is not latest and latest.at is not None and latest.at > since:
            gain = latest.value - first.value
            found.append(Signal(kind, gain if gain >= 0 else latest.value, latest.at))
    return tuple(found)
