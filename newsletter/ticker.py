"""The ticker: once a minute it asks which slots are due, and starts `newsletter send` for them as a child process.

APScheduler only ticks, from a memory job store, one per process; nothing else imports it. Which slots exist is pure
(`slots`); which of them are done is in the database, so any number of tickers, restarts and clock changes make exactly
one issue per slot: the slot's key is unique, and of two sends at once the second stops (`weekly`). What sends is a
process of its own, so that scheduled sends and the operator's share one path, and the public pages never share an
interpreter with a send.

What it does not know: how an issue is made or sent. It raises nothing while it runs; what goes wrong is logged, told to
the operator, and tried again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from newsletter import slots
from newsletter.app import Project
from newsletter.child_process import ChildProcess, Ended, own_command
from newsletter.errors import Busy
from newsletter.issue import Slot
from newsletter.issues import IssueState
from newsletter.locks import try_lock
from newsletter.sending import alerts

EVERY = timedelta(seconds=60)
TIDY_EVERY = timedelta(hours=1)
# A send that failed is not tried again sooner: its own retries are done, somebody has to look.
AFTER_FAILURE = timedelta(minutes=15)
UNFINISHED = (IssueState.DRAFT, IssueState.REVIEW, IssueState.APPROVED, IssueState.SENDING)
_NO_PROOF = "the proof could not be mailed"
_FAILED = "the send ended with exit code"

log = logging.getLogger(__name__)

Command = Callable[[str], Sequence[str]]


def send_command(root: Path) -> Command:
    """The command line that sends the issue of a slot."""
    return lambda key: own_command(root, "send", "--scheduled", "--yes", "--slot", key)


def proof_command(root: Path) -> Command:
    """The command line that mails the proof of a slot's issue."""
    return lambda key: own_command(root, "issues", "proof", key, "--scheduled")


class Ticker:
    """Ticks from `start` to `stop`. `hourly` are called once an hour; `command` and `proof` return command lines."""

    def __init__(
        self,
        project: Project,
        *,
        hourly: Sequence[Callable[[], object]] = (),
        command: Command | None = None,
        proof: Command | None = None,
    ) -> None:
        self._project = project
        self._hourly = hourly
        self._command = command or send_command(project.root.resolve())
        self._proof = proof or proof_command(project.root.resolve())
        self._scheduler: BackgroundScheduler | None = None
        self._child = ChildProcess()
        self._not_before: dict[str, datetime] = {}
        self._no_proof_before: dict[str, datetime] = {}

    def start(self) -> None:
        # While a child runs, ticks are skipped, and APScheduler warns of each.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        scheduler = BackgroundScheduler(timezone=UTC, executors={"default": ThreadPoolExecutor(2)})
        for job, every in ((self.tick, EVERY), (self.tidy, TIDY_EVERY)):
            scheduler.add_job(
                job,
                IntervalTrigger(seconds=int(every.total_seconds()), timezone=UTC),
                coalesce=True,
                max_instances=1,
                misfire_grace_time=None,
                next_run_time=datetime.now(UTC),  # noqa: TID251 - APScheduler's own, which nobody can set
            )
        scheduler.start()
        self._scheduler = scheduler

    def stop(self) -> None:
        """Stop ticking. A child is asked to end, and waited for: it finishes the messages being sent."""
        if self._child.stop():
            log.info("waiting for the send under way to finish its messages")
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=True)

    def tick(self) -> None:
        """Record what was missed, and see to what is due. Returns when the child it started, if any, has ended."""
        try:
            now = self._project.clock()
            # A schedule with a mistake in it is not known; what is frozen goes on.
            due = slots.Due() if self._project.mistakes else self._due(now)
            for slot in due.missed:
                self._record_missed(slot, now=now)
            if not self._project.mistakes:
                for row in self._project.issues.waiting(before=now - self._project.settings.schedule.grace):
                    self._project.weekly.approval.give_up(row)
                self._mail_proof(now=now)
            self._project.weekly.approval.remind()
            key = self._wanted(due.slot, now=now)
            if key and self._nobody_sends():
                self._send(key)
        except Exception:
            log.exception("this tick failed; the next one is in a minute")

    def tidy(self) -> None:
        for call in self._hourly:
            try:
                call()
            except Exception:
                log.exception("the hourly tidying failed; the next one is in an hour")

    def _due(self, now: datetime) -> slots.Due:
        project = self._project
        return slots.due(
            project.schedule,
            now=now,
            last_key=project.issues.last_slot(until=slots.current(project.schedule, now=now).key),
            grace=project.settings.schedule.grace,
            since=project.database.began(),
        )

    def _record_missed(self, slot: Slot, *, now: datetime) -> None:
        project = self._project
        if project.issues.find(slot.key) is not None:
            return
        reason = f"nothing sent it at {slot.at:%Y-%m-%d %H:%M %Z} nor within [schedule] grace after that"
        # Told first: the list of alerts drops what was said last, so a kill in between repeats nothing.
        project.alerts.tell(alerts.issue(slot.key), f"this issue was missed: {reason}")
        with project.database.write() as connection:
            row = project.issues.open(connection, slot_key=slot.key, slot_at=slot.at, now=now)
            if row.state == IssueState.DRAFT:
                project.issues.step(connection, row, IssueState.MISSED, reason=reason, closed_at=now)

    def _mail_proof(self, *, now: datetime) -> None:
        """Mail the proof that is due, if there is one: before the send, which may take long."""
        project = self._project
        newest = slots.current(project.schedule, now=now)
        for slot in (newest, *slots.coming(project.schedule, now=now, number=1)):
            if now < self._no_proof_before.get(slot.key, now) or not project.weekly.proofs.due(slot):
                continue
            log.info("mailing the proof of %s", slot.key)
            ended = self._child.run(self._proof(slot.key), on_line=lambda line: log.info("%s", line))
            row = project.issues.find(slot.key)
            if ended is None or (row is not None and row.proofed_at is not None):
                return
            self._no_proof_before[slot.key] = project.clock() + AFTER_FAILURE
            if not self._child.stopping:
                why = ended.last or f"the command ended with exit code {ended.code} and said nothing"
                text = f"{_NO_PROOF} and is tried again every 15 minutes: {why}"
                project.alerts.tell(alerts.issue(slot.key), text)
            return

    def _wanted(self, due: Slot | None, *, now: datetime) -> str:
        """The key of the issue to send now, or empty: an unfinished one with something to do comes first."""
        unfinished = self._project.issues.unfinished()
        if unfinished is not None and (doubt := self._project.weekly.uncertain(unfinished)):
            self._project.alerts.tell(alerts.issue(unfinished.slot_key), doubt)
            unfinished = None
        if unfinished is not None and self._project.sender.has_work(unfinished):
            key = unfinished.slot_key
        else:
            key = due.key if due and not self._project.weekly.approval.waits(due) else ""
        return "" if key and now < self._not_before.get(key, now) else key

    def _nobody_sends(self) -> bool:
        """Whether no send is at work here, so that a child would not only be told so."""
        lock = try_lock(self._project.database, "send")
        if lock is None:
            return False
        lock.release()
        return True

    def _send(self, key: str) -> None:
        """Run one child to its end."""
        log.info("starting the send of %s", key)
        ended = self._child.run(self._command(key), on_line=lambda line: log.info("%s: %s", key, line))
        if ended is not None:
            self._judge(key, ended)

    def _judge(self, key: str, ended: Ended) -> None:
        project, code, last = self._project, ended.code, ended.last
        row = project.issues.find(key)
        if row is not None and (code == 0 or row.state not in UNFINISHED):
            # Exit code 1 may only mean that somebody's mailbox is gone, or that another ticker's child was first.
            log.info("the send of %s ended %s", key, f"with exit code {code}: {last}" if code else "well")
            return
        if code == Busy.exit_code and last.endswith(Busy.SENDING):
            log.info("another send is at work on %s", key)
            return
        self._not_before[key] = project.clock() + AFTER_FAILURE
        if self._child.stopping:
            log.info("the send of %s was stopped with exit code %s; it goes on after the next start", key, code)
            return
        text = f"{_FAILED} {code} and is tried again every 15 minutes: {last or 'it said nothing'}"
        log.error("%s: %s", key, text)
        # What the send has told the operator itself, or an earlier try has led to, is not said twice.
        if not any(told.text.startswith(_FAILED) or told.text in last for told in project.issues.alerts(key)):
            project.alerts.tell(alerts.issue(key), text)
