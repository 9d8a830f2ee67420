"""Feeds: RSS 0.9x to 2.0, RDF, Atom, and JSON Feed.

`Feed.read` gets the bytes (by HTTP, or from a file under the project), asks only for what is new, and remembers how;
`parse` turns bytes into articles and is pure, and `read_feed` does the same in a process of its own.

What it does not know: which articles were there before (`shelf`). Raises `SourceError` when the answer is no feed or
cannot be read at all; a broken item is a line in `problems` and the others are returned.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from newsletter import __version__
from newsletter.errors import SourceError
from newsletter.links import canonical
from newsletter.sources import Clock, Pulled, PullState, child, utc_now
from newsletter.sources.feed.items import from_xml
from newsletter.sources.feed.json_feed import from_json
from newsletter.sources.feed.xml import read_xml
from newsletter.sources.files import read_bytes
from newsletter.sources.html_tree import Element, parse_html
from newsletter.sources.keys import FeedKeys, read_keys
from newsletter.sources.reading import Reading, shortened
from newsletter.sources.serialized import article_of, reading_of

if TYPE_CHECKING:
    from newsletter.fetch import Fetcher

ACCEPT = "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5"
MAX_BYTES = 8 * 1024 * 1024
MAX_LISTED = 20
MAX_HEAD = 300_000
"""Bytes of a page in which the address of its feed is looked for."""
_XML_URL = re.compile(rb"<outline\b[^<]*?\sxmlurl\s*=\s*(\"[^\"<]*\"|'[^'<]*')", re.IGNORECASE)
_FEED_TYPES = ("application/rss+xml", "application/atom+xml", "application/feed+json", "application/rdf+xml")


@dataclass(frozen=True)
class Feed:
    """One feed, at an address or in a file."""

    name: str
    keys: FeedKeys
    fetcher: Fetcher
    clock: Clock = utc_now

    @classmethod
    def from_options(
        cls, name: str, options: Mapping[str, Any], *, root: Path, fetcher: Fetcher, clock: Clock = utc_now
    ) -> Self:
        keys = read_keys(FeedKeys, name, options, root=root)
        return cls(name=name, keys=keys, fetcher=fetcher.allowing(keys.allow_private), clock=clock)

    def read(self, previous: PullState) -> Pulled:
        """The feed's articles now. A reading with problems is not remembered: the next one lists them again."""
        settings = f"{__version__} {self.keys}"
        known = previous.values if previous.values.get("settings") == settings else {}
        address, content_type, state = self.keys.url, "", {"settings": settings}
        moved: tuple[str, ...] = ()
        if self.keys.path is not None:
            data = read_bytes(self.keys.path, max_bytes=MAX_BYTES)
        else:
            etag, last_modified = known.get("etag", ""), known.get("last_modified", "")
            answer = self.fetcher.get(
                self.keys.url, etag=etag, last_modified=last_modified, max_bytes=MAX_BYTES, accept=ACCEPT
            )
            if answer.not_modified:
                return Pulled(state=previous, unchanged=True)
            data, address, content_type = answer.body, answer.url, answer.headers.get("content-type", "")
            state |= {"etag": answer.etag, "last_modified": answer.last_modified}
            if answer.permanent_redirect_to:
                moved = (f"the feed has moved for good; write {answer.permanent_redirect_to} in newsletter.toml",)
        state["sha256"] = hashlib.sha256(data).hexdigest()
        if state["sha256"] == known.get("sha256"):
            return Pulled(state=PullState(state), problems=moved, unchanged=True)
        reading = Reading(self.name, address, zone=self.keys.timezone, order=self.keys.date_order, now=self.clock())
        found = read_feed(data, reading=reading, content_type=content_type)
        return Pulled(
            articles=found.articles,
            problems=(*moved, *found.problems),
            state=PullState() if found.problems else PullState(state),
        )


def parse(data: bytes, *, reading: Reading, content_type: str = "") -> Pulled:
    """The articles of a feed's bytes, in its order. Raises `SourceError` when they are no feed."""
    if not data.strip(b" \t\r\n\x00\xef\xbb\xbf"):
        raise SourceError("The feed is empty: not one byte came; check the address, or try again later.")
    if data.lstrip(b" \t\r\n\xef\xbb\xbf")[:1] in (b"{", b"["):
        return from_json(data, reading=reading)
    found = read_xml(data, content_type=content_type)
    if not found["items"] and not found["version"]:
        raise SourceError(_why_no_feed(data, address=reading.address))
    pulled = from_xml(found, reading=reading)
    problems = list(pulled.problems)
    if found["charset"]:
        problems.insert(0, found["charset"])
    if found["broken"]:
        problems.insert(0, f"the XML is broken ({found['broken']}); what could be read was kept")
    if not found["items"]:
        problems.append("the feed has no articles")
    return Pulled(articles=pulled.articles, problems=shortened(problems))


def read_feed(data: bytes, *, reading: Reading, content_type: str = "") -> Pulled:
    """What `parse` returns, worked out by a child process: a feed may be made to keep a parser busy."""
    try:
        found = child.ask(f"{__name__}:parsed", data, reading=reading, content_type=content_type)
    except child.TooHardError as error:
        raise SourceError(f"The feed was given up: {error}; ask its publisher what is wrong with it.") from error
    return Pulled(tuple(article_of(one) for one in found["articles"]), problems=tuple(found["problems"]))


def parsed(data: bytes, *, reading: Mapping[str, Any], content_type: str) -> Pulled:
    """The child's side of `read_feed`."""
    return parse(data, reading=reading_of(reading), content_type=content_type)


def _why_no_feed(data: bytes, *, address: str) -> str:
    """A sentence that says what arrived instead of a feed, and what to do about it."""
    start = data[:4096].lower()
    if b"<opml" in start:
        return _the_feeds_of_opml(data, address=address)
    if re.search(rb"<(?:urlset|sitemapindex)\b", start):
        return "This is a sitemap, not a feed: it has no titles; look for the site's RSS or Atom address."
    if b"<html" not in start and b"<!doctype html" not in start and b"<body" not in data[:100_000].lower():
        return "The answer is not a feed (no RSS, Atom or JSON Feed was found in it); check the address."
    if feeds := feeds_named_by(data[:MAX_HEAD], address=address):
        return f"The answer is an HTML page, not a feed; the page names its feed: use {' or '.join(feeds[:3])}."
    return "The answer is an HTML page, not a feed, and it names none; look for the site's RSS or Atom address."


def _the_feeds_of_opml(data: bytes, *, address: str) -> str:
    """What OPML 2.0 calls a subscription list, said with the feeds it lists (http://opml.org/spec2.opml)."""
    named = (canonical(found[1:-1].decode("ascii", "ignore"), against=address) for found in _XML_URL.findall(data))
    feeds = list(dict.fromkeys(url for url in named if url))
    if not feeds:
        return "This is OPML, a list of feeds, and it lists none; give the address of a feed."
    more = f" and {len(feeds) - MAX_LISTED} more" if len(feeds) > MAX_LISTED else ""
    listed = ", ".join(feeds[:MAX_LISTED]) + more
    return f"This is OPML, a list of feeds and no feed; give each a [[sources]] table of its own: {listed}."


def feeds_named_by(data: bytes, *, address: str) -> list[str]:
    try:
        return feeds_of(parse_html(data), address=address)
    except SourceError:
        return []


def feeds_of(page: Element, *, address: str) -> list[str]:
    """The addresses of the feeds that the page at `address` names in its links."""
    links = (link for link in page.iter("link") if "alternate" in (link.get("rel") or "").lower().split())
    named = (link.get("href") or "" for link in links if (link.get("type") or "").lower().strip() in _FEED_TYPES)
    return [url for href in named if (url := canonical(href, against=address))]
