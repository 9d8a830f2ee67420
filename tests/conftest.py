"""What every test may ask for: real databases, a clock, a Book, a letter."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import sqlalchemy as sa

from newsletter.database import Database
from newsletter.issues import Issues
from newsletter.letter import Blank, Identity, Letter, ListHead, encode, token_of
from newsletter.shelf import Shelf
from subscribers import Book, KeyRing
from tests import postgres, projects
from tests.times import NOW, PATIENCE, Clock

# A machine with much other work may take long for an example, and to make one. The examples are the same every time, so
# that a stranger's run fails where ours does; `pytest --hypothesis-profile=search` looks for new ones.
for name in ("steady", "search"):
    slow = [hypothesis.HealthCheck.too_slow]
    steady = name == "steady"
    hypothesis.settings.register_profile(name, deadline=None, suppress_health_check=slow, derandomize=steady)
hypothesis.settings.load_profile("steady")


@pytest.fixture(autouse=True)
def ending() -> Iterator[None]:
    """End a test that would never end by itself."""

    def give_up(*_: object) -> None:
        pytest.fail(f"not done after {3 * PATIENCE} seconds")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(3 * PATIENCE)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """Close the projects a test opened; what a whole module shares stays open."""
    before = projects.opened()
    yield
    projects.close_opened(since=before)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[sa.Engine]:
    with postgres.connected() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_database(postgres_server: sa.Engine) -> Iterator[str]:
    """A migrated database of this run's own, dropped at its end."""

    def migrate(url: str) -> None:
        database = Database(url)
        database.migrate(now=NOW)
        database.dispose()

    with postgres.own_database(postgres_server, prepare=migrate) as url:
        yield url


@pytest.fixture(scope="session")
def sqlite_template() -> Path:
    return projects.migrated()


@pytest.fixture
def postgres_url(postgres_database: str) -> str:
    """The address of the run's database, emptied: making one for every test would take longer than the tests."""
    postgres.empty(postgres_database)
    return postgres_database


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path) -> str:
    """A migrated database: every test that uses it runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        shutil.copy(sqlite_template, tmp_path / "newsletter.db")
        return f"sqlite:///{tmp_path / 'newsletter.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.dispose()


@pytest.fixture
def issues(database: Database) -> Issues:
    return Issues(database)


@pytest.fixture
def shelf(database: Database) -> Shelf:
    return Shelf(database)


@pytest.fixture
def book(database: Database, clock: Clock) -> Book:
    return Book(database, KeyRing.parse("k1:" + "QUFB" * 11 + "\n"), now=clock, post=lambda *_: None)


IDENTITY = Identity(
    from_name="Weekly",
    from_address="news@example.org",
    list=ListHead(
        id="weekly.example.org",
        name="Weekly",
        unsubscribe="https://news.example.org/unsubscribe/",
        feedback_id="2026-W47:newsletter:weekly:exampleorg",
    ),
)
NONCE = "0123456789ab"


@pytest.fixture
def letter() -> Letter:
    name, token = token_of(NONCE, 0), token_of(NONCE, 1)
    return encode(
        f"<!DOCTYPE html><html><body>Hello {name}, <a href='https://news.example.org/unsubscribe/{token}'>leave</a></body></html>",
        f"Hello {name}\nhttps://news.example.org/unsubscribe/{token}\n",
        subject="The week",
        identity=IDENTITY,
        nonce=NONCE,
        blanks=(Blank("first_name", "there"), Blank("unsubscribe_token")),
    )


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: tests wait for servers, children and a browser."""
    return (os.cpu_count() or 1) + 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if os.environ.get("CI") and terminalreporter.stats.get("skipped"):
        terminalreporter.write_line("CI can run every test, so a skipped one is a failure here", red=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
