"""Articles, picks and findings as tables and as JSON: what more than one command shows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING, Any

from newsletter.cli import output
from newsletter.errors import counted

if TYPE_CHECKING:
    from newsletter.issue import Issue, PassedOver, Term
    from newsletter.rendering.check import Finding
    from newsletter.weekly import PullLine, Verdict

# A long list hides what it is for: the first ones lost by the least.
SHOWN = 25


def issue_json(issue: Issue) -> dict[str, Any]:
    return {
        "slot": issue.slot.key,
        "at": issue.slot.at.isoformat(),
        "sections": [{"name": section.name, "title": section.title} for section in issue.sections],
        "picked": issue.picks,
        "passed_over": issue.passed_over,
        "notes": dict(issue.notes),
    }


def picks(issue: Issue, *, zone: tzinfo | None = None) -> None:
    """The picks, section by section, each with its reason, and what is next in line.

    With a `zone` also where and when they appeared.
    """
    for section in issue.sections:
        chosen = issue.in_section(section.name)
        output.heading(section.title, f"{len(chosen)} of at most {section.pick}")
        for pick in chosen:
            where = [f"{pick.article.url}  {output.when(pick.article.published, zone)}"] if zone else []
            others = [f"Related: {'; '.join(one.title for one in pick.related)}"] if pick.related else []
            output.item(f"{pick.position}. {pick.article.title}", [pick.reason, *others, *where])
        if not chosen:
            output.item("nothing", ())
        if note := dict(issue.notes).get(section.name):
            output.say(f"  {note}")
        for number, one in enumerate(issue.alternates(section.name), start=1):
            output.item(f"Next {number}: {one.article.title} (article {one.article.id})", [one.needs])


def passed_over(those: Sequence[PassedOver]) -> None:
    """The articles that were not chosen, and why."""
    if not those:
        return
    output.heading("Passed over", f"{len(those)}")
    for one in those[:SHOWN]:
        waits = "; it waits for a later issue" if one.waits else ""
        output.item(f"{one.article.title or '(no title)'} (article {one.article.id})", [one.reason + waits])
    if len(those) > SHOWN:
        output.say(f"  and {len(those) - SHOWN} more: --json has them all, --why ADDRESS tells of one")


def terms(those: Sequence[Term]) -> None:
    """How a score came about."""
    output.table(
        ("term", "points#", "weight#", "value#", "why"),
        [(term.name, f"{term.points:.3f}", f"{term.weight:.2f}", f"{term.value:.2f}", term.why) for term in those],
    )


def findings(those: Sequence[Finding]) -> None:
    if not those:
        output.say("nothing was found")
        return
    output.table(
        ("level", "finding", "line#", "says", "about"),
        [(one.level, one.id, one.line or "", one.message, one.about) for one in those],
    )


def verdict(one: Verdict) -> None:
    """What `send` would do now, and a line for every empty section and silent source."""
    output.say(one.text)
    remarks(one)


def remarks(one: Verdict) -> None:
    for line in one.remarks():
        output.say(f"  {line}")


def pull_text(line: PullLine) -> str:
    """One line about one source."""
    if line.failed:
        return f"{line.source}: failed, {line.failed}"
    if line.unchanged:
        return f"{line.source}: nothing new since the last time"
    if line.numbers is not None:
        return f"{line.source}: numbers for {counted(line.numbers, 'article')}"
    if line.quarantined:
        return (
            f"{line.source}: {line.new} new, far more than usual: {line.quarantined} are in no issue before "
            f"`newsletter pull --accept {line.source}` lets them in"
        )
    return f"{line.source}: {line.new} new, {line.changed} changed, {line.same} as before"


def tell_pulled(lines: Sequence[PullLine]) -> None:
    """What reading the sources did, on standard error."""
    for line in lines:
        output.note(pull_text(line))
        for problem in line.problems:
            output.note(f"  {problem}")
