"""Which section an article that fits no rule belongs to, learned from what past issues put where. Pure.

Multinomial naive Bayes (Manning, Raghavan, Schütze: Introduction to Information Retrieval, §13.2) over the words of
the title, the folders of the address and the categories. It says nothing unless it is sure: enough articles were
filed, one section is far ahead of the others, and something that was seen there several times speaks for it.

What it does not know: where past issues are stored, or which sections an article may go to.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import log
from unicodedata import normalize
from urllib.parse import unquote, urlsplit

from newsletter.issue import Article

ENOUGH = 30
"""How many filed articles it takes before they teach anything."""

_ENOUGH_IN_SECTION = 8
_SEEN = 3  # how often something was seen in a section before it may decide
_AHEAD = log(9)  # nine to one
_SAID = 3
_WORD = re.compile(r"[^\W_]{2,}")

Feature = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Filing:
    """How often each feature stood in an article of each section, and how many articles each section had."""

    seen: Mapping[str, Counter[Feature]] = field(default_factory=dict)
    articles: Mapping[str, int] = field(default_factory=dict)

    def section_of(self, article: Article, *, among: Collection[str]) -> tuple[str, str]:
        """The section an article belongs to, and what decided, such as "“how”, “watch”"; ("", "") when unsure."""
        known = [name for name in self.articles if name in among]
        if len(known) < 2 or sum(self.articles[name] for name in known) < ENOUGH:
            return "", ""
        vocabulary = {feature for name in known for feature in self.seen[name]}
        features = sorted(feature for feature in set(_features(article)) if feature in vocabulary)
        scores = {}
        for name in known:
            spoken = {one: self._log_share(one, section=name, words=len(vocabulary)) for one in features}
            scores[name] = (log(self.articles[name]) + sum(spoken.values()), spoken)
        best, second = sorted(known, key=lambda name: (-scores[name][0], name))[:2]
        leaning = {one: scores[best][1][one] - scores[second][1][one] for one in features}
        telling = [one for one in features if leaning[one] > 0 and self.seen[best][one] >= _SEEN]
        sure = scores[best][0] - scores[second][0] >= _AHEAD and self.articles[best] >= _ENOUGH_IN_SECTION
        if not (sure and telling):
            return "", ""
        telling.sort(key=lambda one: (-leaning[one], one))
        return best, ", ".join(f"“{value}”" for _, value in telling[:_SAID])

    def _log_share(self, feature: Feature, *, section: str, words: int) -> float:
        return log((self.seen[section][feature] + 1) / (self.seen[section].total() + words))


def file_by(examples: Iterable[tuple[Article, str]]) -> Filing:
    """What examples teach: articles, each with the name of the section it was put into."""
    seen: dict[str, Counter[Feature]] = {}
    articles: Counter[str] = Counter()
    for article, section in examples:
        seen.setdefault(section, Counter()).update(set(_features(article)))
        articles[section] += 1
    return Filing(seen, articles)


def _features(article: Article) -> Iterator[Feature]:
    for word in _WORD.findall(normalize("NFKC", article.title).casefold()):
        if not word.isdigit():
            yield ("word", word)
    try:
        path = urlsplit(article.url or "").path
    except ValueError:  # "http://[" and its like
        path = ""
    for folder in path.split("/")[:-1]:
        if folder and not folder.isdigit():
            yield ("folder", f"/{unquote(folder).casefold()}/")
    for category in (*article.categories, article.section):
        if category.strip():
            yield ("category", category.strip().casefold())
