"""A table of articles (CSV) in the project or at an address: one row an article, columns known by their headers.

`parse` is pure. A row that cannot be read is a line in `problems` with its number; the others are returned. Cells are
plain text, formulas too; a text or blurb may hold HTML, which is taken off.

What it does not know: how a table is written (`table`), or what a field means (`folder.fields`). Raises `SourceError`
when the file has no titles.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from newsletter import __version__
from newsletter.errors import SourceError
from newsletter.fetch import Fetcher
from newsletter.issue import Article, SignalKind
from newsletter.sources import Clock, Pulled, PullState, utc_now
from newsletter.sources.files import read_bytes
from newsletter.sources.folder.fields import FieldError, article_from_fields
from newsletter.sources.keys import TableKeys, read_keys
from newsletter.sources.reading import Reading, shortened
from newsletter.sources.table import NUMBERS, column_name, number_in, read_table
from newsletter.sources.text import plain

MAX_BYTES = 10 * 1024 * 1024
# Column names as `column_name` writes them; of several the first that is there counts.
_COLUMNS = {
    "title": ("title", "headline", "post title", "name"),
    "url": ("url", "link", "permalink", "address"),
    "date": ("date", "published", "published at", "publish date", "pubdate", "post date", "created at"),
    "updated": ("updated", "updated at", "modified"),
    "dek": ("dek", "standfirst", "blurb", "subtitle"),
    "summary": ("summary", "description", "excerpt"),
    "body": ("body", "content", "text"),
    "authors": ("authors", "author", "by", "byline"),
    "categories": ("categories", "category"),
    "tags": ("tags", "tag", "keywords"),
    "section": ("section",),
    "subject": ("subject",),
    "image": ("image", "image url", "featured image", "picture"),
    "image_alt": ("image alt", "alt"),
    "guid": ("guid", "id", "post id"),
    "language": ("language", "lang"),
    "draft": ("draft",),
    "featured": ("featured",),
    "sponsored": ("sponsored",),
}
_MARK_UP = ("dek", "summary", "body")
_LISTS = ("authors", "categories", "tags")
_FLAGS = ("draft", "featured", "sponsored")
_YES = frozenset({"1", "true", "yes", "y", "x", "ja", "oui", "sí", "si"})
_LIST = re.compile(r"[;|,]")


@dataclass(frozen=True)
class CsvFile:
    """One table. `keys.site` is what relative addresses in it are relative to."""

    name: str
    keys: TableKeys
    fetcher: Fetcher
    clock: Clock = utc_now

    @classmethod
    def from_options(
        cls, name: str, options: Mapping[str, Any], *, root: Path, fetcher: Fetcher, clock: Clock = utc_now
    ) -> Self:
        keys = read_keys(TableKeys, name, options, root=root)
        return cls(name=name, keys=keys, fetcher=fetcher.allowing(keys.allow_private), clock=clock)

    def read(self, previous: PullState) -> Pulled:
        """The articles of all rows. A reading with problems is not remembered."""
        keys = self.keys
        if keys.path is not None:
            data = read_bytes(keys.path, max_bytes=MAX_BYTES)
        else:
            data = self.fetcher.get(keys.url, max_bytes=MAX_BYTES, accept="text/csv, */*").body
        state = PullState({"sha256": hashlib.sha256(f"{__version__} {keys}".encode() + data).hexdigest()})
        if state == previous:
            return Pulled(state=state, unchanged=True)
        reading = Reading(self.name, keys.site or keys.url, zone=keys.timezone, order=keys.date_order, now=self.clock())
        found = parse(data, reading=reading)
        return Pulled(found.articles, state=PullState() if found.problems else state, problems=found.problems)


def parse(data: bytes, *, reading: Reading) -> Pulled:
    """The articles in a table's bytes."""
    table = read_table(data)
    there = {column_name(column): column for column in reversed(table.columns)}
    columns = {key: there[name] for key, names in _COLUMNS.items() for name in reversed(names) if name in there}
    numbers = {kind: there[name] for kind, names in NUMBERS.items() for name in reversed(names) if name in there}
    if "title" not in columns:
        shown = ", ".join(table.columns[:10])[:150]
        raise SourceError(f"No column holds a title; the columns are {shown or 'none'}. Rename one of them.")
    articles: list[Article] = []
    problems = list(table.problems)
    for line, row in table.rows:
        wrong: list[str] = []
        try:
            fields = _fields(row, columns, numbers, wrong)
            made = article_from_fields(fields, folder="", reading=reading, picture=lambda _relative: None)
            articles += made.articles
            wrong += made.problems
        except FieldError as error:
            wrong.append(str(error))
        problems += [f"line {line}: {one}" for one in wrong]
    return Pulled(tuple(articles), problems=shortened(problems))


def _fields(
    row: Mapping[str, str], columns: Mapping[str, str], numbers: Mapping[SignalKind, str], wrong: list[str]
) -> dict[str, Any]:
    """A row as the fields of an article; what is empty is left out."""
    fields: dict[str, Any] = {}
    for key, column in columns.items():
        cell = row.get(column, "").strip()
        if key in _FLAGS:
            fields[key] = cell.casefold() in _YES
        elif key in _LISTS:
            fields[key] = [part.strip() for part in _LIST.split(cell) if part.strip()]
        elif cell:
            fields[key] = plain(cell) if key in _MARK_UP and "<" in cell else cell
    signals = {}
    for kind, column in numbers.items():
        if cell := row.get(column, "").strip():
            value = number_in(cell, rating=kind == SignalKind.RATING)
            if value is None:
                wrong.append(f'{column[:40]} "{cell[:40]}" is no number')
            else:
                signals[kind.value] = value
    return {**fields, "signals": signals} if signals else fields
