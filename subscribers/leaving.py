"""Leaving, inside a transaction that the caller opened: unsubscribe and its undoing, suppress, forget, and the purge of
sign-ups that were never confirmed."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from subscribers import confirmations, consents as consent_log, queries
from subscribers.subscriber import Departure, Status, Subscriber, clean_text
from subscribers.tables import Act, consents, insert_new, sign_up_mails, subscribers, suppressions

UNDO_WITHIN = timedelta(hours=24)
PURGE_AFTER = timedelta(days=7)
_BY_LINK = {"page", "one-click"}


def unsubscribe(act: Act, who: sa.ColumnElement[bool]) -> Departure:
    """Unsubscribe the subscriber that matches `who`, from any status, and end their open confirmations."""
    subscriber = queries.one(act.connection, who, lock=True)
    if subscriber is None:
        return Departure(None)
    changed = subscriber.status is not Status.UNSUBSCRIBED
    if changed:
        subscriber = queries.change(act.connection, subscriber, status=Status.UNSUBSCRIBED, unsubscribed_at=act.now)
        confirmations.use_up(act, who=subscribers.c.id == subscriber.id)
        consent_log.add_line(act, "unsubscribed", address_hash=subscriber.address_hash)
        act.changes.append(("unsubscribed", subscriber))
    return Departure(subscriber, changed=changed, can_return=can_return(act, subscriber))


def come_back(act: Act, who: sa.ColumnElement[bool]) -> Departure:
    """Undo an unsubscribe when `can_return` allows it; else change nothing."""
    subscriber = queries.one(act.connection, who, lock=True)
    if subscriber is None or not can_return(act, subscriber):
        return Departure(subscriber)
    subscriber = queries.change(act.connection, subscriber, status=Status.ACTIVE, unsubscribed_at=None)
    consent_log.add_line(act, "resubscribed", address_hash=subscriber.address_hash)
    act.changes.append(("resubscribed", subscriber))
    return Departure(subscriber, changed=True)


def can_return(act: Act, subscriber: Subscriber) -> bool:
    """Whether the undo button works: for a day, for a confirmed subscriber who left by a link or their mail program.

    After that, an old link in a forwarded mail must not subscribe anybody again.
    """
    left_at = subscriber.unsubscribed_at
    if subscriber.status is not Status.UNSUBSCRIBED or subscriber.confirmed_at is None or left_at is None:
        return False
    if left_at < act.now - UNDO_WITHIN or queries.suppression_of(act.connection, subscriber.address_hash):
        return False
    return consent_log.left_via(act.connection, subscriber.address_hash) in _BY_LINK


def suppress(act: Act, address_hash: str, *, reason: str, detail: str) -> bool:
    """Never mail the address again. False when it was suppressed already: the first reason and date stay."""
    # Locked first: a message that is being begun goes before, or sees the suppression (`queries.hold_consent`).
    subscriber = queries.one(act.connection, subscribers.c.address_hash == address_hash, lock=True)
    reason = clean_text(reason)
    row = {"address_hash": address_hash, "reason": reason, "since": act.now}
    if not act.connection.execute(insert_new(act.connection, suppressions).values(row)).rowcount:
        return False
    said = ": ".join(text for text in (reason, clean_text(detail, limit=300)) if text)
    consent_log.add_line(act, "suppressed", address_hash=address_hash, detail=said)
    if subscriber is not None:
        act.changes.append(("suppressed", subscriber))
    return True


def lift(act: Act, address_hash: str, *, detail: str) -> bool:
    """Take a suppression back, and say why. False when there was none."""
    mine = suppressions.c.address_hash == address_hash
    if not act.connection.execute(sa.delete(suppressions).where(mine)).rowcount:
        return False
    consent_log.add_line(act, "lifted", address_hash=address_hash, detail=clean_text(detail, limit=300))
    return True


def forget(act: Act, address_hash: str, *, mailbox_hash: str) -> bool:
    """Erase the row, sign-up mails and the personal fields of the consent record; keep the hash suppressed.

    False when there was no row."""
    subscriber = queries.one(act.connection, subscribers.c.address_hash == address_hash, lock=True)
    suppression = {"address_hash": address_hash, "reason": "forgotten", "since": act.now}
    act.connection.execute(insert_new(act.connection, suppressions).values(suppression))
    consent_log.erase_personal_fields(act.connection, who=consents.c.address_hash == address_hash)
    confirmations.forget_mails(act.connection, who=sign_up_mails.c.mailbox_hash == mailbox_hash)
    if subscriber is None:
        return False
    confirmations.forget_mails(act.connection, who=sign_up_mails.c.subscriber_id == subscriber.id)
    consent_log.add_line(act, "forgotten", address_hash=address_hash)
    act.connection.execute(sa.delete(subscribers).where(subscribers.c.id == subscriber.id))
    act.changes.append(("forgotten", subscriber))
    return True


def purge(act: Act) -> int:
    """Delete sign-ups that were not confirmed in time, and where they came from. Returns how many."""
    mails = sign_up_mails.alias("mails")
    still_open = sa.exists().where(mails.c.subscriber_id == subscribers.c.id, mails.c.expires_at > act.now)
    stale = sa.and_(
        subscribers.c.status == Status.PENDING,
        subscribers.c.origin.in_(("form", "hook")),
        subscribers.c.created_at < act.now - PURGE_AFTER,
        ~still_open.correlate_except(mails),
    )
    hashes = sa.select(subscribers.c.address_hash).where(stale)
    consent_log.erase_personal_fields(act.connection, who=consents.c.address_hash.in_(hashes))
    consent_log.add_lines(act, "purged", who=stale)
    return act.connection.execute(sa.delete(subscribers).where(stale)).rowcount
