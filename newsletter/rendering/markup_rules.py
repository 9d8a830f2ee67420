"""Rules about the HTML part alone: what mail programs break, and what makes it hard to read. Pure.

Each rule knows its context: what works here (a media query, a max-width beside a table for Outlook alone) is not
reported, however many programs lack it. "email-bugs N" is the issue of that number at hteumeuleu/email-bugs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from newsletter.characters import in_markup
from newsletter.links import is_loopback
from newsletter.rendering.document import Document
from newsletter.rendering.finding import Finding, error, info, warning

GENERIC = {
    "click here", "click", "here", "read more", "more", "link", "this link", "learn more", "see more", "continue",
    "continue reading", "read", "this", "details", "go", "download", "view", "view more", "hier", "mehr", "ici", "aquí",
}  # fmt: skip
_INLINE = {"a", "b", "strong", "i", "em", "span", "font", "u", "small"}
_BLOCKS = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "div"}
_BANNED = {"script", "form", "iframe", "object", "embed", "input", "video", "audio", "link", "base", "frame"}
_UNRESOLVED = re.compile(r"\{\{|\{%|\}\}|\*\||%%\w+%%|slot\.invalid|\[\[")
_BAD_LAYOUT = re.compile(r"display\s*:\s*(?:inline-)?(flex|grid)|position\s*:\s*(absolute|fixed|sticky)", re.IGNORECASE)


def markup(html: str, document: Document) -> Iterator[Finding]:
    """All findings of this file for one document."""
    for rule in (_frame, _structure, _links, _images, _conditional):
        yield from rule(document)
    if found := in_markup(html):
        line = html.count("\n", 0, found.start()) + 1
        message = f"the control character U+{ord(found[0]):04X} makes Gmail cut the letter off"  # email-bugs 41
        yield error("text.control", message, line=line)


def _frame(document: Document) -> Iterator[Finding]:
    if not document.has_doctype:
        yield error("doctype.missing", "without <!doctype html> browsers lay the letter out in quirks mode")
    charsets = [e.attributes["charset"] for e in document.named("meta") if "charset" in e.attributes]
    declared = " ".join(e.attributes.get("content", "") for e in document.named("meta"))
    if charsets and charsets[0].lower() not in {"utf-8", "utf8"}:
        yield error("charset.other", f"the charset is {charsets[0]}; Gmail cuts off what is not utf-8")
    elif not charsets and "charset=utf-8" not in declared.lower():
        yield warning("charset.missing", 'write <meta charset="utf-8"> first in the head')
    if not document.title.strip():
        yield warning("title.missing", "<title> is what a screen reader says first; put the subject there")
    roots = document.named("html")
    if roots and not roots[0].attributes.get("lang"):
        yield warning(
            "lang.missing", "<html> has no lang: screen readers guess how to pronounce it", line=roots[0].line
        )


def _structure(document: Document) -> Iterator[Finding]:
    for element in document.elements:
        tag, within, line = element.tag, element.within, element.line
        if tag in _BANNED:
            yield error("element.banned", f"mail programs remove <{tag}>", line=line)
        if tag == "table" and (outer := _last(within, _INLINE | {"p", "h1", "h2", "h3", "h4", "h5", "h6"})):
            yield error("structure.a-table", f"<table> inside <{outer}> is taken out of it by parsers", line=line)
        elif tag in _BLOCKS and within and within[-1] in _INLINE - {"a"}:
            yield error("structure.block-in-inline", f"<{tag}> inside <{within[-1]}>", line=line)
        if found := _BAD_LAYOUT.search(element.attributes.get("style", "")):
            yield warning("layout.fragile", f"{found[0]} is not understood by Outlook and others", line=line)
    if document.deepest > 200:
        yield error("structure.depth", f"elements are nested {document.deepest} deep; parsers cut off at 254")
    elif document.deepest > 100:
        yield warning("structure.depth", f"elements are nested {document.deepest} deep")
    yield from _tables(document)
    levels = [int(element.tag[1]) for element in document.elements if re.fullmatch("h[1-6]", element.tag)]
    if any(after > before + 1 for before, after in zip([0, *levels], levels, strict=False)):
        yield warning("headings.gap", f"heading levels jump: {', '.join(f'h{level}' for level in levels[:12])}")


def _tables(document: Document) -> Iterator[Finding]:
    """Layout tables must say so: else a screen reader announces rows and columns (WAI-ARIA, `presentation`)."""
    tables = document.named("table")
    data_lines = {max((t.line for t in tables if t.line <= th.line), default=0) for th in document.named("th")}
    layout = (table for table in tables if table.line not in data_lines)
    bare = [table.line for table in layout if table.attributes.get("role") not in {"presentation", "none"}]
    if bare:
        message = f'{len(bare)} layout tables without role="presentation" are read out cell by cell'
        yield warning("table.role", message, line=bare[0])


def _last(within: tuple[str, ...], names: set[str]) -> str:
    """The nearest element around that is one of `names`, not looking out of the table cell it stands in."""
    for tag in reversed(within):
        if tag in {"td", "th"}:
            return ""
        if tag in names:
            return tag
    return ""


def _links(document: Document) -> Iterator[Finding]:
    for link in document.links:
        href, words, line = link.href.strip(), " ".join(link.words.split()), link.line
        scheme = urlsplit(href).scheme.lower() if "[" not in href else ""
        if _UNRESOLVED.search(href):
            yield error("link.unresolved", "the address still holds a template's brackets", line=line, url=href)
        elif href in {"", "#"}:
            yield error("link.empty", f'the link "{words[:60]}" leads nowhere', line=line)
        elif scheme in {"javascript", "data", "vbscript", "file"}:
            yield error("link.scheme", f"no mail program opens a {scheme}: link", line=line, url=href)
        elif scheme not in {"http", "https", "mailto", "tel", "sms"}:
            if not href.startswith("#"):
                yield error(
                    "link.relative", "a letter has no address of its own: write the whole one", line=line, url=href
                )
        elif scheme == "http" and not is_loopback(urlsplit(href).hostname or ""):
            yield warning("link.http", "the link is not https", line=line, url=href)
        if not words:
            yield error("link.no-text", "a link without text or alt text cannot be announced", line=line, url=href)
        elif words.strip(" .…!»>→").casefold() in GENERIC:
            yield warning("link.generic", f'"{words}" does not say where it leads', line=line, url=href)
    if len(document.links) > 100:
        yield info("link.count", f"{len(document.links)} links")


def _images(document: Document) -> Iterator[Finding]:
    for image in document.named("img"):
        source, line = image.attributes.get("src", "").strip(), image.line
        scheme = source.partition(":")[0].lower() if ":" in source else ""
        if "alt" not in image.attributes:
            yield error("image.alt", 'write alt="…", empty for mere decoration', line=line, url=source)
        if not image.attributes.get("width", "").isdigit() and not image.hidden:
            message = "without a width attribute in pixels Outlook shows it in its file's size"
            yield warning("image.width", message, line=line, url=source)
        if not source or scheme not in {"http", "https", "cid"}:
            yield error("image.address", "a picture needs a whole https address", line=line, url=source[:200])
        elif scheme == "http" and not is_loopback(urlsplit(source).hostname or ""):
            yield warning("image.http", "the picture is not https", line=line, url=source)
        elif urlsplit(source).path.lower().endswith((".webp", ".avif", ".svg")):
            yield warning("image.format", "Outlook shows neither webp, avif nor svg", line=line, url=source)


def _conditional(document: Document) -> Iterator[Finding]:
    """Outlook's conditional comments: opened and closed in pairs, tables inside balanced over the whole letter."""
    for line, declaration in document.declarations:
        if declaration.lower().startswith(("if", "endif")):
            yield error("mso.bare", "write <!--[if !mso]><!--> instead of <![if !mso]>", line=line)
    depth: dict[str, int] = {}
    for line, comment in document.comments:
        opens, closes = comment.lower().count("[if"), comment.lower().count("[endif]")
        revealed = comment.lower().startswith("[if") and comment.endswith("><!")
        if opens != closes and not revealed and comment.strip().lower() not in {"<![endif]", "[endif]"}:
            yield error("mso.unbalanced", "a conditional comment is not closed by <![endif]-->", line=line)
        if comment.lower().startswith("[if") and "mso" in comment[:40].lower() and "!mso" not in comment[:40]:
            for closing, tag in re.findall(r"<(/?)(table|tr|td)\b", comment, re.IGNORECASE):
                depth[tag.lower()] = depth.get(tag.lower(), 0) + (-1 if closing else 1)
    for tag, count in depth.items():
        if count:
            yield error("mso.unbalanced", f"the parts for Outlook open and close <{tag}> unequally ({count:+d})")
