"""Turns the items of an XML feed into articles: chooses among their fields and cleans them. Pure.

What it does not know: XML (`sources.feed.xml` returns a plain tree), HTTP, and other feeds. A field that is not usable
is left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from itertools import chain
from typing import Any

from newsletter.issue import Article, Image, Signal, SignalKind
from newsletter.links import canonical
from newsletter.sources import Pulled
from newsletter.sources.blurb import Block, blocks_of, blocks_of_text
from newsletter.sources.feed.articles import Told, articles_of, is_paid, link, permalink
from newsletter.sources.pictures import Offer, first_inline, largest
from newsletter.sources.reading import Reading
from newsletter.sources.text import MAX_BODY, labels, names, one_line, plain, tidy, without_boilerplate

FULL_TEXT = 600
"""Characters from which a description without a `content` beside it is the article itself and not its blurb."""

_PICTURE_NAME = re.compile(r"\.(?:jpe?g|png|gif|webp|avif)\b|/image", re.IGNORECASE)
_MARKED_UP = re.compile(r"</?[a-z][a-z0-9]{0,9}(?:\s[^<>]{0,500})?/?>|&#?\w{1,31};", re.IGNORECASE)


def from_xml(found: Mapping[str, Any], *, reading: Reading) -> Pulled:
    """The articles of what `xml.read_xml` found."""
    site = canonical(found["link"], against=reading.address) or reading.address
    language = one_line(found["language"], limit=35)

    # Only Atom says what is text and what is HTML.
    items = found["items"] if found["version"].startswith("atom") else [_untyped(item) for item in found["items"]]

    def article(item: Mapping[str, Any]) -> Told:
        told = _from_xml_item(item, site=site, reading=reading)
        return told._replace(article=replace(told.article, language=language))

    facts = [(item["published"] or item["updated"], item["permalink"] or item["link"] or item["id"]) for item in items]
    title = one_line(found["title"])
    return articles_of(items, article, facts=facts, count=found["count"], site=title, reading=reading)


def _from_xml_item(item: Mapping[str, Any], *, site: str, reading: Reading) -> Told:
    title = one_line(_read(item["title"]))
    description, content = _read(item["summary"]), _read(item["content"])
    body = content if len(content) > len(description) else description if len(description) >= FULL_TEXT else content
    raw = item["published"] or item["updated"]
    tags = labels(tag.get("label") or tag.get("term", "") for tag in item["tags"])
    url = link(item["feedburner_origlink"] or item["link"], site=site) or permalink(item["permalink"], site=site)
    article = Article(
        title=title,
        url=url,
        source=reading.source,
        guid=tidy(item["id"])[:1000] or None,
        body=without_boilerplate(body)[:MAX_BODY],
        authors=names([author.get("name", "") for author in item["authors"]] or [item["author"]]),
        published=reading.date(raw),
        published_raw=tidy(raw)[:100],
        published_from="feed" if raw.strip() else "",
        updated=reading.date(item["updated"]) if item["published"] else None,
        image=_image(item, page=url or site),
        section=tags[0] if tags else "",
        categories=tags,
        signals=_signals(item, at=reading.now),
        sponsored=is_paid(title, tags),
    )
    return Told(article, _blocks(item["summary"]), lambda: _blocks(item["content"]), item["title"][1])


def _blocks(typed: list[str]) -> tuple[Block, ...]:
    media_type, text, _base = typed
    return blocks_of_text(tidy(text[:MAX_BODY])) if media_type == "text/plain" else blocks_of(text)


def _untyped(item: Mapping[str, Any]) -> dict[str, Any]:
    """The item with everything that has a tag or an entity in it marked as HTML, and the rest as text."""
    texts = {key: item[key] for key in ("title", "summary", "content")}
    kinds = {key: "text/html" if _MARKED_UP.search(typed[1]) else "text/plain" for key, typed in texts.items()}
    return {**item, **{key: [kinds[key], *typed[1:]] for key, typed in texts.items()}}


def _read(typed: list[str]) -> str:
    """The plain text of a `[media type, text, base]`: only what is not said to be plain is read as HTML."""
    media_type, text, _base = typed
    return tidy(text[: MAX_BODY * 2]) if media_type == "text/plain" else plain(text)


def _image(item: Mapping[str, Any], *, page: str) -> Image | None:
    """The picture of an item: the largest of its media, thumbnails or enclosures, else the first inside its texts."""
    media = [entry for entry in item["media_content"] if _is_picture(entry)]
    enclosed = [entry for entry in item["links"] if _encloses(entry) and _is_picture(entry)]
    named = (media, item["media_thumbnail"], enclosed, [item["image"]])
    offered = (largest(map(_offer, entries), against=page) for entries in named)
    texts = ((text, canonical(base, against=page) or page) for _, text, base in (item["content"], item["summary"]))
    inline = (first_inline(text, against=against) for text, against in texts)
    return next((image for image in chain(offered, inline) if image), None)


def _encloses(entry: Mapping[str, str]) -> bool:
    """Whether a link is an enclosure: RSS's element of that name has an `url`, Atom's link says so."""
    return entry.get("rel", "enclosure" if "url" in entry else "") == "enclosure"


def _offer(entry: Mapping[str, str]) -> Offer:
    return Offer(entry.get("url") or entry.get("href") or "", entry.get("width", ""), entry.get("height", ""))


def _is_picture(entry: Mapping[str, str]) -> bool:
    """By its media type; without one, by its address (`sources.pictures` checks the name further)."""
    said = (entry.get("medium") or entry.get("type", "").partition("/")[0]).lower()
    return said == "image" or (not said and _PICTURE_NAME.search(_offer(entry).url) is not None)


def _signals(item: Mapping[str, Any], *, at: datetime) -> tuple[Signal, ...]:
    stars = item["media_starrating"]
    average, best = _number(stars.get("average")), _number(stars.get("max")) or 5
    given = {
        SignalKind.COMMENTS: _number(item["slash_comments"] or item["thr_total"]),
        SignalKind.VIEWS: _number(item["media_statistics"].get("views")),
        SignalKind.RATING: average * 5 / best if average is not None and average <= best else None,
        SignalKind.RATING_COUNT: _number(stars.get("count")),
    }
    if given[SignalKind.RATING_COUNT] == 0:
        given[SignalKind.RATING] = None  # nobody rated: an average of 0.00 is not a bad rating
    return tuple(Signal(kind, value, at) for kind, value in given.items() if value is not None)


def _number(raw: str | None) -> float | None:
    """A count or average that is not negative, None for anything else."""
    found = re.fullmatch(r"\d{1,15}(?:\.\d{1,6})?", (raw or "").strip().replace(",", ""), re.ASCII)
    return float(found.group()) if found else None
