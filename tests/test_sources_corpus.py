"""Real feeds and pages. The figures are what was reached on them; they may rise and must not fall."""

from __future__ import annotations

import gzip
import json
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from benchmarks.feeds import differences, independent
from newsletter.errors import SourceError
from newsletter.issue import Article, Card, SignalKind
from newsletter.sources import Pulled
from newsletter.sources.feed import parse as parse_feed
from newsletter.sources.page import parse as parse_page
from newsletter.sources.reading import Reading

CORPUS = Path(os.environ.get("NEWSLETTER_CORPUS") or Path(__file__).resolve().parents[2] / "shared" / "corpus")
pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not CORPUS.is_dir(), reason="no corpus; set NEWSLETTER_CORPUS to the folder of real input"),
]
READING = Reading("corpus", "https://feeds.example/feed", now=datetime(2026, 11, 22, 12, tzinfo=UTC))

# items, with a trusted date, with an address, with a picture, with a summary
FEEDS = {
    "404media.rss": (15, 15, 15, 15, 15),
    "abc-net-au.rss": (25, 25, 25, 25, 25),
    "abcnews-international.rss": (25, 25, 25, 25, 25),
    "aktuality-sk.rss": (30, 30, 30, 30, 29),
    "bbc-news.rss": (33, 33, 33, 33, 33),
    "boston-politics.rss": (10, 10, 10, 9, 10),
    "dailymail-iso8859.rss": (1, 1, 1, 1, 1),
    "daringfireball-feed.json": (48, 48, 48, 0, 48),
    "davidbau.rdf": (15, 15, 15, 3, 15),
    "elpais-english.rss": (56, 56, 56, 56, 56),
    "foreignpolicy.rss": (25, 25, 25, 25, 25),
    "golem-iso8859-1.rss": (40, 40, 40, 0, 40),
    "google-alerts.atom": (20, 20, 20, 0, 20),
    "huffpost-canada.rss": (2, 2, 2, 2, 2),
    "illegally-nested.rss": (10, 10, 10, 0, 10),
    "liberal-gr-iso8859-7.rss": (1, 1, 1, 1, 1),
    "macworld.rss": (30, 30, 30, 30, 30),
    "ndtv-world.rss": (20, 20, 20, 20, 20),
    "nytimes-world.rss": (57, 57, 57, 51, 57),
    "oren-ru-windows1251.rss": (10, 10, 10, 10, 10),
    "restofworld.rss": (12, 12, 12, 12, 12),
    "rss091.xml": (6, 0, 6, 0, 6),
    "spoon-tamago.rss": (10, 10, 10, 8, 10),
    "washingtonpost-world.rss": (25, 0, 25, 22, 24),
}
NO_FEEDS = {
    "sitemap.xml": "sitemap",
    "sitemap-hreflang.xml": "sitemap",
    "wp-posts.json": "WordPress",
    "wp-cat-1-posts.json": "WordPress",
    "wp-author-1-posts.json": "WordPress",
}


def feed(name: str) -> Pulled:
    return parse_feed((CORPUS / "feeds" / name).read_bytes(), reading=READING)


def test_every_file_of_the_corpus_is_accounted_for() -> None:
    listed = {entry["file"] for entry in json.loads((CORPUS / "feeds" / "MANIFEST.json").read_text())}
    assert listed == FEEDS.keys() | NO_FEEDS.keys()


@pytest.mark.parametrize("name", FEEDS)
def test_a_real_feed_gives_all_it_holds(name: str) -> None:
    found = feed(name)
    articles = found.articles
    reached = (
        len(articles),
        sum(article.published is not None for article in articles),
        sum(article.url is not None for article in articles),
        sum(article.image is not None for article in articles),
        sum(bool(article.summary) for article in articles),
    )
    assert reached == FEEDS[name]
    assert found.problems == ()
    for article in articles:
        text = " ".join((article.title, article.summary, article.body, *article.authors, *article.categories))
        assert "\ufffd" not in text
        assert not re.search(r"</?(?:p|a|div|br|img|span)\b|&(?:amp|#\d+|nbsp);", article.title + article.summary)
        assert article.title
        assert len(article.summary) <= 320
        assert not re.search(r"appeared first on|\[…\]|\[\.\.\.\]$", article.summary)


@pytest.mark.parametrize("name", FEEDS)
def test_every_item_of_a_real_feed_is_what_others_read(name: str) -> None:
    others = independent((CORPUS / "feeds" / name).read_bytes())
    found = differences(feed(name).articles, others)
    if name == "illegally-nested.rss":  # others lose an address of the site's own, and keep that of a relay
        found = [one for one in found if not ("www.pcmag.com" in one and "feedproxy.google.com" in one)]
    assert found == []


@pytest.mark.parametrize("name", NO_FEEDS)
def test_what_is_no_feed_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(SourceError, match=NO_FEEDS[name]):
        feed(name)


def test_wrapped_and_relayed_links_lead_to_the_article() -> None:
    assert not any("google.com" in (article.url or "") for article in feed("google-alerts.atom").articles)
    assert all("www.pcmag.com" in (article.url or "") for article in feed("illegally-nested.rss").articles)
    assert not any("utm_" in (article.url or "") for name in FEEDS for article in feed(name).articles)


def test_the_json_feed_says_what_its_own_expectations_say() -> None:
    first = feed("daringfireball-feed.json").articles[0]
    assert (first.title, first.authors) == ("Stashword", ("John Gruber",))
    assert first.published == datetime(2017, 5, 20, 19, 23, 6, tzinfo=UTC)
    assert first.url == "https://daringfireball.net/linked/2017/05/20/stashword"


def test_comment_counts_are_read_where_a_feed_has_them() -> None:
    for name in ("foreignpolicy.rss", "boston-politics.rss"):
        assert all(article.signal(SignalKind.COMMENTS) is not None for article in feed(name).articles)


def test_the_founding_page_is_read_whole() -> None:
    data = (CORPUS / "seed" / "article-page.txt").read_bytes()
    article = parse_page(data, reading=Reading("seed", now=READING.now))
    assert article.title == "Netflix’s ‘All of Us Are Dead’ to Return for Season 2"
    assert article.dek == "Are you ready for the next semester of this zombie thriller from Netflix?"
    assert len(article.body.split("\n")) == 5
    assert article.body.endswith("Stream the first season of the series now on Netflix.")
    assert article.card == Card("All of Us Are Dead", ("Lee Jae-kyoo", "Kim Nam-su"), rating=None, rating_count=3)
    assert len(article.related) == 3
    assert article.related[1] == "22 K-Dramas We Can't Wait to Watch This 2022"
    assert article.lacks() == ("url", "date")


def pages(collection: str) -> list[tuple[Article, dict[str, Any]]]:
    folder = CORPUS / "articles" / collection
    truth = json.loads((folder / "truth.json").read_text())
    read = []
    for name, facts in truth.items():
        data = (folder / name).read_bytes()
        data = gzip.decompress(data) if name.endswith(".gz") else data
        read.append((parse_page(data, reading=Reading("page", now=READING.now)), facts))
    return read


def share(hits: list[bool]) -> float:
    return sum(hits) / len(hits)


def letters(text: str) -> str:
    return re.sub(r"\W+", "", text).casefold()


@pytest.mark.parametrize(
    ("collection", "title", "day", "minute"), [("postlight", 0.94, 0.93, 0.80), ("fundus", 0.93, 1.0, 1.0)]
)
def test_real_pages_give_their_title_and_their_date(collection: str, title: float, day: float, minute: float) -> None:
    titles, days, minutes = [], [], []
    for article, facts in pages(collection):
        if facts.get("title"):
            titles.append(letters(article.title) == letters(facts["title"]))
        if raw := facts.get("date_published") or facts.get("publishing_date"):
            wanted = datetime.fromisoformat(raw)
            wanted = wanted if wanted.tzinfo else wanted.replace(tzinfo=UTC)
            off = abs(article.published - wanted) if article.published else timedelta.max
            days.append(off <= timedelta(days=1))
            minutes.append(off <= timedelta(seconds=60))
    assert round(share(titles), 2) >= title
    assert round(share(days), 2) >= day
    assert round(share(minutes), 2) >= minute


@pytest.mark.parametrize(("collection", "author", "image"), [("postlight", 0.64, 1.0), ("fundus", 0.86, 0.59)])
def test_real_pages_give_their_authors_and_their_picture(collection: str, author: float, image: float) -> None:
    authors, images = [], []
    for article, facts in pages(collection):
        if wanted := facts.get("author") or facts.get("authors"):
            written = wanted if isinstance(wanted, str) else " ".join(wanted)
            authors.append(letters(" ".join(article.authors)) == letters(written))
        if wanted := facts.get("lead_image_url") or facts.get("cover_images"):
            files = {file_name(url) for url in ([wanted] if isinstance(wanted, str) else wanted)}
            images.append(article.image is not None and file_name(article.image.url) in files)
    assert round(share(authors), 2) >= author
    assert round(share(images), 2) >= image


def file_name(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]
