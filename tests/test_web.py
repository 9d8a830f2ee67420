"""The public side over real HTTP: joining, reading, pictures, health, and what it refuses."""

from __future__ import annotations

import json
import logging
import re
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from newsletter import __version__
from newsletter.app import Project
from newsletter.errors import ConfigurationError, SettingsError, TemplateError
from newsletter.issues import IssueState
from newsletter.letter import Letter
from newsletter.sending import outbox
from newsletter.web import OutboxThread, create_app
from newsletter.web.middleware import host_name
from newsletter.web.server import listen
from subscribers import Status
from tests.projects import make_project
from tests.times import PATIENCE, Clock
from tests.web_project import (
    PICTURE,
    PNG,
    WebClient,
    client,
    form_token,
    freeze_issue,
    mails,
    project,
    served,
)

__all__ = ["client", "project"]  # fixtures

READABLE = (
    "/",
    "/subscribe",
    "/issues",
    "/healthz",
    "/robots.txt",
    "/icon.svg",
    "/openapi.json",
    "/unsubscribe",
    "/unsubscribe/",
)


def ask_for(client: WebClient, project: Project, clock: Clock, address: str, **headers: str) -> bytes:
    """Sign up by the form, as a subscriber would; returns the page that answers."""
    token = form_token(client.get("/").text)
    clock.forward(timedelta(seconds=10))
    answer = client.post_form(
        "/subscribe", f"email={address.replace('@', '%40')}&form_token={token}&website=", **headers
    )
    assert answer.status == 200, answer.text
    return answer.body


def test_the_front_page_is_the_sign_up_form_itself(client: WebClient) -> None:
    answer = client.get("/")
    assert answer.status == 200
    assert "Get Marquee Weekly" in answer.text
    assert "Our weekly highlights and entertainment guides" in answer.text
    assert 'action="/subscribe"' in answer.text
    assert "location" not in answer.headers


def test_somebody_joins_by_form_mail_and_button(project: Project, clock: Clock) -> None:
    arrived = Arrivals(project)
    with served(project, beside=(arrived,)) as client:
        ask_for(client, project, clock, "reader@example.net")
        subscriber = project.book.find("reader@example.net")
        assert subscriber
        assert subscriber.status is Status.PENDING
        arrived.send()
        mail = mails(project.root / "mail")[0]
        assert mail["To"] == "reader@example.net"
        text = mail.get_payload(0).get_payload(decode=True).decode()  # type: ignore[union-attr]
        path = re.search(r"https://news\.marquee\.example(/confirm/\S+)", text)[1]  # type: ignore[index]

        page = client.get(path)
        assert page.status == 200
        assert 'method="post"' in page.text
        assert project.book.find("reader@example.net").status is Status.PENDING  # type: ignore[union-attr]
        for _ in range(2):
            answer = client.ask("POST", path)
            assert answer.status == 200
            assert "You are in" in answer.text
        assert project.book.find("reader@example.net").status is Status.ACTIVE  # type: ignore[union-attr]


class Arrivals:
    """Stands beside the pages and empties the outbox when told to, with the outbox_thread's own round."""

    def __init__(self, project: Project) -> None:
        self._outbox_thread = OutboxThread(project)

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def send(self) -> None:
        assert self._outbox_thread.round()


def test_new_known_and_suppressed_addresses_are_answered_with_the_same_bytes(
    project: Project, client: WebClient, clock: Clock
) -> None:
    project.book.add_confirmed("known@example.net")
    project.book.suppress("never@example.net", reason="complaint")
    answers = {ask_for(client, project, clock, f"{name}@example.net") for name in ("new", "known", "never", "new")}
    assert len(answers) == 1
    hooks = {
        (answer.status, answer.body)
        for name in ("newer", "known", "never")
        for answer in [hook(client, f"{name}@example.net")]
    }
    assert len(hooks) == 1


def hook(client: WebClient, address: str, **headers: str):  # type: ignore[no-untyped-def]
    body = json.dumps({"email": address})
    return client.ask("POST", "/api/subscribe", body, {"Content-Type": "application/json", **headers})


def test_a_program_signs_somebody_up_with_json(project: Project, client: WebClient) -> None:
    answer = hook(client, "reader@example.net")
    assert answer.status == 202
    assert "Check your inbox" in json.loads(answer.body)["message"]
    assert project.book.find("reader@example.net")
    assert outbox.ledger(project.database).counts() == {"waiting": 1}


def test_a_page_of_another_site_cannot_sign_anybody_up(project: Project, client: WebClient) -> None:
    assert hook(client, "reader@example.net", Origin="https://evil.example").status == 403
    token = form_token(client.get("/").text)
    answer = client.post_form(
        "/subscribe", f"email=reader%40example.net&form_token={token}", Origin="https://evil.example"
    )
    assert answer.status == 403
    assert project.book.find("reader@example.net") is None


def test_a_bad_address_is_explained_beside_its_field(client: WebClient) -> None:
    answer = client.post_form("/subscribe", "email=%3Cscript%3Ealert(1)&form_token=x")
    assert answer.status == 422
    assert 'role="alert"' in answer.text
    assert 'aria-describedby="message"' in answer.text
    assert "<script" not in answer.text


def test_a_long_body_is_refused(client: WebClient) -> None:
    assert client.post_form("/subscribe", "email=" + "x" * 200_000).status == 413


def test_forwarded_addresses_count_only_from_a_trusted_proxy(tmp_path: Path, clock: Clock) -> None:
    for folder, more, heard in (
        ("open", "", "127.0.0.1"),
        ("behind", '[web]\ntrusted_proxies = ["127.0.0.0/8"]', "192.0.2.9"),
    ):
        project = make_project(tmp_path / folder, clock=clock, more=more)
        with served(project) as client:
            ask_for(client, project, clock, "reader@example.net", **{"X-Forwarded-For": "192.0.2.9"})
        record = project.book.show("reader@example.net")
        assert record.consents[0].ip == heard
        project.database.dispose()


def test_a_frozen_issue_is_shown_as_it_was_mailed_and_can_do_nothing(
    project: Project, client: WebClient, letter: Letter
) -> None:
    freeze_issue(project, letter)
    answer = client.get("/issues/2026-W47")
    assert answer.status == 200
    assert answer.text == letter.web_copy()
    assert "Hello there" in answer.text
    assert "href='https://news.example.org/unsubscribe/'" in answer.text
    policy = answer.headers["content-security-policy"]
    assert policy.startswith(
        "default-src 'none'; img-src *; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    )
    assert "sandbox allow-popups" in policy
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy


def test_changing_a_template_changes_nothing_of_a_frozen_issue(project: Project, letter: Letter) -> None:
    freeze_issue(project, letter)
    folder = project.templates.folders[0]
    (folder / "weekly").mkdir(parents=True)
    (folder / "weekly" / "body.html.j2").write_text("{{ broken")
    with served(project) as client:
        assert client.get("/issues/2026-W47").text == letter.web_copy()


def test_the_link_of_a_letter_shown_to_nobody_explains_how_to_leave(client: WebClient) -> None:
    for path in ("/unsubscribe", "/unsubscribe/"):
        answer = client.get(path)
        assert answer.status == 200
        assert "at the end of a mail you got from us" in answer.text


def test_only_frozen_issues_are_listed_and_shown(
    project: Project, client: WebClient, letter: Letter, clock: Clock
) -> None:
    assert "still being written" in client.get("/issues").text
    freeze_issue(project, letter)
    with project.database.write() as connection:
        project.issues.open(connection, slot_key="2026-W48", slot_at=clock(), now=clock())
    page = client.get("/issues").text
    assert 'href="/issues/2026-W47"' in page
    assert "Thursday, 19 November 2026" in page
    assert "2026-W48" not in page
    for strange in ("2026-W48", "2026-W49", "..%2f..%2fetc", "2026-W47'--", "%00"):
        assert client.get(f"/issues/{strange}").status == 404


def test_the_sign_up_page_shows_what_the_latest_issue_carried(
    project: Project, client: WebClient, letter: Letter
) -> None:
    freeze_issue(project, letter)
    page = client.get("/").text
    assert "Night Ferry returns &lt;b&gt;" in page
    assert 'href="/issues/2026-W47"' in page


def test_a_withdrawn_issue_is_gone(project: Project, client: WebClient, letter: Letter) -> None:
    row = freeze_issue(project, letter)
    with project.database.write() as connection:
        project.issues.step(connection, row, IssueState.CANCELLED, reason="wrong")
    answer = client.get("/issues/2026-W47")
    assert answer.status == 410
    assert "withdrawn" in answer.text
    assert "2026-W47" not in client.get("/issues").text


def test_a_stored_picture_is_served_for_ever_and_as_nothing_else(project: Project, client: WebClient) -> None:
    project.shelf.keep_image(PICTURE, "image/png", PNG)
    project.shelf.keep_image("fedcba9876543210.png", "text/html", b"<script>alert(1)</script>")
    answer = client.get(f"/images/{PICTURE}")
    assert answer.status == 200
    assert answer.body == PNG
    assert answer.headers["content-type"] == "image/png"
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    for strange in ("fedcba9876543210.png", "0" * 16 + ".png", "..%2fnewsletter.toml", "x.svg", f"{PICTURE}%00"):
        assert client.get(f"/images/{strange}").status == 404


def test_health_says_up_and_the_same_whatever_waits(project: Project, client: WebClient, letter: Letter) -> None:
    answer = client.get("/healthz")
    assert answer.status == 200
    assert json.loads(answer.body) == {"status": "ok", "version": __version__}
    freeze_issue(project, letter)
    hook(client, "reader@example.net")
    assert outbox.ledger(project.database).still_open() == 1
    assert client.get("/healthz").body == answer.body


def test_health_fails_with_the_database_and_names_no_file(project: Project, client: WebClient) -> None:
    assert project.database.file
    project.database.dispose()
    project.database.file.write_bytes(b"no database at all, but long enough to be looked at as one" * 20)
    for leftover in project.database.file.parent.glob("newsletter.db-*"):
        leftover.unlink() if leftover.is_file() else None
    answer = client.get("/healthz")
    assert answer.status == 503
    assert json.loads(answer.body) == {"status": "failing", "version": __version__}
    assert str(project.root) not in answer.text
    page = client.get("/issues")
    assert page.status == 503
    assert "try again" in page.text
    assert str(project.root) not in page.text


def test_head_works_wherever_get_does(project: Project, client: WebClient, letter: Letter) -> None:
    freeze_issue(project, letter)
    project.shelf.keep_image(PICTURE, "image/png", PNG)
    token = project.book.unsubscribe_token(project.book.add_confirmed("reader@example.net").subscriber.public_id)  # type: ignore[union-attr]
    for path in (
        *READABLE,
        "/issues/2026-W47",
        f"/images/{PICTURE}",
        f"/unsubscribe/{token}",
        f"/unsubscribe/{token}/",
    ):
        got, head = client.get(path), client.ask("HEAD", path)
        assert (path, head.status, head.body) == (path, 200, b"")
        same = {"content-type", "content-security-policy", "cache-control"}
        assert {name: head.headers.get(name) for name in same} == {name: got.headers.get(name) for name in same}


def test_nothing_that_answers_get_redirects(client: WebClient) -> None:
    for path in (*READABLE, "/issues/", "/subscribe/", "/confirm", "/nowhere", "//evil.example/x", "/unsubscribe/x/"):
        answer = client.get(path)
        assert (path, answer.status // 100 != 3, "location" in answer.headers) == (path, True, False)


def test_an_unknown_address_has_a_friendly_page(client: WebClient) -> None:
    answer = client.get("/nowhere")
    assert answer.status == 404
    assert "There is no such page" in answer.text


def test_every_answer_carries_the_headers_that_keep_it_harmless(client: WebClient) -> None:
    for path in (*READABLE, "/nowhere", "/issues/x"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert "referrer-policy" in headers
        assert "server" not in headers


def test_a_page_loads_nothing_from_elsewhere_and_runs_no_script(client: WebClient) -> None:
    for path in ("/", "/issues", "/unsubscribe", "/nowhere"):
        page = client.get(path).text
        assert not re.search(r"<script|<link[^>]+href=\"http|@import|url\(|<iframe|<img[^>]+src=\"http", page)
        assert '<html lang="en" dir="ltr">' in page


def test_our_own_names_are_answered(client: WebClient) -> None:
    for host in ("news.marquee.example", "NEWS.marquee.example:443", "127.0.0.1:8080", "localhost", "[::1]:1"):
        assert (host, client.get("/issues", Host=host).status) == (host, 200)


def test_a_strange_name_is_refused_in_one_line(client: WebClient) -> None:
    for host in ("evil.example", "news.marquee.example.evil.example", "", "[::1", "news.marquee.example@evil"):
        answer = client.get("/issues", Host=host)
        assert (host, answer.status) == (host, 400)
        assert answer.text.count("\n") <= 1


def test_names_of_the_settings_are_answered_too(tmp_path: Path, clock: Clock) -> None:
    project = make_project(tmp_path / "p", clock=clock, more='[web]\nallow_hosts = ["old.marquee.example"]')
    with served(project) as client:
        assert client.get("/", Host="old.marquee.example").status == 200
    project.database.dispose()


def test_a_public_address_with_a_path_works_whether_the_proxy_cuts_it_off_or_not(tmp_path: Path, clock: Clock) -> None:
    project = make_project(tmp_path / "p", clock=clock, public_url="https://news.marquee.example/weekly")
    with served(project) as client:
        for path in ("/weekly", "/weekly/", "/weekly/subscribe", "/subscribe"):
            assert 'action="/weekly/subscribe"' in client.get(path).text
        assert client.get("/weeklyissues").status == 404
    project.database.dispose()


def test_what_breaks_inside_is_not_shown(project: Project, client: WebClient, letter: Letter) -> None:
    freeze_issue(project, letter)
    with project.database.write() as connection:
        connection.exec_driver_sql("UPDATE letters SET data = '{}'")
    answer = client.get("/issues/2026-W47")
    assert answer.status == 500
    assert "Traceback" not in answer.text
    assert "KeyError" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert client.get("/").status == 200


def test_the_access_log_holds_no_token(project: Project, client: WebClient, caplog: pytest.LogCaptureFixture) -> None:
    subscriber = project.book.add_confirmed("reader@example.net").subscriber
    assert subscriber
    token = project.book.unsubscribe_token(subscriber.public_id)
    with caplog.at_level(logging.INFO, logger="uvicorn.access"):
        for method in ("GET", "POST"):
            for path in (f"/unsubscribe/{token}", f"/confirm/{token}", f"/resubscribe/{token}"):
                client.ask(method, path)
    assert "/unsubscribe/" in caplog.text
    assert token not in caplog.text


def test_a_projects_own_page_comes_first(project: Project) -> None:
    own = project.templates.folders[0] / "pages"
    own.mkdir(parents=True)
    (own / "not_found.html.j2").write_text("Nothing of ours, says {{ site.name }}")
    with served(project) as client:
        assert client.get("/nowhere").text == "Nothing of ours, says Marquee Weekly"


def test_a_broken_page_is_found_before_anybody_is_served(project: Project) -> None:
    own = project.templates.folders[0] / "pages"
    own.mkdir(parents=True)
    (own / "confirm.html.j2").write_text("fine\n{% if %}")
    with pytest.raises(TemplateError, match=r"pages/confirm\.html\.j2:2"):
        create_app(project)


def test_a_strange_proxy_setting_is_refused_by_name(tmp_path: Path, clock: Clock) -> None:
    with pytest.raises(SettingsError, match=r'trusted_proxies "everyone"'):
        make_project(tmp_path / "p", clock=clock, more='[web]\ntrusted_proxies = ["everyone"]')


def test_a_taken_port_is_one_sentence() -> None:
    with listen("127.0.0.1", 0) as taken, pytest.raises(ConfigurationError, match="name others with --host and --port"):
        listen("127.0.0.1", taken.getsockname()[1])


def test_the_description_for_programs_names_the_hook(client: WebClient) -> None:
    described = json.loads(client.get("/openapi.json").body)
    assert described["servers"] == [{"url": "https://news.marquee.example"}]
    assert "202" in described["paths"]["/api/subscribe"]["post"]["responses"]
    assert client.get("/docs").status == 404


def test_a_host_is_compared_by_its_name_alone() -> None:
    assert host_name("News.Example.org:8080") == "news.example.org"
    assert host_name("news.example.org.") == "news.example.org"
    assert host_name("[::1]:80") == "::1"
    assert host_name("[") == ""


def test_the_outbox_thread_sends_a_confirmation_by_itself_once_it_is_woken(project: Project) -> None:
    sent = threading.Event()
    outbox_thread = OutboxThread(Told(project, sent), idle=3600)  # type: ignore[arg-type]
    with served(project, beside=(outbox_thread,)) as client:
        hook(client, "reader@example.net")
        assert sent.wait(PATIENCE)
    assert [mail["To"] for mail in mails(project.root / "mail")] == ["reader@example.net"]


class Told:
    """A project that says when single mails have been sent."""

    def __init__(self, project: Project, sent: threading.Event) -> None:
        self._project = project
        self._sent = sent

    def __getattr__(self, name: str) -> object:
        return getattr(self._project, name)

    @property
    def sender(self) -> Told:
        return self

    def send_single_mails(self, *arguments: object, **more: object) -> object:
        try:
            return self._project.sender.send_single_mails(*arguments, **more)  # type: ignore[arg-type]
        finally:
            self._sent.set()


def test_serving_ends_well_when_it_is_told_to(project: Project) -> None:
    program = (
        "import sys; from pathlib import Path; from newsletter.app import Project; from newsletter.web import serve;"
        "serve(Project(Path(sys.argv[1])), host='127.0.0.1', port=0); print('ended')"
    )
    serving = subprocess.Popen(
        [sys.executable, "-c", program, str(project.root)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parent.parent,
    )  # fmt: skip
    assert serving.stderr
    line = next(line for line in serving.stderr if "listening on" in line)
    port = int(re.search(r"127\.0\.0\.1:(\d+)", line)[1])  # type: ignore[index]
    assert WebClient(port).get("/healthz").status == 200
    serving.send_signal(signal.SIGTERM)
    output, log = serving.communicate(timeout=PATIENCE)
    assert (serving.returncode, output) == (0, "ended\n")
    assert "Traceback" not in log


def test_a_backend_that_cannot_be_used_is_said_once_and_the_mails_wait(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    toml = make_project(tmp_path / "p", clock=clock).root / "newsletter.toml"
    smtp = 'kind = "smtp"\nhost = "127.0.0.1"\nport = 1\nsecurity = "none"'
    toml.write_text(toml.read_text().replace('kind = "maildir"\npath = "mail"', smtp))
    project = make_project(tmp_path / "p", clock=clock)
    project.book.add("reader@example.net")
    outbox_thread = OutboxThread(project)
    assert not outbox_thread.round()
    assert not outbox_thread.round()
    assert caplog.text.count("they wait in the outbox") == 1
    assert "they wait in the outbox" in project.issues.alerts("outbox")[0].text
    assert outbox.ledger(project.database).counts() == {"waiting": 1}
    project.database.dispose()
