from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from newsletter.sources.dates import DateOrder, fault_of, read_date
from newsletter.sources.month_names import month_of

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
        "Mon, 05 Feb 2024 10:00:00 XYZ", "5 foo 2024", "5. listopada 2024", "5 lip 2024", "Thu, 01 Jan 0001 00:00:00 +0000",
        "1970-01-01T00:00:00Z", "1994-12-31T00:00:00Z", "2026-11-25T00:00:00Z", "9999-12-31", "5 Feb 2010:15", "2024",
        "12345678901234567890", "2024-02-05T10:00:00+99:00",
    ],
)  # fmt: skip
def test_what_is_not_certain_or_not_sane_is_no_date(raw: str) -> None:
    assert read(raw) is None


@pytest.mark.parametrize(
    ("raw", "day"),
    [
        ("Lun, 05 F\u00e9v 2026 10:00:00 +0100", "2026-02-05T09:00:00"),
        ("Lun, 05 Fe\u0301v 2026 10:00:00 +0100", "2026-02-05T09:00:00"),
        ("jeudi 5 f\u00e9vrier 2026 \u00e0 10h30", "2026-02-05T10:30:00"),
        ("1er ao\u00fbt 2026", "2026-08-01T00:00:00"),
        ("le 5 d\u00e9c. 2025", "2025-12-05T00:00:00"),
        ("5. M\u00e4rz 2026", "2026-03-05T00:00:00"),
        ("Donnerstag, den 5. M\u00e4rz 2026 um 10:30 Uhr", "2026-03-05T10:30:00"),
        ("Do., 5. J\u00e4nner 2026, 10:30 Uhr", "2026-01-05T10:30:00"),
        ("Do, 05 Okt 2023 10:00:00 +0200", "2023-10-05T08:00:00"),
        ("5 de febrero de 2026", "2026-02-05T00:00:00"),
        ("jueves, 5 de febrero del 2026 a las 10:30", "2026-02-05T10:30:00"),
        ("ter\u00e7a-feira, 5 de mar\u00e7o de 2026 \u00e0s 10h30", "2026-03-05T10:30:00"),
        ("gioved\u00ec 5 febbraio 2026, alle ore 10:30", "2026-02-05T10:30:00"),
        ("Gio, 05 Giu 2025 10:00:00 +0200", "2025-06-05T08:00:00"),
        ("donderdag 5 maart 2026 om 10.30 uur", "2026-03-05T10:30:00"),
        ("5 lutego 2026", "2026-02-05T00:00:00"),
        ("czwartek, 5 lutego 2026 r., godz. 10:30", "2026-02-05T10:30:00"),
        ("\u010dtvrtek 5. b\u0159ezna 2026 v 10:30", "2026-03-05T10:30:00"),
        ("5 \u0444\u0435\u0432\u0440\u0430\u043b\u044f 2026 \u0433. \u0432 10:30", "2026-02-05T10:30:00"),
        ("5 \u015eubat 2026 Per\u015fembe 10:30", "2026-02-05T10:30:00"),
        ("5 \u015eubat 2026 10:30", "2026-02-05T10:30:00"),
        ("5 A\u011eUSTOS 2026", "2026-08-05T00:00:00"),
        ("torsdag den 5 augusti 2026 kl. 10.30", "2026-08-05T10:30:00"),
        ("5. marts 2026 10.30.00", "2026-03-05T10:30:00"),
    ],
)
def test_dates_are_read_in_the_languages_of_publishers(raw: str, day: str) -> None:
    assert read(raw, zone=ZoneInfo("UTC")) == day


@pytest.mark.parametrize(
    ("zone", "day"), [("Europe/Warsaw", "2025-11-04T23:00:00"), ("Europe/Zagreb", None), ("UTC", None)]
)
def test_a_month_that_is_another_one_in_croatian_counts_only_where_it_is_spoken(zone: str, day: str | None) -> None:
    assert read("5 listopada 2025", zone=ZoneInfo(zone)) == day


def test_the_months_are_those_of_the_unicode_cldr() -> None:
    dates = pytest.importorskip("babel.dates", reason="pip install babel to compare the names with CLDR's")
    languages = ["en", "en_GB", "de", "de_AT", "fr", "es", "pt", "it", "nl", "pl", "cs", "ru", "tr", "sv", "da", "nb"]
    for language in languages:
        for number in range(1, 13):
            for width in ("wide", "abbreviated"):
                for context in ("format", "stand-alone"):
                    name = dates.get_month_names(width, context, language)[number]
                    assert month_of(name, zone="Europe/Warsaw") == number, (language, name)
        for date_format in ("long", "full"):
            written = dates.format_date(datetime(2026, 2, 5, tzinfo=UTC), date_format, locale=language)
            assert read(written, zone=ZoneInfo("UTC")) == "2026-02-05T00:00:00", written


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("1994-12-31T00:00:00Z", "lies before 1995"),
        ("2026-11-25T00:00:00Z", "lies in the future"),
        ("05/02/2024", "may mean several days: set date_order"),
        ("soon", "cannot be read with certainty"),
        ("9999-12-31T23:59:59-10:00", "cannot be read"),
        ("2024-02-05", ""),
    ],
)
def test_what_is_wrong_with_a_date_is_said(raw: str, words: str) -> None:
    assert fault_of(raw, zone=NEW_YORK, now=NOW).startswith(words)
    assert bool(fault_of(raw, zone=NEW_YORK, now=NOW)) == bool(words)


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
