"""An HTML part as the rules of the check see it: one pass of the standard library's parser, no tree. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from newsletter.rendering.inlining import VOID

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
    """An `<a href>` with everything a reader could call it by: its text and the alt texts inside."""

    href: str
    line: int
    words: str = ""


@dataclass
class Document:
    """What one pass collected. Lines count from 1."""

    has_doctype: bool
    elements: list[Element] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    styles: list[tuple[int, str, bool]] = field(default_factory=list)  # line, CSS, stands in the head
    comments: list[tuple[int, str]] = field(default_factory=list)
    declarations: list[tuple[int, str]] = field(default_factory=list)
    title: str = ""
    preheader: str = ""
    visible: list[tuple[int, str]] = field(default_factory=list)  # line, text
    deepest: int = 0

    @property
    def text(self) -> str:
        """Everything a reader sees, in one line."""
        return " ".join(" ".join(text for _, text in self.visible).split())

    def named(self, *tags: str) -> list[Element]:
        return [element for element in self.elements if element.tag in tags]


def read(html: str) -> Document:
    """The facts of one HTML document."""
    reader = _Reader(Document(has_doctype=bool(_DOCTYPE.match(html))))
    reader.feed(html)
    reader.close()
    return reader.document


class _Reader(HTMLParser):
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
        if self.link and tag != "a":
            self.link.words += f" {attributes.get('alt', '')} {attributes.get('aria-label', '')}"
        elif self.link:
            self.link.words += attributes.get("aria-label", "")
        if tag == "style":
            self.document.styles.append((line, "", "body" not in element.within))
        if tag not in VOID:
            self.open.append(element)
            self.document.deepest = max(self.document.deepest, len(self.open))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

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
            self.document.visible.append((self.getpos()[0], data.strip()))
            if self.link:
                self.link.words += data

    def handle_comment(self, data: str) -> None:
        self.document.comments.append((self.getpos()[0], data))

    def unknown_decl(self, data: str) -> None:
        self.document.declarations.append((self.getpos()[0], data))
