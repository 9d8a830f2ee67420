"""Reads an article page in HTML: its head (JSON-LD, OpenGraph, meta) first, then its body. Pure.

The head is written for machines and is right far more often than the body; each field is taken from the first place
that has it. What it does not know: HTTP, and how a card or related titles are laid out (`sources.page.text` reads
them). Raises `SourceError` when the bytes hold no page at all.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from lxml import etree

from newsletter.errors import SourceError
from newsletter.issue import Article, Image
from newsletter.links import canonical, is_home_page, same_site
from newsletter.sources.page.body import lines, paragraphs, text_of
from newsletter.sources.page.json_ld import first, json_ld, texts
from newsletter.sources.page.text import card_in, related_in, signals_of
from newsletter.sources.pictures import Offer, acceptable, inline_offer
from newsletter.sources.reading import Reading
from newsletter.sources.text import MAX_BODY, labels, names, one_line, plain, summary_of, tidy, without_boilerplate

_DATE_METAS = (
    "article:published_time", "og:article:published_time", "og:published_time", "article:published",
    "datepublished", "parsely-pub-date", "sailthru.date", "pubdate", "publishdate", "publish-date", "publish_date",
    "publication_date", "published_at", "date.published",
    "cxenseparse:recs:publishtime", "dc.date.issued", "dcterms.created", "dc.date.created", "dc.date", "dcterms.date",
    "date", "article.published", "originalpublicationdate", "displaydate", "ptime", "og:pubdate", "bt:pubdate",
    "article:post_date",
    "timestamp",
)  # fmt: skip
_UPDATED_METAS = ("article:modified_time", "og:updated_time", "datemodified", "last-modified", "dcterms.modified")
MAX_ELEMENTS = 100_000

_SEPARATOR = re.compile(r"\s+(?:[|»›·•—–-]|::)\s+")  # noqa: RUF001
_URL_DAY = re.compile(r"/((?:19|20)\d{2})[/-](0?[1-9]|1[0-2])[/-](0?[1-9]|[12]\d|3[01])(?=[/_-])")
_SAVED_FROM = re.compile(rb"<!-- saved from url=\(\d+\)(\S{1,2000}) -->")
_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w-]{2,40})", re.IGNORECASE)
_BYLINE_MARK = re.compile(r"(?:^|[\s_-])(?:author|byline)(?:[_-]{0,2}(?:name|link|text)s?)?(?:$|\s)", re.IGNORECASE)
_AUTHOR_IS_NO_NAME = re.compile(r"https?:|www\.|@\w+$|^(?:admin|staff|editor|null|undefined|author)$", re.IGNORECASE)

Element = Any
"""An lxml element: its stubs say less than the code does."""


def article_from_html(data: bytes, *, reading: Reading, content_type: str = "") -> Article:
    """The article of a page. `reading.address` is where the page lies on the web, "" for a saved file."""
    page = parse_html(data, content_type=content_type)
    metas, node = _metas(page), json_ld(page)
    etree.strip_elements(page, "script", "style", "noscript", "template", "svg", with_tail=False)
    title = _title(page, metas, node)
    url = _address(page, metas, data, live_at=reading.address)
    base = url or reading.address
    published_raw, published_from = _published(page, metas, node, url=url)
    story = paragraphs(page)
    body = tidy(plain(first(node.get("articleBody")))) or "\n".join(story)
    dek = _dek(metas, node, title=title)
    shown = lines(page)
    card = card_in(shown)
    tags = labels([*metas.get("article:tag", ()), *_keywords(node), *_split(metas.get("news_keywords", ()))])
    section = (*metas.get("article:section", ()), *texts(node.get("articleSection")))
    updated = first(node.get("dateModified")) or _meta(metas, *_UPDATED_METAS)
    return Article(
        title=title,
        url=url or None,
        source=reading.source,
        dek=dek,
        summary=summary_of(body, title=title),
        body=without_boilerplate(body)[:MAX_BODY],
        authors=_authors(page, metas, node),
        published=reading.date(published_raw),
        published_raw=tidy(published_raw)[:100],
        published_from=published_from,
        updated=reading.date(updated),
        image=_image(page, metas, node, base=base),
        card=card,
        section=one_line(plain(section[0]), limit=100) if section else "",
        categories=labels(section),
        tags=tags,
        language=one_line(page.get("lang") or _meta(metas, "og:locale", "content-language"), limit=35).replace(
            "_", "-"
        ),
        subject=card.name if card else "",
        related=related_in(shown) if card else (),
        signals=signals_of(card, shown, at=reading.now),
    )


def parse_html(data: bytes, *, content_type: str = "") -> Element:
    """The `<html>` element, parsed without network, entities or huge trees. Raises `SourceError`."""
    parser = etree.HTMLParser(
        encoding=_encoding(data, content_type),
        no_network=True,
        huge_tree=False,
        recover=True,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        page = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise SourceError("The page holds no HTML that can be read; check the address or the file.") from error
    if page is None:
        raise SourceError("The page is empty; check the address or the file.")
    if sum(1 for _ in islice(page.iter(), MAX_ELEMENTS + 1)) > MAX_ELEMENTS:
        raise SourceError(f"The page has more than {MAX_ELEMENTS:,} elements; is it an article?")
    return page


def _encoding(data: bytes, content_type: str) -> str:
    """The encoding: byte order mark, then HTTP, then the page's own word, then UTF-8 if it fits, else Windows-1252."""
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16le"), (b"\xfe\xff", "utf-16be")):
        if data.startswith(mark):
            return encoding
    said = re.search(r"charset=[\"']?([\w-]{2,40})", content_type, re.IGNORECASE)
    inside = _CHARSET.search(data[:8192])
    for name in (said.group(1) if said else "", inside.group(1).decode("ascii", "replace") if inside else ""):
        try:
            codecs.lookup(name)
        except LookupError:
            continue
        # browsers read both as Windows-1252 (WHATWG Encoding §4.2)
        return {"iso-8859-1": "cp1252", "us-ascii": "cp1252", "ascii": "cp1252"}.get(name.lower(), name)
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _metas(page: Element) -> dict[str, list[str]]:
    """Every `<meta>`'s contents by its lower-case name, property or itemprop, in order."""
    metas: dict[str, list[str]] = {}
    for meta in page.iter("meta"):
        name = meta.get("property") or meta.get("name") or meta.get("itemprop") or meta.get("http-equiv") or ""
        if content := (meta.get("content") or meta.get("value") or "").strip():
            metas.setdefault(name.strip().lower(), []).append(content)
    return metas


def _meta(metas: Mapping[str, list[str]], *wanted: str) -> str:
    return next((metas[name][0] for name in wanted if name in metas), "")


def _title(page: Element, metas: Mapping[str, list[str]], node: Mapping[str, Any]) -> str:
    """The title without the site's name: the visible headline when it is clear which that is, else the head's."""
    site = _meta(metas, "og:site_name", "application-name")
    headings = [
        text
        for heading in islice(page.iter("h1"), 10)
        if (text := one_line(text_of(heading))) and _letters(text) != _letters(site)
    ]
    document = text_of(page.find(".//title"))
    written = [
        _meta(metas, "og:title"),
        first(node.get("headline")),
        _meta(metas, "twitter:title", "title", "dc.title"),
        document,
    ]
    candidates = [cut for text in written if (cut := _without_site(one_line(plain(text)), site=site))]
    for heading in headings:
        short = _letters(heading)
        if any(
            _letters(text) == short or (len(short) > 12 and _letters(text).startswith(short)) for text in candidates
        ):
            return heading
    if len(headings) == 1 and len(_letters(headings[0])) > 12:
        return headings[0]
    return candidates[0] if candidates else headings[0] if headings else ""


def _letters(text: str) -> str:
    return re.sub(r"\W+", "", text).casefold()


def _without_site(title: str, *, site: str) -> str:
    """The title without " | Site" at its end or "Site: " at its front, when the page says what its site is called."""
    pieces = _SEPARATOR.split(title)
    last, name = _letters(pieces[-1]), _letters(site)
    if len(pieces) > 1 and name and last and (last in name + "com" or (name in last and len(last) <= len(name) + 8)):
        end = title.rindex(pieces[-1])
        return re.sub(r"\s+\W{1,2}\s*$", "", title[:end])
    return title


def _address(page: Element, metas: Mapping[str, list[str]], data: bytes, *, live_at: str) -> str:
    """The page's own address: the one it names as canonical, if that is on its site and is not the home page."""
    link = next(
        (link.get("href") for link in page.iter("link") if "canonical" in (link.get("rel") or "").lower().split()), ""
    )
    saved = _SAVED_FROM.search(data[:4096])
    here = canonical(live_at) or (canonical(saved.group(1).decode("ascii", "replace")) if saved else "")
    for named in (link, _meta(metas, "og:url")):
        url = canonical(named or "", against=here)
        if url and not is_home_page(url) and (not here or same_site(url, here)):
            return url
    return here


def _published(page: Element, metas: Mapping[str, list[str]], node: Mapping[str, Any], *, url: str) -> tuple[str, str]:
    """The date as written and where it stood. A date that only the address holds is a guess."""
    if raw := first(node.get("datePublished")) or first(node.get("dateCreated")) or first(node.get("uploadDate")):
        return raw, "json-ld"
    if raw := _meta(metas, *_DATE_METAS) or _time_element(page):
        return raw, "meta"
    if found := _URL_DAY.search(url):
        return "-".join(found.groups()), "guess"
    return "", ""


def _time_element(page: Element) -> str:
    """The date of an element that says it is the publication's, or of the `<time>` nearest to the headline."""
    for place in page.iter("time", "span", "abbr", "p", "div"):
        stamp = place.get("datetime") or place.get("content") or place.get("title") or ""
        said = f"{place.get('itemprop') or ''} {place.get('class') or ''} {place.get('pubdate') or ''}".lower()
        if re.search(r"datepublished|pubdate|entry-date|published|dateline|timestamp", said) and re.search(
            r"\d{4}", stamp
        ):
            return stamp
    for heading in islice(page.iter("h1"), 10):
        scope = heading
        for _step in range(4):
            scope = scope.getparent() if scope.getparent() is not None else scope
            stamps = [time.get("datetime") for time in scope.iter("time") if time.get("datetime")]
            if stamps and scope.tag != "body":
                return str(stamps[0])
    return ""


def _dek(metas: Mapping[str, list[str]], node: Mapping[str, Any], *, title: str) -> str:
    """The sentence or two in which the page describes itself."""
    said = _meta(metas, "og:description", "description", "twitter:description", "dc.description") or first(
        node.get("description")
    )
    return summary_of(plain(said), title=title)


def _authors(page: Element, metas: Mapping[str, list[str]], node: Mapping[str, Any]) -> tuple[str, ...]:
    places = (place for place in page.iter("a", "span", "p", "div", "address", "cite") if _is_byline(place))
    bylines = [re.split(r"\s*[|/·•]\s*", text_of(place))[0] for place in islice(places, 10)]
    for found in (
        texts(node.get("author")),
        *(
            metas.get(name, [])
            for name in (
                "author",
                "parsely-author",
                "sailthru.author",
                "article:author",
                "byl",
                "dc.creator",
                "twitter:data1",
            )
        ),
        *([line] for line in bylines if not re.search(r"\d", line) and len(line.split()) <= 8),
    ):
        if authors := names(text for text in found if text and len(text) < 120 and not _AUTHOR_IS_NO_NAME.search(text)):
            return authors
    return ()


def _is_byline(place: Element) -> bool:
    marks = f"{place.get('rel') or ''} {place.get('itemprop') or ''} {place.get('class') or ''}"
    return _BYLINE_MARK.search(marks) is not None and not len(place) > 3


def _image(page: Element, metas: Mapping[str, list[str]], node: Mapping[str, Any], *, base: str) -> Image | None:
    """The picture that the page names for link previews, else the first large one of its article."""
    sizes = (
        _meta(metas, "og:image:width"),
        _meta(metas, "og:image:height"),
        _meta(metas, "og:image:alt", "twitter:image:alt"),
    )
    offers = [
        Offer(url, *sizes)
        for url in (*metas.get("og:image", ()), *metas.get("og:image:url", ()), *metas.get("og:image:secure_url", ()))
    ][:1]
    pictures = node.get("image")
    for value in pictures if isinstance(pictures, list) else [pictures]:
        if isinstance(value, dict):
            offers.append(
                Offer(
                    first(value.get("url") or value.get("contentUrl")),
                    str(value.get("width", "")),
                    str(value.get("height", "")),
                )
            )
        else:
            offers.append(Offer(first(value)))
    offers += [
        Offer(
            _meta(metas, "twitter:image", "twitter:image:src", "thumbnail", "parsely-image-url", "sailthru.image.full")
        )
    ]
    inline = (inline_offer(dict(image.attrib)) for image in page.iterfind(".//article//img"))
    return next((image for offer in (*offers, *inline) if (image := acceptable(offer, against=base))), None)


def _keywords(node: Mapping[str, Any]) -> list[str]:
    return _split(texts(node.get("keywords")))


def _split(texts: Iterable[str]) -> list[str]:
    return [part.strip() for text in texts for part in text.split(",")]
