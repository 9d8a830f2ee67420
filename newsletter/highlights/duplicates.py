"""Near-duplicates: two titles that tell the same story in nearly the same words.

A false match takes an article from subscribers for good and a missed one only shows a story twice, so the rule is
strict. Titles match when they differ in nothing that tells stories apart (numbers, episodes, subjects, a name on each
side), and are alike by one of these, measured on 3,244 pairs of titles people gave to one URL (recall .62, no false
match among 50,000 random pairs; `benchmarks/near_duplicates.py`). Numbers are brought to one spelling, and "is out" or
"released" is left away, before they are compared:

- `token_set_ratio` >= 88, `token_sort_ratio` >= 60 and three shared words of more than three letters;
- `token_sort_ratio` >= 80, for titles too short for three such words, with the same numbers;
- one is a whole part of the other: "Programming in 1969" and "Programming in 1969: an interview with my mom".

What it does not know: meanings. A rewrite in other words, or in a language written without spaces, is not seen; the
subject cap and the diversity of the choice are there for those.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from unicodedata import normalize

from rapidfuzz import fuzz

APART = timedelta(days=21)
"""Titles published further apart than this are never near-duplicates."""

# Of the words that several titles have, so many of the rarest are looked up: that finds 99 % of the pairs.
_RAREST = 4
_SET, _SORT, _SHORT, _SAME_WORD = 88, 60, 80, 70
_SHARED, _LONG = 3, 4
_CROWD = 100

_POSSESSIVE = re.compile(r"'s\b")
_NOTE = re.compile(r"[(\[](?:(?:19|20)\d\d|pdf|video|updated?)[)\]]")
_WORD = re.compile(r"\d+(?:[.,]\d+)+|[^\W_]+")
_BREAK = re.compile(r"[:|\u2013\u2014?!()\[\]“”\"]+|\s[-~]+\s|[.,]\s")
_LABELLED = re.compile(
    r"\b(season|series|part|pt|episode|ep|chapter|volume|vol|week|day|no)\W{0,2}(\d+|one|i{1,3}|iv|v)\b"
)
_FIRST_PARTS = frozenset((name, number) for name in ("part", "pt") for number in ("1", "one", "i"))
# How a title says that something is there, and two spellings of a number: "v2.0 is out" is "2". Only "one" stays.
_FILLER = re.compile(
    r"\b(?:(?:announc|introduc|releas|launch)(?:e|es|ed|ing)|(?:now )?available(?: now)?|is (?:now )?out|show hn"
    r"|officially|reportedly)\b"
)
_SPELLING = re.compile(r"\bv(?=\d)|(?<=\d)(?:\.0)+\b(?!\.\d)")
_NUMBERS = {
    name: str(value)
    for value, name in enumerate(["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"], 2)
}
_NUMBER_NAME = re.compile(rf"\b(?:{'|'.join(_NUMBERS)})\b")
_NUMBER_WORD = re.compile(
    r"\d.*|one|i{2,3}|iv"
    r"|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)day"
)


class Title:
    """A title made ready for comparing. `subject` is what `subject_of` returns; `words` stand apart in `joined`.

    Everything but its words is read when two titles are compared: of ten thousand few ever are.
    """

    __slots__ = ("_parts", "_vocabulary", "joined", "published", "subject", "text")

    def __init__(self, text: str, subject: str = "", published: datetime | None = None) -> None:
        self.text, self.subject, self.published = text, subject, published
        self.joined = " ".join(_WORD.findall(_plain(text)))
        self._vocabulary: frozenset[str] | None = None
        self._parts: _Parts | None = None

    @property
    def vocabulary(self) -> frozenset[str]:
        if self._vocabulary is None:
            self._vocabulary = frozenset(self.joined.split())
        return self._vocabulary

    @property
    def long(self) -> frozenset[str]:
        return self.parts.long

    @property
    def parts(self) -> _Parts:
        if self._parts is None:
            self._parts = _Parts(self.text)
        return self._parts


class _Parts:
    """What is compared of a title besides its words.

    `labelled` are the numbers that name one of a row, ("season", "2"), and `runs` the words between colons, dashes,
    brackets and full stops.
    """

    __slots__ = ("joined", "labelled", "long", "numbers", "runs", "vocabulary", "words")

    def __init__(self, text: str) -> None:
        plain = _canonical(_plain(text))
        self.words = tuple(_WORD.findall(plain))
        self.joined = " ".join(self.words)
        self.vocabulary = frozenset(self.words)
        self.long = frozenset(word for word in self.words if len(word) >= _LONG)
        self.numbers = frozenset(word for word in self.words if _NUMBER_WORD.fullmatch(word))
        self.labelled = frozenset((match[1], match[2]) for match in _LABELLED.finditer(plain))
        self.runs = tuple(words for run in _BREAK.split(plain) if (words := tuple(_WORD.findall(run))))


def _plain(text: str) -> str:
    folded = text.lower() if text.isascii() else normalize("NFKC", text).casefold().replace("\u2019", "'")
    if "(" in folded or "[" in folded:
        folded = _NOTE.sub(" ", folded)
    return _POSSESSIVE.sub("", folded).replace("'", "") if "'" in folded else folded


def _canonical(plain: str) -> str:
    """The same in one spelling; without filler, unless that leaves less than two words."""
    spelt = _NUMBER_NAME.sub(lambda match: _NUMBERS[match[0]], _SPELLING.sub("", plain))
    shorter = _FILLER.sub(" ", spelt)
    return shorter if len(_WORD.findall(shorter)) > 1 else spelt


def likeness(one: Title, other: Title) -> int | None:
    """How alike two near-duplicates are, up to 100; None when they are not near-duplicates."""
    if not one.joined or not other.joined:
        return None
    if one.joined == other.joined or one.parts.words == other.parts.words:
        return 100
    if _told_apart(one, other):
        return None
    if _is_part_of(one, other) or _is_part_of(other, one):
        return round(fuzz.token_set_ratio(one.parts.joined, other.parts.joined))
    ordered = fuzz.token_sort_ratio(one.parts.joined, other.parts.joined)
    if ordered < _SORT or _each_has_its_own_name(one, other):
        return None
    spread = fuzz.token_set_ratio(one.parts.joined, other.parts.joined)
    if spread >= _SET and len(one.long & other.long) >= _SHARED:
        return round(spread)
    return round(ordered) if ordered >= _SHORT and one.parts.numbers == other.parts.numbers else None


def _told_apart(one: Title, other: Title) -> bool:
    """ "Season 2" is not "Season 3" nor the whole show; ten best are not twelve; two shows renewed are two stories."""
    if len({one.subject, other.subject} - {""}) > 1 or _labelled_apart(one, other):
        return True
    return bool(one.parts.numbers - other.parts.numbers and other.parts.numbers - one.parts.numbers)


def _labelled_apart(one: Title, other: Title) -> bool:
    """Whether they name two of a row. What is not numbered may be the first part."""
    mine, theirs = one.parts.labelled, other.parts.labelled
    return mine != theirs and not (min(mine, theirs, key=len) == frozenset() and mine | theirs <= _FIRST_PARTS)


def _is_part_of(short: Title, whole: Title) -> bool:
    """Whether all words of `short` are one part of `whole`, or several in a row. One word alone is a topic."""
    if not 2 <= len(short.parts.words) < len(whole.parts.words) or not short.long:
        return False
    for first in range(len(whole.parts.runs)):
        run: tuple[str, ...] = ()
        for part in whole.parts.runs[first:]:
            run += part
            if run == short.parts.words:
                return True
            if len(run) >= len(short.parts.words):
                break
    return False


def _each_has_its_own_name(one: Title, other: Title) -> bool:
    """Whether each has a long word the other has nothing like: "Severance renewed …" and "Silo renewed …"."""
    mine, theirs = one.long - other.parts.vocabulary, other.long - one.parts.vocabulary
    return _has_a_stranger(mine, theirs) and _has_a_stranger(theirs, mine)


def _has_a_stranger(words: frozenset[str], others: frozenset[str]) -> bool:
    return any(all(fuzz.ratio(word, other) < _SAME_WORD for other in others) for word in words)


class Titles:
    """Titles in order of precedence, found again by their rare words: of near-duplicates the first stands.

    Only what is asked for is compared. Of the titles with a word the first hundred are looked at, so that ten thousand
    titles cut from one pattern cost a second and not minutes; titles of equal words are found whatever the crowd.
    """

    def __init__(
        self, titles: Sequence[Title], *, standing: int = 0, apart: Callable[[int, int], bool] = lambda *_: False
    ) -> None:
        """The first `standing` titles stand even if they are alike. Two that are known to be `apart` repeat nothing."""
        self._titles, self._apart = titles, apart
        self._with_word = _shared(set(title.joined.split()) for title in titles)
        self._of_words = _shared((title.joined,) for title in titles)
        self._repeated: dict[int, tuple[int, int] | None] = dict.fromkeys(range(standing))

    def repeated_by(self, number: int) -> tuple[int, int] | None:
        """The number of the earlier title that a title most nearly repeats, and how alike; None when it stands."""
        earlier: dict[int, list[tuple[int, int]]] = {}
        waiting = [number]
        while waiting:  # no recursion: a hostile feed makes chains of any length
            one = waiting.pop()
            if one not in earlier and one not in self._repeated:
                earlier[one] = [(other, alike) for other, alike in self.alike(one) if other < one]
                waiting += [other for other, _ in earlier[one]]
        for one in sorted(earlier):
            stand = [(other, alike) for other, alike in earlier[one] if self._repeated[other] is None]
            self._repeated[one] = max(stand, default=None, key=lambda found: (found[1], -found[0]))
        return self._repeated[number]

    def found(self) -> list[tuple[int, tuple[int, int]]]:
        """What was found to repeat an earlier title, in order: its number, and what `repeated_by` returns."""
        return sorted((number, of) for number, of in self._repeated.items() if of)

    def alike(self, number: int) -> list[tuple[int, int]]:
        """The other titles it is a near-duplicate of, by number, each with how alike they are."""
        title = self._titles[number]
        shared = sorted((len(self._with_word[word]), word) for word in title.vocabulary if word in self._with_word)
        numbers = {other for _, word in shared[:_RAREST] for other in self._with_word[word][:_CROWD]}
        numbers.update(self._of_words.get(title.joined, ()))
        found = []
        for other in sorted(numbers - {number}):
            there = self._titles[other]
            least = min(len(title.vocabulary), len(there.vocabulary))
            if len(title.vocabulary & there.vocabulary) * 2 < least:
                continue  # too little shared to be alike; this spares the expensive comparison
            alike = likeness(title, there)
            if alike is not None and not _far_apart(title, there) and not self._apart(number, other):
                found.append((other, alike))
        return found


def _shared(keys: Iterable[Iterable[str]]) -> dict[str, list[int]]:
    """The numbers of the titles that have a key, for each key that more than one has."""
    first: dict[str, int] = {}
    shared: dict[str, list[int]] = {}
    for number, found in enumerate(keys):
        for key in found:
            if key not in first:
                first[key] = number
            elif key in shared:
                shared[key].append(number)
            else:
                shared[key] = [first[key], number]
    return shared


def _far_apart(one: Title, other: Title) -> bool:
    return one.published is not None and other.published is not None and abs(one.published - other.published) > APART
