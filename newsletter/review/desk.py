"""What the review page shows: the issue of a slot as it would go out now, ordered for somebody who decides.

Everything is worked out in one reading of the database; the letter is rendered once for each state of it (`Looks`).
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from newsletter import rendering
from newsletter.app import Project
from newsletter.decisions import effective
from newsletter.errors import counted
from newsletter.issue import STEPPING, Act, Decision, Issue, PassedOver, Pick, Section, Slot
from newsletter.issues import IssueRow
from newsletter.letter import digest_of
from newsletter.links import canonical
from newsletter.rendering.theme import STORED
from newsletter.shelf import load_article
from newsletter.weekly import Composed, Verdict

MOST_WAITING = 150
"""So many of what was passed over are listed; the rest is counted."""
_LOG = 12
_KEPT = 8


@dataclass(frozen=True, slots=True)
class Look:
    """One issue as it is shown. `stored` says that the letter is the frozen one; `row` is on record, if anything is."""

    slot: Slot
    composed: Composed
    verdict: Verdict
    now: datetime
    row: IssueRow | None = None
    stored: bool = False


@dataclass(frozen=True, slots=True)
class Story:
    """A pick as the page shows it: `changed` says who decided about it last and when, `picture` is an address or ""."""

    pick: Pick
    url: str
    changed: str = ""
    picture: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A section with its badge, `empty`, `thin` or `ready`, and why; its stories; and the next in line for it."""

    section: Section
    badge: str
    why: str
    stories: tuple[Story, ...]
    alternates: tuple[PassedOver, ...]


@dataclass(frozen=True, slots=True)
class Desk:
    """The whole page. `seen` is the newest decision there was; `digest` that of the letter, "" without one."""

    slot: Slot
    name: str
    look: Look
    parts: tuple[Part, ...]
    waiting: tuple[PassedOver, ...]
    more_waiting: int
    log: tuple[tuple[Decision, str, bool], ...]
    last: tuple[Decision, str] | None
    seen: int
    digest: str
    open: bool

    @property
    def issue(self) -> Issue:
        return self.look.composed.issue

    @property
    def section_choices(self) -> Sequence[tuple[str, str]]:
        return [(part.section.name, part.section.title or part.section.name) for part in self.parts]


class Looks:
    """Keeps the newest drafts: composing one costs a fifth of a second. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[object, Composed] = OrderedDict()

    def of(self, project: Project, slot: Slot) -> Look:
        """The look of a slot; it is composed anew when anything it is made of has changed, and every minute."""
        row = project.issues.find(slot.key)
        if row is not None and row.frozen_at is not None:
            return look(project, slot)
        minute = project.clock().replace(second=0, microsecond=0)
        key = (id(project), slot.key, row, project.decisions.newest(), project.shelf.version(), minute)
        with self._lock:
            composed = self._kept.pop(key, None) or project.weekly.compose(slot)
            self._kept[key] = composed
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return Look(
            slot, composed, project.weekly.verdict(slot, older_first=False, composed=composed), project.clock(), row
        )


def look(project: Project, slot: Slot) -> Look:
    """The issue of a slot as it would go out now, or as it went out."""
    row = project.issues.find(slot.key)
    if row is None or row.frozen_at is None:
        composed = project.weekly.compose(slot)
        return Look(
            slot, composed, project.weekly.verdict(slot, older_first=False, composed=composed), project.clock(), row
        )
    letter = project.issues.letter(row.id)
    picks = tuple(
        Pick(replace(load_article(p.article), id=p.article_id), p.section, p.position, p.score, reason=p.reason)
        for p in project.issues.picks(row.id)
    )
    findings = rendering.check(letter, publication=project.publication, theme=project.theme)
    verdict = project.weekly.verdict(slot, older_first=False)
    issue = Issue(slot, project.weekly.sections(), picks)
    return Look(slot, Composed(issue, letter, findings), verdict, project.clock(), row, stored=True)


def desk_of(project: Project, shown: Look, *, pictures: str) -> Desk:
    """The page for a look; stored pictures lie under the path `pictures`."""
    log = project.decisions.log()
    holds = effective(log)
    standing = {one.number for one in holds}
    now = project.clock()
    issue = shown.composed.issue
    articles = (*(pick.article for pick in issue.picks), *(one.article for one in issue.passed_over))
    titles = {article.id: article.title for article in articles}
    last_of: dict[int, Decision] = {}
    for decision in holds:
        for number in (decision.article, decision.other):
            if number is not None:
                last_of[number] = decision
    mine = [one for one in log if one.slot_key == shown.slot.key]
    undoable = [one for one in mine if one.number in standing and one.act not in STEPPING]
    others = [one for one in issue.passed_over if not one.needs and _may_come(one)]
    letter = shown.composed.letter
    return Desk(
        slot=shown.slot,
        name=project.publication.name,
        look=shown,
        parts=tuple(_part(section, issue, last_of, now=now, pictures=pictures) for section in issue.sections),
        waiting=tuple(others[:MOST_WAITING]),
        more_waiting=max(0, len(others) - MOST_WAITING),
        log=tuple((one, said(one, titles, now=now), one.number in standing) for one in reversed(mine[-_LOG:])),
        last=(undoable[-1], said(undoable[-1], titles, now=now)) if undoable else None,
        seen=log[-1].number if log else 0,
        digest=digest_of({"": letter}) if letter else "",
        open=shown.row is None or shown.row.open,
    )


def _may_come(one: PassedOver) -> bool:
    """Whether a pin could bring it in; what was carried, or is incomplete, is not listed among what waits."""
    return not one.reason.startswith(("carried by", "incomplete"))


def _part(section: Section, issue: Issue, last_of: Mapping[int, Decision], *, now: datetime, pictures: str) -> Part:
    picks = issue.in_section(section.name)
    notes = dict(issue.notes).get(section.name, "")
    found = f"{len(picks)} of at least {section.min}" if len(picks) < section.min else ""
    badge = "empty" if not picks else "thin" if found else "ready"
    why = "; ".join(filter(None, (found, notes)))
    stories = [
        Story(
            pick,
            canonical(pick.article.url or ""),
            _changed(last_of.get(pick.article.id or 0), now=now),
            _picture(pick, pictures=pictures),
        )
        for pick in picks
    ]
    return Part(section, badge, why, tuple(stories), issue.alternates(section.name))


def _picture(pick: Pick, *, pictures: str) -> str:
    url = pick.article.image.url if pick.article.image else ""
    return pictures + url.removeprefix(STORED) if url.startswith(STORED) else canonical(url) or ""


def _changed(decision: Decision | None, *, now: datetime) -> str:
    if decision is None or decision.at is None:
        return ""
    return f"{_DONE[decision.act]} by {decision.by or 'the editor'}, {ago(decision.at, now=now)}"


_DONE: Mapping[Act, str] = {
    Act.PIN: "pinned", Act.MOVE: "moved", Act.SWAP: "swapped", Act.DROP: "dropped", Act.HOLD: "held",
    Act.EDIT: "changed", Act.APPROVE: "approved", Act.PULL_BACK: "approval pulled back", Act.HOLD_ISSUE: "held",
    Act.RELEASE: "released", Act.CANCEL: "cancelled",
    Act.INTRO: "introduction written", Act.SUBJECT: "subject written", Act.INSERT: "note written", Act.UNDO: "undone",
}  # fmt: skip


def said(decision: Decision, titles: Mapping[int | None, str], *, now: datetime) -> str:
    """A decision in words: “The lighthouse keeper” dropped by Ada, 2 min ago."""
    title = titles.get(decision.article)
    about = f"“{title}” " if title else f"Article {decision.article} " if decision.article else ""
    words = f"{about}{_changed(decision, now=now)}"
    return words[:1].upper() + words[1:]


def ago(at: datetime, *, now: datetime) -> str:
    """How long ago a moment was, as one says it."""
    minutes = int((now - at).total_seconds() // 60)
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{minutes} min ago"
    if minutes < 24 * 60:
        return f"{counted(minutes // 60, 'hour')} ago"
    return f"{counted(minutes // (24 * 60), 'day')} ago"
