"""Takes articles in: recognises those on the shelf under any of their names, and merges rows that are one article.

A whole pull is taken in at once: the rows it may concern are read in a few statements, decided on in memory in the
order of the pull, and written in a few more. No other transaction may take articles in at the same time.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from newsletter.decisions import about, marks_of
from newsletter.issue import Article, Signal
from newsletter.shelf.identity import (
    NEAR,
    OTHER,
    SAME,
    UNKNOWN,
    Evidence,
    Rule,
    addresses,
    dates,
    guids,
    texts,
    titles,
    unmarked,
    verdict,
)
from newsletter.shelf.names import exact_name, guid_name, title_key, url_name
from newsletter.shelf.statements import latest_signals, merge, portions
from newsletter.shelf.stored import completed, dump, edited, load_article, read_again
from newsletter.shelf.tables import articles, names, signals


@dataclass(slots=True)
class Put:
    """How many articles of a pull were new, changed or the same. `problems` names each that was taken for another."""

    new: int = 0
    changed: int = 0
    same: int = 0
    quarantined: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Row:
    """A row of `articles` while a pull is taken in. `id` is None until a new one is written."""

    id: int | None
    source: str
    title_key: str
    published: datetime | None
    digest: str
    edits: dict[str, str] = field(default_factory=dict)
    content: str | None = None
    changed: bool = False


class _Incoming:
    """An article of the pull, with its names and digest computed once."""

    def __init__(self, article: Article) -> None:
        self.article = article
        self.url = url_name(article.url) if article.url else ""
        self.exact_url = exact_name(article.url) if article.url else ""
        self.guid = guid_name(article) if article.guid else ""
        self.names = {name for name in (self.url, self.guid) if name}
        self.title_key = title_key(article.title)
        self.content = dump(article)
        self.digest = hashlib.sha256(self.content.encode()).hexdigest()


def take_in(connection: sa.Connection, new: Sequence[Article], *, now: datetime) -> Put:
    """Put the articles of a pull on the shelf."""
    incoming = [_Incoming(article) for article in new]
    intake = _Intake(connection, incoming, now=now)
    for one in incoming:
        intake.take(one)
    intake.write()
    return intake.done


class _Intake:
    def __init__(self, connection: sa.Connection, new: Sequence[_Incoming], *, now: datetime) -> None:
        self.done = Put()
        self._connection = connection
        self._now = now
        self._rows: dict[int, Row] = {}
        self._added: list[Row] = []
        self._signals: list[tuple[Row, Signal]] = []
        self._named = self._read_named({name for one in new for name in (*one.names, one.exact_url) if name})
        self._known_names = set(self._named)
        self._listed: dict[Row, set[str]] = {}  # the names under which this pull brings a row
        for name, row in self._named.items():
            self._listed.setdefault(row, set()).add(name)
        self._titled = self._read_titled(new)
        self._shared = _shared_names(new)
        self._digests = {one.digest for one in new}
        self._latest = latest_signals(connection, list(self._rows)) if any(one.article.signals for one in new) else {}

    def take(self, new: _Incoming) -> None:
        row = self._known(new)
        if row is None:
            row = Row(None, new.article.source, new.title_key, new.article.published, new.digest, content=new.content)
            self._added.append(row)
            self.done.new += 1
        elif row.digest == new.digest:
            self.done.same += 1
        else:
            self._read_again(row, new)
        for name in new.names:
            self._listed.setdefault(self._named.setdefault(name, row), set()).add(name)
        if new.url and self._named[new.url] is not row:
            self._named.setdefault(new.exact_url, row)
        titled = self._titled.setdefault((row.source, row.title_key), {})
        titled[row] = None
        self._signals += [(row, signal) for signal in new.article.signals]

    def _read_again(self, row: Row, new: _Incoming) -> None:
        before = self._article(row)
        if row.source == new.article.source:
            after = read_again(before, new.article)
            row.digest = new.digest
            row.title_key = new.title_key
        else:
            # Another source has the same page: its words are not taken, only the fields that were still missing.
            after = completed(before, new.article)
            if after == before:
                self.done.same += 1
                return
        self._keep(row, after)
        self.done.changed += 1

    def _keep(self, row: Row, article: Article) -> None:
        row.content = dump(article)
        row.published = edited(article, row.edits).published
        row.changed = True

    def _article(self, row: Row) -> Article:
        """The article as its sources describe it, without the editor's words."""
        if row.content is None:
            every = self._rows.values()
            unread = [
                one.id for one in every if (one.content is None and one.digest not in self._digests) or one is row
            ]
            for some in portions(unread):
                stored = sa.select(articles.c.id, articles.c.content).where(articles.c.id.in_(some))
                for found in self._connection.execute(stored):
                    self._rows[found.id].content = found.content
        return load_article(json.loads(row.content or ""))

    # Recognising.

    def _known(self, new: _Incoming) -> Row | None:
        """The row this article already has under any of its names; rows that turn out to be one are merged."""
        by_guid = self._named.get(new.guid)
        named = [row for name in (new.exact_url, new.url) if name and (row := self._named.get(name)) is not None]
        named = list(dict.fromkeys([*named, by_guid] if by_guid is not None else named))
        found: Row | None = next((row for row in named if row.digest == new.digest), None)
        if found is None:
            for row in self._matches(named, new):
                found = row if found is None else self._merge(found, row, new)
        found = found or self._by_title(new)
        if found is None and by_guid is not None:
            self._say(new, f"came under the id of {_called(self._article(by_guid))}; kept as a new article")
        return found

    def _matches(self, rows: Iterable[Row], new: _Incoming) -> list[Row]:
        """Those of the rows that are this article. One match that has to be told of does not tie two rows together."""
        matches = [(row, rule) for row in rows if (rule := self._weigh(row, new)).one_article]
        if certain := [row for row, rule in matches if not rule.told]:
            return certain
        for row, rule in matches[:1]:
            if row.source == new.article.source:
                self._say(new, rule.told.format(old=_called(self._article(row))))
        return [row for row, _ in matches[:1]]

    def _weigh(self, row: Row, new: _Incoming) -> Rule:
        old, now = self._article(row), new.article
        guid, address = guids(old, now), addresses(old.url, now.url)
        if self._named.get(new.guid) is row:
            guid = SAME
        if address == OTHER and row in (self._named.get(new.exact_url), self._named.get(new.url)):
            address = SAME  # it had this one before
        if new.guid in self._shared:
            guid = UNKNOWN
        if address == SAME and self._is_shared(new):
            address = UNKNOWN
        elif address == NEAR and new.url in self._shared:
            address = OTHER
        return verdict(Evidence(guid, address, titles(old.title, now.title), dates(old, now), texts(old, now)))

    def _is_shared(self, new: _Incoming) -> bool:
        """Whether two articles have the very address of this one, in this pull or on the shelf."""
        if new.exact_url in self._shared:
            return True
        first, second = self._named.get(new.url), self._named.get(new.exact_url)
        if first is None or second is None or first is second:
            return False
        return first.title_key == new.title_key or exact_name(self._article(first).url or "") == new.exact_url

    def _by_title(self, new: _Incoming) -> Row | None:
        rows = self._titled.get((new.article.source, new.title_key), ())
        if not new.article.title.strip():
            # No name at all: only the very same text is the same article.
            return next((row for row in rows if not new.names and row.digest == new.digest), None)
        # Two that one pull names side by side are two.
        alone = [row for row in rows if not (new.names and self._listed.get(row, new.names) - new.names)]
        return next(iter(self._matches(alone, new)), None)

    def _say(self, new: _Incoming, what: str) -> None:
        self.done.problems.append(f"\u201c{new.article.title[:80]}\u201d {what}")

    # Merging.

    def _merge(self, one: Row, other: Row, new: _Incoming) -> Row:
        self._say(new, f"ties together {_called(self._article(one))} and {_called(self._article(other))}: one article")
        if one.id is None or other.id is None:
            keep, gone = (other, one) if one.id is None else (one, other)
        else:
            keep, gone = (one, other) if one.id < other.id else (other, one)
        self._keep(keep, completed(self._article(keep), self._article(gone)))
        if gone.id is None:
            self._added.remove(gone)
        elif keep.id is not None:
            merge(self._connection, keep=keep.id, gone=gone.id)
            keep.edits = marks_of(about(self._connection, keep.id)).edits
            self._keep(keep, self._article(keep))
            self._latest |= latest_signals(self._connection, [keep.id])
        for name, row in self._named.items():
            if row is gone:
                self._named[name] = keep
        for rows in self._titled.values():
            rows.pop(gone, None)
        self._listed.setdefault(keep, set()).update(self._listed.pop(gone, ()))
        self._signals = [(keep if row is gone else row, signal) for row, signal in self._signals]
        return keep

    # Reading and writing.

    def _read_named(self, wanted: Iterable[str]) -> dict[str, Row]:
        found: dict[str, int] = {}
        for some in portions(sorted(wanted)):
            known = sa.select(names.c.name, names.c.article_id).where(names.c.name.in_(some))
            found |= {row.name: row.article_id for row in self._connection.execute(known)}
        for numbers in portions(sorted(set(found.values()))):
            self._read_rows(articles.c.id.in_(numbers))
        return {name: self._rows[number] for name, number in found.items()}

    def _read_titled(self, new: Sequence[_Incoming]) -> dict[tuple[str, str], dict[Row, None]]:
        keys = sorted({one.title_key for one in new})
        sources = sorted({one.article.source for one in new})
        for some in portions(keys):
            self._read_rows(sa.and_(articles.c.source.in_(sources), articles.c.title_key.in_(some)))
        found: dict[tuple[str, str], dict[Row, None]] = {}  # a set that keeps its order
        for number in sorted(self._rows):
            row = self._rows[number]
            found.setdefault((row.source, row.title_key), {})[row] = None
        return found

    def _read_rows(self, which: sa.ColumnElement[bool]) -> None:
        columns = (articles.c[name] for name in ("id", "source", "title_key", "published", "digest", "edits"))
        for row in self._connection.execute(sa.select(*columns).where(which)).mappings():
            self._rows.setdefault(row["id"], Row(**{**row, "edits": json.loads(row["edits"])}))

    def write(self) -> None:
        for row in self._rows.values():
            if row.changed:
                changed = articles.update().where(articles.c.id == row.id)
                self._connection.execute(changed.values(**_columns(row), changed_at=self._now))
        insert = articles.insert().returning(articles.c.id, sort_by_parameter_order=True)
        at = {"first_seen": self._now, "changed_at": self._now}
        for some in portions(self._added):
            values = [{**_columns(row), **at, "source": row.source} for row in some]
            for row, number in zip(some, self._connection.execute(insert, values).scalars(), strict=True):
                row.id = number
        fresh = ((name, row.id) for name, row in self._named.items() if name not in self._known_names)
        if values := [{"name": name, "article_id": number} for name, number in fresh]:
            self._connection.execute(names.insert(), values)
        self._write_signals()

    def _write_signals(self) -> None:
        """Writes the numbers that differ from the latest known ones and are newer."""
        noted = []
        for row, signal in self._signals:
            assert row.id is not None  # every row is written by now
            at = signal.at or self._now
            latest = self._latest.setdefault(row.id, {})
            old = latest.get(signal.kind)
            if old is not None and (old.value == signal.value or (old.at is not None and old.at >= at)):
                continue
            latest[signal.kind] = Signal(signal.kind, signal.value, at)
            noted.append({"article_id": row.id, "kind": signal.kind, "at": at, "value": signal.value})
        if noted:
            self._connection.execute(signals.insert(), noted)


def _columns(row: Row) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("title_key", "published", "digest", "content")}


def _called(article: Article) -> str:
    """An article as a line names it."""
    on = f" of {article.published:%Y-%m-%d}" if article.published else ""
    return f"\u201c{article.title[:80]}\u201d{on}"


def _shared_names(new: Iterable[_Incoming]) -> set[str]:
    """The names that several articles of one pull bear: an id under two addresses or titles; an address under two
    titles or, with ids of their own, two dates."""
    bearers: defaultdict[str, list[_Incoming]] = defaultdict(list)
    for one in new:
        for name in (one.guid, one.url, one.exact_url):
            if name:
                bearers[name].append(one)
    return {name for name, some in bearers.items() if len(some) > 1 and _are_several(name, some)}


def _are_several(name: str, bearers: Iterable[_Incoming]) -> bool:
    articles = set()
    for one in bearers:
        beside = one.url if name == one.guid else one.guid and one.article.published
        articles.add((unmarked(one.article.title), beside))
    return len(articles) > 1
