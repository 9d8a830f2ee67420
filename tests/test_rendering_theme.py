"""Addresses a letter may use, and the head every letter gets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.rendering_samples import PUBLICATION


@pytest.mark.parametrize(
    "url", ["", "javascript:alert(1)", "data:text/html,x", "//example.org/x", "/x", "https://[bad"]
)
def test_what_is_no_web_address_is_no_picture(url: str) -> None:
    assert PUBLICATION.image_url(url) == ""


@pytest.mark.parametrize("tail", ['" onclick="x', "{{ x }}", "a b", "\r\nBcc: x", "\u202egnp.exe", "<b>"])
def test_no_picture_address_leaves_its_place_in_the_letter(tail: str) -> None:
    shown = PUBLICATION.image_url("https://example.org/" + tail)
    assert shown.startswith("https://example.org/")
    assert not set(shown) & set(" \"'<>{}\r\n\u202e")


def test_stored_pictures_come_from_the_public_pages() -> None:
    assert PUBLICATION.image_url("stored:a b.png") == "https://letters.marquee.example/images/a%20b.png"
    assert PUBLICATION.image_url("stored:../x") == "https://letters.marquee.example/images/..%2Fx"
    assert PUBLICATION.image_url("file:///etc/passwd") == ""


def test_the_feedback_id_names_the_slot_and_ends_with_a_sender_of_at_most_15_characters() -> None:
    head = PUBLICATION.identity(issue="2026-W47").list
    assert head is not None
    assert head.feedback_id == "2026-W47:newsletter:weekly:weeklymarqueeex"
    assert len(head.feedback_id.rpartition(":")[2]) <= 15


def test_languages_written_from_the_right_are_known() -> None:
    assert replace(PUBLICATION, language="he-IL").right_to_left
    assert not PUBLICATION.right_to_left
