"""An SMTP server on loopback that keeps what it accepts in a Maildir, as a mail server would:

    python -m tests.catcher MAILDIR [--port 0] [--ready FILE]

When it can be talked to it writes its port to FILE and prints it; it ends on SIGTERM or SIGINT. `running` is the same
from Python. Every message gets the trace lines a mail server adds: Return-Path, Delivered-To (RFC 5321 §4.4).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.smtp_servers import content, in_loop, listening

LARGEST = 50_000_000  # bytes of a message


class Catcher:
    """The folder; aiosmtpd calls `handle_DATA` for every message."""

    def __init__(self, maildir: Path) -> None:
        self.maildir = maildir
        self._count = itertools.count(1)
        for name in ("cur", "new", "tmp"):
            (maildir / name).mkdir(parents=True, exist_ok=True)

    def protocol(self) -> SMTP:
        return SMTP(self, hostname="catcher.localhost", data_size_limit=LARGEST, enable_SMTPUTF8=True)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        kept = [self._keep(envelope, recipient) for recipient in envelope.rcpt_tos]
        return f"250 2.0.0 kept as {' '.join(kept)}"

    def _keep(self, envelope: Envelope, recipient: str) -> str:
        name = f"{time.time_ns()}.P{os.getpid()}Q{next(self._count)}.catcher"
        trace = f"Return-Path: <{envelope.mail_from or ''}>\r\nDelivered-To: {recipient}\r\n"
        waiting = self.maildir / "tmp" / name
        waiting.write_bytes(trace.encode("utf-8", "surrogateescape") + content(envelope))
        waiting.rename(self.maildir / "new" / name)
        return name


@contextlib.contextmanager
def running(maildir: Path) -> Iterator[int]:
    """A catcher in a thread of this process; returns its port."""
    with in_loop(Catcher(maildir).protocol) as port:
        yield port


async def serve(maildir: Path, *, port: int, ready: Path | None) -> None:
    ending = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, ending.set)
    async with listening(Catcher(maildir).protocol, port=port) as number:
        if ready:
            beside = ready.with_name(ready.name + ".new")
            beside.write_text(f"{number}\n")
            beside.replace(ready)  # whoever waits for the file never sees half of it
        print(number, flush=True)
        await ending.wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.catcher", description="Keep mail in a Maildir.")
    parser.add_argument("maildir", type=Path)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--ready", type=Path, help="file the port is written to")
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.maildir, port=arguments.port, ready=arguments.ready))


if __name__ == "__main__":
    main()
