"""Who is sending. A worker proves that it lives by holding a lock; a lock that is free ends its claims at once.

Nothing waits for a time-out: every other worker looks for free locks when it starts and every few seconds while it
runs (`sender`), and gives a dead worker's claims back. A worker that is merely frozen keeps its lock and its claims;
when it thaws, it goes on. One that lost its lock although it lives (PostgreSQL: its session broke) is ended too: it
claims and intends nothing more, and stops with `WorkerEnded`.
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
from newsletter.sending.steps import end_claims
from newsletter.sending.tables import LEDGERS, workers

KEEP_ENDED = timedelta(days=30)


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

    def __init__(self, database: Database, number: int, lock: Lock) -> None:
        self.id = number
        self._database = database
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
    lock = try_lock(database, f"worker-{token}")
    if lock is None:
        raise RuntimeError("a fresh random lock was already held")
    with database.write() as connection:
        connection.execute(workers.delete().where(workers.c.ended_at <= now - KEEP_ENDED))
        number = connection.execute(
            workers.insert()
            .values(token=token, host=platform.node()[:100], pid=os.getpid(), started_at=now)
            .returning(workers.c.id)
        ).scalar_one()
    return Worker(database, number, lock)


def count_open(database: Database) -> int:
    """How many workers have not ended, the dead ones nobody has found yet among them."""
    with database.read() as connection:
        return connection.scalar(sa.select(sa.func.count()).where(workers.c.ended_at.is_(None))) or 0


def recover(database: Database, *, now: datetime) -> Ended:
    """End every worker whose lock is free, and whatever workers that have ended still hold."""
    with database.read() as connection:
        living = connection.execute(sa.select(workers.c.id, workers.c.token).where(workers.c.ended_at.is_(None))).all()
        left = connection.scalars(left_behind()).all()
    ended = Ended()
    for row in living:
        lock = try_lock(database, f"worker-{row.token}")
        if lock is not None:
            with lock:
                ended += _end(database, row.id, now=now)
    for number in left:
        ended += _end(database, number, now=now)
    return ended


def left_behind() -> sa.CompoundSelect[Any]:
    """The numbers of workers that hold rows and are not open: they have ended, or nobody knows them."""
    living = sa.select(workers.c.id).where(workers.c.ended_at.is_(None))
    held_by = (table.c.worker_id for table in LEDGERS)
    return sa.union(*(sa.select(number).where(number.is_not(None), number.not_in(living)) for number in held_by))


def _end(database: Database, number: int, *, now: datetime) -> Ended:
    with database.write() as connection:
        # First of all: from here on this worker claims nothing more.
        mine = sa.and_(workers.c.id == number, workers.c.ended_at.is_(None))
        died = connection.execute(workers.update().where(mine).values(ended_at=now)).rowcount
        return Ended(died, *end_claims(connection, number, now=now))
