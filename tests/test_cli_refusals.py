"""Bad input: one clear line that says what to do, the right exit code, never a traceback, and nothing lost."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import newsletter.database
from tests.command_line import NEXT_WEEK, WEEK, demo, mails, run, set_line, spawn


def nothing(project: Path) -> None:
    """The project as it is."""


def settings(old: str, new: str) -> Callable[[Path], None]:
    return lambda project: set_line(project, old, new)


def added(text: str) -> Callable[[Path], None]:
    """Further lines at the end of the settings, where `[backend]` stands."""

    def prepare(project: Path) -> None:
        file = project / "newsletter.toml"
        file.write_text(file.read_text() + text)

    return prepare


def template(name: str, text: str) -> Callable[[Path], None]:
    def prepare(project: Path) -> None:
        file = project / "templates" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    return prepare


def written(name: str, data: bytes) -> Callable[[Path], None]:

    def prepare(project: Path) -> None:
        (project / name).write_bytes(data)

    return prepare


def newer_database(project: Path) -> None:
    with sqlite3.connect(project / "newsletter.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()


def without_sources(project: Path) -> None:
    file = project / "newsletter.toml"
    head, rest = file.read_text().split("[[sources]]")
    file.write_text(head + "[[sections]]" + rest.split("[[sections]]", 1)[1])


@dataclass(frozen=True)
class Bad:
    """What is wrong, the command, and what the one line has to say. `{project}` in an argument is the folder."""

    arguments: str
    says: str
    code: int = 2
    prepare: Callable[[Path], None] = nothing
    environment: Mapping[str, str] = field(default_factory=dict)

    def words(self, project: Path) -> list[str]:
        return [word.replace("{project}", str(project)) for word in self.arguments.split()]


BAD = {
    "a key that is not a setting": Bad("pull", "colour", prepare=added("\n[web]\ncolour = 1\n")),
    "a misspelt key": Bad("pull", 'did you mean "postal_address"', prepare=settings("postal_address", "postal_adress")),
    "a time zone that is not one": Bad(
        "pull", "is not a time zone", environment={"NEWSLETTER_NEWSLETTER__TIMEZONE": "Europe/X"}
    ),
    "a misspelt table": Bad("pull", "backends", prepare=added("\n[backends]\nkind = 'smtp'\n")),
    "a setting of a later version": Bad("pull", "later version", prepare=added("\n[[hooks]]\nurl = 'x'\n")),
    "no section at all": Bad("pick", "[[sections]] is empty", environment={"NEWSLETTER_SECTIONS": "[]"}),
    "a variable that is no setting": Bad("pull", "NEWSLETTER_BAKCEND", environment={"NEWSLETTER_BAKCEND__KIND": "x"}),
    "a file that is no TOML": Bad("pull", "newsletter.toml", prepare=settings("[newsletter]", "[newsletter")),
    "an impossible value": Bad("schedule", "funday", prepare=settings('"thursday"', '"funday"')),
    "a required key missing": Bad("pick", "[newsletter] from", prepare=settings("from = ", "#from = ")),
    "no project": Bad("-C {project}/nowhere pull", "newsletter init"),
    "a template with a mistake": Bad(
        "send --dry-run",
        "templates/weekly/body.html.j2:2",
        prepare=template("weekly/body.html.j2", "<html>\n{{ isssue.slot }}\n"),
    ),
    "a template that is no Jinja": Bad(
        "send --yes", "templates/weekly/body.txt.j2:1", prepare=template("weekly/body.txt.j2", "{% if %}")
    ),
    "the key file missing": Bad("subscribers list", "restore it", prepare=lambda p: (p / "newsletter.key").unlink()),
    "the key file damaged": Bad("subscribers list", "newsletter.key", prepare=written("newsletter.key", b"\xff\xfe")),
    "no database": Bad("pull", "newsletter migrate", prepare=lambda p: (p / "newsletter.db").unlink()),
    "an empty database": Bad("pull", "newsletter migrate", prepare=written("newsletter.db", b"")),
    "a file that is no database": Bad(
        "pull", "not a SQLite database", prepare=written("newsletter.db", b"hello" * 999)
    ),
    "a newer database": Bad("pull", "newer version", prepare=newer_database),
    "migrating a newer database": Bad("migrate", "newer version", prepare=newer_database),
    "a database address that is none": Bad("pull", "database", environment={"NEWSLETTER_DATABASE__URL": "mysql://x/y"}),
    "no source": Bad("pull", "[[sources]]", prepare=without_sources),
    "an unknown kind of source": Bad("pull", "kind", prepare=settings('kind = "folder"', 'kind = "gopher"')),
    "an unknown kind of backend": Bad("send --yes", "pigeon", prepare=settings('"maildir"', '"pigeon"')),
    "no postal address": Bad(
        "send --yes", "postal_address", prepare=settings("postal_address = ", "#postal_address = ")
    ),
    "no mail server": Bad(
        "send --yes",
        "cannot be reached",
        environment={
            "NEWSLETTER_BACKEND__KIND": "smtp",
            "NEWSLETTER_BACKEND__HOST": "127.0.0.1",
            "NEWSLETTER_BACKEND__PORT": "1",
        },
    ),
    "nobody to ask": Bad("send", "--yes"),
    "a week that is none": Bad("send --slot 2026-W99 --yes", "2026-W47"),
    "a key of another shape": Bad("issues show yesterday", "names no week"),
    "an issue that is not there": Bad(f"issues show {NEXT_WEEK}", "newsletter issues list", code=1),
    "auditing an issue that is not there": Bad(f"audit --slot {NEXT_WEEK}", "newsletter issues list", code=1),
    "a worker for an issue that is not there": Bad(f"worker --slot {NEXT_WEEK}", "newsletter issues list", code=1),
    "a test copy to no address": Bad("send --to nobody", "not an e-mail address"),
    "two wishes that exclude each other": Bad("send --to a@example.org --dry-run", "exclude each other"),
    "a CSV file that is not there": Bad("subscribers import nowhere.csv", "nowhere.csv"),
    "a CSV file without addresses": Bad(
        "subscribers import {project}/x.csv", "email", prepare=written("x.csv", b"a,b\n1,2\n")
    ),
    "a CSV file that is empty": Bad("subscribers import {project}/x.csv", "empty", prepare=written("x.csv", b"")),
    "a folder instead of a CSV file": Bad("subscribers import {project}", "cannot be read"),
    "an address that is none": Bad("subscribers add nobody@", "not an e-mail address"),
    "a stranger": Bad("subscribers show stranger@example.org", "not in the Book", code=1),
    "someone suppressed": Bad("subscribers add crosspatch@icehouse.example", "suppressed", code=1),
    "someone who left": Bad("subscribers add helene@minuit.example --confirmed", "unsubscribed", code=1),
    "an article that is not there": Bad("articles show 4711", "newsletter articles list", code=1),
    "an article number far too long": Bad(f"articles drop {'9' * 40}", "newsletter articles list", code=1),
    "a page that is not there": Bad("articles add nowhere.html", "nowhere.html"),
    "a page nobody serves": Bad("articles add http://127.0.0.1:1/", "127.0.0.1", code=1),
    "an edit of nothing": Bad("articles edit 1", "--title"),
    "a date that is none": Bad("articles edit 1 --date yesterday", "yesterday"),
    "an address that is no web address": Bad(
        "articles edit 1 --url javascript:alert(1)", "not an http or https address"
    ),
    "HTML that is not there": Bad("check --html nowhere.html", "nowhere.html"),
    "HTML in another encoding": Bad("check --html {project}/x.html", "UTF-8", prepare=written("x.html", b"caf\xe9")),
    "inlining without a file": Bad("check --inlined out.html", "--html"),
    "a time without an offset": Bad("--now 2026-11-19T18:00 pick", "offset"),
    "no such command": Bad("sent", "No such command"),
    "no such option": Bad("pull --quickly", "--quickly"),
    "init over a project": Bad("init {project}", "already there"),
    "init over a file": Bad("init {project}/newsletter.toml", "newsletter.toml"),
    "a port already taken": Bad("serve --port 1 --host 192.0.2.1", "cannot listen"),
}


# Rows that also run in a process of their own, one of each kind: what is true of them there is true of all.
IN_A_PROCESS = ["a misspelt key", "no mail server", "nobody to ask", "no such option", "no project"]


def look(bad: Bad, *, code: int, stdout: str, stderr: str) -> None:
    assert code == bad.code, stderr
    complaints = [line for line in stderr.splitlines() if line.startswith("newsletter: ")]
    assert len(complaints) == 1, stderr
    assert bad.says in complaints[0]
    assert "Traceback" not in stdout + stderr
    assert "this is a bug" not in stderr


@pytest.mark.parametrize("what", BAD)
def test_bad_input_gets_one_line_and_the_right_exit_code(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = BAD[what]
    project = demo(tmp_path)
    bad.prepare(project)
    for name, value in bad.environment.items():
        monkeypatch.setenv(name, value)
    answered = run(*bad.words(project), project=project)
    look(bad, code=answered.exit_code, stdout=answered.stdout, stderr=answered.stderr)
    assert not mails(project)


@pytest.mark.parametrize("what", IN_A_PROCESS)
def test_so_it_does_in_a_process_of_its_own(what: str, tmp_path: Path) -> None:
    bad = BAD[what]
    project = demo(tmp_path)
    bad.prepare(project)
    answered = spawn(*bad.words(project), project=project, environment=bad.environment)
    look(bad, code=answered.returncode, stdout=answered.stdout, stderr=answered.stderr)


def test_a_locked_database_is_waited_for_and_then_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = demo(tmp_path)
    monkeypatch.setattr(newsletter.database, "BUSY_TIMEOUT", 0.2)
    other = sqlite3.connect(project / "newsletter.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    answered = run("pull", project=project)
    other.execute("ROLLBACK")
    other.close()
    assert answered.exit_code == 2
    assert "locked" in answered.stderr
    assert run("pull", project=project).exit_code == 0


def test_a_second_send_at_the_same_time_is_refused(tmp_path: Path) -> None:
    from newsletter.app import Project
    from newsletter.locks import try_lock

    project = demo(tmp_path)
    database = Project(project).database
    lock = try_lock(database, "send")
    assert lock is not None
    with lock:
        refused = run("send", "--yes", project=project)
    database.dispose()
    assert refused.exit_code == 2
    assert "newsletter worker" in refused.stderr
    assert not mails(project)


def test_a_bug_is_one_line_and_its_traceback_is_kept_for_debug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("nobody thought of this")

    project = demo(tmp_path)
    monkeypatch.setattr("newsletter.shelf.Shelf.page", broken)
    answered = run("articles", "list", project=project)
    assert answered.exit_code == 1
    assert answered.stderr.count("\n") == 1
    assert "this is a bug: ZeroDivisionError: nobody thought of this" in answered.stderr
    assert "Traceback" in run("--debug", "articles", "list", project=project).stderr


def test_a_hostile_title_cannot_steer_the_terminal(tmp_path: Path) -> None:
    project = demo(tmp_path, "pulled")
    with sqlite3.connect(project / "newsletter.db") as connection:
        hostile = json.dumps({"title": "\x1b]0;owned\x07 [bold red]x[/] \u202eabc"})
        connection.execute("UPDATE articles SET edits = ? WHERE id = 1", (hostile,))
    connection.close()
    shown = run("articles", "show", "1", project=project).stdout
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "[bold red]x[/]" in shown
    assert WEEK in run("pick", project=project).stdout
