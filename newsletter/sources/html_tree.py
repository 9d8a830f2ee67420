"""Parses the bytes of HTML pages, whatever their encoding. Pure.

What it does not know: what a page is about (`sources.page`). Raises `SourceError` when the bytes hold no page at all.
"""

from __future__ import annotations

import codecs
import re
from contextlib import suppress
from itertools import islice
from typing import Any

from lxml import etree

from newsletter.errors import SourceError

MAX_ELEMENTS = 100_000
_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w-]{2,40})", re.IGNORECASE)

Element = Any
"""An lxml element: its stubs say less than the code does."""


def parse_html(data: bytes, *, content_type: str = "") -> Element:
    """The `<html>` element, parsed without network, entities or huge trees. Raises `SourceError`."""
    # no network, no huge tree and recovery from faults are what the parser does by itself
    parser = etree.HTMLParser(encoding=_encoding(data, content_type), remove_comments=True, remove_pis=True)
    try:
        page = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise SourceError("The page holds no HTML that can be read; check the address or the file.") from error
    if page is None:
        raise SourceError("The page is empty; check the address or the file.")
    if sum(1 for _ in islice(page.iter(), MAX_ELEMENTS + 1)) > MAX_ELEMENTS:
        raise SourceError(f"The page has more than {MAX_ELEMENTS:,} elements; is it an article?")
    return page


def _encoding(data: bytes, content_type: str) -> str:
    """The encoding: byte order mark, then UTF-8 if it fits, then HTTP, then the page's own word, else Windows-1252.

    What is said is often a server's default or a template's; text in another encoding is hardly ever valid UTF-8.
    """
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16le"), (b"\xfe\xff", "utf-16be")):
        if data.startswith(mark):
            return encoding
    if not data.isascii():
        with suppress(UnicodeDecodeError):
            data.decode("utf-8")
            return "utf-8"
    said = re.search(r"charset=[\"']?([\w-]{2,40})", content_type, re.IGNORECASE)
    inside = _CHARSET.search(data[:8192])
    for name in (said.group(1) if said else "", inside.group(1).decode("ascii", "replace") if inside else ""):
        try:
            codecs.lookup(name)
        except LookupError:
            continue
        # browsers read both as Windows-1252 (WHATWG Encoding §4.2)
        return {"iso-8859-1": "cp1252", "us-ascii": "cp1252", "ascii": "cp1252"}.get(name.lower(), name)
    return "utf-8" if data.isascii() else "cp1252"
