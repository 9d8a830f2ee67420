"""What the check of a letter found, with a level. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """An error keeps a letter from going out, a warning costs readers, an info is worth a theme."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found. `id` names the rule for good; `line` is the line in the part's source, 0 for none.

    `url` is the address it is about or, failing that, where the rule comes from.
    """

    id: str
    level: Level
    message: str
    line: int = 0
    url: str = ""


def error(id: str, message: str, *, line: int = 0, url: str = "") -> Finding:  # noqa: A002 - the rule's name
    return Finding(id, Level.ERROR, message, line, url)


def warning(id: str, message: str, *, line: int = 0, url: str = "") -> Finding:  # noqa: A002 - the rule's name
    return Finding(id, Level.WARNING, message, line, url)


def info(id: str, message: str, *, line: int = 0, url: str = "") -> Finding:  # noqa: A002 - the rule's name
    return Finding(id, Level.INFO, message, line, url)
