"""A process that sends a frozen issue, and may be told where to die:

    python -m tests.sending_child DATABASE_URL KEY_TEXT BACKEND_JSON [POINT NUMBER]

POINT is one of the steps below; the process kills itself with SIGKILL at the NUMBER-th time it gets there.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from newsletter import backends
from newsletter.database import Database
from newsletter.sending import ledger as ledger_module
from newsletter.sending.ledger import Ledger
from subscribers import Book, KeyRing
from tests.frozen_issue import sender_of
from tests.times import time_of_day

POINTS = (
    "before claim", "after claim", "before offer", "after offer", "before intend", "after intend", "before hand over",
    "after hand over", "before turn", "after turn", "before close",
)  # fmt: skip


def arm(point: str, number: int, backend: Any) -> None:
    left = number

    def here(name: str) -> None:
        nonlocal left
        if name == point:
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    def around(step: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def stepping(*args: Any, **kwargs: Any) -> Any:
            here(f"before {step}")
            result = call(*args, **kwargs)
            here(f"after {step}")
            return result

        return stepping

    for step in ("claim", "intend", "turn"):
        setattr(Ledger, step, around(step, getattr(Ledger, step)))
    first = type(backend).open

    def open_armed(self: Any) -> Any:
        connection = first(self)
        for step, name in (("offer", "offer"), ("hand over", "hand_over"), ("close", "close")):
            setattr(type(connection), name, around(step, getattr(type(connection), name)))
        type(self).open = first
        return connection

    type(backend).open = open_armed


def main(url: str, key: str, backend_json: str, point: str = "", number: str = "1") -> None:
    assert ledger_module
    options = json.loads(backend_json)
    backend = backends.load(options.pop("kind"), options, root=Path())
    database = Database(url)
    book = Book(database, KeyRing.parse(key), now=time_of_day, post=lambda *_: None)
    sender = sender_of(database, book, time_of_day)
    if point:
        arm(point, int(number), backend)
    row = sender.issues.unfinished()
    if row is not None:
        print(sender.send(row, backend, stop=threading.Event()).totals)


if __name__ == "__main__":
    main(*sys.argv[1:])
