"""Whoever steals the database can confirm, leave and release nothing: what it holds of a mailed token is no token."""

from __future__ import annotations

import re
import threading
from base64 import b64encode, urlsafe_b64decode
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest
import sqlalchemy as sa

from newsletter import letter as letters
from newsletter.app import Project
from newsletter.database import Database
from newsletter.errors import ConfigurationError, KeyFileError
from newsletter.letter import Letter
from newsletter.sending import alerts, outbox
from newsletter.sending.states import DeliveryState
from newsletter.sending.tables import outbox as table
from newsletter.web import OutboxThread
from subscribers import Confirmation, Link, Provenance
from tests.command_line import run
from tests.projects import again, arrived, make_project, set_line
from tests.smtp_servers import Faulty, Received, serving
from tests.times import NOW, Clock
from tests.web_project import freeze_issue

FORM, PAGE = Provenance("form", ip="192.0.2.7"), Provenance("page")
KNOWN, NEW = "known@example.net", "new@example.net"
TOKEN = re.compile(r"/(?:unsubscribe|confirm)/([A-Za-z0-9_-]+)")


@pytest.fixture
def project(tmp_path: Path, clock: Clock, database_url: str) -> Project:
    """A newsletter with a subscriber, on SQLite and on PostgreSQL."""
    return make_project(tmp_path / "project", clock=clock, database=database_url, subscribers={KNOWN: "Ann"})


@pytest.fixture
def sqlite_project(tmp_path: Path, clock: Clock) -> Project:
    return make_project(tmp_path / "project", clock=clock, subscribers={KNOWN: "Ann"})


def stolen(project: Project) -> bytes:
    """Every column of every table, and on SQLite also the bytes of the files: what is free, and what is not yet in."""
    with project.database.read() as connection:
        tables = sa.inspect(connection).get_table_names()
        rows = [row for name in tables for row in connection.exec_driver_sql(f'SELECT * FROM "{name}"')]
    cells = [
        bytes(cell) if isinstance(cell, bytes | memoryview) else str(cell).encode() for row in rows for cell in row
    ]
    files = [file.read_bytes() for file in project.root.parent.rglob("newsletter.db*") if file.is_file()]
    assert bool(files) == project.database.is_sqlite
    return b"\0".join(cells + files)


def found_in(data: bytes, token: str) -> bool:
    """Whether the proof in a token stands there, in any form: it is the half that the key makes."""
    proof = urlsafe_b64decode(token[-43:] + "=")[16:]
    return any(form in data for form in (token[-21:].encode(), proof, proof.hex().encode(), b64encode(proof)[:-2]))


def over(server: Received | Faulty, project: Project) -> Project:
    """The project, handing over to a server."""
    set_line(
        project.root,
        'kind = "maildir"\npath = "mail"',
        f'kind = "smtp"\nhost = "127.0.0.1"\nport = {server.port}\nsecurity = "none"',
    )
    return again(project)


def send_single_mails(project: Project) -> None:
    project.sender.send_single_mails(project.backend(), stop=threading.Event())


def tokens_of(data: bytes) -> list[str]:
    body = message_from_bytes(data, policy=policy.default).get_body(("plain",))
    assert body is not None
    return TOKEN.findall(body.get_content())


def test_a_stolen_database_holds_no_token_that_was_mailed_and_the_mailed_ones_work(
    project: Project, letter: Letter
) -> None:
    project.book.subscribe(NEW, provenance=FORM)
    project.book.subscribe(KNOWN, provenance=FORM)
    project.alerts.tell(alerts.source("site"), "it is gone")
    row = freeze_issue(project, letter)
    before = stolen(project)
    with serving() as server:
        sending = over(server, project)
        sending.sender.send(row, sending.backend(), stop=threading.Event())
    mailed = {
        envelope.rcpt_tos[0]: tokens_of(data) for envelope, data in zip(server.envelopes, server.data, strict=True)
    }
    assert len(server.data) == 4
    tokens = {token for data in server.data for token in tokens_of(data)}
    assert len(tokens) == 3, "to confirm, and two ways out: that of an issue is that of a single mail"
    for when in (before, stolen(project)):
        assert not [token for token in tokens if found_in(when, token)]
    confirm, leave = mailed[NEW]
    assert project.book.confirm(confirm, provenance=PAGE).changed
    assert project.book.unsubscribe_by_token(leave, provenance=PAGE).changed
    assert project.book.unsubscribe_by_token(mailed[KNOWN][0], provenance=PAGE).changed


def test_a_mail_that_an_earlier_version_put_in_finished_is_sent_as_it_is(project: Project) -> None:
    token = project.book.unsubscribe_token("ab" * 16)
    data = f"From: weekly@marquee.example\r\nTo: {NEW}\r\n\r\nhttps://x.example/unsubscribe/{token}\r\n".encode()
    with project.database.write() as connection:
        put = {"kind": "confirm", "sender": "weekly@marquee.example", "email": NEW, "data": data, "state": "waiting"}
        times = dict.fromkeys(("next_try_at", "created_at", "updated_at"), NOW)
        connection.execute(table.insert().values(**put, **times, expires_at=NOW + outbox.KEEP_TRYING))
    assert found_in(stolen(project), token)
    with serving() as server:
        send_single_mails(over(server, project))
    assert server.data == [data]
    with project.database.read() as connection:
        assert connection.execute(sa.select(table.c.state, table.c.data)).one() == ("accepted", None)


def test_a_key_added_while_a_mail_waits_signs_it_and_the_older_links_go_on_working(sqlite_project: Project) -> None:
    sqlite_project.book.subscribe(NEW, provenance=FORM)
    send_single_mails(sqlite_project)
    sqlite_project.book.subscribe("other@example.net", provenance=FORM)
    with (sqlite_project.root / "newsletter.key").open("a") as file:
        file.write(f"k2:{b64encode(bytes(32)).decode()}\n")
    later = again(sqlite_project)
    send_single_mails(later)
    for address, kid in ((NEW, "k1"), ("other@example.net", "k2")):
        confirm, leave = tokens_of(arrived(later.root)[address].as_bytes())
        assert confirm[:-43] == leave[:-43] == kid
        assert later.book.confirm(confirm, provenance=PAGE).confirmation is Confirmation.DONE
        assert later.book.unsubscribe_by_token(leave, provenance=PAGE).changed


def test_without_the_key_file_mails_wait_and_the_operator_is_told_what_to_restore(
    sqlite_project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    sqlite_project.book.subscribe(NEW, provenance=FORM)
    key = sqlite_project.root / "newsletter.key"
    away = key.rename(key.with_suffix(".away"))
    without = again(sqlite_project)
    outbox_thread = OutboxThread(without)
    assert not outbox_thread.round()
    assert "wait in the outbox: key file" in caplog.text
    assert "is missing; restore it from your backup" in without.issues.alerts("outbox")[0].text
    worked = run("worker", project=without.root)
    assert (worked.exit_code, "is missing; restore it" in " ".join(worked.output.split())) == (2, True)
    assert outbox.ledger(without.database).counts() == {DeliveryState.WAITING: 1}
    away.rename(key)
    assert outbox_thread.round()
    assert set(arrived(without.root)) == {NEW}


def test_a_key_that_goes_while_a_mail_is_made_leaves_it_waiting(sqlite_project: Project) -> None:
    def gone(_: Link) -> str:
        raise KeyFileError("key file newsletter.key is missing; restore it from your backup")

    sqlite_project.book.subscribe(NEW, provenance=FORM)
    sender = replace(sqlite_project.sender, derive=gone)
    with pytest.raises(KeyFileError):
        sender.send_single_mails(sqlite_project.backend(), stop=threading.Event())
    assert outbox.ledger(sqlite_project.database).counts() == {DeliveryState.WAITING: 1}
    send_single_mails(sqlite_project)
    assert set(arrived(sqlite_project.root)) == {NEW}


def test_a_mail_handed_over_again_is_the_same_mail(sqlite_project: Project, clock: Clock) -> None:
    sqlite_project.book.subscribe(NEW, provenance=FORM)
    with sqlite_project.database.read() as connection:
        row = connection.execute(table.select()).mappings().one()
    first = outbox.message(row, derive=sqlite_project.keys.token)
    clock.forward(timedelta(hours=3))
    assert outbox.message(row, derive=again(sqlite_project).keys.token) == first
    assert message_from_bytes(first.data)["Date"] == letters.date_header(NOW)


def link_letter(project: Project) -> Letter:
    page = f"https://news.marquee.example/review/2026-W47/{letters.token_of('0123456789ab', 0)}"
    return letters.encode(
        f"<a href='{page}'>Look</a>",
        f"Look: {page}\n",
        subject="To look at",
        identity=project.publication.identity(),
        nonce="0123456789ab",
        blanks=(letters.Blank("review_token"),),
    )


def test_a_link_of_any_purpose_is_derived_for_that_purpose_alone(sqlite_project: Project) -> None:
    project, nonce = sqlite_project, bytes(range(16))
    links = {"review_token": Link(b"review|2026-W47", nonce)}
    with project.database.write() as connection:
        outbox.post(connection, link_letter(project), address=NEW, links=links, kind="proof", now=NOW)
    send_single_mails(project)
    body = arrived(project.root)[NEW].get_body(("plain",))
    assert body is not None
    token = body.get_content().strip().rpartition("/")[2]
    assert project.keys.verify(token, purpose=b"review|2026-W47") == nonce
    assert project.keys.verify(token, purpose=b"review|2026-W48") is None
    assert not found_in(stolen(project), token)


def test_a_blank_without_a_link_is_refused_before_anything_is_written(
    database: Database, sqlite_project: Project
) -> None:
    with pytest.raises(ValueError, match="the blank review_token has no value"), database.write() as connection:
        outbox.post(connection, link_letter(sqlite_project), address=NEW, links={}, kind="proof", now=NOW)
    assert outbox.ledger(database).counts() == {}


def test_a_link_that_no_token_can_be_made_of_is_refused() -> None:
    with pytest.raises(ValueError, match="a token is made of 16 bytes, and not of 17"):
        Link(b"confirm", bytes(17))


@pytest.mark.parametrize(
    ("step", "reply"),
    [
        ("dot", "550 5.7.1 blocked for the link {link} in it"),
        ("dot", "451 4.7.1 greylisted, {link} is unknown here"),
        ("dot", "250 2.0.0 queued, {link} was checked"),
        ("mail", "550 5.7.1 sender blocked, it sends {link}"),
    ],
)
def test_what_a_mail_server_quotes_of_a_link_is_kept_without_its_token(
    project: Project, letter: Letter, step: str, reply: str
) -> None:
    subscriber = project.book.find(KNOWN)
    assert subscriber
    token = project.book.unsubscribe_token(subscriber.public_id)
    said = reply.format(link=f"https://news.example.org/unsubscribe/{token}").encode() + b"\r\n"
    row = freeze_issue(project, letter)
    with Faulty(says=lambda at, _: said if at == step else None) as server:
        sending = over(server, project)
        with suppress(ConfigurationError):  # how it ends is told elsewhere; here it matters what is kept
            sending.sender.send(row, sending.backend(), stop=threading.Event())
    kept = stolen(project)
    assert b"https://news.example.org/unsubscribe/\xe2\x80\xa6" in kept
    assert not found_in(kept, token)
