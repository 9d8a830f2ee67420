"""What the operator is told, through one channel: a line in the log, the list of the issue itself (`newsletter issues
show`), and a mail to every editor through the outbox. When mail itself is what fails, the first two.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from newsletter import letter as letters
from newsletter.backends import Message
from newsletter.database import Database, storable
from newsletter.issues import Issues
from newsletter.letter import Identity
from newsletter.sending import addressing, outbox

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Alerts:
    database: Database
    issues: Issues
    identity: Identity
    postal_address: str
    editors: Sequence[str]
    clock: Callable[[], datetime]

    def tell(self, slot_key: str, text: str) -> None:
        """Say it everywhere; a sentence that was said last is not said again."""
        text = storable(text)
        log.warning("%s: %s", slot_key, text)
        now = self.clock()
        mails = self._mails(slot_key, text, now=now)
        with self.database.write() as connection:
            if self.issues.alert(connection, slot_key, text, now=now):
                for message in mails:
                    outbox.post(connection, message, kind="alert", now=now)

    def note(self, slot_key: str, text: str) -> None:
        """Say it in the log and on the issue's list alone."""
        log.warning("%s: %s", slot_key, text)
        with self.database.write() as connection:
            self.issues.alert(connection, slot_key, text, now=self.clock())

    def _mails(self, slot_key: str, text: str, *, now: datetime) -> list[Message]:
        """A mail to every editor."""
        body = f"{text}\n\n`newsletter issues show {slot_key}` says more.\n\n-- \n{self.postal_address}\n"
        alert = letters.encode(
            f"<!DOCTYPE html>\n<html><body><pre>{escape(body)}</pre></body></html>",
            body,
            subject=f"{self.identity.list_name} {slot_key}: {text}"[:150],
            identity=self.identity,
            nonce=secrets.token_hex(6),
            blanks=(),
        )
        values = {letters.UNSUBSCRIBE_TOKEN: "editor"}
        addresses = [letters.bare_address(editor) for editor in self.editors]
        return [addressing.single(alert, address=address, values=values, now=now) for address in addresses]
