"""`doctor`: each thing a send leans on, and what to do about it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from newsletter.app import Project
from subscribers import Status
from tests.command_line import demo, run, set_line
from tests.smtp_servers import serving

PAGES = 'public_url = "http://127.0.0.1:8080"'


def unserved(folder: Path, state: str = "fresh") -> Path:
    """A demo whose public pages lie where nobody serves any: one thing always fails."""
    project = demo(folder, state)
    set_line(project, PAGES, 'public_url = "http://127.0.0.1:1"')
    return project


def signs(project: Path, *, code: int = 1) -> dict[str, dict[str, str]]:
    """What the doctor sees, by the name of the check."""
    answered = run("doctor", "--json", project=project)
    assert answered.exit_code == code, answered.output
    return {one["check"]: one for one in json.loads(answered.stdout)["checks"]}


def test_a_demo_lacks_nothing_but_its_pages_being_served(tmp_path: Path) -> None:
    seen = signs(unserved(tmp_path, "sent"))
    assert {name for name, one in seen.items() if one["level"] == "fail"} == {"pages"}
    assert "newsletter serve" in seen["pages"]["advice"]
    assert seen["source site"]["level"] == "ok"


def test_the_numbers_for_a_monitor_are_in_the_json(tmp_path: Path) -> None:
    told = json.loads(run("doctor", "--json", project=unserved(tmp_path, "sent")).stdout)
    assert told["numbers"] == {
        "unfinished_issue": None,
        "outbox_waiting": 0,
        "workers": 0,
        "subscribers": {"pending": 3, "active": 19, "unsubscribed": 3, "suppressed": 1},
    }
    assert told["verdict"]["outcome"] == "done"


def test_the_pages_are_visited(tmp_path: Path) -> None:
    import http.server
    import threading

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    project = demo(tmp_path, "sent")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        set_line(project, PAGES, f'public_url = "http://127.0.0.1:{server.server_port}"')
        seen = signs(project, code=0)
        server.shutdown()
        thread.join()
    assert seen["pages"]["level"] == "ok"


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    project = unserved(tmp_path)
    (project / "newsletter.key").chmod(0o644)
    (project / "templates" / "confirm").mkdir()
    (project / "templates" / "confirm" / "body.txt.j2").write_text("{{ nothing }}")
    set_line(project, "postal_address = ", "#postal_address = ")
    seen = signs(project)
    assert seen["postal address"]["level"] == "fail"
    assert seen["keys"]["level"] == "warn"
    assert "chmod 600" in seen["keys"]["advice"]
    assert "templates/confirm/body.txt.j2:1" in seen["templates"]["text"]
    assert seen["source site"]["advice"] == "newsletter pull"
    assert seen["backend"]["level"] == "ok"


def test_one_subscriber_and_one_template_are_counted_as_one(tmp_path: Path) -> None:
    project = unserved(tmp_path)
    own = project / "templates" / "notes"
    own.mkdir(parents=True)
    (own / "body.txt.j2").write_text("Nothing takes it in.")
    book = Project(project).book
    _, *others = book.page(status=Status.ACTIVE)
    for other in others:
        book.unsubscribe(other.email)
    seen = signs(project)
    assert seen["audience"]["text"] == "1 active subscriber"
    assert seen["templates"]["text"] == "all render; 1 of them is your own"


def test_a_missing_key_file_and_an_old_database_are_two_signs(tmp_path: Path) -> None:
    project = unserved(tmp_path)
    (project / "newsletter.key").unlink()
    (project / "newsletter.db").write_bytes(b"")
    seen = signs(project)
    assert "newsletter migrate" in seen["database"]["text"]
    assert "restore it" in seen["keys"]["text"]


def test_the_mail_server_is_logged_in_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = unserved(tmp_path)
    with serving(users={"us": "right"}) as server:
        for name, value in {
            "KIND": "smtp",
            "HOST": "127.0.0.1",
            "PORT": str(server.port),
            "SECURITY": "none",
            "USERNAME": "us",
            "PASSWORD": "wrong",
        }.items():
            monkeypatch.setenv(f"NEWSLETTER_BACKEND__{name}", value)
        assert signs(project)["backend"]["level"] == "fail"
        monkeypatch.setenv("NEWSLETTER_BACKEND__PASSWORD", "right")
        assert signs(project)["backend"]["level"] == "ok"
        assert not server.envelopes


def test_settings_that_cannot_be_read_are_a_sign_and_exit_code_two(tmp_path: Path) -> None:
    project = unserved(tmp_path)
    set_line(project, "postal_address", "postal_adress")
    seen = signs(project, code=2)
    assert "postal_address" in seen["settings"]["text"]
