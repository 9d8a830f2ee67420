"""`issues …` and `audit`: what went out, what happened to whom, and whether every sum is right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from newsletter.cli import formats, output
from newsletter.cli.context import (
    Command,
    Group,
    ProjectContext,
    by_option,
    json_option,
    pass_project_context,
    slot_option,
    who,
)
from newsletter.errors import Refused, counted

if TYPE_CHECKING:
    from newsletter.app import Project
    from newsletter.issues import IssueRow
    from newsletter.sending.audit import IssueAudit

COMING = 8


@click.group(cls=Group)
@pass_project_context
def issues(context: ProjectContext) -> None:
    """Issues, their states, and what happened to one address. KEY is a week such as 2026-W47."""
    context.leaving = True


def _json(row: IssueRow) -> dict[str, Any]:
    return {
        "slot": row.slot_key,
        "at": row.slot_at,
        "state": row.state,
        "reason": row.reason,
        "subject": row.subject,
        "frozen": row.frozen,
        "opened_at": row.opened_at,
        "frozen_at": row.frozen_at,
        "closed_at": row.closed_at,
    }


@issues.command("list")
@click.option("--limit", metavar="N", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many.")
@json_option
@pass_project_context
def list_(context: ProjectContext, limit: int, as_json: bool) -> None:
    """List the newest issues, and the next eight slots with what is decided about each.

    JSON: [{"slot", "at", "state", "reason", "subject", "frozen", "opened_at", "frozen_at", "closed_at"}]; after the
    issues the slots that have none yet, as {"slot", "at", "zone", "state": "planned", "reason": ""}
    """
    rows = context.project.issues.newest(limit=limit)
    coming = _coming(context)
    if as_json:
        known = {row.slot_key for row in rows}
        output.dump([*map(_json, rows), *(shown for shown in coming if shown["slot"] not in known)])
        return
    _say_issues(context, rows)
    if coming:
        output.heading(f"The next {len(coming)} slots")
        output.table(
            ("issue", "planned for", "zone", "state", "reason"),
            [
                (one["slot"], output.when(one["at"], context.zone), context.zone, one["state"], one["reason"])
                for one in coming
            ],
        )


def _coming(context: ProjectContext) -> list[dict[str, Any]]:
    """The next slots as `_json` shows an issue; empty while a mistake in the settings may be one in the schedule."""
    from newsletter.slots import coming

    project = context.project
    if project.mistakes:
        return []
    shown: list[dict[str, Any]] = []
    for slot in coming(project.schedule, now=context.clock(), number=COMING):
        row = project.issues.find(slot.key)
        not_begun = {"slot": slot.key, "at": slot.at, "zone": context.zone.key, "state": "planned", "reason": ""}
        shown.append(_json(row) if row else not_begun)
    return shown


def _say_issues(context: ProjectContext, rows: Sequence[IssueRow]) -> None:
    if not rows:
        output.say("there is no issue yet; `newsletter send` makes this week's")
        return
    output.table(
        ("issue", "planned for", "state", "frozen#", "subject", "reason"),
        [
            (row.slot_key, output.when(row.slot_at, context.zone), row.state, row.frozen, row.subject, row.reason)
            for row in rows
        ],
    )


@issues.command()
@click.argument("key")
@click.option("--address", metavar="EMAIL", help="What happened to this address, and why.")
@json_option
@pass_project_context
def show(context: ProjectContext, key: str, address: str | None, as_json: bool) -> None:
    """Show one issue: its state, its articles, what the operator was told; or one address's story.

    JSON: as of `issues list`, and "states": {STATE: N}, "picks": [{"section", "position", "title", "url", "score",
    "reason"}], "alerts": [{"at", "text"}]; of one that was never begun "slot", "state": null and "alerts" alone.
    With --address: [{"state", "reason", "attempts", "code", "text", "at"} and
    then, oldest first, {"attempt", "outcome", "code", "text", "at"} of every answer that was noted].
    """
    project = context.project
    key = context.slot(key).key
    told: list[dict[str, Any]] = [{"at": one.at, "text": one.text} for one in project.issues.alerts(key)]
    if told and project.issues.find(key) is None:  # its letter may have had errors at every try
        shown: dict[str, Any] = {"slot": key, "state": None}
    else:
        row = project.issues.get(key)
        if address is not None:
            _show_address(context, row, address, as_json=as_json)
            return
        shown = {**_json(row), "states": project.sender.report(row).totals, "picks": _picks(project, row)}
    if as_json:
        output.dump({**shown, "alerts": told})
        return
    if shown["state"] is None:
        output.say(f"{key} is not begun")
    else:
        _show(context, row, shown)
    if told:
        output.heading("The operator was told")
        output.table(("at", "what"), [(output.when(one["at"], context.zone), one["text"]) for one in told])


def _picks(project: Project, row: IssueRow) -> list[dict[str, Any]]:
    return [
        {
            "section": one.section,
            "position": one.position,
            "title": one.article.get("title"),
            "url": one.article.get("url"),
            "score": one.score,
            "reason": one.reason,
        }
        for one in project.issues.picks(row.id)
    ]


def _show(context: ProjectContext, row: IssueRow, shown: dict[str, Any]) -> None:
    output.facts(
        {
            "issue": row.slot_key,
            "planned for": output.when(row.slot_at, context.zone),
            "state": f"{row.state}: {row.reason}" if row.reason else row.state,
            "subject": row.subject,
            "frozen": f"{counted(row.frozen, 'recipient')}, at {output.when(row.frozen_at, context.zone)}"
            if row.frozen_at
            else "",
            "closed": output.when(row.closed_at, context.zone) if row.closed_at else "",
            "became": output.counts(shown["states"]),
        }
    )
    if shown["picks"]:
        output.heading("Articles")
        for one in shown["picks"]:
            output.item(f"{one['section']} {one['position']}. {one['title']}", [one["reason"]])


def _show_address(context: ProjectContext, row: IssueRow, address: str, *, as_json: bool) -> None:
    from newsletter.sending.audit import history
    from subscribers import parse_address

    email = parse_address(address).email
    lines = history(context.project.database, row, email)
    if as_json:
        output.dump(lines)
        return
    if not lines:
        raise Refused(
            f"{email} is not among the recipients frozen into {row.slot_key}; `newsletter subscribers show` says "
            "since when they are active"
        )
    now, *noted = lines
    reason = f" ({now['reason']})" if now["reason"] else ""
    output.say(f"{email} in {row.slot_key}: {now['state']}{reason} at attempt {now['attempts']}")
    answers = [
        (one.get("attempt") or now["attempts"], one.get("outcome") or now["state"], one["code"] or "", one["text"], one)
        for one in (*noted, now)
        if one["code"] or one["text"]
    ]
    output.table(
        ("attempt#", "outcome", "code#", "the server said", "at"),
        [(*cells, output.when(one["at"], context.zone)) for *cells, one in answers],  # type: ignore[arg-type]
    )


@issues.command()
@click.argument("key")
@click.option("--digest", metavar="HASH", help="Approve only if the letter is the one of this hash.")
@by_option
@json_option
@pass_project_context
def approve(context: ProjectContext, key: str, digest: str | None, by: str, as_json: bool) -> None:
    """Approve an issue as it stands: it goes out at its time, and not before it has cooled.

    What is approved is this content. When an editor or a source changes it, it goes back to review.

    JSON: as of `issues list`, and "digest", "goes_at"
    """
    row = context.project.weekly.approval.approve(context.slot(key), digest=digest, who=who(by))
    _say_step(context, row, as_json=as_json)


@issues.command()
@click.argument("key")
@click.option(
    "--scheduled", is_flag=True, hidden=True, help="The ticker's: nothing is done if there was a proof before."
)
@json_option
@pass_project_context
def proof(context: ProjectContext, key: str, scheduled: bool, as_json: bool) -> int:
    """Put an issue to review, and mail it to the editors with a link of their own to the review page.

    It reads the sources first. Again, it takes in what has come since. Exit code 1: the mails wait in the outbox, and
    `serve` or `worker` sends them.

    JSON: {"slot", "editors": [EMAIL], "waiting": N}
    """
    from newsletter.cli.interrupts import Interrupts
    from newsletter.errors import NewsletterError
    from newsletter.sending import outbox

    context.leaving = False
    project = context.project
    project.refuse_mistakes()
    slot = context.slot(key)
    editors = project.weekly.proofs.mail(slot, once=scheduled, on_pulled=formats.tell_pulled)
    why = ""
    if editors:
        with Interrupts(gently=True) as interrupts:
            try:
                project.sender.send_single_mails(project.backend(), stop=interrupts.event)
            except NewsletterError as error:
                why = f": {error}"
    waiting = outbox.waiting(project.database, kind="proof")
    if as_json:
        output.dump({"slot": slot.key, "editors": editors, "waiting": waiting})
    elif not editors:
        output.say(f"there was a proof of {slot.key} before; nothing was done")
    elif waiting:
        output.say(f"{slot.key} is put to review; the proof waits in the outbox{why}")
    else:
        output.say(f"{slot.key} is put to review, and its proof was mailed to {', '.join(editors)}")
    return 1 if waiting else 0


@issues.command()
@click.argument("key")
@click.option("--reason", metavar="TEXT", default="", help="Why, for the record.")
@by_option
@json_option
@pass_project_context
def hold(context: ProjectContext, key: str, reason: str, by: str, as_json: bool) -> None:
    """Hold an issue back, also a coming one, or one that is being sent; nobody is begun before it is released.

    JSON: as of `issues approve`
    """
    row = context.project.weekly.approval.hold(context.slot(key), reason=reason, who=who(by))
    _say_step(context, row, as_json=as_json)


@issues.command()
@click.argument("key")
@by_option
@json_option
@pass_project_context
def release(context: ProjectContext, key: str, by: str, as_json: bool) -> None:
    """Let a held issue go on; an approval from before the hold has to be given again.

    One that was held while it was being sent goes on with the next `newsletter send`, or under `serve`.

    JSON: as of `issues approve`
    """
    row = context.project.weekly.approval.release(context.slot(key), who=who(by))
    _say_step(context, row, as_json=as_json)


@issues.command("pull-back")
@click.argument("key")
@by_option
@json_option
@pass_project_context
def pull_back(context: ProjectContext, key: str, by: str, as_json: bool) -> None:
    """Take an approval back, before the first message is made.

    JSON: as of `issues approve`
    """
    row = context.project.weekly.approval.pull_back(context.slot(key), who=who(by))
    _say_step(context, row, as_json=as_json)


def _say_step(context: ProjectContext, row: IssueRow, *, as_json: bool) -> None:
    if as_json:
        output.dump({**_json(row), "digest": row.digest, "goes_at": row.goes_at})
        return
    goes = f"; it goes out at {output.when(row.goes_at, context.zone)}" if row.goes_at else ""
    content = f" (content {row.digest[:12]})" if row.digest else ""
    output.say(f"{row.slot_key} is now {row.state}: {row.reason}{content}{goes}")


@issues.command()
@click.argument("key")
@click.option("--reason", metavar="TEXT", default="", help="Why, for the record.")
@by_option
@json_option
@pass_project_context
def cancel(context: ProjectContext, key: str, reason: str, by: str, as_json: bool) -> None:
    """Stop an issue for good: whoever has not been begun gets nothing. A coming week is left out.

    If nobody got it, its articles may be picked again.

    JSON: as of `issues approve`, and "states": {STATE: N}
    """
    project = context.project
    slot = context.slot(key)
    row = project.issues.find(slot.key)
    counts: dict[str, int] = {}
    if row is not None and not row.open:
        counts = project.weekly.cancel(row, reason=reason or "cancelled by the operator")
    else:
        project.weekly.approval.cancel(slot, reason=reason, who=who(by))
    if as_json:
        output.dump({**_json(project.issues.get(slot.key)), "states": counts})
        return
    output.say(f"{slot.key} is cancelled" + (f": {output.counts(counts)}" if counts else "; nobody was frozen into it"))


@issues.command()
@click.argument("file", required=False, type=click.File("rb"))
@click.option("--forget", is_flag=True, help="Forget all that was learned, and what earlier issues were chosen from.")
@json_option
@pass_project_context
def learn(context: ProjectContext, file: BinaryIO | None, forget: bool, as_json: bool) -> int:
    """Learn your taste from what older newsletters carried: dates and addresses in JSON, CSV or plain lines.

    A date such as 2026-11-19 counts for the addresses on its line, and on a line of its own for those below. `pick
    --why` shows what the choice made of it. `-` reads standard input.

    JSON: {"forgotten": N, "learned": N, "newsletters": N, "on_shelf": N, "known": N, "problems": [TEXT]}
    """
    from newsletter.past_issues import MOST

    if file is None and not forget:
        raise click.UsageError("name a FILE of dates and addresses, or say --forget")
    project = context.project
    forgotten = project.past_issues.forget() if forget else 0
    text = file.read(MOST + 1).decode("utf-8-sig", "replace") if file else ""
    found = project.past_issues.learn(text, today=context.clock().date(), on_shelf=project.shelf.article_at)
    if as_json:
        learned = {"learned": found.new, "newsletters": found.newsletters, "on_shelf": found.on_shelf}
        output.dump({"forgotten": forgotten, **learned, "known": found.known, "problems": found.problems})
    else:
        if forget:
            output.say(f"forgot {counted(forgotten, 'article')} of earlier issues")
        if file:
            of = (
                f" of {counted(found.newsletters, 'newsletter')}, {found.on_shelf} of them on the shelf"
                if found.new
                else ""
            )
            before = f"; {counted(found.known, 'article')} had been learned before" if found.known else ""
            output.say(f"learned {counted(found.new, 'article')}{of}{before}")
        for problem in found.problems:
            output.note(problem)
    return 1 if found.problems and not (found.new or found.known) else 0


@issues.group(cls=Group)
def doubt() -> None:
    """Messages that were handed over, and whose answer was never heard ([sending] on_doubt = "hold")."""


@doubt.command("list")
@click.argument("key")
@json_option
@pass_project_context
def list_doubt(context: ProjectContext, key: str, as_json: bool) -> None:
    """List whom an issue may or may not have reached, and since when. Nobody is sent it again by itself.

    JSON: [{"address", "since"}]
    """
    project = context.project
    row = project.issues.get(context.slot(key).key)
    found = project.sender.ledger(row).in_doubt()
    if as_json:
        output.dump([{"address": address, "since": since} for address, since in found])
    elif not found:
        output.say(f"nobody is in doubt in {row.slot_key}")
    else:
        output.table(("address", "since"), [(address, output.when(since, context.zone)) for address, since in found])


@doubt.command()
@click.argument("key")
@click.argument("address", metavar="EMAIL", required=False)
@click.option("--all", "every", is_flag=True, help="Everybody in doubt.")
@click.option("--accepted", is_flag=True, help="It did arrive: the server's log says so, or the reader.")
@click.option("--resend", is_flag=True, help="Send it again, under the same Message-ID.")
@by_option
@json_option
@pass_project_context
def resolve(
    context: ProjectContext,
    key: str,
    address: str | None,
    every: bool,
    accepted: bool,
    resend: bool,
    by: str,
    as_json: bool,
) -> None:
    """Say what became of a message in doubt, or let it be sent again; it stays on record that it was in doubt.

    JSON: {"slot", "settled": N, "as": "accepted" or "waiting"}
    """
    if accepted == resend or every == (address is not None):
        raise click.UsageError("give --accepted or --resend, and one EMAIL or --all")
    context.leaving = False
    project = context.project
    row = project.issues.get(context.slot(key).key)
    number = project.sender.settle_doubt(row, address=address, accepted=accepted, by=by)
    if as_json:
        output.dump({"slot": row.slot_key, "settled": number, "as": "accepted" if accepted else "waiting"})
    elif accepted:
        output.say(f"{counted(number, 'message')} of {row.slot_key} recorded as accepted")
    else:
        again = f"{counted(number, 'message')} of {row.slot_key} will be sent again"
        output.say(f"{again}: `newsletter send` does it now, and `serve` by itself")


@click.command(cls=Command)
@slot_option
@json_option
@pass_project_context
def audit(context: ProjectContext, slot_key: str | None, as_json: bool) -> int:
    """Recompute every sum from the ledger's rows alone. Exit code 1 if one is off.

    Without --slot, all issues are audited.

    JSON: [{"slot", "state", "frozen", "states": {every state of a delivery: N},
    "ever_in_doubt": [{"address", "attempt", "settled": STATE or ""}], "wrong": [TEXT]}]
    """
    from newsletter.sending.audit import audit as recompute

    context.leaving = True
    key = context.project.issues.get(context.slot(slot_key).key).slot_key if slot_key else None
    found = recompute(context.project.database, key)
    if as_json:
        output.dump([_audit_json(one) for one in found])
    else:
        _say_audit(found)
    return 1 if any(one.wrong for one in found) else 0


def _audit_json(one: IssueAudit) -> dict[str, Any]:
    return {
        "slot": one.slot_key,
        "state": one.state,
        "frozen": one.frozen,
        "states": one.counts,
        "ever_in_doubt": one.ever_in_doubt,
        "wrong": one.wrong,
    }


def _say_audit(found: list[IssueAudit]) -> None:
    if not found:
        output.say("there is no issue yet, so nothing can be off")
        return
    output.table(
        ("issue", "state", "frozen#", "became", "sums"),
        [
            (one.slot_key, one.state, one.frozen, output.counts(one.counts), "off" if one.wrong else "right")
            for one in found
        ],
    )
    for one in found:
        for sentence in one.wrong:
            output.say(f"{one.slot_key}: {sentence}")
        for doubt in one.ever_in_doubt:
            settled = f"settled as {doubt.settled}" if doubt.settled else "not settled"
            output.say(f"{one.slot_key}: {doubt.address} was in doubt at attempt {doubt.attempt}, {settled}")
