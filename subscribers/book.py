"""The Book: the register of subscribers and its rules. All changes of consent go through here.

Every method is one transaction and commits before it returns, so no mail is begun after an unsubscribe was answered.
An anonymous request can at most cause a few mails (see `confirmations`): a form never alters an active, unsubscribed or
suppressed subscriber, only a click in their own mailbox does.

Mails are requested with `post(connection, kind, subscriber, links)`, called **inside** the transaction that causes
them; an exception from it rolls the change back. `links` holds what the tokens are made of, and no token: those are
derived (`KeyRing.token`) when the mail leaves. The kinds and their links:

* `confirm`: `confirm_token`, `unsubscribe_token`
* `already`: `unsubscribe_token`

Anybody may have typed the name in `subscriber`: neither mail may show it, or the sign-up form would mail a text of an
attacker's choice to an address of their choice.

`changed(what, subscriber)` — `confirmed`, `unsubscribed`, `resubscribed`, `suppressed`, `forgotten` — is called after
the commit, for one subscriber at a time (not by imports); an exception from it is logged and changes nothing.

What it does not know: issues, the writing of mails, pages. Raises the family of `subscribers.errors`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from subscribers import bulk, confirmations, consents as consent_log, joining, leaving, queries
from subscribers.address import Address, parse_address
from subscribers.errors import BadToken, Suppressed, UnknownSubscriber
from subscribers.subscriber import (
    Confirmation,
    ConfirmResult,
    Counts,
    Departure,
    Entry,
    ImportReport,
    Provenance,
    Record,
    SignUp,
    Status,
    Subscriber,
    SubscribeResult,
    clean_language,
    clean_text,
)
from subscribers.tables import Act, Store, sign_up_mails, subscribers
from subscribers.tokens import UNSUBSCRIBE, KeyRing

Changed = Callable[[str, Subscriber], None]

CONFIRM_WITHIN = timedelta(hours=72)
OPERATOR = Provenance(via="operator")

_log = logging.getLogger(__name__)


class Book:
    """The register of one newsletter. Safe to use from many threads and processes at once."""

    def __init__(
        self,
        store: Store,
        keys: KeyRing,
        *,
        now: Callable[[], datetime],
        post: joining.Post,
        changed: Changed | None = None,
        confirm_within: timedelta = CONFIRM_WITHIN,
    ) -> None:
        self._store = store
        self._keys = keys
        self._now = now
        self._terms = joining.Terms(post, confirm_within)
        self._changed = changed

    # Joining

    def subscribe(self, email: str, *, name: str = "", language: str = "", provenance: Provenance) -> SubscribeResult:
        """A sign-up for `email`, which anybody may have typed. Raises `BadAddress`."""
        address = parse_address(email)
        entry = self.entry(address, name=name, language=language)
        with self._act(provenance) as act:
            mailbox_hash = self._keys.address_hash(address.mailbox)
            return joining.ask(act, entry, mailbox_hash=mailbox_hash, terms=self._terms)

    def confirmation(self, token: str) -> Confirmation:
        """The state of the confirmation that a mailed token belongs to. Changes nothing."""
        with self._store.read() as connection:
            return joining.confirmation_state(connection, token, keys=self._keys, now=self._now())[0]

    def confirm(self, token: str, *, provenance: Provenance) -> ConfirmResult:
        """The click in the confirmation mail. A second click has the same result as the first."""
        with self._act(provenance) as act:
            return joining.confirm(act, token, keys=self._keys)

    def add(self, email: str, *, name: str = "", language: str = "") -> SubscribeResult:
        """The operator invites an address: pending, with a confirmation mail. Raises `BadAddress` or `Suppressed`."""
        result = self.subscribe(email, name=name, language=language, provenance=OPERATOR)
        if result.outcome is SignUp.SUPPRESSED:
            raise Suppressed(f"{parse_address(email).email} is suppressed and must never be mailed; see why with show.")
        return result

    def add_confirmed(self, email: str, *, name: str = "", language: str = "", detail: str = "") -> ConfirmResult:
        """The operator holds their consent: active at once. Raises `BadAddress`, `Suppressed`, `LeftBefore`."""
        entry = self.entry(parse_address(email), name=name, language=language)
        with self._act(OPERATOR) as act:
            return joining.vouch(act, entry, detail=clean_text(detail, limit=300) or "operator holds their consent")

    def entry(self, address: Address, *, name: str = "", language: str = "") -> Entry:
        """An address to be entered here, with what was typed beside it, cleaned."""
        return Entry(address.email, address.key, self.address_hash(address), clean_text(name), clean_language(language))

    def import_batch(self, batch: Sequence[Entry], *, confirmed: bool, source: str) -> ImportReport:
        """Take in one batch of an import; see `bulk`."""
        with self._act(Provenance(via="import", form=source)) as act:
            return bulk.import_batch(act, batch, confirmed=confirmed)

    # Leaving

    def unsubscribe_token(self, public_id: str) -> str:
        """The token of the unsubscribe link: never expires, cannot be guessed, costs a few microseconds."""
        return self._keys.token(joining.way_out(public_id))

    def holder(self, token: str) -> Subscriber | None:
        """The subscriber of an unsubscribe token; None when the row is gone. Raises `BadToken`. Changes nothing."""
        with self._store.read() as connection:
            return queries.one(connection, self._held(token))

    def unsubscribe_by_token(self, token: str, *, provenance: Provenance) -> Departure:
        """From the page (`via="page"`) or the mail program (`"one-click"`, RFC 8058). Idempotent. Raises `BadToken`."""
        held = self._held(token)
        with self._act(provenance) as act:
            return leaving.unsubscribe(act, held)

    def unsubscribe(self, email: str, *, provenance: Provenance = OPERATOR) -> Departure:
        """The operator or a complaint unsubscribes an address. Idempotent. Raises `UnknownSubscriber`."""
        address = parse_address(email)
        with self._act(provenance) as act:
            departure = leaving.unsubscribe(act, subscribers.c.email_key == address.key)
        if departure.subscriber is None:
            raise UnknownSubscriber(f"{address.email} is not in the Book; check the spelling.")
        return departure

    def resubscribe_by_token(self, token: str, *, provenance: Provenance) -> Departure:
        """The undo button of the goodbye page. `changed` is False when it no longer works. Raises `BadToken`."""
        held = self._held(token)
        with self._act(provenance) as act:
            return leaving.come_back(act, held)

    def suppress(self, email: str, *, reason: str, detail: str = "") -> bool:
        """Never mail this address again, known or not. False when it was suppressed already: the first reason stays."""
        address_hash = self.address_hash(parse_address(email))
        with self._act(OPERATOR) as act:
            return leaving.suppress(act, address_hash, reason=reason, detail=detail)

    def lift_suppression(self, email: str, *, detail: str) -> bool:
        """The operator lifts a suppression and says why. False when there was none."""
        address_hash = self.address_hash(parse_address(email))
        with self._act(OPERATOR) as act:
            return leaving.lift(act, address_hash, detail=detail)

    def forget(self, email: str) -> bool:
        """Erase a subscriber but for the hash that prevents later mail. Idempotent; False when there was no row."""
        address = parse_address(email)
        with self._act(OPERATOR) as act:
            mailbox_hash = self._keys.address_hash(address.mailbox)
            return leaving.forget(act, self.address_hash(address), mailbox_hash=mailbox_hash)

    # Reading

    def audience(self, at: datetime) -> sa.Select[Any]:
        """The recipients of an issue frozen at `at`; see `queries.audience`."""
        return queries.audience(at)

    def may_receive(self, subscriber_id: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
        """The SQL condition "may this subscriber still be mailed?"; see `queries.may_receive`."""
        return queries.may_receive(subscriber_id)

    def hold_consent(self, subscriber_id: sa.ColumnElement[int]) -> sa.Select[int]:
        """A statement that keeps a consent as it is until the transaction ends; see `queries.hold_consent`."""
        return queries.hold_consent(subscriber_id)

    def find(self, email: str) -> Subscriber | None:
        """The subscriber of an address, in any spelling."""
        address = parse_address(email)
        with self._store.read() as connection:
            return queries.one(connection, subscribers.c.email_key == address.key)

    def show(self, email: str) -> Record:
        """Everything known about an address. Raises `UnknownSubscriber`."""
        address = parse_address(email)
        with self._store.read() as connection:
            record = Record(
                subscriber=queries.one(connection, subscribers.c.email_key == address.key),
                suppression=queries.suppression_of(connection, self.address_hash(address)),
                consents=consent_log.lines_of(connection, self.address_hash(address)),
            )
        if record == Record(None, None, ()):
            raise UnknownSubscriber(f"{address.email} is not in the Book; check the spelling.")
        return record

    def page(self, *, after: int = 0, limit: int = 100, status: Status | None = None) -> list[Subscriber]:
        """The next `limit` subscribers after that id, by id."""
        return [subscriber for subscriber, _ in self.page_with_suppressions(after=after, limit=limit, status=status)]

    def page_with_suppressions(
        self, *, after: int = 0, limit: int = 100, status: Status | None = None
    ) -> list[tuple[Subscriber, str]]:
        """The same, each with the reason of its suppression, or ""."""
        with self._store.read() as connection:
            return queries.page(connection, after=after, limit=limit, status=status)

    def counts(self) -> Counts:
        """How many subscribers of each status, and how many suppressed addresses."""
        with self._store.read() as connection:
            return queries.counts(connection)

    def address_hash(self, address: Address) -> str:
        """The keyed hash under which an address is suppressed and its consent record is kept."""
        return self._keys.address_hash(address.key)

    def tidy(self) -> int:
        """Purge sign-ups not confirmed within a week, and records of sign-up mails that no limit needs any more.

        Returns how many sign-ups. Subscribers whom the operator added or imported stay pending without a limit.
        """
        with self._act(OPERATOR) as act:
            old = sign_up_mails.c.at < act.now - confirmations.REMEMBERED
            confirmations.forget_mails(act.connection, who=old)
            return leaving.purge(act)

    # Implementation

    def _held(self, token: str) -> sa.ColumnElement[bool]:
        payload = self._keys.verify(token, purpose=UNSUBSCRIBE)
        if payload is None:
            raise BadToken("this link was not made by this newsletter; use the link of a mail you got.")
        return subscribers.c.public_id == payload.hex()

    @contextmanager
    def _act(self, provenance: Provenance) -> Iterator[Act]:
        """One transaction; the listener is told of its changes after the commit."""
        with self._store.write() as connection:
            act = Act(connection, self._now(), provenance)
            yield act
        if self._changed is None:
            return
        for what, subscriber in act.changes:
            try:
                self._changed(what, subscriber)
            except Exception:  # noqa: BLE001 - decided and committed; a broken listener must not change the answer
                _log.exception("the hook for %r failed for subscriber %s", what, subscriber.public_id)
