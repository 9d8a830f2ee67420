"""`articles pin|move|swap|drop|hold|undo|decisions`: the editor's hand on the stories of an issue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from newsletter.cli import output
from newsletter.cli.articles import articles
from newsletter.cli.context import (
    ProjectContext,
    by_option,
    json_option,
    number_of,
    pass_project_context,
    slot_option,
    who,
)
from newsletter.errors import Refused

if TYPE_CHECKING:
    from newsletter.issue import Decision, Pick, Slot

COMING = "The issue, such as 2026-W47 (default: the next that can be changed)."
issue_option = click.option("--slot", "slot_key", metavar="KEY", help=COMING)
position_option = click.option(
    "--position", metavar="N", type=click.IntRange(1, 99), help="Its place there, from 1 (default: after the others)."
)


def slot_of(context: ProjectContext, key: str | None) -> Slot:
    """The slot of a key, or the next whose issue can still be changed."""
    return context.slot(key) if key else context.project.coming_slot()


def answer(decision: Decision, sentence: str, *, as_json: bool) -> None:
    """What a command that decides prints."""
    if as_json:
        output.dump(decision)
    else:
        output.say(f"{sentence} (decision {decision.number})")


@articles.command()
@click.argument("what")
@click.option("--section", metavar="NAME", help="The section (default: the one it would be tried in first).")
@position_option
@issue_option
@by_option
@json_option
@pass_project_context
def pin(
    context: ProjectContext,
    what: str,
    section: str | None,
    position: int | None,
    slot_key: str | None,
    by: str,
    as_json: bool,
) -> None:
    """Put an article into an issue, whatever the choice thinks of it.

    It takes a place of its section's quota; more pins than places are all carried, and `pick` says so.

    JSON: {"decision": N, "act", "slot", "article": N, "other": N, "undoes": N, "values": {NAME: TEXT}, "by", "from",
    "at"}
    """
    number, slot = number_of(context, what), slot_of(context, slot_key)
    section = section or _section_of(context, number, slot)
    editor = context.project.weekly.editor
    done = editor.place(number, slot=slot, section=section, position=position, who=who(by))
    answer(done, f"{number} is pinned into {section} of {slot.key}", as_json=as_json)


@articles.command()
@click.argument("what")
@click.option("--section", metavar="NAME", help="The section (default: the one it is in).")
@position_option
@issue_option
@by_option
@json_option
@pass_project_context
def move(
    context: ProjectContext,
    what: str,
    section: str | None,
    position: int | None,
    slot_key: str | None,
    by: str,
    as_json: bool,
) -> None:
    """Move a picked article to another section or position.

    JSON: as of `articles pin`
    """
    from newsletter.issue import Act

    number, slot = number_of(context, what), slot_of(context, slot_key)
    if section is None and position is None:
        raise click.UsageError("give --section, --position or both")
    pick = _pick(context, number, slot)
    section = section or pick.section
    editor = context.project.weekly.editor
    done = editor.place(number, slot=slot, section=section, position=position, who=who(by), act=Act.MOVE)
    where = f"position {position} of {section}" if position else section
    answer(done, f"{number} is moved to {where} in {slot.key}", as_json=as_json)


@articles.command()
@click.argument("out")
@click.argument("in_", metavar="IN")
@issue_option
@by_option
@json_option
@pass_project_context
def swap(context: ProjectContext, out: str, in_: str, slot_key: str | None, by: str, as_json: bool) -> None:
    """Take the article OUT of an issue and put IN in its place; OUT waits for the next issue.

    JSON: as of `articles pin`
    """
    gone, number, slot = number_of(context, out), number_of(context, in_), slot_of(context, slot_key)
    pick = _pick(context, gone, slot)
    done = context.project.weekly.editor.swap(
        gone, with_=number, section=pick.section, position=pick.position, slot=slot, who=who(by)
    )
    answer(done, f"{number} takes the place of {gone} in {slot.key}", as_json=as_json)


@articles.command()
@click.argument("what")
@click.option("--once", is_flag=True, help="Only from this issue; it may be picked for the next.")
@issue_option
@by_option
@json_option
@pass_project_context
def drop(context: ProjectContext, what: str, once: bool, slot_key: str | None, by: str, as_json: bool) -> None:
    """Never pick this article, or with --once not for this issue.

    JSON: as of `articles pin`
    """
    number, slot = number_of(context, what), slot_of(context, slot_key)
    done = context.project.weekly.editor.drop(number, slot=slot, who=who(by), ever=not once)
    sentence = (
        f"{number} is out of {slot.key}; it waits for the next"
        if once
        else f"{number} is dropped: no issue will pick it"
    )
    answer(done, sentence, as_json=as_json)


@articles.command()
@click.argument("what")
@click.option("--until", metavar="KEY", help="The first issue that may carry it (default: the one after the next).")
@by_option
@json_option
@pass_project_context
def hold(context: ProjectContext, what: str, until: str | None, by: str, as_json: bool) -> None:
    """Keep this article for a later issue.

    JSON: as of `articles pin`
    """
    project = context.project
    number, slot = number_of(context, what), project.coming_slot()
    first = context.slot(until) if until else project.slot_after(slot)
    done = project.weekly.editor.hold(number, until=first.key, slot=slot, who=who(by))
    answer(done, f"{number} is held until {first.key}", as_json=as_json)


@articles.command()
@click.argument("what", required=False)
@click.option("--decision", metavar="N", type=int, help="This decision (default: the last that holds).")
@issue_option
@by_option
@json_option
@pass_project_context
def undo(
    context: ProjectContext, what: str | None, decision: int | None, slot_key: str | None, by: str, as_json: bool
) -> None:
    """Take the last decision back: about WHAT, or else for the issue.

    Whatever it replaced holds again. An undoing is undone by its own number.

    JSON: as of `articles pin`
    """
    slot, editor = slot_of(context, slot_key), context.project.weekly.editor
    number = decision or editor.last(slot, number_of(context, what) if what else None).number
    done = editor.undo(number, slot=slot, who=who(by))
    answer(done, f"decision {number} is undone", as_json=as_json)


@articles.command()
@slot_option
@json_option
@pass_project_context
def decisions(context: ProjectContext, slot_key: str | None, as_json: bool) -> None:
    """List what was decided, oldest first, and what of it holds.

    JSON: [as of `articles pin`, and "holds": true or false]
    """
    from newsletter.decisions import effective

    project = context.project
    log = project.decisions.log(context.slot(slot_key).key if slot_key else None)
    hold = {one.number for one in effective(project.decisions.log())}
    if as_json:
        output.dump([{**one.as_json(), "holds": one.number in hold} for one in log])
        return
    output.table(
        ("decision#", "at", "by", "from", "issue", "act", "article#", "what", "state"),
        [
            (
                one.number,
                output.when(one.at, context.zone),
                one.by,
                one.origin,
                one.slot_key,
                one.act,
                one.article or "",
                told(one),
                "holds" if one.number in hold else "" if one.act == "undo" else "undone",
            )
            for one in log
        ],
    )


def told(decision: Decision) -> str:
    """What a decision says, in a line."""
    if decision.undoes:
        return f"decision {decision.undoes}"
    instead = f"in place of {decision.other}; " if decision.other else ""
    return instead + ", ".join(
        f"{name} {' '.join(text.split())}" if text else f"{name} taken back" for name, text in decision.values.items()
    )


def _pick(context: ProjectContext, number: int, slot: Slot) -> Pick:
    for pick in context.project.weekly.pick(slot).picks:
        if pick.article.id == number:
            return pick
    raise Refused(f"article {number} is not picked for {slot.key}; `newsletter articles pin {number}` puts it there")


def _section_of(context: ProjectContext, number: int, slot: Slot) -> str:
    """The section an article is in, or competes in, or the first."""
    issue = context.project.weekly.pick(slot)
    there = {one.article.id: one.section for one in issue.passed_over} | {p.article.id: p.section for p in issue.picks}
    return there.get(number) or issue.sections[0].name
