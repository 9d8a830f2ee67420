"""Whether an issue may go out, and who said so: put to review, approved, held, released, pulled back, cancelled.

An approval is of the content that was looked at, by its hash. What is put to review is chosen as of that moment: what
comes later waits for the next issue unless an editor takes it in. The state is in the issue's row alone, so a kill
between any two steps loses nothing, and of two people who approve at once exactly one does.

With `approval = "auto"` an issue goes out at its time unless it is held; `"required"` waits for a person, tells of it
every hour from its time on, and is missed after `[schedule] grace`. Raises `Refused` with the sentence to show.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from newsletter.characters import clean
from newsletter.errors import Refused, counted
from newsletter.issue import Act, Decision, Slot
from newsletter.issues import IssueRow, IssueState
from newsletter.letter import digest_of
from newsletter.sending import alerts
from newsletter.weekly.editor import Who
from newsletter.weekly.verdict import Outcome, Verdict

if TYPE_CHECKING:
    import sqlalchemy as sa

    from newsletter.weekly import Weekly

AGAIN = timedelta(hours=1)
LONGEST_REASON = 200


@dataclass(frozen=True, slots=True)
class Approval:
    """The steps before the freeze. `grace` and `cooling` are those of `[schedule]`."""

    weekly: Weekly
    grace: timedelta
    cooling: timedelta
    required: bool

    def propose(self, slot: Slot) -> IssueRow:
        """Put an issue to review as it is now; again, it takes in what has come since."""
        now = self.weekly.clock()
        with self.weekly.database.write() as connection:
            self.put(connection, slot, at=now)
        return self.weekly.issues.get(slot.key)

    def put(self, connection: sa.Connection, slot: Slot, *, at: datetime) -> None:
        """As `propose`, as of a moment, in a transaction the caller began."""
        row = self._open(connection, slot)
        if row.state in (IssueState.DRAFT, IssueState.APPROVED):
            reason = "it was put to review again, with what has come since" if row.proofed_at else ""
            self.weekly.issues.step(connection, row, IssueState.REVIEW, reason=reason)
        self.weekly.issues.note(connection, row, proofed_at=at, digest="", goes_at=None)

    def approve(self, slot: Slot, *, digest: str | None = None, who: Who) -> IssueRow:
        """Let an issue go, as it stands: `digest` is that of the letter that was looked at, None the one of now."""
        weekly, now = self.weekly, self.weekly.clock()
        row = weekly.issues.find(slot.key)
        if row is not None and row.open and row.state in (IssueState.APPROVED, IssueState.HELD):
            do = "pull it back to change that" if row.state == IssueState.APPROVED else "release it first"
            raise Refused(f"the issue {slot.key} is {row.state} already ({row.reason}); {do}")
        if now > slot.at + self.grace:
            raise Refused(f"the time of {slot.key} has passed ([schedule] grace): it can no longer be approved")
        if row is None or (row.open and row.proofed_at is None):
            self.propose(slot)
        composed = weekly.compose(slot)
        errors = [finding for finding in composed.findings if finding.level == "error"]
        if composed.letter is None:
            raise Refused(f"the issue {slot.key} has no picks; there is nothing to approve")
        if errors:
            raise Refused(f"the letter of {slot.key} has an error: {errors[0].text}; put it right, then approve")
        found = digest_of({"": composed.letter})
        if digest is not None and digest != found:
            raise Refused(f"the issue {slot.key} has changed since you looked at it: look again, then approve")
        goes_at = max(slot.at, now + self.cooling)
        self._step(slot, IssueState.APPROVED, Act.APPROVE, who=who, digest=found, goes_at=goes_at)
        return weekly.issues.get(slot.key)

    def hold(self, slot: Slot, *, reason: str = "", who: Who) -> IssueRow:
        """Keep an issue, also a coming one, from going out before it is released.

        One that is being sent stops: whoever's message has been begun gets it, all others wait.
        """
        row = self.weekly.issues.find(slot.key)
        if row is not None and row.state == IssueState.SENDING:
            return self._step_frozen(row, IssueState.HELD, Act.HOLD_ISSUE, why=reason, who=who)
        return self._step(slot, IssueState.HELD, Act.HOLD_ISSUE, why=reason, who=who)

    def release(self, slot: Slot, *, who: Who) -> IssueRow:
        """Let a held issue go on where it was: to review if it was put to review, and approved before no longer."""
        row = self.weekly.issues.get(slot.key)
        if row.state == IssueState.HELD and not row.open:
            return self._step_frozen(row, IssueState.SENDING, Act.RELEASE, who=who)
        if row.state != IssueState.HELD:
            raise Refused(f"the issue {slot.key} is {row.state}, not held; there is nothing to release")
        to = IssueState.REVIEW if row.proofed_at else IssueState.DRAFT
        return self._step(slot, to, Act.RELEASE, who=who, digest="", goes_at=None)

    def pull_back(self, slot: Slot, *, who: Who) -> IssueRow:
        """Take an approval back, before the first message is made."""
        row = self.weekly.issues.get(slot.key)
        if row.state != IssueState.APPROVED or not row.open:
            raise Refused(f"the issue {slot.key} is {row.state}; there is no approval to pull back")
        return self._step(slot, IssueState.REVIEW, Act.PULL_BACK, who=who, digest="", goes_at=None)

    def cancel(self, slot: Slot, *, reason: str = "", who: Who) -> IssueRow:
        """Give up an issue that nobody was frozen into, also a coming one: the schedule leaves its week out."""
        now = self.weekly.clock()
        return self._step(slot, IssueState.CANCELLED, Act.CANCEL, why=reason, who=who, closed_at=now)

    def judged(self, slot: Slot, verdict: Verdict) -> Verdict:
        """The verdict on what would go out, once it is asked who let it go."""
        row = self.weekly.issues.find(slot.key)
        if verdict.outcome == Outcome.HOLD and row is not None and row.state == IssueState.APPROVED:
            verdict = replace(verdict, outcome=Outcome.SEND)  # a thin week that somebody looked at and approved
        if verdict.outcome != Outcome.SEND or verdict.composed is None or verdict.composed.letter is None:
            return verdict
        if row is None or row.state != IssueState.APPROVED:
            if not self.required:
                return verdict
            return replace(verdict, outcome=Outcome.HOLD, reason=self._waiting(slot, row), remedy=_let_go(slot))
        if self.required and row.digest != digest_of({"": verdict.composed.letter}):
            changed, remedy = self._changed(slot, verdict), f"look again, {_let_go(slot)}"
            return replace(verdict, outcome=Outcome.HOLD, reason=changed, remedy=remedy)
        if row.goes_at is not None and self.weekly.clock() < row.goes_at and self.weekly.clock() >= slot.at:
            at = row.goes_at.astimezone(slot.at.tzinfo)
            cooling = f"{row.reason}; it goes out at {at:%H:%M}, and can be pulled back until then"
            return replace(verdict, outcome=Outcome.HOLD, reason=cooling)
        return verdict

    def tell(self, slot: Slot, verdict: Verdict) -> None:
        """Say why an issue does not go out though its time has come, each hour; what changed needs a new approval."""
        row = self.weekly.issues.find(slot.key)
        if row is None and self.required:
            self.propose(slot)
        elif row is not None and row.state == IssueState.APPROVED:
            if row.goes_at is not None and self.weekly.clock() < row.goes_at:
                return
            with self.weekly.database.write() as connection:
                self.weekly.issues.step(
                    connection, row, IssueState.REVIEW, reason=verdict.reason, digest="", goes_at=None
                )
        if self.weekly.clock() >= slot.at:
            self.weekly.alerts.tell(replace(alerts.issue(slot.key), again=AGAIN), verdict.told)

    def waits(self, slot: Slot) -> bool:
        """Whether the schedule has nothing to do for a slot that has come, but to tell each hour what it waits for."""
        row = self.weekly.issues.find(slot.key)
        if row is None or not row.open:
            return False
        if row.state == IssueState.APPROVED:
            return row.goes_at is not None and self.weekly.clock() < row.goes_at
        if row.state == IssueState.HELD:
            reason = f"{row.reason}; `newsletter issues release {slot.key}` lets it go"
        elif self.required and row.state == IssueState.REVIEW:
            reason = f"{self._waiting(slot, row)}: {_let_go(slot)}"
        else:
            return False
        self.weekly.alerts.tell(replace(alerts.issue(slot.key), again=AGAIN), reason)
        return True

    def remind(self) -> None:
        """Tell each hour of the issues that somebody holds in mid-send, and of whoever waits for them."""
        for row in self.weekly.issues.held_in_mid_send():
            waiting = counted(self.weekly.sender.ledger(row).still_open(), "reader")
            do = f"`newsletter issues release {row.slot_key}` lets it go on, `newsletter issues cancel` ends it"
            text = f"{row.reason} in the middle of its send: {waiting} still wait; {do}"
            self.weekly.alerts.tell(replace(alerts.issue(row.slot_key), again=AGAIN), text)

    def give_up(self, row: IssueRow) -> None:
        """Record that nobody let an issue go within `[schedule] grace`, and tell the operator."""
        why = {
            IssueState.HELD: f"{row.reason}, and not released",
            IssueState.APPROVED: "approved, and nothing sent it",
        }.get(row.state, "nobody approved it" if self.required else "nothing sent it")
        reason = f"{why} within [schedule] grace"
        self.weekly.alerts.tell(alerts.issue(row.slot_key), f"this issue was missed: {reason}")
        with self.weekly.database.write() as connection:
            now = self.weekly.clock()
            self.weekly.issues.step(connection, row, IssueState.MISSED, reason=reason, closed_at=now)

    def _waiting(self, slot: Slot, row: IssueRow | None) -> str:
        why = f" ({row.reason})" if row and row.reason else ""
        until = slot.at + self.grace
        return f"it waits for an approval until {until:%A} {until.day} {until:%B}, {until:%H:%M}{why}"

    def _changed(self, slot: Slot, verdict: Verdict) -> str:
        """What is another than when it was approved, as far as the shelf knows."""
        log = [one for one in self.weekly.decisions.log(slot.key) if one.act == Act.APPROVE]
        approved_at = log[-1].at if log else None
        assert verdict.composed is not None
        numbers = [pick.article.id for pick in verdict.composed.issue.picks if pick.article.id is not None]
        since = [one for one in self.weekly.shelf.numbered(numbers) if approved_at and one.changed_at > approved_at]
        titles = ", ".join(f"“{clean(one.article.title)[:80]}”" for one in since[:3])
        what = f"the source changed {titles}" if titles else "a template, a setting or the readers' numbers did"
        return f"it is no longer what was approved ({what})"

    def _open(self, connection: sa.Connection, slot: Slot) -> IssueRow:
        issues, now = self.weekly.issues, self.weekly.clock()
        row = issues.open(connection, slot_key=slot.key, slot_at=slot.at, now=now)
        if not row.open:
            raise Refused(f"the issue {slot.key} is {row.state}; it can no longer be held or approved")
        return row

    def _step(
        self, slot: Slot, to: IssueState, act: Act, *, who: Who, why: str = "", **values: datetime | str | None
    ) -> IssueRow:
        """One step by a person, on record in the log of decisions, in one transaction."""
        reason, decision = self._recorded(slot.key, act, who=who, why=why)
        with self.weekly.database.write() as connection:
            row = self._open(connection, slot)
            self.weekly.issues.step(connection, row, to, reason=reason, **values)
            self.weekly.decisions.append(connection, decision)
        return self.weekly.issues.get(slot.key)

    def _step_frozen(self, row: IssueRow, to: IssueState, act: Act, *, who: Who, why: str = "") -> IssueRow:
        """One step of an issue that is being sent, on record in the log too."""
        reason, decision = self._recorded(row.slot_key, act, who=who, why=why)
        with self.weekly.database.write() as connection:
            self.weekly.issues.step(connection, row, to, reason=reason if to == IssueState.HELD else "")
            self.weekly.decisions.append(connection, decision)
        return self.weekly.issues.get(row.slot_key)

    def _recorded(self, key: str, act: Act, *, who: Who, why: str) -> tuple[str, Decision]:
        """The reason of a step by a person, and its entry in the log."""
        name, why = clean(who.name)[:80], clean(why)[:LONGEST_REASON]
        values = {"reason": why} if why else {}
        decision = Decision(act, key, values=values, by=name, origin=who.origin, at=self.weekly.clock())
        return f"{_DONE[act]} by {name or 'the editor'}{f': {why}' if why else ''}", decision


def _let_go(slot: Slot) -> str:
    return f"on the review page, or `newsletter issues approve {slot.key}`"


_DONE: Mapping[Act, str] = {
    Act.APPROVE: "approved",
    Act.PULL_BACK: "pulled back",
    Act.HOLD_ISSUE: "held",
    Act.RELEASE: "released",
    Act.CANCEL: "cancelled",
}
