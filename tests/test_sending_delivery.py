"""Sending a frozen issue with a scripted backend: what every answer leads to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
import sqlalchemy as sa

from newsletter.backends import Message
from newsletter.backends.memory import Box, box, throw_away
from newsletter.backends.turns import Turns
from newsletter.database import Database
from newsletter.errors import ConfigurationError, InDoubt, Refused, SendError, Unavailable
from newsletter.issues import Issues, IssueState, issues as issues_table
from newsletter.letter import Letter, encode
from newsletter.locks import Lock, try_lock
from newsletter.sending import outbox, workers
from newsletter.sending.audit import audit, history
from newsletter.sending.ledger import Ledger
from newsletter.sending.pace import Pace
from newsletter.sending.sender import LOOK_EVERY, Report, Sender
from newsletter.sending.states import DeliveryState
from newsletter.sending.steps import WorkerEnded
from newsletter.sending.tables import deliveries, outbox as outbox_table
from subscribers import Book
from tests.backend_scripts import failing_after, refusing
from tests.conftest import IDENTITY, NONCE
from tests.frozen_issue import add_subscribers, freeze, open_backend, post_mail, sender_of
from tests.times import NOW, PATIENCE, Clock


@pytest.fixture
def inbox() -> Iterator[Box]:
    throw_away()
    yield box()
    throw_away()


@pytest.fixture
def sender(database: Database, book: Book, clock: Clock) -> Sender:
    return sender_of(database, book, clock)


def send(sender: Sender, key: str = "2026-W47") -> Report:
    return sender.send(sender.issues.get(key), open_backend("memory"), stop=threading.Event())


def test_everyone_gets_one_message_of_their_own(
    database: Database, book: Book, letter: Letter, sender: Sender, inbox: Box
) -> None:
    addresses = add_subscribers(book, 7)
    freeze(database, book, letter, now=NOW)
    report = send(sender)
    assert report.state == IssueState.CLOSED
    assert report.totals == {"accepted": 7}
    assert sorted(message.recipient for message in inbox.messages) == addresses
    mails = [message_from_bytes(message.data, policy=policy.default) for message in inbox.messages]
    assert len({mail["message-id"] for mail in mails}) == 7
    assert len({mail["list-unsubscribe"] for mail in mails}) == 7
    for mail, message in zip(mails, inbox.messages, strict=True):
        assert message.recipient in mail["to"]
        token = mail["list-unsubscribe"].removeprefix("<https://news.example.org/unsubscribe/").removesuffix(">")
        holder = book.holder(token)
        assert holder is not None
        assert holder.email == message.recipient


def test_a_closed_issue_mails_nobody_again(
    database: Database, book: Book, letter: Letter, sender: Sender, inbox: Box
) -> None:
    add_subscribers(book, 2)
    freeze(database, book, letter, now=NOW)
    send(sender)
    report = sender.report(Issues(database).get("2026-W47"))
    assert report.already
    assert report.totals == {"accepted": 2}
    assert len(inbox.messages) == 2


def test_an_issue_without_readers_closes_at_once(
    database: Database, book: Book, letter: Letter, sender: Sender, inbox: Box
) -> None:
    freeze(database, book, letter, now=NOW)
    assert send(sender).state == IssueState.CLOSED


def test_a_refused_address_is_listed_and_the_others_go_on(
    database: Database, book: Book, letter: Letter, sender: Sender, inbox: Box
) -> None:
    addresses = add_subscribers(book, 4)
    inbox.on_offer = refusing(
        {addresses[1]: SendError("5.1.1 no such user", scope="message", permanent=True, code=550)}
    )
    freeze(database, book, letter, now=NOW)
    report = send(sender)
    assert report.totals == {"accepted": 3, "refused": 1}
    assert report.state == IssueState.CLOSED


def test_a_deferred_reader_keeps_the_issue_open_until_the_next_try(
    database: Database, book: Book, letter: Letter, sender: Sender, inbox: Box, clock: Clock
) -> None:
    addresses = add_subscribers(book, 3)
    inbox.on_offer = refusing({addresses[2]: SendError("4.7.1 greylisted", scope="message", permanent=False, code=451)})
    freeze(database, book, letter, now=NOW)
    report = send(sender)
    assert report.state == IssueState.SENDING
    assert report.totals == {"accepted": 2, "deferred": 1}
    assert report.next_try_at is not None
    assert timedelta(minutes=4) <= report.next_try_at - NOW <= timedelta(minutes=6)
    inbox.on_offer = lambda _message: None
    clock.forward(timedelta(minutes=7))
    assert send(sender).state == IssueState.CLOSED
    assert len(inbox.messages) == 3


def test_a_lost_answer_is_sent_again_under_the_same_id_and_stays_named(
    database: Database, book: Book, letter: Letter, sender: Sender, inbox: Box
) -> None:
    addresses = add_subscribers(book, 2)
    seen: list[bytes] = []

    def lose_the_first_answer(message: object) -> None:
        seen.append(message.data)  # type: ignore[attr-defined]
        if len(seen) == 1:
            raise InDoubt("the connection was lost after the last dot")

    inbox.on_hand_over = lose_the_first_answer
    freeze(database, book, letter, now=NOW)
    report = send(sender)
    assert report.totals == {"accepted": 2}
    (doubt,) = audit(database)[0].ever_in_doubt
    assert doubt.settled == "accepted"
    twice = [data for data in seen if doubt.address.encode() in data]
    assert len(twice) == 2
    assert twice[0] == twice[1]
    assert doubt.address in addresses


def test_a_held_doubt_is_not_sent_again_and_the_issue_still_closes(
    database: Database, book: Book, letter: Letter, sender: Sender, inbox: Box
) -> None:
    add_subscribers(book, 2)
    inbox.on_hand_over = failing_after(1, InDoubt("no answer"))
    freeze(database, book, letter, now=NOW, on_doubt="hold")
    report = send(sender)
    assert report.totals == {"accepted": 1, "in doubt": 1}
    assert report.state == IssueState.CLOSED


def test_a_server_that_is_away_is_one_sentence_and_everybody_still_waits(
    database: Database, book: Book, letter: Letter, sender: Sender, inbox: Box
) -> None:
    add_subscribers(book, 3)

    def away() -> None:
        raise Unavailable("cannot reach the mail server mail.example.org:25: connection refused")

    inbox.on_open = away
    row = freeze(database, book, letter, now=NOW)
    with pytest.raises(Unavailable, match="connection refused"):
        send(sender)
    assert sender.report(row).totals == {"waiting": 3}
    assert "connection refused" in sender.issues.alerts("2026-W47")[-1].text
    inbox.on_open = lambda: None
    assert send(sender).totals == {"accepted": 3}


def test_a_connection_lost_before_the_dot_costs_nobody_their_turn(
    database: Database, book: Book, letter: Letter, sender: Sender, inbox: Box
) -> None:
    add_subscribers(book, 5)
    losses = iter([False, True, False, True, True, False, False, False])

    def lose(_message: object) -> None:
        if next(losses, False):
            raise SendError("the connection was lost", scope="connection", permanent=False)

    inbox.on_offer = lose
    freeze(database, book, letter, now=NOW)
    report = sender.send(sender.issues.get("2026-W47"), open_backend("memory", connections=1), stop=threading.Event())
    assert report.totals == {"accepted": 5}
    assert not audit(database)[0].ever_in_doubt


def test_a_message_that_loses_every_connection_is_deferred_and_the_others_go_on(
    database: Database, book: Book, letter: Letter, sender: Sender, inbox: Box
) -> None:
    addresses = add_subscribers(book, 3)
    inbox.on_offer = refusing({addresses[0]: SendError("the connection was lost", scope="connection", permanent=False)})
    freeze(database, book, letter, now=NOW)
    assert send(sender).totals == {"accepted": 2, "deferred": 1}


def test_a_wrong_password_stops_everything_and_loses_nobody(
    database: Database, book: Book, letter: Letter, sender: Sender, inbox: Box
) -> None:
    add_subscribers(book, 3)

    def wrong() -> None:
        raise ConfigurationError("the mail server refused the log-in")

    inbox.on_open = wrong
    row = freeze(database, book, letter, now=NOW)
    with pytest.raises(ConfigurationError):
        send(sender)
    assert sender.report(row).totals == {"waiting": 3}


def test_when_everything_is_refused_only_a_few_are_tried(
    database: Database, book: Book, letter: Letter, sender: Sender, inbox: Box
) -> None:
    add_subscribers(book, 60)

    def refuse(_message: object) -> None:
        raise SendError("5.7.1 relaying denied", scope="message", permanent=True, code=554)

    inbox.on_offer = refuse
    row = freeze(database, book, letter, now=NOW)
    with pytest.raises(ConfigurationError, match="relaying denied"):
        send(sender)
    assert sender.report(row).totals == {"waiting": 60}, "nobody stays refused for what was the sender's fault"
    inbox.on_offer = lambda _message: None
    assert send(sender).totals == {"accepted": 60}


def test_asked_to_stop_it_gives_back_what_it_has_not_begun(
    database: Database, book: Book, letter: Letter, sender: Sender, inbox: Box
) -> None:
    add_subscribers(book, 30)
    stop = threading.Event()

    def stop_at_the_fifth(_message: object) -> None:
        if len(inbox.messages) == 4:
            stop.set()

    inbox.on_hand_over = stop_at_the_fifth
    row = freeze(database, book, letter, now=NOW)
    report = sender.send(row, open_backend("memory", connections=1), stop=stop)
    assert report.state == IssueState.SENDING
    assert report.totals == {"accepted": 5, "waiting": 25}
    assert send(sender).totals == {"accepted": 30}


def test_single_mails_go_ahead_of_the_issue(
    database: Database, book: Book, letter: Letter, sender: Sender, inbox: Box
) -> None:
    add_subscribers(book, 2)
    freeze(database, book, letter, now=NOW)
    with database.write() as connection:
        post_mail(connection, "new@example.net", now=NOW)
    sender.send(sender.issues.get("2026-W47"), open_backend("memory", connections=1), stop=threading.Event())
    assert inbox.messages[0].recipient == "new@example.net"
    with database.read() as connection:
        row = connection.execute(outbox_table.select()).one()
    assert row.state == "accepted"
    assert row.data is None, "the letter has to go once the mail has"


def test_a_single_mail_nobody_took_expires_without_its_bytes(database: Database) -> None:
    with database.write() as connection:
        post_mail(connection, "b@example.net", now=NOW)
    outbox.tidy(database, now=NOW + outbox.KEEP_TRYING - timedelta(seconds=1))
    assert outbox.ledger(database).still_open() == 1
    outbox.tidy(database, now=NOW + outbox.KEEP_TRYING)
    assert outbox.ledger(database).still_open() == 0
    with database.read() as connection:
        row = connection.execute(outbox_table.select()).one()
    assert (row.state, row.data) == ("expired", None)


def test_changing_the_book_or_its_names_after_the_freeze_changes_no_letter(
    database: Database, book: Book, letter: Letter, sender: Sender, inbox: Box
) -> None:
    add_subscribers(book, 1)
    freeze(database, book, letter, now=NOW)
    book.add_confirmed("late@example.net")
    report = send(sender)
    assert report.frozen == 1
    assert [message.recipient for message in inbox.messages] == ["reader0000@example.net"]


def test_a_pace_is_kept_over_all_workers(database: Database, clock: Clock) -> None:
    one, other = Pace(database, 2), Pace(database, 2)
    waits = [pace.take(now=NOW).total_seconds() for pace in (one, other, one, other)]
    assert waits == [0, 0.5, 1.0, 1.5]
    assert Pace(database, 0).take(now=NOW) == timedelta(0)


@pytest.mark.parametrize(("rate", "longest"), [(1.0, 100), (50.0, 2)])
def test_a_clock_that_is_put_back_an_hour_stops_no_paced_send(database: Database, rate: float, longest: float) -> None:
    pace = Pace(database, rate)
    pace.take(now=NOW)
    waits = [pace.take(now=NOW - timedelta(hours=1)).total_seconds() for _ in range(3)]
    assert max(waits) <= longest
    assert pace.take(now=NOW - timedelta(hours=1) + timedelta(seconds=longest)).total_seconds() <= 2 / rate


def test_what_a_worker_that_dies_beside_this_one_had_claimed_is_sent_by_this_run(
    database: Database, book: Book, letter: Letter, sender: Sender, inbox: Box
) -> None:
    add_subscribers(book, 6)
    row = freeze(database, book, letter, now=NOW)
    with workers.register(database, now=NOW) as other:
        held = sender.ledger(row).claim(other.id, limit=3, now=NOW)
        inbox.on_hand_over = lambda _message: other.__exit__()
        report = send(sender)
    assert len(held) == 3
    assert report.totals == {"accepted": 6}
    assert report.ended == workers.Ended(workers=1, claims=3)
    assert report.run == {"accepted": 6}


def dying_on_the_wire(database: Database, ledger: Ledger) -> Lock:
    """A worker with one message on the wire, which is thought to live until the lock is released."""
    with workers.register(database, now=NOW) as other:
        (claim,) = ledger.claim(other.id, limit=1, now=NOW)
        assert ledger.intend(claim, now=NOW)
    with database.write() as connection:
        connection.execute(workers.workers.update().values(token="x"))
    lock = try_lock(database, "worker-x")
    assert lock is not None
    return lock


def test_a_dead_worker_is_looked_for_while_messages_are_sent(
    database: Database, book: Book, letter: Letter, sender: Sender, inbox: Box, clock: Clock
) -> None:
    add_subscribers(book, 3)
    row = freeze(database, book, letter, now=NOW)
    ledger = sender.ledger(row)
    lock = dying_on_the_wire(database, ledger)
    on_the_wire, found = threading.Event(), threading.Event()
    seen: list[bool] = []

    def hand_over(_message: object) -> None:
        lock.release()
        clock.forward(LOOK_EVERY)
        on_the_wire.set()
        seen.append(found.wait(PATIENCE))

    def progress(_row: object, _tally: object) -> None:
        # Both others are claimed, so whoever waits is the doubt of the dead worker, to be sent again.
        if on_the_wire.is_set() and ledger.counts().get(DeliveryState.WAITING):
            found.set()

    inbox.on_hand_over = hand_over
    one_lane = open_backend("memory", connections=1)
    report = sender.send(row, one_lane, stop=threading.Event(), on_progress=progress)
    assert seen
    assert all(seen)
    assert report.totals == {"accepted": 3}
    assert report.ended == workers.Ended(workers=1, doubts=1)
    assert "a worker died with 1 message on the wire" in sender.issues.alerts(row.slot_key)[-1].text


def test_a_worker_found_dead_while_the_last_lane_ends_leaves_nobody_waiting(
    database: Database,
    book: Book,
    letter: Letter,
    sender: Sender,
    inbox: Box,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add_subscribers(book, 3)
    row = freeze(database, book, letter, now=NOW)
    lock = dying_on_the_wire(database, sender.ledger(row))
    close = Turns.close

    def close_and_die(connection: Turns[Message]) -> None:
        close(connection)
        lock.release()
        clock.forward(LOOK_EVERY)

    monkeypatch.setattr(Turns, "close", close_and_die)  # a lane closes its connection once nothing is due any more
    one_lane = open_backend("memory", connections=1)
    report = sender.send(row, one_lane, stop=threading.Event())
    assert report.totals == {"accepted": 3}
    assert report.ended == workers.Ended(workers=1, doubts=1)


def test_a_worker_that_was_ended_stops_with_a_sentence_and_holds_nobody(
    database: Database, book: Book, letter: Letter, sender: Sender, inbox: Box
) -> None:
    add_subscribers(book, 120)
    row = freeze(database, book, letter, now=NOW)

    def ended(_message: object) -> None:
        with database.write() as connection:
            number = connection.execute(
                workers.workers.update().where(workers.workers.c.ended_at.is_(None)).values(ended_at=NOW)
            ).rowcount
        if number:
            workers.recover(database, now=NOW)

    inbox.on_hand_over = ended
    with pytest.raises(WorkerEnded, match="taken for dead"):
        send(sender)
    (found,) = audit(database)
    assert not found.wrong
    assert found.counts["claimed"] == found.counts["handing over"] == 0
    assert "taken for dead" in sender.issues.alerts(row.slot_key)[-1].text
    inbox.on_hand_over = lambda _message: None
    assert send(sender).totals == {"accepted": 120}


def test_each_subscriber_gets_the_letter_of_their_variant_and_the_default_where_there_is_none(
    database: Database, book: Book, letter: Letter, sender: Sender, inbox: Box
) -> None:
    addresses = add_subscribers(book, 6)
    wanted = dict(zip(addresses, ["", "de", "de", "en", "x" * 60, ""], strict=True))
    with database.write() as connection:
        for address, variant in wanted.items():
            connection.exec_driver_sql(f"UPDATE subscribers SET variant = '{variant}' WHERE email = '{address}'")
    german = encode("<p>Guten Tag</p>", "Guten Tag", subject="Die Woche", identity=IDENTITY, nonce=NONCE, blanks=())
    row = freeze(database, book, letter, now=NOW, variants={"de": german})
    assert send(sender).totals == {"accepted": 6}
    subjects = {
        message.recipient: message_from_bytes(message.data, policy=policy.default)["subject"]
        for message in inbox.messages
    }
    assert subjects == {address: "Die Woche" if variant == "de" else "The week" for address, variant in wanted.items()}
    with database.read() as connection:
        stored = connection.execute(sa.select(deliveries.c.email, deliveries.c.variant)).all()
    assert dict(stored) == {address: "de" if variant == "de" else "" for address, variant in wanted.items()}
    assert sender.issues.letter(row.id, "de") == german


def test_a_letter_is_read_once_for_each_variant_and_not_for_each_subscriber(
    database: Database, book: Book, letter: Letter, sender: Sender, inbox: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_subscribers(book, 20)
    freeze(database, book, letter, now=NOW)
    read: list[str] = []
    reading = Issues.letter

    def counting(issues: Issues, issue_id: int, variant: str = "") -> Letter:
        read.append(variant)
        return reading(issues, issue_id, variant)

    monkeypatch.setattr(Issues, "letter", counting)
    one_lane = open_backend("memory", connections=1)
    sender.send(sender.issues.get("2026-W47"), one_lane, stop=threading.Event())
    assert read == [""]


def holding(sender: Sender, inbox: Box, *, at: int) -> list[int]:
    """Let somebody hold the issue while the message of that number is offered; returns how many had arrived by then."""
    offered: list[str] = []
    arrived: list[int] = []

    def hold(message: Message) -> None:
        offered.append(message.recipient)
        if len(offered) == at:
            step(sender, IssueState.HELD, reason="held by Odalys")
            arrived.append(len(inbox.messages))

    inbox.on_offer = hold
    return arrived


def step(sender: Sender, to: IssueState, *, reason: str = "") -> None:
    with sender.database.write() as connection:
        sender.issues.step(connection, sender.issues.get("2026-W47"), to, reason=reason)


@pytest.mark.parametrize("connections", [1, 3])
def test_an_issue_that_is_held_in_mid_send_begins_nobody_and_goes_on_when_it_is_released(
    database: Database, book: Book, letter: Letter, sender: Sender, inbox: Box, connections: int
) -> None:
    add_subscribers(book, 120)
    freeze(database, book, letter, now=NOW)
    backend = open_backend("memory", connections=connections)

    def go() -> Report:
        return sender.send(sender.issues.get("2026-W47"), backend, stop=threading.Event())

    arrived = holding(sender, inbox, at=8)
    report = go()
    assert (report.state, report.reason) == (IssueState.HELD, "held by Odalys")
    assert arrived[0] <= len(inbox.messages) <= arrived[0] + connections, "only what had been begun is finished"
    assert report.totals == {"accepted": len(inbox.messages), "waiting": 120 - len(inbox.messages)}
    assert sender.issues.unfinished() is None
    with pytest.raises(Refused, match="is held; only a frozen"):
        go()
    inbox.on_offer = lambda _: None
    step(sender, IssueState.SENDING)
    assert go().state == IssueState.CLOSED
    assert len({message.recipient for message in inbox.messages}) == len(inbox.messages) == 120
    assert not audit(database, "2026-W47")[0].wrong


@pytest.mark.parametrize(
    "answer",
    [
        SendError("4.7.1 greylisted", scope="message", permanent=False, code=451),
        InDoubt("the connection was lost after the last dot"),
        SendError("connection reset", scope="connection", permanent=False),
    ],
)
def test_an_answer_that_comes_while_the_issue_is_held_takes_nobody_out_of_it(
    database: Database, book: Book, letter: Letter, sender: Sender, inbox: Box, clock: Clock, answer: Exception
) -> None:
    add_subscribers(book, 5)
    freeze(database, book, letter, now=NOW)

    def hold(_: Message) -> None:
        inbox.on_hand_over = lambda _: None
        step(sender, IssueState.HELD, reason="held by Odalys")
        raise answer

    inbox.on_hand_over = hold
    report = send(sender)
    assert report.state == IssueState.HELD
    assert set(report.totals) <= {"waiting", "deferred"}
    assert sum(report.totals.values()) == 5
    step(sender, IssueState.SENDING)
    clock.forward(timedelta(hours=1))
    assert send(sender).state == IssueState.CLOSED
    assert len({message.recipient for message in inbox.messages}) == 5
    assert not audit(database, "2026-W47")[0].wrong


def test_a_held_issue_can_be_cancelled(
    database: Database, book: Book, letter: Letter, sender: Sender, inbox: Box
) -> None:
    add_subscribers(book, 10)
    row = freeze(database, book, letter, now=NOW)
    holding(sender, inbox, at=4)
    send(sender)
    counts = sender.cancel(sender.issues.get(row.slot_key), reason="the wrong picture")
    assert counts == {"accepted": 3, "cancelled": 7}


@pytest.fixture
def doubtful(database: Database, book: Book, letter: Letter, sender: Sender, inbox: Box) -> str:
    """An issue that is closed but for one doubt, which is kept back; returns the address."""
    addresses = add_subscribers(book, 3)
    lost = InDoubt("the connection was lost after the last dot")
    inbox.on_hand_over = refusing({addresses[1]: lost})
    freeze(database, book, letter, now=NOW, on_doubt="hold")
    report = send(sender)
    assert (report.state, report.totals) == (IssueState.CLOSED, {"accepted": 2, "in doubt": 1})
    inbox.on_hand_over = lambda _: None
    return addresses[1]


def test_a_doubt_is_settled_by_hand_as_accepted(database: Database, sender: Sender, inbox: Box, doubtful: str) -> None:
    row = sender.issues.get("2026-W47")
    assert sender.ledger(row).in_doubt() == [(doubtful, NOW)]
    assert sender.settle_doubt(row, address=doubtful.upper(), accepted=True, by="Ada") == 1
    assert (send_again(sender).state, len(inbox.messages)) == (IssueState.CLOSED, 2)
    (found,) = audit(database, "2026-W47")
    assert not found.wrong
    assert [(one.address, one.settled) for one in found.ever_in_doubt] == [(doubtful, "accepted")]
    assert "settled by Ada: it was accepted" in [one["text"] for one in history(database, row, doubtful)]
    with pytest.raises(Refused, match="nobody is in doubt in 2026-W47"):
        sender.settle_doubt(row, address=None, accepted=True, by="Ada")
    with pytest.raises(Refused, match="is not in doubt in 2026-W47"):
        sender.settle_doubt(row, address="stranger@example.net", accepted=False, by="Ada")


def send_again(sender: Sender) -> Report:
    row = sender.issues.get("2026-W47")
    return send(sender) if row.state == IssueState.SENDING else sender.report(row)


def test_a_doubt_is_settled_by_sending_again_though_the_issue_is_closed(
    database: Database, sender: Sender, inbox: Box, clock: Clock, doubtful: str
) -> None:
    kept: list[Message] = []
    inbox.on_offer = kept.append
    clock.forward(timedelta(hours=3))
    assert sender.settle_doubt(sender.issues.get("2026-W47"), address=None, accepted=False, by="") == 1
    row = sender.issues.get("2026-W47")
    assert (row.state, row.closed_at) == (IssueState.SENDING, None)
    assert (send_again(sender).state, [message.recipient for message in kept]) == (IssueState.CLOSED, [doubtful])
    mail = message_from_bytes(kept[0].data, policy=policy.default)
    assert mail["date"].datetime == NOW, "the same message, so that it can be recognised"
    (found,) = audit(database, "2026-W47")
    assert (found.counts["accepted"], found.wrong) == (3, ())


def test_a_doubt_of_an_issue_whose_time_has_passed_is_not_sent_again(
    database: Database, sender: Sender, doubtful: str
) -> None:
    with database.write() as connection:
        connection.execute(sa.update(issues_table).values(expires_at=NOW))
    with pytest.raises(Refused, match="has passed"):
        sender.settle_doubt(sender.issues.get("2026-W47"), address=doubtful, accepted=False, by="Ada")
    assert sender.issues.get("2026-W47").state == IssueState.CLOSED
    assert sender.settle_doubt(sender.issues.get("2026-W47"), address=doubtful, accepted=True, by="Ada") == 1
