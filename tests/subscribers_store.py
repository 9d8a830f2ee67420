"""A Book on a real database, and everything it asks for written down, for the tests of `subscribers`.

A test file names this one in `pytest_plugins` for its fixtures. (PYTEST_DONT_REWRITE: it is also imported by hand.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from subscribers import Book, Confirmation, KeyRing, Link, Provenance, Subscriber, metadata
from tests import postgres
from tests.times import PATIENCE

KEYS = KeyRing.parse("k1:" + "QUFB" * 11 + "\n")
FORM = Provenance(
    via="form", form="https://news.example.org/subscribe", wording="Yes, please.", ip="192.0.2.7", user_agent="Lynx"
)
PAGE = Provenance(via="page", ip="192.0.2.8")


class TestStore:
    """The smallest thing a Book can live in."""

    __test__ = False

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        with self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        with self.engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                connection.begin()
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()


@dataclass
class Clock:
    time: datetime = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def forward(self, by: timedelta) -> None:
        self.time += by


@dataclass
class Harness:
    """A Book, its clock, the mails it asked for, with the tokens they would carry, and the changes it told of."""

    store: TestStore
    clock: Clock = field(default_factory=Clock)
    mails: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    told: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.book = Book(self.store, KEYS, now=self.clock, post=self.post, changed=self.changed)

    def post(self, connection: sa.Connection, kind: str, subscriber: Subscriber, links: Mapping[str, Link]) -> None:
        assert connection.in_transaction()
        self.mails.append((kind, subscriber.email, {blank: KEYS.token(link) for blank, link in links.items()}))

    def changed(self, what: str, subscriber: Subscriber) -> None:
        self.told.append((what, subscriber.email))

    def kinds(self) -> list[str]:
        return [kind for kind, _, _ in self.mails]

    def subscribed(self, email: str, **wish: str) -> Subscriber:
        """Somebody who asked and confirmed."""
        self.book.subscribe(email, provenance=FORM, **wish)
        result = self.book.confirm(self.mails[-1][2]["confirm_token"], provenance=PAGE)
        assert result.confirmation is Confirmation.DONE
        assert result.subscriber
        return result.subscriber

    def receivers(self) -> list[str]:
        with self.store.read() as connection:
            return sorted(row.email for row in connection.execute(self.book.audience(self.clock())))


def sqlite_engine(path: Path) -> sa.Engine:
    engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": PATIENCE})

    @sa.event.listens_for(engine, "connect")
    def _own_transactions(connection, _record):  # type: ignore[no-untyped-def]
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA foreign_keys = ON")

    return engine


@pytest.fixture(scope="session")
def subscribers_postgres() -> Iterator[str]:
    """A database with the tables of the subscribers alone."""

    def make(url: str) -> None:
        engine = sa.create_engine(url)
        metadata.create_all(engine)
        engine.dispose()

    with postgres.connected() as server, postgres.own_database(server, prepare=make) as url:
        yield url


@contextmanager
def sqlite_store(folder: Path) -> Iterator[TestStore]:
    engine = sqlite_engine(folder / "newsletter.db")
    metadata.create_all(engine)
    yield TestStore(engine)
    engine.dispose()


@contextmanager
def postgres_store(url: str) -> Iterator[TestStore]:
    postgres.empty(url)
    engine = sa.create_engine(url)
    yield TestStore(engine)
    engine.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TestStore]:
    if request.param == "sqlite":
        place = sqlite_store(tmp_path)
    else:
        place = postgres_store(request.getfixturevalue("subscribers_postgres"))
    with place as store:
        yield store


@pytest.fixture
def harness(store: TestStore) -> Harness:
    return Harness(store)
