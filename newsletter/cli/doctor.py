"""`doctor`: everything a project leans on, looked at one by one, each with what to do about it. Mails nobody.

Each check is a function that yields one or more `Sign`s; an exception of the two error families is a *fail* in its own
words. What it does not know: SPF, DKIM and DMARC records.
"""

from __future__ import annotations

import socket
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import click

from newsletter.cli import output
from newsletter.cli.context import Command, ProjectContext, json_option, pass_project_context
from newsletter.errors import NewsletterError, SettingsError, counted

if TYPE_CHECKING:
    from pathlib import Path

    from newsletter.app import Project

Result = TypeVar("Result")
OK, WARN, FAIL = "ok", "warn", "fail"
LOOK_UP_SECONDS = 5.0
TOLD_LATELY = timedelta(days=7)
MOST_TOLD = 20


@dataclass(frozen=True, slots=True)
class Sign:
    """What one check saw. `advice` says what to do, and is empty for *ok*."""

    check: str
    level: str
    text: str
    advice: str = ""


@click.command(cls=Command)
@json_option
@pass_project_context
def doctor(context: ProjectContext, as_json: bool) -> int:
    """Look at everything a send leans on, and say what to do.

    Exit code 1 if anything fails; 2 if the settings cannot be read at all. Warnings are 0.

    JSON: {"checks": [{"check", "level": "ok" | "warn" | "fail", "text", "advice"}], "verdict": as of pick, or null,
    "numbers": {"unfinished_issue": KEY or null, "outbox_waiting": N, "workers": N, "subscribers": {"pending": N,
    "active": N, "unsubscribed": N, "suppressed": N}} or null}
    """
    signs, code = _examine(context)
    if as_json:
        verdict = _figures(context, lambda project: project.weekly.verdict(project.slot(None)))
        output.dump({"checks": signs, "verdict": verdict, "numbers": _figures(context, _numbers)})
    else:
        output.table(
            ("level", "check", "found"),
            [(one.level, one.check, f"{one.text}; {one.advice}" if one.advice else one.text) for one in signs],
        )
    return code


def _examine(context: ProjectContext) -> tuple[list[Sign], int]:
    try:
        project = context.project
    except SettingsError as error:
        return [Sign("settings", FAIL, str(error))], SettingsError.exit_code
    signs = [Sign("settings", OK, f"{project.root / 'newsletter.toml'} reads well")]
    for check in CHECKS:
        signs += _signs(check, project)
    return signs, 1 if any(one.level == FAIL for one in signs) else 0


def _figures(context: ProjectContext, read: Callable[[Project], Result]) -> Result | None:
    """What `read` makes of the project; None where a check has said why that cannot be."""
    from subscribers import SubscribersError

    with suppress(NewsletterError, SubscribersError):
        return read(context.project)
    return None


def _numbers(project: Project) -> dict[str, Any]:
    from newsletter.sending import outbox, workers

    unfinished = project.issues.unfinished()
    return {
        "unfinished_issue": unfinished.slot_key if unfinished else None,
        "outbox_waiting": outbox.ledger(project.database).still_open(),
        "workers": workers.count_open(project.database),
        "subscribers": project.book.counts(),
    }


def _signs(check: Callable[[Project], Iterator[Sign]], project: Project) -> list[Sign]:
    from subscribers import SubscribersError

    name = check.__name__.strip("_").replace("_", " ")
    seen: list[Sign] = []
    try:
        seen.extend(check(project))
    except (NewsletterError, SubscribersError) as error:
        seen.append(Sign(name, FAIL, str(error)))
    except OSError as error:
        seen.append(Sign(name, FAIL, f"{error.filename or ''} {error.strerror or error}".strip()))
    return seen


def _filled(check: str, text: str, *, otherwise: tuple[str, str, str]) -> Sign:
    """*ok* with the text; `otherwise` is the level, text and advice where it is empty."""
    return Sign(check, OK, text) if text else Sign(check, *otherwise)


def _postal_address(project: Project) -> Iterator[Sign]:
    address = " ".join(project.settings.newsletter.postal_address.split())
    none = (FAIL, "there is none", "set [newsletter] postal_address: nothing is sent without it")
    yield _filled("postal address", address, otherwise=none)


def _editors(project: Project) -> Iterator[Sign]:
    nobody = (WARN, "nobody is told when something goes wrong", "set [newsletter] editors")
    yield _filled("editors", ", ".join(project.settings.newsletter.editors), otherwise=nobody)


def _database(project: Project) -> Iterator[Sign]:
    database = project.unchecked_database
    database.check()
    yield Sign(
        "database", OK, f"{database.url.render_as_string(hide_password=True)} is at version {database.version()}"
    )


def _keys(project: Project) -> Iterator[Sign]:
    assert project.keys
    yield _secret("keys", project.settings.key_file, "is right; keep a copy apart from the database's")


def _dkim(project: Project) -> Iterator[Sign]:
    if project.signer:
        table = project.settings.dkim
        told = f"signs for {table.domain} as {table.selector}._domainkey; `newsletter dkim show` prints its DNS record"
        yield _secret("dkim", project.settings.dkim_key_file, told)


def _hooks(project: Project) -> Iterator[Sign]:
    from newsletter.web.hooks import load_secret

    if file := project.settings.hook_secret_file:
        assert load_secret(file)
        yield _secret("hooks", file, "is the secret of the CMS")


def _secret(check: str, file: Path, text: str) -> Sign:
    """A file that its owner alone should be able to read."""
    if file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return Sign(check, WARN, f"{file} can be read by others", f"chmod 600 {file}")
    return Sign(check, OK, f"{file} {text}")


def _templates(project: Project) -> Iterator[Sign]:
    """Renders an issue of one made-up article, the single mails and a proof: a template only breaks when it runs."""
    from newsletter import rendering
    from newsletter.issue import Article, Issue, Pick

    sections = project.weekly.sections()
    now = project.clock()
    article = Article(title="A title", url="https://example.org/a", dek="A line.", published=now, published_from="feed")
    issue = Issue(project.slot(None), sections, (Pick(article, sections[0].name, 1, 1.0),))
    publication, theme, templates = project.publication, project.theme, project.templates
    nonce = "0" * 12
    letter = rendering.render(issue, publication=publication, theme=theme, templates=templates, nonce=nonce)
    told = rendering.Told(issue.slot.key, "today", "It goes out", "tomorrow", ("A remark",), ("A finding",))
    rendering.render_proof(letter, told=told, publication=publication, theme=theme, templates=templates, nonce="1" * 12)
    for kind in rendering.MAILS:
        rendering.render_mail(kind, publication=publication, theme=theme, templates=templates, nonce=nonce)
    own = project.root / "templates"
    number = sum(1 for file in own.rglob("*.j2")) if own.is_dir() else 0
    yours = f"; {number} of them {'is' if number == 1 else 'are'} your own" if number else ""
    yield Sign("templates", OK, f"all render{yours}")


def _sources(project: Project) -> Iterator[Sign]:
    if not project.sources:
        yield Sign("sources", WARN, "there is none", "add a [[sources]] table to newsletter.toml")
    for source in project.sources:
        name = f"source {source.name}"
        record = project.shelf.pull_record(source.name)
        if record.pulled_at is None:
            yield Sign(name, WARN, "it was never read", "newsletter pull")
        elif record.problem:
            since = f"last read well at {output.when(record.good_at, project.settings.zone)}"
            yield Sign(name, FAIL, f"{record.problem} ({since})", "newsletter pull tries it again")
        else:
            yield Sign(name, OK, f"read at {output.when(record.good_at, project.settings.zone)}")


def _issue(project: Project) -> Iterator[Sign]:
    verdict = project.weekly.verdict(project.slot(None))
    level = OK if verdict.mails or verdict.outcome == "done" else FAIL if verdict.error else WARN
    yield Sign("issue", level, verdict.text, "" if level == OK else "`newsletter send --dry-run` shows all of it")
    for remark in verdict.remarks():
        yield Sign("issue", WARN, remark, "`newsletter pick` shows the picks")


def _told(project: Project) -> Iterator[Sign]:
    """What the operator was told lately. It is no check, so what is over is only shown until it is a week old."""
    for one in project.issues.alerts_since(project.clock() - TOLD_LATELY)[-MOST_TOLD:]:
        at = output.when(one.at, project.settings.zone)
        yield Sign(
            "told", WARN, f"{one.about}, {at}: {one.text}", "see whether it is over; this line goes after a week"
        )


def _audience(project: Project) -> Iterator[Sign]:
    number = project.weekly.audience_size()
    nobody = (WARN, "nobody would get an issue", "newsletter subscribers import FILE")
    yield _filled("audience", counted(number, "active subscriber") if number else "", otherwise=nobody)


def _backend(project: Project) -> Iterator[Sign]:
    backend = project.backend()
    backend.open().close()
    yield Sign("backend", OK, f"{backend.where} is open to us")


def _names(project: Project) -> Iterator[Sign]:
    sender = project.settings.from_address.rpartition("@")[2]
    public = urlsplit(project.settings.newsletter.public_url).hostname or ""
    refused = "mail servers refuse senders whose domain has neither MX nor address records; check [newsletter] from"
    for check, host, level, advice in (
        ("name of the sender", sender, WARN, refused),
        ("name of the pages", public, FAIL, "check [newsletter] public_url"),
    ):
        found = f"{host} is found" if _resolves(host) else ""
        yield _filled(check, found, otherwise=(level, f"{host} is not found", advice))


def _resolves(host: str) -> bool:
    """Whether the system finds an address of the host within a few seconds; a look-up cannot be stopped."""
    found: list[object] = []

    def ask() -> None:
        with suppress(OSError, UnicodeError):
            found.extend(socket.getaddrinfo(host, None))

    looking = threading.Thread(target=ask, daemon=True)
    looking.start()
    looking.join(LOOK_UP_SECONDS)
    return bool(found)


def _pages(project: Project) -> Iterator[Sign]:
    from newsletter.fetch import Fetcher

    url = f"{project.settings.newsletter.public_url}/healthz"
    # Our own pages may well lie on this machine or in its network.
    fetcher = Fetcher(allow_private=("0.0.0.0/0", "::/0"), timeout_total=LOOK_UP_SECONDS)
    try:
        fetcher.get(url)
    except NewsletterError as error:
        yield Sign("pages", FAIL, str(error), f"start `newsletter serve` and see that {url} leads there")
    else:
        yield Sign("pages", OK, f"{url} answers")


# In this order; each has the name of its function.
CHECKS: tuple[Callable[[Project], Iterator[Sign]], ...] = (
    *(_postal_address, _editors, _database, _keys, _dkim, _hooks, _templates, _sources),
    *(_told, _audience, _issue, _backend, _names, _pages),
)
