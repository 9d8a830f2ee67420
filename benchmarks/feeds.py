"""How much of real feeds is read, compared with what feedparser and the JSON itself say of the same bytes.

The feeds are a collection of the corpus, which is not part of this repository: the environment variable
NEWSLETTER_CORPUS names its folder, else ../shared/corpus is tried. feedparser flattens items and guesses at dates, so
where the two differ a person has to look: --json lists every difference. (One feed has its items inside each other, and
feedparser loses their own addresses, leaving those of a relay.) A title is the same by its letters, an address
without what only tracks, a date within a minute. Time is the CPU time of reading all feeds, for 33 items.
Run: python -m benchmarks.feeds [--json]
"""

from __future__ import annotations

import calendar
import html
import io
import json
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import feedparser

from benchmarks.measure import ROOT
from newsletter.errors import SourceError
from newsletter.issue import Article
from newsletter.links import canonical
from newsletter.sources.feed import parse
from newsletter.sources.reading import Reading

CORPUS = Path(os.environ.get("NEWSLETTER_CORPUS") or ROOT.parent / "shared" / "corpus") / "feeds"
HERE = Reading("feed", "https://feeds.example/feed", now=datetime(2026, 11, 22, 12, tzinfo=UTC))
REPEATS = 3


@dataclass(frozen=True, slots=True)
class Item:
    title: str
    url: str
    moment: datetime | None


def letters(text: str) -> str:
    return re.sub(r"\W+", "", html.unescape(re.sub(r"<[^>]*>", "", html.unescape(text)))).casefold()


def independent(data: bytes) -> list[Item]:
    """The items as others read them."""
    if data.lstrip()[:1] == b"{":
        feed = json.loads(data)
        home = feed.get("home_page_url", "")
        return [
            Item(
                one.get("title", ""), canonical(one["url"], against=home), datetime.fromisoformat(one["date_published"])
            )
            for one in feed["items"]
        ]
    found = feedparser.parse(io.BytesIO(data), sanitize_html=False, resolve_relative_uris=False)
    entries = (one for one in found["entries"] if one.get("title") or one.get("link"))
    return [Item(one.get("title", ""), canonical(_link(one)), _moment(one)) for one in entries]


def _link(entry: Mapping[str, Any]) -> str:
    return str(entry.get("feedburner_origlink") or entry.get("link") or "")


def _moment(entry: Mapping[str, Any]) -> datetime | None:
    parsed = entry.get("published_parsed") or entry.get("updated_parsed")
    return datetime.fromtimestamp(calendar.timegm(parsed), UTC) if parsed else None


def differences(articles: Sequence[Article], items: Sequence[Item]) -> list[str]:
    """What is not the same, item by item."""
    found = [] if len(articles) == len(items) else [f"{len(articles)} items, and {len(items)} to others"]
    for ours, theirs in zip(articles, items, strict=False):
        apart = abs((ours.published - theirs.moment).total_seconds()) if ours.published and theirs.moment else 0
        both = (
            ("title", ours.title, theirs.title, letters(ours.title) == letters(theirs.title)),
            ("url", ours.url or "", theirs.url, (ours.url or "") == theirs.url),
            ("date", ours.published, theirs.moment, (not ours.published) == (not theirs.moment) and apart <= 60),
        )
        found += [f"{name}: {one!s:.200}, and {other!s:.200} to others" for name, one, other, same in both if not same]
    return found


def measured() -> dict[str, Any]:
    """By feed: how many items it has, the CPU time of reading it in milliseconds, and what differs."""
    feeds: dict[str, Any] = {}
    for file in sorted(CORPUS.iterdir()):
        data = file.read_bytes()
        try:
            articles = parse(data, reading=HERE).articles
        except SourceError:
            continue  # what is no feed lies there too
        taken = []
        for _ in range(REPEATS):
            began = time.process_time()
            parse(data, reading=HERE)
            taken.append((time.process_time() - began) * 1000)
        feeds[file.name] = {
            "items": len(articles),
            "ms": round(min(taken), 2),
            "differences": differences(articles, independent(data)),
        }
    return feeds


def main() -> None:
    if not CORPUS.is_dir():
        raise SystemExit("no corpus; set NEWSLETTER_CORPUS to the folder of real input")
    feeds = measured()
    items = sum(one["items"] for one in feeds.values())
    each = sum(one["ms"] for one in feeds.values()) * 33 / items
    if "--json" in sys.argv[1:]:
        print(json.dumps({"feeds": feeds, "items": items, "ms_for_33": round(each, 2)}))
        return
    every = [difference for one in feeds.values() for difference in one["differences"]]
    print(f"{len(feeds)} real feeds, {items} items: {each:.1f} ms of CPU for 33 items")
    for name in ("title", "url", "date"):
        other = sum(difference.startswith(name) for difference in every)
        print(f"{name:<8}{items - other:>6} as others read it, {other} otherwise")
    print(f"feeds with another number of items: {sum(' items, and ' in difference for difference in every)}")


if __name__ == "__main__":
    main()
