"""A folder of articles: Markdown files with YAML front matter, and JSON files with one article or a list.

`Folder.read` walks the folder; `parse` is pure except that it reads pictures through a function it is handed. A file
that cannot be read is a line in `problems` with its name, and the line where that is known; the others are returned.
Drafts are left out. Dates without a time are midnight in the source's time zone.

What it does not know: the web; it fetches nothing. Raises `SourceError` when the folder is missing.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Self

import yaml

from newsletter import __version__
from newsletter.errors import SourceError
from newsletter.fetch import Fetcher
from newsletter.issue import Article
from newsletter.sources import Clock, Pulled, PullState, StoredImage, utc_now
from newsletter.sources.files import files_inside, read_bytes
from newsletter.sources.folder.fields import FieldError, article_from_fields
from newsletter.sources.folder.images import MAX_IMAGE_BYTES
from newsletter.sources.keys import FolderKeys, read_keys
from newsletter.sources.reading import Reading, shortened

MAX_BYTES = 1024 * 1024
MAX_FRONT_MATTER = 64 * 1024
MAX_FILES = 2000
SUFFIXES = (".md", ".markdown", ".json")
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)(.*)\Z", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Folder:
    """The articles of one folder and its subfolders. `url` is what relative addresses in them are relative to."""

    name: str
    keys: FolderKeys
    clock: Clock = utc_now

    @classmethod
    def from_options(
        cls,
        name: str,
        options: Mapping[str, Any],
        *,
        root: Path,
        fetcher: Fetcher,  # noqa: ARG003 - the contract of all sources; this one fetches nothing
        clock: Clock = utc_now,
    ) -> Self:
        return cls(name=name, keys=read_keys(FolderKeys, name, options, root=root), clock=clock)

    def read(self, previous: PullState) -> Pulled:
        """The articles of all files, by file name. A reading with problems is not remembered."""
        keys = self.keys
        reading = Reading(self.name, keys.url, zone=keys.timezone, order=keys.date_order, now=self.clock())
        digest = hashlib.sha256(f"{__version__} {keys}".encode())
        articles: list[Article] = []
        problems: list[str] = []
        images: dict[str, StoredImage] = {}
        for file in files_inside(keys.path, SUFFIXES, limit=MAX_FILES):
            label = file.relative_to(keys.path).as_posix()
            try:
                data = read_bytes(file, max_bytes=MAX_BYTES)
                found = parse(data, label=label, reading=reading, picture=self._picture)
            except SourceError as error:
                problems.append(f"{label}: {error}")
                continue
            articles += found.articles
            problems += found.problems
            images |= {image.name: image for image in found.images}
            digest.update(hashlib.sha256(label.encode() + data).digest())
        digest.update("".join(sorted(images)).encode())
        state = PullState() if problems else PullState({"sha256": digest.hexdigest()})
        if state == previous and not problems:
            return Pulled(state=state, unchanged=True)
        return Pulled(tuple(articles), state=state, problems=shortened(problems), images=tuple(images.values()))

    def _picture(self, relative: str) -> bytes | None:
        """The bytes of a picture inside the folder, None when there is none. Raises `SourceError` when it leads out."""
        file, inside = self.keys.path / relative, self.keys.path.resolve()
        if not file.resolve().is_relative_to(inside):
            raise SourceError(f"the picture {relative!r} lies outside of the folder; copy it inside")
        return read_bytes(file, max_bytes=MAX_IMAGE_BYTES) if file.is_file() else None


def parse(
    data: bytes, *, label: str, reading: Reading, picture: Callable[[str], bytes | None] = lambda _relative: None
) -> Pulled:
    """The articles of one file. `label` is its path inside the folder; `picture` returns the bytes of a file beside it.

    Raises `SourceError` when the file as a whole cannot be read.
    """
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise SourceError(f"it is not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    records = _records(text) if label.endswith(".json") else [_front_matter(text)]
    folder = str(PurePosixPath(label).parent)
    articles: list[Article] = []
    problems: list[str] = []
    images: list[StoredImage] = []
    for position, record in enumerate(records, start=1):
        place = f"{label}, article {position}" if len(records) > 1 else label
        try:
            made = article_from_fields(record, folder=folder, reading=reading, picture=picture)
        except FieldError as error:
            problems.append(f"{place}: {error}")
            continue
        problems += [f"{place}: {problem}" for problem in made.problems]
        articles += made.articles
        images += made.images
    return Pulled(articles=tuple(articles), problems=tuple(problems), images=tuple(images))


def _front_matter(text: str) -> dict[str, Any]:
    """The front matter's keys, and the Markdown below it under `body_markdown`."""
    found = _FRONT_MATTER.match(text)
    if found is None:
        raise SourceError('it has no front matter; begin it with a line "---", then title: …, and another line "---"')
    if len(found.group(1)) > MAX_FRONT_MATTER:
        raise SourceError(f"its front matter is longer than {MAX_FRONT_MATTER // 1024} KiB; the text goes below it")
    try:
        fields = yaml.load(found.group(1), Loader=_TextLoader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 2}" if error.problem_mark else "front matter"
        what = error.problem or "not YAML"
        raise SourceError(f"{line}: {what}; a text with a colon needs quotation marks") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SourceError(f"its front matter is no YAML ({' '.join(str(error).split())[:100]})") from error
    if not isinstance(fields, dict):
        raise SourceError("its front matter holds no keys; write lines like title: …")
    return {str(key): value for key, value in fields.items()} | {"body_markdown": found.group(2)}


def _records(text: str) -> list[dict[str, Any]]:
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise SourceError(f"line {error.lineno}: {error.msg}; it is not valid JSON") from error
    except (ValueError, RecursionError) as error:
        raise SourceError("it is not JSON that can be read; check its nesting") from error
    records = found if isinstance(found, list) else [found]
    if not all(isinstance(record, dict) for record in records):
        raise SourceError("it must hold one object or a list of objects, one an article")
    return records


class _TextLoader(yaml.SafeLoader):
    """Safe YAML that leaves dates as the texts they are: `sources.dates` reads them, with the source's time zone."""


_TextLoader.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
