"""Ghost's Content API: what is read of a post, what members pay for stays unread, and the key never shows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from newsletter.errors import SettingsError, SourceError
from newsletter.fetch import Fetcher
from newsletter.sources import Pulled, PullState, load
from newsletter.sources.ghost import parse
from newsletter.sources.reading import Reading
from tests.site import Site, running

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HERE = Reading("site", "https://site.example/", now=NOW)
KEY = "22444f78447824223cefc48062"
POSTS = "/ghost/api/content/posts/"


def post(number: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "id": f"id{number}",
        "title": f"Quay no. {number}",
        "url": f"https://site.example/quay-{number}/",
        "html": "<p>The tide came in over the quay at noon.</p><p>More.</p>",
        "excerpt": "The tide came in over the quay at noon. More.",
        "custom_excerpt": None,
        "feature_image": "https://site.example/content/images/quay.jpg",
        "feature_image_alt": "A wet quay",
        "featured": False,
        "visibility": "public",
        "published_at": "2026-11-20T10:00:00.000+00:00",
        "updated_at": "2026-11-21T10:00:00.000+00:00",
        "tags": [{"name": "#desk", "visibility": "internal"}, {"name": "#old"}, {"name": "News"}, {"name": "Sea"}],
        "authors": [{"name": "Ann Lee"}],
        **more,
    }


def page(*posts: Any, pages: int = 1) -> bytes:
    return json.dumps({"posts": posts, "meta": {"pagination": {"page": 1, "pages": pages}}}).encode()


@pytest.fixture
def site() -> Iterator[Site]:
    with running() as site:
        yield site


def read(site: Site, root: Path, *, previous: PullState | None = None, key: str = KEY) -> Pulled:
    (root / "ghost.key").write_text(f"{key}\n")
    options = {"url": site.url, "key_file": "ghost.key", "allow_private": ["127.0.0.1"]}
    source = load("ghost", "site", options, root=root, fetcher=Fetcher(), clock=lambda: NOW)
    return source.read(previous or PullState())


def test_a_post_is_an_article_with_its_tags_picture_and_authors() -> None:
    (article,) = parse(page(post(featured=True, custom_excerpt="It was wet.")), reading=HERE).articles
    assert (article.title, article.url, article.guid) == ("Quay no. 1", "https://site.example/quay-1/", "id1")
    assert (article.section, article.tags, article.authors) == ("News", ("News", "Sea"), ("Ann Lee",))
    assert (article.blurb, article.featured) == ("It was wet.", True)
    assert article.published == datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert article.image is not None
    assert (article.image.url, article.image.alt) == ("https://site.example/content/images/quay.jpg", "A wet quay")
    assert "tide came in" in article.body


@pytest.mark.parametrize("visibility", ["members", "paid", "tiers"])
def test_what_members_pay_for_is_not_read(visibility: str) -> None:
    (article,) = parse(page(post(visibility=visibility)), reading=HERE).articles
    assert (article.body, article.blurb) == ("", "")
    (article,) = parse(page(post(visibility=visibility, custom_excerpt="For all to see.")), reading=HERE).articles
    assert (article.body, article.blurb) == ("", "For all to see.")


def test_all_pages_are_read_and_a_second_time_nothing_is_new(site: Site, tmp_path: Path) -> None:
    site.pages[POSTS] = lambda query: (200, {}, page(post(int(query["page"])), pages=3))
    found = read(site, tmp_path)
    assert [article.title for article in found.articles] == ["Quay no. 1", "Quay no. 2", "Quay no. 3"]
    asked = [query for _, query in site.asked]
    assert {query["key"] for query in asked} == {KEY}
    assert asked[0]["filter"] == "published_at:>'2026-10-23T12:00:00.000Z'"
    assert read(site, tmp_path, previous=found.state).unchanged


def test_more_posts_than_are_read_is_told(site: Site, tmp_path: Path) -> None:
    site.pages[POSTS] = lambda query: (200, {}, page(post(int(query["page"])), pages=11))
    found = read(site, tmp_path)
    assert len(found.articles) == 10
    assert found.problems == ("the site has more than 500 posts in 30 days; only the newest were read",)


@pytest.mark.parametrize(
    ("status", "headers", "body", "words"),
    [
        (401, {}, b'{"errors":[{"message":"Unknown Content API Key"}]}', r"refuses the key \(401\).*Integrations"),
        (404, {}, b"", r'no Content API at .*use kind = "feed"'),
        (302, {"Location": "http://localhost:1/?key=x"}, b"", "redirects to localhost, which must not see the key"),
        (302, {"Location": "/login"}, b"", "404|not found|no Content API"),
        (200, {}, b"<html>", "no JSON, so no Ghost interface"),
        (200, {}, b'{"posts": 5}', "no list of posts"),
        (200, {}, b"[" * 100_000, "no JSON"),
        (500, {}, b"", "500"),
    ],
)
def test_what_goes_wrong_is_one_sentence_without_the_key(
    site: Site, tmp_path: Path, status: int, headers: dict[str, str], body: bytes, words: str
) -> None:
    site.page(POSTS, body, status=status, **headers)
    with pytest.raises(SourceError, match=words) as caught:
        read(site, tmp_path)
    assert KEY not in f"{caught.value!r} {caught.value.__cause__!r}"


@pytest.mark.parametrize("more", [{"url": "javascript:alert(1)"}, {"title": None}, {"tags": "x", "authors": 3}])
def test_a_hostile_post_costs_itself_alone(more: dict[str, Any]) -> None:
    found = parse(page(post(1, **more), post(2), 7), reading=HERE)
    assert found.articles[-1].title == "Quay no. 2"
    assert all(not article.url or article.url.startswith("https://") for article in found.articles)
    assert found.problems


def test_the_key_comes_from_a_file_or_the_environment(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.page(POSTS, page(post()))
    options = {"url": site.url, "key_env": "GHOST_KEY", "allow_private": ["127.0.0.1"]}
    source = load("ghost", "site", options, root=tmp_path, fetcher=Fetcher(), clock=lambda: NOW)
    with pytest.raises(SourceError, match="environment variable GHOST_KEY holds no key"):
        source.read(PullState())
    monkeypatch.setenv("GHOST_KEY", KEY)
    assert len(source.read(PullState()).articles) == 1
    with pytest.raises(SourceError, match=r"key_file .* holds no key"):
        read(site, tmp_path, key="two words")
    with pytest.raises(SettingsError, match="none of key_file, key_env"):
        load("ghost", "site", {"url": site.url}, root=tmp_path, fetcher=Fetcher())
