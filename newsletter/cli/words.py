"""`issues intro|subject|insert|export|edit`: the editor's own words for an issue, and all of it as a text file."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, TextIO

import click

from newsletter.cli import output
from newsletter.cli.context import ProjectContext, by_option, json_option, pass_project_context, who
from newsletter.cli.decisions import answer, told
from newsletter.cli.issues import issues
from newsletter.errors import Refused

if TYPE_CHECKING:
    from newsletter.weekly.editor import Editor

__all__ = ["issues"]

MOST = 1_000_000
"""Bytes of a file that are read."""

from_option = click.option(
    "--from", "file", metavar="FILE", type=click.File("rb"), help="Read it there; - is standard input."
)
clear_option = click.option("--clear", is_flag=True, help="Take yours back.")


def editor_of(context: ProjectContext) -> Editor:
    """The editor's acts, once the settings are understood: an issue is made of them."""
    context.project.refuse_mistakes()
    return context.project.weekly.editor


def read_text(file: BinaryIO) -> str:
    """A file of somebody's words, in UTF-8. Raises `Refused` for anything else."""
    read = file.read(MOST + 1)
    try:
        text = read.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = ""
    if not text.strip() or len(read) > MOST:
        wrong = (
            "is empty" if not read.strip() else "is longer than a megabyte" if len(read) > MOST else "is no UTF-8 text"
        )
        raise Refused(f"the file of --from {wrong}; nothing was changed")
    return text


@issues.command()
@click.argument("key")
@click.argument("text", required=False)
@from_option
@clear_option
@by_option
@json_option
@pass_project_context
def intro(
    context: ProjectContext, key: str, text: str | None, file: BinaryIO | None, clear: bool, by: str, as_json: bool
) -> None:
    """Give an issue an introduction: plain text, its paragraphs split by empty lines.

    JSON: as of `articles pin`
    """
    from newsletter.issue import Act

    if sum((text is not None, file is not None, clear)) != 1:
        raise click.UsageError("give the TEXT, or --from FILE, or --clear")
    slot, editor = context.slot(key), editor_of(context)
    words = read_text(file) if file else text or ""
    done = editor.say(Act.INTRO, words, slot=slot, who=who(by))
    answer(done, f"the introduction of {slot.key} is {_now(words)}", as_json=as_json)


@issues.command()
@click.argument("key")
@click.argument("text", required=False)
@clear_option
@by_option
@json_option
@pass_project_context
def subject(context: ProjectContext, key: str, text: str | None, clear: bool, by: str, as_json: bool) -> None:
    """Give an issue a subject of your own.

    JSON: as of `articles pin`
    """
    from newsletter.issue import Act

    if (text is not None) == clear:
        raise click.UsageError("give the TEXT, or --clear")
    slot, editor = context.slot(key), editor_of(context)
    done = editor.say(Act.SUBJECT, text or "", slot=slot, who=who(by))
    answer(done, f"the subject of {slot.key} is {_now(text or '')}", as_json=as_json)


@issues.command()
@click.argument("key")
@click.argument("name")
@click.option("--text", metavar="TEXT", default="", help="What it says, as plain text.")
@click.option("--label", metavar="TEXT", default="", help="What stands over it, such as Advertisement.")
@click.option("--url", metavar="URL", default="", help="Where it leads.")
@click.option("--after", metavar="SECTION", default="", help="The section it follows (default: before the first).")
@click.option("--remove", is_flag=True, help="Take it out.")
@by_option
@json_option
@pass_project_context
def insert(
    context: ProjectContext,
    key: str,
    name: str,
    text: str,
    label: str,
    url: str,
    after: str,
    remove: bool,
    by: str,
    as_json: bool,
) -> None:
    """Put a note between the stories of an issue, in place of the one called NAME.

    JSON: as of `articles pin`
    """
    from newsletter.issue import Insert
    from newsletter.weekly.editor import words_of

    if bool(text.strip()) == remove or (remove and (label or url or after)):
        raise click.UsageError("give --text and what goes with it, or --remove alone")
    slot, editor = context.slot(key), editor_of(context)
    there = [one.name for one in words_of(context.project.decisions.effective(slot.key), key=slot.key)[2]]
    if remove and name not in there:
        raise Refused(f"there is no note “{name}” in {slot.key}; there is {', '.join(there) or 'none'}")
    done = editor.insert(Insert(name, text, label, url, after), slot=slot, who=who(by))
    where = "taken out" if remove else f"after {after}" if after else "before the first section"
    answer(done, f"the note {name} of {slot.key} is {where}", as_json=as_json)


@issues.command()
@click.argument("key")
@click.option("--text", is_flag=True, expose_value=False, help="As a text file; there is no other form yet.")
@click.option("--to", "file", metavar="FILE", type=click.File("w", encoding="utf-8", lazy=True), help="Write it there.")
@pass_project_context
def export(context: ProjectContext, key: str, file: TextIO | None) -> None:
    """Write an issue as a short text file that anybody can read and change; `issues edit` takes it back."""
    from newsletter.weekly.revision import sheet_of
    from newsletter.weekly.sheet import written

    slot = context.slot(key)
    editor_of(context)
    project = context.project
    click.echo(written(sheet_of(project.weekly, slot), name=project.publication.name).encode(), file, nl=False)


@issues.command()
@click.argument("key")
@click.option(
    "--from", "file", metavar="FILE", type=click.File("rb"), required=True, help="The file; - is standard input."
)
@click.option("--dry-run", is_flag=True, help="Say what would be decided, and decide nothing.")
@by_option
@json_option
@pass_project_context
def edit(context: ProjectContext, key: str, file: BinaryIO, dry_run: bool, by: str, as_json: bool) -> None:
    """Make an issue what a text file of `issues export` says, changed or written by hand.

    Moved and added lines get their places, removed ones are dropped from this issue, and changed words are yours. A
    line that cannot be understood is named, and then nothing is decided. Where a place is left free the choice fills
    it.

    JSON: {"decisions": [as of `articles pin`; "decision" is 0 with --dry-run], "came": [{"article": N, "section",
    "title"}]}
    """
    from newsletter.weekly.editor import Who
    from newsletter.weekly.revision import revise
    from newsletter.weekly.sheet import read

    slot, editor, project = context.slot(key), editor_of(context), context.project
    found = revise(project.weekly, read(read_text(file)), slot=slot, who=Who(by, "file"))
    done = found.decisions if dry_run else editor.decide(found.decisions, seen=found.seen)
    if as_json:
        came = [{"article": one.article.id, "section": one.section, "title": one.article.title} for one in found.came]
        output.dump({"decisions": done, "came": came})
        return
    if not done:
        output.say("nothing changed")
    shelved = project.shelf.numbered({one.article for one in done if one.article})
    titles = {one.article.id: f" {one.article.id} “{one.article.title}”" for one in shelved}
    for one in done:
        number = f" (decision {one.number})" if one.number else ""
        output.say(f"{one.act}{titles.get(one.article, '')}: {told(one) or 'from this issue'}{number}")
    for pick in found.came:
        output.say(f"the choice adds {pick.article.id} “{pick.article.title}” to {pick.section}")
    if dry_run and done:
        output.say("nothing is decided yet: leave --dry-run out")


def _now(words: str) -> str:
    return "yours" if words.strip() else "the newsletter's own again"
