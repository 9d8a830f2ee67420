"""An issue as a short text that anybody can read, change and write; `read` undoes `written`. Pure.

    Issue: 2026-W47, decision 12
    Subject: The week in puddles
    Introduction: It rained.

      A lot.

    [city-news] City news
    12 · The night ferry returns
       > Words of the editor's own below the title.
    https://example.com/harbour
    Note: ad
       label: Advertisement
       https://example.com/umbrellas
       > Umbrellas, half price.

A story is its number or address, and a title. A line that begins with `#` is not read. All words are kept as `one_line`
and `lines` make them, so that what no letter shows (a line's end, a mark that turns a title round) is no change.

What it does not know: whether there is such a section or article, and what has to be decided (`weekly.revision`).
Raises `Refused` with the number of the line.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from newsletter.characters import clean, readable
from newsletter.errors import Refused
from newsletter.issue import Insert

_ISSUE = re.compile(r"([^\s,]+)(?:\s*,\s*decision\s+([0-9]{1,11}))?")
_SECTION = re.compile(r"\[\s*([^\]]+?)\s*\].*")
_FIELD = re.compile(r"(issue|subject|introduction|note)\s*:\s*(.*)", re.IGNORECASE)
_STORY = re.compile(r"([0-9]{1,11}|https?://\S+)(?:\s*[·.:)–-]?\s+(.*))?", re.IGNORECASE)
_LABEL = re.compile(r"label\s*:\s*(.*)", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)
_EMPTY_LINES = re.compile(r"\n{3,}")


@dataclass(frozen=True, slots=True)
class Story:
    """A line of the issue. `what` is the article's number or address; `dek` are the editor's own words below it."""

    what: str
    title: str = ""
    dek: str = ""
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Part:
    """A section and its stories. `title` is for whoever reads it."""

    name: str
    stories: tuple[Story, ...] = ()
    title: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Sheet:
    """An issue, or what somebody made of it. `seen` is the newest decision it shows; None is unknown.

    `lines` says where the subject, the introduction and each note stand, a note as `note NAME`.
    """

    key: str = ""
    seen: int | None = None
    subject: str = ""
    intro: str = ""
    parts: tuple[Part, ...] = ()
    notes: tuple[Insert, ...] = ()
    lines: Mapping[str, int] = field(default_factory=dict, compare=False)


def one_line(text: str) -> str:
    """Words that stand in a line, composed (NFC)."""
    return unicodedata.normalize("NFC", clean(text)).strip()


def lines(text: str) -> str:
    """Words of several lines, none with blanks around it, in paragraphs split by one empty line."""
    return _EMPTY_LINES.sub("\n\n", "\n".join(line.strip() for line in readable(text).split("\n"))).strip()


def written(sheet: Sheet, *, name: str) -> str:
    """The text of a sheet; `name` is the newsletter's."""
    return "\n".join(_lines_of(sheet, name=one_line(name))) + "\n"


def _lines_of(sheet: Sheet, *, name: str) -> Iterator[str]:
    yield f"# {name}, {sheet.key}. Change what you like, then: newsletter issues edit {sheet.key} --from FILE"
    yield "# A story is its number or address, and a title: move its line, delete it, or add one. Your own words for it"
    yield "# go below, as lines that begin with >. A subject or an introduction left empty is the newsletter's own."
    yield f"Issue: {sheet.key}" + (f", decision {sheet.seen}" if sheet.seen is not None else "")
    yield f"Subject: {sheet.subject}".rstrip()
    first, *more = sheet.intro.split("\n")
    yield f"Introduction: {first}".rstrip()
    yield from (f"  {line}".rstrip() for line in more)
    yield from _notes(sheet, after="")
    for part in sheet.parts:
        yield ""
        yield f"[{part.name}] {one_line(part.title)}".rstrip()
        for story in part.stories:
            yield f"{story.what} · {story.title}" if story.title else story.what
            yield from _quoted(story.dek)
        yield from _notes(sheet, after=part.name)


def _notes(sheet: Sheet, *, after: str) -> Iterator[str]:
    for note in sheet.notes:
        if note.after == after:
            yield f"Note: {note.name}".rstrip()
            yield from (f"   label: {note.label}",) if note.label else ()
            yield from (f"   {note.url}",) if note.url else ()
            yield from _quoted(note.text)


def _quoted(text: str) -> Iterator[str]:
    yield from (f"   > {line}".rstrip() for line in text.split("\n") if text)


def read(text: str) -> Sheet:
    """The sheet that a text is."""
    reading = _Reading()
    for number, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        reading.take(line, number)
    return reading.sheet()


class _Reading:
    """A text half read: `_on` is what the lines that are set in belong to."""

    def __init__(self) -> None:
        self._sheet = Sheet()
        self._words: dict[str, list[str]] = {"subject": [], "introduction": []}
        self._parts: list[tuple[Part, list[Story]]] = []
        self._notes: list[Insert] = []
        self._lines: dict[str, int] = {}
        self._on = ""

    def sheet(self) -> Sheet:
        return replace(
            self._sheet,
            subject=one_line(" ".join(self._words["subject"])),
            intro=lines("\n".join(self._words["introduction"])),
            parts=tuple(replace(part, stories=tuple(map(_tidy, stories))) for part, stories in self._parts),
            notes=tuple(replace(note, text=lines(note.text)) for note in self._notes),
            lines=self._lines,
        )

    def take(self, line: str, number: int) -> None:
        words = line.strip()
        set_in = line[:1].isspace()
        if self._on in self._words and (set_in or not words):
            self._words[self._on].append(words)
        elif not words or line.startswith("#"):
            return
        elif set_in or line.startswith(">"):
            self._take_below(words, number)
        elif found := _FIELD.fullmatch(words):
            self._take_field(found[1].lower(), found[2], number)
        elif found := _SECTION.fullmatch(words):
            self._parts.append((Part(found[1], line=number), []))
            self._on = ""
        elif found := _STORY.fullmatch(words):
            if not self._parts:
                raise _refused(number, "a story stands below the [section] it is in")
            self._parts[-1][1].append(Story(found[1], one_line(found[2] or ""), line=number))
            self._on = "story"
        else:
            raise _refused(
                number, f"“{clean(words)[:40]}” is no story (its number or address comes first), no [section]"
            )

    def _take_field(self, name: str, words: str, number: int) -> None:
        value = one_line(words)
        thing = f"note {value}" if name == "note" else name
        if thing in self._lines:
            raise _refused(number, f"there is a second “{clean(name.capitalize())}: {value}”".replace(": ”", ":”"))
        self._lines[thing] = number
        self._on = name
        if name == "issue":
            found = _ISSUE.fullmatch(value)
            if found is None:
                raise _refused(number, "after “Issue:” stands the week, such as 2026-W47")
            self._sheet = replace(self._sheet, key=found[1], seen=int(found[2]) if found[2] else None)
        elif name == "note":
            self._notes.append(Insert(value, "", after=self._parts[-1][0].name if self._parts else ""))
        else:
            self._words[name].append(words)

    def _take_below(self, words: str, number: int) -> None:
        said = words[1:].strip() if words.startswith(">") else None
        if self._on == "story" and said is not None:
            stories = self._parts[-1][1]
            stories[-1] = replace(stories[-1], dek=f"{stories[-1].dek}\n{said}")
        elif self._on == "story":
            raise _refused(number, "below a story stand your own words for it, as lines that begin with >")
        elif self._on != "note":
            raise _refused(number, f"“{clean(words)[:40]}” is set in, and belongs to no story, note or introduction")
        elif said is not None:
            self._notes[-1] = replace(self._notes[-1], text=f"{self._notes[-1].text}\n{said}")
        elif label := _LABEL.fullmatch(words):
            self._notes[-1] = replace(self._notes[-1], label=one_line(label[1]))
        elif _ADDRESS.fullmatch(words):
            self._notes[-1] = replace(self._notes[-1], url=words)
        else:
            raise _refused(
                number, "below a note stand “label: …”, its http or https address, and its text with > before it"
            )


def _tidy(story: Story) -> Story:
    return replace(story, dek=lines(story.dek))


def _refused(number: int, why: str) -> Refused:
    return Refused(f"line {number}: {why}; nothing was changed")
