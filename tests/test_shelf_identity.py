"""Which readings are one article: the table of evidence, what strangers tried on it, and a year of weeks."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest

from newsletter.issue import Article
from newsletter.shelf import Shelf
from newsletter.shelf.identity import TABLE, Evidence, Seen, titles, verdict
from newsletter.sources import feed
from newsletter.sources.reading import Reading
from tests.times import NOW

CORPUS = Path(os.environ.get("NEWSLETTER_CORPUS") or Path(__file__).resolve().parents[2] / "shared" / "corpus")
CASES = CORPUS.parent / "cases" / "sources"

DAY = timedelta(days=1)
AT = datetime(2026, 11, 11, 9, 30, tzinfo=UTC)
LONG = "The harbour museum opens its third hall with a ferry that nobody had seen since 1951. " * 6
GUIDE = Article(
    title="Your weekend guide",
    url="https://www.marquee.example/guide-45",
    guid="g-45",
    source="site",
    dek="Lantern parade and jazz.",
    published=AT,
    published_from="feed",
)


def guide(**other: object) -> Article:
    return replace(GUIDE, **other)  # type: ignore[arg-type]


def show(number: int, title: str = "", **other: object) -> Article:
    """An episode: every one links to the page of the show."""
    at, link = AT + number * 7 * DAY, "https://www.marquee.example/podcast"
    title = title or f"Episode {number}: the keeper"
    return guide(
        **{"title": title, "url": link, "guid": f"ep-{number}", "published": at, "dek": f"No. {number}.", **other}
    )


BARE = guide(guid=None)
NEXT_WEEK = {"url": "https://www.marquee.example/guide-46", "dek": "A book fair.", "published": AT + 7 * DAY}

# One reading after another, and whether they are one article.
ONE = {
    "http becomes https, in the id too": (
        guide(url="http://www.marquee.example/guide-45", guid="http://www.marquee.example/guide-45"),
        guide(guid="https://www.marquee.example/guide-45"),
    ),
    "a new slug": (GUIDE, guide(url="https://www.marquee.example/weekend-of-lanterns")),
    "a new slug and a new title, at the same time": (
        GUIDE,
        guide(url="https://www.marquee.example/lanterns", title="Lanterns over the harbour"),
    ),
    "a new slug where the id is the address": (
        guide(guid=GUIDE.url),
        guide(url="https://www.marquee.example/lanterns", guid="https://www.marquee.example/lanterns"),
    ),
    "a new slug and another day, with the same long text": (
        guide(body=LONG),
        guide(url="https://www.marquee.example/lanterns", guid="g-46", published=AT + 3 * DAY, body=LONG),
    ),
    "the AMP page": (GUIDE, guide(url="https://amp.marquee.example/guide-45/amp/", guid=None)),
    "the page for telephones": (GUIDE, guide(url="https://m.marquee.example/guide-45", guid="mobile-45")),
    "where the visit comes from": (GUIDE, guide(url=f"{GUIDE.url}?src=rss&ref=home")),
    "where the visit comes from, without an id": (BARE, replace(BARE, url=f"{GUIDE.url}?src=rss")),
    "a new id alone": (GUIDE, guide(guid="regenerated-4711")),
    "a new id and a new date alone": (GUIDE, guide(guid="regenerated-4711", published=AT + DAY)),
    "a new id and a new title, at the same time": (GUIDE, guide(guid="4711", title="Lanterns over the harbour")),
    "UPDATED": (GUIDE, guide(title="UPDATED: Your weekend guide", published=AT + DAY, dek="Now with rain.")),
    "UPDATED, under a new id": (GUIDE, guide(title="Your weekend guide (updated)", guid="4712", published=AT + DAY)),
    "a new title at the same address": (BARE, replace(BARE, title="Lanterns over the harbour")),
    "no address any more": (GUIDE, guide(url=None, guid="4713")),
    "no id, no address, no date any more": (replace(BARE, url=None), replace(BARE, url=None, published=None)),
    "no id and no address, a day later": (replace(BARE, url=None), replace(BARE, url=None, published=AT + DAY)),
    "an id that comes without its address": (GUIDE, guide(url=None, title="Lanterns", published=AT + 9 * DAY)),
    "another source at the same address": (GUIDE, guide(source="wire", guid="w1", title="Lanterns tonight")),
}
TWO = {
    "next week's column": (GUIDE, guide(guid="g-46", **NEXT_WEEK)),
    "next week's column, said in the same words": (GUIDE, guide(guid="g-46", **{**NEXT_WEEK, "dek": GUIDE.dek})),
    "next week's column, where the id is the address": (
        guide(guid=GUIDE.url),
        guide(**NEXT_WEEK, guid=NEXT_WEEK["url"]),
    ),
    "next week's column, without ids": (BARE, replace(BARE, **NEXT_WEEK)),  # type: ignore[arg-type]
    "next week's column, without ids and dates": (
        replace(BARE, published=None),
        replace(BARE, published=None, url=NEXT_WEEK["url"]),  # type: ignore[arg-type]
    ),
    "next week's column, without ids and addresses": (
        replace(BARE, url=None),
        replace(BARE, url=None, dek="A book fair.", published=AT + 7 * DAY),
    ),
    "next week's episode on the page of the show": (show(7), show(8, "Episode 8: storm drums")),
    "an old id on another article": (
        GUIDE,
        guide(url="https://www.marquee.example/x", title="The comet that missed its party", published=AT + 30 * DAY),
    ),
    "episodes under one id": (
        show(7, url="https://www.marquee.example/ep7", guid="show"),
        show(8, url="https://www.marquee.example/ep8", guid="show"),
    ),
    "a parameter that is the page": (
        guide(url="https://www.marquee.example/story?ref=1"),
        guide(
            url="https://www.marquee.example/story?ref=2", guid="g-46", title="Night buses return", published=AT + DAY
        ),
    ),
    "another id, date and text at one address: today's briefing": (
        guide(title="Evening briefing"),
        guide(title="Evening briefing", guid="b-2", published=AT + DAY, dek="The trams, the mayor."),
    ),
    "this year's list at last year's address": (
        replace(BARE, title="The best films of 2025"),
        replace(BARE, title="The best films of 2026", published=AT + 365 * DAY),
    ),
}


@pytest.mark.parametrize(("expected", "name"), [(1, name) for name in ONE] + [(2, name) for name in TWO])
def test_one_reading_after_another_is_the_same_article_or_another(shelf: Shelf, expected: int, name: str) -> None:
    first, second = (ONE if expected == 1 else TWO)[name]
    shelf.put([first], now=NOW)
    for _ in range(2):  # however often it is read
        shelf.put([second], now=NOW)
    assert len(shelf.page()) == expected
    if expected == 2:
        shelf.put([second, first], now=NOW)
        assert sorted(one.article.published or NOW for one in shelf.page()) == sorted(
            one.published or NOW for one in (first, second)
        )


SEVERAL = {
    "one link for the whole show": [show(1), show(2), show(3)],
    "one link and one title for the whole show": [show(number, "Evening briefing") for number in (1, 2, 3)],
    "one link for a list of changes, without ids": [replace(show(number), guid=None) for number in (1, 2, 3)],
    "fragments of one page": [replace(show(n), url=f"https://www.marquee.example/log#post-{n}") for n in (1, 2, 3)],
    "parameters of one page": [replace(show(n), url=f"https://www.marquee.example/story?ref={n}") for n in (1, 2, 3)],
    "parameters of one page, without ids, on one day": [
        replace(show(n), url=f"https://www.marquee.example/story?ref={n}", guid=None, published=AT) for n in (1, 2, 3)
    ],
    "one id for the whole show": [
        replace(show(n), url=f"https://www.marquee.example/ep{n}", guid="show") for n in (1, 2, 3)
    ],
    "one title every day": [
        guide(url=f"https://www.marquee.example/tonight/{n}", guid=f"t{n}", published=AT + n * DAY) for n in (1, 2, 3)
    ],
    "one title at one moment": [guide(url=f"https://www.marquee.example/photo/{n}", guid=f"p{n}") for n in (1, 2, 3)],
}


@pytest.mark.parametrize("name", SEVERAL)
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_what_one_pull_names_side_by_side_stays_apart(shelf: Shelf, name: str, order: tuple[int, ...]) -> None:
    three = [SEVERAL[name][place] for place in order]
    assert shelf.put(three, now=NOW).new == 3
    numbers = {one.article.id: one.article for one in shelf.page()}
    for pull in (three, three[::-1], three[:2]):
        again = shelf.put(pull, now=NOW)
        assert (again.new, again.changed, again.same) == (0, 0, len(pull))
    assert {one.article.id: one.article for one in shelf.page()} == numbers


def test_each_match_that_swallows_an_item_is_told(shelf: Shelf) -> None:
    def told(*pull: Article) -> Sequence[str]:
        return shelf.put(pull, now=NOW).problems

    assert told(GUIDE, show(1)) == []
    assert told(guide(guid=None, title="Lanterns over the harbour", published=AT + 2 * DAY)) == [
        "“Lanterns over the harbour” stands at the address of “Your weekend guide” of 2026-11-11 and was taken for it"
    ]
    moved = guide(title="Lanterns over the harbour", url="https://www.marquee.example/x", guid="x")
    lanterns = "“Lanterns over the harbour”"
    assert told(moved) == [f"{lanterns} came under another address and was taken for {lanterns} of 2026-11-11"]
    assert told(moved) == []
    other = guide(url="https://www.marquee.example/y", guid="x", title="A comet", published=AT + 60 * DAY)
    (line,) = told(other)
    assert line == f"“A comet” came under the id of {lanterns} of 2026-11-11; kept as a new article"
    assert told(other) == []


def test_two_rows_that_a_reading_ties_together_are_told(shelf: Shelf) -> None:
    shelf.put([BARE, guide(url=None, title="The guide", published=None)], now=NOW)
    (line,) = shelf.put([guide(title="The guide")], now=NOW).problems
    assert "ties together" in line
    assert "“Your weekend guide” of 2026-11-11" in line
    assert len(shelf.page()) == 1


@pytest.mark.parametrize(
    ("one", "other", "seen"),
    [
        ("Night Ferry returns", "NIGHT FERRY returns!", Seen.SAME),
        ("UPDATED: Night Ferry returns", "Night Ferry returns", Seen.SAME),
        ("Night Ferry returns (updated)", "Live: Night Ferry returns", Seen.SAME),
        ("Evening live at the docks", "Evening at the docks", Seen.NEAR),
        ("Night Ferry returns", "Night Ferry returns on Friday", Seen.NEAR),
        ("Episode 7: the keeper", "Episode 8: the keeper", Seen.OTHER),
        ("Night Ferry returns", "A comet missed its party", Seen.OTHER),
        ("", "A comet missed its party", Seen.UNKNOWN),
    ],
)
def test_titles(one: str, other: str, seen: Seen) -> None:
    assert titles(one, other) == titles(other, one) == seen


def test_every_rule_of_the_table_decides_something() -> None:
    every = [Evidence(*seen) for seen in product(Seen, repeat=5)]
    used = {id(verdict(evidence)) for evidence in every}
    assert used == {id(rule) for rule in TABLE}
    own = [one for one in every if (one.guid, one.address) == (Seen.OTHER, Seen.OTHER)]
    assert {verdict(one).one_article for one in own if Seen.SAME not in (one.date, one.text)} == {False}


# What strangers tried.

FILES = {
    "01-ref-parameter.xml": ["/story?ref=1001", "/story?ref=1002", "/story?ref=1003"],
    "02-podcast-one-link.xml": ["/podcast"] * 3,
    "02b-one-guid-many-urls.xml": ["/ep1", "/ep2", "/ep3"],
    "04-weekly-column-week1.xml 04-weekly-column-week2.xml": ["/guide-1", "/guide-2", "/tram"],
    "column-week1.xml column-week2.xml": ["/guide-45", "/guide-46"],
}


def read(name: str) -> Sequence[Article]:
    reading = Reading("site", "https://www.example.org/feed", now=NOW + 6 * DAY)
    return feed.parse((CASES / name).read_bytes(), reading=reading).articles


@pytest.mark.corpus
@pytest.mark.skipif(not CASES.is_dir(), reason="no cases; they lie beside the corpus, see NEWSLETTER_CORPUS")
@pytest.mark.parametrize("names", FILES)
def test_feeds_of_strangers_lose_no_article(shelf: Shelf, names: str) -> None:
    problems: list[str] = []
    for name in names.split() * 2:
        problems += shelf.put(read(name), now=NOW).problems
    found = sorted((one.article.url or "").partition("example")[2].partition("/")[2] for one in shelf.page())
    assert found == [path.removeprefix("/") for path in FILES[names]]
    assert len(problems) == (2 if "one-guid" in names else 0)
