"""The choice in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from newsletter.highlights import Candidate, choose, explain, sentence
from newsletter.issue import Article, Card, Issue, Pick, Section, Signal, SignalKind, Slot, Term

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


def test_why_is_answered_for_a_winner_by_address_guid_title_or_a_part_of_it() -> None:
    expected = f"“{WINNER.title}” is number 1 in highlights: "
    for asked in (
        "https://www.example.com/dead/",
        "http://example.com/dead",
        "example.com/dead",
        "tag:1",
        "all of us are dead TO RETURN",
        "us are dead",
    ):
        answer = explain(issue(), article=asked)
        assert answer is not None, asked
        assert answer.startswith(expected)


def test_why_is_answered_for_a_loser_with_its_score_and_whether_it_waits() -> None:
    answer = explain(issue(), article="https://example.com/heist?id=2")
    assert answer is not None
    assert answer.startswith(
        "“A heist in Manila” is passed over: lost the last place in highlights to "
        "“All of Us Are Dead to return” by .32. It scored 0.35 = popularity .16 (12 views: 25th of 100 among 2)"
    )
    assert answer.endswith("It waits for a later issue.")


def test_why_is_answered_for_what_was_never_in_question() -> None:
    carried = issue(Candidate(WINNER), Candidate(LOSER, carried_by="2026-W46"))
    assert explain(carried, article="A heist in Manila") == "“A heist in Manila” is passed over: carried by 2026-W46."


def test_a_part_of_several_titles_answers_for_each() -> None:
    answer = explain(issue(), article="a")
    assert answer is not None
    assert len(answer.splitlines()) == 2


def test_what_nobody_knows_has_no_answer() -> None:
    for asked in ("https://example.com/", "", "  ", "http://[", "zzz"):
        assert explain(issue(), article=asked) is None


def test_a_sentence_for_people_names_what_stood_out() -> None:
    (pick,) = issue().picks
    assert sentence(pick) == "Much read (8,412 views: 75th of 100 among 2)."
    featured = Term("prominence", 0.2, 1.0, "featured by its source")
    assert sentence(Pick(WINNER, "highlights", 1, 0.2, (featured,))) == "Prominent (featured by its source)."
    assert sentence(Pick(WINNER, "highlights", 1, 0.0)) == "Nothing else stood out more."
