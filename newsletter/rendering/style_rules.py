"""Rules about `<style>` blocks and colours. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

import tinycss2
from tinycss2.ast import AtRule

from newsletter.rendering.document import Document
from newsletter.rendering.finding import Finding, error, info, warning
from newsletter.rendering.theme import Theme

WARN_BYTES = 8 * 1024
MOST_BYTES = 16 * 1024  # Gmail drops the blocks past it (caniemail html-style 6)
READABLE = 4.5  # WCAG 2.2 § 1.4.3
_SPACED = re.compile(r"\brgba?\(\s*[\d.]+\s+[\d.]+", re.IGNORECASE)
_PAIRS = (*product(("text", "muted", "link"), ("card", "background")), ("on_accent", "accent"))


def styles(document: Document) -> Iterator[Finding]:
    """What makes a mail program drop a style sheet, all of it or for everybody."""
    size = sum(len(css.encode()) for _, css, _ in document.styles)
    if size > MOST_BYTES:
        yield error("size.style", f"{size / 1024:.1f} KB of CSS; Gmail drops what passes 16 KB")
    elif size > WARN_BYTES:
        yield warning("size.style", f"{size / 1024:.1f} KB of CSS; keep it under 8 KB")
    for line, css, in_head in document.styles:
        if not in_head:
            yield error("style.in-body", "Gmail reads <style> in the head alone", line=line)
        yield from _sheet(css, line=line)
    for element in document.elements:
        if _SPACED.search(element.attributes.get("style", "")):
            yield error("style.rgb-spaces", "Gmail drops a style with rgb(0 0 0): write commas", line=element.line)


def _sheet(css: str, *, line: int) -> Iterator[Finding]:
    if found := _SPACED.search(css):
        at = line + css.count("\n", 0, found.start())
        yield error("style.rgb-spaces", "Gmail drops a block with rgb(0 0 0): write commas", line=at)
    for rule in tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True):
        at = line + rule.source_line - 1
        if rule.type == "error" or any(node.type == "error" for node in getattr(rule, "prelude", ())):
            yield error("style.parse", "the CSS does not parse: Gmail drops the whole block", line=at)
        if not isinstance(rule, AtRule):
            continue
        if rule.lower_at_keyword == "import":
            yield error("style.import", "@import asks another server, or is dropped", line=at)
        elif rule.content and any(node.type == "at-keyword" for node in rule.content):
            message = f"an at-rule inside @{rule.lower_at_keyword}: Gmail drops the block"  # caniemail html-style 2
            yield error("style.nested-at", message, line=at)


def contrast(first: str, second: str) -> float:
    """The contrast of two `#rrggbb` colours, 1 to 21 (WCAG 2.2, relative luminance)."""
    bright, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    channels = (int(colour[position : position + 2], 16) / 255 for position in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def colours(theme: Theme) -> Iterator[Finding]:
    """Pairs of the theme's colours that are too close to read."""
    for name, palette in (("light", theme.light), ("dark", theme.dark)):
        for front, back in _PAIRS:
            ratio = contrast(getattr(palette, front), getattr(palette, back))
            if ratio < READABLE:
                message = f"{name} {front} on {back}: contrast {ratio:.1f}, readable is {READABLE}"
                yield warning("contrast", message) if ratio >= 3 else error("contrast", message)
    if theme.light.link.lower() == theme.light.text.lower():
        yield info("contrast.link", "links have the colour of the text; only the underline tells them apart")
