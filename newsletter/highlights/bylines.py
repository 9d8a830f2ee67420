"""Which by-lines say who wrote a piece. Pure.

An agency's or the house's says nothing: it stands over whatever nobody else signed, so spreading picks over authors
must not count it. Some are known by name. Others give themselves away by standing over more than a tenth of what a
source publishes and far more often than its other by-lines do; of a source with three writers each has a third, and
all three are authors.

What it does not know: how picks are spread (`ranking`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from newsletter.issue import Article

_NOBODY = frozenset(
    {"admin", "administrator", "afp", "ap", "associated press", "dpa", "editor", "editorial staff", "editorial team"}
    | {"editors", "guest author", "newsroom", "pa media", "press association", "redaktion", "reuters", "staff"}
    | {"staff reporter", "staff writer", "the associated press"}
)
_HANDFUL = 5
_SHARE = 0.1
_TIMES_THE_OTHERS = 3


class Bylines:
    """The by-lines of all articles of one choice."""

    def __init__(self, articles: Iterable[Article]) -> None:
        signed = Counter((article.source, article.authors) for article in articles)
        published: Counter[str] = Counter()
        by_source: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for (source, authors), count in signed.items():
            published[source] += count
            for author in {_folded(author) for author in authors} - {""}:
                by_source[source][author] += count
        self.houses = frozenset(
            (source, author)
            for source, counts in by_source.items()
            for author, count in counts.items()
            if count > max(_HANDFUL, _SHARE * published[source])
            and count * (len(counts) - 1) >= _TIMES_THE_OTHERS * (counts.total() - count)
        )
        self._authors = {one: self._telling(*one) for one in signed}

    def authors_of(self, article: Article) -> frozenset[str]:
        """The by-lines of one of the articles that say who wrote it, in one spelling."""
        return self._authors[article.source, article.authors]

    def _telling(self, source: str, authors: tuple[str, ...]) -> frozenset[str]:
        folded = {_folded(author) for author in authors} - {""}
        return frozenset(author for author in folded - _NOBODY if (source, author) not in self.houses)


def _folded(author: str) -> str:
    return " ".join(author.split()).casefold()
