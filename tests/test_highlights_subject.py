"""What an article is about."""

from __future__ import annotations

import pytest

from newsletter.highlights.subject import subject_of
from newsletter.issue import Article, Card


@pytest.mark.parametrize(
    ("title", "subject"),
    [
        ("Netflix\u2019s \u2018All of Us Are Dead\u2019 to Return for Season 2", "all of us are dead"),
        ("Netflix's 'All of Us Are Dead' is the Next Korean Survival Thriller", "all of us are dead"),
        ("“All Of Us Are Dead” (2022) reviewed", "all of us are dead"),
        ("\u2018Grey\u2019s Anatomy\u2019 returns", "greys anatomy"),
        ("'Grey's Anatomy' returns", "greys anatomy"),
        ("The '90s show 'Friends' returns", "friends"),
        ("22 K-Dramas We Can't Wait to Watch This 2022", ""),
        ("Rock 'n' Roll is back", ""),
        ("The twins' mother and the boys' father", ""),
        ("\u2018\u2019", ""),
        ("", ""),
    ],
)
def test_a_quoted_name_in_a_title_is_its_subject(title: str, subject: str) -> None:
    assert subject_of(Article(title=title)) == subject


def test_the_source_knows_best_then_the_card_then_the_title() -> None:
    title, card = "‘One’ returns", Card(name="Two (2021)")
    assert subject_of(Article(title=title)) == "one"
    assert subject_of(Article(title=title, card=card)) == "two"
    assert subject_of(Article(title=title, card=card, subject="Three")) == "three"
