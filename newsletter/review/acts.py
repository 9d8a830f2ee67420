"""A form of the page → an act of the editor. What is refused comes back as the sentence to show.

A form names its act in `do`, such as `drop 12` or `swap 12 9`, and brings the words that go with it. `seen` is the
newest decision the page had shown, so that two people do not overwrite each other unseen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from newsletter.app import Project
from newsletter.errors import Refused
from newsletter.issue import Act, Insert, Issue, Pick, Slot
from newsletter.weekly.editor import Who

Form = Mapping[str, str]
_DO = re.compile(r"([a-z-]{1,20})((?: \d{1,12}){0,2})")
_WORDS = ("title", "dek", "image")


def act(project: Project, slot: Slot, form: Form, *, who: Who, issue: Callable[[], Issue]) -> int | None:
    """Do what a form asks for; returns the article it was about, if any. Raises `Refused` and `Conflict`.

    `issue` returns the issue as it was shown: where a story stands is known from there.
    """
    found = _DO.fullmatch(form.get("do", ""))
    if found is None:
        raise Refused("the page asked for nothing that is known here; reload it and try again")
    name, numbers = found[1], [int(number) for number in found[2].split()]
    asked = _Asked(project, slot, form, who, numbers, issue)
    doing = {**_ON_STORIES, **_ON_THE_ISSUE}.get(name)
    needed = 2 if name == "swap" else 1 if name in _ON_STORIES or name == "undo" else 0
    if doing is None or len(numbers) != needed:
        raise Refused("the page asked for nothing that is known here; reload it and try again")
    doing(asked)
    return numbers[-1] if name in _ON_STORIES else None


class _Asked:
    """One form, read."""

    def __init__(
        self, project: Project, slot: Slot, form: Form, who: Who, numbers: list[int], issue: Callable[[], Issue]
    ) -> None:
        self.project, self.slot, self.form, self.who, self.numbers = project, slot, form, who, numbers
        self.editor = project.weekly.editor
        self._issue = issue
        seen = form.get("seen", "")
        self.seen = int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 12 else 0

    @property
    def number(self) -> int:
        return self.numbers[0]

    def pick(self, number: int) -> Pick:
        for pick in self._issue().picks:
            if pick.article.id == number:
                return pick
        raise Refused(f"article {number} is no longer in this issue; look at what it is now")

    def place(self, section: str, position: int | None, *, act: Act) -> None:
        self.editor.place(
            self.number, slot=self.slot, section=section, position=position, who=self.who, act=act, seen=self.seen
        )


def _pin(asked: _Asked) -> None:
    pick = asked.pick(asked.number)
    asked.place(pick.section, pick.position, act=Act.PIN)


def _place(asked: _Asked) -> None:
    position = asked.form.get("position", "")
    there = any(pick.article.id == asked.number for pick in asked._issue().picks)  # noqa: SLF001 - of this module
    at = int(position) if position.isascii() and position.isdigit() and len(position) < 4 else None
    asked.place(asked.form.get("section", ""), at, act=Act.MOVE if there else Act.PIN)


def _shift(by: int) -> Callable[[_Asked], None]:
    def shift(asked: _Asked) -> None:
        pick = asked.pick(asked.number)
        asked.place(pick.section, max(1, pick.position + by), act=Act.MOVE)

    return shift


def _drop(*, ever: bool) -> Callable[[_Asked], None]:
    def drop(asked: _Asked) -> None:
        asked.editor.drop(asked.number, slot=asked.slot, who=asked.who, ever=ever, seen=asked.seen)

    return drop


def _hold(asked: _Asked) -> None:
    until = asked.project.slot_after(asked.slot).key
    asked.editor.hold(asked.number, until=until, slot=asked.slot, who=asked.who, seen=asked.seen)


def _swap(asked: _Asked) -> None:
    gone, number = asked.numbers
    pick = asked.pick(gone)
    asked.editor.swap(
        gone,
        with_=number,
        section=pick.section,
        position=pick.position,
        slot=asked.slot,
        who=asked.who,
        seen=asked.seen,
    )


def _edit(asked: _Asked) -> None:
    shelved = asked.project.shelf.find(str(asked.number))
    article = shelved.article
    stands = {"title": article.title, "dek": article.blurb, "image": article.image.url if article.image else ""}
    given = {name: asked.form[name].strip() for name in _WORDS if name in asked.form}
    changes = {name: text for name, text in given.items() if text.replace("\r\n", "\n") != stands[name]}
    if changes:
        asked.editor.edit(asked.number, changes, slot=asked.slot, who=asked.who, seen=asked.seen)


def _say(act: Act) -> Callable[[_Asked], None]:
    def say(asked: _Asked) -> None:
        asked.editor.say(act, asked.form.get("text", ""), slot=asked.slot, who=asked.who, seen=asked.seen)

    return say


def _insert(asked: _Asked) -> None:
    fields = {name: asked.form.get(name, "") for name in ("name", "text", "label", "url", "after")}
    insert = Insert(**{**fields, "name": fields["name"] or "note"})
    asked.editor.insert(insert, slot=asked.slot, who=asked.who, seen=asked.seen)


def _undo(asked: _Asked) -> None:
    asked.editor.undo(asked.number, slot=asked.slot, who=asked.who)


def _approve(asked: _Asked) -> None:
    asked.project.weekly.approval.approve(asked.slot, digest=asked.form.get("digest", ""), who=asked.who)


def _hold_issue(asked: _Asked) -> None:
    asked.project.weekly.approval.hold(asked.slot, reason=asked.form.get("reason", ""), who=asked.who)


def _release(asked: _Asked) -> None:
    asked.project.weekly.approval.release(asked.slot, who=asked.who)


def _pull_back(asked: _Asked) -> None:
    asked.project.weekly.approval.pull_back(asked.slot, who=asked.who)


_ON_STORIES: Mapping[str, Callable[[_Asked], None]] = {
    "pin": _pin,
    "place": _place,
    "up": _shift(-1),
    "down": _shift(1),
    "drop": _drop(ever=False),
    "never": _drop(ever=True),
    "hold": _hold,
    "swap": _swap,
    "edit": _edit,
}
_ON_THE_ISSUE: Mapping[str, Callable[[_Asked], None]] = {
    "intro": _say(Act.INTRO),
    "subject": _say(Act.SUBJECT),
    "insert": _insert,
    "undo": _undo,
    "approve": _approve,
    "hold-issue": _hold_issue,
    "release": _release,
    "pull-back": _pull_back,
}
