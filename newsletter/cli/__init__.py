"""The command line: `newsletter …`. The map, in the order of the contract:

    context         what every command shares: -C, --now, --debug; the project it works on
    output          tables, JSON, times; how something is refused
    project         init, migrate, schedule, serve         doctor    doctor
    weekly          pull, pick, preview, check             sending   send, worker
    articles        articles list, show, add, edit         decisions the rest of articles …
    issues          most of issues …, audit                words     issues intro, subject, insert, export, edit
    subscribers     subscribers …                          editors  editors list, link, revoke
    dkim            dkim new, show                         backup   backup, restored

A command's module is loaded when it is named, and heavy libraries when it runs: `newsletter --help` has to answer at
once. A command returns its exit code (None is 0: done; 1: failed or not clean; 2: wrong usage or configuration) or
raises one of the two error families, which become one line and a code here and nowhere else. Knows no rules of its own.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from newsletter import __version__
from newsletter.cli import output
from newsletter.cli.context import Group, ProjectContext
from newsletter.errors import NewsletterError

MODULES = {
    "init": "project",
    "migrate": "project",
    "pull": "weekly",
    "articles": "decisions",
    "pick": "weekly",
    "preview": "weekly",
    "check": "weekly",
    "send": "sending",
    "worker": "sending",
    "issues": "words",
    "editors": "editors",
    "audit": "issues",
    "schedule": "project",
    "serve": "project",
    "subscribers": "subscribers",
    "dkim": "dkim",
    "backup": "backup",
    "restored": "backup",
    "doctor": "doctor",
}
INTERRUPTED = 130


class Newsletter(Group):
    """The group of all commands, each loaded by its name."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's interface
        return list(MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - likewise
        if cmd_name not in MODULES:
            return None
        command: click.Command = getattr(importlib.import_module(f"newsletter.cli.{MODULES[cmd_name]}"), cmd_name)
        return command

    def main(  # type: ignore[override]
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,  # noqa: ARG002 - it is always called the same
        **extra: Any,
    ) -> NoReturn:
        """Run one command and end the process with its exit code."""
        context = ProjectContext()
        try:
            code = self._run(args, context, extra)
        finally:
            context.close()
        sys.exit(code)

    def _run(self, args: Sequence[str] | None, context: ProjectContext, extra: dict[str, Any]) -> int:
        try:
            output.prepare()
            code = super().main(args, "newsletter", **{**extra, "standalone_mode": False, "obj": context})
            sys.stdout.flush()
        except click.Abort:
            return INTERRUPTED
        except BrokenPipeError:
            output.abandon()
            return 1
        except Exception as error:  # noqa: BLE001 - the one place where whatever happened becomes a line and a code
            if context.debug:
                import traceback

                traceback.print_exc()
            return _refused(error)
        return code if isinstance(code, int) else 0


def _refused(error: Exception) -> int:
    """Say in one line why it was not done; returns the exit code."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return error.exit_code
    if isinstance(error, click.ClickException):
        context = getattr(error, "ctx", None)
        more = f" (`{context.command_path} --help` says more)" if context else ""
        output.complain(error.format_message().rstrip(".") + more)
        return error.exit_code
    # An error of the other family can only come from a package that is loaded.
    theirs = getattr(sys.modules.get("subscribers"), "SubscribersError", NewsletterError)
    if isinstance(error, NewsletterError | theirs):
        output.complain(str(error))
        code: int = error.exit_code
        return code
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        output.complain(f"{where}{error.strerror or error}; put that right and run it again")
        return 2
    output.complain(
        f"this is a bug: {type(error).__name__}: {error}; run it again with --debug and report what it prints"
    )
    return 1


@click.command(cls=Newsletter, name="newsletter", no_args_is_help=True)
@click.version_option(__version__, message="newsletter %(version)s")
def commands() -> None:
    """A publisher's weekly highlights newsletter that runs itself.

    Begin with `newsletter init DIR --demo`. Exit codes: 0 done, 1 the thing asked for failed or is not clean, 2 wrong
    usage or configuration.
    """


def main() -> NoReturn:
    """The command `newsletter`."""
    commands.main()
