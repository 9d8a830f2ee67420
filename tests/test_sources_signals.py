from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from newsletter.errors import SourceError
from newsletter.issue import Article, Signal, SignalKind
from newsletter.shelf import Shelf
from newsletter.shelf.numbers import gained
from newsletter.sources import Pulled
from newsletter.sources.reading import Reading
from newsletter.sources.signals import parse
from newsletter.weekly import PullLine
from tests.projects import make_project
from tests.site import running
from tests.times import Clock

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HERE = Reading("stats", "https://site.example/", now=NOW)
VIEWS = SignalKind.VIEWS
DAY = timedelta(days=1)


def read(text: str, *, reading: Reading = HERE) -> Pulled:
    return parse(text.encode(), reading=reading, seen=NOW)


def views(found: Pulled) -> dict[str, float]:
    return {url: signal.value for url, given in found.numbers for signal in given if signal.kind == VIEWS}


@pytest.mark.parametrize(
    "text",
    [
        'url,views\nhttps://site.example/a,"18,420"\n',
        "\ufeffsep=;\nURL;Views\nhttps://site.example/a;18 420\n",
        "label,nb_hits,url\na,18420,https://site.example/a\n",
        "name,visitors,pageviews\n/a,9,18420\n",
        "# Report\n# Start date: 20261101\n\nPage path and screen class,Views\n/a,18000\n/a?utm_source=x,420\n",
        json.dumps([{"url": "https://site.example/a", "views": 18420}]),
        json.dumps({"results": [{"page": "/a", "pageviews": 18420}]}),
    ],
)
def test_every_shape_gives_the_views_of_an_address(text: str) -> None:
    found = read(text)
    assert (views(found), found.problems) == ({"https://site.example/a": 18420}, ())


def test_rows_of_another_site_and_formulas_are_told_and_not_taken() -> None:
    found = read("url,views\nhttps://else.example/a,5\nhttps://site.example/b,=1+1\n")
    assert views(found) == {}
    assert found.problems == (
        'line 3: views "=1+1" is no count',
        "1 row about another site than https://site.example/: not taken",
    )


def test_a_quote_that_is_never_closed_costs_one_row() -> None:
    found = read('url,views\nhttps://site.example/a,7\n"https://site.example/b,8\nhttps://site.example/c,9\n')
    assert views(found) == {"https://site.example/a": 7, "https://site.example/c": 9}
    assert found.problems == ("line 3: a quote is opened here and never closed; the row was left out",)


def test_a_file_without_addresses_says_what_it_lacks() -> None:
    with pytest.raises(SourceError, match="No column holds an address"):
        read("colour,views\nred,5\n")


def signal(value: float, days_ago: float) -> Signal:
    return Signal(VIEWS, value, NOW - timedelta(days=days_ago))


@pytest.mark.parametrize(
    ("age", "readings", "gain"),
    [
        (3, [signal(50, 1)], 50),
        (300, [signal(90_000, 8), signal(90_020, 1)], 20),
        (300, [signal(90_000, 1)], None),
        (300, [signal(90_000, 8)], None),
        (300, [signal(90_000, 8), signal(30, 1)], 30),
    ],
)
def test_what_an_article_gained_since_the_last_issue_counts(
    age: int, readings: list[Signal], gain: float | None
) -> None:
    article = Article("A", published=NOW - timedelta(days=age))
    made = replace(article, signals=gained(article, {VIEWS: readings}, since=NOW - timedelta(days=7)))
    assert made.signal(VIEWS) == gain


def test_the_shelf_finds_the_article_by_the_address_to_compare(shelf: Shelf) -> None:
    shelf.put([Article("A", url="https://www.site.example/a/?ref=x", published=NOW)], now=NOW)
    numbers = [("http://site.example/a", (signal(7, 0),)), ("https://site.example/none", (signal(1, 0),))]
    assert shelf.note(numbers, now=NOW) == 1
    assert shelf.note(numbers, now=NOW) == 1
    assert shelf.find("https://site.example/a").article.signal(VIEWS) == 7


ARTICLE = (
    "---\ntitle: {title}\nurl: https://www.site.example/{slug}\ndate: {date:%Y-%m-%d}\n---\nSeen at the harbour.\n"
)
SOURCES = """\
[[sources]]
name = "stats"
kind = "signals"
{where}
site = "https://site.example"
[[sources]]
name = "site"
kind = "folder"
path = "site"
[[sections]]
name = "highlights"
pick = 1
"""


@pytest.mark.parametrize("where", ['path = "stats.csv"', 'url = "{url}/stats.csv"\nallow_private = ["127.0.0.1"]'])
def test_numbers_of_another_source_decide_a_week_and_its_reason(where: str, tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "site").mkdir()
    for slug, age in (("ferry", 2), ("tram", 2), ("old", 60)):
        text = ARTICLE.format(title=f"The {slug}", slug=slug, date=clock() - age * DAY)
        (tmp_path / "site" / f"{slug}.md").write_text(text)
    with running() as site:
        project = make_project(tmp_path, clock=clock, more=SOURCES.format(where=where.format(url=site.url)))

        def pull(table: str) -> list[PullLine]:
            (tmp_path / "stats.csv").write_text(table)
            site.page("/stats.csv", table.encode())
            return project.weekly.pull()

        first, _ = pull("url;views\nhttp://site.example/ferry/?utm_source=x;18420\n/tram;90\n/gone;3\n/old;90000\n")
        assert (first.numbers, first.failed, first.problems) == (3, "", ())
        (pick,) = project.weekly.pick(project.slot(None)).picks
        assert pick.article.title == "The ferry"
        assert pick.reason == "It has 18,420 views"
        broken, kept = pull("colour;size\nred;5\n")
        assert "No column holds an address" in broken.failed
        assert kept.failed == ""
        (pick,) = project.weekly.pick(project.slot(None)).picks
        assert pick.article.title == "The ferry"
        clock.forward(DAY)
        pull("url;views\n/ferry;18421\n/tram;44100\n")
        (pick,) = project.weekly.pick(project.slot(None)).picks
        assert pick.article.title == "The tram"
