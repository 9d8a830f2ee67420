"""Pulls sources while the pages are served, when a hook asks for it.

One pull runs at a time, as a child process: reading feeds takes long and leans on parsers of foreign bytes. What is
asked for meanwhile waits and becomes one pull: many hooks in a minute are one that runs and one that waits.

What it does not know: who asked. It raises nothing while it runs; what goes wrong is logged, and the weekly pull tells
the operator of a source that stays broken.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Sequence

from newsletter.app import Project
from newsletter.child_process import ChildProcess, own_command

log = logging.getLogger(__name__)

Command = Callable[[Sequence[str]], Sequence[str]]


class PullThread:
    """A thread from `start` to `stop`. `command` returns the child's command line for the names of sources."""

    def __init__(self, project: Project, *, command: Command | None = None) -> None:
        self._known = [table.name for table in project.settings.sources]
        self._root = project.root.resolve()
        self._command = command or self.pull_command
        self._waiting: set[str] = set()
        self._changed = threading.Condition()
        self._child = ChildProcess()
        self._thread = threading.Thread(target=self._run, name="pull_thread", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ask a pull under way to end, and wait for it. What waits is forgotten: the weekly pull reads it."""
        self._child.stop()
        with self._changed:
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join()

    def pull(self, names: Collection[str]) -> None:
        """Read these sources as soon as no pull runs."""
        with self._changed:
            self._waiting.update(names)
            self._changed.notify()

    def pull_command(self, names: Sequence[str]) -> Sequence[str]:
        some = () if len(names) == len(self._known) else (f"--source={name}" for name in names)
        return own_command(self._root, "pull", *some)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._child.stopping)
                names = [name for name in self._known if name in self._waiting]
                self._waiting.clear()
            if self._child.stopping:
                return
            try:
                self._pull(names)
            except Exception:
                log.exception("this pull could not be started; the next hook tries again")

    def _pull(self, names: Sequence[str]) -> None:
        what = ", ".join(names)
        log.info("pulling %s: a hook asked for it", what)
        ended = self._child.run(self._command(names), on_line=lambda line: log.info("pull: %s", line))
        if ended is not None:
            log.log(logging.WARNING if ended.code else logging.INFO, "the pull of %s ended with %s", what, ended.code)
