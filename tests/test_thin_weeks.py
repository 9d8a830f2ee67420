"""Weeks with too little or far too much: what fills them, what waits for a person, and what is kept out of them."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from newsletter.app import Project
from newsletter.issue import QUARANTINE, Article
from newsletter.weekly import Done
from tests.command_line import NOW as AT, demo, run
from tests.projects import SITE, TITLES, make_project, open_project, write_articles
from tests.times import NOW, Clock

WEEK = timedelta(days=7)
KEY = "2026-W47"


def make(root: Path, *titles: str, when_thin: str = "skip", clock: Clock | None = None) -> Project:
    project = make_project(
        root,
        clock=clock or Clock(NOW + timedelta(hours=2)),
        more=SITE.replace("min = 2", f'min = 2\nwhen_thin = "{when_thin}"'),
        plain=True,
        titles=titles,
        subscribers=2,
    )
    project.weekly.pull()
    return project


def send(project: Project, *, scheduled: bool = False) -> Done:
    return project.weekly.run(
        project.slot(None), backend=project.backend, confirm=lambda _: True, stop=threading.Event(), scheduled=scheduled
    )


def older(number: int, *, days: int) -> Article:
    return Article(
        TITLES[number],
        url=f"https://www.marquee.example/older-{number}",
        guid=f"older-{number}",
        source="site",
        published=NOW - timedelta(days=days),
        published_from="feed",
    )


def test_a_thin_week_is_topped_up_with_the_newest_article_that_nobody_got(tmp_path: Path) -> None:
    project = make(tmp_path, TITLES[0], when_thin="top_up")
    project.shelf.put([older(1, days=30), older(2, days=20), older(3, days=60)], now=project.clock())
    issue = project.weekly.pick(project.slot(None))
    assert sorted(pick.article.title for pick in issue.picks) == sorted([TITLES[0], TITLES[2]])
    assert TITLES[2] not in {one.article.title for one in issue.passed_over}
    assert send(project).report.totals["accepted"] == 2
    assert TITLES[2] not in {pick.article.title for pick in project.weekly.pick(project.slot("2026-W48")).picks}


def test_a_full_week_takes_nothing_older(tmp_path: Path) -> None:
    project = make(tmp_path, *TITLES[:2], when_thin="top_up")
    project.shelf.put([older(3, days=20)], now=project.clock())
    assert len(project.weekly.pick(project.slot(None)).picks) == 2


def test_where_nothing_older_is_left_the_week_stays_thin(tmp_path: Path) -> None:
    project = make(tmp_path, TITLES[0], when_thin="top_up")
    assert project.weekly.verdict(project.slot(None)).outcome == "thin"


def test_the_schedule_holds_a_thin_week_and_a_person_sends_it(tmp_path: Path) -> None:
    project = make(tmp_path, TITLES[0], when_thin="hold")
    held = send(project, scheduled=True)
    assert (held.verdict.outcome, held.report.state) == ("hold", "draft")
    assert "it is held for you: `newsletter send --slot 2026-W47` sends it as it is" in held.verdict.text
    assert [one.text for one in project.issues.alerts(KEY)] == [held.verdict.reason]
    assert project.issues.find(KEY) is None, "the slot stays open"
    by_hand = project.weekly.verdict(project.slot(None))
    assert by_hand.text.endswith(
        "would go to 2 recipients (a thin week of 1 article, which the schedule holds for you)"
    )
    assert send(project).report.totals["accepted"] == 2


def flood(project: Project, number: int, *, word: str) -> None:
    articles = [
        Article(
            f"{word} {n} of the archive",
            url=f"https://www.marquee.example/{word}/{n}",
            guid=f"{word}{n}",
            source="site",
        )
        for n in range(number)
    ]
    project.shelf.put(articles, now=project.clock())


@pytest.mark.parametrize(("weeks", "number", "held"), [(4, 40, True), (4, 15, False), (1, 40, False)])
def test_a_flood_is_kept_out_until_somebody_lets_it_in(tmp_path: Path, weeks: int, number: int, *, held: bool) -> None:
    clock = Clock(NOW - weeks * WEEK)
    project = make(tmp_path, clock=clock)
    for week in range(weeks):
        flood(project, 5, word=f"week{week}")
        clock.forward(WEEK)
    write_articles(tmp_path, [f"Story {n} of the move" for n in range(number)], now=clock())
    (line,) = project.weekly.pull()
    assert line.new == number
    assert line.quarantined == (number if held else 0)
    slot = project.slot(None)
    picked = project.weekly.pick(slot)
    reasons = {one.reason for one in picked.passed_over if one.article.title.endswith("of the move")}
    assert ("in quarantine: site gave far more than usual" in reasons) == held
    assert any(pick.article.title.endswith("of the move") for pick in picked.picks) != held
    if held:
        assert project.shelf.let_in("site") == number
        assert project.shelf.let_in("site") == 0
        assert any(pick.article.title.endswith("of the move") for pick in project.weekly.pick(slot).picks)


def test_the_operator_is_told_of_a_flood_and_of_a_source_that_fell_silent(tmp_path: Path) -> None:
    clock = Clock(NOW - 4 * WEEK)
    project = make(tmp_path, *TITLES[:2], clock=clock)
    flood(project, 5, word="before")
    clock.forward(4 * WEEK + timedelta(hours=2))
    send(project)
    told = [one.text for one in project.issues.alerts("source site")]
    assert told == [f"the source site has given nothing new since {NOW - 4 * WEEK:%Y-%m-%d}"]
    clock.forward(WEEK)
    write_articles(tmp_path, [f"Story {n} of the move" for n in range(40)], now=clock())
    send(project)
    assert "`newsletter pull --accept site`" in project.issues.alerts("source site")[-1].text


def test_an_article_in_quarantine_is_after_every_issue() -> None:
    assert QUARANTINE > "9999-W53"


def test_pull_says_what_is_kept_out_and_lets_it_in(tmp_path: Path) -> None:
    project = demo(tmp_path)
    opened = open_project(project, clock=Clock(datetime.fromisoformat(AT) - 4 * WEEK))
    flood(opened, 5, word="before")
    assert isinstance(opened.clock, Clock)
    opened.clock.forward(WEEK)
    flood(opened, 2, word="later")
    pulled = run("pull", project=project)
    assert pulled.stdout.startswith(
        "site: 22 new, far more than usual: 22 are in no issue before `newsletter pull --accept"
    )
    accepted = run("pull", "--accept", "site", project=project)
    assert accepted.stdout.splitlines()[0] == "site: 22 articles let in"
    wrong = run("pull", "--accept", "sit", project=project)
    assert (wrong.exit_code, 'there is no source "sit"; did you mean "site"?' in wrong.output) == (1, True)
