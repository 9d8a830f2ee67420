"""Which slots exist. Pure: the clock is an argument; only the time-zone database is read.

A newsletter has exactly one slot in every ISO week of its own time zone, whatever the zone does: a local time that the
clocks jump over becomes the first instant after the gap (a whole skipped day included), and a local time that comes
twice means the first of the two. The slot is named by the ISO week of the *planned* local date ("2026-W47"), so the
name stays right even where a skipped Sunday pushes the instant into Monday.

What it does not know: which issues exist, and who acts on a due slot (`ticker` asks, the database decides).

Raises `ValueError`, in one sentence, for an impossible key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time as clock_time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from newsletter.issue import Slot

_WEEK = timedelta(days=7)
_SECOND = timedelta(seconds=1)
_KEY = re.compile(r"([0-9]{4})-W([0-9]{2})")


@dataclass(frozen=True, slots=True)
class Schedule:
    """The rule: a day of the week (1 is Monday), a local time, and the zone it is in."""

    iso_day: int
    clock: clock_time
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Due:
    """What the clock asks for: the slot to publish now, if any, and the older ones nobody published, oldest first."""

    slot: Slot | None = None
    missed: tuple[Slot, ...] = ()


def slots(schedule: Schedule, *, start: datetime, end: datetime) -> Iterator[Slot]:
    """Every slot with `start <= at < end`, in order. Both ends are timezone-aware."""
    planned = _planned_in_week_of(start.astimezone(schedule.zone).date() - _WEEK, schedule)
    while (slot := _slot_on(planned, schedule)).at.astimezone(UTC) < end:
        if slot.at.astimezone(UTC) >= start:
            yield slot
        planned += _WEEK


def slot_of_week(schedule: Schedule, *, key: str) -> Slot:
    """The slot that a key such as "2026-W47" names."""
    match = _KEY.fullmatch(key)
    try:
        planned = date.fromisocalendar(int(match[1]), int(match[2]), schedule.iso_day) if match else None
    except ValueError:
        planned = None
    if planned is None:
        raise ValueError(f"“{key}” names no week: write the year and the ISO week, such as 2026-W47.")
    return _slot_on(planned, schedule)


def current(schedule: Schedule, *, now: datetime) -> Slot:
    """The slot of the local ISO week that contains `now`, be it past or still to come."""
    return _slot_on(_planned_in_week_of(now.astimezone(schedule.zone).date(), schedule), schedule)


def coming(schedule: Schedule, *, now: datetime, number: int) -> list[Slot]:
    """The next so many slots, in order."""
    # Two weeks more than asked: a slot may lie up to a week ahead.
    return list(islice(slots(schedule, start=now, end=now + (number + 2) * _WEEK), number))


def due(
    schedule: Schedule, *, now: datetime, last_key: str = "", grace: timedelta, since: datetime | None = None
) -> Due:
    """What is due at `now`, when the newest issue is `last_key` ("" for none yet).

    Slots after that issue's week whose time has come are looked at: the newest is due while it is at most `grace` old,
    and all others are missed. Because keys are compared and not times, moving the schedule to another day never gives
    a week a second issue. `since` is when the schedule came into force: earlier slots are neither due nor missed, so
    that a newly set up project does not publish at once for a time already past. Without it and without an issue, only
    the newest slot is looked at.
    """
    now = now.astimezone(UTC)  # two times in one zone would be compared by their faces, which a clock change falsifies
    newest = current(schedule, now=now)
    if newest.at > now:
        newest = current(schedule, now=now - _WEEK)
    first = slot_of_week(schedule, key=last_key).at if last_key else (since or newest.at)
    waiting = [slot for slot in slots(schedule, start=first.astimezone(UTC), end=now + _SECOND) if slot.key > last_key]
    waiting = [slot for slot in waiting if slot.at <= now and (since is None or slot.at >= since)]
    if waiting and now - waiting[-1].at <= grace:
        return Due(slot=waiting[-1], missed=tuple(waiting[:-1]))
    return Due(missed=tuple(waiting))


def _planned_in_week_of(day: date, schedule: Schedule) -> date:
    year, week, _ = day.isocalendar()
    return date.fromisocalendar(year, week, schedule.iso_day)


def _slot_on(planned: date, schedule: Schedule) -> Slot:
    year, week, _ = planned.isocalendar()
    return Slot(
        key=f"{year:04d}-W{week:02d}", at=_first_valid(datetime.combine(planned, schedule.clock), schedule.zone)
    )


def _first_valid(wall: datetime, zone: ZoneInfo) -> datetime:
    """The instant at which a naive local time is shown, or at which the gap that swallows it ends.

    `fold` reads a local time with the offset before (0) or after (1) a change (PEP 495). The later reading has the
    greater offset only inside a gap; the change itself then lies between the two instants, and is found by halving.
    """
    local = wall.replace(tzinfo=zone)
    before, after = local.utcoffset(), local.replace(fold=1).utcoffset()
    if before is None or after is None or after <= before:
        return local
    early, late = (wall - after).replace(tzinfo=UTC), (wall - before).replace(tzinfo=UTC)
    while late - early > _SECOND:
        middle = early + (late - early) // _SECOND // 2 * _SECOND
        if middle.astimezone(zone).replace(tzinfo=None) > wall:
            late = middle
        else:
            early = middle
    return late.astimezone(zone)
