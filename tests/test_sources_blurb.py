"""The words under a title: what is printed, and what never is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from benchmarks.blurbs import articles_of, judged
from newsletter.sources.blurb import Repeated, blocks_of, blocks_of_text, blurb, titles_without_tails
from newsletter.sources.feed import parse
from newsletter.sources.reading import Reading

CORPUS = Path(os.environ.get("NEWSLETTER_CORPUS") or Path(__file__).parents[2] / "shared" / "corpus")
STORY = "<p>The mill closed on Monday after two hundred years of flour.</p>"
SAID = "The mill closed on Monday after two hundred years of flour."


@pytest.mark.parametrize(
    "before",
    [
        '<p><a href="https://a.example/x">https://a.example/x</a></p>',
        "<p>www.a.example/other-story</p>",
        "<ul><li>First point</li><li>Second point</li></ul>",
        "<p>• First point • Second point • Third point</p>",
        '<p>Read also: <a href="/x">ten mills that were saved</a></p>',
        '<p><a href="/x">Ten mills that were saved from closing last year</a></p>',
        "<p>Related: live updates from the mill</p>",
        "<p>Lire aussi : dix moulins</p>",
        "<figure><img src='x.jpg'><figcaption>The mill in spring, seen from the river.</figcaption></figure>",
        "<p>Photo: Ada Fernsby / Harbour Light</p>",
        "<p>Millers leave their mill on Monday. (AP Photo/Ada Fernsby)</p>",
        "<p>© Harbour Light 2026</p>",
        "<p>Submitted by editor on Tue, 11/24/2026 - 12:00</p>",
        "<span>The mill</span> <span>editor</span> <span><time>Tue, 11/24/2026 - 12:00</time></span>",
        "<p>There is no excerpt because this is a protected post.</p>",
        "<p>undefined</p>",
        "<p>★</p>",
        "<h2>What happened</h2>",
        "<p>News</p>",
    ],
)
def test_what_a_system_puts_before_the_story_is_not_printed(before: str) -> None:
    assert blurb(blocks_of(f"{before}{STORY}"), title="The mill") == SAID


@pytest.mark.parametrize(
    ("html", "said"),
    [
        (
            f"<p>A standfirst that stands alone above the text</p>{STORY}",
            "A standfirst that stands alone above the text",
        ),
        (f"<p>It is over.</p>{STORY}", f"It is over. {SAID}"),
        (f"<p>The miller said:</p><blockquote>{STORY}</blockquote>", f"The miller said: {SAID}"),
        (f"{STORY[:-4]} (Mills, Harbours)</p>", SAID),
        (f"<p>Updated 11/28/26: {STORY[3:]}", SAID),
        (f"{STORY[:-4]} The owners said that they ...</p>", SAID),
        ("<p>It was a time [&#8230;]</p><p>Related posts: ten more things</p>", "It was a time…"),
        ("<p>Password-protected gates opened at noon.</p>", "Password-protected gates opened at noon."),
        (f'<p><a href="/x">{SAID} It has no other text.</a></p>', f"{SAID} It has no other text."),
        ("• First point of three • Second point of three • The rest follows", ""),
        ("The “Title”\nWhat happened.", "What happened."),
        ("The Title", ""),
    ],
)
def test_the_standfirst_or_the_first_real_sentences_are_printed(html: str, said: str) -> None:
    assert blurb(blocks_of(html), title="The Title") == said


def test_a_line_that_a_source_repeats_is_not_printed() -> None:
    told = [
        blocks_of(f"<p>Our correspondents write every day.</p><p>Story number {n} is about a mill.</p>") for n in "123"
    ]
    repeated = Repeated(told)
    assert [blurb(one, repeated=repeated.lines) for one in told] == [
        f"Story number {n} is about a mill." for n in "123"
    ]
    assert not Repeated(told[:2]).lines


def test_a_text_that_its_source_cuts_in_a_word_ends_behind_the_word_before() -> None:
    line = "The ferry leaves the harbour every morning at six and comes back when the fog has lifted from the islands again"
    told = [blocks_of_text(f"{number}{line}"[:100]) for number in range(5)]
    said = blurb(Repeated(told).mended(told[0]))
    assert said.endswith("…")
    assert line.startswith(said[1:-1])
    assert line[len(said) - 2] == " "
    assert Repeated(told[:1]).mended(told[0]) == told[0]


def test_the_name_of_the_site_is_no_part_of_a_title() -> None:
    assert titles_without_tails(["A mill | Harbour Light", "Salt – and Brass"], site="Harbour light") == [
        "A mill",
        "Salt – and Brass",
    ]
    many = [f"Story {n} - Opinion" for n in range(6)]
    assert titles_without_tails(many) == [f"Story {n}" for n in range(6)]
    assert titles_without_tails(many[:2]) == many[:2]


def test_what_stands_for_a_missing_value_is_absence() -> None:
    feed = """<rss version="2.0"><channel><title>S</title><item><title>A mill</title><link>https://a.example/1</link>
    <author>undefined</author><category>Uncategorized</category><category>Mills</category>
    <description>[object Object]</description></item><item><title>null</title><link>https://a.example/2</link></item>
    </channel></rss>"""
    first, second = parse(feed.encode(), reading=Reading("s")).articles
    assert (first.authors, first.section, first.blurb) == ((), "Mills", "")
    assert second.lacks()[0] == "title"


@given(st.text(alphabet="<>/aplih123 .•:…&;\n\ue001\ue004é", max_size=200))
def test_any_text_gives_one_line(html: str) -> None:
    said = blurb(blocks_of(html), title="a p")
    assert "\n" not in said
    assert not set(said) & {"\ue001", "\ue004"}
    assert len(said) <= 320


@pytest.mark.corpus
@pytest.mark.skipif(not CORPUS.is_dir(), reason="no corpus here: NEWSLETTER_CORPUS names its folder")
def test_an_editor_would_print_nearly_all_of_sixty_blurbs() -> None:
    every = list(judged())
    bad = [f"{one.file} {one.item}" for one in every if not one.accepts(articles_of(one.file)[one.item].blurb)]
    assert len(every) == 60
    assert len(bad) <= 3, bad
