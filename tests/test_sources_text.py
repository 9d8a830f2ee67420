from __future__ import annotations

import pytest
from hypothesis import example, given, strategies as st

from newsletter.sources.text import (
    first_sentences,
    labels,
    names,
    one_line,
    plain,
    tidy,
    without_boilerplate,
)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One.</p><p>Two</p>", "One.\nTwo"),
        ("One<br>Two<br/>Three", "One\nTwo\nThree"),
        ("<ul><li>a</li><li>b</li></ul>c", "a\nb\nc"),
        ("<table><tr><td>a</td><td>b</td></tr></table>", "a b"),
        ("wo<b>rd</b>s", "words"),
        ("Fish &amp; Chips &#8217;s", "Fish & Chips ’s"),
        ("&lt;script&gt;alert(1)&lt;/script&gt;", "<script>alert(1)</script>"),
        ("a<script>alert('<p>')</script>b", "ab"),
        ("a<style>p{}</style><!-- <p>no</p> --><svg><text>x</text></svg>b", "ab"),
        ('<img src=x onerror="alert(1)">text', "text"),
        ("<a href='javascript:x'>link</a>", "link"),
        ("a\u202eevil\u202c\u0000\u200b b", "aevil b"),
        ("5 < 6 and 7 > 6", "5 < 6 and 7 > 6"),
        ("  plain \r\n text  ", "plain\ntext"),
        ("<p>unclosed", "unclosed"),
    ],
)
def test_markup_becomes_plain_text(html: str, text: str) -> None:
    assert plain(html) == text


@pytest.mark.parametrize(
    "piece", ["<div>", "<a>", "<b><p>", "<table><tr><td>", "&", "<", "<!--", "<div></x>", "<svg><a></svg>"]
)
def test_hostile_nesting_ends(piece: str) -> None:
    """With a step for every pair of pieces it would take hours, and tests/conftest.py ends what takes so long."""
    plain(piece * (1_000_000 // len(piece)))


@given(st.text(alphabet=st.characters(), max_size=300))
@example("&\ud800")
def test_no_text_breaks_the_cleaning(text: str) -> None:
    clean = plain(text)
    assert "\x00" not in clean
    assert "\u202e" not in clean
    assert clean == tidy(clean)


@pytest.mark.parametrize(
    ("fed", "left"),
    [
        ("A fine thing happened. The post A fine thing appeared first on The Site.", "A fine thing happened."),
        ("Es war schön. Der Rest. [&hellip;]", "Es war schön. Der Rest."),
        ("It stops in the middle […]", "It stops in the middle…"),
        ("It stops in the middle [...]", "It stops in the middle…"),
        ("News. Continue reading News at the Site", "News."),
        ("News. Read more »", "News."),
        ("News. (more…)", "News."),
        ("You can read more about it in the book.", "You can read more about it in the book."),
        ("[…]", ""),
    ],
)
def test_what_only_says_that_there_is_more_is_dropped(fed: str, left: str) -> None:
    assert without_boilerplate(fed) == left


def test_a_summary_ends_with_a_sentence() -> None:
    text = "Mr. Smith of the U.S. Army went home at 5 p.m. on Monday. Then he slept for a very long time and woke up."
    assert first_sentences(text, limit=80) == "Mr. Smith of the U.S. Army went home at 5 p.m. on Monday."
    assert first_sentences("Short.", limit=80) == "Short."
    assert (
        first_sentences("“Is it?” she said. “It is!” And then nothing for long", limit=40)
        == "“Is it?” she said. “It is!”"
    )
    assert first_sentences("これは最初の文です。これは二番目の文です。" * 3, limit=25).endswith("。")


@given(st.lists(st.text("abcdé.! ", min_size=1, max_size=12), min_size=1, max_size=60), st.integers(40, 400))
def test_a_summary_never_cuts_a_word_and_never_exceeds_its_limit(words: list[str], limit: int) -> None:
    line = " ".join(" ".join(words).split())
    cut = first_sentences(line, limit=limit)
    assert len(cut) <= limit
    kept = cut.removesuffix("…")
    assert line.startswith(kept)
    if kept != line and kept:
        rest = line[len(kept) :]
        assert (
            rest[0] == " "
            or kept[-1] == " "
            or " " not in line[:limit]
            or rest.strip(" .!")[:1] == ""
            or rest[0] in ".!"
        )


def test_a_title_is_one_line_of_bounded_length() -> None:
    assert one_line(" a\n b\t c ") == "a b c"
    long = one_line("word " * 100)
    assert len(long) <= 300
    assert long.endswith("word…")


def test_names_of_authors_are_clean_and_each_once() -> None:
    assert names(["By Jane Doe and John Roe", "jane doe", "noreply@example.com (Bob Ross)"]) == (
        "Jane Doe",
        "John Roe",
        "Bob Ross",
    )
    assert names(["Smith, Jane", "AP", "x@example.com", "https://example.com/me", "<b>Ann</b> Lee"]) == (
        "Smith, Jane",
        "AP",
        "Ann Lee",
    )


def test_labels_are_each_once_whatever_their_case() -> None:
    assert labels(["Film", "film", " TV &amp; Radio ", ""]) == ("Film", "TV & Radio")
