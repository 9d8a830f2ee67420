"""Where articles come from. A source is one file and one line in `SOURCES`.

The contract: `Class.from_options(name, options, root=…, fetcher=…)` reads the keys of one `[[sources]]` table (without
`name`, `kind`, `weight`, `sections`); unknown or impossible keys raise `SettingsError` naming the key. `read(previous)`
gives what is there now. It raises `SourceError` when nothing could be read at all; a single bad item is a line in
`problems` and the others are given. Beside every source stands a pure `parse(bytes, …)` that its tests read files with.

Everything a source reads is hostile until cleaned: articles leave here as plain text, with http(s) addresses only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from newsletter.issue import Article

SOURCES = {
    "feed": "newsletter.sources.feed:Feed",
    "page": "newsletter.sources.page:Page",
    "folder": "newsletter.sources.folder:Folder",
}


@dataclass(frozen=True, slots=True)
class PullState:
    """What a source wants to remember between two pulls (an ETag, a hash), as text. Opaque to everybody else."""

    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredImage:
    """A picture that came as a file and not as an address; the public pages serve it under `/images/<name>`.

    `name` is the first 16 hex digits of its SHA-256 and its suffix, so a picture never changes under its name.
    """

    name: str
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Pulled:
    """What one reading gave. `unchanged`: the source said nothing is new since `previous`; `articles` is empty.

    An article whose picture came as a file carries `Image(url="stored:<name>")`; whoever renders puts the address of
    the public pages in its place.
    """

    articles: tuple[Article, ...] = ()
    state: PullState = field(default_factory=PullState)
    problems: tuple[str, ...] = ()
    images: tuple[StoredImage, ...] = ()
    unchanged: bool = False


class Source(Protocol):
    name: str

    def read(self, previous: PullState) -> Pulled: ...
