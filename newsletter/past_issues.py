"""What earlier issues chose from and what they kept: for the prior, which learns an editor's taste from it.

Two kinds: the whole pool an issue of ours was chosen from, stored when it is frozen; and what older newsletters
carried, read in from a file, of which only the kept articles are known. An issue of ours teaches only once an editor
attended it, which `issues.attended_at` says: what the choice picked by itself is no evidence of anybody's taste.

What it does not know: how taste is learned or weighed (`highlights.prior`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from newsletter import issues
from newsletter.database import Database, RowId, metadata, storable
from newsletter.issue import Article, Issue, PastIssue, Pick, Slot
from newsletter.links import canonical
from newsletter.shelf import load_article

REMEMBERED = 52
"""Of so many attended issues the pools are read back: a year of taste."""

MOST = 10_000_000
"""Characters of a file that are read, about a hundred thousand addresses."""

_ADDRESS = re.compile(r"https?://[^\s\"'<>,;|\[\]{}]+", re.IGNORECASE)
_DATE = re.compile(r"\b(\d{4}-\d{2}-\d{2})\b")
_LONGEST = 2_000
_FIELDS = ("title", "url", "source", "section", "categories", "tags", "authors")

considered = sa.Table(
    "considered",
    metadata,
    sa.Column("issue_id", RowId, sa.ForeignKey("issues.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("article_id", RowId),
    sa.Column("place", sa.Integer),
    sa.Column("score", sa.Float, nullable=False),
    sa.Column("article", sa.Text, nullable=False),
)

learned = sa.Table(
    "learned",
    metadata,
    sa.Column("id", RowId, primary_key=True, autoincrement=True),
    sa.Column("date", sa.String(10), nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("article", sa.Text, nullable=False),
    sa.Index("ix_learned_date", "date"),
)


@dataclass(frozen=True, slots=True)
class Carried:
    """An address that an older newsletter carried, and the day (ISO 8601) it went out."""

    date: str
    url: str


@dataclass(frozen=True, slots=True)
class Learned:
    """What came of a file: addresses that are new, of how many newsletters, how many are on the shelf, how many were
    learned before, and what is wrong with the rest."""

    new: int
    newsletters: int
    on_shelf: int
    known: int
    problems: tuple[str, ...]


class PastIssues:
    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, connection: sa.Connection, issue_id: int, issue: Issue, *, rejected: Collection[int] = ()) -> None:
        """Store the whole pool an issue was chosen from, in a transaction the caller began.

        What never competed (too old, incomplete, carried before, a near-duplicate) and what gave way to a pick on its
        subject is left out: neither says anything about taste. What an editor took out, the numbers `rejected`, says
        most of all.
        """
        chosen = [(pick.article, place, pick.score) for place, pick in enumerate(issue.picks, 1)]
        related = {id(article) for pick in issue.picks for article in pick.related}
        out = frozenset(rejected)
        competed = (
            one
            for one in issue.passed_over
            if one.article.id in out or (one.section and id(one.article) not in related)
        )
        others = [(one.article, None, one.score or 0.0) for one in competed]
        rows = [
            {
                "issue_id": issue_id,
                "number": number,
                "article_id": article.id,
                "place": place,
                "score": score,
                "article": _dump(article),
            }
            for number, (article, place, score) in enumerate([*chosen, *others], 1)
        ]
        if rows:
            connection.execute(considered.insert(), rows)

    def all(self) -> list[PastIssue]:
        """The attended issues of about a year with their pools, and everything read in."""
        newest = (
            sa.select(issues.issues.c.id)
            .where(issues.issues.c.attended_at.is_not(None))
            .order_by(issues.issues.c.slot_at.desc())
            .limit(REMEMBERED)
        )
        pools = (
            sa.select(considered.c.issue_id, considered.c.place, considered.c.article)
            .where(considered.c.issue_id.in_(newest))
            .order_by(considered.c.issue_id, considered.c.number)
        )
        read_in = sa.select(learned.c.date, learned.c.article).order_by(learned.c.date, learned.c.id)
        with self._database.read() as connection:
            stored = connection.execute(pools).all()
            old = connection.execute(read_in).all()
        found = []
        for _, group in groupby(stored, key=lambda row: row.issue_id):
            rows = [(row.place, _load(row.article)) for row in group]
            kept = tuple(article for place, article in rows if place is not None)
            found.append(PastIssue(kept, tuple(article for place, article in rows if place is None)))
        for _, same_day in groupby(old, key=lambda row: row.date):
            found.append(PastIssue(tuple(_load(row.article) for row in same_day)))
        return found

    def carried(self, *, before: datetime, limit: int) -> list[Issue]:
        """The newest issues before a slot as they went out, oldest first, with their picks and subjects only."""
        out = (issues.issues.c.frozen_at.is_not(None), issues.issues.c.state != issues.IssueState.CANCELLED)
        newest = sa.select(issues.issues).where(*out, issues.issues.c.slot_at < before)
        those = newest.order_by(issues.issues.c.slot_at.desc()).limit(limit).subquery()
        picks = issues.picks
        columns = (
            those.c.slot_key,
            those.c.slot_at,
            those.c.subject,
            picks.c.section,
            picks.c.position,
            picks.c.article,
        )
        query = (
            sa.select(*columns)
            .join_from(those, picks, picks.c.issue_id == those.c.id)
            .order_by(those.c.slot_at, picks.c.place)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        found = []
        for (key, at, subject), group in groupby(rows, key=lambda row: row[:3]):
            chosen = [Pick(load_article(json.loads(row.article)), row.section, row.position, 0.0) for row in group]
            found.append(Issue(Slot(key, at), (), tuple(chosen), subject=subject))
        return found

    def learn(self, text: str, *, today: date, on_shelf: Callable[[str], Article | None]) -> Learned:
        """Store what the text of a file says older newsletters carried; what is stored already is not stored again."""
        carried, problems = read_carried(text, today=today)
        rows, shelved = [], 0
        with self._database.read() as connection:
            there = {tuple(row) for row in connection.execute(sa.select(learned.c.date, learned.c.url))}
        fresh = [one for one in carried if (one.date, one.url) not in there]
        for one in fresh:
            article = on_shelf(one.url)
            shelved += article is not None
            rows.append({"date": one.date, "url": one.url, "article": _dump(article or Article("", one.url))})
        if rows:
            with self._database.write() as connection:
                connection.execute(learned.insert(), rows)
        return Learned(len(rows), len({one.date for one in fresh}), shelved, len(carried) - len(fresh), problems)

    def forget(self) -> int:
        """Delete everything taste could be learned from; returns how many articles that were."""
        with self._database.write() as connection:
            return sum(connection.execute(table.delete()).rowcount for table in (learned, considered))


def read_carried(text: str, *, today: date) -> tuple[list[Carried], tuple[str, ...]]:
    """The dates and addresses in JSON, CSV or plain lines, each pair once, and a sentence for each line without any.

    In CSV and in plain lines a date (2026-11-19) counts for the addresses on its line, and on its own for those below.
    JSON is a list of objects, or an object, whose values hold them.
    """
    if len(text) > MOST:
        return [], (f"the file is longer than {MOST:,} characters: split it",)
    found: dict[Carried, None] = {}
    problems = []
    day = ""
    for number, line in enumerate(_lines(text), 1):
        urls = _ADDRESS.findall(line)
        dates = _DATE.findall(_ADDRESS.sub(" ", line))
        for written in dates[:1]:
            day, problem = _day(written, today=today)
            problems += [f"line {number}: {problem}"] if problem else []
        if urls and not day:
            problems += [] if dates else [f"line {number}: an address without a date before it; write 2026-11-19 first"]
        elif not urls and not dates and line.strip() and number > 1:  # the first line may be a heading
            problems.append(f"line {number}: neither a date such as 2026-11-19 nor an address")
        for url in urls if day else ():
            usable = canonical(storable(url)) if len(url) <= _LONGEST else ""
            if usable:
                found[Carried(day, usable)] = None
            else:
                problems.append(f"line {number}: an address that cannot be used")
    return list(found), tuple(problems)


def _lines(text: str) -> Iterable[str]:
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        return text.splitlines()
    objects: Sequence[object] = read if isinstance(read, list) else [read]
    if isinstance(read, Mapping) and all(_DATE.fullmatch(key) for key in read):
        objects = list(read.items())
    return [json.dumps(one, ensure_ascii=False) for one in objects]


def _day(written: str, *, today: date) -> tuple[str, str]:
    try:
        found = date.fromisoformat(written)
    except ValueError:
        return "", f"{written} is no date"
    return ("", f"{written} is in the future") if found > today else (written, "")


def _dump(article: Article) -> str:
    fields = {name: getattr(article, name) for name in _FIELDS}
    return storable(json.dumps({name: value for name, value in fields.items() if value}, ensure_ascii=False))


def _load(text: str) -> Article:
    stored = {name: tuple(value) if isinstance(value, list) else value for name, value in json.loads(text).items()}
    fields: dict[str, Any] = {"title": "", **stored}
    return Article(**fields)
