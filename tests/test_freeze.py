"""The freeze leaves nothing or all, and after it nothing but the database decides; and what an issue may carry."""

from __future__ import annotations

import json
import logging
import multiprocessing
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from newsletter import letter as letters
from newsletter.app import Project
from newsletter.errors import Busy, ConfigurationError, Refused, TemplateError
from newsletter.issues import IssueState
from newsletter.sending import alerts
from newsletter.sending.audit import audit
from newsletter.weekly.editor import Who
from tests import weekly_child
from tests.projects import SITE, TITLES, again, arrived, make_project, run_week as run, write_articles
from tests.times import NOW, PATIENCE, Clock

KEY, NEXT = "2026-W47", "2026-W48"
AFTER_SLOT = NOW + timedelta(hours=2)
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.sending_child", "tests.lock_child", "tests.weekly_child"])


def newsletter(root: Path, clock: Clock, *, more: str = "", database: str = "") -> Project:
    return make_project(
        root, clock=clock, more=SITE + more, database=database, plain=True, titles=TITLES[:5], subscribers=3
    )


@pytest.fixture
def project(tmp_path: Path, clock: Clock, database_url: str) -> Project:
    """A newsletter, on SQLite and on PostgreSQL."""
    return newsletter(tmp_path / "project", clock, database=database_url)


@pytest.fixture
def sqlite_project(tmp_path: Path, clock: Clock) -> Project:
    """A newsletter on SQLite: for what does not depend on the database."""
    return newsletter(tmp_path / "project", clock)


def carried(project: Project) -> dict[str, str]:
    return {one.article.title: one.carried_by for one in project.shelf.page(limit=100) if one.carried_by}


def everything(project: Project) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    with project.database.read() as connection:
        tables = sa.inspect(connection).get_table_names()
        return {
            table: sorted((tuple(row) for row in connection.exec_driver_sql(f"SELECT * FROM {table}")), key=str)
            for table in tables
        }


# What an issue is made of.


def test_a_second_run_mails_nobody_and_says_that_it_is_done(project: Project) -> None:
    run(project)
    before = everything(project)
    second = run(again(project))
    assert second.report.already
    assert second.report.state == IssueState.CLOSED
    assert second.report.run == {}
    assert len(arrived(project.root)) == 3
    assert everything(project) == before


@pytest.mark.parametrize("change", ["url", "guid", "title", "all but one"])
def test_an_article_that_changes_its_names_after_the_issue_does_not_return(
    sqlite_project: Project, clock: Clock, change: str
) -> None:
    run(sqlite_project)
    for file in (sqlite_project.root / "site").iterdir():
        article = json.loads(file.read_text())
        if change in ("url", "all but one"):
            article["url"] = article["url"].replace("https://www.", "http://") + "-and-more/?utm_source=x"
        if change in ("guid", "all but one"):
            article["id"] = f"new-{file.stem}"
        if change == "title":
            article["title"] = "Corrected: " + article["title"][::-1]
        article["dek"] += " Updated."
        file.write_text(json.dumps(article))
    clock.forward(timedelta(days=7))
    before = set(carried(sqlite_project))
    assert len(before) == 3
    second = run(again(sqlite_project))
    assert second.verdict.composed is not None
    shown = {pick.article.id for pick in second.verdict.composed.issue.picks}
    assert len(shown) == 2, [pick.article.title for pick in second.verdict.composed.issue.picks]


def test_only_who_has_given_consent_by_then_is_in_the_audience(project: Project) -> None:
    project.book.unsubscribe("reader0@example.net")
    project.book.suppress("reader1@example.net", reason="asked by letter")
    run(project, stop_before_sending=True)
    project.book.add_confirmed("late@example.net")
    run(again(project))
    assert set(arrived(project.root)) == {"reader2@example.net"}


def test_a_reader_with_an_endless_name_gets_the_issue(project: Project) -> None:
    project.book.add_confirmed("long@example.net", name="Maximilian " * 60)
    assert run(project).report.totals == {"accepted": 4}


def test_composing_and_picking_change_nothing(sqlite_project: Project) -> None:
    sqlite_project.weekly.pull()
    before = everything(sqlite_project)
    for _ in range(2):
        sqlite_project.weekly.pick(sqlite_project.slot(None))
        sqlite_project.weekly.compose(sqlite_project.slot(None))
        sqlite_project.weekly.audience_size()
    assert everything(sqlite_project) == before


# The freeze.


def test_a_kill_anywhere_in_the_freeze_leaves_nothing_or_all(project: Project) -> None:
    nothing = {"issues": 0, "picks": 0, "letters": 0, "deliveries": 0, "carried": 0}
    everything = {"issues": 1, "picks": 3, "letters": 1, "deliveries": 3, "carried": 3}
    ours, theirs = PROCESSES.Pipe(duplex=False)
    child = PROCESSES.Process(target=weekly_child.freeze_and_die, args=(str(project.root), NOW, theirs))
    child.start()
    theirs.close()
    seen = []
    while not seen or seen[-1] != everything:
        killed, rows = ours.recv()
        assert rows in (nothing, everything)
        assert killed or rows == everything
        seen.append(rows)
    ours.close()
    child.kill()
    child.join()
    assert len(seen) > 10, "the freeze was hardly looked at"
    assert run(project).report.totals == {"accepted": 3}
    assert len(arrived(project.root)) == 3


def frozen_bytes(project: Project) -> dict[str, bytes]:
    """The message everybody is owed, made of the frozen Letter alone."""
    row = project.issues.get(KEY)
    letter = project.issues.letter(row.id)
    owed = {}
    for number in range(3):
        address = f"reader{number}@example.net"
        subscriber = project.book.find(address)
        assert subscriber is not None
        owed[address] = letter.addressed(
            address=address,
            name=subscriber.name,
            message_id=letters.message_id(
                issue=KEY, list_id=row.list_id, recipient=subscriber.public_id, domain="marquee.example"
            ),
            date=letters.date_header(project.clock()),
            values={
                letters.FIRST_NAME: letters.first_name(subscriber.name),
                letters.EMAIL: address,
                letters.UNSUBSCRIBE_TOKEN: project.book.unsubscribe_token(subscriber.public_id),
            },
        )
    return owed


def change_templates(root: Path) -> None:
    look = root / "templates" / "weekly"
    look.mkdir(parents=True, exist_ok=True)
    for name in ("subject.txt.j2", "body.html.j2", "body.txt.j2"):
        (look / name).write_text("{% this is broken {{ and says something else")


def change_settings(root: Path) -> None:
    file = root / "newsletter.toml"
    text = file.read_text()
    for old, new in (
        ("Marquee Weekly", "Another Name"),
        ("weekly@marquee.example", "other@elsewhere.example"),
        ("https://news.marquee.example", "https://other.example"),
        ("12 Harbour Street", "99 Other Street"),
        ("min = 2", "min = 90"),
        ("[backend]", '[theme]\nlogo = "no-such-logo.png"\nlook = "nothing"\n[sending]\non_doubt = "hold"\n[backend]'),
    ):
        assert old in text
        text = text.replace(old, new)
    file.write_text(text)


def delete_sources(root: Path) -> None:
    shutil.rmtree(root / "site")
    file = root / "newsletter.toml"
    file.write_text(file.read_text().replace('kind = "folder"', 'kind = "no.such.module:Source"'))


def empty_shelf(root: Path) -> None:
    project = Project(root)
    with project.database.write() as connection:
        for table in ("article_names", "signals", "articles", "images", "pulls"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
    project.database.dispose()


def rename_subscribers(root: Path) -> None:
    project = Project(root)
    with project.database.write() as connection:
        connection.exec_driver_sql("UPDATE subscribers SET name = 'Somebody Else', language = 'xx'")
    project.database.dispose()


CHANGES = (change_templates, change_settings, delete_sources, empty_shelf, rename_subscribers)


@pytest.mark.parametrize(
    "change", [*CHANGES, None], ids=lambda change: change.__name__ if change else "everything at once"
)
def test_after_the_freeze_nothing_that_is_changed_or_deleted_changes_a_byte(
    sqlite_project: Project, change: Callable[[Path], None] | None
) -> None:
    assert run(sqlite_project, stop_before_sending=True).report.state == IssueState.SENDING
    owed = frozen_bytes(sqlite_project)
    for one in [change] if change else CHANGES:
        one(sqlite_project.root)
    child = PROCESSES.Process(target=weekly_child.send, args=(str(sqlite_project.root), NOW))
    child.start()
    child.join(PATIENCE)
    assert child.exitcode == 0
    got = {file.read_bytes() for file in (sqlite_project.root / "mail" / "new").iterdir()}
    assert got == set(owed.values())
    assert sqlite_project.issues.get(KEY).state == IssueState.CLOSED


def test_freezing_the_same_slot_twice_is_refused(sqlite_project: Project) -> None:
    sqlite_project.weekly.pull()
    composed = sqlite_project.weekly.compose(sqlite_project.slot(None))
    sqlite_project.weekly.freeze(sqlite_project.slot(None), composed)
    with pytest.raises(Refused, match="sending"):
        sqlite_project.weekly.freeze(sqlite_project.slot(None), composed)
    assert audit(sqlite_project.database)[0].frozen == 3


def test_nothing_to_freeze_is_refused(sqlite_project: Project) -> None:
    with pytest.raises(Refused, match="no picks"):
        sqlite_project.weekly.freeze(
            sqlite_project.slot(None), replace(sqlite_project.weekly.compose(sqlite_project.slot(None)), letter=None)
        )


# What an issue may carry.


def test_what_leaves_by_age_is_listed_also_after_weeks_without_an_issue(sqlite_project: Project, clock: Clock) -> None:
    run(sqlite_project)
    clock.forward(timedelta(days=28))
    issue = sqlite_project.weekly.pick(sqlite_project.slot(None))
    left = {one.article.title for one in issue.passed_over if one.reason.startswith("leaves by age")}
    assert left == set(TITLES[:5]) - set(carried(sqlite_project))


def test_an_article_held_for_this_very_issue_comes_whatever_its_age(sqlite_project: Project, clock: Clock) -> None:
    sqlite_project.weekly.pull()
    number = sqlite_project.shelf.find("https://www.marquee.example/who-is-afraid-of-the-tram-library").article.id
    assert number is not None
    sqlite_project.weekly.editor.hold(number, until="2026-W52", slot=sqlite_project.slot(None), who=Who("Ada"))
    run(sqlite_project)
    clock.forward(timedelta(days=7))
    assert number not in {pick.article.id for pick in sqlite_project.weekly.pick(sqlite_project.slot(None)).picks}
    clock.forward(timedelta(days=28))
    assert sqlite_project.slot(None).key == "2026-W52"
    assert [pick.article.id for pick in sqlite_project.weekly.pick(sqlite_project.slot(None)).picks] == [number]
    clock.forward(timedelta(days=7))
    assert sqlite_project.weekly.pick(sqlite_project.slot(None)).picks == ()


def test_a_story_told_again_is_recognised_weeks_after_it_was_carried(sqlite_project: Project, clock: Clock) -> None:
    run(sqlite_project)
    title = next(iter(carried(sqlite_project)))
    clock.forward(timedelta(days=14))
    write_articles(sqlite_project.root, [title + "!"], now=clock())
    file = next((sqlite_project.root / "site").glob("*!.json"))
    article = json.loads(file.read_text())
    article["url"] = "https://www.marquee.example/again"
    file.write_text(json.dumps(article))
    fresh = again(sqlite_project)
    fresh.weekly.pull()
    issue = fresh.weekly.pick(fresh.slot(None))
    assert title + "!" not in {pick.article.title for pick in issue.picks}


# Sources that fail.


def test_the_last_good_articles_stay_when_a_source_goes_away(sqlite_project: Project) -> None:
    sqlite_project.weekly.pull()
    shutil.rmtree(sqlite_project.root / "site")
    done = run(again(sqlite_project))
    assert done.verdict.pulled[0].failed
    assert done.report.totals == {"accepted": 3}


def test_a_setting_that_is_wrong_is_no_source_that_failed(tmp_path: Path, clock: Clock) -> None:
    with pytest.raises(ConfigurationError, match="feed"):
        run(newsletter(tmp_path, clock, more='[[sources]]\nname = "x"\nkind = "fede"\n'))


# What is refused before anybody is mailed.


def test_of_threads_that_run_at_once_one_sends_and_the_others_are_told(project: Project) -> None:
    barrier = threading.Barrier(4)
    said: list[str] = []

    def racing() -> None:
        barrier.wait()
        try:
            said.append(str(run(project).report.state))
        except Busy:
            said.append("busy")

    threads = [threading.Thread(target=racing) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(said) <= {"closed", "busy"}
    assert len(arrived(project.root)) == 3


def test_a_broken_template_is_named_with_its_line_before_anything_is_frozen(sqlite_project: Project) -> None:
    look = sqlite_project.root / "templates" / "weekly"
    look.mkdir(parents=True, exist_ok=True)
    (look / "body.html.j2").write_text("<p>\n{{ nothing.like.this }}\n")
    with pytest.raises(TemplateError, match=r"body\.html\.j2:2"):
        run(sqlite_project)
    assert sqlite_project.issues.find(KEY) is None


# What the operator is told.


def test_an_alert_reaches_the_log_the_list_and_every_editor_once(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    hostile = "the source said\r\nBcc: victim@example.org\r\n\r\n.\r\n\0 and half \ud83d of a pair <script>"
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            project.alerts.tell(alerts.issue(KEY), hostile)
    assert "the source said" in caplog.text
    assert len(project.issues.alerts(KEY)) == 1
    project.sender.send_single_mails(project.backend(), stop=threading.Event())
    mails = arrived(project.root)
    assert set(mails) == {"editor@marquee.example"}
    mail = mails["editor@marquee.example"]
    assert mail["Bcc"] is None
    assert KEY in mail["Subject"]
    assert not mail.defects
    html = mail.get_body(("html",))
    assert html is not None
    assert "<script>" not in html.get_content()


def test_an_alert_and_its_mail_are_one_transaction(sqlite_project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from newsletter.sending import outbox

    def failing(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(outbox, "post", failing)
    with pytest.raises(ZeroDivisionError):
        sqlite_project.alerts.tell(alerts.issue(KEY), "something is wrong")
    monkeypatch.undo()
    assert sqlite_project.issues.alerts(KEY) == []
    sqlite_project.alerts.tell(alerts.issue(KEY), "something is wrong")
    assert len(sqlite_project.issues.alerts(KEY)) == 1
