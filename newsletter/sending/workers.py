"""Who is sending. A worker proves that it lives by holding a lock; a lock that is free ends its claims at once.

Nothing waits for a time-out: the next process that starts takes the dead worker's lock and gives its claims back.
A worker that is merely frozen keeps its lock and its claims; when it thaws, it goes on.
"""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

import sqlalchemy as sa

from newsletter.database import Database, RowId, UtcDateTime, metadata
from newsletter.locks import Lock, try_lock
from newsletter.sending.ledger import end_claims

workers = sa.Table(
    "workers",
    metadata,
    sa.Column("id", RowId, primary_key=True, autoincrement=True),
    sa.Column("token", sa.String(32), nullable=False, unique=True),
    sa.Column("host", sa.String(100), nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    sa.Index("ix_workers_ended_at", "ended_at"),
)


KEEP_ENDED = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Ended:
    """What dead workers left behind: how many of them, how many claims went back, how many messages are in doubt."""

    workers: int = 0
    claims: int = 0
    doubts: int = 0


class Worker:
    """A living worker's place. Leaving it gives the lock back; `leave` also ends the worker, which has no claims left.

    Without `leave` — after an error, or a kill — the next worker that starts ends what is still claimed.
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
    """End the claims of every worker whose lock is free."""
    with database.write() as connection:
        connection.execute(workers.delete().where(workers.c.ended_at <= now - KEEP_ENDED))
    with database.read() as connection:
        open_rows = connection.execute(
            sa.select(workers.c.id, workers.c.token).where(workers.c.ended_at.is_(None))
        ).all()
    ended = Ended()
    for row in open_rows:
        lock = try_lock(database, f"worker-{row.token}")
        if lock is None:
            continue
        with lock, database.write() as connection:
            claims, doubts = end_claims(connection, row.id, now=now)
            connection.execute(workers.update().where(workers.c.id == row.id).values(ended_at=now))
        ended = Ended(ended.workers + 1, ended.claims + claims, ended.doubts + doubts)
    return ended
