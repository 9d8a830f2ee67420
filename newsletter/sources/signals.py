"""Numbers about articles that others bring: views, comments, shares, votes and ratings by address, from CSV or JSON.

A file of one's own names its columns as in docs/sources.md. The exports of Matomo, Plausible and Google Analytics 4 are
recognised by their headers. `parse` is pure. The shelf finds the articles, by the address to compare.

What it does not know: articles; a number about a page that is none is dropped by the shelf. Raises `SourceError` when
the file holds no numbers by address at all.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from newsletter import __version__
from newsletter.errors import SourceError, counted
from newsletter.fetch import Fetcher
from newsletter.issue import Signal, SignalKind
from newsletter.links import canonical, comparison_key, exact_key, same_site
from newsletter.sources import Clock, Pulled, PullState, utc_now
from newsletter.sources.files import read_bytes
from newsletter.sources.keys import TableKeys, read_keys
from newsletter.sources.reading import Reading, shortened
from newsletter.sources.table import MAX_ROWS, NUMBERS, column_name, number_in, read_table

MAX_BYTES = 10 * 1024 * 1024
# Column names in small letters, without marks; earlier ones win.
_ADDRESS = ("url", "address", "link", "permalink")
_PAGE = (  # of programs that count visits: Matomo, Plausible, Google Analytics 4
    "full page url", "page location", "metadata url", "page path and screen class", "page path query string",
    "page path", "pagepath", "page", "path", "landing page", "label", "name", "page url",
)  # fmt: skip
_HOST = ("hostname", "host name", "host")
_TIME = ("at", "time", "date", "measured", "measured at", "timestamp", "as of")

Rows = Sequence[tuple[int, Mapping[str, Any]]]
Numbers = tuple[tuple[str, tuple[Signal, ...]], ...]


@dataclass(frozen=True)
class Signals:
    """One file of numbers, at an address or in the project."""

    name: str
    keys: TableKeys
    fetcher: Fetcher
    clock: Clock = utc_now

    @classmethod
    def from_options(
        cls, name: str, options: Mapping[str, Any], *, root: Path, fetcher: Fetcher, clock: Clock = utc_now
    ) -> Self:
        keys = read_keys(TableKeys, name, options, root=root)
        return cls(name=name, keys=keys, fetcher=fetcher.allowing(keys.allow_private), clock=clock)

    def read(self, previous: PullState) -> Pulled:
        """All numbers, also when the file is as before: articles may have come since.

        A number without a time of its own was measured when the file that holds it was first seen.
        """
        if self.keys.path is not None:
            data = read_bytes(self.keys.path, max_bytes=MAX_BYTES)
        else:
            data = self.fetcher.get(self.keys.url, max_bytes=MAX_BYTES, accept="text/csv, application/json, */*").body
        now = self.clock()
        digest = hashlib.sha256(f"{__version__} {self.keys}".encode() + data).hexdigest()
        known = previous.values.get("seen", "") if previous.values.get("sha256") == digest else ""
        seen = datetime.fromisoformat(known) if known else now
        reading = Reading(self.name, self.keys.site, zone=self.keys.timezone, order=self.keys.date_order, now=now)
        found = parse(data, reading=reading, seen=seen)
        state = PullState({"sha256": digest, "seen": seen.isoformat()})
        return Pulled(numbers=found.numbers, problems=found.problems, state=state)


def parse(data: bytes, *, reading: Reading, seen: datetime) -> Pulled:
    """The numbers in a file's bytes, by address. `reading.address` is the site that paths belong to, "" if unknown."""
    if data.lstrip(b" \t\r\n\xef\xbb\xbf")[:1] in (b"{", b"["):
        columns, rows, problems = _from_json(data)
    else:
        table = read_table(data)
        columns, rows, problems = table.columns, table.rows, list(table.problems)
    named = {column_name(column): column for column in reversed(columns)}
    own = next((named[name] for name in _ADDRESS if name in named), "")
    # Matomo's "url" stands beside its "label": whoever counts visits counts each spelling of an address apart.
    visits = not own or "label" in named
    place = own or next((named[name] for name in _PAGE if name in named), "")
    kinds = {kind: named[name] for kind, names in NUMBERS.items() for name in reversed(names) if name in named}
    if not place or not kinds:
        missing = "an address (url)" if not place else "a number (views, comments, shares, votes, rating, rating_count)"
        shown = ", ".join(columns[:10])[:150]
        raise SourceError(f"No column holds {missing}; the columns are {shown or 'none'}. Rename one of them.")
    host = next((named[name] for name in _HOST if visits and name in named), "")
    time = next((named[name] for name in _TIME if not visits and name in named), "")
    return _Gathered(reading, seen, adding=visits).take(
        rows, place=place, host=host, time=time, kinds=kinds, problems=problems
    )


class _Gathered:
    """The numbers by address. `adding`: rows that name one page are parts of one number, else the last one counts."""

    def __init__(self, reading: Reading, seen: datetime, *, adding: bool) -> None:
        self._reading, self._seen, self._adding = reading, seen, adding
        self._found: dict[str, tuple[str, dict[tuple[SignalKind, datetime], float]]] = {}

    def take(
        self,
        rows: Rows,
        *,
        place: str,
        host: str,
        time: str,
        kinds: Mapping[SignalKind, str],
        problems: list[str],
    ) -> Pulled:
        elsewhere = unnamed = 0
        for line, row in rows:
            raw = _cell(row, place)
            url = self._address(raw, host=_cell(row, host))
            if not url:
                unnamed += 1
            elif self._reading.address and not same_site(url, self._reading.address):
                elsewhere += 1
            else:
                written = _cell(row, time)
                at = self._reading.date(written) if written else self._seen
                if at is None:
                    problems.append(f'line {line}: its time "{written[:60]}" {self._reading.date_fault(written)}')
                    continue
                problems += [f"line {line}: {wrong}" for wrong in self._count(url, row, kinds, at=at)]
        if unnamed:
            hint = "" if self._reading.address else '; paths need the key site = "https://…"'
            problems.append(f"{counted(unnamed, 'row')} named no usable address{hint}")
        if elsewhere:
            problems.append(f"{counted(elsewhere, 'row')} about another site than {self._reading.address}: not taken")
        numbers = tuple(
            (url, tuple(Signal(kind, value, at) for (kind, at), value in values.items()))
            for url, values in self._found.values()
        )
        return Pulled(numbers=numbers, problems=shortened(problems))

    def _address(self, raw: str, *, host: str) -> str:
        if raw.startswith(("http://", "https://")):
            return canonical(raw)
        if raw.startswith("/"):
            site = f"https://{host}/" if host and "/" not in host else self._reading.address
            return canonical(raw, against=site) if site else ""
        # Google writes "www.example.org/news"; "(not set)", "Others" and the sum of all have no dot before a slash
        return canonical(f"https://{raw}") if re.match(r"[\w-]+(?:\.[\w-]+)+(?::\d+)?/", raw) else ""

    def _count(self, url: str, row: Mapping[str, Any], kinds: Mapping[SignalKind, str], *, at: datetime) -> list[str]:
        key = comparison_key(url) if self._adding else exact_key(url)
        values = self._found.setdefault(key, (url, {}))[1]
        wrong = []
        for kind, column in kinds.items():
            if not (cell := _cell(row, column)):
                continue
            value = number_in(cell, rating=kind == SignalKind.RATING)
            if value is None:
                wrong.append(
                    f'{column[:40]} "{cell[:40]}" is no {"rating from 0 to 5" if kind == "rating" else "count"}'
                )
                continue
            before = values.get((kind, at), 0) if self._adding and kind != SignalKind.RATING else 0
            values[kind, at] = before + value
        return wrong


def _from_json(data: bytes) -> tuple[tuple[str, ...], Rows, list[str]]:
    """The columns and rows of JSON: a list of objects, such a list under a name, or objects by address."""
    try:
        found = json.loads(data.decode("utf-8-sig", "replace"), parse_constant=lambda _name: None)
    except (ValueError, RecursionError) as error:
        raise SourceError("The file is broken JSON; check it, or give CSV.") from error
    if isinstance(found, dict):
        lists = [value for value in found.values() if isinstance(value, list)]
        by_address = [{"url": url, **row} for url, row in found.items() if isinstance(row, dict)]
        found = lists[0] if lists else by_address
    rows = [row for row in found if isinstance(row, dict)]
    columns = dict.fromkeys(str(name) for row in rows[:100] for name in row)
    problems = [] if len(rows) == len(found) else [f"{counted(len(found) - len(rows), 'entry')} were no objects"]
    if len(rows) > MAX_ROWS:
        problems.append(f"the file has more than {MAX_ROWS:,} entries; the rest was not read")
    return tuple(columns), list(enumerate(rows[:MAX_ROWS], start=1)), problems


def _cell(row: Mapping[str, Any], column: str) -> str:
    value = row.get(column) if column else None
    return "" if value is None or isinstance(value, bool | list | dict) else str(value).strip()
