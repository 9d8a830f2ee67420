"""Near-duplicates are found where it matters: near a place, and beside what is picked or was carried."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from newsletter.highlights import Candidate, choose
from newsletter.issue import Article, Issue, Match, Section, Signal, SignalKind, Slot

NOW = datetime(2026, 11, 19, 1, tzinfo=UTC)
STORY = "Netflix renews its zombie school drama for a second run"
AGAIN = "Netflix renews zombie school drama for second run"


def article(number: int, title: str = "", *, views: float = 0, **fields: object) -> Article:
    return Article(
        title=title or f"{'abcdefghij'[number // 10 % 10] * 5}{'klmnopqrst'[number % 10] * 4}",
        url=f"https://example.com/{number}",
        published=NOW - timedelta(days=2),
        published_from="feed",
        signals=(Signal(SignalKind.VIEWS, views),),
        **fields,  # type: ignore[arg-type]
    )


def chosen(
    *candidates: Article | Candidate, sections: tuple[Section, ...] = (Section("best", "Best", pick=2),)
) -> Issue:
    return choose(
        [found if isinstance(found, Candidate) else Candidate(found) for found in candidates],
        slot=Slot("2026-W47", NOW),
        sections=sections,
        now=NOW,
        window_start=NOW - timedelta(days=7),
        max_age=timedelta(days=14),
    )


def test_a_repeat_of_a_pick_is_found_however_far_behind_it_stands() -> None:
    many = [article(number, views=100 + number) for number in range(60)]
    issue = chosen(article(70, STORY, views=900), article(71, AGAIN, views=1), *many)
    assert [found.url for found in issue.picks[0].related] == ["https://example.com/71"]
    assert issue.passed_over[-1].reason.startswith("near-duplicate")
    assert not issue.passed_over[-1].waits


def test_a_repeat_of_what_was_carried_is_found_however_far_behind_it_stands() -> None:
    many = [article(number, views=100 + number) for number in range(60)]
    issue = chosen(Candidate(article(70, STORY), carried_by="2026-W46"), article(71, AGAIN, views=1), *many)
    assert issue.passed_over[-1].reason.endswith(f"of “{STORY}”, carried by 2026-W46")


def test_the_better_of_two_stands_even_where_another_section_takes_it() -> None:
    films = Section("films", "Films", pick=1, match=Match(category=("film",)))
    better = article(1, STORY, views=900, categories=("film",))
    issue = chosen(better, article(2, AGAIN, views=5), article(3, views=1), sections=(Section("best", "Best"), films))
    assert [pick.article.url for pick in issue.in_section("films")] == ["https://example.com/1"]
    assert [pick.article.url for pick in issue.in_section("best")] == ["https://example.com/3"]
