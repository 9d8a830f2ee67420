"""Which characters may go where: each place has one rule, and all rules stand in one module."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from newsletter.characters import clean, ends_envelope, ends_setting, in_markup, readable, url_text, visible

PERSIAN = "\u0646\u0627\u0645\u0647\u200c\u0627\u06cc"
FAMILY = "👩\u200d👧"
TURNED = "\u061c\u200e\u200f\u202a\u202e\u2066\u2069"
BREAKS = "\r\n\x0b\x0c\x1b\x7f\x85\x9f\u2028\u2029"


@pytest.mark.parametrize("harm", BREAKS + TURNED + "\ud800\ufeff")
def test_nothing_ends_or_turns_a_line(harm: str) -> None:
    assert clean(f"Bcc{harm}: x") == "Bcc : x"
    assert harm not in visible(f"a{harm}b")
    assert harm not in url_text(f"https://example.org/{harm}")


@pytest.mark.parametrize("harm", "\x00\x1b\x7f\x85\u00ad\u200b\u2060\u2063\ufeff\ufff9\ud800" + TURNED)
def test_an_article_has_nothing_a_reader_cannot_see(harm: str) -> None:
    assert readable(f"a{harm}b") == "ab"


def test_an_articles_lines_and_letters_stay() -> None:
    assert readable("one\r\ntwo\rthree\u2028four\n\tfive") == "one\ntwo\nthree\nfour\n\tfive"
    for text in (PERSIAN, FAMILY, "né", "\u00a0"):
        assert readable(text) == text
        assert clean(text.strip()) == text.strip()
        assert url_text(text) == text


@pytest.mark.parametrize("harm", "\r\n\x00\x7f\x9f\u2028\ud800")
def test_what_ends_a_setting_or_a_command_is_known(harm: str) -> None:
    assert ends_setting(f"a{harm}b")
    assert ends_envelope(f"a{harm}b@example.org")


def test_what_ends_nothing_is_let_through() -> None:
    assert not ends_setting(f"{PERSIAN} \u200e(2026)")
    assert not ends_envelope("ann+1@example.org")
    assert all(ends_envelope(f"a{mark}b@example.org") for mark in " <>")


def test_mark_up_may_hold_line_ends_and_no_control() -> None:
    assert in_markup("<p>\r\n\t\u200e\u200d</p>") is None
    found = in_markup("<p>\x0b</p>")
    assert found is not None
    assert found.start() == 3


def test_no_other_module_of_the_package_lists_such_characters_itself() -> None:
    package = Path(__file__).resolve().parent.parent / "newsletter"
    listing = re.compile(r"\\u(?:202[89a-e]|206[0-9]|200[bef]|ud800)|\\x7f-|\\x00-|unicodedata\.category")
    found = {file.name for file in package.rglob("*.py") if listing.search(file.read_text("utf-8"))}
    assert found == {"characters.py"}
