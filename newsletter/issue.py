"""The nouns of a weekly issue. Pure: frozen values, no clock, no I/O, no outside library.

What it does not know: where articles come from (`sources`), how they are kept (`shelf`), why one is better than
another (`highlights`), or what a mail looks like (`letter`, `rendering`).

All times are timezone-aware and in UTC unless a name says otherwise. Text fields are plain text: sources
remove all mark-up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import islice

QUARANTINE = "quarantine"
"""Behind every slot's key: an article held until then is in no issue before somebody lets it in."""
ALSO = 5
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class SignalKind(StrEnum):
    """What a number about an article counts."""

    VIEWS = "views"
    COMMENTS = "comments"
    SHARES = "shares"
    VOTES = "votes"
    RATING = "rating"
    RATING_COUNT = "rating_count"


@dataclass(frozen=True, slots=True)
class Signal:
    """A number about an article at a time. A rating is on a scale of 0 to 5. Unknown is absence, never zero."""

    kind: SignalKind
    value: float
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Image:
    """A picture by address. `width` and `height` are in pixels; None is unknown."""

    url: str
    width: int | None = None
    height: int | None = None
    alt: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """The box that some pages have about their subject ("TV Info").

    `rating` is on a scale of 0 to 5. A page may count its raters without showing their rating ("3 users"): then
    `rating_count` is 3 and `rating` is None; this does not mean three stars.
    """

    name: str
    produced_by: tuple[str, ...] = ()
    rating: float | None = None
    rating_count: int | None = None
    label: str = "TV Info"


@dataclass(frozen=True, slots=True)
class Article:
    """One thing worth reading.

    `guid` is the source's own name for it. `published` is a trusted time in UTC or None; `published_raw` is what the
    source wrote and `published_from` where (`feed`, `json-ld`, `meta`, `visible`, `front-matter`, `editor`, or `guess`,
    which is never trusted). `section` is the source's hint. `subject` is the show, film or person it is about.
    `related` holds titles the page itself named as related. The shelf sets `id` and `first_seen`.
    """

    title: str
    url: str | None = None
    source: str = ""
    guid: str | None = None
    dek: str = ""
    summary: str = ""
    body: str = ""
    authors: tuple[str, ...] = ()
    published: datetime | None = None
    published_raw: str = ""
    published_from: str = ""
    updated: datetime | None = None
    image: Image | None = None
    card: Card | None = None
    section: str = ""
    categories: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    language: str = ""
    subject: str = ""
    related: tuple[str, ...] = ()
    signals: tuple[Signal, ...] = ()
    sponsored: bool = False
    featured: bool = False
    id: int | None = None
    first_seen: datetime | None = None

    def lacks(self) -> tuple[str, ...]:
        """What keeps this article from being picked by itself: any of `title`, `url`, `date`. Empty is complete."""
        dated = self.published is not None and self.published_from != "guess"
        there = (("title", self.title.strip()), ("url", self.url), ("date", dated))
        return tuple([name for name, value in there if not value])

    def as_json(self) -> dict[str, object]:
        """What names the article and what it lacks, as JSON values."""
        published = self.published.isoformat(timespec="seconds") if self.published else None
        named = {"id": self.id, "title": self.title, "url": self.url, "source": self.source, "published": published}
        return {**named, "lacks": list(self.lacks())}

    @property
    def comments(self) -> int | None:
        """How many comments it has; None is unknown."""
        count = self.signal(SignalKind.COMMENTS)
        return round(count) if count is not None and 0 <= count < 1e12 else None

    @property
    def blurb(self) -> str:
        """The lines that stand under the title: the dek, else the summary."""
        return self.dek or self.summary

    def signal(self, kind: SignalKind) -> float | None:
        """The latest value of one kind, or None when it is unknown."""
        for signal in reversed(self.signals):  # no generator: this is asked eighty thousand times a choice
            if signal.kind is kind:
                return signal.value
        return None


@dataclass(frozen=True, slots=True)
class Slot:
    """One planned moment of publication. `at` carries the newsletter's own time zone. `key` names the issue."""

    key: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Match:
    """Which articles a section takes. Every field that is set must fit; none set takes everything.

    `title` is a regular expression searched case-insensitively; the others compare case-insensitively, `url_prefix`
    against the start of the path or of the whole address. What fits any field of `unless` is not taken.
    """

    category: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    url_prefix: tuple[str, ...] = ()
    title: str = ""
    source: tuple[str, ...] = ()
    unless: Match | None = None

    @property
    def takes_all(self) -> bool:
        """Whether it asks for nothing; it may still leave something out."""
        return not (self.category or self.tag or self.url_prefix or self.title or self.source)


class Order(StrEnum):
    """What comes first in a section: the best, the latest, or what its source lists first."""

    BEST = "best"
    LATEST = "latest"
    SOURCE = "source"


class IfThin(StrEnum):
    """What happens to a section that found fewer than its minimum."""

    KEEP = "keep"
    SKIP = "skip"
    MERGE = "merge"


@dataclass(frozen=True, slots=True)
class Section:
    """A titled group inside an issue: at most `pick` articles, thin below `min`.

    A `fixed` one is a column: it always has the newest of what it takes, before any other section and beside the caps.
    """

    name: str
    title: str
    pick: int = 5
    min: int = 1
    match: Match = Match()
    if_thin: IfThin = IfThin.KEEP
    order: Order = Order.BEST
    fixed: bool = False

    @property
    def by_score(self) -> bool:
        return self.order == Order.BEST and not self.fixed


@dataclass(frozen=True, slots=True)
class Term:
    """One part of a score: `weight` times `value` (both 0 to 1), and the words that explain the value."""

    name: str
    weight: float
    value: float
    why: str = ""

    @property
    def points(self) -> float:
        return self.weight * self.value

    def as_json(self) -> dict[str, object]:
        named = {"name": self.name, "weight": self.weight, "value": self.value}
        return {**named, "points": self.points, "why": self.why}


class Act(StrEnum):
    """What an editor decides: about an article, or (`intro`, `subject`, `insert`) about the issue itself."""

    PIN = "pin"  # a place in a section
    MOVE = "move"  # the same, of what had another place
    SWAP = "swap"  # the place of another, which is out of this issue
    DROP = "drop"  # out of this issue, or with `ever` out of all
    HOLD = "hold"  # not before a later issue
    EDIT = "edit"  # its own words: title, dek, url, published, image
    INTRO = "intro"
    SUBJECT = "subject"
    INSERT = "insert"  # a labelled note or a fixed line, by name
    APPROVE = "approve"
    PULL_BACK = "pull_back"  # an approval, before the first message
    HOLD_ISSUE = "hold_issue"
    RELEASE = "release"
    CANCEL = "cancel"
    UNDO = "undo"  # another decision no longer holds; undone itself, it holds again


PLACING = frozenset({Act.PIN, Act.MOVE, Act.SWAP})
STEPPING = frozenset({Act.APPROVE, Act.PULL_BACK, Act.HOLD_ISSUE, Act.RELEASE, Act.CANCEL})
"""What changes the state of an issue and nothing in it: on record in the log, and never undone by `undo`."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One act of an editor, as the log has it: who, when, from where, and for which issue.

    `article` is the number it is about and `other` the one whose place it takes. `undoes` is the number of a decision.
    `values` are the act's own: `section` and `position` (from 1), `until` (a slot's key), `ever`, the words of an edit,
    the `text` of an introduction, subject or insert with its `name`, `label`, `url` and `after`.
    """

    act: Act
    slot_key: str
    article: int | None = None
    other: int | None = None
    undoes: int | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    by: str = ""
    origin: str = ""
    at: datetime | None = None
    number: int = 0

    @property
    def place(self) -> tuple[str, int]:
        """The section and the position in it, of an act that gives a place; past every other when it names none."""
        return self.values.get("section", ""), int(self.values.get("position") or 9_999)

    def as_json(self) -> dict[str, object]:
        """The decision as JSON values."""
        about = {"article": self.article, "other": self.other, "undoes": self.undoes, "values": dict(self.values)}
        said = {"by": self.by, "from": self.origin, "at": self.at.isoformat() if self.at else None}
        return {"decision": self.number, "act": self.act, "slot": self.slot_key, **about, **said}


@dataclass(frozen=True, slots=True)
class Insert:
    """Words of the editor between the stories: a sponsor's note under its `label`, or a fixed line without one.

    It stands after the section called `after`; empty is before the first.
    """

    name: str
    text: str
    label: str = ""
    url: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Pick:
    """An article chosen for a section, and why in a sentence. `score` is the sum of the terms' points.

    `beat` names the runner-up; `detail` is what the sum leaves out, such as what was held back and by how much it won.
    `related` are articles on its subject, or with the same story, that gave way to it, the best first. `decision` is
    the editor's that gave it this place.
    """

    article: Article
    section: str
    position: int
    score: float
    terms: tuple[Term, ...] = ()
    reason: str = ""
    beat: str = ""
    detail: str = ""
    related: tuple[Article, ...] = ()
    decision: Decision | None = None

    @property
    def related_titles(self) -> tuple[str, ...]:
        """Titles of related stories: those that gave way to it, then those its own page names."""
        return tuple(dict.fromkeys((*(article.title for article in self.related), *self.article.related)))


@dataclass(frozen=True, slots=True)
class PassedOver:
    """An article that was not chosen, and why. `waits` is true when it may still be chosen for a later issue.

    `section` is where it lost its place. `needs` says what would bring it in: only the next in line have it.
    """

    article: Article
    reason: str
    score: float | None = None
    terms: Sequence[Term] = ()
    waits: bool = False
    section: str = ""
    needs: str = ""


@dataclass(frozen=True, slots=True)
class PastIssue:
    """What was kept of the pool of an earlier issue, and what was passed over; None when its pool is unknown.

    One that no editor `attended` says nothing about anybody's taste.
    """

    kept: Sequence[Article]
    passed_over: Sequence[Article] | None = None
    attended: bool = True


@dataclass(frozen=True, slots=True)
class Issue:
    """One slot's chosen articles in sections, with everything that was passed over.

    `notes` has a line about a section, by name: that nothing is known to choose by, that more is pinned than it takes.
    `intro`, `subject` and `inserts` are the editor's own words for this issue.
    """

    slot: Slot
    sections: tuple[Section, ...]
    picks: tuple[Pick, ...]
    passed_over: tuple[PassedOver, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()
    intro: str = ""
    subject: str = ""
    inserts: tuple[Insert, ...] = ()

    def in_section(self, name: str) -> tuple[Pick, ...]:
        return tuple(pick for pick in self.picks if pick.section == name)

    @property
    def lead(self) -> Pick | None:
        """The first pick of the first filled section."""
        return next((pick for section in self.sections for pick in self.in_section(section.name)), None)

    def alternates(self, name: str) -> tuple[PassedOver, ...]:
        """The next in line for a section, first the one that lacks least, each with what would bring it in."""
        return tuple(one for one in self.passed_over if one.section == name and one.needs)

    @property
    def also(self) -> tuple[Article, ...]:
        """The best five that found no place, without those that are related to a pick."""
        related = {id(article) for pick in self.picks for article in pick.related}
        competed = (one for one in self.passed_over if one.section and one.waits and id(one.article) not in related)
        return tuple(one.article for one in islice(competed, ALSO))
