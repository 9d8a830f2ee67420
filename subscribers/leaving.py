"""Leaving, in all its forms, inside a transaction somebody else opened: unsubscribe, come back, suppress, forget,
and the purge of those who never came."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from subscribers import asking, evidence, people, reading
from subscribers.subscriber import Departure, Status, Subscriber, Visit, clean_text
from subscribers.tables import consents, insert_new, sign_up_mails, subscribers, suppressions

UNDO_WITHIN = timedelta(hours=24)
PURGE_AFTER = timedelta(days=7)
_BY_LINK = {"page", "one-click"}


def unsubscribe(connection: sa.Connection, who: sa.ColumnElement[bool], *, visit: Visit, now: datetime) -> Departure:
    """Whoever `who` holds for leaves, from any status; open confirmations end with it."""
    person = people.one(connection, who, lock=True)
    if person is None:
        return Departure(None)
    changed = person.status is not Status.UNSUBSCRIBED
    if changed:
        person = people.change(connection, person, status=Status.UNSUBSCRIBED, unsubscribed_at=now)
        asking.use_up(connection, subscriber_id=person.id, now=now)
        evidence.add_line(
            connection, "unsubscribed", address_hash=person.address_hash, subscriber=person, visit=visit, at=now
        )
    return Departure(person, changed=changed, can_return=can_return(connection, person, now=now))


def come_back(connection: sa.Connection, who: sa.ColumnElement[bool], *, visit: Visit, now: datetime) -> Departure:
    """Undo an unsubscribe, when that is allowed; else nothing changes."""
    person = people.one(connection, who, lock=True)
    if person is None or not can_return(connection, person, now=now):
        return Departure(person)
    person = people.change(connection, person, status=Status.ACTIVE, unsubscribed_at=None)
    evidence.add_line(
        connection, "resubscribed", address_hash=person.address_hash, subscriber=person, visit=visit, at=now
    )
    return Departure(person, changed=True)


def can_return(connection: sa.Connection, person: Subscriber, *, now: datetime) -> bool:
    """Whether the undo button works: a confirmed reader, who left by a link (ours or their mail program's), lately.

    Later, an old link in a forwarded mail must not sign anybody up again.
    """
    if person.status is not Status.UNSUBSCRIBED or person.confirmed_at is None or person.unsubscribed_at is None:
        return False
    if person.unsubscribed_at < now - UNDO_WITHIN or reading.suppression_of(connection, person.address_hash):
        return False
    last = sa.select(consents.c.via).where(
        consents.c.address_hash == person.address_hash, consents.c.what == "unsubscribed"
    )
    return connection.execute(last.order_by(consents.c.id.desc()).limit(1)).scalar() in _BY_LINK


def suppress(
    connection: sa.Connection, address_hash: str, *, reason: str, detail: str, visit: Visit, now: datetime
) -> bool:
    """Never mail the address again. False when that was so already: the first reason and date stay."""
    row = {"address_hash": address_hash, "reason": clean_text(reason), "since": now}
    if not connection.execute(insert_new(connection, suppressions).values(row)).rowcount:
        return False
    person = people.one(connection, subscribers.c.address_hash == address_hash)
    said = ": ".join(text for text in (clean_text(reason), clean_text(detail, limit=300)) if text)
    evidence.add_line(
        connection, "suppressed", address_hash=address_hash, subscriber=person, visit=visit, at=now, detail=said
    )
    return True


def forget(
    connection: sa.Connection, address_hash: str, *, mailbox_hash: str, visit: Visit, now: datetime
) -> Subscriber | None:
    """Erase row, sign-up mails and the personal fields of the evidence; keep the hash suppressed. Gives who it was."""
    person = people.one(connection, subscribers.c.address_hash == address_hash, lock=True)
    never = {"address_hash": address_hash, "reason": "forgotten", "since": now}
    connection.execute(insert_new(connection, suppressions).values(never))
    evidence.blank_out(connection, who=consents.c.address_hash == address_hash)
    asking.forget_mails(connection, who=sign_up_mails.c.mailbox_hash == mailbox_hash)
    if person is None:
        return None
    asking.forget_mails(connection, who=sign_up_mails.c.subscriber_id == person.id)
    connection.execute(sa.delete(subscribers).where(subscribers.c.id == person.id))
    evidence.add_line(connection, "forgotten", address_hash=address_hash, subscriber=person, visit=visit, at=now)
    return person


def purge(connection: sa.Connection, *, visit: Visit, now: datetime) -> int:
    """Take away strangers' sign-ups nobody confirmed in time, and where they came from. Gives how many."""
    mails = sign_up_mails.alias("mails")
    still_open = sa.select(mails.c.id).where(mails.c.subscriber_id == subscribers.c.id, mails.c.expires_at > now)
    stale = sa.and_(
        subscribers.c.status == Status.PENDING,
        subscribers.c.origin.in_(("form", "hook")),
        subscribers.c.created_at < now - PURGE_AFTER,
        ~still_open.correlate_except(mails).exists(),
    )
    hashes = sa.select(subscribers.c.address_hash).where(stale)
    evidence.blank_out(connection, who=consents.c.address_hash.in_(hashes))
    evidence.add_lines(connection, "purged", who=stale, visit=visit, at=now)
    return connection.execute(sa.delete(subscribers).where(stale)).rowcount
