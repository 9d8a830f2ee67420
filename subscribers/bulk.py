"""One batch of an import, set by set: a handful of statements however many rows. Holds its rules of consent.

A "no" in the file beats every "yes": the operator's word, the file's own, and a subscription that is active. That they
never confirmed beats the operator's word and an earlier import, but not the subscriber's own click here. Nothing in a
file beats a "no" that is on record.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from subscribers import confirmations, consents as consent_log, queries
from subscribers.platforms import SUPPRESSION_REASONS, Claim
from subscribers.subscriber import Entry, ImportReport, Status, clean_text
from subscribers.tables import Act, consents, insert_new, subscribers, suppressions

_CONSENT_HELD = "imported, operator holds consent"
_FILE_SAYS_SO = "the imported file says so"


def import_batch(act: Act, batch: Sequence[Entry], *, confirmed: bool) -> ImportReport:
    """Insert who is new, make pending ones active when the operator holds their consent, end, suppress and set back
    those of whom the file says so, and leave all others alone. A batch holds an address once. Returns its counts."""
    by_operator = replace(act, provenance=replace(act.provenance, wording=_CONSENT_HELD))
    suppressed, known = _suppressed(act.connection, batch), _known(act.connection, batch)
    # A suppression that is on record, as in an export read again, changes nothing about the subscriber.
    allowed = [row for row in batch if row.address_hash not in suppressed]
    to_suppress = [row for row in allowed if _reason(row)]
    to_end = [row.key for row in batch if row.claim.denies] + [row.key for row in to_suppress]
    granted = {row.key for row in allowed if confirmed and row.claim.grants and not row.suppression}
    new = [row for row in allowed if row.key not in known]
    created = _insert(act, new, granted=granted)
    _write_lines(by_operator, "imported", created & granted)
    _write_lines(act, "imported", created - granted)
    promoted = {key for key in granted if known.get(key) == Status.PENDING}
    _promote(by_operator, promoted)
    _end(act, to_end)
    _suppress(act, to_suppress)
    set_back = _set_back(act, [row.key for row in batch if row.claim is Claim.UNCONFIRMED and row.key in known])
    outcomes = {**dict.fromkeys(created, "created"), **dict.fromkeys(promoted, "confirmed")}
    outcomes |= dict.fromkeys(set_back, "unconfirmed_by_file")
    counts: Mapping[str, Any] = Counter(_outcome(row, known, suppressed=suppressed, outcomes=outcomes) for row in batch)
    return ImportReport(**counts, ended=sum(known.get(key) == Status.ACTIVE for key in {*to_end, *set_back}))


def _reason(row: Entry) -> str:
    return SUPPRESSION_REASONS.get(row.claim, row.suppression)


def _outcome(row: Entry, known: Mapping[str, str], *, suppressed: Collection[str], outcomes: Mapping[str, str]) -> str:
    """The count of `ImportReport` that a row belongs to."""
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


def _suppressed(connection: sa.Connection, batch: Sequence[Entry]) -> set[str]:
    column = suppressions.c.address_hash
    hashes = [row.address_hash for row in batch]
    return set(connection.execute(sa.select(column).where(column.in_(hashes))).scalars())


def _known(connection: sa.Connection, batch: Sequence[Entry]) -> dict[str, str]:
    key = subscribers.c.email_key
    found = sa.select(key, subscribers.c.status).where(key.in_([row.key for row in batch]))
    rows = connection.execute(found.order_by(key).with_for_update())
    return {row.email_key: row.status for row in rows}


def _insert(act: Act, new: Sequence[Entry], *, granted: Collection[str]) -> set[str]:
    """The keys of the rows inserted: active when granted, else pending."""
    # In one order, so that two imports at once wait for each other instead of both being stopped as a deadlock.
    rows = [
        queries.new_row(act, row, status=Status.ACTIVE if row.key in granted else Status.PENDING)
        for row in sorted(new, key=lambda row: row.key)
    ]
    if not rows:
        return set()
    act.connection.execute(insert_new(act.connection, subscribers), rows)
    ours = subscribers.c.public_id.in_([row["public_id"] for row in rows])
    return set(act.connection.execute(sa.select(subscribers.c.email_key).where(ours)).scalars())


def _promote(act: Act, keys: Collection[str]) -> None:
    if keys:
        _write_lines(act, "confirmed", keys)
        pending = sa.and_(subscribers.c.email_key.in_(keys), subscribers.c.status == Status.PENDING)
        active = {"status": Status.ACTIVE, "confirmed_at": act.now}
        act.connection.execute(sa.update(subscribers).where(pending).values(active))


def _end(act: Act, keys: Collection[str]) -> None:
    """Unsubscribe, from any status; open confirmations end with it."""
    if not keys:
        return
    who = sa.and_(subscribers.c.email_key.in_(keys), subscribers.c.status != Status.UNSUBSCRIBED)
    confirmations.use_up(act, who=who)
    consent_log.add_lines(act, "unsubscribed", who=who, detail=_FILE_SAYS_SO)
    left = {"status": Status.UNSUBSCRIBED, "unsubscribed_at": act.now}
    act.connection.execute(sa.update(subscribers).where(who).values(left))


def _set_back(act: Act, keys: Collection[str]) -> set[str]:
    """Make pending again whoever is active without a click of their own. Returns their keys."""
    if not keys:
        return set()
    clicked = sa.exists().where(
        consents.c.address_hash == subscribers.c.address_hash,
        consents.c.subscriber_id == subscribers.c.id,
        consents.c.what.in_(("confirmed", "resubscribed")),
        consents.c.via.not_in(("import", "operator")),
    )
    who = sa.and_(
        subscribers.c.email_key.in_(keys),
        subscribers.c.status == Status.ACTIVE,
        ~clicked.correlate_except(consents),
    )
    found = set(act.connection.execute(sa.select(subscribers.c.email_key).where(who)).scalars())
    consent_log.add_lines(act, "unconfirmed", who=who, detail=_FILE_SAYS_SO)
    pending = {"status": Status.PENDING, "confirmed_at": None}
    act.connection.execute(sa.update(subscribers).where(who).values(pending))
    return found


def _suppress(act: Act, rows: Sequence[Entry]) -> None:
    by_reason: dict[str, list[str]] = {}
    for row in rows:
        by_reason.setdefault(clean_text(_reason(row)), []).append(row.address_hash)
    for reason, hashes in by_reason.items():
        values = [{"address_hash": one, "reason": reason, "since": act.now} for one in sorted(hashes)]
        act.connection.execute(insert_new(act.connection, suppressions), values)
        who = subscribers.c.address_hash.in_(hashes)
        consent_log.add_lines(act, "suppressed", who=who, detail=f"{reason}: {_FILE_SAYS_SO}")


def _write_lines(act: Act, what: str, keys: Collection[str]) -> None:
    if keys:
        consent_log.add_lines(act, what, who=subscribers.c.email_key.in_(keys))
