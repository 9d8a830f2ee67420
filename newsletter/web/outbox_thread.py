"""Empties the outbox while the pages are served: confirmations have to go out at once, not with the next issue.

Looks every two seconds, and at once when woken. A backend that is away or set up wrongly is told once and tried with
growing pauses; the pages go on. What it does not know: what the mails are. Raises nothing.
"""

from __future__ import annotations

import logging
import threading

from newsletter.app import Project
from newsletter.errors import NewsletterError
from newsletter.sending import alerts, outbox

IDLE = 2.0  # seconds
LONGEST_PAUSE = 300.0

log = logging.getLogger(__name__)


class OutboxThread:
    """A thread from `start` to `stop`; the message that is being sent is finished first."""

    def __init__(self, project: Project, *, idle: float = IDLE) -> None:
        self._project = project
        self._idle = idle
        self._pause = idle
        self._said = ""
        self._stopping = threading.Event()
        self._woken = threading.Event()
        self._thread = threading.Thread(target=self._run, name="outbox_thread", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join()

    def wake(self) -> None:
        """Look at once: a mail was put into the outbox."""
        self._woken.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._woken.clear()
            self._pause = self._idle if self.round() else min(self._pause * 2, LONGEST_PAUSE)
            # After a failure a new mail is no reason to connect again at once.
            (self._woken if self._pause == self._idle else self._stopping).wait(self._pause)

    def round(self) -> bool:
        """Send what is due; false when something was due and nothing came of it."""
        project = self._project
        try:
            now = project.clock()
            next_try = outbox.ledger(project.database).next_try(now=now)
            if next_try is None or next_try > now:
                return True
            tally = project.sender.send_single_mails(project.backend(), stop=self._stopping)
        except NewsletterError as error:
            self._say(f"single mails cannot be sent, they wait in the outbox: {error}")
            return False
        except Exception:
            log.exception("the outbox could not be emptied; it is tried again")
            return False
        if tally.counts.total():
            self._said = ""
        # Nothing done means that another process is at it, or that it is claimed by one that has died just now.
        return bool(tally.counts.total())

    def _say(self, text: str) -> None:
        if text == self._said:
            return
        self._said = text
        try:
            self._project.alerts.note(alerts.OUTBOX, text)
        except NewsletterError:
            log.exception(text)  # the database may be what is away
