"""Dates as sources write them, read strictly: right, or None. Pure.

A wrong date puts an old article into this week's issue, so nothing is guessed: lenient parsers read `2024-W06-1` as
November and `1706781600` as 2017. What it does not know: which of an article's dates counts.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from enum import StrEnum
from unicodedata import normalize

from newsletter.sources.month_names import month_of

EARLIEST = datetime(1995, 1, 1, tzinfo=UTC)
AHEAD = timedelta(hours=48)
"""How far in the future a date may lie: clocks and time zones differ, but not by more."""


class DateOrder(StrEnum):
    """How a source orders the numbers of a date such as 05/02/2024."""

    DMY = "dmy"
    MDY = "mdy"
    YMD = "ymd"


# Minutes east of UTC. Only names that mean one thing; RFC 5322 §4.3 defines the American ones. IST, BST, CST in Asia
# mean several, so an unknown name needs the source's own time zone to agree.
_ZONES = {
    "z": 0, "ut": 0, "utc": 0, "gmt": 0, "wet": 0, "west": 60, "cet": 60, "cest": 120, "met": 60, "mest": 120,
    "mez": 60, "mesz": 120, "eet": 120, "eest": 180, "msk": 180, "sast": 120, "jst": 540, "kst": 540, "hkt": 480,
    "sgt": 480, "aest": 600, "aedt": 660, "nzst": 720, "nzdt": 780,
    "est": -300, "edt": -240, "cst": -360, "cdt": -300, "mst": -420, "mdt": -360, "pst": -480, "pdt": -420,
}  # fmt: skip

_CLOCK = (
    r"(?:(?P<hour>\d{1,2})(?:[:.]|\s?h\s?)(?P<minute>\d{2})(?:[:.](?P<second>\d{2})(?:[.,]\d{1,9})?)?\s*(?P<half>[ap]\.?m\.?)?"
    r"(?:(?:uhr|uur|hod\.?|h)(?!\w))?)"
)
_OFFSET = (
    r"\s*(?P<zone>\(?(?:[A-Za-z]{1,5}(?![A-Za-z])\s?)?(?:[+\-\u2212]\d{1,2}(?::?\d{2})?)?\)?)(?:\s*\([^()]*\))?\.?"
)
# Any word: a day of the week in any language, with the article some set before a date
_DAY_NAME = r"(?:[^\W\d_]{2,14}(?:-[^\W\d_]{2,6})?\.?,?\s+(?:(?:den|dne|el|le)\s+)?)?"
_AT = r"at|T|-|à|às|um|alle(?:\s+ore)?|ore|a\s+las|kl\.?|om|o|v|в|saat|godz\.?"
_WITH_TIME = rf"(?:(?:\s*,?\s*(?:{_AT})\s*|,\s*|\s+){_CLOCK}{_OFFSET})?"
_ISO = r"(?P<year>\d{4})(?P<between>[-/.])(?P<month>\d{1,2})(?P=between)(?P<day>\d{1,2})"
_MONTH = r"(?P<word>[^\W\d_]{3,12})\.?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th|er|[ºª])?"
# What may follow a year: "r." in Polish and its like in Russian, the day of the week in Turkish
_AFTER_YEAR = r"(?:\s*[r\u0433](?:\.|(?!\w))|\s+(?:pazartesi|sal\u0131|çarşamba|perşembe|cuma|cumartesi|pazar)(?!\w))?"
_DAY_FIRST = rf"{_DAY}\.?[\s-]+(?:(?:de|of)\s+)?{_MONTH},?[\s-]+(?:del?\s+)?(?P<year>\d{{4}}|\d{{2}}){_AFTER_YEAR}"
_MONTH_FIRST = rf"{_MONTH}\s+{_DAY},?\s+(?P<year>\d{{4}})"
_ASCTIME = r"[a-z]{3},?\s+(?P<word>[a-z]{3})\s+(?P<day>\d{1,2})\s+"
_EAST_ASIAN = (
    r"(?P<year>\d{4})\s*[年년]\s*(?P<month>\d{1,2})\s*[月월]\s*(?P<day>\d{1,2})\s*[日일](?:\s*\([^()]{1,3}\))?"
    r"(?:\s*(?P<hour>\d{1,2})\s*[:時时시]\s*(?P<minute>\d{1,2})(?::(?P<second>\d{2}))?[分분]?(?P<zone>))?"
)
_FORMS = (
    # ISO 8601 and RFC 3339; also with slashes or dots, for the year leads
    re.compile(rf"{_ISO}(?:(?:\s*T\s*|,?\s+){_CLOCK}{_OFFSET})?", re.IGNORECASE),
    # RFC 5322 §3.3 with the looseness feeds allow themselves: Mon, 05 Feb 2024 10:00:00 GMT
    re.compile(_DAY_NAME + _DAY_FIRST + _WITH_TIME, re.IGNORECASE),
    # as Americans write: February 5, 2024 at 10:00 am EST
    re.compile(_DAY_NAME + _MONTH_FIRST + _WITH_TIME, re.IGNORECASE),
    # as asctime and JavaScript do: Mon Feb  5 10:00:00 2024, Mon Feb 05 2024 10:00:00 GMT+0100 (CET)
    re.compile(rf"{_ASCTIME}{_CLOCK}{_OFFSET}\s+(?P<year>\d{{4}})", re.IGNORECASE),
    re.compile(_EAST_ASIAN),
)
# ISO 8601 without separators, and its weeks: 20240205, 20240205T101500Z, 2024-W06-1
_COMPACT = re.compile(r"\d{8}(?:T\d{4}(?:\d{2})?(?:Z|[+-]\d{2}:?\d{2})?)?|\d{4}-W\d{2}-[1-7]|\d{4}W\d{2}[1-7]")
_THREE_NUMBERS = r"(?P<one>\d{1,4})(?P<between>[/.-])(?P<two>\d{1,2})(?P=between)(?P<three>\d{1,4})"
_NUMBERS = re.compile(rf"{_THREE_NUMBERS}(?:,?\s+{_CLOCK}{_OFFSET})?", re.IGNORECASE)


def read_date(raw: str, *, zone: tzinfo, now: datetime, order: DateOrder | None = None) -> datetime | None:
    """The moment a source's date means, in UTC, or None when that is not certain or not sane.

    A date without an offset is local time in `zone`; a date without a time is midnight there. `05/02/2024` is read
    only when `order` says how. Sane is from 1995 to 48 hours after `now`. Ten digits are seconds since 1970, thirteen
    are milliseconds.
    """
    moment = _moment_of(raw, zone=zone, order=order)
    return moment if moment and EARLIEST <= moment <= now + AHEAD else None


def fault_of(raw: str, *, zone: tzinfo, now: datetime, order: DateOrder | None = None) -> str:
    """Why `read_date` returns None, in words that follow the date; "" when it returns a moment."""
    moment = _moment_of(raw, zone=zone, order=order)
    if moment is None:
        ambiguous = order is None and any(_moment_of(raw, zone=zone, order=one) for one in DateOrder)
        return "may mean several days: set date_order" if ambiguous else "cannot be read with certainty"
    if moment < EARLIEST:
        return f"lies before {EARLIEST.year}, and no article is so old"
    return "lies in the future" if moment > now + AHEAD else ""


def _moment_of(raw: str, *, zone: tzinfo, order: DateOrder | None) -> datetime | None:
    text = " ".join(normalize("NFC", raw[:100]).split())
    try:
        local = _from_compact(text) or _from_forms(text, zone) or _from_numbers(text, zone, order)
        return (local if local.tzinfo else local.replace(tzinfo=zone)).astimezone(UTC) if local else None
    except (ValueError, OverflowError):
        return None


def _from_compact(text: str) -> datetime | None:
    if len(text) in (10, 13) and text.isascii() and text.isdigit():
        return datetime.fromtimestamp(int(text[:10]), UTC)
    return datetime.fromisoformat(text) if _COMPACT.fullmatch(text) else None


def _from_forms(text: str, zone: tzinfo) -> datetime | None:
    for form in _FORMS:
        if found := form.fullmatch(text):
            given = found.groupdict()
            month = month_of(given["word"], zone=str(zone)) if given.get("word") else int(given["month"])
            return _moment(_year(given["year"]), month, int(given["day"]), given, zone) if month else None
    return None


def _from_numbers(text: str, zone: tzinfo, order: DateOrder | None) -> datetime | None:
    found = _NUMBERS.fullmatch(text)
    if found is None or order is None:
        return None
    numbers = dict(zip(order.value, (found[part] for part in ("one", "two", "three")), strict=True))
    return _moment(_year(numbers["y"]), int(numbers["m"]), int(numbers["d"]), found.groupdict(), zone)


def _year(digits: str) -> int:
    """A year of four digits, or of two as RFC 5322 §4.3 reads them. Raises ValueError on others."""
    if len(digits) == 2:
        return int(digits) + (2000 if int(digits) < 70 else 1900)
    if len(digits) == 4:
        return int(digits)
    raise ValueError(digits)


def _moment(year: int, month: int, day: int, clock: dict[str, str | None], zone: tzinfo) -> datetime | None:
    hour, minute, second = (int(clock.get(part) or 0) for part in ("hour", "minute", "second"))
    if half := clock.get("half"):
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half.lower().startswith("p") else 0)
    # 23:59:60 is a leap second; datetime has none
    local = datetime(year, month, day, hour, minute, min(second, 59) if second == 60 else second)  # noqa: DTZ001 - the zone follows
    name = (clock.get("zone") or "").strip(" ()")
    if not name:
        return local
    offset = _offset(name)
    if offset is not None:
        return local.replace(tzinfo=offset)
    here = local.replace(tzinfo=zone)
    return here if (here.tzname() or "").casefold() == name.casefold() else None


def _offset(name: str) -> tzinfo | None:
    """The time zone a name or number means by itself: `+0200`, `GMT+2`, `EST`. None when it means several or none."""
    found = re.fullmatch(r"([a-z]*)\s?(?:([+\-\u2212])(\d{1,2}):?(\d{2})?)?", name.lower())
    if found is None:
        return None
    word, sign, hours, minutes = found.groups()
    if sign is None:
        return timezone(timedelta(minutes=_ZONES[word])) if word in _ZONES else None
    if word not in ("", "gmt", "utc", "ut", "z") or int(hours) > 14 or int(minutes or 0) > 59:
        return None
    east = timedelta(hours=int(hours), minutes=int(minutes or 0))
    return timezone(east if sign == "+" else -east)
