"""An issue as a text: read and written are each other's inverse, and what is not understood is told by its line."""

from __future__ import annotations

import pytest
from hypothesis import example, given, strategies as st

from newsletter.errors import Refused
from newsletter.issue import Insert
from newsletter.weekly.sheet import Part, Sheet, Story, lines, one_line, read, written

BY_HAND = """\
# A line that is not read
subject: The week in puddles
Introduction: It rained.

   A lot.

[city-news] whatever stands here
12. The night ferry returns
> Words of our own
   > in two lines.

7
note: ad
\tLabel: Advertisement
\thttps://example.com/u
\t> Umbrellas

[film]
https://example.com/2 - Two
"""
HOSTILE = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="#[]>·:.-) 12\n\r\t\u2028\u200f\u202e\x0b\x85\u00a0\ufeffNote:issue", max_size=40),
    st.sampled_from(
        ("# no comment", "[film]", "Note: ad", "> more", "· · ·", "label: x", "https://example.com", "x" * 5_000)
    ),
)
TEXTS, TITLES = HOSTILE.map(lines), HOSTILE.map(one_line)
WHATS = st.one_of(
    st.integers(1, 10**11 - 1).map(str), st.sampled_from(("https://example.com/a-b", "http://x.example/?q=1:"))
)
STORIES = st.builds(Story, WHATS, TITLES, TEXTS)
NAMES = ("city-news", "film", "x_1")


@st.composite
def sheets(draw: st.DrawFn) -> Sheet:
    names = draw(st.lists(st.sampled_from(NAMES), unique=True))
    parts = tuple(Part(name, tuple(draw(st.lists(STORIES, max_size=4))), draw(TITLES)) for name in names)
    addresses = st.sampled_from(("", "https://example.com/u"))
    afters = st.sampled_from(("", *names))
    notes = draw(st.lists(st.builds(Insert, TITLES, TEXTS, TITLES, addresses, afters), unique_by=lambda one: one.name))
    in_order = sorted(notes, key=lambda one: ("", *names).index(one.after))
    seen = draw(st.none() | st.integers(0, 10**9))
    return Sheet("2026-W47", seen, draw(TITLES), draw(TEXTS), parts, tuple(in_order))


@example(Sheet("2026-W47", intro="a\tb\nc\td", notes=(Insert("ad", "a\tb"),)), "")
@given(sheets(), HOSTILE)
def test_what_is_written_reads_as_it_was(sheet: Sheet, name: str) -> None:
    text = written(sheet, name=name)
    assert read(text) == sheet
    assert read(text.replace("\n", " \r\n")) == sheet


@given(HOSTILE)
def test_words_are_the_same_after_a_second_time(text: str) -> None:
    assert (lines(lines(text)), one_line(one_line(text))) == (lines(text), one_line(text))


def test_a_text_may_be_written_by_hand() -> None:
    assert read(BY_HAND) == Sheet(
        subject="The week in puddles",
        intro="It rained.\n\nA lot.",
        parts=(
            Part(
                "city-news",
                (Story("12", "The night ferry returns", "Words of our own\nin two lines."), Story("7")),
            ),
            Part("film", (Story("https://example.com/2", "Two"),)),
        ),
        notes=(Insert("ad", "Umbrellas", "Advertisement", "https://example.com/u", "city-news"),),
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Subject: x\n12 · A story", "line 2: a story stands below the [section] it is in"),
        ("[film]\nA story", "line 2: “A story” is no story (its number or address comes first), no [section]"),
        ("[film]\n12.5 million", "line 2: “12.5 million” is no story"),
        (
            "[film]\n12 · A story\n\n  by Ada",
            "line 4: below a story stand your own words for it, as lines that begin with >",
        ),
        ("[film]\n> Words", "line 2: “> Words” is set in, and belongs to no story"),
        ("Note: ad\n  Umbrellas", "line 2: below a note stand “label: …”, its http or https address"),
        ("Note: ad\n  javascript:alert(1)", "line 2: below a note stand"),
        ("Note: ad\nNote: ad", "line 2: there is a second “Note: ad”"),
        ("Subject: x\nsubject: x", "line 2: there is a second “Subject: x”"),
        ("Issue: the next one", "line 1: after “Issue:” stands the week, such as 2026-W47"),
    ],
)
def test_what_is_not_understood_is_told_by_its_line(text: str, sentence: str) -> None:
    with pytest.raises(Refused) as refused:
        read(text)
    assert str(refused.value).startswith(sentence)
