"""The shelf: every article ever seen, under all its names, and which issue carried it.

An article has three kinds of names: its address (compared without what does not matter), the source's own id for it,
and its title within a fortnight in one source. Any of them finds it again, and a pull that brings a new one adds it:
so what an issue carried stays carried, whatever happens to its URL, GUID or title. When two rows turn out to be one
article they are merged.

What it does not know: how articles are read (`sources`) or chosen (`highlights`). The editor's own wording is kept
beside what the source says and is never overwritten by it.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from difflib import SequenceMatcher
from typing import Any

import sqlalchemy as sa

from newsletter.database import Database, RowId, UtcDateTime, metadata
from newsletter.errors import Refused
from newsletter.issue import Article, Card, Image, Signal, SignalKind
from newsletter.links import comparison_key

# The same title in the same source this far apart is another article: columns are called the same every month.
SAME_TITLE = timedelta(days=14)

articles = sa.Table(
    "articles",
    metadata,
    sa.Column("id", RowId, primary_key=True, autoincrement=True),
    sa.Column("source", sa.String(60), nullable=False),
    sa.Column("title_key", sa.String(64), nullable=False),
    sa.Column("published", UtcDateTime),
    sa.Column("first_seen", UtcDateTime, nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("edits", sa.Text, nullable=False, server_default="{}"),
    sa.Column("dropped_at", UtcDateTime),
    sa.Column("held_until", sa.String(20), nullable=False, server_default=""),
    sa.Column("carried_by", sa.String(20), nullable=False, server_default=""),
    sa.Index("ix_articles_source_title_key", "source", "title_key"),
    sa.Index("ix_articles_published", "published"),
)

names = sa.Table(
    "article_names",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("article_id", RowId, sa.ForeignKey("articles.id", ondelete="CASCADE"), nullable=False, index=True),
)

signals = sa.Table(
    "signals",
    metadata,
    sa.Column("article_id", RowId, sa.ForeignKey("articles.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("kind", sa.String(20), primary_key=True),
    sa.Column("at", UtcDateTime, primary_key=True),
    sa.Column("value", sa.Float, nullable=False),
)

pulls = sa.Table(
    "pulls",
    metadata,
    sa.Column("source", sa.String(60), primary_key=True),
    sa.Column("state", sa.Text, nullable=False, server_default="{}"),
    sa.Column("pulled_at", UtcDateTime),
    sa.Column("good_at", UtcDateTime),
    sa.Column("problem", sa.Text, nullable=False, server_default=""),
)

images = sa.Table(
    "images",
    metadata,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("media_type", sa.String(40), nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
)


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


@dataclass(slots=True)
class Put:
    """What putting articles on the shelf did, by number of articles."""

    new: int = 0
    changed: int = 0
    same: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PullRecord:
    """What is remembered of one source: its state between pulls, and when it was last read well."""

    source: str
    state: Mapping[str, str]
    pulled_at: datetime | None = None
    good_at: datetime | None = None
    problem: str = ""


class Shelf:
    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, new: Sequence[Article], *, now: datetime) -> Put:
        """Take articles of one source in, in one transaction: new ones, changed ones, and further names of old ones."""
        done = Put()
        with self._database.write() as connection:
            for article in new:
                _put_one(connection, article, now=now, done=done)
        return done

    def keep_image(self, name: str, media_type: str, data: bytes) -> None:
        with self._database.write() as connection:
            if connection.scalar(sa.select(images.c.name).where(images.c.name == name)) is None:
                connection.execute(images.insert().values(name=name, media_type=media_type, data=data))

    def image(self, name: str) -> tuple[str, bytes] | None:
        """The media type and bytes of a stored picture."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(images.c.media_type, images.c.data).where(images.c.name == name)).first()
        return (row.media_type, row.data) if row else None

    def since(self, moment: datetime) -> list[Shelved]:
        """Everything published since, and everything without a date that was first seen since; oldest first."""
        age = sa.func.coalesce(articles.c.published, articles.c.first_seen)
        return list(self._select(sa.select(articles).where(age >= moment).order_by(age, articles.c.id)))

    def page(self, *, limit: int = 50, before: int | None = None) -> list[Shelved]:
        """The newest on the shelf first, by key: `before` is the id of the last one shown."""
        query = sa.select(articles).order_by(articles.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(articles.c.id < before)
        return list(self._select(query))

    def find(self, what: str) -> Shelved:
        """One article by its number or any of its addresses. Raises `Refused` when there is none."""
        with self._database.read() as connection:
            number = int(what) if what.isascii() and what.isdigit() and len(what) < 12 else None
            if number is None:
                number = connection.scalar(sa.select(names.c.article_id).where(names.c.name == _url_name(what)))
        found = list(self._select(sa.select(articles).where(articles.c.id == number))) if number is not None else []
        if not found:
            raise Refused(f"there is no article {what} on the shelf; `newsletter articles list` shows what is")
        return found[0]

    def edit(self, number: int, changes: Mapping[str, str], *, now: datetime) -> Shelved:
        """The editor's own `title`, `dek`, `url` or `published` (ISO 8601 with offset); an empty one takes it back."""
        self.find(str(number))
        with self._database.write() as connection:
            row = connection.execute(sa.select(articles).where(articles.c.id == number)).one()
            edits = {**json.loads(row.edits), **changes}
            edits = {name: value for name, value in edits.items() if value}
            article = _article(row, {}, edits)
            connection.execute(
                articles.update()
                .where(articles.c.id == number)
                .values(edits=json.dumps(edits), published=article.published, changed_at=now)
            )
            if changes.get("url"):
                _name(connection, _url_name(changes["url"]), number)
        return self.find(str(number))

    def drop(self, number: int, *, now: datetime) -> None:
        """Never pick it by itself."""
        self._mark(number, dropped_at=now)

    def hold(self, number: int, *, until: str) -> None:
        """Keep it out of every issue before the one with the key `until`; empty takes the hold back."""
        self._mark(number, held_until=until)

    def carry(self, connection: sa.Connection, numbers: Iterable[int], *, slot: str) -> None:
        """Note, in the freeze's own transaction, which issue carries these articles."""
        chosen = articles.c.id.in_(list(numbers))
        connection.execute(articles.update().where(chosen, articles.c.carried_by == "").values(carried_by=slot))

    def give_back(self, *, slot: str) -> None:
        """Forget what an issue carried, when it was cancelled before anybody got it."""
        with self._database.write() as connection:
            connection.execute(articles.update().where(articles.c.carried_by == slot).values(carried_by=""))

    def pull_record(self, source: str) -> PullRecord:
        with self._database.read() as connection:
            row = connection.execute(sa.select(pulls).where(pulls.c.source == source)).first()
        if row is None:
            return PullRecord(source, {})
        return PullRecord(source, json.loads(row.state), row.pulled_at, row.good_at, row.problem)

    def remember_pull(self, source: str, *, state: Mapping[str, str] | None, now: datetime, problem: str = "") -> None:
        """Keep what a pull left behind. `state` is None when the source could not be read: the old one stays."""
        values: dict[str, Any] = {"pulled_at": now, "problem": problem}
        if state is not None:
            values |= {"state": json.dumps(dict(state)), "good_at": now}
        with self._database.write() as connection:
            if not connection.execute(pulls.update().where(pulls.c.source == source).values(values)).rowcount:
                connection.execute(pulls.insert().values(source=source, **values))

    def _mark(self, number: int, **values: object) -> None:
        with self._database.write() as connection:
            connection.execute(articles.update().where(articles.c.id == number).values(**values))

    def _select(self, query: sa.Select[Any]) -> Iterator[Shelved]:
        with self._database.read() as connection:
            rows = connection.execute(query).all()
            latest = _latest_signals(connection, [row.id for row in rows])
        for row in rows:
            edits = json.loads(row.edits)
            yield Shelved(
                article=_article(row, latest.get(row.id, {}), edits),
                changed_at=row.changed_at,
                dropped=row.dropped_at is not None,
                held_until=row.held_until,
                carried_by=row.carried_by,
                edited=tuple(edits),
            )


def _put_one(connection: sa.Connection, article: Article, *, now: datetime, done: Put) -> None:
    number = _known(connection, article, done=done)
    content = _dump(article)
    digest = hashlib.sha256(content.encode()).hexdigest()
    if number is None:
        number = connection.execute(
            articles.insert()
            .values(
                source=article.source,
                title_key=_title_key(article.title),
                published=article.published,
                first_seen=now,
                changed_at=now,
                digest=digest,
                content=content,
            )
            .returning(articles.c.id)
        ).scalar_one()
        done.new += 1
    else:
        row = connection.execute(sa.select(articles).where(articles.c.id == number)).one()
        if row.digest == digest:
            done.same += 1
        elif row.source == article.source or not row.content:
            edited = _article(row, {}, json.loads(row.edits))
            # A source that no longer says when, or says later, does not make an old article new.
            earlier = min(filter(None, (row.published, article.published)), default=None)
            connection.execute(
                articles.update()
                .where(articles.c.id == number)
                .values(
                    title_key=_title_key(article.title),
                    published=edited.published if "published" in json.loads(row.edits) else earlier,
                    changed_at=now,
                    digest=digest,
                    content=_dump(replace(article, published=earlier)),
                )
            )
            done.changed += 1
        else:
            done.same += 1
    for name in _names(article):
        _name(connection, name, number)
    _note_signals(connection, number, article.signals, now=now)


def _known(connection: sa.Connection, article: Article, *, done: Put) -> int | None:
    """The row this article already has under any of its names; rows that turn out to be one are merged."""
    query = sa.select(names.c.name, names.c.article_id).where(names.c.name.in_(_names(article)))
    found = {row.name: row.article_id for row in connection.execute(query)}
    by_url = found.get(_url_name(article.url)) if article.url else None
    by_guid = found.get(_guid_name(article)) if article.guid else None
    if by_guid is not None and by_url is None and article.url and not _still_the_same(connection, by_guid, article):
        done.problems.append(f'"{article.title[:80]}" came under the id of another article; kept as a new one')
        by_guid = None
    known: list[int] = [number for number in (by_url, by_guid) if number is not None]
    if not known and article.published is not None and article.title:
        row = connection.execute(
            sa.select(articles.c.id).where(
                articles.c.source == article.source,
                articles.c.title_key == _title_key(article.title),
                articles.c.published.between(article.published - SAME_TITLE, article.published + SAME_TITLE),
            )
        ).first()
        known = [row.id] if row else []
    if not known and not article.url and article.title:
        # Nothing but its title to go by: an incomplete article read again is the same one.
        row = connection.execute(
            sa.select(articles.c.id).where(
                articles.c.source == article.source, articles.c.title_key == _title_key(article.title)
            )
        ).first()
        known = [row.id] if row else []
    if len(set(known)) == 2:
        _merge(connection, keep=min(known), other=max(known))
        return min(known)
    return known[0] if known else None


def _still_the_same(connection: sa.Connection, number: int, article: Article) -> bool:
    """Some systems give an old id to a new article: with another address and another title it is another one."""
    row = connection.execute(sa.select(articles.c.content).where(articles.c.id == number)).one()
    old = json.loads(row.content)["title"]
    return SequenceMatcher(None, _plain(old), _plain(article.title)).ratio() >= 0.6


def _merge(connection: sa.Connection, *, keep: int, other: int) -> None:
    gone = connection.execute(sa.select(articles).where(articles.c.id == other)).one()
    connection.execute(names.update().where(names.c.article_id == other).values(article_id=keep))
    kept = connection.execute(sa.select(articles).where(articles.c.id == keep)).one()
    connection.execute(
        articles.update()
        .where(articles.c.id == keep)
        .values(
            carried_by=kept.carried_by or gone.carried_by,
            dropped_at=kept.dropped_at or gone.dropped_at,
            held_until=kept.held_until or gone.held_until,
            edits=json.dumps({**json.loads(gone.edits), **json.loads(kept.edits)}),
        )
    )
    connection.execute(articles.delete().where(articles.c.id == other))


def _name(connection: sa.Connection, name: str, number: int) -> None:
    if connection.scalar(sa.select(names.c.article_id).where(names.c.name == name)) is None:
        connection.execute(names.insert().values(name=name, article_id=number))


def _names(article: Article) -> list[str]:
    found = []
    if article.url:
        found.append(_url_name(article.url))
    if article.guid:
        found.append(_guid_name(article))
    return found


def _hashed(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()


def _url_name(url: str) -> str:
    return _hashed("url", comparison_key(url) or url)


def _guid_name(article: Article) -> str:
    return _hashed("guid", article.source, article.guid or "")


def _plain(title: str) -> str:
    return " ".join(re.findall(r"\w+", unicodedata.normalize("NFKC", title).casefold()))


def _title_key(title: str) -> str:
    return _hashed("title", _plain(title))


def _note_signals(connection: sa.Connection, number: int, new: Sequence[Signal], *, now: datetime) -> None:
    latest = _latest_signals(connection, [number]).get(number, {})
    for signal in new:
        at = signal.at or now
        old = latest.get(signal.kind)
        if old is not None and (old.value == signal.value or (old.at is not None and old.at >= at)):
            continue
        latest[signal.kind] = replace(signal, at=at)
        connection.execute(signals.insert().values(article_id=number, kind=signal.kind, at=at, value=signal.value))


def _latest_signals(connection: sa.Connection, numbers: Sequence[int]) -> dict[int, dict[SignalKind, Signal]]:
    found: dict[int, dict[SignalKind, Signal]] = {}
    for start in range(0, len(numbers), 500):
        rows = connection.execute(
            sa.select(signals).where(signals.c.article_id.in_(numbers[start : start + 500])).order_by(signals.c.at)
        )
        for row in rows:
            kind = SignalKind(row.kind)
            found.setdefault(row.article_id, {})[kind] = Signal(kind, row.value, row.at)
    return found


def _dump(article: Article) -> str:
    stored = asdict(replace(article, signals=(), id=None, first_seen=None))
    for name in ("published", "updated"):
        stored[name] = stored[name].isoformat() if stored[name] else None
    return json.dumps(stored, ensure_ascii=False, sort_keys=True)


def load_article(stored: Mapping[str, Any]) -> Article:
    """An article of the mapping that `dump_article` gave."""
    values = dict(stored)
    for name in ("published", "updated"):
        values[name] = datetime.fromisoformat(values[name]) if values.get(name) else None
    values["image"] = Image(**values["image"]) if values.get("image") else None
    card = values.get("card")
    values["card"] = Card(**{**card, "produced_by": tuple(card["produced_by"])}) if card else None
    for name in ("authors", "categories", "tags", "related"):
        values[name] = tuple(values.get(name) or ())
    values["signals"] = ()
    return Article(**values)


def dump_article(article: Article) -> dict[str, Any]:
    """The article as JSON values, without its signals."""
    stored: dict[str, Any] = json.loads(_dump(article))
    return stored


def _article(row: Any, latest: Mapping[SignalKind, Signal], edits: Mapping[str, str]) -> Article:
    article = replace(
        load_article(json.loads(row.content)),
        id=row.id,
        first_seen=row.first_seen,
        signals=tuple(latest.values()),
    )
    if edits.get("title"):
        article = replace(article, title=edits["title"])
    if edits.get("dek"):
        article = replace(article, dek=edits["dek"])
    if edits.get("url"):
        article = replace(article, url=edits["url"])
    if edits.get("published"):
        published = datetime.fromisoformat(edits["published"])
        article = replace(article, published=published, published_from="editor")
    return article
