"""Turns hostile mark-up into plain text, and cuts a text to a blurb. Pure.

What it does not know: where a text comes from or will be shown. Plain text may hold `<` and `&`; a template that puts
it into HTML has to escape it. Nothing here raises.
"""

# ruff: noqa: RUF001 - typographic quotation marks, dashes and full-width stops are what this file is about

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from html import unescape

import nh3

from newsletter.characters import readable

MAX_MARKUP = 250_000
"""Characters of one field that are looked at; the rest of it is cut off."""
MAX_DEPTH = 400
"""Open elements at once. nh3 needs quadratic time for nesting: 190,000 open `<div>` took 527 s. No article is near."""
MAX_TITLE = 300
MAX_BODY = 200_000
SUMMARY_LIMIT = 320
NOTHING = frozenset({
    "undefined", "null", "none", "nan", "n/a", "[object object]", "(none)", "uncategorized", "uncategorised",
    "untitled", "unknown", "admin", "administrator", "root", "no author", "sin categoría", "non classé", "allgemein",
})  # fmt: skip
"""What a system writes, in small letters, where it has no value of a field. It is absence."""

_BLOCKS = (
    "p|br|div|li|ul|"  # the usual ones first: an expression tries one after the other
    "address|article|aside|blockquote|caption|center|dd|details|dialog|dl|dt|fieldset|figcaption|figure|footer|form|"
    "h[1-6]|header|hr|main|nav|ol|pre|section|summary|table|tbody|tfoot|thead|tr"
)
BLOCK_TAG = re.compile(rf"<(?=/?(?:{_BLOCKS})\b)", re.IGNORECASE)
_CELL_TAG = re.compile(r"<(?=(?:td|th)\b)", re.IGNORECASE)
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:-]*)")
_NEVER_DEEP = {
    "area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link", "meta", "option", "p",
    "param", "source", "td", "th", "tr", "track", "wbr",
}  # fmt: skip
# What a reader does not see, and the words on the controls of a form
_UNSEEN = {
    "script", "style", "noscript", "template", "iframe", "object", "svg", "math", "head", "textarea", "title",
    "label", "button", "select",
}  # fmt: skip
# Words without which the text has none of what `_BOILERPLATE` finds, and how far from its end they may begin
_CLUES = {
    700: ("appeared", "published", "reading", "click here"),
    150: ("read", "learn", "find out", "view", "see", "more…", "more..."),
}
_BOILERPLATE = re.compile(
    r"""(?:
        \b(?:The\ )?(?:post|article|story|entry)\ .{1,300}?
        \ (?:appeared\ first|first\ appeared|was\ first\ published)\ (?:on|at|in)\ .{0,200}$
      | \b(?:Continue|Keep)\ reading\b.{0,200}$
      | \b(?:Read|Learn|Find\ out|View|See)
        \ (?:more|the\ (?:rest|full|whole)\b.{0,80}|full\ (?:article|story|post))\s*(?:[.…»>→]|&raquo;)*\s*$
      | \bClick\ here\ to\ (?:read|continue)\b.{0,100}$
      | \(?\bmore(?:…|\.\.\.)\)?\s*$
    )""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_CUT_MARK = re.compile(r"\s*(?:\[\s*(?:…|\.{3}|\+|&hellip;)\s*\]|\(\s*(?:…|\.{3})\s*\))\s*$")
_SENTENCE_END = re.compile(r"""(?:[.!?…]+["'”’»)\]]*(?=\s|$)|[。！？]+[」』”’）]*)""")
_COMPLETE = re.compile(r"""[.!?。！？]["'”’»)\]」』]*$""")
_NOT_AN_END = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|Gen|Gov|Sen|Rep|Lt|Col|Sgt|Rev|Hon|vs|No|Vol|Ep|Inc|Ltd|Co|Corp|bzw|Nr|ca|approx|"
    r"Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|e\.g|i\.e|z\.B|d\.h)|(?<![A-Za-z])[A-Z]|\b[A-Z]\.[A-Z])\.$"
)


def plain(html: str) -> str:
    """The text of a piece of HTML: no tag, no script, entities resolved once, blocks on lines of their own.

    `&lt;b&gt;` is text about a tag and comes out as `<b>`.
    """
    if "<" not in html and "&" not in html:
        return tidy(html[:MAX_MARKUP])
    return _unmarked(html)


@lru_cache(maxsize=8)  # a text is often read twice, whole and for its blurb
def _unmarked(html: str) -> str:
    spaced = _CELL_TAG.sub(" <", BLOCK_TAG.sub("\n<", html[: _deep_at(html[:MAX_MARKUP])]))
    spaced = spaced.encode("utf-8", "ignore").decode()  # JSON may hold half of a surrogate pair; nh3 takes none
    text = nh3.clean(spaced, tags=set(), clean_content_tags=_UNSEEN, strip_comments=True)
    return tidy(unescape(text))


def tidy(text: str) -> str:
    """Plain text without controls, direction overrides and needless white space; paragraphs parted by one newline."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()  # most of what a feed holds, and ten times as fast
    return "\n".join(filter(None, [" ".join(line.split()) for line in readable(text).split("\n")]))


def one_line(text: str, *, limit: int = MAX_TITLE) -> str:
    """Plain text as one line, cut at a word with "…" when it is longer than `limit` characters."""
    line = " ".join(tidy(text).split())
    return line if len(line) <= limit else cut_at_word(line, limit)


def without_boilerplate(text: str) -> str:
    """A feed's text without what only says that there is more: "The post … appeared first on …", "[…]"."""
    before = None
    while before != text:
        before = text
        text = text[:-60] + _CUT_MARK.sub("…", text[-60:])
        for far, clues in _CLUES.items():
            low = text[-far:].lower()
            if any(clue in low for clue in clues):
                text = text[:-far] + _BOILERPLATE.sub("", text[-far:]).rstrip()
        text = text.rstrip()
        text = text.removesuffix("Read").rstrip() if before.endswith("Read more") else text
    if text.endswith("…") and _COMPLETE.search(text[:-1].rstrip()):
        text = text[:-1].rstrip()
    return "" if text == "…" else text


def first_sentences(text: str, *, limit: int = SUMMARY_LIMIT) -> str:
    """As many whole sentences from the start as fit into `limit` characters, on one line.

    A first sentence that is longer is cut at a word and ends in "…". A word is cut only in scripts that do not
    separate words (Chinese, Japanese, Thai).
    """
    line = " ".join(text.split())
    if len(line) <= limit:
        return line
    ends = [found.end() for found in _SENTENCE_END.finditer(line, 0, limit + 1) if _is_end(line, found)]
    ends = [end for end in ends if end <= limit]
    return line[: ends[-1]] if ends and ends[-1] >= min(40, limit // 3) else cut_at_word(line, limit)


def is_complete(text: str) -> bool:
    """Whether a text ends where a sentence ends."""
    return bool(_COMPLETE.search(text))


def names(raw: Iterable[str]) -> tuple[str, ...]:
    """Names of people as written, each once: no "By", no mail address, "A and B" parted."""
    found: dict[str, str] = {}
    for text in raw:
        line = re.sub(r"^(?:by|von|par|por|di)[ :]+(?=[A-Z])", "", one_line(plain(text)), flags=re.IGNORECASE)
        mail = re.fullmatch(r"\S+@\S+\s*\((.+)\)", line)
        line = mail.group(1) if mail else re.sub(r"<?\S+@\S+>?", "", line)
        parts = re.split(r",\s+(?:and\s+)?|\s+(?:and|und|et|og|och|y|&)\s+|\s*;\s*", line)
        for name in parts if all(" " in part.strip() for part in parts) else [line]:
            clean = name.strip(" ,;|-")
            if clean and clean.casefold() not in NOTHING and not clean.lower().startswith(("http:", "https:")):
                found.setdefault(clean.casefold(), clean[:120])
    return tuple(found.values())[:20]


def labels(raw: Iterable[str], *, limit: int = 50) -> tuple[str, ...]:
    """Categories or tags as one-line texts, each once whatever its case, in their order."""
    found: dict[str, str] = {}
    for text in raw:
        if (line := one_line(plain(text), limit=100)) and line.casefold() not in NOTHING:
            found.setdefault(line.casefold(), line)
    return tuple(found.values())[:limit]


def _deep_at(html: str) -> int:
    """Where the nesting passes `MAX_DEPTH`, or the length. Counted by name: parsers ignore end tags that fit none."""
    if html.count("<") <= MAX_DEPTH:
        return len(html)
    opened: dict[str, int] = {}
    depth = 0
    for found in _TAG.finditer(html):
        name = found.group(2).lower()
        if name in _NEVER_DEEP:
            continue
        if not found.group(1):
            opened[name] = opened.get(name, 0) + 1
            depth += 1
        elif opened.get(name):
            opened[name] -= 1
            depth -= 1
        if depth > MAX_DEPTH:
            return found.start()
    return len(html)


def _is_end(line: str, found: re.Match[str]) -> bool:
    """Whether a full stop ends a sentence: not after "Mr." or an initial, and not before a small letter."""
    following = line[found.end() : found.end() + 2].lstrip()
    return not _NOT_AN_END.search(line, max(0, found.start() - 12), found.start() + 1) and not following[:1].islower()


def cut_at_word(line: str, limit: int) -> str:
    """A line cut behind a word, with "…": at most `limit` characters."""
    cut = line[: limit - 1]
    if not line[limit - 1].isspace() and " " in cut:
        shorter = cut[: cut.rindex(" ")]
        # one endless "word": a script without spaces, or nonsense; then any place is as good
        cut = shorter if len(shorter) >= limit // 2 else cut
    return cut.rstrip(" ,;:-–—") + "…"
