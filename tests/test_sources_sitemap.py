from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from newsletter.errors import SourceError
from newsletter.fetch import Fetcher
from newsletter.sources import Pulled, PullState, child, load
from newsletter.sources.sitemap import MAX_SITEMAPS, entries
from tests.test_fetch import Site

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"
NEWS = "http://www.google.com/schemas/sitemap-news/0.9"
STORY = "<h1>{}</h1><p>The first paragraph of the story is here.</p><p>And this is the second paragraph of it.</p>"


@pytest.fixture
def site() -> Iterator[Site]:
    server = Site()
    yield server
    server.close()


def urlset(*lines: str) -> bytes:
    inside = "".join(f"<url>{line}</url>" for line in lines)
    return f'<?xml version="1.0"?><urlset xmlns="{SPACE}" xmlns:news="{NEWS}">{inside}</urlset>'.encode()


def index(*lines: str) -> bytes:
    inside = "".join(f"<sitemap>{line}</sitemap>" for line in lines)
    return f'<sitemapindex xmlns="{SPACE}">{inside}</sitemapindex>'.encode()


def line(url: str, changed: str = "", news: str = "") -> str:
    told = f"<news:news><news:publication_date>{news}</news:publication_date><news:title>N</news:title></news:news>"
    return f"<loc>{url}</loc>" + (f"<lastmod>{changed}</lastmod>" if changed else "") + (told if news else "")


def page(site: Site, path: str, *, date: str = "2026-11-20T10:00:00Z") -> str:
    meta = f"<meta property='article:published_time' content='{date}'>" if date else ""
    body = STORY.format(f"The story of {path.strip('/')}")
    site.page(path, f"<html><head>{meta}</head><body>{body}</body></html>".encode(), Content_Type="text/html")
    return site.url + path


def pull(site: Site, tmp_path: Path, state: PullState | None = None, *, now: datetime = NOW) -> Pulled:
    options = {"url": f"{site.url}/sitemap.xml", "allow_private": ["127.0.0.1"]}
    source = load("sitemap", "site", options, root=tmp_path, fetcher=Fetcher(), clock=lambda: now)
    return source.read(state or PullState())


def titles(found: Pulled) -> list[str]:
    return [article.title.removeprefix("The story of ") for article in found.articles]


def test_the_newest_pages_are_read_once_and_again_when_they_changed(site: Site, tmp_path: Path) -> None:
    a, b, old = (page(site, path) for path in ("/a", "/b", "/old"))
    lines = [line(site.url + "/", "2026-11-22"), line(a, "2026-11-20"), line(old, "2026-01-01"), line(b, "2026-11-21")]
    site.page("/sitemap.xml", urlset(*lines, line("https://other.example/c", "2026-11-21")))
    first = pull(site, tmp_path)
    assert (titles(first), first.problems) == (["b", "a"], ())
    assert first.articles[0].url == b
    again = pull(site, tmp_path, first.state)
    assert (again.unchanged, again.articles, again.state) == (True, (), first.state)
    site.page("/sitemap.xml", urlset(line(a, "2026-11-20"), line(b, "2026-11-22")))
    assert titles(pull(site, tmp_path, again.state)) == ["b"]


def test_an_index_leads_to_packed_and_to_news_sitemaps(site: Site, tmp_path: Path) -> None:
    a, b = page(site, "/a"), page(site, "/b", date="")
    packed, news, gone = (f"{site.url}/{name}" for name in ("a.xml.gz", "news.xml", "gone.xml"))
    old = line(f"{site.url}/old.xml", "2020-01-01")
    site.page("/sitemap.xml", index(line(packed, "2026-11-21"), old, line(gone, "2026-11-21"), line(news)))
    site.page("/a.xml.gz", gzip.compress(urlset(line(a, "2026-11-20"))))
    site.page("/news.xml", urlset(line(b, news="2026-11-21T09:30:00Z")))
    site.page("/gone.xml", status=404)
    found = pull(site, tmp_path)
    assert titles(found) == ["b", "a"]
    assert (found.articles[0].published, found.articles[0].published_from) == (
        datetime(2026, 11, 21, 9, 30, tzinfo=UTC),
        "sitemap",
    )
    assert [problem.partition(":")[0] for problem in found.problems] == ["http"]
    assert "gone.xml: 127.0.0.1 knows no such address (404)" in found.problems[0]
    assert not any("old.xml" in path for path, _ in site.requests)


def test_what_is_no_article_and_what_cannot_be_read_is_a_line_and_stops_nothing(site: Site, tmp_path: Path) -> None:
    a, imprint, early = page(site, "/a"), page(site, "/imprint", date=""), page(site, "/early", date="1066-10-14")
    gone, away, home = (f"{site.url}/{name}" for name in ("gone", "away", "home"))
    site.page("/gone", status=410)
    site.page("/away", status=503)
    site.page("/home", status=302, Location="/")
    site.page("/", b"<h1>Welcome</h1>")
    lines = [line(url, "2026-11-20") for url in (a, imprint, early, gone, away, home)]
    site.page("/sitemap.xml", urlset(*lines))
    first = pull(site, tmp_path)
    assert set(titles(first)) == {"a", "early"}
    said = "\n".join(first.problems)
    for words in ("/gone: ", "/away: ", "/home: it leads to", '"1066-10-14" lies before 1995', "1 page without a date"):
        assert words in said
    assert len(first.problems) == 5
    page(site, "/away")
    assert titles(pull(site, tmp_path, first.state)) == ["away"], "what was away is tried again, what is gone is not"


def test_without_dates_what_is_new_is_known_from_the_second_pull_on(site: Site, tmp_path: Path) -> None:
    pages = [page(site, f"/{number}") for number in range(3)]
    site.page("/sitemap.xml", urlset(*map(line, pages[:2])))
    first = pull(site, tmp_path)
    assert (first.articles, len(first.problems)) == ((), 1)
    assert "says no dates" in first.problems[0]
    site.page("/sitemap.xml", urlset(*map(line, pages)))
    assert titles(pull(site, tmp_path, first.state)) == ["2"]


def test_of_very_many_pages_and_sitemaps_the_rest_comes_later_or_is_told(site: Site, tmp_path: Path) -> None:
    pages = [page(site, f"/{number}") for number in range(60)]
    moments = [(NOW - timedelta(hours=number)).isoformat() for number in range(60)]
    lines = map(line, pages, moments)
    site.page("/0.xml", urlset(*lines))
    for number in range(1, 30):
        site.page(f"/{number}.xml", urlset())
    site.page("/sitemap.xml", index(*(line(f"{site.url}/{n}.xml", moments[n]) for n in range(30))))
    first = pull(site, tmp_path)
    assert titles(first) == [str(number) for number in range(50)]
    told = f"the index names 30 sitemaps; only the newest {MAX_SITEMAPS - 1} were read"
    assert first.problems == (told, "60 pages are new; 50 were read, and the others are by the next pulls")
    assert titles(pull(site, tmp_path, first.state)) == [str(number) for number in range(50, 60)]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<html><body>Sold</body></html>", "no sitemap"),
        (b"", "no sitemap"),
        (gzip.compress(urlset(line("https://site.example/a")) * 50)[:-20], "cut off"),
        (b"\x1f\x8bnonsense", "cannot be unpacked"),
        (gzip.compress(b"\0" * 60_000_000), "larger unpacked than 50 MiB"),
    ],
)
def test_what_is_no_sitemap_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        child.ask("newsletter.sources.sitemap:entries", data)


def test_entities_read_no_files_and_addresses_that_lead_nowhere_are_left_out(site: Site, tmp_path: Path) -> None:
    head = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>'
    hostile = urlset(line("https://site.example/&e;")).decode().replace("?>", f"?>{head}", 1)
    assert Path("/etc/hostname").read_text().strip() not in str(entries(hostile.encode()))
    site.page("/sitemap.xml", urlset(line("javascript:alert(1)", "2026-11-20"), line("http://10.0.0.1/", "2026-11-20")))
    assert pull(site, tmp_path) == Pulled(state=PullState({"read": ""}), unchanged=True)
