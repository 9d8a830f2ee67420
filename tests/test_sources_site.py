"""What a site says of itself, read over HTTP on loopback: six sites as different systems make them."""

from __future__ import annotations

import struct
import tomllib
import zlib
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

import pytest

from newsletter.errors import SourceError
from newsletter.fetch import Fetcher
from newsletter.settings import load
from newsletter.sources.site import look_at
from tests.command_line import NOW, run
from tests.test_fetch import Site

ITEM = """<item><title>Story {n} of the harbour</title><link>{url}/story-{n}</link><guid>{url}/story-{n}</guid>
<category>{section}</category><pubDate>Tue, 17 Nov 2026 0{n}:00:00 GMT</pubDate>
<description>What happened at pier {n} on Tuesday morning, told in one line.</description></item>"""


def feed(url: str, *sections: str) -> bytes:
    items = "".join(ITEM.format(n=n, url=url, section=section) for n, section in enumerate(sections))
    return f'<rss version="2.0"><channel><title>Harbour</title><link>{url}</link>{items}</channel></rss>'.encode()


def png() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0\0\0\0")) + chunk(b"IEND", b"")
    )


@pytest.fixture
def site() -> Iterator[Site]:
    found = Site()
    yield found
    found.close()


def serve(site: Site, pages: Mapping[str, bytes]) -> None:
    every = ("/", "/feed/", "/rss.xml", "/feed.xml", "/atom.xml", "/index.xml", "/rss", "/feed.json")
    for path in {*every, "/robots.txt", "/sitemap.xml", *pages}:
        site.page(path, pages.get(path, b"Nothing here."), 200 if path in pages else 404)


HEAD = (
    """<!doctype html><html lang="{lang}"><head><title>{title}</title>{more}</head><body><h1>Hello</h1></body></html>"""
)
NEWS, FOOD = ("News",) * 5, ("Food",) * 4


def wordpress(url: str) -> dict[str, bytes]:
    more = f"""<meta property="og:site_name" content="Harbour &amp; Light"><meta name="description" content="All of the quay.">
    <meta name="theme-color" content="#123"><link rel="apple-touch-icon" href="/touch.png"><link rel="icon" href="/f.ico">
    <link rel="alternate" type="application/rss+xml" title="Comments" href="{url}/comments/feed/">
    <link rel="alternate" type="application/rss+xml" href="{url}/feed/">"""
    page = HEAD.format(lang="en-GB", title="Home | Harbour & Light", more=more)
    sitemap = b"<sitemapindex xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'></sitemapindex>"
    return {
        "/": page.encode(), "/feed/": feed(url, *NEWS, *FOOD), "/touch.png": png(),
        "/robots.txt": f"User-agent: *\nSitemap: {url}/wp-sitemap.xml\n".encode(), "/wp-sitemap.xml": sitemap,
    }  # fmt: skip


def hugo(url: str) -> dict[str, bytes]:
    page = HEAD.format(
        lang="de", title="Hafenlicht – Startseite der Woche", more='<meta name="theme-color" content="#ffee00">'
    )
    return {"/": page.encode(), "/index.xml": feed(url, *NEWS)}


def ghost(url: str) -> dict[str, bytes]:
    more = '<link rel="alternate" type="application/rss+xml" href="/rss/"><meta name="application-name" content="undefined">'
    return {"/": HEAD.format(lang="javascript:", title="Quay", more=more).encode(), "/rss/": feed(url, "A", "B", "C")}


def drupal(url: str) -> dict[str, bytes]:
    """Its pages are in another encoding than they say to the server; its old feed is gone, and the new one unnamed."""
    more = f"""<meta charset="windows-1251"><meta name="Generator" content="Drupal 10">
    <meta property="og:locale" content="bg_BG"><meta property="og:description" content="null">
    <meta name="theme-color" content="#0a3d62"><link rel="icon" href="data:image/png;base64,iVBORw0KGgo=">
    <link rel="alternate" type="application/rss+xml" href="{url}/old/rss.xml">"""
    page = HEAD.format(lang="", title="Начало :: Пристан", more=more).encode("cp1251")
    return {"/": page, "/rss.xml": feed(url, *("Изкуство",) * 4, *("Кино",) * 3), "/sitemap.xml": b"<html>None</html>"}


def by_hand(url: str) -> dict[str, bytes]:
    """A page of old, without a head; its Atom feed is a file beside it, of which the body alone tells."""
    entries = "".join(
        f"<entry><title>Note {n}</title><id>tag:x,{n}</id><link href='/n{n}.html'/><updated>2026-11-17</updated></entry>"
        for n in range(3)
    )
    return {
        "/": b"<title>The Lamp Post</title><body bgcolor=white><h1>The Lamp Post<p>Notes. <a href=atom.xml>Feed</a>",
        "/atom.xml": f"<feed xmlns='http://www.w3.org/2005/Atom'><title>L</title>{entries}</feed>".encode(),
    }


def without_feed(url: str) -> dict[str, bytes]:
    """Nothing but a sitemap, of which robots.txt tells."""
    meta = '<meta property="article:published_time" content="2026-11-17T10:00:00Z">'
    story = HEAD.format(lang="en", title="Story {n} of the tide", more=meta)
    told = "".join(f"<url><loc>{url}/s{n}</loc><lastmod>2026-11-17</lastmod></url>" for n in range(3))
    return {
        "/": HEAD.format(lang="en", title="Tide Tables", more="").encode(),
        "/robots.txt": b"Sitemap: /map.xml",
        "/map.xml": f"<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{told}</urlset>".encode(),
        **{
            f"/s{n}": story.replace("{n}", str(n)).replace("Hello", f"Story {n} of the tide").encode() for n in range(3)
        },
    }


def test_a_site_in_another_encoding_with_a_dead_feed_is_read(site: Site) -> None:
    serve(site, drupal(site.url))
    found = look_at(site.url, fetcher=Fetcher(allow_private=["127.0.0.1"]), now=datetime.fromisoformat(NOW))
    assert (found.name, found.tagline, found.language) == ("Пристан", "", "bg-BG")
    assert (found.feeds, found.sitemap, found.logo) == ((f"{site.url}/rss.xml",), "", "")
    assert (found.sections, found.accent) == (("Изкуство", "Кино"), "#0a3d62")


def test_a_page_of_old_without_a_head_is_read(site: Site) -> None:
    serve(site, by_hand(site.url))
    found = look_at(site.url, fetcher=Fetcher(allow_private=["127.0.0.1"]), now=datetime.fromisoformat(NOW))
    assert (found.name, found.feeds, found.articles) == ("The Lamp Post", (f"{site.url}/atom.xml",), 3)
    assert (found.language, found.accent, found.logo, found.sections) == ("", "", "", ())


def test_a_front_page_made_to_stall_the_reader_is_given_up(site: Site) -> None:
    attributes = " ".join(f"a{number:x}" for number in range(150_000))  # libxml2 compares each with all before it
    serve(site, {"/": f"<html><body><p {attributes}>".encode()})
    with pytest.raises(SourceError, match=r"was given up: it took more than 5 seconds.*give the address of the feed"):
        look_at(site.url, fetcher=Fetcher(allow_private=["127.0.0.1"]), now=datetime.fromisoformat(NOW))


def test_a_feed_whose_front_page_is_away_does_too(site: Site) -> None:
    serve(site, {"/news.xml": feed(site.url, *NEWS)})
    url = f"{site.url}/news.xml"
    found = look_at(url, fetcher=Fetcher(allow_private=["127.0.0.1"]), now=datetime.fromisoformat(NOW))
    assert (found.name, found.feeds) == ("127.0.0.1", (url,))


def test_a_wordpress_site_is_read_whole(site: Site) -> None:
    serve(site, wordpress(site.url))
    found = look_at(site.url, fetcher=Fetcher(allow_private=["127.0.0.1"]), now=datetime.fromisoformat(NOW))
    assert (found.name, found.tagline, found.language) == ("Harbour & Light", "All of the quay.", "en-GB")
    assert (found.feeds, found.sitemap) == ((f"{site.url}/feed/",), f"{site.url}/wp-sitemap.xml")
    assert (found.accent, found.logo) == ("#112233", f"{site.url}/touch.png")
    assert (found.sections, found.articles) == (("News", "Food"), 9)


def test_a_feed_that_no_page_names_is_found_where_it_usually_lies(site: Site) -> None:
    serve(site, hugo(site.url))
    found = look_at(site.url, fetcher=Fetcher(allow_private=["127.0.0.1"]), now=datetime.fromisoformat(NOW))
    assert (found.name, found.language, found.feeds) == ("Hafenlicht", "de", (f"{site.url}/index.xml",))
    assert found.accent == "", "white text could not be read on yellow"
    assert found.sections == (), "one category is no division"
    assert f"{site.url}/rss.xml" in found.looked_at


def test_what_is_no_value_is_not_taken(site: Site) -> None:
    serve(site, ghost(site.url))
    found = look_at(site.url, fetcher=Fetcher(allow_private=["127.0.0.1"]), now=datetime.fromisoformat(NOW))
    assert (found.name, found.language, found.feeds) == ("Quay", "", (f"{site.url}/rss/",))


def test_the_address_of_the_feed_itself_does_too(site: Site) -> None:
    serve(site, {**wordpress(site.url), "/news.xml": feed(site.url, *NEWS)})
    url = f"{site.url}/news.xml"
    found = look_at(url, fetcher=Fetcher(allow_private=["127.0.0.1"]), now=datetime.fromisoformat(NOW))
    assert (found.name, found.feeds) == ("Harbour & Light", (url,))


def test_init_writes_the_settings_and_shows_a_first_draft(site: Site, tmp_path: Path) -> None:
    serve(site, wordpress(site.url))
    made = run("init", str(tmp_path / "weekly"), "--from", site.url)
    assert made.exit_code == 0, made.output
    assert "site: 9 new" in made.stdout
    assert "Story 4 of the harbour" in made.stdout
    settings = load(tmp_path / "weekly")
    assert settings.newsletter.name == "Harbour & Light"
    assert [(one.name, one.title) for one in settings.sections] == [
        ("news", "News"), ("food", "Food"), ("more", "More of the week"),
    ]  # fmt: skip
    assert settings.theme.colours.accent == "#112233"
    assert (tmp_path / "weekly" / settings.theme.logo).read_bytes() == png()
    text = (tmp_path / "weekly" / "newsletter.toml").read_text()
    assert tomllib.loads(text)["newsletter"]["from"] == '"Harbour & Light" <newsletter@127.0.0.1>'
    again = run("init", str(tmp_path / "weekly"), "--from", site.url)
    assert (again.exit_code, "is already there" in again.output) == (2, True)


@pytest.mark.parametrize(
    ("made_by", "name", "said"),
    [
        (wordpress, "Harbour & Light", "site: 9 new"),
        (hugo, "Hafenlicht", "site: 5 new"),
        (ghost, "Quay", "site: 3 new"),
        (drupal, "Пристан", "site: 7 new"),
        (by_hand, "The Lamp Post", "site: 3 new"),
        (without_feed, "Tide Tables", "site: 3 new"),
    ],
)
def test_a_project_for_any_site_has_settings_that_are_read_and_a_first_draft(
    made_by: Callable[[str], dict[str, bytes]], name: str, said: str, site: Site, tmp_path: Path
) -> None:
    serve(site, made_by(site.url))
    made = run("init", str(tmp_path / "weekly"), "--from", site.url)
    assert made.exit_code == 0, made.output
    assert said in made.stdout
    assert load(tmp_path / "weekly").newsletter.name == name
    assert "  1. " in made.stdout.partition("is a newsletter now")[0]
    assert "1. fill in postal_address" in made.stdout


def test_where_nothing_is_found_it_says_what_it_looked_for_and_makes_nothing(site: Site, tmp_path: Path) -> None:
    serve(site, {"/": HEAD.format(lang="", title="", more="").encode()})
    made = run("init", str(tmp_path / "weekly"), "--from", site.url)
    assert made.exit_code == 1
    assert f"looked at: {site.url}, {site.url}/feed/" in made.output
    assert not (tmp_path / "weekly" / "newsletter.toml").exists()
    wrong = run("init", str(tmp_path / "other"), "--from", "ftp://x.example")
    assert (wrong.exit_code, "--from must be an http:// or https:// address" in wrong.output) == (2, True)
