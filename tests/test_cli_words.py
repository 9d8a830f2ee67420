"""`issues intro|subject|insert`: the editor's own words for an issue, by command, and taken back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from newsletter.cli.context import ProjectContext
from newsletter.issue import Insert, Issue
from tests.command_line import WEEK, demo, run, set_line


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return demo(tmp_path, "pulled")


def issue_of(project: Path) -> Issue:
    context = ProjectContext()
    context.folder = project
    try:
        return context.project.weekly.pick(context.slot(WEEK))
    finally:
        context.close()


def log_of(project: Path) -> list[tuple[str, str]]:
    listed = json.loads(run("articles", "decisions", "--json", project=project).stdout)
    return [(one["act"], one["by"]) for one in listed]


def section_of(project: Path) -> str:
    return issue_of(project).sections[-1].name


def test_words_are_given_replaced_and_undone_one_by_one(project: Path) -> None:
    section = section_of(project)
    said = run("issues", "subject", WEEK, "The week in puddles", "--by", "Ada", project=project)
    assert said.stdout == f"the subject of {WEEK} is yours (decision 1)\n"
    run("issues", "intro", WEEK, "It rained.", project=project)
    run("issues", "intro", WEEK, "--from", "-", project=project, answer="\ufeffIt rained.\r\n\r\nA lot.\n")
    note = ("--text", "Buy umbrellas", "--label", "Advertisement", "--url", "https://example.com/u", "--after", section)
    added = json.loads(run("issues", "insert", WEEK, "ad", *note, "--json", project=project).stdout)
    assert (added["act"], added["slot"], added["values"]["after"]) == ("insert", WEEK, section)
    issue = issue_of(project)
    assert (issue.subject, issue.intro) == ("The week in puddles", "It rained.\n\nA lot.")
    assert issue.inserts == (Insert("ad", "Buy umbrellas", "Advertisement", "https://example.com/u", section),)
    assert log_of(project)[0] == ("subject", "Ada")
    for left in (("It rained.\n\nA lot.", ()), ("It rained.", ()), ("", ())):
        assert "is undone" in run("articles", "undo", "--slot", WEEK, project=project).stdout
        assert (issue_of(project).intro, issue_of(project).inserts) == left
    run("articles", "undo", project=project)
    assert issue_of(project).subject == ""
    assert run("articles", "undo", project=project).exit_code == 1


def test_words_are_taken_back_without_an_undo(project: Path) -> None:
    run("issues", "subject", WEEK, "Puddles", project=project)
    run("issues", "intro", WEEK, "It rained.", project=project)
    run("issues", "insert", WEEK, "ad", "--text", "Buy umbrellas", project=project)
    assert "the newsletter's own again" in run("issues", "subject", WEEK, "--clear", project=project).stdout
    assert "the newsletter's own again" in run("issues", "intro", WEEK, "--clear", project=project).stdout
    assert "is taken out" in run("issues", "insert", WEEK, "ad", "--remove", project=project).stdout
    issue = issue_of(project)
    assert (issue.subject, issue.intro, issue.inserts) == ("", "", ())


@pytest.mark.parametrize(
    ("arguments", "sentence", "code"),
    [
        (("intro", WEEK, "A <b>bold</b> word"), "an introduction is plain text and “<b>” is mark-up: leave it out", 1),
        (("intro", WEEK, "x" * 10_000), "an introduction has at most 2,000 characters, this has 10,000", 1),
        (("subject", WEEK, "x" * 10_000), "a subject has at most 200 characters, this has 10,000", 1),
        (("insert", WEEK, "ad", "--text", "x" * 10_000), "a note has at most 600 characters, this has 10,000", 1),
        (("insert", WEEK, "ad", "--text", "x", "--url", "javascript:alert(1)"), "no http or https address", 1),
        (("insert", WEEK, "ad", "--text", "x", "--after", "city"), "there is no section “city”", 1),
        (("insert", WEEK, " ", "--text", "x"), "a note needs a name", 1),
        (("insert", WEEK, "ad", "--remove"), f"there is no note “ad” in {WEEK}; there is none", 1),
        (("insert", WEEK, "ad", "--remove", "--text", "x"), "--remove alone", 2),
        (("subject", "2026-W99", "Puddles"), "“2026-W99” names no week", 2),
        (("subject", WEEK), "give the TEXT, or --clear", 2),
        (("intro", WEEK, "It rained.", "--clear"), "give the TEXT, or --from FILE, or --clear", 2),
        (("intro", WEEK, "--from", "nowhere.txt"), "nowhere.txt", 2),
        (("intro", WEEK, "--from", "-"), "the file of --from is empty; nothing was changed", 1),
    ],
)
def test_what_cannot_be_is_one_sentence_and_changes_nothing(
    project: Path, arguments: tuple[str, ...], sentence: str, code: int
) -> None:
    refused = run("issues", *arguments, project=project, answer="")
    assert (refused.exit_code, refused.stderr.count("\n"), refused.stdout) == (code, 1, "")
    assert sentence in refused.stderr
    assert log_of(project) == []


def test_a_file_that_is_no_text_is_refused(project: Path) -> None:
    file = project / "intro.txt"
    file.write_bytes(b"caf\xe9")
    assert (
        "the file of --from is no UTF-8 text"
        in run("issues", "intro", WEEK, "--from", str(file), project=project).stderr
    )
    file.write_bytes(b"x" * 1_000_001)
    assert "longer than a megabyte" in run("issues", "intro", WEEK, "--from", str(file), project=project).stderr


def test_a_frozen_issue_keeps_its_words(tmp_path: Path) -> None:
    project = demo(tmp_path, "sent")
    refused = run("issues", "subject", WEEK, "Too late", project=project)
    assert (refused.exit_code, f"the issue {WEEK} is closed; it can no longer be changed" in refused.stderr) == (
        1,
        True,
    )


def test_nothing_is_decided_with_settings_that_were_not_understood(project: Path) -> None:
    set_line(project, '"Europe/Lisbon"', '"Europe/Atlantis"')
    refused = run("issues", "subject", WEEK, "Puddles", project=project)
    assert (refused.exit_code, "Atlantis" in refused.stderr, refused.stderr.count("\n")) == (2, True, 1)
