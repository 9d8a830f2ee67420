"""What an editor may do: every decision is looked at here, appended to the log, and marked on its article, in one step.

All ways in come here (the commands, the review page, a text file), so that all of them refuse the same with the same
sentence. `seen` is the newest decision somebody had before them: when another one about the same thing came after it,
`Conflict` carries the other's values and nothing is changed. Raises `Refused` for what cannot be.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING

from newsletter.characters import clean, readable
from newsletter.database import Database
from newsletter.decisions import Decisions, effective
from newsletter.errors import Conflict, Refused, counted
from newsletter.issue import STEPPING, Act, Decision, Insert, Section, Slot
from newsletter.issues import Issues, IssueState
from newsletter.links import canonical
from newsletter.shelf import Shelf, Shelved

if TYPE_CHECKING:
    import sqlalchemy as sa

MOST_PLACES = 99
LONGEST: Mapping[str, int] = {
    "title": 300, "dek": 1_000, "url": 2_000, "image": 2_000, "published": 40,
    "intro": 2_000, "subject": 200, "text": 600, "label": 40, "name": 40, "by": 80,
}  # fmt: skip
"""Characters of what an editor writes."""
_MARK_UP = re.compile(r"</?[a-zA-Z][^<>]*>|<!--")


@dataclass(frozen=True, slots=True)
class Who:
    """Who decides, and from where: "command", "preview", "page", "file"."""

    name: str = ""
    origin: str = "command"


@dataclass(frozen=True, slots=True)
class Editor:
    """The editor's acts. `sections` are those of the settings; `clock` returns the time in UTC.

    With `gathered`, what is decided is looked at and put there, and `decide` writes it.
    """

    database: Database
    shelf: Shelf
    issues: Issues
    decisions: Decisions
    sections: Callable[[], Sequence[Section]]
    clock: Callable[[], datetime]
    gathered: list[Decision] | None = None

    def gathering(self) -> Editor:
        """The same editor, who writes nothing yet."""
        return replace(self, gathered=[])

    def place(
        self,
        number: int,
        *,
        slot: Slot,
        section: str,
        position: int | None = None,
        who: Who,
        act: Act = Act.PIN,
        seen: int | None = None,
    ) -> Decision:
        """Give an article a place (from 1; None is the last) in a section of this issue, beside quota and caps."""
        self._refuse_place(number, section=section, position=position)
        values = {"section": section, **({"position": str(position)} if position else {})}
        return self._decide(Decision(act, slot.key, number, values=values), who=who, seen=seen)

    def swap(
        self, gone: int, *, with_: int, section: str, position: int, slot: Slot, who: Who, seen: int | None = None
    ) -> Decision:
        """Give an article the place of another, which is out of this issue and waits for the next."""
        if gone == with_:
            raise Refused("a story cannot be swapped with itself; name the one that takes its place")
        self._refuse_place(with_, section=section, position=position)
        values = {"section": section, "position": str(position)}
        return self._decide(Decision(Act.SWAP, slot.key, with_, gone, values=values), who=who, seen=seen)

    def drop(self, number: int, *, slot: Slot, who: Who, ever: bool = True, seen: int | None = None) -> Decision:
        """Take an article out of this issue, or out of all."""
        values = {"ever": "yes"} if ever else {}
        return self._decide(Decision(Act.DROP, slot.key, number, values=values), who=who, seen=seen)

    def hold(self, number: int, *, until: str, slot: Slot, who: Who, seen: int | None = None) -> Decision:
        """Keep an article out of every issue before the one with the key `until`."""
        decision = Decision(Act.HOLD, slot.key, number, values={"until": until})
        return self._decide(decision, who=who, seen=seen)

    def edit(
        self, number: int, changes: Mapping[str, str], *, slot: Slot, who: Who, seen: int | None = None
    ) -> Decision:
        """Give an article words of the editor's own: `title`, `dek`, `url`, `image` or `published` (ISO 8601 with an
        offset). An empty one takes the editor's back."""
        values = {name: _written(text, name, f"an own {name}") for name, text in changes.items()}
        values |= {name: _address(values[name]) for name in ("url", "image") if values.get(name)}
        return self._decide(Decision(Act.EDIT, slot.key, number, values=values), who=who, seen=seen)

    def say(self, act: Act, text: str, *, slot: Slot, who: Who, seen: int | None = None) -> Decision:
        """Give an issue an introduction or a subject; empty takes it back."""
        words = _written(text, act, "an introduction" if act == Act.INTRO else "a subject")
        return self._decide(Decision(act, slot.key, values={"text": words}), who=who, seen=seen)

    def insert(self, insert: Insert, *, slot: Slot, who: Who, seen: int | None = None) -> Decision:
        """Put a labelled note or a fixed line into an issue, in place of one of the same name; without text, none."""
        values = {
            "name": _written(insert.name, "name", "the name of a note"),
            "text": _written(insert.text, "text", "a note"),
            "label": _written(insert.label, "label", "a label"),
            "url": _address(insert.url) if insert.url else "",
            "after": insert.after,
        }
        if not values["name"]:
            raise Refused("a note needs a name, by which it can be changed and taken out")
        if insert.after:
            self.section(insert.after)
        return self._decide(Decision(Act.INSERT, slot.key, values=values), who=who, seen=seen)

    def undo(self, number: int, *, slot: Slot, who: Who) -> Decision:
        """Take a decision back, or an undoing of one. Whatever it replaced holds again."""
        undone = self.decisions.get(number)
        if undone.act in STEPPING:
            raise Refused(f"decision {number} is about the issue's state: approve, hold, release or pull back instead")
        if undone.act == Act.UNDO and undone.undoes is None:
            raise Refused(f"decision {number} took nothing back, so there is nothing to do again")
        if not _lasts(undone):
            self.refuse_closed(undone.slot_key)
        decision = Decision(Act.UNDO, undone.slot_key or slot.key, undone.article, undone.other, undoes=number)
        return self._decide(decision, who=who)

    def last(self, slot: Slot, article: int | None = None) -> Decision:
        """The newest decision that holds, about an article or else for an issue."""
        log = self.decisions.log(None if article else slot.key)
        mine = [one for one in effective(log) if article is None or article in (one.article, one.other)]
        mine = [one for one in mine if one.act not in STEPPING]
        if not mine:
            about = f"article {article}" if article else slot.key
            raise Refused(f"nothing is decided about {about} that could be undone")
        return mine[-1]

    def _refuse_place(self, number: int, *, section: str, position: int | None) -> None:
        self.section(section)
        if position is not None and not 1 <= position <= MOST_PLACES:
            raise Refused(f"a position is a number from 1 to {MOST_PLACES}, not {position}")
        shelved = self._shelved(number)
        if shelved.carried_by:
            raise Refused(f"{_called(shelved)} was carried by {shelved.carried_by}; no issue carries it again")
        if lacks := shelved.article.lacks():
            options = " ".join(f"--{name} …" for name in lacks)
            command = f"`newsletter articles edit {number} {options}`"
            raise Refused(f"{_called(shelved)} lacks {' and '.join(lacks)}: {command}")

    def section(self, name: str) -> Section:
        sections = {section.name: section for section in self.sections()}
        if name not in sections:
            near = get_close_matches(name, sections, n=1)
            meant = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(sections)}"
            raise Refused(f"there is no section “{clean(name)[:60]}”{meant}")
        return sections[name]

    def _shelved(self, number: int) -> Shelved:
        return self.shelf.find(str(number))

    def _decide(self, decision: Decision, *, who: Who, seen: int | None = None) -> Decision:
        for number in (decision.article, decision.other):
            if number is not None and decision.act != Act.UNDO:
                self._shelved(number)
        by = _written(who.name, "by", "a name")
        decision = replace(decision, by=by, origin=who.origin, at=self.clock())
        if self.gathered is None:
            return self.decide([decision], seen=seen)[0]
        with self.database.read() as connection:
            self._refuse(connection, decision, seen=seen)
        self.gathered.append(decision)
        return decision

    def decide(self, decisions: Sequence[Decision], *, seen: int | None = None) -> list[Decision]:
        """Write what was gathered, all of it or nothing; returns the decisions with their numbers."""
        with self.database.write() as connection:
            for decision in decisions:
                self._refuse(connection, decision, seen=seen)
            written = [self.decisions.append(connection, decision) for decision in decisions]
            for decision in written:
                for number in (decision.article, decision.other):
                    if number is not None and self.shelf.has(connection, number):
                        self.shelf.mark(connection, number, now=decision.at or self.clock())
            for decision in written[-1:]:
                self._back_to_review(connection, decision)
        return written

    def _refuse(self, connection: sa.Connection, decision: Decision, *, seen: int | None) -> None:
        if not _lasts(decision):
            self.refuse_closed(decision.slot_key)
        if seen is not None:
            self._refuse_conflict(connection, decision, seen=seen)

    def _back_to_review(self, connection: sa.Connection, decision: Decision) -> None:
        """An approval is of what was there: an issue that was changed after it has to be looked at again."""
        row = self.issues.find(decision.slot_key)
        if row is not None and row.open and row.state == IssueState.APPROVED:
            reason = f"changed after its approval by {decision.by or 'the editor'} ({decision.act}): approve it again"
            self.issues.step(connection, row, IssueState.REVIEW, reason=reason, digest="", goes_at=None)

    def refuse_closed(self, slot_key: str) -> None:
        """Raise `Refused` when an issue can no longer be changed."""
        row = self.issues.find(slot_key)
        if row is not None and not row.open:
            raise Refused(f"the issue {row.slot_key} is {row.state}; it can no longer be changed")

    def _refuse_conflict(self, connection: sa.Connection, decision: Decision, *, seen: int) -> None:
        newer = [one for one in self.decisions.since(connection, seen) if _same_thing(one, decision)]
        if decision.origin == "file":  # who takes a file back twice has changed it, not another
            newer = [one for one in newer if (one.by, one.origin) != (decision.by, "file")]
        if not newer:
            return
        last = newer[-1]
        what = "this story" if decision.article else f"the {decision.act}"
        raise Conflict(
            f"{last.by or 'Somebody'} changed {what} meanwhile ({last.act}); yours is not saved: look, and save again",
            theirs=last.values,
        )


def words_of(log: Sequence[Decision], *, key: str) -> tuple[str, str, tuple[Insert, ...]]:
    """The introduction, the subject and the inserts that hold for an issue."""
    said: dict[Act, str] = {}
    inserts: dict[str, Insert] = {}
    for decision in log:
        if decision.slot_key != key:
            continue
        if decision.act in (Act.INTRO, Act.SUBJECT):
            said[decision.act] = decision.values.get("text", "")
        elif decision.act == Act.INSERT:
            inserts[decision.values.get("name", "")] = Insert(**decision.values)
    return said.get(Act.INTRO, ""), said.get(Act.SUBJECT, ""), tuple(one for one in inserts.values() if one.text)


def _lasts(decision: Decision) -> bool:
    """Whether it holds beyond one issue, and so may be decided while that one is closed."""
    return decision.act in (Act.EDIT, Act.HOLD, Act.UNDO) or bool(decision.values.get("ever"))


def _same_thing(one: Decision, other: Decision) -> bool:
    """Whether two decisions are about the same story, or about the same words of one issue."""
    mine = {number for number in (other.article, other.other) if number is not None}
    if mine:
        return bool(mine & {one.article, one.other})
    same = one.slot_key == other.slot_key and one.act == other.act
    return same and one.values.get("name") == other.values.get("name")


def _written(text: str, name: str, what: str) -> str:
    """An editor's words as plain text; refused when too long or with mark-up, which no letter would show as such."""
    words = readable(text).strip() if name in ("intro", "text", "dek") else clean(text)
    most = LONGEST[name]
    if len(words) > most:
        raise Refused(f"{what} has at most {counted(most, 'character')}, this has {len(words):,}: shorten it")
    if name not in ("url", "image") and (found := _MARK_UP.search(words)):
        raise Refused(f"{what} is plain text and “{found[0][:40]}” is mark-up: leave it out")
    return words


def _address(text: str) -> str:
    usable = canonical(text)
    if not usable or len(usable) > LONGEST["url"]:
        raise Refused(f"“{clean(text)[:80]}” is no http or https address; write the whole address")
    return usable


def _called(shelved: Shelved) -> str:
    return f"“{clean(shelved.article.title)[:80] or shelved.article.id}”"
