"""Keep messages in a Maildir, a folder any mail program opens: `kind = "maildir"`, key `path`.

`offer` writes the file into `tmp/`, `hand_over` renames it into `new/`; both are on the disk before they return. The
file is the message byte for byte, CRLF included: what lies there is what SMTP would have carried.

An unwritable folder is `ConfigurationError`. A full or broken disk is `Unavailable`, also in `offer`: it will not take
the next message either, and it is about no recipient.
"""

from __future__ import annotations

import errno
import itertools
import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from newsletter.backends import Message, Reply
from newsletter.backends.keys import MaildirKeys
from newsletter.errors import ConfigurationError, InDoubt, SendError, Unavailable
from newsletter.options import read

_BROKEN = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE}
_count = itertools.count()


@dataclass(frozen=True, kw_only=True)
class Maildir(MaildirKeys):
    """A folder, as the keys say."""

    @classmethod
    def from_options(cls, options: Mapping[str, Any], *, root: Path) -> Self:
        return read(cls, options, root=root)

    @property
    def connections(self) -> int:
        return 1

    @property
    def where(self) -> str:
        return f"{self.path} (maildir)"

    def open(self) -> MaildirConnection:
        try:
            for name in ("", "cur", "new", "tmp"):
                (self.path / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise _unusable(error, self.path) from error
        for name in ("new", "tmp"):
            if not os.access(self.path / name, os.W_OK | os.X_OK):
                raise _unusable(PermissionError(errno.EACCES, os.strerror(errno.EACCES)), self.path)
        return MaildirConnection(self.path)


class MaildirConnection:
    """Writes one file after another. Not `alive` once the folder failed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offered: Path | None = None
        self._alive = True

    @property
    def alive(self) -> bool:
        return self._alive

    def offer(self, message: Message) -> None:
        """The whole message in `tmp/`, on the disk."""
        if self._offered:
            raise RuntimeError("a message is already offered; hand it over or abandon it first")
        if not self._alive:
            raise SendError(f"{self._path} is closed", scope="connection", permanent=False)
        self._offered = self._path / "tmp" / _unique_name()
        try:
            with os.fdopen(os.open(self._offered, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(message.data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            self.close()
            raise _unusable(error, self._path) from error

    def hand_over(self) -> Reply:
        """Into `new/`: from here on a mail program sees it."""
        if self._offered is None:
            raise RuntimeError("nothing is offered")
        source, self._offered = self._offered, None
        try:
            source.rename(self._path / "new" / source.name)
        except OSError as error:
            self._alive = False
            raise SendError(
                f"{self._path} did not take it: {error.strerror}", scope="connection", permanent=False
            ) from error
        try:
            _sync(self._path / "new")
        except OSError as error:
            self._alive = False
            raise InDoubt(f"{self._path} may not keep new/{source.name}: {error.strerror}") from error
        return Reply(250, f"kept as new/{source.name}")

    def abandon(self) -> None:
        if self._offered:
            self._offered.unlink(missing_ok=True)
            self._offered = None

    def close(self) -> None:
        self._alive = False
        self.abandon()


def _unique_name() -> str:
    """A name no other process of any machine uses (the Maildir rule: time, process, count, host)."""
    seconds, rest = divmod(time.time_ns(), 1_000_000_000)
    host = socket.gethostname().replace("/", "\\057").replace(":", "\\072")
    return f"{seconds}.M{rest // 1000:06d}P{os.getpid()}Q{next(_count)}.{host}"


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unusable(error: OSError, path: Path) -> Unavailable | ConfigurationError:
    if error.errno in _BROKEN:
        return Unavailable(f"{path} cannot take messages: {error.strerror}; free some space there and start again")
    return ConfigurationError(
        f"{path} cannot be written: {error.strerror}; set [backend] path to a folder this user may write to"
    )
