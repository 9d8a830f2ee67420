"""Which picture stands for an article. Pure.

What it does not know: whether the address answers. Nothing here raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

from newsletter.issue import Image
from newsletter.links import picture_address
from newsletter.sources.text import MAX_MARKUP, one_line, plain

SMALLEST = 200
"""Pixels. A picture inside the text that is narrower is an ornament; narrower than a quarter of it, none is taken."""

# Words that name something that is no picture of the story, where they are a whole part of the path or the host
_ORNAMENT = re.compile(
    r"(?:^|[/_.\-=])(?:pixel|1x1|spacer|blank|transparent|tracking|tracker|beacon|avatars?|gravatar|logos?|favicon|icons?|emoji|"
    r"smil(?:ey|ies)|badges?|placeholder|default[-_]image|feedburner|doubleclick|sharethis|share-buttons?|counter)(?=$|[/_.\-?=\d])",
    re.IGNORECASE,
)
_NOT_A_PHOTO = re.compile(r"\.(?:svgz?|ico|mp3|mp4|m4a|m4v|mov|webm|ogg|pdf|swf|zip|js|css|html?)$", re.IGNORECASE)
_TAG_START = re.compile(r"<img(?=[\s/])", re.IGNORECASE)
_TAG_REST = re.compile(r"(?:[^>\"']|\"[^\"]*\"|'[^']*')*+")
MAX_TAG = 4000
MAX_TAGS = 50
_ATTRIBUTE = re.compile(r"([a-z-]{2,20})\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Offer:
    """A picture some mark-up names. `width` and `height` are texts as found there."""

    url: str
    width: str = ""
    height: str = ""
    alt: str = ""


def acceptable(offer: Offer, *, against: str, smallest: int = SMALLEST // 4) -> Image | None:
    """The picture, if it can stand for an article: an http(s) photo, no ornament, not known to be smaller."""
    url = picture_address(offer.url, against=against)
    place = url.partition("?")[0].partition("://")[2]
    if not url or _ORNAMENT.search(place) or _NOT_A_PHOTO.search(place):
        return None
    width, height = pixels(offer.width), pixels(offer.height)
    if (width is not None and width < smallest) or (height is not None and height < smallest // 2):
        return None
    return Image(url=url, width=width, height=height, alt=one_line(plain(offer.alt), limit=200))


def largest(offers: Iterable[Offer], *, against: str) -> Image | None:
    """The acceptable picture with the most known pixels; the first among equals."""

    def area(offer: Offer) -> int:
        width = pixels(offer.width) or 0
        return width * (pixels(offer.height) or width)

    found = (acceptable(offer, against=against) for offer in sorted(offers, key=area, reverse=True))
    return next((image for image in found if image), None)


def first_inline(html: str, *, against: str) -> Image | None:
    """The first picture inside a text that is not known to be narrow."""
    for start in islice(_TAG_START.finditer(html[:MAX_MARKUP]), MAX_TAGS):
        tag = _TAG_REST.match(html, start.end(), start.end() + MAX_TAG)
        attributes = {name.lower(): a or b or c for name, a, b, c in _ATTRIBUTE.findall(tag.group() if tag else "")}
        image = acceptable(inline_offer(attributes), against=against, smallest=SMALLEST)
        if image:
            return image
    return None


def inline_offer(attributes: Mapping[str, str]) -> Offer:
    """The picture of an `<img>`; lazy loading keeps the address in another attribute."""
    source = attributes.get("data-src") or attributes.get("data-lazy-src") or attributes.get("src", "")
    return Offer(source, attributes.get("width", ""), attributes.get("height", ""), attributes.get("alt", ""))


def pixels(raw: str) -> int | None:
    """A length in pixels from "640", "640px" or "640.0"; None for percentages and nonsense."""
    found = re.fullmatch(r"(\d{1,5})(?:\.\d+)?(?:px)?", str(raw).strip(), re.ASCII)
    return int(found.group(1)) if found and int(found.group(1)) > 0 else None
