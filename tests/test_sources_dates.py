from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from newsletter.sources.dates import DateOrder, read_date

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")


def read(raw: str, *, zone: ZoneInfo = NEW_YORK, order: DateOrder | None = None) -> str | None:
    moment = read_date(raw, zone=zone, now=NOW, order=order)
    return moment.isoformat().removesuffix("+00:00") if moment else None


@pytest.mark.parametrize(
    ("raw", "utc"),
    [
        ("2024-02-05T10:00:00Z", "2024-02-05T10:00:00"),
        ("2024-02-05T10:00:00.123+01:00", "2024-02-05T09:00:00"),
        ("2024-02-05T10:00:00-0500", "2024-02-05T15:00:00"),
        ("2024-02-05T10:00Z", "2024-02-05T10:00:00"),
        ("20240205T101500Z", "2024-02-05T10:15:00"),
        ("2024-02-05 10:00:00 UTC", "2024-02-05T10:00:00"),
        ("Mon, 05 Feb 2024 10:00:00 GMT", "2024-02-05T10:00:00"),
        ("Mon, 05 Feb 2024 10:00:00 -0000", "2024-02-05T10:00:00"),
        ("Mon, 5 Feb 24 10:00 +0100", "2024-02-05T09:00:00"),
        ("Mon, 05 Feb 2024 10:00:00 EST", "2024-02-05T15:00:00"),
        ("Mon, 05 Jul 2024 10:00:00 PDT", "2024-07-05T17:00:00"),
        ("Mon, 05 Feb 2024 10:00:00 GMT+0200", "2024-02-05T08:00:00"),
        ("Mon, 05 Feb 2024 11:00:00 CET", "2024-02-05T10:00:00"),
        ("Mon Feb  5 10:00:00 2024", "2024-02-05T15:00:00"),
        ("Tue Dec 13 2016 18:06:00 GMT+0000 (UTC)", "2016-12-13T18:06:00"),
        ("2024-02-05T23:59:60Z", "2024-02-05T23:59:59"),
        ("February 5, 2024 at 10:15 p.m. EST", "2024-02-06T03:15:00"),
        ("Monday, 5 February 2024 10.30am GMT", "2024-02-05T10:30:00"),
        ("2024年2月5日 10:00", "2024-02-05T15:00:00"),
        ("1706781600", "2024-02-01T10:00:00"),
        ("1706781600000", "2024-02-01T10:00:00"),
        ("2024-W06-1", "2024-02-05T05:00:00"),
    ],
)
def test_a_date_means_what_its_source_meant(raw: str, utc: str) -> None:
    assert read(raw) == utc


@pytest.mark.parametrize(
    "raw",
    [
        "", "now", "yesterday", "-3d 14:20", "2024-036", "0000-00-00", "2024-02-30", "2024-13-01",
        "2024-02-05T25:00:00Z", "05/02/2024", "5.2.2024", "Mon, 05 Feb 2024 10:00:00 IST",
        "Mon, 05 Feb 2024 10:00:00 XYZ", "Lun, 05 Fév 2024 10:00:00", "Thu, 01 Jan 0001 00:00:00 +0000",
        "1970-01-01T00:00:00Z", "1994-12-31T00:00:00Z", "2026-11-25T00:00:00Z", "9999-12-31", "5 Feb 2010:15", "2024",
        "12345678901234567890", "2024-02-05T10:00:00+99:00",
    ],
)  # fmt: skip
def test_what_is_not_certain_or_not_sane_is_no_date(raw: str) -> None:
    assert read(raw) is None


def test_a_date_without_an_offset_is_local_time_at_the_source() -> None:
    assert read("2024-07-05 10:00") == "2024-07-05T14:00:00"
    assert read("2024-02-05 10:00", zone=ZoneInfo("Europe/Berlin")) == "2024-02-05T09:00:00"
    assert read("2024-02-05") == "2024-02-05T05:00:00"


def test_an_ambiguous_zone_name_counts_only_where_it_is_spoken() -> None:
    raw = "Mon, 05 Feb 2024 10:00:00 IST"
    assert read(raw, zone=ZoneInfo("Asia/Kolkata")) == "2024-02-05T04:30:00"
    assert read(raw, zone=ZoneInfo("Asia/Jerusalem")) == "2024-02-05T08:00:00"


def test_an_ambiguous_date_needs_an_order() -> None:
    utc = ZoneInfo("UTC")
    assert read("05/02/2024", zone=utc, order=DateOrder.DMY) == "2024-02-05T00:00:00"
    assert read("05/02/2024 10:00", zone=utc, order=DateOrder.MDY) == "2024-05-02T10:00:00"
    assert read("24-02-05", zone=utc, order=DateOrder.YMD) == "2024-02-05T00:00:00"
    assert read("05/22/2024", zone=utc, order=DateOrder.DMY) is None


def test_two_days_ahead_is_still_believed() -> None:
    assert read("2026-11-24T11:00:00Z") == "2026-11-24T11:00:00"


@given(st.text(alphabet="0123456789-:/.TZ+ W年月日MonFeb,apm", max_size=40))
def test_no_text_breaks_the_reading_and_every_answer_is_sane(raw: str) -> None:
    moment = read_date(raw, zone=UTC, now=NOW, order=DateOrder.DMY)
    assert moment is None or 1995 <= moment.year <= 2026
