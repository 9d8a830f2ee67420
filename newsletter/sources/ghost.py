"""Ghost sites by their Content API (docs.ghost.org/content-api): every post of the last days, featured ones named.

The API's key stands in the address, so it is cut out of every text, and no redirect to another host is followed. Of a
post that is not public only what its author wrote to be seen by all is read: title, own excerpt, picture. `parse` is
pure.

What it does not know: members and their accounts. Raises `SourceError` when the site's posts cannot be read at all.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

from newsletter import __version__
from newsletter.errors import FetchError, SourceError, counted
from newsletter.fetch import Fetcher
from newsletter.issue import Article
from newsletter.sources import Clock, Pulled, PullState, utc_now
from newsletter.sources.feed.articles import Told, is_paid, link
from newsletter.sources.files import read_bytes
from newsletter.sources.keys import GhostKeys, read_keys
from newsletter.sources.pictures import Offer, acceptable, first_inline
from newsletter.sources.posts import json_of, mapping, objects, post, posts_of, text
from newsletter.sources.reading import Reading, shortened
from newsletter.sources.text import MAX_BODY, labels, names, one_line, plain, tidy, without_boilerplate

PER_PAGE = 50
MAX_PAGES = 10
MAX_BYTES = 16 * 1024 * 1024
VERSION = "v5.0"
_KEY = re.compile(r"[0-9a-zA-Z]{8,64}")


@dataclass(frozen=True)
class Ghost:
    """The posts of one Ghost site."""

    name: str
    keys: GhostKeys
    fetcher: Fetcher
    clock: Clock = utc_now

    @classmethod
    def from_options(
        cls, name: str, options: Mapping[str, Any], *, root: Path, fetcher: Fetcher, clock: Clock = utc_now
    ) -> Self:
        keys = read_keys(GhostKeys, name, options, root=root)
        return cls(name=name, keys=keys, fetcher=fetcher.allowing(keys.allow_private), clock=clock)

    def read(self, previous: PullState) -> Pulled:
        """The posts of the last `days`. A reading with problems is not remembered: the next one lists them again."""
        now = self.clock()
        reading = Reading(self.name, self.keys.url, zone=self.keys.timezone, order=self.keys.date_order, now=now)
        digest = hashlib.sha256(f"{__version__} {self.keys}".encode())
        articles: dict[str | None, Article] = {}
        problems: list[str] = []
        for body in self._pages(self._key(), since=now - timedelta(days=self.keys.days), problems=problems):
            found = parse(body, reading=reading)
            articles |= {article.guid: article for article in found.articles}
            problems += found.problems
            digest.update(body)
        state = PullState() if problems else PullState({"sha256": digest.hexdigest()})
        if not problems and state == previous:
            return Pulled(state=state, unchanged=True)
        return Pulled(tuple(articles.values()), state=state, problems=shortened(problems))

    def _key(self) -> str:
        if self.keys.key_file is not None:
            where = f"key_file {self.keys.key_file}"
            key = read_bytes(self.keys.key_file, max_bytes=1000).decode("utf-8", "replace").strip()
        else:
            where = f"the environment variable {self.keys.key_env}"
            key = os.environ.get(self.keys.key_env, "").strip()
        if not _KEY.fullmatch(key):
            raise SourceError(f"{where} holds no key of a Content API; Ghost shows it under Settings, Integrations.")
        return key

    def _pages(self, key: str, *, since: datetime, problems: list[str]) -> Iterator[bytes]:
        page, pages = 1, 1
        while page <= min(pages, MAX_PAGES):
            query = {
                "key": key,
                "include": "tags,authors",
                "filter": f"published_at:>'{since:%Y-%m-%dT%H:%M:%S.000Z}'",
                "order": "published_at desc",
                "limit": PER_PAGE,
                "page": page,
            }
            address = f"{self.keys.url.rstrip('/').removesuffix('/ghost/api/content')}/ghost/api/content/posts/"
            try:
                answer = self.fetcher.get(
                    f"{address}?{urlencode(query)}", max_bytes=MAX_BYTES, accept="application/json", secret=True
                )
            except FetchError as error:
                raise FetchError(_said(error, address).replace(key, "…"), status=error.status) from None
            yield answer.body
            paging = mapping(mapping(_object(answer.body).get("meta")).get("pagination"))
            total = paging.get("pages")
            pages = total if page == 1 and isinstance(total, int) else pages
            page += 1
        if pages > MAX_PAGES:
            there = f"more than {MAX_PAGES * PER_PAGE} posts in {counted(self.keys.days, 'day')}"
            problems.append(f"the site has {there}; only the newest were read")


def _said(error: FetchError, address: str) -> str:
    if error.status in (401, 403):
        return f"Ghost refuses the key ({error.status}); copy the Content API key anew from Settings, Integrations."
    if error.status == 404:
        return f'There is no Content API at {address} (404); check the address, or use kind = "feed" with /rss/.'
    return str(error)


def parse(data: bytes, *, reading: Reading) -> Pulled:
    """The articles of one page of posts. Raises `SourceError` when the bytes are no such page."""
    found = _object(data).get("posts")
    if not isinstance(found, list):
        raise SourceError("The answer is no list of posts, so no Ghost Content API; check the address.")
    return posts_of(found, lambda one: _post(one, reading=reading), reading=reading)


def _object(data: bytes) -> Mapping[str, Any]:
    return mapping(json_of(data, system="Ghost"))


def _post(found: Mapping[str, Any], *, reading: Reading) -> Told:
    title = one_line(plain(text(found, "title")))
    url = link(text(found, "url"), site=reading.address)
    base = url or reading.address
    public = found.get("visibility", "public") == "public"
    markup = text(found, "html") if public else ""
    # Ghost's own excerpt is the beginning of the text.
    excerpt = text(found, "custom_excerpt") or (text(found, "excerpt") if public else "")
    # A tag whose name begins with # is the desk's own.
    tags = [one for one in objects(found.get("tags")) if text(one, "visibility") != "internal"]
    named = labels(name for one in tags if not (name := text(one, "name")).startswith("#"))
    raw, updated = text(found, "published_at"), text(found, "updated_at")
    picture = acceptable(Offer(text(found, "feature_image"), alt=plain(text(found, "feature_image_alt"))), against=base)
    article = Article(
        title=title,
        url=url,
        source=reading.source,
        guid=tidy(text(found, "id") or text(found, "uuid"))[:1000] or None,
        body=without_boilerplate(plain(markup))[:MAX_BODY],
        authors=names(text(author, "name") for author in objects(found.get("authors"))),
        published=reading.date(raw),
        published_raw=tidy(raw)[:100],
        published_from="ghost" if raw else "",
        updated=reading.date(updated) if updated else None,
        image=picture or first_inline(markup, against=base),
        section=named[0] if named else "",
        categories=named[:1],
        tags=named,
        sponsored=is_paid(title, named),
        featured=found.get("featured") is True,
    )
    return post(article, excerpt=excerpt, content=markup)
