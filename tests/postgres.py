"""The PostgreSQL server of the tests, and databases of this run's own on it, which are emptied before every test."""

from __future__ import annotations

import functools
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from tests.times import PATIENCE

URL = os.environ.get("NEWSLETTER_TEST_POSTGRES", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres")
ABSENT = (
    f"no PostgreSQL lets us in at {sa.make_url(URL).host}:{sa.make_url(URL).port or 5432}: `apt-get install postgresql`"
    " and let the user postgres in from 127.0.0.1 without a password, or name a server in NEWSLETTER_TEST_POSTGRES"
)
# What a migration writes stays.
KEPT = {"alembic_version", "facts"}


@contextmanager
def connected() -> Iterator[sa.Engine]:
    """The server; without one the test is skipped, and says what to install."""
    engine = sa.create_engine(
        URL, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": PATIENCE}, poolclass=sa.NullPool
    )
    try:
        engine.connect().close()
    except sa.exc.OperationalError:
        pytest.skip(ABSENT)
    yield engine
    engine.dispose()


@contextmanager
def own_database(server: sa.Engine, *, prepare: Callable[[str], None]) -> Iterator[str]:
    """The address of a database with the tables `prepare` makes, dropped at the end.

    It does not wait for the disk at a commit: what a test kills is the program, not the server.
    """
    name = f"newsletter_test_{uuid.uuid4().hex[:12]}"
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
        connection.exec_driver_sql(f"ALTER DATABASE {name} SET synchronous_commit = off")
    url = server.url.set(database=name).render_as_string(hide_password=False)
    prepare(url)
    yield url
    with server.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


def empty(url: str) -> None:
    """Delete every row, and count from 1 again. To empty the few rows of a test is ten times as fast as TRUNCATE."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        connection.exec_driver_sql("; ".join(f"DELETE FROM {table}" for table in _tables(url)))
        connection.exec_driver_sql(
            "SELECT setval(format('%%I.%%I', schemaname, sequencename)::regclass, 1, false) FROM pg_sequences"
        )
    engine.dispose()


@functools.cache
def _tables(url: str) -> list[str]:
    """Those to be emptied, each before the ones it points to."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    found = sa.MetaData()
    found.reflect(engine)
    engine.dispose()
    return [table.name for table in reversed(found.sorted_tables) if table.name not in KEPT]
