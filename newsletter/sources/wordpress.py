"""WordPress sites by their REST interface (developer.wordpress.org/rest-api/reference/posts).

It says more than the site's feed: every post of the last days and not the newest ten, the featured picture with its
sizes, categories apart from tags, what is sticky, and how many comments a post has. `parse` is pure.

What it does not know: posts that need a password or an account; the former are left out and told. Raises `SourceError`
when the site's posts cannot be read at all.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

from newsletter import __version__
from newsletter.errors import FetchError, SourceError, counted
from newsletter.fetch import Fetched, Fetcher
from newsletter.issue import Article, Image, Signal, SignalKind
from newsletter.sources import Clock, Pulled, PullState, utc_now
from newsletter.sources.feed.articles import Told, is_paid, link
from newsletter.sources.keys import WordpressKeys, read_keys
from newsletter.sources.pictures import Offer, acceptable, first_inline
from newsletter.sources.posts import json_of, mapping, objects, post, posts_of, text
from newsletter.sources.reading import Reading, shortened
from newsletter.sources.text import MAX_BODY, labels, names, one_line, plain, tidy, without_boilerplate

PER_PAGE = 100
MAX_PAGES = 5
MAX_COMMENT_PAGES = 20
MAX_BYTES = 16 * 1024 * 1024
WIDE_ENOUGH = 1200
"""Pixels: twice the width of a letter. The original may be ten times as large, and every reader would load it."""

_FIELDS = (
    "id,date,date_gmt,modified_gmt,guid,link,title,excerpt,content,sticky,comment_status,jetpack_featured_media_url,"
    "_links,_embedded"  # WordPress embeds nothing without these two
)


@dataclass(frozen=True)
class Wordpress:
    """The posts of one WordPress site."""

    name: str
    keys: WordpressKeys
    fetcher: Fetcher
    clock: Clock = utc_now

    @classmethod
    def from_options(
        cls, name: str, options: Mapping[str, Any], *, root: Path, fetcher: Fetcher, clock: Clock = utc_now
    ) -> Self:
        keys = read_keys(WordpressKeys, name, options, root=root)
        return cls(name=name, keys=keys, fetcher=fetcher.allowing(keys.allow_private), clock=clock)

    def read(self, previous: PullState) -> Pulled:
        """The posts of the last `days`. A reading with problems is not remembered: the next one lists them again."""
        now = self.clock()
        since = now - timedelta(days=self.keys.days)
        reading = Reading(self.name, self.keys.url, zone=self.keys.timezone, order=self.keys.date_order, now=now)
        interface, answers = self._posts(previous.values.get("interface", ""), since=since)
        comments, trouble = self._comments(interface, since=since) if self.keys.comments else (None, "")
        articles: dict[str | None, Article] = {}  # what is published while we turn the pages moves to the next one
        problems = [trouble] if trouble else []
        for answer in answers:
            found = parse(answer.body, reading=reading, comments=comments)
            articles |= {article.guid: article for article in found.articles}
            problems += found.problems
        if (pages := _total(answers[0], "pages")) > MAX_PAGES:
            there = f"{_total(answers[0], ''):,} posts in {counted(self.keys.days, 'day')}"
            problems.append(f"the site has {there}; only the newest {MAX_PAGES * PER_PAGE} of {pages} pages were read")
        said = f"{__version__} {self.keys} {sorted((comments or {}).items())}".encode()
        digest = hashlib.sha256(b"\0".join([said, *(answer.body for answer in answers)])).hexdigest()
        state = PullState({"interface": interface, "sha256": "" if problems else digest})
        if not problems and state == previous:
            return Pulled(state=state, unchanged=True)
        return Pulled(articles=tuple(articles.values()), problems=shortened(problems), state=state)

    def _posts(self, known: str, *, since: datetime) -> tuple[str, list[Fetched]]:
        """The interface that answered, and its pages of posts."""
        candidates = interfaces(self.keys.url)
        first = [known] if known in candidates else []
        failed: SourceError | None = None
        for interface in dict.fromkeys([*first, *candidates]):
            query = {"after": _moment(since), "per_page": PER_PAGE, "_fields": _FIELDS}
            query["_embed"] = "author,wp:featuredmedia,wp:term"
            try:
                answers = list(self._pages(f"{interface}/posts", query, most=MAX_PAGES))
                for answer in answers:
                    _list_in(answer.body)
            except SourceError as error:
                failed = failed or error
                continue
            return interface, answers
        raise SourceError(
            f"WordPress's interface was not found at {self.keys.url} ({failed}); where it is switched off, use "
            'kind = "feed" with /feed/ at the end of the address.'
        ) from failed

    def _comments(self, interface: str, *, since: datetime) -> tuple[Counter[Any] | None, str]:
        """How many comments the posts have that are not older than `since`, by the post's number; None is unknown.

        A post is never younger than its comments, so one list counts for all of them.
        """
        query = {"after": _moment(since), "per_page": PER_PAGE, "_fields": "post"}
        try:
            answers = list(self._pages(f"{interface}/comments", query, most=MAX_COMMENT_PAGES))
            found = [one.get("post") for answer in answers for one in objects(_list_in(answer.body))]
        except FetchError as error:
            closed = error.status in (401, 403, 404)  # many sites show their comments to nobody
            return None, "" if closed else f"its comments could not be counted ({error})"
        except SourceError as error:
            return None, f"its comments could not be counted ({error})"
        if answers and _total(answers[0], "pages") > MAX_COMMENT_PAGES:
            many = f"more than {MAX_COMMENT_PAGES * PER_PAGE:,} comments in {counted(self.keys.days, 'day')}"
            return None, f"it has {many}, which were not counted; lower days, or set comments = false"
        return Counter(number for number in found if isinstance(number, int)), ""

    def _pages(self, address: str, query: Mapping[str, Any], *, most: int) -> Iterator[Fetched]:
        page, pages = 1, 1
        while page <= min(pages, most):
            separator = "&" if "?" in address else "?"
            url = f"{address}{separator}{urlencode({**query, 'page': page})}"
            try:
                answer = self.fetcher.get(url, max_bytes=MAX_BYTES, accept="application/json")
            except FetchError as error:
                if page > 1 and error.status == 400:  # a post was taken back meanwhile: the last page is gone
                    return
                raise
            pages = _total(answer, "pages") if page == 1 else pages
            yield answer
            page += 1


def interfaces(url: str) -> tuple[str, ...]:
    """Where the interface of the site at an address may be: its own address, or the two places WordPress has for it."""
    base = url.rstrip("/").removesuffix("/posts")
    if "/wp/v2" in base:
        return (base,)
    if base.endswith("/wp-json"):
        return (f"{base}/wp/v2",)
    return (f"{base}/wp-json/wp/v2", f"{base}/?rest_route=/wp/v2")


def parse(data: bytes, *, reading: Reading, comments: Mapping[int, int] | None = None) -> Pulled:
    """The articles of one page of posts; `comments` are the counts by a post's number, None when they are unknown.

    Raises `SourceError` when the bytes are no such page.
    """
    return posts_of(_list_in(data), lambda post: _post(post, reading=reading, comments=comments), reading=reading)


def _list_in(data: bytes) -> list[Any]:
    found = json_of(data, system="WordPress")
    if isinstance(found, list):
        return found
    why = one_line(plain(text(mapping(found), "message")), limit=150)
    raise SourceError(f"The answer is no list of posts{f' but says: {why}' if why else ''}; check the address.")


def _post(found: Mapping[str, Any], *, reading: Reading, comments: Mapping[int, int] | None) -> Told:
    embedded, content = mapping(found.get("_embedded")), mapping(found.get("content"))
    excerpt = mapping(found.get("excerpt"))
    title = one_line(plain(_rendered(found, "title")))
    if content.get("protected") is True or excerpt.get("protected") is True:
        raise ValueError(f'"{one_line(title, limit=60)}" needs a password')
    # date_gmt is UTC without saying so; date is the site's own local time
    in_utc = text(found, "date_gmt")
    raw = f"{in_utc}Z" if in_utc and not in_utc.startswith("0000") else text(found, "date")
    modified = text(found, "modified_gmt")
    groups = embedded.get("wp:term")
    terms = [term for group in (groups if isinstance(groups, list) else []) for term in objects(group)]
    categories = labels(text(term, "name") for term in terms if text(term, "taxonomy") == "category")
    tags = labels(text(term, "name") for term in terms if text(term, "taxonomy") == "post_tag")
    markup = _rendered(found, "content")
    url = link(text(found, "link"), site=reading.address)
    base = url or reading.address
    article = Article(
        title=title,
        url=url,
        source=reading.source,
        guid=tidy(_rendered(found, "guid") or str(found.get("id") or ""))[:1000] or None,
        body=without_boilerplate(plain(markup))[:MAX_BODY],
        authors=names(text(author, "name") for author in objects(embedded.get("author"))),
        published=reading.date(raw),
        published_raw=tidy(raw)[:100],
        published_from="wordpress" if raw else "",
        updated=reading.date(f"{modified}Z") if modified else None,
        image=_image(found, embedded, against=base) or first_inline(markup, against=base),
        section=categories[0] if categories else "",
        categories=categories,
        tags=tags,
        signals=_comment_count(found, comments, at=reading.now),
        sponsored=is_paid(title, (*categories, *tags)),
        featured=found.get("sticky") is True,
    )
    return post(article, excerpt=_rendered(found, "excerpt"), content=markup)


def _comment_count(post: Mapping[str, Any], counts: Mapping[int, int] | None, *, at: datetime) -> tuple[Signal, ...]:
    number = post.get("id")
    if counts is None or not isinstance(number, int) or post.get("comment_status") != "open":
        return ()
    return (Signal(SignalKind.COMMENTS, counts.get(number, 0), at),)


def _image(post: Mapping[str, Any], embedded: Mapping[str, Any], *, against: str) -> Image | None:
    """The featured picture: the smallest of its sizes that is wide enough and not cropped, else the original."""
    media = next(iter(objects(embedded.get("wp:featuredmedia"))), {})
    details = mapping(media.get("media_details"))
    alt = text(media, "alt_text")
    original = _offer(text(media, "source_url") or text(post, "jetpack_featured_media_url"), details, alt=alt)
    full = acceptable(original, against=against)
    sizes = [mapping(size) for size in mapping(details.get("sizes")).values()]
    scaled = [acceptable(_offer(text(size, "source_url"), size, alt=alt), against=against) for size in sizes]
    fitting = [one for one in scaled if one and (one.width or 0) >= WIDE_ENOUGH and _same_shape(one, full)]
    return min(fitting, key=lambda one: one.width or 0, default=full)


def _offer(url: str, size: Mapping[str, Any], *, alt: str) -> Offer:
    return Offer(url, str(size.get("width") or ""), str(size.get("height") or ""), alt)


def _same_shape(one: Image, other: Image | None) -> bool:
    if not (other and one.width and one.height and other.width and other.height):
        return False
    return abs(one.width * other.height / (one.height * other.width) - 1) < 0.02


def _rendered(post: Mapping[str, Any], key: str) -> str:
    return text(mapping(post.get(key)), "rendered")


def _moment(moment: datetime) -> str:
    # with its zone: WordPress takes a time without one as the site's own
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _total(answer: Fetched, what: str) -> int:
    """`X-WP-Total`, the number of posts, or `X-WP-TotalPages`; 1 where a proxy took it away."""
    said = answer.headers.get(f"x-wp-total{what}", "")
    return int(said) if said.isascii() and said.isdigit() and len(said) < 10 else 1
