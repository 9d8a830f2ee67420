"""The names of an article: its address, its source's id for it, its title. Pure.

A name is a hash, so that it has one length whatever the source sends; two spellings of one address have one name.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

from newsletter.issue import Article
from newsletter.links import comparison_key, exact_key


def url_name(url: str) -> str:
    return _hashed("url", comparison_key(url) or url)


def exact_name(url: str) -> str:
    """A second name of an address, for an article whose `url_name` is another's: it counts every parameter."""
    return _hashed("exact url", exact_key(url) or url)


def guid_name(article: Article) -> str:
    return _hashed("guid", article.source, article.guid or "")


def title_key(title: str) -> str:
    """The same for titles that differ in case, punctuation or width of their letters alone."""
    return _hashed("title", plain(title))


def plain(title: str) -> str:
    """A title without case, punctuation and width of letters."""
    return " ".join(re.findall(r"\w+", unicodedata.normalize("NFKC", title).casefold()))


def _hashed(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()
