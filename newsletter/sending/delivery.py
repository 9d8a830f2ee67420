"""claim → offer → intend → hand over → record: a lane per open connection, until nothing is due.

What it does not know: where recipients and letters come from; a `Mailing` gives it a ledger and the bytes for a claim.
A configuration mistake (wrong password) ends everything at once and is raised; a server that is away is asked again a
few times and then raised as `Unavailable`; both leave every unbegun claim waiting. What a server says about one
message is recorded and never raised.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from newsletter.backends import Backend, Connection, Message
from newsletter.errors import ConfigurationError, DatabaseError, InDoubt, SendError, Unavailable
from newsletter.sending.ledger import Claim, Ledger, Outcome
from newsletter.sending.pace import Pace
from newsletter.sending.states import DeliveryState

CLAIM_AT_ONCE = 50
# Minutes until the next try after a temporary refusal, doubling, each give or take a fifth.
FIRST_WAIT = timedelta(minutes=5)
LONGEST_WAIT = timedelta(minutes=160)
# Seconds between attempts to reach a server that has answered before.
RECONNECT = (1, 2, 4, 8, 15, 30)
# So many refusals before the first acceptance are about the sender, not about the readers.
ALL_REFUSED = 20


@dataclass(frozen=True, slots=True)
class Mailing:
    """One thing to send: a ledger, and the bytes of the message for one of its claims."""

    ledger: Ledger
    message: Callable[[Claim], Message]


class AllRefused(ConfigurationError):
    """The server refuses everybody: that is about the sender, not about the readers."""


@dataclass(slots=True)
class Tally:
    """What this run has done so far, by state. `refused` holds who was refused while nobody was accepted yet."""

    counts: Counter[DeliveryState] = field(default_factory=Counter)
    refused: list[tuple[Ledger, Claim]] = field(default_factory=list)
    guard: threading.Lock = field(default_factory=threading.Lock)

    def add(self, ledger: Ledger, claim: Claim, outcome: Outcome) -> None:
        with self.guard:
            self.counts[outcome.state] += 1
            if outcome.state == DeliveryState.ACCEPTED:
                self.refused.clear()
            elif outcome.state == DeliveryState.REFUSED and not self.counts[DeliveryState.ACCEPTED]:
                self.refused.append((ledger, claim))
            hopeless = len(self.refused) >= ALL_REFUSED
        if hopeless:
            raise AllRefused(
                f"the mail server refused the first {ALL_REFUSED} messages and accepted none; the last time it said "
                f'"{outcome.code or ""} {outcome.text}". They and everybody else wait; put it right and send again'
            )

    def take_back_refused(self, *, now: datetime) -> None:
        """Nobody stays refused for what was the sender's fault."""
        for ledger, claim in self.refused:
            ledger.take_back([claim], now=now)
            self.counts[DeliveryState.REFUSED] -= 1


def deliver(
    mailings: Sequence[Mailing],
    backend: Backend,
    *,
    worker: int,
    pace: Pace,
    clock: Callable[[], datetime],
    stop: threading.Event,
    on_progress: Callable[[Tally], None] | None = None,
) -> Tally:
    """Send everything that is due, the first mailing's first, over as many lanes as the backend has connections.

    Returns when nothing is due any more or `stop` is set. `on_progress` is called from the caller's own thread a few
    times a second. Raises `Unavailable` and `ConfigurationError` once every lane has let go of its claims.
    """
    tally = Tally()
    lanes = max(1, backend.connections)
    with ThreadPoolExecutor(lanes, thread_name_prefix="lane") as pool:
        halt = threading.Event()
        running: set[Future[None]] = {
            pool.submit(_Lane(mailings, backend, worker, pace, clock, (stop, halt), tally, lanes).run)
            for _ in range(lanes)
        }
        failed: BaseException | None = None
        try:
            while running:
                done, running = wait(running, timeout=0.2, return_when=FIRST_EXCEPTION)
                for future in done:
                    if (error := future.exception()) is not None:
                        halt.set()
                        failed = failed or error
                if on_progress is not None:
                    on_progress(tally)
        finally:
            halt.set()
    if isinstance(failed, AllRefused):
        tally.take_back_refused(now=clock())
    if failed is not None:
        raise failed
    return tally


class _Lane:
    """One connection and what it is busy with. Used by one thread."""

    def __init__(
        self,
        mailings: Sequence[Mailing],
        backend: Backend,
        worker: int,
        pace: Pace,
        clock: Callable[[], datetime],
        stops: tuple[threading.Event, threading.Event],
        tally: Tally,
        lanes: int,
    ) -> None:
        self._mailings = mailings
        self._backend = backend
        self._worker = worker
        self._pace = pace
        self._clock = clock
        self._stops = stops
        self._tally = tally
        self._lanes = lanes
        self._connection: Connection | None = None
        self._reached = False

    def run(self) -> None:
        try:
            while not self._stopped():
                for mailing in self._mailings:
                    claims = self._claim(mailing.ledger)
                    if claims:
                        self._work(mailing, claims)
                        break
                else:
                    return
        finally:
            if self._connection is not None:
                self._connection.close()

    def _claim(self, ledger: Ledger) -> list[Claim]:
        return ledger.claim(self._worker, limit=self._pace.batch(CLAIM_AT_ONCE), now=self._clock())

    def _work(self, mailing: Mailing, claims: list[Claim]) -> None:
        left = list(claims)
        try:
            while left and not self._stopped():
                connection = self._open()
                if connection is None or not self._wait(self._pace.take(now=self._clock())):
                    break
                self._one(mailing, left.pop(0), connection)
        finally:
            mailing.ledger.give_back(left, self._worker, now=self._clock())

    def _one(self, mailing: Mailing, claim: Claim, connection: Connection) -> None:
        ledger = mailing.ledger
        try:
            offered = self._offer(_message(mailing, claim), connection)
        except SendError as error:
            self._record(ledger, claim, self._refusal(error, claim))
            return
        except BaseException:
            ledger.give_back([claim], self._worker, now=self._clock())
            raise
        if offered is None:
            ledger.give_back([claim], self._worker, now=self._clock())
            return
        connection = offered
        if not ledger.intend(claim, self._worker, now=self._clock()):
            connection.abandon()
            return
        try:
            reply = connection.hand_over()
        except SendError as error:
            outcome = self._refusal(error, claim)
        except InDoubt as error:
            outcome = Outcome(DeliveryState.IN_DOUBT, text=str(error))
        else:
            outcome = Outcome(DeliveryState.ACCEPTED, reply.code, reply.text)
        self._record(ledger, claim, outcome)

    def _offer(self, message: Message, connection: Connection | None) -> Connection | None:
        """Offer the message, over a new connection when one is lost: that says nothing about the reader.

        Gives the connection it is offered on, or None when asked to stop meanwhile.
        """
        for last in (False, False, True):
            if connection is None:
                return None
            try:
                connection.offer(message)
            except SendError as error:
                lost = error.code is None and not error.permanent and not connection.alive
                if last or not lost:
                    raise
                connection = self._open()
            else:
                return connection
        return None

    def _record(self, ledger: Ledger, claim: Claim, outcome: Outcome) -> None:
        # An answer that is known and not written down becomes a doubt: it is worth some patience with the database.
        for pause in (*RECONNECT, None):
            try:
                ledger.record(claim, self._worker, outcome, now=self._clock())
                break
            except DatabaseError:
                if pause is None or not self._wait(timedelta(seconds=pause)):
                    raise
        self._tally.add(ledger, claim, outcome)

    def _refusal(self, error: SendError, claim: Claim) -> Outcome:
        if error.permanent and error.scope == "message":
            return Outcome(DeliveryState.REFUSED, error.code, error.text)
        pause = min(FIRST_WAIT * 2 ** (claim.attempt - 1), LONGEST_WAIT) * random.uniform(0.8, 1.2)  # noqa: S311 - spread
        return Outcome(DeliveryState.DEFERRED, error.code, error.text, self._clock() + pause)

    def _open(self) -> Connection | None:
        """The lane's connection, opened again if it was lost; None when asked to stop meanwhile."""
        if self._connection is not None and self._connection.alive:
            return self._connection
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        for pause in (*RECONNECT, None):
            try:
                self._connection = self._backend.open()
            except Unavailable:
                if pause is None or not self._reached:
                    raise
                if not self._wait(timedelta(seconds=pause)):
                    return None
            else:
                self._reached = True
                return self._connection
        return None

    def _stopped(self) -> bool:
        return any(stop.is_set() for stop in self._stops)

    def _wait(self, pause: timedelta) -> bool:
        """Wait unless asked to stop; false when asked."""
        if pause > timedelta(0):
            deadline = pause.total_seconds()
            while deadline > 0 and not self._stopped():
                step = min(deadline, 0.1)
                self._stops[1].wait(step)
                deadline -= step
        return not self._stopped()


def _message(mailing: Mailing, claim: Claim) -> Message:
    """The message for a claim. One that cannot be addressed is refused, and stops nobody else's."""
    try:
        return mailing.message(claim)
    except ValueError as error:
        raise SendError(
            f"this address or name cannot be mailed to: {error}", scope="message", permanent=True
        ) from error
