"""What earlier issues teach about an editor's taste."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from newsletter.highlights import Candidate, choose
from newsletter.highlights.prior import features_of, learn
from newsletter.issue import Article, PastIssue, Section, Slot

NOW = datetime(2026, 11, 19, 1, tzinfo=UTC)
THINGS = ("bridges", "gardens", "ferries", "markets", "towers", "rivers", "harbours", "canals", "parks", "mills")


def article(title: str, number: int = 0, **fields: object) -> Article:
    return Article(
        title=title,
        url=f"https://example.com/{number}",
        published=NOW - timedelta(days=2),
        published_from="feed",
        **fields,  # type: ignore[arg-type]
    )


def weeks(count: int = 10, *, attended: bool = True) -> list[PastIssue]:
    """Weeks in which the film piece was kept and five on football were passed over."""
    return [
        PastIssue(
            kept=[article(f"A film about {THINGS[week % 10]}")],
            passed_over=[article(f"Football and {thing}") for thing in THINGS[:5]],
            attended=attended,
        )
        for week in range(count)
    ]


FILM, FOOTBALL, OTHER = article("Another film", 1), article("More football", 2), article("Choirs", 3)


def test_what_was_kept_before_speaks_for_an_article_and_what_was_passed_over_against_it() -> None:
    prior = learn(weeks(), today=[])
    assert prior.taste(FILM) > prior.taste(OTHER) > prior.taste(FOOTBALL)


def test_the_evidence_is_said_with_its_numbers() -> None:
    prior = learn(weeks(), today=[])
    assert prior.why(FILM) == "you kept 10 of 10 pieces on film"
    assert prior.why(FOOTBALL) == "you kept 0 of 50 pieces on football"
    assert prior.why(OTHER) == ""


def test_what_was_seen_once_says_less_than_what_was_seen_often() -> None:
    past = [*weeks(), PastIssue([article("Jazz at night")], [article("Football again") for _ in range(5)])]
    prior = learn(past, today=[])
    assert 0 < prior.taste(article("Jazz")) < prior.taste(article("Film"))


def test_below_fifty_past_articles_nothing_is_learned() -> None:
    assert not learn(weeks(8), today=[])
    assert learn(weeks(9), today=[])


def test_an_issue_that_nobody_attended_teaches_nothing() -> None:
    assert not learn(weeks(attended=False), today=[])


def test_an_issue_of_which_only_the_kept_are_known_teaches_less() -> None:
    read_in = [PastIssue([article("A film"), article("A garden")]) for _ in range(30)]
    known = [PastIssue([article("A film"), article("A garden")], [article("Football")] * 10) for _ in range(30)]
    today = [FILM, FOOTBALL, OTHER, *(article(f"{thing} at night") for thing in THINGS * 6)]
    weak, strong = learn(read_in, today=today), learn(known, today=today)
    assert 0 < weak.taste(FILM) < strong.taste(FILM)
    assert weak.why(OTHER) == weak.why(FOOTBALL) == ""  # never kept, and hardly ever seen: that is no evidence
    assert weak.why(FILM) == "you kept 30 pieces on film"


def test_an_address_alone_is_read_like_a_title() -> None:
    features = features_of(Article(title="", url="https://www.example.com/guides/2026/the-best-films-in-tokyo"))
    assert features == (
        ("word", "best"), ("word", "film"), ("word", "tokyo"), ("section", "guides"), ("host", "example.com"),
    )  # fmt: skip


def test_sections_authors_and_sources_are_features_each_once() -> None:
    found = features_of(article("Tea", section="Film", tags=("film", "uk"), authors=("Ann",), source="site"))
    assert found == (
        ("word", "tea"), ("section", "film"), ("section", "uk"), ("author", "Ann"), ("source", "site"),
        ("host", "example.com"),
    )  # fmt: skip


@pytest.mark.parametrize("url", ["http://[", "", None, "mailto:a@example.com"])
def test_an_address_that_is_none_has_no_features(url: str | None) -> None:
    assert features_of(Article(title="Tea", url=url)) == (("word", "tea"),)


def test_the_choice_follows_the_prior_where_no_numbers_are_known() -> None:
    def first(past: list[PastIssue]) -> str:
        issue = choose(
            [Candidate(FOOTBALL), Candidate(OTHER), Candidate(FILM)],
            slot=Slot("2026-W47", NOW),
            sections=[Section("highlights", "Highlights", pick=1)],
            now=NOW,
            window_start=NOW - timedelta(days=7),
            max_age=timedelta(days=14),
            past=past,
        )
        (pick,) = issue.picks
        assert ("prior" in {term.name for term in pick.terms}) == bool(past)
        return pick.article.title

    assert (first([]), first(weeks())) == ("Another film", "Another film")
    assert first([PastIssue(week.passed_over or (), week.kept) for week in weeks()]) == "More football"
