"""Leaving with one click (RFC 8058), asked for in every way mail programs, scanners and people do."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from newsletter.app import Project
from subscribers import Status
from tests.projects import make_project
from tests.times import Clock
from tests.web_project import Answer, WebClient, served

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ONE_CLICK = "List-Unsubscribe=One-Click"


@dataclass
class Site:
    """One served project for all tests of this file; every test leaves with a recipient of its own."""

    project: Project
    client: WebClient

    def recipient(self) -> Recipient:
        address = f"reader-{uuid.uuid4().hex[:12]}@example.net"
        subscriber = self.project.book.add_confirmed(address).subscriber
        assert subscriber
        return Recipient(self, address, f"/unsubscribe/{self.project.book.unsubscribe_token(subscriber.public_id)}")


@dataclass
class Recipient:
    site: Site
    address: str
    path: str

    def status(self) -> Status:
        subscriber = self.site.project.book.find(self.address)
        assert subscriber
        return subscriber.status

    def has_left(self) -> bool:
        return self.status() is Status.UNSUBSCRIBED

    def ask(self, method: str, body: bytes | str | None = None, *, path: str = "", **headers: str) -> Answer:
        return self.site.client.ask(method, path or self.path, body, headers)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    project = make_project(tmp_path_factory.mktemp("one-click") / "project", clock=Clock())
    with served(project) as client:
        yield Site(project, client)
    project.database.dispose()


@pytest.fixture
def recipient(site: Site) -> Recipient:
    return site.recipient()


def assert_left(recipient: Recipient, answer: Answer) -> None:
    assert answer.status == 200
    assert "location" not in answer.headers
    assert "set-cookie" not in answer.headers
    assert recipient.has_left()


def assert_nothing_happened(recipient: Recipient, answer: Answer, *, status: int) -> None:
    assert answer.status == status
    assert "location" not in answer.headers
    assert recipient.status() is Status.ACTIVE


def test_a_mail_program_posts_a_form(recipient: Recipient) -> None:
    assert_left(recipient, recipient.ask("POST", ONE_CLICK, **FORM))


def test_a_mail_program_posts_multipart(recipient: Recipient) -> None:
    body = '--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'
    assert_left(recipient, recipient.ask("POST", body, **{"Content-Type": "multipart/form-data; boundary=b"}))


def test_cookies_and_a_log_in_make_no_difference(recipient: Recipient) -> None:
    more = {"Cookie": "session=stolen", "Authorization": "Basic eDp5", "Origin": "https://mail.example"}
    assert_left(recipient, recipient.ask("POST", ONE_CLICK, **FORM, **more))


def test_a_wrong_body_still_leaves(recipient: Recipient) -> None:
    assert_left(recipient, recipient.ask("POST", '{"unsubscribe": false}', **{"Content-Type": "application/json"}))


def test_an_empty_body_still_leaves(recipient: Recipient) -> None:
    assert_left(recipient, recipient.ask("POST"))


@pytest.mark.parametrize(("method", "status"), [("GET", 200), ("HEAD", 200), ("OPTIONS", 405)])
def test_looking_changes_nothing(recipient: Recipient, method: str, status: int) -> None:
    for _ in range(2):
        assert_nothing_happened(recipient, recipient.ask(method), status=status)


def test_the_page_a_person_sees_has_one_button_that_posts(recipient: Recipient) -> None:
    page = recipient.ask("GET").text
    assert f'<form method="post" action="{recipient.path}"><button>' in page
    assert recipient.address not in page


@pytest.mark.parametrize("forge", ["last", "first", "cut", "other purpose", "nonsense"])
def test_a_forged_token_does_nothing(recipient: Recipient, forge: str) -> None:
    token = recipient.path.rpartition("/")[2]
    forged = {
        "last": token[:-2] + ("A" if token[-2] != "A" else "B") + token[-1],
        "first": token[:2] + ("A" if token[2] != "A" else "B") + token[3:],
        "cut": token[:-1],
        "other purpose": "confirm",
        "nonsense": "%00%ff..",
    }[forge]
    answer = recipient.ask("POST", ONE_CLICK, path=f"/unsubscribe/{forged}", **FORM)
    assert_nothing_happened(recipient, answer, status=404)


def test_a_second_post_is_answered_like_the_first(recipient: Recipient) -> None:
    first, second = (recipient.ask("POST", ONE_CLICK, **FORM) for _ in range(2))
    assert_left(recipient, first)
    assert_left(recipient, second)
    assert first.body == second.body


def test_a_reader_who_was_forgotten_is_answered_as_one_who_was_not(site: Site, recipient: Recipient) -> None:
    site.project.book.forget(recipient.address)
    answer = recipient.ask("POST", ONE_CLICK, **FORM)
    assert answer.status == 200
    assert "You are unsubscribed" in answer.text


def test_a_slash_at_the_end_is_no_redirect(recipient: Recipient) -> None:
    assert_nothing_happened(recipient, recipient.ask("GET", path=recipient.path + "/"), status=200)
    assert_left(recipient, recipient.ask("POST", ONE_CLICK, path=recipient.path + "/", **FORM))


def test_plain_http_behind_a_proxy_is_no_redirect(recipient: Recipient) -> None:
    proxied = {"X-Forwarded-Proto": "http", "X-Forwarded-Host": "evil.example", "X-Forwarded-For": "192.0.2.1"}
    assert_left(recipient, recipient.ask("POST", ONE_CLICK, **FORM, **proxied))


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_name_the_publisher_has_given_up_still_works(recipient: Recipient, method: str) -> None:
    answer = recipient.ask(method, path=recipient.path, Host="old.marquee.example")
    assert answer.status == 200
    assert recipient.has_left() is (method == "POST")


def test_a_query_added_on_the_way_makes_no_difference(recipient: Recipient) -> None:
    assert_left(
        recipient, recipient.ask("POST", ONE_CLICK, path=recipient.path + "?utm_source=x&List-Unsubscribe=no", **FORM)
    )


def test_the_goodbye_page_undoes_a_mistake(recipient: Recipient) -> None:
    page = recipient.ask("POST", ONE_CLICK, **FORM).text
    undo = recipient.path.replace("/unsubscribe/", "/resubscribe/")
    assert f'action="{undo}"' in page
    assert "Welcome back" in recipient.ask("POST", path=undo).text
    assert recipient.status() is Status.ACTIVE


def test_leaving_works_with_every_template_broken(tmp_path: Path) -> None:
    project = make_project(tmp_path / "p", clock=Clock())
    with served(project) as client:
        own = project.templates.folders[0] / "pages"
        own.mkdir(parents=True)
        for page in ("unsubscribe", "unsubscribed"):
            (own / f"{page}.html.j2").write_text("{{ nothing.at.all }}")
        recipient = Site(project, client).recipient()
        assert f'action="{recipient.path}"' in recipient.ask("GET").text
        assert_left(recipient, recipient.ask("POST", ONE_CLICK, **FORM))
    project.database.dispose()
