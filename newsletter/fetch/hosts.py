"""How many connections one host gets at once, over all threads. Knows no HTTP; raises nothing."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class HostLimit:
    """At most `most` places a host; who comes later waits until one is free."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: Counter[str] = Counter()
        self._freed = threading.Condition()

    @contextmanager
    def place(self, host: str) -> Iterator[float]:
        """A place at this host, with the seconds that it took to get it."""
        began = time.monotonic()
        with self._freed:
            self._freed.wait_for(lambda: self._taken[host] < self._most)
            self._taken[host] += 1
        try:
            yield time.monotonic() - began
        finally:
            with self._freed:
                self._taken[host] -= 1
                if not self._taken[host]:
                    del self._taken[host]
                self._freed.notify_all()
