"""Article pages: live ones by address, or saved ones in a file or folder, as HTML or as plain text.

`Page.read` gets the bytes; `parse` tells HTML from text and is pure, and `read_page` does the same in a process of its
own. The time a file was saved is never taken for the
time it was published. What it does not know: what a page links to; it never follows a link. Raises `SourceError` when
not one page could be read; a single bad page is a line in `problems` and the others are returned.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from newsletter import __version__
from newsletter.errors import SourceError
from newsletter.image_types import media_type
from newsletter.issue import Article
from newsletter.links import canonical
from newsletter.sources import Clock, Pulled, PullState, child, utc_now
from newsletter.sources.files import files_inside, read_bytes
from newsletter.sources.keys import MAX_PAGES, PageKeys, read_keys
from newsletter.sources.page.html import article_from_html
from newsletter.sources.page.text import article_from_text
from newsletter.sources.reading import Reading, shortened
from newsletter.sources.serialized import article_of, reading_of

if TYPE_CHECKING:
    from newsletter.fetch import Fetcher

ACCEPT = "text/html, application/xhtml+xml, text/plain;q=0.8, */*;q=0.5"
MAX_BYTES = 3 * 1024 * 1024
SUFFIXES = (".html", ".htm", ".xhtml", ".txt")
_HTML = re.compile(rb"<(?:!doctype|html|head|body|meta|title|article|div|p|h1)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Page:
    """Up to 50 article pages: addresses, or a file or folder of saved ones."""

    name: str
    keys: PageKeys
    fetcher: Fetcher
    clock: Clock = utc_now

    @classmethod
    def from_options(
        cls, name: str, options: Mapping[str, Any], *, root: Path, fetcher: Fetcher, clock: Clock = utc_now
    ) -> Self:
        keys = read_keys(PageKeys, name, options, root=root)
        return cls(name=name, keys=keys, fetcher=fetcher.allowing(keys.allow_private), clock=clock)

    def read(self, previous: PullState) -> Pulled:
        """The articles of all pages. A reading with problems is not remembered: the next one lists them again."""
        reading = Reading(self.name, zone=self.keys.timezone, order=self.keys.date_order, now=self.clock())
        digest = hashlib.sha256(f"{__version__} {self.keys}".encode())
        articles, problems = [], []
        for label, place in self._pages():
            try:
                data, address, content_type = self._get(place)
                digest.update(hashlib.sha256(data).digest())
                article = read_page(data, reading=replace(reading, address=address), content_type=content_type)
            except SourceError as error:
                problems.append(f"{label}: {error}")
                continue
            articles.append(article)
            if article.published_raw and article.published is None:
                fault = reading.date_fault(article.published_raw)
                problems.append(f'{label}: its date "{article.published_raw}" {fault}')
        if not articles:
            nothing = f"{self.keys.path} holds no page; put .html or .txt files there."
            raise SourceError(next(iter(problems), nothing))
        state = PullState() if problems else PullState({"sha256": digest.hexdigest()})
        if not problems and state == previous:
            return Pulled(state=state, unchanged=True)
        return Pulled(articles=tuple(articles), state=state, problems=shortened(problems))

    def _pages(self) -> list[tuple[str, str | Path]]:
        """A label for each page, and its address or file."""
        if (path := self.keys.path) is None:
            return [(url, url) for url in self.keys.urls or (self.keys.url,)]
        files = files_inside(path, SUFFIXES, limit=MAX_PAGES) if path.is_dir() else [path]
        return [(file.name, file) for file in files]

    def _get(self, place: str | Path) -> tuple[bytes, str, str]:
        """The bytes, address and media type of a page; a file has neither of those."""
        if isinstance(place, Path):
            return read_bytes(place, max_bytes=MAX_BYTES), "", ""
        answer = self.fetcher.get(place, max_bytes=MAX_BYTES, accept=ACCEPT)
        return answer.body, answer.url, answer.headers.get("content-type", "")


def parse(data: bytes, *, reading: Reading, content_type: str = "") -> Article:
    """The article of one page's bytes. `reading.address` is where a live page lies, "" for a saved one."""
    if not data.strip():
        raise SourceError("The page is empty; check the address or the file.")
    if media_type(data) or data.startswith((b"%PDF", b"PK\x03\x04", b"\x1f\x8b\x08")):
        raise SourceError("This is no page but a PDF, picture or archive; save the page as HTML or as text.")
    if "text/plain" not in content_type and _HTML.search(data[:4096]):
        return article_from_html(data, reading=reading, content_type=content_type)
    article = article_from_text(data, reading=reading)
    return replace(article, url=article.url or canonical(reading.address) or None)


def read_page(data: bytes, *, reading: Reading, content_type: str = "") -> Article:
    """What `parse` returns, worked out by a child process: a page may be made to keep a parser busy."""
    return article_of(child.ask(f"{__name__}:parsed", data, reading=reading, content_type=content_type))


def parsed(data: bytes, *, reading: Mapping[str, Any], content_type: str) -> Article:
    """The child's side of `read_page`."""
    return parse(data, reading=reading_of(reading), content_type=content_type)
