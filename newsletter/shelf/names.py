"""The names of an article: its address, its source's id for it, its title. Pure.

A name is a hash, so that it has one length whatever the source sends; two spellings of one address have one name.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from difflib import SequenceMatcher

from newsletter.issue import Article
from newsletter.links import comparison_key, exact_key

# Two titles less alike than this (0 to 1) are about two things.
ALIKE = 0.6


def url_name(url: str) -> str:
    return _hashed("url", comparison_key(url) or url)


def exact_name(url: str) -> str:
    """A second name of an address, for an article whose `url_name` is another's: it counts every parameter."""
    return _hashed("exact url", exact_key(url) or url)


def guid_name(article: Article) -> str:
    return _hashed("guid", article.source, article.guid or "")


def title_key(title: str) -> str:
    """The same for titles that differ in case, punctuation or width of their letters alone."""
    return _hashed("title", _plain(title))


def alike(one: str, other: str) -> bool:
    """Whether two titles may be one that was reworded."""
    return SequenceMatcher(None, _plain(one), _plain(other)).ratio() >= ALIKE


def _plain(title: str) -> str:
    return " ".join(re.findall(r"\w+", unicodedata.normalize("NFKC", title).casefold()))


def _hashed(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()
