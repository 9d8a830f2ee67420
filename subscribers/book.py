"""The Book: the register of subscribers and its rules. All changes of consent go through here.

Every method is one transaction and commits before it returns, so nothing is written to anybody after an unsubscribe
was answered. A stranger can at most make us send a few mails (see `asking`): an active, unsubscribed or suppressed
reader is never altered by a form, only by a click in their own mailbox.

Mails are asked for with `post(connection, kind, subscriber, values)`, called **inside** the transaction that causes
them; what it raises takes the change back. The kinds and their values:

* `confirm`: `confirm_token`, `unsubscribe_token`, `asked_at` (ISO 8601), `asked_from` (the asking network or "")
* `already`: `unsubscribe_token`

The name in `subscriber` was typed by a stranger: neither mail may show it (reference: reliability §6.3).

`changed(what, subscriber)` — `confirmed`, `unsubscribed`, `resubscribed`, `suppressed`, `forgotten` — is called after
the commit, for one subscriber at a time (not by imports); what it raises is logged and undoes nothing.

What it does not know: issues, the writing of mails, pages. Raises the family of `subscribers.errors`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from subscribers import bulk, confirmations, consents as consent_log, joining, leaving, queries
from subscribers.address import Address, parse_address
from subscribers.errors import BadToken, Suppressed, UnknownSubscriber
from subscribers.subscriber import (
    BatchResult,
    Confirmation,
    ConfirmResult,
    Counts,
    Departure,
    ImportRow,
    Provenance,
    Record,
    SignUp,
    Status,
    Subscriber,
    SubscribeResult,
    Tidied,
    clean_language,
    clean_text,
)
from subscribers.tables import Store, sign_up_mails, subscribers, suppressions
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
        self._terms = joining.Terms(keys, post, confirm_within)
        self._changed = changed

    # Joining

    def subscribe(self, email: str, *, name: str = "", language: str = "", provenance: Provenance) -> SubscribeResult:
        """Somebody asks for the newsletter in the name of `email`. Raises `BadAddress`."""
        address, wish = parse_address(email), _wish(name, language)
        with self._store.write() as connection:
            return joining.ask(
                connection, address, wish=wish, provenance=provenance, terms=self._terms, now=self._now()
            )

    def confirmation(self, token: str) -> Confirmation:
        """Where the confirmation of a mailed token stands. Changes nothing."""
        with self._store.read() as connection:
            return joining.confirmation_state(connection, token, now=self._now())[0]

    def confirm(self, token: str, *, provenance: Provenance) -> ConfirmResult:
        """The click in the confirmation mail. A second one is answered as the first."""
        with self._store.write() as connection:
            result = joining.confirm(connection, token, provenance=provenance, now=self._now())
        if result.changed and result.subscriber:
            self._tell("confirmed", result.subscriber)
        return result

    def add(self, email: str, *, name: str = "", language: str = "") -> SubscribeResult:
        """The operator invites somebody: pending, with a confirmation mail. Raises `BadAddress` or `Suppressed`."""
        result = self.subscribe(email, name=name, language=language, provenance=OPERATOR)
        if result.outcome is SignUp.SUPPRESSED:
            raise Suppressed(f"{parse_address(email).email} is suppressed and must never be mailed; see why with show.")
        return result

    def add_confirmed(self, email: str, *, name: str = "", language: str = "", detail: str = "") -> ConfirmResult:
        """The operator holds their consent: active at once. Raises `BadAddress`, `Suppressed`, `LeftBefore`."""
        address, wish = parse_address(email), _wish(name, language)
        held = clean_text(detail, limit=300) or "operator holds their consent"
        with self._store.write() as connection:
            result = joining.vouch(
                connection, address, wish=wish, provenance=OPERATOR, terms=self._terms, now=self._now(), detail=held
            )
        if result.changed and result.subscriber:
            self._tell("confirmed", result.subscriber)
        return result

    def import_batch(self, batch: Sequence[ImportRow], *, confirmed: bool, source: str) -> BatchResult:
        """One batch of an import, set by set; see `transfer`. Nobody who left or is suppressed is revived."""
        with self._store.write() as connection:
            return bulk.import_batch(connection, batch, confirmed=confirmed, source=source, now=self._now())

    # Leaving

    def unsubscribe_token(self, public_id: str) -> str:
        """The token of the unsubscribe link: never expires, cannot be guessed, costs a few microseconds."""
        return self._terms.unsubscribe_token(public_id)

    def holder(self, token: str) -> Subscriber | None:
        """Whose unsubscribe token this is; None when they are gone. Raises `BadToken`. Changes nothing."""
        with self._store.read() as connection:
            return queries.one(connection, self._held(token))

    def unsubscribe_by_token(self, token: str, *, provenance: Provenance) -> Departure:
        """The button (`via="page"`) or the mail program's click (`"one-click"`, RFC 8058). Idempotent; `BadToken`."""
        return self._unsubscribe(self._held(token), provenance=provenance)

    def unsubscribe(self, email: str, *, provenance: Provenance = OPERATOR) -> Departure:
        """The operator or a complaint unsubscribes an address. Idempotent. Raises `UnknownSubscriber`."""
        address = parse_address(email)
        departure = self._unsubscribe(subscribers.c.email_key == address.key, provenance=provenance)
        if departure.subscriber is None:
            raise UnknownSubscriber(f"{address.email} is not in the Book; check the spelling.")
        return departure

    def resubscribe_by_token(self, token: str, *, provenance: Provenance) -> Departure:
        """The undo button of the goodbye page. `changed` is False when it no longer works. Raises `BadToken`."""
        held = self._held(token)
        with self._store.write() as connection:
            departure = leaving.come_back(connection, held, provenance=provenance, now=self._now())
        if departure.changed and departure.subscriber:
            self._tell("resubscribed", departure.subscriber)
        return departure

    def suppress(self, email: str, *, reason: str, detail: str = "") -> bool:
        """Never mail this address again, known or not. False when it was suppressed already: the first reason stays."""
        address = parse_address(email)
        with self._store.write() as connection:
            new = leaving.suppress(
                connection,
                self.address_hash(address),
                reason=reason,
                detail=detail,
                provenance=OPERATOR,
                now=self._now(),
            )
            subscriber = queries.one(connection, subscribers.c.email_key == address.key)
        if new and subscriber:
            self._tell("suppressed", subscriber)
        return new

    def lift_suppression(self, email: str, *, detail: str) -> bool:
        """The operator takes a suppression back and says why. False when there was none."""
        address = parse_address(email)
        with self._store.write() as connection:
            mine = suppressions.c.address_hash == self.address_hash(address)
            if not connection.execute(sa.delete(suppressions).where(mine)).rowcount:
                return False
            consent_log.add_line(
                connection,
                "lifted",
                address_hash=self.address_hash(address),
                subscriber=queries.one(connection, subscribers.c.email_key == address.key),
                provenance=OPERATOR,
                at=self._now(),
                detail=clean_text(detail, limit=300),
            )
        return True

    def forget(self, email: str) -> bool:
        """Erase a subscriber but for the hash that stops every later mail. Idempotent; False when nobody was there."""
        address = parse_address(email)
        mailbox_hash = self._keys.address_hash(address.mailbox)
        with self._store.write() as connection:
            subscriber = leaving.forget(
                connection, self.address_hash(address), mailbox_hash=mailbox_hash, provenance=OPERATOR, now=self._now()
            )
        if subscriber:
            self._tell("forgotten", subscriber)
        return subscriber is not None

    # Looking

    def audience(self, at: datetime) -> sa.Select[Any]:
        """Everyone an issue frozen at `at` is for; see `queries.audience`."""
        return queries.audience(at)

    def may_receive(self, subscriber_id: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
        """The SQL condition "may this subscriber still get it?"; see `queries.may_receive`."""
        return queries.may_receive(subscriber_id)

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
        """The name under which an address is suppressed and its evidence is kept."""
        return self._keys.address_hash(address.key)

    def tidy(self) -> Tidied:
        """Purge sign-ups nobody confirmed within a week, and records of sign-up mails that no limit needs any more.

        People whom the operator added or imported wait as long as it takes.
        """
        now = self._now()
        with self._store.write() as connection:
            purged = leaving.purge(connection, provenance=OPERATOR, now=now)
            mails = confirmations.forget_mails(connection, who=sign_up_mails.c.at < now - confirmations.REMEMBERED)
        return Tidied(purged=purged, mails=mails)

    # How

    def _held(self, token: str) -> sa.ColumnElement[bool]:
        payload = self._keys.verify(token, purpose=UNSUBSCRIBE)
        if payload is None:
            raise BadToken("this link was not made by this newsletter; use the link of a mail you got.")
        return subscribers.c.public_id == payload.hex()

    def _unsubscribe(self, who: sa.ColumnElement[bool], *, provenance: Provenance) -> Departure:
        with self._store.write() as connection:
            departure = leaving.unsubscribe(connection, who, provenance=provenance, now=self._now())
        if departure.changed and departure.subscriber:
            self._tell("unsubscribed", departure.subscriber)
        return departure

    def _tell(self, what: str, subscriber: Subscriber) -> None:
        if self._changed is None:
            return
        try:
            self._changed(what, subscriber)
        except Exception:  # noqa: BLE001 - decided and committed; a broken listener must not change the answer
            _log.exception("the hook for %r failed for subscriber %s", what, subscriber.public_id)


def _wish(name: str, language: str) -> joining.Wish:
    return joining.Wish(clean_text(name), clean_language(language))
