"""Statements that the shelf and its intake share: merging two rows, what holds about one, the newest numbers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeVar

import sqlalchemy as sa

from newsletter.decisions import about, marks_of, repoint
from newsletter.issue import QUARANTINE, Signal, SignalKind
from newsletter.shelf.stored import edited, load_article
from newsletter.shelf.tables import articles, names, signals

AT_ONCE = 500

T = TypeVar("T")


def merge(connection: sa.Connection, *, keep: int, gone: int) -> None:
    """Make one row of two that are one article. It keeps both rows' names, numbers, decisions and issue."""
    connection.execute(names.update().where(names.c.article_id == gone).values(article_id=keep))
    rows = connection.execute(sa.select(articles).where(articles.c.id.in_((keep, gone)))).mappings()
    both = {row["id"]: row for row in rows}
    kept, other = both[keep], both[gone]
    # An issue is only ever taken back while it is the newest: the earlier one stays on record.
    carried = min(filter(None, (kept["carried_by"], other["carried_by"])), default="")
    merged = {"carried_by": carried, "first_seen": min(kept["first_seen"], other["first_seen"])}
    connection.execute(articles.update().where(articles.c.id == keep).values(merged))
    repoint(connection, gone=gone, keep=keep)
    mark(connection, keep, also=other["held_until"])
    its = signals.alias()
    clash = sa.exists().where(its.c.article_id == keep, its.c.kind == signals.c.kind, its.c.at == signals.c.at)
    connection.execute(signals.update().where(signals.c.article_id == gone, ~clash).values(article_id=keep))
    connection.execute(articles.delete().where(articles.c.id == gone))


def mark(connection: sa.Connection, number: int, *, now: datetime | None = None, also: str = "") -> None:
    """Write beside an article what holds about it in the log of decisions; `now` when that is a change of its own.

    Quarantine is not decided by an editor: it stays, also what stood on a row that was found to be this one.
    """
    row = connection.execute(sa.select(articles).where(articles.c.id == number)).one()
    marks = marks_of(about(connection, number))
    quarantine = QUARANTINE if QUARANTINE in (row.held_until, also) else ""
    values = {
        "edits": json.dumps(marks.edits),
        "dropped_at": marks.dropped_at,
        "held_until": marks.held_until or quarantine,
        "published": edited(load_article(json.loads(row.content)), marks.edits).published,
        **({"changed_at": now} if now else {}),
    }
    connection.execute(articles.update().where(articles.c.id == number).values(values))


def latest_signals(connection: sa.Connection, numbers: Sequence[int]) -> dict[int, dict[SignalKind, Signal]]:
    """The newest number of each kind about each of these articles."""
    newer = signals.alias()
    newest = (
        sa.select(sa.func.max(newer.c.at))
        .where(newer.c.article_id == signals.c.article_id, newer.c.kind == signals.c.kind)
        .scalar_subquery()
    )
    found: dict[int, dict[SignalKind, Signal]] = {}
    for some in portions(numbers):
        for row in connection.execute(sa.select(signals).where(signals.c.article_id.in_(some), signals.c.at == newest)):
            kind = SignalKind(row.kind)
            found.setdefault(row.article_id, {})[kind] = Signal(kind, row.value, row.at)
    return found


def portions(many: Sequence[T]) -> Iterable[Sequence[T]]:
    """Slices of at most `AT_ONCE`: a statement takes a limited number of values."""
    return (many[start : start + AT_ONCE] for start in range(0, len(many), AT_ONCE))
