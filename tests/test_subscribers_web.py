import asyncio
import http.client
import itertools
import json
import logging
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlencode

import httpx2
import pytest
import uvicorn
from fastapi import FastAPI

from subscribers import Guard, Limits, SignUp, Status
from subscribers.web import LONGEST_BODY, Site, router
from tests.subscribers_store import FORM, KEYS, Harness, TestStore, sqlite_store
from tests.times import PATIENCE

pytest_plugins = ("tests.subscribers_store",)  # its fixtures: store, harness

URLENCODED = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}
BOUNDARY = "--x\r\nContent-Disposition: form-data; name="
MULTIPART = {"Content-Type": "multipart/form-data; boundary=x"}
ONE_CLICK = "List-Unsubscribe=One-Click"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    text: str


@dataclass
class Pages:
    """The public pages of a harness, served on loopback."""

    harness: Harness
    guard: Guard
    port: int
    broken: list[str] = field(default_factory=list)

    def ask(
        self, method: str, path: str, body: str | bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            text = response.read().decode()
            return Answer(response.status, {key.lower(): value for key, value in response.getheaders()}, text)
        finally:
            connection.close()

    def post_form(self, path: str, headers: dict[str, str] | None = None, **fields: str) -> Answer:
        return self.ask("POST", path, urlencode(fields), {**URLENCODED, **(headers or {})})

    def sign_up(self, email: str, headers: dict[str, str] | None = None, **fields: str) -> Answer:
        """What a browser does: fetch the form, wait a little, send it."""
        token = json.loads(self.ask("GET", "/subscribe").text)["form_token"]
        self.harness.clock.forward(timedelta(seconds=5))
        return self.post_form("/subscribe", headers, email=email, form_token=token, **fields)

    def hook(self, sent: object, headers: dict[str, str] | None = None) -> Answer:
        return self.ask("POST", "/api/subscribe", json.dumps(sent), {**JSON, **(headers or {})})

    def unsubscribe_path(self, email: str) -> str:
        subscriber = self.harness.book.find(email)
        assert subscriber
        return "/unsubscribe/" + self.harness.book.unsubscribe_token(subscriber.public_id)

    def everything(self) -> str:
        with self.harness.store.read() as connection:
            from subscribers import metadata

            return str([connection.execute(table.select()).all() for table in metadata.sorted_tables])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[TestStore]:
    """SQLite alone: what differs between databases lies in the Book and the guard, which are tested on both."""
    with sqlite_store(tmp_path) as store:
        yield store


@pytest.fixture
def site(harness: Harness) -> Iterator[Pages]:
    guard = Guard(harness.store, KEYS, now=harness.clock, limits=Limits(per_network=20, overall=60))
    broken: list[str] = []

    def render_page(page, context):
        if page in broken:
            raise KeyError("no such template")
        shown = {key: value for key, value in context.items() if key != "site"}
        return json.dumps({"page": page, "name": context["site"].name, **shown})

    app = FastAPI()
    app.include_router(
        router(
            harness.book,
            guard,
            render_page=render_page,
            site=Site(name="The Weekly", public_url="https://news.example.org"),
            allow_origins=["https://www.example.org"],
            trusted_proxies=[ip_network("127.0.0.0/8")],
            same_time=0,
        )
    )
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, proxy_headers=False, lifespan="off", log_config=None, ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield Pages(harness, guard, listener.getsockname()[1], broken)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def page_of(answer: Answer) -> str:
    return str(json.loads(answer.text)["page"])


def test_a_reader_joins_confirms_leaves_and_comes_back_with_a_browser(site):
    assert page_of(site.sign_up("ann@example.org", name="Ann", language="en")) == "check_inbox"
    kind, to, values = site.harness.mails[0]
    assert (kind, to) == ("confirm", "ann@example.org")
    confirm = json.loads(site.ask("GET", f"/confirm/{values['confirm_token']}").text)
    assert confirm["page"] == "confirm"
    assert page_of(site.post_form(confirm["action"])) == "confirmed"
    assert site.harness.receivers() == ["ann@example.org"]
    leave = json.loads(site.ask("GET", site.unsubscribe_path("ann@example.org")).text)
    assert leave["page"] == "unsubscribe"
    goodbye = json.loads(site.post_form(leave["action"]).text)
    assert goodbye["page"] == "unsubscribed"
    assert site.harness.receivers() == []
    assert page_of(site.post_form(goodbye["undo_action"])) == "resubscribed"
    assert site.harness.receivers() == ["ann@example.org"]


def test_the_evidence_of_the_form_holds_the_words_on_the_page(site):
    site.sign_up("ann@example.org", {"User-Agent": "Lynx", "X-Forwarded-For": "203.0.113.9"})
    shown = json.loads(site.ask("GET", "/subscribe").text)["wording"]
    asked = site.harness.book.show("ann@example.org").consents[0]
    assert (asked.wording, asked.ip, asked.user_agent) == (shown, "203.0.113.9", "Lynx")
    assert asked.form == "https://news.example.org/subscribe"


@pytest.mark.parametrize("path", ["/subscribe", "/confirm/{confirm}", "/unsubscribe/{leave}", "/unsubscribe/{leave}/"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_looking_never_changes_anything(site, path, method):
    site.sign_up("ann@example.org")
    values = site.harness.mails[0][2]
    before = site.everything()
    answer = site.ask(method, path.format(confirm=values["confirm_token"], leave=values["unsubscribe_token"]))
    assert answer.status == (405 if method == "OPTIONS" else 200)
    assert site.everything() == before


@pytest.mark.parametrize("path", ["/subscribe", "/confirm/" + "A" * 43, "/unsubscribe/" + "A" * 45])
def test_head_answers_like_get_without_a_page(site, path):
    get, head = site.ask("GET", path), site.ask("HEAD", path)
    assert (head.status, head.text) == (get.status, "")
    assert head.headers["content-type"] == get.headers["content-type"]


ONE_CLICK_POSTS = {
    "form": (ONE_CLICK, URLENCODED),
    "multipart": (f'{BOUNDARY}"List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n', MULTIPART),
    "cookies": (ONE_CLICK, {**URLENCODED, "Cookie": "session=abc", "Authorization": "Basic eDp5"}),
    "another site's origin": (ONE_CLICK, {**URLENCODED, "Origin": "https://mail.example.com"}),
    "wrong body": ("something=else", URLENCODED),
    "empty body": ("", URLENCODED),
    "no type": ("\x00\x01", {}),
    "broken multipart": ("--x\r\nrubbish", MULTIPART),
}


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("way", ONE_CLICK_POSTS)
def test_one_post_unsubscribes_whatever_it_carries_without_a_redirect(site, way, slash):
    site.harness.subscribed("ann@example.org")
    path = site.unsubscribe_path("ann@example.org") + slash
    body, headers = ONE_CLICK_POSTS[way]
    for _ in range(2):
        answer = site.ask("POST", path, body, headers)
        assert (answer.status, page_of(answer)) == (200, "unsubscribed")
        assert "location" not in answer.headers
        assert "set-cookie" not in answer.headers
        assert site.harness.receivers() == []


def test_a_forged_token_is_not_found_and_nobody_leaves(site):
    site.harness.subscribed("ann@example.org")
    path = site.unsubscribe_path("ann@example.org")
    forged = path[:-1] + ("A" if path[-1] != "A" else "B")
    for method, where in (("GET", forged), ("POST", forged), ("POST", forged.replace("unsubscribe", "resubscribe"))):
        answer = site.ask(method, where)
        assert (answer.status, page_of(answer)) == (404, "not_found")
    assert site.harness.receivers() == ["ann@example.org"]


def test_somebody_forgotten_is_answered_like_somebody_who_left(site):
    site.harness.subscribed("ann@example.org")
    path = site.unsubscribe_path("ann@example.org")
    site.harness.book.forget("ann@example.org")
    answer = site.ask("POST", path, ONE_CLICK, URLENCODED)
    assert (answer.status, page_of(answer)) == (200, "unsubscribed")
    assert json.loads(answer.text)["undo_action"] == ""


def test_a_confirmation_token_does_not_unsubscribe_and_the_other_way_round(site):
    site.sign_up("ann@example.org")
    values = site.harness.mails[0][2]
    assert site.ask("POST", f"/unsubscribe/{values['confirm_token']}").status == 404
    assert site.ask("POST", f"/confirm/{values['unsubscribe_token']}").status == 404
    assert site.harness.book.find("ann@example.org").status is Status.PENDING


def test_a_confirmation_can_be_clicked_twice_and_runs_out(site):
    site.sign_up("ann@example.org")
    path = f"/confirm/{site.harness.mails[0][2]['confirm_token']}"
    first, second = site.ask("POST", path), site.ask("POST", path)
    assert (first.status, first.text) == (second.status, second.text) == (200, first.text)
    site.harness.clock.forward(timedelta(hours=1))
    site.sign_up("bob@example.org")
    site.harness.clock.forward(timedelta(hours=73))
    answer = site.ask("POST", f"/confirm/{site.harness.mails[-1][2]['confirm_token']}")
    assert (answer.status, page_of(answer)) == (410, "confirm_expired")
    assert site.ask("POST", "/confirm/" + "A" * 43).status == 404


def test_an_undo_that_comes_too_late_is_refused_in_a_sentence(site):
    site.harness.subscribed("ann@example.org")
    path = site.unsubscribe_path("ann@example.org")
    site.ask("POST", path)
    site.harness.clock.forward(timedelta(days=2))
    answer = site.ask("POST", path.replace("unsubscribe", "resubscribe"))
    assert (answer.status, page_of(answer)) == (410, "refused")
    assert site.harness.receivers() == []


@pytest.mark.parametrize("way", ["form", "hook"])
def test_the_outside_cannot_tell_who_is_known(site, way):
    site.harness.subscribed("active@example.org")
    site.harness.book.subscribe("pending@example.org", provenance=FORM)
    site.harness.subscribed("left@example.org")
    site.harness.book.unsubscribe("left@example.org")
    site.harness.book.suppress("never@example.org", reason="complaint")
    answers = []
    for name in ("new", "active", "pending", "left", "never"):
        email = f"{name}@example.org"
        answer = site.sign_up(email) if way == "form" else site.hook({"email": email})
        answer.headers.pop("date")
        answers.append(answer)
    assert all(answer == answers[0] for answer in answers)
    assert answers[0].status == (200 if way == "form" else 202)


def test_a_sign_up_through_the_hook_is_asked_to_confirm(site):
    answer = site.hook({"email": "ann@example.org", "name": "Ann", "language": "de"})
    assert answer.status == 202
    assert site.harness.kinds() == ["confirm"]
    assert site.harness.book.find("ann@example.org").language == "de"
    assert site.harness.book.show("ann@example.org").consents[0].via == "hook"


@pytest.mark.parametrize(
    "sent", [{"email": "ann"}, {}, {"email": 7}, {"email": None}, [], "x", 3, {"email": "a@b\ud800.org"}]
)
def test_a_bad_address_is_one_clear_line(site, sent):
    answer = site.hook(sent)
    assert answer.status == 422
    message = json.loads(answer.text)["message"]
    assert "\n" not in message
    assert message.endswith(".")
    assert site.harness.mails == []


@pytest.mark.parametrize("body", ["", "{", "[" * 15000, "\xff\xfe", '{"email":'])
def test_what_is_no_json_is_refused(site, body):
    assert site.ask("POST", "/api/subscribe", body.encode("latin-1"), JSON).status == 422


def test_the_hook_takes_json_only_so_that_no_foreign_form_can_use_it(site):
    answer = site.ask(
        "POST", "/api/subscribe", json.dumps({"email": "ann@example.org"}), {"Content-Type": "text/plain"}
    )
    assert answer.status == 415
    assert site.harness.mails == []


def test_a_bad_address_in_the_form_shows_the_form_again_with_what_was_typed(site):
    answer = site.sign_up("ann@", name="Ann")
    shown = json.loads(answer.text)
    assert (answer.status, shown["page"], shown["email"], shown["name"]) == (422, "subscribe", "ann@", "Ann")
    assert shown["message"].endswith(".")


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (None, True),
        ("https://news.example.org", True),
        ("https://www.example.org", True),
        ("https://evil.example", False),
        ("https://news.example.org.evil.example", False),
        ("null", False),
        ("https://[news.example.org", False),
        ("https://", False),
    ],
)
def test_only_our_own_pages_and_allowed_sites_may_post_sign_ups(site, origin, allowed):
    headers = {"Origin": origin} if origin else {}
    form = site.sign_up("ann@example.org", headers)
    hook = site.hook({"email": "bob@example.org"}, headers)
    assert (form.status, hook.status) == ((200, 202) if allowed else (403, 403))
    assert len(site.harness.mails) == (2 if allowed else 0)
    granted = hook.headers.get("access-control-allow-origin")
    assert granted == (origin if allowed else None)


def test_a_browser_is_told_beforehand_whether_the_hook_is_open_to_its_page(site):
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    allowed = site.ask("OPTIONS", "/api/subscribe", headers={"Origin": "https://www.example.org", **asked})
    assert (allowed.status, allowed.headers["access-control-allow-origin"]) == (204, "https://www.example.org")
    refused = site.ask("OPTIONS", "/api/subscribe", headers={"Origin": "https://evil.example", **asked})
    assert "access-control-allow-origin" not in refused.headers


def test_a_box_on_an_allowed_site_can_post_without_our_form(site):
    answer = site.post_form("/subscribe", {"Origin": "https://www.example.org"}, email="ann@example.org")
    assert page_of(answer) == "check_inbox"
    assert site.harness.kinds() == ["confirm"]


def test_a_post_without_the_form_gets_the_form_with_the_address_in_it(site):
    shown = json.loads(site.post_form("/subscribe", email="ann@example.org").text)
    assert (shown["page"], shown["email"]) == ("subscribe", "ann@example.org")
    assert site.harness.mails == []
    site.harness.clock.forward(timedelta(seconds=3))
    site.post_form("/subscribe", email="ann@example.org", form_token=shown["form_token"])
    assert site.harness.kinds() == ["confirm"]


def test_a_bot_in_the_hidden_field_sees_what_a_reader_sees(site):
    reader, bot = site.sign_up("ann@example.org"), site.sign_up("bob@example.org", website="http://spam.example")
    assert (reader.status, reader.text) == (bot.status, bot.text)
    assert [to for _, to, _ in site.harness.mails] == ["ann@example.org"]


def test_a_form_can_be_sent_as_multipart(site):
    token = json.loads(site.ask("GET", "/subscribe").text)["form_token"]
    site.harness.clock.forward(timedelta(seconds=5))
    parts = {"email": "ann@example.org", "form_token": token}
    body = "".join(f'{BOUNDARY}"{name}"\r\n\r\n{value}\r\n' for name, value in parts.items()) + "--x--\r\n"
    assert page_of(site.ask("POST", "/subscribe", body, MULTIPART)) == "check_inbox"
    assert site.harness.kinds() == ["confirm"]


@pytest.mark.parametrize(
    "headers", [{}, MULTIPART, {"Content-Type": "multipart/form-data"}, {"Content-Type": "text/xml"}]
)
def test_a_form_that_cannot_be_read_is_refused_in_a_sentence(site, headers):
    answer = site.ask("POST", "/subscribe", b"\x00rubbish", headers)
    assert answer.status == 422
    assert json.loads(answer.text)["page"] in {"refused", "subscribe"}


@pytest.mark.parametrize("path", ["/subscribe", "/api/subscribe", "/unsubscribe/x", "/confirm/x", "/resubscribe/x"])
def test_a_body_of_more_than_sixteen_kilobytes_is_refused(site, path):
    answer = site.ask("POST", path, "email=" + "x" * LONGEST_BODY, JSON if "api" in path else URLENCODED)
    assert answer.status == 413
    assert "16 KB" in answer.text


def test_a_flood_from_everywhere_makes_one_mail_for_its_victim(site):
    for number in range(40):
        site.hook({"email": f"vic+{number}@example.org"}, {"X-Forwarded-For": f"10.{number}.1.1"})
    assert len(site.harness.mails) == 1


def test_a_flood_from_one_network_stops_at_its_limit(site):
    for number in range(40):
        site.hook({"email": f"vic{number}@d{number}.org"}, {"X-Forwarded-For": f"203.0.113.{number}"})
    assert len(site.harness.mails) == 20


SECRET_PAGES = ["/confirm/{confirm}", "/unsubscribe/{leave}", "/unsubscribe/x"]


@pytest.mark.parametrize("path", SECRET_PAGES)
def test_token_pages_are_kept_by_nobody_and_told_to_nobody(site, path):
    site.sign_up("ann@example.org")
    values = site.harness.mails[0][2]
    path = path.format(confirm=values["confirm_token"], leave=values["unsubscribe_token"])
    for method in ("GET", "POST"):
        headers = site.ask(method, path).headers
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-robots-tag"] == "noindex"
        assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'unsafe-inline'; img-src")


def test_the_form_lets_browsers_say_where_it_was_sent_from(site):
    assert site.ask("GET", "/subscribe").headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize("path", ["/confirm/{confirm}", "/unsubscribe/{leave}"])
def test_no_token_page_shows_the_address(site, path):
    site.sign_up("ann@example.org", name="Ann Lee")
    values = site.harness.mails[0][2]
    path = path.format(confirm=values["confirm_token"], leave=values["unsubscribe_token"])
    shown = site.ask("GET", path).text + site.ask("POST", path).text
    assert "ann@" not in shown
    assert "Ann Lee" not in shown


def test_no_token_is_written_to_the_access_log(site, caplog):
    with caplog.at_level(logging.INFO, logger="uvicorn.access"):
        site.sign_up("ann@example.org")
        values = site.harness.mails[0][2]
        site.ask("POST", f"/confirm/{values['confirm_token']}")
        for path in ("unsubscribe", "resubscribe"):
            site.ask("POST", f"/{path}/{values['unsubscribe_token']}")
        for mistyped in ("/unsubscribe//{}", "/Unsubscribe/{}", "/unsubscribe/x/{}", "/confirm/%2F{}"):
            site.ask("GET", mistyped.format(values["unsubscribe_token"]))
    assert "/unsubscribe/…" in caplog.text
    assert values["confirm_token"] not in caplog.text
    assert values["unsubscribe_token"] not in caplog.text


def test_with_every_template_broken_people_still_join_and_leave(site, caplog):
    site.broken += ["subscribe", "check_inbox", "confirm", "confirmed", "unsubscribe", "unsubscribed", "resubscribed"]
    form = site.ask("GET", "/subscribe").text
    token = re.search(r'name="form_token" value="([^"]+)"', form)[1]
    site.harness.clock.forward(timedelta(seconds=5))
    assert "inbox" in site.post_form("/subscribe", email="ann@example.org", form_token=token).text
    page = site.ask("GET", f"/confirm/{site.harness.mails[0][2]['confirm_token']}").text
    site.post_form(re.search(r'action="([^"]+)"', page)[1])
    assert site.harness.receivers() == ["ann@example.org"]
    page = site.ask("GET", site.unsubscribe_path("ann@example.org")).text
    goodbye = site.post_form(re.search(r'action="([^"]+)"', page)[1])
    assert (goodbye.status, site.harness.receivers()) == (200, [])
    assert "could not be rendered" in caplog.text


def test_a_plain_page_escapes_what_a_stranger_typed(site):
    site.broken += ["subscribe"]
    answer = site.post_form("/subscribe", email='"><script>alert(1)</script>@x')
    assert "<script>" not in answer.text


def test_every_route_is_described_for_programs(site):
    described = json.loads(site.ask("GET", "/openapi.json").text)["paths"]
    assert set(described) == {
        "/subscribe",
        "/api/subscribe",
        "/confirm/{token}",
        "/unsubscribe/{token}",
        "/resubscribe/{token}",
    }
    assert all(way["summary"] for path in described.values() for way in path.values())
    assert "application/json" in described["/api/subscribe"]["post"]["requestBody"]["content"]


def test_a_sign_up_takes_the_same_time_whatever_is_known(harness, monkeypatch):
    harness.book.suppress("never@example.org", reason="complaint")
    app = FastAPI()
    where = Site(name="The Weekly", public_url="https://news.example.org")
    guard = Guard(harness.store, KEYS, now=harness.clock)
    app.include_router(router(harness.book, guard, render_page=lambda page, _: page, site=where, same_time=0.2))
    waits: list[float] = []
    moments = itertools.cycle((100.0, 100.05))  # the work takes a twentieth of a second

    async def sleep(seconds: float) -> None:
        waits.append(round(seconds, 3))

    async def sign_up(email: str) -> None:
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://x") as client:
            assert (await client.post("/api/subscribe", json={"email": email})).status_code == 202

    with monkeypatch.context() as patched:
        patched.setattr("subscribers.web.time", SimpleNamespace(monotonic=lambda: next(moments)))
        patched.setattr("subscribers.web.asyncio", SimpleNamespace(sleep=sleep))
        for email in ("never@example.org", "new@example.org"):
            asyncio.run(sign_up(email))
    assert waits == [0.15, 0.15]
    assert harness.book.subscribe("never@example.org", provenance=FORM).outcome is SignUp.SUPPRESSED
