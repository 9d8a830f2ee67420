"""Issue rows: one per slot, only along the table of states, and what is frozen into them comes back as it was."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import product

import pytest

from newsletter.database import Database
from newsletter.errors import DatabaseError, Refused
from newsletter.issues import STEPS, FrozenPick, IssueRow, Issues, IssueState
from newsletter.letter import Letter, digest_of
from tests.times import NOW

KEY = "2026-W47"
ILLEGAL = [(before, after) for before, after in product(IssueState, IssueState) if after not in STEPS[before]]
LEGAL = [(before, after) for before, after in product(IssueState, IssueState) if after in STEPS[before]]


@pytest.fixture
def opened(database: Database, issues: Issues) -> Callable[..., IssueRow]:
    def opening(key: str = KEY, *, state: IssueState = IssueState.DRAFT) -> IssueRow:
        with database.write() as connection:
            issues.open(connection, slot_key=key, slot_at=NOW, now=NOW)
            connection.exec_driver_sql(f"UPDATE issues SET state = '{state}' WHERE slot_key = '{key}'")
        return issues.get(key)

    return opening


Opened = Callable[..., IssueRow]


def open_one(url: str) -> str:
    """Open the issue of the slot in a process of its own."""
    database = Database(url)
    try:
        with database.write() as connection:
            return str(Issues(database).open(connection, slot_key=KEY, slot_at=NOW, now=NOW).id)
    finally:
        database.dispose()


@pytest.mark.parametrize(("before", "after"), ILLEGAL)
def test_every_step_outside_the_table_is_refused_by_a_sentence(
    database: Database, issues: Issues, opened: Opened, before: IssueState, after: IssueState
) -> None:
    row = opened(state=before)
    with pytest.raises(Refused) as refused, database.write() as connection:
        issues.step(connection, row, after)
    assert str(refused.value) == f"the issue {KEY} is {before}; it cannot become {after}"
    assert issues.get(KEY) == row


@pytest.mark.parametrize(("before", "after"), LEGAL)
def test_every_step_of_the_table_is_taken_with_its_reason(
    database: Database, issues: Issues, opened: Opened, before: IssueState, after: IssueState
) -> None:
    row = opened(state=before)
    with database.write() as connection:
        issues.step(connection, row, after, reason="because")
    assert issues.get(KEY).state == after
    assert issues.get(KEY).reason == "because"


def test_the_table_is_the_contracts() -> None:
    assert set(STEPS) == set(IssueState)
    assert STEPS[IssueState.CLOSED] == {IssueState.SENDING}, "for a doubt that was kept back, and nothing else"
    for end in (IssueState.SKIPPED, IssueState.MISSED, IssueState.CANCELLED):
        assert not STEPS[end]
    assert STEPS[IssueState.SENDING] >= {IssueState.HELD, IssueState.CLOSED}
    assert IssueState.SENDING in STEPS[IssueState.HELD]


def test_of_two_steps_from_one_state_the_second_is_refused(database: Database, issues: Issues, opened: Opened) -> None:
    row = opened(state=IssueState.SENDING)
    with database.write() as connection:
        issues.step(connection, row, IssueState.CANCELLED)
    with pytest.raises(Refused, match="has changed meanwhile"), database.write() as connection:
        issues.step(connection, row, IssueState.CLOSED)
    assert issues.get(KEY).state == IssueState.CANCELLED


def test_many_processes_that_open_one_slot_at_once_make_one_issue(database_url: str, issues: Issues) -> None:
    with multiprocessing.get_context("forkserver").Pool(4) as pool:
        numbers = pool.map(open_one, [database_url] * 12, chunksize=1)
    assert len(set(numbers)) == 1
    assert len(issues.newest()) == 1


def test_many_threads_too(database: Database, issues: Issues) -> None:
    barrier = threading.Barrier(8)
    found: list[int] = []

    def opening() -> None:
        barrier.wait()
        with database.write() as connection:
            found.append(issues.open(connection, slot_key=KEY, slot_at=NOW, now=NOW).id)

    threads = [threading.Thread(target=opening) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_opening_again_gives_what_is_there(database: Database, issues: Issues, opened: Opened) -> None:
    row = opened(state=IssueState.CLOSED)
    with database.write() as connection:
        again = issues.open(connection, slot_key=KEY, slot_at=NOW + timedelta(days=1), now=NOW + timedelta(days=1))
    assert again == row


def test_the_oldest_unfinished_issue_comes_first_and_the_newest_is_listed_first(issues: Issues, opened: Opened) -> None:
    opened("2026-W45", state=IssueState.CLOSED)
    opened("2026-W46", state=IssueState.SENDING)
    opened("2026-W47", state=IssueState.DRAFT)
    unfinished = issues.unfinished()
    assert unfinished is not None
    assert unfinished.slot_key == "2026-W46"
    assert len(issues.newest(limit=2)) == 2


def test_an_issue_that_is_not_there_is_refused_by_a_sentence(issues: Issues) -> None:
    assert issues.find(KEY) is None
    with pytest.raises(Refused, match=f"there is no issue {KEY}; `newsletter issues list`"):
        issues.get(KEY)


def picks() -> list[FrozenPick]:
    article = {"title": "Night Ferry “returns” <b>", "url": "https://www.marquee.example/ferry", "tags": ["tv"]}
    return [
        FrozenPick("highlights", 1, 7, 0.75, "the best", article),
        FrozenPick("guides", 1, None, 0.5, "the only one", {**article, "title": "夜のフェリー"}),
        FrozenPick("highlights", 2, 8, 0.25, "the rest", article),
    ]


def test_what_was_frozen_comes_back_as_it_was_in_reading_order(
    database: Database, issues: Issues, opened: Opened, letter: Letter
) -> None:
    row = opened()
    with database.write() as connection:
        digest = issues.keep(connection, row, variants={"": letter}, chosen=picks())
    assert digest == digest_of({"": letter})
    assert issues.letter(row.id) == letter
    assert issues.picks(row.id) == picks()


def test_a_stored_letter_that_was_changed_is_never_sent(
    database: Database, issues: Issues, opened: Opened, letter: Letter
) -> None:
    row = opened()
    with database.write() as connection:
        issues.keep(connection, row, variants={"": letter}, chosen=())
        other = replace(letter, subject="Another subject")
        from newsletter.issues import letters
        from newsletter.letter import dumps

        connection.execute(letters.update().values(data=dumps(other)))
    with pytest.raises(DatabaseError, match="does not fit its hash"):
        issues.letter(row.id)


@pytest.mark.parametrize("damage", ["substr(data, 1, 40)", "'nothing like a letter'"])
def test_a_stored_letter_that_was_damaged_is_one_sentence(
    database: Database, issues: Issues, opened: Opened, letter: Letter, damage: str
) -> None:
    row = opened()
    with database.write() as connection:
        issues.keep(connection, row, variants={"": letter}, chosen=())
        kind = "" if database.is_sqlite else "::bytea"
        connection.exec_driver_sql(f"UPDATE letters SET data = {damage}{kind}")
    if database.is_sqlite:
        with database.write() as connection:
            connection.exec_driver_sql("UPDATE letters SET data = CAST(data AS BLOB)")
    with pytest.raises(DatabaseError, match="does not fit its hash"):
        issues.letter(row.id)


def test_the_hash_an_approval_binds_is_of_every_variant(
    database: Database, issues: Issues, opened: Opened, letter: Letter
) -> None:
    found = []
    for number, text in enumerate(("Deutsch", "EVIL")):
        row = opened(f"2026-W{40 + number}")
        with database.write() as connection:
            other = replace(letter, subject=text)
            found.append(issues.keep(connection, row, variants={"de": letter, "en": other}, chosen=()))
    assert found[0] != found[1]
    assert found[0] == digest_of({"en": replace(letter, subject="Deutsch"), "de": letter})
    assert found[0] != digest_of({"de": replace(letter, subject="Deutsch"), "en": letter})
    assert len(found[0]) == 64


def test_an_issue_without_a_letter_says_so(issues: Issues, opened: Opened) -> None:
    with pytest.raises((Refused, DatabaseError), match="letter"):
        issues.letter(opened().id)


@pytest.mark.parametrize("text", ["the source site failed", "nul \0 and half \ud83d of a pair", "x" * 10_000])
def test_what_the_operator_is_told_is_listed_once_while_it_stays_the_same(
    database: Database, issues: Issues, text: str
) -> None:
    with database.write() as connection:
        tell = partial(issues.alert, connection, again=timedelta(days=1))
        assert tell(KEY, text, now=NOW)
        assert tell(KEY, "something else", now=NOW + timedelta(minutes=1))
        assert not tell(KEY, text, now=NOW + timedelta(hours=1))
        assert tell("2026-W48", text, now=NOW)
        assert tell(KEY, text, now=NOW + timedelta(days=1))
    assert len(issues.alerts(KEY)) == 3
    assert len(issues.alerts_since(NOW + timedelta(hours=1))) == 1
