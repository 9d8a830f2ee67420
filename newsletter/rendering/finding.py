"""What the check of a letter or of an issue found, with a level. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """An error keeps a letter from going out, a warning costs readers, an info is worth a theme. A note says what is
    unusual for this newsletter, and stops nothing.
    """

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found. `id` names the rule for good; `line` is the first line of it in the part's source, 0 for none.

    `url` is the address it is about, `story` the title of the story with that address; both may be empty.
    """

    id: str
    level: Level
    message: str
    line: int = 0
    url: str = ""
    story: str = ""

    @property
    def about(self) -> str:
        """The story and the address in one line."""
        return ", ".join(filter(None, (f"\u201c{self.story}\u201d" if self.story else "", self.url)))

    @property
    def text(self) -> str:
        """The message with what it is about."""
        return f"{self.message} ({self.about})" if self.about else self.message


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings by level, errors first; of one level in the order they came."""
    return tuple(sorted(findings, key=lambda finding: list(Level).index(finding.level)))


def error(id: str, message: str, *, line: int = 0, url: str = "", story: str = "") -> Finding:  # noqa: A002 - the rule's
    return Finding(id, Level.ERROR, message, line, url, story)


def warning(id: str, message: str, *, line: int = 0, url: str = "", story: str = "") -> Finding:  # noqa: A002 - likewise
    return Finding(id, Level.WARNING, message, line, url, story)


def note(id: str, message: str, *, url: str = "", story: str = "") -> Finding:  # noqa: A002 - likewise
    return Finding(id, Level.NOTE, message, 0, url, story)


def info(id: str, message: str, *, line: int = 0, url: str = "", story: str = "") -> Finding:  # noqa: A002 - likewise
    return Finding(id, Level.INFO, message, line, url, story)
