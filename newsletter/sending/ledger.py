"""The ledger: one row per recipient per issue, one per single mail, and what happened to each.

Every method is one transaction, durable when it returns. The order a worker keeps is claim → (offer) → intend →
(hand over) → record; `intend` is the fence: it moves a row to *handing over* only while the row is still claimed by
this very worker and the recipient may still receive it, so a worker that was taken for dead, or is about to mail
somebody who has just left, stops there, with nothing accepted.

All changes of many rows are single statements; nothing here holds the audience in memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from newsletter.database import Database, UtcDateTime, storable
from newsletter.issues import IssueState, issues
from newsletter.sending.group_commit import GroupCommit, Statement
from newsletter.sending.states import OPEN, DeliveryState
from newsletter.sending.tables import attempts, deliveries, outbox


@dataclass(frozen=True, slots=True)
class Claim:
    """A row claimed for this worker. `attempt` is the number the coming attempt has; `values` the row's own columns."""

    id: int
    email: str
    attempt: int
    doubt_at: datetime | None
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt. `next_try_at` is set for *deferred* alone."""

    state: DeliveryState
    code: int | None = None
    text: str = ""
    next_try_at: datetime | None = None


class Ledger:
    """The protocol over one table. `within` narrows it to one issue; `may_receive` is the Book's condition, or true."""

    def __init__(
        self,
        database: Database,
        table: sa.Table,
        *,
        within: sa.ColumnElement[bool] | None = None,
        may_receive: sa.ColumnElement[bool] | None = None,
    ) -> None:
        self._database = database
        self.table = table
        self.within = sa.true() if within is None else within
        self._may = sa.true() if may_receive is None else may_receive
        self._claim, self._due = self._claim_statements()
        mine = sa.and_(table.c.id == sa.bindparam("row"), table.c.worker_id == sa.bindparam("worker"))
        # A single mail's bytes hold a token, and go with its end; that an issue's letter stays is the issue's business.
        self._at_the_end: dict[str, Any] = {"data": None} if table is outbox else {}
        self._group_commit = GroupCommit(database)
        self._intend = Statement(
            database,
            table.update()
            .where(mine, table.c.state == DeliveryState.CLAIMED, self._may)
            .values(state=DeliveryState.HANDING_OVER, attempts=table.c.attempts + 1, updated_at=sa.bindparam("now")),
        )
        self._accept = Statement(
            database,
            table.update()
            .where(mine, table.c.state == DeliveryState.HANDING_OVER)
            .values(
                state=DeliveryState.ACCEPTED,
                worker_id=None,
                code=sa.bindparam("said_code"),
                text=sa.bindparam("said_text"),
                updated_at=sa.bindparam("now"),
                **self._at_the_end,
            ),
        )

    def _claim_statements(self) -> tuple[sa.UpdateBase, sa.UpdateBase]:
        table = self.table
        due = (
            sa.select(table.c.id)
            .where(self.within, table.c.state == DeliveryState.WAITING, table.c.next_try_at <= sa.bindparam("now"))
            .order_by(table.c.next_try_at, table.c.id)
            .limit(sa.bindparam("limit"))
            .with_for_update(skip_locked=True)
        )
        claim = (
            table.update()
            .where(table.c.id.in_(due.scalar_subquery()))
            .values(
                state=sa.case((self._may, DeliveryState.CLAIMED), else_=DeliveryState.SKIPPED),
                reason=sa.case((self._may, ""), else_="left the list"),
                worker_id=sa.case((self._may, sa.bindparam("worker")), else_=None),
                updated_at=sa.bindparam("now"),
            )
            .returning(*table.c)
        )
        again = (
            table.update()
            .where(self.within, table.c.state == DeliveryState.DEFERRED, table.c.next_try_at <= sa.bindparam("now"))
            .values(state=DeliveryState.WAITING)
        )
        return claim, again

    def claim(self, worker: int, *, limit: int, now: datetime) -> list[Claim]:
        """Up to `limit` due rows for this worker, oldest due first; who may no longer receive is skipped at once."""
        with self._database.write() as connection:
            connection.execute(self._due, {"now": now})
            rows = connection.execute(self._claim, {"worker": worker, "limit": limit, "now": now}).mappings().all()
        return [
            Claim(row["id"], row["email"], row["attempts"] + 1, row["doubt_at"], dict(row))
            for row in sorted(rows, key=lambda row: (row["next_try_at"], row["id"]))
            if row["state"] == DeliveryState.CLAIMED
        ]

    def intend(self, claim: Claim, worker: int, *, now: datetime) -> bool:
        """Make the intent to hand over durable. False: it must not be handed over, and the row says why."""
        if self._group_commit.change(self._intend, {"row": claim.id, "worker": worker, "now": now}, flushed=True):
            return True
        with self._database.write() as connection:
            connection.execute(
                self.table.update()
                .where(self._mine(claim, worker), self.table.c.state == DeliveryState.CLAIMED)
                .values(state=DeliveryState.SKIPPED, reason="left the list", worker_id=None, updated_at=now)
            )
        return False

    def record(self, claim: Claim, worker: int, outcome: Outcome, *, now: datetime) -> None:
        """Write down what became of an attempt, also when this worker has been taken for dead meanwhile."""
        if (
            outcome.state == DeliveryState.ACCEPTED
            and claim.attempt == 1
            and self._accepted(claim, worker, outcome, now=now)
        ):
            return
        table = self.table
        values: dict[str, Any] = {
            "state": outcome.state,
            "worker_id": None,
            "code": outcome.code,
            "text": storable(outcome.text)[:500],
            "updated_at": now,
        }
        if outcome.next_try_at is not None:
            values["next_try_at"] = outcome.next_try_at
        if outcome.state == DeliveryState.IN_DOUBT:
            # Sent again or held; again means at the end of the line.
            values |= {"state": _after_doubt(table), "doubt_at": now, "next_try_at": now}
        elif outcome.state == DeliveryState.DEFERRED:
            values["state"] = _after_deferral(table)
        else:
            values |= self._at_the_end
        # An attempt that ended before the intent has not been counted yet.
        counted = sa.case((table.c.state == DeliveryState.CLAIMED, table.c.attempts + 1), else_=table.c.attempts)
        with self._database.write() as connection:
            done = connection.execute(
                table.update()
                .where(
                    self._mine(claim, worker), table.c.state.in_((DeliveryState.HANDING_OVER, DeliveryState.CLAIMED))
                )
                .values(attempts=counted, **values)
            )
            late = not done.rowcount
            if late and outcome.state == DeliveryState.ACCEPTED:
                # The proof came after the doubt: nobody needs to send it again.
                connection.execute(
                    table.update()
                    .where(
                        table.c.id == claim.id,
                        table.c.state.in_((DeliveryState.WAITING, DeliveryState.IN_DOUBT)),
                        table.c.doubt_at.is_not(None),
                    )
                    .values(**values)
                )
            if late or outcome.state != DeliveryState.ACCEPTED or claim.attempt > 1:
                self._note(connection, claim, outcome, now=now)

    def _accepted(self, claim: Claim, worker: int, outcome: Outcome, *, now: datetime) -> bool:
        """Record a first acceptance: what happens to nearly every row. False when the row is no longer this worker's.

        It need not be flushed: lost in a power cut, it leaves the row *handing over*, which is a named doubt; and this
        connection's next intent flushes it. So a power cut, too, leaves at most one doubt per connection.
        """
        said = {"said_code": outcome.code, "said_text": storable(outcome.text)[:500]}
        values = {"row": claim.id, "worker": worker, "now": now, **said}
        return bool(self._group_commit.change(self._accept, values, flushed=False))

    def give_back(self, claims: Sequence[Claim], worker: int, *, now: datetime) -> None:
        """Let go of claims that were not begun."""
        if not claims:
            return
        with self._database.write() as connection:
            connection.execute(
                self.table.update()
                .where(
                    self.table.c.id.in_([claim.id for claim in claims]),
                    self.table.c.worker_id == worker,
                    self.table.c.state == DeliveryState.CLAIMED,
                )
                .values(state=DeliveryState.WAITING, worker_id=None, updated_at=now)
            )

    def take_back(self, claims: Sequence[Claim], *, now: datetime) -> None:
        """Let recipients wait again who were refused only because the server refused everybody."""
        with self._database.write() as connection:
            connection.execute(
                self.table.update()
                .where(self.table.c.id.in_([claim.id for claim in claims]), self.table.c.state == DeliveryState.REFUSED)
                .values(state=DeliveryState.WAITING, next_try_at=now, updated_at=now)
            )

    def expire(self, moment: datetime, *, now: datetime) -> int:
        """End every row that has waited past `moment`, if now is past it; gives how many."""
        if now < moment:
            return 0
        with self._database.write() as connection:
            done = connection.execute(
                self.table.update()
                .where(self.within, self.table.c.state.in_((DeliveryState.WAITING, DeliveryState.DEFERRED)))
                .values(state=DeliveryState.EXPIRED, worker_id=None, updated_at=now, **self._at_the_end)
            )
        return done.rowcount

    def cancel(self, connection: sa.Connection, *, now: datetime) -> None:
        """End every row nobody has begun to hand over."""
        unbegun = (DeliveryState.WAITING, DeliveryState.DEFERRED, DeliveryState.CLAIMED, DeliveryState.IN_DOUBT)
        connection.execute(
            self.table.update()
            .where(self.within, self.table.c.state.in_(unbegun))
            .values(state=DeliveryState.CANCELLED, worker_id=None, updated_at=now)
        )

    def counts(self) -> dict[DeliveryState, int]:
        """How many rows are in each state; states without rows are left out."""
        with self._database.read() as connection:
            return self.counts_in(connection)

    def counts_in(self, connection: sa.Connection) -> dict[DeliveryState, int]:
        state = self.table.c.state
        rows = connection.execute(sa.select(state, sa.func.count()).where(self.within).group_by(state)).all()
        return {DeliveryState(name): number for name, number in rows}

    def still_open(self) -> int:
        """How many rows have not ended; asks for those alone, however many have."""
        with self._database.read() as connection:
            number: int = connection.execute(
                sa.select(sa.func.count()).where(self.within, self.table.c.state.in_(OPEN))
            ).scalar_one()
        return number

    def next_try(self) -> datetime | None:
        """When the next open row may be tried, or None when no row is open."""
        with self._database.read() as connection:
            found: datetime | None = connection.scalar(
                sa.select(sa.func.min(self.table.c.next_try_at)).where(self.within, self.table.c.state.in_(OPEN))
            )
        return found

    def _mine(self, claim: Claim, worker: int) -> sa.ColumnElement[bool]:
        return sa.and_(self.table.c.id == claim.id, self.table.c.worker_id == worker)

    def _note(self, connection: sa.Connection, claim: Claim, outcome: Outcome, *, now: datetime) -> None:
        connection.execute(
            attempts.insert().values(
                ledger=self.table.name,
                row_id=claim.id,
                number=claim.attempt,
                at=now,
                outcome=outcome.state,
                code=outcome.code,
                text=storable(outcome.text)[:500],
            )
        )


def _after_doubt(table: sa.Table) -> sa.ColumnElement[str]:
    """Where a doubt leads: single mails are sent again, deliveries as their issue says while it is being sent."""
    if table is outbox:
        return sa.literal(DeliveryState.WAITING.value)
    again = sa.and_(_goes_on(), issues.c.on_doubt == "resend")
    return sa.case((sa.exists().where(again), DeliveryState.WAITING.value), else_=DeliveryState.IN_DOUBT.value)


def _after_deferral(table: sa.Table) -> sa.ColumnElement[str]:
    """Where a deferral leads: nobody comes back to an issue that was cancelled while the server was asked."""
    if table is outbox:
        return sa.literal(DeliveryState.DEFERRED.value)
    return sa.case((sa.exists().where(_goes_on()), DeliveryState.DEFERRED.value), else_=DeliveryState.CANCELLED.value)


def _goes_on() -> sa.ColumnElement[bool]:
    return sa.and_(issues.c.id == deliveries.c.issue_id, issues.c.state == IssueState.SENDING)


def end_claims(connection: sa.Connection, worker: int, *, now: datetime) -> tuple[int, int]:
    """End what a dead worker held: unbegun claims wait again, begun ones are in doubt. Gives (claims, doubts)."""
    back = doubts = 0
    for table in (deliveries, outbox):
        begun = sa.and_(table.c.worker_id == worker, table.c.state == DeliveryState.HANDING_OVER)
        connection.execute(
            attempts.insert().from_select(
                ["ledger", "row_id", "number", "at", "outcome", "text"],
                sa.select(
                    sa.literal(table.name),
                    table.c.id,
                    table.c.attempts,
                    sa.literal(now, UtcDateTime),
                    sa.literal(DeliveryState.IN_DOUBT.value),
                    sa.literal("the worker died before the answer was recorded"),
                ).where(begun),
            )
        )
        doubts += connection.execute(
            table.update()
            .where(begun)
            .values(
                state=_after_doubt(table),
                doubt_at=table.c.updated_at,
                next_try_at=now,
                worker_id=None,
                updated_at=now,
            )
        ).rowcount
        back += connection.execute(
            table.update()
            .where(table.c.worker_id == worker, table.c.state == DeliveryState.CLAIMED)
            .values(state=DeliveryState.WAITING, worker_id=None, updated_at=now)
        ).rowcount
    return back, doubts
