"""One linear history for both packages: what it makes is what the tables say, however often and by whomever it is run."""

from __future__ import annotations

import ast
import json
import multiprocessing
import sqlite3
import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import newsletter.app  # whoever has a table has to be here
import newsletter.sending.alerts
import newsletter.sending.pace
import newsletter.sending.sender
import newsletter.sending.workers
from newsletter.database import Database, metadata
from newsletter.decisions import Decisions, about, decisions, marks_of
from newsletter.migrations import HEAD, REVISIONS
from newsletter.migrations.run import upgrade
from newsletter.shelf.tables import articles
from subscribers.tables import metadata as register
from tests.times import NOW

VERSIONS = Path(import_module("newsletter.migrations.versions").__path__[0])
ROOT = Path(newsletter.app.__file__).parent.parent


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database that has no tables yet, of this test's own."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'new.db'}"
        return
    server: sa.Engine = request.getfixturevalue("postgres_server")
    name = f"newsletter_test_{uuid.uuid4().hex[:12]}"
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    yield server.url.set(database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def new(new_url: str) -> Iterator[Database]:
    database = Database(new_url)
    yield database
    database.dispose()


def migrated(url: str) -> tuple[str | None, str]:
    """Migrate in a process of its own."""
    database = Database(url)
    try:
        return database.migrate(now=NOW)
    finally:
        database.dispose()


def test_the_revisions_that_are_named_are_those_that_are_there_in_one_line() -> None:
    modules = [import_module(f"newsletter.migrations.versions.{file.stem}") for file in sorted(VERSIONS.glob("v*.py"))]
    history = {module.revision: module.down_revision for module in modules}
    assert len(history) == len(modules)
    assert tuple(sorted(history)) == REVISIONS
    assert REVISIONS[-1] == HEAD
    assert [history[revision] for revision in REVISIONS] == [None, *REVISIONS[:-1]]


def test_checking_a_version_needs_no_alembic() -> None:
    for name in ("newsletter/migrations/__init__.py", "newsletter/database.py"):
        tree = ast.parse((ROOT / name).read_text())
        top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        assert not [node for node in top if "alembic" in ast.dump(node)]


def test_a_migrated_database_is_what_the_tables_of_both_packages_say(new: Database) -> None:
    new.migrate(now=NOW)
    # SQLite gives an empty default back in a spelling Alembic takes for another.
    options = {"compare_type": True, "compare_server_default": not new.is_sqlite}
    with new.read() as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, [metadata, register]) == []
        assert set(sa.inspect(connection).get_table_names()) == {*metadata.tables, *register.tables, "alembic_version"}


def schema(connection: sa.Connection) -> dict[str, object]:
    """What a database says about its tables, with their CHECKs, and with the SQL of SQLite's partial indexes."""
    found = sa.inspect(connection)

    def plain(rows: list[Any]) -> list[dict[str, str]]:
        return sorted(({key: text(value) for key, value in row.items()} for row in rows), key=lambda row: row["name"])

    def text(value: Any) -> str:
        if isinstance(value, dict):
            return str({key: str(one) for key, one in value.items()})
        return str(value).strip("()")  # SQLite's rebuilt tables say DEFAULT ('') for DEFAULT ''

    return {
        table: [
            plain(found.get_columns(table)),
            plain(found.get_indexes(table)),
            plain(found.get_check_constraints(table)),
            plain(found.get_unique_constraints(table)),
            plain(found.get_foreign_keys(table)),
            found.get_pk_constraint(table)["constrained_columns"],
        ]
        for table in found.get_table_names()
        if table != "alembic_version"
    }


def test_a_migrated_database_has_the_checks_and_the_indexes_of_the_tables(new: Database) -> None:
    with new.write() as connection:
        metadata.create_all(connection)
        register.create_all(connection)
        made = schema(connection)
        metadata.drop_all(connection)
        register.drop_all(connection)
    new.migrate(now=NOW)
    with new.read() as connection:
        assert schema(connection) == made


# What the rows of a filled 0001 hold where anything will not do.
HELD_BY_NOBODY = {"state": ["handing over", "waiting"], "worker_id": [None, None], "doubt_at": [None, None]}
CHOICES: dict[str, dict[str, list[Any]]] = {
    "deliveries": HELD_BY_NOBODY,
    "outbox": {"state": ["cancelled", "claimed"], "worker_id": [7, 7]},
    "issues": {"state": ["sending", "closed"], "on_doubt": ["resend", "hold"]},
    "attempts": {"ledger": ["outbox", "deliveries"], "outcome": ["in doubt", "deferred"]},
    "subscribers": {"status": ["active", "pending"]},
    "facts": {"name": ["began", "x"]},
}
ANYTHING: dict[type, Any] = {int: 1, str: "x", bytes: b"x", float: 0.5}


def fill(connection: sa.Connection) -> dict[str, list[dict[str, Any]]]:
    """Two rows in every table, as its columns at that revision take them."""
    old = sa.MetaData()
    old.reflect(connection)
    rows: dict[str, list[dict[str, Any]]] = {}
    for table in old.sorted_tables:
        if table.name == "alembic_version":
            continue
        rows[table.name] = [{column.name: value_of(column, number) for column in table.c} for number in (0, 1)]
        connection.execute(table.insert(), rows[table.name])
    return rows


def value_of(column: sa.Column[Any], number: int) -> Any:
    given = CHOICES.get(column.table.name, {}).get(column.name)
    if given is not None:
        return given[number]
    kind = column.type.python_type
    if kind is datetime:
        at = NOW + timedelta(hours=number)
        return at if getattr(column.type, "timezone", False) else at.replace(tzinfo=None)
    return ANYTHING[kind] + number if kind in (int, float) else ANYTHING[kind] * (number + 1)


def in_utc(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


def decided_on(connection: sa.Connection) -> list[dict[str, Any]]:
    """The log as it stands, but without what makes it other than a conversion of what stood on the articles."""
    log = [dict(row) for row in connection.execute(sa.select(decisions)).mappings()]
    assert all(row["origin"] == "upgrade" and row["slot_key"] == "" for row in log)
    return log


def test_marks_of_before_are_the_first_decisions(new: Database) -> None:
    words = {"title": "Our title", "published": "2026-11-18T08:00:00+01:00"}
    marks = [
        {"edits": json.dumps(words), "dropped_at": None, "held_until": ""},
        {"edits": "{}", "dropped_at": NOW, "held_until": "2026-W50"},
        {"edits": "{}", "dropped_at": None, "held_until": "2026-W51"},
        {"edits": "{}", "dropped_at": None, "held_until": "quarantine"},
        {"edits": "not json", "dropped_at": None, "held_until": ""},
    ]
    with new.write() as connection:
        upgrade(connection, "0005")
        for number, mark in enumerate(marks, 1):
            values = {"id": number, "source": "site", "title_key": "", "digest": "", "content": "{}"}
            connection.execute(articles.insert().values({**values, **mark, "first_seen": NOW, "changed_at": NOW}))
    new.migrate(now=NOW)
    found = [(one.article, one.act, dict(one.values)) for one in Decisions(new).log()]
    held, dropped = {"until": "2026-W50"}, {"ever": "yes"}
    assert found == [(1, "edit", words), (2, "hold", held), (2, "drop", dropped), (3, "hold", {"until": "2026-W51"})]
    with new.read() as connection:
        assert marks_of(about(connection, 1)).edits == words
        assert marks_of(about(connection, 2)).dropped_at == NOW
        assert marks_of(about(connection, 3)).held_until == "2026-W51"


def test_a_filled_database_of_the_first_version_keeps_every_row_and_every_moment(new: Database) -> None:
    with new.write() as connection:
        upgrade(connection, "0001")
        rows = fill(connection)
    assert new.migrate(now=NOW) == ("0001", HEAD)
    rows["deliveries"][0]["worker_id"], rows["outbox"][0]["worker_id"] = 0, None
    with new.read() as connection:
        for alert in rows["alerts"]:
            alert["about"] = alert.pop("slot_key")
        for row in (*rows["deliveries"], *rows["outbox"]):
            row.update(claim=0, domain=row["email"].rpartition("@")[2])
        for row in rows["attempts"]:
            whose = [one["subscriber_id"] for one in rows["deliveries"] if one["id"] == row["row_id"]]
            row.update(claim=-row["id"], subscriber_id=whose[0] if row["ledger"] == "deliveries" else None)
        for row in rows["workers"]:
            row["seen_at"] = None
        for issue in rows["issues"]:
            issue.update(dict.fromkeys(("attended_at", "proofed_at", "goes_at")))
        rows["decisions"] = decided_on(connection)
        for table in (*metadata.sorted_tables, *register.sorted_tables):
            found = connection.execute(sa.select(table)).mappings().all()
            expected = [{name: in_utc(value) for name, value in row.items()} for row in rows.get(table.name, ())]
            assert sorted(map(dict, found), key=str) == sorted(expected, key=str), table.name
    new.check()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE deliveries SET state = 'sent'",
        "UPDATE deliveries SET state = 'accepted'",
        "UPDATE outbox SET worker_id = NULL",
        "UPDATE issues SET state = 'open'",
        "UPDATE issues SET on_doubt = 'ask'",
        "UPDATE attempts SET outcome = 'delivered'",
        "UPDATE attempts SET ledger = 'letters'",
        "DELETE FROM issues",
    ],
)
def test_what_no_enumeration_has_is_refused_by_the_database(new: Database, change: str) -> None:
    with new.write() as connection:
        upgrade(connection, "0001")
        fill(connection)
    new.migrate(now=NOW)
    with pytest.raises(sa.exc.IntegrityError), new.write() as connection:
        connection.exec_driver_sql(change)


def test_the_two_packages_share_no_table() -> None:
    assert not set(metadata.tables) & set(register.tables)


def test_migrating_again_changes_nothing(new: Database) -> None:
    assert new.migrate(now=NOW) == (None, HEAD)
    assert new.migrate(now=NOW + timedelta(days=1)) == (HEAD, HEAD)
    assert new.began() == NOW
    new.check()


def test_processes_that_migrate_at_once_are_all_told_that_it_is_done(new_url: str) -> None:
    with multiprocessing.get_context("forkserver").Pool(4) as pool:
        told = pool.map(migrated, [new_url] * 4, chunksize=1)
    assert all(after == HEAD for _, after in told)
    assert [before for before, _ in told].count(None) == 1


def test_threads_that_migrate_at_once_too(new: Database) -> None:
    barrier = threading.Barrier(4)
    told: list[str | None] = []

    def migrate() -> None:
        barrier.wait()
        told.append(new.migrate(now=NOW)[0])

    threads = [threading.Thread(target=migrate) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told, key=str) == [HEAD] * 3 + [None]


def test_a_migration_that_fails_leaves_nothing_half_done(new: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    from alembic import op

    real, left = op.execute, [5]

    def failing(*args: object, **kwargs: object) -> object:
        left[0] -= 1
        if not left[0]:
            raise sqlite3.OperationalError("the power went")
        return real(*args, **kwargs)

    monkeypatch.setattr(op, "execute", failing)
    with pytest.raises(sqlite3.OperationalError):
        new.migrate(now=NOW)
    monkeypatch.undo()
    with new.read() as connection:
        assert sa.inspect(connection).get_table_names() == []
    assert new.migrate(now=NOW) == (None, HEAD)
    new.check()
