"""The shelf: every article ever seen, under all its names, and which issue carried it.

An article is looked up by its address (compared without what does not matter), the source's own id for it, and its
title in one source; `identity` weighs whether what was found is the same article. A pull that brings a new name adds
it: what an issue carried stays carried, whatever happens to its URL, GUID or title. When two rows turn out to be one
article they are merged.

    names      an article's names (pure)             stored    an article as text, and how two readings combine (pure)
    identity   whether two readings are one article (pure)
    intake     takes a pull in                       tables    the tables
    statements merges two rows; the newest numbers         quarantine  keeps a flood out of every issue
    pages      what the page behind an article said

What it does not know: how articles are read (`sources`) or chosen (`highlights`). The editor's own wording is kept
beside what the source says and is never overwritten by it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from newsletter.database import Database, insert_if_absent, storable
from newsletter.decisions import about, marks_of
from newsletter.errors import Refused
from newsletter.issue import Article, Signal
from newsletter.shelf import pages, quarantine, tables
from newsletter.shelf.intake import Put, take_in
from newsletter.shelf.names import exact_name, url_name
from newsletter.shelf.numbers import gained, histories, note
from newsletter.shelf.statements import latest_signals, mark, merge, portions
from newsletter.shelf.stored import dump_article, edited, load_article
from newsletter.shelf.tables import articles, images, names, pulls, signals

__all__ = ["PullRecord", "Put", "Shelf", "Shelved", "dump_article", "edited", "load_article"]


@dataclass(frozen=True, slots=True)
class Shelved:
    """An article as it stands on the shelf, with the editor's wording applied.

    `carried_by` is the key of the issue that carried it, or empty; `held_until` the key of the first issue that may
    carry it.
    """

    article: Article
    changed_at: datetime
    dropped: bool = False
    held_until: str = ""
    carried_by: str = ""
    edited: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PullRecord:
    """The record of one source: its state between pulls, and when it was last read well."""

    source: str
    state: Mapping[str, str]
    pulled_at: datetime | None = None
    good_at: datetime | None = None
    problem: str = ""


class Shelf:
    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, new: Sequence[Article], *, now: datetime, guarded: bool = False) -> Put:
        """Take articles of one source in, in one transaction: new ones, changed ones, and new names of known ones.

        `guarded`: what is far more than the source usually gives is kept out of every issue. Later it would no longer
        be known as new.
        """
        with self._database.write() as connection:
            _alone(connection)
            put = take_in(connection, new, now=now)
            if guarded and put.new:
                put.quarantined = quarantine.hold_new(connection, new[0].source, now=now)
        return put

    def pages_read(self, numbers: Iterable[int]) -> set[int]:
        """Those of the articles behind which the page was read, well or not."""
        with self._database.read() as connection:
            return pages.read_already(connection, numbers)

    def keep_page(self, number: int, page: Article | None, *, now: datetime) -> None:
        """Keep what the page behind an article said; None says that it cannot be read."""
        with self._database.write() as connection:
            pages.keep(connection, number, page, now=now)

    def keep_image(self, name: str, media_type: str, data: bytes) -> None:
        """Keep a picture under its name, which says what is in it."""
        if self.image(name) is None:
            with self._database.write() as connection:
                insert_if_absent(connection, images, name=name, media_type=media_type, data=data)

    def image(self, name: str) -> tuple[str, bytes] | None:
        """The media type and bytes of a stored picture."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(images.c.media_type, images.c.data).where(images.c.name == name)).first()
        return (row.media_type, row.data) if row else None

    def note(self, numbers: Sequence[tuple[str, Sequence[Signal]]], *, now: datetime) -> int:
        """Keep what was measured of articles, by address; returns of how many that are on the shelf."""
        with self._database.write() as connection:
            _alone(connection)
            return note(connection, numbers, now=now)

    def gains(self, shelved: Sequence[Shelved], *, since: datetime, until: datetime | None = None) -> list[Shelved]:
        """The articles with what their counts gained between two moments in place of the counts (`numbers.gained`).

        With `until`, what was measured after it is not known.
        """
        with self._database.read() as connection:
            numbers = [one.article.id for one in shelved if one.article.id is not None]
            known = histories(connection, numbers, until=until)
        found = []
        for one in shelved:
            history = known.get(one.article.id or 0, {} if until else None)
            signals = one.article.signals if history is None else gained(one.article, history, since=since)
            found.append(replace(one, article=replace(one.article, signals=signals)))
        return found

    def since(self, moment: datetime) -> list[Shelved]:
        """Articles published since, undated ones first seen since, and those the editor holds for an issue whatever
        their age; oldest first."""
        age = sa.func.coalesce(articles.c.published, articles.c.first_seen)
        held = sa.and_(articles.c.held_until != "", articles.c.carried_by == "")
        return list(self._select(_of(sa.or_(age >= moment, held)).order_by(age, articles.c.id)))

    def page(self, *, limit: int = 50, before: int | None = None) -> list[Shelved]:
        """The newest on the shelf first, by key: `before` is the id of the last one shown."""
        query = sa.select(articles).order_by(articles.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(articles.c.id < before)
        return list(self._select(query))

    def version(self) -> tuple[object, ...]:
        """What differs once anything has changed that an issue is made of: for whoever keeps an issue they composed."""
        of_articles = (sa.func.count(), sa.func.max(articles.c.id), sa.func.max(articles.c.changed_at))
        marked = sa.func.count().filter(sa.or_(articles.c.carried_by != "", articles.c.held_until != ""))
        with self._database.read() as connection:
            shelved = connection.execute(sa.select(*of_articles, marked)).one()
            measured = connection.execute(sa.select(sa.func.count(), sa.func.max(signals.c.at))).one()
            behind = connection.execute(sa.select(sa.func.max(tables.pages.c.read_at))).scalar()
        return (*shelved, *measured, behind)

    def counts(self) -> dict[str, int]:
        """How many articles of each source there are."""
        query = sa.select(articles.c.source, sa.func.count()).group_by(articles.c.source)
        with self._database.read() as connection:
            return {source: number for source, number in connection.execute(query)}  # noqa: C416 - rows are no pairs to mypy

    def find(self, what: str) -> Shelved:
        """One article by its number or any of its addresses. Raises `Refused` when there is none."""
        with self._database.read() as connection:
            is_number = what.isascii() and what.isdigit() and len(what) < 12
            number = int(what) if is_number else _at_address(connection, what)
        found = list(self._select(sa.select(articles).where(articles.c.id == number))) if number is not None else []
        if not found:
            raise Refused(f"there is no article {what} on the shelf; `newsletter articles list` shows what is")
        return found[0]

    def article_at(self, url: str) -> Article | None:
        """The article at an address; None when the shelf has none."""
        with self._database.read() as connection:
            number = _at_address(connection, url)
        found = self._select(sa.select(articles).where(articles.c.id == number)) if number is not None else iter(())
        return next((shelved.article for shelved in found), None)

    def mark(self, connection: sa.Connection, number: int, *, now: datetime) -> None:
        """Bring what stands on an article up to what holds about it in the log of decisions, in one transaction.

        A new address of the editor's is a further name of it; another row that has it is the same article, then.
        """
        _alone(connection)
        url = marks_of(about(connection, number)).edits.get("url")
        other = _at_address(connection, url) if url else None
        if url and other is None:
            connection.execute(names.insert().values(name=url_name(url), article_id=number))
        elif other is not None and other != number:
            merge(connection, keep=number, gone=other)
        mark(connection, number, now=now)

    def has(self, connection: sa.Connection, number: int) -> bool:
        """Whether an article is on the shelf, in a transaction the caller began."""
        return connection.execute(sa.select(articles.c.id).where(articles.c.id == number)).first() is not None

    def numbered(self, numbers: Iterable[int]) -> list[Shelved]:
        """The articles of these numbers that are on the shelf, whatever their age."""
        return [one for some in portions(sorted(numbers)) for one in self._select(_of(articles.c.id.in_(some)))]

    def carry(self, connection: sa.Connection, numbers: Iterable[int], *, slot: str) -> int:
        """Note, in the freeze's own transaction, which issue carries these articles; returns how many it noted."""
        chosen = articles.c.id.in_(list(numbers))
        free = articles.c.carried_by == ""
        return connection.execute(articles.update().where(chosen, free).values(carried_by=slot)).rowcount

    def give_back(self, connection: sa.Connection, *, slot: str) -> None:
        """Forget, in the transaction that cancels it before anybody got it, what an issue carried."""
        connection.execute(articles.update().where(articles.c.carried_by == slot).values(carried_by=""))

    def let_in(self, source: str) -> int:
        """Take the articles of a source out of quarantine; returns how many."""
        with self._database.write() as connection:
            return quarantine.let_in(connection, source)

    def newest(self, source: str) -> datetime | None:
        """When the newest article of a source was first seen."""
        with self._database.read() as connection:
            return quarantine.newest(connection, source)

    def pull_record(self, source: str) -> PullRecord:
        with self._database.read() as connection:
            row = connection.execute(sa.select(pulls).where(pulls.c.source == source)).first()
        if row is None:
            return PullRecord(source, {})
        return PullRecord(source, json.loads(row.state), row.pulled_at, row.good_at, row.problem)

    def remember_pull(self, source: str, *, state: Mapping[str, str] | None, now: datetime, problem: str = "") -> None:
        """Keep the state after a pull. `state` is None when the source could not be read: the old one stays."""
        values: dict[str, Any] = {"pulled_at": now, "problem": storable(problem)}
        if state is not None:
            values |= {"state": json.dumps(dict(state)), "good_at": now}
        with self._database.write() as connection:
            if not insert_if_absent(connection, pulls, source=source, **values):
                connection.execute(pulls.update().where(pulls.c.source == source).values(values))

    def _select(self, query: sa.Select[Any]) -> Iterator[Shelved]:
        with self._database.read() as connection:
            rows = connection.execute(query).all()
            latest = latest_signals(connection, [row.id for row in rows])
            behind = pages.contents(connection, [row.id for row in rows])
        for row in rows:
            edits = json.loads(row.edits)
            article = load_article(json.loads(row.content))
            article = pages.filled(article, behind[row.id]) if row.id in behind else article
            yield Shelved(
                article=replace(
                    edited(article, edits),
                    id=row.id,
                    first_seen=row.first_seen,
                    signals=tuple(latest.get(row.id, {}).values()),
                ),
                changed_at=row.changed_at,
                dropped=row.dropped_at is not None,
                held_until=row.held_until,
                carried_by=row.carried_by,
                edited=tuple(edits),
            )


def _of(where: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return sa.select(articles).where(where)


def _at_address(connection: sa.Connection, url: str) -> int | None:
    """The number of the article at an address: of two that differ in a parameter alone, the one that is meant."""
    both = (exact_name(url), url_name(url))
    found = {row.name: row.article_id for row in connection.execute(sa.select(names).where(names.c.name.in_(both)))}
    return next((found[name] for name in both if name in found), None)


def _alone(connection: sa.Connection) -> None:
    """Lock out other pulls: two sources may bring one article. SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("LOCK TABLE articles IN SHARE ROW EXCLUSIVE MODE"))
