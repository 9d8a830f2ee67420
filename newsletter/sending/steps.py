"""The one way in which a delivery's state is changed: an UPDATE that takes only the steps of `states.STEPS`.

Also what follows by itself: where a doubt and a deferral lead, and the end of a dead worker's claims. Locks are taken
in one order, worker → issue → rows, so that no two transactions wait for each other (PostgreSQL; SQLite lets one in).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from newsletter.database import UtcDateTime
from newsletter.errors import NewsletterError
from newsletter.issues import IssueState, issues
from newsletter.sending.states import ENDS, HELD, DeliveryState, allowed_before
from newsletter.sending.tables import FORGOTTEN, LEDGERS, attempts, deliveries, outbox, workers

DIED = "the worker died before the answer was recorded"
_UNFINISHED = sa.or_(
    issues.c.state == IssueState.SENDING, sa.and_(issues.c.state == IssueState.HELD, issues.c.frozen_at.is_not(None))
)


class WorkerEnded(NewsletterError):
    """This worker was taken for dead, and its claims were given back. Registered anew, it may go on."""


def step(
    table: sa.Table,
    to: DeliveryState,
    *,
    at: datetime | sa.ColumnElement[datetime],
    since: Collection[DeliveryState] = (),
    unless: tuple[sa.ColumnElement[bool], DeliveryState] | None = None,
) -> sa.Update:
    """The UPDATE of the rows that may become `to`; the caller narrows it to the rows that are meant.

    `since` narrows it to some of the states before. `unless` is a condition and what a row becomes for which it holds.
    Raises `ValueError` for a step that the table does not have.
    """
    before = allowed_before(to, *(unless[1:] if unless else ()))
    if not before or not before.issuperset(since):
        raise ValueError(f"what is {' or '.join(since)} cannot become {to}: see sending/states.py")
    state = sa.case((unless[0], unless[1].value), else_=to.value) if unless else to
    change = table.update().where(_in(table, since or before)).values(state=state, updated_at=at)
    if to not in HELD:
        change = change.values(worker_id=None)
    # A single mail's letter goes with its end; that an issue's letter stays is the issue's business.
    return change.values(data=None) if table is outbox and to in ENDS else change


def _in(table: sa.Table, states: Collection[DeliveryState]) -> sa.ColumnElement[bool]:
    """Written out: what is made ready once (`group_commit.Statement`) has no lists among its parameters."""
    names: list[sa.ColumnElement[str]] = [sa.literal_column(f"'{state}'") for state in sorted(states)]
    return table.c.state.in_(names)


def is_open(worker: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    """Whether this worker may still claim and intend, for a WHERE."""
    return sa.exists().where(workers.c.id == worker, workers.c.ended_at.is_(None))


def living(worker: sa.ColumnElement[int]) -> sa.Select[int]:
    """Keeps this worker from being ended until the transaction ends; no row when it has been."""
    mine = sa.and_(workers.c.id == worker, workers.c.ended_at.is_(None))
    return sa.select(workers.c.id).where(mine).with_for_update(read=True)


def stay_open(connection: sa.Connection, worker: int) -> None:
    """Let nobody end this worker before this transaction ends. Raises `WorkerEnded` when somebody has."""
    if connection.scalar(living(sa.literal(worker))) is None:
        raise WorkerEnded(
            "this process was taken for dead by another worker, because its lock was lost or it stood still too long; "
            "nothing is lost, start it again"
        )


def hold_issues(connection: sa.Connection) -> None:
    """Let no issue that is being sent be cancelled or closed before this transaction ends."""
    connection.execute(sa.select(issues.c.id).where(_UNFINISHED).with_for_update(read=True))


def goes_on(table: sa.Table, *, resends: bool = False) -> sa.ColumnElement[bool]:
    """Whether a row may still be sent: its issue is being sent, or held for a while; a single mail was not forgotten.

    With `resends` also after a doubt, as the issue says; single mails are always sent again.
    """
    if table is outbox:
        return outbox.c.data.is_not(None)
    unfinished = sa.and_(issues.c.id == deliveries.c.issue_id, _UNFINISHED)
    return sa.exists().where(unfinished, issues.c.on_doubt == "resend") if resends else sa.exists().where(unfinished)


def goes_out(table: sa.Table) -> sa.ColumnElement[bool]:
    """Whether a row may be begun now: as `goes_on`, and nobody holds its issue."""
    if table is outbox:
        return goes_on(table)
    return sa.exists().where(issues.c.id == deliveries.c.issue_id, issues.c.state == IssueState.SENDING)


def settle(connection: sa.Connection, table: sa.Table, rows: Collection[int], *, now: datetime) -> None:
    """Lead on what has just come into doubt or was deferred: a doubt waits to be sent again, or stays in doubt; nobody
    comes back to an issue that was cancelled while the server was asked.
    """
    these = table.c.id.in_(rows)
    again = step(table, DeliveryState.WAITING, since={DeliveryState.IN_DOUBT}, at=now)
    connection.execute(again.where(these, goes_on(table, resends=True)))
    never = step(table, DeliveryState.CANCELLED, since={DeliveryState.DEFERRED}, at=now)
    connection.execute(never.where(these, ~goes_on(table)))


def end_claims(connection: sa.Connection, worker: int, *, now: datetime) -> tuple[int, int]:
    """End what a worker that has ended held: what was not begun waits again, what was begun is in doubt.

    The worker is ended in this transaction or before, so it claims nothing more. Returns how many went back, and how
    many doubts there are.
    """
    hold_issues(connection)
    back = doubts = 0
    for table in LEDGERS:
        held = table.c.worker_id == worker
        # An intent in flight is waited for: it is a doubt, or it was never made.
        connection.execute(sa.select(table.c.id).where(held).with_for_update())
        doubt = step(table, DeliveryState.IN_DOUBT, at=now).where(held)
        begun = doubt.values(doubt_at=table.c.updated_at, next_try_at=now).returning(table.c.id)
        rows = connection.scalars(begun).all()
        if rows:
            note(connection, table, rows, DeliveryState.IN_DOUBT, now=now, text=DIED)
            settle(connection, table, rows, now=now)
        back += connection.execute(
            step(table, DeliveryState.WAITING, since={DeliveryState.CLAIMED}, at=now).where(held)
        ).rowcount
        doubts += len(rows)
    return back, doubts


def note(
    connection: sa.Connection,
    table: sa.Table,
    rows: Collection[int],
    outcome: DeliveryState,
    *,
    now: datetime,
    **said: Any,
) -> None:
    """Write down what became of the latest claim of these rows; `said` are columns of `attempts` that say more."""
    values = {name: sa.literal(value, attempts.c[name].type) for name, value in said.items()}
    written = noting(table, table.c.id.in_(rows), outcome, dialect=connection.dialect.name, at=now, **values)
    connection.execute(written)


def noting(
    table: sa.Table,
    which: sa.ColumnElement[bool],
    outcome: DeliveryState,
    *,
    dialect: str,
    at: datetime | sa.ColumnElement[datetime],
    **said: sa.ColumnElement[Any],
) -> sa.Insert:
    """The INSERT of an attempt for every row of `which`. Each outcome of a claim is kept once.

    What a server said often names the address, which may be forgotten by now: then it is not kept.
    """
    columns: dict[str, sa.ColumnElement[Any]] = {
        "ledger": sa.literal_column(f"'{table.name}'"),
        "row_id": table.c.id,
        "subscriber_id": table.c.subscriber_id if table is deliveries else sa.null(),
        "claim": table.c.claim,
        "number": table.c.attempts,
        "at": sa.literal(at, UtcDateTime) if isinstance(at, datetime) else at,
        "outcome": sa.literal_column(f"'{outcome}'"),
        **said,
    }
    columns["text"] = kept_text(table, columns["text"])
    insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
    written = sa.select(*columns.values()).where(which)
    return insert(attempts).from_select(list(columns), written).on_conflict_do_nothing()


def kept_text(table: sa.Table, said: Any) -> sa.ColumnElement[str]:
    """What the server said, as it may be kept."""
    return sa.case((table.c.email == FORGOTTEN, ""), else_=said)
