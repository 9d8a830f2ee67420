"""What the interfaces of content systems have in common: JSON objects, one a post, read into articles. Pure.

What it does not know: which system answers and how its fields are named (`sources.wordpress`, `sources.ghost`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from newsletter.errors import SourceError
from newsletter.issue import Article
from newsletter.sources import Pulled
from newsletter.sources.blurb import blocks_of
from newsletter.sources.feed.articles import Told, articles_of
from newsletter.sources.reading import Reading


def json_of(data: bytes, *, system: str) -> Any:
    """The JSON values of an answer. Raises `SourceError` when it is none."""
    try:
        return json.loads(data.decode("utf-8-sig", "replace"), parse_constant=lambda _name: None)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"The answer is no JSON, so no {system} interface; check the address.") from error


def posts_of(found: Sequence[Any], make: Callable[[Mapping[str, Any]], Told], *, reading: Reading) -> Pulled:
    """An article of each object; one that is none, or of which `make` raises `ValueError`, is a line in `problems`."""

    def told(value: Any) -> Told:
        if not isinstance(value, Mapping):
            raise TypeError("it is not an object")
        return make(value)

    return articles_of(found, told, facts=[("", "")] * len(found), count=len(found), site="", reading=reading)


def post(article: Article, *, excerpt: str, content: str) -> Told:
    """An article whose blurb is yet to be chosen, from its excerpt or else its text, both mark-up."""
    return Told(article, blocks_of(excerpt), lambda: blocks_of(content))


def mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def objects(value: Any) -> list[Mapping[str, Any]]:
    """The objects of a list; none of anything else."""
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def text(values: Mapping[str, Any], key: str) -> str:
    value = values.get(key)
    return value if isinstance(value, str) else ""
