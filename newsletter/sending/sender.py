"""Sending a frozen issue, and the single mails ahead of it. Needs the database, the keys and a backend: no template, no
shelf, no settings of looks.
"""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

import sqlalchemy as sa

from newsletter.backends import Backend, Message
from newsletter.copies import Copies
from newsletter.database import Database
from newsletter.errors import DatabaseError, NewsletterError, Refused, counted
from newsletter.issues import IssueRow, Issues, IssueState
from newsletter.sending import addressing, alerts, outbox, workers
from newsletter.sending.alerts import Alerts
from newsletter.sending.audience import forget_recipient
from newsletter.sending.delivery import deliver
from newsletter.sending.lanes import Mailing, Run
from newsletter.sending.ledger import Claim, Ledger
from newsletter.sending.pace import Pace
from newsletter.sending.states import OPEN, DeliveryState
from newsletter.sending.steps import WorkerEnded
from newsletter.sending.tables import deliveries
from newsletter.sending.tally import Tally
from subscribers import Book

# How often a running worker looks for workers that have died.
LOOK_EVERY = timedelta(seconds=5)
# A worker that was taken for dead so often in one run has something that no new number mends.
REGISTER_AT_MOST = 10

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Report:
    """Where an issue stands. `run` counts what this run did, `totals` the whole issue, both by state.

    `already` means the issue was finished before, and nobody was mailed. `next_try_at` is set while somebody is still
    deferred. `ended` is what dead workers had left behind.
    """

    slot_key: str
    state: IssueState
    subject: str = ""
    frozen: int = 0
    run: dict[str, int] = field(default_factory=dict)
    totals: dict[str, int] = field(default_factory=dict)
    already: bool = False
    reason: str = ""
    next_try_at: datetime | None = None
    ended: workers.Ended = field(default_factory=workers.Ended)


@dataclass(frozen=True, slots=True)
class Sender:
    """`derive` makes the tokens of single mails; `rate` is messages a second over all workers, 0 for no limit."""

    database: Database
    issues: Issues
    book: Book
    alerts: Alerts
    derive: outbox.Derive
    rate: float
    clock: Callable[[], datetime]
    look_every: timedelta = LOOK_EVERY
    lease: timedelta = workers.LEASE

    def send(
        self,
        row: IssueRow,
        backend: Backend,
        *,
        stop: threading.Event,
        on_progress: Callable[[IssueRow, Tally], None] | None = None,
    ) -> Report:
        """Send a frozen issue's due messages, single mails first; close it when nobody is open any more."""
        if row.state != IssueState.SENDING:
            raise Refused(f"the issue {row.slot_key} is {row.state}; only a frozen, unfinished one can be sent")
        if doubt := self.uncertain(row.slot_key, slot_at=row.slot_at, frozen_at=row.frozen_at):
            raise Refused(doubt)
        ledger = self.ledger(row)
        watch = Watch(self, row, on_progress)
        watch.look()
        if row.expires_at is not None:
            ledger.expire(row.expires_at, now=self.clock())
        mailing = Mailing(ledger, self._addresser(row))
        try:
            self._deliver([self._single_mails(), mailing], backend, stop=stop, watch=watch)
        except NewsletterError as error:
            self.alerts.note(alerts.issue(row.slot_key), f"sending stopped: {error}")
            raise
        return self._close(row, ledger, watch)

    def send_single_mails(self, backend: Backend, *, stop: threading.Event) -> Tally:
        """Send what is due in the outbox."""
        watch = Watch(self)
        watch.look()
        self._deliver([self._single_mails()], backend, stop=stop, watch=watch)
        return watch.tally

    def report(self, row: IssueRow) -> Report:
        """Where an issue stands, without sending anything."""
        totals = self.ledger(row).counts()
        return Report(row.slot_key, row.state, row.subject, row.frozen, totals=totals, already=True, reason=row.reason)

    def cancel(
        self, row: IssueRow, *, reason: str, nobody_got_it: Callable[[sa.Connection], None] = lambda _: None
    ) -> dict[str, int]:
        """Stop an issue: a recipient whose message has not been begun gets nothing. Returns the counts it ends with.

        `nobody_got_it` is called inside the transaction when certainly nobody did: nobody was ever in doubt, either.
        """
        now = self.clock()
        ledger = self.ledger(row)
        with self.database.write() as connection:
            self.issues.step(connection, row, IssueState.CANCELLED, reason=reason, closed_at=now)
            ledger.cancel(connection, now=now)
            counts = ledger.counts_in(connection)
            if set(counts) <= {"cancelled", "skipped"} and not ledger.ever_in_doubt(connection):
                nobody_got_it(connection)
        return counts

    def settle_doubt(self, row: IssueRow, *, address: str | None, accepted: bool, by: str) -> int:
        """Settle by hand the doubt about one recipient, or all: it was accepted, or it is to be sent again.

        An issue that is closed is taken up again for those. Returns how many; raises `Refused` when there is none.
        """
        now = self.clock()
        if not row.out:
            raise Refused(f"the issue {row.slot_key} is {row.state}; nobody in it can be in doubt")
        if not accepted and row.expires_at is not None and row.expires_at <= now:
            raise Refused(f"the time of {row.slot_key} has passed ([pace] expire): it cannot be sent again")
        to = DeliveryState.ACCEPTED if accepted else DeliveryState.WAITING
        said = f"settled by {by or 'the operator'}: {'it was accepted' if accepted else 'to be sent again'}"
        with self.database.write() as connection:
            number = self.ledger(row).settle(connection, to, address=address, said=said, now=now)
            if not number:
                who = f"{address} is not" if address else "nobody is"
                raise Refused(f"{who} in doubt in {row.slot_key}; `newsletter issues doubt list` says who")
            if row.state == IssueState.CLOSED and not accepted:
                self.issues.step(connection, row, IssueState.SENDING, closed_at=None)
        return number

    def forget(self, address: str) -> bool:
        """Let the Book and the ledger forget a recipient; true when either knew them. May be repeated."""
        subscriber = self.book.find(address)
        known = self.book.forget(address)
        with self.database.write() as connection:
            subscriber_id = subscriber.id if subscriber else None
            named = forget_recipient(connection, address, subscriber_id=subscriber_id, now=self.clock())
        return known or named > 0

    def uncertain(self, slot_key: str, *, slot_at: datetime, frozen_at: datetime | None) -> str:
        """Why an issue may have gone out without this database knowing, and what to do; empty when it cannot."""
        copied = Copies(self.database).uncertain(slot_key, slot_at=slot_at, frozen_at=frozen_at)
        if copied is None:
            return ""
        return (
            f"this database is a copy of {copied:%Y-%m-%d %H:%M} UTC, and {slot_key} may have gone out since: "
            f"`newsletter send --slot {slot_key} --yes` sends it nevertheless, "
            f"`newsletter issues cancel {slot_key}` never"
        )

    def has_work(self, row: IssueRow) -> bool:
        """Whether sending an unfinished issue now would do anything: somebody is due, or it has expired."""
        now = self.clock()
        next_try = self.ledger(row).next_try(now=now)
        return next_try is None or next_try <= now or (row.expires_at is not None and row.expires_at <= now)

    def ledger(self, row: IssueRow) -> Ledger:
        return Ledger(
            self.database,
            deliveries,
            within=deliveries.c.issue_id == row.id,
            may_receive=self.book.may_receive(deliveries.c.subscriber_id),
            hold_consent=self.book.hold_consent,
        )

    def _deliver(self, mailings: list[Mailing], backend: Backend, *, stop: threading.Event, watch: Watch) -> None:
        outbox.tidy(self.database, now=self.clock())
        pace = Pace(self.database, self.rate)
        watch.found = True
        times = 0
        while watch.found and not stop.is_set():
            with workers.register(self.database, now=self.clock()) as watch.worker:
                try:
                    while watch.found and not stop.is_set():
                        watch.found = False
                        run = Run(mailings, backend, watch.worker.id, pace, self.clock, stop, watch.tally)
                        deliver(run, on_progress=watch.tell)
                        # What a worker that died meanwhile had claimed is due now, and nobody else may be there to send
                        # it. If found while the last lane ended, this run has not sent it.
                        watch.look()
                    watch.worker.leave(now=self.clock())
                except WorkerEnded as ended:
                    times += 1
                    if times > REGISTER_AT_MOST:
                        raise
                    watch.ended_itself(ended)

    def _single_mails(self) -> Mailing:
        return Mailing(outbox.ledger(self.database), lambda claim: outbox.message(claim.values, derive=self.derive))

    def _addresser(self, row: IssueRow) -> Callable[[Claim], Message]:
        """What turns a claim into a Message: per recipient a token, two hashes and a join, and nothing else."""
        letter_of = functools.cache(partial(self.issues.letter, row.id))

        def message(claim: Claim) -> Message:
            public_id = claim.values["public_id"]
            return addressing.of_issue(
                letter_of(claim.values["variant"]),
                address=claim.email,
                name=claim.values["name"],
                token=self.book.unsubscribe_token(public_id),
                recipient=public_id,
                slot_key=row.slot_key,
                list_id=row.list_id,
                # A message sent again after a doubt is the same message: same id, same date.
                at=claim.doubt_at or self.clock(),
            )

        return message

    def _close(self, row: IssueRow, ledger: Ledger, watch: Watch) -> Report:
        now = self.clock()
        with self.database.write() as connection:
            counts = ledger.counts_in(connection)
            current = self.issues.open(connection, slot_key=row.slot_key, slot_at=row.slot_at, now=now)
            state = current.state
            if state == IssueState.SENDING and not any(counts.get(one) for one in OPEN):
                self.issues.step(connection, current, IssueState.CLOSED, closed_at=now)
                state = IssueState.CLOSED
        if (total := sum(counts.values())) != row.frozen:
            said = f"it was frozen for {counted(row.frozen, 'recipient')}, but their states add up to {total}"
            self.alerts.tell(alerts.issue(row.slot_key), said)
        return Report(
            row.slot_key,
            state,
            row.subject,
            row.frozen,
            run={one.value: number for one, number in watch.tally.counts.items() if number},
            totals=counts,
            reason=current.reason if state != IssueState.CLOSED else "",
            next_try_at=ledger.next_try(now=now) if state == IssueState.SENDING else None,
            ended=watch.ended,
        )


@dataclass(slots=True)
class Watch:
    """What one run has done so far, and its look-out for workers that died: `tell` is called a few times a second."""

    sender: Sender
    row: IssueRow | None = None
    on_progress: Callable[[IssueRow, Tally], None] | None = None
    tally: Tally = field(default_factory=Tally)
    worker: workers.Worker | None = None
    ended: workers.Ended = field(default_factory=workers.Ended)
    looked: datetime = field(init=False)
    found: bool = False  # a look has made something due

    def tell(self) -> None:
        if not timedelta(0) <= self.sender.clock() - self.looked < self.sender.look_every:
            try:
                self.look()
            except DatabaseError as error:  # the lanes find out by themselves whether it lasts
                log.warning("could not look for workers that died: %s", error)
        if self.row is not None and self.on_progress is not None:
            self.on_progress(self.row, self.tally)

    def ended_itself(self, error: WorkerEnded) -> None:
        """This worker was taken for dead: say so, and let it begin again under another number."""
        self.worker, self.found = None, True
        said = f"{error}; it goes on under another number"
        if self.row is None:
            log.warning("%s", said)
        else:
            self.sender.alerts.note(alerts.issue(self.row.slot_key), said)

    def look(self) -> None:
        """End the workers that died, and tell the operator about doubts; `found` when that made anything due."""
        self.looked = self.sender.clock()
        if self.worker is not None:
            self.worker.beat()
        mine = self.worker.id if self.worker else 0
        found = workers.recover(self.sender.database, now=self.looked, lease=self.sender.lease, besides=mine)
        self.ended += found
        if found.doubts and self.row is not None:
            what = "to be sent again under the same id" if self.row.on_doubt == "resend" else "held"
            self.sender.alerts.tell(
                alerts.issue(self.row.slot_key),
                f"a worker died with {counted(found.doubts, 'message')} on the wire, now in doubt: {what}",
            )
        self.found = self.found or bool(found.claims or found.doubts)
