"""`newsletter --help`, `init`, `migrate`, `schedule`, `serve`: the project as a whole."""

from __future__ import annotations

import json
import signal
import sqlite3
import stat
import subprocess
import sys
import urllib.request
from pathlib import Path

import click
import pytest

from newsletter.cli import MODULES, commands
from newsletter.settings import load
from tests.command_line import NEXT_WEEK, demo, run, set_line, spawn, start
from tests.times import PATIENCE

CONTRACT = {
    "init": [],
    "migrate": [],
    "pull": [],
    "articles": ["list", "show", "add", "edit", "pin", "drop", "hold", "move", "swap", "undo", "decisions"],
    "pick": [],
    "preview": [],
    "check": [],
    "send": [],
    "worker": [],
    "issues": [
        "list",
        "show",
        "approve",
        "proof",
        "hold",
        "release",
        "pull-back",
        "cancel",
        "doubt",
        "learn",
        "intro",
        "subject",
        "insert",
        "export",
        "edit",
    ],
    "editors": ["list", "link", "revoke"],
    "audit": [],
    "schedule": [],
    "serve": [],
    "subscribers": ["add", "list", "show", "stats", "import", "export", "suppress", "unsubscribe", "forget"],
    "dkim": ["new", "show"],
    "backup": [],
    "restored": [],
    "doctor": [],
}
OPTIONS = {
    "init": ["--demo"],
    "pick": ["--slot", "--why", "--json"],
    "preview": ["--slot", "--as", "--port", "--once"],
    "check": ["--slot", "--online", "--html", "--inlined", "--json"],
    "send": ["--slot", "--to", "--dry-run", "--yes", "--json"],
    "worker": ["--slot", "--json"],
    "audit": ["--slot", "--json"],
    "schedule": ["--weeks", "--json"],
    "serve": ["--host", "--port"],
    "subscribers import": ["--confirmed", "--json"],
    "issues show": ["--address", "--json"],
    "issues intro": ["--from", "--clear", "--by", "--json"],
    "issues subject": ["--clear", "--by", "--json"],
    "issues insert": ["--text", "--label", "--url", "--after", "--remove", "--by", "--json"],
    "issues export": ["--text", "--to"],
    "issues edit": ["--from", "--dry-run", "--by", "--json"],
    "articles edit": ["--title", "--blurb", "--url", "--date", "--image", "--by"],
    "articles pin": ["--section", "--position", "--slot", "--by", "--json"],
    "articles drop": ["--once", "--slot", "--by", "--json"],
    "doctor": ["--json"],
}
NOT_YET = [
    "check --online",
    "subscribers stats --json",
]
ALL = [name for name, below in CONTRACT.items() for name in (name, *(f"{name} {one}" for one in below))]


@pytest.mark.parametrize("name", ALL)
def test_every_command_of_the_contract_has_help_and_takes_a_project(name: str) -> None:
    shown = run(*name.split(), "--help")
    assert shown.exit_code == 0
    assert "-C, --project DIR" in shown.stdout
    for option in OPTIONS.get(name, []):
        assert option in shown.stdout


def test_there_is_no_command_beside_the_contract() -> None:
    assert set(MODULES) == set(CONTRACT)
    for name, below in CONTRACT.items():
        command = commands.get_command(click.Context(commands), name)
        if below:
            assert isinstance(command, click.Group)
            assert set(command.commands) == set(below)


@pytest.mark.parametrize("arguments", NOT_YET)
def test_what_comes_later_says_not_yet_and_fails(arguments: str, tmp_path: Path) -> None:
    answered = run(*arguments.split(), project=tmp_path)
    assert answered.exit_code == 1
    assert "not built yet" in answered.stderr
    assert answered.stderr.count("\n") == 1


def test_help_loads_no_heavy_library() -> None:
    probe = (
        "import sys\n"
        "from newsletter.cli import commands\n"
        "try:\n    commands.main(['--help'])\nexcept SystemExit: pass\n"
        "heavy = {'sqlalchemy', 'pydantic', 'rich', 'lxml', 'jinja2', 'fastapi', 'httpx2', 'feedparser', 'alembic'}\n"
        "print('HEAVY', sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert "HEAVY []" in done.stdout


def test_init_makes_a_project_that_says_what_to_fill_in(tmp_path: Path) -> None:
    made = spawn("init", str(tmp_path / "ours"))
    assert made.returncode == 0, made.stderr
    assert "postal_address" in made.stdout
    written = {str(file.relative_to(tmp_path / "ours")) for file in (tmp_path / "ours").rglob("*") if file.is_file()}
    assert written == {
        "newsletter.toml",
        ".env.example",
        ".gitignore",
        "newsletter.key",
        "newsletter.db",
        "templates/README.txt",
    }
    assert stat.S_IMODE((tmp_path / "ours" / "newsletter.key").stat().st_mode) == 0o600
    assert "newsletter.key" in (tmp_path / "ours" / ".gitignore").read_text().split()
    before = run("pick", project=tmp_path / "ours")
    assert before.exit_code == 2
    assert "[newsletter] from is missing" in before.stderr


def test_a_project_works_once_its_three_lines_are_filled_in(tmp_path: Path) -> None:
    run("init", str(tmp_path))
    file = tmp_path / "newsletter.toml"
    text = file.read_text()
    for key in ("from", "public_url", "postal_address"):
        text = text.replace(f"#{key} = ", f"{key} = ", 1)
    file.write_text(text)
    assert load(tmp_path).newsletter.postal_address
    assert run("articles", "list", project=tmp_path).exit_code == 0
    assert run("issues", "list", project=tmp_path).exit_code == 0


def test_init_touches_nothing_in_a_folder_that_is_a_project(tmp_path: Path) -> None:
    project = demo(tmp_path)
    before = {file: file.read_bytes() for file in project.rglob("*") if file.is_file()}
    refused = run("init", str(project))
    assert refused.exit_code == 2
    assert "already there" in refused.stderr
    assert {file: file.read_bytes() for file in project.rglob("*") if file.is_file()} == before


def test_init_that_fails_half_way_can_be_run_again(tmp_path: Path) -> None:
    (tmp_path / "templates").write_text("a file where a folder should be")
    assert run("init", str(tmp_path)).exit_code == 2
    (tmp_path / "templates").unlink()
    assert run("init", str(tmp_path)).exit_code == 0


def test_init_keeps_keys_that_are_there(tmp_path: Path) -> None:
    run("init", str(tmp_path))
    keys = (tmp_path / "newsletter.key").read_bytes()
    (tmp_path / "newsletter.toml").unlink()
    assert run("init", str(tmp_path)).exit_code == 0
    assert (tmp_path / "newsletter.key").read_bytes() == keys


def test_the_demo_has_readers_in_every_state_and_waits_for_no_mail(tmp_path: Path) -> None:
    project = demo(tmp_path)
    listed = json.loads(run("subscribers", "list", "--json", project=project).stdout)["subscribers"]
    assert len(listed) == 25
    assert {one["status"] for one in listed} == {"active", "pending", "unsubscribed"}
    assert any(one["suppressed"] for one in listed)
    waiting = json.loads(run("worker", "--json", project=project).stdout)
    assert waiting["this_run"] == {}


def test_the_project_may_be_named_before_and_after_the_command(tmp_path: Path) -> None:
    project = demo(tmp_path)
    before = run("-C", str(project), "schedule", "--json")
    after = run("schedule", "--json", "-C", str(project))
    inside = run("issues", "-C", str(project), "list", "--json")
    assert before.exit_code == after.exit_code == inside.exit_code == 0
    assert before.stdout == after.stdout


def test_migrate_twice_says_that_there_is_nothing_to_do(tmp_path: Path) -> None:
    project = demo(tmp_path)
    (project / "newsletter.db").unlink()
    first = run("migrate", "--json", project=project)
    assert json.loads(first.stdout)["before"] is None
    assert "already" in run("migrate", project=project).stdout


def test_the_schedule_shows_the_next_slots_with_offsets(tmp_path: Path) -> None:
    project = demo(tmp_path)
    set_zone = (project / "newsletter.toml").read_text().replace("Europe/Lisbon", "Asia/Manila")
    (project / "newsletter.toml").write_text(set_zone)
    coming = json.loads(run("schedule", "--weeks", "3", "--json", project=project).stdout)
    assert [one["slot"] for one in coming] == [NEXT_WEEK, "2026-W49", "2026-W50"]
    assert coming[0] == {"slot": NEXT_WEEK, "at": "2026-11-26T16:00:00+08:00", "zone": "Asia/Manila"}
    assert "2026-11-26T16:00:00+08:00" in run("schedule", project=project).stdout


def test_the_issues_are_listed_with_the_next_eight_slots_and_their_state(tmp_path: Path) -> None:
    project = demo(tmp_path)
    set_line(project, '"Europe/Lisbon"', '"Europe/Berlin"')
    with sqlite3.connect(project / "newsletter.db") as connection:  # a week somebody has called off, and one gone by
        connection.executemany(
            "INSERT INTO issues (slot_key, slot_at, state, reason, opened_at) VALUES (?, ?, ?, ?, ?)",
            [
                ("2026-W53", "2026-12-31 15:00:00.000000", "cancelled", "New Year", "2026-11-19 06:00:00.000000"),
                ("2026-W46", "2026-11-12 15:00:00.000000", "skipped", "thin", "2026-11-12 15:00:00.000000"),
            ],
        )
    text = run("issues", "list", project=project).stdout
    past, coming = text.split("The next 8 slots")
    lines = coming.strip().splitlines()[1:]
    assert len(lines) == 8
    assert lines[0].split() == [NEXT_WEEK, "2026-11-26T16:00:00+01:00", "Europe/Berlin", "planned"]
    assert [line.split()[0] for line in lines if "cancelled" in line and "New Year" in line] == ["2026-W53"]
    assert "2026-W46" in past
    assert "2026-W46" not in coming
    found = json.loads(run("issues", "list", "--limit", "1", "--json", project=project).stdout)
    assert (found[0]["slot"], found[0]["state"]) == ("2026-W53", "cancelled")
    assert len(found) == 8
    assert found[1] == {
        "slot": NEXT_WEEK, "at": "2026-11-26T15:00:00+00:00", "zone": "Europe/Berlin", "state": "planned", "reason": "",
    }  # fmt: skip


def test_serve_answers_until_it_is_told_to_stop(tmp_path: Path) -> None:
    project = demo(tmp_path, "sent")
    process = start("serve", "--port", "0", project=project)
    assert process.stderr is not None
    line = next(line for line in process.stderr if "listening on" in line)
    address = line.split("listening on ")[1].split()[0]
    request = urllib.request.Request(f"{address}/healthz", headers={"Host": "127.0.0.1:8080"})
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        assert answer.status == 200
    process.send_signal(signal.SIGTERM)
    _, rest = process.communicate(timeout=PATIENCE)
    assert "Traceback" not in rest


def test_a_program_that_reads_no_further_is_no_error(tmp_path: Path) -> None:
    project = demo(tmp_path)
    process = start("subscribers", "export", project=project)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    process.wait(timeout=PATIENCE)
    process.stderr.close()


def test_a_full_disk_below_standard_output_is_one_line(tmp_path: Path) -> None:
    project = demo(tmp_path)
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "newsletter", "-C", str(project), "subscribers", "export"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=PATIENCE,
        )
    assert done.returncode == 2
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
