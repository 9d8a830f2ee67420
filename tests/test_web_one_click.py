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
    """One served project for all tests of this file; every test leaves with a reader of its own."""

    project: Project
    client: WebClient

    def reader(self) -> Reader:
        address = f"reader-{uuid.uuid4().hex[:12]}@example.net"
        subscriber = self.project.book.add_confirmed(address).subscriber
        assert subscriber
        return Reader(self, address, f"/unsubscribe/{self.project.book.unsubscribe_token(subscriber.public_id)}")


@dataclass
class Reader:
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
def reader(site: Site) -> Reader:
    return site.reader()


def assert_left(reader: Reader, answer: Answer) -> None:
    assert answer.status == 200
    assert "location" not in answer.headers
    assert "set-cookie" not in answer.headers
    assert reader.has_left()


def assert_nothing_happened(reader: Reader, answer: Answer, *, status: int) -> None:
    assert answer.status == status
    assert "location" not in answer.headers
    assert reader.status() is Status.ACTIVE


def test_a_mail_program_posts_a_form(reader: Reader) -> None:
    assert_left(reader, reader.ask("POST", ONE_CLICK, **FORM))


def test_a_mail_program_posts_multipart(reader: Reader) -> None:
    body = '--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'
    assert_left(reader, reader.ask("POST", body, **{"Content-Type": "multipart/form-data; boundary=b"}))


def test_cookies_and_a_log_in_make_no_difference(reader: Reader) -> None:
    more = {"Cookie": "session=stolen", "Authorization": "Basic eDp5", "Origin": "https://mail.example"}
    assert_left(reader, reader.ask("POST", ONE_CLICK, **FORM, **more))


def test_a_wrong_body_still_leaves(reader: Reader) -> None:
    assert_left(reader, reader.ask("POST", '{"unsubscribe": false}', **{"Content-Type": "application/json"}))


def test_an_empty_body_still_leaves(reader: Reader) -> None:
    assert_left(reader, reader.ask("POST"))


@pytest.mark.parametrize(("method", "status"), [("GET", 200), ("HEAD", 200), ("OPTIONS", 405)])
def test_looking_changes_nothing(reader: Reader, method: str, status: int) -> None:
    for _ in range(2):
        assert_nothing_happened(reader, reader.ask(method), status=status)


def test_the_page_a_person_sees_has_one_button_that_posts(reader: Reader) -> None:
    page = reader.ask("GET").text
    assert f'<form method="post" action="{reader.path}"><button>' in page
    assert reader.address not in page


@pytest.mark.parametrize("forge", ["last", "first", "cut", "other purpose", "nonsense"])
def test_a_forged_token_does_nothing(reader: Reader, forge: str) -> None:
    token = reader.path.rpartition("/")[2]
    forged = {
        "last": token[:-2] + ("A" if token[-2] != "A" else "B") + token[-1],
        "first": token[:2] + ("A" if token[2] != "A" else "B") + token[3:],
        "cut": token[:-1],
        "other purpose": "confirm",
        "nonsense": "%00%ff..",
    }[forge]
    answer = reader.ask("POST", ONE_CLICK, path=f"/unsubscribe/{forged}", **FORM)
    assert_nothing_happened(reader, answer, status=404)


def test_a_second_post_is_answered_like_the_first(reader: Reader) -> None:
    first, second = (reader.ask("POST", ONE_CLICK, **FORM) for _ in range(2))
    assert_left(reader, first)
    assert_left(reader, second)
    assert first.body == second.body


def test_a_reader_who_was_forgotten_is_answered_as_one_who_was_not(site: Site, reader: Reader) -> None:
    site.project.book.forget(reader.address)
    answer = reader.ask("POST", ONE_CLICK, **FORM)
    assert answer.status == 200
    assert "You are unsubscribed" in answer.text


def test_a_slash_at_the_end_is_no_redirect(reader: Reader) -> None:
    assert_nothing_happened(reader, reader.ask("GET", path=reader.path + "/"), status=200)
    assert_left(reader, reader.ask("POST", ONE_CLICK, path=reader.path + "/", **FORM))


def test_plain_http_behind_a_proxy_is_no_redirect(reader: Reader) -> None:
    proxied = {"X-Forwarded-Proto": "http", "X-Forwarded-Host": "evil.example", "X-Forwarded-For": "192.0.2.1"}
    assert_left(reader, reader.ask("POST", ONE_CLICK, **FORM, **proxied))


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_name_the_publisher_has_given_up_still_works(reader: Reader, method: str) -> None:
    answer = reader.ask(method, path=reader.path, Host="old.marquee.example")
    assert answer.status == 200
    assert reader.has_left() is (method == "POST")


def test_a_query_added_on_the_way_makes_no_difference(reader: Reader) -> None:
    assert_left(reader, reader.ask("POST", ONE_CLICK, path=reader.path + "?utm_source=x&List-Unsubscribe=no", **FORM))


def test_the_goodbye_page_undoes_a_mistake(reader: Reader) -> None:
    page = reader.ask("POST", ONE_CLICK, **FORM).text
    undo = reader.path.replace("/unsubscribe/", "/resubscribe/")
    assert f'action="{undo}"' in page
    assert "Welcome back" in reader.ask("POST", path=undo).text
    assert reader.status() is Status.ACTIVE


def test_leaving_works_with_every_template_broken(tmp_path: Path) -> None:
    project = make_project(tmp_path / "p", clock=Clock())
    with served(project) as client:
        own = project.templates.folders[0] / "pages"
        own.mkdir(parents=True)
        for page in ("unsubscribe", "unsubscribed"):
            (own / f"{page}.html.j2").write_text("{{ nothing.at.all }}")
        reader = Site(project, client).reader()
        assert f'action="{reader.path}"' in reader.ask("GET").text
        assert_left(reader, reader.ask("POST", ONE_CLICK, **FORM))
    project.database.dispose()
