"""Random runs of the whole protocol, watched by a trigger in the database: no step is ever taken that the table of
states does not have, and what the server accepted ends as accepted.
"""

from __future__ import annotations

import ast
import shutil
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

import newsletter
from newsletter.database import Database
from newsletter.issues import IssueState
from newsletter.letter import Letter
from newsletter.sending import outbox as single_mails, workers
from newsletter.sending.audit import audit
from newsletter.sending.ledger import Claim, Ledger, Outcome
from newsletter.sending.states import ENDS, OPEN, STEPS, DeliveryState
from newsletter.sending.steps import WorkerEnded
from newsletter.sending.tables import FORGOTTEN, deliveries, outbox
from subscribers import Book, KeyRing
from tests.conftest import Clock
from tests.frozen_issue import add_subscribers, freeze, post_mail, sender_of

S = DeliveryState
NUMBERS = st.integers(0, 99)
WATCH = {
    "sqlite": [
        "CREATE TABLE taken (ledger TEXT, id INTEGER, before TEXT, after TEXT)",
        *(
            f"CREATE TRIGGER watch_{table} AFTER UPDATE OF state ON {table} WHEN old.state <> new.state "
            f"BEGIN INSERT INTO taken VALUES ('{table}', new.id, old.state, new.state); END"
            for table in ("deliveries", "outbox")
        ),
    ],
    "postgresql": [
        "CREATE TABLE taken (ledger TEXT, id BIGINT, before TEXT, after TEXT)",
        """CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF old.state <> new.state THEN
        INSERT INTO taken VALUES (TG_TABLE_NAME, new.id, old.state, new.state); END IF; RETURN new; END $$""",
        *(
            f"CREATE TRIGGER watch AFTER UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION watch()"
            for table in ("deliveries", "outbox")
        ),
    ],
}


def watch(database: Database) -> None:
    with database.write() as connection:
        for statement in WATCH[connection.dialect.name]:
            connection.exec_driver_sql(statement)


class Protocol(RuleBasedStateMachine):
    """Four subscribers and two single mails, and any number of workers that claim, die, thaw and answer late."""

    def __init__(self, database: Database, letter: Letter, *, on_doubt: str) -> None:
        super().__init__()
        self.database = database
        self.clock = Clock()
        self.book = Book(database, KeyRing.parse("k1:" + "QUFB" * 11 + "\n"), now=self.clock, post=lambda *_: None)
        self.addresses = add_subscribers(self.book, 4)
        row = freeze(database, self.book, letter, now=self.clock(), on_doubt=on_doubt)
        self.sender = sender_of(database, self.book, self.clock)
        self.ledgers = [self.sender.ledger(row), single_mails.ledger(database)]
        with database.write() as connection:
            for address in ("new@example.net", self.addresses[0]):
                post_mail(connection, address, now=self.clock())
        self.workers: list[workers.Worker] = []
        self.claims: list[tuple[Ledger, Claim, int]] = []
        self.begun: list[tuple[Ledger, Claim, int]] = []
        self.refused: list[tuple[Ledger, Claim]] = []
        self.accepted: set[tuple[str, int]] = set()

    @precondition(lambda self: len(self.workers) < 20)  # on PostgreSQL each holds one of the pool's 40 connections
    @rule()
    def register(self) -> None:
        self.workers.append(workers.register(self.database, now=self.clock()))

    @precondition(lambda self: self.workers)
    @rule(which=NUMBERS, limit=st.integers(1, 4), ledger=st.integers(0, 1))
    def claim(self, which: int, limit: int, ledger: int) -> None:
        worker = self.workers[which % len(self.workers)].id
        try:
            claims = self.ledgers[ledger].claim(worker, limit=limit, now=self.clock())
        except WorkerEnded:
            return
        assert not (claims and ledger == 0 and self._issue_is_held())
        self.claims += [(self.ledgers[ledger], claim, worker) for claim in claims]

    @precondition(lambda self: self.claims)
    @rule(which=NUMBERS)
    def intend(self, which: int) -> None:
        ledger, claim, worker = self.claims.pop(which % len(self.claims))
        try:
            if ledger.intend(claim, now=self.clock()):
                assert not (ledger is self.ledgers[0] and self._issue_is_held())
                self.begun.append((ledger, claim, worker))
        except WorkerEnded:
            return

    @precondition(lambda self: self.claims)
    @rule(which=NUMBERS, state=st.sampled_from([S.REFUSED, S.DEFERRED]))
    def refuse_at_the_offer(self, which: int, state: DeliveryState) -> None:
        self._record(*self.claims.pop(which % len(self.claims))[:2], state)

    @precondition(lambda self: self.begun)
    @rule(which=NUMBERS, state=st.sampled_from([S.ACCEPTED, S.ACCEPTED, S.REFUSED, S.DEFERRED, S.IN_DOUBT]))
    def answer(self, which: int, state: DeliveryState) -> None:
        self._record(*self.begun.pop(which % len(self.begun))[:2], state)

    def _record(self, ledger: Ledger, claim: Claim, state: DeliveryState) -> None:
        later = self.clock() + timedelta(minutes=5) if state == S.DEFERRED else None
        ledger.record(claim, Outcome(state, 250, f"{claim.email} said so", later), now=self.clock())
        if state in (S.REFUSED, S.DEFERRED):
            self.refused.append((ledger, claim))
        if state == S.ACCEPTED:
            self.accepted.add((ledger.table.name, claim.id))

    @precondition(lambda self: self.claims or self.begun)
    @rule(which=NUMBERS)
    def withdraw(self, which: int) -> None:
        """The server said no, and not about the recipient."""
        held = self.begun or self.claims
        ledger, claim, _ = held.pop(which % len(held))
        ledger.give_back([claim], now=self.clock())

    @precondition(lambda self: self.claims)
    @rule(which=NUMBERS)
    def give_back(self, which: int) -> None:
        ledger, claim, _ = self.claims.pop(which % len(self.claims))
        ledger.give_back([claim], now=self.clock())

    @precondition(lambda self: self.refused)
    @rule(which=NUMBERS)
    def take_back(self, which: int) -> None:
        ledger, claim = self.refused.pop(which % len(self.refused))
        ledger.take_back([claim], now=self.clock())

    @precondition(lambda self: self.workers)
    @rule(which=NUMBERS, thaws=st.integers(0, 1))
    def die(self, which: int, thaws: int) -> None:
        """Its lock is free. One that thaws (PostgreSQL: whose session broke) goes on claiming and answering."""
        worker = self.workers[which % len(self.workers)]
        worker.__exit__()
        if not thaws:
            self.workers.remove(worker)
            self.claims = [one for one in self.claims if one[2] != worker.id]

    @rule()
    def recover(self) -> None:
        workers.recover(self.database, now=self.clock())
        assert self._held() <= {worker.id for worker in self.workers}

    @rule(minutes=st.sampled_from([-60, 1, 10, 200]))
    def time_passes(self, minutes: int) -> None:
        self.clock.forward(timedelta(minutes=minutes))

    @rule(which=st.integers(0, 3))
    def unsubscribe(self, which: int) -> None:
        if self.book.find(self.addresses[which]) is not None:
            self.book.unsubscribe(self.addresses[which])

    @rule(which=st.integers(0, 3))
    def forget(self, which: int) -> None:
        self.sender.forget(self.addresses[which])

    @rule()
    def expire(self) -> None:
        self.ledgers[0].expire(self.clock(), now=self.clock())

    @rule(days=st.integers(0, 3))
    def tidy(self, days: int) -> None:
        single_mails.tidy(self.database, now=self.clock() + timedelta(days=days))

    @rule(really=st.integers(0, 3))
    def cancel(self, really: int) -> None:
        row = self.sender.issues.get("2026-W47")
        if not really and row.state in (IssueState.SENDING, IssueState.HELD):
            self.sender.cancel(row, reason="the editor changed their mind")

    @rule()
    def hold_or_release(self) -> None:
        row = self.sender.issues.get("2026-W47")
        other = {IssueState.SENDING: IssueState.HELD, IssueState.HELD: IssueState.SENDING}.get(row.state)
        if other:
            with self.database.write() as connection:
                self.sender.issues.step(connection, row, other)

    def _issue_is_held(self) -> bool:
        return self.sender.issues.get("2026-W47").state == IssueState.HELD

    def _held(self) -> set[int]:
        with self.database.read() as connection:
            return {
                number
                for table in (deliveries, outbox)
                for number in connection.scalars(sa.select(table.c.worker_id).where(table.c.worker_id.is_not(None)))
            }

    @invariant()
    def only_steps_of_the_table_were_taken(self) -> None:
        with self.database.read() as connection:
            taken = connection.exec_driver_sql("SELECT DISTINCT before, after FROM taken").all()
        assert not [(before, after) for before, after in taken if S(after) not in STEPS[S(before)]]

    @invariant()
    def what_was_accepted_is_accepted(self) -> None:
        with self.database.read() as connection:
            for table in (deliveries, outbox):
                rows = connection.execute(sa.select(table.c.id, table.c.state)).all()
                now = {row.id: row.state for row in rows}
                assert {now[number] for name, number in self.accepted if name == table.name} <= {S.ACCEPTED}

    @invariant()
    def the_sums_are_right_and_nobody_is_left_in_an_issue_that_was_cancelled(self) -> None:
        (found,) = (one for one in audit(self.database) if one.slot_key == "2026-W47")
        assert sum(found.counts.values()) == found.frozen == 4
        if found.state == IssueState.CANCELLED:
            assert not [state for state in OPEN - {S.HANDING_OVER} if found.counts[state]]

    @invariant()
    def nothing_names_who_was_forgotten(self) -> None:
        with self.database.read() as connection:
            gone = connection.execute(
                sa.select(deliveries.c.text).where(deliveries.c.email == FORGOTTEN, deliveries.c.text != "")
            ).all()
            noted = connection.exec_driver_sql(
                "SELECT text FROM attempts WHERE ledger = 'deliveries' AND text LIKE '%%said so' AND row_id IN "
                f"(SELECT id FROM deliveries WHERE email = '{FORGOTTEN}')"
            ).all()
            bytes_left = connection.scalar(
                sa.select(sa.func.count()).where(
                    outbox.c.data.is_not(None), sa.or_(outbox.c.email == FORGOTTEN, outbox.c.state.in_(ENDS))
                )
            )
        assert (gone, noted, bytes_left) == ([], [], 0)

    def teardown(self) -> None:
        for worker in self.workers:
            worker.__exit__()
        self.database.dispose()


def walk(fresh: Callable[[], Database], letter: Letter, *, on_doubt: str, examples: int) -> None:
    run_state_machine_as_test(
        lambda: Protocol(fresh(), letter, on_doubt=on_doubt),
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=False,
        ),
    )


@pytest.mark.parametrize("on_doubt", ["resend", "hold"])
def test_no_run_of_the_protocol_leaves_the_table_of_states(
    sqlite_template: Path, tmp_path: Path, letter: Letter, on_doubt: str
) -> None:
    numbers = count()

    def fresh() -> Database:
        file = tmp_path / f"{next(numbers)}.db"
        shutil.copy(sqlite_template, file)
        database = Database(f"sqlite:///{file}")
        watch(database)
        return database

    walk(fresh, letter, on_doubt=on_doubt, examples=12)


@pytest.mark.postgres
def test_no_run_of_the_protocol_on_postgres_leaves_it_either(postgres_url: str, letter: Letter) -> None:
    database = Database(postgres_url)
    watch(database)
    with database.read() as connection:
        names = [name for name in sa.inspect(connection).get_table_names() if name not in {"alembic_version", "facts"}]
    emptied = f"TRUNCATE {', '.join(names)} RESTART IDENTITY CASCADE"

    def fresh() -> Database:
        with database.write() as connection:
            connection.exec_driver_sql(emptied)
        return Database(postgres_url)

    try:
        walk(fresh, letter, on_doubt="resend", examples=4)
    finally:
        with database.write() as connection:
            connection.exec_driver_sql("DROP TABLE taken")
            connection.exec_driver_sql("DROP FUNCTION watch() CASCADE")
        database.dispose()


def test_nothing_but_the_one_helper_writes_a_state() -> None:
    """A state is written by `steps.step`, by `Issues.step`, and where a row is made."""
    found = []
    for file in sorted(Path(newsletter.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "values":
                source = ast.unparse(node)
                if any(word.arg == "state" for word in node.keywords) and ".insert()" not in source:
                    found.append(file.name)
    assert found == ["issues.py", "steps.py"], found
