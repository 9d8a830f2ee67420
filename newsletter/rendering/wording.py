"""Turning values into words for readers: dates, ratings, line lengths. Pure; knows no template."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from itertools import accumulate
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

from newsletter.errors import counted
from newsletter.issue import Card

COLUMNS = 72
_SENTENCE_END = re.compile(r"[.!?\u2026\u3002][\"'\u2019\u201d)\]]*(?=\s)")
_WEEK = re.compile(r"(\d{4})-W(\d{2})")


def shorten(text: str, width: int) -> str:
    """At most `width` characters: whole sentences if they fill most of it, else cut between words with an ellipsis."""
    if len(text) <= width:
        return text
    ends = [found.end() for found in _SENTENCE_END.finditer(text[: width + 1])]
    if ends and ends[-1] > width * 0.6:
        return text[: ends[-1]]
    cut = text[: width - 1]
    space = cut.rfind(" ")
    if space > width * 0.6:
        cut = cut[:space]
    while cut and (unicodedata.combining(text[len(cut)]) or text[len(cut)] == "\u200d" or cut[-1] == "\u200d"):
        cut = cut[:-1]
    return cut.rstrip(" ,;:.-(\u2013\u2014\u2018\u201c\"'") + "…"


def columns(text: str) -> int:
    """How wide a fixed-width screen shows it: East Asian wide characters take two columns."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def wrap(text: str, indent: str = "", width: int = COLUMNS) -> str:
    """Paragraphs in lines of at most `width` columns, each after `indent`. An address is never broken."""
    return "\n".join(_wrapped(" ".join(paragraph.split()), indent, width) for paragraph in text.split("\n"))


def _wrapped(paragraph: str, indent: str, width: int) -> str:
    lines, line, space = [], "", width - columns(indent)
    for word in paragraph.split(" "):
        if line and columns(line) + 1 + columns(word) > space:
            lines.append(line)
            line = ""
        line = f"{line} {word}" if line else word
        while (cut := _cut(line, space)) < len(line) and "://" not in line:
            lines.append(line[:cut])
            line = line[cut:]
    return "\n".join(indent + line for line in [*lines, line])


def _cut(line: str, space: int) -> int:
    """How many characters fit into `space` columns, at least one."""
    widths = accumulate(columns(character) for character in line)
    return max(1, sum(wide <= space for wide in widths))


def underline(text: str, character: str = "-") -> str:
    """A heading of a text part: the text, wrapped, and a rule as wide as it."""
    lines = wrap(text)
    return f"{lines}\n{character * max(columns(line) for line in lines.splitlines() or [''])}"


def rating_words(card: Card) -> str:
    """`4.4 of 5 · 212 ratings`. A page may count its raters without saying what they gave: `3 ratings so far`."""
    count = counted(card.rating_count, "rating") if card.rating_count else ""
    if card.rating is not None and 0 <= card.rating <= 5:
        value = f"{card.rating:.1f} of 5"
        return f"{value} · {count}" if count else value
    return f"{count} so far" if count else ""


def date_words(at: datetime, *, language: str) -> str:
    """A date in words: `Thursday, 19 November 2026`, and the ISO date where the language is not English."""
    if language.lower().startswith("en"):
        return f"{at:%A}, {at.day} {at:%B} {at.year}"
    return at.date().isoformat()


def issue_words(key: str) -> str:
    """What readers call an issue: `Week 47` for the slot `2026-W47`, else the key."""
    found = _WEEK.fullmatch(key)
    return f"Week {int(found[2])}" if found else key


def tagged(url: str, *, utm: Mapping[str, str], key: str) -> str:
    """`url` with the publisher's own query added; what it says already stays. `{slot}` is the slot's key."""
    if not url or not utm:
        return url
    parts = urlsplit(url)
    present = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    added = [
        f"{quote(n, safe='')}={quote(v.replace('{slot}', key), safe='')}" for n, v in utm.items() if n not in present
    ]
    query = "&".join([parts.query, *added] if parts.query else added)
    return urlunsplit(parts._replace(query=query))


def direction(text: str) -> str:
    """`rtl` or `ltr`, by the first letter that has a direction."""
    for character in text:
        kind = unicodedata.bidirectional(character)
        if kind in {"R", "AL"}:
            return "rtl"
        if kind == "L":
            return "ltr"
    return "ltr"


def tidy(text: str) -> str:
    """A text part without trailing blanks and with at most one empty line between two others."""
    lines = "\n".join(line.rstrip(" \t") for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", lines).strip("\n") + "\n"


def hanging(text: str, mark: str) -> str:
    """Wrapped lines after `mark`, the following ones indented as deep as it is wide."""
    return mark + wrap(text, " " * len(mark))[len(mark) :]
