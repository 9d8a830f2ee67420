"""An HTML part as the rules of the check see it: one pass of the standard library's parser, no tree. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from newsletter.rendering.inlining import VOID

_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_DOCTYPE = re.compile(r"\A\ufeff?(?:\s|<!--.*?-->)*<!doctype\s+html", re.IGNORECASE | re.DOTALL)


@dataclass
class Element:
    """A start tag. `within` are the names of the elements around it, outermost first; `hidden` is display:none."""

    tag: str
    attributes: dict[str, str]
    line: int
    within: tuple[str, ...]
    hidden: bool = False


@dataclass
class Link:
    """An `<a href>` with everything it can be announced by: its text and the alt texts inside."""

    href: str
    line: int
    words: str = ""


@dataclass
class Heading:
    """A heading and the address of the link in it or around it: the title of a story. Empty before the first."""

    title: str = ""
    href: str = ""


@dataclass
class Words:
    """A piece of text that is seen, and the heading it stands in or under."""

    line: int
    text: str
    under: Heading


@dataclass
class Document:
    """What one pass collected. Lines count from 1. `around` has the address of the link around a picture."""

    has_doctype: bool
    elements: list[Element] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    styles: list[tuple[int, str, bool]] = field(default_factory=list)  # line, CSS, stands in the head
    comments: list[tuple[int, str]] = field(default_factory=list)
    declarations: list[tuple[int, str]] = field(default_factory=list)
    title: str = ""
    preheader: str = ""
    visible: list[Words] = field(default_factory=list)
    headings: list[Heading] = field(default_factory=lambda: [Heading()])
    around: dict[str, str] = field(default_factory=dict)
    deepest: int = 0

    @property
    def text(self) -> str:
        """Everything that is seen, in one line."""
        return " ".join(" ".join(words.text for words in self.visible).split())

    def story_of(self, url: str) -> str:
        """The title of the story a link or a picture with this address belongs to, or empty."""
        titles = {heading.href: heading.title for heading in self.headings if heading.href}
        return titles.get(url, "") or titles.get(self.around.get(url, ""), "")

    def named(self, *tags: str) -> list[Element]:
        return [element for element in self.elements if element.tag in tags]


def read(html: str) -> Document:
    """The facts of one HTML document."""
    parser = _Parser(Document(has_doctype=bool(_DOCTYPE.match(html))))
    parser.feed(html)
    parser.close()
    return parser.document


class _Parser(HTMLParser):
    def __init__(self, document: Document) -> None:
        super().__init__(convert_charrefs=True)
        self.document = document
        self.open: list[Element] = []
        self.link: Link | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        line = self.getpos()[0]
        attributes = {name: value or "" for name, value in attrs}
        hidden = bool(self.open and self.open[-1].hidden) or bool(_HIDDEN.search(attributes.get("style", "")))
        element = Element(tag, attributes, line, tuple(each.tag for each in self.open), hidden)
        self.document.elements.append(element)
        if tag == "a" and "href" in attributes:
            self.link = Link(attributes["href"], line)
            self.document.links.append(self.link)
        if self.link:
            self.link.words += f" {attributes.get('alt', '')} {attributes.get('aria-label', '')}"
        if tag in _HEADINGS:
            self.document.headings.append(Heading())
        if self.link and (tag in _HEADINGS or (tag == "a" and self._in_heading())):
            self.document.headings[-1].href = self.link.href.strip()
        if self.link and tag == "img":
            self.document.around.setdefault(attributes.get("src", "").strip(), self.link.href.strip())
        if tag == "style":
            self.document.styles.append((line, "", "body" not in element.within))
        if tag not in VOID:
            self.open.append(element)
            self.document.deepest = max(self.document.deepest, len(self.open))

    def _in_heading(self) -> bool:
        return any(each.tag in _HEADINGS for each in self.open)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self.link = None
        for position in range(len(self.open) - 1, -1, -1):
            if self.open[position].tag == tag:
                del self.open[position:]
                return

    def handle_data(self, data: str) -> None:
        inside = self.open[-1].tag if self.open else ""
        if inside == "style":
            line, css, in_head = self.document.styles[-1]
            self.document.styles[-1] = (line, css + data, in_head)
        elif inside == "title" and "head" in self.open[-1].within:
            self.document.title += data
        elif data.strip() and not any(each.tag in {"head", "script"} for each in self.open):
            if self.open and self.open[-1].hidden:
                if not self.document.visible:
                    self.document.preheader = f"{self.document.preheader} {data.strip()}".strip()
                return
            heading = self.document.headings[-1]
            self.document.visible.append(Words(self.getpos()[0], data.strip(), heading))
            if self._in_heading():
                heading.title = f"{heading.title} {data}".strip()
            if self.link:
                self.link.words += data

    def handle_comment(self, data: str) -> None:
        self.document.comments.append((self.getpos()[0], data))

    def unknown_decl(self, data: str) -> None:
        self.document.declarations.append((self.getpos()[0], data))
