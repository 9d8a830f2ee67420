"""A lock proves that a process lives: whoever dies lets go at once, and nobody ever holds it beside another."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
import sqlalchemy as sa

from newsletter.database import Database
from newsletter.errors import DatabaseError
from newsletter.locks import try_lock
from tests import lock_child
from tests.times import PATIENCE

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.sending_child", "tests.lock_child"])


Start = Callable[..., tuple["multiprocessing.process.BaseProcess", Connection]]


@pytest.fixture
def holder(database_url: str) -> Iterator[Start]:
    """Start a process that holds a lock; it is killed at the end if it still lives."""
    started = []

    def start(name: str = "send") -> tuple[multiprocessing.process.BaseProcess, Connection]:
        ours, theirs = PROCESSES.Pipe()
        process = PROCESSES.Process(target=lock_child.hold, args=(database_url, name, theirs))
        process.start()
        theirs.close()
        started.append((process, ours))
        return process, ours

    yield start
    for process, ours in started:
        process.kill()
        process.join()
        ours.close()


def test_a_lock_is_held_by_one_and_free_as_soon_as_it_is_released(database: Database) -> None:
    for _ in range(20):
        with try_lock(database, "send") or pytest.fail("the lock was not free"):
            assert try_lock(database, "send") is None
            other = try_lock(database, "worker-1")
            assert other is not None
            other.release()


def test_releasing_twice_takes_nothing_from_the_next_holder(database: Database) -> None:
    first = try_lock(database, "send")
    assert first is not None
    first.release()
    with try_lock(database, "send") or pytest.fail("the lock was not free"):
        first.release()
        assert try_lock(database, "send") is None


def test_another_process_is_refused_and_gets_it_afterwards(database: Database, holder: Start) -> None:
    with try_lock(database, "send") or pytest.fail("the lock was not free"):
        process, pipe = holder()
        assert pipe.recv() is False
        process.join()
    _, pipe = holder()
    assert pipe.recv() is True
    assert try_lock(database, "send") is None


def test_kill_9_frees_what_a_process_held(database: Database, holder: Start) -> None:
    process, pipe = holder()
    assert pipe.recv() is True
    assert try_lock(database, "send") is None
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    lock = try_lock(database, "send")
    if lock is None:  # PostgreSQL's server has to notice the closed socket first: wait in its own line, not in a sleep
        with database.engine.connect() as connection:
            connection.exec_driver_sql(f"SET statement_timeout = '{PATIENCE}s'")
            held = connection.exec_driver_sql(
                "SELECT classid, objid FROM pg_locks JOIN pg_database ON oid = database"
                " WHERE locktype = 'advisory' AND datname = current_database()"
            ).first()
            if held is not None:
                key = (held.classid << 32) | held.objid
                key -= (key >> 63) << 64
                connection.execute(sa.select(sa.func.pg_advisory_lock(key)))
            connection.invalidate()
        lock = try_lock(database, "send")
    assert lock is not None
    lock.release()


def test_many_processes_that_take_and_release_never_hold_it_together(
    database_url: str, database: Database, tmp_path: Path
) -> None:
    children = [
        PROCESSES.Process(target=lock_child.compete, args=(database_url, "send", str(tmp_path), 40)) for _ in range(4)
    ]
    for child in children:
        child.start()
    for child in children:
        child.join(PATIENCE)
        assert child.exitcode == 0
    assert not list(tmp_path.glob("together-*"))
    assert sum(int(file.read_text()) for file in tmp_path.glob("won-*")) == 4 * 40
    with try_lock(database, "send") or pytest.fail("the lock was left behind"):
        pass


def test_threads_of_one_process_are_kept_apart_too(database: Database) -> None:
    inside = 0
    worst = 0
    barrier = threading.Barrier(6)

    def compete() -> None:
        nonlocal inside, worst
        barrier.wait()
        for _ in range(30):
            lock = try_lock(database, "send")
            if lock is not None:
                inside += 1
                worst = max(worst, inside)
                inside -= 1
                lock.release()

    threads = [threading.Thread(target=compete) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert worst == 1


def test_a_released_lock_leaves_no_file_behind(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'newsletter.db'}")
    with try_lock(database, "worker-0123") or pytest.fail("the lock was not free"):
        assert [file.name for file in (tmp_path / "newsletter.db-locks").iterdir()] == ["worker-0123"]
    assert not list((tmp_path / "newsletter.db-locks").iterdir())


def test_where_no_lock_can_be_kept_it_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "newsletter.db-locks").write_text("a file where a folder should be")
    with pytest.raises(DatabaseError, match="cannot keep a lock"):
        try_lock(Database(f"sqlite:///{tmp_path / 'newsletter.db'}"), "send")


@pytest.mark.postgres
def test_a_server_that_is_away_is_one_sentence() -> None:
    database = Database("postgresql://postgres@127.0.0.1:1/nowhere")
    with pytest.raises(DatabaseError, match="did not answer"):
        try_lock(database, "send")
    database.dispose()
