"""A lane: a connection and the thread that uses it, claim → offer → intend → hand over → record.

The answer to one message is recorded together with the intent of the next (`Ledger.turn`), and the next envelope goes
along with the dot: one commit and one round trip a message. An answer that nothing follows is recorded at once.

What a server says about one message is recorded. What it says about a connection costs nobody an attempt: the message
goes over the next one, and while the server takes fewer connections than there are lanes, some lanes wait. What it says
about the sender stops the run, with everybody waiting.

No server can make this loop: a lane gives up after `RECONNECT` connections in a row that led to nothing, unless another
lane gets on. Only an answer about a message counts as getting on, and every message has finitely many.
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from newsletter.backends import Backend, Connection, Message
from newsletter.errors import ConfigurationError, DatabaseError, InDoubt, NewsletterError, SendError, Unavailable
from newsletter.sending.ledger import Claim, Ledger, Outcome
from newsletter.sending.pace import Pace
from newsletter.sending.states import DeliveryState
from newsletter.sending.tally import Tally

Made = TypeVar("Made")

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
        self._due_at: float | None = None  # by the monotonic clock: when the pace lets the next message go
        self._prepared: tuple[Claim, Message] | None = None  # the next message, which the server may have been told of
        self._accepted: tuple[Claim, Outcome] | None = None  # not yet written down
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
        claims = self._patiently(lambda: ledger.claim(self._run.worker, limit=limit, now=self._run.clock()))
        return sorted(claims, key=lambda claim: self._lost.get((ledger.table.name, claim.id), (0, 0)))

    def _work(self, mailing: Mailing, claims: list[Claim]) -> None:
        left = deque(claims)
        try:
            while left and self._moment(mailing.ledger):
                connection = self._connect(mailing.ledger)
                if connection is None or not self._one(mailing, left, connection):
                    break
        finally:
            try:
                self._write_down(mailing.ledger)
            finally:
                self._give_back(mailing.ledger, left)

    def _one(self, mailing: Mailing, left: deque[Claim], connection: Connection) -> bool:
        """Take one claim through the protocol; false when the others have to be claimed anew: its connection was lost,
        or it may not go, and so may they."""
        ledger, claim = mailing.ledger, left.popleft()
        try:
            connection.offer(self._message(mailing, claim))
            self._prepared = None
        except SendError as error:
            self._prepared = None
            if error.scope != "connection":
                self._due_at = None
            self._write_down(ledger)
            return self._not_accepted(ledger, claim, error)
        except BaseException:
            self._give_back(ledger, [claim])
            raise
        following = self._following(mailing, left)
        if not self._turn(ledger, claim):
            connection.abandon()
            return False
        try:
            reply = connection.hand_over() if following is None else connection.hand_over(following)
        except SendError as error:
            return self._not_accepted(ledger, claim, error)
        except InDoubt as error:
            fruitless = not self._used
            self._record(ledger, claim, Outcome(DeliveryState.IN_DOUBT, text=str(error)))
            if fruitless:
                self._failed(_none_lasts(error))
            return False
        self._used, self._accepted = True, (claim, Outcome(DeliveryState.ACCEPTED, reply.code, reply.text))
        if following is None:
            self._write_down(ledger)
        return True

    def _message(self, mailing: Mailing, claim: Claim) -> Message:
        """The message for a claim. One that cannot be addressed is refused, and stops nobody else's."""
        if self._prepared is None or self._prepared[0] is not claim:
            try:
                self._prepared = claim, mailing.message(claim)
            except ValueError as error:
                problem = f"this address or name cannot be mailed to: {error}"
                raise SendError(problem, scope="message", permanent=True) from error
        return self._prepared[1]

    def _following(self, mailing: Mailing, left: deque[Claim]) -> Message | None:
        """The message whose envelope may go along with the next dot: there is one, and the pace lets it go now."""
        self._due_at = None
        if not left or self._run.stopped or self._wait_left() > 0:
            return None
        with suppress(SendError):  # it is said when its turn has come
            return self._message(mailing, left[0])
        return None

    def _turn(self, ledger: Ledger, claim: Claim) -> bool:
        """Make the intent of a claim, and write down what was accepted before, in one commit."""
        before, now = self._accepted, self._run.clock()
        if before is None:
            return self._patiently(lambda: ledger.intend(claim, now=now))
        intended = self._patiently(lambda: ledger.turn(*before, claim, now=now))
        self._accepted = None
        self._count(ledger, *before)
        return intended

    def _write_down(self, ledger: Ledger) -> None:
        """Record the acceptance that nothing follows."""
        if self._accepted is not None:
            before, self._accepted = self._accepted, None
            self._patiently(lambda: ledger.turn(*before, now=self._run.clock()))
            self._count(ledger, *before)

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
        self._patiently(lambda: ledger.record(claim, outcome, now=self._run.clock()))
        self._used = True
        self._count(ledger, claim, outcome, policy=policy)

    def _count(self, ledger: Ledger, claim: Claim, outcome: Outcome, *, policy: bool = False) -> None:
        if outcome.state != DeliveryState.IN_DOUBT:
            self.failures = 0
        self._lost.pop((ledger.table.name, claim.id), None)
        self._run.tally.add(ledger, claim, outcome, policy=policy)
        if outcome.state == DeliveryState.ACCEPTED:
            self._accepted_at = self._run.accepted

    def _patiently(self, act: Callable[[], Made]) -> Made:
        """Do it again when the database failed: an answer that is known and not written down becomes a doubt, and one
        session of the database that was lost is no reason to stop.
        """
        for pause in RECONNECT:
            try:
                return act()
            except DatabaseError:
                if not self._wait(timedelta(seconds=pause)):
                    raise
        return act()

    def _refusal(self, error: SendError, claim: Claim) -> Outcome:
        if error.permanent and error.scope == "message":
            return Outcome(DeliveryState.REFUSED, error.code, error.text)
        pause = min(FIRST_WAIT * 2 ** (claim.attempt - 1), LONGEST_WAIT) * random.uniform(0.8, 1.2)  # noqa: S311 - spread
        return Outcome(DeliveryState.DEFERRED, error.code, error.text, self._run.clock() + pause)

    def _give_back(self, ledger: Ledger, claims: Collection[Claim]) -> None:
        ledger.give_back(claims, now=self._run.clock())

    def _connect(self, ledger: Ledger) -> Connection | None:
        """The lane's connection, opened again if it was lost; None when there is none now."""
        if self._connection is not None and self._connection.alive:
            return self._connection
        self._write_down(ledger)
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

    def _moment(self, ledger: Ledger) -> bool:
        """Wait until the pace lets the next message go, once for each; false when asked to stop."""
        if (left := self._wait_left()) > 0:
            self._write_down(ledger)
            self._wait(timedelta(seconds=left))
        return not self._run.stopped

    def _wait_left(self) -> float:
        """Seconds until the moment of the next message, which is reserved when it is first asked for."""
        if self._due_at is None:
            self._due_at = time.monotonic() + self._run.pace.take(now=self._run.clock()).total_seconds()
        return self._due_at - time.monotonic()

    def _wait(self, pause: timedelta, *, unless: Callable[[], bool] = lambda: False) -> bool:
        """Wait unless asked to stop; false when asked."""
        left = pause.total_seconds()
        while left > 0 and not self._run.stopped and not unless():
            step = min(left, 0.1)
            self._run.halt.wait(step)
            left -= step
        return not self._run.stopped


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
