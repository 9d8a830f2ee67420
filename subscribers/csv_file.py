"""A CSV file as its program wrote it → rows of cells, streaming: a file of any size, a line at a time.

Reads UTF-8 with or without a byte order mark, UTF-16 likewise, else Windows-1252, and says so; commas, semicolons or
tabs, or what an Excel `sep=` line names; line ends of any system. A quote that is never closed costs one row, not the
rest of the file.

What it does not know: what a column means. Raises `BadFile` for a file that cannot be read at all.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from subscribers.errors import BadFile

_LONGEST_RECORD = 20  # lines; a record that is longer has a quote that is never closed
_FORMULA = "=+-@\t\r\n'＝＋－＠"  # noqa: RUF001 - Excel takes the full-width ones too
_SEPARATOR_LINE = re.compile(r'"?sep=([,;\t])"?', re.IGNORECASE)  # Excel's own, before the header

Lines = Iterator[tuple[int, str]]
Records = Iterator[tuple[int, str | None]]


@dataclass(frozen=True, slots=True)
class CsvFile:
    """An open file. `first` is its first row and stands on line `number`; `notes` are sentences for the operator."""

    name: str
    number: int
    first: list[str]
    notes: tuple[str, ...]
    delimiter: str
    records: Records

    def rows(self, *, with_first: bool) -> Iterator[tuple[int, list[str] | str]]:
        """Each row with the number of the line it begins on: its cells, or the reason why it cannot be read."""
        if with_first:
            yield self.number, self.first
        for number, record in self.records:
            if record is None:
                yield number, "a quote is opened here and never closed"
                continue
            try:
                yield number, _split(record, self.delimiter)
            except csv.Error as error:
                yield number, f"cannot be read as CSV ({error})"


@contextmanager
def opened(path: Path) -> Iterator[CsvFile]:
    """Open a file and read its first row. Raises `BadFile`."""
    encoding, notes = _encoding(path)
    with path.open(encoding=encoding, errors="replace", newline="") as text:
        lines: Lines = enumerate(text, start=1)
        number, line = _first_line(lines, name=path.name)
        delimiter = max(",;\t", key=line.count)
        if named := _SEPARATOR_LINE.fullmatch(line.strip("\r\n ")):
            delimiter = named[1]
            number, line = _first_line(lines, name=path.name)
        records = _records(chain([(number, line)], lines), delimiter=delimiter)
        number, record = next(records, (number, ""))
        if record is None:
            raise BadFile(f"{path.name}: a quote is opened on line {number} and never closed; close it.")
        try:
            first = _split(record, delimiter)
        except csv.Error as error:
            raise BadFile(f"{path.name} cannot be read as CSV ({error}); is it the right file?") from error
        yield CsvFile(path.name, number, first, notes, delimiter, records)


def cell(row: Sequence[str], index: int | None) -> str:
    """A cell as it was before an export of ours made it safe; "" for one that is not there."""
    if index is None or index >= len(row):
        return ""
    text = row[index]
    return text[1:] if text[:1] == "'" and text[1:2] and text[1] in _FORMULA else text


def line(cells: Sequence[str]) -> str:
    """One line of an export. A cell that a spreadsheet would take for a formula gets a `'` (OWASP: CSV Injection)."""
    text = io.StringIO()
    safe = ["'" + one if one[:1] and one[0] in _FORMULA else one for one in cells]
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow(safe)  # RFC 4180 §2
    return text.getvalue()


def _first_line(lines: Lines, *, name: str) -> tuple[int, str]:
    for number, line in lines:
        if line.strip():
            return number, line
    raise BadFile(f"{name} is empty; give a CSV file with a column called email.")


def _encoding(path: Path) -> tuple[str, tuple[str, ...]]:
    """How the file is written, found by reading all of it once, a piece at a time."""
    try:
        with path.open("rb") as file:
            head = file.read(10)
            if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                return "utf-16", ()
            # Without a mark: every other byte of a header in Latin letters is zero.
            even, odd = head[::2], head[1::2]
            for encoding, letters, zeros in (("utf-16-le", even, odd), ("utf-16-be", odd, even)):
                if len(head) == 10 and all(letters) and not any(zeros):
                    return encoding, ()
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


def _records(lines: Lines, *, delimiter: str) -> Records:
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


def _next(waiting: deque[tuple[int, str]], lines: Lines) -> tuple[int, str] | None:
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
