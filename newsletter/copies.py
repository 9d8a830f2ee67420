"""Whether this database is a copy that was put back, and what it may not know: an issue that went out after the copy.

A backup says in itself when it was made; a copy by other means is told so (`newsletter restored`). From the moment the
copy is first used, every slot in between, and every issue that was being sent when it was made, is uncertain: it goes
on only when a person says so. What comes after is as in any other database.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from newsletter.database import Database, facts, insert_if_absent

_COPIED, _PUT_BACK, _SURE = "copied", "put back", "sure of "


class Copies:
    def __init__(self, database: Database) -> None:
        self._database = database

    def mark(self, *, at: datetime) -> None:
        """Say that this database is a copy of what it was at a moment."""
        with self._database.write() as connection:
            connection.execute(facts.delete().where(_about_copies()))
            connection.execute(facts.insert().values(name=_COPIED, at=at))

    def put_back(self, *, now: datetime) -> None:
        """Note that a copy is used from now on, the first time that it is."""
        known = self._known()
        if _COPIED in known and _PUT_BACK not in known:
            with self._database.write() as connection:
                insert_if_absent(connection, facts, name=_PUT_BACK, at=now)

    def uncertain(self, slot_key: str, *, slot_at: datetime, frozen_at: datetime | None) -> datetime | None:
        """When the copy was made, if an issue may have gone out after it and nobody has said that it did not."""
        known = self._known()
        copied, back = known.get(_COPIED), known.get(_PUT_BACK)
        if copied is None or back is None or _SURE + slot_key in known:
            return None
        between = copied <= slot_at <= back if frozen_at is None else frozen_at <= copied
        return copied if between else None

    def be_sure(self, connection: sa.Connection, slot_key: str, *, now: datetime) -> None:
        """Note that a person wants this issue sent, in a transaction the caller began."""
        insert_if_absent(connection, facts, name=_SURE + slot_key, at=now)

    def _known(self) -> dict[str, datetime]:
        with self._database.read() as connection:
            return {row.name: row.at for row in connection.execute(sa.select(facts).where(_about_copies()))}


def _about_copies() -> sa.ColumnElement[bool]:
    return sa.or_(facts.c.name.in_((_COPIED, _PUT_BACK)), facts.c.name.startswith(_SURE))
