"""What every command shares: which project it is about (-C), what time it is, and the shape of its options.

`-C` may stand before or after a command's name; the last one counts. Loads nothing heavy before a command asks for
its project. Raises what making a `Project` raises.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from newsletter.errors import NotYet

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from newsletter.app import Project
    from newsletter.issue import Slot
    from newsletter.weekly.editor import Who


class ProjectContext:
    """One run of the command line. `now` stands still when it was given."""

    def __init__(self) -> None:
        self.folder = Path()
        self.now: datetime | None = None
        self.debug = False
        self.for_sending = False  # a mistake in what sending does not read stops no frozen issue
        self.leaving = False  # nor does any in the settings of mail keep somebody from leaving

    def clock(self) -> datetime:
        """The time, in UTC."""
        return self.now or datetime.now(UTC)  # noqa: TID251 - the clock itself

    def open(self) -> Project:
        """The project, opened afresh."""
        from newsletter.app import Project

        if self.for_sending or self.leaving:
            return Project.for_sending(self.folder, clock=self.clock, leaving=self.leaving)
        return Project(self.folder, clock=self.clock)

    @cached_property
    def project(self) -> Project:
        return self.open()

    @property
    def zone(self) -> ZoneInfo:
        """The newsletter's own zone, in which times are printed."""
        return self.project.settings.zone

    def slot(self, key: str | None) -> Slot:
        """The slot of a key, or the current week's."""
        return self.project.slot(key)

    def close(self) -> None:
        """Let go of the database, if a command opened it."""
        if "project" in vars(self):
            self.project.close()


pass_project_context = click.make_pass_decorator(ProjectContext, ensure=True)


def time_of(value: str) -> datetime:
    """A time with an offset, in UTC. Raises `click.BadParameter`."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise click.BadParameter(f'"{value}" is not a time with an offset such as 2026-11-19T07:00:00+01:00')
    return moment.astimezone(UTC)


def _keep(
    name: str, *, read: Callable[[Any], Any] = lambda value: value
) -> Callable[[click.Context, click.Parameter, Any], None]:
    def callback(context: click.Context, _option: click.Parameter, value: Any) -> None:
        if value is not None and value is not False:
            setattr(context.ensure_object(ProjectContext), name, read(value))

    return callback


def _shared() -> list[click.Parameter]:
    return [
        click.Option(
            ["-C", "--project", "project_folder"],
            metavar="DIR",
            type=click.Path(path_type=Path),
            callback=_keep("folder"),
            expose_value=False,
            help="The project's folder (default: this one).",
        ),
        click.Option(["--now"], hidden=True, callback=_keep("now", read=time_of), expose_value=False),
        click.Option(["--debug"], hidden=True, is_flag=True, callback=_keep("debug"), expose_value=False),
    ]


class Command(click.Command):
    """A command that takes the shared options."""

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        self.params += _shared()


class Group(click.Group):
    """A group that takes the shared options, and whose commands do."""

    command_class = Command

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        self.params += _shared()


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, and nothing else, on standard output.")
by_option = click.option(
    "--by", metavar="NAME", default="", envvar="NEWSLETTER_EDITOR", help="Who decides, for the record."
)
slot_option = click.option("--slot", "slot_key", metavar="KEY", help="The week, such as 2026-W47 (default: this one).")


def number_of(context: ProjectContext, what: str) -> int:
    """The number of the article that a number or an address names."""
    number = context.project.shelf.find(what).article.id
    assert number is not None
    return number


def who(name: str) -> Who:
    """Whoever decides by a command."""
    from newsletter.weekly.editor import Who

    return Who(name, "command")


def not_yet(group: Group, name: str, short_help: str) -> None:
    """A command of the contract that comes with a later version: it says so and fails."""

    @group.command(
        name,
        context_settings={"ignore_unknown_options": True},
        help=f"{short_help} Comes with a later version.",
        short_help=f"{short_help} (not yet)",
    )
    @click.argument("rest", nargs=-1, type=click.UNPROCESSED)
    @click.pass_context
    def later(context: click.Context, rest: tuple[str, ...]) -> None:  # noqa: ARG001 - taken, so that it is not refused
        raise NotYet(f"`{context.command_path}` is not built yet; it comes with a later version")
