"""Words for readers: dates, ratings, lines of a text part, addresses."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from newsletter.issue import Card
from newsletter.rendering import wording
from tests.rendering_samples import NOW


@pytest.mark.parametrize(
    ("card", "says"),
    [
        (Card("x", rating=4.4, rating_count=212), "4.4 of 5 · 212 ratings"),
        (Card("x", rating=4.0), "4.0 of 5"),
        (Card("x", rating_count=3), "3 ratings so far"),
        (Card("x", rating_count=1), "1 rating so far"),
        (Card("x", rating=4.5, rating_count=1204), "4.5 of 5 · 1,204 ratings"),
        (Card("x", rating_count=0), ""),
        (Card("x", rating=float("nan"), rating_count=3), "3 ratings so far"),
        (Card("x", rating=9.1), ""),
    ],
)
def test_a_rating_is_words_and_a_count_alone_is_never_a_value(card: Card, says: str) -> None:
    assert wording.rating_words(card) == says


@given(st.text(), st.integers(2, 200))
def test_a_shortened_text_is_never_longer_than_asked(text: str, width: int) -> None:
    assert len(wording.shorten(text, width)) <= width


def test_a_text_is_cut_between_words_and_says_so() -> None:
    assert wording.shorten("The quick brown fox jumps", 18) == "The quick brown…"


def test_whole_sentences_are_better_than_a_cut_one() -> None:
    text = "Leaked documents reveal how it works. The press applauded. The reporters did not."
    assert wording.shorten(text, 62) == "Leaked documents reveal how it works. The press applauded."


@given(st.text(alphabet=st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp"))))
def test_wrapped_lines_fit_and_lose_no_word(text: str) -> None:
    wrapped = wording.wrap(text, "   ")
    assert all(wording.columns(line) <= 72 for line in wrapped.splitlines())
    assert "".join(wrapped.split()) == "".join(text.split())


def test_an_address_is_never_broken_over_lines() -> None:
    address = "https://example.org/" + "a" * 120
    assert address in wording.wrap(f"Read it here: {address} and come back", "  ").splitlines()[1]


def test_a_heading_has_a_rule_as_wide_as_it_looks() -> None:
    assert wording.underline("Guides") == "Guides\n------"
    assert wording.underline("最新") == "最新\n----"


def test_a_number_hangs_before_its_lines() -> None:
    lines = wording.hanging("word " * 30, "10. ").splitlines()
    assert lines[0].startswith("10. word")
    assert lines[1].startswith("    word")


def test_dates_are_spelled_out_in_english_and_plain_elsewhere() -> None:
    assert wording.date_words(NOW, language="en-GB") == "Thursday, 19 November 2026"
    assert wording.date_words(NOW, language="de") == "2026-11-19"


def test_a_slot_is_a_week_to_its_readers() -> None:
    assert wording.issue_words("2026-W07") == "Week 7"
    assert wording.issue_words("2026-11-19") == "2026-11-19"


@pytest.mark.parametrize(
    ("url", "tagged"),
    [
        ("https://a.example/x", "https://a.example/x?utm_source=w&utm_campaign=2026-W47"),
        ("https://a.example/x?b=%20#top", "https://a.example/x?b=%20&utm_source=w&utm_campaign=2026-W47#top"),
        ("https://a.example/x?utm_source=mine", "https://a.example/x?utm_source=mine&utm_campaign=2026-W47"),
        ("", ""),
    ],
)
def test_the_publishers_query_is_added_and_what_is_there_stays(url: str, tagged: str) -> None:
    assert wording.tagged(url, utm={"utm_source": "w", "utm_campaign": "{slot}"}, key="2026-W47") == tagged


def test_the_direction_is_that_of_the_first_letter() -> None:
    assert [wording.direction(text) for text in ("12 films", "“שלום”", "مسلسل HBO", "…")] == [
        "ltr",
        "rtl",
        "rtl",
        "ltr",
    ]
