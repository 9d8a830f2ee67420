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
from dataclasses import dataclass, fields, replace
from pathlib import Path

from subscribers import platforms
from subscribers.address import parse_address
from subscribers.book import Book
from subscribers.csv_file import CsvFile, cell, line, opened
from subscribers.errors import BadAddress, BadFile
from subscribers.platforms import Claim
from subscribers.subscriber import BatchResult, ImportRow, Status, Subscriber, clean_language, clean_text

BATCH = 1000
LISTED = 1000  # bad rows kept with their reasons; the rest is only counted
_LISTED_WORDS = 20  # values that are not understood, likewise
EXPORTED = (
    "email",
    "name",
    "language",
    "status",
    "suppressed",
    "origin",
    "created_at",
    "confirmed_at",
    "unsubscribed_at",
)


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What came of the rows so far; in the end the counts but `ended` add up to `rows`.

    The counts of a batch are those of `BatchResult`. `duplicates` counts second mentions within the file, `bad` lists
    at most `LISTED` of `bad_count`, `notes` are sentences for the operator.
    """

    rows: int = 0
    created: int = 0
    confirmed: int = 0
    already: int = 0
    suppressed: int = 0
    unsubscribed: int = 0
    unsubscribed_by_file: int = 0
    suppressed_by_file: int = 0
    unconfirmed_by_file: int = 0
    ended: int = 0
    duplicates: int = 0
    bad_count: int = 0
    bad: tuple[tuple[int, str], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def done(self) -> int:
        """How many of the rows the Book has seen, or never will."""
        outcomes: list[int] = [getattr(self, one.name) for one in fields(BatchResult)]
        return sum(outcomes) - self.ended + self.duplicates + self.bad_count


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
    report = ImportReport()
    for report in imports(book, path, confirmed=confirmed):  # noqa: B007 - the last report is the result
        pass
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
            taken = book.import_batch(batch, confirmed=confirmed, source=path.name)
            sums = {one.name: getattr(report, one.name) + getattr(taken, one.name) for one in fields(BatchResult)}
            yield (report := replace(report, **sums))


def export_csv(book: Book, *, status: Status | None = None) -> Iterator[str]:
    """The lines of a CSV file of everybody, or of one status; read in pages, so any size is fine."""
    yield line(EXPORTED)
    after = 0
    while page := book.page_with_suppressions(after=after, limit=BATCH, status=status):
        for subscriber, suppressed in page:
            yield line(_cells(subscriber, suppressed))
        after = page[-1][0].id


def _stage(file: CsvFile, staging: _Staging, *, book: Book) -> ImportReport:
    """Read and judge every row. Nothing is in the Book yet."""
    columns = _columns(file)
    bad: list[tuple[int, str]] = []
    rows = bad_count = 0
    unclear: Counter[tuple[str, str]] = Counter()
    for number, cells in file.rows(with_first=not columns.has_header):
        rows += 1
        row = cells if isinstance(cells, str) else _read_row(cells, columns=columns, book=book, unclear=unclear)
        if isinstance(row, ImportRow):
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


def _read_row(
    cells: Sequence[str], *, columns: _Columns, book: Book, unclear: Counter[tuple[str, str]]
) -> ImportRow | str:
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
    return ImportRow(
        email=address.email,
        key=address.key,
        address_hash=book.address_hash(address),
        name=clean_text(cell(cells, columns.name)),
        language=clean_language(cell(cells, columns.language)),
        claim=claim,
        suppression=platforms.suppression_reason(cell(cells, columns.suppressed)),
    )


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


def _cells(subscriber: Subscriber, suppressed: str) -> list[str]:
    times = (subscriber.created_at, subscriber.confirmed_at, subscriber.unsubscribed_at)
    texts = [
        subscriber.email,
        subscriber.name,
        subscriber.language,
        subscriber.status.value,
        suppressed,
        subscriber.origin,
    ]
    return texts + [time.isoformat(timespec="seconds") if time else "" for time in times]


class _Staging:
    """The rows of a file, one for each address, on disk: an import of millions must not fill the memory."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)  # an unnamed file that vanishes when closed
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute(
            "CREATE TABLE rows (email, key TEXT UNIQUE, address_hash, name, language, claim, suppression)"
        )
        self._database.execute("BEGIN")

    def add(self, row: ImportRow) -> None:
        """Keep a row; of a second one for its address only what it says against mailing it."""
        self._database.execute(
            "INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET "
            "claim = max(claim, excluded.claim), suppression = coalesce(nullif(suppression, ''), excluded.suppression)",
            (row.email, row.key, row.address_hash, row.name, row.language, row.claim, row.suppression),
        )

    def count(self) -> int:
        number: int = self._database.execute("SELECT count(*) FROM rows").fetchone()[0]
        return number

    def batches(self) -> Iterator[list[ImportRow]]:
        """The rows in the order of the file."""
        found = self._database.execute("SELECT * FROM rows ORDER BY rowid")
        while taken := found.fetchmany(BATCH):
            yield [
                ImportRow(email, key, address_hash, name, language, Claim(claim), suppression)
                for email, key, address_hash, name, language, claim, suppression in taken
            ]

    def close(self) -> None:
        self._database.close()
