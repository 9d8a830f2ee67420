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
from pathlib import Path
from typing import Self

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from newsletter.database import Database
from newsletter.errors import DatabaseError


class Lock:
    """A held lock. `release` gives it back; the end of the process does too."""

    def __init__(
        self, *, file: int | None = None, path: Path | None = None, session: sa.Connection | None = None, key: int = 0
    ) -> None:
        self._file = file
        self._path = path
        self._session = session
        self._key = key

    def release(self) -> None:
        if self._file is not None:
            # The name goes first: a waiter that opened the old file finds it gone and opens the new one.
            if self._path is not None:
                self._path.unlink(missing_ok=True)
            os.close(self._file)
            self._file = None
        if self._session is not None:
            # Said in words: a connection that is only closed is noticed by the server a moment later. One that is
            # broken holds nothing any more.
            with contextlib.suppress(DBAPIError):
                self._session.execute(sa.select(sa.func.pg_advisory_unlock(self._key)))
            self._session.invalidate()
            self._session.close()
            self._session = None

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
            return Lock(session=session, key=key)
        session.close()
    return None


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
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_ino == os.fstat(file).st_ino:
                return Lock(file=file, path=path)
        os.close(file)
