"""Reads the XML of a feed that is broken by feedparser, and returns what `sources.feed.xml` returns.

It can keep feedparser busy for minutes (0.9 MB of unclosed tags: 10 s); `sources.feed.read_feed` sets it limits. What
it does not know: which of an item's fields count.
"""

from __future__ import annotations

import io
import re
from typing import Any

MAX_ITEMS = 10_000

_ENTRY_KEYS = (
    "id",
    "link",
    "permalink",
    "published",
    "updated",
    "author",
    "feedburner_origlink",
    "slash_comments",
    "thr_total",
)
# An empty item inside another is a known fault; feedparser would end the outer one there and lose the rest of it.
_EMPTY_ITEM = re.compile(rb"<item\s*/>|<item>\s*</item>")
# To feedparser a picture's caption (Media RSS `media:description`) is the item's description, or its text.
# Under a name it does not know, and without attributes, it keeps the text apart, and no more.
_CAPTION = re.compile(rb"(</?media:)description(?:\s[^<>]*?)?(/?>)")


def read_broken(data: bytes, *, content_type: str) -> dict[str, Any]:
    """What `sources.feed.xml.read_xml` returns, as feedparser reads it."""
    import feedparser  # few feeds need it

    data = _CAPTION.sub(rb"\1caption\2", _EMPTY_ITEM.sub(b"", data))
    # Without an address: against one, feedparser resolves guids too. A stream, never the bytes themselves: feedparser
    # tries those as the name of a local file first.
    headers = {"content-type": content_type} if content_type else {}
    found = feedparser.parse(
        io.BytesIO(data), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
    )
    feed = found.get("feed", {})
    entries = found.get("entries", [])
    return {
        "version": str(found.get("version") or ""),
        "broken": _what_is_broken(found),
        "title": _text(feed, "title"),
        "link": _text(feed, "link"),
        "language": _text(feed, "language"),
        "count": len(entries),
        "items": [_item(entry) for entry in entries[:MAX_ITEMS]],
    }


def _what_is_broken(found: dict[str, Any]) -> str:
    error = found.get("bozo_exception") if found.get("bozo") else None
    if error is None or type(error).__name__ in ("CharacterEncodingOverride", "NonXMLContentType"):
        return ""
    line = getattr(error, "getLineNumber", lambda: None)()
    text = " ".join(str(getattr(error, "getMessage", lambda: error)()).split())[:120]
    return f"line {line}: {text}" if line else text


def _item(entry: dict[str, Any]) -> dict[str, Any]:
    # dict.get, because feedparser's own looks for other keys when one is absent
    item: dict[str, Any] = {key: _text(entry, key) for key in _ENTRY_KEYS}
    if dict.get(entry, "guidislink"):  # feedparser makes an address of any guid
        item |= {"link": "", "permalink": item["id"]}
    item["title"] = _typed(dict.get(entry, "title_detail"))
    item["summary"] = _typed(dict.get(entry, "summary_detail"))
    contents = [_typed(content) for content in _mappings(entry, "content")]
    item["content"] = max(contents, key=lambda content: len(content[1]), default=["", "", ""])
    if not item["summary"][1]:
        item["summary"] = ["", _text(entry, "media_caption"), ""]  # a video's only description (YouTube)
    for key in ("authors", "tags", "links", "media_content", "media_thumbnail"):
        item[key] = [_texts(mapping) for mapping in _mappings(entry, key)]
    for key in ("image", "media_starrating", "media_statistics"):
        value = dict.get(entry, key)
        item[key] = _texts(value) if isinstance(value, dict) else {}
    return item


def _text(mapping: dict[str, Any], key: str) -> str:
    value = dict.get(mapping, key)
    return value if isinstance(value, str) else ""


def _texts(mapping: dict[str, Any]) -> dict[str, str]:
    return {str(name): value for name, value in mapping.items() if isinstance(value, str)}


def _typed(detail: Any) -> list[str]:
    return [_text(detail, "type"), _text(detail, "value"), ""] if isinstance(detail, dict) else ["", "", ""]


def _mappings(entry: dict[str, Any], key: str) -> list[dict[str, Any]]:
    value = dict.get(entry, key)
    return [item for item in value if isinstance(item, dict)][:100] if isinstance(value, list) else []
