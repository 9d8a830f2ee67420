"""Joining, inside a transaction somebody else opened: ask for a confirmation, answer one, be vouched for.

A stranger's sign-up changes nothing about anybody who ever confirmed; what they typed waits beside the confirmation and
is taken over by the click.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from subscribers import confirmations, consents as consent_log, queries
from subscribers.address import Address
from subscribers.errors import LeftBefore, Suppressed
from subscribers.network import network_of
from subscribers.subscriber import Confirmation, ConfirmResult, Provenance, SignUp, Status, Subscriber, SubscribeResult
from subscribers.tables import one_at_a_time, subscribers
from subscribers.tokens import UNSUBSCRIBE, KeyRing

Post = Callable[[sa.Connection, str, Subscriber, Mapping[str, str]], None]

NO_MEANS_NO_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Terms:
    """What joining needs from outside: keys for hashes and tokens, a way to post mails, how long a click may take."""

    keys: KeyRing
    post: Post
    confirm_within: timedelta

    def unsubscribe_token(self, public_id: str) -> str:
        return self.keys.sign(bytes.fromhex(public_id), purpose=UNSUBSCRIBE)


@dataclass(frozen=True, slots=True)
class Wish:
    """What was typed beside the address, cleaned."""

    name: str = ""
    language: str = ""


def ask(
    connection: sa.Connection, address: Address, *, wish: Wish, provenance: Provenance, terms: Terms, now: datetime
) -> SubscribeResult:
    """A sign-up in the name of an address: at most one mail comes of it."""
    mailbox_hash = terms.keys.address_hash(address.mailbox)
    address_hash = terms.keys.address_hash(address.key)
    one_at_a_time(connection, mailbox_hash)
    if queries.suppression_of(connection, address_hash):
        return SubscribeResult(SignUp.SUPPRESSED)
    known = queries.one(connection, subscribers.c.email_key == address.key, lock=True)
    if known and known.status is Status.ACTIVE:
        _post_already(connection, known, mailbox_hash=mailbox_hash, terms=terms, now=now)
        return SubscribeResult(SignUp.ALREADY, known)
    said_no = known and known.confirmed_at is None and known.unsubscribed_at
    if said_no and said_no > now - NO_MEANS_NO_FOR:  # it was a stranger who asked, maybe the same one again
        return SubscribeResult(SignUp.HELD_BACK, known)
    if not confirmations.may_ask(connection, confirmations.CONFIRM, mailbox_hash=mailbox_hash, now=now):
        return SubscribeResult(SignUp.HELD_BACK, known)
    subscriber = known or _insert(
        connection, address, address_hash=address_hash, origin=provenance.via, wish=wish, now=now
    )
    if subscriber.status is Status.ACTIVE:  # an import made it in this very moment
        return SubscribeResult(SignUp.ALREADY, subscriber)
    consent_log.add_line(
        connection, "asked", address_hash=address_hash, subscriber=subscriber, provenance=provenance, at=now
    )
    _post_confirm(connection, subscriber, mailbox_hash=mailbox_hash, wish=wish, ip=provenance.ip, terms=terms, now=now)
    return SubscribeResult(SignUp.ASKED, subscriber)


def confirmation_state(
    connection: sa.Connection, token: str, *, now: datetime, lock: bool = False
) -> tuple[Confirmation, Subscriber | None, Wish]:
    """Where the confirmation of a token stands, whose it is, and what they wished for."""
    mail = confirmations.find_mail(connection, token)
    if mail is None:
        return Confirmation.UNKNOWN, None, Wish()
    subscriber = queries.one(connection, subscribers.c.id == mail.subscriber_id, lock=lock)
    # Read again: it may have been used up, or forgotten, while we waited for the row.
    mail = confirmations.find_mail(connection, token)
    if mail is None or subscriber is None or queries.suppression_of(connection, subscriber.address_hash):
        return Confirmation.EXPIRED, None, Wish()
    if mail.used_at is not None:
        return (Confirmation.DONE if subscriber.status is Status.ACTIVE else Confirmation.EXPIRED), subscriber, Wish()
    open_still = mail.expires_at > now
    return Confirmation.OPEN if open_still else Confirmation.EXPIRED, subscriber, Wish(mail.name, mail.language)


def confirm(connection: sa.Connection, token: str, *, provenance: Provenance, now: datetime) -> ConfirmResult:
    """The click in the mail."""
    where, subscriber, wish = confirmation_state(connection, token, now=now, lock=True)
    if subscriber is None or where is not Confirmation.OPEN:
        return ConfirmResult(where, subscriber)
    if subscriber.status is Status.ACTIVE:
        confirmations.use_up(connection, who=subscribers.c.id == subscriber.id, now=now)
        return ConfirmResult(Confirmation.DONE, subscriber)
    return _activate(connection, subscriber, "confirmed", wish=wish, provenance=provenance, now=now)


def vouch(
    connection: sa.Connection,
    address: Address,
    *,
    wish: Wish,
    provenance: Provenance,
    terms: Terms,
    now: datetime,
    detail: str,
) -> ConfirmResult:
    """The operator holds the subscriber's consent. Raises `Suppressed` or `LeftBefore`."""
    address_hash = terms.keys.address_hash(address.key)
    if never := queries.suppression_of(connection, address_hash):
        raise Suppressed(f"{address.email} is suppressed ({never.reason}) and must never be mailed.")
    subscriber = queries.one(connection, subscribers.c.email_key == address.key, lock=True)
    subscriber = subscriber or _insert(
        connection, address, address_hash=address_hash, origin=provenance.via, wish=wish, now=now
    )
    if subscriber.status is Status.UNSUBSCRIBED:
        raise LeftBefore(f"{address.email} unsubscribed; only they can come back, through the sign-up form.")
    if subscriber.status is Status.ACTIVE:
        return ConfirmResult(Confirmation.DONE, subscriber)
    return _activate(connection, subscriber, "added", wish=wish, provenance=provenance, now=now, detail=detail)


def _insert(
    connection: sa.Connection, address: Address, *, address_hash: str, origin: str, wish: Wish, now: datetime
) -> Subscriber:
    return queries.insert_pending(
        connection,
        address,
        address_hash=address_hash,
        origin=origin,
        now=now,
        name=wish.name,
        language=wish.language,
    )


def _activate(
    connection: sa.Connection,
    subscriber: Subscriber,
    what: str,
    *,
    wish: Wish,
    provenance: Provenance,
    now: datetime,
    detail: str = "",
) -> ConfirmResult:
    confirmations.use_up(connection, who=subscribers.c.id == subscriber.id, now=now)
    subscriber = queries.change(
        connection,
        subscriber,
        status=Status.ACTIVE,
        confirmed_at=now,
        unsubscribed_at=None,
        name=wish.name or subscriber.name,
        language=wish.language or subscriber.language,
    )
    consent_log.add_line(
        connection,
        what,
        address_hash=subscriber.address_hash,
        subscriber=subscriber,
        provenance=provenance,
        at=now,
        detail=detail,
    )
    return ConfirmResult(Confirmation.DONE, subscriber, changed=True)


def _post_confirm(
    connection: sa.Connection,
    subscriber: Subscriber,
    *,
    mailbox_hash: str,
    wish: Wish,
    ip: str,
    terms: Terms,
    now: datetime,
) -> None:
    token = confirmations.note_mail(
        connection,
        confirmations.CONFIRM,
        subscriber_id=subscriber.id,
        mailbox_hash=mailbox_hash,
        now=now,
        lifetime=terms.confirm_within,
        name=wish.name,
        language=wish.language,
    )
    values = {
        "confirm_token": token,
        "unsubscribe_token": terms.unsubscribe_token(subscriber.public_id),
        "asked_at": now.isoformat(timespec="seconds"),
        "asked_from": network_of(ip),
    }
    terms.post(connection, confirmations.CONFIRM, subscriber, values)


def _post_already(
    connection: sa.Connection, subscriber: Subscriber, *, mailbox_hash: str, terms: Terms, now: datetime
) -> None:
    if not confirmations.may_ask(connection, confirmations.ALREADY, mailbox_hash=mailbox_hash, now=now):
        return
    confirmations.note_mail(
        connection,
        confirmations.ALREADY,
        subscriber_id=subscriber.id,
        mailbox_hash=mailbox_hash,
        now=now,
        lifetime=timedelta(0),
    )
    terms.post(
        connection,
        confirmations.ALREADY,
        subscriber,
        {"unsubscribe_token": terms.unsubscribe_token(subscriber.public_id)},
    )
