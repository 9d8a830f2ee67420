"""No test depends on how fast the machine is: nothing here sleeps, measures a time, or waits less than `PATIENCE`.

Speed is measured in benchmarks/. A test waits for an event (a line, a pipe, a thread's end), and the wait is given up
after `tests.times.PATIENCE` alone. Ports are the system's to choose; the machine's clock is read in one place.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

FILES = sorted(Path(__file__).parent.glob("*.py"))
CLOCKS = {
    "perf_counter", "perf_counter_ns", "process_time", "process_time_ns", "thread_time", "thread_time_ns",
    "monotonic", "monotonic_ns", "clock_gettime", "clock_gettime_ns", "getrusage",
    "timeit", "repeat", "default_timer",
}  # fmt: skip
WAITS = {"wait", "join", "result", "communicate", "settimeout", "WebDriverWait", "implicitly_wait", "start_tls"}
MACHINE_CLOCK = {"time.time", "datetime.now", "datetime.utcnow", "date.today"}


def faults(text: str) -> list[str]:
    """What a test file does that a slow machine could make fail: a line each."""
    found = []
    for node in ast.walk(ast.parse(text)):
        said = []
        if isinstance(node, ast.Call):
            said = _faults_of(node)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            said = _hidden_clocks(node)
        found += [f"line {node.lineno}: {one}" for one in said]
    return found


def _faults_of(call: ast.Call) -> list[str]:
    name = ast.unparse(call.func)
    last = name.rpartition(".")[2]
    said = []
    if last == "sleep":
        said.append(f"{name}: wait for an event, with PATIENCE")
    if last in CLOCKS:
        said.append(f"{name}: measure in benchmarks/")
    if any(name.endswith(clock) for clock in MACHINE_CLOCK):
        said.append(f"{name}: take NOW or a Clock; a test of the real program takes time_of_day()")
    waits = [word.value for word in call.keywords if word.arg and ("timeout" in word.arg or word.arg == "deadline")]
    waits += call.args[:1] if last in WAITS else []
    if any(_is_seconds(wait) for wait in waits):
        said.append(f"{name}: waits so many seconds; take PATIENCE")
    if last in {"bind", "create_server"} and call.args and _names_a_port(call.args[0]):
        said.append(f"{name}: another may hold this port; take 0")
    return said


def _hidden_clocks(node: ast.Import | ast.ImportFrom) -> list[str]:
    """The clocks that get a name here by which `_faults_of` would not know them."""
    module = node.module if isinstance(node, ast.ImportFrom) else None
    return [
        f"{one.asname or one.name}: call it by its own name, with its module"
        for one in node.names
        if (module or one.name) in {"time", "timeit", "datetime"}
        and (one.asname or (module, one.name) == ("time", "time"))
    ]


def _is_seconds(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and node.value > 0


def _names_a_port(address: ast.expr) -> bool:
    return (
        isinstance(address, ast.Tuple) and isinstance(address.elts[-1], ast.Constant) and bool(address.elts[-1].value)
    )


@pytest.mark.parametrize("file", [file for file in FILES if file.name != "times.py"], ids=lambda file: file.name)
def test_no_test_depends_on_the_speed_of_the_machine(file: Path) -> None:
    assert faults(file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "line",
    [
        "time.sleep(0.1)", "await asyncio.sleep(1)", "started = time.monotonic()", "perf_counter()",
        "process.communicate(timeout=20)", "child.join(60)", "started.result(10)", "sock.settimeout(5)",
        "HTTPConnection('127.0.0.1', port, timeout=10)", "settings(deadline=200)", "done.wait(timeout=5)",
        "now = datetime.now(UTC)", "socket.create_server(('127.0.0.1', 8025))", "time.process_time()",
        "timeit.timeit(work)", "timeit.repeat(work, repeat=5)", "started = default_timer()", "time.monotonic_ns()",
        "time.perf_counter_ns()", "time.thread_time()", "time.thread_time_ns()", "time.process_time_ns()",
        "time.clock_gettime(time.CLOCK_MONOTONIC)", "from time import monotonic as now", "from time import sleep as nap",
        "from timeit import default_timer as clock", "from time import time", "import time as clock",
    ],
)  # fmt: skip
def test_what_would_fail_on_a_slow_machine_is_seen(line: str) -> None:
    assert len(faults(f"async def test() -> None:\n    {line}\n")) == 1


@pytest.mark.parametrize(
    "line",
    ["process.communicate(timeout=PATIENCE)", "thread.join()", "', '.join(names)", "sqlite3.connect(file, timeout=0)",
     "socket.create_server(('127.0.0.1', 0))", "clock.forward(timedelta(seconds=5))", "settings(deadline=None)"],
)  # fmt: skip
def test_what_waits_for_an_event_is_left_alone(line: str) -> None:
    assert faults(line) == []
