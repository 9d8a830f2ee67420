"""One issue a week? Our slots beside APScheduler's CronTrigger, wherever clocks change in 2026-2028.

For every zone behaviour, weekday and three times of day this looks at the week of each clock change and its two
neighbours, and counts the weeks in which a schedule fires twice or never. Other weeks cannot go wrong. It stops after
`BUDGET` seconds; both are counted over the same cases.
Run: python benchmarks/slots.py [BUDGET]
"""

from __future__ import annotations

import sys
import time
import zoneinfo
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time as clock, timedelta
from importlib.metadata import version
from random import Random

from apscheduler.triggers.cron import CronTrigger

from newsletter.slots import Schedule, slots

BUDGET = 40.0
TIMES = (clock(0, 0), clock(2, 30), clock(9, 0))
DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
Case = tuple[Schedule, datetime, datetime]


def changes(zone: zoneinfo.ZoneInfo) -> tuple[datetime, ...]:
    """The days in which the zone changes its offset."""
    days = [datetime(2026, 1, 12, tzinfo=UTC) + n * DAY for n in range(1080)]
    return tuple(day for day in days if day.astimezone(zone).utcoffset() != (day + DAY).astimezone(zone).utcoffset())


def cases() -> list[Case]:
    """A schedule and the three whole local weeks around a change, each zone behaviour once, in a fixed random order."""
    behaviours: dict[tuple[object, ...], str] = {}
    for name in sorted(zoneinfo.available_timezones()):
        zone = zoneinfo.ZoneInfo(name)
        offsets = (datetime(2026, 1, 12, tzinfo=UTC) + n * DAY / 2 for n in range(2160))
        behaviours.setdefault(tuple(moment.astimezone(zone).utcoffset() for moment in offsets), name)
    found = []
    for zone in map(zoneinfo.ZoneInfo, behaviours.values()):
        for change in changes(zone):
            local = change.astimezone(zone).replace(hour=0, minute=0)
            start = local - local.weekday() * DAY - WEEK  # wall-clock arithmetic: midnight of a Monday
            rules = (Schedule(day, at, zone) for day in range(1, 8) for at in TIMES)
            found += [(rule, start, start + 3 * WEEK) for rule in rules]
    Random(1).shuffle(found)
    return found


def ours(schedule: Schedule, start: datetime, end: datetime) -> Iterator[datetime]:
    return (slot.at for slot in slots(schedule, start=start, end=end))


def theirs(schedule: Schedule, start: datetime, end: datetime) -> Iterator[datetime]:
    day, at = schedule.iso_day - 1, schedule.clock  # to cron, Monday is 0
    trigger = CronTrigger(day_of_week=day, hour=at.hour, minute=at.minute, timezone=schedule.zone)
    fired = trigger.get_next_fire_time(None, start)
    while fired is not None and fired.astimezone(UTC) < end.astimezone(UTC):
        yield fired
        a_second_later = (fired.astimezone(UTC) + timedelta(seconds=1)).astimezone(schedule.zone)
        fired = trigger.get_next_fire_time(
            fired, a_second_later
        )  # as its scheduler asks, once the job has been started


def off_weeks(moments: Iterable[datetime], start: datetime) -> tuple[int, int]:
    """In how many of three weeks a schedule fires more than once, and never."""
    fired = Counter(moment.isocalendar()[:2] for moment in moments)
    counts = [fired[(start + n * WEEK).isocalendar()[:2]] for n in range(3)]
    return sum(count > 1 for count in counts), counts.count(0)


def main() -> None:
    budget = float(sys.argv[1]) if len(sys.argv) > 1 else BUDGET
    every = cases()
    rows: dict[str, list[float]] = {
        "newsletter.slots": [0, 0, 0.0],
        f"APScheduler {version('apscheduler')}": [0, 0, 0.0],
    }
    looked_at, began = 0, time.perf_counter()
    for schedule, start, end in every:
        for row, firing in zip(rows.values(), (ours, theirs), strict=True):
            one = time.perf_counter()
            doubled, skipped = off_weeks(firing(schedule, start, end), start)
            row[0], row[1], row[2] = row[0] + doubled, row[1] + skipped, row[2] + time.perf_counter() - one
        looked_at += 1
        if time.perf_counter() - began > budget:
            break
    zones = len({schedule.zone for schedule, _, _ in every})
    print(f"{looked_at:,} of {len(every):,} cases (clock change x weekday x time) in {zones} zones; 3 weeks each")
    print(f"{'':<24}{'doubled':>9}{'skipped':>9}{'seconds':>9}")
    for name, counted in rows.items():
        print("{:<24}{:>9}{:>9}{:>9.2f}".format(name, *counted))


if __name__ == "__main__":
    main()
