"""What earlier issues teach about an editor's taste: the prior. Pure.

Each article is described by features: the topic words of its title, its site section and tags, author, source and
host. A feature speaks for an article when pieces that have it were kept more often than chance would have kept them,
`log((kept + 1) / (expected + 1))`: a feature that was hardly ever seen says hardly anything. An article's taste is the
sum over its features, divided by the root of their number so that long titles do not shout. Tuned on the first halves
of three editors' weeks; the second halves are in docs/benchmarks.md.

An issue that nobody attended teaches nothing: its picks are the choice's own. An issue read in from elsewhere, of which
only the kept articles are known, counts half; what could have been kept is guessed from the articles of today. Below
50 past articles there is no prior.

What it does not know: where past issues are stored, or how much the taste weighs (`score`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import log, sqrt
from unicodedata import normalize
from urllib.parse import unquote, urlsplit

from newsletter.errors import counted
from newsletter.issue import Article, PastIssue

ENOUGH = 50
"""How many past articles it takes before they teach anything."""

_STEADY = 1.0
_READ_IN = 0.5  # the weight of an issue whose pool is unknown
_WORTH_SAYING = 0.2  # log-odds below this are no reason
_SAID = 2

_WORD = re.compile(r"[^\W_]+")
_YEAR = re.compile(r"(?:19|20)\d\d")
# Words without a topic. Of other languages they teach nothing either: they are kept as often as chance.
_SMALL = frozenset(
    re.split(
        " ",
        "a an the of to in on for and or with from by at is are as you your how why what when it its my we be not do"
        " does this that can vs via into new using use up out about",
    )
)

Feature = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Prior:
    """How often each feature was kept, how often chance would have kept it, and in how many articles it was seen."""

    kept: Mapping[Feature, float] = field(default_factory=dict)
    expected: Mapping[Feature, float] = field(default_factory=dict)
    carried: Mapping[Feature, int] = field(default_factory=dict)
    seen: Mapping[Feature, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.kept)

    def speaks(self, feature: Feature) -> float:
        """How much a feature speaks for an article (above 0) or against it."""
        return log((self.kept.get(feature, 0.0) + _STEADY) / (self.expected.get(feature, 0.0) + _STEADY))

    def taste(self, article: Article) -> float:
        """How much an article is to this editor's taste: 0 is neutral."""
        features = features_of(article)
        return sum(map(self.speaks, features)) / sqrt(len(features)) if features else 0.0

    def why(self, article: Article) -> str:
        """The evidence that weighs most, such as "you kept 7 of 9 pieces on film"; "" when nothing speaks."""
        side = 1 if self.taste(article) >= 0 else -1  # what speaks for the other side would read as a contradiction
        spoken = sorted((-side * self.speaks(feature), feature) for feature in features_of(article))
        return "; ".join(self._said(feature) for weight, feature in spoken[:_SAID] if -weight >= _WORTH_SAYING)

    def _said(self, feature: Feature) -> str:
        kind, value = feature
        kept, seen = self.carried.get(feature, 0), self.seen.get(feature, 0)
        of = f"{kept} of {counted(seen, 'piece')}" if seen else counted(kept, "piece")
        return f"you kept {of} {_PLACE[kind]} {value}"


NOTHING_LEARNED = Prior()
_PLACE = {"word": "on", "section": "in", "author": "by", "source": "from", "host": "at", "number": "with"}


def learn(past: Iterable[PastIssue], *, today: Iterable[Article]) -> Prior:
    """The prior that past issues teach. `today` are the candidates, to compare an issue with whose pool is unknown."""
    attended = [issue for issue in past if issue.attended and issue.kept]
    if sum(len(issue.kept) + len(issue.passed_over or ()) for issue in attended) < ENOUGH:
        return NOTHING_LEARNED
    kept: Counter[Feature] = Counter()
    expected: Counter[Feature] = Counter()
    carried: Counter[Feature] = Counter()
    seen: Counter[Feature] = Counter()
    read_in: Counter[Feature] = Counter()
    without_pool = 0
    for issue in attended:
        mine = Counter(_each(issue.kept))
        carried.update(mine)
        if issue.passed_over is None:
            read_in.update(mine)
            without_pool += len(issue.kept)
            continue
        pool = mine + Counter(_each(issue.passed_over))
        seen.update(pool)
        kept.update(mine)
        chance = len(issue.kept) / (len(issue.kept) + len(issue.passed_over))
        for feature, count in pool.items():
            expected[feature] += chance * count  # type: ignore[assignment]
    if read_in:
        articles = list(today)
        there = Counter(_each(articles))
        share = without_pool / (len(articles) + without_pool)
        for feature in {*read_in, *there}:
            # An article is no evidence against itself: a word that only one has was never seen before.
            chance = share * (max(0, there[feature] - 1) + read_in[feature])
            kept[feature] += _READ_IN * read_in[feature]  # type: ignore[assignment]
            expected[feature] += _READ_IN * chance  # type: ignore[assignment]
    return Prior(kept, expected, carried, seen)


def features_of(article: Article) -> tuple[Feature, ...]:
    """What describes an article, each once. Of one known by its address alone the address is read like a title."""
    return tuple(dict.fromkeys(_features(article)))


def _features(article: Article) -> Iterator[Feature]:
    host, *path = _address(article.url or "")
    for word in _WORD.findall(_plain(article.title or (path[-1] if path else ""))):
        if word.isdigit():
            yield ("number", "a year in the title" if _YEAR.fullmatch(word) else "a number in the title")
        elif len(word) > 1 and word not in _SMALL:
            yield ("word", word[:-1] if len(word) > 4 and word.endswith("s") and not word.endswith("ss") else word)
    sections = (article.section, *article.categories, *article.tags)
    for section in sections if any(sections) else path[:-1][:1]:
        if section and not section.isdigit():
            yield ("section", _plain(section))
    yield from (("author", author) for author in article.authors)
    if article.source:
        yield ("source", article.source)
    if host not in ("", article.source):
        yield ("host", host)


def _address(url: str) -> list[str]:
    """The host of an address and the parts of its path."""
    try:
        parts = urlsplit(url)
    except ValueError:  # "http://[" and its like
        return [""]
    return [parts.netloc.casefold().removeprefix("www."), *(unquote(part) for part in parts.path.split("/") if part)]


def _plain(text: str) -> str:
    return normalize("NFKC", text).casefold().replace("\u2019", "'").replace("'s", "")


def _each(articles: Iterable[Article]) -> Iterator[Feature]:
    for article in articles:
        yield from features_of(article)
