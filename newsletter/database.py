"""The only Engine: opening the database, transactions, its version, and the translation of its errors.

SQLite is opened in WAL mode with foreign keys, a busy time-out of 30 s and `synchronous=FULL`: an intent to hand a
message over has to survive a power cut, and one commit costs a fifth of a millisecond. Writers begin with
BEGIN IMMEDIATE, so a transaction never fails half-way for want of the write lock; writers of one process wait for
each other in line instead of in SQLite's sleep loop. PostgreSQL needs none of that.

The file belongs to its owner alone (mode 0600, and so do SQLite's `-wal` and `-shm`, which take its mode), and what is
deleted is overwritten (`secure_delete`): the address of somebody forgotten does not stay in the file's free space.

What it does not know: what any table means. Raises `DatabaseError` with a sentence for a database that is missing,
locked, full, damaged, older or newer than this version.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from newsletter.errors import DatabaseError
from newsletter.migrations import HEAD, REVISIONS
from subscribers import UtcDateTime as UtcDateTime  # noqa: PLC0414 - one time type for both packages' tables

BUSY_TIMEOUT = 30.0
_MIGRATING = 0x6E6577736C65  # the advisory lock for which migrations of PostgreSQL wait; SQLite's writers do anyway

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite numbers rows by itself only in a column declared INTEGER.
RowId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

facts = sa.Table(
    "facts",
    metadata,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("at", UtcDateTime, nullable=False),
)


def one_of(column: str, values: Iterable[str]) -> sa.CheckConstraint:
    """A CHECK that `column` holds one of `values`. A change of the values needs a revision of the database."""
    return sa.CheckConstraint(f"{column} IN ({', '.join(repr(str(value)) for value in values)})", name=column)


def insert_if_absent(connection: sa.Connection, table: sa.Table, **values: Any) -> bool:
    """Insert a row unless one with its key is there; true when this call did, also when two try at once."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = insert(table).values(**values).on_conflict_do_nothing().returning(*table.primary_key)
    return connection.execute(statement).first() is not None


def storable(text: str) -> str:
    """Somebody else's text as both databases can keep it: without NUL, and with a `?` for half of a surrogate pair."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _install(extra: str) -> str:
    """The command that installs an extra: of this checkout, or else of the distribution on the package index."""
    checkout = (Path(__file__).parent.parent / "pyproject.toml").is_file()
    return f"`pip install '.[{extra}]'` in the checkout" if checkout else f"`pip install 'weekly-highlights[{extra}]'`"


class Database:
    """One project's database. Connections are opened as needed, and returned."""

    def __init__(self, url: str) -> None:
        try:
            self.url = _parsed(url)
        except (ArgumentError, ValueError):
            # Neither the address nor its cause is told: it may hold a password.
            raise DatabaseError(
                "[database] url is not a database address; use sqlite:///newsletter.db or postgresql://user@host/name"
            ) from None
        driver = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}.get(self.url.get_backend_name())
        self.is_sqlite = driver == "sqlite"
        if driver is None or (self.is_sqlite and self.url.database in (None, "", ":memory:")):
            raise DatabaseError("[database] url has to name a SQLite file (sqlite:///…) or a PostgreSQL database")
        self.url = self.url.set(drivername=driver)
        self._in_line = threading.RLock() if self.is_sqlite else nullcontext()
        options = {"timeout": BUSY_TIMEOUT, "check_same_thread": False} if self.is_sqlite else {}
        try:
            self.engine = sa.create_engine(self.url, connect_args=options, pool_size=20, max_overflow=20)
        except (NoSuchModuleError, ImportError) as error:
            raise DatabaseError(f"PostgreSQL needs its driver; run {_install('postgres')}") from error
        self._errors: tuple[type[Exception], ...] = (DBAPIError, self.engine.dialect.loaded_dbapi.Error)
        if self.is_sqlite:
            sa.event.listen(self.engine, "do_connect", lambda *_: _make_private(Path(self.url.database or "")))
            sa.event.listen(self.engine, "connect", _prepare_sqlite)
            sa.event.listen(self.engine, "begin", _begin_sqlite)

    @property
    def file(self) -> Path | None:
        return Path(self.url.database or "") if self.is_sqlite else None

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection that sees one state of the database until it is given back."""
        with self.translated(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """One transaction: committed durably at the end, or rolled back by any exception."""
        with self.translated(), self._in_line, self.engine.connect() as connection:
            if self.is_sqlite:
                connection.execution_options(begin="BEGIN IMMEDIATE")
            with connection.begin():
                yield connection

    def write_rows(self, changes: Sequence[tuple[str, Any]], *, flushed: bool) -> list[int]:
        """One transaction of bare statements with their values, as the driver takes them; how many rows each changed.

        For what is done per message, where SQLAlchemy's own work costs five times as much as SQLite's. The
        transaction survives the death of this process; a power cut only when it is `flushed`, and then with all that
        was committed before it. PostgreSQL is sent all of it at once, for one round trip.
        """
        work = self._on_sqlite if self.is_sqlite else self._on_postgres
        with self.translated(), self._in_line, contextlib.closing(self.engine.raw_connection()) as connection:
            return work(connection, changes, flushed)

    def _on_sqlite(self, connection: Any, changes: Sequence[tuple[str, Any]], flushed: bool) -> list[int]:  # noqa: FBT001
        cursor = connection.cursor()
        if not flushed:
            cursor.execute("PRAGMA synchronous=NORMAL")
        try:
            cursor.execute("BEGIN IMMEDIATE")
            changed = [cursor.execute(statement, values).rowcount for statement, values in changes]
            cursor.execute("COMMIT")
        except BaseException:
            # Not left to closing: a statement that failed keeps its connection, and the write lock, open.
            connection.rollback()
            raise
        finally:
            if not flushed:
                cursor.execute("PRAGMA synchronous=FULL")
        return changed

    def _on_postgres(self, connection: Any, changes: Sequence[tuple[str, Any]], flushed: bool) -> list[int]:  # noqa: FBT001
        driver = connection.driver_connection
        try:
            with driver.pipeline():
                if not flushed:
                    driver.execute("SET LOCAL synchronous_commit = off")
                cursors = [driver.execute(statement, values) for statement, values in changes]
                driver.commit()
            return [cursor.rowcount for cursor in cursors]
        except BaseException as error:
            if driver.broken:  # so are the others that wait in the pool
                connection.invalidate(error)
                self.engine.dispose(close=False)
            else:
                driver.rollback()
            raise

    def now(self, *, before: timedelta = timedelta(0)) -> sa.ColumnElement[datetime]:
        """The time by the clock of the database, or so long before it, for a statement."""
        if self.is_sqlite:
            shift = f"-{before.total_seconds():.3f} seconds"
            return sa.func.strftime("%Y-%m-%d %H:%M:%f000", "now", shift, type_=UtcDateTime)
        return sa.type_coerce(sa.func.clock_timestamp() - sa.literal(before, sa.Interval), UtcDateTime)

    def check(self) -> None:
        """Refuse to work with a database that is missing, or older or newer than this version."""
        if self.file is not None and not self.file.exists():
            raise DatabaseError(f"there is no database at {self.file}; `newsletter migrate` makes it")
        if (version := self.version()) is None:
            raise DatabaseError("the database is empty; `newsletter migrate` makes its tables")
        _refuse_newer(version)
        if version != HEAD:
            raise DatabaseError(f"the database is at version {version}; `newsletter migrate` brings it to {HEAD}")

    def version(self) -> str | None:
        """The revision the database is at, or None when it has no tables yet."""
        with self.read() as connection:
            return _version(connection)

    def began(self) -> datetime:
        """When this database was made: no slot before it was ever due."""
        with self.read() as connection:
            moment: datetime = connection.execute(sa.select(facts.c.at).where(facts.c.name == "began")).scalar_one()
        return moment

    @property
    def postgres_variables(self) -> dict[str, str]:
        """The address as the variables that PostgreSQL's own programs read."""
        named = {"HOST": "host", "PORT": "port", "USER": "username", "PASSWORD": "password", "DATABASE": "database"}
        values = {f"PG{name}": getattr(self.url, field) for name, field in named.items()}
        return {name: str(value) for name, value in values.items() if value}

    def copy_to(self, file: Path) -> None:
        """Write a consistent copy of a SQLite database, whatever goes on meanwhile; `file` must not be there."""
        _make_private(file)
        closing = contextlib.closing
        with self.translated(), closing(self.engine.raw_connection()) as mine, closing(sqlite3.connect(file)) as copy:
            mine.driver_connection.backup(copy)  # type: ignore[union-attr]

    def migrate(self, *, now: datetime) -> tuple[str | None, str]:
        """Bring the database to this version; returns the version before and after. A newer one is refused."""
        from newsletter.migrations.run import upgrade

        if self.file is not None and not self.file.parent.is_dir():
            raise DatabaseError(f"the folder of the database, {self.file.parent}, does not exist; make it first")
        before = self.version()
        if before == HEAD:
            return before, HEAD
        with self._rebuilding() as connection:
            if not self.is_sqlite:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATING)))
            before = _version(connection)  # another process may have been faster
            _refuse_newer(before)
            if before != HEAD:
                upgrade(connection)
                insert_if_absent(connection, facts, name="began", at=now)
        return before, HEAD

    @contextmanager
    def _rebuilding(self) -> Iterator[sa.Connection]:
        """One transaction in which SQLite's tables may be rebuilt: its foreign keys are checked at the end alone.

        SQLite heeds the PRAGMA outside a transaction only (sqlite.org/lang_altertable.html §7).
        """
        with self.translated(), self._in_line, self.engine.connect() as connection:
            if self.is_sqlite:
                connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")
                connection.execution_options(begin="BEGIN IMMEDIATE")
            try:
                with connection.begin():
                    yield connection
                    if self.is_sqlite and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                        raise DatabaseError(f"rows of {self.file} refer to rows that are gone; restore a backup")
            finally:
                connection.invalidate()  # the next one heeds its foreign keys again

    def dispose(self) -> None:
        self.engine.dispose()

    @contextmanager
    def translated(self) -> Iterator[None]:
        """What the driver raises inside becomes one sentence of `DatabaseError`, if it is about the database."""
        try:
            yield
        except self._errors as error:
            if sentence := self._sentence(error):
                raise DatabaseError(sentence) from error
            raise

    def _sentence(self, error: Exception) -> str | None:
        said = error.orig if isinstance(error, DBAPIError) else error
        return self._of_sqlite(str(said)) if self.is_sqlite else self._of_postgres(said)

    def _of_sqlite(self, said: str) -> str | None:
        name = self.file
        sentences = (
            ("locked", f"the database {name} was locked for {BUSY_TIMEOUT:g} s by another program; try again"),
            ("disk is full", f"the disk is full: the database {name} cannot be written; nothing was lost, make room"),
            ("disk i/o", f"the disk failed or is full: {name} cannot be read or written; look at the disk, try again"),
            ("readonly", f"the database {name} may not be written; check whom the file and its folder belong to"),
            ("unable to open", f"the database {name} cannot be opened; check the path and whom its folder belongs to"),
            ("not a database", f"{name} is not a SQLite database; check [database] url"),
            ("malformed", f"the database {name} is damaged; restore it from a backup (docs/running.md)"),
        )
        return next((sentence for part, sentence in sentences if part in said.lower()), None)

    def _of_postgres(self, error: BaseException | None) -> str | None:
        name = self.url.set(query={}).render_as_string(hide_password=True)
        driver = self.engine.dialect.loaded_dbapi
        said = (str(error).strip().splitlines() or ["it said nothing"])[0]
        code = getattr(error, "sqlstate", None) or ""
        # 57P01 to 57P03: the server is stopped, or starting.
        if isinstance(error, driver.OperationalError) and (not code or code.startswith("57P")):
            return f"the database {name} did not answer: {said}; check that it runs and [database] url"
        # 42501 is a missing privilege; 25006 and its like come as InternalError.
        if isinstance(error, driver.OperationalError | driver.InternalError) or code == "42501":
            return f"the database {name} refused: {said}; look at its server, nothing was lost"
        return None


def _parsed(url: str) -> sa.URL:
    """Everything after `sqlite:///` is the path of a file: SQLAlchemy would cut a folder named `why?` in two."""
    path = url.removeprefix("sqlite:///")
    if path == url:
        return make_url(url)
    if parameters := re.search(r"\?\w+=[^/]*$", path):
        raise DatabaseError(f"[database] url: SQLite takes no parameters here; leave out {parameters[0]}")
    return sa.URL.create("sqlite", database=path)


def _version(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()


def _refuse_newer(version: str | None) -> None:
    if version is not None and version not in REVISIONS:
        knows = f"its version is {version}, this program knows up to {HEAD}"
        raise DatabaseError(f"the database was made by a newer version of newsletter ({knows}); install that again")


def _make_private(file: Path) -> None:
    """Make the file, if it is not there, or tighten its mode: SQLite itself would let the umask decide.

    An existing file is never opened for it: closing it again would drop the locks this process holds on it
    (https://www.sqlite.org/howtocorrupt.html §2.2). What cannot be changed here, SQLite reports.
    """
    with contextlib.suppress(OSError):
        os.close(os.open(file.resolve(), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    for path in (file, *(file.with_name(file.name + suffix) for suffix in ("-wal", "-shm"))):
        with contextlib.suppress(OSError):
            if path.stat().st_mode & 0o077:
                path.chmod(0o600)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # Python's own transaction handling begins late and never IMMEDIATE: switched off, `begin` below does it.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=FULL", "secure_delete=ON", "temp_store=MEMORY"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))
