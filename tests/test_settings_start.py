"""Settings are checked whole at every start: what composes refuses a mistake, what sends a frozen issue goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from newsletter.app import Project
from newsletter.errors import SettingsError
from newsletter.ticker import Ticker
from tests.command_line import ACTIVE, NOW, demo, run, set_line
from tests.smtp_servers import Received, serving
from tests.web_project import served

BJORN = "bjorn@fjordpost.example"
COMPOSING = (
    "pull",
    "pick",
    "check",
    "preview --once {project}/out",
    "send --dry-run",
    "send --yes",
    "send --to editor@example.org",
    "schedule",
    "doctor",
)


def after(old: str, new: str) -> Callable[[Path], None]:
    """A line put after another one."""
    return lambda project: set_line(project, old, f"{old}{new}\n")


def replaced(old: str, new: str) -> Callable[[Path], None]:
    return lambda project: set_line(project, old, new)


UNKNOWN = {
    "a key of the backend": (after('kind = "maildir"\n', 'paht = "x"'), '"paht" for this kind; did you mean "path"'),
    "a key of a source": (after('kind = "folder"\n', 'ulr = "x"'), '"ulr" for this kind; did you mean "url"'),
    "a kind of backend": (replaced('"maildir"', '"maildri"'), 'did you mean "maildir"'),
    "a kind of source": (replaced('kind = "folder"', 'kind = "foldre"'), 'did you mean "folder"'),
    "an impossible value": (after('kind = "folder"\n', 'timezone = "Mars/North"'), "timezone must be a time zone"),
    "a proxy that is no network": (after("[backend]\n", "\n[web]\ntrusted_proxies = ['x']"), "trusted_proxies"),
}


@pytest.mark.parametrize("command", COMPOSING)
@pytest.mark.parametrize("mistake", ["a key of the backend", "a key of a source"])
def test_every_command_that_composes_or_configures_refuses_a_key_that_is_not_there(
    tmp_path: Path, command: str, mistake: str
) -> None:
    project = demo(tmp_path, "pulled")
    make, says = UNKNOWN[mistake]
    make(project)
    refused = run(*command.format(project=project).split(), project=project)
    assert refused.exit_code == 2, refused.output
    assert says in refused.output
    assert refused.output.count(says) == 1, "once"


@pytest.mark.parametrize("mistake", [name for name in UNKNOWN if name != "a proxy that is no network"])
def test_a_mistake_names_what_is_nearest_to_it(tmp_path: Path, mistake: str) -> None:
    project = demo(tmp_path, "pulled")
    make, says = UNKNOWN[mistake]
    make(project)
    refused = run("pick", project=project)
    assert (refused.exit_code, says in refused.stderr) == (2, True), refused.output


def test_keys_are_checked_without_loading_what_they_are_for(tmp_path: Path) -> None:
    project = demo(tmp_path)
    script = (
        "import sys; from pathlib import Path; from newsletter.app import Project;"
        f"Project(Path({str(project)!r}));"
        "print([one for one in sys.modules if one.startswith(('newsletter.backends.smtp', 'newsletter.sources.feed',"
        " 'feedparser', 'httpx2', 'smtplib', 'lxml'))])"
    )
    backend = {"KIND": "smtp", "HOST": "mail.example.org"}
    environment = {f"NEWSLETTER_BACKEND__{name}": value for name, value in backend.items()}
    loaded = spawn_python(script, environment=environment)
    assert loaded == "[]"


def spawn_python(script: str, *, environment: dict[str, str]) -> str:
    import os
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, **environment}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# What is frozen goes on.

ELSEWHERE = {
    "a key of a source": after('kind = "folder"\n', 'ulr = "x"'),
    "a key of the theme": after("[theme]\n", "colour = 1"),
    "a day that is none": replaced('"thursday"', '"funday"'),
    "no public address": replaced("public_url = ", "#public_url = "),
    "no sender": replaced("from = ", "#from = "),
    "a tagline with a line end": replaced('tagline = "What', 'tagline = "What\\nnot'),
    "a section twice": replaced('name = "guides"', 'name = "highlights"'),
    "a table that is none": replaced("[schedule]\n", "[shcedule]\n"),
    "a table of a later version": replaced("[issue]\n", '[[hooks]]\nurl = "x"\n[issue]\n'),
}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Received:
    with serving() as received:
        values = {"KIND": "smtp", "HOST": "127.0.0.1", "PORT": str(received.port), "SECURITY": "none"}
        for name, value in values.items():
            monkeypatch.setenv(f"NEWSLETTER_BACKEND__{name}", value)
        yield received  # type: ignore[misc]


def unfinished(folder: Path, server: Received, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A demo whose issue waits for one deferred recipient, who is due now and no longer refused."""
    project = demo(folder)
    server.refused[BJORN] = "451 4.7.1 greylisted"
    assert run("send", "--yes", project=project).exit_code == 0
    del server.refused[BJORN]
    later = (datetime.fromisoformat(NOW) + timedelta(minutes=10)).isoformat()
    monkeypatch.setattr("tests.command_line.NOW", later)
    return project


@pytest.mark.parametrize("mistake", ELSEWHERE)
def test_a_mistake_elsewhere_stops_no_frozen_issue(
    tmp_path: Path, server: Received, monkeypatch: pytest.MonkeyPatch, mistake: str
) -> None:
    project = unfinished(tmp_path, server, monkeypatch)
    ELSEWHERE[mistake](project)
    assert run("pick", project=project).exit_code == 2
    sent = run("send", "--yes", project=project)
    assert sent.exit_code == 0, sent.output
    assert f"accepted {ACTIVE}," in sent.stdout
    assert sent.stderr.count("only what is frozen goes on until this is put right: ") == 1
    reached = [recipient for envelope in server.envelopes for recipient in envelope.rcpt_tos]
    assert sorted(reached) == sorted(set(reached))


def test_a_worker_goes_on_too(tmp_path: Path, server: Received, monkeypatch: pytest.MonkeyPatch) -> None:
    project = unfinished(tmp_path, server, monkeypatch)
    ELSEWHERE["a key of the theme"](project)
    worked = run("worker", "--json", project=project)
    assert worked.exit_code == 0
    assert json.loads(worked.stdout)["state"] == "closed"
    assert "[theme] colour" in worked.stderr


@pytest.mark.parametrize("mistake", ["a key of a source", "a key of the theme", "a day that is none"])
def test_without_a_frozen_issue_the_same_mistake_is_refused_once(tmp_path: Path, mistake: str) -> None:
    project = demo(tmp_path)
    ELSEWHERE[mistake](project)
    refused = run("send", "--yes", project=project)
    assert refused.exit_code == 2
    assert len(refused.stderr.splitlines()) == 1, refused.stderr
    assert json.loads(run("audit", "--json", project=demo(tmp_path / "other")).stdout) == []


@pytest.mark.parametrize(
    "needed",
    [
        after("[backend]\n", "\n[sending]\non_doubt = 'perhaps'"),
        after("[backend]\n", "\n[pace]\nrate = 'fast'"),
        replaced("[backend]\n", "[bakcend]\n"),
        after("[newsletter]\n", "key_file = 5"),
        replaced("[newsletter]", "[newsletter"),
    ],
)
def test_a_mistake_in_what_sending_reads_stops_it(
    tmp_path: Path, server: Received, monkeypatch: pytest.MonkeyPatch, needed: Callable[[Path], None]
) -> None:
    project = unfinished(tmp_path, server, monkeypatch)
    needed(project)
    before = len(server.envelopes)
    for command in (("send", "--yes"), ("worker",)):
        assert run(*command, project=project).exit_code == 2
    assert len(server.envelopes) == before


IN_THE_MAIL = {
    "a key of the backend": after('kind = "maildir"\n', "prot = 25"),
    "a kind of backend": replaced('"maildir"', '"maildri"'),
    "the table of the backend": replaced("[backend]\n", "[bakcend]\n"),
    "the pace": after("[backend]\n", "\n[pace]\nrate = 'fast'"),
    "what to do in doubt": after("[backend]\n", "\n[sending]\non_doubt = 'perhaps'"),
}


@pytest.mark.parametrize("mistake", ["a key of the theme", "no sender", *IN_THE_MAIL])
def test_subscribers_can_leave_and_nobody_joins_while_a_setting_is_wrong(tmp_path: Path, mistake: str) -> None:
    root = demo(tmp_path, "sent")
    {**ELSEWHERE, **IN_THE_MAIL}[mistake](root)
    set_line(root, "http://127.0.0.1:8080", "https://news.marquee.example")
    project = Project.for_sending(root, leaving=True)
    assert len(project.mistakes) == 1
    subscriber = project.book.find("ada@harbourlight.example")
    assert subscriber is not None
    token = project.book.unsubscribe_token(subscriber.public_id)
    with served(project) as client:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        left = client.ask("POST", f"/unsubscribe/{token}", "List-Unsubscribe=One-Click", form)
    assert left.status == 200
    with pytest.raises(SettingsError) as refused:
        project.book.add("new@example.org")
    assert str(refused.value) == project.mistakes[0]
    if mistake in IN_THE_MAIL:
        with pytest.raises(SettingsError):
            project.backend()
    after_it = project.book.find("ada@harbourlight.example")
    assert after_it is not None
    assert after_it.status == "unsubscribed"
    project.close()


LOOKING = (
    "audit",
    "issues list",
    "issues show 2026-W47",
    "subscribers list",
    "subscribers show ada@harbourlight.example",
    "subscribers export",
    "subscribers unsubscribe ada@harbourlight.example",
    "subscribers suppress ada@harbourlight.example",
    "subscribers forget ada@harbourlight.example",
)


@pytest.mark.parametrize("command", LOOKING)
def test_what_makes_no_mail_goes_on_while_a_setting_is_wrong(tmp_path: Path, command: str) -> None:
    project = demo(tmp_path, "sent")
    ELSEWHERE["a key of a source"](project)
    IN_THE_MAIL["the pace"](project)
    done = run(*command.split(), project=project)
    assert done.exit_code == 0, done.output
    assert done.stderr.count("until this is put right") == 2


def test_a_ticker_records_no_missed_slot_of_a_schedule_it_does_not_know(tmp_path: Path) -> None:
    root = demo(tmp_path)
    ELSEWHERE["a day that is none"](root)
    project = Project.for_sending(root, clock=lambda: datetime.fromisoformat(NOW) + timedelta(days=30))
    asked: list[str] = []
    Ticker(project, command=lambda key: [*asked, key]).tick()
    assert project.issues.newest() == []
    project.close()


def test_nothing_is_made_with_settings_that_were_not_understood(tmp_path: Path) -> None:
    root = demo(tmp_path, "pulled")
    ELSEWHERE["a key of the theme"](root)
    project = Project.for_sending(root)
    with pytest.raises(SettingsError, match="colour"):
        project.weekly.compose(project.slot(None))
    with pytest.raises(SettingsError, match="colour"):
        project.weekly.pull()
    project.close()
