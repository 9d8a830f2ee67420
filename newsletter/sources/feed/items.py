"""Turns one item of a feed into an Article: chooses among its fields and cleans them. Pure.

What it does not know: XML (`sources.feed.xml` returns a plain tree), HTTP, and other feeds. A field that is not usable
is left out; an item that cannot become an article is a line in `problems`. `from_json` raises
`SourceError` when the JSON is no JSON Feed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain
from typing import Any, NamedTuple

from newsletter.errors import SourceError
from newsletter.issue import Article, Image, Signal, SignalKind
from newsletter.links import canonical, is_home_page
from newsletter.sources import Pulled
from newsletter.sources.blurb import Block, Repeated, blocks_of, blocks_of_text, blurb, titles_without_tails
from newsletter.sources.feed.xml import MAX_ITEMS
from newsletter.sources.pictures import Offer, acceptable, first_inline, largest
from newsletter.sources.reading import Reading, shortened
from newsletter.sources.text import MAX_BODY, NOTHING, labels, names, one_line, plain, tidy, without_boilerplate

FULL_TEXT = 600
"""Characters from which a description without a `content` beside it is the article itself and not its blurb."""

_PAID = re.compile(
    r"sponsored(?: content| post)?|advertisements?|advertorial|paid (?:post|content)|partner content|promoted|"
    r"promotion|brand(?:ed)? content|anzeige|werbung|publireportage|publicidad|patrocinado|sponsorisé|"
    r"contenu partenaire",
    re.IGNORECASE,
)
_PICTURE_NAME = re.compile(r"\.(?:jpe?g|png|gif|webp|avif)\b|/image", re.IGNORECASE)
_A_TAG = re.compile(r"</?[a-z][a-z0-9]{0,9}(?:\s[^<>]{0,500})?/?>", re.IGNORECASE)
_PAID_TITLE = re.compile(rf"(?:\[(?:{_PAID.pattern}|ad)\]|(?:{_PAID.pattern})\s*[:|–—-]\s)", re.IGNORECASE)


def from_xml(found: Mapping[str, Any], *, reading: Reading) -> Pulled:
    """The articles of what `xml.read_xml` found."""
    base = canonical(found["link"], against=reading.address) or reading.address
    language = one_line(found["language"], limit=35)

    # Only Atom says what is text and what is HTML; elsewhere feedparser guesses, and takes much HTML for text.
    if not found["version"].startswith("atom"):
        found = {**found, "items": [_untyped(item) for item in found["items"]]}

    def article(item: Mapping[str, Any]) -> _Told:
        told = _from_xml_item(item, base=base, reading=reading)
        return told._replace(article=replace(told.article, language=language))

    return _each(found["items"], article, count=found["count"], site=one_line(found["title"]))


def from_json(data: bytes, *, reading: Reading) -> Pulled:
    """The articles of a JSON Feed (jsonfeed.org, 1.0 and 1.1)."""
    try:
        feed = json.loads(data.decode("utf-8-sig", "replace"), parse_constant=lambda _name: None)
    except (ValueError, RecursionError) as error:
        what = f"broken JSON in line {error.lineno}" if isinstance(error, json.JSONDecodeError) else "broken JSON"
        raise SourceError(f"The answer is {what}, not a feed; ask its publisher, or check the address.") from error
    if isinstance(feed, list) and feed and isinstance(feed[0], dict) and {"slug", "link"} <= feed[0].keys():
        raise SourceError("This is a WordPress REST answer, not a feed; use the site's address with /feed/ at the end.")
    found = feed if isinstance(feed, dict) else {}
    if "jsonfeed.org" not in str(found.get("version")) or not isinstance(found.get("items"), list):
        raise SourceError("The answer is JSON but no JSON Feed (its version is missing); check the address.")
    base = canonical(_str(feed, "home_page_url"), against=reading.address) or reading.address
    language = one_line(_str(feed, "language"), limit=35)
    feed_authors = _json_authors(feed)

    def article(item: Any) -> _Told:
        if not isinstance(item, dict):
            raise TypeError("it is not an object")
        told = _from_json_item(item, base=base, reading=reading)
        made = told.article
        made = replace(made, authors=made.authors or feed_authors, language=made.language or language)
        return told._replace(article=made)

    site = one_line(plain(_str(feed, "title")))
    return _each(feed["items"][:MAX_ITEMS], article, count=len(feed["items"]), site=site)


class _Told(NamedTuple):
    """An article of a feed without its blurb, and the texts the blurb may come from."""

    article: Article
    described: Sequence[Block]
    content: Callable[[], Sequence[Block]]


def _each(items: Iterable[Any], make: Callable[[Any], _Told], *, count: int, site: str) -> Pulled:
    """Makes an article of every item; a fault in one never stops the others."""
    told: list[_Told] = []
    problems, nameless = [], 0
    for position, item in enumerate(items, start=1):
        try:
            one = make(item)
            article = one.article
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            problems.append(f"item {position} cannot be read ({error})")
            continue
        if not article.title and not article.url:
            nameless += 1
            continue
        if article.published_raw and article.published is None:
            title, date = (one_line(text, limit=60) for text in (article.title, article.published_raw))
            problems.append(f'item {position} ("{title}"): its date "{date}" is not certain or not sane')
        told.append(one)
    if nameless:
        problems.append(f"{nameless} item(s) had neither a title nor an address and were left out")
    if count > MAX_ITEMS:
        problems.append(f"the feed has {count} items; only the first {MAX_ITEMS} were read")
    return Pulled(articles=_worded(told, site=site), problems=shortened(problems))


def _worded(told: Sequence[_Told], *, site: str) -> tuple[Article, ...]:
    """The articles with titles and blurbs as one would print them, judged by what the whole feed repeats."""
    described = [one.described or one.content() for one in told]
    repeated = Repeated(described)
    titles = titles_without_tails([one.article.title for one in told], site=site)
    found = []
    for one, blocks, title in zip(told, described, titles, strict=True):
        summary = blurb(repeated.mended(blocks), title=title, repeated=repeated.lines)
        if not summary and blocks is one.described:
            summary = blurb(one.content(), title=title, repeated=repeated.lines)
        found.append(replace(one.article, title="" if title.casefold() in NOTHING else title, summary=summary))
    return tuple(found)


def _from_xml_item(item: Mapping[str, Any], *, base: str, reading: Reading) -> _Told:
    title = one_line(_read(item["title"]))
    description, content = _read(item["summary"]), _read(item["content"])
    body = content if len(content) > len(description) else description if len(description) >= FULL_TEXT else content
    raw = item["published"] or item["updated"]
    tags = labels(tag.get("label") or tag.get("term", "") for tag in item["tags"])
    article = Article(
        title=title,
        url=_link(item["feedburner_origlink"] or item["link"], base=base),
        source=reading.source,
        guid=tidy(item["id"])[:1000] or None,
        body=without_boilerplate(body)[:MAX_BODY],
        authors=names([author.get("name", "") for author in item["authors"]] or [item["author"]]),
        published=reading.date(raw),
        published_raw=tidy(raw)[:100],
        published_from="feed" if raw.strip() else "",
        updated=reading.date(item["updated"]) if item["published"] else None,
        image=_image(item, base=base),
        section=tags[0] if tags else "",
        categories=tags,
        signals=_signals(item, at=reading.now),
        sponsored=_is_paid(title, tags),
    )
    return _Told(article, _blocks(item["summary"]), lambda: _blocks(item["content"]))


def _blocks(typed: list[str]) -> tuple[Block, ...]:
    media_type, text = typed
    return blocks_of_text(tidy(text[:MAX_BODY])) if media_type == "text/plain" else blocks_of(text)


def _untyped(item: Mapping[str, Any]) -> dict[str, Any]:
    """The item with everything that has a tag in it marked as HTML."""
    marked_up = [key for key in ("title", "summary", "content") if _A_TAG.search(item[key][1])]
    return {**item, **{key: ["text/html", item[key][1]] for key in marked_up}}


def _read(typed: list[str]) -> str:
    """The plain text of a `[media type, text]`: only what is not said to be plain is read as HTML."""
    media_type, text = typed
    return tidy(text[: MAX_BODY * 2]) if media_type == "text/plain" else plain(text)


def _link(raw: str, *, base: str) -> str | None:
    url = canonical(raw, against=base) if raw.strip() else ""
    return url if url and not is_home_page(url) else None


def _is_paid(title: str, tags: Iterable[str]) -> bool:
    return bool(_PAID_TITLE.match(title)) or any(_PAID.fullmatch(tag) for tag in tags)


def _image(item: Mapping[str, Any], *, base: str) -> Image | None:
    """The picture of an item: the largest of its media, thumbnails or enclosures, else the first inside its texts."""
    media = [entry for entry in item["media_content"] if _is_picture(entry)]
    enclosed = [entry for entry in item["links"] if entry.get("rel") == "enclosure" and _is_picture(entry)]
    named = (media, item["media_thumbnail"], enclosed, [item["image"]])
    offered = (largest(map(_offer, entries), against=base) for entries in named)
    inline = (first_inline(item[key][1], against=base) for key in ("content", "summary"))
    return next((image for image in chain(offered, inline) if image), None)


def _offer(entry: Mapping[str, str]) -> Offer:
    return Offer(entry.get("url") or entry.get("href") or "", entry.get("width", ""), entry.get("height", ""))


def _is_picture(entry: Mapping[str, str]) -> bool:
    """By its media type; without one, by its address (`sources.pictures` checks the name further)."""
    said = (entry.get("medium") or entry.get("type", "").partition("/")[0]).lower()
    return said == "image" or (not said and _PICTURE_NAME.search(_offer(entry).url) is not None)


def _signals(item: Mapping[str, Any], *, at: datetime) -> tuple[Signal, ...]:
    stars = item["media_starrating"]
    average, best = _number(stars.get("average")), _number(stars.get("max")) or 5
    given = {
        SignalKind.COMMENTS: _number(item["slash_comments"] or item["thr_total"]),
        SignalKind.VIEWS: _number(item["media_statistics"].get("views")),
        SignalKind.RATING: average * 5 / best if average is not None and average <= best else None,
        SignalKind.RATING_COUNT: _number(stars.get("count")),
    }
    if given[SignalKind.RATING_COUNT] == 0:
        given[SignalKind.RATING] = None  # nobody rated: an average of 0.00 is not a bad rating
    return tuple(Signal(kind, value, at) for kind, value in given.items() if value is not None)


def _number(raw: str | None) -> float | None:
    """A count or average that is not negative, None for anything else."""
    found = re.fullmatch(r"\d{1,15}(?:\.\d{1,6})?", (raw or "").strip().replace(",", ""), re.ASCII)
    return float(found.group()) if found else None


def _from_json_item(item: Mapping[str, Any], *, base: str, reading: Reading) -> _Told:
    title = one_line(plain(_str(item, "title")))
    html = _str(item, "content_html")
    body = plain(html) or tidy(_str(item, "content_text"))
    raw = _str(item, "date_published") or _str(item, "date_modified")
    picture = Offer(_str(item, "image") or _str(item, "banner_image"))
    tags = labels(tag for tag in _list(item, "tags") if isinstance(tag, str))
    article = Article(
        title=title,
        url=_link(_str(item, "url") or _str(item, "external_url"), base=base),
        source=reading.source,
        guid=tidy(str(item.get("id") or ""))[:1000] or None,
        body=without_boilerplate(body)[:MAX_BODY],
        authors=_json_authors(item),
        published=reading.date(raw),
        published_raw=tidy(raw)[:100],
        published_from="feed" if raw.strip() else "",
        updated=reading.date(_str(item, "date_modified")) if _str(item, "date_published") else None,
        image=acceptable(picture, against=base) or first_inline(html, against=base),
        section=tags[0] if tags else "",
        categories=tags,
        language=one_line(_str(item, "language"), limit=35),
        sponsored=_is_paid(title, tags),
    )
    text = _str(item, "content_text")
    return _Told(
        article, blocks_of(_str(item, "summary")), lambda: blocks_of(html) if html else blocks_of_text(tidy(text))
    )


def _json_authors(holder: Mapping[str, Any]) -> tuple[str, ...]:
    authors = [*_list(holder, "authors"), holder.get("author")]
    return names(_str(author, "name") for author in authors if isinstance(author, dict))


def _str(mapping: Mapping[str, Any], key: str) -> str:
    value = mapping.get(key)
    return value if isinstance(value, str) else ""


def _list(mapping: Mapping[str, Any], key: str) -> list[Any]:
    value = mapping.get(key)
    return value if isinstance(value, list) else []
