"""Processes that are killed inside the freeze, or that send what another one froze."""

from __future__ import annotations

import os
import signal
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from newsletter import rendering, sources, weekly  # noqa: F401 - imported once, before the children are made
from newsletter.app import Project
from newsletter.preview import draft  # noqa: F401 - likewise
from tests.projects import run_week

TABLES = ("issues", "picks", "letters", "deliveries")


def freeze_and_die(root: str, now: datetime, pipe: Connection) -> None:
    """Freeze this week's issue again and again, killed one statement later each time, until it is done.

    Tells after each whether it was killed, and how many rows there are.
    """
    project = Project(Path(root), clock=lambda: now)
    project.weekly.pull()
    composed = project.weekly.compose(project.slot(None))
    killed = True
    statement = 0
    while killed:
        statement += 1
        project.close()
        child = os.fork()
        if not child:
            _freeze(project, composed, statement)
            os._exit(0)
        killed = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        with project.database.read() as connection:
            rows = {table: connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() for table in TABLES}
            sql = "SELECT count(*) FROM articles WHERE carried_by <> ''"
            pipe.send((killed, {**rows, "carried": connection.exec_driver_sql(sql).scalar()}))
    project.close()


def _freeze(project: Project, composed: weekly.Composed, statement: int) -> None:
    left = statement

    def count(*_: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    sa.event.listen(project.database.engine, "before_cursor_execute", count)
    sa.event.listen(project.database.engine, "commit", count)
    project.weekly.freeze(project.slot(None), composed)


def send(root: str, now: datetime) -> None:
    """Send whatever is frozen, as a process started later does."""
    project = Project(Path(root), clock=lambda: now)
    run_week(project)
    project.close()
