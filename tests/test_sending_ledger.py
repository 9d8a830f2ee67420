"""The ledger: who may claim, intend and record, on SQLite and PostgreSQL alike."""

from __future__ import annotations

from datetime import timedelta

import pytest

from newsletter.database import Database
from newsletter.errors import Refused
from newsletter.issues import Issues, IssueState
from newsletter.letter import Letter
from newsletter.sending import workers
from newsletter.sending.audit import audit, history
from newsletter.sending.ledger import Outcome
from newsletter.sending.states import OPEN, STEPS, DeliveryState, step
from subscribers import Book
from tests.frozen_issue import add_subscribers, freeze, sender_of
from tests.times import NOW, Clock


def test_every_state_has_a_row_in_the_table_and_the_ends_lead_nowhere() -> None:
    assert set(STEPS) == set(DeliveryState)
    for end in (DeliveryState.ACCEPTED, DeliveryState.SKIPPED, DeliveryState.EXPIRED, DeliveryState.CANCELLED):
        assert not STEPS[end]
        assert end not in OPEN
    with pytest.raises(Refused, match="accepted cannot become waiting"):
        step(DeliveryState.ACCEPTED, DeliveryState.WAITING)


def test_two_workers_never_claim_the_same_person(database: Database, book: Book, letter: Letter, clock: Clock) -> None:
    add_subscribers(book, 10)
    ledger = sender_of(database, book, clock).ledger(freeze(database, book, letter, now=NOW))
    first = ledger.claim(1, limit=6, now=NOW)
    second = ledger.claim(2, limit=6, now=NOW)
    assert len(first) == 6
    assert len(second) == 4
    assert not {claim.id for claim in first} & {claim.id for claim in second}


def test_who_left_before_the_claim_is_skipped_and_counted(
    database: Database, book: Book, letter: Letter, clock: Clock
) -> None:
    addresses = add_subscribers(book, 3)
    ledger = sender_of(database, book, clock).ledger(freeze(database, book, letter, now=NOW))
    book.unsubscribe(addresses[1])
    claims = ledger.claim(1, limit=10, now=NOW)
    assert [claim.email for claim in claims] == [addresses[0], addresses[2]]
    assert ledger.counts() == {DeliveryState.CLAIMED: 2, DeliveryState.SKIPPED: 1}


def test_no_intent_is_made_after_an_unsubscribe_was_answered(
    database: Database, book: Book, letter: Letter, clock: Clock
) -> None:
    addresses = add_subscribers(book, 1)
    ledger = sender_of(database, book, clock).ledger(freeze(database, book, letter, now=NOW))
    (claim,) = ledger.claim(1, limit=1, now=NOW)
    book.unsubscribe(addresses[0])
    assert not ledger.intend(claim, 1, now=NOW)
    assert ledger.counts() == {DeliveryState.SKIPPED: 1}


def test_a_suppressed_reader_is_not_intended_either(
    database: Database, book: Book, letter: Letter, clock: Clock
) -> None:
    addresses = add_subscribers(book, 1)
    ledger = sender_of(database, book, clock).ledger(freeze(database, book, letter, now=NOW))
    (claim,) = ledger.claim(1, limit=1, now=NOW)
    book.suppress(addresses[0], reason="asked by letter")
    assert not ledger.intend(claim, 1, now=NOW)


def test_a_worker_whose_claims_were_ended_may_not_hand_over(
    database: Database, book: Book, letter: Letter, clock: Clock
) -> None:
    add_subscribers(book, 2)
    ledger = sender_of(database, book, clock).ledger(freeze(database, book, letter, now=NOW))
    with workers.register(database, now=NOW) as dead:
        claims = ledger.claim(dead.id, limit=2, now=NOW)
    assert workers.recover(database, now=NOW).claims == 2
    assert not ledger.intend(claims[0], dead.id, now=NOW)
    assert ledger.counts() == {DeliveryState.WAITING: 2}


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
        assert ledger.intend(first, dead.id, now=NOW)
    assert workers.recover(database, now=NOW) == workers.Ended(workers=1, claims=1, doubts=1)
    assert ledger.counts().get(state)
    (found,) = audit(database)
    assert [(one.address, one.attempt, one.settled) for one in found.ever_in_doubt] == [(addresses[0], 1, "")]
    assert not found.wrong


def test_who_was_in_doubt_stays_named_after_the_doubt_is_settled(
    database: Database, book: Book, letter: Letter, clock: Clock
) -> None:
    add_subscribers(book, 1)
    ledger = sender_of(database, book, clock).ledger(freeze(database, book, letter, now=NOW))
    (claim,) = ledger.claim(1, limit=1, now=NOW)
    assert ledger.intend(claim, 1, now=NOW)
    ledger.record(claim, 1, Outcome(DeliveryState.IN_DOUBT, text="the connection was lost"), now=NOW)
    (again,) = ledger.claim(1, limit=1, now=NOW)
    assert again.attempt == 2
    assert again.doubt_at == NOW
    assert ledger.intend(again, 1, now=NOW)
    ledger.record(again, 1, Outcome(DeliveryState.ACCEPTED, 250, "OK"), now=NOW)
    (found,) = audit(database)
    assert [(one.attempt, one.settled) for one in found.ever_in_doubt] == [(1, "accepted")]


def test_an_answer_that_comes_after_the_doubt_settles_it(
    database: Database, book: Book, letter: Letter, clock: Clock
) -> None:
    add_subscribers(book, 1)
    ledger = sender_of(database, book, clock).ledger(freeze(database, book, letter, now=NOW))
    with workers.register(database, now=NOW) as frozen_worker:
        (claim,) = ledger.claim(frozen_worker.id, limit=1, now=NOW)
        assert ledger.intend(claim, frozen_worker.id, now=NOW)
    workers.recover(database, now=NOW)
    ledger.record(claim, frozen_worker.id, Outcome(DeliveryState.ACCEPTED, 250, "OK"), now=NOW)
    assert ledger.counts() == {DeliveryState.ACCEPTED: 1}
    assert len(audit(database)[0].ever_in_doubt) == 1


def test_a_deferred_person_waits_until_the_time_and_then_is_tried_again(
    database: Database, book: Book, letter: Letter, clock: Clock
) -> None:
    addresses = add_subscribers(book, 1)
    row = freeze(database, book, letter, now=NOW)
    ledger = sender_of(database, book, clock).ledger(row)
    (claim,) = ledger.claim(1, limit=1, now=NOW)
    later = NOW + timedelta(minutes=5)
    ledger.record(claim, 1, Outcome(DeliveryState.DEFERRED, 451, "greylisted", later), now=NOW)
    assert ledger.counts() == {DeliveryState.DEFERRED: 1}
    assert ledger.claim(1, limit=1, now=NOW) == []
    assert ledger.next_try() == later
    (again,) = ledger.claim(1, limit=1, now=later)
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
    database: Database, book: Book, letter: Letter, clock: Clock
) -> None:
    add_subscribers(book, 1)
    row = freeze(database, book, letter, now=NOW)
    sender = sender_of(database, book, clock)
    ledger = sender.ledger(row)
    (claim,) = ledger.claim(1, limit=1, now=NOW)
    assert ledger.intend(claim, 1, now=NOW)
    assert sender.cancel(row, reason="the editor changed their mind") == {"handing over": 1}
    ledger.record(claim, 1, Outcome(DeliveryState.DEFERRED, 451, "greylisted", NOW + timedelta(minutes=5)), now=NOW)
    assert ledger.counts() == {DeliveryState.CANCELLED: 1}
    assert not ledger.still_open()


def test_a_cancelled_issue_is_not_sent_any_further(
    database: Database, book: Book, letter: Letter, clock: Clock
) -> None:
    add_subscribers(book, 3)
    row = freeze(database, book, letter, now=NOW)
    sender = sender_of(database, book, clock)
    ledger = sender.ledger(row)
    claim, *_ = ledger.claim(1, limit=2, now=NOW)
    told: list[bool] = []
    counts = sender.cancel(row, reason="the editor changed their mind", nobody_got_it=lambda _: told.append(True))
    assert counts == {"cancelled": 3}
    assert told == [True]
    assert not ledger.intend(claim, 1, now=NOW)
    with pytest.raises(Refused, match="cancelled"):
        sender.cancel(Issues(database).get(row.slot_key), reason="again")
    assert Issues(database).get(row.slot_key).state == IssueState.CANCELLED


def test_the_audit_tells_when_a_row_is_missing(database: Database, book: Book, letter: Letter, clock: Clock) -> None:
    add_subscribers(book, 3)
    freeze(database, book, letter, now=NOW)
    assert not audit(database)[0].wrong
    with database.write() as connection:
        connection.exec_driver_sql("DELETE FROM deliveries WHERE email = 'reader0001@example.net'")
    assert audit(database)[0].wrong == ("3 recipients were frozen into the issue, but its states add up to 2",)


def test_a_forgotten_person_leaves_the_ledger_and_the_sums_stay_right(
    database: Database, book: Book, letter: Letter, clock: Clock
) -> None:
    addresses = add_subscribers(book, 3)
    row = freeze(database, book, letter, now=NOW)
    sender = sender_of(database, book, clock)
    ledger = sender.ledger(row)
    (first,) = ledger.claim(1, limit=1, now=NOW)
    ledger.record(first, 1, Outcome(DeliveryState.REFUSED, 550, f"<{addresses[0]}> is unknown"), now=NOW)
    for address in addresses[:2]:
        assert sender.forget(address.upper())
        assert not sender.forget(address)
    claims = ledger.claim(1, limit=10, now=NOW)
    assert [claim.email for claim in claims] == [addresses[2]]
    (found,) = audit(database)
    assert not found.wrong
    assert found.counts["refused"] == found.counts["skipped"] == 1
    with database.read() as connection:
        left = connection.exec_driver_sql("SELECT email, name, text FROM deliveries").all()
        noted = connection.exec_driver_sql("SELECT text FROM attempts").all()
    assert not [value for line in (*left, *noted) for value in line if addresses[0] in value or addresses[1] in value]
