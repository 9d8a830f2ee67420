"""Measuring: a child process with its time, CPU and memory; the spread of repeated runs; tables; the machine.

What it does not know: what is measured. Reads /proc, so it wants Linux. Raises `Failed` for a program that did not do
its work.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
LOOK_AGAIN = 0.02  # seconds between two looks at a child's memory


class Failed(Exception):
    """A measured program did not do its work; the text says which and how."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a program. `cpu` is user and system seconds of all its threads and children, `memory` its peak in
    bytes, `said` what it printed about itself.
    """

    messages: int
    seconds: float
    cpu: float
    memory: int
    said: Mapping[str, float]

    @property
    def rate(self) -> float:
        return self.messages / self.seconds

    @property
    def cpu_each(self) -> float:
        """Milliseconds of CPU per message."""
        return self.cpu / self.messages * 1000


def run(command: Sequence[str], *, messages: int, limit: float, environment: Mapping[str, str] | None = None) -> Run:
    """Run a program to its end, for at most `limit` seconds.

    One of ours says in a last line of JSON how long its work took without its start-up (`seconds`, `cpu`); of any
    other the whole run counts.
    """
    began = time.perf_counter()
    # A temporary file and no pipe: nobody has to read along.
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(
            command, stdout=said, stderr=subprocess.STDOUT, cwd=ROOT, env={**os.environ, **(environment or {})}
        )
        peak = 0
        while True:
            peak = max(peak, _peak(child.pid))
            pid, status, usage = os.wait4(child.pid, os.WNOHANG)
            if pid:
                break
            if time.perf_counter() - began > limit:
                child.kill()
                child.wait()
                raise Failed(f"{command[0]} had not finished after {limit:.0f} s")
            time.sleep(LOOK_AGAIN)
        seconds = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read().decode(errors="replace").strip()
    if child.returncode:
        raise Failed(f"{' '.join(command)} ended with {child.returncode}: {text[-2000:]}")
    last = text.splitlines()[-1] if text else ""
    numbers = json.loads(last) if last.startswith("{") else {}
    cpu = usage.ru_utime + usage.ru_stime
    return Run(messages, numbers.get("seconds", seconds), numbers.get("cpu", cpu), peak, numbers)


def _peak(pid: int) -> int:
    """The most memory a living process has had, in bytes (`ru_maxrss` would count its parent's before it)."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(found[0]) * 1024 if found else 0


def spread(values: Sequence[float], *, digits: int = 2) -> str:
    """The median and, in brackets, the least and the most."""
    return f"{median(values):,.{digits}f} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"


def timed(work: Callable[[], object], *, repeats: int) -> list[float]:
    """Seconds of CPU of this thread for each of several calls, the first one not counted: it fills caches."""
    work()
    taken = []
    for _ in range(repeats):
        began = time.thread_time()
        work()
        taken.append(time.thread_time() - began)
    return taken


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table that is also easy to read in a terminal: the first column left, the others right."""
    widths = [max(len(row[index]) for row in (head, *rows)) for index in range(len(head))]

    def line(row: Sequence[str]) -> str:
        cells = [
            cell.rjust(width) if index else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        return f"| {' | '.join(cells)} |"

    rule = [("-" * (width - 1) + ":") if index else "-" * width for index, width in enumerate(widths)]
    return "\n".join([line(head), f"| {' | '.join(rule)} |", *map(line, rows)])


def machine() -> str:
    """The machine in one line, and how busy it is with other things as this begins."""
    names = [line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    memory = next((int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal:")), 0)
    return (
        f"{os.cpu_count()} x {names[0] if names else platform.machine()}, {memory / 1024**2:.0f} GB, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}, "
        f"load {os.getloadavg()[0]:.1f} before"
    )


def versions(*names: str) -> str:
    return ", ".join(f"{name} {version(name)}" for name in names)


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []
