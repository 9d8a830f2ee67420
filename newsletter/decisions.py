"""The log of the editor's decisions: appended to, never overwritten; one is undone by another.

What holds now is worked out from the log alone (`effective`), so that the same log on the same shelf makes the same
issue. A decision names the issue it was made for; an edit, a hold and a drop for ever hold beyond it.

What it does not know: articles (`shelf`, which keeps beside each what holds about it), how an issue is made of
decisions (`highlights.hand`), and whether one is allowed (`weekly.editor`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from newsletter.database import Database, RowId, UtcDateTime, metadata, one_of, storable
from newsletter.errors import Refused
from newsletter.issue import PLACING, Act, Decision

LASTING = frozenset({Act.EDIT, Act.HOLD, Act.DROP})
"""What may hold beyond the issue it was decided for."""

decisions = sa.Table(
    "decisions",
    metadata,
    sa.Column("id", RowId, primary_key=True, autoincrement=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("slot_key", sa.String(20), nullable=False, index=True),
    sa.Column("act", sa.String(20), nullable=False),
    sa.Column("article_id", RowId, index=True),
    sa.Column("other_id", RowId),
    sa.Column("undoes", RowId),
    sa.Column("by", sa.String(120), nullable=False, server_default=""),
    sa.Column("origin", sa.String(20), nullable=False, server_default=""),
    sa.Column("details", sa.Text, nullable=False, server_default="{}"),
    one_of("act", Act),
)


@dataclass(frozen=True, slots=True)
class Marks:
    """What holds about an article in every issue: the editor's words, and how long it is kept out."""

    edits: dict[str, str] = field(default_factory=dict)
    dropped_at: datetime | None = None
    held_until: str = ""


class Decisions:
    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, connection: sa.Connection, decision: Decision) -> Decision:
        """Write one decision, in a transaction the caller began; returns it with its number."""
        values = {
            "at": decision.at,
            "slot_key": decision.slot_key,
            "act": decision.act,
            "article_id": decision.article,
            "other_id": decision.other,
            "undoes": decision.undoes,
            "by": storable(decision.by),
            "origin": decision.origin,
            "details": storable(json.dumps(dict(decision.values), ensure_ascii=False, sort_keys=True)),
        }
        number = connection.execute(decisions.insert().values(values)).inserted_primary_key
        assert number is not None
        return replace(decision, number=number[0])

    def get(self, number: int) -> Decision:
        with self._database.read() as connection:
            found = _read(connection, decisions.c.id == number)
        if not found:
            raise Refused(f"there is no decision {number}; `newsletter articles decisions` lists them")
        return found[0]

    def log(self, slot_key: str | None = None) -> list[Decision]:
        """Every decision for one issue, or of all issues, oldest first."""
        where = decisions.c.slot_key == slot_key if slot_key else sa.true()
        with self._database.read() as connection:
            return _read(connection, where)

    def since(self, connection: sa.Connection, number: int) -> list[Decision]:
        """The decisions after the one of this number, in a transaction the caller began."""
        return _read(connection, decisions.c.id > number)

    def newest(self) -> int:
        """The number of the newest decision; 0 when there is none."""
        with self._database.read() as connection:
            return connection.execute(sa.select(sa.func.max(decisions.c.id))).scalar() or 0

    def effective(self, slot_key: str) -> list[Decision]:
        """What holds for one issue, oldest first: about it, and about articles in every issue."""
        with self._database.read() as connection:
            return effective_in(connection, slot_key)

    def attended(self, connection: sa.Connection, slot_key: str) -> datetime | None:
        """When an editor last decided anything for an issue."""
        last = sa.select(sa.func.max(decisions.c.at)).where(decisions.c.slot_key == slot_key)
        return connection.execute(last).scalar()


def effective_in(connection: sa.Connection, slot_key: str) -> list[Decision]:
    """As `Decisions.effective`, in a transaction the caller began."""
    lasting = decisions.c.act.in_([*LASTING, Act.UNDO])
    return effective(_read(connection, sa.or_(decisions.c.slot_key == slot_key, lasting)))


def rejected_in(connection: sa.Connection, slot_key: str) -> set[int]:
    """The articles that an editor dropped from one issue, or swapped out of it, and did not take in again."""
    found: set[int] = set()
    for decision in effective_in(connection, slot_key):
        if decision.slot_key != slot_key or decision.article is None:
            continue
        if decision.act == Act.DROP:
            found.add(decision.article)
        elif decision.act in PLACING or decision.act == Act.HOLD:
            found.discard(decision.article)
            if decision.act == Act.SWAP and decision.other is not None:
                found.add(decision.other)
    return found


def effective(log: Sequence[Decision]) -> list[Decision]:
    """The decisions that hold, in the order of the log: without what was undone, and without the undoing."""
    undone: set[int] = set()
    holds = []
    for decision in reversed(log):  # an undo comes after what it undoes, and may be undone after that
        if decision.number in undone:
            continue
        if decision.act == Act.UNDO and decision.undoes is not None:
            undone.add(decision.undoes)
        elif decision.act != Act.UNDO:
            holds.append(decision)
    return holds[::-1]


def about(connection: sa.Connection, article: int) -> list[Decision]:
    """What holds about one article, whatever issue it was decided for."""
    its = sa.or_(decisions.c.article_id == article, decisions.c.act == Act.UNDO)
    return effective(_read(connection, its))


def marks_of(log: Iterable[Decision]) -> Marks:
    """What the effective decisions about one article leave on it. A place or a drop for one issue ends a hold."""
    marks = Marks()
    for decision in log:
        if decision.act == Act.EDIT:
            words = {**marks.edits, **decision.values}
            marks = replace(marks, edits={name: text for name, text in words.items() if text})
        elif decision.act == Act.HOLD:
            marks = replace(marks, dropped_at=None, held_until=decision.values.get("until", ""))
        elif decision.act == Act.DROP and decision.values.get("ever"):
            marks = replace(marks, dropped_at=decision.at, held_until="")
        elif decision.act in PLACING or decision.act == Act.DROP:
            marks = replace(marks, dropped_at=None, held_until="")
    return marks


def repoint(connection: sa.Connection, *, gone: int, keep: int) -> None:
    """Make the decisions about one article those about another, with which it turned out to be one."""
    for column in (decisions.c.article_id, decisions.c.other_id):
        connection.execute(decisions.update().where(column == gone).values({column.name: keep}))


def _read(connection: sa.Connection, where: sa.ColumnElement[bool]) -> list[Decision]:
    rows = connection.execute(sa.select(decisions).where(where).order_by(decisions.c.id))
    return [_decision(row) for row in rows.mappings()]


def _decision(row: sa.RowMapping) -> Decision:
    values: dict[str, Any] = json.loads(row["details"])
    return Decision(
        act=Act(row["act"]),
        slot_key=row["slot_key"],
        article=row["article_id"],
        other=row["other_id"],
        undoes=row["undoes"],
        values=values,
        by=row["by"],
        origin=row["origin"],
        at=row["at"],
        number=row["id"],
    )
