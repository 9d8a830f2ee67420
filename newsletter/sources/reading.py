"""The circumstances of a reading, which every source is handed, and how its problems are listed. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from newsletter.sources.dates import DateOrder, fault_of, read_date

MAX_PROBLEMS = 10
_LAST_MOMENT = datetime(9000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Reading:
    """The circumstances of a reading: the source's name, its address, how it writes dates, and the current time."""

    source: str
    address: str = ""
    zone: tzinfo = UTC
    order: DateOrder | None = None
    now: datetime = _LAST_MOMENT

    def date(self, raw: str) -> datetime | None:
        return read_date(raw, zone=self.zone, now=self.now, order=self.order) if raw.strip() else None

    def date_fault(self, raw: str) -> str:
        """Why `date` returns None, in words that follow the date."""
        return fault_of(raw, zone=self.zone, now=self.now, order=self.order)


def shortened(problems: Iterable[str]) -> tuple[str, ...]:
    """The first lines, and how many more there were."""
    lines = tuple(problems)
    return lines if len(lines) <= MAX_PROBLEMS else (*lines[:MAX_PROBLEMS], f"and {len(lines) - MAX_PROBLEMS} more")
