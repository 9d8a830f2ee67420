"""How much of real article pages is read: the share of pages of which each field is what their truth says.

The pages and their truths are two collections of the corpus, which is not part of this repository: the environment
variable NEWSLETTER_CORPUS names its folder, else ../shared/corpus is tried. A dek is right when it is within nine
tenths of the truth's letters. An image is right when it is the same picture, in whatever size: a number or name of six
characters or more, that is no date, is in both addresses; "file" asks for the same file name. Pages whose truth lacks a
field do not count for it. Run: python -m benchmarks.pages [--json]
"""

from __future__ import annotations

import gzip
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from rapidfuzz.fuzz import ratio

from benchmarks.measure import ROOT
from newsletter.issue import Article
from newsletter.sources.page import parse
from newsletter.sources.reading import Reading

CORPUS = Path(os.environ.get("NEWSLETTER_CORPUS") or ROOT.parent / "shared" / "corpus") / "articles"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
Hit = Callable[[Article, Mapping[str, Any]], bool | None]


def letters(text: str) -> str:
    return re.sub(r"\W+", "", text).casefold()


def title(article: Article, truth: Mapping[str, Any]) -> bool | None:
    return letters(article.title) == letters(truth["title"]) if truth.get("title") else None


def minute(article: Article, truth: Mapping[str, Any]) -> bool | None:
    raw = truth.get("date_published") or truth.get("publishing_date")
    if not raw:
        return None
    wanted = datetime.fromisoformat(raw)
    wanted = wanted if wanted.tzinfo else wanted.replace(tzinfo=UTC)
    return article.published is not None and abs(article.published - wanted) <= timedelta(seconds=60)


def author(article: Article, truth: Mapping[str, Any]) -> bool | None:
    wanted = truth.get("author") or truth.get("authors")
    if not wanted:
        return None
    return letters(" ".join(article.authors)) == letters(wanted if isinstance(wanted, str) else " ".join(wanted))


def image(article: Article, truth: Mapping[str, Any]) -> bool | None:
    wanted = truth.get("lead_image_url") or truth.get("cover_images")
    if not wanted:
        return None
    named = [wanted] if isinstance(wanted, str) else wanted
    mine = article.image.url if article.image else ""
    return any(marks(mine) & marks(url) or file_name(mine) == file_name(url) for url in named)


def marks(url: str) -> set[str]:
    """What of an address names the picture and not its size."""
    found = re.findall(r"[0-9a-f]*\d[0-9a-f]{5,}|[0-9a-f]{5,}\d[0-9a-f]*|\d{5,}", unquote(unquote(url)))
    return {mark for mark in found if not re.fullmatch(r"(?:19|20)\d{4}(?:\d\d)?", mark)}


def file(article: Article, truth: Mapping[str, Any]) -> bool | None:
    wanted = truth.get("lead_image_url") or truth.get("cover_images")
    if not wanted:
        return None
    named = {file_name(url) for url in ([wanted] if isinstance(wanted, str) else wanted)}
    return article.image is not None and file_name(article.image.url) in named


def dek(article: Article, truth: Mapping[str, Any]) -> bool | None:
    wanted = truth.get("dek") or " ".join(truth.get("summary") or ())
    return ratio(letters(article.dek), letters(wanted)) >= 90 if wanted else None


def body(article: Article, truth: Mapping[str, Any]) -> bool | None:
    """Whether the first paragraph is in the text."""
    wanted = letters(truth.get("first_paragraph") or "")
    return wanted[:60] in letters(article.body) if wanted else None


FIELDS: dict[str, Hit] = {
    "title": title, "time": minute, "author": author, "image": image, "file": file, "dek": dek, "body": body,
}  # fmt: skip


def file_name(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]


def pages(collection: str) -> Iterator[tuple[str, bytes, Mapping[str, Any]]]:
    folder = CORPUS / collection
    for name, facts in json.loads((folder / "truth.json").read_text()).items():
        data = (folder / name).read_bytes()
        yield name, gzip.decompress(data) if name.endswith(".gz") else data, facts


def measured(collection: str) -> dict[str, Any]:
    """The shares of one collection, how many pages each is of, and the CPU time of a page in milliseconds."""
    hits: dict[str, list[bool]] = {field: [] for field in FIELDS}
    missed: dict[str, list[str]] = {field: [] for field in FIELDS}
    began, count = time.process_time(), 0
    for name, data, facts in pages(collection):
        article, count = parse(data, reading=Reading("page", now=NOW)), count + 1
        for field, hit in FIELDS.items():
            if (right := hit(article, facts)) is not None:
                hits[field].append(right)
                missed[field] += [] if right else [name]
    cpu = (time.process_time() - began) * 1000 / count
    shares = {field: round(sum(found) / len(found), 3) if found else None for field, found in hits.items()}
    return {"shares": shares, "of": {field: len(found) for field, found in hits.items()}, "missed": missed, "ms": cpu}


def main() -> None:
    if not CORPUS.is_dir():
        raise SystemExit("no corpus; set NEWSLETTER_CORPUS to the folder of real input")
    found = {collection: measured(collection) for collection in ("fundus", "postlight")}
    if "--json" in sys.argv[1:]:
        print(json.dumps(found))
        return
    print(f"{'share of pages right':<24}" + "".join(f"{field:>9}" for field in FIELDS) + f"{'ms a page':>11}")
    for collection, one in found.items():
        count = max(one["of"].values())
        shares = "".join(f"{'-' if one['shares'][field] is None else one['shares'][field]:>9}" for field in FIELDS)
        print(f"{f'{collection}, {count} pages':<24}{shares}{one['ms']:>11.1f}")


if __name__ == "__main__":
    main()
