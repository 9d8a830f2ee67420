"""A backup is whole, and a database that was put back mails nobody again by itself."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
import tarfile
import threading
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from newsletter.app import Project
from newsletter.cli import commands
from newsletter.issues import IssueState
from newsletter.letter import Letter
from newsletter.ticker import Ticker
from tests import postgres
from tests.command_line import ACTIVE, WEEK, demo, mails, run
from tests.projects import SITE, TITLES, TOML, again, arrived, make_project, open_project
from tests.times import NOW, Clock
from tests.web_project import freeze_issue

SLOT = NOW + timedelta(hours=1)
KEY = "2026-W47"


def at(project: Path, now: str, *words: str):  # type: ignore[no-untyped-def]
    from click.testing import CliRunner

    return CliRunner().invoke(commands, ["-C", str(project), "--now", now, *words])


def restored(tar: Path, folder: Path) -> Path:
    with tarfile.open(tar) as opened:
        opened.extractall(folder, filter="data")
    return folder


def test_a_backup_holds_what_a_project_cannot_do_without(tmp_path: Path) -> None:
    project = demo(tmp_path, "sent")
    run("dkim", "new", project=project)
    (project / "smtp-password").write_text("secret")
    (project / ".env").write_text("OTHER=1\n")
    file = tmp_path / "backup.tar"
    said = run("backup", str(file), "--json", project=project)
    assert said.exit_code == 0, said.output
    names = json.loads(said.stdout)["holds"]
    assert set(names) == {"newsletter.db", "newsletter.toml", ".env", "newsletter.key", "dkim.key", "templates"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup.tar", "project"]
    again = run("backup", str(file), project=project)
    assert (again.exit_code, "is there already" in again.stderr) == (2, True)
    copy = restored(file, tmp_path / "copy")
    assert run("audit", project=copy).exit_code == 0
    counts = json.loads(run("audit", "--json", project=copy).stdout)[0]["states"]
    assert counts["accepted"] == ACTIVE
    key = (project / "newsletter.key").read_bytes()
    assert (copy / "newsletter.key").read_bytes() == key


def test_an_issue_that_may_have_gone_out_since_is_not_sent_again_by_itself(tmp_path: Path) -> None:
    project = demo(tmp_path, "pulled")
    before, after = "2026-11-19T10:00:00+00:00", "2026-11-19T18:00:00+00:00"
    assert at(project, before, "backup", str(tmp_path / "backup.tar")).exit_code == 0
    assert at(project, after, "send", "--yes").exit_code == 0
    assert len(mails(project)) == ACTIVE
    copy = restored(tmp_path / "backup.tar", tmp_path / "copy")
    shutil.copytree(project / "site", copy / "site")
    sentence = f"is a copy of 2026-11-19 10:00 UTC, and {WEEK} may have gone out since"
    for words in (("send", "--scheduled", "--yes", "--slot", WEEK), ("send", "--dry-run"), ("send",)):
        refused = at(copy, after, *words)
        assert refused.exit_code == 1, words
        assert sentence in refused.output
    assert mails(copy) == []
    assert at(copy, after, "send", "--yes", "--slot", WEEK).exit_code == 0
    # The editors were told, too.
    assert len([mail for mail in mails(copy) if b"\r\nList-Id: " in mail.read_bytes()]) == ACTIVE
    # What comes after it was put back is as in any other database.
    assert sentence not in at(copy, "2026-11-26T18:00:00+00:00", "send", "--dry-run").output


@pytest.fixture
def half_way(tmp_path: Path, clock: Clock, letter: Letter) -> Project:
    """A copy of a database in the middle of a send to two readers."""
    project = make_project(
        tmp_path / "project", clock=clock, text=TOML + SITE, titles=TITLES, plain=True, subscribers=2
    )
    freeze_issue(project, letter)
    assert at(project.root, clock().isoformat(), "restored", "--from", clock().isoformat()).exit_code == 0
    clock.forward(timedelta(hours=2))
    return again(project)


def test_an_issue_that_was_being_sent_waits_for_a_person(half_way: Project, clock: Clock) -> None:
    ticker = Ticker(half_way, command=lambda _: pytest.fail("nothing is sent by itself"))
    for _ in range(3):
        ticker.tick()
        clock.forward(timedelta(minutes=10))
    assert len([one for one in half_way.issues.alerts(KEY) if "is a copy of" in one.text]) == 1
    now = clock().isoformat()
    worker = at(half_way.root, now, "worker")
    assert (worker.exit_code, "is a copy of" in worker.output) == (1, True)
    assert at(half_way.root, now, "send", "--scheduled", "--yes", "--slot", KEY).exit_code == 1
    assert not (half_way.root / "mail").exists()
    sent = at(half_way.root, now, "send", "--yes", "--slot", KEY)
    assert sent.exit_code == 0, sent.output
    assert set(arrived(half_way.root)) == {"reader0@example.net", "reader1@example.net", "editor@marquee.example"}


def test_once_a_person_is_sure_everything_goes_on_with_it(half_way: Project, clock: Clock) -> None:
    stop = threading.Event()
    stop.set()
    with half_way.database.read() as connection:
        before = connection.scalar(sa.text("SELECT count(*) FROM facts"))
    half_way.weekly.run(half_way.slot(KEY), backend=half_way.backend, confirm=lambda _: True, stop=stop, sure=True)
    assert half_way.issues.get(KEY).state == IssueState.SENDING
    assert at(half_way.root, clock().isoformat(), "worker").exit_code == 0
    assert half_way.issues.get(KEY).state == IssueState.CLOSED
    with half_way.database.read() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM facts")) == (before or 0) + 1


def test_cancelling_settles_it_too(half_way: Project, clock: Clock) -> None:
    assert at(half_way.root, clock().isoformat(), "issues", "cancel", KEY).exit_code == 0
    refused = at(half_way.root, clock().isoformat(), "send", "--slot", KEY)
    assert "is cancelled already" in refused.output


@pytest.mark.postgres
def test_postgresql_is_copied_by_its_own_program(
    tmp_path: Path, clock: Clock, postgres_server: sa.Engine, postgres_url: str
) -> None:
    if not shutil.which("pg_dump"):
        pytest.skip("no pg_dump here: apt-get install postgresql-client")
    project = make_project(
        tmp_path / "project", clock=clock, text=TOML + SITE, titles=TITLES, database=postgres_url, subscribers=2
    )
    file = tmp_path / "backup.tar"
    said = at(project.root, clock().isoformat(), "backup", str(file), "--json")
    assert said.exit_code == 0, said.output
    assert "newsletter.dump" in json.loads(said.stdout)["holds"]
    copy = restored(file, tmp_path / "copy")
    with postgres.own_database(postgres_server, prepare=lambda _: None) as url:
        where = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        subprocess.run(["pg_restore", "--no-owner", f"--dbname={where}", copy / "newsletter.dump"], check=True)
        toml = copy / "newsletter.toml"
        toml.write_text(toml.read_text().replace(postgres_url, url))
        later = (SLOT + timedelta(hours=1)).isoformat()
        assert at(copy, later, "restored", "--from", clock().isoformat()).exit_code == 0
        refused = at(copy, later, "send", "--scheduled", "--yes", "--slot", KEY)
        assert (refused.exit_code, "may have gone out since" in refused.output) == (1, True)
        opened = open_project(copy, clock=clock)
        assert opened.weekly.audience_size() == 2
        opened.close()
