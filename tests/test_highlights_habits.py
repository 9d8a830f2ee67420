"""What an issue does that the newsletter's earlier ones did not: each kind of note, and the silence beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from newsletter.highlights import LOOKED_BACK, unusual
from newsletter.issue import Article, Image, Issue, Pick, Section, Slot
from tests.command_line import run
from tests.projects import SITE, make_project, run_week
from tests.times import Clock

SECTIONS = (Section("film", "Film"), Section("stage", "On stage"))
_START = datetime(2026, 1, 1, 7, tzinfo=UTC)
_numbers = count()


def words(number: int) -> str:
    """Three words that no other number has."""
    letters = "".join("abcdefghijklmnop"[int(digit, 16)] for digit in f"{number:05x}")
    return f"{letters}um {letters[::-1]}ar {letters[2:] + letters[:2]}is"


def article(title: str = "", **fields: object) -> Article:
    number = next(_numbers)
    values: dict[str, object] = {"url": f"https://example.com/{number}", "source": f"source {number % 7}", **fields}
    return Article(title or words(number), **values)  # type: ignore[arg-type]


def issue(week: int = 40, *, film: int | Sequence[Article] = 3, stage: int | Sequence[Article] = 2) -> Issue:
    chosen = []
    for name, those in (("film", film), ("stage", stage)):
        articles = [article() for _ in range(those)] if isinstance(those, int) else those
        chosen += [Pick(one, name, place, 0.5) for place, one in enumerate(articles, 1)]
    return Issue(Slot(f"2026-W{week:02}", _START + timedelta(weeks=week)), SECTIONS, tuple(chosen), subject=words(week))


def history(*, film: Mapping[int, int | Sequence[Article]] | None = None, weeks: int = 10) -> list[Issue]:
    """Issues of three or four films and two plays; `film` says what else some of them had."""
    return [issue(week, film=(film or {}).get(week, 3 + week % 2)) for week in range(weeks)]


def notes(of: Issue, earlier: Sequence[Issue]) -> list[tuple[str, str]]:
    return [(note.id, note.message) for note in unusual(of, earlier)]


def test_an_issue_like_the_others_has_no_note() -> None:
    assert notes(issue(), history(weeks=LOOKED_BACK)) == []


def test_before_eight_issues_nothing_is_usual() -> None:
    assert notes(issue(film=9), history(weeks=7)) == []
    assert notes(issue(film=9), history(weeks=8)) != []


def test_a_section_outside_its_usual_size_is_named_with_that_size() -> None:
    assert notes(issue(film=7), history()) == [("section.size", "Film has 7 stories; it usually has 3 to 4")]
    assert notes(issue(film=1, stage=0), history()) == [
        ("section.size", "On stage has no story; it usually has 2"),
    ]
    assert notes(issue(film=5), history()) == []


def test_a_section_that_is_often_empty_may_be_empty() -> None:
    assert notes(issue(film=0), history(film={2: 0, 5: 0})) == []


def test_a_section_missing_for_three_issues_is_told_again() -> None:
    gone = history(film={8: 0, 9: 0})
    assert notes(issue(film=0), gone) == [
        ("section.missing", "Film has no story in 3 issues running; it usually has 3 to 4")
    ]
    assert notes(issue(film=3), gone) == []


def test_a_section_that_was_taken_out_of_the_settings_is_not_missed() -> None:
    assert notes(replace(issue(film=0), sections=SECTIONS[1:]), history()) == []


def test_a_source_with_more_than_its_usual_share_is_named() -> None:
    many = [article(source="source 1") for _ in range(3)]
    (found,) = notes(issue(film=many), history())
    assert found[0] == "source.share"
    assert "of 5 stories; it usually has 0 to " in found[1]


def test_a_newsletter_of_one_source_may_have_one_source() -> None:
    def of_one(one: Issue) -> Issue:
        return replace(
            one, picks=tuple(replace(pick, article=replace(pick.article, source="us")) for pick in one.picks)
        )

    assert notes(of_one(issue()), [of_one(one) for one in history()]) == []
    assert [kind for kind, _ in notes(of_one(issue()), history())] == ["source.share"]


@pytest.mark.parametrize(("field", "called"), [("subject", "subject"), ("intro", "introduction")])
def test_words_used_before_are_told_unless_they_are_a_habit(field: str, called: str) -> None:
    now = replace(issue(), **{field: "The  best of it!"})  # type: ignore[arg-type]
    same = {field: "The best of it"}
    earlier = [replace(one, **same) if number == 4 else one for number, one in enumerate(history())]  # type: ignore[arg-type]
    assert notes(now, earlier) == [
        (f"{called}.repeated", f"the {called} is that of 2026-W04; each issue usually has its own")
    ]
    assert notes(now, [replace(one, **same) for one in earlier]) == []  # type: ignore[arg-type]


RENEWED = "Netflix renews its zombie school drama for a second run"


@pytest.mark.parametrize(
    ("week", "title", "told"),
    [
        (8, "Netflix renews zombie school drama for second run", True),
        (1, "Netflix renews its zombie school drama for the second run", True),
        (8, "Netflix will renew its zombie school drama for a second run at last", True),
        (1, "Netflix will renew its zombie school drama for a second run at last", False),
        (8, "Netflix renews its zombie school drama for a third run", False),
        (8, "Apple renews its zombie family drama for a second run", False),
    ],
)
def test_a_story_told_before_under_another_title_is_named_with_both(week: int, title: str, told: bool) -> None:  # noqa: FBT001
    earlier = history(film={week: [article(RENEWED), article(), article()]})
    again = article(title)
    found = unusual(issue(film=[again, article(), article()]), earlier)
    assert [(note.id, note.story, note.url) for note in found] == (
        [("story.repeated", title, again.url)] if told else []
    )
    if told:
        assert found[0].message == f"“{title}” was told in 2026-W{week:02} as “{RENEWED}”; a story is usually told once"


def test_a_story_at_the_address_of_an_earlier_one_is_told_again_whatever_its_title() -> None:
    old = article(RENEWED)
    again = article("Zombies: the return", url=f"{old.url}?utm_source=feed")
    (found,) = notes(issue(film=[again, article(), article()]), history(film={2: [old, article(), article()]}))
    assert found[1] == f"“Zombies: the return” was told in 2026-W02 as “{RENEWED}”; a story is usually told once"


def test_a_story_twice_in_one_issue_is_told_once() -> None:
    twice = issue(film=[article(RENEWED), article()], stage=[article(RENEWED), article()])
    assert notes(twice, history()) == [
        ("story.repeated", f"“{RENEWED}” stands twice in this issue; a story is usually told once")
    ]


def test_a_column_and_a_numbered_series_are_no_repetition() -> None:
    column = "What we are watching this weekend"
    weeks = {
        week: [article(column), article(f"Notes from the pit orchestra, part {week}"), article()] for week in range(10)
    }
    now = issue(film=[article(column), article("Notes from the pit orchestra, part 11"), article()])
    assert notes(now, history(film=weeks)) == []


def test_what_a_sponsor_pays_for_may_return() -> None:
    paid = article(sponsored=True)
    assert notes(issue(film=[paid, article(), article()]), history(film={9: [paid, article(), article()]})) == []


def test_an_author_of_three_stories_is_named() -> None:
    by_her = [article(authors=("Odalys  Ferrer",)) for _ in range(3)]
    once = {week: [article(authors=("Odalys Ferrer",)), article(authors=("Ben Ito",)), article()] for week in range(10)}
    assert notes(issue(film=by_her), history(film=once)) == [
        ("author.often", "Odalys  Ferrer wrote 3 stories; one author usually has at most 1")
    ]
    as_often = {3: [article(authors=("Odalys Ferrer",)) for _ in range(3)]}
    assert notes(issue(film=by_her), history(film={**once, **as_often})) == []


def test_the_house_is_no_author() -> None:
    house = {week: [article(authors=("Staff",)), article(authors=("Ben Ito",)), article()] for week in range(10)}
    assert notes(issue(film=[article(authors=("Staff",)) for _ in range(3)]), history(film=house)) == []


def test_a_picture_used_before_is_told_in_whatever_size() -> None:
    def pictured(name: str) -> list[Article]:
        return [article(image=Image(f"https://example.com/{name}.jpg")), article(), article()]

    earlier = history(film={3: pictured("pier-300x200")})
    now = issue(film=pictured("pier"))
    title = now.picks[0].article.title
    assert notes(now, earlier) == [
        ("picture.repeated", f"the picture of “{title}” was used in 2026-W03; each story usually has its own")
    ]
    assert notes(issue(film=pictured("boat")), earlier) == []
    assert notes(now, history(film={week: pictured("pier") for week in range(10)})) == [], "the mark of a column"


def test_headlines_all_of_one_kind_are_told() -> None:
    def asking(number: int) -> list[Article]:
        return [article(f"Is {words(next(_numbers))} it?") for _ in range(number)]

    assert notes(issue(film=asking(3), stage=asking(2)), history()) == [
        ("headlines.alike", "all 5 headlines are questions; they are usually mixed")
    ]
    assert notes(issue(film=asking(3)), history()) == []


def test_headlines_that_all_begin_with_one_word_are_told_unless_that_is_a_habit() -> None:
    def reviews() -> list[Article]:
        return [article(f"Review: {words(next(_numbers))}") for _ in range(4)]

    now = issue(film=reviews(), stage=0)
    kinds = [("headlines.alike", "all 4 headlines begin with “Review:”; they are usually mixed")]
    assert [one for one in notes(now, history()) if one[0] == kinds[0][0]] == kinds
    always = [issue(week, film=reviews(), stage=0) for week in range(10)]
    assert notes(now, always) == []


def test_check_lists_notes_and_succeeds(tmp_path: Path) -> None:
    project = make_project(tmp_path, clock=Clock(_START), more=SITE, plain=True, subscribers=1)
    assert project.settings.sections
    for title, at in ((RENEWED, _START), (RENEWED.replace("a second", "the second"), _START + timedelta(weeks=1))):
        project = make_project(tmp_path, clock=Clock(at))
        others = [article(source="site"), article(title, source="site", guid=title)]
        dated = [replace(one, published=at - timedelta(days=1), published_from="feed") for one in others]
        project.shelf.put(dated, now=at)
        if title == RENEWED:
            run_week(project)
    done = run("--now", (_START + timedelta(weeks=1)).isoformat(), "check", "--json", project=tmp_path)
    assert done.exit_code == 0, done.output
    found = [one for one in json.loads(done.stdout)["findings"] if one["level"] == "note"]
    assert [one["id"] for one in found] == ["story.repeated"]
