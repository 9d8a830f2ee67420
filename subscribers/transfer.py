"""Import and export of subscribers as CSV, streaming: a file of any size, a batch at a time.

In: a header in any case names the columns (`email`, `name`, `language`, and whatever `platforms` understands about
consent); a file without one is read when a column holds addresses. The whole file is read before anything is written:
a column about consent that is not understood stops the import, and of two rows about one address the "no" counts,
whatever their order. Bad rows are listed with row number (the line they begin on) and reason, good rows are kept, and a
second import of the same file changes nothing.

Out: what `import` reads again.

What it does not know: encodings (`csv_file`), the words of other platforms (`platforms`), the rules of
consent (`bulk`). Raises `BadFile` for a file that cannot be read, or must not be guessed at.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from subscribers import platforms
from subscribers.address import parse_address
from subscribers.book import Book
from subscribers.csv_file import CsvFile, cell, line, opened
from subscribers.errors import BadAddress, BadFile
from subscribers.platforms import Claim
from subscribers.subscriber import Entry, ImportReport, Status, Subscriber, clean_text

BATCH = 1000
LISTED = 1000  # bad rows kept with their reasons; the rest is only counted
_LISTED_WORDS = 20  # values that are not understood, likewise
_TIMES = ("created_at", "confirmed_at", "unsubscribed_at")
EXPORTED = ("email", "name", "language", "status", "suppressed", "origin", *_TIMES)


@dataclass(frozen=True, slots=True)
class _Columns:
    """Which cell of a row is what; None is not there. `claims` are all other columns: title, and how its cells read.

    `width` is the number of columns; what a row has beyond them is read as a column without a title.
    """

    width: int
    email: int
    name: int | None
    language: int | None
    suppressed: int | None
    claims: Mapping[int, tuple[str, Callable[[str], Claim]]]
    has_header: bool = True


def import_csv(book: Book, path: Path, *, confirmed: bool = False) -> ImportReport:
    """Read a whole file into the Book; see `imports`."""
    *_, report = imports(book, path, confirmed=confirmed)
    return report


def imports(book: Book, path: Path, *, confirmed: bool = False) -> Iterator[ImportReport]:
    """Read a file into the Book, yielding the report so far after each batch; the last one is the result.

    `confirmed`: the operator holds the consent of everybody of whom the file says nothing else. Without it they are
    pending, and are not written to.
    """
    with closing(_Staging()) as staging:
        with opened(path) as file:
            report = _stage(file, staging, book=book)
        yield report
        for batch in staging.batches():
            report = report.plus(book.import_batch(batch, confirmed=confirmed, source=path.name))
            yield report


def export_csv(book: Book, *, status: Status | None = None) -> Iterator[str]:
    """The lines of a CSV file of everybody, or of one status; read in pages, so any size is fine."""
    yield line(EXPORTED)
    after = 0
    while page := book.page_with_suppressions(after=after, limit=BATCH, status=status):
        for subscriber, suppressed in page:
            values = exported(subscriber, suppressed).values()
            yield line(
                [one.isoformat(timespec="seconds") if isinstance(one, datetime) else one or "" for one in values]
            )
        after = page[-1][0].id


def exported(subscriber: Subscriber, suppressed: str) -> dict[str, Any]:
    """What an export says of a subscriber, whose address is suppressed for that reason, or for none ("")."""
    return {name: suppressed if name == "suppressed" else getattr(subscriber, name) for name in EXPORTED}


def _stage(file: CsvFile, staging: _Staging, *, book: Book) -> ImportReport:
    """Read and judge every row. Nothing is in the Book yet."""
    columns = _columns(file)
    bad: list[tuple[int, str]] = []
    rows = bad_count = 0
    unclear: Counter[tuple[str, str]] = Counter()
    for number, cells in file.rows(with_first=not columns.has_header):
        rows += 1
        row = cells if isinstance(cells, str) else _read_row(cells, columns=columns, book=book, unclear=unclear)
        if isinstance(row, Entry):
            staging.add(row)
            continue
        bad_count += 1
        if len(bad) < LISTED:
            bad.append((number, row))
    return ImportReport(
        rows=rows,
        duplicates=rows - bad_count - staging.count(),
        bad_count=bad_count,
        bad=tuple(bad),
        notes=(*file.notes, *_notes(file, columns=columns, unclear=unclear)),
    )


def _read_row(cells: Sequence[str], *, columns: _Columns, book: Book, unclear: Counter[tuple[str, str]]) -> Entry | str:
    """A row, cleaned; or the reason why it is none."""
    try:
        address = parse_address(cell(cells, columns.email))
    except BadAddress as error:
        return str(error)
    claim = max((platforms.UNTITLED(value) for value in cells[columns.width :]), default=Claim.NOTHING)
    for index, (title, read) in columns.claims.items():
        said = read(cell(cells, index))
        claim = max(claim, said)
        if said is Claim.UNCLEAR:
            word = (title, cell(cells, index))
            unclear[word if word in unclear or len(unclear) < _LISTED_WORDS else (title, "…")] += 1
    entry = book.entry(address, name=cell(cells, columns.name), language=cell(cells, columns.language))
    return replace(entry, claim=claim, suppression=platforms.suppression_reason(cell(cells, columns.suppressed)))


def _notes(file: CsvFile, *, columns: _Columns, unclear: Counter[tuple[str, str]]) -> Iterator[str]:
    if not columns.has_header:
        yield f"{file.name} has no header: column {columns.email + 1} was read as the address, no other as a name."
    if unclear:
        words = ", ".join(f"{_show(title)} “{_show(word)}” ({number:,})" for (title, word), number in unclear.items())
        yield (
            f"not understood, so taken as no consent: {words}; write active, pending, unsubscribed, bounced or "
            "complained instead, and import the file again."
        )


def _columns(file: CsvFile) -> _Columns:
    """Which column is what. Raises `BadFile` for a row that names no address, or a claim that is not understood."""
    names = [platforms.plain(title) for title in file.first]

    def place(words: Sequence[str]) -> int | None:
        return next((names.index(word) for word in words if word in names), None)

    email = _email_column(file, names)
    if email is None:
        email = next((index for index, text in enumerate(file.first) if "@" in text), None)
        if email is None:
            shown = _show(", ".join(file.first))
            raise BadFile(
                f"{file.name} has no column called email (its first row, on line {file.number}, reads: {shown}); "
                "name the address column “email”."
            )
        claims = {index: ("", platforms.UNTITLED) for index in range(len(names)) if index != email}
        return _Columns(len(names), email, None, None, None, claims, has_header=False)
    if unread := platforms.unread(file.first):
        named = ", ".join(f"“{_show(file.first[index])}”" for index in unread)
        raise BadFile(
            f"{file.name}: nothing was imported, because it is not understood what {named} says about who may be "
            "mailed. If it says so, rename the column to status and write active, pending, unsubscribed, bounced or "
            "complained in it; if it does not, take it out."
        )
    known = (email, place(platforms.NAME), place(platforms.LANGUAGE), place(platforms.SUPPRESSED))
    claims = {index: (title, platforms.reader(title)) for index, title in enumerate(file.first) if index not in known}
    return _Columns(len(names), *known, claims)


def _email_column(file: CsvFile, names: Sequence[str]) -> int | None:
    for sure in platforms.EMAIL:
        places = [index for index, name in enumerate(names) if name in sure]
        if len(places) > 1:
            titles = ", ".join(_show(file.first[index]) for index in places)
            raise BadFile(
                f"{file.name}: line {file.number} names more than one column for the address ({titles}); "
                "take out or rename all but one."
            )
        if places:
            return places[0]
    return None


def _show(text: str) -> str:
    return clean_text(text, limit=80)


class _Staging:
    """The rows of a file, one for each address, on disk: an import of millions must not fill the memory."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)  # an unnamed file that vanishes when closed
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute(
            "CREATE TABLE rows (email, key TEXT UNIQUE, address_hash, name, language, claim, suppression)"
        )
        self._database.execute("BEGIN")

    def add(self, row: Entry) -> None:
        """Keep a row; of a second one for its address only what it says against mailing it."""
        self._database.execute(
            "INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET "
            "claim = max(claim, excluded.claim), suppression = coalesce(nullif(suppression, ''), excluded.suppression)",
            (row.email, row.key, row.address_hash, row.name, row.language, row.claim, row.suppression),
        )

    def count(self) -> int:
        number: int = self._database.execute("SELECT count(*) FROM rows").fetchone()[0]
        return number

    def batches(self) -> Iterator[list[Entry]]:
        """The rows in the order of the file."""
        found = self._database.execute("SELECT * FROM rows ORDER BY rowid")
        while taken := found.fetchmany(BATCH):
            yield [
                Entry(email, key, address_hash, name, language, Claim(claim), suppression)
                for email, key, address_hash, name, language, claim, suppression in taken
            ]

    def close(self) -> None:
        self._database.close()
