"""A project to run commands in, and the command line itself: in this process, or in one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from click.testing import CliRunner, Result

from newsletter.cli import commands
from tests.projects import demo, set_line
from tests.times import PATIENCE

__all__ = ["demo", "set_line"]  # where tests of the commands look for them

# Thursday evening, after the demo's slot of the week.
NOW = "2026-11-19T18:00:00+00:00"
WEEK, NEXT_WEEK = "2026-W47", "2026-W48"
ACTIVE = 18


def run(*arguments: str, project: Path | None = None, answer: str | None = None) -> Result:
    """A command in this process, at `NOW`."""
    where = ("-C", str(project)) if project else ()
    return CliRunner().invoke(commands, [*where, "--now", NOW, *arguments], input=answer)


def start(
    *arguments: str, project: Path | None = None, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """A command in a process of its own, at `NOW`, without a terminal."""
    where = ("-C", str(project)) if project else ()
    return subprocess.Popen(
        [sys.executable, "-m", "newsletter", *where, "--now", NOW, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(environment or {})},
        cwd=Path(__file__).parent.parent,
    )


def spawn(
    *arguments: str, project: Path | None = None, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The same, waited for."""
    process = start(*arguments, project=project, environment=environment)
    stdout, stderr = process.communicate(timeout=PATIENCE)
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


def mails(project: Path) -> list[Path]:
    """What the demo's Maildir got."""
    new = project / "mail" / "new"
    return sorted(new.iterdir()) if new.is_dir() else []
