"""What a site says of itself: its name, language, logo and colour, its feeds and sitemap, and which sections it has.

For a new project: `newsletter init DIR --from https://site`. Everything read is hostile until it is cleaned; what a
page does not say is empty, and `looked_at` names every address that was tried.

What it does not know: how settings are written (`project_files`). Raises `SourceError` when the site cannot be read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from newsletter.errors import FetchError, SourceError
from newsletter.fetch import Fetched, Fetcher
from newsletter.issue import Article
from newsletter.links import canonical, same_site
from newsletter.sources.feed import ACCEPT, feeds_named_by, parse
from newsletter.sources.html_tree import Element, parse_html
from newsletter.sources.reading import Reading
from newsletter.sources.text import NOTHING, one_line, plain

USUAL_FEEDS = ("/feed/", "/rss.xml", "/feed.xml", "/atom.xml", "/index.xml", "/rss", "/feed.json")
"""Where feeds lie when a page names none (WordPress, Hugo, Jekyll, Ghost, Atom and JSON Feed by habit)."""
MAX_PAGE = 3 * 1024 * 1024
MAX_LOGO = 1024 * 1024
MOST_SECTIONS = 3
SHARE_OF_A_SECTION = 0.12
"""A category that fewer of the feed's articles have is no section of its own."""
_COLOUR = re.compile(r"#([0-9a-fA-F]{6}|[0-9a-fA-F]{3})")
_SEPARATOR = re.compile(r"\s+(?:[|»›·•—–-]|::)\s+")  # noqa: RUF001
_SITEMAP = re.compile(rb"^\s*sitemap\s*:\s*(\S+)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Site:
    """What was found. `accent` is a colour on which white text can be read; `logo` the address of a picture."""

    url: str
    name: str = ""
    tagline: str = ""
    language: str = ""
    accent: str = ""
    logo: str = ""
    feeds: tuple[str, ...] = ()
    sitemap: str = ""
    sections: tuple[str, ...] = ()
    articles: int = 0
    looked_at: tuple[str, ...] = ()


def look_at(url: str, *, fetcher: Fetcher, now: datetime) -> Site:
    """What the site at an address says of itself."""
    looked_at = [url]
    answer = fetcher.get(url, max_bytes=MAX_PAGE, accept=ACCEPT)
    reading = Reading("site", answer.url, now=now)
    feeds: tuple[str, ...] = ()
    if (articles := _articles(answer, reading)) is not None:  # the address is a feed's own
        home = canonical("/", against=answer.url) or answer.url
        page, feeds = _page(fetcher, home, looked_at), (answer.url,)
    else:
        page, home = parse_html(answer.body, content_type=_type(answer)), answer.url
        named = feeds_named_by(answer.body, address=answer.url)
        tried = [one for one in named if "comment" not in one] or [f"{_root(home)}{path}" for path in USUAL_FEEDS]
        for address in tried:
            found = _get(fetcher, address, looked_at)
            if found and (articles := _articles(found, Reading("site", found.url, now=now))):
                feeds = (found.url,)
                break
            articles = None
    said = _said(page, home) if page is not None else {}
    return Site(
        url=home,
        feeds=feeds,
        sitemap=_sitemap(fetcher, home, looked_at),
        sections=_sections(articles or ()),
        articles=len(articles or ()),
        looked_at=tuple(looked_at),
        **said,
    )


def _get(fetcher: Fetcher, address: str, looked_at: list[str]) -> Fetched | None:
    looked_at.append(address)
    try:
        return fetcher.get(address, max_bytes=MAX_PAGE, accept=ACCEPT)
    except FetchError:
        return None


def _page(fetcher: Fetcher, address: str, looked_at: list[str]) -> Element | None:
    answer = _get(fetcher, address, looked_at)
    try:
        return parse_html(answer.body, content_type=_type(answer)) if answer else None
    except SourceError:
        return None


def _articles(answer: Fetched, reading: Reading) -> Sequence[Article] | None:
    """The articles of an answer that is a feed; None of any other."""
    try:
        return parse(answer.body, reading=reading, content_type=_type(answer)).articles
    except SourceError:
        return None


def _type(answer: Fetched) -> str:
    return answer.headers.get("content-type", "")


def _root(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _sitemap(fetcher: Fetcher, home: str, looked_at: list[str]) -> str:
    robots = _get(fetcher, f"{_root(home)}/robots.txt", looked_at)
    lines = _SITEMAP.findall(robots.body) if robots else []
    named = [canonical(line.decode("ascii", "ignore"), against=home) for line in lines]
    for address in [one for one in named if one and same_site(one, home)] or [f"{_root(home)}/sitemap.xml"]:
        found = _get(fetcher, address, looked_at)
        if found and re.search(rb"<(?:\w+:)?(?:urlset|sitemapindex)\b", found.body[:4096]):
            return address
    return ""


def _said(page: Element, home: str) -> dict[str, str]:
    every = page.iter("meta")
    metas = {(meta.get("property") or meta.get("name") or "").lower(): meta.get("content") or "" for meta in every}
    title = next((one_line(plain(found.text or "")) for found in page.iter("title")), "")
    parts = [part for part in _SEPARATOR.split(title) if part]
    name = one_line(plain(metas.get("og:site_name") or metas.get("application-name") or ""), limit=80)
    tagline = one_line(plain(metas.get("description") or metas.get("og:description") or ""), limit=140)
    language = (page.get("lang") or metas.get("og:locale", "")).replace("_", "-").strip()
    if not name or name.casefold() in NOTHING:
        name = min(parts, key=len) if parts else urlsplit(home).hostname or ""
    return {
        "name": name,
        "tagline": "" if tagline.casefold() in NOTHING else tagline,
        "language": language if re.fullmatch(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,2}", language) else "",
        "accent": _readable(metas.get("theme-color", "")),
        "logo": next(_logos(page, home), ""),
    }


def _logos(page: Element, home: str) -> Iterator[str]:
    """Addresses of pictures that are the site's sign, the best first."""
    icons = [link for link in page.iter("link") if "icon" in (link.get("rel") or "").lower()]
    for kind in ("apple-touch-icon", "icon"):
        for link in icons:
            address = canonical(link.get("href") or "", against=home)
            if kind in (link.get("rel") or "").lower() and address and not address.endswith((".ico", ".svg")):
                yield address


def _readable(colour: str) -> str:
    """A colour as #rrggbb, where white text on it has a contrast of 4.5 (WCAG 2.2 §1.4.3); else ""."""
    found = _COLOUR.fullmatch(colour.strip())
    if not found:
        return ""
    digits = found[1] if len(found[1]) == 6 else "".join(2 * digit for digit in found[1])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return f"#{digits.lower()}" if 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05) >= 4.5 else ""


def _sections(articles: Sequence[Article]) -> tuple[str, ...]:
    """The categories that are large enough for sections of their own, the largest first; none where one has it all."""
    first = Counter(article.section for article in articles if article.section)
    large = [name for name, number in first.most_common() if number >= max(3, SHARE_OF_A_SECTION * len(articles))]
    return tuple(large[:MOST_SECTIONS]) if len(large) > 1 else ()
