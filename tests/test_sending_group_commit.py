"""Changes of many lanes, committed together."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
import sqlalchemy as sa

from newsletter.database import Database
from newsletter.errors import DatabaseError
from newsletter.letter import Letter
from newsletter.sending.group_commit import GroupCommit, Statement
from newsletter.sending.tables import deliveries
from subscribers import Book
from tests.frozen_issue import add_subscribers, freeze
from tests.times import NOW

LANES = 8
ROW = sa.bindparam("row")


@pytest.fixture
def rows(database: Database, book: Book, letter: Letter) -> list[int]:
    add_subscribers(book, LANES)
    freeze(database, book, letter, now=NOW)
    with database.read() as connection:
        return list(connection.scalars(sa.select(deliveries.c.id)))


def codes(database: Database) -> list[int]:
    with database.read() as connection:
        return sorted(connection.scalars(sa.select(deliveries.c.code).where(deliveries.c.code.is_not(None))))


def writes_code(database: Database) -> Statement:
    same = deliveries.c.id == ROW
    return Statement(database, deliveries.update().where(same).values(code=sa.bindparam("said")))


def test_every_lane_sees_its_own_change_committed_and_counted(database: Database, rows: list[int]) -> None:
    group_commit, statement, start = GroupCommit(database), writes_code(database), Barrier(LANES)

    def lane(number: int) -> None:
        start.wait()
        for said in range(1, 20):
            changed = group_commit.change([(statement, {"row": rows[number], "said": said})], flushed=bool(said % 2))
            assert changed == [1]
            with database.read() as connection:
                assert connection.scalar(sa.select(deliveries.c.code).where(deliveries.c.id == rows[number])) == said
            assert group_commit.change([(statement, {"row": -1, "said": 0})], flushed=False) == [0]

    with ThreadPoolExecutor(LANES) as pool:
        list(pool.map(lane, range(LANES)))
    assert codes(database) == [19] * LANES


def test_a_change_that_fails_is_told_and_the_next_goes_through(database: Database, rows: list[int]) -> None:
    group_commit, statement, start = GroupCommit(database), writes_code(database), Barrier(LANES)
    broken = Statement(database, deliveries.update().where(deliveries.c.id == ROW).values(state=sa.null()))

    def lane(number: int) -> bool:
        start.wait()
        try:
            group_commit.change(
                [(broken if number == 0 else statement, {"row": rows[number], "said": 250})], flushed=True
            )
        except Exception:  # noqa: BLE001 - whoever shared a transaction with the broken change is told, too
            return False
        return True

    with ThreadPoolExecutor(LANES) as pool:
        told = list(pool.map(lane, range(LANES)))
    assert not told[0]
    assert codes(database) == [250] * sum(told)
    assert group_commit.change([(statement, {"row": rows[0], "said": 251})], flushed=False) == [1]


def test_a_database_that_cannot_be_written_is_said_in_a_sentence(tmp_path: Path, sqlite_template: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'newsletter.db'}")
    database.migrate(now=NOW)
    statement = writes_code(database)
    database.dispose()
    sa.event.listen(database.engine, "connect", lambda connection, _: connection.execute("PRAGMA query_only=ON"))
    with pytest.raises(DatabaseError, match="may not be written"):
        GroupCommit(database).change([(statement, {"row": 1, "said": 250})], flushed=True)
    database.dispose()


def test_after_an_unflushed_change_everything_is_flushed_again(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'newsletter.db'}")
    database.migrate(now=NOW)
    assert GroupCommit(database).change([(writes_code(database), {"row": 1, "said": 250})], flushed=False) == [0]
    with database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    database.dispose()
