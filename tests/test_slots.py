"""Exactly one slot a week, in every zone, whatever its clocks do."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, date, datetime, time, timedelta

import pytest

from newsletter.issue import DAYS
from newsletter.slots import Schedule, current, due, slot_of_week, slots


def rule(day: str, clock: str, zone: str) -> Schedule:
    return Schedule(DAYS.index(day) + 1, time.fromisoformat(clock), zoneinfo.ZoneInfo(zone))


MANILA = rule("thursday", "09:00", "Asia/Manila")
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def offsets(zone: str) -> tuple[timedelta | None, ...]:
    """How a zone behaves in 2026-2028: its offset on every day, and by the hour on days when it changes."""
    shown = zoneinfo.ZoneInfo(zone)
    days = [datetime(2026, 1, 1, tzinfo=UTC) + n * DAY for n in range(1096)]
    daily = [day.astimezone(shown).utcoffset() for day in days]
    changing = [day for day, before, after in zip(days, daily, daily[1:], strict=False) if before != after]
    hourly = [(day + n * HOUR).astimezone(shown).utcoffset() for day in changing for n in range(24)]
    return (*daily, *hourly)


def distinct_zones() -> list[str]:
    """One name for each behaviour: most of the 600 names are aliases."""
    return list({offsets(zone): zone for zone in sorted(zoneinfo.available_timezones())}.values())


def test_a_slot_carries_its_zone_and_is_named_by_its_iso_week() -> None:
    (slot,) = slots(MANILA, start=at("2026-11-16T00:00+08:00"), end=at("2026-11-23T00:00+08:00"))
    assert slot.key == "2026-W47"
    assert slot.at.isoformat() == "2026-11-19T09:00:00+08:00"


def test_the_range_holds_its_start_and_not_its_end() -> None:
    moment = at("2026-11-19T09:00+08:00")
    assert [slot.key for slot in slots(MANILA, start=moment, end=moment + 7 * DAY)] == ["2026-W47"]
    assert list(slots(MANILA, start=moment, end=moment)) == []


def test_every_zone_has_exactly_one_slot_in_every_week_of_three_years() -> None:
    start, end = datetime(2025, 12, 29, tzinfo=UTC), datetime(2029, 1, 2, tzinfo=UTC)
    weeks = [(date(2026, 1, 5) + n * timedelta(weeks=1)).isocalendar() for n in range(155)]
    wanted = [f"{week.year}-W{week.week:02d}" for week in weeks]
    for zone in distinct_zones():
        for day in DAYS:
            for clock in ("00:00", "02:30"):
                found = list(slots(rule(day, clock, zone), start=start, end=end))
                keys = [slot.key for slot in found if wanted[0] <= slot.key <= wanted[-1]]
                assert keys == wanted, (zone, day, clock)
                moments = [slot.at.timestamp() for slot in found]
                assert moments == sorted(set(moments)), (zone, day, clock)


def test_a_time_the_clocks_jump_over_becomes_the_first_instant_after_the_gap() -> None:
    berlin = rule("sunday", "02:30", "Europe/Berlin")
    assert slot_of_week(berlin, key="2026-W13").at.isoformat() == "2026-03-29T03:00:00+02:00"
    half_an_hour = rule("sunday", "02:15", "Australia/Lord_Howe")
    assert slot_of_week(half_an_hour, key="2026-W40").at.isoformat() == "2026-10-04T02:30:00+11:00"


def test_a_time_that_comes_twice_means_the_first_of_the_two() -> None:
    berlin = rule("sunday", "02:30", "Europe/Berlin")
    assert slot_of_week(berlin, key="2026-W43").at.isoformat() == "2026-10-25T02:30:00+02:00"


def test_a_day_that_did_not_exist_still_has_its_slot() -> None:
    apia = rule("friday", "09:00", "Pacific/Apia")  # 30 December 2011 was left out when the date line moved
    slot = slot_of_week(apia, key="2011-W52")
    assert slot.at.isoformat() == "2011-12-31T00:00:00+14:00"
    around = slots(apia, start=at("2011-12-12T00:00Z"), end=at("2012-01-14T00:00Z"))
    assert [slot.key for slot in around] == ["2011-W50", "2011-W51", "2011-W52", "2012-W01", "2012-W02"]


def test_the_current_slot_is_that_of_the_local_week_also_where_utc_is_in_another() -> None:
    assert current(MANILA, now=at("2026-11-15T15:59Z")).key == "2026-W46"
    assert current(MANILA, now=at("2026-11-15T16:00Z")).key == "2026-W47"


def test_the_last_days_of_december_belong_to_the_week_that_owns_them() -> None:
    assert current(MANILA, now=at("2027-01-02T12:00+08:00")).key == "2026-W53"
    assert current(MANILA, now=at("2024-12-30T12:00+08:00")).key == "2025-W01"


def test_nothing_is_due_before_its_time_and_the_slot_is_due_at_its_time() -> None:
    moment = at("2026-11-19T09:00+08:00")
    assert due(MANILA, now=moment - timedelta(seconds=1), last_key="2026-W46", grace=DAY).slot is None
    answer = due(MANILA, now=moment, last_key="2026-W46", grace=DAY)
    assert answer.slot is not None
    assert answer.slot.key == "2026-W47"
    assert answer.missed == ()


def test_a_slot_with_an_issue_is_never_due_again_even_when_the_day_is_changed() -> None:
    friday = rule("friday", "09:00", "Asia/Manila")
    assert due(friday, now=at("2026-11-20T09:30+08:00"), last_key="2026-W47", grace=DAY).slot is None
    monday = rule("monday", "09:00", "Asia/Manila")
    assert due(monday, now=at("2026-11-22T09:30+08:00"), last_key="2026-W47", grace=DAY) == due(
        monday, now=at("2026-11-22T23:30+08:00"), last_key="2026-W48", grace=DAY
    )


def test_a_machine_that_was_down_publishes_the_newest_within_grace_and_names_the_missed() -> None:
    answer = due(MANILA, now=at("2026-11-20T08:59+08:00"), last_key="2026-W44", grace=DAY)
    assert answer.slot is not None
    assert answer.slot.key == "2026-W47"
    assert [slot.key for slot in answer.missed] == ["2026-W45", "2026-W46"]


def test_a_slot_older_than_its_grace_is_missed() -> None:
    answer = due(MANILA, now=at("2026-11-20T09:01+08:00"), last_key="2026-W46", grace=DAY)
    assert answer.slot is None
    assert [slot.key for slot in answer.missed] == ["2026-W47"]


def test_a_first_issue_is_due_within_grace_and_misses_nothing_from_before_the_schedule_began() -> None:
    now = at("2026-11-19T10:00+08:00")
    answer = due(MANILA, now=now, grace=DAY)
    assert answer.slot is not None
    assert answer.slot.key == "2026-W47"
    assert answer.missed == ()
    assert due(MANILA, now=now, grace=DAY, since=at("2026-11-19T09:30+08:00")).slot is None
    later = due(MANILA, now=now + 14 * DAY, grace=DAY, since=at("2026-11-19T09:30+08:00"))
    assert later.slot is not None
    assert (later.slot.key, [slot.key for slot in later.missed]) == ("2026-W49", ["2026-W48"])


def test_a_clock_set_back_asks_for_nothing() -> None:
    answer = due(MANILA, now=at("2026-10-01T09:00+08:00"), last_key="2026-W47", grace=DAY)
    assert (answer.slot, answer.missed) == (None, ())


@pytest.mark.parametrize(
    "key", ["", "2026-47", "2026-W00", "2025-W53", "2026-W54", "0000-W01", "2026-W47x", "\u0662\u0660\u0662\u0666-W47"]
)
def test_a_key_that_names_no_week_is_refused_by_a_sentence(key: str) -> None:
    with pytest.raises(ValueError, match="names no week"):
        slot_of_week(MANILA, key=key)
