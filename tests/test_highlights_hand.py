"""The editor's hand in a choice: placed is picked, out is out, and undoing everything gives the machine's draft."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings, strategies as st

from newsletter.decisions import effective, marks_of
from newsletter.highlights import Candidate, Hand, choose
from newsletter.highlights.hand import arranged
from newsletter.issue import Act, Article, Decision, IfThin, Issue, Match, Section, Signal, SignalKind, Slot

NOW = datetime(2026, 11, 19, 1, tzinfo=UTC)
DAY = timedelta(days=1)
KEY, NEXT = "2026-W47", "2026-W48"
TOP = Section("top", "Top stories", pick=3)
FILM = Section("film", "Film", pick=2, match=Match(tag=("film",)))
WORDS = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron", "inlet", "jetty", "mesa", "oasis")


def article(number: int, **fields: object) -> Article:
    usual: dict[str, object] = {
        "title": f"{WORDS[number % 12]} {WORDS[(number * 5 + 3) % 12]} {number}",
        "url": f"https://example.com/{number}",
        "published": NOW - 2 * DAY,
        "published_from": "feed",
        "tags": ("film",) if number % 3 == 0 else (),
        "signals": (Signal(SignalKind.VIEWS, 10.0 * number),),
        "id": number,
    }
    return Article(**{**usual, **fields})  # type: ignore[arg-type]


POOL = tuple(article(number) for number in range(1, 13))


def chosen(log: Sequence[Decision], *sections: Section, pool: Sequence[Article | Candidate] = POOL) -> Issue:
    """The issue that the log makes of the pool: with what the shelf would have marked, and with the hand."""
    holds = effective(log)
    candidates = []
    for one in pool:
        candidate = one if isinstance(one, Candidate) else Candidate(one)
        marks = marks_of(made for made in holds if made.article == candidate.article.id)
        dropped, held = marks.dropped_at is not None, marks.held_until
        candidates.append(replace(candidate, dropped=dropped, held_until=held) if marks != marks_of([]) else candidate)
    return choose(
        candidates,
        slot=Slot(KEY, NOW),
        sections=sections or (TOP, FILM),
        now=NOW,
        window_start=NOW - 7 * DAY,
        max_age=14 * DAY,
        hand=Hand.of(holds, key=KEY),
    )


def decided(*made: Decision) -> list[Decision]:
    return [replace(one, number=number, at=NOW) for number, one in enumerate(made, 1)]


def pin(number: int, section: str = "top", position: int | None = None, act: Act = Act.PIN) -> Decision:
    values = {"section": section, **({"position": str(position)} if position else {})}
    return Decision(act, KEY, number, values=values, by="Ada")


def numbers(issue: Issue, section: str = "top") -> list[int | None]:
    return [pick.article.id for pick in issue.in_section(section)]


def reason(issue: Issue, number: int) -> str:
    return next(one.reason for one in issue.passed_over if one.article.id == number)


def test_without_a_hand_the_best_are_picked() -> None:
    assert numbers(chosen([])) == [11, 10, 8]
    assert numbers(chosen([]), "film") == [12, 9]


def test_a_pin_takes_a_place_of_the_quota_and_says_whose_it_is() -> None:
    issue = chosen(decided(pin(1, position=2)))
    assert numbers(issue) == [11, 1, 10]
    assert [pick.position for pick in issue.in_section("top")] == [1, 2, 3]
    assert issue.picks[1].reason == "Ada pinned it here"
    assert issue.picks[1].decision is not None
    assert "took the last place" in reason(issue, 8)


def test_of_two_pins_at_one_position_the_later_stands_there() -> None:
    assert numbers(chosen(decided(pin(1, position=1), pin(2, position=1)))) == [2, 1, 11]
    assert numbers(chosen(decided(pin(1, position=9), pin(2, position=9)))) == [11, 2, 1]


@pytest.mark.parametrize(
    ("positions", "expected"),
    [
        ({"a": 1}, ["a", "x", "y", "z"]),
        ({"a": 4}, ["x", "y", "z", "a"]),
        ({"a": 99}, ["x", "y", "z", "a"]),
        ({"a": 2, "b": 3}, ["x", "a", "b", "y", "z"]),
        ({"a": 1, "b": 1}, ["b", "a", "x", "y", "z"]),
        ({"a": 5, "b": 1}, ["b", "x", "y", "z", "a"]),
    ],
)
def test_a_section_is_arranged_by_position(positions: dict[str, int], expected: list[str]) -> None:
    placed = [(name, replace(pin(1, position=at), number=n)) for n, (name, at) in enumerate(positions.items(), 1)]
    assert arranged(["x", "y", "z"], placed) == expected


def test_more_pins_than_places_are_all_carried_and_named() -> None:
    issue = chosen(decided(*(pin(number) for number in (1, 2, 3, 4))))
    assert sorted(number or 0 for number in numbers(issue)) == [1, 2, 3, 4]
    assert ("top", "4 stories are pinned here, its quota is 3") in issue.notes


def test_a_move_takes_a_story_into_another_section_and_its_place_is_filled() -> None:
    issue = chosen(decided(pin(11, "film", 1, Act.MOVE)))
    assert numbers(issue, "film") == [11, 12]
    assert numbers(issue) == [10, 8, 7]
    assert issue.in_section("film")[0].reason == "Ada moved it here"


def test_a_swap_puts_one_in_the_place_of_another_which_waits() -> None:
    log = decided(Decision(Act.SWAP, KEY, 2, 11, values={"section": "top", "position": "1"}, by="Ada"))
    issue = chosen(log)
    assert numbers(issue) == [2, 10, 8]
    assert reason(issue, 11) == "swapped out by Ada"
    assert next(one for one in issue.passed_over if one.article.id == 11).waits
    back = [*log, replace(pin(11), number=2)]
    assert numbers(chosen(back)) == [2, 10, 11]


def test_dropped_once_is_out_of_this_issue_alone() -> None:
    log = decided(Decision(Act.DROP, KEY, 11, by="Ada"), Decision(Act.DROP, NEXT, 10))
    issue = chosen(log)
    assert numbers(issue) == [10, 8, 7]
    assert reason(issue, 11) == "dropped from this issue by Ada"


def test_the_last_of_place_drop_and_hold_wins() -> None:
    drop, hold = Decision(Act.DROP, KEY, 1, values={"ever": "yes"}), Decision(Act.HOLD, KEY, 1, values={"until": NEXT})
    assert 1 in numbers(chosen(decided(drop, hold, pin(1))))
    assert reason(chosen(decided(pin(1), drop)), 1) == "dropped by the editor"
    assert reason(chosen(decided(pin(1), hold)), 1) == f"held by the editor until {NEXT}"


@pytest.mark.parametrize(
    "fields",
    [{"published": NOW - 90 * DAY}, {"published": NOW + DAY}, {"sponsored": True}, {"title": "Protected: a story"}],
)
def test_a_pin_brings_in_what_is_never_picked_by_itself(fields: dict[str, object]) -> None:
    pool = [*POOL, article(20, **fields)]
    assert 20 not in numbers(chosen([], pool=pool))
    assert 20 in numbers(chosen(decided(pin(20)), pool=pool))


def test_what_an_issue_carried_and_what_is_incomplete_is_not_brought_in_by_a_pin() -> None:
    pool = [Candidate(article(20), carried_by="2026-W46"), Candidate(article(21, url=None))]
    issue = chosen(decided(pin(20), pin(21)), pool=pool)
    assert issue.picks == ()
    assert [reason(issue, 20), reason(issue, 21)] == ["carried by 2026-W46", "incomplete: lacks url"]


def test_a_pinned_story_is_no_near_duplicate_of_a_better_or_a_carried_one_and_others_are_of_it() -> None:
    better = article(30, title="The night ferry returns to the old harbour", signals=(Signal(SignalKind.VIEWS, 999),))
    same = article(31, title="Night ferry returns to the old harbour")
    for before in (Candidate(better), Candidate(better, carried_by="2026-W46")):
        assert 31 not in numbers(chosen([], pool=[before, same]))
        issue = chosen(decided(pin(31)), pool=[before, same])
        assert numbers(issue) == [31]
        assert len(issue.passed_over) == 1


def test_a_thin_section_with_a_pin_is_kept() -> None:
    thin = replace(FILM, name="thin", match=Match(tag=("nothing",)), min=2, if_thin=IfThin.SKIP)
    assert numbers(chosen([], TOP, thin), "thin") == []
    assert numbers(chosen(decided(pin(1, "thin")), TOP, thin), "thin") == [1]


def test_a_place_in_a_section_that_is_gone_lets_the_story_compete() -> None:
    assert numbers(chosen(decided(pin(11, "gone")))) == [11, 10, 8]


def test_an_undo_of_an_undo_holds_again() -> None:
    log = decided(pin(1), Decision(Act.UNDO, KEY, 1, undoes=1), Decision(Act.UNDO, KEY, 1, undoes=2))
    assert 1 not in numbers(chosen(log[:2]))
    assert 1 in numbers(chosen(log))


def test_what_an_undone_decision_had_replaced_holds_again() -> None:
    edit = Decision(Act.EDIT, KEY, 1, values={"title": "Hers"})
    log = decided(edit, replace(edit, values={"title": "His", "dek": "Longer"}), Decision(Act.UNDO, KEY, 1, undoes=2))
    assert marks_of(effective(log)).edits == {"title": "Hers"}


SOME = st.integers(1, 12)
PLACES = st.builds(pin, SOME, st.sampled_from(("top", "film")), st.none() | st.integers(1, 5), st.just(Act.PIN))
MOVES = st.builds(pin, SOME, st.sampled_from(("top", "film")), st.integers(1, 5), st.just(Act.MOVE))
SWAPS = st.builds(
    lambda one, other: Decision(Act.SWAP, KEY, one, other, values={"section": "top", "position": "1"}), SOME, SOME
).filter(lambda made: made.article != made.other)
DROPS = st.builds(
    lambda number, key, values: Decision(Act.DROP, key, number, values=values),
    SOME,
    st.sampled_from((KEY, NEXT)),
    st.sampled_from(({}, {"ever": "yes"})),
)
HOLDS = st.builds(
    lambda number, key: Decision(Act.HOLD, KEY, number, values={"until": key}), SOME, st.sampled_from((KEY, NEXT))
)
UNDOS = st.builds(lambda back: Decision(Act.UNDO, KEY, undoes=back), st.integers(1, 9))
LOGS = st.lists(st.one_of(PLACES, MOVES, SWAPS, DROPS, HOLDS, UNDOS), max_size=12)


def with_numbers(made: Sequence[Decision]) -> list[Decision]:
    """The log as it would be written: an undo takes back one that came before it."""
    log: list[Decision] = []
    for one in decided(*made):
        back = one.number - (one.undoes or 0)
        if back < 1:
            continue
        log.append(replace(one, undoes=back) if one.act is Act.UNDO else one)
    return log


@given(LOGS)
@settings(deadline=None, max_examples=200)
def test_any_sequence_of_decisions_loses_and_doubles_no_article_and_names_what_is_too_much(
    made: list[Decision],
) -> None:
    log = with_numbers(made)
    issue = chosen(log)
    found = Counter([one.article.id for one in (*issue.picks, *issue.passed_over)])
    assert found == Counter(one.id for one in POOL)
    for section in issue.sections:
        picks = issue.in_section(section.name)
        placed = [pick for pick in picks if pick.decision]
        assert [pick.position for pick in picks] == list(range(1, len(picks) + 1))
        assert len(picks) <= max(section.pick, len(placed))
        assert (len(placed) > section.pick) == any(
            "are pinned here" in line for name, line in issue.notes if name == section.name
        )
    hand = Hand.of(effective(log), key=KEY)
    assert {pick.article.id for pick in issue.picks if pick.decision} == set(hand.places)
    assert not {pick.article.id for pick in issue.picks} & set(hand.gone)


@given(LOGS)
@settings(deadline=None, max_examples=100)
def test_undoing_everything_gives_the_machines_draft(made: list[Decision]) -> None:
    log = with_numbers(made)
    for one in effective(log):
        log.append(Decision(Act.UNDO, KEY, one.article, undoes=one.number, number=log[-1].number + 1))
    assert chosen(log) == chosen([])
