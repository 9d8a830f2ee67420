"""CSV in and out, streaming: a file of any size, a batch at a time.

In: UTF-8 with or without a mark, UTF-16 with one, else Windows-1252, said aloud. Commas, semicolons or tabs. A header
in any case names the columns (`email`, `name`, `language`, and an export's own `status` and `suppressed`); a file
without one is read when a column holds addresses. Bad rows are listed with row number (the line they begin on) and
reason, good rows are kept, and a second import of the same file changes nothing.

Out: every cell a spreadsheet would take for a formula gets a leading `'` (OWASP: CSV injection), which coming in takes
off again.

What it does not know: who may be revived (`intake` decides: nobody). Raises `BadFile` for a file that cannot be read.
"""

from __future__ import annotations

import codecs
import csv
import io
import sqlite3
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from subscribers.address import parse_address
from subscribers.book import Book
from subscribers.errors import BadAddress, BadFile
from subscribers.subscriber import ImportRow, Status, Subscriber, clean_language, clean_text

BATCH = 1000
LISTED = 1000  # bad rows kept with their reasons; the rest is only counted
_LONGEST_RECORD = 20  # lines; more than that is a quote nobody closed
_EMAIL = ("email", "e-mail", "email address", "e-mail address", "emailaddress", "mail", "address")
_NAME = ("name", "first_name", "first name", "firstname", "given name", "full name")
_LANGUAGE = ("language", "lang", "locale")
_FORMULA = "=+-@\t\r\n'＝＋－＠"  # noqa: RUF001 - Excel takes the full-width ones too
_STATUS = {
    "": None,
    "active": Status.ACTIVE,
    "subscribed": Status.ACTIVE,
    "confirmed": Status.ACTIVE,
    "enabled": Status.ACTIVE,
    "pending": Status.PENDING,
    "unconfirmed": Status.PENDING,
}
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
    """What came of the rows so far; the counts add up to `rows`. `bad` lists at most `LISTED` of `bad_count`.

    `confirmed` counts those who were pending and are now active, `unsubscribed` those who had left (or whom the file
    says so of), `duplicates` second mentions within the file. `notes` are sentences for the operator.
    """

    rows: int = 0
    created: int = 0
    confirmed: int = 0
    already: int = 0
    suppressed: int = 0
    unsubscribed: int = 0
    duplicates: int = 0
    bad_count: int = 0
    bad: tuple[tuple[int, str], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Columns:
    """Which cell of a row is what; None is not there."""

    email: int
    name: int | None = None
    language: int | None = None
    status: int | None = None
    suppressed: int | None = None


def import_csv(book: Book, path: Path, *, confirmed: bool = False) -> ImportReport:
    """Read a whole file into the Book; see `imports`."""
    report = ImportReport()
    for report in imports(book, path, confirmed=confirmed):  # noqa: B007 - the last report is the result
        pass
    return report


def imports(book: Book, path: Path, *, confirmed: bool = False) -> Iterator[ImportReport]:
    """Read a file into the Book, giving the report so far after each batch; the last one is the result.

    `confirmed`: the operator holds the consent of everybody in the file. Else they are pending, and are not written to.
    """
    encoding, notes = _encoding(path)
    report = ImportReport(notes=notes)
    with path.open(encoding=encoding, errors="replace", newline="") as text, closing(_Seen()) as seen:
        lines: Iterator[tuple[int, str]] = enumerate(text, start=1)
        first = next((line for line in lines if line[1].strip()), None)
        if first is None:
            raise BadFile(f"{path.name} is empty; give a CSV file with a column called email.")
        delimiter = _delimiter(first[1])
        columns, has_header = _columns(_first_row(first[1], delimiter, name=path.name), name=path.name)
        if not has_header:
            note = f"{path.name} has no header: column {columns.email + 1} was read as the address, the rest was not."
            report = replace(report, notes=(*report.notes, note))
            lines = chain([first], lines)
        batch: list[ImportRow] = []
        for number, record in _records(lines, delimiter=delimiter):
            report, row = _read_row(report, number, record, delimiter=delimiter, columns=columns, book=book)
            if row is None:
                continue
            if not seen.first_time(row.key):
                report = replace(report, duplicates=report.duplicates + 1)
                continue
            batch.append(row)
            if len(batch) == BATCH:
                yield (report := _take_in(book, batch, report, confirmed=confirmed, source=path.name))
                batch = []
        yield _take_in(book, batch, report, confirmed=confirmed, source=path.name) if batch else report


def export_csv(book: Book, *, status: Status | None = None) -> Iterator[str]:
    """The lines of a CSV file of everybody, or of one status; read in pages, so any size is fine."""
    yield _line(EXPORTED)
    after = 0
    while page := book.page_with_suppressions(after=after, limit=BATCH, status=status):
        for subscriber, suppressed in page:
            yield _line(_cells(subscriber, suppressed))
        after = page[-1][0].id


def _take_in(
    book: Book, batch: Sequence[ImportRow], report: ImportReport, *, confirmed: bool, source: str
) -> ImportReport:
    taken = book.import_batch(batch, confirmed=confirmed, source=source)
    return replace(
        report,
        created=report.created + taken.created,
        confirmed=report.confirmed + taken.confirmed,
        already=report.already + taken.already,
        suppressed=report.suppressed + taken.suppressed,
        unsubscribed=report.unsubscribed + taken.unsubscribed,
    )


def _read_row(
    report: ImportReport, number: int, record: str | None, *, delimiter: str, columns: _Columns, book: Book
) -> tuple[ImportReport, ImportRow | None]:
    report = replace(report, rows=report.rows + 1)
    if record is None:
        return _with_bad(report, number, "a quote is opened here and never closed"), None
    try:
        cells = _split(record, delimiter)
    except csv.Error as error:
        return _with_bad(report, number, f"cannot be read as CSV ({error})"), None
    if _cell(cells, columns.suppressed):
        return replace(report, suppressed=report.suppressed + 1), None
    try:
        address = parse_address(_cell(cells, columns.email))
    except BadAddress as error:
        return _with_bad(report, number, str(error)), None
    row = ImportRow(
        email=address.email,
        key=address.key,
        address_hash=book.address_hash(address),
        name=clean_text(_cell(cells, columns.name)),
        language=clean_language(_cell(cells, columns.language)),
        # A word we do not know ("cleaned", "bounced", "complained") is no consent.
        status=_STATUS.get(_cell(cells, columns.status).strip().casefold(), Status.UNSUBSCRIBED),
    )
    return report, row


def _with_bad(report: ImportReport, number: int, reason: str) -> ImportReport:
    listed = (*report.bad, (number, reason)) if len(report.bad) < LISTED else report.bad
    return replace(report, bad_count=report.bad_count + 1, bad=listed)


def _encoding(path: Path) -> tuple[str, tuple[str, ...]]:
    """How the file is written, found by reading all of it once, a piece at a time."""
    try:
        with path.open("rb") as file:
            if file.read(2) in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:
                return "utf-16", ()
            file.seek(0)
            decoder = codecs.getincrementaldecoder("utf-8")()
            while piece := file.read(1 << 16):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        note = f"{path.name} is not UTF-8; it was read as Windows-1252, so check a name with an accent."
        return "cp1252", (note,)
    except OSError as error:
        raise BadFile(f"{path} cannot be read ({error.strerror}); check the name of the file.") from error
    return "utf-8-sig", ()


def _records(lines: Iterator[tuple[int, str]], *, delimiter: str) -> Iterator[tuple[int, str | None]]:
    """Records with the number of the line they begin on. None is a quote never closed: that line alone is lost."""
    waiting: deque[tuple[int, str]] = deque()
    while taken := _next(waiting, lines):
        number, record = taken
        following: list[tuple[int, str]] = []
        while not _closed(record, delimiter) and len(following) < _LONGEST_RECORD:
            more = _next(waiting, lines)
            if more is None:
                break
            following.append(more)
            record += more[1]
        if not _closed(record, delimiter):
            waiting.extendleft(reversed(following))
            yield number, None
        elif record.strip(" \t\r\n,;\0"):
            yield number, record


def _next(waiting: deque[tuple[int, str]], lines: Iterator[tuple[int, str]]) -> tuple[int, str] | None:
    return waiting.popleft() if waiting else next(lines, None)


def _closed(record: str, delimiter: str) -> bool:
    """Whether every quote that opens a cell is closed again. A quote in the middle of a cell is only a character."""
    if '"' not in record:
        return True
    try:
        _split(record, delimiter, strict=True)
    except csv.Error as error:
        return "unexpected end of data" not in str(error)
    return True


def _split(record: str, delimiter: str, *, strict: bool = False) -> list[str]:
    return next(csv.reader(io.StringIO(record, newline=""), delimiter=delimiter, strict=strict), [])


def _delimiter(line: str) -> str:
    """Whichever of the three the first line holds most of."""
    return max(",;\t", key=line.count)


def _first_row(line: str, delimiter: str, *, name: str) -> list[str]:
    try:
        return _split(line, delimiter)
    except csv.Error as error:
        raise BadFile(f"{name} cannot be read as CSV ({error}); is it the right file?") from error


def _columns(first: Sequence[str], *, name: str) -> tuple[_Columns, bool]:
    """Which column is what, and whether the row that says so is a header."""
    titles = [cell.strip().casefold() for cell in first]

    def place(words: Sequence[str]) -> int | None:
        return next((titles.index(word) for word in words if word in titles), None)

    email = place(_EMAIL)
    if email is not None:
        others = (place(words) for words in (_NAME, _LANGUAGE, ("status",), ("suppressed",)))
        return _Columns(email, *others), True
    for index, cell in enumerate(first):
        if "@" in cell:
            return _Columns(index), False
    shown = clean_text(", ".join(first), limit=80)
    raise BadFile(f"{name} has no column called email (its first row reads: {shown}); name the address column “email”.")


def _cell(row: Sequence[str], index: int | None) -> str:
    if index is None or index >= len(row):
        return ""
    cell = row[index]
    return cell[1:] if cell[:1] == "'" and cell[1:2] and cell[1] in _FORMULA else cell


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


def _line(cells: Sequence[str]) -> str:
    line = io.StringIO()
    safe = ["'" + cell if cell[:1] and cell[0] in _FORMULA else cell for cell in cells]
    csv.writer(line, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow(safe)  # RFC 4180 §2
    return line.getvalue()


class _Seen:
    """Which addresses a file has named so far, on disk: an import of millions must not fill the memory."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)  # an unnamed file that vanishes when closed
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("CREATE TABLE seen (key TEXT PRIMARY KEY) WITHOUT ROWID")
        self._database.execute("BEGIN")

    def first_time(self, key: str) -> bool:
        return self._database.execute("INSERT OR IGNORE INTO seen VALUES (?)", (key,)).rowcount == 1

    def close(self) -> None:
        self._database.close()
