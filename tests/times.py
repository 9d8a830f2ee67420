"""The moment at which tests take place, a clock that stands still, and how long a test waits for what has to come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

NOW = datetime(2026, 11, 19, 6, 0, tzinfo=UTC)
# Seconds until a wait is given up: on a machine with much other work a process may take long to start. Nothing that
# passes waits so long, so no other number is needed, and tests/test_steadiness.py refuses one.
PATIENCE = 240


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    time: datetime = NOW

    def __call__(self) -> datetime:
        return self.time

    def forward(self, by: timedelta) -> None:
        self.time += by


def time_of_day() -> datetime:
    """The machine's own time: for tests that start the real program without `--now`, whatever the time is."""
    return datetime.now(UTC)
