"""The keys of a `[[sources]]` table of each built-in kind, without `name`, `kind`, `weight` and `sections`.

They stand apart from what reads with them, so that a table can be checked without loading any of it. A relative path is
relative to the project's folder; nothing need exist yet. Raises `ValueError`; `newsletter.options` names the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any, TypeVar

from newsletter.links import refusal
from newsletter.options import between, checked, read
from newsletter.sources.dates import DateOrder

MAX_PAGES = 50
Keys = TypeVar("Keys")


def _address(value: str) -> str:
    reason = refusal(value)
    return f"must be an http:// or https:// address; {value!r} {reason}" if reason else ""


@dataclass(frozen=True, kw_only=True)
class Common:
    """How a source writes its dates, and which private hosts it may reach."""

    timezone: tzinfo = UTC
    date_order: DateOrder | None = None
    allow_private: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FeedKeys(Common):
    url: str = field(default="", metadata=checked(_address))
    path: Path | None = None
    follow: bool | None = None

    def __post_init__(self) -> None:
        _exactly_one(url=self.url, path=self.path)


@dataclass(frozen=True, kw_only=True)
class PageKeys(Common):
    url: str = field(default="", metadata=checked(_address))
    urls: tuple[str, ...] = field(default=(), metadata=checked(_address))
    path: Path | None = None

    def __post_init__(self) -> None:
        _exactly_one(url=self.url, urls=self.urls, path=self.path)
        if len(self.urls) > MAX_PAGES:
            raise ValueError(f"urls must name 1 to {MAX_PAGES} addresses, not {len(self.urls)}")


@dataclass(frozen=True, kw_only=True)
class FolderKeys(Common):
    """`url` is what relative addresses in the files are relative to."""

    path: Path
    url: str = field(default="", metadata=checked(_address))


@dataclass(frozen=True, kw_only=True)
class WordpressKeys(Common):
    """`days` is how far back posts are asked for."""

    url: str = field(metadata=checked(_address))
    days: int = field(default=30, metadata=between(1, 365))
    comments: bool = True


@dataclass(frozen=True, kw_only=True)
class GhostKeys(Common):
    """The key of the Content API is in a file, or in the environment variable that `key_env` names; never here."""

    url: str = field(metadata=checked(_address))
    days: int = field(default=30, metadata=between(1, 365))
    key_file: Path | None = None
    key_env: str = ""

    def __post_init__(self) -> None:
        _exactly_one(key_file=self.key_file, key_env=self.key_env)


@dataclass(frozen=True, kw_only=True)
class SitemapKeys(Common):
    """`days` is how far back a page may have changed to be read."""

    url: str = field(metadata=checked(_address))
    days: int = field(default=14, metadata=between(1, 365))


@dataclass(frozen=True, kw_only=True)
class TableKeys(Common):
    """`site` is the address that paths in the file belong to."""

    url: str = field(default="", metadata=checked(_address))
    path: Path | None = None
    site: str = field(default="", metadata=checked(_address))

    def __post_init__(self) -> None:
        _exactly_one(url=self.url, path=self.path)


def read_keys(keys: type[Keys], name: str, options: Mapping[str, Any], *, root: Path) -> Keys:
    """The keys of the source `name`. Raises `SettingsError`."""
    return read(keys, options, root=root, table=f'[[sources]] "{name}"')


def _exactly_one(**places: object) -> None:
    """Refuses a table that names its place twice or not at all."""
    given = [key for key, value in places.items() if value]
    if len(given) != 1:
        what = "both " + " and ".join(given) if given else "none of " + ", ".join(places)
        raise ValueError(f"has {what}; give exactly one of {', '.join(places)}")
