"""Old names of `tests.projects`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from newsletter.app import Project
from newsletter.issue import Slot
from tests.projects import SITE, TITLES, again, arrived, make_project, run_week as run, write_articles
from tests.times import NOW

__all__ = ["AFTER_SLOT", "TITLES", "again", "arrived", "newsroom", "run", "slot_of", "write_articles"]
AFTER_SLOT = NOW + timedelta(hours=2)


def newsroom(
    root: Path,
    *,
    clock: Callable[[], datetime],
    more: str = "",
    database: str = "",
    articles: int = 5,
    readers: int = 3,
) -> Project:
    return make_project(
        root,
        clock=clock,
        more=SITE + more,
        database=database,
        plain=True,
        titles=TITLES[:articles],
        subscribers=readers,
    )


def slot_of(project: Project) -> Slot:
    return project.slot(None)
