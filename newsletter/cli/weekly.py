"""The week up to the freeze: `pull`, `pick`, `preview`, `check`. They change nothing but the shelf."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli import formats, output
from newsletter.cli.context import Command, ProjectContext, json_option, pass_project_context, slot_option
from newsletter.errors import ConfigurationError, NotYet, Refused, counted
from newsletter.options import did_you_mean

if TYPE_CHECKING:
    from newsletter.issue import Issue
    from newsletter.rendering.check import Finding
    from newsletter.weekly import Verdict


@click.command(cls=Command)
@click.option("--source", "names", metavar="NAME", multiple=True, help="Read this source alone; may be repeated.")
@click.option("--accept", metavar="SOURCE", help="Let in what this source gave beyond its usual.")
@json_option
@pass_project_context
def pull(context: ProjectContext, names: tuple[str, ...], accept: str | None, as_json: bool) -> int:
    """Read the sources onto the shelf, all of them or some.

    A line per source; one that fails never stops the others. Exit code 1 if any failed. What a source gives
    at once far beyond its usual week is in no issue before --accept lets it in.

    JSON: [{"source", "new", "changed", "same", "unchanged", "failed", "problems": [TEXT], "quarantined",
    "numbers"}]
    """
    known = [source.name for source in context.project.settings.sources]
    for name in (*names, *([] if accept is None else [accept])):
        if name not in known:
            raise Refused(f'there is no source "{name}"{did_you_mean(name, known)}')
    if accept is not None:
        number = context.project.shelf.let_in(accept)
        if not as_json:
            output.say(f"{accept}: {counted(number, 'article')} let in")
    if not known:
        raise ConfigurationError("there is no source to read; add a [[sources]] table to newsletter.toml")
    lines = context.project.weekly.pull(context.project.slot(None), names=names)
    if as_json:
        output.dump(lines)
    else:
        for line in lines:
            output.say(formats.pull_text(line))
            for problem in line.problems:
                output.say(f"  {problem}")
    return 1 if any(line.failed for line in lines) else 0


@click.command(cls=Command)
@slot_option
@click.option("--why", metavar="URL", help="Explain one article, by its address or number.")
@json_option
@pass_project_context
def pick(context: ProjectContext, slot_key: str | None, why: str | None, as_json: bool) -> None:
    """Show what the issue would be now, and why. Changes nothing.

    JSON: {"slot", "at", "sections": [{"name", "title"}], "picked": [{"section", "position", "score", "reason", "beat",
    "detail", "article": {"id", "title", "url", "source", "published", "lacks"}, "related": [as article],
    "decision": as of `articles pin`, or null, "terms": [{"name", "weight", "value", "points", "why"}]}],
    "passed_over": [{"reason", "score", "waits", "section", "needs", "article", "terms"}], "notes": {SECTION: TEXT},
    "verdict": {"outcome", "slot", "text", "reason", "subject", "recipients", "empty_sections": [TITLE],
    "silent_sources": [{"source", "reason"}]}}; with --why only the one of that
    article. The verdict is what `send` would do now.
    """
    slot = context.slot(slot_key)
    weekly = context.project.weekly
    if why is not None:
        _explain(context, weekly.pick(slot), why, as_json=as_json)
        return
    verdict = weekly.verdict(slot, older_first=slot_key is None)
    issue = verdict.composed.issue if verdict.composed else weekly.pick(slot)
    if as_json:
        output.dump({**formats.issue_json(issue), "verdict": verdict})
        return
    row = context.project.issues.find(slot.key)
    if row is not None and row.frozen_at is not None:
        output.note(f"{slot.key} is {row.state}: `newsletter issues show {slot.key}` says what it carried")
    output.say(f"{slot.key}, planned for {output.when(slot.at, context.zone)}")
    if not issue.picks:
        output.say("no article was picked; `newsletter pull` reads the sources, `articles list` shows the shelf")
    else:
        formats.picks(issue, zone=context.zone)
    formats.passed_over(issue.passed_over)
    output.say()
    formats.verdict(verdict)


def _explain(context: ProjectContext, issue: Issue, what: str, *, as_json: bool) -> None:
    from newsletter.highlights import formula

    shelved = context.project.shelf.find(what)
    number = shelved.article.id
    picked = next((one for one in issue.picks if one.article.id == number), None)
    passed = next((one for one in issue.passed_over if one.article.id == number), None)
    if picked is not None:
        found, terms = f"picked for {picked.section}, place {picked.position}: {picked.reason}", picked.terms
    elif passed is not None:
        found, terms = f"passed over: {passed.reason}", tuple(passed.terms)
    else:
        found, terms = "not looked at: it is older than anything this issue could carry", ()
    if as_json:
        output.dump({"slot": issue.slot.key, "article": shelved.article, "picked": picked, "passed_over": passed})
        return
    output.say(shelved.article.title)
    output.say(found)
    if picked is not None and terms:
        output.say(formula(picked))
    if picked is not None and picked.related:
        output.say(f"related: {'; '.join(f'{one.title} (article {one.id})' for one in picked.related)}")
    if terms:
        formats.terms(terms)


@click.command(cls=Command)
@slot_option
@click.option("--as", "as_address", metavar="EMAIL", help="Show it as this subscriber gets it.")
@click.option("--port", type=click.IntRange(0, 65535), default=8025, show_default=True, help="The port; 0 is any.")
@click.option("--once", metavar="DIR", type=click.Path(path_type=Path), help="Write the files into DIR and exit.")
@pass_project_context
def preview(
    context: ProjectContext, slot_key: str | None, as_address: str | None, port: int, once: Path | None
) -> None:
    """Show the real next issue on a local page that reloads when something changes.

    --once writes issue.html, issue.txt, issue.eml and findings.json instead.
    """
    from newsletter import preview as page

    if slot_key is not None:
        context.slot(slot_key)
    if once is None:
        page.run(context.folder, open_project=context.open, slot_key=slot_key, as_address=as_address, port=port)
        return
    files, verdict = page.write_export(
        context.folder, once, open_project=context.open, slot_key=slot_key, as_address=as_address
    )
    for file in files:
        output.say(str(file))
    output.say()
    formats.verdict(verdict)


@click.command(cls=Command)
@slot_option
@click.option("--online", is_flag=True, help="Also visit the links (not yet).")
@click.option("--html", "file", metavar="FILE", type=click.Path(path_type=Path), help="Check this HTML file instead.")
@click.option(
    "--inlined", metavar="OUT", type=click.Path(path_type=Path), help="With --html: write it with its CSS inlined."
)
@json_option
@pass_project_context
def check(
    context: ProjectContext, slot_key: str | None, online: bool, file: Path | None, inlined: Path | None, as_json: bool
) -> int:
    """Say what is wrong with the letter, or with any HTML file. Exit code 1 if there are errors.

    A frozen issue's own letter is checked, else the one that would go out now; then also what `send` would do with it.

    JSON: {"findings": [{"id", "level": "error" | "warning" | "note" | "info", "message", "line", "url", "story"}],
    "verdict": as of pick, or null with --html}
    """
    if online:
        raise NotYet("`check --online` is not built yet; it comes with a later version")
    if inlined is not None and file is None:
        raise click.UsageError("--inlined goes with --html FILE")
    if file is not None and slot_key is not None:
        raise click.UsageError("--slot and --html exclude each other")
    found, verdict = _of_letter(context, slot_key) if file is None else (_of_file(file, inlined), None)
    if as_json:
        output.dump({"findings": found, "verdict": verdict})
    else:
        formats.findings(found)
        if verdict is not None:
            output.say()
            formats.verdict(verdict)
    return 1 if any(one.level == "error" for one in found) else 0


def _of_letter(context: ProjectContext, slot_key: str | None) -> tuple[tuple[Finding, ...], Verdict]:
    from newsletter import rendering

    project = context.project
    slot = context.slot(slot_key)
    verdict = project.weekly.verdict(slot, older_first=slot_key is None)
    stored = project.weekly.stored(slot)
    if stored is not None and stored.letter is not None:
        return rendering.check(stored.letter, publication=project.publication, theme=project.theme), verdict
    composed = verdict.composed or project.weekly.compose(slot)
    if composed.letter is None:
        raise Refused(f"there is no letter to check: {'; '.join((verdict.text, *verdict.remarks()))}")
    return composed.findings, verdict


def _of_file(file: Path, inlined: Path | None) -> tuple[Finding, ...]:
    from newsletter.rendering.check import check_html
    from newsletter.rendering.inlining import InliningError, inline

    try:
        html = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file} is not UTF-8 (byte {error.start}); save it as UTF-8") from error
    if inlined is not None:
        try:
            finished = inline(html).html
        except InliningError as error:
            raise Refused(f"{file}: its CSS cannot be inlined: {error}") from error
        inlined.write_text(finished, encoding="utf-8", newline="\n")
    return check_html(html)
