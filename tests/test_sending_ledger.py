"""The ledger: who may claim, intend and record, on SQLite and PostgreSQL alike."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from newsletter.database import Database
from newsletter.errors import Refused
from newsletter.issues import Issues, IssueState
from newsletter.letter import Letter
from newsletter.sending import outbox as single_mails, workers
from newsletter.sending.audit import audit, history
from newsletter.sending.ledger import Outcome
from newsletter.sending.states import ENDS, OPEN, STEPS, DeliveryState
from newsletter.sending.steps import WorkerEnded, end_claims, step
from newsletter.sending.tables import deliveries, outbox
from subscribers import Book
from tests.frozen_issue import add_subscribers, freeze, post_mail, sender_of
from tests.times import NOW, Clock


@pytest.fixture
def worker(database: Database) -> Iterator[int]:
    """The number of an open worker."""
    with workers.register(database, now=NOW) as living:
        yield living.id


def test_every_state_has_a_row_in_the_table_and_the_ends_lead_to_nothing_but_a_late_proof() -> None:
    assert set(STEPS) == set(DeliveryState)
    assert {DeliveryState.ACCEPTED, DeliveryState.SKIPPED, DeliveryState.EXPIRED, DeliveryState.CANCELLED} == ENDS
    assert not STEPS[DeliveryState.ACCEPTED]
    assert not ENDS & OPEN
    on_the_wire = {DeliveryState.ACCEPTED, DeliveryState.REFUSED, DeliveryState.DEFERRED, DeliveryState.IN_DOUBT}
    assert STEPS[DeliveryState.HANDING_OVER] == on_the_wire


def test_a_step_that_the_table_does_not_have_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="handing over cannot become waiting"):
        step(deliveries, DeliveryState.WAITING, since={DeliveryState.HANDING_OVER}, at=NOW)


def test_two_workers_never_claim_the_same_recipient(
    database: Database, book: Book, letter: Letter, clock: Clock, worker: int
) -> None:
    add_subscribers(book, 10)
    ledger = sender_of(database, book, clock).ledger(freeze(database, book, letter, now=NOW))
    first = ledger.claim(worker, limit=6, now=NOW)
    with workers.register(database, now=NOW) as other:
        second = ledger.claim(other.id, limit=6, now=NOW)
    assert len(first) == 6
    assert len(second) == 4
    assert not {claim.id for claim in first} & {claim.id for claim in second}


def test_who_left_before_the_claim_is_skipped_and_counted(
    database: Database, book: Book, letter: Letter, clock: Clock, worker: int
) -> None:
    addresses = add_subscribers(book, 3)
    ledger = sender_of(database, book, clock).ledger(freeze(database, book, letter, now=NOW))
    book.unsubscribe(addresses[1])
    claims = ledger.claim(worker, limit=10, now=NOW)
    assert [claim.email for claim in claims] == [addresses[0], addresses[2]]
    assert ledger.counts() == {DeliveryState.CLAIMED: 2, DeliveryState.SKIPPED: 1}


def test_no_intent_is_made_after_an_unsubscribe_was_answered(
    database: Database, book: Book, letter: Letter, clock: Clock, worker: int
) -> None:
    addresses = add_subscribers(book, 1)
    ledger = sender_of(database, book, clock).ledger(freeze(database, book, letter, now=NOW))
    (claim,) = ledger.claim(worker, limit=1, now=NOW)
    book.unsubscribe(addresses[0])
    assert not ledger.intend(claim, now=NOW)
    assert ledger.counts() == {DeliveryState.SKIPPED: 1}


def test_a_suppressed_reader_is_not_intended_either(
    database: Database, book: Book, letter: Letter, clock: Clock, worker: int
) -> None:
    addresses = add_subscribers(book, 1)
    ledger = sender_of(database, book, clock).ledger(freeze(database, book, letter, now=NOW))
    (claim,) = ledger.claim(worker, limit=1, now=NOW)
    book.suppress(addresses[0], reason="asked by letter")
    assert not ledger.intend(claim, now=NOW)


def test_a_worker_whose_claims_were_ended_may_not_hand_over(
    database: Database, book: Book, letter: Letter, clock: Clock
) -> None:
    add_subscribers(book, 2)
    ledger = sender_of(database, book, clock).ledger(freeze(database, book, letter, now=NOW))
    with workers.register(database, now=NOW) as dead:
        claims = ledger.claim(dead.id, limit=2, now=NOW)
    assert workers.recover(database, now=NOW).claims == 2
    with pytest.raises(WorkerEnded, match="start it again"):
        ledger.intend(claims[0], now=NOW)
    assert ledger.counts() == {DeliveryState.WAITING: 2}


def test_a_claim_that_was_given_to_another_lane_is_left_to_it_and_nobody_is_skipped(
    database: Database, book: Book, letter: Letter, clock: Clock, worker: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_subscribers(book, 1)
    ledger = sender_of(database, book, clock).ledger(freeze(database, book, letter, now=NOW))
    (claim,) = ledger.claim(worker, limit=1, now=NOW)
    with database.write() as connection:
        assert end_claims(connection, worker, now=NOW) == (1, 0)
    intending = ledger._group_commit.change

    def and_another_lane_claims(*args: Any, **kwargs: Any) -> list[int]:
        changed = intending(*args, **kwargs)
        assert [again.id for again in ledger.claim(worker, limit=1, now=NOW)] == [claim.id]
        return changed

    monkeypatch.setattr(ledger._group_commit, "change", and_another_lane_claims)
    assert not ledger.intend(claim, now=NOW)
    assert ledger.counts() == {DeliveryState.CLAIMED: 1}


@pytest.mark.parametrize("known", [True, False])
def test_a_worker_that_was_ended_claims_nothing_and_intends_nothing(
    database: Database, book: Book, letter: Letter, clock: Clock, worker: int, *, known: bool
) -> None:
    add_subscribers(book, 2)
    ledger = sender_of(database, book, clock).ledger(freeze(database, book, letter, now=NOW))
    (claim,) = ledger.claim(worker, limit=1, now=NOW)
    with database.write() as connection:
        ended = workers.workers.update().values(ended_at=NOW) if known else workers.workers.delete()
        connection.execute(ended)
    with pytest.raises(WorkerEnded):
        ledger.claim(worker, limit=1, now=NOW)
    with pytest.raises(WorkerEnded, match="taken for dead"):
        ledger.intend(claim, now=NOW)
    assert ledger.counts() == {DeliveryState.CLAIMED: 1, DeliveryState.WAITING: 1}
    (found,) = audit(database)
    assert found.wrong == ("1 message held by workers that have ended; `newsletter worker` lets go of them",)
    assert workers.recover(database, now=NOW) == workers.Ended(claims=1)
    assert not audit(database)[0].wrong


def test_a_single_mail_held_by_a_worker_that_has_ended_is_found_by_the_audit_and_let_go(
    database: Database, worker: int
) -> None:
    with database.write() as connection:
        post_mail(connection, "b@example.net", now=NOW)
    ledger = single_mails.ledger(database)
    (claim,) = ledger.claim(worker, limit=1, now=NOW)
    assert ledger.intend(claim, now=NOW)
    with database.write() as connection:
        connection.execute(workers.workers.update().values(ended_at=NOW))
    (found,) = audit(database)
    assert (found.slot_key, len(found.wrong)) == ("outbox", 1)
    assert workers.recover(database, now=NOW) == workers.Ended(doubts=1)
    assert audit(database) == []
    assert ledger.counts() == {DeliveryState.WAITING: 1}


def waits_or_is_done(database: Database, thread: threading.Thread) -> None:
    """Until the thread waits for a lock of the server, or has ended; SQLite lets one in, so nothing can be waited for."""
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    while thread.is_alive() and not database.is_sqlite:
        with database.read() as connection:
            if connection.exec_driver_sql(waiting).scalar_one():
                return


def test_a_claim_made_while_its_worker_is_being_ended_is_refused(
    database: Database, book: Book, letter: Letter, clock: Clock, worker: int
) -> None:
    add_subscribers(book, 2)
    ledger = sender_of(database, book, clock).ledger(freeze(database, book, letter, now=NOW))
    said: list[object] = []

    def claim() -> None:
        try:
            said.append(ledger.claim(worker, limit=2, now=NOW))
        except WorkerEnded as error:
            said.append(error)

    thread = threading.Thread(target=claim)
    with database.write() as connection:
        connection.execute(workers.workers.update().values(ended_at=NOW))
        thread.start()
        waits_or_is_done(database, thread)
        assert end_claims(connection, worker, now=NOW) == (0, 0)
    thread.join()
    assert isinstance(said[0], WorkerEnded)
    assert ledger.counts() == {DeliveryState.WAITING: 2}


def test_an_intent_in_flight_while_its_worker_is_ended_becomes_a_named_doubt(
    database: Database, book: Book, letter: Letter, clock: Clock
) -> None:
    (address,) = add_subscribers(book, 1)
    ledger = sender_of(database, book, clock).ledger(freeze(database, book, letter, now=NOW))
    with workers.register(database, now=NOW) as dead:
        (claim,) = ledger.claim(dead.id, limit=1, now=NOW)
    thread = threading.Thread(target=lambda: workers.recover(database, now=NOW))
    with database.write() as connection:
        intent = {"row": claim.id, "number": claim.number, "worker": dead.id, "now": NOW}
        assert connection.execute(ledger._intend[-1].statement, intent).rowcount == 1
        thread.start()
        waits_or_is_done(database, thread)
    thread.join()
    assert ledger.counts() == {DeliveryState.WAITING: 1}
    (found,) = audit(database)
    assert not found.wrong
    assert [doubt.address for doubt in found.ever_in_doubt] == [address]


def test_a_deferral_written_down_while_its_issue_is_being_cancelled_leaves_nobody_waiting(
    database: Database, book: Book, letter: Letter, clock: Clock, worker: int
) -> None:
    add_subscribers(book, 1)
    row = freeze(database, book, letter, now=NOW)
    sender = sender_of(database, book, clock)
    ledger = sender.ledger(row)
    (claim,) = ledger.claim(worker, limit=1, now=NOW)
    assert ledger.intend(claim, now=NOW)
    later = Outcome(DeliveryState.DEFERRED, 451, "greylisted", NOW + timedelta(minutes=5))
    thread = threading.Thread(target=lambda: ledger.record(claim, later, now=NOW))
    with database.write() as connection:
        sender.issues.step(connection, row, IssueState.CANCELLED)
        ledger.cancel(connection, now=NOW)
        thread.start()
        waits_or_is_done(database, thread)
    thread.join()
    assert ledger.counts() == {DeliveryState.CANCELLED: 1}


def test_a_single_mail_forgotten_on_the_wire_is_accepted_when_the_server_accepts_it(
    database: Database, book: Book, clock: Clock, worker: int
) -> None:
    with database.write() as connection:
        post_mail(connection, "s@example.net", now=NOW)
    ledger = single_mails.ledger(database)
    (claim,) = ledger.claim(worker, limit=1, now=NOW)
    assert ledger.intend(claim, now=NOW)
    assert sender_of(database, book, clock).forget("S@example.net")
    ledger.record(claim, Outcome(DeliveryState.ACCEPTED, 250, "OK for s@example.net"), now=NOW)
    with database.read() as connection:
        row = connection.execute(outbox.select()).one()
    assert (row.state, row.worker_id, row.code) == ("accepted", None, 250)
    assert (row.email, row.text, row.data) == ("(forgotten)", "", None)


@pytest.mark.parametrize("state", [DeliveryState.DEFERRED, DeliveryState.IN_DOUBT])
def test_a_single_mail_forgotten_on_the_wire_is_never_sent_again(
    database: Database, book: Book, clock: Clock, worker: int, state: DeliveryState
) -> None:
    with database.write() as connection:
        post_mail(connection, "s@example.net", now=NOW)
    ledger = single_mails.ledger(database)
    (claim,) = ledger.claim(worker, limit=1, now=NOW)
    assert ledger.intend(claim, now=NOW)
    sender_of(database, book, clock).forget("s@example.net")
    later = NOW if state == DeliveryState.DEFERRED else None
    ledger.record(claim, Outcome(state, 451, "not now, s@example.net", later), now=NOW)
    assert ledger.claim(worker, limit=1, now=NOW + timedelta(days=1)) == []
    assert not ledger.still_open()
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM attempts WHERE text <> ''").scalar_one() == 0


def test_a_proof_that_comes_after_the_issue_was_cancelled_still_counts(
    database: Database, book: Book, letter: Letter, clock: Clock
) -> None:
    add_subscribers(book, 1)
    row = freeze(database, book, letter, now=NOW)
    sender = sender_of(database, book, clock)
    ledger = sender.ledger(row)
    with workers.register(database, now=NOW) as frozen_worker:
        (claim,) = ledger.claim(frozen_worker.id, limit=1, now=NOW)
        assert ledger.intend(claim, now=NOW)
    workers.recover(database, now=NOW)
    told: list[object] = []
    counts = sender.cancel(row, reason="the editor changed their mind", nobody_got_it=told.append)
    assert counts == {"cancelled": 1}
    assert not told, "somebody may have got it, so its articles are not free"
    ledger.record(claim, Outcome(DeliveryState.ACCEPTED, 250, "OK"), now=NOW)
    assert ledger.counts() == {DeliveryState.ACCEPTED: 1}


def test_a_refused_single_mail_taken_back_still_has_its_bytes(database: Database, worker: int) -> None:
    with database.write() as connection:
        post_mail(connection, "s@example.net", now=NOW)
    ledger = single_mails.ledger(database)
    (claim,) = ledger.claim(worker, limit=1, now=NOW)
    ledger.record(claim, Outcome(DeliveryState.REFUSED, 554, "relaying denied"), now=NOW)
    ledger.take_back([claim], now=NOW)
    (again,) = ledger.claim(worker, limit=1, now=NOW)
    assert again.values["data"] == claim.values["data"] is not None
    ledger.record(again, Outcome(DeliveryState.REFUSED, 550, "no such user"), now=NOW)
    single_mails.tidy(database, now=NOW + single_mails.KEEP_TRYING)
    with database.read() as connection:
        row = connection.execute(outbox.select()).one()
    assert (row.state, row.data) == ("refused", None)


def test_a_clock_that_is_put_back_after_the_freeze_holds_nobody_back(
    database: Database, book: Book, letter: Letter, clock: Clock, worker: int
) -> None:
    add_subscribers(book, 2)
    ledger = sender_of(database, book, clock).ledger(freeze(database, book, letter, now=NOW))
    before = NOW - timedelta(hours=1)
    assert ledger.next_try(now=before) == before
    assert len(ledger.claim(worker, limit=5, now=before)) == 2


def test_a_living_workers_claims_are_left_alone(database: Database, book: Book, letter: Letter, clock: Clock) -> None:
    add_subscribers(book, 2)
    ledger = sender_of(database, book, clock).ledger(freeze(database, book, letter, now=NOW))
    with workers.register(database, now=NOW) as worker:
        ledger.claim(worker.id, limit=2, now=NOW)
        assert workers.recover(database, now=NOW) == workers.Ended()
        assert ledger.counts() == {DeliveryState.CLAIMED: 2}


@pytest.mark.parametrize(("on_doubt", "state"), [("resend", DeliveryState.WAITING), ("hold", DeliveryState.IN_DOUBT)])
def test_a_dead_worker_leaves_its_message_on_the_wire_in_doubt_by_name(
    database: Database, book: Book, letter: Letter, clock: Clock, on_doubt: str, state: DeliveryState
) -> None:
    addresses = add_subscribers(book, 2)
    row = freeze(database, book, letter, now=NOW, on_doubt=on_doubt)
    ledger = sender_of(database, book, clock).ledger(row)
    with workers.register(database, now=NOW) as dead:
        first, _ = ledger.claim(dead.id, limit=2, now=NOW)
        assert ledger.intend(first, now=NOW)
    assert workers.recover(database, now=NOW) == workers.Ended(workers=1, claims=1, doubts=1)
    assert ledger.counts().get(state)
    (found,) = audit(database)
    assert [(one.address, one.attempt, one.settled) for one in found.ever_in_doubt] == [(addresses[0], 1, "")]
    assert not found.wrong


def test_who_was_in_doubt_stays_named_after_the_doubt_is_settled(
    database: Database, book: Book, letter: Letter, clock: Clock, worker: int
) -> None:
    add_subscribers(book, 1)
    ledger = sender_of(database, book, clock).ledger(freeze(database, book, letter, now=NOW))
    (claim,) = ledger.claim(worker, limit=1, now=NOW)
    assert ledger.intend(claim, now=NOW)
    ledger.record(claim, Outcome(DeliveryState.IN_DOUBT, text="the connection was lost"), now=NOW)
    (again,) = ledger.claim(worker, limit=1, now=NOW)
    assert again.attempt == 2
    assert again.doubt_at == NOW
    assert ledger.intend(again, now=NOW)
    ledger.record(again, Outcome(DeliveryState.ACCEPTED, 250, "OK"), now=NOW)
    (found,) = audit(database)
    assert [(one.attempt, one.settled) for one in found.ever_in_doubt] == [(1, "accepted")]


def test_an_answer_that_comes_after_the_doubt_settles_it(
    database: Database, book: Book, letter: Letter, clock: Clock
) -> None:
    add_subscribers(book, 1)
    ledger = sender_of(database, book, clock).ledger(freeze(database, book, letter, now=NOW))
    with workers.register(database, now=NOW) as frozen_worker:
        (claim,) = ledger.claim(frozen_worker.id, limit=1, now=NOW)
        assert ledger.intend(claim, now=NOW)
    workers.recover(database, now=NOW)
    ledger.record(claim, Outcome(DeliveryState.ACCEPTED, 250, "OK"), now=NOW)
    assert ledger.counts() == {DeliveryState.ACCEPTED: 1}
    assert len(audit(database)[0].ever_in_doubt) == 1


def test_a_deferred_recipient_waits_until_the_time_and_then_is_tried_again(
    database: Database, book: Book, letter: Letter, clock: Clock, worker: int
) -> None:
    addresses = add_subscribers(book, 1)
    row = freeze(database, book, letter, now=NOW)
    ledger = sender_of(database, book, clock).ledger(row)
    (claim,) = ledger.claim(worker, limit=1, now=NOW)
    later = NOW + timedelta(minutes=5)
    ledger.record(claim, Outcome(DeliveryState.DEFERRED, 451, "greylisted", later), now=NOW)
    assert ledger.counts() == {DeliveryState.DEFERRED: 1}
    assert ledger.claim(worker, limit=1, now=NOW) == []
    assert ledger.next_try(now=NOW) == later
    (again,) = ledger.claim(worker, limit=1, now=later)
    assert again.attempt == 2
    lines = history(database, row, addresses[0].upper())
    assert lines[1]["outcome"] == "deferred"
    assert lines[1]["text"] == "greylisted"


def test_nobody_waits_longer_than_the_issue_lives(database: Database, book: Book, letter: Letter, clock: Clock) -> None:
    add_subscribers(book, 2)
    row = freeze(database, book, letter, now=NOW)
    ledger = sender_of(database, book, clock).ledger(row)
    assert row.expires_at is not None
    assert ledger.expire(row.expires_at, now=NOW) == 0
    assert ledger.expire(row.expires_at, now=row.expires_at) == 2
    assert ledger.counts() == {DeliveryState.EXPIRED: 2}


def test_who_is_deferred_while_the_issue_is_cancelled_is_not_left_waiting(
    database: Database, book: Book, letter: Letter, clock: Clock, worker: int
) -> None:
    add_subscribers(book, 1)
    row = freeze(database, book, letter, now=NOW)
    sender = sender_of(database, book, clock)
    ledger = sender.ledger(row)
    (claim,) = ledger.claim(worker, limit=1, now=NOW)
    assert ledger.intend(claim, now=NOW)
    assert sender.cancel(row, reason="the editor changed their mind") == {"handing over": 1}
    ledger.record(claim, Outcome(DeliveryState.DEFERRED, 451, "greylisted", NOW + timedelta(minutes=5)), now=NOW)
    assert ledger.counts() == {DeliveryState.CANCELLED: 1}
    assert not ledger.still_open()


def test_a_cancelled_issue_is_not_sent_any_further(
    database: Database, book: Book, letter: Letter, clock: Clock, worker: int
) -> None:
    add_subscribers(book, 3)
    row = freeze(database, book, letter, now=NOW)
    sender = sender_of(database, book, clock)
    ledger = sender.ledger(row)
    claim, *_ = ledger.claim(worker, limit=2, now=NOW)
    told: list[bool] = []
    counts = sender.cancel(row, reason="the editor changed their mind", nobody_got_it=lambda _: told.append(True))
    assert counts == {"cancelled": 3}
    assert told == [True]
    assert not ledger.intend(claim, now=NOW)
    with pytest.raises(Refused, match="cancelled"):
        sender.cancel(Issues(database).get(row.slot_key), reason="again")
    assert Issues(database).get(row.slot_key).state == IssueState.CANCELLED


def test_the_audit_tells_when_a_row_is_missing(database: Database, book: Book, letter: Letter, clock: Clock) -> None:
    add_subscribers(book, 3)
    freeze(database, book, letter, now=NOW)
    assert not audit(database)[0].wrong
    with database.write() as connection:
        connection.exec_driver_sql("DELETE FROM deliveries WHERE email = 'reader0001@example.net'")
    assert audit(database)[0].wrong == ("the issue was frozen for 3 recipients, but its states add up to 2",)


def test_a_forgotten_recipient_leaves_the_ledger_and_the_sums_stay_right(
    database: Database, book: Book, letter: Letter, clock: Clock, worker: int
) -> None:
    addresses = add_subscribers(book, 3)
    row = freeze(database, book, letter, now=NOW)
    sender = sender_of(database, book, clock)
    ledger = sender.ledger(row)
    (first,) = ledger.claim(worker, limit=1, now=NOW)
    ledger.record(first, Outcome(DeliveryState.REFUSED, 550, f"<{addresses[0]}> is unknown"), now=NOW)
    for address in addresses[:2]:
        assert sender.forget(address.upper())
        assert not sender.forget(address)
    claims = ledger.claim(worker, limit=10, now=NOW)
    assert [claim.email for claim in claims] == [addresses[2]]
    (found,) = audit(database)
    assert not found.wrong
    assert found.counts["refused"] == found.counts["skipped"] == 1
    with database.read() as connection:
        left = connection.exec_driver_sql("SELECT email, name, text FROM deliveries").all()
        noted = connection.exec_driver_sql("SELECT text FROM attempts").all()
    assert not [value for line in (*left, *noted) for value in line if addresses[0] in value or addresses[1] in value]


def test_an_answer_that_was_not_the_recipients_costs_no_attempt(
    database: Database, book: Book, letter: Letter, clock: Clock, worker: int
) -> None:
    add_subscribers(book, 2)
    row = freeze(database, book, letter, now=NOW)
    sender = sender_of(database, book, clock)
    ledger = sender.ledger(row)
    first, second = ledger.claim(worker, limit=2, now=NOW)
    assert ledger.intend(first, now=NOW)
    assert ledger.intend(second, now=NOW)
    ledger.give_back([first], now=NOW)
    again = ledger.claim(worker, limit=2, now=NOW)
    assert [(claim.id, claim.attempt) for claim in again] == [(first.id, 1)]
    sender.cancel(row, reason="a mistake")
    ledger.give_back([second], now=NOW)
    assert ledger.counts() == {DeliveryState.CANCELLED: 2}, "nobody waits for an issue that was cancelled"


def test_a_turn_records_one_answer_and_makes_the_next_intent(
    database: Database, book: Book, letter: Letter, clock: Clock, worker: int
) -> None:
    addresses = add_subscribers(book, 3)
    row = freeze(database, book, letter, now=NOW)
    ledger = sender_of(database, book, clock).ledger(row)
    first, second, third = ledger.claim(worker, limit=3, now=NOW)
    yes = Outcome(DeliveryState.ACCEPTED, 250, "2.0.0 queued as A1")
    assert ledger.intend(first, now=NOW)
    assert ledger.turn(first, yes, second, now=NOW)
    assert ledger.counts() == {DeliveryState.ACCEPTED: 1, DeliveryState.HANDING_OVER: 1, DeliveryState.CLAIMED: 1}
    book.unsubscribe(addresses[2])
    assert not ledger.turn(second, yes, third, now=NOW)
    assert ledger.counts() == {DeliveryState.ACCEPTED: 2, DeliveryState.SKIPPED: 1}
    noted = history(database, row, addresses[0])[1:]
    assert [(one["attempt"], one["outcome"], one["code"], one["text"]) for one in noted] == [
        (1, "accepted", 250, "2.0.0 queued as A1")
    ]
    assert not audit(database)[0].wrong


def test_a_turn_and_an_intent_whose_answer_was_lost_may_be_asked_again(
    database: Database, book: Book, letter: Letter, clock: Clock, worker: int
) -> None:
    (address, _) = add_subscribers(book, 2)
    row = freeze(database, book, letter, now=NOW)
    ledger = sender_of(database, book, clock).ledger(row)
    first, second = ledger.claim(worker, limit=2, now=NOW)
    yes = Outcome(DeliveryState.ACCEPTED, 250, "OK")
    assert ledger.intend(first, now=NOW)
    assert ledger.intend(first, now=NOW)
    assert ledger.turn(first, yes, second, now=NOW)
    assert ledger.turn(first, yes, second, now=NOW)
    assert len(history(database, row, address)) == 2
    with database.read() as connection:
        assert connection.scalars(sa.select(deliveries.c.attempts)).all() == [1, 1]


def test_the_fence_is_the_claim_and_not_the_worker(
    database: Database, book: Book, letter: Letter, clock: Clock, worker: int
) -> None:
    add_subscribers(book, 1)
    ledger = sender_of(database, book, clock).ledger(freeze(database, book, letter, now=NOW))
    (old,) = ledger.claim(worker, limit=1, now=NOW)
    ledger.give_back([old], now=NOW)
    (new,) = ledger.claim(worker, limit=1, now=NOW)
    assert (new.id, new.number) == (old.id, old.number + 1)
    assert not ledger.intend(old, now=NOW)
    ledger.record(old, Outcome(DeliveryState.REFUSED, 550, "too late"), now=NOW)
    ledger.give_back([old], now=NOW)
    assert ledger.counts() == {DeliveryState.CLAIMED: 1}
    assert ledger.intend(new, now=NOW)


def test_a_worker_that_stands_still_is_ended_by_the_clock_of_the_database_and_fenced(
    database: Database, book: Book, letter: Letter, clock: Clock, worker: int
) -> None:
    add_subscribers(book, 2)
    ledger = sender_of(database, book, clock).ledger(freeze(database, book, letter, now=NOW))
    first, second = ledger.claim(worker, limit=2, now=NOW)
    assert ledger.intend(first, now=NOW)
    assert workers.recover(database, now=NOW + timedelta(days=1)) == workers.Ended(), "its clock is not the database's"
    with database.write() as connection:
        connection.execute(workers.workers.update().values(seen_at=database.now(before=workers.LEASE * 2)))
    assert workers.recover(database, now=NOW, besides=worker) == workers.Ended()
    assert workers.recover(database, now=NOW) == workers.Ended(workers=1, claims=1, doubts=1)
    ledger.record(first, Outcome(DeliveryState.ACCEPTED, 250, "OK"), now=NOW)
    with pytest.raises(WorkerEnded):
        ledger.intend(second, now=NOW)
    assert ledger.counts() == {DeliveryState.ACCEPTED: 1, DeliveryState.WAITING: 1}


def test_a_worker_that_has_lost_its_lock_takes_it_again(database: Database) -> None:
    with workers.register(database, now=NOW) as living:
        if database.file is None:
            ended = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
            with database.write() as connection:
                connection.exec_driver_sql(
                    f"{ended} AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
                )
        else:
            shutil.rmtree(database.file.with_name(database.file.name + "-locks"))
        living.beat()
        assert workers.recover(database, now=NOW) == workers.Ended()
        living.leave(now=NOW)


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ("DELETE FROM attempts", "1 recipient accepted, and no attempt says so"),
        ("UPDATE deliveries SET state = 'waiting'", "1 recipient not accepted, and an attempt says accepted"),
        ("UPDATE deliveries SET state = 'refused'", "1 recipient not accepted, and an attempt says accepted"),
        ("UPDATE deliveries SET doubt_at = updated_at", "1 recipient once in doubt, and no attempt says so"),
    ],
)
def test_the_audit_compares_the_rows_with_the_attempts(
    database: Database, book: Book, letter: Letter, clock: Clock, worker: int, change: str, wrong: str
) -> None:
    add_subscribers(book, 1)
    ledger = sender_of(database, book, clock).ledger(freeze(database, book, letter, now=NOW))
    (claim,) = ledger.claim(worker, limit=1, now=NOW)
    assert ledger.intend(claim, now=NOW)
    assert not ledger.turn(claim, Outcome(DeliveryState.ACCEPTED, 250, "OK"), now=NOW)
    assert audit(database)[0].wrong == ()
    with database.write() as connection:
        connection.exec_driver_sql(change)
    assert wrong in audit(database)[0].wrong
