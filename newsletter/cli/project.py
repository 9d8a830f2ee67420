"""The project as a whole: `init`, `migrate`, `schedule`, `serve`. Knows no rules; the other packages do the work."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from newsletter.cli import formats, output
from newsletter.cli.context import Command, ProjectContext, json_option, pass_project_context
from newsletter.errors import ConfigurationError, FetchError, Refused
from newsletter.image_types import SUFFIXES, media_type

if TYPE_CHECKING:
    from newsletter.sources.site import Site

DATABASE_VARIABLE = "NEWSLETTER_DATABASE__URL"
SETTINGS_FILE = "newsletter.toml"


@click.command(cls=Command)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--demo", is_flag=True, help="Add a sample site and 25 sample subscribers; mails go into a Maildir.")
@click.option("--from", "site_url", metavar="URL", help="Fill in what this site says of itself; show a first draft.")
@pass_project_context
def init(context: ProjectContext, folder: Path, demo: bool, site_url: str | None) -> None:
    """Make a new project in DIR.

    Writes a commented newsletter.toml, .env.example, templates/, the keys behind the unsubscribe links and the
    database. Never overwrites anything: a folder that already has a newsletter.toml is refused. --from reads the
    site's feed, name, language, logo, colour and sections, writes them down, and prints what the first issue would be.
    """
    if demo and site_url:
        raise ConfigurationError("--demo and --from are two kinds of new project; give one of them")
    root = context.folder / folder
    root.mkdir(parents=True, exist_ok=True)
    settings = root / SETTINGS_FILE
    found = _look_at(context, site_url) if site_url and not settings.exists() else None
    try:
        _write_settings(settings, demo=demo, found=found)
    except FileExistsError:
        raise ConfigurationError(
            f"{settings} is already there and nothing was touched; choose another folder, or go on with it as it is"
        ) from None
    try:
        _write_files(root)
        context.folder = root
        if demo:
            _add_demo(context)
        elif not os.environ.get(DATABASE_VARIABLE):
            _make_database(context)
    except BaseException:
        # Half a project would be taken for a whole one by the next `init`.
        settings.unlink(missing_ok=True)
        raise
    if found is not None:
        _first_draft(context)
    _next_steps(root, demo=demo, filled_in=found is not None)


@dataclass(frozen=True, slots=True)
class _Found:
    site: Site
    logo: bytes = b""
    logo_type: str = ""
    allow_private: tuple[str, ...] = ()


def _look_at(context: ProjectContext, url: str) -> _Found:
    """What the site says of itself. An address of this machine that the operator names is one they may read."""
    from newsletter.fetch import Fetcher
    from newsletter.links import is_loopback, refusal
    from newsletter.sources.site import MAX_LOGO, look_at

    url = url if "://" in url else f"https://{url}"
    if reason := refusal(url):
        raise ConfigurationError(f"--from must be an http:// or https:// address; {url!r} {reason}")
    host = urlsplit(url).hostname or ""
    private = (host,) if is_loopback(host) else ()
    fetcher = Fetcher(allow_private=private)
    site = look_at(url, fetcher=fetcher, now=context.clock())
    if not site.feeds and not site.sitemap:
        raise Refused(f"{url} has no feed and no sitemap that can be read; looked at: {', '.join(site.looked_at)}")
    data = b""
    if site.logo:
        with suppress(FetchError):
            data = fetcher.get(site.logo, max_bytes=MAX_LOGO).body
    return _Found(site, data, media_type(data), private)


def _first_draft(context: ProjectContext) -> None:
    """What the first issue would be. A site that cannot be read now is no reason to undo the project."""
    project = context.project
    for line in project.weekly.pull():
        output.say(formats.pull_text(line))
    formats.picks(project.weekly.pick(context.slot(None)))
    output.say("")


def _write_settings(file: Path, *, demo: bool, found: _Found | None) -> None:
    from newsletter import demo as sample, project_files

    text = sample.SETTINGS if demo else project_files.settings_text()
    if found is not None:
        logo = f"logo.{SUFFIXES[found.logo_type]}" if found.logo_type else ""
        text = project_files.settings_of(found.site, logo=logo, allow_private=found.allow_private)
        if logo and not (file.parent / logo).exists():
            (file.parent / logo).write_bytes(found.logo)
    with file.open("x", encoding="utf-8", newline="\n") as new:
        new.write(text)


def _write_files(root: Path) -> None:
    from newsletter import project_files
    from subscribers import create_keys

    (root / "templates").mkdir(exist_ok=True)
    for name, text in project_files.files():
        if not (root / name).exists():
            (root / name).write_text(text, encoding="utf-8", newline="\n")
    # Keys that are there belong to links already mailed.
    if not (root / "newsletter.key").exists():
        create_keys(root / "newsletter.key")


def _make_database(context: ProjectContext) -> None:
    """The database of a project whose settings still wait to be filled in."""
    from newsletter.database import Database

    database = Database(f"sqlite:///{(context.folder / 'newsletter.db').resolve()}")
    try:
        database.migrate(now=context.clock())
    finally:
        database.dispose()


def _add_demo(context: ProjectContext) -> None:
    from newsletter import demo
    from subscribers import import_csv

    project = context.project
    project.unchecked_database.migrate(now=context.clock())
    demo.write_site(context.folder / "site", now=context.clock())
    import_csv(project.book, demo.READERS, confirmed=True)
    project.book.suppress(demo.COMPLAINED, reason="complaint")


def _next_steps(root: Path, *, demo: bool, filled_in: bool) -> None:
    output.say(f"{root} is a newsletter now. Next:")
    if demo:
        output.say(f"  newsletter -C {root} send --yes    the whole weekly job; the mails land in {root / 'mail'}")
        output.say(f"  newsletter -C {root} preview       what it looks like, live")
        return
    todo = f"fill in from, public_url and postal_address in {root / SETTINGS_FILE}, and add a [[sources]] table"
    if filled_in:
        todo = f"fill in postal_address in {root / SETTINGS_FILE}; from and public_url are guesses"
    output.say(f"  1. {todo}")
    if os.environ.get(DATABASE_VARIABLE):
        output.say(f"     newsletter -C {root} migrate    makes the tables of the database {DATABASE_VARIABLE} names")
    output.say(f"  2. newsletter -C {root} doctor     says what is still missing")
    output.say(f"  3. newsletter -C {root} pull       reads the articles; then `pick` and `preview` show the issue")
    output.say(f"  4. newsletter -C {root} subscribers import FILE")
    output.say(f"  5. newsletter -C {root} send")
    output.say(
        f"Keep a copy of {root / 'newsletter.key'} apart from the database: without it every unsubscribe link dies."
    )


@click.command(cls=Command)
@json_option
@pass_project_context
def migrate(context: ProjectContext, as_json: bool) -> None:
    """Bring the database to this version.

    Run it after an upgrade. A database made by a newer version is refused and stays as it is.

    JSON: {"before": VERSION or null, "after": VERSION}
    """
    before, after = context.project.unchecked_database.migrate(now=context.clock())
    if as_json:
        output.dump({"before": before, "after": after})
    elif before == after:
        output.say(f"the database is at version {after} already")
    else:
        output.say(f"the database went from version {before or 'none'} to {after}")


@click.command(cls=Command)
@click.option("--weeks", metavar="N", type=click.IntRange(1, 520), default=8, show_default=True, help="How many.")
@json_option
@pass_project_context
def schedule(context: ProjectContext, weeks: int, as_json: bool) -> None:
    """Show the next slots, with zone and offset.

    JSON: [{"slot": KEY, "at": local time with offset, "zone": NAME}]
    """
    from newsletter.slots import coming

    rule = context.project.schedule
    found = coming(rule, now=context.clock(), number=weeks)
    if as_json:
        output.dump([{"slot": one.key, "at": one.at.isoformat(), "zone": rule.zone.key} for one in found])
        return
    output.table(
        ("slot", "at", "day", "zone"),
        [(one.key, output.when(one.at, context.zone), one.at.strftime("%A"), rule.zone) for one in found],
    )


@click.command(cls=Command)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="The port; 0 is any.")
@pass_project_context
def serve(context: ProjectContext, host: str, port: int) -> None:
    """Run the public pages, the hooks, the outbox and the ticker, until stopped.

    Put a TLS proxy in front (docs/running.md). Ctrl-C or SIGTERM ends it.
    """
    from newsletter import web
    from newsletter.ticker import Ticker

    context.leaving = True
    project = context.project
    output.log_otherwise()
    ticker = Ticker(project, hourly=(project.book.tidy, web.guard_of(project).tidy))
    web.serve(project, host=host, port=port, beside=(ticker,))
