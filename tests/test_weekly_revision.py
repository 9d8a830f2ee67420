"""An issue as a text file, taken back: what was changed is decided, all of it or nothing, and no more than that."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings, strategies as st

from newsletter.app import Project
from newsletter.decisions import decisions
from newsletter.errors import Refused
from newsletter.issue import Act, Article, Insert
from newsletter.issues import IssueState
from newsletter.shelf.tables import articles
from newsletter.weekly.editor import Who
from newsletter.weekly.revision import revise, sheet_of
from newsletter.weekly.sheet import Part, Sheet, Story, lines, one_line, read, written
from tests.command_line import NEXT_WEEK, WEEK, demo, run
from tests.projects import TITLES, TOML, make_project
from tests.times import NOW, Clock

ADA, FILE = Who("Ada", "page"), Who("Ben", "file")
SECTIONS = """\
[[sections]]
name = "city"
pick = 3
[[sections]]
name = "film"
pick = 2
match = {{ tag = ["film"] }}
[issue]
min = 1
"""
HOSTILE = ("# [film]\n12 · two\r\nlines\u2028", "\u202edlrow \u200f[city] Note: x", "> " + "long " * 1_000, "\ufeff")


def article(title: str, number: int) -> Article:
    return Article(
        title,
        f"https://www.marquee.example/{number}",
        published=NOW - timedelta(days=1, minutes=number),
        published_from="feed",
        tags=("film",) if number % 2 else (),
    )


def made(root: Path, clock: Clock, database: str = "", titles: tuple[str, ...] = TITLES) -> Project:
    shelf = [article(title, number) for number, title in enumerate(titles, 1)]
    return make_project(
        root, clock=clock, text=TOML + SECTIONS, shelf=shelf, database=database, plain=True, subscribers=1
    )


@pytest.fixture
def project(tmp_path: Path, clock: Clock, database_url: str) -> Project:
    return made(tmp_path / "project", clock, database_url)


def take_back(project: Project, text: str, who: Who = FILE) -> list[tuple[str, int | None]]:
    found = revise(project.weekly, read(text), slot=project.slot(None), who=who)
    return [(one.act, one.article) for one in project.weekly.editor.decide(found.decisions, seen=found.seen)]


def exported(project: Project) -> str:
    return written(sheet_of(project.weekly, project.slot(None)), name="Marquee")


def numbers(sheet: Sheet) -> dict[str, list[int]]:
    return {part.name: [int(story.what) for story in part.stories] for part in sheet.parts}


def every(there: dict[str, list[int]]) -> set[int]:
    return {number for some in there.values() for number in some}


def test_what_was_not_changed_decides_nothing_whatever_a_title_holds(tmp_path: Path, clock: Clock) -> None:
    project = made(tmp_path / "project", clock, titles=HOSTILE)
    text = exported(project)
    assert every(numbers(read(text))) == {1, 2, 3, 4}
    assert take_back(project, text) == []
    assert take_back(project, text.replace("\n4\n", "\n4 · Our own title\n")) == [("edit", 4)]
    assert take_back(project, exported(project)) == []


def test_one_moved_line_is_one_place(project: Project) -> None:
    lines_ = exported(project).splitlines()
    at = lines_.index("[city] City")
    lines_[at + 1 : at + 4] = [lines_[at + 3], lines_[at + 1], lines_[at + 2]]
    last = int(lines_[at + 1].split()[0])
    assert take_back(project, "\n".join(lines_)) == [("move", last)]
    assert numbers(read(exported(project)))["city"][0] == last


def test_a_removed_line_is_dropped_once_and_what_fills_its_place_is_told(project: Project) -> None:
    sheet = sheet_of(project.weekly, project.slot(None))
    there = numbers(sheet)
    gone = there["film"][0]
    text = "\n".join(line for line in written(sheet, name="").splitlines() if not line.startswith(f"{gone} "))
    found = revise(project.weekly, read(text), slot=project.slot(None), who=FILE)
    assert [(one.act, one.article, one.values) for one in found.decisions] == [("drop", gone, {})]
    take_back(project, text)
    after = numbers(read(exported(project)))
    assert {pick.article.id for pick in found.came} == every(after) - every(there)
    assert found.came


def test_an_address_is_taken_in_though_its_article_was_held_or_dropped(project: Project) -> None:
    editor, slot = project.weekly.editor, project.slot(None)
    editor.drop(7, slot=slot, who=ADA)
    editor.hold(6, until="2026-W50", slot=slot, who=ADA)
    text = exported(project)
    assert not {6, 7} & every(numbers(read(text)))
    heading = "[city] City"
    text = text.replace(heading, f"{heading}\nhttps://www.marquee.example/7\n6 · An own title")
    assert ("pin", 7) in take_back(project, text)
    sheet = read(exported(project))
    assert numbers(sheet)["city"][:2] == [7, 6]
    assert sheet.parts[0].stories[:2] == (Story("7", TITLES[6]), Story("6", "An own title"))


def test_words_are_given_changed_and_taken_back(project: Project) -> None:
    take_back(
        project,
        exported(project)
        .replace("Subject:", "Subject: Puddles")
        .replace("Introduction:", "Introduction: It rained.\n\n  A lot.\nNote: ad\n  label: Ad\n  > Umbrellas"),
    )
    issue = project.weekly.pick(project.slot(None))
    assert (issue.subject, issue.intro) == ("Puddles", "It rained.\n\nA lot.")
    assert issue.inserts == (Insert("ad", "Umbrellas", "Ad"),)
    text = exported(project)
    gone = text.replace("Subject: Puddles\n", "").replace("\n\n  A lot.", "").replace("Note: ad\n   label: Ad\n", "")
    assert take_back(project, gone.replace("   > Umbrellas\n", "")) == [
        ("subject", None), ("intro", None), ("insert", None),
    ]  # fmt: skip
    issue = project.weekly.pick(project.slot(None))
    assert (issue.subject, issue.intro, issue.inserts) == ("", "It rained.", ())


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda text: text + "4711 · No such\n", "line {last}: there is no article 4711 on the shelf"),
        (lambda text: text + "https://elsewhere.example/\n", "line {last}: there is no article https://elsewhere.example/"),
        (lambda text: text + "[fim]\n", "line {last}: there is no section “fim”; did you mean film?"),
        (lambda text: text + "1 · Again\n", " already; nothing was changed"),
        (lambda text: text + "Note: ad\n", "line {last}: the note ad has no text"),
        (lambda text: text + "Note: ad\n  http://\n  > x\n", "a note stand"),
        (lambda text: text + "Note: ad\n  http://a_b.-/\n  > x\n", "is no http or https address"),
        (lambda text: text + "nonsense\n", "line {last}: “nonsense” is no story"),
        (lambda text: text.replace("Subject:", "Subject: <b>x</b>"), "line 5: a subject is plain text and “<b>” is mark-up"),
        (lambda text: text.replace("· ", "· " + "x" * 400, 1), "an own title has at most 300 characters"),
        (lambda text: text.replace("Issue: 2026-W47", "Issue: 2026-W46"), "line 4: this is the issue 2026-W46, not 2026-W47"),
        (lambda text: "Subject: x\n", "no story is named; `newsletter issues cancel 2026-W47`"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_by_its_line_and_all_stays(
    tmp_path: Path, clock: Clock, change: Callable[[str], str], sentence: str
) -> None:
    project = made(tmp_path / "project", clock)
    text = exported(project).replace("Introduction:", "Introduction: This would be fine.")
    changed = change(text)
    with pytest.raises(Refused) as refused:
        take_back(project, changed)
    assert sentence.format(last=len(changed.splitlines())) in str(refused.value)
    assert project.decisions.log() == []


def test_what_somebody_decided_meanwhile_is_a_conflict_but_not_ones_own_file(project: Project) -> None:
    text = exported(project)
    number = numbers(read(text))["city"][0]
    other = numbers(read(text))["film"][0]
    title = TITLES[number - 1]
    take_back(project, text.replace(title, "First"))
    take_back(project, text.replace(title, "Second"))
    project.weekly.editor.edit(other, {"dek": "Hers"}, slot=project.slot(None), who=ADA)
    take_back(project, text.replace(title, "Third").replace(f"{other} · ", f"{other} · ").replace(
        TITLES[other - 1], f"{TITLES[other - 1]}\n  > Hers"))  # fmt: skip
    with pytest.raises(Refused, match=r"line \d+: Ada changed this story meanwhile \(edit\)"):
        take_back(project, text.replace(title, "Third").replace(TITLES[other - 1], f"{TITLES[other - 1]}\n  > His"))
    with pytest.raises(Refused, match=r"changed this story meanwhile"):
        take_back(project, text.replace(title, "Fourth"), Who("Cy", "file"))
    assert project.shelf.find(str(number)).article.title == "Third"


def test_an_approved_issue_goes_back_to_review_once_and_a_frozen_one_stays(project: Project, clock: Clock) -> None:
    slot = project.slot(None)
    project.weekly.approval.approve(slot, who=ADA)
    text = exported(project)
    take_back(project, text.replace("Subject:", "Subject: One").replace("Introduction:", "Introduction: Two"))
    row = project.issues.get(slot.key)
    assert (row.state, "changed after its approval by Ben" in row.reason) == (IssueState.REVIEW, True)
    found = revise(project.weekly, read(text), slot=slot, who=FILE)
    assert [one.act for one in found.decisions] == [Act.SUBJECT, Act.INTRO]
    before = project.decisions.log()
    project.weekly.freeze(slot, project.weekly.compose(slot))
    for late in (lambda: project.weekly.editor.decide(found.decisions), lambda: exported(project)):
        with pytest.raises(Refused, match="is sending; it can no longer be changed"):
            late()
    assert project.decisions.log() == before


WORDS = st.text(st.characters(exclude_characters="<"), max_size=30)


@st.composite
def edits(draw: st.DrawFn) -> Sheet:
    """What somebody may make of the issue: other stories, sections, orders and words."""
    chosen = draw(st.permutations(range(1, len(TITLES) + 1)))[: draw(st.integers(1, len(TITLES)))]
    cut = draw(st.integers(0, len(chosen)))
    titles = st.one_of(st.just(""), WORDS.map(one_line))
    story = lambda number: Story(str(number), draw(titles) or TITLES[number - 1], draw(WORDS.map(lines)))  # noqa: E731
    parts = (Part("city", tuple(map(story, chosen[:cut]))), Part("film", tuple(map(story, chosen[cut:]))))
    note = Insert(
        "ad", draw(WORDS.map(lines)), draw(WORDS.map(one_line)), "", draw(st.sampled_from(("", "city", "film")))
    )
    notes = (note,) if note.text else ()
    return Sheet("2026-W47", None, draw(WORDS.map(one_line)), draw(WORDS.map(lines)), parts, notes)


@pytest.fixture(scope="module")
def one_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return made(tmp_path_factory.mktemp("revision") / "project", Clock())


@settings(max_examples=40)
@given(wanted=edits())
def test_an_export_that_was_edited_and_taken_back_is_exported_as_it_was_edited(
    one_project: Project, wanted: Sheet
) -> None:
    project = one_project
    with project.database.write() as connection:
        connection.execute(sa.delete(decisions))
        connection.execute(articles.update().values(edits="{}", dropped_at=None, held_until=""))
    found = revise(project.weekly, read(written(wanted, name="Marquee")), slot=project.slot(None), who=FILE)
    project.weekly.editor.decide(found.decisions)
    came = {str(pick.article.id) for pick in found.came}
    after = read(exported(project))
    kept = tuple(Part(p.name, tuple(one for one in p.stories if one.what not in came)) for p in after.parts)
    assert Sheet(after.key, None, after.subject, after.intro, kept, after.notes) == wanted
    assert take_back(project, exported(project)) == []


def test_the_commands_write_a_file_take_it_back_and_undo_it(tmp_path: Path) -> None:
    project = demo(tmp_path, "pulled")
    file = tmp_path / "issue.txt"
    assert run("issues", "export", WEEK, "--text", "--to", str(file), project=project).stdout == ""
    text = file.read_text(encoding="utf-8")
    assert run("issues", "export", WEEK, project=project).stdout == text
    assert run("issues", "edit", WEEK, "--from", str(file), project=project).stdout == "nothing changed\n"
    text = text.replace("Subject:", "Subject: Puddles").replace("\n9 · ‘Ferry", "\n9 · The Ferry")
    tried = run("issues", "edit", WEEK, "--from", "-", "--dry-run", project=project, answer=text).stdout
    assert "subject: text Puddles\nnothing is decided yet: leave --dry-run out\n" in tried
    assert json.loads(run("articles", "decisions", "--json", project=project).stdout) == []
    done = json.loads(
        run("issues", "edit", WEEK, "--from", "-", "--by", "Ada", "--json", project=project, answer=text).stdout
    )
    assert [(one["decision"], one["act"], one["by"], one["from"]) for one in done["decisions"]] == [
        (1, "edit", "Ada", "file"), (2, "subject", "Ada", "file"),
    ]  # fmt: skip
    for _ in done["decisions"]:
        run("articles", "undo", "--slot", WEEK, project=project)
    restored = run("issues", "export", WEEK, project=project).stdout
    assert restored.replace("decision 4", "decision 0") == file.read_text(encoding="utf-8")
    refused = run("issues", "edit", NEXT_WEEK, "--from", str(file), project=project)
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    assert f"line 4: this is the issue {WEEK}, not {NEXT_WEEK}; nothing was changed" in refused.stderr
