"""Every sum, recomputed from the rows, and every row compared with the attempts on record. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from newsletter.database import Database
from newsletter.errors import counted
from newsletter.issues import IssueRow, IssueState, issues
from newsletter.sending.states import OPEN, DeliveryState
from newsletter.sending.tables import FORGOTTEN, attempts, deliveries, outbox
from newsletter.sending.workers import left_behind


@dataclass(frozen=True, slots=True)
class Doubt:
    """One recipient who was ever in doubt. `settled` is the state that ended the doubt, or empty while it lasts."""

    address: str
    attempt: int
    settled: str


@dataclass(frozen=True, slots=True)
class IssueAudit:
    """The sums of one issue. `wrong` holds a sentence for everything that does not add up."""

    slot_key: str
    state: str
    frozen: int
    counts: dict[str, int]
    ever_in_doubt: tuple[Doubt, ...]
    wrong: tuple[str, ...]


def audit(database: Database, slot_key: str | None = None) -> list[IssueAudit]:
    """Recompute the sums of one issue or of all, oldest first; of all, with the outbox at the end if it is wrong."""
    query = sa.select(issues.c.id, issues.c.slot_key, issues.c.state, issues.c.frozen).order_by(issues.c.slot_at)
    if slot_key is not None:
        query = query.where(issues.c.slot_key == slot_key)
    with database.read() as connection:
        found = [_one(connection, row) for row in connection.execute(query).all()]
        if slot_key is None and (wrong := _held_by_nobody(connection, outbox, sa.true())):
            found.append(IssueAudit(outbox.name, "", 0, {}, (), tuple(wrong)))
    return found


def _one(connection: sa.Connection, row: sa.Row[Any, Any, Any, Any]) -> IssueAudit:
    its = deliveries.c.issue_id == row.id
    by_state = sa.select(deliveries.c.state, sa.func.count()).where(its).group_by(deliveries.c.state)
    found: dict[str, int] = dict(connection.execute(by_state).all())
    counts = {state.value: found.pop(state.value, 0) for state in DeliveryState}
    wrong = [f"{counted(number, 'row')} in a state that does not exist: {state}" for state, number in found.items()]
    total = sum(counts.values())
    if total != row.frozen:
        wrong.append(f"the issue was frozen for {counted(row.frozen, 'recipient')}, but its states add up to {total}")
    # What is on the wire when an issue is cancelled is still waited for.
    over = {IssueState.CLOSED: OPEN, IssueState.CANCELLED: OPEN - {DeliveryState.HANDING_OVER}}.get(row.state, ())
    if still_open := sum(counts[state] for state in over):
        wrong.append(f"the issue is {row.state}, but {counted(still_open, 'recipient')} of it still open")
    wrong += _held_by_nobody(connection, deliveries, its)
    wrong += _against_the_record(connection, its)
    named = sa.select(deliveries.c.email).where(its, deliveries.c.email != FORGOTTEN)
    doubled = connection.scalars(named.group_by(deliveries.c.email).having(sa.func.count() > 1))
    wrong += [f"{email} was frozen into the issue twice" for email in doubled]
    return IssueAudit(row.slot_key, row.state, row.frozen, counts, _doubts(connection, row.id), tuple(wrong))


def _held_by_nobody(connection: sa.Connection, table: sa.Table, which: sa.ColumnElement[bool]) -> list[str]:
    number = connection.scalar(sa.select(sa.func.count()).where(which, table.c.worker_id.in_(left_behind())))
    wrong = f"{counted(number or 0, 'message')} held by workers that have ended; `newsletter worker` lets go of them"
    return [wrong] if number else []


def _against_the_record(connection: sa.Connection, its: sa.ColumnElement[bool]) -> list[str]:
    """What the rows say that no attempt does, and what an attempt says that the rows do not."""
    row = deliveries.c
    on_record = sa.and_(attempts.c.ledger == deliveries.name, attempts.c.row_id == row.id)

    def noted(*outcomes: DeliveryState, latest: bool = False) -> sa.ColumnElement[bool]:
        """Whether an attempt came out so; the `latest` claim's, or any."""
        names: list[sa.ColumnElement[str]] = [sa.literal_column(f"'{outcome}'") for outcome in outcomes]
        which = sa.and_(on_record, attempts.c.outcome.in_(names))
        return sa.exists().where(which, attempts.c.claim.in_((row.claim, -attempts.c.id)) if latest else sa.true())

    state = DeliveryState
    checks = (
        ("accepted, and no attempt says so", sa.and_(row.state == state.ACCEPTED, ~noted(state.ACCEPTED))),
        ("not accepted, and an attempt says accepted", sa.and_(row.state != state.ACCEPTED, noted(state.ACCEPTED))),
        ("refused, and no attempt says so", sa.and_(row.state == state.REFUSED, ~noted(state.REFUSED, latest=True))),
        ("in doubt, and no attempt says so", sa.and_(row.state == state.IN_DOUBT, ~noted(state.IN_DOUBT, latest=True))),
        ("once in doubt, and no attempt says so", sa.and_(row.doubt_at.is_not(None), ~noted(state.IN_DOUBT))),
    )
    counts = [sa.func.count().filter(check) for _, check in checks]
    found = connection.execute(sa.select(*counts).where(its)).one()
    said = zip(found, checks, strict=True)
    return [f"{counted(number, 'recipient')} {what}" for number, (what, _) in said if number]


def _doubts(connection: sa.Connection, issue_id: int) -> tuple[Doubt, ...]:
    rows = connection.execute(
        sa.select(deliveries.c.email, deliveries.c.state, attempts.c.number)
        .join(deliveries, sa.and_(attempts.c.ledger == deliveries.name, attempts.c.row_id == deliveries.c.id))
        .where(deliveries.c.issue_id == issue_id, attempts.c.outcome == DeliveryState.IN_DOUBT)
        .order_by(attempts.c.id)
    ).all()
    unsettled = {*OPEN, DeliveryState.IN_DOUBT}
    return tuple(Doubt(row.email, row.number, "" if row.state in unsettled else row.state) for row in rows)


def history(database: Database, issue: IssueRow, address: str) -> list[dict[str, object]]:
    """What happened to one address in one issue: its row, then every attempt that was noted, oldest first."""
    row, one = deliveries.c, attempts.c
    state = sa.select(row.id, row.state, row.reason, row.attempts, row.code, row.text, row.updated_at.label("at"))
    noted = sa.select(one.number.label("attempt"), one.outcome, one.code, one.text, one.at).order_by(one.id)
    with database.read() as connection:
        query = state.where(row.issue_id == issue.id, sa.func.lower(row.email) == address.lower())
        found = [dict(each) for each in connection.execute(query.limit(1)).mappings()]
        for number in [each.pop("id") for each in found]:
            its = noted.where(one.ledger == deliveries.name, one.row_id == number)
            found += [dict(each) for each in connection.execute(its).mappings()]
    return found
