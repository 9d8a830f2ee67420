"""Reads the page behind an article of a feed, for what feeds do not say: the standfirst, a picture with its size, the
card, rating and comments, related titles, section and author.

What it does not know: which articles are worth it, and where what was found is kept (`weekly.enrichment`, `shelf`).
Raises `SourceError`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from newsletter.errors import SourceError
from newsletter.issue import Article
from newsletter.links import is_home_page, same_site
from newsletter.sources.feed import Feed
from newsletter.sources.page import ACCEPT, MAX_BYTES, read_page
from newsletter.sources.reading import Reading


def follows(feed: Feed, url: str, *, own: str) -> bool:
    """Whether the page at `url` is read: as the feed's `follow` says, else if it is on the feed's or one's own site."""
    if feed.keys.follow is not None:
        return feed.keys.follow
    return any(same_site(url, other) for other in (feed.keys.url, own) if other)


def page_behind(feed: Feed, url: str, *, now: datetime) -> Article:
    """What the page at `url` says that a feed may lack; the rest of the article is empty."""
    answer = feed.fetcher.get(url, max_bytes=MAX_BYTES, accept=ACCEPT)
    if not same_site(answer.url, url) or (is_home_page(answer.url) and not is_home_page(url)):
        raise SourceError(f"its page leads to {answer.url[:200]}, which is another one")
    reading = Reading(feed.name, answer.url, zone=feed.keys.timezone, order=feed.keys.date_order, now=now)
    page = read_page(answer.body, reading=reading, content_type=answer.headers.get("content-type", ""))
    return replace(Article(title=""), **{name: getattr(page, name) for name in KEPT})


KEPT = ("dek", "image", "card", "subject", "section", "authors", "related", "signals")
