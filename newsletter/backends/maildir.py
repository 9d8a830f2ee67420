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
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from newsletter.backends import Message, Reply
from newsletter.backends.keys import MaildirKeys
from newsletter.backends.turns import Turns
from newsletter.errors import ConfigurationError, InDoubt, SendError, Unavailable

_BROKEN = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE}
_count = itertools.count()


@dataclass(frozen=True, kw_only=True)
class Maildir(MaildirKeys):
    @property
    def where(self) -> str:
        return f"{self.path} (maildir)"

    def open(self) -> Turns[Path]:
        try:
            for name in ("", "cur", "new", "tmp"):
                (self.path / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise _unusable(error, self.path) from error
        for name in ("new", "tmp"):
            if not os.access(self.path / name, os.W_OK | os.X_OK):
                raise _unusable(PermissionError(errno.EACCES, os.strerror(errno.EACCES)), self.path)
        write, keep = partial(_write, self.path), partial(_keep, self.path)
        return Turns(where=self.where, prepare=write, commit=keep, discard=partial(Path.unlink, missing_ok=True))


def _write(folder: Path, message: Message) -> Path:
    """The whole message in `tmp/`, on the disk."""
    path = folder / "tmp" / _unique_name()
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(message.data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        path.unlink(missing_ok=True)
        raise _unusable(error, folder) from error
    return path


def _keep(folder: Path, written: Path) -> Reply:
    """Into `new/`: from here on a mail program sees it."""
    try:
        written.rename(folder / "new" / written.name)
    except OSError as error:
        raise SendError(f"{folder} did not take it: {error.strerror}", scope="connection", permanent=False) from error
    try:
        _sync(folder / "new")
    except OSError as error:
        raise InDoubt(f"{folder} may not keep new/{written.name}: {error.strerror}") from error
    return Reply(250, f"kept as new/{written.name}")


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
