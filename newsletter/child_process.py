"""Runs commands of this program as children, one at a time, and reads what they print while they run.

A send and a pull take long and lean on parsers of foreign bytes, so `serve` never does them itself: they are the very
commands that a person types. What it does not know: which command, and what its exit code means. Raises `OSError` when
a program cannot be started.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_READ_OUTPUT_EVERY = 5.0  # seconds


def own_command(root: Path, *words: str) -> tuple[str, ...]:
    """The command line of `newsletter` for the project in that folder."""
    return (sys.executable, "-m", "newsletter", "-C", str(root), *words)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended. `last` is the last line it printed, or empty."""

    code: int
    last: str


class ChildProcess:
    """The place of one child. `run` is called by one thread at a time, `stop` by any."""

    def __init__(self) -> None:
        self.stopping = False
        self._guard = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, command: Sequence[str], *, on_line: Callable[[str], None]) -> Ended | None:
        """Run a child to its end, and pass on each line it prints; None when nothing is started any more.

        Its output goes to a file without a name, which outlives this process if need be: a pipe would break, and with
        it a send, when the pages are killed.
        """
        with tempfile.TemporaryFile() as output:
            with self._guard:
                if self.stopping:
                    return None
                self._process = process = subprocess.Popen(  # noqa: S603 - our own command line
                    list(command),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    process_group=0,  # Ctrl-C is for us; the child gets its SIGTERM from `stop`
                )
            try:
                last = _followed(process, output, on_line=on_line)
            finally:
                with self._guard:
                    self._process = None
        return Ended(process.returncode, last)

    def stop(self) -> bool:
        """Start nothing any more, and ask a child that runs to end; true when there is one."""
        with self._guard:
            self.stopping = True
            if self._process is None:
                return False
            self._process.terminate()
            return True


def _followed(process: subprocess.Popen[bytes], output: IO[bytes], *, on_line: Callable[[str], None]) -> str:
    """Pass on the child's lines until it ends; returns the last one."""
    last, read, ended = "", 0, False
    while not ended:
        with suppress(subprocess.TimeoutExpired):
            process.wait(_READ_OUTPUT_EVERY)
            ended = True
        # Read without moving the place at which the child writes.
        data = os.pread(output.fileno(), os.fstat(output.fileno()).st_size - read, read)
        if not ended:
            data = data[: data.rfind(b"\n") + 1]
        read += len(data)
        for line in filter(None, map(str.strip, data.decode("utf-8", "replace").splitlines())):
            last = line
            on_line(line)
    return last
