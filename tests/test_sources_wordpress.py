from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from newsletter.errors import SettingsError, SourceError
from newsletter.fetch import Fetcher
from newsletter.issue import Article, SignalKind
from newsletter.sources import Pulled, PullState, Source, load
from newsletter.sources.reading import Reading
from newsletter.sources.wordpress import interfaces, parse
from tests.site import Answer, Query, Site, running

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HERE = Reading("site", "https://site.example/", now=NOW)
JSON = {"Content-Type": "application/json"}


def post(number: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "date": "2026-11-20T18:00:00",
        "date_gmt": "2026-11-20T10:00:00",
        "modified_gmt": "2026-11-21T10:00:00",
        "guid": {"rendered": f"https://site.example/?p={number}"},
        "link": f"https://site.example/news/{number}/",
        "title": {"rendered": f"Quay no. {number} &#038; the tide"},
        "excerpt": {"rendered": "<p>The tide came in over the quay at noon. [&hellip;]</p>", "protected": False},
        "content": {"rendered": "<p>The tide came in over the quay at noon.</p><p>More.</p>", "protected": False},
        "sticky": False,
        "comment_status": "open",
        **more,
    }


def size(name: str, width: int, height: int) -> dict[str, Any]:
    return {"source_url": f"https://site.example/up/{name}.jpg", "width": width, "height": height}


EMBEDDED = {
    "author": [{"id": 1, "name": "Ann Lee"}],
    "wp:featuredmedia": [
        {
            "source_url": "https://site.example/up/quay.jpg",
            "alt_text": "A wet quay",
            "media_details": {
                "width": 6000,
                "height": 4000,
                "sizes": {
                    "square": size("square", 1500, 1500),
                    "large": size("large", 1024, 683),
                    "wide": size("wide", 1536, 1024),
                    "wider": size("wider", 2048, 1365),
                },
            },
        }
    ],
    "wp:term": [
        [{"taxonomy": "category", "name": "Harbour &amp; Sea"}, {"taxonomy": "category", "name": "Uncategorized"}],
        [{"taxonomy": "post_tag", "name": "tides"}],
        "nonsense",
    ],
}


def only(one: dict[str, Any], **more: Any) -> Article:
    (article,) = parse(json.dumps([one]).encode(), reading=HERE, **more).articles
    return article


def test_a_post_becomes_an_article_with_its_utc_date() -> None:
    article = only(post(sticky=True, _embedded=EMBEDDED), comments={1: 7})
    assert (article.title, article.url) == ("Quay no. 1 & the tide", "https://site.example/news/1/")
    assert (article.guid, article.source) == ("https://site.example/?p=1", "site")
    assert article.published == datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert article.updated == datetime(2026, 11, 21, 10, tzinfo=UTC)
    assert (article.section, article.categories, article.tags) == ("Harbour & Sea", ("Harbour & Sea",), ("tides",))
    assert (article.authors, article.featured) == (("Ann Lee",), True)
    assert article.summary == "The tide came in over the quay at noon."
    assert article.body == "The tide came in over the quay at noon.\nMore."
    assert article.signal(SignalKind.COMMENTS) == 7
    assert article.lacks() == ()


def test_the_picture_is_the_smallest_uncropped_one_that_is_wide_enough() -> None:
    image = only(post(_embedded=EMBEDDED)).image
    assert image is not None
    assert (image.url, image.width, image.height, image.alt) == (
        "https://site.example/up/wide.jpg",
        1536,
        1024,
        "A wet quay",
    )


def test_without_a_featured_picture_the_first_of_the_text_is_taken() -> None:
    forbidden = {"wp:featuredmedia": [{"code": "rest_forbidden"}], "author": [{"code": "rest_user_invalid_id"}]}
    inline = {"rendered": "<img src='/in.jpg' width='800'><p>Text.</p>"}
    article = only(post(_embedded=forbidden, content=inline))
    assert article.image is not None
    assert article.image.url == "https://site.example/in.jpg"
    assert article.authors == ()


def test_the_local_date_counts_only_without_a_date_in_utc() -> None:
    reading = Reading("site", "https://site.example/", now=NOW)
    (article,) = parse(json.dumps([post(date_gmt=None)]).encode(), reading=reading).articles
    assert article.published == datetime(2026, 11, 20, 18, tzinfo=UTC)


def test_a_post_that_needs_a_password_is_left_out_and_told() -> None:
    hidden = post(title={"rendered": "Protected: The party"}, content={"rendered": "", "protected": True})
    found = parse(json.dumps([hidden, post(2), 7]).encode(), reading=HERE)
    assert [article.title for article in found.articles] == ["Quay no. 2 & the tide"]
    assert found.problems == (
        'item 1 cannot be read ("Protected: The party" needs a password)',
        "item 3 cannot be read (it is not an object)",
    )


@pytest.mark.parametrize("status", ["closed", None])
def test_no_comment_count_is_known_where_nobody_may_comment(status: str | None) -> None:
    assert only(post(comment_status=status), comments={}).signals == ()
    assert only(post(), comments={}).signal(SignalKind.COMMENTS) == 0
    assert only(post()).signals == ()


def test_hostile_values_leave_nothing_dangerous() -> None:
    article = only(
        post(
            link="javascript:alert(1)",
            title={"rendered": "<script>x</script>A\u202e title\x00"},
            jetpack_featured_media_url="data:image/png;base64,AA",
            guid=3,
            excerpt=[],
            content={"rendered": "<p>Words.</p><script>alert(1)</script>"},
            _embedded=[],
        )
    )
    assert (article.title, article.url, article.image, article.guid) == ("A title", None, None, "1")
    assert article.body == "Words."


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<html>", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b'{"code": "rest_disabled", "message": "<b>REST</b> is off."}', r"no list of posts but says: REST is off"),
        (b"3", "no list of posts; check"),
    ],
)
def test_what_is_no_list_of_posts_is_called_so(data: bytes, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        parse(data, reading=HERE)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://a.example/", ("https://a.example/wp-json/wp/v2", "https://a.example/?rest_route=/wp/v2")),
        ("https://a.example/wp-json/", ("https://a.example/wp-json/wp/v2",)),
        ("https://p.example/wp/v2/sites/a.example/posts", ("https://p.example/wp/v2/sites/a.example",)),
    ],
)
def test_the_interface_is_looked_for_where_wordpress_has_it(url: str, found: tuple[str, ...]) -> None:
    assert interfaces(url) == found


@pytest.fixture
def site() -> Iterator[Site]:
    with running() as server:
        yield server


def source(site: Site, **more: Any) -> Source:
    options = {"url": site.url, "allow_private": ["127.0.0.1"], **more}
    return load("wordpress", "site", options, root=Path(), fetcher=Fetcher(), clock=lambda: NOW)


def read(site: Site, state: PullState | None = None, **more: Any) -> Pulled:
    return source(site, **more).read(state or PullState())


def pages_of(*pages: list[Any]) -> Any:
    def answer(query: Query) -> Answer:
        number = int(query["page"])
        if number > len(pages):
            return 400, JSON, b'{"code": "rest_post_invalid_page_number"}'
        return 200, {**JSON, "X-WP-TotalPages": str(len(pages))}, json.dumps(pages[number - 1]).encode()

    return answer


def test_all_pages_are_read_and_comments_counted(site: Site) -> None:
    site.pages["/wp-json/wp/v2/posts"] = pages_of([post(3), post(2)], [post(2), post(1)])
    site.pages["/wp-json/wp/v2/comments"] = pages_of([{"post": 2}, {"post": 2}], [{"post": 1}, {"post": "x"}])
    found = read(site)
    counts = {article.guid: article.signal(SignalKind.COMMENTS) for article in found.articles}
    guid = "https://site.example/?p={}".format
    assert (counts, found.problems) == ({guid(3): 0, guid(2): 2, guid(1): 1}, ())
    asked = site.asked[0][1]
    assert (asked["after"], asked["per_page"]) == ("2026-10-23T12:00:00Z", "100")
    assert asked["_embed"] == "author,wp:featuredmedia,wp:term"
    again = read(site, found.state)
    assert (again.unchanged, again.articles) == (True, ())
    site.pages["/wp-json/wp/v2/comments"] = pages_of([{"post": 3}])
    assert read(site, found.state).articles[0].signal(SignalKind.COMMENTS) == 1


def test_a_page_that_vanished_meanwhile_ends_the_list(site: Site) -> None:
    site.pages["/wp-json/wp/v2/posts"] = lambda query: (
        (200, {**JSON, "X-WP-TotalPages": "2"}, json.dumps([post()]).encode())
        if query["page"] == "1"
        else (400, JSON, b"{}")
    )
    assert len(read(site).articles) == 1


def test_a_site_with_plain_addresses_is_found_and_remembered(site: Site) -> None:
    site.page("/", json.dumps([post()]).encode(), Content_Type="application/json")
    found = read(site, comments=False)
    assert len(found.articles) == 1
    site.asked.clear()
    assert read(site, found.state, comments=False).unchanged
    assert [path for path, _ in site.asked] == ["/"]
    assert site.asked[0][1]["rest_route"] == "/wp/v2/posts"


def test_more_pages_than_are_read_are_told(site: Site) -> None:
    answer = json.dumps([post()]).encode()
    site.page("/wp-json/wp/v2/posts", answer, X_WP_TotalPages="9", X_WP_Total="812")
    found = read(site, comments=False)
    assert found.problems == ("the site has 812 posts in 30 days; only the newest 500 of 9 pages were read",)
    assert len(site.asked) == 5


@pytest.mark.parametrize(("status", "told"), [(401, 0), (404, 0), (500, 1)])
def test_comments_nobody_may_see_are_unknown(site: Site, status: int, told: int) -> None:
    site.pages["/wp-json/wp/v2/posts"] = pages_of([post()])
    site.page("/wp-json/wp/v2/comments", b"", status=status)
    found = read(site)
    assert ([article.signals for article in found.articles], len(found.problems)) == ([()], told)


def test_too_many_comments_are_told_and_not_half_counted(site: Site) -> None:
    site.pages["/wp-json/wp/v2/posts"] = pages_of([post()])
    site.page("/wp-json/wp/v2/comments", b'[{"post": 1}]', X_WP_TotalPages="21")
    found = read(site)
    assert found.articles[0].signals == ()
    assert "more than 2,000 comments in 30 days" in found.problems[0]


def test_a_site_without_the_interface_says_what_to_use(site: Site) -> None:
    with pytest.raises(SourceError, match=r'interface was not found .*404.* kind = "feed"'):
        read(site)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, 'needs "url"'),
        ({"url": "site"}, "url must be an http"),
        ({"url": "https://a.example/", "days": 0}, "days must be between 1 and 365"),
    ],
)
def test_impossible_keys_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        load("wordpress", "site", options, root=Path(), fetcher=Fetcher())


CORPUS = Path(os.environ.get("NEWSLETTER_CORPUS") or Path(__file__).resolve().parents[2] / "shared" / "corpus")


@pytest.mark.corpus
@pytest.mark.skipif(not CORPUS.is_dir(), reason="no corpus; set NEWSLETTER_CORPUS to the folder of real input")
@pytest.mark.parametrize("name", ["wp-posts.json", "wp-cat-1-posts.json", "wp-author-1-posts.json"])
def test_real_answers_give_every_post_with_its_author(name: str) -> None:
    """They were cut down by whoever took them: no title and no date is left in them, and nothing is invented."""
    found = parse((CORPUS / "feeds" / name).read_bytes(), reading=HERE)
    assert len({article.url for article in found.articles}) == 3
    assert {article.lacks() for article in found.articles} == {("title", "date")}
    assert all(article.authors for article in found.articles)
