"""Turns the items of a JSON Feed (jsonfeed.org, 1.0 and 1.1) into articles. Pure.

Raises `SourceError` when the JSON is no JSON Feed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from newsletter.errors import SourceError
from newsletter.issue import Article
from newsletter.links import canonical
from newsletter.sources import Pulled
from newsletter.sources.blurb import blocks_of, blocks_of_text
from newsletter.sources.feed.articles import Told, articles_of, is_paid, link, permalink
from newsletter.sources.feed.xml import MAX_LOOKED_AT
from newsletter.sources.pictures import Offer, acceptable, first_inline
from newsletter.sources.reading import Reading
from newsletter.sources.text import MAX_BODY, labels, names, one_line, plain, tidy, without_boilerplate


def from_json(data: bytes, *, reading: Reading) -> Pulled:
    """The articles of a JSON Feed (jsonfeed.org, 1.0 and 1.1)."""
    try:
        feed = json.loads(data.decode("utf-8-sig", "replace"), parse_constant=lambda _name: None)
    except (ValueError, RecursionError) as error:
        what = f"broken JSON in line {error.lineno}" if isinstance(error, json.JSONDecodeError) else "broken JSON"
        raise SourceError(f"The answer is {what}, not a feed; ask its publisher, or check the address.") from error
    if isinstance(feed, list) and feed and isinstance(feed[0], dict) and {"slug", "link"} <= feed[0].keys():
        raise SourceError("This is a WordPress REST answer, not a feed; use the site's address with /feed/ at the end.")
    found = feed if isinstance(feed, dict) else {}
    if "jsonfeed.org" not in str(found.get("version")) or not isinstance(found.get("items"), list):
        raise SourceError("The answer is JSON but no JSON Feed (its version is missing); check the address.")
    site = canonical(_str(feed, "home_page_url"), against=reading.address) or reading.address
    language = one_line(_str(feed, "language"), limit=35)
    feed_authors = _json_authors(feed)

    def article(item: Any) -> Told:
        if not isinstance(item, dict):
            raise TypeError("it is not an object")
        told = _from_json_item(item, site=site, reading=reading)
        made = told.article
        made = replace(made, authors=made.authors or feed_authors, language=made.language or language)
        return told._replace(article=made)

    items = feed["items"][:MAX_LOOKED_AT]
    known = [item if isinstance(item, dict) else {} for item in items]
    facts = [(_json_date(item), _str(item, "url") or str(item.get("id") or "")) for item in known]
    title = one_line(plain(_str(feed, "title")))
    return articles_of(items, article, facts=facts, count=len(feed["items"]), site=title, reading=reading)


def _from_json_item(item: Mapping[str, Any], *, site: str, reading: Reading) -> Told:
    title = one_line(plain(_str(item, "title")))
    html = _str(item, "content_html")
    body = plain(html) or tidy(_str(item, "content_text"))
    raw = _json_date(item)
    guid = tidy(str(item.get("id") or ""))[:1000]
    address = link(_str(item, "url") or _str(item, "external_url"), site=site)
    url = address or permalink(guid, site=site)  # "Ideally, the id is the full URL of the resource", JSON Feed 1.1
    page = url or site
    picture = Offer(_str(item, "image") or _str(item, "banner_image"))
    tags = labels(tag for tag in _list(item, "tags") if isinstance(tag, str))
    article = Article(
        title=title,
        url=url,
        source=reading.source,
        guid=guid or None,
        body=without_boilerplate(body)[:MAX_BODY],
        authors=_json_authors(item),
        published=reading.date(raw),
        published_raw=tidy(raw)[:100],
        published_from="feed" if raw.strip() else "",
        updated=reading.date(_str(item, "date_modified")) if _str(item, "date_published") else None,
        image=acceptable(picture, against=page) or first_inline(html, against=page),
        section=tags[0] if tags else "",
        categories=tags,
        language=one_line(_str(item, "language"), limit=35),
        sponsored=is_paid(title, tags),
    )
    text = _str(item, "content_text")
    return Told(
        article,
        blocks_of(_str(item, "summary")),
        lambda: blocks_of(html) if html else blocks_of_text(tidy(text)),
        _str(item, "title"),
    )


def _json_date(item: Mapping[str, Any]) -> str:
    return _str(item, "date_published") or _str(item, "date_modified")


def _json_authors(holder: Mapping[str, Any]) -> tuple[str, ...]:
    authors = [*_list(holder, "authors"), holder.get("author")]
    return names(_str(author, "name") for author in authors if isinstance(author, dict))


def _str(mapping: Mapping[str, Any], key: str) -> str:
    value = mapping.get(key)
    return value if isinstance(value, str) else ""


def _list(mapping: Mapping[str, Any], key: str) -> list[Any]:
    value = mapping.get(key)
    return value if isinstance(value, list) else []
