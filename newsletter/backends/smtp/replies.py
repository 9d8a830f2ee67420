"""Read SMTP replies from bytes. Pure, and made for a hostile server: everything has a cap.

`parse` takes what has arrived so far and returns the first whole reply and how many bytes it used, or None when more
has to arrive. It raises `Garbled` for what cannot be, or cannot become, a reply of RFC 5321 §4.2.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from newsletter.characters import clean

LONGEST_LINE = 4_096  # octets; RFC 5321 §4.5.3.1.5 allows 512
MOST_LINES = 128
LONGEST_REPLY = 32_768
LONGEST_TEXT = 500  # characters kept for messages

_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?", re.DOTALL)


class Garbled(Exception):
    """What the server said is not SMTP."""


class Answer(NamedTuple):
    """A reply of the server: its code and the raw texts of its lines."""

    code: int
    lines: tuple[bytes, ...]

    @property
    def good(self) -> bool:
        return 200 <= self.code < 300

    @property
    def text(self) -> str:
        """The reply in one line, fit for a message: no control characters, at most 500 characters."""
        text = " ".join(clean(b" ".join(self.lines).decode("utf-8", "replace")).split())
        return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"


def parse(arrived: bytes) -> tuple[Answer, int] | None:
    """The first reply in `arrived` and its length in bytes; None while it is not whole. Raises `Garbled`."""
    lines: list[bytes] = []
    code = b""
    start = 0
    while (end := arrived.find(b"\n", start)) >= 0:
        match = _LINE.fullmatch(arrived[start:end].removesuffix(b"\r"))
        if match is None or end - start > LONGEST_LINE or (code and match[1] != code):
            raise Garbled
        code = match[1]
        lines.append(match[3] or b"")
        start = end + 1
        if match[2] != b"-":
            return Answer(int(code), tuple(lines)), start
        if len(lines) >= MOST_LINES:
            raise Garbled
    if len(arrived) > LONGEST_REPLY or len(arrived) - start > LONGEST_LINE:
        raise Garbled
    return None
