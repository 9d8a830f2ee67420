"""What earlier issues chose from is stored and read back, and what older newsletters carried is learned from a file."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from newsletter.database import Database
from newsletter.issue import Article, Issue, PassedOver, PastIssue, Pick, Section, Slot
from newsletter.issues import FrozenPick, Issues, issues as issue_table
from newsletter.past_issues import Carried, PastIssues, considered, read_carried
from newsletter.shelf import dump_article
from tests.command_line import WEEK, demo, run
from tests.times import NOW

TODAY = date(2026, 11, 19)
FILM = Article("A film", "https://example.com/film", "site", tags=("film", "uk"), authors=("Ann",), id=1)
TRAM = Article("A tram", "https://example.com/tram", section="City", id=2)
OLD = Article("Old", "https://example.com/old", id=3)
AGAIN, SUBJECT = (
    Article(title, "https://example.com/again", id=number) for title, number in (("A film!", 4), ("Why", 5))
)
ISSUE = Issue(
    Slot("2026-W47", NOW),
    (Section("highlights", "Highlights"),),
    (Pick(FILM, "highlights", 1, 0.7, related=(SUBJECT,)),),
    (
        PassedOver(TRAM, "lost", 0.3, waits=True, section="highlights"),
        PassedOver(SUBJECT, "on the same subject", 0.2, waits=True, section="highlights"),
        PassedOver(AGAIN, "near-duplicate", 0.1),
        PassedOver(OLD, "too old"),
    ),
)


@pytest.fixture
def past(database: Database) -> PastIssues:
    return PastIssues(database)


@pytest.fixture
def kept(database: Database, issues: Issues, past: PastIssues) -> None:
    with database.write() as connection:
        row = issues.open(connection, slot_key="2026-W47", slot_at=NOW, now=NOW)
        past.keep(connection, row.id, ISSUE)


def attend(database: Database) -> None:
    with database.write() as connection:
        connection.execute(issue_table.update().values(attended_at=NOW))


@pytest.mark.usefixtures("kept")
def test_the_whole_pool_comes_back_once_an_editor_attended_the_issue(database: Database, past: PastIssues) -> None:
    assert past.all() == []
    attend(database)
    (found,) = past.all()
    assert found == PastIssue(
        (Article("A film", FILM.url, "site", tags=("film", "uk"), authors=("Ann",)),),
        (Article("A tram", TRAM.url, section="City"),),
    )


def test_what_an_editor_took_out_is_in_the_pool_though_it_did_not_compete(
    database: Database, issues: Issues, past: PastIssues
) -> None:
    out = replace(ISSUE, passed_over=(PassedOver(replace(OLD, id=7), "dropped from this issue by Ada"),))
    with database.write() as connection:
        row = issues.open(connection, slot_key="2026-W47", slot_at=NOW, now=NOW)
        past.keep(connection, row.id, out, rejected={7})
    attend(database)
    (found,) = past.all()
    assert [article.title for article in found.passed_over or ()] == [OLD.title]


def test_what_earlier_issues_carried_comes_back_oldest_first_without_those_cancelled(
    database: Database, issues: Issues, past: PastIssues
) -> None:
    for week, state in enumerate(("closed", "cancelled", "sending", "draft"), 45):
        at = NOW + timedelta(weeks=week)
        chosen = [FrozenPick("film", 1, 1, 0.5, "", dump_article(replace(FILM, title=f"Film {week}")))]
        with database.write() as connection:
            row = issues.open(connection, slot_key=f"2026-W{week}", slot_at=at, now=NOW)
            issues.keep(connection, row, variants={}, chosen=chosen)
            frozen = None if state == "draft" else NOW
            values = {"state": state, "frozen_at": frozen, "subject": f"Subject {week}"}
            connection.execute(issue_table.update().where(issue_table.c.id == row.id).values(values))

    def read(*, before: datetime, limit: int = 9) -> list[tuple[str, str, list[tuple[str, str]]]]:
        found = past.carried(before=before, limit=limit)
        return [
            (one.slot.key, one.subject, [(pick.section, pick.article.title) for pick in one.picks]) for one in found
        ]

    first = ("2026-W45", "Subject 45", [("film", "Film 45")])
    last = ("2026-W47", "Subject 47", [("film", "Film 47")])
    assert read(before=NOW + timedelta(weeks=60)) == [first, last]
    assert read(before=NOW + timedelta(weeks=60), limit=1) == [last]
    assert read(before=NOW + timedelta(weeks=47)) == [first]


@pytest.mark.usefixtures("kept")
def test_what_never_competed_or_gave_way_to_a_pick_is_not_in_the_pool(database: Database) -> None:
    with database.read() as connection:
        rows = connection.execute(sa.select(considered.c.article_id, considered.c.place, considered.c.score)).all()
    assert [tuple(row) for row in rows] == [(1, 1, 0.7), (2, None, 0.3)]


@pytest.mark.usefixtures("kept")
def test_all_of_it_is_forgotten(database: Database, past: PastIssues) -> None:
    attend(database)
    past.learn("2026-11-12 https://example.com/1", today=TODAY, on_shelf=lambda _: None)
    assert past.forget() == 3
    assert past.all() == []


def test_what_is_learned_is_known_by_the_shelf_or_by_its_address_and_only_once(past: PastIssues) -> None:
    text = "2026-11-12 https://example.com/film https://example.com/else\n2026-11-05,https://example.com/else"
    for new in (3, 0):
        found = past.learn(text, today=TODAY, on_shelf={FILM.url: FILM}.get)
        assert (found.new, found.problems) == (new, ())
    earlier, later = past.all()
    assert [article.url for article in earlier.kept] == ["https://example.com/else"]
    assert [article.title for article in later.kept] == ["A film", ""]
    assert later.passed_over is None


@pytest.mark.parametrize(
    "text",
    [
        "date,url\n2026-11-12,https://example.com/1\n2026-11-12,https://example.com/2\n",
        'sep=;\n2026-11-12;"https://example.com/1"\n2026-11-12;https://example.com/2;=1+1',
        "2026-11-12\nhttps://example.com/1\n\n  https://example.com/2 <- the best\n",
        json.dumps([{"date": "2026-11-12", "urls": ["https://example.com/1", "https://example.com/2"]}]),
        json.dumps({"2026-11-12": ["https://example.com/1", "https://example.com/2"]}),
        '{"date": "2026-11-12", "url": "https://example.com/1"}\n{"date": "2026-11-12", "url": "https://example.com/2"}',
    ],
)
def test_dates_and_addresses_are_read_from_csv_lines_and_json(text: str) -> None:
    both = [Carried("2026-11-12", f"https://example.com/{number}") for number in (1, 2)]
    assert read_carried(text, today=TODAY) == (both, ())


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("garbage", "line 3: neither a date such as 2026-11-19 nor an address"),
        ("\x00\x01{", "line 3: neither a date such as 2026-11-19 nor an address"),
        ("2026-13-45 https://example.com/x", "line 3: 2026-13-45 is no date"),
        ("2027-01-01 https://example.com/x", "line 3: 2027-01-01 is in the future"),
        ("javascript:alert(1)", "line 3: neither a date such as 2026-11-19 nor an address"),
        ("https://user:word@example.com/", "line 3: an address that cannot be used"),
        (f"https://example.com/{'a' * 3000}", "line 3: an address that cannot be used"),
    ],
)
def test_a_bad_line_is_named_and_the_rest_is_taken(line: str, problem: str) -> None:
    text = f"2026-11-05 https://example.com/1\n\n{line}\n2026-11-12 https://example.com/2"
    found, problems = read_carried(text, today=TODAY)
    assert [one.url for one in found] == ["https://example.com/1", "https://example.com/2"]
    assert problems == (problem,)


def test_an_address_before_any_date_is_named() -> None:
    found, problems = read_carried("https://example.com/1", today=TODAY)
    assert (found, problems) == ([], ("line 1: an address without a date before it; write 2026-11-19 first",))


def test_a_date_inside_an_address_is_not_the_date_of_a_newsletter() -> None:
    found, _ = read_carried("2026-11-05 https://example.com/2020-01-01-review", today=TODAY)
    assert [one.date for one in found] == ["2026-11-05"]


def test_a_freeze_stores_the_pool_and_the_command_learns_and_forgets(tmp_path: Path) -> None:
    project = demo(tmp_path, "pulled")
    file = tmp_path / "past.txt"
    lines = [f"2026-10-{day:02} https://example.com/harbour-{day}-{number}" for day in (1, 8) for number in range(30)]
    file.write_text("\n".join([*lines, "what is this?"]))
    result = run("issues", "learn", str(file), "--json", project=project)
    problem = "line 61: neither a date such as 2026-11-19 nor an address"
    expected = {"forgotten": 0, "learned": 60, "newsletters": 2, "on_shelf": 0, "known": 0, "problems": [problem]}
    assert (result.exit_code, json.loads(result.stdout)) == (0, expected)
    again = run("issues", "learn", str(file), project=project)
    assert (again.exit_code, again.stdout) == (0, "learned 0 articles; 60 articles had been learned before\n")
    picked = json.loads(run("pick", "--json", project=project).stdout)["picked"]
    assert "prior" in {term["name"] for term in picked[0]["terms"]}
    assert "prior" in run("pick", "--why", picked[0]["article"]["url"], project=project).stdout
    assert "forgot 60 articles" in run("issues", "learn", "--forget", project=project).stdout
    picked = json.loads(run("pick", "--json", project=project).stdout)["picked"]
    assert "prior" not in {term["name"] for term in picked[0]["terms"]}
    assert run("send", "--slot", WEEK, "--yes", project=project).exit_code == 0
    assert "forgot" in (said := run("issues", "learn", "--forget", project=project).stdout)
    assert "forgot 0" not in said


def test_a_file_of_nothing_but_garbage_fails_and_neither_file_nor_forget_is_wrong_usage(tmp_path: Path) -> None:
    project = demo(tmp_path, "fresh")
    file = tmp_path / "past.txt"
    file.write_bytes(b"\xff\xfe\x00 heading\nnothing here\n")
    assert run("issues", "learn", str(file), project=project).exit_code == 1
    assert run("issues", "learn", project=project).exit_code == 2
