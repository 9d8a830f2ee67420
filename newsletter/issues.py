"""Issue rows: their states, what is frozen into them, and what the operator was told about them.

`Issues.keep` writes the picks and the finished Letters inside a transaction the caller began, so that the audience can
go into the same one: that is the freeze. From then on everything about an issue is read from here.

What it does not know: templates, the shelf, how messages are handed over. Raises `Refused` for an illegal step.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from newsletter.database import Database, RowId, UtcDateTime, insert_if_absent, metadata, one_of, storable
from newsletter.errors import DatabaseError, Refused
from newsletter.letter import Letter, digest_of, dumps, loads


class IssueState(StrEnum):
    DRAFT = "draft"
    REVIEW = "review"
    APPROVED = "approved"
    HELD = "held"
    SENDING = "sending"
    CLOSED = "closed"
    SKIPPED = "skipped"
    MISSED = "missed"
    CANCELLED = "cancelled"


_GIVEN_UP = {IssueState.SKIPPED, IssueState.MISSED, IssueState.CANCELLED}
STEPS: Mapping[IssueState, frozenset[IssueState]] = {
    IssueState.DRAFT: frozenset({IssueState.REVIEW, IssueState.APPROVED, IssueState.HELD, *_GIVEN_UP}),
    IssueState.REVIEW: frozenset({IssueState.APPROVED, IssueState.HELD, *_GIVEN_UP}),
    IssueState.APPROVED: frozenset({IssueState.SENDING, IssueState.REVIEW, IssueState.HELD, *_GIVEN_UP}),
    IssueState.HELD: frozenset({IssueState.DRAFT, IssueState.REVIEW, IssueState.SENDING, *_GIVEN_UP}),
    IssueState.SENDING: frozenset({IssueState.HELD, IssueState.CLOSED, IssueState.CANCELLED}),
    # A doubt that was kept back may be settled by sending again when everybody else is done.
    IssueState.CLOSED: frozenset({IssueState.SENDING}),
    **dict.fromkeys((IssueState.SKIPPED, IssueState.MISSED, IssueState.CANCELLED), frozenset()),
}
OPEN = (IssueState.DRAFT, IssueState.REVIEW, IssueState.APPROVED, IssueState.HELD)
"""While an issue is in one of these and not frozen, an editor may still change it."""

issues = sa.Table(
    "issues",
    metadata,
    sa.Column("id", RowId, primary_key=True, autoincrement=True),
    sa.Column("slot_key", sa.String(20), nullable=False, unique=True),
    sa.Column("slot_at", UtcDateTime, nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("reason", sa.Text, nullable=False, server_default=""),
    sa.Column("opened_at", UtcDateTime, nullable=False),
    sa.Column("frozen_at", UtcDateTime),
    sa.Column("closed_at", UtcDateTime),
    sa.Column("expires_at", UtcDateTime),
    sa.Column("frozen", sa.Integer, nullable=False, server_default="0"),
    sa.Column("digest", sa.String(64), nullable=False, server_default=""),
    sa.Column("subject", sa.Text, nullable=False, server_default=""),
    sa.Column("list_id", sa.String(255), nullable=False, server_default=""),
    sa.Column("on_doubt", sa.String(10), nullable=False, server_default="resend"),
    sa.Column("attended_at", UtcDateTime),
    sa.Column("proofed_at", UtcDateTime),
    sa.Column("goes_at", UtcDateTime),
    sa.Index("ix_issues_state", "state"),
    one_of("state", IssueState),
    one_of("on_doubt", ("resend", "hold")),
)

letters = sa.Table(
    "letters",
    metadata,
    sa.Column("issue_id", RowId, sa.ForeignKey("issues.id"), primary_key=True),
    sa.Column("variant", sa.String(40), primary_key=True),
    sa.Column("format", sa.Integer, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
)

picks = sa.Table(
    "picks",
    metadata,
    sa.Column("issue_id", RowId, sa.ForeignKey("issues.id"), primary_key=True),
    sa.Column("place", sa.Integer, primary_key=True),
    sa.Column("section", sa.String(60), nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("article_id", RowId),
    sa.Column("score", sa.Float, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("article", sa.Text, nullable=False),
)

alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("id", RowId, primary_key=True, autoincrement=True),
    sa.Column("about", sa.String(80), nullable=False, index=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class IssueRow:
    """What is on record about one issue. `frozen` is how many recipients were frozen into it.

    `attended_at` is when an editor decided on its articles or approved it; None is an issue that made itself. Before
    the freeze `proofed_at` is the moment as of which it is chosen, `digest` that of the content that was approved, and
    `goes_at` when it may go out.
    """

    id: int
    slot_key: str
    slot_at: datetime
    state: IssueState
    reason: str
    opened_at: datetime
    frozen_at: datetime | None
    closed_at: datetime | None
    expires_at: datetime | None
    frozen: int
    digest: str
    subject: str
    list_id: str
    on_doubt: str
    attended_at: datetime | None = None
    proofed_at: datetime | None = None
    goes_at: datetime | None = None

    @property
    def open(self) -> bool:
        """Whether it can still be changed."""
        return self.state in OPEN and self.frozen_at is None

    @property
    def out(self) -> bool:
        """Whether it goes or went out: it is frozen, and not cancelled."""
        return self.frozen_at is not None and self.state != IssueState.CANCELLED

    @property
    def as_of(self) -> datetime | None:
        """The moment as of which it is chosen, once it was put to somebody; None is now."""
        return self.proofed_at if self.open else None


@dataclass(frozen=True, slots=True)
class FrozenPick:
    """A pick as it went into the issue; `article` holds the article's fields as JSON values."""

    section: str
    position: int
    article_id: int | None
    score: float
    reason: str
    article: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Alert:
    """A sentence the operator was told; `about` is the key of an issue or the name of something else."""

    about: str
    at: datetime
    text: str


class Issues:
    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, slot_key: str) -> IssueRow | None:
        return self._first(sa.select(issues).where(issues.c.slot_key == slot_key))

    def get(self, slot_key: str) -> IssueRow:
        row = self.find(slot_key)
        if row is None:
            raise Refused(f"there is no issue {slot_key}; `newsletter issues list` shows what there is")
        return row

    def unfinished(self) -> IssueRow | None:
        """The oldest issue that is frozen and not closed."""
        return self._first(sa.select(issues).where(issues.c.state == IssueState.SENDING).order_by(issues.c.slot_at))

    def newest(self, *, limit: int = 20) -> list[IssueRow]:
        with self._database.read() as connection:
            rows = connection.execute(sa.select(issues).order_by(issues.c.slot_at.desc()).limit(limit)).mappings().all()
        return [_row(row) for row in rows]

    def last_frozen(self) -> IssueRow | None:
        """The issue frozen last: its time of freezing is where the next window of articles begins."""
        frozen = sa.select(issues).where(issues.c.frozen_at.is_not(None))
        return self._first(frozen.order_by(issues.c.frozen_at.desc()))

    def last_slot(self, *, until: str) -> str:
        """The key of the newest slot, up to the week `until`, that is done with (frozen, or given up), or empty.

        A later one that is cancelled already, or held, says nothing about the weeks before it.
        """
        done = sa.or_(issues.c.frozen_at.is_not(None), issues.c.state.not_in(OPEN))
        row = self._first(sa.select(issues).where(done, issues.c.slot_key <= until).order_by(issues.c.slot_key.desc()))
        return row.slot_key if row else ""

    def waiting(self, *, before: datetime) -> list[IssueRow]:
        """The issues of slots before a moment that are neither made nor given up, oldest first."""
        open_ = sa.and_(issues.c.frozen_at.is_(None), issues.c.state.in_(OPEN), issues.c.slot_at < before)
        with self._database.read() as connection:
            rows = connection.execute(sa.select(issues).where(open_).order_by(issues.c.slot_at)).mappings().all()
        return [_row(row) for row in rows]

    def held_in_mid_send(self) -> list[IssueRow]:
        """The frozen issues that somebody holds, oldest first."""
        held = sa.and_(issues.c.frozen_at.is_not(None), issues.c.state == IssueState.HELD)
        with self._database.read() as connection:
            rows = connection.execute(sa.select(issues).where(held).order_by(issues.c.slot_at)).mappings().all()
        return [_row(row) for row in rows]

    def note(self, connection: sa.Connection, issue: IssueRow, **values: Any) -> None:
        """Write what is known about an issue that is not frozen, without a step."""
        connection.execute(issues.update().where(issues.c.id == issue.id, issues.c.frozen_at.is_(None)).values(values))

    def _first(self, query: sa.Select[Any]) -> IssueRow | None:
        with self._database.read() as connection:
            row = connection.execute(query.limit(1)).mappings().first()
        return _row(row) if row else None

    def open(self, connection: sa.Connection, *, slot_key: str, slot_at: datetime, now: datetime) -> IssueRow:
        """The issue of a slot, made as a draft if there is none. Of many callers at once exactly one makes it."""
        insert_if_absent(connection, issues, slot_key=slot_key, slot_at=slot_at, state=IssueState.DRAFT, opened_at=now)
        return _row(connection.execute(sa.select(issues).where(issues.c.slot_key == slot_key)).mappings().one())

    def step(
        self, connection: sa.Connection, issue: IssueRow, to: IssueState, *, reason: str = "", **values: Any
    ) -> None:
        """Move an issue to another state; refused when the table of states has no such step."""
        if to not in STEPS[issue.state]:
            raise Refused(f"the issue {issue.slot_key} is {issue.state}; it cannot become {to}")
        same = issues.update().where(issues.c.id == issue.id, issues.c.state == issue.state)
        if connection.execute(same.values(state=to, reason=reason, **values)).rowcount != 1:
            raise Refused(f"the issue {issue.slot_key} has changed meanwhile; look again")

    def keep(
        self,
        connection: sa.Connection,
        issue: IssueRow,
        *,
        variants: Mapping[str, Letter],
        chosen: Sequence[FrozenPick],
    ) -> str:
        """Store the finished Letters and the picks of an issue; returns the hash an approval binds."""
        for variant, letter in variants.items():
            stored = {"format": letter.format, "digest": letter.digest, "data": dumps(letter)}
            connection.execute(letters.insert().values(issue_id=issue.id, variant=variant, **stored))
        for place, pick in enumerate(chosen, 1):
            values = {**asdict(pick), "article": json.dumps(pick.article, ensure_ascii=False)}
            connection.execute(picks.insert().values(issue_id=issue.id, place=place, **values))
        return digest_of(variants)

    def letter(self, issue_id: int, variant: str = "") -> Letter:
        """The stored Letter of one variant, checked against its hash."""
        wanted = sa.select(letters).where(letters.c.issue_id == issue_id, letters.c.variant == variant)
        with self._database.read() as connection:
            row = connection.execute(wanted).first()
        if row is None:
            raise Refused("this issue has no letter: it was never frozen")
        # `dumps` made the bytes, so theirs is the digest of the letter.
        if hashlib.sha256(row.data).hexdigest() != row.digest:
            raise DatabaseError("a stored letter does not fit its hash: the database is damaged; restore a backup")
        return loads(row.data)

    def picks(self, issue_id: int) -> list[FrozenPick]:
        """What went into an issue, in reading order."""
        columns = (picks.c[field.name] for field in fields(FrozenPick))
        query = sa.select(*columns).where(picks.c.issue_id == issue_id).order_by(picks.c.place)
        with self._database.read() as connection:
            rows = connection.execute(query).mappings().all()
        return [FrozenPick(**{**row, "article": json.loads(row["article"])}) for row in rows]

    def alert(self, connection: sa.Connection, about: str, text: str, *, now: datetime, again: timedelta) -> bool:
        """Note what the operator is told; false when the same was noted about the same less than `again` ago."""
        text = storable(text)
        same = sa.select(alerts.c.id).where(alerts.c.about == about, alerts.c.text == text, alerts.c.at > now - again)
        if connection.execute(same.limit(1)).first():
            return False
        connection.execute(alerts.insert().values(about=about, at=now, text=text))
        return True

    def alerts(self, about: str) -> list[Alert]:
        """What the operator was told about one thing, oldest first."""
        return self._alerts(alerts.c.about == about)

    def alerts_since(self, at: datetime) -> list[Alert]:
        """What the operator was told about anything, oldest first."""
        return self._alerts(alerts.c.at >= at)

    def _alerts(self, where: sa.ColumnElement[bool]) -> list[Alert]:
        with self._database.read() as connection:
            rows = connection.execute(sa.select(alerts).where(where).order_by(alerts.c.id)).all()
        return [Alert(row.about, row.at, row.text) for row in rows]


def _row(row: sa.RowMapping) -> IssueRow:
    return IssueRow(**{**row, "state": IssueState(row["state"])})
