"""How fast messages may leave, over all workers together: one row that says when the next one may."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from newsletter.database import Database, UtcDateTime, insert_if_absent, metadata

pace = sa.Table(
    "pace",
    metadata,
    sa.Column("name", sa.String(60), primary_key=True),
    sa.Column("free_at", UtcDateTime, nullable=False),
)

# The most reservations that can be ahead of now: one for every connection that a process may open.
AHEAD = 100
_ALL = "all"


class Pace:
    """`rate` is messages a second; 0 is unlimited and costs nothing."""

    def __init__(self, database: Database, rate: float) -> None:
        self._database = database
        self._rate = rate

    def batch(self, wanted: int) -> int:
        """How many messages may be claimed at once without holding back other workers for more than a second."""
        return wanted if not self._rate else max(1, min(wanted, int(self._rate)))

    def take(self, *, now: datetime) -> timedelta:
        """Reserve the next message's moment; returns how long to wait for it.

        A moment farther ahead than `AHEAD` messages was reserved by a clock that has been put back since, and is not
        waited for.
        """
        if not self._rate:
            return timedelta(0)
        step = timedelta(seconds=1 / self._rate)
        with self._database.write() as connection:
            insert_if_absent(connection, pace, name=_ALL, free_at=now)
            mine = pace.c.name == _ALL
            free_at: datetime = connection.execute(sa.select(pace.c.free_at).where(mine).with_for_update()).scalar_one()
            moment = min(max(free_at, now), now + AHEAD * step)
            connection.execute(pace.update().where(mine).values(free_at=moment + step))
        return moment - now
