"""Group commit: changes of one row each, asked for by many lanes, in one transaction.

SQLite lets one transaction in at a time, and a flushed commit waits for the disk (0.3 to 5 ms). So the lane that finds
nobody at work commits what every lane has asked for meanwhile, in one transaction and with one flush; the others wait
until theirs is done. Nobody goes on before their own change is committed, and durable if they asked for that: what a
lane may rely on is the same as if it were alone. When the transaction fails, it fails for all who were in it.

On PostgreSQL every change is a transaction of its own: the server flushes for many at once by itself.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from newsletter.database import Database


class Statement:
    """An UPDATE made ready once. Its values are the statement's bound parameters by name."""

    def __init__(self, database: Database, update: sa.Update) -> None:
        self.update = update
        dialect = database.engine.dialect
        compiled = update.compile(dialect=dialect)
        self.sql = str(compiled)
        self._values = [
            (name, compiled.params[name], compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect))
            for name in getattr(compiled, "positiontup", None) or ()
        ]

    def values(self, given: Mapping[str, Any]) -> tuple[Any, ...]:
        """The values in the order of the SQL, as SQLite takes them."""
        return tuple(
            process(value) if process else value
            for value, process in ((given.get(name, fixed), process) for name, fixed, process in self._values)
        )


def _locked() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass(slots=True, eq=False)
class _Wish:
    """What one lane waits for. `turn` is locked until its change is done, or until it is to lead the next commit."""

    change: tuple[str, tuple[Any, ...]]
    flushed: bool
    turn: threading.Lock = field(default_factory=_locked)
    done: bool = False
    changed: int = 0
    error: BaseException | None = None


class GroupCommit:
    """Used by all lanes of one process at once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._guard = threading.Lock()
        self._wishes: list[_Wish] = []
        self._busy = False

    def change(self, statement: Statement, given: Mapping[str, Any], *, flushed: bool) -> int:
        """Commit one change and return how many rows it changed. `flushed`: it survives a power cut, too.

        A change that is not flushed survives the death of the process, and becomes durable with the next that is.
        Raises `DatabaseError`.
        """
        if not self._database.is_sqlite:
            with self._database.write() as connection:
                return connection.execute(statement.update, given).rowcount
        wish = _Wish((statement.sql, statement.values(given)), flushed)
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
            changed = self._database.write_rows([wish.change for wish in wishes], flushed=flushed)
            for wish, number in zip(wishes, changed, strict=True):
                wish.changed = number
        except BaseException as failure:  # noqa: BLE001 - raised again in every lane that waits for it
            error = failure
        with self._guard:
            following = self._wishes[:1]
            self._busy = bool(following)
        for wish in wishes:
            wish.error, wish.done = error, True
        for wish in (*wishes, *following):
            wish.turn.release()
