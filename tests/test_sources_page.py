from __future__ import annotations

import http.server
import json
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pytest

from newsletter.errors import SettingsError, SourceError
from newsletter.fetch import Fetcher
from newsletter.issue import Article, Card, SignalKind
from newsletter.sources import PullState, load
from newsletter.sources.dates import DateOrder
from newsletter.sources.page import parse, read_page
from newsletter.sources.reading import Reading

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SAVED = Reading("site", now=NOW)
STORY = "<p>The first paragraph of the story is here.</p><p>And this is the second paragraph of it.</p>"

TEXT_PAGE = """A Film About Ducks Wins

Who would have thought that of ducks?

The film about ducks has won the prize, and everybody who saw it is happy about that.

The second paragraph says more about it, and about how the ducks were found and filmed in the park.

Why ‘Ducks’ Is the Film of the Year

Get Our Newsletter

Related Content

TV Info

Ducks
Produced by
Ann Lee, Bob Ross
User Rating
{rating}
Your Rating

Why 'Ducks' Is the Film of the Year
We tell you why.
Ten Films About Birds
Birds are in every one of them!
Share comment on Site Be the first to comment
Recent Posts
"""


def html(body: str = STORY, *, head: str = "") -> bytes:
    return f"<!doctype html><html lang='en'><head>{head}</head><body>{body}</body></html>".encode()


def read(data: bytes, *, reading: Reading = SAVED) -> Article:
    return parse(data, reading=reading)


def test_a_text_page_gives_its_title_dek_body_card_and_related_titles() -> None:
    article = read(TEXT_PAGE.format(rating="3 users").encode())
    assert article.title == "A Film About Ducks Wins"
    assert article.dek == "Who would have thought that of ducks?"
    assert [line[:10] for line in article.body.split("\n")] == ["The film a", "The second"]
    assert article.card == Card("Ducks", ("Ann Lee", "Bob Ross"), rating=None, rating_count=3)
    assert article.related == ("Why 'Ducks' Is the Film of the Year", "Ten Films About Birds")
    assert article.subject == "Ducks"
    assert article.signal(SignalKind.RATING) is None
    assert (article.signal(SignalKind.RATING_COUNT), article.signal(SignalKind.COMMENTS)) == (3, 0)
    assert article.lacks() == ("url", "date")


@pytest.mark.parametrize(
    ("line", "rating", "count"),
    [
        ("3 users", None, 3),
        ("1,204 votes", None, 1204),
        ("4.5", 4.5, None),
        ("4.5 / 5", 4.5, None),
        ("8/10", 4.0, None),
        ("3.5 out of 5 (12 users)", 3.5, 12),
        ("4 stars", 4.0, None),
        ("No rating yet", None, None),
        ("11/10", None, None),
    ],
)
def test_a_rating_is_read_only_where_a_value_stands(line: str, rating: float | None, count: int | None) -> None:
    card = read(TEXT_PAGE.format(rating=line).encode()).card
    assert card is not None
    assert (card.rating, card.rating_count) == (rating, count)


def test_the_same_box_is_found_in_an_html_page() -> None:
    boxes = "".join(f"<div>{line}</div>" for line in TEXT_PAGE.format(rating="3 users").split("\n")[10:] if line)
    article = read(html(f"<h1>A Film About Ducks Wins</h1><article>{STORY}</article>{boxes}"))
    assert article.card == Card("Ducks", ("Ann Lee", "Bob Ross"), rating=None, rating_count=3)
    assert article.related[1] == "Ten Films About Birds"


def test_a_text_that_tells_its_address_and_author_is_believed_but_not_its_date() -> None:
    article = read(
        b"Title of it\n\nBy Ann Lee\n\nFebruary 5, 2026\n\nhttps://site.example/a?utm_source=x\n\nThe story.\n"
    )
    assert (article.url, article.authors) == ("https://site.example/a", ("Ann Lee",))
    assert (article.published, article.published_from) == (datetime(2026, 2, 5, tzinfo=UTC), "guess")
    assert article.lacks() == ("date",)


def test_the_head_of_an_html_page_is_believed_first() -> None:
    data = {
        "@context": "https://schema.org",
        "@graph": [
            {"@type": "Organization", "name": "Site"},
            {
                "@type": ["NewsArticle"],
                "headline": "The &amp; Headline",
                "datePublished": "2026-11-20T10:00:00+01:00",
                "dateModified": "2026-11-21T10:00:00Z",
                "author": [{"@type": "Person", "name": "Ann Lee"}, {"name": "Bob Ross"}],
                "articleSection": "Film",
                "keywords": "ducks, birds",
                "image": {"url": "/i.jpg", "width": 1200, "height": "800"},
            },
        ],
    }
    head = (
        f"<title>The & Headline | Site</title><script type='application/ld+json'>{json.dumps(data)}</script>"
        "<meta property='og:site_name' content='Site'><meta property='og:description' content='What it is.'>"
        "<link rel='canonical' href='https://www.site.example/a?utm_source=x'>"
    )
    article = read(html(head=head), reading=Reading("site", "https://site.example/a?x=1", now=NOW))
    assert (article.title, article.dek, article.language) == ("The & Headline", "What it is.", "en")
    assert article.url == "https://www.site.example/a"
    assert (article.published, article.published_from) == (datetime(2026, 11, 20, 9, tzinfo=UTC), "json-ld")
    assert article.updated == datetime(2026, 11, 21, 10, tzinfo=UTC)
    assert (article.authors, article.section, article.tags) == (("Ann Lee", "Bob Ross"), "Film", ("ducks", "birds"))
    assert article.image is not None
    assert (article.image.url, article.image.width) == ("https://www.site.example/i.jpg", 1200)
    assert article.body.startswith("The first paragraph")
    assert article.lacks() == ()


@pytest.mark.parametrize(
    ("canonical", "url"),
    [
        ("https://evil.example/b", "https://site.example/a"),
        ("https://site.example/", "https://site.example/a"),
        ("javascript:alert(1)", "https://site.example/a"),
        ("/b", "https://site.example/b"),
    ],
)
def test_a_page_cannot_name_another_sites_address_or_its_front_door_as_its_own(canonical: str, url: str) -> None:
    head = f"<link rel=canonical href='{canonical}'>"
    assert read(html(head=head), reading=Reading("s", "https://site.example/a", now=NOW)).url == url


def test_a_saved_page_remembers_where_it_was_saved_from() -> None:
    page = html().replace(b"<html", b"<!-- saved from url=(0022)https://site.example/a -->\n<html", 1)
    assert read(page).url == "https://site.example/a"


@pytest.mark.parametrize(
    ("head", "body", "raw", "place"),
    [
        ("<meta property='article:published_time' content='2026-11-20'>", "", "2026-11-20", "meta"),
        ("", "<h1>T</h1><time datetime='2026-11-20T10:00Z'>x</time>", "2026-11-20T10:00Z", "meta"),
        ("<link rel=canonical href='https://s.example/2026/11/20/x'>", "", "2026-11-20", "guess"),
        ("<meta name='viewport' content='2026-11-20'>", "<footer><p>© 2026</p></footer>", "", ""),
    ],
)
def test_a_date_says_where_it_was_found(head: str, body: str, raw: str, place: str) -> None:
    article = read(html(f"<main><div>{body}{STORY}</div></main>", head=head))
    assert (article.published_raw, article.published_from) == (raw, place)


@pytest.mark.parametrize(
    ("title", "heading", "expected"),
    [
        ("Ducks win | The Site", "", "Ducks win"),
        ("Ducks win - The Site", "", "Ducks win"),
        ("Ducks - the film - wins", "", "Ducks - the film - wins"),
        ("Ducks win — why it matters | The Site", "<h1>Ducks win — why it matters</h1>", "Ducks win — why it matters"),
        ("SEO: ducks film prize", "<h1>Ducks have won the prize</h1>", "Ducks have won the prize"),
        ("Ducks win the prize", "<h1>The Site</h1>", "Ducks win the prize"),
    ],
)
def test_the_title_is_the_articles_without_the_sites_name(title: str, heading: str, expected: str) -> None:
    head = f"<meta property='og:site_name' content='The Site'><title>{title}</title>"
    assert read(html(heading + STORY, head=head)).title == expected


@pytest.mark.parametrize(
    ("head", "heading", "expected"),
    [
        # a section and a site that no space parts from the title
        ("<title>The ducks of the old pond-News|Marquee</title>", "", "The ducks of the old pond"),
        # a headline of its own, where all that machines are told agrees
        ("<title>The ducks of the old pond</title>", "Those birds are back", "The ducks of the old pond"),
        ("<title>The ducks of the old pond | News</title>", "Those birds are back", "Those birds are back"),
    ],
)
def test_a_title_is_what_the_page_says_most_plainly(head: str, heading: str, expected: str) -> None:
    named = head[len("<title>") : -len("</title>")]
    meta = f"<meta property=og:title content='{named}'><meta name=twitter:title content='{named}'>"
    meta += "<meta property=og:site_name content=Marquee>"
    script = (
        '<script type="application/ld+json">{"@type": "NewsArticle", "headline": "The ducks of the old pond"}</script>'
    )
    page = html(f"<h1>{heading}</h1>{STORY}" if heading else STORY, head=head + meta + (script if not heading else ""))
    assert read(page).title == expected


def test_hostile_pages_leave_as_plain_text() -> None:
    evil = "&lt;script&gt;alert(1)&lt;/script&gt;<script>alert(2)</script>"
    head = (
        "<meta property='og:title' content='A <b>title</b><script>x</script>'>"
        "<meta property='og:image' content='javascript:alert(1)'>"
        '<script type=\'application/ld+json\'>{"@type": "NewsArticle", "datePublished": [[[]]], "author": {"name": 5}}'
        "</script><script type='application/ld+json'>" + "[" * 50_000 + "</script>"
    )
    article = read(html(f"<p>Something long enough to be a paragraph {evil}</p>", head=head))
    assert article.title == "A title"
    assert article.image is None
    assert article.body == "Something long enough to be a paragraph <script>alert(1)</script>"


def test_external_entities_of_a_page_are_not_read() -> None:
    doctype = b'<!DOCTYPE html [<!ENTITY e SYSTEM "file:///etc/hostname">]>'
    page = doctype + b"<html><body><h1>A title &e; here</h1></body></html>"
    assert Path("/etc/hostname").read_text().strip() not in read(page).title


@pytest.mark.parametrize("charset", ["utf-8", "windows-1251", "koi8-r"])
def test_the_encoding_a_page_names_is_used(charset: str) -> None:
    page = f"<html><head><meta charset='{charset}'><title>Фильм про уток</title></head></html>".encode(charset)
    assert read(page).title == "Фильм про уток"


def test_text_that_is_utf8_is_read_as_that_whatever_the_page_or_the_server_says() -> None:
    page = "<html><head><meta charset={}></head><body><h1>Zażółć gęślą jaźń 东方</h1></body></html>"
    for said, served in (("gbk", ""), ("iso-8859-1", ""), ("utf-8", "text/html; charset=iso-8859-1")):
        data = page.format(said).encode()
        assert parse(data, reading=SAVED, content_type=served).title == "Zażółć gęślą jaźń 东方"
    assert read("<html><head><meta charset=gbk></head><body><h1>东方的故事</h1>".encode("gbk")).title == "东方的故事"
    japanese = "<html><head><meta charset=iso-2022-jp></head><body><h1>新しい朝</h1>".encode("iso-2022-jp")
    assert read(japanese).title == "新しい朝"


VISIBLE = "<nav>Thursday, 5 November 2026</nav><main><h1>The ducks of the old pond</h1>{}<p>{}</p></main>"


@pytest.mark.parametrize(
    ("below", "raw"),
    [
        ("<div>By Ann Lee | <span>Published: Feb 5, 2026, 11:05 EST</span></div>", "Feb 5, 2026, 11:05 EST"),
        ("<p>Ann Lee · 5 February 2026</p>", "5 February 2026"),
        ("<time>5 February 2026 at 10:00</time>", "5 February 2026 at 10:00"),
        ("<h5>By us<br>2026-02-05 10:00</h5>", "2026-02-05 10:00"),
        ("<p>Updated: 6 February 2026</p><p>Posted on 5 February 2026</p>", "5 February 2026"),
        ("<p>Last updated 6 February 2026</p>", "6 February 2026"),
    ],
)
def test_a_date_that_only_readers_see_below_the_headline_is_read(below: str, raw: str) -> None:
    article = read(html(VISIBLE.format(below, "The story begins. " * 20)))
    assert (article.published_raw, article.published_from) == (raw, "visible")
    assert article.published is not None
    assert "date" not in article.lacks()


@pytest.mark.parametrize(
    "below",
    [
        "",  # that of the day, above the headline, is no date of the story
        "<p>02/05/2026</p>",  # which may be in May
        "<p>Feb 5, 2026, 11:05 IST</p>",  # which is said in India, Israel and Ireland
        "<p>On 5 February 2026 the ducks came back.</p>",
        "<p>" + "A long standfirst which is the story. " * 8 + "</p><p>5 February 2026</p>",
    ],
)
def test_what_is_not_certainly_the_date_of_the_story_is_none(below: str) -> None:
    article = read(html(VISIBLE.format(below, "The story begins. " * 20)))
    assert (article.published, article.published_raw) == (None, "")


def test_a_page_that_wraps_each_paragraph_is_read_whole() -> None:
    wrapped = "".join(
        f"<div><div><p>Paragraph {number} of the story of the ducks.</p></div></div>" for number in range(9)
    )
    assert len(read(html(f"<h1>Ducks</h1><main>{wrapped}</main>")).body.split("\n")) == 9


def test_a_hostile_page_is_one_line_and_the_others_are_read(tmp_path: Path) -> None:
    attributes = " ".join(f"a{number}" for number in range(150_000))  # libxml2 compares each with all before it
    (tmp_path / "a.html").write_bytes(html(f"<h1>Much too busy</h1><p {attributes}>{STORY}"))
    (tmp_path / "b.html").write_bytes(html("<h1>The one that is well</h1>" + STORY))
    found = load("page", "site", {"path": "."}, root=tmp_path, fetcher=Fetcher()).read(PullState())
    assert [article.title for article in found.articles] == ["The one that is well"]
    assert found.problems == ("a.html: it took more than 5 seconds to read",)


def test_a_page_read_behind_the_wall_is_what_is_read_before_it() -> None:
    reading = Reading("site", "https://site.example/a", zone=ZoneInfo("Asia/Kolkata"), order=DateOrder.DMY, now=NOW)
    boxes = "".join(f"<div>{line}</div>" for line in TEXT_PAGE.format(rating="4.5").split("\n")[10:] if line)
    head = "<meta property=og:image content=/a.jpg><meta property=og:image:width content=800>"
    page = html(f"<h1>A Film About Ducks Wins</h1><p>05/02/2026 11:05</p><article>{STORY}</article>{boxes}", head=head)
    article = read_page(page, reading=reading)
    assert article == parse(page, reading=reading)
    assert article.published == datetime(2026, 2, 5, 5, 35, tzinfo=UTC)
    assert None not in (article.card, article.image)
    assert article.signals


def test_the_time_a_file_was_saved_is_never_its_date(tmp_path: Path) -> None:
    page = tmp_path / "a.txt"
    page.write_text(TEXT_PAGE)
    os.utime(page, (1_700_000_000, 1_700_000_000))
    (article,) = load("page", "site", {"path": "a.txt"}, root=tmp_path, fetcher=Fetcher()).read(PullState()).articles
    assert (article.published, article.published_raw) == (None, "")


def test_a_folder_gives_every_page_and_a_line_for_each_it_cannot_read(tmp_path: Path) -> None:
    folder = tmp_path / "pages"
    folder.mkdir()
    (folder / "a.html").write_bytes(html("<h1>The first of the pages</h1>" + STORY))
    (folder / "b.txt").write_text(TEXT_PAGE)
    (folder / "c.html").write_bytes(b"%PDF-1.7")
    (folder / "ignored.css").write_text("p {}")
    outside = tmp_path / "secret.txt"
    outside.write_text("Secret\n\nNot for anybody.")
    (folder / "link.txt").symlink_to(outside)
    found = load("page", "site", {"path": "pages"}, root=tmp_path, fetcher=Fetcher()).read(PullState())
    assert [article.title for article in found.articles] == ["The first of the pages", "A Film About Ducks Wins"]
    assert found.problems == (
        "c.html: This is no page but a PDF, picture or archive; save the page as HTML or as text.",
    )


@pytest.mark.parametrize(
    ("raw", "fault"),
    [("2099-01-01T10:00:00Z", "lies in the future"), ("1066-10-14", "lies before 1995, and no article is so old")],
)
def test_a_date_of_a_page_that_is_not_sane_is_told_as_what_it_is(raw: str, fault: str, tmp_path: Path) -> None:
    dated = f"<meta property='article:published_time' content='{raw}'>"
    (tmp_path / "a.html").write_bytes(html("<h1>The one of another time</h1>" + STORY, head=dated))
    found = load("page", "site", {"path": "."}, root=tmp_path, fetcher=Fetcher(), clock=lambda: NOW).read(PullState())
    assert [(one.title, one.published) for one in found.articles] == [("The one of another time", None)]
    assert found.problems == (f'a.html: its date "{raw}" {fault}',)


def test_unchanged_pages_are_known_again(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT_PAGE)
    source = load("page", "site", {"path": "a.txt"}, root=tmp_path, fetcher=Fetcher())
    first = source.read(PullState())
    assert source.read(first.state).unchanged
    (tmp_path / "a.txt").write_text("Another title\n\nAnother story.")
    assert source.read(first.state).articles[0].title == "Another title"


@pytest.mark.parametrize("data", [b"", b" \n ", b"\x89PNG\r\n\x1a\n", b"%PDF-1.4", b"GIF89a"])
def test_what_is_no_page_is_refused(data: bytes) -> None:
    with pytest.raises(SourceError, match=r"empty|no page"):
        read(data)


class _Pages(http.server.BaseHTTPRequestHandler):
    pages: ClassVar[dict[str, bytes]] = {}

    def do_GET(self) -> None:
        body = self.pages.get(self.path)
        self.send_response(200 if body else 404)
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_args: object) -> None: ...


@pytest.fixture
def site() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Pages)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_live_pages_are_read_and_a_missing_one_does_not_stop_the_others(site: str, tmp_path: Path) -> None:
    _Pages.pages = {"/a": html("<h1>A page on the web today</h1>" + STORY)}
    fetcher = Fetcher(allow_private=("127.0.0.1",))
    found = load("page", "site", {"urls": [f"{site}/a", f"{site}/b"]}, root=tmp_path, fetcher=fetcher).read(PullState())
    assert [(article.title, article.url) for article in found.articles] == [("A page on the web today", f"{site}/a")]
    assert "404" in found.problems[0]
    with pytest.raises(SourceError, match="404"):
        load("page", "site", {"url": f"{site}/b"}, root=tmp_path, fetcher=fetcher).read(PullState())


@pytest.mark.parametrize(
    "options",
    [{}, {"url": "nonsense"}, {"urls": []}, {"urls": ["x"]}, {"urls": ["https://a.example/"] * 51}, {"urls": 3}],
)
def test_a_mistake_in_the_settings_is_refused(options: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r'\[\[sources\]\] "site"'):
        load("page", "site", options, root=tmp_path, fetcher=Fetcher())


@pytest.mark.parametrize(
    "piece",
    [
        "<h1>", "<p>", "<div class=author>", "<p><object>", "<time>", "<article><img src='x'", "\n", "a b\n",
        "<meta property=og:image content=x>", "<script type='application/ld+json'>{", "By aaaaaaaaaaaa ",
        "<script type='application/ld+json'>" + " " * 1000,
    ],
)  # fmt: skip
def test_a_page_made_to_stall_the_reader_is_read_or_refused(piece: str) -> None:
    """With a step for every pair of pieces it would take hours, and tests/conftest.py ends what takes so long."""
    page = (piece * (1_000_000 // len(piece))).encode()
    for data in (b"<!doctype html><html><body>" + page, page):
        try:
            read(data)
        except SourceError:
            continue
