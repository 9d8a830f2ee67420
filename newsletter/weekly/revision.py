"""An issue written as a sheet, and a sheet taken back: what has to be decided so that the issue becomes what it says.

Every line is looked at first, and tried on the choice; only then is anything decided, all of it in one transaction. A
story that is moved or added gets a place, and others as far as the choice would put them elsewhere by itself. What is
no longer named is dropped from this issue, and where that leaves a place free the choice fills it (`Revision.came`).

What it does not know: how a sheet is spelt (`sheet`), what may be decided (`editor`). Raises `Refused` with the line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import TYPE_CHECKING

from newsletter.errors import Refused
from newsletter.issue import Act, Decision, Insert, Issue, Pick, Slot
from newsletter.links import canonical
from newsletter.weekly.editor import Editor, Who
from newsletter.weekly.sheet import Part, Sheet, Story, lines, one_line

if TYPE_CHECKING:
    from newsletter.shelf import Shelved
    from newsletter.weekly import Weekly


@dataclass(frozen=True, slots=True)
class Revision:
    """What a sheet decides, in order and not yet written; and what the choice then puts into the issue by itself."""

    decisions: tuple[Decision, ...] = ()
    came: tuple[Pick, ...] = ()
    seen: int | None = None


def sheet_of(weekly: Weekly, slot: Slot) -> Sheet:
    """The issue of a slot as it would be now, which can still be changed."""
    weekly.editor.refuse_closed(slot.key)
    seen = weekly.decisions.newest()
    return _sheet(weekly, weekly.pick(slot), seen=seen)


def _sheet(weekly: Weekly, issue: Issue, *, seen: int) -> Sheet:
    shelved = {one.article.id: one for one in weekly.shelf.numbered(_numbers(issue.picks))}
    names = [section.name for section in issue.sections]
    stories = {name: tuple(_story(shelved[pick.article.id]) for pick in issue.in_section(name)) for name in names}
    parts = tuple(Part(section.name, stories[section.name], section.title) for section in issue.sections)
    notes = tuple(
        Insert(
            one_line(note.name),
            lines(note.text),
            one_line(note.label),
            note.url,
            note.after if note.after in ("", *names) else names[-1],
        )
        for note in issue.inserts
    )
    return Sheet(issue.slot.key, seen, one_line(issue.subject), lines(issue.intro), parts, notes)


def _story(shelved: Shelved) -> Story:
    own = lines(shelved.article.dek) if "dek" in shelved.edited else ""
    return Story(str(shelved.article.id), one_line(shelved.article.title), own)


def revise(weekly: Weekly, sheet: Sheet, *, slot: Slot, who: Who) -> Revision:
    """What has to be decided so that the issue of a slot becomes a sheet. Changes nothing."""
    if sheet.key not in ("", slot.key):
        raise Refused(
            f"line {sheet.lines['issue']}: this is the issue {sheet.key}, not {slot.key}; nothing was changed"
        )
    weekly.editor.refuse_closed(slot.key)
    issue = weekly.pick(slot)
    revising = _Revising(weekly, weekly.editor.gathering(), issue, sheet, who)
    wanted = revising.wanted()
    revising.drop(wanted)
    revising.reword(wanted)
    came = revising.place(wanted)
    revising.say(_sheet(weekly, issue, seen=0))
    return Revision(tuple(revising.editor.gathered or ()), came, sheet.seen)


_Wanted = dict[str, dict[int, Story]]
"""Stories by section and number, in order."""


@dataclass(frozen=True, slots=True)
class _Revising:
    """A sheet being compared with the issue. `editor` gathers what has to be decided."""

    weekly: Weekly
    editor: Editor
    issue: Issue
    sheet: Sheet
    who: Who

    def wanted(self) -> _Wanted:
        """The stories of the sheet."""
        wanted: _Wanted = {}
        first: dict[int, Story] = {}
        for part in self.sheet.parts:
            with _told(part.line):
                self.editor.section(part.name)
            stories = wanted.setdefault(part.name, {})
            for story in part.stories:
                with _told(story.line):
                    number = self.weekly.shelf.find(story.what).article.id or 0
                    if number in first:
                        raise Refused(f"{story.what} stands in line {first[number].line} already")
                first[number] = stories[number] = story
        return wanted

    def drop(self, wanted: _Wanted) -> None:
        kept = {number for stories in wanted.values() for number in stories}
        if self.issue.picks and not kept:
            key = self.issue.slot.key
            raise Refused(f"no story is named; `newsletter issues cancel {key}` gives an issue up; nothing was changed")
        for number in _numbers(self.issue.picks):
            if number not in kept:
                self.editor.drop(number, slot=self.issue.slot, who=self.who, ever=False, seen=self.sheet.seen)

    def reword(self, wanted: _Wanted) -> None:
        for number, story in ((number, story) for stories in wanted.values() for number, story in stories.items()):
            shelved = self.weekly.shelf.find(str(number))
            now = _story(shelved)
            changes = {"dek": story.dek} if story.dek != now.dek else {}
            if story.title != now.title and (story.title or "title" in shelved.edited):
                changes["title"] = story.title
            if changes:
                with _told(story.line):
                    self.editor.edit(number, changes, slot=self.issue.slot, who=self.who, seen=self.sheet.seen)

    def place(self, wanted: _Wanted) -> tuple[Pick, ...]:
        """Give places until the choice puts every story where it is wanted; returns what else it takes."""
        there = {name: _numbers(self.issue.in_section(name)) for name in wanted}
        moved = {number for name, stories in wanted.items() for number in _moved(there[name], list(stories))}
        if not moved and not self.editor.gathered:
            return ()
        before = list(self.editor.gathered or ())
        while True:
            placed = self._placed(wanted, moved)
            trial = [*before, *placed]
            last = self.weekly.decisions.newest()
            numbered = [replace(one, number=last + place) for place, one in enumerate(trial, 1)]
            found = self.weekly.pick(self.issue.slot, trial=numbered)
            misplaced = {
                number
                for name, stories in wanted.items()
                if (number := _misplaced(list(stories), _numbers(found.in_section(name)), moved)) is not None
            }
            if not misplaced:
                break
            moved |= misplaced
        assert self.editor.gathered is not None
        self.editor.gathered.extend(placed)
        named = {number for stories in wanted.values() for number in stories}
        return tuple(pick for pick in found.picks if pick.article.id not in named)

    def _placed(self, wanted: _Wanted, moved: set[int]) -> list[Decision]:
        editor, there = self.editor.gathering(), set(_numbers(self.issue.picks))
        for name, stories in wanted.items():
            for position, (number, story) in enumerate(stories.items(), 1):
                if number in moved:
                    with _told(story.line):
                        editor.place(
                            number,
                            section=name,
                            position=position,
                            slot=self.issue.slot,
                            who=self.who,
                            act=Act.MOVE if number in there else Act.PIN,
                            seen=self.sheet.seen,
                        )
        return list(editor.gathered or ())

    def say(self, now: Sheet) -> None:
        """The words for the issue, where they are others than `now`."""
        sheet, slot, who = self.sheet, self.issue.slot, self.who
        for act, name, text, old in (
            (Act.SUBJECT, "subject", sheet.subject, now.subject),
            (Act.INTRO, "introduction", sheet.intro, now.intro),
        ):
            if text != old:
                with _told(sheet.lines.get(name, 0)):
                    self.editor.say(act, text, slot=slot, who=who, seen=sheet.seen)
        there = {note.name: note for note in now.notes}
        for note in sheet.notes:
            with _told(sheet.lines.get(f"note {note.name}", 0)):
                if not note.text:
                    raise Refused(f"the note {note.name} has no text; delete its line to take it out")
                if replace(note, url=canonical(note.url) or note.url) != there.pop(note.name, None):
                    self.editor.insert(note, slot=slot, who=who, seen=sheet.seen)
        for name in there:
            self.editor.insert(Insert(name, ""), slot=slot, who=who, seen=sheet.seen)


def _numbers(picks: Sequence[Pick]) -> list[int]:
    return [pick.article.id for pick in picks if pick.article.id is not None]


def _moved(there: Sequence[int], wanted: Sequence[int]) -> set[int]:
    """What of a section came from elsewhere, or stands in another order than before."""
    blocks = SequenceMatcher(None, there, wanted, autojunk=False).get_matching_blocks()
    return set(wanted) - {number for block in blocks for number in wanted[block.b : block.b + block.size]}


def _misplaced(wanted: Sequence[int], found: Sequence[int], placed: set[int]) -> int | None:
    """The first story without a place that stands where another is wanted, or is missing."""
    in_order = [number for number in found if number in wanted]
    for one, other in zip_longest(wanted, in_order):
        if one != other:
            return next((number for number in (one, other) if number is not None and number not in placed), None)
    return None


@contextmanager
def _told(line: int) -> Iterator[None]:
    """What is refused inside is told with its line, if it has one."""
    try:
        yield
    except Refused as error:
        where = f"line {line}: " if line else ""
        raise Refused(f"{where}{error}; nothing was changed") from error
