"""A table as a spreadsheet or an analytics program exports it (CSV) → rows of cells by column name. Pure.

UTF-8, UTF-16 with its mark, else Windows-1252; commas, semicolons, tabs or bars, or what Excel's `sep=` line names;
comment lines (`#`) before the header are skipped. A formula is only text. A quote that is never closed costs one row.

What it does not know: what a column means, but for numbers. Raises `SourceError` when there is no table at all.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from newsletter.errors import SourceError
from newsletter.issue import SignalKind

MAX_ROWS = 50_000
_LONGEST_ROW = 100  # lines
_GROUPED = re.compile(r"\d{1,3}(?:[ ,.'’\u00a0\u202f]\d{3})+", re.ASCII)
_PLAIN = re.compile(r"\d{1,15}(?:[.,]\d{1,6})?", re.ASCII)
_MOST = 10**15
# The columns of numbers by their names, as `column_name` writes them; earlier ones win.
NUMBERS = {
    SignalKind.VIEWS: ("views", "pageviews", "page views", "screenpageviews", "nb hits", "hits", "visitors", "visits"),
    SignalKind.COMMENTS: ("comments", "comment count", "commentcount"),
    SignalKind.SHARES: ("shares", "share count"),
    SignalKind.VOTES: ("votes", "likes", "upvotes", "claps", "points"),
    SignalKind.RATING: ("rating", "average rating", "stars"),
    SignalKind.RATING_COUNT: ("rating count", "ratings", "raters"),
}
_SEPARATOR_LINE = re.compile(r'"?sep=([,;\t|])"?', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CsvTable:
    """`columns` as they are written. `rows` are the cells by column, each with the line it begins on."""

    columns: tuple[str, ...]
    rows: tuple[tuple[int, Mapping[str, str]], ...]
    problems: tuple[str, ...] = ()


def read_table(data: bytes) -> CsvTable:
    """The table of a file's bytes. Raises `SourceError`."""
    lines = list(io.StringIO(_decoded(data), newline=""))
    top = next((at for at, line in enumerate(lines) if line.strip() and not line.startswith("#")), None)
    if top is None:
        raise SourceError("The file is empty; give a CSV file whose first line names the columns.")
    delimiter = max(",;\t|", key=lines[top].count)
    if named := _SEPARATOR_LINE.fullmatch(lines[top].strip("\r\n ")):
        delimiter, top = named[1], top + 1
    columns: tuple[str, ...] = ()
    rows: list[tuple[int, Mapping[str, str]]] = []
    problems = []
    for number, record in _records(lines, top):
        try:
            cells = [] if record is None else next(csv.reader(io.StringIO(record, newline=""), delimiter=delimiter))
        except (csv.Error, StopIteration) as error:
            problems.append(f"line {number} cannot be read as CSV ({error})")
            continue
        if record is None:
            problems.append(f"line {number}: a quote is opened here and never closed; the row was left out")
        elif not columns:
            columns = tuple(cell.strip() for cell in cells)
        elif len(rows) == MAX_ROWS:
            problems.append(f"the file has more than {MAX_ROWS:,} rows; the rest was not read")
            break
        elif any(cell.strip() for cell in cells):
            # of two columns with one name the first counts
            rows.append((number, dict(reversed(list(zip(columns, cells, strict=False))))))
    return CsvTable(columns, tuple(rows), tuple(problems))


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    return text.replace("\0", "")


def _records(lines: list[str], top: int) -> Iterator[tuple[int, str | None]]:
    """Each row's text with its line number, from 1; None where a quote is opened and not closed."""
    at = top
    while at < len(lines):
        end, quotes = at + 1, lines[at].count('"')
        while quotes % 2 and end < len(lines) and end - at < _LONGEST_ROW:
            quotes += lines[end].count('"')
            end += 1
        if quotes % 2:
            yield at + 1, None
            at += 1
        else:
            yield at + 1, "".join(lines[at:end])
            at = end


def column_name(column: str) -> str:
    """The name of a column in small letters, without marks: "Publish_Date" is "publish date"."""
    return " ".join(re.findall(r"[^\W_]+", column.casefold()))


def number_in(cell: str, *, rating: bool = False) -> float | None:
    """A number that is not negative: 18420, 18,420, 18 420, 4.5 or 4,5. None for anything else, and a formula.

    A `rating` is at most 5.
    """
    grouped = _GROUPED.fullmatch(cell)
    if not grouped and not _PLAIN.fullmatch(cell):
        return None
    value = float(re.sub(r"\D", "", cell) if grouped else cell.replace(",", "."))
    return value if value <= (5 if rating else _MOST) else None
