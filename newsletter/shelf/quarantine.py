"""Keeps what a source suddenly gives too much of out of every issue, until somebody lets it in.

A site that moves, or whose system gives all its old articles new ids, would otherwise fill the next issue with them.
An article in quarantine is held like one the editor holds, until an issue that never comes.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from newsletter.issue import QUARANTINE
from newsletter.shelf.tables import articles

TIMES = 3
"""So many times its usual week is too much for one pull."""
AT_LEAST = 20
"""Fewer new articles than this are never too much: a small site may have a good day."""
_WEEK = timedelta(days=7)
_HISTORY = 8 * _WEEK
_KNOWN_FOR = 2 * _WEEK


def usual_week(connection: sa.Connection, source: str, *, now: datetime) -> float | None:
    """How many new articles a source gave in a week, over at most eight before this pull; None below two weeks."""
    earlier = sa.select(sa.func.min(articles.c.first_seen), sa.func.count()).where(
        articles.c.source == source, articles.c.first_seen < now, articles.c.first_seen >= now - _HISTORY
    )
    first, number = connection.execute(earlier).one()
    if first is None or now - first < _KNOWN_FOR:
        return None
    # What the first pull found is a source's past, and says nothing about a week of it.
    since = connection.scalar(
        sa.select(sa.func.count()).where(
            articles.c.source == source, articles.c.first_seen < now, articles.c.first_seen > first
        )
    )
    return float(since or 0) / ((now - first) / _WEEK) if number else None


def hold_new(connection: sa.Connection, source: str, *, now: datetime) -> int:
    """Holds what this pull brought, if it is too much; returns how many articles it holds."""
    mine = sa.and_(articles.c.source == source, articles.c.first_seen == now, articles.c.carried_by == "")
    number = connection.scalar(sa.select(sa.func.count()).where(mine)) or 0
    usual = usual_week(connection, source, now=now) if number >= AT_LEAST else None
    if usual is None or number <= TIMES * max(usual, 1.0):
        return 0
    return connection.execute(
        articles.update().where(mine, articles.c.held_until == "").values(held_until=QUARANTINE)
    ).rowcount


def let_in(connection: sa.Connection, source: str) -> int:
    """Lets the articles of a source out of quarantine; returns how many."""
    mine = sa.and_(articles.c.source == source, articles.c.held_until == QUARANTINE)
    return connection.execute(articles.update().where(mine).values(held_until="")).rowcount


def newest(connection: sa.Connection, source: str) -> datetime | None:
    """When the newest article of a source was first seen."""
    found: datetime | None = connection.scalar(
        sa.select(sa.func.max(articles.c.first_seen)).where(articles.c.source == source)
    )
    return found
