"""One batch of an import, set by set: a handful of statements however many rows. Decides who is never revived."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from subscribers import consents as consent_log, queries
from subscribers.subscriber import BatchResult, ImportRow, Provenance, Status
from subscribers.tables import insert_new, subscribers, suppressions

_CONSENT_HELD = "imported, operator holds consent"


def import_batch(
    connection: sa.Connection, batch: Sequence[ImportRow], *, confirmed: bool, source: str, now: datetime
) -> BatchResult:
    """Insert who is new; make pending ones active when the operator holds their consent; leave everybody else alone.

    A batch holds an address once. What a row's own `status` says counts when it is less than the operator's word.
    """
    suppressed = _suppressed(connection, batch)
    known = _known(connection, [row for row in batch if row.address_hash not in suppressed])
    new = [row for row in batch if row.address_hash not in suppressed and row.key not in known]
    provenance = Provenance(via="import", form=source, wording=_CONSENT_HELD if confirmed else "")
    created = _insert(connection, new, confirmed=confirmed, provenance=provenance, now=now)
    granted = [row.key for row in batch if known.get(row.key) == Status.PENDING and _active(row, confirmed=confirmed)]
    promoted = _promote(connection, granted, provenance=provenance, now=now) if granted else 0
    statuses = Counter(known.values())
    left = sum(row.status is Status.UNSUBSCRIBED for row in new)
    return BatchResult(
        created=created - left,
        confirmed=promoted,
        # A row somebody else inserted since we looked was, all the same, there before us.
        already=statuses[Status.ACTIVE] + statuses[Status.PENDING] - promoted + len(new) - created,
        suppressed=len(suppressed),
        unsubscribed=statuses[Status.UNSUBSCRIBED] + left,
    )


def _active(row: ImportRow, *, confirmed: bool) -> bool:
    return confirmed and row.status in {None, Status.ACTIVE}


def _suppressed(connection: sa.Connection, batch: Sequence[ImportRow]) -> set[str]:
    hashes = [row.address_hash for row in batch]
    column = suppressions.c.address_hash
    return set(connection.execute(sa.select(column).where(column.in_(hashes))).scalars())


def _known(connection: sa.Connection, batch: Sequence[ImportRow]) -> dict[str, str]:
    found = sa.select(subscribers.c.email_key, subscribers.c.status).where(
        subscribers.c.email_key.in_([row.key for row in batch])
    )
    rows = connection.execute(found.order_by(subscribers.c.email_key).with_for_update())
    return {row.email_key: row.status for row in rows}


def _insert(
    connection: sa.Connection, new: Sequence[ImportRow], *, confirmed: bool, provenance: Provenance, now: datetime
) -> int:
    # In one order, so that two imports at once wait for each other instead of both being stopped as a deadlock.
    rows = [_row(row, confirmed=confirmed, now=now) for row in sorted(new, key=lambda row: row.key)]
    if not rows:
        return 0
    connection.execute(insert_new(connection, subscribers), rows)
    ours = subscribers.c.public_id.in_([row["public_id"] for row in rows])
    return consent_log.add_lines(connection, "imported", who=ours, provenance=provenance, at=now)


def _row(row: ImportRow, *, confirmed: bool, now: datetime) -> dict[str, object]:
    if row.status is Status.UNSUBSCRIBED:
        status = Status.UNSUBSCRIBED
    else:
        status = Status.ACTIVE if _active(row, confirmed=confirmed) else Status.PENDING
    return {
        "public_id": queries.new_public_id(),
        "email": row.email,
        "email_key": row.key,
        "address_hash": row.address_hash,
        "name": row.name,
        "language": row.language,
        "status": status,
        "origin": "import",
        "created_at": now,
        "confirmed_at": now if status is Status.ACTIVE else None,
        "unsubscribed_at": now if status is Status.UNSUBSCRIBED else None,
    }


def _promote(connection: sa.Connection, keys: Sequence[str], *, provenance: Provenance, now: datetime) -> int:
    pending = sa.and_(subscribers.c.email_key.in_(keys), subscribers.c.status == Status.PENDING)
    consent_log.add_lines(connection, "confirmed", who=pending, provenance=provenance, at=now)
    return connection.execute(
        sa.update(subscribers).where(pending).values(status=Status.ACTIVE, confirmed_at=now)
    ).rowcount
