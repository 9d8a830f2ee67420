"""What the operator is told: once, by what it is about, with a command that works."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from newsletter.app import Project
from newsletter.issues import alerts as table
from newsletter.sending import alerts, outbox
from newsletter.sending.alerts import About
from newsletter.web import guard_of
from tests.command_line import run
from tests.projects import arrived, make_project
from tests.times import Clock
from tests.web_project import freeze_issue

KEY = "2026-W47"
FLOOD = "More than 500 sign-ups within an hour: the rest of them are being dropped."
KINDS = {
    "an issue": alerts.issue(KEY),
    "an issue that was never begun": alerts.issue("2026-W48"),
    "a source": alerts.source("site"),
    "the sign-ups": alerts.SIGN_UPS,
    "the outbox": alerts.OUTBOX,
}


@pytest.fixture
def project(tmp_path: Path, clock: Clock) -> Project:
    return make_project(tmp_path / "project", clock=clock)


@pytest.mark.parametrize("about", KINDS.values(), ids=KINDS)
def test_the_command_that_an_alert_names_lists_what_was_told(
    project: Project, about: About, letter, monkeypatch: pytest.MonkeyPatch
) -> None:
    freeze_issue(project, letter)
    project.alerts.tell(about, "something unheard of has happened")
    import threading

    project.sender.send_single_mails(project.backend(), stop=threading.Event())
    plain = arrived(project.root)["editor@marquee.example"].get_body(("plain",))
    assert plain is not None
    (command,) = re.findall(r"^newsletter (.*)$", plain.get_content(), re.MULTILINE)
    for arguments in (command.split(), [*command.split(), "--json"]):
        done = run(*arguments, project=project.root)
        assert done.exit_code != 2, done.output
        assert "something unheard of has happened" in " ".join(done.stdout.split())
    assert about.key in done.stdout


def test_a_flood_of_sign_ups_is_told_once_an_hour_in_the_same_words(project: Project, clock: Clock) -> None:
    guard = guard_of(project)
    told = []
    for minutes in (0, 1, 58, 1):
        clock.forward(timedelta(minutes=minutes))
        guard._alarm(FLOOD)  # type: ignore[misc]
        told.append(len(project.issues.alerts("sign-ups")))
    assert told == [1, 1, 1, 2]
    assert {one.text for one in project.issues.alerts("sign-ups")} == {FLOOD}
    assert outbox.ledger(project.database).still_open() == 2


def test_what_is_about_something_else_is_told_and_kept_apart(project: Project) -> None:
    for about in KINDS.values():
        project.alerts.tell(about, "it is wrong")
    assert {about.key: len(project.issues.alerts(about.key)) for about in KINDS.values()} == {
        about.key: 1 for about in KINDS.values()
    }


def test_the_longest_name_of_a_source_fits(project: Project) -> None:
    assert len(alerts.source("s" * 60).key) <= table.c.about.type.length  # type: ignore[attr-defined]


def test_what_was_told_leaves_the_doctor_after_a_week(project: Project, clock: Clock) -> None:
    project.alerts.tell(alerts.SIGN_UPS, FLOOD)
    clock.forward(timedelta(days=7, minutes=1))
    assert project.issues.alerts_since(clock() - timedelta(days=7)) == []
    assert len(project.issues.alerts("sign-ups")) == 1
