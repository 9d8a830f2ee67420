"""What the page behind an article said, which is kept beside what its source says. One row an article: it is read once.

Every function works inside the caller's transaction.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from newsletter.database import insert_if_absent
from newsletter.issue import Article
from newsletter.shelf.statements import latest_signals, portions
from newsletter.shelf.stored import dump, load_article
from newsletter.shelf.tables import pages, signals


def read_already(connection: sa.Connection, numbers: Iterable[int]) -> set[int]:
    """Those of the articles whose page was read."""
    found: set[int] = set()
    for some in portions(sorted(numbers)):
        found |= set(connection.scalars(sa.select(pages.c.article_id).where(pages.c.article_id.in_(some))))
    return found


def keep(connection: sa.Connection, number: int, page: Article | None, *, now: datetime) -> None:
    """Keep what a page said, None for one that cannot be read. A number counts where its kind is not known yet."""
    content = dump(page) if page else ""
    if not insert_if_absent(connection, pages, article_id=number, read_at=now, content=content) or page is None:
        return
    known = latest_signals(connection, [number]).get(number, {})
    fresh = {signal.kind: signal for signal in page.signals if signal.kind not in known}
    if fresh:
        rows = [{"article_id": number, "kind": kind, "at": now, "value": one.value} for kind, one in fresh.items()]
        connection.execute(signals.insert(), rows)


def contents(connection: sa.Connection, numbers: Iterable[int]) -> dict[int, Article]:
    """What the pages of these articles said."""
    found: dict[int, Article] = {}
    for some in portions(sorted(numbers)):
        said = sa.select(pages.c.article_id, pages.c.content).where(pages.c.article_id.in_(some), pages.c.content != "")
        found |= {row.article_id: load_article(json.loads(row.content)) for row in connection.execute(said)}
    return found


def filled(article: Article, page: Article) -> Article:
    """The article with what only its page says. No word of the source is replaced, and none said twice."""
    names = ("card", "subject", "section", "authors", "related")
    missing = {name: getattr(page, name) for name in names if not getattr(article, name)}
    told = " ".join(f"{article.title} {article.summary} {article.body}".split())
    if not article.dek and page.dek[:60] not in told:
        missing["dek"] = page.dek
    sized = page.image is not None and page.image.width is not None
    if article.image is None or (article.image.width is None and sized):
        missing["image"] = page.image
    return replace(article, **missing)
