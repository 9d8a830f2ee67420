"""Replies of a server, as bytes, however they arrive."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, strategies as st

from newsletter.backends.smtp.replies import LONGEST_REPLY, Answer, Garbled, parse


@pytest.mark.parametrize(
    ("arrived", "code", "text"),
    [
        (b"250 2.0.0 Ok: queued as 4F3\r\n", 250, "2.0.0 Ok: queued as 4F3"),
        (b"250\r\n", 250, ""),
        (b"250 \r\n", 250, ""),
        (b"250 only a line feed\n", 250, "only a line feed"),
        (b"550-5.1.1 no such\r\n550 5.1.1 user\r\n", 550, "5.1.1 no such 5.1.1 user"),
        (b"250-\r\n250 x\r\n", 250, "x"),
        (b"354 caf\xc3\xa9 \xff\x1b[2J\x00\r\n", 354, "café � [2J"),
    ],
)
def test_a_whole_reply_is_read(arrived: bytes, code: int, text: str) -> None:
    found = parse(arrived + b"220 next")
    assert found is not None
    answer, used = found
    assert (answer.code, answer.text, used) == (code, text, len(arrived))


@pytest.mark.parametrize("arrived", [b"", b"2", b"250", b"250 ok", b"250 ok\r", b"250-a\r\n", b"250-a\r\n250", b"junk"])
def test_a_part_of_a_reply_waits_for_the_rest(arrived: bytes) -> None:
    assert parse(arrived) is None


@pytest.mark.parametrize(
    "arrived",
    [
        b"\r\n",
        b"hello\r\n",
        b"25 ok\r\n",
        b"2500 ok\r\n",
        b"150 no such class\r\n",
        b"650 no such class\r\n",
        b"250_ok\r\n",
        b" 250 ok\r\n",
        b"250-a\r\n550 b\r\n",
        b"250-a\r\n" * 200,
        b"250 " + b"x" * 5_000 + b"\r\n",
        b"x" * (LONGEST_REPLY + 1),
    ],
)
def test_what_is_not_a_reply_is_refused(arrived: bytes) -> None:
    with pytest.raises(Garbled):
        parse(arrived)


@given(st.binary(max_size=300))
def test_no_bytes_do_anything_else(arrived: bytes) -> None:
    with contextlib.suppress(Garbled):
        found = parse(arrived)
        if found:
            answer, used = found
            assert 200 <= answer.code < 600
            assert 0 < used <= len(arrived)
            assert answer.text.isprintable()


@given(st.lists(st.text(st.characters(exclude_characters="\r\n", codec="utf-8"), max_size=30), min_size=1, max_size=5))
def test_a_reply_cut_anywhere_is_the_same_reply(lines: list[str]) -> None:
    whole = b"".join(
        b"250%c%s\r\n" % (b"-" if at < len(lines) - 1 else b" ", line.encode()) for at, line in enumerate(lines)
    )
    for cut in range(len(whole)):
        assert parse(whole[:cut]) is None
    assert parse(whole) == (Answer(250, tuple(line.encode() for line in lines)), len(whole))


def test_the_text_for_people_is_short() -> None:
    assert len(Answer(250, (b"x" * 4_000,)).text) == 500
