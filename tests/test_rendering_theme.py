"""Addresses a letter may use, and the head every letter gets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from newsletter.rendering.theme import web_address
from tests.rendering_samples import PUBLICATION


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "javascript:alert(1)",
        "data:text/html,x",
        "//example.org/x",
        "/x",
        "https://",
        "https://[bad",
        "https://example.org:99999/",
        'https://example.org/" onclick="x',
        "https://example.org/{{ x }}",
        "https://example.org/a b",
        "https://example.org/\r\nBcc: x",
        "https://example.org/\u202egnp.exe",
    ],
)
def test_what_is_no_web_address_becomes_none(url: str | None) -> None:
    assert web_address(url) == ""


def test_web_addresses_stay_as_they_are() -> None:
    for url in ("https://example.org/a?b=c&d=%20#e", "http://münchen.example/ä"):
        assert web_address(url) == url


def test_stored_pictures_come_from_the_public_pages() -> None:
    assert PUBLICATION.image_url("stored:a b.png") == "https://letters.marquee.example/images/a%20b.png"
    assert PUBLICATION.image_url("stored:../x") == "https://letters.marquee.example/images/..%2Fx"
    assert PUBLICATION.image_url("file:///etc/passwd") == ""


def test_the_feedback_id_names_the_slot_and_ends_with_a_sender_of_at_most_15_characters() -> None:
    identity = PUBLICATION.identity(about="2026-W47")
    assert identity.feedback_id == "2026-W47:newsletter:weekly:weeklymarqueeex"
    assert len(identity.feedback_id.rpartition(":")[2]) <= 15


def test_languages_written_from_the_right_are_known() -> None:
    assert replace(PUBLICATION, language="he-IL").right_to_left
    assert not PUBLICATION.right_to_left
