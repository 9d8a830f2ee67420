"""Processes that take locks, for the tests of them."""

from __future__ import annotations

import os
from multiprocessing.connection import Connection
from pathlib import Path

from newsletter.database import Database
from newsletter.locks import try_lock


def hold(url: str, name: str, pipe: Connection) -> None:
    """Take a lock, say whether it was got, and hold it until told to let go."""
    lock = try_lock(Database(url), name)
    pipe.send(lock is not None)
    if lock is not None:
        pipe.recv()


def compete(url: str, name: str, folder: str, times: int) -> None:
    """Take and release a lock `times` times; a file in `folder` tells of everybody who was inside with us."""
    database = Database(url)
    inside = Path(folder) / "inside"
    won = 0
    while won < times:
        lock = try_lock(database, name)
        if lock is None:
            continue
        try:
            os.close(os.open(inside, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            (Path(folder) / f"together-{os.getpid()}").touch()
        inside.unlink(missing_ok=True)
        won += 1
        lock.release()
    (Path(folder) / f"won-{os.getpid()}").write_text(str(won))
    database.dispose()
