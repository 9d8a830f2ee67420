"""Writes an article as text for the database and reads it back; applies edits and second readings. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from datetime import datetime
from typing import Any

from newsletter.database import storable
from newsletter.issue import Article, Card, Image

_NAMES = tuple(field.name for field in fields(Article))


def dump(article: Article) -> str:
    """The article as JSON text, without its signals: those have a history of their own."""
    stored = {name: getattr(article, name) for name in _NAMES} | {"signals": (), "id": None, "first_seen": None}
    return storable(json.dumps(stored, default=_as_json, ensure_ascii=False, sort_keys=True))


def _as_json(value: Any) -> Any:
    # asdict of the whole article would copy every text: a third of the time of taking a pull in
    return value.isoformat() if isinstance(value, datetime) else asdict(value)


def dump_article(article: Article) -> dict[str, Any]:
    """The article as JSON values, without its signals."""
    stored: dict[str, Any] = json.loads(dump(article))
    return stored


def load_article(stored: Mapping[str, Any]) -> Article:
    """The article of a mapping that `dump_article` returned."""
    values = dict(stored)
    for name in ("published", "updated"):
        values[name] = datetime.fromisoformat(values[name]) if values.get(name) else None
    values["image"] = Image(**values["image"]) if values.get("image") else None
    card = values.get("card")
    values["card"] = Card(**{**card, "produced_by": tuple(card["produced_by"])}) if card else None
    for name in ("authors", "categories", "tags", "related"):
        values[name] = tuple(values.get(name) or ())
    values["signals"] = ()
    return Article(**values)


def edited(article: Article, edits: Mapping[str, str]) -> Article:
    """The article in the editor's own words."""
    words: dict[str, Any] = {name: edits[name] for name in ("title", "dek", "url") if edits.get(name)}
    if edits.get("image"):
        words |= {"image": Image(edits["image"])}
    if edits.get("published"):
        words |= {"published": datetime.fromisoformat(edits["published"]), "published_from": "editor"}
    return replace(article, **words) if words else article


def read_again(before: Article, now: Article) -> Article:
    """The article after its source described it anew.

    The words are the new ones. Of the dates the earliest trusted one is kept: a later date, or none, does not make an
    old article new. A title or an address that the source no longer states is kept.
    """
    trusted = [(one.published, one) for one in (before, now) if one.published and one.published_from != "guess"]
    newest = now if now.published else before
    dated = min(trusted, key=lambda pair: pair[0])[1] if trusted else newest
    return _dated_as(replace(now, title=now.title or before.title, url=now.url or before.url), dated)


def completed(article: Article, other: Article) -> Article:
    """The article with the fields it lacks taken from another source's account of it."""
    lacks = article.lacks()
    if "title" in lacks:
        article = replace(article, title=other.title)
    if "url" in lacks:
        article = replace(article, url=other.url)
    if "date" in lacks and other.published is not None:
        article = _dated_as(article, other)
    return article


def _dated_as(article: Article, other: Article) -> Article:
    return replace(
        article, published=other.published, published_raw=other.published_raw, published_from=other.published_from
    )
