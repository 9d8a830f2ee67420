"""A project to run commands in, and the command line itself: in this process, or in one of its own."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from click.testing import CliRunner, Result

from newsletter.cli import commands

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
    stdout, stderr = process.communicate(timeout=60)
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


@functools.cache
def _made_once(name: str) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="newsletter-test-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made = run("init", str(folder / name), "--demo")
    assert made.exit_code == 0, made.output
    if name == "pulled":
        assert run("pull", project=folder / name).exit_code == 0
    if name == "sent":
        assert run("send", "--yes", project=folder / name).exit_code == 0
    return folder / name


def demo(folder: Path, state: str = "fresh") -> Path:
    """The demo project in `folder`: `fresh`, `pulled`, or with its issue `sent`. Made once and copied."""
    return Path(shutil.copytree(_made_once(state), folder / "project"))


def mails(project: Path) -> list[Path]:
    """What the demo's Maildir got."""
    new = project / "mail" / "new"
    return sorted(new.iterdir()) if new.is_dir() else []


def set_line(project: Path, old: str, new: str) -> None:
    """Change one line of the project's settings."""
    file = project / "newsletter.toml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
