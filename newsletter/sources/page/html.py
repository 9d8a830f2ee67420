"""Reads an article page in HTML: its head (JSON-LD, OpenGraph, meta) first, then its body. Pure.

The head is written for machines and is right far more often than the body; each field is taken from the first place
that has it. What it does not know: HTTP, and how a card or related titles are laid out (`sources.page.text` reads
them). Raises `SourceError` when the bytes hold no page at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from lxml import etree

from newsletter.issue import Article, Image
from newsletter.links import canonical, is_home_page, same_site
from newsletter.sources.blurb import blocks_of, blocks_of_text, blurb
from newsletter.sources.html_tree import Element, parse_html
from newsletter.sources.page.body import below_headline, lines, paragraphs, text_of
from newsletter.sources.page.json_ld import first, json_ld, texts
from newsletter.sources.page.text import card_in, related_in, signals_of
from newsletter.sources.pictures import Offer, acceptable, inline_offer
from newsletter.sources.reading import Reading
from newsletter.sources.text import MAX_BODY, labels, names, one_line, plain, tidy, without_boilerplate

_DATE_METAS = (
    "article:published_time", "og:article:published_time", "og:published_time", "article:published",
    "datepublished", "parsely-pub-date", "sailthru.date", "pubdate", "publishdate", "publish-date", "publish_date",
    "publication_date", "published_at", "date.published",
    "cxenseparse:recs:publishtime", "dc.date.issued", "dcterms.created", "dc.date.created", "dc.date", "dcterms.date",
    "date", "article.published", "originalpublicationdate", "displaydate", "ptime", "og:pubdate", "bt:pubdate",
    "article:post_date",
    "timestamp",
)  # fmt: skip
_AUTHOR_METAS = ("author", "parsely-author", "sailthru.author", "article:author", "byl", "dc.creator", "twitter:data1")
_UPDATED_METAS = ("article:modified_time", "og:updated_time", "datemodified", "last-modified", "dcterms.modified")

_SEPARATOR = re.compile(r"\s+(?:[|»›·•—–-]|::)\s+")  # noqa: RUF001
_URL_DAY = re.compile(r"/((?:19|20)\d{2})[/-](0?[1-9]|1[0-2])[/-](0?[1-9]|[12]\d|3[01])(?=[/_-])")
_SAVED_FROM = re.compile(rb"<!-- saved from url=\(\d+\)(\S{1,2000}) -->")
_DATE_MARK = re.compile(r"datepublished|pubdate|entry-date|published|dateline|timestamp")
_DATE_LABEL = re.compile(
    r"(?:(?P<update>(?:last )?(?:updated|modified)|update|aktualisiert|mis à jour|actualizado)|"
    r"(?:first )?(?:published|posted)|date|on|veröffentlicht|publié|publicado)\b(?: (?:on|at|am|le|el))?\s*:?\s*",
    re.IGNORECASE,
)
_BETWEEN_FACTS = re.compile(r"\s+[|/·•–—]\s+|\s*[|·•]\s*")
_BYLINE_MARK = re.compile(r"(?:^|[\s_-])(?:author|byline)(?:[_-]{0,2}(?:name|link|text)s?)?(?:$|\s)", re.IGNORECASE)
_AUTHOR_IS_NO_NAME = re.compile(r"https?:|www\.|@\w+$|^(?:admin|staff|editor|null|undefined|author)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Head:
    """What a page says to machines: the contents of each `<meta>` by its lower-case name, and its JSON-LD object."""

    metas: Mapping[str, list[str]]
    node: Mapping[str, Any]

    def every(self, *wanted: str) -> list[str]:
        return [content for name in wanted for content in self.metas.get(name, ())]

    def meta(self, *wanted: str) -> str:
        return next(iter(self.every(*wanted)), "")

    def said(self, *wanted: str) -> str:
        """The first text of the JSON-LD object's values."""
        return next((text for name in wanted if (text := first(self.node.get(name)))), "")


def article_from_html(data: bytes, *, reading: Reading, content_type: str = "") -> Article:
    """The article of a page. `reading.address` is where the page lies on the web, "" for a saved file."""
    page = parse_html(data, content_type=content_type)
    head = _Head(_metas(page), json_ld(page))
    etree.strip_elements(page, "script", "style", "noscript", "template", "svg", with_tail=False)
    title = _title(page, head)
    url = _address(page, head, data, live_at=reading.address)
    published_raw, published_from = _published(page, head, url=url, reading=reading)
    story = paragraphs(page)
    body = plain(head.said("articleBody")) or "\n".join(story)
    described = head.meta("og:description", "description", "twitter:description", "dc.description")
    shown = lines(page)
    card = card_in(shown)
    keywords = _split([*texts(head.node.get("keywords")), *head.every("news_keywords")])
    section = labels([*head.every("article:section"), *texts(head.node.get("articleSection"))])
    language = page.get("lang") or head.meta("og:locale", "content-language")
    return Article(
        title=title,
        url=url or None,
        source=reading.source,
        dek=blurb(blocks_of(described or head.said("description")), title=title),
        summary=blurb(blocks_of_text(body), title=title),
        body=without_boilerplate(body)[:MAX_BODY],
        authors=_authors(page, head),
        published=reading.date(published_raw),
        published_raw=tidy(published_raw)[:100],
        published_from=published_from,
        updated=reading.date(head.said("dateModified") or head.meta(*_UPDATED_METAS)),
        image=_image(page, head, base=url or reading.address),
        card=card,
        section=section[0] if section else "",
        categories=section,
        tags=labels([*head.every("article:tag"), *keywords]),
        language=one_line(language, limit=35).replace("_", "-"),
        subject=card.name if card else "",
        related=related_in(shown) if card else (),
        signals=signals_of(card, shown, at=reading.now),
    )


def _metas(page: Element) -> dict[str, list[str]]:
    """Every `<meta>`'s contents by its lower-case name, property or itemprop, in order."""
    metas: dict[str, list[str]] = {}
    for meta in page.iter("meta"):
        name = meta.get("property") or meta.get("name") or meta.get("itemprop") or meta.get("http-equiv") or ""
        if content := (meta.get("content") or meta.get("value") or "").strip():
            metas.setdefault(name.strip().lower(), []).append(content)
    return metas


def _title(page: Element, head: _Head) -> str:
    """The title without the site's name: the visible headline when it is clear which that is, else the head's."""
    site = head.meta("og:site_name", "application-name")
    shown = (one_line(text_of(heading)) for heading in islice(page.iter("h1"), 10))
    headings = [text for text in shown if text and _letters(text) != _letters(site)]
    written = [head.meta("og:title"), head.said("headline"), head.meta("twitter:title", "title", "dc.title")]
    written.append(text_of(page.find(".//title")))
    candidates = [cut for text in written if (cut := _without_site(one_line(plain(text)), site=site))]
    candidates = [_without_tail(text, others=[*headings, *candidates], site=site) for text in candidates]
    agreed = len(candidates) > 2 and len({*map(_letters, candidates)}) == 1 and not _SEPARATOR.search(candidates[0])
    for heading in headings:
        short = _letters(heading)
        long_enough = len(short) > 12
        alike = (text == short or (long_enough and text.startswith(short)) for text in map(_letters, candidates))
        if any(alike) or (long_enough and len(headings) == 1 and not agreed):
            return heading
    return next(iter((*candidates, *headings)), "")


def _letters(text: str) -> str:
    return re.sub(r"\W+", "", text).casefold()


def _without_site(title: str, *, site: str) -> str:
    """The title without " | Site" at its end or "Site: " at its front, when the page says what its site is called."""
    pieces = _SEPARATOR.split(title)
    last, name = _letters(pieces[-1]), _letters(site)
    if len(pieces) > 1 and name and last and (last in name + "com" or (name in last and len(last) <= len(name) + 8)):
        return re.sub(r"\s+\W{1,2}\s*$", "", title[: title.rindex(pieces[-1])])
    return title


def _without_tail(title: str, *, others: Iterable[str], site: str) -> str:
    """The title as the page has it elsewhere, without its section and its site at the end: "Title-News|Site"."""
    long, name = _letters(title), _letters(site)
    for other in others:
        short = _letters(other)
        if len(short) > 12 and name and long.startswith(short) and name in long[len(short) :]:
            return other
    return title


def _address(page: Element, head: _Head, data: bytes, *, live_at: str) -> str:
    """The page's own address: the one it names as canonical, if that is on its site and is not the home page."""
    links = (link.get("href") for link in page.iter("link") if "canonical" in (link.get("rel") or "").lower().split())
    saved = _SAVED_FROM.search(data[:4096])
    here = canonical(live_at) or (canonical(saved.group(1).decode("ascii", "replace")) if saved else "")
    for named in (next(links, ""), head.meta("og:url")):
        url = canonical(named or "", against=here)
        if url and not is_home_page(url) and (not here or same_site(url, here)):
            return url
    return here


def _published(page: Element, head: _Head, *, url: str, reading: Reading) -> tuple[str, str]:
    """The date as written and where it stood. A date that only the address holds is a guess."""
    if raw := head.said("datePublished", "dateCreated", "uploadDate"):
        return raw, "json-ld"
    if raw := head.meta(*_DATE_METAS) or _time_element(page):
        return raw, "meta"
    if raw := _visible_date(page, reading=reading):
        return raw, "visible"
    if found := _URL_DAY.search(url):
        return "-".join(found.groups()), "guess"
    return "", ""


def _time_element(page: Element) -> str:
    """The date of an element that says it is the publication's, or of the `<time>` nearest to the headline."""
    for place in page.iter("time", "span", "abbr", "p", "div"):
        stamp = place.get("datetime") or place.get("content") or place.get("title") or ""
        said = f"{place.get('itemprop') or ''} {place.get('class') or ''} {place.get('pubdate') or ''}".lower()
        if _DATE_MARK.search(said) and re.search(r"\d{4}", stamp):
            return stamp
    for heading in islice(page.iter("h1"), 10):
        scope = heading
        for _step in range(4):
            scope = scope.getparent() if scope.getparent() is not None else scope
            stamps = [time.get("datetime") for time in scope.iter("time") if time.get("datetime")]
            if stamps and scope.tag != "body":
                return str(stamps[0])
    return ""


def _visible_date(page: Element, *, reading: Reading) -> str:
    """The first date below the headline that can be read with certainty; one of an update only if there is no other."""
    updates = []
    for text in below_headline(page):
        for part in _BETWEEN_FACTS.split(text):
            label = _DATE_LABEL.match(part)
            raw = part[label.end() :].strip() if label else part
            if len(re.findall(r"\d+", raw)) > 1 and reading.date(raw):
                if not (label and label["update"]):
                    return raw
                updates.append(raw)
    return next(iter(updates), "")


def _authors(page: Element, head: _Head) -> tuple[str, ...]:
    places = (place for place in page.iter("a", "span", "p", "div", "address", "cite") if _is_byline(place))
    bylines = [re.split(r"\s*[|/·•]\s*", text_of(place))[0] for place in islice(places, 10)]
    for found in (
        texts(head.node.get("author")),
        *(head.every(name) for name in _AUTHOR_METAS),
        *([line] for line in bylines if not re.search(r"\d", line) and len(line.split()) <= 8),
    ):
        if authors := names(text for text in found if text and len(text) < 120 and not _AUTHOR_IS_NO_NAME.search(text)):
            return authors
    return ()


def _is_byline(place: Element) -> bool:
    marks = f"{place.get('rel') or ''} {place.get('itemprop') or ''} {place.get('class') or ''}"
    return _BYLINE_MARK.search(marks) is not None and not len(place) > 3


def _image(page: Element, head: _Head, *, base: str) -> Image | None:
    """The picture that the page names for link previews, else the first large one of its article."""
    named = head.every("og:image", "og:image:url", "og:image:secure_url")
    size = head.meta("og:image:width"), head.meta("og:image:height")
    offers = [Offer(url, *size, head.meta("og:image:alt", "twitter:image:alt")) for url in named[:1]]
    pictures = head.node.get("image")
    for value in pictures if isinstance(pictures, list) else [pictures]:
        of = value if isinstance(value, dict) else {"url": value}
        url = first(of.get("url") or of.get("contentUrl"))
        offers.append(Offer(url, str(of.get("width", "")), str(of.get("height", ""))))
    others = ("twitter:image", "twitter:image:src", "thumbnail", "parsely-image-url", "sailthru.image.full")
    inline = (inline_offer(dict(image.attrib)) for image in page.iterfind(".//article//img"))
    offered = chain(offers, [Offer(head.meta(*others))], inline)
    return next((image for offer in offered if (image := acceptable(offer, against=base))), None)


def _split(texts: Iterable[str]) -> list[str]:
    return [part.strip() for text in texts for part in text.split(",")]
