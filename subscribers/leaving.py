"""Leaving, inside a transaction that the caller opened: unsubscribe and its undoing, suppress, forget, and the purge of
sign-ups that were never confirmed."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from subscribers import confirmations, consents as consent_log, queries
from subscribers.subscriber import Departure, Provenance, Status, Subscriber, clean_text
from subscribers.tables import consents, insert_new, sign_up_mails, subscribers, suppressions

UNDO_WITHIN = timedelta(hours=24)
PURGE_AFTER = timedelta(days=7)
_BY_LINK = {"page", "one-click"}


def unsubscribe(
    connection: sa.Connection, who: sa.ColumnElement[bool], *, provenance: Provenance, now: datetime
) -> Departure:
    """Unsubscribe the subscriber that matches `who`, from any status, and end their open confirmations."""
    subscriber = queries.one(connection, who, lock=True)
    if subscriber is None:
        return Departure(None)
    changed = subscriber.status is not Status.UNSUBSCRIBED
    if changed:
        subscriber = queries.change(connection, subscriber, status=Status.UNSUBSCRIBED, unsubscribed_at=now)
        confirmations.use_up(connection, who=subscribers.c.id == subscriber.id, now=now)
        consent_log.add_line(
            connection,
            "unsubscribed",
            address_hash=subscriber.address_hash,
            subscriber=subscriber,
            provenance=provenance,
            at=now,
        )
    return Departure(subscriber, changed=changed, can_return=can_return(connection, subscriber, now=now))


def come_back(
    connection: sa.Connection, who: sa.ColumnElement[bool], *, provenance: Provenance, now: datetime
) -> Departure:
    """Undo an unsubscribe when `can_return` allows it; else change nothing."""
    subscriber = queries.one(connection, who, lock=True)
    if subscriber is None or not can_return(connection, subscriber, now=now):
        return Departure(subscriber)
    subscriber = queries.change(connection, subscriber, status=Status.ACTIVE, unsubscribed_at=None)
    consent_log.add_line(
        connection,
        "resubscribed",
        address_hash=subscriber.address_hash,
        subscriber=subscriber,
        provenance=provenance,
        at=now,
    )
    return Departure(subscriber, changed=True)


def can_return(connection: sa.Connection, subscriber: Subscriber, *, now: datetime) -> bool:
    """Whether the undo button works: for a day, for a confirmed subscriber who left by a link or their mail program.

    After that, an old link in a forwarded mail must not subscribe anybody again.
    """
    if (
        subscriber.status is not Status.UNSUBSCRIBED
        or subscriber.confirmed_at is None
        or subscriber.unsubscribed_at is None
    ):
        return False
    if subscriber.unsubscribed_at < now - UNDO_WITHIN or queries.suppression_of(connection, subscriber.address_hash):
        return False
    return consent_log.left_via(connection, subscriber.address_hash) in _BY_LINK


def suppress(
    connection: sa.Connection, address_hash: str, *, reason: str, detail: str, provenance: Provenance, now: datetime
) -> bool:
    """Never mail the address again. False when it was suppressed already: the first reason and date stay."""
    row = {"address_hash": address_hash, "reason": clean_text(reason), "since": now}
    if not connection.execute(insert_new(connection, suppressions).values(row)).rowcount:
        return False
    subscriber = queries.one(connection, subscribers.c.address_hash == address_hash)
    said = ": ".join(text for text in (clean_text(reason), clean_text(detail, limit=300)) if text)
    consent_log.add_line(
        connection,
        "suppressed",
        address_hash=address_hash,
        subscriber=subscriber,
        provenance=provenance,
        at=now,
        detail=said,
    )
    return True


def forget(
    connection: sa.Connection, address_hash: str, *, mailbox_hash: str, provenance: Provenance, now: datetime
) -> Subscriber | None:
    """Erase the row, sign-up mails and the personal fields of the consent record; keep the hash suppressed.

    Returns the subscriber as it was."""
    subscriber = queries.one(connection, subscribers.c.address_hash == address_hash, lock=True)
    suppression = {"address_hash": address_hash, "reason": "forgotten", "since": now}
    connection.execute(insert_new(connection, suppressions).values(suppression))
    consent_log.erase_personal_fields(connection, who=consents.c.address_hash == address_hash)
    confirmations.forget_mails(connection, who=sign_up_mails.c.mailbox_hash == mailbox_hash)
    if subscriber is None:
        return None
    confirmations.forget_mails(connection, who=sign_up_mails.c.subscriber_id == subscriber.id)
    connection.execute(sa.delete(subscribers).where(subscribers.c.id == subscriber.id))
    consent_log.add_line(
        connection, "forgotten", address_hash=address_hash, subscriber=subscriber, provenance=provenance, at=now
    )
    return subscriber


def purge(connection: sa.Connection, *, provenance: Provenance, now: datetime) -> int:
    """Delete sign-ups that were not confirmed in time, and where they came from. Returns how many."""
    mails = sign_up_mails.alias("mails")
    still_open = sa.select(mails.c.id).where(mails.c.subscriber_id == subscribers.c.id, mails.c.expires_at > now)
    stale = sa.and_(
        subscribers.c.status == Status.PENDING,
        subscribers.c.origin.in_(("form", "hook")),
        subscribers.c.created_at < now - PURGE_AFTER,
        ~still_open.correlate_except(mails).exists(),
    )
    hashes = sa.select(subscribers.c.address_hash).where(stale)
    consent_log.erase_personal_fields(connection, who=consents.c.address_hash.in_(hashes))
    consent_log.add_lines(connection, "purged", who=stale, provenance=provenance, at=now)
    return connection.execute(sa.delete(subscribers).where(stale)).rowcount
