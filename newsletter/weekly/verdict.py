"""The verdict: what `send` would do now, and why. Pure.

`Weekly.verdict` asks it once; `send` takes its decision from it, and `send --dry-run`, `pick`, `preview`, `check` and
`doctor` print it. What it does not know: whether the mail server answers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from newsletter.errors import NewsletterError, Refused, counted
from newsletter.issue import Issue
from newsletter.issues import IssueRow, IssueState
from newsletter.letter import Letter
from newsletter.rendering import Finding

# What an article was passed over for, without the particulars: "too old: published …" is "too old".
_KIND_OF_REASON = re.compile(r"[^:(]*")


@dataclass(frozen=True, slots=True)
class PullLine:
    """What pulling one source did. `failed` says why nothing could be read; `problems` are about single articles;
    of the new ones `quarantined` are in no issue before somebody lets them in. A source of numbers has given them for
    `numbers` articles; it is None of any other.
    """

    source: str
    new: int = 0
    changed: int = 0
    same: int = 0
    unchanged: bool = False
    failed: str = ""
    problems: tuple[str, ...] = ()
    quarantined: int = 0
    numbers: int | None = None


@dataclass(frozen=True, slots=True)
class Composed:
    """The issue as it would go out now. Without a pick there is no letter."""

    issue: Issue
    letter: Letter | None
    findings: tuple[Finding, ...] = ()


class Outcome(StrEnum):
    """What `send` would do."""

    SEND = "send"
    FINISH = "finish"  # an issue is frozen and unfinished: it goes on
    NOTHING_NEW = "nothing new"
    THIN = "thin"
    NOBODY = "nobody"  # there is no active subscriber
    SKIP = "skip"  # the schedule gives the slot up for good
    HOLD = "hold"  # somebody has to release or approve the issue first
    DONE = "done"  # closed, skipped, missed or cancelled before
    REFUSED = "refused"  # something has to be put right first


@dataclass(frozen=True, slots=True)
class Silent:
    """A source that gave nothing this issue could carry, and why."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """`slot_key` is the issue it is about; `row` is what is on record of it, if that decides; `error` is what `send`
    would raise; `remedy` is what to do about it, where the reason does not say so. `composed` is set when an issue was
    picked, `pulled` when sources were read for it.
    """

    slot_key: str
    outcome: Outcome
    reason: str = ""
    remedy: str = ""
    recipients: int = 0
    empty_sections: tuple[str, ...] = ()
    silent_sources: tuple[Silent, ...] = ()
    row: IssueRow | None = None
    error: NewsletterError | None = None
    composed: Composed | None = None
    pulled: tuple[PullLine, ...] = ()

    @property
    def mails(self) -> bool:
        """Whether `send` would mail anybody."""
        return self.outcome in (Outcome.SEND, Outcome.FINISH)

    @property
    def exit_code(self) -> int:
        """Of a rehearsal: 0 only if `send` would mail, 2 if a setting has to be changed first."""
        return self.error.exit_code if self.error else 0 if self.mails else 1

    @property
    def subject(self) -> str:
        if self.row is not None:
            return self.row.subject
        return self.composed.letter.subject if self.composed and self.composed.letter else ""

    @property
    def text(self) -> str:
        """The verdict in one line."""
        if self.outcome == Outcome.SEND:
            why = f" ({self.reason})" if self.reason else ""
            return f"{self.slot_key} “{self.subject}” would go to {counted(self.recipients, 'recipient')}{why}"
        if self.outcome == Outcome.FINISH:
            return f"{self.slot_key} “{self.subject}” is frozen and unfinished; a send would go on with it"
        if self.row is not None:
            why = f" ({self.row.reason})" if self.row.reason else ""
            return f"{self.slot_key} is {self.row.state}{why}; a send would mail nobody"
        return f"{self.slot_key} would not go out: {self.told}"

    @property
    def told(self) -> str:
        """The reason, and what to do about it."""
        return ": ".join(filter(None, (self.reason, self.remedy)))

    def headline(self, at: datetime, *, now: datetime) -> str:
        """The verdict for an editor: when it goes out to how many, or why it does not. `at` is its slot's time."""
        words = self._goes(at, now=now) if self.outcome == Outcome.SEND else self.reason or self.text
        return words[:1].upper() + words[1:]

    def once_let_go(self, at: datetime, *, now: datetime) -> str:
        """What happens to an issue that only waits for a person when they approve it; empty for any other."""
        waits = self.outcome == Outcome.HOLD and self.remedy and self.recipients
        return f"Approved, it {self._goes(at, now=now)}" if waits else ""

    def _goes(self, at: datetime, *, now: datetime) -> str:
        readers = counted(self.recipients, "reader")
        return f"goes out to {readers} as soon as it is sent" if at <= now else f"goes out {at:%A %H:%M} to {readers}"

    def remarks(self) -> Iterator[str]:
        """A line for every empty section and every silent source."""
        yield from (f"the section “{title}” is empty" for title in self.empty_sections)
        yield from (f"the source {one.source} gave nothing to this issue: {one.reason}" for one in self.silent_sources)

    def as_json(self) -> dict[str, Any]:
        return {
            "outcome": self.outcome.value,
            "slot": self.slot_key,
            "text": self.text,
            "reason": self.reason,
            "subject": self.subject,
            "recipients": self.recipients,
            "empty_sections": list(self.empty_sections),
            "silent_sources": [asdict(one) for one in self.silent_sources],
        }


def on_record(row: IssueRow) -> Verdict | None:
    """The verdict on an issue whose record alone decides; None when it is still to be made."""
    if row.state in (IssueState.DRAFT, IssueState.REVIEW, IssueState.APPROVED):
        return None
    outcome = {IssueState.SENDING: Outcome.FINISH, IssueState.HELD: Outcome.HOLD}.get(row.state, Outcome.DONE)
    return Verdict(row.slot_key, outcome, row.reason, recipients=row.frozen, row=row)


def refused(slot_key: str, error: NewsletterError) -> Verdict:
    """The verdict on an issue that cannot be made before somebody has put right what `error` says."""
    return Verdict(slot_key, Outcome.REFUSED, str(error), error=error)


def decide(
    composed: Composed, *, recipients: int, at_least: int, when_thin: str = "skip", scheduled: bool = False
) -> Verdict:
    """The verdict on an issue that would be made now. An issue of fewer picks than `at_least` goes out with `when_thin`
    "send", and with "hold" where a person sends it: the schedule holds it for them.
    """
    key, number = composed.issue.slot.key, len(composed.issue.picks)
    empty = tuple(one.title for one in composed.issue.sections if not composed.issue.in_section(one.name))
    outcome, reason, error = Outcome.SEND, "", None
    errors = [finding for finding in composed.findings if finding.level == "error"]
    if not number:
        outcome, reason = Outcome.NOTHING_NEW, "no article was picked"
    elif number < at_least and (when_thin in ("skip", "top_up") or (when_thin == "hold" and scheduled)):
        outcome = Outcome.HOLD if when_thin == "hold" else Outcome.THIN
        reason = f"a thin week: {counted(number, 'article')} to carry, [issue] min is {at_least}"
        if when_thin == "hold":
            reason += f"; it is held for you: `newsletter send --slot {key}` sends it as it is"
    elif not recipients:
        outcome, reason = Outcome.NOBODY, "nobody is subscribed yet"
    elif errors:
        outcome = Outcome.REFUSED
        reason = f"the letter of {key} has {counted(len(errors), 'error')}, the first: {errors[0].text}"
        error = Refused(f"{reason}; `newsletter check` lists them, nobody was mailed")
    elif number < at_least and when_thin == "hold":
        reason = f"a thin week of {counted(number, 'article')}, which the schedule holds for you"
    return Verdict(key, outcome, reason, recipients=recipients, empty_sections=empty, composed=composed, error=error)


def silent_sources(
    names: Sequence[str], *, issue: Issue, failures: Mapping[str, str], on_shelf: Mapping[str, int]
) -> tuple[Silent, ...]:
    """The sources of which nothing could be carried. `failures` says why a source could not be read; `on_shelf` is how
    many articles of each there are, also those so old that the issue did not look at them.
    """
    usable = {pick.article.source for pick in issue.picks}
    usable |= {one.article.source for one in issue.passed_over if one.score is not None}
    found = []
    for name in names:
        number = on_shelf.get(name, 0)
        if failures.get(name):
            found.append(Silent(name, failures[name]))
        elif not number:
            found.append(Silent(name, "it has no articles"))
        elif name not in usable:
            found.append(Silent(name, _none_of(name, number, issue=issue)))
    return tuple(found)


def _none_of(name: str, number: int, *, issue: Issue) -> str:
    reasons = [one.reason for one in issue.passed_over if one.article.source == name]
    kinds = Counter(_KIND_OF_REASON.match(reason)[0].strip() for reason in reasons)  # type: ignore[index]
    kinds["too old"] += max(0, number - len(reasons))
    counts = [f"{count} {kind}" for kind, count in kinds.most_common() if count]
    if len(counts) == 1:
        counts = [counts[0].partition(" ")[2]]
    its = f"all its {number:,} articles are" if number > 1 else "its one article is"
    return f"{its} passed over ({', '.join(counts)})"
