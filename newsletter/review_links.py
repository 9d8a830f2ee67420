"""The links to the review page: one per editor and issue, each revocable.

A row holds a nonce, never a token: what opens the page is the nonce signed with the key file, so that a stolen database
lets nobody in. What it does not know: keys, and whether an issue is still open (`weekly.proofs` says until when a link
works).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from newsletter.database import Database, UtcDateTime, metadata, storable

PURPOSE = b"review"
"""Of the token that a link ends with."""
FORM = b"review form"
"""Of the token that the page's forms carry, made of the same nonce."""

review_links = sa.Table(
    "review_links",
    metadata,
    sa.Column("nonce", sa.String(32), primary_key=True),
    sa.Column("slot_key", sa.String(20), nullable=False, index=True),
    sa.Column("editor", sa.String(254), nullable=False),
    sa.Column("made_at", UtcDateTime, nullable=False),
    sa.Column("revoked_at", UtcDateTime),
)


@dataclass(frozen=True, slots=True)
class ReviewLink:
    """One editor's link to one issue. `nonce` is 32 hex digits, `editor` a mail address."""

    nonce: str
    slot_key: str
    editor: str
    made_at: datetime
    revoked_at: datetime | None = None

    @property
    def payload(self) -> bytes:
        """The 16 bytes that its tokens are made of."""
        return bytes.fromhex(self.nonce)


class ReviewLinks:
    def __init__(self, database: Database) -> None:
        self._database = database

    def make(self, connection: sa.Connection, *, slot_key: str, editor: str, now: datetime) -> ReviewLink:
        """The link of an editor to an issue, in a transaction the caller began: the one that works, else a new one."""
        mine = sa.and_(_of(slot_key, editor), review_links.c.revoked_at.is_(None))
        if found := _read(connection, mine):
            return found[-1]
        link = ReviewLink(secrets.token_hex(16), slot_key, storable(editor), now)
        values = {"nonce": link.nonce, "slot_key": link.slot_key, "editor": link.editor, "made_at": now}
        connection.execute(review_links.insert().values(values))
        return link

    def find(self, nonce: str) -> ReviewLink | None:
        with self._database.read() as connection:
            found = _read(connection, review_links.c.nonce == nonce)
        return found[0] if found else None

    def newest(self, slot_key: str) -> dict[str, ReviewLink]:
        """The newest link of each editor to an issue, by their address."""
        with self._database.read() as connection:
            return {link.editor: link for link in _read(connection, review_links.c.slot_key == slot_key)}

    def revoke(self, *, slot_key: str, editor: str, now: datetime) -> int:
        """Let no link of an editor to an issue open anything any more; returns how many did."""
        mine = sa.and_(_of(slot_key, editor), review_links.c.revoked_at.is_(None))
        with self._database.write() as connection:
            return connection.execute(review_links.update().where(mine).values(revoked_at=now)).rowcount


def _of(slot_key: str, editor: str) -> sa.ColumnElement[bool]:
    return sa.and_(review_links.c.slot_key == slot_key, review_links.c.editor == editor)


def _read(connection: sa.Connection, where: sa.ColumnElement[bool]) -> list[ReviewLink]:
    query = sa.select(review_links).where(where).order_by(review_links.c.made_at, review_links.c.nonce)
    rows: list[dict[str, Any]] = [dict(row) for row in connection.execute(query).mappings()]
    return [ReviewLink(**row) for row in rows]
