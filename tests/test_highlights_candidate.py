"""May an article be chosen at all, and if not, will it ever be?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from newsletter.highlights.candidate import Candidate, eligibility, is_later_piece
from newsletter.issue import Article, PassedOver

NOW = datetime(2026, 11, 19, 1, tzinfo=UTC)
DAY = timedelta(days=1)
ARTICLE = Article(title="A show returns", url="https://example.com/a", published=NOW - DAY, published_from="feed")
PROTECTED = "protected by a password, says its title: never picked by itself"


def judged(candidate: Candidate, *, max_age: timedelta = 14 * DAY) -> PassedOver | None:
    return eligibility(candidate, key="2026-W47", now=NOW, window_start=NOW - 7 * DAY, max_age=max_age)


def aged(days: float) -> Article:
    return replace(ARTICLE, published=NOW - days * DAY)


def test_a_complete_article_of_this_week_may_be_chosen() -> None:
    assert judged(Candidate(ARTICLE)) is None


@pytest.mark.parametrize(
    ("candidate", "reason", "waits"),
    [
        (Candidate(ARTICLE, carried_by="2026-W46"), "carried by 2026-W46", False),
        (Candidate(ARTICLE, dropped=True), "dropped by the editor", False),
        (Candidate(replace(ARTICLE, url=None, published=None)), "incomplete: lacks url, date", True),
        (Candidate(replace(ARTICLE, published_from="guess")), "incomplete: lacks date", True),
        (Candidate(replace(ARTICLE, title="  ")), "incomplete: lacks title", True),
        (Candidate(replace(ARTICLE, sponsored=True)), "sponsored: never picked by itself", False),
        (Candidate(replace(ARTICLE, title="Protected: Members evening")), PROTECTED, False),
        (Candidate(replace(ARTICLE, title="Protégé : Soirée")), PROTECTED, False),
        (Candidate(ARTICLE, held_until="2026-W48"), "held by the editor until 2026-W48", True),
        (Candidate(aged(-1)), "dated in the future (2026-11-20 01:00 UTC)", True),
        (Candidate(aged(40)), "too old: published 2026-10-10, more than 14 days ago", False),
    ],
)
def test_what_may_not_be_chosen_says_why_and_whether_it_waits(
    candidate: Candidate, reason: str, *, waits: bool
) -> None:
    passed = judged(candidate)
    assert passed is not None
    assert (passed.reason, passed.waits) == (reason, waits)


def test_what_did_not_fit_earlier_waits_until_max_age() -> None:
    assert judged(Candidate(aged(14))) is None
    assert judged(Candidate(aged(14.01))) is not None
    of_a_day = judged(Candidate(aged(40)), max_age=DAY)
    assert of_a_day is not None
    assert of_a_day.reason.endswith(", more than 1 day ago")


def test_what_became_too_old_since_the_last_issue_is_told_from_what_always_was() -> None:
    leaving, gone = judged(Candidate(aged(15))), judged(Candidate(aged(22)))
    assert leaving is not None
    assert leaving.reason == "leaves by age: published 2026-11-04, more than 14 days ago, and no issue had room"
    assert gone is not None
    assert gone.reason.startswith("too old")


def test_an_article_held_for_this_issue_may_be_chosen_whatever_its_age() -> None:
    assert judged(Candidate(aged(20), held_until="2026-W47")) is None
    assert judged(Candidate(aged(20), held_until="2026-W46")) is not None


def test_an_article_published_at_this_very_moment_may_be_chosen() -> None:
    assert judged(Candidate(aged(0))) is None


def test_a_title_that_only_speaks_of_protection_may_be_chosen() -> None:
    for title in ("Protected areas grow", "How we are protected: a guide", "Protected:bike lanes"):
        assert judged(Candidate(replace(ARTICLE, title=title))) is None


CARRIED = replace(ARTICLE, guid="g1", published=NOW - 7 * DAY)
OWN = {"guid": "g2", "url": "https://example.com/b"}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, OWN, True),
        ({}, {**OWN, "title": "A show returns again"}, True),
        ({}, {"guid": "g2"}, True),
        ({}, {"guid": "g2", "title": "A show returns again"}, False),
        ({}, {"url": "https://example.com/b"}, False),
        ({}, {**OWN, "source": "wire"}, False),
        ({}, {**OWN, "published": CARRIED.published}, False),
        ({}, {**OWN, "published": None}, False),
        ({"guid": None}, {"guid": None, "url": "https://example.com/b"}, True),
        ({"guid": None}, {"guid": None, "url": "https://example.com/b", "title": "A show returns again"}, False),
        ({"guid": None}, {"guid": None}, False),
    ],
)
def test_a_later_piece_has_names_of_its_own(
    before: dict[str, None], after: dict[str, str | datetime | None], *, expected: bool
) -> None:
    carried = replace(CARRIED, **before)
    assert is_later_piece(replace(carried, **{"published": NOW - DAY, **after}), carried) == expected  # type: ignore[arg-type]
