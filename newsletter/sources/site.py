"""What a site says of itself: its name, language, logo and colour, its feeds and sitemap, and which sections it has.

For a new project: `newsletter init DIR --from https://site`. Everything read is hostile until it is cleaned; what a
page does not say is empty, and `looked_at` names every address that was tried.

What it does not know: how settings are written (`project_files`). Raises `SourceError` when the site cannot be read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from newsletter.errors import FetchError, SourceError
from newsletter.fetch import Fetched, Fetcher
from newsletter.issue import Article
from newsletter.links import canonical, same_site
from newsletter.sources import child
from newsletter.sources.feed import ACCEPT, feeds_of, read_feed
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
_FRONT_PAGE = frozenset({
    "home", "homepage", "home page", "start", "startseite", "accueil", "inicio", "portada", "início", "forside", "hem",
    "strona główna", "úvod", "domov", "naslovnica", "etusivu", "начало", "главная", "головна", "αρχική", "anasayfa",
    "ホーム", "首页", "首頁", "홈",
})  # fmt: skip
"""What the title of a front page says beside the name of its site, in small letters."""
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
    feeds: tuple[str, ...] = ()
    if (articles := _articles(answer, now=now)) is not None:  # the address is a feed's own
        home, feeds = canonical("/", against=answer.url) or answer.url, (answer.url,)
        said: dict[str, Any] = {"name": urlsplit(home).hostname or ""}
        with suppress(SourceError):
            said = _said(front) if (front := _get(fetcher, home, looked_at)) else said
    else:
        home, said = answer.url, _said(answer)
    named = [one for one in said.pop("feeds", ()) if "comment" not in one]
    usual = [f"{_root(home)}{path}" for path in USUAL_FEEDS]
    for address in () if feeds else dict.fromkeys([*named, *usual]):
        found = _get(fetcher, address, looked_at)
        if found and (articles := _articles(found, now=now)):
            feeds = (found.url,)
            break
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


def _articles(answer: Fetched, *, now: datetime) -> Sequence[Article] | None:
    """The articles of an answer that is a feed; None of any other."""
    try:
        reading = Reading("site", answer.url, now=now)
        return read_feed(answer.body, reading=reading, content_type=_type(answer)).articles
    except SourceError:
        return None


def _said(answer: Fetched) -> dict[str, Any]:
    """What `said` returns, worked out by a child process: a page may be made to keep a parser busy."""
    try:
        found: dict[str, Any] = child.ask(f"{__name__}:said", answer.body, home=answer.url, content_type=_type(answer))
    except child.TooHardError as error:
        raise SourceError(f"The page at {answer.url} was given up: {error}; give the address of the feed.") from error
    return found


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


def said(data: bytes, *, home: str, content_type: str) -> dict[str, Any]:
    """What the page at `home` says of its site, by the names of `Site`. Raises `SourceError`."""
    page = parse_html(data, content_type=content_type)
    every = page.iter("meta")
    metas = {(meta.get("property") or meta.get("name") or "").lower(): meta.get("content") or "" for meta in every}
    title = next((one_line(plain(found.text or "")) for found in page.iter("title")), "")
    parts = [part for part in _SEPARATOR.split(title) if part and part.casefold() not in _FRONT_PAGE]
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
        "feeds": feeds_of(page, address=home),
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
