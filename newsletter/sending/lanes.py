"""A lane: a connection and the thread that uses it, claim → offer → intend → hand over → record.

What a server says about one message is recorded. What it says about a connection costs nobody an attempt: the message
goes over the next one, and while the server takes fewer connections than there are lanes, some lanes wait. What it says
about the sender stops the run, with everybody waiting.

No server can make this loop: a lane gives up after `RECONNECT` connections in a row that led to nothing, unless another
lane gets on. Only an answer about a message counts as getting on, and every message has finitely many.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from newsletter.backends import Backend, Connection, Message
from newsletter.errors import ConfigurationError, DatabaseError, InDoubt, NewsletterError, SendError, Unavailable
from newsletter.sending.ledger import Claim, Ledger, Outcome
from newsletter.sending.pace import Pace
from newsletter.sending.states import DeliveryState
from newsletter.sending.tally import Tally

CLAIM_AT_ONCE = 50
# Minutes until the next try after a temporary refusal, doubling, each give or take a fifth.
FIRST_WAIT = timedelta(minutes=5)
LONGEST_WAIT = timedelta(minutes=160)
# Seconds before the next connection after one that led to nothing, while the server has been reached before.
RECONNECT = (0, 1, 2, 4, 8, 15, 30)
# A message that lost so many connections, where others were accepted between, is itself the reason.
CONNECTIONS_PER_MESSAGE = 3


@dataclass(frozen=True, slots=True)
class Mailing:
    """One thing to send: a ledger, and the bytes of the message for one of its claims."""

    ledger: Ledger
    message: Callable[[Claim], Message]


@dataclass(slots=True)
class Run:
    """What the lanes share."""

    mailings: Sequence[Mailing]
    backend: Backend
    worker: int
    pace: Pace
    clock: Callable[[], datetime]
    stop: threading.Event
    tally: Tally
    halt: threading.Event = field(default_factory=threading.Event)  # set by the first lane that fails
    lanes: list[Lane] = field(default_factory=list)
    reached: bool = False
    first: threading.Lock = field(default_factory=threading.Lock)

    @property
    def stopped(self) -> bool:
        return self.stop.is_set() or self.halt.is_set()

    @property
    def ended(self) -> int:
        return sum(lane.ended for lane in self.lanes)

    @property
    def accepted(self) -> int:
        return self.tally.counts[DeliveryState.ACCEPTED]

    def open(self) -> Connection | None:
        """A new connection, or None when asked to stop meanwhile.

        The very first is opened by one lane alone: if it fails, the server is away; if a later one does, the server may
        only take no more of them.
        """
        with self.first:
            if not self.reached and not self.stopped:
                try:
                    connection = self.backend.open()
                except BaseException:
                    self.halt.set()
                    raise
                self.reached = True
                return connection
        return None if self.stopped else self.backend.open()


class Lane:
    """One connection and what it is busy with. Used by one thread.

    `failures` counts the connections in a row that led to nothing.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._connection: Connection | None = None
        self._used = False  # this connection has led to an answer about a message
        self._paced = False  # the moment of the next message has come
        self._pause = timedelta(0)
        self._lost: dict[tuple[str, int], tuple[int, int]] = {}  # row → (fresh connections, acceptances before)
        self._accepted_at = 0  # how many this run had accepted, counting this lane's latest
        self._ended = 0  # lanes, when this one last failed
        self.failures = 0
        self.ended = False

    def run(self) -> None:
        try:
            while self._rest():
                for mailing in self._run.mailings:
                    claims = self._claim(mailing.ledger)
                    if claims:
                        self._work(mailing, claims)
                        break
                else:
                    return
        except BaseException:
            self._run.halt.set()
            raise
        finally:
            self._disconnect()
            self.ended = True

    def _claim(self, ledger: Ledger) -> list[Claim]:
        """What to do next; what has lost a connection comes last, so that it holds up nobody."""
        limit = self._run.pace.batch(CLAIM_AT_ONCE)
        claims = ledger.claim(self._run.worker, limit=limit, now=self._run.clock())
        return sorted(claims, key=lambda claim: self._lost.get((ledger.table.name, claim.id), (0, 0)))

    def _work(self, mailing: Mailing, claims: list[Claim]) -> None:
        left = list(claims)
        try:
            while left and self._moment():
                connection = self._connect()
                if connection is None or not self._one(mailing, left.pop(0), connection):
                    break
        finally:
            self._give_back(mailing.ledger, left)

    def _one(self, mailing: Mailing, claim: Claim, connection: Connection) -> bool:
        """Take one claim through the protocol; false when the others have to be claimed anew: its connection was lost,
        or it may not go, and so may they."""
        ledger = mailing.ledger
        try:
            connection.offer(_message(mailing, claim))
        except SendError as error:
            return self._not_accepted(ledger, claim, error)
        except BaseException:
            self._give_back(ledger, [claim])
            raise
        if not ledger.intend(claim, self._run.worker, now=self._run.clock()):
            connection.abandon()
            return False
        try:
            reply = connection.hand_over()
        except SendError as error:
            return self._not_accepted(ledger, claim, error)
        except InDoubt as error:
            fruitless = not self._used
            self._record(ledger, claim, Outcome(DeliveryState.IN_DOUBT, text=str(error)))
            if fruitless:
                self._failed(_none_lasts(error))
            return False
        self._record(ledger, claim, Outcome(DeliveryState.ACCEPTED, reply.code, reply.text))
        return True

    def _not_accepted(self, ledger: Ledger, claim: Claim, error: SendError) -> bool:
        """Record what is about the recipient; anything else leaves them waiting, as if nothing had been tried."""
        lost = error.scope == "connection"
        if error.scope in ("message", "domain") or (lost and self._loses_every_connection(ledger, claim)):
            self._record(ledger, claim, self._refusal(error, claim), policy=error.scope == "domain")
            return True
        self._give_back(ledger, [claim])
        if not lost:
            raise _about_the_sender(error) from error
        if not self._used:
            self._failed(_none_lasts(error))
        return False

    def _loses_every_connection(self, ledger: Ledger, claim: Claim) -> bool:
        """Whether a message that has just lost its connection is itself the reason; counts fresh connections alone."""
        if self._used:
            return False
        row = ledger.table.name, claim.id
        times, before = self._lost.get(row, (0, self._run.accepted))
        self._lost[row] = times + 1, before
        others_passed = self._accepted_at > before or (self._gives_up() and self._run.accepted > before)
        return times + 1 >= CONNECTIONS_PER_MESSAGE and others_passed

    def _record(self, ledger: Ledger, claim: Claim, outcome: Outcome, *, policy: bool = False) -> None:
        # An answer that is known and not written down becomes a doubt: it is worth some patience with the database.
        for pause in (*RECONNECT, None):
            try:
                ledger.record(claim, self._run.worker, outcome, now=self._run.clock())
                break
            except DatabaseError:
                if pause is None or not self._wait(timedelta(seconds=pause)):
                    raise
        self._used, self._paced = True, False
        if outcome.state != DeliveryState.IN_DOUBT:
            self.failures = 0
        self._lost.pop((ledger.table.name, claim.id), None)
        self._run.tally.add(ledger, claim, outcome, policy=policy)
        if outcome.state == DeliveryState.ACCEPTED:
            self._accepted_at = self._run.accepted

    def _refusal(self, error: SendError, claim: Claim) -> Outcome:
        if error.permanent and error.scope == "message":
            return Outcome(DeliveryState.REFUSED, error.code, error.text)
        pause = min(FIRST_WAIT * 2 ** (claim.attempt - 1), LONGEST_WAIT) * random.uniform(0.8, 1.2)  # noqa: S311 - spread
        return Outcome(DeliveryState.DEFERRED, error.code, error.text, self._run.clock() + pause)

    def _give_back(self, ledger: Ledger, claims: list[Claim]) -> None:
        ledger.give_back(claims, self._run.worker, now=self._run.clock())

    def _connect(self) -> Connection | None:
        """The lane's connection, opened again if it was lost; None when there is none now."""
        if self._connection is not None and self._connection.alive:
            return self._connection
        self._disconnect()
        try:
            self._connection = self._run.open()
        except Unavailable as error:
            if not self._run.reached:
                raise
            self._failed(error)
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None
        self._used = False

    def _failed(self, error: Unavailable) -> None:
        """A connection led to nothing: pause before the next, or give up when no other lane gets on either."""
        if self._gives_up():
            raise error
        self._pause = timedelta(seconds=RECONNECT[min(self.failures, len(RECONNECT) - 1)])
        self.failures += 1

    def _gives_up(self) -> bool:
        """Whether it has failed long enough; counted anew when another lane has ended and left its connection free."""
        if self._run.ended > self._ended:
            self._ended, self.failures = self._run.ended, 0
        others = any(lane.failures == 0 and not lane.ended for lane in self._run.lanes if lane is not self)
        return self.failures >= len(RECONNECT) and not others

    def _rest(self) -> bool:
        """Wait out a pause, with nothing claimed, or until another lane ends; false when asked to stop."""
        pause, self._pause = self._pause, timedelta(0)
        ended = self._run.ended
        return self._wait(pause, unless=lambda: self._run.ended != ended)

    def _moment(self) -> bool:
        """Wait until the pace lets the next message go, once for each; false when asked to stop."""
        if not self._paced:
            self._paced = self._wait(self._run.pace.take(now=self._run.clock()))
        return self._paced and not self._run.stopped

    def _wait(self, pause: timedelta, *, unless: Callable[[], bool] = lambda: False) -> bool:
        """Wait unless asked to stop; false when asked."""
        left = pause.total_seconds()
        while left > 0 and not self._run.stopped and not unless():
            step = min(left, 0.1)
            self._run.halt.wait(step)
            left -= step
        return not self._run.stopped


def _message(mailing: Mailing, claim: Claim) -> Message:
    """The message for a claim. One that cannot be addressed is refused, and stops nobody else's."""
    try:
        return mailing.message(claim)
    except ValueError as error:
        problem = f"this address or name cannot be mailed to: {error}"
        raise SendError(problem, scope="message", permanent=True) from error


def _about_the_sender(error: SendError) -> NewsletterError:
    kind: type[NewsletterError] = ConfigurationError if error.permanent else Unavailable
    do = "put it right and send again" if error.permanent else "send again when it takes mail again"
    return kind(
        f'the mail server takes nothing from this sender: "{error}". Everybody who was not accepted waits; {do}'
    )


def _none_lasts(error: NewsletterError) -> Unavailable:
    return Unavailable(
        f'no connection to the mail server lasts for one message: "{error}". Everybody who was not accepted waits; '
        "send again later, or set [backend] connections lower"
    )
