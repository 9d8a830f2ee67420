"""`subscribers …`: the Book from the command line. Nothing here decides about consent."""

from __future__ import annotations

import os
import stat
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from newsletter.cli import output
from newsletter.cli.context import Group, ProjectContext, json_option, not_yet, pass_project_context
from newsletter.errors import Refused, counted

if TYPE_CHECKING:
    from subscribers import ImportReport, Record, Subscriber

STATUSES = click.Choice(["pending", "active", "unsubscribed"])
KEPT_OUT = "they stay out"


@click.group(cls=Group)
@pass_project_context
def subscribers(context: ProjectContext) -> None:
    """The Book: who wants the newsletter, since when and under which words."""
    context.leaving = True


@subscribers.command()
@click.argument("email")
@click.option("--name", default="", metavar="TEXT", help="Their name.")
@click.option("--language", default="", metavar="TAG", help="Their language, such as en or pt-BR.")
@click.option("--confirmed", is_flag=True, help="I hold their consent: make them active at once.")
@pass_project_context
def add(context: ProjectContext, email: str, name: str, language: str, confirmed: bool) -> int:
    """Invite an address: it is pending and gets a confirmation mail.

    The mail waits in the outbox; `newsletter send`, `worker` or `serve` sends it.
    """
    book = context.project.book
    if confirmed:
        result = book.add_confirmed(email, name=name, language=language)
        output.say(f"{email} is active" if result.changed else f"{email} was active already")
        return 0
    outcome = book.add(email, name=name, language=language).outcome
    sentences = {
        "asked": f"{email} is pending; a confirmation mail waits in the outbox (`newsletter worker` sends it now)",
        "already": f"{email} is active already; nothing was changed",
        "held back": f"{email} was asked lately or said no; no further mail is written to them now",
    }
    output.say(sentences[outcome.value])
    return 1 if outcome.value == "held back" else 0


@subscribers.command("list")
@click.option("--status", type=STATUSES, help="Only these.")
@click.option("--limit", metavar="N", type=click.IntRange(1, 1000), default=100, show_default=True, help="How many.")
@click.option("--after", metavar="EMAIL", help="Go on after this one.")
@json_option
@pass_project_context
def list_(context: ProjectContext, status: str | None, limit: int, after: str | None, as_json: bool) -> None:
    """List subscribers in the order in which they came.

    JSON: {"subscribers": [{"email", "name", "language", "status", "suppressed": reason or "", "origin", "created_at",
    "confirmed_at", "unsubscribed_at"}], "next": EMAIL for --after, or null}
    """
    from subscribers import Status, exported

    book = context.project.book
    start = 0
    if after is not None:
        subscriber = book.find(after)
        if subscriber is None:
            raise Refused(f"{after} is not in the Book; --after takes the last address of the list before")
        start = subscriber.id
    page = book.page_with_suppressions(after=start, limit=limit + 1, status=Status(status) if status else None)
    shown = page[:limit]
    more = shown[-1][0].email if len(page) > limit else None
    if as_json:
        output.dump({"subscribers": [exported(*one) for one in shown], "next": more})
        return

    def since(one: Subscriber) -> str:
        return output.when(one.unsubscribed_at or one.confirmed_at or one.created_at, context.zone)

    rows = [(one.email, one.name, one.status, suppressed, since(one)) for one, suppressed in shown]
    output.table(("address", "name", "status", "suppressed", "since"), rows)
    if more:
        output.note(f"there are more: --after {more}")


@subscribers.command()
@click.argument("email")
@json_option
@pass_project_context
def show(context: ProjectContext, email: str, as_json: bool) -> None:
    """Show everything known about an address, with the record of its consent.

    JSON: {"subscriber": as of `subscribers list` or null, "suppression": {"reason", "since"} or null,
    "consents": [{"at", "what", "via", "form", "wording", "wording_hash", "ip", "user_agent", "detail"}]}
    """
    record = context.project.book.show(email)
    if as_json:
        output.dump(_record_json(record))
        return
    when = partial(output.when, zone=context.zone)
    subscriber, suppression = record.subscriber, record.suppression
    if subscriber is not None:
        output.facts(
            {
                "address": subscriber.email,
                "name": subscriber.name,
                "language": subscriber.language,
                "status": subscriber.status,
                "came by": subscriber.origin,
                "asked": when(subscriber.created_at),
                "confirmed": when(subscriber.confirmed_at),
                "unsubscribed": when(subscriber.unsubscribed_at),
            }
        )
    if suppression is not None:
        output.say(f"suppressed since {when(suppression.since)}: {suppression.reason}")
    if record.consents:
        output.heading("Record")
        lines = [(when(one.at), one.what, one.via, one.ip, one.wording, one.detail) for one in record.consents]
        output.table(("at", "what", "via", "from", "words", "detail"), lines)


def _record_json(record: Record) -> dict[str, Any]:
    from subscribers import exported

    subscriber, suppression = record.subscriber, record.suppression
    return {
        "subscriber": subscriber and exported(subscriber, suppression.reason if suppression else ""),
        "suppression": suppression and asdict(suppression),
        "consents": [asdict(line) for line in record.consents],
    }


not_yet(subscribers, "stats", "How many came, confirmed and left.")


@subscribers.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--confirmed", is_flag=True, help="I hold the consent of everybody in the file: make them active.")
@json_option
@pass_project_context
def import_(context: ProjectContext, file: Path, confirmed: bool, as_json: bool) -> int:
    """Take in a CSV file with a column called email (and, if you like, name, language and status).

    Without --confirmed they are pending and are not written to. Good rows are kept, bad ones are listed with row
    number and reason, and then the exit code is 1. Whoever the file says has left, bounced or complained is
    unsubscribed or suppressed, also when active before; whoever it says never confirmed is set back to pending, unless
    they clicked here. A column about consent that is not understood stops the import before anything is written. Nobody
    who left or is suppressed comes back, and importing a file twice changes nothing.

    JSON: {"rows", "created", "confirmed", "already", "suppressed", "unsubscribed", "unsubscribed_by_file",
    "suppressed_by_file", "unconfirmed_by_file", "ended": active ones of these three, "duplicates", "bad_count",
    "bad": [{"row", "reason"}], "notes": [TEXT]}
    """
    from subscribers import ImportReport, imports

    report = ImportReport()
    for batch, report in enumerate(imports(context.project.book, file, confirmed=confirmed), start=1):
        if batch % 10 == 0:
            output.note(f"{report.done:,} of {report.rows:,} rows are taken in")
    if as_json:
        output.dump({**asdict(report), "bad": [{"row": row, "reason": reason} for row, reason in report.bad]})
    else:
        _say_report(report)
    return 1 if report.bad_count else 0


def _say_report(report: ImportReport) -> None:
    for sentence in report.notes:
        output.note(sentence)
    for row, reason in report.bad:
        output.say(f"row {row}: {reason}")
    if report.bad_count > len(report.bad):
        output.say(f"… and {counted(report.bad_count - len(report.bad), 'more bad row')}")
    parts = (
        (report.created, "new"),
        (report.confirmed, "confirmed by you"),
        (report.already, "known already"),
        (report.unsubscribed_by_file, "unsubscribed by the file"),
        (report.suppressed_by_file, "suppressed by the file"),
        (report.unconfirmed_by_file, "set back to pending by the file"),
        (report.unsubscribed, f"who left ({KEPT_OUT})"),
        (report.suppressed, f"suppressed ({KEPT_OUT})"),
        (report.duplicates, "named twice"),
        (report.bad_count, "bad"),
    )
    told = ", ".join(f"{number:,} {what}" for number, what in parts if number)
    output.say(f"{counted(report.rows, 'row')}: {told or 'nobody'}")
    if report.ended:
        output.say(f"{report.ended:,} of them had been active until now and will get no more mail")


@subscribers.command()
@click.option("--status", type=STATUSES, help="Only these.")
@click.option(
    "-o",
    "--output",
    "file",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    default="-",
    help="Where to, readable by you alone; - is standard output.",
)
@pass_project_context
def export(context: ProjectContext, status: str | None, file: Path) -> None:
    """Write everybody as CSV, to standard output or --output FILE. `subscribers import` reads it again."""
    from subscribers import Status, export_csv

    lines = export_csv(context.project.book, status=Status(status) if status else None)
    with click.open_file("-", "w", encoding="utf-8") if str(file) == "-" else _private_file(file) as text:
        text.writelines(lines)


def _private_file(path: Path) -> TextIO:
    """A file to write that nobody else may read, whatever the umask, and whatever it was before."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.fchmod(descriptor, 0o600)
            os.ftruncate(descriptor, 0)
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}") from error
    return os.fdopen(descriptor, "w", encoding="utf-8", newline="")


@subscribers.command()
@click.argument("email")
@click.option("--reason", default="operator", metavar="TEXT", show_default=True, help="Why, for the record.")
@click.option("--lift", is_flag=True, help="Take a suppression back instead.")
@pass_project_context
def suppress(context: ProjectContext, email: str, reason: str, lift: bool) -> int:
    """Never mail this address again, known or not. It outlives everything but --lift."""
    book = context.project.book
    if lift:
        if book.lift_suppression(email, detail=reason):
            output.say(f"{email} is no longer suppressed")
            return 0
        raise Refused(f"{email} was not suppressed")
    new = book.suppress(email, reason=reason)
    output.say(f"{email} is suppressed" if new else f"{email} was suppressed already; the first reason stays")
    return 0


@subscribers.command()
@click.argument("email")
@pass_project_context
def unsubscribe(context: ProjectContext, email: str) -> None:
    """Unsubscribe an address. Only its owner can come back."""
    departure = context.project.book.unsubscribe(email)
    output.say(f"{email} is unsubscribed" if departure.changed else f"{email} had left before; nothing was changed")


@subscribers.command()
@click.argument("email")
@pass_project_context
def forget(context: ProjectContext, email: str) -> None:
    """Erase a subscriber, but for what prevents every later mail to the address."""
    gone = context.project.sender.forget(email)
    unknown = f"nothing was known of {email}; it is suppressed all the same, and `newsletter subscribers "
    output.say(f"{email} is forgotten" if gone else f"{unknown}suppress {email} --lift` undoes that")
