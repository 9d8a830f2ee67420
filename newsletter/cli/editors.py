"""`editors …`: who gets the proofs, and the links to the review page."""

from __future__ import annotations

from email.utils import parseaddr
from typing import TYPE_CHECKING, Any

import click

from newsletter.cli import output
from newsletter.cli.context import Group, ProjectContext, json_option, pass_project_context, slot_option
from newsletter.errors import counted

if TYPE_CHECKING:
    from newsletter.issue import Slot


@click.group(cls=Group)
def editors() -> None:
    """The editors of [newsletter] and their links to the review page: the link is the key, so keep it to yourself."""


def _slot(context: ProjectContext, key: str | None) -> Slot:
    """The slot of a key, or the next whose issue can still be put to review."""
    return context.slot(key) if key else context.project.reviewed_slot()


@editors.command("list")
@slot_option
@json_option
@pass_project_context
def list_(context: ProjectContext, slot_key: str | None, as_json: bool) -> None:
    """List the editors, and whether each has a link to the review page of the coming issue.

    JSON: [{"editor", "name", "slot", "made_at", "revoked_at"}]; the times are null without a link, or one not revoked
    """
    project = context.project
    slot = _slot(context, slot_key)
    links = project.weekly.proofs.links.newest(slot.key)
    shown: list[dict[str, Any]] = []
    known = {address: name for name, address in map(parseaddr, project.settings.newsletter.editors)}
    for address, name in {**dict.fromkeys(links, ""), **known}.items():
        link = links.get(address)
        times = {"made_at": link.made_at if link else None, "revoked_at": link.revoked_at if link else None}
        shown.append({"editor": address, "name": name, "slot": slot.key, **times})
    if as_json:
        output.dump(shown)
    elif not shown:
        output.say("there is no editor: put addresses into [newsletter] editors")
    else:
        rows = [
            (
                one["editor"],
                one["name"],
                output.when(one["made_at"], context.zone) if one["made_at"] else "none",
                output.when(one["revoked_at"], context.zone) if one["revoked_at"] else "",
            )
            for one in shown
        ]
        output.table(("editor", "name", f"link to {slot.key}", "revoked"), rows)


@editors.command()
@click.argument("editor", metavar="EMAIL")
@slot_option
@json_option
@pass_project_context
def link(context: ProjectContext, editor: str, slot_key: str | None, as_json: bool) -> None:
    """Print an editor's link to the review page, where no mail arrives. It works under `serve`.

    JSON: {"editor", "slot", "url"}
    """
    project = context.project
    slot = _slot(context, slot_key)
    found = project.weekly.proofs.link(slot, editor)
    url = project.review_url(found)
    if as_json:
        output.dump({"editor": found.editor, "slot": slot.key, "url": url})
        return
    output.note(f"{found.editor} decides on {slot.key} with this link, and so does whoever else has it:")
    output.say(url)


@editors.command()
@click.argument("editor", metavar="EMAIL")
@slot_option
@json_option
@pass_project_context
def revoke(context: ProjectContext, editor: str, slot_key: str | None, as_json: bool) -> None:
    """Let an editor's links to an issue's review page open nothing any more.

    The next proof brings a new one, as long as the address is in [newsletter] editors.

    JSON: {"editor", "slot", "revoked": N}
    """
    slot = _slot(context, slot_key)
    number = context.project.weekly.proofs.revoke(slot, editor)
    if as_json:
        output.dump({"editor": editor, "slot": slot.key, "revoked": number})
    else:
        output.say(
            f"{counted(number, 'link')} of {editor} to {slot.key} revoked"
            if number
            else f"{editor} had no link to {slot.key}"
        )
