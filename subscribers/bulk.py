"""One batch of an import, set by set: a handful of statements however many rows. Holds its rules of consent.

A "no" in the file beats every "yes": the operator's word, the file's own, and a subscription that is active. That they
never confirmed beats the operator's word and an earlier import, but not the subscriber's own click here. Nothing in a
file beats a "no" that is on record.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from subscribers import confirmations, consents as consent_log, queries
from subscribers.platforms import SUPPRESSION_REASONS, Claim
from subscribers.subscriber import BatchResult, ImportRow, Provenance, Status, clean_text
from subscribers.tables import consents, insert_new, subscribers, suppressions

_CONSENT_HELD = "imported, operator holds consent"
_FILE_SAYS_SO = "the imported file says so"


def import_batch(
    connection: sa.Connection, batch: Sequence[ImportRow], *, confirmed: bool, source: str, now: datetime
) -> BatchResult:
    """Insert who is new, make pending ones active when the operator holds their consent, end and suppress those of
    whom the file says so, and leave all others alone. A batch holds an address once."""
    by_file = Provenance(via="import", form=source)
    by_operator = Provenance(via="import", form=source, wording=_CONSENT_HELD)
    suppressed, known = _suppressed(connection, batch), _known(connection, batch)
    # A suppression that is on record, as in an export read again, changes nothing about the subscriber.
    to_suppress = [row for row in batch if _reason(row) and row.address_hash not in suppressed]
    to_end = [row.key for row in batch if row.claim.denies] + [row.key for row in to_suppress]
    granted = {
        row.key
        for row in batch
        if confirmed and row.claim.grants and not row.suppression and row.address_hash not in suppressed
    }
    new = [row for row in batch if row.address_hash not in suppressed and row.key not in known]
    created = _insert(connection, new, granted=granted, now=now)
    for keys, provenance in ((created & granted, by_operator), (created - granted, by_file)):
        _write_lines(connection, "imported", keys, provenance=provenance, now=now)
    promoted = {key for key in granted if known.get(key) == Status.PENDING}
    _promote(connection, promoted, provenance=by_operator, now=now)
    _end(connection, to_end, provenance=by_file, now=now)
    _suppress(connection, to_suppress, provenance=by_file, now=now)
    never_confirmed = [row.key for row in batch if row.claim is Claim.UNCONFIRMED and known.get(row.key)]
    set_back = _set_back(connection, never_confirmed, provenance=by_file, now=now)
    outcomes = {**dict.fromkeys(created, "created"), **dict.fromkeys(promoted, "confirmed")}
    outcomes |= dict.fromkeys(set_back, "unconfirmed_by_file")
    counts = Counter(_outcome(row, known, suppressed=suppressed, outcomes=outcomes) for row in batch)
    ended = sum(known.get(key) == Status.ACTIVE for key in {*to_end, *set_back})
    return BatchResult(**counts, ended=ended)


def _reason(row: ImportRow) -> str:
    return SUPPRESSION_REASONS.get(row.claim, row.suppression)


def _outcome(
    row: ImportRow, known: Mapping[str, str], *, suppressed: Collection[str], outcomes: Mapping[str, str]
) -> str:
    """The count of `BatchResult` that a row belongs to."""
    if row.address_hash in suppressed:
        return "suppressed"
    if _reason(row):
        return "suppressed_by_file"
    if known.get(row.key) == Status.UNSUBSCRIBED:
        return "unsubscribed"
    if row.claim.denies:
        return "unsubscribed_by_file"
    # A row that another transaction inserted since we looked was there before us.
    return outcomes.get(row.key, "already")


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
    connection: sa.Connection, new: Sequence[ImportRow], *, granted: Collection[str], now: datetime
) -> set[str]:
    """The keys of the rows inserted: active when granted, else pending."""
    # In one order, so that two imports at once wait for each other instead of both being stopped as a deadlock.
    rows = [_values(row, granted=row.key in granted, now=now) for row in sorted(new, key=lambda row: row.key)]
    if not rows:
        return set()
    connection.execute(insert_new(connection, subscribers), rows)
    ours = subscribers.c.public_id.in_([row["public_id"] for row in rows])
    return set(connection.execute(sa.select(subscribers.c.email_key).where(ours)).scalars())


def _values(row: ImportRow, *, granted: bool, now: datetime) -> dict[str, object]:
    return {
        "public_id": queries.new_public_id(),
        "email": row.email,
        "email_key": row.key,
        "address_hash": row.address_hash,
        "name": row.name,
        "language": row.language,
        "status": Status.ACTIVE if granted else Status.PENDING,
        "origin": "import",
        "created_at": now,
        "confirmed_at": now if granted else None,
    }


def _promote(connection: sa.Connection, keys: Collection[str], *, provenance: Provenance, now: datetime) -> None:
    if keys:
        _write_lines(connection, "confirmed", keys, provenance=provenance, now=now)
        pending = sa.and_(subscribers.c.email_key.in_(keys), subscribers.c.status == Status.PENDING)
        connection.execute(sa.update(subscribers).where(pending).values(status=Status.ACTIVE, confirmed_at=now))


def _end(connection: sa.Connection, keys: Collection[str], *, provenance: Provenance, now: datetime) -> None:
    """Unsubscribe, from any status; open confirmations end with it."""
    if not keys:
        return
    who = sa.and_(subscribers.c.email_key.in_(keys), subscribers.c.status != Status.UNSUBSCRIBED)
    confirmations.use_up(connection, who=who, now=now)
    consent_log.add_lines(connection, "unsubscribed", who=who, provenance=provenance, at=now, detail=_FILE_SAYS_SO)
    connection.execute(sa.update(subscribers).where(who).values(status=Status.UNSUBSCRIBED, unsubscribed_at=now))


def _set_back(connection: sa.Connection, keys: Collection[str], *, provenance: Provenance, now: datetime) -> set[str]:
    """Make pending again whoever is active without a click of their own. Returns their keys."""
    if not keys:
        return set()
    clicked = sa.and_(
        consents.c.address_hash == subscribers.c.address_hash,
        consents.c.subscriber_id == subscribers.c.id,
        consents.c.what.in_(("confirmed", "resubscribed")),
        consents.c.via.not_in(("import", "operator")),
    )
    who = sa.and_(
        subscribers.c.email_key.in_(keys),
        subscribers.c.status == Status.ACTIVE,
        ~sa.select(consents.c.id).where(clicked).correlate(subscribers).exists(),
    )
    found = set(connection.execute(sa.select(subscribers.c.email_key).where(who)).scalars())
    consent_log.add_lines(connection, "unconfirmed", who=who, provenance=provenance, at=now, detail=_FILE_SAYS_SO)
    connection.execute(sa.update(subscribers).where(who).values(status=Status.PENDING, confirmed_at=None))
    return found


def _suppress(connection: sa.Connection, rows: Sequence[ImportRow], *, provenance: Provenance, now: datetime) -> None:
    by_reason: dict[str, list[str]] = {}
    for row in rows:
        by_reason.setdefault(clean_text(_reason(row)), []).append(row.address_hash)
    for reason, hashes in by_reason.items():
        values = [{"address_hash": one, "reason": reason, "since": now} for one in sorted(hashes)]
        connection.execute(insert_new(connection, suppressions), values)
        who = subscribers.c.address_hash.in_(hashes)
        detail = f"{reason}: {_FILE_SAYS_SO}"
        consent_log.add_lines(connection, "suppressed", who=who, provenance=provenance, at=now, detail=detail)


def _write_lines(
    connection: sa.Connection, what: str, keys: Collection[str], *, provenance: Provenance, now: datetime
) -> None:
    if keys:
        who = subscribers.c.email_key.in_(keys)
        consent_log.add_lines(connection, what, who=who, provenance=provenance, at=now)
