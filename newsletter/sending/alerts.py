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
from newsletter.database import Database
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
        if self.note(slot_key, text) and self.editors:
            self._mail(slot_key, text)

    def note(self, slot_key: str, text: str) -> bool:
        """Say it in the log and on the issue's list alone; false when it was the last thing said."""
        log.warning("%s: %s", slot_key, text)
        return self.issues.alert(slot_key, text, now=self.clock())

    def _mail(self, slot_key: str, text: str) -> None:
        now = self.clock()
        body = f"{text}\n\n`newsletter issues show {slot_key}` says more.\n\n-- \n{self.postal_address}\n"
        alert = letters.encode(
            f"<!DOCTYPE html>\n<html><body><pre>{escape(body)}</pre></body></html>",
            body,
            subject=f"{self.identity.list_name} {slot_key}: {text}"[:150],
            identity=self.identity,
            nonce=secrets.token_hex(6),
            blanks=(),
        )
        with self.database.write() as connection:
            for editor in self.editors:
                address = letters.bare_address(editor)
                message = addressing.single(
                    alert, address=address, values={letters.UNSUBSCRIBE_TOKEN: "editor"}, now=now
                )
                outbox.post(connection, message, kind="alert", now=now)
