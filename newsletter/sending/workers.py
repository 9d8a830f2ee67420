"""Who is sending. A worker proves that it lives by holding a lock; a lock that is free ends its claims at once.

Every other worker looks for free locks when it starts and every few seconds while it runs (`sender`), and gives a dead
worker's claims back, without waiting for a time-out. A worker whose process stands still keeps its lock; its heart
stops, and after `LEASE` by the database's clock its claims are ended as well. When it thaws, it is fenced: it claims
and intends nothing more until it has registered anew. So is one that lost its lock although it lives (PostgreSQL: the
session broke; SQLite: the file was removed) and could not take it again before somebody noticed.
"""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

import sqlalchemy as sa

from newsletter.database import Database
from newsletter.locks import Lock, try_lock
from newsletter.sending.steps import end_claims, stay_open
from newsletter.sending.tables import LEDGERS, workers

KEEP_ENDED = timedelta(days=30)
# Longer than any disturbance of the database that a living worker's heart cannot beat through.
LEASE = timedelta(seconds=120)


@dataclass(frozen=True, slots=True)
class Ended:
    """What dead workers left behind: how many of them, how many claims went back, how many messages are in doubt."""

    workers: int = 0
    claims: int = 0
    doubts: int = 0

    def __add__(self, other: Ended) -> Ended:
        return Ended(self.workers + other.workers, self.claims + other.claims, self.doubts + other.doubts)


class Worker:
    """A living worker and its lock, which is released at the end; `leave` also ends the worker: it has no claims left.

    Without `leave`, after an error or a kill, any other worker ends what is still claimed.
    """

    def __init__(self, database: Database, number: int, lock: Lock, *, name: str) -> None:
        self.id = number
        self._database = database
        self._lock = lock
        self._name = name

    def beat(self) -> None:
        """Say that this worker lives, and take its lock again when it was lost. Raises `WorkerEnded`."""
        mine = sa.and_(workers.c.id == self.id, workers.c.ended_at.is_(None))
        with self._database.write() as connection:
            beaten = workers.update().where(mine).values(seen_at=self._database.now())
            if not connection.execute(beaten).rowcount:
                stay_open(connection, self.id)
        if not self._lock.is_held():
            lock = try_lock(self._database, self._name)  # None: somebody has noticed, and is ending us
            if lock is not None:
                self._lock.release()
                self._lock = lock

    def leave(self, *, now: datetime) -> None:
        with self._database.write() as connection:
            connection.execute(workers.update().where(workers.c.id == self.id).values(ended_at=now))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def register(database: Database, *, now: datetime) -> Worker:
    """Become a worker: the lock first, then the row, so that no row is ever seen without its lock."""
    token = os.urandom(16).hex()
    lock = try_lock(database, name := f"worker-{token}")
    if lock is None:
        raise RuntimeError("a fresh random lock was already held")
    with database.write() as connection:
        connection.execute(workers.delete().where(workers.c.ended_at <= now - KEEP_ENDED))
        number = connection.execute(
            workers.insert()
            .values(token=token, host=platform.node()[:100], pid=os.getpid(), started_at=now, seen_at=database.now())
            .returning(workers.c.id)
        ).scalar_one()
    return Worker(database, number, lock, name=name)


def count_open(database: Database) -> int:
    """How many workers have not ended, the dead ones nobody has found yet among them."""
    with database.read() as connection:
        return connection.scalar(sa.select(sa.func.count()).where(workers.c.ended_at.is_(None))) or 0


def recover(database: Database, *, now: datetime, lease: timedelta = LEASE, besides: int = 0) -> Ended:
    """End every worker whose lock is free or whose heart stands still, and whatever workers that have ended still hold.

    `besides` is the number of the caller's own worker.
    """
    living = sa.and_(workers.c.ended_at.is_(None), workers.c.id != besides)
    frozen = workers.c.seen_at < database.now(before=lease)
    with database.read() as connection:
        rows = connection.execute(sa.select(workers.c.id, workers.c.token, frozen.label("frozen")).where(living)).all()
        left = connection.scalars(left_behind()).all()
    ended = Ended()
    for row in rows:
        lock = try_lock(database, f"worker-{row.token}")
        if lock is not None:
            with lock:
                ended += _end(database, row.id, now=now)
        elif row.frozen:
            ended += _end(database, row.id, now=now, unless=workers.c.seen_at >= database.now(before=lease))
    for number in left:
        ended += _end(database, number, now=now)
    return ended


def left_behind() -> sa.CompoundSelect[Any]:
    """The numbers of workers that hold rows and are not open: they have ended, or nobody knows them."""
    living = sa.select(workers.c.id).where(workers.c.ended_at.is_(None))
    held_by = (table.c.worker_id for table in LEDGERS)
    return sa.union(*(sa.select(number).where(number.is_not(None), number.not_in(living)) for number in held_by))


def _end(database: Database, number: int, *, now: datetime, unless: sa.ColumnElement[bool] | None = None) -> Ended:
    """End a worker and its claims; `unless` is a condition that saves it at the last moment."""
    mine = sa.and_(workers.c.id == number, workers.c.ended_at.is_(None))
    with database.write() as connection:
        # First of all: from here on this worker claims nothing more.
        change = workers.update().where(mine).values(ended_at=now)
        died = connection.execute(change if unless is None else change.where(~unless)).rowcount
        if unless is not None and not died:
            return Ended()
        return Ended(died, *end_claims(connection, number, now=now))
