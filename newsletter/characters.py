"""Characters that harm the place a text goes to: controls, direction overrides, what nobody sees. Pure.

One function a place, for the places differ: a letter's head may hold no line end and a terminal no escape sequence,
while an article keeps its paragraphs. U+200C and U+200D are never touched: Persian, Indic and emoji texts are spelt so.
What it does not know: mark-up (`sources.text`), headers (`letter`), which addresses are usable (`links`).
"""

from __future__ import annotations

import re
import unicodedata

_CONTROLS = r"\x00-\x1f\x7f-\x9f"
_SEPARATORS = r"\u2028\u2029"
_DIRECTIONS = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # Bidi_Control (UAX #9 §2)
_OVERRIDES = re.compile("[\u202d\u202e]")
_SURROGATES = r"\ud800-\udfff"
_UNSEEN = r"\u00ad\u200b\u2060-\u2065\ufeff\ufff9-\ufffb"

_IN_A_LINE = re.compile(f"[{_CONTROLS}{_SEPARATORS}{_DIRECTIONS}{_SURROGATES}\ufeff]+")
_IN_A_TEXT = re.compile(rf"[\x00-\x08\x0b-\x1f\x7f-\x9f{_DIRECTIONS}{_SURROGATES}{_UNSEEN}]")
_LINE_END = re.compile(rf"\r\n?|[{_SEPARATORS}]")
_IN_MARKUP = re.compile(rf"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff{_SURROGATES}]")
NOT_IN_XML = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|&#(?:0*(?:[0-8]|1[124-9]|2\d|3[01])|[xX]0*(?:[0-8bcefBCEF]|1[\da-fA-F]));"
)
"""A character that XML 1.0 (§2.2) forbids, written out or as a reference to it."""
_IN_A_SETTING = re.compile(f"[{_CONTROLS}{_SEPARATORS}{_SURROGATES}]")
_IN_AN_ENVELOPE = re.compile(f"[ <>{_CONTROLS}{_SEPARATORS}{_SURROGATES}]")
_IN_A_URL = re.compile(f"[{_CONTROLS}{_SEPARATORS}{_DIRECTIONS}{_SURROGATES}\u200b\ufeff]")


def clean(text: str) -> str:
    """One line for a letter, a header or a terminal: what would end the line or turn it round becomes a space."""
    return (text if text.isprintable() else _IN_A_LINE.sub(" ", text)).strip()


def readable(text: str) -> str:
    """An article's text: its lines ended by `\\n`, composed (NFC), without what a reader cannot see."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return unicodedata.normalize("NFC", _IN_A_TEXT.sub("", _LINE_END.sub("\n", text)))


def turns_round(text: str) -> bool:
    """Whether letters of a text stand in another order than they are written, which no language needs (UAX #9 §2.2)."""
    return _OVERRIDES.search(text) is not None


def visible(line: str) -> str:
    """A line for a console, with U+FFFD for everything that is not printable: what is there has to be seen."""
    return line if line.isprintable() else "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)


def url_text(text: str) -> str:
    """A web address without what a browser drops from it or nobody sees; spaces stay."""
    return _IN_A_URL.sub("", text)


def in_markup(html: str) -> re.Match[str] | None:
    """The first character at which parsers stop and mail services cut a letter off."""
    return _IN_MARKUP.search(html)


def ends_setting(text: str) -> bool:
    """Whether a setting would end the header, page or path it is put into."""
    return _IN_A_SETTING.search(text) is not None


def ends_envelope(address: str) -> bool:
    """Whether a mail address would end or break the SMTP command it stands in (RFC 5321 §4.1.2)."""
    return _IN_AN_ENVELOPE.search(address) is not None
