"""Group commit: small changes, asked for by many lanes, in one transaction.

A flushed commit waits for the disk (0.3 to 10 ms), SQLite lets one transaction in at a time, and PostgreSQL answers
each after a round trip. So the lane that finds nobody at work commits what every lane has asked for meanwhile, in one
transaction and with one flush; the others wait until theirs is done. Nobody goes on before their own change is
committed, and durable if they asked for that: what a lane may rely on is the same as if it were alone. When the
transaction fails, it fails for all who were in it.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from newsletter.database import Database


class Statement:
    """A statement made ready once. Its values are the statement's bound parameters by name."""

    def __init__(self, database: Database, statement: sa.Executable) -> None:
        dialect = database.engine.dialect
        compiled: Any = statement.compile(dialect=dialect)  # type: ignore[attr-defined]
        self.statement = statement
        self.sql = str(compiled)
        names = getattr(compiled, "positiontup", None)
        self._by_name = names is None
        self._names = tuple(names or compiled.params)
        self._values = [
            (name, compiled.params[name], compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect))
            for name in self._names
        ]

    def values(self, given: Mapping[str, Any]) -> tuple[Any, ...] | dict[str, Any]:
        """The values as the driver takes them: in the order of the SQL (SQLite), or by name (PostgreSQL)."""
        values = []
        for name, fixed, process in self._values:
            value = given.get(name, fixed)
            values.append(process(value) if process else value)
        return dict(zip(self._names, values, strict=True)) if self._by_name else tuple(values)


Change = tuple[Statement, Mapping[str, Any]]


def _locked() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass(slots=True, eq=False)
class _Wish:
    """What one lane waits for. `turn` is locked until its changes are done, or until it is to lead the next commit."""

    changes: list[tuple[str, Any]]
    flushed: bool
    turn: threading.Lock = field(default_factory=_locked)
    done: bool = False
    changed: list[int] = field(default_factory=list)
    error: BaseException | None = None


class GroupCommit:
    """Used by all lanes of one process at once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._guard = threading.Lock()
        self._wishes: list[_Wish] = []
        self._busy = False

    def change(self, changes: Sequence[Change], *, flushed: bool) -> list[int]:
        """Commit some changes as one and return how many rows each changed. `flushed`: they survive a power cut, too.

        Changes that are not flushed survive the death of the process, and become durable with the next that are.
        Raises `DatabaseError`.
        """
        wish = _Wish([(statement.sql, statement.values(given)) for statement, given in changes], flushed)
        with self._guard:
            self._wishes.append(wish)
            leads = not self._busy
            self._busy = True
        if not leads:
            wish.turn.acquire()
        if not wish.done:
            self._lead()
        if wish.error is not None:
            raise wish.error
        return wish.changed

    def _lead(self) -> None:
        """Commit everything asked for so far, then let its owners go on, and one of those who came meanwhile lead."""
        with self._guard:
            wishes, self._wishes = self._wishes, []
        error: BaseException | None = None
        try:
            flushed = any(wish.flushed for wish in wishes)
            changed = self._database.write_rows([one for wish in wishes for one in wish.changes], flushed=flushed)
            for wish in wishes:
                wish.changed, changed = changed[: len(wish.changes)], changed[len(wish.changes) :]
        except BaseException as failure:  # noqa: BLE001 - raised again in every lane that waits for it
            error = failure
        with self._guard:
            following = self._wishes[:1]
            self._busy = bool(following)
        for wish in wishes:
            wish.error, wish.done = error, True
        for wish in (*wishes, *following):
            wish.turn.release()
