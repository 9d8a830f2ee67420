"""The database as it really is set up, and every way in which one can be wrong: one sentence, exit code 2, nothing lost."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa

import subscribers
from newsletter import database as module
from newsletter.database import Database, UtcDateTime, insert_if_absent, metadata, storable
from newsletter.errors import DatabaseError
from newsletter.issue import Article
from newsletter.issues import Issues
from newsletter.shelf import Shelf
from tests.command_line import demo, run
from tests.times import NOW, PATIENCE

ROOT = Path(__file__).parent.parent


@pytest.fixture
def sqlite_file(tmp_path: Path, sqlite_template: Path) -> Path:
    return Path(shutil.copy(sqlite_template, tmp_path / "newsletter.db"))


@pytest.fixture
def sqlite(sqlite_file: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{sqlite_file}")
    yield database
    database.dispose()


def pragma(connection: sa.Connection, name: str) -> object:
    return connection.exec_driver_sql(f"PRAGMA {name}").scalar()


# How it is opened.


@pytest.mark.parametrize(
    ("name", "value"),
    [("journal_mode", "wal"), ("foreign_keys", 1), ("synchronous", 2), ("busy_timeout", 30000), ("secure_delete", 1)],
)
def test_every_connection_keeps_what_it_wrote_through_a_power_cut_and_waits_its_turn(
    sqlite: Database, name: str, value: object
) -> None:
    with sqlite.read() as first, sqlite.read() as second, sqlite.write() as third:
        assert [pragma(connection, name) for connection in (first, second, third)] == [value] * 3


@contextlib.contextmanager
def no_umask() -> Iterator[None]:
    before = os.umask(0)
    try:
        yield
    finally:
        os.umask(before)


def modes(file: Path) -> dict[str, int]:
    """The mode of the database and what SQLite keeps beside it."""
    return {path.name: path.stat().st_mode & 0o777 for path in file.parent.glob(f"{file.name}*") if path.is_file()}


def test_a_new_database_is_its_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    file = tmp_path / "newsletter.db"
    database = Database(f"sqlite:///{file}")
    with no_umask():
        database.migrate(now=NOW)
        with database.read():
            assert modes(file) == dict.fromkeys(("newsletter.db", "newsletter.db-wal", "newsletter.db-shm"), 0o600)
    database.dispose()


def test_a_database_that_others_could_read_is_tightened(sqlite_file: Path) -> None:
    # What a program that was killed leaves behind: SQLite makes these with the mode of the database.
    other = sqlite3.connect(sqlite_file)
    other.execute("PRAGMA journal_mode=WAL")
    other.execute("CREATE TABLE written (x)")
    for name in modes(sqlite_file):
        sqlite_file.with_name(name).chmod(0o664)
    database = Database(f"sqlite:///{sqlite_file}")
    with database.read():
        assert modes(sqlite_file) == dict.fromkeys(("newsletter.db", "newsletter.db-wal", "newsletter.db-shm"), 0o600)
    other.close()
    database.dispose()


def test_tightening_a_database_does_not_drop_the_locks_this_process_holds(sqlite: Database, sqlite_file: Path) -> None:
    second = Database(f"sqlite:///{sqlite_file}")
    with sqlite.write():
        sqlite_file.chmod(0o644)
        with second.read():
            pass
        script = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')"
        tried = subprocess.run([sys.executable, "-c", script, str(sqlite_file)], capture_output=True, text=True)
        assert "database is locked" in tried.stderr
    second.dispose()


@pytest.mark.parametrize("folder", ["why?", "a?timeout=1", "half # of 50%", "Zürich 100%25", "file:x?mode=ro", "a&b;c"])
def test_a_project_keeps_its_database_in_its_own_folder_whatever_its_name(tmp_path: Path, folder: str) -> None:
    project = tmp_path / folder
    assert run("init", str(project), "--demo").exit_code == 0
    assert (project / "newsletter.db").stat().st_size > 4096
    assert run("subscribers", "add", "new@example.org", project=project).exit_code == 0
    found = json.loads(run("subscribers", "show", "new@example.org", "--json", project=project).stdout)
    assert found["subscriber"]["status"] == "pending"
    assert [path.name for path in tmp_path.iterdir()] == [folder]


def test_parameters_of_a_sqlite_address_are_refused_instead_of_being_taken_for_a_name(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match=r"SQLite takes no parameters here; leave out \?timeout=60$"):
        Database(f"sqlite:///{tmp_path}/newsletter.db?timeout=60")


def test_a_row_that_points_nowhere_is_refused(database: Database) -> None:
    with pytest.raises(sa.exc.IntegrityError), database.write() as connection:
        connection.exec_driver_sql("INSERT INTO article_names (name, article_id) VALUES ('x', 4711)")


def test_a_writer_takes_the_write_lock_before_it_reads(sqlite: Database, sqlite_file: Path) -> None:
    other = sqlite3.connect(sqlite_file, timeout=0, isolation_level=None)
    with sqlite.write():
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.execute("BEGIN")
        assert other.execute("SELECT count(*) FROM facts").fetchone() == (1,)
        other.execute("ROLLBACK")
    other.execute("BEGIN IMMEDIATE")
    other.close()


def test_a_reader_sees_one_state_while_others_write(sqlite: Database) -> None:
    count = "SELECT count(*) FROM facts"
    with sqlite.read() as reader:
        before = reader.exec_driver_sql(count).scalar()
        with sqlite.write() as writer:
            insert_if_absent(writer, module.facts, name="new", at=NOW)
        assert reader.exec_driver_sql(count).scalar() == before
    with sqlite.read() as reader:
        assert reader.exec_driver_sql(count).scalar() == before + 1


def test_an_exception_takes_everything_back(database: Database) -> None:
    def half() -> None:
        with database.write() as connection:
            insert_if_absent(connection, module.facts, name="half", at=NOW)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    with database.read() as connection:
        assert not connection.execute(sa.select(module.facts).where(module.facts.c.name == "half")).first()


def test_many_threads_write_one_after_the_other_and_lose_nothing(database: Database) -> None:
    Issues(database)
    barrier = threading.Barrier(8)
    failed: list[BaseException] = []

    def write(number: int) -> None:
        barrier.wait()
        try:
            for index in range(10):
                with database.write() as connection:
                    connection.exec_driver_sql(
                        f"INSERT INTO workers (token, host, pid, started_at) VALUES ('{number}-{index}', 'h', 1, '2026-11-19')"
                    )
        except BaseException as error:  # noqa: BLE001 - told to the test's own thread
            failed.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM workers").scalar() == 80


def test_two_that_insert_the_same_row_at_once_make_one(database: Database) -> None:
    barrier = threading.Barrier(6)
    made: list[bool] = []

    def insert() -> None:
        barrier.wait()
        with database.write() as connection:
            made.append(insert_if_absent(connection, module.facts, name="once", at=NOW))

    threads = [threading.Thread(target=insert) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [False] * 5 + [True]
    with database.write() as connection:
        connection.execute(module.facts.delete().where(module.facts.c.name == "once"))


def test_times_come_back_in_utc_and_sort_alike_whatever_zone_they_came_in(database: Database) -> None:
    manila = datetime(2026, 11, 19, 7, 0, 0, 123456, tzinfo=timezone(timedelta(hours=8)))
    with database.write() as connection:
        connection.execute(module.facts.insert(), [{"name": "a", "at": manila}, {"name": "b", "at": NOW}])
        rows = connection.execute(
            sa.select(module.facts.c.name, module.facts.c.at).where(module.facts.c.name.in_(("a", "b"))).order_by("at")
        ).all()
        connection.execute(module.facts.delete().where(module.facts.c.name.in_(("a", "b"))))
    assert [row.name for row in rows] == ["a", "b"]
    assert rows[0].at == manila
    assert rows[0].at.tzinfo is UTC


def test_both_packages_refuse_a_time_without_its_zone_by_one_type(database: Database) -> None:
    assert UtcDateTime is subscribers.UtcDateTime
    naive = datetime(2026, 11, 19, 7)  # noqa: DTZ001 - what is refused
    with pytest.raises(sa.exc.StatementError, match="has no time zone") as refused, database.write() as connection:
        connection.execute(module.facts.insert().values(name="a", at=naive))
    assert isinstance(refused.value.orig, ValueError)


def test_every_time_in_both_packages_tables_is_kept_with_its_zone_in_mind() -> None:
    for table in (*metadata.tables.values(), *subscribers.metadata.tables.values()):
        for column in table.columns:
            if isinstance(column.type, sa.DateTime):
                pytest.fail(f"{table.name}.{column.name} would store a time without its zone")
            assert not isinstance(column.type, UtcDateTime) or column.type.cache_ok


def test_text_that_a_database_cannot_keep_is_made_keepable() -> None:
    assert storable("a\0b \ud83d c 🛳 é") == "ab ? c 🛳 é"


# Every way in which it can be wrong.


def lost_nothing(file: Path) -> None:
    """The database is whole, and what was written before is there."""
    connection = sqlite3.connect(file)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert connection.execute("SELECT count(*) FROM facts").fetchone() == (1,)
    connection.close()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql//publisher:secret@db.example/news",
        "postgresql://publisher:secret@db.example:port/news",
        "mysql://publisher:secret@db.example/news",
        "secret",
        "",
        "sqlite://",
        "sqlite:///:memory:",
    ],
)
def test_an_address_that_is_none_is_one_sentence_and_keeps_its_password(url: str) -> None:
    with pytest.raises(DatabaseError) as refused:
        Database(url)
    assert "[database] url" in str(refused.value)
    assert "secret" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_server_that_does_not_answer_is_one_sentence_without_the_password() -> None:
    database = Database("postgresql://publisher:secret@127.0.0.1:1/news?password=secret&connect_timeout=2")
    with pytest.raises(DatabaseError, match="did not answer") as refused:
        database.check()
    assert "secret" not in str(refused.value)
    assert "\n" not in str(refused.value)
    database.dispose()


def test_a_database_that_the_server_does_not_have_is_one_sentence(postgres_server: sa.Engine) -> None:
    database = Database(postgres_server.url.set(database="newsletter_nowhere").render_as_string(hide_password=False))
    with pytest.raises(DatabaseError, match='database "newsletter_nowhere" does not exist'):
        database.check()
    database.dispose()


def test_a_server_that_lets_nobody_write_is_one_sentence(postgres_url: str) -> None:
    database = Database(postgres_url + "?options=-c%20default_transaction_read_only%3Don")
    says = "refused: cannot execute INSERT in a read-only transaction"
    with pytest.raises(DatabaseError, match=says), database.write() as connection:
        insert_if_absent(connection, module.facts, name="never", at=NOW)
    database.dispose()


def missing(file: Path) -> str:
    file.unlink()
    return "there is no database"


def empty(file: Path) -> str:
    file.write_bytes(b"")
    return "is empty; `newsletter migrate`"


def not_one(file: Path) -> str:
    file.write_bytes(b"This is a letter to the editor, and not a database. " * 100)
    return "is not a SQLite database"


def damaged(file: Path) -> str:
    data = bytearray(file.read_bytes())
    data[100:4096] = b"\xff" * (4096 - 100)
    file.write_bytes(data)
    return "is damaged; restore it from a backup"


def newer(file: Path) -> str:
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    return "newer version of newsletter"


def a_folder(file: Path) -> str:
    file.unlink()
    file.mkdir()
    return "cannot be opened"


WRONG: list[Callable[[Path], str]] = [missing, empty, not_one, damaged, newer, a_folder]


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("command", ["send --yes", "audit", "articles list", "subscribers list"])
def test_a_database_that_is_wrong_is_one_line_and_exit_code_2(
    tmp_path: Path, wrong: Callable[[Path], str], command: str
) -> None:
    project = demo(tmp_path)
    says = wrong(project / "newsletter.db")
    refused = run(*command.split(), project=project)
    assert refused.exit_code == 2
    assert says in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert not (project / "mail" / "new").exists()


@pytest.mark.parametrize("wrong", [not_one, damaged, newer])
def test_migrate_leaves_alone_what_it_cannot_bring_here(tmp_path: Path, wrong: Callable[[Path], str]) -> None:
    project = demo(tmp_path)
    says = wrong(project / "newsletter.db")
    before = (project / "newsletter.db").read_bytes()
    refused = run("migrate", project=project)
    assert refused.exit_code == 2
    assert says in refused.stderr
    assert (project / "newsletter.db").read_bytes() == before


@pytest.mark.parametrize("wrong", [missing, empty])
def test_migrate_makes_what_is_not_there_yet(tmp_path: Path, wrong: Callable[[Path], str]) -> None:
    project = demo(tmp_path)
    wrong(project / "newsletter.db")
    assert run("migrate", project=project).exit_code == 0
    assert run("audit", project=project).exit_code == 0


def test_an_older_database_is_told_what_brings_it_here(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REVISIONS", (*module.REVISIONS, "9999"))
    monkeypatch.setattr(module, "HEAD", "9999")
    with pytest.raises(DatabaseError, match=r"at version \d+; `newsletter migrate` brings it to 9999"):
        database.check()


def test_a_locked_database_is_one_line_and_goes_on_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = demo(tmp_path)
    monkeypatch.setattr(module, "BUSY_TIMEOUT", 0.05)
    other = sqlite3.connect(project / "newsletter.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    refused = run("send", "--yes", project=project)
    assert refused.exit_code == 2
    assert "was locked for 0.05 s by another program" in refused.stderr
    assert refused.stderr.count("\n") == 1
    other.execute("ROLLBACK")
    other.close()
    monkeypatch.undo()
    assert run("send", "--yes", project=project).exit_code == 0


def test_a_full_disk_is_one_sentence_and_nothing_is_lost(sqlite: Database, sqlite_file: Path) -> None:
    pages = sqlite3.connect(sqlite_file).execute("PRAGMA page_count").fetchone()[0]

    def full(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages + 2}")

    sa.event.listen(sqlite.engine, "connect", full)
    shelf = Shelf(sqlite)
    with pytest.raises(DatabaseError, match="the disk is full"):
        shelf.put([Article(title=f"Article {n}", body="x" * 5000) for n in range(50)], now=NOW)
    assert shelf.page() == []
    sqlite.dispose()
    lost_nothing(sqlite_file)


def cramped(command: list[str], *, bytes_left: int, folder: Path) -> subprocess.CompletedProcess[str]:
    """A command that cannot make any file longer than so many bytes: what a disk that is nearly full does to it."""
    import resource

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_left, bytes_left))

    return subprocess.run(
        [sys.executable, "-m", "newsletter", "-C", str(folder), *command],
        capture_output=True, text=True, timeout=PATIENCE, cwd=ROOT, preexec_fn=limit,
    )  # fmt: skip


def test_a_disk_that_takes_no_more_in_mid_send_is_one_line_and_nothing_is_lost(tmp_path: Path) -> None:
    project = demo(tmp_path)
    refused = cramped(["send", "--yes"], bytes_left=(project / "newsletter.db").stat().st_size // 2, folder=project)
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr
    assert "this is a bug" not in refused.stderr
    assert "full" in refused.stderr
    lost_nothing(project / "newsletter.db")
    assert run("audit", project=project).exit_code == 0


@pytest.fixture
def nobodys() -> Iterator[tuple[Path, int]]:
    """A folder that everybody may read, and a user id that may not write there."""
    folder = Path(tempfile.mkdtemp(prefix="newsletter-test-"))
    folder.chmod(0o755)
    yield folder, 65534 if os.geteuid() == 0 else os.geteuid()
    shutil.rmtree(folder)


def as_somebody(user: int, url: str) -> str:
    """What a process of that user is told when it writes."""
    if os.geteuid() != user:
        os.seteuid(user)
    database = Database(url)
    try:
        database.check()
        with database.write() as connection:
            insert_if_absent(connection, module.facts, name="never", at=NOW)
    except DatabaseError as error:
        return str(error)
    finally:
        database.dispose()
    return "nothing"


def test_a_database_that_may_not_be_written_is_one_sentence(nobodys: tuple[Path, int], sqlite_template: Path) -> None:
    folder, user = nobodys
    file = Path(shutil.copy(sqlite_template, folder / "newsletter.db"))
    file.chmod(0o444)
    folder.chmod(0o555)
    with multiprocessing.get_context("forkserver").Pool(1) as pool:
        told = pool.apply(as_somebody, (user, f"sqlite:///{file}"))
    assert "may not be written" in told or "cannot be opened" in told
    assert "whom" in told
    lost_nothing(file)


def test_without_its_driver_postgres_names_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(DatabaseError, match=r"run `pip install '\.\[postgres\]'` in the checkout"):
        Database("postgresql://nobody@127.0.0.1/none")
    monkeypatch.setattr(module, "__file__", "/usr/lib/python3/dist-packages/newsletter/database.py")
    with pytest.raises(DatabaseError, match=r"run `pip install 'weekly-highlights\[postgres\]'`$"):
        Database("postgresql://nobody@127.0.0.1/none")
