"""What an editor wrote for an issue stands in its letter: the subject, the introduction, the inserts."""

from __future__ import annotations

import re
from dataclasses import replace

from newsletter.issue import Insert, Issue
from newsletter.letter import Letter
from newsletter.rendering import Templates, render
from tests.rendering_samples import HOSTILE, NONCE, PUBLICATION, THEME, VALUES, week

LINE = Insert("line", "Our reading is on Friday.")
ADVERT = Insert("ad", "Umbrellas since 1911.", "Advertisement", "https://www.umbrellas.example/offer", "highlights")
LAST = Insert("last", "Write to us.", url="https://marquee.example/write", after="dropped")


def letter_of(issue: Issue) -> Letter:
    publication = replace(PUBLICATION, subject="{{ label }}")
    return render(issue, publication=publication, theme=THEME, templates=Templates(), nonce=NONCE)


def in_order(part: str, *pieces: str) -> bool:
    places = [part.find(piece) for piece in pieces]
    return -1 not in places and places == sorted(places)


def test_the_editors_subject_is_the_letters_as_it_was_typed() -> None:
    assert letter_of(replace(week(), subject="Rain & {{ label }}")).subject == "Rain & {{ label }}"
    assert letter_of(week()).subject == "Week 47"


def test_an_introduction_stands_in_paragraphs_above_the_first_section() -> None:
    letter = letter_of(replace(week(), intro="It rained\nfor days.\n \nThen <b>not</b> & we\u202e went.\n\n\nMara"))
    html, text = letter.html(VALUES), letter.text(VALUES)
    assert in_order(html, "Hi Anna,", ">It rained for days.</p>", "Then &lt;b&gt;not&lt;/b&gt; &amp; we", "Mara", "<h2")
    assert in_order(text, "Hi Anna,\n\nIt rained for days.\n\nThen <b>not</b> & we went.\n\nMara\n\n", "HIGHLIGHTS")
    assert "not to miss this week" not in html + text


def test_inserts_stand_before_the_first_section_after_theirs_or_at_the_end() -> None:
    letter = letter_of(replace(week(), inserts=(LAST, ADVERT, LINE)))
    order = (LINE.text, "Night Ferry", ADVERT.label, ADVERT.text, "12 films", "Tuesday", LAST.text, "You get this")
    for part in (letter.html(VALUES), letter.text(VALUES)):
        body = part[part.index("View in browser") :]
        assert in_order(body, *order)


def test_only_a_sponsors_link_is_marked_as_one_and_both_carry_the_publishers_query() -> None:
    letter = letter_of(replace(week(), inserts=(ADVERT, LAST)))
    links = re.findall(r'<a class="link" href="(https://[^"]*)"([^>]*)>([\w.]+)</a>', letter.html(VALUES))
    assert [(url.replace("&amp;", "&"), "sponsored" in more, name) for url, more, name in links] == [
        ("https://www.umbrellas.example/offer?utm_source=weekly&utm_campaign=2026-W47", True, "umbrellas.example"),
        ("https://marquee.example/write?utm_source=weekly&utm_campaign=2026-W47", False, "marquee.example"),
    ]
    assert "[Advertisement]\nUmbrellas since 1911.\nhttps://www.umbrellas.example/offer?utm" in letter.text(VALUES)


def test_hostile_words_of_an_editor_are_text() -> None:
    bad = Insert("bad", HOSTILE, HOSTILE, "javascript:alert(1)", "highlights")
    letter = letter_of(replace(week(), subject=HOSTILE, intro=HOSTILE, inserts=(bad,)))
    html = letter.html(VALUES)
    assert "<script" not in html
    assert "javascript:" not in html
    assert "{{ 7*7 }}" in html
    assert "\n" not in letter.subject
