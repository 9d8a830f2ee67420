"""What the commands print: tables to be read, JSON for programs, times, and one line for a refusal.

Answers go to standard output; everything else (progress, notes, warnings) to standard error, so that JSON stays alone.
Texts of articles and subscribers may be hostile: control characters never reach the terminal, and nothing is taken for
mark-up. Rich is loaded for a terminal alone; into a pipe go plain aligned columns, one row a line.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, tzinfo
from functools import partial
from typing import Any

import click

COLOURS = {
    "ok": "green", "warn": "yellow", "fail": "bold red",
    "error": "bold red", "warning": "yellow", "info": "cyan",
    "closed": "green", "sending": "yellow", "cancelled": "red", "missed": "red", "held": "yellow",
}  # fmt: skip


class _Line(logging.Handler):
    """A warning of the program is a line on standard error, like a refusal. Remembers the last one."""

    last = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.last = _safe(record.getMessage())
        click.echo(f"newsletter: {self.last}", err=True)


_line = _Line(logging.WARNING)


def prepare() -> None:
    """Make standard output take any character, and warnings one line each."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
    _line.last = ""
    for name in ("newsletter", "subscribers"):
        logger = logging.getLogger(name)
        if _line not in logger.handlers:
            logger.addHandler(_line)


def log_otherwise() -> None:
    """For a command that stays and writes a log of its own: warnings are no longer lines of ours."""
    for name in ("newsletter", "subscribers"):
        logging.getLogger(name).removeHandler(_line)


def abandon() -> None:
    """The reader of standard output has gone: let Python's own flush at the end write to a file that takes it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complain(text: str) -> None:
    """One line that says why something was not done, unless a warning has just said it."""
    line = " ".join(_safe(text).split("\n"))
    if not _line.last.endswith(line):
        click.echo(f"newsletter: {line}", err=True)


def say(text: str = "") -> None:
    """A line of the answer."""
    click.echo(_safe(text))


def note(text: str) -> None:
    """A line beside the answer: what is going on, what to do next."""
    click.echo(_safe(text), err=True)


def dump(value: object) -> None:
    """JSON on standard output, in UTF-8 whatever the terminal's encoding. A dataclass is its `as_json` or fields."""
    text = json.dumps(value, ensure_ascii=False, indent=2, default=_plain)
    click.echo(text.encode("utf-8", "backslashreplace"))


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    if isinstance(value, Mapping):
        return dict(value)
    if as_json := getattr(value, "as_json", None):
        return as_json()
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    return str(value)


def when(moment: datetime | None, zone: tzinfo) -> str:
    """A time to be read: ISO 8601 with an offset, in the newsletter's zone; nothing is a dash."""
    return moment.astimezone(zone).isoformat(timespec="seconds") if moment else "-"


def counts(numbers: Mapping[str, int], *, always: Iterable[str] = ()) -> str:
    """`accepted 16, refused 1`: what is not zero, and what is always told."""
    told = dict.fromkeys([*always, *numbers])
    return ", ".join(f"{name} {numbers.get(name, 0):,}" for name in told if numbers.get(name) or name in set(always))


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Rows under headings. A column whose name ends in `#` stands to the right; a known word has its colour."""
    lines = [[_safe(str(cell)) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        _columns([[name.rstrip("#") for name in columns], *lines])
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        drawn.add_column(name.rstrip("#"), justify="right" if name.endswith("#") else "left", overflow="fold")
    for line in lines:
        drawn.add_row(*(Text(cell, style=COLOURS.get(cell, "")) for cell in line))
    Console(markup=False, highlight=False, emoji=False).print(drawn)


def _columns(lines: Sequence[Sequence[str]]) -> None:
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    for line in lines:
        say("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def facts(pairs: Mapping[str, Any]) -> None:
    """Names and values, one a line; what is empty is left out."""
    shown = {name: str(value) for name, value in pairs.items() if value not in ("", None, ())}
    width = max((len(name) for name in shown), default=0)
    for name, value in shown.items():
        say(f"{name.ljust(width)}  {value}")


def _safe(text: str) -> str:
    """The text without control characters but line ends."""
    if text.isascii() and text.isprintable():
        return text
    from newsletter.characters import clean

    lines = [(line[: len(line) - len(line.lstrip(" "))], clean(line)) for line in text.split("\n")]
    return "\n".join(indent + line if line else "" for indent, line in lines)


def heading(title: str, beside: str = "") -> None:
    """A heading with an empty line before it."""
    title = click.style(_safe(title), bold=True, fg="magenta")
    click.echo(f"\n{title} ({_safe(beside)})" if beside else f"\n{title}")


def item(title: str, lines: Iterable[str]) -> None:
    """A thing of a list, and indented lines about it, which a terminal wraps."""
    width = (os.get_terminal_size().columns or 80) if sys.stdout.isatty() else sys.maxsize
    fill = partial(textwrap.fill, width=width, break_long_words=False, break_on_hyphens=False)
    click.secho(fill(_safe(title), initial_indent="  ", subsequent_indent="  "), bold=True)
    for line in lines:
        click.secho(fill(_safe(line), initial_indent=" " * 5, subsequent_indent=" " * 5), dim=True)
