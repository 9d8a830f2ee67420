"""The ledger: one row per recipient per issue, one per single mail, and what happened to each.

Every method is one transaction, durable when it returns. The order a worker keeps is claim → (offer) → intend →
(hand over) → record. The fence is the claim: it has a number in its row, everything that is written later names it,
and `intend` moves a row to *handing over* only while its worker has not been ended and the recipient may still receive
it. So a worker that was taken for dead, or is about to mail somebody who has just left, stops there, with nothing
accepted. `turn` is the answer to one message and the intent of the next in one commit.

Every change of a state is made by `steps.step`. All changes of many rows are single statements; nothing here holds the
audience in memory. Raises `WorkerEnded` when a worker that was ended claims or intends, and `DatabaseError`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from newsletter.database import Database, storable
from newsletter.sending.group_commit import Change, GroupCommit, Statement
from newsletter.sending.states import OPEN, DeliveryState
from newsletter.sending.steps import (
    goes_on,
    goes_out,
    hold_issues,
    is_open,
    kept_text,
    living,
    note,
    noting,
    settle,
    stay_open,
    step,
)
from subscribers import mask_tokens

LEFT = "left the list"
ALL = sa.true()


@dataclass(frozen=True, slots=True)
class Claim:
    """A row claimed by a worker, for the `number`th time. `attempt` is the number the coming attempt has; `values` are
    the row's own columns.
    """

    id: int
    number: int
    worker: int
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
    """The protocol over one table. `within` narrows it to one issue; `may_receive` is the Book's condition, or true.

    `hold_consent` is the Book's statement that keeps the consent of a subscriber as it is until a transaction ends.
    """

    def __init__(
        self,
        database: Database,
        table: sa.Table,
        *,
        within: sa.ColumnElement[bool] = ALL,
        may_receive: sa.ColumnElement[bool] = ALL,
        hold_consent: Callable[[sa.ColumnElement[int]], sa.Executable] | None = None,
    ) -> None:
        self._database = database
        self.table = table
        self.within = within
        now: sa.BindParameter[datetime] = sa.bindparam("now")
        worker: sa.BindParameter[int] = sa.bindparam("worker")
        row: sa.BindParameter[int] = sa.bindparam("row")
        mine = sa.and_(table.c.id == row, table.c.claim == sa.bindparam("number"))
        self._again = step(table, DeliveryState.WAITING, since={DeliveryState.DEFERRED}, at=table.c.updated_at).where(
            self.within, table.c.next_try_at <= now
        )
        self._claim = self._claiming(may_receive)
        self._group_commit = GroupCommit(database)
        intend = (
            step(table, DeliveryState.HANDING_OVER, at=now)
            .where(mine, may_receive, is_open(worker), goes_out(table))
            .values(attempts=table.c.attempts + 1)
        )
        accept = step(table, DeliveryState.ACCEPTED, since={DeliveryState.HANDING_OVER}, at=now).where(mine)
        code: sa.BindParameter[int] = sa.bindparam("said_code", type_=sa.Integer)
        text: sa.BindParameter[str] = sa.bindparam("said_text", type_=sa.String)
        accepted = sa.and_(mine, table.c.state == sa.literal_column(f"'{DeliveryState.ACCEPTED}'"))
        noted = noting(
            table, accepted, DeliveryState.ACCEPTED, dialect=database.engine.dialect.name, at=now, code=code, text=text
        )
        self._accept = [
            Statement(database, accept.values(code=code, text=kept_text(table, text))),
            Statement(database, noted),
        ]
        self._intend = [Statement(database, intend)]
        if not database.is_sqlite:  # SQLite lets one transaction in at a time: nothing changes meanwhile
            self._intend.insert(0, Statement(database, living(worker)))
            if hold_consent is not None:
                who = sa.select(table.c.subscriber_id).where(table.c.id == row).scalar_subquery()
                self._intend.insert(1, Statement(database, hold_consent(who)))
        self._intended = sa.select(table.c.id).where(mine, table.c.state == DeliveryState.HANDING_OVER)
        self._skip = (
            step(table, DeliveryState.SKIPPED, since={DeliveryState.CLAIMED}, at=now)
            .where(mine, ~may_receive)
            .values(reason=LEFT)
        )
        self._return = step(table, DeliveryState.WAITING, since={DeliveryState.CLAIMED}, at=now).where(
            mine, ~goes_out(table)
        )

    def _claiming(self, may: sa.ColumnElement[bool]) -> sa.UpdateBase:
        table = self.table
        # A waiting row is due, whatever the clock says now: it may have been put back since.
        due = (
            sa.select(table.c.id)
            .where(self.within, table.c.state == DeliveryState.WAITING, goes_out(table))
            .order_by(table.c.next_try_at, table.c.id)
            .limit(sa.bindparam("limit"))
            .with_for_update(skip_locked=True)
            .cte("due")  # run once: a subquery may be planned to run for every row, and then claims more than `limit`
            .prefix_with("MATERIALIZED", dialect="postgresql")
        )
        return (
            step(table, DeliveryState.CLAIMED, unless=(~may, DeliveryState.SKIPPED), at=sa.bindparam("now"))
            .where(table.c.id.in_(sa.select(due.c.id)))
            .values(
                reason=sa.case((may, ""), else_=LEFT),
                worker_id=sa.case((may, sa.bindparam("worker")), else_=None),
                claim=table.c.claim + 1,
            )
            .returning(*table.c)
        )

    def claim(self, worker: int, *, limit: int, now: datetime) -> list[Claim]:
        """Up to `limit` due rows for this worker, oldest due first; who may no longer receive is skipped at once."""
        with self._database.write() as connection:
            stay_open(connection, worker)
            connection.execute(self._again, {"now": now})
            rows = connection.execute(self._claim, {"worker": worker, "limit": limit, "now": now}).mappings().all()
        return [
            Claim(row["id"], row["claim"], worker, row["email"], row["attempts"] + 1, row["doubt_at"], dict(row))
            for row in sorted(rows, key=lambda row: (row["next_try_at"], row["id"]))
            if row["state"] == DeliveryState.CLAIMED
        ]

    def intend(self, claim: Claim, *, now: datetime) -> bool:
        """Make the intent to hand over durable. False: it must not be handed over.

        Then the recipient has left, which the row says; or the issue is held, and the row waits again; or the claim was
        ended, and nothing is written. Asked again after an answer that was lost, it answers the same.
        """
        values = _values(claim, now=now)
        *_, changed = self._group_commit.change([(one, values) for one in self._intend], flushed=True)
        return bool(changed) or self._not_intended(claim, now=now)

    def turn(self, claim: Claim, outcome: Outcome, following: Claim | None = None, *, now: datetime) -> bool:
        """Record what became of one claim, and make the intent of the following: one durable commit where the message
        was accepted. Returns as `intend` does for the following, and false without one.
        """
        if outcome.state != DeliveryState.ACCEPTED:
            self.record(claim, outcome, now=now)
            return following is not None and self.intend(following, now=now)
        said = {"said_code": outcome.code, "said_text": _said(outcome), **_values(claim, now=now)}
        changes: list[Change] = [(one, said) for one in self._accept]
        if following is not None:
            values = _values(following, now=now)
            changes += [(one, values) for one in self._intend]
        # Without an intent it need not be flushed: lost in a power cut, it leaves the row *handing over*, which is a
        # named doubt, and this connection's next intent flushes it.
        accepted, *_, last = self._group_commit.change(changes, flushed=following is not None)
        if not accepted:
            self.record(claim, outcome, now=now)
        return following is not None and (bool(last) or self._not_intended(following, now=now))

    def _not_intended(self, claim: Claim, *, now: datetime) -> bool:
        values = _values(claim, now=now)
        with self._database.write() as connection:
            if connection.scalar(self._intended, values) is not None:
                return True  # made before, by a commit whose answer was lost
            stay_open(connection, claim.worker)
            if not connection.execute(self._skip, values).rowcount:
                connection.execute(self._return, values)
        return False

    def record(self, claim: Claim, outcome: Outcome, *, now: datetime) -> None:
        """Write down what became of a claim, also when its worker was taken for dead meanwhile. May be repeated."""
        accepted = outcome.state == DeliveryState.ACCEPTED
        table = self.table
        values: dict[str, Any] = {"code": outcome.code, "text": kept_text(table, _said(outcome))}
        if outcome.next_try_at is not None:
            values["next_try_at"] = outcome.next_try_at
        if outcome.state == DeliveryState.IN_DOUBT:
            values |= {"doubt_at": now, "next_try_at": now}  # sent again, it is at the end of the line
        # An attempt that ended before the intent has not been counted yet.
        counted = sa.case((table.c.state == DeliveryState.CLAIMED, table.c.attempts + 1), else_=table.c.attempts)
        unsettled = outcome.state in (DeliveryState.DEFERRED, DeliveryState.IN_DOUBT)
        with self._database.write() as connection:
            if unsettled:
                hold_issues(connection)
            change = step(table, outcome.state, since={DeliveryState.HANDING_OVER} if accepted else (), at=now)
            mine = sa.and_(table.c.id == claim.id, table.c.claim == claim.number, table.c.worker_id == claim.worker)
            late = not connection.execute(change.where(mine).values(attempts=counted, **values)).rowcount
            if late and accepted:
                # The proof came after the doubt: nobody needs to send it again.
                proof = step(table, DeliveryState.ACCEPTED, at=now)
                connection.execute(proof.where(table.c.id == claim.id, table.c.doubt_at.is_not(None)).values(values))
            elif unsettled and not late:
                settle(connection, table, [claim.id], now=now)
            # Of this claim, though the row may have been claimed again since.
            said = {"claim": claim.number, "number": claim.attempt, "code": outcome.code, "text": _said(outcome)}
            note(connection, table, [claim.id], outcome.state, now=now, **said)

    def give_back(self, claims: Collection[Claim], *, now: datetime) -> None:
        """Let claims wait again that were not begun, or whose answer was a certain no and not about the recipient.

        It costs no attempt.
        """
        if not claims:
            return
        table = self.table
        taken = sa.case((table.c.state == DeliveryState.HANDING_OVER, table.c.attempts - 1), else_=table.c.attempts)
        held = sa.and_(self._these(claims), table.c.worker_id.is_not(None))
        deferred = step(table, DeliveryState.DEFERRED, at=now).where(held).values(attempts=taken)
        again = step(table, DeliveryState.WAITING, since={DeliveryState.DEFERRED}, at=now)
        with self._database.write() as connection:
            hold_issues(connection)
            rows = connection.scalars(deferred.returning(table.c.id)).all()
            settle(connection, table, rows, now=now)
            connection.execute(again.where(table.c.id.in_(rows)))

    def take_back(self, claims: Sequence[Claim], *, now: datetime) -> None:
        """Let recipients wait again who were refused or deferred only because the server refused everybody."""
        answered = {DeliveryState.REFUSED, DeliveryState.DEFERRED}
        change = step(self.table, DeliveryState.WAITING, since=answered, at=now).values(next_try_at=now)
        with self._database.write() as connection:
            hold_issues(connection)
            connection.execute(change.where(self._these(claims), goes_on(self.table)))

    def in_doubt(self) -> list[tuple[str, datetime]]:
        """The recipients in doubt whom nobody sends again by itself, and since when; the oldest first."""
        table = self.table
        query = sa.select(table.c.email, table.c.doubt_at).where(self.within, table.c.state == DeliveryState.IN_DOUBT)
        with self._database.read() as connection:
            return [(row.email, row.doubt_at) for row in connection.execute(query.order_by(table.c.doubt_at))]

    def settle(
        self, connection: sa.Connection, to: DeliveryState, *, address: str | None, said: str, now: datetime
    ) -> int:
        """Settle the doubt about one recipient, or all, by hand, on record among the attempts; returns how many."""
        table = self.table
        mine = sa.true() if address is None else sa.func.lower(table.c.email) == address.lower()
        change = step(table, to, since={DeliveryState.IN_DOUBT}, at=now).where(self.within, mine)
        rows = connection.scalars(change.values(next_try_at=now).returning(table.c.id)).all()
        note(connection, table, rows, to, now=now, text=storable(said))
        return len(rows)

    def expire(self, moment: datetime, *, now: datetime) -> int:
        """End every row that has waited past `moment`, if now is past it; returns how many."""
        if now < moment:
            return 0
        with self._database.write() as connection:
            return connection.execute(step(self.table, DeliveryState.EXPIRED, at=now).where(self.within)).rowcount

    def cancel(self, connection: sa.Connection, *, now: datetime) -> None:
        """End every row nobody has begun to hand over."""
        connection.execute(step(self.table, DeliveryState.CANCELLED, at=now).where(self.within))

    def counts(self) -> dict[str, int]:
        """How many rows are in each state; states without rows are left out."""
        with self._database.read() as connection:
            return self.counts_in(connection)

    def ever_in_doubt(self, connection: sa.Connection) -> bool:
        """Whether a message may have been accepted that no row says was."""
        return bool(connection.scalar(sa.select(sa.exists().where(self.within, self.table.c.doubt_at.is_not(None)))))

    def counts_in(self, connection: sa.Connection) -> dict[str, int]:
        state = self.table.c.state
        return dict(connection.execute(sa.select(state, sa.func.count()).where(self.within).group_by(state)).all())

    def still_open(self) -> int:
        """How many rows have not ended; asks for those alone, however many have."""
        query = sa.select(sa.func.count()).where(self.within, self.table.c.state.in_(OPEN))
        with self._database.read() as connection:
            return connection.scalar(query) or 0

    def next_try(self, *, now: datetime) -> datetime | None:
        """When the next open row may be tried: `now` when one waits, or None when no row is open."""
        state = self.table.c.state
        query = sa.select(state, sa.func.min(self.table.c.next_try_at)).where(self.within, state.in_(OPEN))
        with self._database.read() as connection:
            found = connection.execute(query.group_by(state)).all()
        return min((now if name == DeliveryState.WAITING else at for name, at in found), default=None)

    def _these(self, claims: Collection[Claim]) -> sa.ColumnElement[bool]:
        table = self.table
        return sa.tuple_(table.c.id, table.c.claim).in_([(claim.id, claim.number) for claim in claims])


def _values(claim: Claim, *, now: datetime) -> dict[str, Any]:
    return {"row": claim.id, "number": claim.number, "worker": claim.worker, "now": now}


def _said(outcome: Outcome) -> str:
    # A server that dislikes a link quotes it, token and all.
    return mask_tokens(storable(outcome.text))[:500]
