"""What the preview shows: the issue of a slot as it would go out now, or the stored letter of a frozen one.

It is composed as for a send, so what is seen is what is sent. It is composed once per change and kept; `refresh` opens
the project again. When a template or the settings are broken, the last good state stays and `Trouble` says what is
wrong, with the file, the line and the lines around it.

What it does not know: HTTP, and when something changed (`watcher` tells).
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from newsletter.app import Project
from newsletter.errors import NewsletterError, SettingsError, TemplateError
from newsletter.issue import Slot
from newsletter.issues import IssueRow
from newsletter.preview.recipients import Recipient, recipient_of
from newsletter.review import Look, look
from newsletter.settings import FILE

PAST_ISSUES = 12
_AROUND = 3

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why there is nothing new to show. `excerpt` is the lines around `line` of `file`, each with its number."""

    message: str
    file: str = ""
    line: int = 0
    excerpt: tuple[tuple[int, str], ...] = ()


class Draft:
    """Holds the newest good state; safe to use from many threads. Raises what opening the project raises."""

    def __init__(
        self, root: Path, *, open_project: Callable[[], Project], slot_key: str | None, as_address: str | None
    ) -> None:
        self.root = root
        self.as_address = as_address or ""
        self.version = 1
        self._open = open_project
        self._slot_key = slot_key
        self._lock = threading.RLock()
        self._broken: Trouble | None = None
        self._fresh: dict[str, tuple[Look | None, Trouble | None]] = {}
        self._good: dict[str, Look] = {}
        self.project = open_project()
        try:
            self.project.slot(slot_key)
            self.recipient(self.as_address)
        except BaseException:
            self.close()
            raise

    def refresh(self) -> None:
        """Open the project again, because something changed; if it cannot be opened, the last one stays."""
        with self._lock:
            try:
                project = self._open()
                project.slot(self._slot_key)
            except Exception as error:  # noqa: BLE001 - whatever is wrong is shown, and can be mended while the page is open
                self._broken = self._trouble(error)
            else:
                self.close()
                self.project, self._broken = project, None
            self._fresh.clear()
            self.version += 1

    def close(self) -> None:
        """Close the database's connections."""
        self.project.unchecked_database.dispose()

    def slot(self, key: str = "") -> Slot:
        """The slot of a key, or the one the preview was started for. Raises `ConfigurationError`."""
        return self.project.slot(key or self._slot_key)

    def slots(self, key: str = "") -> list[tuple[Slot, IssueRow | None]]:
        """What can be chosen, newest first: the issue after this one, this one, `key`'s, and what was frozen before."""
        current = self.slot()
        coming = self.project.slot(_next_key(current))
        rows = {row.slot_key: row for row in self.project.issues.newest(limit=PAST_ISSUES)}
        past = [Slot(row.slot_key, row.slot_at.astimezone(current.at.tzinfo)) for row in rows.values() if row.frozen_at]
        found = {slot.key: slot for slot in (*past, current, coming, self.slot(key))}
        return [(found[key], rows.get(key)) for key in sorted(found, reverse=True)]

    def show(self, key: str = "") -> tuple[Look | None, Trouble | None]:
        """What is shown for a slot, and what is wrong. After a fault that is the last good state."""
        with self._lock:
            key = self.slot(key).key
            if key not in self._fresh:
                try:
                    self._good[key] = look(self.project, self.project.slot(key))
                    self._fresh[key] = (self._good[key], None)
                except Exception as error:  # noqa: BLE001 - whatever is wrong is shown, and can be mended while the page is open
                    self._fresh[key] = (None, self._trouble(error))
            shown, trouble = self._fresh[key]
            return shown or self._good.get(key), self._broken or trouble

    def composed(self, key: str = "") -> Look:
        """The newest state, and never an older good one. Raises what composing raises."""
        return look(self.project, self.slot(key))

    def recipient(self, key: str = "") -> Recipient:
        """Whom the letter is shown for. Raises `Refused` for an address that is not in the Book."""
        return recipient_of(self.project, key or self.as_address)

    def picture(self, name: str) -> tuple[str, bytes] | None:
        """A stored picture, or one of the project's own that the next pull will store."""
        images = self.project.weekly.making().own_images
        own = ((image.media_type, image.data) for image in images if image.name == name)
        return self.project.shelf.image(name) or next(own, None)

    def _trouble(self, error: Exception) -> Trouble:
        message = str(error) or type(error).__name__
        if isinstance(error, TemplateError) and error.file:
            message = message.removeprefix(f"{error.file}:{error.line}: ").removeprefix(f"{error.file}: ")
            name = error.file.removeprefix("templates/")
            path = next((folder / name for folder in self.project.templates.folders if (folder / name).is_file()), None)
            return Trouble(message, error.file, error.line, _excerpt(path, error.line))
        if isinstance(error, SettingsError):
            message = message.removeprefix(f"{self.root / FILE}: ")
            line = _line_of_setting(message, file=self.root / FILE)
            return Trouble(message, FILE, line, _excerpt(self.root / FILE, line))
        if not isinstance(error, NewsletterError):
            _log.exception("the preview failed", exc_info=error)
            message = f"{type(error).__name__}: {message}"
        return Trouble(message)


def _next_key(slot: Slot) -> str:
    monday = datetime.strptime(f"{slot.key}-1 +0000", "%G-W%V-%u %z")
    return (monday + timedelta(days=7)).strftime("%G-W%V")


def _line_of_setting(message: str, *, file: Path) -> int:
    """The line a sentence about the settings is about: the one it names, or the first that sets the key it names."""
    if found := re.search(r"at line (\d+)", message):
        return int(found[1])
    key = re.search(r"\] (?:\"[^\"]*\" |number \d+: )?(?:has no key \")?(?:[a-z_0-9]+\.)*([a-z_0-9]+)", message)
    sets = re.compile(rf"\s*{key[1]}\s*=" if key else "(?!)")
    return next((number for number, line in enumerate(_lines(file), start=1) if sets.match(line)), 0)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def _excerpt(path: Path | None, line: int) -> tuple[tuple[int, str], ...]:
    if path is None or not line:
        return ()
    first = max(1, line - _AROUND)
    return tuple(enumerate(_lines(path)[first - 1 : line + _AROUND], start=first))
