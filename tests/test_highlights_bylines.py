"""Which by-lines say who wrote a piece."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from newsletter.highlights import Candidate, choose
from newsletter.highlights.bylines import Bylines
from newsletter.issue import Article, Section, Signal, SignalKind, Slot

WORDS = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron")
NOW = datetime(2026, 11, 19, 1, tzinfo=UTC)


def signed(*counts: tuple[str, int], source: str = "site") -> list[Article]:
    return [Article("A title", source=source, authors=(name,)) for name, count in counts for _ in range(count)]


@pytest.mark.parametrize(
    ("articles", "houses"),
    [
        pytest.param(signed(("Ann", 4), ("Ben", 2), ("Cy", 2)), set(), id="three writers of a small pool"),
        pytest.param(signed(("Ann", 20), ("Ben", 22), ("Cy", 18)), set(), id="three writers of a large one"),
        pytest.param(signed(("Tram Desk", 40), ("Ann", 4), ("Ben", 6)), {"tram desk"}, id="a desk beside two writers"),
        pytest.param(
            signed(("Tram Desk", 12), *((f"writer {n}", 3) for n in range(29))), {"tram desk"}, id="over a tenth"
        ),
        pytest.param(signed(("Ann", 9), *((f"writer {n}", 3) for n in range(29))), set(), id="not over a tenth"),
        pytest.param(signed(("Tram Desk", 5), ("Ann", 1), ("Ben", 1)), set(), id="a handful"),
        pytest.param(signed(("Ann", 30)), {"ann"}, id="the only one says no more than its source"),
        pytest.param([*signed(("Desk", 9), ("A", 1)), *signed(("Desk", 1), source="blog")], {"desk"}, id="by source"),
        pytest.param([Article("A title", source="site")] * 9, set(), id="nobody signs"),
    ],
)
def test_a_by_line_of_the_house_stands_over_far_more_than_any_writers(
    articles: list[Article], houses: set[str]
) -> None:
    assert Bylines(articles).houses == {("site", name) for name in houses}


def test_agencies_and_houses_are_no_authors_and_spelling_does_not_matter() -> None:
    here, there = (
        Article("A title", source=source, authors=(" Ann  Lee", "REUTERS", "Tram Desk", "")) for source in "ab"
    )
    bylines = Bylines([here, there, *signed(("tram desk", 12), ("Ann Lee", 2), source="a")])
    assert bylines.authors_of(here) == {"ann lee"}
    assert bylines.authors_of(there) == {"ann lee", "tram desk"}


@pytest.mark.parametrize(("name", "signed_more"), [("Staff", 0), ("Reuters", 0), ("Tram Desk", 8)])
def test_a_by_line_of_the_house_costs_nobody_a_place(name: str, signed_more: int) -> None:
    views = [9000, 8000, 7000, 6000, 5000, 400, 300, 100, *[50] * signed_more]
    candidates = [
        Candidate(
            Article(
                f"{WORDS[number % 8]} {number}",
                f"https://example.com/{number}",
                authors=(name,) if number < 4 or number >= 8 else ("Ann",) if number == 5 else (),
                published=NOW - timedelta(days=2),
                signals=(Signal(SignalKind.VIEWS, read),),
            )
        )
        for number, read in enumerate(views)
    ]
    issue = choose(
        candidates,
        slot=Slot("2026-W47", NOW),
        sections=[Section("best", "Best", pick=4)],
        now=NOW,
        window_start=NOW - timedelta(days=7),
        max_age=timedelta(days=14),
    )
    assert [pick.article.signal(SignalKind.VIEWS) for pick in issue.picks] == [9000, 8000, 7000, 6000]
