"""`backup` and `restored`: a copy of everything a project cannot do without, and how one that was put back is known."""

from __future__ import annotations

import os
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli import output
from newsletter.cli.context import Command, ProjectContext, json_option, pass_project_context, time_of
from newsletter.errors import ConfigurationError, counted

if TYPE_CHECKING:
    from newsletter.app import Project
    from newsletter.database import Database

DATABASE, DUMP = "newsletter.db", "newsletter.dump"


@click.command(cls=Command)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@json_option
@pass_project_context
def backup(context: ProjectContext, file: Path, as_json: bool) -> None:
    """Copy the database, the keys, the settings and the templates into one tar file, while everything runs.

    It holds every address and every key: it is readable by its owner alone. A file that is there is not overwritten.

    JSON: {"file", "bytes", "holds": [NAME]}
    """
    context.leaving = True
    project = context.project
    project.database.check()
    if file.exists():
        raise ConfigurationError(f"{file} is there already; give another name")
    with tempfile.TemporaryDirectory(prefix=f".{file.name}.", dir=file.parent) as folder:
        copy = _database_into(project, Path(folder), now=context.clock())
        written = Path(folder) / "backup.tar"
        names = []
        with os.fdopen(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            with tarfile.open(fileobj=out, mode="w") as tar:
                for path, name in ((copy, copy.name), *_files(project)):
                    tar.add(path, arcname=name)
                    names.append(name)
            out.flush()
            os.fsync(out.fileno())
        written.rename(file)
    if as_json:
        output.dump({"file": str(file), "bytes": file.stat().st_size, "holds": names})
    else:
        what = f"{counted(len(names), 'file')}, {file.stat().st_size:,} bytes"
        output.say(f"{file}: {what}; keep it where only you can read it")


def _database_into(project: Project, folder: Path, *, now: datetime) -> Path:
    from newsletter.copies import Copies
    from newsletter.database import Database

    database = project.database
    if not database.is_sqlite:
        return _dump(database, folder / DUMP)
    copy = folder / DATABASE
    database.copy_to(copy)
    copied = Database(f"sqlite:///{copy}")
    Copies(copied).mark(at=now)
    with copied.read() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    copied.dispose()
    return copy


def _dump(database: Database, file: Path) -> Path:
    try:
        # By variables, since every user of the machine can read a command's arguments.
        done = subprocess.run(  # noqa: S603 - no shell, and no word of anybody else's
            ["pg_dump", "--format=custom", f"--file={file}"],  # noqa: S607 - found as a person would find it
            env={**os.environ, **database.postgres_variables},
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise ConfigurationError("pg_dump is not installed here; it comes with PostgreSQL's client package") from error
    if done.returncode:
        raise ConfigurationError(f"pg_dump could not copy the database: {done.stderr.strip()[:500]}")
    return file


def _files(project: Project) -> Iterator[tuple[Path, str]]:
    """What is there of what a project needs besides: their paths, and their names inside."""
    settings, root = project.settings, project.root.resolve()
    named = [root / "newsletter.toml", root / ".env", settings.key_file, settings.dkim_key_file, root / "templates"]
    named += [file for file in (settings.hook_secret_file,) if file]
    if password := settings.backend.options.get("password_file"):
        named.append(root / str(password))
    for path in dict.fromkeys(path.resolve() for path in named):
        if path.exists():
            yield path, str(path.relative_to(root)) if path.is_relative_to(root) else f"elsewhere/{path.name}"


@click.command(cls=Command)
@click.option("--from", "at", metavar="TIME", required=True, help="When the copy was made.")
@json_option
@pass_project_context
def restored(context: ProjectContext, at: str, as_json: bool) -> None:
    """Say that this database is a copy that was put back, where `newsletter backup` did not make it.

    Issues that may have gone out after TIME, such as 2026-11-19T02:00:00+00:00, then wait for you.

    JSON: {"copy_of": TIME}
    """
    from newsletter.copies import Copies

    context.leaving = True
    made = time_of(at)
    copies = Copies(context.project.database)
    copies.mark(at=made)
    copies.put_back(now=context.clock())
    if as_json:
        output.dump({"copy_of": made})
    else:
        when = output.when(made, context.zone)
        output.say(f"whatever may have gone out after {when} waits for `newsletter send --slot KEY --yes`")
