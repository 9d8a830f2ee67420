"""What the operator is told, through one channel: a line in the log, a row in the list of alerts, and a mail to every
editor through the outbox. When mail itself is what fails, the first two.

`newsletter issues show KEY` lists what was told about an issue, `newsletter doctor` what was told lately.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parseaddr
from html import escape

from newsletter import letter as letters
from newsletter.database import Database, storable
from newsletter.issues import Issues
from newsletter.letter import Identity, Letter
from newsletter.sending import outbox
from subscribers import mask_tokens

log = logging.getLogger(__name__)

_BODY = """{text}

This command says more, in the folder of the newsletter:
{command}

You get this mail because {email} is one of the [newsletter] editors of {name}.
{postal_address}
"""
_HTML = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">\
<meta name="color-scheme" content="light dark"><title>{subject}</title></head>
<body><div style="max-width: 600px; margin: 0 auto; padding: 20px; font: 16px/1.5 sans-serif; white-space: pre-wrap; \
overflow-wrap: anywhere">{body}</div></body>
</html>
"""


@dataclass(frozen=True, slots=True)
class About:
    """What an alert is about. `command` says more; the same sentence is news again after `again`."""

    key: str
    command: str = "newsletter doctor"
    again: timedelta = timedelta(days=1)


def issue(slot_key: str) -> About:
    return About(slot_key, command=f"newsletter issues show {slot_key}")


def source(name: str) -> About:
    return About(f"source {name}")


SIGN_UPS = About("sign-ups", again=timedelta(hours=1))
OUTBOX = About("outbox")


@dataclass(frozen=True, slots=True)
class Alerts:
    database: Database
    issues: Issues
    identity: Identity
    postal_address: str
    editors: Sequence[str]
    clock: Callable[[], datetime]

    def tell(self, about: About, text: str) -> None:
        """Say it everywhere; what was said about the same a short while ago is not said again."""
        text = mask_tokens(storable(text))  # it may be what a mail server said, which may quote a link
        log.warning("%s: %s", about.key, text)
        now = self.clock()
        alert = self._letter(about, text)
        addresses = [parseaddr(editor)[1] for editor in self.editors]
        with self.database.write() as connection:
            if self.issues.alert(connection, about.key, text, now=now, again=about.again):
                for address in addresses:
                    outbox.post(connection, alert, address=address, links={}, kind="alert", now=now)

    def note(self, about: About, text: str) -> None:
        """Say it in the log and in the list alone."""
        text = mask_tokens(text)
        log.warning("%s: %s", about.key, text)
        with self.database.write() as connection:
            self.issues.alert(connection, about.key, text, now=self.clock(), again=about.again)

    def _letter(self, about: About, text: str) -> Letter:
        """The mail to every editor. No template is needed: one may be what is broken."""
        nonce = secrets.token_hex(6)
        body = _BODY.format(
            text=text,
            command=about.command,
            email=letters.token_of(nonce, 0),
            name=self.identity.from_name,
            postal_address=self.postal_address,
        )
        subject = f"{self.identity.from_name} {about.key}: {text}"[:150]
        return letters.encode(
            _HTML.format(subject=escape(subject), body=escape(body)),
            body,
            subject=subject,
            identity=self.identity,
            nonce=nonce,
            blanks=(letters.Blank(letters.EMAIL),),
        )
