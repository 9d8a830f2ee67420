"""Who lets an issue go: approvals bind the content, holds hold, and what nobody approved is missed and told."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from newsletter.app import Project
from newsletter.backends import load
from newsletter.errors import NewsletterError, Refused
from newsletter.issue import Article
from newsletter.issues import IssueRow, IssueState
from newsletter.letter import Letter, digest_of
from newsletter.ticker import Ticker
from newsletter.weekly import Done, Outcome
from newsletter.weekly.editor import Who
from tests.command_line import demo, run
from tests.projects import SITE, TITLES, TOML, again, make_project, write_articles
from tests.times import NOW, Clock
from tests.web_project import freeze_issue

ADA, BEN = Who("Ada", "page"), Who("Ben", "command")
SLOT = NOW + timedelta(hours=1)
REQUIRED = TOML.replace('time = "07:00"', 'time = "07:00"\napproval = "required"') + SITE


def made(tmp_path: Path, clock: Clock, text: str = REQUIRED, database: str = "") -> Project:
    project = make_project(
        tmp_path / "project", clock=clock, text=text, titles=TITLES, database=database, plain=True, subscribers=2
    )
    project.weekly.pull()
    return project


@pytest.fixture
def project(tmp_path: Path, clock: Clock, database_url: str) -> Project:
    return made(tmp_path, clock, database=database_url)


def sent(project: Project, *, scheduled: bool = True) -> Done:
    return project.weekly.run(
        project.slot(None),
        backend=lambda: load("memory", {}, root=project.root),
        confirm=lambda _: True,
        stop=threading.Event(),
        scheduled=scheduled,
    )


def row_of(project: Project) -> IssueRow:
    return project.issues.get(project.slot(None).key)


def told(project: Project) -> list[str]:
    return [alert.text for alert in project.issues.alerts(project.slot(None).key)]


def test_without_an_approval_nothing_goes_out_it_is_told_each_hour_and_missed_at_last(
    project: Project, clock: Clock
) -> None:
    verdict = project.weekly.verdict(project.slot(None))
    assert verdict.outcome == Outcome.HOLD
    assert "it waits for an approval until Friday 20 November, 07:00" in verdict.reason
    clock.time = SLOT
    assert sent(project).report.state == IssueState.DRAFT
    assert row_of(project).state == IssueState.REVIEW
    ticker = Ticker(project, command=lambda _: pytest.fail("no child is needed to wait"))
    for minutes in range(0, 130, 10):
        clock.time = SLOT + timedelta(minutes=minutes)
        ticker.tick()
    assert len(told(project)) == 3
    assert "`newsletter issues approve 2026-W47`" in told(project)[0]
    clock.time = SLOT + timedelta(hours=24, minutes=1)
    with pytest.raises(Refused, match="it can no longer be approved"):
        project.weekly.approval.approve(project.slot("2026-W47"), who=ADA)
    ticker.tick()
    row = project.issues.get("2026-W47")
    assert (row.state, row.reason) == (IssueState.MISSED, "nobody approved it within [schedule] grace")


def test_an_approved_issue_goes_out_at_its_time_as_it_was_looked_at(project: Project, clock: Clock) -> None:
    slot = project.slot(None)
    composed = project.weekly.compose(slot)
    assert composed.letter is not None
    row = project.weekly.approval.approve(slot, digest=digest_of({"": composed.letter}), who=ADA)
    assert (row.state, row.reason, row.goes_at) == (IssueState.APPROVED, "approved by Ada", SLOT)
    clock.time = SLOT
    done = sent(again(project))
    assert done.report.totals["accepted"] == 2
    assert row_of(project).attended_at == NOW
    assert row_of(project).digest == row.digest


def test_what_comes_after_the_review_waits_unless_it_is_taken_in(project: Project, clock: Clock) -> None:
    slot, approval = project.slot(None), project.weekly.approval
    approval.propose(slot)
    clock.forward(timedelta(minutes=10))
    write_articles(project.root, ("A comet over the harbour",), now=clock())
    project.weekly.pull()
    reasons = {one.article.title: one.reason for one in project.weekly.pick(slot).passed_over}
    assert reasons["A comet over the harbour"].startswith("it came after the issue was put to review")
    before = project.weekly.approval.approve(slot, who=ADA).digest
    clock.forward(timedelta(minutes=10))
    letter = project.weekly.compose(slot).letter
    assert letter is not None
    assert digest_of({"": letter}) == before
    approval.propose(slot)
    assert row_of(project).state == IssueState.REVIEW
    found = project.weekly.pick(slot)
    titles = {one.article.title: one.reason for one in found.passed_over}
    picked = [pick.article.title for pick in found.picks]
    assert "A comet over the harbour" in picked or "review" not in titles["A comet over the harbour"]


def test_a_change_by_an_editor_goes_back_to_review_and_says_so(project: Project) -> None:
    slot = project.slot(None)
    project.weekly.approval.approve(slot, who=ADA)
    number = project.weekly.pick(slot).picks[0].article.id or 0
    project.weekly.editor.edit(number, {"title": "Another title"}, slot=slot, who=BEN)
    row = row_of(project)
    assert (row.state, row.digest, row.goes_at) == (IssueState.REVIEW, "", None)
    assert row.reason == "changed after its approval by Ben (edit): approve it again"


def test_a_change_by_a_source_is_found_at_the_send_and_named(project: Project, clock: Clock) -> None:
    slot = project.slot(None)
    project.weekly.approval.approve(slot, who=ADA)
    clock.time = SLOT
    picked = project.weekly.pick(slot).picks[0].article
    project.shelf.put([picked_again(project, picked.title)], now=clock())
    done = sent(project)
    assert done.report.state == IssueState.DRAFT
    row = row_of(project)
    assert row.state == IssueState.REVIEW
    assert "it is no longer what was approved (the source changed “" in row.reason
    look = "look again, on the review page, or `newsletter issues approve 2026-W47`"
    assert told(project) == [f"{row.reason}: {look}"]


def picked_again(project: Project, title: str) -> Article:
    shelved = next(one.article for one in project.shelf.page() if one.article.title == title)
    return replace(shelved, dek="The source thought better of it.", id=None, first_seen=None, signals=())


def test_approved_late_it_cools_and_can_be_pulled_back(project: Project, clock: Clock) -> None:
    slot = project.slot(None)
    clock.time = SLOT + timedelta(minutes=3)
    row = project.weekly.approval.approve(slot, who=ADA)
    assert row.goes_at == SLOT + timedelta(minutes=13)
    verdict = project.weekly.verdict(slot)
    assert verdict.reason == "approved by Ada; it goes out at 07:13, and can be pulled back until then"
    assert sent(project).report.state == IssueState.DRAFT
    ticker = Ticker(project, command=lambda _: pytest.fail("it cools"))
    ticker.tick()
    assert project.weekly.approval.pull_back(slot, who=BEN).reason == "pulled back by Ben"
    project.weekly.approval.approve(slot, who=ADA)
    clock.forward(timedelta(minutes=10))
    assert sent(project).report.totals["accepted"] == 2
    with pytest.raises(Refused, match="there is no approval to pull back"):
        project.weekly.approval.pull_back(slot, who=BEN)
    assert told(project) == []


def test_of_two_approvals_at_once_exactly_one_is_given(project: Project) -> None:
    slot = project.slot(None)
    project.weekly.approval.propose(slot)
    said: list[object] = []

    def approve(name: str) -> None:
        try:
            said.append(again(project).weekly.approval.approve(slot, who=Who(name, "page")).reason)
        except NewsletterError as error:
            said.append(error)

    threads = [threading.Thread(target=approve, args=(name,)) for name in ("Ada", "Ben")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    refused = [one for one in said if isinstance(one, Refused)]
    assert len(refused) == 1
    assert "approved" in str(refused[0]) or "changed meanwhile" in str(refused[0])
    assert row_of(project).reason in said


def test_a_held_issue_waits_is_released_and_is_missed_at_last(tmp_path: Path, clock: Clock) -> None:
    project = made(tmp_path, clock, text=TOML + SITE)
    slot, approval = project.slot(None), project.weekly.approval
    assert approval.hold(slot, reason="the lawyer reads it", who=ADA).reason == "held by Ada: the lawyer reads it"
    with pytest.raises(Refused, match="is held already"):
        approval.approve(slot, who=BEN)
    clock.time = SLOT
    assert project.weekly.verdict(slot).outcome == Outcome.HOLD
    assert sent(project).report.state == IssueState.HELD
    Ticker(project, command=lambda _: pytest.fail("it is held")).tick()
    assert any("`newsletter issues release 2026-W47` lets it go" in text for text in told(project))
    assert approval.release(slot, who=ADA).state == IssueState.DRAFT
    assert sent(project).report.totals["accepted"] == 2


def test_an_issue_that_is_held_in_mid_send_is_told_of_each_hour_and_never_missed(
    tmp_path: Path, clock: Clock, letter: Letter
) -> None:
    project = made(tmp_path, clock, text=TOML + SITE)
    freeze_issue(project, letter)
    slot = project.slot(None)
    row = project.weekly.approval.hold(slot, reason="the wrong picture", who=ADA)
    assert (row.state, row.reason, row.open) == (IssueState.HELD, "held by Ada: the wrong picture", False)
    ticker = Ticker(project, command=lambda _: pytest.fail("nothing is sent while it is held"))
    for hours in (0, 0.5, 1.1, 30):
        clock.time = SLOT + timedelta(hours=hours)
        ticker.tick()
    reminders = [text for text in told(project) if "in the middle of its send: 2 readers still wait" in text]
    assert len(reminders) == 3
    assert project.weekly.approval.release(slot, who=BEN).state == IssueState.SENDING
    assert [(one.act, one.by) for one in project.decisions.log()] == [("hold_issue", "Ada"), ("release", "Ben")]


def test_a_held_issue_that_nobody_releases_is_missed(tmp_path: Path, clock: Clock) -> None:
    project = made(tmp_path, clock, text=TOML + SITE)
    project.weekly.approval.hold(project.slot(None), who=ADA)
    clock.time = SLOT + timedelta(hours=25)
    Ticker(project, command=lambda _: pytest.fail("it is too late")).tick()
    row = project.issues.get("2026-W47")
    assert (row.state, row.reason) == (IssueState.MISSED, "held by Ada, and not released within [schedule] grace")


def test_a_coming_week_is_cancelled_and_the_weeks_before_it_go_out(tmp_path: Path, clock: Clock) -> None:
    project = made(tmp_path, clock, text=TOML + SITE)
    project.weekly.approval.cancel(project.slot("2026-W48"), reason="Christmas", who=ADA)
    project.weekly.approval.hold(project.slot("2026-W49"), who=ADA)
    asked: list[str] = []

    def command(key: str) -> list[str]:
        asked.append(key)
        return ["true"]

    for weeks in range(3):
        clock.time = SLOT + timedelta(weeks=weeks, minutes=1)
        Ticker(project, command=command).tick()
    assert asked == ["2026-W47"]
    assert project.issues.get("2026-W48").reason == "cancelled by Ada: Christmas"
    assert project.issues.get("2026-W49").state == IssueState.HELD


def test_an_approval_of_a_thin_week_sends_it(tmp_path: Path, clock: Clock) -> None:
    text = (TOML + SITE).replace("min = 2", 'min = 9\nwhen_thin = "hold"')
    project = made(tmp_path, clock, text=text)
    clock.time = SLOT
    assert sent(project).report.state == IssueState.DRAFT
    project.weekly.approval.approve(project.slot(None), who=ADA)
    clock.forward(timedelta(minutes=10))
    assert sent(project).report.totals["accepted"] == 2


def test_the_commands_step_and_say_where_it_is(tmp_path: Path) -> None:
    project = demo(tmp_path, "pulled")
    key = "2026-W48"
    assert run("issues", "hold", key, "--reason", "Christmas", "--by", "Ada", project=project).stdout == (
        "2026-W48 is now held: held by Ada: Christmas\n"
    )
    assert run("issues", "pull-back", key, project=project).exit_code == 1
    assert "is now draft: released by Ada" in run("issues", "release", key, "--by", "Ada", project=project).stdout
    approved = run("issues", "approve", key, "--digest", "0" * 64, project=project)
    assert (approved.exit_code, "has changed since you looked at it" in approved.stderr) == (1, True)
    assert '"goes_at": "2026-11-26' in run("issues", "approve", key, "--json", project=project).stdout
    assert "is now review" in run("issues", "pull-back", key, project=project).stdout
    assert "2026-W48 is cancelled" in run("issues", "cancel", key, project=project).stdout
    assert "cancelled" in run("issues", "list", project=project).stdout
