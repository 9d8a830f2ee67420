"""Reads the XML of a feed into a plain tree of texts, by libxml2 and in one pass.

Only direct children of an item count, and Media RSS elements inside each other: an item may hold a picture or an author
with a title of their own. XML that is broken is mended where that is certain (a bare `&`, an HTML entity, a control
character, a prefix nobody declared); what is still broken is feedparser's (`sources.feed.broken`).

What it does not know: which of an item's fields count, and how to clean them (`sources.feed.items`). Raises
`SourceError`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from html import escape
from html.entities import html5
from typing import Any, TypeAlias
from urllib.parse import urljoin

from lxml import etree

from newsletter.characters import NOT_IN_XML
from newsletter.errors import SourceError
from newsletter.sources.feed.broken import read_broken
from newsletter.sources.feed.charset import decoded

MAX_ELEMENTS = 400_000
MOST = 100
"""Elements of one name in an item that are looked at: authors, categories, pictures."""
MAX_LOOKED_AT = 10_000
"""Items of which the newest are chosen; of more, those in the middle of the feed are not looked at."""

Fields: TypeAlias = dict[str, list[Any]]
_AUTHORS = ("author", "dc:creator", "dc:author", "itunes:author")
_TAGS = ("category", "dc:subject", "keywords", "itunes:category", "itunes:keywords", "media:category", "media:keywords")
_CONTENT = ("content:encoded", "content", "xhtml:body", "fullitem")
_SUMMARY = ("description", "summary", "dc:description", "itunes:summary", "media:description")

# What a namespace's address holds, and the prefix that everybody gives it.
_SPACES = {
    "purl.org/dc/elements": "dc:", "purl.org/dc/terms": "dcterms:", "modules/content": "content:",
    "search.yahoo.com/mrss": "media:", "modules/slash": "slash:", "itunes": "itunes:", "feedburner": "feedburner:",
    "purl.org/syndication/thread": "thr:", "w3.org/1999/xhtml": "xhtml:",
}  # fmt: skip
# The namespaces of RSS and Atom themselves, whose elements have no prefix here.
_OWN = re.compile(
    r"(?:purl\.org/(?:net/)?rss[\d./]*#?|rdf/simple/0\.9|backend\.userland\.com/\w+|harvard\.edu/tech/rss|"
    r"w3\.org/2005/atom|purl\.org/atom/ns#?[\w.]*)/?$"
)
_RDF_ABOUT = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about"
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_A_FEED = re.compile(r"<(?:\w+:)?(?:rss|rdf|feed|channel|item|entry)\b", re.IGNORECASE)
_ROOT = re.compile(r"<(?:\w+:)?(?:rss|RDF|feed)\b")
_DECLARATION = re.compile(r"\bxmlns:([\w.-]+)\s*=")
_PREFIX = re.compile(r"</?([A-Za-z][\w.-]*):[A-Za-z]")
_NO_ENTITY = re.compile(r"&(?:([A-Za-z][A-Za-z0-9]{1,31});|(?!#\d{1,7};|#[xX][0-9A-Fa-f]{1,6};))")
_XHTML_PREFIX = re.compile(r"(</?)\w+:(?=\w)")
_NOTHING = ["", "", ""]
_A_TEXT = re.compile(r"(?:text|html|xhtml|text/.*|.*[+/]xml)?", re.DOTALL)
_HTML_TYPES = ("html", "xhtml", "text/html", "application/xhtml+xml")


def read_xml(data: bytes, *, content_type: str) -> dict[str, Any]:
    """The feed as JSON values: `{version, broken, charset, title, link, language, count, items: […]}`.

    `version` is "", and there are no items, when nothing in it is a feed. `broken` says what is wrong with the XML,
    `charset` what is wrong with the declared encoding, both else "". `count` is how many items there were. An item
    holds texts under `id`, `link`, `permalink`, `published`, `updated`, `author`, `feedburner_origlink`,
    `slash_comments`, `thr_total`; `title`, `summary` and `content` as `[media type, text, base]`; lists of mappings:
    `authors`, `tags`, `links`, `media_content`, `media_thumbnail`; and mappings `image`, `media_starrating`,
    `media_statistics`.
    """
    text, charset = decoded(data, content_type=content_type)
    if not _A_FEED.search(text):
        return {"version": "", "items": []}
    if text.count("<") > 2 * MAX_ELEMENTS:
        raise SourceError(f"The feed was given up: it has more than {MAX_ELEMENTS:,} elements; is it one?")
    broken = ""
    for version in (str, _mended) if text.count("&") <= MAX_ELEMENTS else (str,):
        try:
            return {**_feed(_tree(version(text))), "broken": broken, "charset": charset}
        except etree.XMLSyntaxError as error:
            broken = broken or f"line {error.lineno}: {' '.join(str(error.msg).split())[:120]}"
    return {**read_broken(data, content_type=content_type), "charset": charset}


def _tree(text: str) -> Any:
    parser = etree.XMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)
    return etree.fromstring(text.encode("utf-8", "replace"), parser)


def _mended(text: str) -> str:
    """The XML with what is certainly meant as text written as text, and every prefix declared."""
    before, *rest = NOT_IN_XML.sub("", text).split("<![CDATA[")
    pieces = [_NO_ENTITY.sub(_entity, before)]
    for piece in rest:
        inside, end, after = piece.partition("]]>")
        pieces.append(inside + end + _NO_ENTITY.sub(_entity, after))
    text = "<![CDATA[".join(pieces)
    unknown = set(_PREFIX.findall(text)) - set(_DECLARATION.findall(text)) - {"xml"}
    declared = "".join(f' xmlns:{prefix}="{_usual_space(prefix)}"' for prefix in sorted(unknown)[:50])
    return _ROOT.sub(rf"\g<0>{declared}", text, count=1)


def _entity(found: re.Match[str]) -> str:
    """What a bare `&` or an entity of HTML is in XML."""
    name = found.group(1)
    if name in ("amp", "lt", "gt", "quot", "apos"):
        return found.group()
    return escape(html5.get(f"{name};", found.group()), quote=False)


def _usual_space(prefix: str) -> str:
    return next((space for space, usual in _SPACES.items() if usual == f"{prefix}:"), f"urn:{prefix}")


@lru_cache(maxsize=4096)
def _name(tag: str) -> str:
    """`{http://purl.org/dc/elements/1.1/}Creator` as `dc:creator`."""
    space, _, local = tag.rpartition("}")
    space = space.lower()
    if not space or _OWN.search(space):
        return local.lower()
    return next((usual for part, usual in _SPACES.items() if part in space), "?:") + local.lower()


def _feed(root: Any) -> dict[str, Any]:
    kind = _name(root.tag)
    atom = kind == "feed"
    fields = _fields(root)
    channel = fields if atom or not fields["channel"] else _fields(fields["channel"][0])
    nodes = [node for node in root.iter("{*}item", "{*}entry") if len(node) and _name(node.tag) in ("item", "entry")]
    half = MAX_LOOKED_AT // 2
    kept = nodes if len(nodes) <= MAX_LOOKED_AT else nodes[:half] + nodes[-half:]
    return {
        "version": "atom" if atom else kind if kind.endswith(("rss", "rdf", "channel")) else "",
        "title": _first(channel, "title"),
        "link": _link(channel["link"]),
        "language": _first(channel, "language", "dc:language") or root.get(_XML_LANG, ""),
        "count": len(nodes),
        "items": [_item(node, atom=atom) for node in kept],
    }


def _item(node: Any, *, atom: bool) -> dict[str, Any]:
    fields = _fields(node)
    contents = [_typed(child, atom=atom) for name in _CONTENT for child in fields[name]]
    summaries = (_typed(child, atom=atom) for name in _SUMMARY for child in fields[name])
    titles = (_typed(child, atom=atom) for name in ("title", "dc:title", "media:title") for child in fields[name])
    permalinks = [child for child in fields["guid"] if child.get("isPermaLink", "true").lower() == "true"]
    return {
        "id": _first(fields, "guid", "id") or node.get(_RDF_ABOUT, ""),
        "link": _link(fields["link"]),
        "permalink": _text(permalinks[0]) if permalinks else "",
        "published": _first(fields, "pubdate", "published", "issued", "dcterms:issued"),
        "updated": _first(fields, "updated", "modified", "dcterms:modified", "dc:date"),
        "author": "",
        "authors": [{"name": _person(child)} for name in _AUTHORS for child in fields[name][:MOST]],
        "feedburner_origlink": _first(fields, "feedburner:origlink"),
        "slash_comments": _first(fields, "slash:comments"),
        "thr_total": _first(fields, "thr:total"),
        "title": next(filter(_has_text, titles), _NOTHING),
        "summary": next(filter(_has_text, summaries), _NOTHING),
        "content": max(contents, key=lambda content: len(content[1]), default=_NOTHING),
        "tags": [{"term": tag} for name in _TAGS for child in fields[name][:MOST] for tag in _tags(child, name)],
        "links": [_attributes(child) for name in ("link", "enclosure") for child in fields[name][:MOST]],
        "media_content": [_attributes(child) for child in fields["media:content"][:MOST]],
        "media_thumbnail": [{"url": _text(child)} | _attributes(child) for child in fields["media:thumbnail"][:MOST]],
        "media_starrating": _attributes(*fields["media:starrating"][:1]),
        "media_statistics": _attributes(*fields["media:statistics"][:1]),
        "image": _picture([*fields["image"], *fields["itunes:image"]]),
    }


def _fields(node: Any) -> Fields:
    """The children of an element by name, with those inside a list of categories and of Media RSS inside each other."""
    found: Fields = defaultdict(list)
    waiting = [node]
    while waiting:
        for child in waiting.pop():
            name = _name(child.tag)
            found[name].append(child)
            if len(child) and (name.startswith("media:") or name == "categories"):
                waiting.append(child)
    return found


def _first(fields: Fields, *names: str) -> str:
    return next((text for name in names for child in fields[name] if (text := _text(child))), "")


def _text(node: Any) -> str:
    return "".join(node.itertext()).strip() if len(node) else (node.text or "").strip()


def _has_text(typed: list[str]) -> bool:
    return bool(typed[1])


def _typed(node: Any, *, atom: bool) -> list[str]:
    """`[media type, text, base]` of a text; "" as the media type where the format has none, as RSS."""
    said, mode = node.get("type", "").lower(), node.get("mode", "")
    own = atom and ":" not in _name(node.tag)
    if own and (node.get("src") or mode == "base64" or not _A_TEXT.fullmatch(said)):
        return _NOTHING
    if len(node):
        inside = "".join(etree.tostring(child, encoding="unicode") for child in node)
        text, kind = escape(node.text or "", quote=False) + _XHTML_PREFIX.sub(r"\1", inside), "text/html"
    else:
        text, kind = node.text or "", "" if not own else "text/html" if said in _HTML_TYPES else "text/plain"
    return [kind, text.strip(), node.base or ""]


def _link(nodes: Iterable[Any]) -> str:
    """The address of the page: the text of RSS, or the first of Atom's that leads to a page, against its base."""
    pages: list[str] = []
    others: list[str] = []
    for node in nodes:
        if (url := node.get("href") or _text(node)) and node.get("rel", "alternate").lower() == "alternate":
            found = pages if node.get("type", "text/html") in _HTML_TYPES else others
            found.append(_at_base(node, url))
    return next(iter([*pages, *others]), "")


def _person(node: Any) -> str:
    """The name of an author: of Atom's element the child of that name."""
    return _first(_fields(node), "name") if len(node) else _text(node)


def _tags(node: Any, name: str) -> list[str]:
    text = node.get("label") or node.get("term") or node.get("text") or _text(node)
    return text.split(",", MOST)[:MOST] if name.endswith("keywords") else [text]


def _picture(nodes: list[Any]) -> dict[str, str]:
    found = ((node, node.get("href") or (_first(_fields(node), "url") if len(node) else _text(node))) for node in nodes)
    return next(({"href": _at_base(node, url)} for node, url in found if url), {})


def _attributes(node: Any = None) -> dict[str, str]:
    """An element's attributes, with its addresses against its base."""
    found = {} if node is None else dict(node.attrib)
    return found | {key: _at_base(node, found[key]) for key in ("url", "href") if key in found}


def _at_base(node: Any, url: str) -> str:
    """An address against the `xml:base` of its element, unchanged without one."""
    try:
        return urljoin(node.base, url) if node.base else url
    except ValueError:
        return ""
