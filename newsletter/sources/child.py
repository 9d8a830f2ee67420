"""Reads hostile bytes in processes of their own, with limits on their time and memory.

A parser in C can be kept busy for minutes, fill the memory or fall over, and cannot be stopped from outside. So it
works in a child, which is kept for the next bytes and ends with its parent, or when nobody asked for a while. There is
one for each processor, started when it is needed. Both sides talk in JSON: what the child answers is as hostile as
what it read.

Run as a module, this is that child. What it does not know: what the bytes are. Raises `TooHardError`, and the
`SourceError` of the function that was asked.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import json
import os
import queue
import resource
import signal
import subprocess
import sys
import threading
from typing import Any

from newsletter.errors import SourceError
from newsletter.sources.serialized import as_json

CPU_SECONDS = 5
WALL_SECONDS = 60
"""For a child that waits and does not work: on a busy machine, five seconds of work take longer."""
MEMORY = 1024 * 1024 * 1024
MAX_ANSWER = 32 * 1024 * 1024
IDLE_SECONDS = 20


class TooHardError(SourceError):
    """The bytes could not be read within the limits."""


def ask(function: str, data: bytes, **given: Any) -> Any:
    """What `function`, a `package.module:name`, returns for the bytes and the arguments, as JSON values.

    Data classes and moments among them are written by `serialized.as_json`.
    """
    head = json.dumps({"function": function, "given": given, "size": len(data)}, default=as_json)
    question = head.encode() + b"\n" + data
    child = _FREE.get()
    try:
        answer, ended = child.ask(question)
        if ended == -signal.SIGALRM:  # it had been idle, and left as it was asked
            answer, ended = child.ask(question)
    finally:
        _FREE.put(child)
    if ended == -signal.SIGXCPU:
        raise TooHardError(f"it took more than {CPU_SECONDS} seconds to read")
    try:
        said = json.loads(answer)
    except (ValueError, RecursionError) as error:
        raise TooHardError("reading it failed, or took too much memory") from error
    if "refused" in said:
        raise SourceError(said["refused"])
    return said["found"]


class _Child:
    """A process that is started when it is needed, and asked by one thread at a time."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, question: bytes) -> tuple[bytes, int | None]:
        """The line it answers, and the exit code if it ended instead."""
        process, self._process = self._process or _started(), None
        limit = threading.Timer(WALL_SECONDS, process.kill)
        limit.start()
        try:
            answer = _exchanged(process, question)
        except BaseException:  # left midway, its answer would be taken for that to the next question
            process.kill()
            _ended(process)
            raise
        finally:
            limit.cancel()
        if answer.endswith(b"\n"):
            self._process = process
            return answer, None
        if answer:  # and more than may be answered
            process.kill()
        return b"", _ended(process)

    def close(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            _ended(process)


# One that is kept busy holds up no other; more than a few would wait for the database.
_CHILDREN = [_Child() for _ in range(min(max(2, os.cpu_count() or 1), 8))]
_FREE: queue.LifoQueue[_Child] = queue.LifoQueue()  # the last one used is used again, so few are started
for _each in _CHILDREN:
    _FREE.put(_each)
    atexit.register(_each.close)


def _started() -> subprocess.Popen[bytes]:
    command = [sys.executable, "-P", "-m", "newsletter.sources.child"]
    pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=nowhere)  # noqa: S603 - our own module


def _exchanged(process: subprocess.Popen[bytes], question: bytes) -> bytes:
    """The line that comes back; what there is of it when the process ends meanwhile."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(question)
        process.stdin.flush()
    except OSError:
        return b""
    return process.stdout.readline(MAX_ANSWER)


def _ended(process: subprocess.Popen[bytes]) -> int:
    """The exit code of a process that has closed its output, or was killed."""
    with contextlib.suppress(OSError), process:
        process.wait()
    return process.returncode or 0


def _be_the_child() -> None:
    """Answer until the questions end."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    questions, answers = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # a library that prints would spoil an answer
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    while True:
        signal.alarm(IDLE_SECONDS)
        head = questions.readline()
        signal.alarm(0)
        if not head:
            return
        asked = json.loads(head)
        data = questions.read(asked["size"])
        used = resource.getrusage(resource.RUSAGE_SELF)
        until = int(used.ru_utime + used.ru_stime) + CPU_SECONDS + 1
        resource.setrlimit(resource.RLIMIT_CPU, (until if most < 0 else min(until, most), most))
        answers.write(json.dumps(_answer(asked, data), default=as_json).encode() + b"\n")
        answers.flush()


def _answer(asked: dict[str, Any], data: bytes) -> dict[str, Any]:
    module, _, name = asked["function"].partition(":")
    try:
        return {"found": getattr(importlib.import_module(module), name)(data, **asked["given"])}
    except SourceError as error:
        return {"refused": str(error)}


if __name__ == "__main__":
    _be_the_child()
