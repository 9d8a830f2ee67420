from __future__ import annotations

import codecs

import pytest

from newsletter.sources.feed.charset import decoded

TEXT = "<rss><title>Caf\u00e9 \u2026</title></rss>"


@pytest.mark.parametrize(
    ("data", "served", "problem"),
    [
        (TEXT.encode(), "", ""),
        (TEXT.encode(), "text/xml; charset=iso-8859-1", ""),
        (codecs.BOM_UTF8 + TEXT.encode(), "text/xml; charset=koi8-r", ""),
        (TEXT.encode("utf-16"), "", ""),
        (TEXT.encode("utf-16-le"), "", ""),
        (TEXT.encode("utf-16-be"), "", ""),
        (TEXT.encode("cp1252"), "text/xml; charset=windows-1252", ""),
        (TEXT.encode("cp1252"), "text/xml; charset=utf-8", ""),
        (TEXT.encode("cp1252"), "text/xml; charset=punycode", ""),
    ],
)
def test_the_bytes_say_more_than_the_server(data: bytes, served: str, problem: str) -> None:
    assert decoded(data, content_type=served) == (TEXT, problem)


@pytest.mark.parametrize("charset", ["windows-1252", "ISO-8859-1", "utf-8", "nonsense", "zlib"])
def test_a_declared_character_set_that_is_wrong_is_told(charset: str) -> None:
    head = f'<?xml version="1.0" encoding="{charset}"?>'
    text, problem = decoded(head.encode() + TEXT.encode("cp1252"))
    assert text == head + TEXT
    told = f"the feed says that it is {charset}, and is not: it was read as cp1252"
    assert problem == ("" if charset in ("windows-1252", "ISO-8859-1") else told)


@pytest.mark.parametrize(
    ("charset", "word"), [("gb2312", "\u6bcf\u5468"), ("shift_jis", "\u65e5\u672c"), ("koi8-r", "\u0424")]
)
def test_other_scripts_are_read_by_what_is_declared(charset: str, word: str) -> None:
    text = f'<?xml version="1.0" encoding="{charset}"?><rss>{word}</rss>'
    assert decoded(text.encode(charset)) == (text, "")


def test_utf_8_that_is_declared_as_another_is_utf_8() -> None:
    text = f'<?xml version="1.0" encoding="gbk"?>{TEXT}'
    assert decoded(text.encode()) == (text, "")


def test_no_bytes_are_too_strange() -> None:
    assert decoded(bytes(range(256)) * 3)[0]
    assert decoded(b"") == ("", "")
