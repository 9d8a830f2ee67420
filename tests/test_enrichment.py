"""The pages behind the articles of a feed: which are read, what is kept of them, and what is not."""

from __future__ import annotations

import http.server
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from newsletter.app import Project
from newsletter.issue import Article, Card, Image, SignalKind
from newsletter.shelf import Shelved
from newsletter.shelf.pages import filled
from newsletter.weekly import PullLine
from tests.command_line import run
from tests.projects import TITLES, TOML, make_project
from tests.times import NOW, Clock

FEED = """<rss version="2.0"><channel><title>Marquee</title><link>{site}/</link>{items}</channel></rss>"""
ITEM = "<item><title>{title}</title><link>{url}</link><guid>{url}</guid><pubDate>{date}</pubDate>{more}</item>"
PAGE = """<!doctype html><html><head><meta property="og:description" content="What only its page says of it.">
<meta property="og:image" content="/lead.jpg"><meta property="og:image:width" content="1200">
<meta property="og:image:height" content="675"><meta name="author" content="Odalys Penhallow">
<meta property="article:section" content="Television"></head><body><h1>{title}</h1><article>
<p>The first paragraph of the story is here.</p><p>And this is the second paragraph of it.</p></article>
<div>TV Info</div><div>{title}</div><div>Produced by</div><div>Ann Lee, Bob Ross</div><div>User Rating</div>
<div>4.5 (12 users)</div><div>Your Rating</div><div>Related Content</div><div>Ten films about ferries</div>
<div>Ferries are in every one of them!</div><div>Who steers the ferry at night?</div>
<div>We tell you who.</div><div>Share this</div><div>7 comments</div></body></html>"""
SECTION = '[[sections]]\nname = "highlights"\npick = {pick}\n'
SOURCE = '[[sources]]\nname = "feed"\nkind = "feed"\nurl = "{url}"\nallow_private = ["127.0.0.1", "localhost"]\n'


class Site:
    """A site on loopback: a feed and the pages behind it, and how often each was asked for."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes] = {}
        self.status: dict[str, int] = {}
        self.asked: Counter[str] = Counter()
        site = self

        class Pages(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked[self.path] += 1
                status = site.status.get(self.path, 200 if self.path in site.pages else 404)
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/")
                self.end_headers()
                self.wfile.write(site.pages.get(self.path, b""))

            def log_message(self, *_args: object) -> None: ...

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def publish(self, *titles: str, at: str = "", more: str = "") -> None:
        """A feed of these articles, the newest first, and a page for each: /0, /1 … `at` is where the pages lie."""
        dates = [f"{NOW - timedelta(hours=number + 1):%a, %d %b %Y %H:%M:%S} GMT" for number in range(len(titles))]
        items = (
            ITEM.format(title=title, url=f"{at or self.url}/{number}", date=dates[number], more=more)
            for number, title in enumerate(titles)
        )
        self.pages["/feed"] = FEED.format(site=at or self.url, items="".join(items)).encode()
        self.pages |= {f"/{number}": PAGE.format(title=title).encode() for number, title in enumerate(titles)}

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def read(self) -> list[str]:
        """The pages that were asked for, without the feed."""
        return sorted(path for path in self.asked if path != "/feed")


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.close()


def project_of(site: Site, root: Path, *, pick: int = 1, more: str = "") -> Project:
    tables = SOURCE.format(url=f"{site.url}/feed") + more + SECTION.format(pick=pick)
    return make_project(root, clock=Clock(NOW), text=TOML, more=tables)


def pull(project: Project) -> PullLine:
    (line,) = project.weekly.pull(project.slot(None))
    return line


def on_shelf(project: Project) -> dict[str, Shelved]:
    return {shelved.article.title: shelved for shelved in project.shelf.page()}


def test_what_a_feed_does_not_say_is_taken_from_the_page(site: Site, tmp_path: Path) -> None:
    site.publish(TITLES[0], more="<description>The words of the feed, as they are.</description>")
    project = project_of(site, tmp_path)
    assert pull(project).problems == ()
    article = on_shelf(project)[TITLES[0]].article
    assert article.summary == "The words of the feed, as they are."
    assert article.dek == "What only its page says of it."
    assert article.image == Image(f"{site.url}/lead.jpg", 1200, 675)
    assert article.card is not None
    assert (article.card.name, article.card.produced_by) == (TITLES[0], ("Ann Lee", "Bob Ross"))
    assert (article.subject, article.section, article.authors) == (
        TITLES[0],
        "Television",
        ("Odalys Penhallow",),
    )
    assert article.related == ("Ten films about ferries", "Who steers the ferry at night?")
    numbers = [article.signal(kind) for kind in (SignalKind.RATING, SignalKind.RATING_COUNT, SignalKind.COMMENTS)]
    assert numbers == [4.5, 12, 7]


def test_no_word_of_a_feed_is_replaced() -> None:
    card = Card("Another", (), 2.0, 3)
    own = Article(
        "A title",
        dek="Its own.",
        authors=("Ann Lee",),
        section="News",
        card=card,
        related=("This",),
        image=Image("a", 9),
    )
    page = Article(
        "", dek="The page's.", authors=("Bob",), section="TV", card=None, related=("That",), image=Image("b", 5)
    )
    assert filled(own, page) == own
    assert (
        filled(
            Article("A title", summary="A line that both have, and more of it."),
            Article("", dek="A line that both have"),
        ).dek
        == ""
    )


def test_a_picture_with_its_size_is_better_than_one_without() -> None:
    assert filled(Article("A", image=Image("feed.jpg")), Article("", image=Image("page.jpg", 900))).image == Image(
        "page.jpg", 900
    )
    assert filled(Article("A", image=Image("feed.jpg")), Article("", image=Image("page.jpg"))).image == Image(
        "feed.jpg"
    )


def test_three_pages_a_place_are_read_and_each_once(site: Site, tmp_path: Path) -> None:
    site.publish(*TITLES)
    project = project_of(site, tmp_path, pick=2)
    pull(project)
    assert len(site.read()) == 6
    pull(project)
    assert {site.asked[path] for path in site.read()} == {1}


def test_what_a_page_said_stays_when_the_feed_is_read_again(site: Site, tmp_path: Path) -> None:
    site.publish(TITLES[0])
    project = project_of(site, tmp_path)
    pull(project)
    site.publish(TITLES[0], more="<description>Now with words of its own.</description>")
    assert pull(project).changed == 1
    article = on_shelf(project)[TITLES[0]].article
    assert (article.summary, article.dek) == ("Now with words of its own.", "What only its page says of it.")


def test_a_page_that_fails_is_a_line_and_the_others_are_read(site: Site, tmp_path: Path) -> None:
    site.publish(*TITLES[:4])
    site.pages["/"] = PAGE.format(title="The home page").encode()
    site.status |= {"/0": 404, "/1": 503, "/2": 302}
    project = project_of(site, tmp_path, pick=2)
    line = pull(project)
    assert (line.failed, line.new) == ("", 4)
    assert sorted(problem.partition(": ")[0] for problem in line.problems) == sorted(
        f'"{title}"' for title in TITLES[:3]
    )
    assert any("its page could not be read" in problem and "404" in problem for problem in line.problems)
    assert any("which is another one" in problem for problem in line.problems)
    assert on_shelf(project)[TITLES[3]].article.card is not None
    # a page that is not there is not asked for again; one whose server had trouble is
    site.status["/1"] = 200
    assert pull(project).problems == ()
    assert (site.asked["/0"], site.asked["/1"], site.asked["/2"]) == (1, 2, 1)
    assert on_shelf(project)[TITLES[1]].article.card is not None


@pytest.mark.parametrize(
    ("follow", "host", "read"),
    [
        ("", "localhost", []),
        ("follow = true", "localhost", ["/0"]),
        ("", "127.0.0.1", ["/0"]),
        ("follow = false", "127.0.0.1", []),
    ],
)
def test_other_sites_pages_are_read_only_when_told(
    site: Site, tmp_path: Path, follow: str, host: str, read: list[str]
) -> None:
    site.publish(TITLES[0], at=site.url.replace("127.0.0.1", host))
    project = project_of(site, tmp_path, more=f"{follow}\n")
    pull(project)
    assert site.read() == read


def test_pages_on_the_publishers_own_site_are_read(site: Site, tmp_path: Path) -> None:
    elsewhere = site.url.replace("127.0.0.1", "localhost")
    site.publish(TITLES[0], at=elsewhere)
    tables = SOURCE.format(url=f"{site.url}/feed") + SECTION.format(pick=1)
    project = make_project(tmp_path, clock=Clock(NOW), text=TOML, more=tables, public_url=elsewhere)
    pull(project)
    assert site.read() == ["/0"]


def test_newsletter_pull_reads_them_and_prints_what_failed(site: Site, tmp_path: Path) -> None:
    site.publish(*TITLES[:2])
    site.status["/0"] = site.status["/1"] = 410
    project_of(site, tmp_path, pick=1)
    done = run("pull", project=tmp_path)
    assert done.exit_code == 0
    assert "2 new" in done.output
    (line,) = [line for line in done.output.splitlines() if "could not be read" in line]
    assert "and 1 more: their pages" in line
