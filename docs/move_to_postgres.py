"""Copies a stopped project's SQLite database into an empty PostgreSQL one, rows and ids as they are.

    python move_to_postgres.py PROJECT postgresql://newsletter@localhost/newsletter

Everything stays valid: unsubscribe links, what was carried, the ledger. What it does not do: stop the project, or write
the new address into `newsletter.toml`. Ends with a sentence, and nothing changed, when the database is not empty.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from newsletter.app import Project
from newsletter.database import Database, metadata
from newsletter.sending import sender  # noqa: F401 - once it is loaded, every table is known
from subscribers import metadata as consent

PAGE = 1000


def move(root: Path, url: str) -> dict[str, int]:
    """Copy everything; returns the number of rows of each table."""
    source, target = Project(root).database, Database(url)
    try:
        before, _ = target.migrate(now=datetime.now(UTC))  # noqa: TID251 - a script's own clock
        if before is not None:
            sys.exit("that database holds tables already; name an empty one")
        return _copy(source, target)
    finally:
        source.dispose()
        target.dispose()


def _copy(source: Database, target: Database) -> dict[str, int]:
    counts: dict[str, int] = {}
    with source.read() as old, target.write() as new:
        used = dict(old.exec_driver_sql("SELECT name, seq FROM sqlite_sequence").all())
        for table in (*metadata.sorted_tables, *consent.sorted_tables):
            new.execute(sa.delete(table))  # of `facts`, which a new database has already
            counts[table.name] = 0
            for page in old.execute(sa.select(table)).mappings().partitions(PAGE):
                new.execute(sa.insert(table), [dict(row) for row in page])
                counts[table.name] += len(page)
            if "id" in table.c:
                # Ids are never used twice: counting goes on from the highest that ever was.
                highest = max(used.get(table.name, 0), old.scalar(sa.select(sa.func.max(table.c.id))) or 0)
                counter = sa.func.pg_get_serial_sequence(table.name, "id")
                new.execute(sa.select(sa.func.setval(counter, max(highest, 1), highest > 0)))
    return counts


if __name__ == "__main__":
    for name, number in move(Path(sys.argv[1]), sys.argv[2]).items():
        sys.stdout.write(f"{name}: {number}\n")
