"""JSON-LD in an article page: the object that describes the article, and the texts of its values. Pure.

What it does not know: the rest of the page. Broken JSON counts as none; nothing here raises.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from newsletter.sources.html_tree import Element

_ARTICLE_TYPES = re.compile(r"(?:\w*Article|\w*Posting|Report|Review|\w*Review|Recipe|OpinionPiece)", re.IGNORECASE)
_OTHER_TYPES = re.compile(
    r"(?:WebPage|ItemPage|VideoObject|PodcastEpisode|CreativeWork|ImageGallery|LiveBlog\w*)", re.IGNORECASE
)


def json_ld(page: Element) -> Mapping[str, Any]:
    """The JSON-LD object that describes the article, {} when there is none: dated before undated."""
    objects = [node for script in page.iter("script") for node in _objects(script)]
    ranked = [node for form in (_ARTICLE_TYPES, _OTHER_TYPES) for node in objects if _is_a(form, node)]
    dated = (node for node in ranked if first(node.get("datePublished")))
    return next(chain(dated, ranked), {})


def _is_a(form: re.Pattern[str], node: Mapping[str, Any]) -> bool:
    return any(form.fullmatch(name.rpartition("/")[2]) for name in texts(node.get("@type")))


def _objects(script: Element) -> Iterator[Mapping[str, Any]]:
    if "ld+json" not in (script.get("type") or "").lower() or not script.text:
        return
    text = script.text[:1_000_000].strip()
    for wrapping in ("<!--", "//<![CDATA[", "/*<![CDATA[*/"):
        text = text.removeprefix(wrapping)
    for wrapping in (";", "-->", "//]]>", "/*]]>*/"):
        text = text.removesuffix(wrapping).rstrip()
    try:
        found = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return
    waiting, seen = [found], 0
    while waiting and seen < 500:
        node, seen = waiting.pop(0), seen + 1
        if isinstance(node, list):
            waiting[:0] = node[:200]
        elif isinstance(node, dict):
            yield node
            below = (node.get(key) for key in ("@graph", "mainEntity", "mainEntityOfPage"))
            waiting[:0] = [value for value in below if isinstance(value, dict | list)]


def texts(value: Any) -> list[str]:
    """The texts of a JSON-LD value: a text, an object's name or address, or a list of them."""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return [str(value).strip()] if str(value).strip() else []
    if isinstance(value, dict):
        return texts(value.get("name") or value.get("url") or value.get("@value") or value.get("@list"))
    if isinstance(value, list):
        return [text for item in value[:50] if not isinstance(item, list) for text in texts(item)]
    return []


def first(value: Any) -> str:
    return next(iter(texts(value)), "")
