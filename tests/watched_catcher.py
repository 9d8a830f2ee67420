"""A mail server that tells of every message it has taken, as it takes it."""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.catcher import Catcher
from tests.smtp_servers import content, in_loop


@dataclass(frozen=True)
class Taken:
    """One message that was taken: its number, for whom, and the message."""

    number: int
    recipient: str
    mail: EmailMessage


@dataclass
class Watched(Catcher):
    """`on_message` is called before a message is answered; `taken` holds them all in order, `next` waits for one."""

    maildir: Path
    port: int = 0
    on_message: Callable[[Taken], None] = lambda _: None
    taken: list[Taken] = field(default_factory=list)
    _line: queue.SimpleQueue[Taken] = field(default_factory=queue.SimpleQueue)

    def __post_init__(self) -> None:
        Catcher.__init__(self, self.maildir)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        answer = await super().handle_DATA(server, session, envelope)
        mail = message_from_bytes(content(envelope), policy=policy.default)
        assert isinstance(mail, EmailMessage)
        one = Taken(len(self.taken) + 1, envelope.rcpt_tos[0], mail)
        self.taken.append(one)
        self._line.put(one)
        self.on_message(one)
        return answer

    def next(self, recipient: str) -> Taken:
        """The next message to somebody; whatever comes for others meanwhile is passed by."""
        while (one := self._line.get(timeout=30)).recipient != recipient:
            pass
        return one

    def wait(self, number: int) -> None:
        """Until so many messages have been taken."""
        while len(self.taken) < number:
            self._line.get(timeout=30)

    def recipients(self) -> list[str]:
        return sorted(one.recipient for one in self.taken)

    @property
    def environment(self) -> dict[str, str]:
        """What makes a project send here."""
        backend = {"KIND": "smtp", "HOST": "127.0.0.1", "PORT": str(self.port), "SECURITY": "none"}
        return {f"NEWSLETTER_BACKEND__{name}": value for name, value in backend.items()}


@contextlib.contextmanager
def watched(maildir: Path) -> Iterator[Watched]:
    catcher = Watched(maildir)
    with in_loop(catcher.protocol) as port:
        catcher.port = port
        yield catcher
