"""Statements that the shelf and its intake share: merging two rows, and the newest numbers about articles."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TypeVar

import sqlalchemy as sa

from newsletter.issue import Signal, SignalKind
from newsletter.shelf.stored import edited, load_article
from newsletter.shelf.tables import articles, names, signals

AT_ONCE = 500

T = TypeVar("T")


def merge(connection: sa.Connection, *, keep: int, gone: int) -> None:
    """Make one row of two that are one article. It keeps both rows' names, numbers, edits, marks and issue."""
    connection.execute(names.update().where(names.c.article_id == gone).values(article_id=keep))
    rows = connection.execute(sa.select(articles).where(articles.c.id.in_((keep, gone)))).mappings()
    both = {row["id"]: row for row in rows}
    kept, other = both[keep], both[gone]
    # An issue is only ever taken back while it is the newest: the earlier one stays on record.
    carried = min(filter(None, (kept["carried_by"], other["carried_by"])), default="")
    edits = {**json.loads(other["edits"]), **json.loads(kept["edits"])}
    merged = {
        "carried_by": carried,
        "dropped_at": kept["dropped_at"] or other["dropped_at"],
        "held_until": kept["held_until"] or other["held_until"],
        "first_seen": min(kept["first_seen"], other["first_seen"]),
        "edits": json.dumps(edits),
        "published": edited(load_article(json.loads(kept["content"])), edits).published,
    }
    connection.execute(articles.update().where(articles.c.id == keep).values(merged))
    its = signals.alias()
    clash = sa.exists().where(its.c.article_id == keep, its.c.kind == signals.c.kind, its.c.at == signals.c.at)
    connection.execute(signals.update().where(signals.c.article_id == gone, ~clash).values(article_id=keep))
    connection.execute(articles.delete().where(articles.c.id == gone))


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
