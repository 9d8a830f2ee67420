"""Article pages that a site's sitemap names (sitemaps.org): plain, an index of others, Google News, packed or not.

The newest pages are read, each once, and again when the sitemap says that it has changed. A page without a date is no
article: sitemaps also name sections, authors and imprints. `lastmod` says when a page was changed, so it never counts
as the date of an article, and a news sitemap's date does where the page has none.

What it does not know: which pages are on the shelf. Raises `SourceError` when the sitemap cannot be read; a page that
cannot is a line in `problems` and the others are returned.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from lxml import etree

from newsletter.errors import FetchError, SourceError, counted
from newsletter.issue import Article
from newsletter.links import canonical, is_home_page, same_site
from newsletter.sources import Clock, Pulled, PullState, child, utc_now
from newsletter.sources.keys import MAX_PAGES, SitemapKeys, read_keys
from newsletter.sources.page import ACCEPT as PAGE, MAX_BYTES as MAX_PAGE, read_page
from newsletter.sources.reading import Reading, shortened

if TYPE_CHECKING:
    from newsletter.fetch import Fetcher

ACCEPT = "application/xml, text/xml;q=0.9, */*;q=0.5"
MAX_BYTES = 8 * 1024 * 1024
MAX_UNPACKED = 50 * 1024 * 1024
"""What sitemaps.org allows of one."""
MAX_ENTRIES = 50_000
MAX_SITEMAPS = 20
"""Of an index, the newest ones."""


class Entry(NamedTuple):
    """What a sitemap says of one page or of another sitemap: texts, each "" when it is not said."""

    address: str
    changed: str
    published: str = ""

    @property
    def mark(self) -> str:
        """What is remembered of a page that was read: another one when it has changed."""
        return f"{zlib.crc32(f'{self.address} {self.changed}'.encode()):08x}"


@dataclass(frozen=True)
class Sitemap:
    name: str
    keys: SitemapKeys
    fetcher: Fetcher
    clock: Clock = utc_now

    @classmethod
    def from_options(
        cls, name: str, options: Mapping[str, Any], *, root: Path, fetcher: Fetcher, clock: Clock = utc_now
    ) -> Self:
        keys = read_keys(SitemapKeys, name, options, root=root)
        return cls(name=name, keys=keys, fetcher=fetcher.allowing(keys.allow_private), clock=clock)

    def read(self, previous: PullState) -> Pulled:
        """The articles of the pages that are new or have changed since `previous`."""
        now = self.clock()
        reading = Reading(self.name, self.keys.url, zone=self.keys.timezone, order=self.keys.date_order, now=now)
        entries, problems = self._entries(reading, since=now - timedelta(days=self.keys.days))
        known = set(previous.values.get("read", "").split())
        if not known and entries and not any(entry.changed or entry.published for entry in entries):
            problems.append("the sitemap says no dates: what is new in it is known from the next pull on")
            known = {entry.mark for entry in entries}
        new = [entry for entry in entries if entry.mark not in known]
        if len(new) > MAX_PAGES:
            problems.append(f"{len(new)} pages are new; {MAX_PAGES} were read, and the others are by the next pulls")
        articles: list[Article] = []
        done, undated = {entry.mark for entry in entries} & known, 0
        for entry in new[:MAX_PAGES]:
            try:
                article = self._article(entry, reading)
            except SourceError as error:
                problems.append(f"{entry.address}: {error}")
                if not (isinstance(error, FetchError) and error.temporary):
                    done.add(entry.mark)
                continue
            done.add(entry.mark)
            undated += not article.published_raw
            articles += [article] if article.published_raw else []
            if article.published_raw and article.published is None:
                fault = reading.date_fault(article.published_raw)
                problems.append(f'{entry.address}: its date "{article.published_raw}" {fault}')
        if undated:
            problems.append(f"{counted(undated, 'page')} without a date: no article is without one")
        state = PullState({"read": " ".join(sorted(done))})
        return Pulled(tuple(articles), state, shortened(problems), unchanged=not new and not problems)

    def _entries(self, reading: Reading, *, since: datetime) -> tuple[list[Entry], list[str]]:
        """The pages that may have changed `since`, the newest first and those without a date last."""
        pages: dict[str, Entry] = {}
        waiting, problems = [self.keys.url], []
        for number in range(MAX_SITEMAPS):
            if number >= len(waiting):
                break
            try:
                answer = self.fetcher.get(waiting[number], max_bytes=MAX_BYTES, accept=ACCEPT)
                found = child.ask(f"{__name__}:entries", answer.body)
            except SourceError as error:
                if not number:
                    raise
                problems.append(f"{waiting[number]}: {error}")
                continue
            listed = [Entry(canonical(address, against=answer.url), *rest) for address, *rest in found["entries"]]
            fresh = self._newest([one for one in listed if one.address], reading, since=since)
            if found["index"]:
                waiting += [one.address for one in fresh if one.address not in waiting]
            else:
                pages |= {one.address: one for one in fresh if not is_home_page(one.address)}
        if len(waiting) > MAX_SITEMAPS:
            problems.append(
                f"the index names {len(waiting) - 1} sitemaps; only the newest {MAX_SITEMAPS - 1} were read"
            )
        return self._newest(list(pages.values()), reading, since=since), problems

    def _newest(self, entries: list[Entry], reading: Reading, *, since: datetime) -> list[Entry]:
        dated = [
            (reading.date(one.published or one.changed), one)
            for one in entries
            if same_site(one.address, self.keys.url)
        ]
        known = sorted(((at, one) for at, one in dated if at and at >= since), reverse=True)
        return [one for _, one in known] + [one for at, one in dated if at is None]

    def _article(self, entry: Entry, reading: Reading) -> Article:
        answer = self.fetcher.get(entry.address, max_bytes=MAX_PAGE, accept=PAGE)
        if not same_site(answer.url, entry.address) or is_home_page(answer.url):
            raise SourceError(f"it leads to {answer.url[:200]}, which is another page")
        here = replace(reading, address=answer.url)
        article = read_page(answer.body, reading=here, content_type=answer.headers.get("content-type", ""))
        if entry.published and article.published is None:
            article = replace(
                article,
                published=reading.date(entry.published),
                published_raw=entry.published[:100],
                published_from="sitemap",
            )
        return article


def entries(data: bytes) -> dict[str, Any]:
    """What a sitemap holds: `{index, entries: [[address, changed, published], …]}`. Raises `SourceError`.

    `index` says that the entries are sitemaps.
    """
    if data.startswith(b"\x1f\x8b"):
        try:
            stream = zlib.decompressobj(zlib.MAX_WBITS | 16)
            data = stream.decompress(data, MAX_UNPACKED)
        except zlib.error as error:
            raise SourceError("The sitemap is packed and cannot be unpacked; try again later.") from error
        if not stream.eof:
            raise SourceError("The sitemap is cut off, or larger unpacked than 50 MiB; try again later.")
    found = list(islice(_nodes(data), MAX_ENTRIES))
    if not found and b"<urlset" not in data[:4096] and b"<sitemapindex" not in data[:4096]:
        raise SourceError("The answer is no sitemap (it has neither urlset nor sitemapindex); check the address.")
    return {"index": any(index for index, _ in found), "entries": [entry for _, entry in found]}


def _nodes(data: bytes) -> Iterator[tuple[bool, Entry]]:
    names = ("{*}url", "{*}sitemap")
    try:
        for _, node in etree.iterparse(io.BytesIO(data), tag=names, recover=True, resolve_entities=False):
            said = {etree.QName(one).localname: (one.text or "").strip() for one in node.iter("{*}*")}
            if said.get("loc"):
                kind = etree.QName(node).localname == "sitemap"
                yield kind, Entry(said["loc"], said.get("lastmod", "")[:100], said.get("publication_date", "")[:100])
            node.clear()
    except etree.XMLSyntaxError:
        return
