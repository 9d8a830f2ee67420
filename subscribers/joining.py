"""Joining, inside a transaction that the caller opened: a sign-up, its confirmation, consent that the operator holds.

A sign-up changes nothing about a subscriber who ever confirmed; what was typed is kept beside the confirmation and is
taken over by the click.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from subscribers import confirmations, consents as consent_log, queries
from subscribers.errors import LeftBefore, Suppressed
from subscribers.subscriber import Confirmation, ConfirmResult, Entry, SignUp, Status, Subscriber, SubscribeResult
from subscribers.tables import Act, one_at_a_time, subscribers
from subscribers.tokens import UNSUBSCRIBE, KeyRing, Link

Post = Callable[[sa.Connection, str, Subscriber, Mapping[str, Link]], None]

NO_MEANS_NO_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Terms:
    """What joining is given: a function that posts mails, and how long a confirmation lasts."""

    post: Post
    confirm_within: timedelta


def ask(act: Act, entry: Entry, *, mailbox_hash: str, terms: Terms) -> SubscribeResult:
    """A sign-up for an address. It causes at most one mail."""
    one_at_a_time(act.connection, mailbox_hash)
    if queries.suppression_of(act.connection, entry.address_hash):
        return SubscribeResult(SignUp.SUPPRESSED)
    known = queries.one(act.connection, subscribers.c.email_key == entry.key, lock=True)
    if known and known.status is Status.ACTIVE:
        _post_already(act, known, mailbox_hash=mailbox_hash, terms=terms)
        return SubscribeResult(SignUp.ALREADY, known)
    if known and _refused_lately(act, known):
        return SubscribeResult(SignUp.HELD_BACK, known)
    if not confirmations.may_ask(act, confirmations.CONFIRM, mailbox_hash=mailbox_hash):
        return SubscribeResult(SignUp.HELD_BACK, known)
    subscriber = known or queries.insert_pending(act, entry)
    if subscriber.status is Status.ACTIVE:  # an import has just inserted it
        return SubscribeResult(SignUp.ALREADY, subscriber)
    consent_log.add_line(act, "asked", address_hash=entry.address_hash)
    _post_confirm(act, subscriber, entry=entry, mailbox_hash=mailbox_hash, terms=terms)
    return SubscribeResult(SignUp.ASKED, subscriber)


def _refused_lately(act: Act, subscriber: Subscriber) -> bool:
    """Whether they refused a sign-up that somebody else typed, and may type again. What a file says is no refusal."""
    if subscriber.confirmed_at is not None or subscriber.unsubscribed_at is None:
        return False
    lately = subscriber.unsubscribed_at > act.now - NO_MEANS_NO_FOR
    return lately and consent_log.left_via(act.connection, subscriber.address_hash) != "import"


def confirmation_state(
    connection: sa.Connection, token: str, *, keys: KeyRing, now: datetime, lock: bool = False
) -> tuple[Confirmation, Subscriber | None, sa.Row[*tuple[Any, ...]] | None]:
    """The state of the confirmation of a token, its subscriber, and its mail unless it was used."""
    mail = confirmations.find_mail(connection, token, keys=keys)
    if mail is None:
        return Confirmation.UNKNOWN, None, None
    subscriber = queries.one(connection, subscribers.c.id == mail.subscriber_id, lock=lock)
    # Read again: it may have been used up, or forgotten, while this waited for the row.
    mail = confirmations.find_mail(connection, token, keys=keys)
    if mail is None or subscriber is None or queries.suppression_of(connection, subscriber.address_hash):
        return Confirmation.EXPIRED, None, None
    if mail.used_at is not None:
        return Confirmation.DONE if subscriber.status is Status.ACTIVE else Confirmation.EXPIRED, subscriber, None
    return Confirmation.OPEN if mail.expires_at > now else Confirmation.EXPIRED, subscriber, mail


def confirm(act: Act, token: str, *, keys: KeyRing) -> ConfirmResult:
    """The click in the confirmation mail. It is recorded also when the operator made the subscriber active before."""
    state, subscriber, mail = confirmation_state(act.connection, token, keys=keys, now=act.now, lock=True)
    if state is not Confirmation.OPEN or subscriber is None or mail is None:
        return ConfirmResult(state, subscriber)
    return _activate(act, subscriber, "confirmed", name=mail.name, language=mail.language)


def vouch(act: Act, entry: Entry, *, detail: str) -> ConfirmResult:
    """The operator holds the subscriber's consent. Raises `Suppressed` or `LeftBefore`."""
    if suppression := queries.suppression_of(act.connection, entry.address_hash):
        raise Suppressed(f"{entry.email} is suppressed ({suppression.reason}) and must never be mailed.")
    known = queries.one(act.connection, subscribers.c.email_key == entry.key, lock=True)
    subscriber = known or queries.insert_pending(act, entry)
    if subscriber.status is Status.UNSUBSCRIBED:
        raise LeftBefore(f"{entry.email} unsubscribed; only they can come back, through the sign-up form.")
    if subscriber.status is Status.ACTIVE:
        return ConfirmResult(Confirmation.DONE, subscriber)
    return _activate(act, subscriber, "added", name=entry.name, language=entry.language, detail=detail)


def _activate(
    act: Act, subscriber: Subscriber, what: str, *, name: str, language: str, detail: str = ""
) -> ConfirmResult:
    confirmations.use_up(act, who=subscribers.c.id == subscriber.id)
    subscriber = queries.change(
        act.connection,
        subscriber,
        status=Status.ACTIVE,
        confirmed_at=act.now,
        unsubscribed_at=None,
        name=name or subscriber.name,
        language=language or subscriber.language,
    )
    consent_log.add_line(act, what, address_hash=subscriber.address_hash, detail=detail)
    act.changes.append(("confirmed", subscriber))
    return ConfirmResult(Confirmation.DONE, subscriber, changed=True)


def way_out(public_id: str) -> Link:
    """What the token of a subscriber's unsubscribe link is made of."""
    return Link(UNSUBSCRIBE, bytes.fromhex(public_id))


def _post_confirm(act: Act, subscriber: Subscriber, *, entry: Entry, mailbox_hash: str, terms: Terms) -> None:
    confirm_link = confirmations.note_mail(
        act,
        confirmations.CONFIRM,
        subscriber_id=subscriber.id,
        mailbox_hash=mailbox_hash,
        lifetime=terms.confirm_within,
        name=entry.name,
        language=entry.language,
    )
    links = {"confirm_token": confirm_link, "unsubscribe_token": way_out(subscriber.public_id)}
    terms.post(act.connection, confirmations.CONFIRM, subscriber, links)


def _post_already(act: Act, subscriber: Subscriber, *, mailbox_hash: str, terms: Terms) -> None:
    kind = confirmations.ALREADY
    if confirmations.may_ask(act, kind, mailbox_hash=mailbox_hash):
        confirmations.note_mail(act, kind, subscriber_id=subscriber.id, mailbox_hash=mailbox_hash)
        terms.post(act.connection, kind, subscriber, {"unsubscribe_token": way_out(subscriber.public_id)})
