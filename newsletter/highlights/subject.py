"""What an article is about: a show, a film, a person. A weekly carries a subject once, however many pieces there are.

Not the same as a near-duplicate: "Everything you need to know about 'All of Us Are Dead'" and "'All of Us Are Dead' to
return for season 2" share hardly a word beside the name.
"""

from __future__ import annotations

import re
from unicodedata import normalize

from newsletter.issue import Article

# A name in quotes. Straight single quotes are apostrophes too: only one at a word's edge opens or closes.
_QUOTED = re.compile(r"\u2018([^\u2018]+?)\u2019(?!\w)|“([^”]+)”|\"([^\"]+)\"|(?<!\w)'(?!\d0s)(\S.*?)'(?!\w)")
_OPENING = "\u2018“\"'"
_YEAR = re.compile(r"\((?:19|20)\d\d\)\s*$")
_WORD = re.compile(r"[^\W_]+")


def subject_of(article: Article) -> str:
    """The subject its source names, else the name on its card, else the first quoted name in its title; or "".

    In the form in which two spellings of one name are equal: "All Of Us Are Dead (2022)" is "all of us are dead".
    """
    name = article.subject or (article.card.name if article.card else "") or _quoted(article.title)
    if not name:
        return ""
    words = normalize("NFKC", _YEAR.sub("", name)).casefold().replace("\u2019", "'").replace("'", "")
    subject = " ".join(_WORD.findall(words))
    return subject if len(subject) > 1 else ""  # the "n" of Rock 'n' Roll


def _quoted(title: str) -> str:
    match = _QUOTED.search(title) if any(mark in title for mark in _OPENING) else None
    return next(group for group in match.groups() if group) if match else ""
