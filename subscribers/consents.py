"""The consent record: who asked for what, when, where and under which words. Lines are added, never changed.

Only `erase_personal_fields` removes anything: what happened and when stays provable.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from subscribers.subscriber import ConsentLine, Provenance, Subscriber, clean_text
from subscribers.tables import UtcDateTime, consents, subscribers

_LONGEST_WORDING = 4000
_LONGEST_FORM = 500
_LONGEST_AGENT = 300


def add_line(
    connection: sa.Connection,
    what: str,
    *,
    address_hash: str,
    subscriber: Subscriber | None,
    provenance: Provenance,
    at: datetime,
    detail: str = "",
) -> None:
    """Record one act of a subscriber, or of the operator for them."""
    line = {
        "at": at,
        "what": what,
        "address_hash": address_hash,
        "subscriber_id": subscriber.id if subscriber else None,
        "detail": detail,
        **_provenance_values(provenance),
    }
    connection.execute(sa.insert(consents).values(line))


def add_lines(
    connection: sa.Connection,
    what: str,
    *,
    who: sa.ColumnElement[bool],
    provenance: Provenance,
    at: datetime,
    detail: str = "",
) -> int:
    """Record the same act for every subscriber that matches `who`, in one statement."""
    provenance_values = {**_provenance_values(provenance), "detail": detail}
    matching = sa.select(
        sa.literal(at, UtcDateTime),
        sa.literal(what),
        subscribers.c.address_hash,
        subscribers.c.id,
        *(sa.literal(value) for value in provenance_values.values()),
    ).where(who)
    columns = ["at", "what", "address_hash", "subscriber_id", *provenance_values]
    insert = sa.insert(consents).from_select(columns, matching).execution_options(preserve_rowcount=True)
    return connection.execute(insert).rowcount


def erase_personal_fields(connection: sa.Connection, *, who: sa.ColumnElement[bool]) -> None:
    """Erase address, browser and details from the lines that match `who`."""
    connection.execute(sa.update(consents).where(who).values(ip="", user_agent="", detail=""))


def lines_of(connection: sa.Connection, address_hash: str) -> tuple[ConsentLine, ...]:
    """The record of one address, oldest first."""
    c = consents.c
    rows = connection.execute(
        sa.select(c.at, c.what, c.via, c.form, c.wording, c.wording_hash, c.ip, c.user_agent, c.detail)
        .where(c.address_hash == address_hash)
        .order_by(c.id)
    )
    return tuple(ConsentLine(*row) for row in rows)


def left_via(connection: sa.Connection, address_hash: str) -> str | None:
    """The `via` of the last unsubscribe of an address; None when there was none."""
    c = consents.c
    last = sa.select(c.via).where(c.address_hash == address_hash, c.what == "unsubscribed").order_by(c.id.desc())
    via: str | None = connection.execute(last.limit(1)).scalar()
    return via


def _provenance_values(provenance: Provenance) -> dict[str, Any]:
    wording = provenance.wording[:_LONGEST_WORDING]
    return {
        "via": provenance.via,
        "form": clean_text(provenance.form, limit=_LONGEST_FORM),
        "wording": wording,
        "wording_hash": hashlib.sha256(wording.encode()).hexdigest() if wording else "",
        "ip": provenance.ip,
        "user_agent": clean_text(provenance.user_agent, limit=_LONGEST_AGENT),
    }
