"""One batch of an import, set by set: a handful of statements however many rows. Decides who is never revived."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from subscribers import evidence, people
from subscribers.subscriber import Intake, Newcomer, Status, Visit
from subscribers.tables import insert_new, subscribers, suppressions

_CONSENT_HELD = "imported, operator holds consent"


def take_in(
    connection: sa.Connection, batch: Sequence[Newcomer], *, confirmed: bool, source: str, now: datetime
) -> Intake:
    """Insert who is new; make pending ones active when the operator holds their consent; leave everybody else alone.

    A batch holds an address once. What a row's own `status` says counts when it is less than the operator's word.
    """
    suppressed = _suppressed(connection, batch)
    known = _known(connection, [newcomer for newcomer in batch if newcomer.address_hash not in suppressed])
    new = [row for row in batch if row.address_hash not in suppressed and row.key not in known]
    visit = Visit(via="import", form=source, wording=_CONSENT_HELD if confirmed else "")
    created = _insert(connection, new, confirmed=confirmed, visit=visit, now=now)
    granted = [row.key for row in batch if known.get(row.key) == Status.PENDING and _active(row, confirmed=confirmed)]
    promoted = _promote(connection, granted, visit=visit, now=now) if granted else 0
    standing = Counter(known.values())
    left = sum(row.status is Status.UNSUBSCRIBED for row in new)
    return Intake(
        created=created - left,
        confirmed=promoted,
        # A row somebody else inserted since we looked was, all the same, there before us.
        already=standing[Status.ACTIVE] + standing[Status.PENDING] - promoted + len(new) - created,
        suppressed=len(suppressed),
        unsubscribed=standing[Status.UNSUBSCRIBED] + left,
    )


def _active(newcomer: Newcomer, *, confirmed: bool) -> bool:
    return confirmed and newcomer.status in {None, Status.ACTIVE}


def _suppressed(connection: sa.Connection, batch: Sequence[Newcomer]) -> set[str]:
    hashes = [newcomer.address_hash for newcomer in batch]
    column = suppressions.c.address_hash
    return set(connection.execute(sa.select(column).where(column.in_(hashes))).scalars())


def _known(connection: sa.Connection, batch: Sequence[Newcomer]) -> dict[str, str]:
    found = sa.select(subscribers.c.email_key, subscribers.c.status).where(
        subscribers.c.email_key.in_([newcomer.key for newcomer in batch])
    )
    rows = connection.execute(found.order_by(subscribers.c.email_key).with_for_update())
    return {row.email_key: row.status for row in rows}


def _insert(connection: sa.Connection, new: Sequence[Newcomer], *, confirmed: bool, visit: Visit, now: datetime) -> int:
    # In one order, so that two imports at once wait for each other instead of both being stopped as a deadlock.
    rows = [_row(newcomer, confirmed=confirmed, now=now) for newcomer in sorted(new, key=lambda newcomer: newcomer.key)]
    if not rows:
        return 0
    connection.execute(insert_new(connection, subscribers), rows)
    ours = subscribers.c.public_id.in_([row["public_id"] for row in rows])
    return evidence.add_lines(connection, "imported", who=ours, visit=visit, at=now)


def _row(newcomer: Newcomer, *, confirmed: bool, now: datetime) -> dict[str, object]:
    if newcomer.status is Status.UNSUBSCRIBED:
        status = Status.UNSUBSCRIBED
    else:
        status = Status.ACTIVE if _active(newcomer, confirmed=confirmed) else Status.PENDING
    return {
        "public_id": people.new_public_id(),
        "email": newcomer.email,
        "email_key": newcomer.key,
        "address_hash": newcomer.address_hash,
        "name": newcomer.name,
        "language": newcomer.language,
        "status": status,
        "origin": "import",
        "created_at": now,
        "confirmed_at": now if status is Status.ACTIVE else None,
        "unsubscribed_at": now if status is Status.UNSUBSCRIBED else None,
    }


def _promote(connection: sa.Connection, keys: Sequence[str], *, visit: Visit, now: datetime) -> int:
    pending = sa.and_(subscribers.c.email_key.in_(keys), subscribers.c.status == Status.PENDING)
    evidence.add_lines(connection, "confirmed", who=pending, visit=visit, at=now)
    return connection.execute(
        sa.update(subscribers).where(pending).values(status=Status.ACTIVE, confirmed_at=now)
    ).rowcount
