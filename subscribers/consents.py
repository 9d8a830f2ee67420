"""The consent record: who asked for what, when, where and under which words. Lines are added, never changed.

Only `erase_personal_fields` removes anything: what happened and when stays provable.
"""

from __future__ import annotations

import hashlib
from dataclasses import fields
from typing import Any

import sqlalchemy as sa

from subscribers.subscriber import ConsentLine, clean_text
from subscribers.tables import Act, consents, subscribers

_LONGEST_WORDING = 4000
_LONGEST_FORM = 500
_LONGEST_AGENT = 300


def add_line(act: Act, what: str, *, address_hash: str, detail: str = "") -> None:
    """Record an act for one address, which may have no subscriber."""
    subscriber_id = sa.select(subscribers.c.id).where(subscribers.c.address_hash == address_hash).scalar_subquery()
    line = {"address_hash": address_hash, "subscriber_id": subscriber_id, **_values(act, what, detail)}
    act.connection.execute(sa.insert(consents).values(line))


def add_lines(act: Act, what: str, *, who: sa.ColumnElement[bool], detail: str = "") -> None:
    """Record the same act for every subscriber that matches `who`, in one statement."""
    values = _values(act, what, detail)
    literals = (sa.literal(value, consents.c[name].type) for name, value in values.items())
    matching = sa.select(subscribers.c.address_hash, subscribers.c.id, *literals).where(who)
    act.connection.execute(sa.insert(consents).from_select(["address_hash", "subscriber_id", *values], matching))


def erase_personal_fields(connection: sa.Connection, *, who: sa.ColumnElement[bool]) -> None:
    """Erase address, browser and details from the lines that match `who`."""
    connection.execute(sa.update(consents).where(who).values(ip="", user_agent="", detail=""))


def lines_of(connection: sa.Connection, address_hash: str) -> tuple[ConsentLine, ...]:
    """The record of one address, oldest first."""
    columns = (consents.c[field.name] for field in fields(ConsentLine))
    found = sa.select(*columns).where(consents.c.address_hash == address_hash).order_by(consents.c.id)
    return tuple(ConsentLine(*row) for row in connection.execute(found))


def left_via(connection: sa.Connection, address_hash: str) -> str | None:
    """The `via` of the last unsubscribe of an address; None when there was none."""
    c = consents.c
    last = sa.select(c.via).where(c.address_hash == address_hash, c.what == "unsubscribed").order_by(c.id.desc())
    via: str | None = connection.execute(last.limit(1)).scalar()
    return via


def _values(act: Act, what: str, detail: str) -> dict[str, Any]:
    provenance = act.provenance
    wording = provenance.wording[:_LONGEST_WORDING]
    return {
        "at": act.now,
        "what": what,
        "via": provenance.via,
        "form": clean_text(provenance.form, limit=_LONGEST_FORM),
        "wording": wording,
        "wording_hash": hashlib.sha256(wording.encode()).hexdigest() if wording else "",
        "ip": provenance.ip,
        "user_agent": clean_text(provenance.user_agent, limit=_LONGEST_AGENT),
        "detail": detail,
    }
