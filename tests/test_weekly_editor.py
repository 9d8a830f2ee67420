"""What an editor decides, on a real project: kept in a log, marked on the shelf, undone, and refused by a sentence."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from newsletter.app import Project
from newsletter.decisions import decisions, rejected_in
from newsletter.errors import Conflict, NewsletterError, Refused
from newsletter.issue import Act, Insert
from newsletter.rendering import render
from newsletter.shelf.tables import articles
from newsletter.weekly.editor import Who
from tests.command_line import WEEK, demo, run
from tests.projects import SITE, TITLES, TOML, again, make_project
from tests.times import NOW, Clock

LEAVING = {"unsubscribe_token": "token"}
ADA, BEN = Who("Ada", "page"), Who("Ben", "page")


@pytest.fixture
def project(tmp_path: Path, clock: Clock, database_url: str) -> Project:
    made = make_project(
        tmp_path / "project",
        clock=clock,
        text=TOML + SITE,
        titles=TITLES,
        database=database_url,
        plain=True,
        subscribers=2,
    )
    made.weekly.pull()
    return made


def number_of(project: Project, title: str) -> int:
    return next(one.article.id or 0 for one in project.shelf.page() if one.article.title == title)


def picked(project: Project) -> list[str]:
    return [pick.article.title for pick in project.weekly.pick(project.slot(None)).picks]


def test_what_is_decided_shows_in_the_issue_and_what_is_undone_does_not(project: Project) -> None:
    editor, slot = project.weekly.editor, project.slot(None)
    draft = picked(project)
    out, last = number_of(project, draft[0]), number_of(project, TITLES[6])
    swap = editor.swap(out, with_=last, section="highlights", position=1, slot=slot, who=ADA)
    assert picked(project) == [TITLES[6], *draft[1:]]
    edit = editor.edit(last, {"title": "Our own title"}, slot=slot, who=BEN)
    intro = editor.say(Act.INTRO, "Dear reader,\n\nit rained.", slot=slot, who=ADA)
    subject = editor.say(Act.SUBJECT, "The week in puddles", slot=slot, who=ADA)
    note = editor.insert(
        Insert("ad", "Buy umbrellas", "Advertisement", "https://example.com/u", "highlights"), slot=slot, who=ADA
    )
    issue = again(project).weekly.pick(slot)
    assert issue.picks[0].article.title == "Our own title"
    assert (issue.intro, issue.subject) == ("Dear reader,\n\nit rained.", "The week in puddles")
    assert issue.inserts == (Insert("ad", "Buy umbrellas", "Advertisement", "https://example.com/u", "highlights"),)
    log = project.decisions.log()
    assert [(one.act, one.by, one.origin, one.at, one.slot_key) for one in log] == [
        (act, by, "page", NOW, slot.key)
        for act, by in (("swap", "Ada"), ("edit", "Ben"), ("intro", "Ada"), ("subject", "Ada"), ("insert", "Ada"))
    ]
    for made in (swap, edit, intro, subject, note):
        editor.undo(made.number, slot=slot, who=ADA)
    issue = project.weekly.pick(slot)
    assert [pick.article.title for pick in issue.picks] == draft
    assert (issue.intro, issue.subject, issue.inserts) == ("", "", ())
    assert not project.shelf.find(str(last)).edited


def test_the_log_on_the_same_shelf_makes_the_same_letter_byte_for_byte(project: Project) -> None:
    editor, slot = project.weekly.editor, project.slot(None)
    numbers = [number_of(project, title) for title in TITLES]
    editor.place(numbers[6], section="highlights", position=1, slot=slot, who=ADA)
    dropped = editor.drop(numbers[5], slot=slot, who=ADA)
    editor.edit(numbers[6], {"title": "Hers", "url": "https://www.marquee.example/own"}, slot=slot, who=ADA)
    editor.edit(numbers[6], {"dek": "His"}, slot=slot, who=BEN)
    editor.hold(numbers[4], until="2026-W49", slot=slot, who=BEN)
    editor.undo(dropped.number, slot=slot, who=BEN)
    before = letter_of(project)
    with project.database.write() as connection:
        log = [dict(row) for row in connection.execute(sa.select(decisions)).mappings()]
        connection.execute(sa.delete(decisions))
        connection.execute(articles.update().values(edits="{}", dropped_at=None, held_until=""))
    assert letter_of(project) != before
    with project.database.write() as connection:
        connection.execute(decisions.insert(), log)
        for number in numbers:
            project.shelf.mark(connection, number, now=NOW)
    assert letter_of(project) == before


def letter_of(project: Project) -> bytes:
    slot, making = project.slot(None), project.weekly.making()
    issue = again(project).weekly.pick(slot)
    letter = render(
        issue, publication=project.publication, theme=making.theme, templates=making.templates, nonce="0" * 12
    )
    return letter.html(LEAVING).encode() + letter.text(LEAVING).encode() + letter.subject.encode()


def test_what_was_taken_out_of_an_issue_is_known_until_it_is_taken_in_again(project: Project) -> None:
    editor, slot = project.weekly.editor, project.slot(None)
    one, two, three, four = (number_of(project, title) for title in TITLES[:4])

    def rejected() -> set[int]:
        with project.database.read() as connection:
            return rejected_in(connection, slot.key)

    editor.drop(one, slot=slot, who=ADA)
    editor.drop(two, slot=project.slot("2026-W48"), who=ADA, ever=True)
    swapped = editor.swap(three, with_=four, section="highlights", position=1, slot=slot, who=BEN)
    assert rejected() == {one, three}
    editor.undo(swapped.number, slot=slot, who=BEN)
    editor.place(one, section="highlights", position=1, slot=slot, who=ADA)
    assert rejected() == set()


def test_a_freeze_says_when_an_editor_attended_the_issue(project: Project, clock: Clock) -> None:
    slot = project.slot(None)
    project.weekly.editor.drop(number_of(project, TITLES[0]), slot=slot, who=ADA)
    clock.forward(timedelta(hours=1))
    row = project.weekly.freeze(slot, project.weekly.compose(slot))
    assert row.attended_at == NOW
    with pytest.raises(Refused, match="2026-W47 is sending; it can no longer be changed"):
        project.weekly.editor.drop(number_of(project, TITLES[1]), slot=slot, who=ADA, ever=False)
    project.weekly.editor.drop(number_of(project, TITLES[1]), slot=slot, who=ADA)  # for ever is for later issues


def test_the_same_story_is_a_conflict_that_keeps_both_texts_and_another_story_is_none(project: Project) -> None:
    editor, slot = project.weekly.editor, project.slot(None)
    one, other = (number_of(project, title) for title in TITLES[:2])
    seen = project.decisions.newest()
    editor.edit(one, {"title": "Ada's title"}, slot=slot, who=ADA, seen=seen)
    editor.edit(other, {"title": "Ben's title"}, slot=slot, who=BEN, seen=seen)
    with pytest.raises(Conflict, match=r"Ada changed this story meanwhile \(edit\)") as refused:
        editor.edit(one, {"title": "Ben's other title"}, slot=slot, who=BEN, seen=seen)
    assert refused.value.theirs == {"title": "Ada's title"}
    assert project.shelf.find(str(one)).article.title == "Ada's title"
    editor.say(Act.INTRO, "Ada's", slot=slot, who=ADA, seen=seen)
    editor.say(Act.SUBJECT, "Ben's", slot=slot, who=BEN, seen=seen)
    with pytest.raises(Conflict, match="Ada changed the intro"):
        editor.say(Act.INTRO, "Ben's", slot=slot, who=BEN, seen=seen)
    editor.edit(one, {"title": "Ben's after a look"}, slot=slot, who=BEN, seen=project.decisions.newest())


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        (lambda e, n, s: e.place(n, section="highlight", slot=s, who=ADA), "did you mean highlights"),
        (lambda e, n, s: e.place(n, section="highlights", position=100, slot=s, who=ADA), "from 1 to 99"),
        (lambda e, n, s: e.place(4711, section="highlights", slot=s, who=ADA), "there is no article 4711"),
        (lambda e, n, s: e.drop(4711, slot=s, who=ADA), "there is no article 4711"),
        (lambda e, n, s: e.swap(n, with_=n, section="highlights", position=1, slot=s, who=ADA), "with itself"),
        (
            lambda e, n, s: e.edit(n, {"title": "x" * 10_000}, slot=s, who=ADA),
            "at most 300 characters, this has 10,000",
        ),
        (lambda e, n, s: e.edit(n, {"title": "A <b>bold</b> title"}, slot=s, who=ADA), "“<b>” is mark-up"),
        (lambda e, n, s: e.edit(n, {"image": "javascript:alert(1)"}, slot=s, who=ADA), "no http or https address"),
        (lambda e, n, s: e.say(Act.INTRO, "<script>", slot=s, who=ADA), "“<script>” is mark-up"),
        (lambda e, n, s: e.insert(Insert("a", "b", after="nowhere"), slot=s, who=ADA), "no section “nowhere”"),
        (lambda e, n, s: e.undo(4711, slot=s, who=ADA), "there is no decision 4711"),
        (lambda e, n, s: e.last(s), "nothing is decided about 2026-W47"),
    ],
)
def test_what_cannot_be_is_refused_by_a_sentence_and_nothing_is_written(project: Project, act, sentence: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(NewsletterError, match=sentence):
        act(project.weekly.editor, number_of(project, TITLES[0]), project.slot(None))
    assert project.decisions.log() == []


def test_a_carried_and_an_incomplete_story_cannot_be_placed(project: Project, clock: Clock) -> None:
    slot = project.slot(None)
    project.weekly.freeze(slot, project.weekly.compose(slot))
    clock.forward(timedelta(days=7))
    carried = next(one.article.id or 0 for one in project.shelf.page() if one.carried_by)
    with pytest.raises(Refused, match="was carried by 2026-W47; no issue carries it again"):
        project.weekly.editor.place(carried, section="highlights", slot=project.coming_slot(), who=ADA)
    left = next(one.article.id or 0 for one in project.shelf.page() if not one.carried_by)
    project.weekly.editor.edit(left, {"published": "2026-11-01T08:00:00+00:00"}, slot=project.coming_slot(), who=ADA)
    assert project.coming_slot().key == "2026-W48"


def test_a_decision_on_a_story_that_has_left_the_shelf_does_no_harm(project: Project) -> None:
    number = number_of(project, TITLES[0])
    made = project.weekly.editor.place(number, section="highlights", slot=project.slot(None), who=ADA)
    with project.database.write() as connection:
        connection.execute(articles.delete().where(articles.c.id == number))
    assert TITLES[0] not in picked(project)
    project.weekly.editor.undo(made.number, slot=project.slot(None), who=ADA)


def test_the_commands_decide_list_and_undo(tmp_path: Path) -> None:
    project = demo(tmp_path, "pulled")
    picks = titles_of(project)
    out, second = picks[0][0], picks[1][0]
    assert (
        f"{out} is out of {WEEK}; it waits for the next (decision 1)"
        in run("articles", "drop", str(out), "--once", "--by", "Ada", project=project).stdout
    )
    assert out not in [number for number, _ in titles_of(project)]
    moved = run("articles", "move", str(second), "--position", "2", "--json", project=project)
    assert '"act": "move"' in moved.stdout
    assert run("articles", "move", str(out), "--position", "2", project=project).exit_code == 1
    assert "is pinned into" in run("articles", "pin", str(out), "--position", "1", project=project).stdout
    assert titles_of(project)[0][0] == out
    waiting = waiting_of(project)
    assert "takes the place of" in run("articles", "swap", str(out), str(waiting), project=project).stdout
    assert titles_of(project)[0][0] == waiting
    listed = run("articles", "decisions", project=project).stdout
    assert [line.split()[-1] for line in listed.splitlines()[1:]] == ["holds"] * 4
    assert "Ada" in listed
    for _ in range(4):
        assert "is undone" in run("articles", "undo", project=project).stdout
    refused = run("articles", "undo", project=project)
    assert (refused.exit_code, "nothing is decided" in refused.stderr) == (1, True)
    assert titles_of(project) == picks


def titles_of(project: Path) -> list[tuple[int, str]]:
    shown = json.loads(run("pick", "--json", project=project).stdout)
    return [(one["article"]["id"], one["section"]) for one in shown["picked"]]


def waiting_of(project: Path) -> int:
    shown = json.loads(run("pick", "--json", project=project).stdout)
    return next(int(one["article"]["id"]) for one in shown["passed_over"] if one["waits"] and one["score"])
