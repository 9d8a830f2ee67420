"""The choice in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from newsletter.highlights import Candidate, choose
from newsletter.issue import Article, Card, Issue, Section, Signal, SignalKind, Slot

NOW = datetime(2026, 11, 19, 1, tzinfo=UTC)
WINNER = Article(
    title="All of Us Are Dead to return",
    url="https://www.example.com/dead/",
    guid="tag:1",
    published=NOW - timedelta(days=2),
    published_from="feed",
    dek="Are you ready?",
    card=Card("All of Us Are Dead", rating_count=3),
    signals=(Signal(SignalKind.VIEWS, 8412),),
)
LOSER = replace(
    WINNER,
    title="A heist in Manila",
    url="https://example.com/heist?id=2",
    guid="tag:2",
    card=None,
    signals=(Signal(SignalKind.VIEWS, 12),),
)


def issue(*candidates: Candidate, pick: int = 1) -> Issue:
    return choose(
        candidates or (Candidate(WINNER), Candidate(LOSER)),
        slot=Slot("2026-W47", NOW),
        sections=(Section("highlights", "Weekly highlights", pick=pick),),
        now=NOW,
        window_start=NOW - timedelta(days=7),
        max_age=timedelta(days=14),
    )


def test_a_reason_names_the_terms_their_numbers_and_the_runner_up() -> None:
    (pick,) = issue().picks
    assert pick.reason == (
        "0.67 = popularity .48 (8,412 views: 75th of 100 among 2) + rating .06 (3 users, no rating value: neutral)"
        " + prominence .06 (not featured: neutral) + completeness .03 (no image) + recency .03 (2 days old)"
        "; beat “A heist in Manila” by .32"
    )
    assert pick.beat == "A heist in Manila"
    assert round(sum(term.points for term in pick.terms), 6) == round(pick.score, 6)


def test_a_pick_without_a_rival_says_so() -> None:
    (pick,) = issue(Candidate(WINNER)).picks
    assert pick.reason.endswith("; no other candidate")
    assert pick.beat == ""


def test_a_tie_says_how_it_was_settled() -> None:
    (pick,) = issue(Candidate(WINNER), Candidate(replace(WINNER, title="Something else", card=WINNER.card))).picks
    assert pick.reason.endswith("; tied with “Something else”, settled by date and address")
