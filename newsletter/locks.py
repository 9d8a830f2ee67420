"""Proof that a process lives: a named lock that the operating system or the database server takes away when it dies.

On SQLite it is a file lock beside the database, on PostgreSQL an advisory lock of a session of its own. Nothing has
to time out: a lock that can be taken belongs to nobody, at once. Known limits: file locks need a local file system,
and a PostgreSQL session may break while its process lives — so whoever holds a lock must still check, in the
database, that what it claimed is still its own (`sending.ledger` does).
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Self

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from newsletter.database import Database
from newsletter.errors import DatabaseError


class Lock:
    """A held lock. `release` gives it back, once; the end of the process does too. `is_held` looks whether it was lost:
    somebody removed its file, or the session of the database broke.
    """

    def __init__(self, give_back: Callable[[], None], is_held: Callable[[], bool]) -> None:
        self._held = contextlib.ExitStack()
        self._held.callback(give_back)
        self.is_held = is_held

    def release(self) -> None:
        self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def try_lock(database: Database, name: str) -> Lock | None:
    """Take the lock `name` of this database if nobody holds it. `name` is letters, digits, dots and dashes."""
    if database.file is not None:
        return _try_file(database.file.with_name(database.file.name + "-locks"), name)
    key = int.from_bytes(hashlib.sha256(f"newsletter:{name}".encode()).digest()[:8], "big", signed=True)
    with database.translated():
        session = database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        if session.scalar(sa.select(sa.func.pg_try_advisory_lock(key))):
            return Lock(partial(_unlock, session, key=key), partial(_answers, session))
        session.close()
    return None


def _unlock(session: sa.Connection, *, key: int) -> None:
    # Said in words: a connection that is only closed is noticed by the server a moment later. One that is broken
    # holds nothing any more.
    with contextlib.suppress(SQLAlchemyError):
        session.execute(sa.select(sa.func.pg_advisory_unlock(key)))
    session.invalidate()
    session.close()


def _answers(session: sa.Connection) -> bool:
    try:
        return bool(session.scalar(sa.select(sa.literal(1))))
    except SQLAlchemyError:
        return False


def _remove(path: Path, *, file: int) -> None:
    # Before the lock: a waiter that opened the old file finds its name gone. A lock that was lost leaves the new one.
    if _is_at(path, file=file):
        path.unlink(missing_ok=True)
    os.close(file)


def _is_at(path: Path, *, file: int) -> bool:
    try:
        return path.stat().st_ino == os.fstat(file).st_ino
    except FileNotFoundError:
        return False


def _try_file(folder: Path, name: str) -> Lock | None:
    path = folder / name
    while True:
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise DatabaseError(f"cannot keep a lock in {folder}: {error.strerror}") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return None
        # Between opening and locking, the holder may have released the lock and removed the name.
        if _is_at(path, file=file):
            return Lock(partial(_remove, path, file=file), partial(_is_at, path, file=file))
        os.close(file)
