"""The visible text of an HTML page: its story's paragraphs, and its lines. Pure.

What it does not know: the page's head, and what the lines mean (`sources.page.text`). Nothing here raises.
"""

from __future__ import annotations

from itertools import islice

from lxml import etree

from newsletter.sources.html_tree import Element
from newsletter.sources.text import plain, tidy

MAX_PARAGRAPHS = 3000
MAX_TEXT = 20_000
"""Characters of one element. Nested elements repeat each other's text, so without bounds a page could cost minutes."""

STORY_TEXT = 200
"""Characters of a text that is already the story."""
MAX_BELOW = 40
SHARES = (1, 2, 4, 8)
"""What of a paragraph's length its parent gets as weight, its grandparent, and so on: some pages wrap each of them."""

_NO_STORY = {
    "nav", "footer", "aside", "form", "figure", "header", "script", "style", "noscript", "iframe", "button", "select",
}  # fmt: skip


def text_of(element: Element | None) -> str:
    """The visible text of an element, on one line."""
    if element is None:
        return ""
    text = "".join(islice(element.itertext(), 1000))[:MAX_TEXT]
    return " ".join(tidy(text).split())


def below_headline(page: Element) -> list[str]:
    """The short texts between the headline and the story, each of one element: the byline and the date."""
    heading, began = page.find(".//h1"), False
    texts: list[str] = []
    for event, element in etree.iterwalk(page, events=("start", "end")):
        began = began or (event == "end" and element is heading)
        text = (
            " ".join(((element.text if event == "start" else element.tail) or "")[:MAX_TEXT].split()) if began else ""
        )
        if len(text) >= STORY_TEXT or len(texts) >= MAX_BELOW:
            break
        texts += [text] if text else []
    return texts


def paragraphs(page: Element) -> list[str]:
    """The paragraphs of the story: those of the element whose own paragraphs hold the most text."""
    found = [
        (paragraph, text)
        for paragraph in islice(page.iter("p"), MAX_PARAGRAPHS)
        if _NO_STORY.isdisjoint(above.tag for above in paragraph.iterancestors())
        and len(text := text_of(paragraph)) >= 20
    ]
    weights: dict[Element, int] = {}
    for paragraph, text in found:
        for share, place in zip(SHARES, paragraph.iterancestors(), strict=False):
            weights[place] = weights.get(place, 0) + len(text) // share
    best = max(weights, key=lambda place: weights[place], default=None)
    inside = [text for paragraph, text in found if best in islice(paragraph.iterancestors(), len(SHARES))]
    marked = [*page.iterfind(".//*[@itemprop='articleBody']"), *page.iterfind(".//article")]
    return inside or [text for place in marked[:1] for text in _blocks(place)]


def _blocks(place: Element) -> list[str]:
    """The longer lines of an article that uses no paragraphs."""
    lines = plain(etree.tostring(place, encoding="unicode", method="html", with_tail=False)).split("\n")
    return [line for line in lines if len(line) >= 60]


def lines(page: Element) -> list[str]:
    """The page's visible text line by line, for what only its lay-out says (the card, the related titles)."""
    html = etree.tostring(page, encoding="unicode", method="html")
    return plain(html).split("\n") if "info" in html[:1_000_000].lower() else []
