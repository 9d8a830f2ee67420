"""Where articles come from. A source is one file and one line in `SOURCES`.

The contract: `Class.from_options(name, options, root=…, fetcher=…, clock=…)` reads the keys of one `[[sources]]` table
(without `name`, `kind`, `weight`, `sections`); unknown or impossible keys raise `SettingsError` naming the key.
Relative paths are relative to `root`, the project's folder; `clock()` returns the time. `read(previous)` returns the
articles that are there now. It raises `SourceError` when nothing could be read at all; a single bad item is a line in
`problems` and the other articles are returned. Every source has a pure `parse(bytes, …)`, which its tests call on
files.

Everything a source reads is hostile until it is cleaned: the articles it returns hold plain text and http(s) addresses.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from newsletter.errors import SettingsError
from newsletter.issue import Article, Signal
from newsletter.options import Kind, place_of
from newsletter.sources.keys import FeedKeys, FolderKeys, GhostKeys, PageKeys, SitemapKeys, TableKeys, WordpressKeys

if TYPE_CHECKING:
    from newsletter.fetch import Fetcher

SOURCES = {
    "feed": Kind("newsletter.sources.feed:Feed", FeedKeys),
    "page": Kind("newsletter.sources.page:Page", PageKeys),
    "folder": Kind("newsletter.sources.folder:Folder", FolderKeys),
    "wordpress": Kind("newsletter.sources.wordpress:Wordpress", WordpressKeys),
    "ghost": Kind("newsletter.sources.ghost:Ghost", GhostKeys),
    "sitemap": Kind("newsletter.sources.sitemap:Sitemap", SitemapKeys),
    "csv": Kind("newsletter.sources.csv_file:CsvFile", TableKeys),
    "signals": Kind("newsletter.sources.signals:Signals", TableKeys),
}


Clock = Callable[[], datetime]
"""Returns the time, in UTC."""


@dataclass(frozen=True, slots=True)
class PullState:
    """The values a source keeps between two pulls (an ETag, a hash), as text. Opaque to everything else."""

    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredImage:
    """A picture that came as a file; the public pages serve it under `/images/<name>`.

    `name` is the first 16 hex digits of its SHA-256 and its suffix, so a picture never changes under its name.
    """

    name: str
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Pulled:
    """The result of one reading. `unchanged` means that nothing is new since `previous`, and `articles` is empty.

    An article whose picture came as a file has `Image(url="stored:<name>")`; `rendering` replaces this with the
    picture's address on the public pages. `numbers` are about articles of other sources, by address.
    """

    articles: tuple[Article, ...] = ()
    state: PullState = field(default_factory=PullState)
    problems: tuple[str, ...] = ()
    images: tuple[StoredImage, ...] = ()
    unchanged: bool = False
    numbers: tuple[tuple[str, tuple[Signal, ...]], ...] = ()


class Source(Protocol):
    name: str

    def read(self, previous: PullState) -> Pulled: ...


def utc_now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the clock itself


def load(
    kind: str, name: str, options: Mapping[str, Any], *, root: Path, fetcher: Fetcher, clock: Clock = utc_now
) -> Source:
    """The source of one `[[sources]]` table. `kind` is a line of `SOURCES` or anybody's own `package.module:Class`.

    Raises `SettingsError` for an unknown kind, an unknown key or an impossible value.
    """
    module_name, _, class_name = place_of(kind, SOURCES, table=f'[[sources]] "{name}"').partition(":")
    table = f'[[sources]] "{name}" kind "{kind}"'
    try:
        source_class = getattr(importlib.import_module(module_name), class_name)
    except (ImportError, AttributeError, ValueError) as error:
        raise SettingsError(f"{table} cannot be loaded ({error}): is it there?") from error
    if not hasattr(source_class, "from_options"):
        raise SettingsError(f"{table} is not a source; it has no from_options")
    return cast("Source", source_class.from_options(name, options, root=root, fetcher=fetcher, clock=clock))
