"""Whether a reading of an article is one the shelf has: evidence, and the one table that weighs it. Pure.

Five things speak for or against: the source's own id (guid), the address to compare, the title, the date and the text.
The first row of `TABLE` that fits decides. An id or an address that several articles bear is nobody's name, and
counts as unknown.

Two errors cost readers: an article that is swallowed is never listed, and one that is taken for new is mailed twice. So
an own id with an own address is a new article even under an old title (a weekly column), and only the same date or the
same long text says that it is an old one that moved.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from difflib import SequenceMatcher
from enum import StrEnum

from newsletter.issue import Article
from newsletter.links import comparison_key, exact_key
from newsletter.shelf.names import plain

# Two titles less alike than this (0 to 1) are about two things.
ALIKE = 0.6
# A text at least this long, in characters, says which article it is; a shorter one may stand in every week's column.
LONG = 400
# Feeds and pages round one moment differently.
SAME_TIME = timedelta(minutes=1)
# After this, an address or a title may be used again.
SOON = timedelta(days=14)

_MARK = re.compile(
    r"^\W*(?:updated?|live|video|watch|correct(?:ed|ion))\W+|\W+(?:updated|corrected)\W*$", re.IGNORECASE
)
_NUMBER = re.compile(r"\d+")


class Seen(StrEnum):
    """What two readings are to each other in one respect. `near` is a title reworded, a date within a fortnight, an
    address that differs in a parameter which often says only where a visit comes from."""

    SAME = "same"
    NEAR = "near"
    OTHER = "other"
    UNKNOWN = "unknown"


SAME, NEAR, OTHER, UNKNOWN = Seen


@dataclass(frozen=True, slots=True)
class Evidence:
    guid: Seen
    address: Seen
    title: Seen
    date: Seen
    text: Seen


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table. `told` is what `pull` says of such a match, "" where it is no news."""

    one_article: bool
    cells: tuple[frozenset[Seen], ...]
    because: str
    told: str = ""

    def fits(self, evidence: Evidence) -> bool:
        seen = (evidence.guid, evidence.address, evidence.title, evidence.date, evidence.text)
        return all(one in cell for one, cell in zip(seen, self.cells, strict=True))


def _one(cells: str, because: str, told: str = "") -> Rule:
    return _rule(cells, because, told, one_article=True)


def _two(cells: str, because: str) -> Rule:
    return _rule(cells, because, "", one_article=False)


def _rule(cells: str, because: str, told: str, *, one_article: bool) -> Rule:
    """A rule from its five cells, each `*` for anything or some of the words of `Seen` joined by `|`."""
    read = (frozenset(Seen) if cell == "*" else frozenset(map(Seen, cell.split("|"))) for cell in cells.split())
    return Rule(one_article, tuple(read), because, told)


REWORDED = "stands at the address of {old} and was taken for it"
RENEWED = "came with another id and date and was taken for {old}, which has the same address"
MOVED = "came under another address and was taken for {old}"

TABLE = (
    #     guid    address   title             date             text
    _one("same    same|near *                 *                *", "id and address"),
    _one("same    *         same|near|unknown *                *", "id; the address was edited"),
    _one("same    *         *                 same             *", "id and date; address and title were edited"),
    _one("same    unknown   *                 *                *", "id; one of the two has no address of its own"),
    _two("same    *         *                 *                *", "an old id was given to another article"),
    _one("unknown same      same|near|unknown *                *", "address"),
    _one("unknown near      same|near|unknown *                *", "address, but for a parameter"),
    _one("unknown same|near *                 same             *", "address and date; the title was changed"),
    _one("unknown same      *                 near|unknown     *", "address; the title was changed", REWORDED),
    _one("unknown same      *                 *                same", "address and text; the title was changed"),
    _one("other   same      *                 same             *", "address and date; the id is new", REWORDED),
    _one("other   near      same|near         same             *", "address, but for a parameter, title and date"),
    _one("other   near      same              unknown          *", "address, but for a parameter, and title"),
    _one("other   same      same              unknown          *", "address and title; the id is new"),
    _one("other   same      same              near             same|unknown", "address and title", RENEWED),
    _one("other   same      near              unknown          *", "address; the title was reworded, the id is new"),
    _one("other   same      same|near         *                same", "address, title and text; the id is new"),
    _one("other   same      unknown           *                *", "address"),
    _one("*       other     same              same             *", "title and date; it moved", MOVED),
    _one("*       other     same              *                same", "title and text; it moved", MOVED),
    _one("*       unknown   same              same             *", "title and date"),
    _one("unknown unknown   same              unknown          *", "title; nothing else is known"),
    _one("unknown unknown   same              near             same|unknown", "title and about the date"),
    _two("*       *         *                 *                *", "nothing ties the two together"),
)  # fmt: skip


def verdict(evidence: Evidence) -> Rule:
    """The first row of the table that fits."""
    return next(rule for rule in TABLE if rule.fits(evidence))


def unmarked(title: str) -> str:
    """A title in plain words, without what a desk puts before or after it ("UPDATED:")."""
    return plain(_MARK.sub("", title))


def titles(one: str, other: str) -> Seen:
    if not one.strip() or not other.strip():
        return UNKNOWN
    mine, theirs = unmarked(one), unmarked(other)
    if mine == theirs:
        return SAME
    numbers, others = {*_NUMBER.findall(mine)}, {*_NUMBER.findall(theirs)}
    if numbers - others and others - numbers:
        return OTHER
    return NEAR if SequenceMatcher(None, mine, theirs).ratio() >= ALIKE else OTHER


def addresses(one: str | None, other: str | None) -> Seen:
    if not one or not other:
        return UNKNOWN
    if one == other:
        return SAME
    if (comparison_key(one) or one) != (comparison_key(other) or other):
        return OTHER
    return SAME if exact_key(one) == exact_key(other) else NEAR


def guids(one: Article, other: Article) -> Seen:
    """Ids of two sources say nothing of each other. One that is an address may change from http to https."""
    if not one.guid or not other.guid or one.source != other.source:
        return UNKNOWN
    return SAME if (comparison_key(one.guid) or one.guid) == (comparison_key(other.guid) or other.guid) else OTHER


def dates(one: Article, other: Article) -> Seen:
    if one.published is None or other.published is None or "guess" in (one.published_from, other.published_from):
        return UNKNOWN
    apart = abs(one.published - other.published)
    return SAME if apart <= SAME_TIME else NEAR if apart <= SOON else OTHER


def texts(one: Article, other: Article) -> Seen:
    """Only long texts are the same; short ones can be different."""
    if len(one.body) >= LONG and len(other.body) >= LONG:
        return SAME if one.body.split() == other.body.split() else OTHER
    return OTHER if one.dek and other.dek and one.dek != other.dek else UNKNOWN
