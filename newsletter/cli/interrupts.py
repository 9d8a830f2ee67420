"""Ending a send on request: the message being sent is finished, every other claim is returned."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """While `gently`, the first Ctrl-C or SIGTERM sets `event` and a second one acts as usual.

    Before anything is frozen there is nothing to finish: then the first one ends the process at once. `number` is the
    signal that came, or 0.
    """

    def __init__(self, *, gently: bool) -> None:
        self.event = threading.Event()
        self.gently = gently
        self.number = 0
        self._before: dict[int, object] = {}

    @property
    def exit_code(self) -> int:
        return 128 + self.number

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)  # type: ignore[arg-type]
        self._before = {}

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.number = number
        if self.gently:
            self.event.set()
            self.__exit__()
        elif number == signal.SIGINT:
            raise KeyboardInterrupt
        else:
            raise SystemExit(self.exit_code)
