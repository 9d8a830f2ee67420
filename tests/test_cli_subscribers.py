"""`subscribers …`: the Book as the operator sees it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from newsletter.cli.subscribers import STATUSES
from subscribers import Status
from tests.command_line import ACTIVE, NOW, demo, run

GOOD_AND_BAD = (
    'email,name\nnew@example.org,New\nnobody,No\nnew@example.org,Twice\nada@harbourlight.example,Ada\n"open,x\n'
)


def parsed(text: str) -> Any:
    return json.loads(text)


def status(project: Path, email: str) -> str:
    return str(parsed(run("subscribers", "show", email, "--json", project=project).stdout)["subscriber"]["status"])


def test_an_import_keeps_the_good_rows_and_lists_the_bad_ones(tmp_path: Path) -> None:
    project = demo(tmp_path)
    file = tmp_path / "list.csv"
    file.write_text(GOOD_AND_BAD)
    taken = run("subscribers", "import", str(file), project=project)
    assert taken.exit_code == 1
    assert "row 3: “nobody” is not an e-mail address" in taken.stdout
    assert "row 6: a quote is opened here and never closed" in taken.stdout
    assert "5 rows: 1 new, 1 known already, 1 named twice, 2 bad" in taken.stdout
    assert status(project, "new@example.org") == "pending"


def test_an_import_again_changes_nothing(tmp_path: Path) -> None:
    project = demo(tmp_path)
    file = tmp_path / "list.csv"
    file.write_text("email\nnew@example.org\n")
    assert (
        parsed(run("subscribers", "import", str(file), "--confirmed", "--json", project=project).stdout)["created"] == 1
    )
    again = run("subscribers", "import", str(file), "--confirmed", "--json", project=project)
    assert again.exit_code == 0
    assert parsed(again.stdout)["already"] == 1
    assert status(project, "new@example.org") == "active"


def test_an_import_ends_and_suppresses_whom_the_file_says_so_of_and_counts_them(tmp_path: Path) -> None:
    project = demo(tmp_path)
    file = tmp_path / "left.csv"
    file.write_text(
        "email,status\nada@harbourlight.example,unsubscribed\nbjorn@fjordpost.example,bounced\nnew@example.org,complained\n"
    )
    taken = run("subscribers", "import", str(file), "--confirmed", project=project)
    assert taken.exit_code == 0
    assert taken.stdout.splitlines() == [
        "3 rows: 1 unsubscribed by the file, 2 suppressed by the file",
        "2 of them had been active until now and will get no more mail",
    ]
    assert status(project, "ada@harbourlight.example") == "unsubscribed"
    assert "the imported file says so" in run("subscribers", "show", "ada@harbourlight.example", project=project).stdout
    again = parsed(run("subscribers", "import", str(file), "--confirmed", "--json", project=project).stdout)
    assert {name: again[name] for name in again if again[name]} == {"rows": 3, "unsubscribed": 1, "suppressed": 2}
    assert parsed(run("send", "--yes", "--json", project=project).stdout)["frozen"] == ACTIVE - 2


def test_a_column_about_consent_that_is_not_understood_stops_an_import(tmp_path: Path) -> None:
    project = demo(tmp_path)
    file = tmp_path / "strange.csv"
    file.write_text("email,Opt-in code\nnew@example.org,7\n")
    refused = run("subscribers", "import", str(file), "--confirmed", project=project)
    assert refused.exit_code == 2
    assert "nothing was imported" in refused.stderr
    assert "“Opt-in code”" in refused.stderr
    assert run("subscribers", "show", "new@example.org", project=project).exit_code == 1


def test_nobody_who_left_comes_back_by_an_import(tmp_path: Path) -> None:
    project = demo(tmp_path)
    file = tmp_path / "list.csv"
    file.write_text("email\nhelene@minuit.example\ncrosspatch@icehouse.example\n")
    taken = run("subscribers", "import", str(file), "--confirmed", project=project)
    assert "1 who left (they stay out), 1 suppressed (they stay out)" in taken.stdout
    assert status(project, "helene@minuit.example") == "unsubscribed"


def test_an_import_sets_back_whom_the_file_says_never_confirmed_and_counts_them(tmp_path: Path) -> None:
    project = demo(tmp_path)
    file = tmp_path / "never.csv"
    file.write_text("email,status\nflo@example.org,unconfirmed\n")
    run("subscribers", "add", "flo@example.org", "--confirmed", project=project)
    taken = run("subscribers", "import", str(file), "--confirmed", project=project)
    assert taken.stdout.splitlines() == [
        "1 row: 1 set back to pending by the file",
        "1 of them had been active until now and will get no more mail",
    ]
    assert status(project, "flo@example.org") == "pending"


def test_an_export_is_an_import(tmp_path: Path) -> None:
    project = demo(tmp_path)
    file = tmp_path / "all.csv"
    assert run("subscribers", "export", "--output", str(file), project=project).exit_code == 0
    assert run("subscribers", "export", project=project).stdout.splitlines() == file.read_text().splitlines()
    again = parsed(run("subscribers", "import", str(file), "--json", project=project).stdout)
    assert (again["rows"], again["created"], again["bad_count"]) == (25, 0, 0)


def test_an_added_person_is_pending_until_the_mail_is_answered(tmp_path: Path) -> None:
    project = demo(tmp_path)
    added = run("subscribers", "add", "new@example.org", "--name", "New", project=project)
    assert "a confirmation mail waits in the outbox" in added.stdout
    assert status(project, "new@example.org") == "pending"
    assert "is active" in run("subscribers", "add", "new@example.org", "--confirmed", project=project).stdout
    assert status(project, "new@example.org") == "active"
    assert "active already" in run("subscribers", "add", "new@example.org", project=project).stdout


def test_the_statuses_one_can_ask_for_are_those_of_the_register() -> None:
    assert list(STATUSES.choices) == [status.value for status in Status]


def test_the_list_goes_on_after_the_last_address(tmp_path: Path) -> None:
    project = demo(tmp_path)
    seen: list[str] = []
    after: list[str] = []
    while True:
        page = parsed(run("subscribers", "list", "--limit", "10", "--json", *after, project=project).stdout)
        seen += [one["email"] for one in page["subscribers"]]
        if page["next"] is None:
            break
        after = ["--after", page["next"]]
    assert len(seen) == len(set(seen)) == 25
    assert "--after " in run("subscribers", "list", "--limit", "10", project=project).stderr
    pending = parsed(run("subscribers", "list", "--status", "pending", "--json", project=project).stdout)
    assert len(pending["subscribers"]) == 3


def test_a_suppression_is_shown_stays_and_can_be_lifted(tmp_path: Path) -> None:
    project = demo(tmp_path)
    who = "ada@harbourlight.example"
    assert (
        f"{who} is suppressed"
        in run("subscribers", "suppress", who, "--reason", "asked by phone", project=project).stdout
    )
    assert "the first reason stays" in run("subscribers", "suppress", who, project=project).stdout
    assert ": asked by phone" in run("subscribers", "show", who, project=project).stdout
    assert run("subscribers", "suppress", who, "--lift", project=project).exit_code == 0
    assert run("subscribers", "suppress", who, "--lift", project=project).exit_code == 1


def test_someone_unsubscribed_or_forgotten_gets_no_issue(tmp_path: Path) -> None:
    project = demo(tmp_path)
    run("subscribers", "unsubscribe", "ada@harbourlight.example", project=project)
    assert "left before" in run("subscribers", "unsubscribe", "ada@harbourlight.example", project=project).stdout
    run("subscribers", "forget", "bjorn@fjordpost.example", project=project)
    never = run("subscribers", "forget", "never@example.org", project=project).stdout
    assert "nothing was known of never@example.org" in never
    assert "suppress never@example.org --lift" in never
    assert parsed(run("send", "--yes", "--json", project=project).stdout)["frozen"] == 16


def test_the_record_of_consent_is_shown(tmp_path: Path) -> None:
    project = demo(tmp_path)
    shown = run("subscribers", "show", "Ada@HarbourLight.example", project=project).stdout
    assert "active" in shown
    assert "imported, operator holds consent" in shown


def everything_in(project: Path) -> bytes:
    """The bytes of the database, and of what SQLite keeps beside it."""
    return b"".join(path.read_bytes() for path in project.glob("newsletter.db*") if path.is_file()).lower()


def test_somebody_forgotten_is_not_found_in_the_bytes_of_the_database(tmp_path: Path) -> None:
    project = demo(tmp_path, "sent")
    assert b"ada@harbourlight.example" in everything_in(project)
    assert b"fernsby" in everything_in(project)
    # The last connection that closes checkpoints.
    assert run("subscribers", "forget", "ada@harbourlight.example", project=project).exit_code == 0
    assert b"ada@harbourlight.example" not in everything_in(project)
    assert b"fernsby" not in everything_in(project)
    assert b"bjorn@fjordpost.example" in everything_in(project)


def test_nothing_a_project_keeps_about_people_can_be_read_by_others_whatever_the_umask(tmp_path: Path) -> None:
    script = (
        "import os, sys; os.umask(0)\n"
        "from newsletter.cli import commands\n"
        "commands(['--now', sys.argv[1], *sys.argv[2:]])"
    )
    project = tmp_path / "project"
    old = tmp_path / "old.csv"
    old.write_text("longer than nothing" * 1000)
    old.chmod(0o666)
    for arguments in (
        ("init", str(project), "--demo"),
        ("-C", str(project), "send", "--yes"),
        ("-C", str(project), "subscribers", "export", "-o", str(tmp_path / "new.csv")),
        ("-C", str(project), "subscribers", "export", "-o", str(old)),
    ):
        subprocess.run([sys.executable, "-c", script, NOW, *arguments], check=True, capture_output=True)
    private = [project / "newsletter.db", project / "newsletter.key", project / "newsletter.db-locks", project / "mail"]
    private += [tmp_path / "new.csv", old, *(project / "mail").rglob("*")]
    assert len(private) > ACTIVE
    assert [path.name for path in private if path.stat().st_mode & 0o077] == []
    assert old.read_bytes() == (tmp_path / "new.csv").read_bytes()
