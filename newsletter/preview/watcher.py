"""Notices that something changed: a template, `newsletter.toml`, `.env`, the logo, the shelf, an issue, the week.

It reads the time stamps of files a few times a second, and the shelf itself only when those of the database changed
(PostgreSQL has none: every second). What it does not know: what a change means.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from pathlib import Path

from newsletter.preview.draft import Draft
from newsletter.rendering import shipped_templates
from newsletter.settings import FILE
from newsletter.weekly import REMEMBERED

EVERY = 0.35
_WITHOUT_A_FILE = 1.0

_log = logging.getLogger(__name__)


class Watch:
    """Remembers the state that the last poll saw."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._database: Hashable = None
        self._shelf: Hashable = None
        self._asked = 0.0
        self._files = self._stamps()
        self._shelf_changed()

    def poll(self) -> bool:
        """Whether anything changed since the last poll; the draft was then refreshed."""
        before, self._files = self._files, self._stamps()
        changed = (before != self._files) | self._shelf_changed()
        if changed:
            self._draft.refresh()
        return changed

    def _stamps(self) -> tuple[tuple[str, int, int], ...]:
        root = self._draft.root
        files = [root / FILE, root / ".env", root / (self._draft.project.settings.theme.logo or FILE)]
        for folder in (root / "templates", shipped_templates()):
            files += sorted(folder.rglob("*"))
        return tuple(stamp for file in files if (stamp := _stamp(file)))

    def _shelf_changed(self) -> bool:
        """Whether what an issue is made of changed. Dropping and holding leave no date behind, so all of it counts."""
        if not self._database_changed():
            return False
        project = self._draft.project
        now = project.clock()
        since = now - max(project.settings.issue.max_age, REMEMBERED)
        issues = tuple(project.issues.newest(limit=5))
        state = hash((tuple(project.shelf.since(since)), issues, project.decisions.newest(), project.slot(None).key))
        changed = self._shelf is not None and state != self._shelf
        self._shelf = state
        return changed

    def _database_changed(self) -> bool:
        file = self._draft.project.unchecked_database.file
        if file is None:
            due = time.monotonic() - self._asked >= _WITHOUT_A_FILE
            self._asked = time.monotonic() if due else self._asked
            return due
        stamps = (_stamp(file), _stamp(file.with_name(f"{file.name}-wal")), self._draft.project.slot(None).key)
        changed, self._database = stamps != self._database, stamps
        return changed


@contextmanager
def watched(draft: Draft) -> Iterator[None]:
    """Poll in a thread of its own until the block ends."""
    stop = threading.Event()
    thread = threading.Thread(target=_poll_until, args=(Watch(draft), stop), name="watched", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _poll_until(watch: Watch, stop: threading.Event) -> None:
    while not stop.wait(EVERY):
        try:
            watch.poll()
        except Exception:  # noqa: BLE001 - a file that vanished meanwhile, a database being restored: the next poll sees
            _log.debug("a poll of the project failed", exc_info=True)


def _stamp(file: Path) -> tuple[str, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return (str(file), found.st_mtime_ns, found.st_size)
