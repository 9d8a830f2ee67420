"""Between pull and pick: the pages behind the articles that come into question are read, each once.

A page that cannot be read is a line about its source and stops nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from newsletter.errors import FetchError, SourceError
from newsletter.issue import Article
from newsletter.shelf import Shelf
from newsletter.sources import Source
from newsletter.sources.enrichment import follows, page_behind
from newsletter.sources.feed import Feed

TIMES = 3
"""How many articles a place have their page read: editors exchange a pick for the next best."""
AT_ONCE = 32


def enrich(
    articles: Iterable[Article], *, sources: Sequence[Source], shelf: Shelf, own: str, now: datetime
) -> dict[str, list[str]]:
    """Read the pages of these articles that were not read before and keep them. Returns lines by source.

    `own` is an address of one's own site. What may be better another time (no answer, trouble of the server) is tried
    again by the next pull.
    """
    feeds = {source.name: source for source in sources if isinstance(source, Feed)}
    come = {article.id: article for article in articles if article.id and article.url and article.source in feeds}
    known = shelf.pages_read(come)
    wanted = [
        (feed, article)
        for number, article in come.items()
        if number not in known and follows(feed := feeds[article.source], article.url or "", own=own)
    ]

    def read(feed: Feed, article: Article) -> str:
        assert article.id is not None
        try:
            page = page_behind(feed, article.url or "", now=now)
        except SourceError as error:
            if not (isinstance(error, FetchError) and error.temporary):
                shelf.keep_page(article.id, None, now=now)
            return str(error)
        shelf.keep_page(article.id, page, now=now)
        return ""

    failed: dict[str, dict[str, list[str]]] = {}
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="page") as pool:
        errors = pool.map(read, *zip(*wanted, strict=True)) if wanted else ()
        for (feed, article), error in zip(wanted, errors, strict=True):
            if error:
                failed.setdefault(feed.name, {}).setdefault(error, []).append(article.title[:60])
    return {source: [_line(error, titles) for error, titles in lines.items()] for source, lines in failed.items()}


def _line(error: str, titles: Sequence[str]) -> str:
    if len(titles) == 1:
        return f'"{titles[0]}": its page could not be read: {error}'
    return f'"{titles[0]}" and {len(titles) - 1} more: their pages could not be read: {error}'
