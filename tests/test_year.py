"""A year of weekly issues from feeds that do what feeds do: nothing is carried twice, never listed, or swallowed.

Three feeds on loopback are pulled twice a week, and each week the real choice picks. A category of each item says which
piece it truly is; nothing that recognises articles reads it.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from html import escape
from pathlib import Path

import pytest

from newsletter.app import Project
from newsletter.issue import Article, Issue, Pick
from tests.projects import TOML, make_project
from tests.site import Site, running
from tests.times import Clock

CORPUS = Path(os.environ.get("NEWSLETTER_CORPUS") or Path(__file__).resolve().parents[2] / "shared" / "corpus")
CASES = CORPUS.parent / "cases" / "sources"
WEEKS = 52
DAY, WEEK = timedelta(days=1), timedelta(days=7)
FEED = (
    '[[sources]]\nname = "{name}"\nkind = "feed"\nurl = "{url}/{name}"\nfollow = false\nallow_private = ["127.0.0.1"]\n'
)
SECTION = '[[sections]]\nname = "highlights"\npick = 9\n'
COLUMNS = ("Your weekend guide", "The week in pictures", "Ask the harbour master")
NOUNS = [
    "ferry",
    "museum",
    "tram",
    "bakery",
    "comet",
    "violin",
    "lantern",
    "orchard",
    "regatta",
    "cinema",
    "postcard",
    "bridge",
    "library",
    "choir",
]
VERBS = [
    "returns",
    "closes",
    "sings",
    "burns",
    "moves",
    "waits",
    "opens",
    "wins",
    "doubles",
    "fades",
    "travels",
    "whispers",
]
PLACES = [
    "Oakport",
    "Millstadt",
    "Larkhaven",
    "Brindle",
    "Sorrel",
    "Thistle",
    "Wexcombe",
    "Juniper",
    "Quarry",
    "Saltmarsh",
]


@dataclass
class Piece:
    """What a publisher once wrote, and what has become of its names since."""

    number: int
    feed: str
    title: str
    at: datetime
    slug: str
    guid: str
    dek: str

    @property
    def mark(self) -> str:
        return f"piece-{self.number}"


class Publisher:
    """Writes pieces and tampers with their names. `now` is the moment at which its feeds are read."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.pieces: list[Piece] = []
        self.luck = random.Random(52)
        self.week = 0

    def write(self, feed: str, title: str, *, days: float, slug: str = "", dek: str = "") -> Piece:
        number = len(self.pieces)
        named = slug or f"{number}-{title.lower().replace(' ', '-')}"
        piece = Piece(
            number, feed, title, self.clock() - days * DAY, named, f"id-{number}", dek or f"{title}, told anew."
        )
        self.pieces.append(piece)
        return piece

    def go_on(self) -> None:
        """Half a week's pieces, and what a desk does to the old ones."""
        half = self.week % 2
        for day in (0.5, 1.2, 2.4):
            title = " ".join((self.luck.choice(PLACES), self.luck.choice(NOUNS), self.luck.choice(VERBS)))
            self.write("site", f"{title} after {self.luck.randrange(3, 400)} years", days=day)
        if half:
            for place, column in enumerate(COLUMNS):  # the same title every week, one of them in the same words
                self.write("site", column, days=1 + place / 10, dek="All you need." if place else "")
            self.write("show", f"Episode {self.week // 2 + 1}: the keeper", days=1.5, slug="show")
            self.write("show", "Evening briefing", days=1.7, slug="briefing")
        else:
            self.write("log", f"Release {self.week // 2 + 1}", days=1.1, slug="log#post-{}")
            self.write("log", f"What the {self.luck.choice(NOUNS)} said", days=1.3, slug="story?ref={}")
        recent = [piece for piece in self.pieces if piece.feed == "site" and self.clock() - piece.at < 2 * WEEK]
        slug, guid, updated, both, retitled = self.luck.sample(recent, 5) if len(recent) > 9 else (None,) * 5
        if slug and guid and updated and both and retitled:
            slug.slug += "-edited"
            guid.guid += "-again"
            updated.title = "UPDATED: " + updated.title.removeprefix("UPDATED: ")
            both.slug, both.guid = f"{both.number}-moved-{self.week}", f"{both.guid}-moved"
            retitled.title += ", says the mayor"
        self.week += 1

    def items(self, feed: str, *, newest: int) -> list[dict[str, str]]:
        """The newest items as the feed tells of them now: the whole site moves to https, to another host, gets new ids."""
        scheme = "http" if self.week < 40 else "https"
        host = "www.marquee.example" if self.week < 60 else "m.marquee.example"
        tail = "" if self.week < 76 else "?src=rss"
        again = "" if self.week < 88 else "?regenerated"
        found = []
        for piece in [one for one in self.pieces if one.feed == feed][-newest:]:
            address = f"{scheme}://{host}/{piece.slug.format(piece.number)}"
            address += "" if "?" in address or "#" in address else tail
            when = format_datetime(piece.at)
            found.append({"title": piece.title, "url": address, "id": piece.guid + again, "date": when,
                          "iso": piece.at.isoformat(), "dek": piece.dek, "mark": piece.mark})  # fmt: skip
        return found

    def rss(self, feed: str, *, newest: int) -> bytes:
        return (
            "<rss version='2.0'><channel><title>Marquee</title>"
            + "".join(
                f"<item><title>{escape(one['title'])}</title><link>{one['url']}</link><category>{one['mark']}</category>"
                f"<guid isPermaLink='false'>{one['id']}</guid><pubDate>{one['date']}</pubDate>"
                f"<description>{escape(one['dek'])}</description></item>"
                for one in reversed(self.items(feed, newest=newest))
            )
            + "</channel></rss>"
        ).encode()

    def json_feed(self, feed: str, *, newest: int) -> bytes:
        items = [
            {"id": one["id"], "url": one["url"], "title": one["title"], "date_published": one["iso"],
             "summary": one["dek"], "tags": [one["mark"]]}
            for one in self.items(feed, newest=newest)
        ]  # fmt: skip
        return json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "Log", "items": items}).encode()


@pytest.fixture
def site() -> Iterator[Site]:
    with running() as site:
        yield site


def test_a_year_of_weeks_swallows_nothing_and_carries_nothing_twice(tmp_path: Path, site: Site, clock: Clock) -> None:
    sources = "".join(FEED.format(name=name, url=site.url) for name in ("site", "show", "log"))
    project = make_project(tmp_path / "year", clock=clock, text=TOML, more=sources + SECTION)
    publisher = Publisher(clock)
    carried: Counter[str] = Counter()
    listed: set[str] = set()
    for _ in range(WEEKS):
        for _ in range(2):
            publisher.go_on()
            site.page("/site", publisher.rss("site", newest=24))
            site.page("/show", publisher.rss("show", newest=2 if publisher.week % 8 == 0 else 6))
            site.page("/log", publisher.json_feed("log", newest=7))
            lines = project.weekly.pull()
            assert [line.failed for line in lines] == ["", "", ""]
            on_shelf = Counter(mark_of(shelved.article) for shelved in project.shelf.page(limit=10_000))
            written = {piece.mark for piece in publisher.pieces}
            assert [mark for mark, number in on_shelf.items() if number > 1] == [], "two rows for one piece"
            assert written - set(on_shelf) == set(), "one row for two pieces"
            clock.forward(WEEK / 2)
        issue = project.weekly.pick(project.slot(None))
        carried.update(carry(project, issue))
        listed |= {mark_of(pick.article) for pick in issue.picks}
        for passed in issue.passed_over:
            assert "carried by" not in passed.reason or passed.reason.startswith("carried by"), passed.reason
            listed.add(mark_of(passed.article))
    assert [mark for mark, number in carried.items() if number > 1] == []
    assert len(carried) > 8 * WEEKS
    assert {piece.mark for piece in publisher.pieces} - listed == set()


@pytest.mark.corpus
@pytest.mark.skipif(not CASES.is_dir(), reason="no cases; they lie beside the corpus, see NEWSLETTER_CORPUS")
@pytest.mark.parametrize(
    ("weeks", "carried"),
    [
        (("04-weekly-column-week1.xml", "04-weekly-column-week2.xml"), ["Weekend guide", "Tram news", "Weekend guide"]),
        (("column-week1.xml", "column-week2.xml"), ["Your weekend guide", "Your weekend guide"]),
        (
            ("02c-podcast-week2.xml", "02c-podcast-week2.xml"),
            ["Tram", "Episode 7: the keeper", "Episode 8: storm drums"],
        ),
    ],
)
def test_what_strangers_saw_swallowed_in_the_second_week_is_carried(
    weeks: tuple[str, str], carried: list[str], tmp_path: Path, site: Site
) -> None:
    clock = Clock(datetime(2026, 11, 19, 8, tzinfo=UTC))
    source = FEED.format(name="site", url=site.url)
    project = make_project(tmp_path / "weeks", clock=clock, text=TOML, more=source + SECTION)
    found: list[Pick] = []
    for week in weeks:
        page = (CASES / week).read_bytes()
        if not found:  # what the show had a week before
            page = page.replace(b"Episode 8: storm drums", b"Episode 7: the keeper").replace(b"ep-8", b"ep-7")
            page = page.replace(b"25 Nov", b"18 Nov")
        site.page("/site", page)
        project.weekly.pull()
        issue = project.weekly.pick(project.slot(None))
        with project.database.write() as connection:
            project.shelf.carry(connection, [pick.article.id or 0 for pick in issue.picks], slot=issue.slot.key)
        found += sorted(issue.picks, key=lambda pick: pick.article.title, reverse=True)
        clock.forward(WEEK)
    assert [pick.article.title for pick in found] == carried
    last = next(pick.article for pick in found[::-1] if pick.article.title == carried[-1])
    assert last.published is not None
    assert last.published.date() > datetime(2026, 11, 19, tzinfo=UTC).date()


def mark_of(article: Article) -> str:
    return next(mark for mark in (*article.categories, *article.tags) if mark.startswith("piece-"))


def carry(project: Project, issue: Issue) -> list[str]:
    with project.database.write() as connection:
        numbers = [pick.article.id or 0 for pick in issue.picks]
        assert project.shelf.carry(connection, numbers, slot=issue.slot.key) == len(numbers)
    return [mark_of(pick.article) for pick in issue.picks]
