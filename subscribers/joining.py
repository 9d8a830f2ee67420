"""Joining, inside a transaction that the caller opened: a sign-up, its confirmation, consent that the operator holds.

A sign-up changes nothing about a subscriber who ever confirmed; what was typed is kept beside the confirmation and is
taken over by the click.
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
    """What joining is given: keys for hashes and tokens, a function that posts mails, how long a confirmation lasts."""

    keys: KeyRing
    post: Post
    confirm_within: timedelta

    def unsubscribe_token(self, public_id: str) -> str:
        return self.keys.sign(bytes.fromhex(public_id), purpose=UNSUBSCRIBE)


@dataclass(frozen=True, slots=True)
class Profile:
    """What was typed beside the address, cleaned."""

    name: str = ""
    language: str = ""


def ask(
    connection: sa.Connection,
    address: Address,
    *,
    profile: Profile,
    provenance: Provenance,
    terms: Terms,
    now: datetime,
) -> SubscribeResult:
    """A sign-up for an address. It causes at most one mail."""
    mailbox_hash = terms.keys.address_hash(address.mailbox)
    address_hash = terms.keys.address_hash(address.key)
    one_at_a_time(connection, mailbox_hash)
    if queries.suppression_of(connection, address_hash):
        return SubscribeResult(SignUp.SUPPRESSED)
    known = queries.one(connection, subscribers.c.email_key == address.key, lock=True)
    if known and known.status is Status.ACTIVE:
        _post_already(connection, known, mailbox_hash=mailbox_hash, terms=terms, now=now)
        return SubscribeResult(SignUp.ALREADY, known)
    if known and _refused_lately(connection, known, now=now):
        return SubscribeResult(SignUp.HELD_BACK, known)
    if not confirmations.may_ask(connection, confirmations.CONFIRM, mailbox_hash=mailbox_hash, now=now):
        return SubscribeResult(SignUp.HELD_BACK, known)
    subscriber = known or _insert(
        connection, address, address_hash=address_hash, origin=provenance.via, profile=profile, now=now
    )
    if subscriber.status is Status.ACTIVE:  # an import has just inserted it
        return SubscribeResult(SignUp.ALREADY, subscriber)
    consent_log.add_line(
        connection, "asked", address_hash=address_hash, subscriber=subscriber, provenance=provenance, at=now
    )
    _post_confirm(
        connection, subscriber, mailbox_hash=mailbox_hash, profile=profile, ip=provenance.ip, terms=terms, now=now
    )
    return SubscribeResult(SignUp.ASKED, subscriber)


def _refused_lately(connection: sa.Connection, subscriber: Subscriber, *, now: datetime) -> bool:
    """Whether they refused a sign-up that somebody else typed, and may type again. What a file says is no refusal."""
    if subscriber.confirmed_at is not None or subscriber.unsubscribed_at is None:
        return False
    lately = subscriber.unsubscribed_at > now - NO_MEANS_NO_FOR
    return lately and consent_log.left_via(connection, subscriber.address_hash) != "import"


def confirmation_state(
    connection: sa.Connection, token: str, *, now: datetime, lock: bool = False
) -> tuple[Confirmation, Subscriber | None, Profile]:
    """The state of the confirmation of a token, its subscriber, and what was typed."""
    mail = confirmations.find_mail(connection, token)
    if mail is None:
        return Confirmation.UNKNOWN, None, Profile()
    subscriber = queries.one(connection, subscribers.c.id == mail.subscriber_id, lock=lock)
    # Read again: it may have been used up, or forgotten, while this waited for the row.
    mail = confirmations.find_mail(connection, token)
    if mail is None or subscriber is None or queries.suppression_of(connection, subscriber.address_hash):
        return Confirmation.EXPIRED, None, Profile()
    if mail.used_at is not None:
        return (
            (Confirmation.DONE if subscriber.status is Status.ACTIVE else Confirmation.EXPIRED),
            subscriber,
            Profile(),
        )
    open_still = mail.expires_at > now
    return Confirmation.OPEN if open_still else Confirmation.EXPIRED, subscriber, Profile(mail.name, mail.language)


def confirm(connection: sa.Connection, token: str, *, provenance: Provenance, now: datetime) -> ConfirmResult:
    """The click in the confirmation mail."""
    state, subscriber, profile = confirmation_state(connection, token, now=now, lock=True)
    if subscriber is None or state is not Confirmation.OPEN:
        return ConfirmResult(state, subscriber)
    if subscriber.status is Status.ACTIVE:
        confirmations.use_up(connection, who=subscribers.c.id == subscriber.id, now=now)
        return ConfirmResult(Confirmation.DONE, subscriber)
    return _activate(connection, subscriber, "confirmed", profile=profile, provenance=provenance, now=now)


def vouch(
    connection: sa.Connection,
    address: Address,
    *,
    profile: Profile,
    provenance: Provenance,
    terms: Terms,
    now: datetime,
    detail: str,
) -> ConfirmResult:
    """The operator holds the subscriber's consent. Raises `Suppressed` or `LeftBefore`."""
    address_hash = terms.keys.address_hash(address.key)
    if suppression := queries.suppression_of(connection, address_hash):
        raise Suppressed(f"{address.email} is suppressed ({suppression.reason}) and must never be mailed.")
    subscriber = queries.one(connection, subscribers.c.email_key == address.key, lock=True)
    subscriber = subscriber or _insert(
        connection, address, address_hash=address_hash, origin=provenance.via, profile=profile, now=now
    )
    if subscriber.status is Status.UNSUBSCRIBED:
        raise LeftBefore(f"{address.email} unsubscribed; only they can come back, through the sign-up form.")
    if subscriber.status is Status.ACTIVE:
        return ConfirmResult(Confirmation.DONE, subscriber)
    return _activate(connection, subscriber, "added", profile=profile, provenance=provenance, now=now, detail=detail)


def _insert(
    connection: sa.Connection, address: Address, *, address_hash: str, origin: str, profile: Profile, now: datetime
) -> Subscriber:
    return queries.insert_pending(
        connection,
        address,
        address_hash=address_hash,
        origin=origin,
        now=now,
        name=profile.name,
        language=profile.language,
    )


def _activate(
    connection: sa.Connection,
    subscriber: Subscriber,
    what: str,
    *,
    profile: Profile,
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
        name=profile.name or subscriber.name,
        language=profile.language or subscriber.language,
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
    profile: Profile,
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
        name=profile.name,
        language=profile.language,
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
