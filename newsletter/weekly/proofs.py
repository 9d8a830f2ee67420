"""The proof: an issue put to its editors by mail before its slot, each with a link of their own to the review page.

The mail is the real letter below what `send` would do now. The issue is put to review and the mails are put into the
outbox in one transaction, as of one moment: what is read later is another proof, or waits. A link opens the page until
the issue is made or given up, at the latest until `[schedule] grace` after the slot. Raises `Refused` with the sentence
to show.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parseaddr
from typing import TYPE_CHECKING

from newsletter import rendering
from newsletter.characters import clean
from newsletter.errors import Busy, Refused
from newsletter.issue import Slot
from newsletter.issues import IssueState
from newsletter.letter import REVIEW_TOKEN, Letter
from newsletter.locks import try_lock
from newsletter.review_links import PURPOSE, ReviewLink, ReviewLinks
from newsletter.sending import outbox
from subscribers import Link

if TYPE_CHECKING:
    from newsletter.weekly import Weekly
    from newsletter.weekly.verdict import Composed, PullLine, Verdict


@dataclass(frozen=True, slots=True)
class Proofs:
    """`before` is `[schedule] review`, nothing for none; `editors` are those of `[newsletter]`."""

    weekly: Weekly
    links: ReviewLinks
    editors: Sequence[str]
    before: timedelta
    grace: timedelta
    required: bool

    def due(self, slot: Slot) -> bool:
        """Whether a proof of this slot's issue is to be mailed now: `before` its time, and of one that waits for a
        person at the latest when its time has come.
        """
        weekly, now = self.weekly, self.weekly.clock()
        until = slot.at + self.grace if self.required else slot.at
        wanted = bool(self.before) or self.required
        if not self.editors or not wanted or not slot.at - self.before <= now < until:
            return False
        if slot.at < weekly.database.began():
            return False
        row = weekly.issues.find(slot.key)
        return row is None or (row.proofed_at is None and row.open)

    def mail(
        self, slot: Slot, *, once: bool = False, on_pulled: Callable[[Sequence[PullLine]], None] = lambda _: None
    ) -> list[str]:
        """Read the sources, put the issue to review as it is now, and put a mail to every editor into the outbox.

        Returns their addresses; with `once`, none if there was a proof before. An approved issue is not put to review
        again by it.
        """
        weekly = self.weekly
        if not self.editors:
            raise Refused("nobody can be sent a proof: [newsletter] editors is empty; put an address there")
        lock = try_lock(weekly.database, "proof")
        if lock is None:
            raise Busy("another process is mailing a proof just now")
        with lock:
            row = weekly.issues.find(slot.key)
            if once and row is not None and (row.proofed_at is not None or not row.open):
                return []
            self._refuse_ended(slot)
            if row is not None and row.state == IssueState.APPROVED:
                raise Refused(f"the issue {slot.key} is approved ({row.reason}); pull it back for another proof")
            return self._mail(slot, on_pulled=on_pulled)

    def _mail(self, slot: Slot, *, on_pulled: Callable[[Sequence[PullLine]], None]) -> list[str]:
        from newsletter.weekly import need_address

        weekly = self.weekly
        need_address(weekly.publication, "proof")
        weekly.pull_and_tell(slot, on_pulled)
        now = weekly.clock()
        composed = weekly.compose(slot, at=now)
        if composed.letter is None:
            raise Refused(f"there is no proof of {slot.key} to mail: no article was picked")
        proof = self._letter(slot, composed, weekly.verdict(slot, older_first=False, composed=composed))
        addresses = [parseaddr(editor)[1] for editor in self.editors]
        with weekly.database.write() as connection:
            weekly.approval.put(connection, slot, at=now)
            for address in addresses:
                link = self.links.make(connection, slot_key=slot.key, editor=address, now=now)
                tokens = {REVIEW_TOKEN: Link(PURPOSE, link.payload)}
                outbox.post(connection, proof, address=address, links=tokens, kind="proof", now=now)
        return addresses

    def _letter(self, slot: Slot, composed: Composed, verdict: Verdict) -> Letter:
        assert composed.letter is not None
        at, until = slot.at, slot.at + self.grace
        passed = [f"{clean(one.article.title) or '(no title)'}: {one.reason}" for one in composed.issue.passed_over]
        told = rendering.Told(
            slot.key,
            when=f"{at:%A} {at.day} {at:%B}, {at:%H:%M} {at.tzname()}",
            headline=verdict.headline(at, now=self.weekly.clock()),
            until=f"the issue is made, at the latest until {until:%A} {until.day} {until:%B}, {until:%H:%M}",
            remarks=(
                *filter(None, [verdict.reason if verdict.mails else verdict.once_let_go(at, now=self.weekly.clock())]),
                *(f"The section “{title}” is empty." for title in verdict.empty_sections),
            ),
            findings=tuple(f"{one.level}: {one.text}" for one in composed.findings),
            passed_over=tuple(passed),
            silent=tuple(f"{one.source}: {one.reason}" for one in verdict.silent_sources),
        )
        making = self.weekly.making()
        return rendering.render_proof(
            composed.letter,
            told=told,
            publication=self.weekly.publication,
            theme=making.theme,
            templates=making.templates,
            nonce=secrets.token_hex(6),
        )

    def link(self, slot: Slot, editor: str) -> ReviewLink:
        """The link of one editor to an issue, made if there is none that works."""
        address = self._address(editor)
        self._refuse_ended(slot)
        with self.weekly.database.write() as connection:
            return self.links.make(connection, slot_key=slot.key, editor=address, now=self.weekly.clock())

    def revoke(self, slot: Slot, editor: str) -> int:
        """Let an editor's links to an issue open nothing any more; returns how many did. They need not be one now."""
        address = parseaddr(editor)[1] or editor
        return self.links.revoke(slot_key=slot.key, editor=address, now=self.weekly.clock())

    def admitted(self, payload: bytes | None, *, slot: Callable[[str], Slot]) -> ReviewLink:
        """The link that a token's payload names, as long as it opens something."""
        link = self.links.find(payload.hex()) if payload is not None else None
        if link is None:
            raise Refused("this is no link to a review page; open the one in the newest proof that was mailed to you")
        if link.revoked_at is not None:
            raise Refused("this link was revoked; `newsletter editors link` makes another one")
        self._address(link.editor)
        self._refuse_ended(slot(link.slot_key))
        return link

    def _refuse_ended(self, slot: Slot) -> None:
        row = self.weekly.issues.find(slot.key)
        if row is not None and not row.open:
            raise Refused(f"the issue {slot.key} is {row.state}: there is nothing to review any more")
        if self.weekly.clock() > slot.at + self.grace:
            raise Refused(f"the time of {slot.key} has passed ([schedule] grace): there is nothing to review any more")

    def _address(self, editor: str) -> str:
        """The address of somebody who is an editor now."""
        address = parseaddr(editor)[1].casefold()
        for known in (parseaddr(one)[1] for one in self.editors):
            if known.casefold() == address:
                return known
        raise Refused(f"{clean(editor)[:254]} is none of [newsletter] editors; put the address there first")

    def name_of(self, editor: str) -> str:
        """The name an editor decides under: that of the settings, else the address."""
        names = {parseaddr(one)[1]: parseaddr(one)[0] for one in self.editors}
        return names.get(editor) or editor
