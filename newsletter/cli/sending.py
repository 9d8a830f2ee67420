"""`send` and `worker`: the job from wherever it stands, and its sending half. What became of whom is printed once, at
the end, in the words of the ledger; progress goes to standard error.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from newsletter.cli import formats, output
from newsletter.cli.context import Command, ProjectContext, json_option, pass_project_context, slot_option
from newsletter.errors import ConfigurationError, counted

if TYPE_CHECKING:
    from rich.progress import Progress

    from newsletter.cli.interrupts import Interrupts
    from newsletter.issues import IssueRow
    from newsletter.sending.sender import Report
    from newsletter.sending.tally import Tally
    from newsletter.weekly import Done, Verdict

TOLD = ("accepted", "refused", "deferred", "in doubt", "skipped")
ENDED = frozenset({"accepted", "refused", "skipped", "expired", "cancelled", "in doubt"})
BETWEEN_LINES = 10.0  # seconds


@click.command(cls=Command)
@slot_option
@click.option("--to", "address", metavar="EMAIL", help="Send one test copy to EMAIL and record nothing.")
@click.option("--dry-run", is_flag=True, help="Read the sources and show what would go out, to how many; mail nobody.")
@click.option("--yes", is_flag=True, help="Do not ask before mailing. Needed where nobody can be asked.")
@click.option("--scheduled", is_flag=True, hidden=True, help="The ticker's: a slot not worth an issue is skipped.")
@json_option
@pass_project_context
def send(
    context: ProjectContext,
    slot_key: str | None,
    address: str | None,
    dry_run: bool,
    yes: bool,
    scheduled: bool,
    as_json: bool,
) -> int:
    """Send this week's issue: pull, pick, compose, check, freeze, send.

    An unfinished issue is finished first; this week's has its turn when nobody in that one can be mailed now. With
    --slot only that week's is looked at. Running it again is always safe: an issue that is closed says so, and nobody
    is mailed twice. Only the schedule (`serve`) skips a week for good.

    Exit code 0: the issue is out, or some are deferred and a next try is planned (`newsletter send` again, or `serve`,
    goes on then). 1: somebody was refused, expired or is in doubt, or nothing could be sent. 2: a setting has to be
    changed first, or nobody could be asked. 130 or 143: stopped by Ctrl-C or SIGTERM, with nothing lost. With
    --dry-run, 0 means that a send would mail somebody now, and 1 that it would mail nobody.

    JSON: {"slot", "state", "subject", "frozen", "states": {STATE: N}, "this_run": {STATE: N}, "already", "reason",
    "next_try_at", "ended": {"workers", "claims", "doubts"}, "pulled": [as of pull], "picked": [as of pick], "verdict":
    as of pick}; with --dry-run as of pick, and "subject", "audience": N, "findings": [as of check]; with --to
    {"slot", "to", "reply"}
    """
    context.for_sending = True
    if address is not None and dry_run:
        raise click.UsageError("--to and --dry-run exclude each other")
    if address is not None:
        return _test_copy(context, slot_key, address, as_json=as_json)
    if dry_run:
        return _dry_run(context, slot_key, as_json=as_json)
    return _send(context, slot_key, yes=yes, scheduled=scheduled, as_json=as_json)


def _send(context: ProjectContext, slot_key: str | None, *, yes: bool, scheduled: bool, as_json: bool) -> int:
    from newsletter.cli.interrupts import Interrupts

    weekly = context.project.weekly
    slot = context.slot(slot_key)
    issues = context.project.issues
    begun = (issues.unfinished() if slot_key is None else None) or issues.find(slot.key)
    with Interrupts(gently=begun is not None and begun.state == "sending") as interrupts, Meter(context) as meter:

        def confirm(verdict: Verdict) -> bool:
            interrupts.gently = False
            if not as_json and verdict.composed:
                formats.picks(verdict.composed.issue)
                formats.remarks(verdict)
            if not yes and not _asked(
                f"Mail “{verdict.subject}” to {counted(verdict.recipients, 'recipient')}", context
            ):
                return False
            interrupts.gently = True
            return True

        done = weekly.run(
            slot,
            backend=context.project.backend,
            confirm=confirm,
            stop=interrupts.event,
            on_progress=meter,
            on_pulled=formats.tell_pulled,
            older_first=slot_key is None,
            scheduled=scheduled,
            sure=yes and not scheduled,
        )
    return _finish(context, done, interrupts, as_json=as_json)


def _asked(question: str, context: ProjectContext) -> bool:
    if not sys.stdin.isatty():
        raise ConfigurationError(
            "nobody can be asked here whether to mail this issue; give --yes, or look first with --dry-run"
        )
    return click.confirm(f"\n{question} through {context.project.backend().where}?", err=True)


def _finish(context: ProjectContext, done: Done, interrupts: Interrupts, *, as_json: bool) -> int:
    report = done.report
    if as_json:
        verdict = done.verdict
        picked = verdict.composed.issue.picks if verdict.composed else ()
        output.dump({**report_json(report), "pulled": verdict.pulled, "picked": picked, "verdict": verdict})
    else:
        _say_report(context, report)
        if not done.verdict.mails:
            formats.remarks(done.verdict)
    return _code(report, interrupts)


def report_json(report: Report) -> dict[str, Any]:
    return {
        "slot": report.slot_key,
        "state": report.state,
        "subject": report.subject,
        "frozen": report.frozen,
        "states": report.totals,
        "this_run": report.run,
        "already": report.already,
        "reason": report.reason,
        "next_try_at": report.next_try_at,
        "ended": report.ended,
    }


def _say_report(context: ProjectContext, report: Report) -> None:
    if report.state == "draft":
        output.say(f"{report.slot_key} was not sent, nobody was mailed: {report.reason}")
        return
    if not report.frozen and not report.totals:
        output.say(f"{report.slot_key} is {report.state}, nobody was mailed" + _because(report))
        return
    already = " already; nobody was mailed now" if report.already else ""
    output.say(f"\n{report.slot_key} “{report.subject}” is {report.state}{already}" + _because(report))
    if report.ended.claims or report.ended.doubts:
        output.say(
            f"  a worker had died before: {counted(report.ended.claims, 'recipient')} claimed by it wait again, "
            f"{report.ended.doubts} in doubt"
        )
    output.say(f"  frozen {report.frozen:,}: {output.counts(report.totals, always=TOLD)}")
    if report.run.get("accepted"):
        output.say(f"  handed over to {context.project.backend().where}")
    if report.state == "held":
        output.say(f"  whoever had not been begun waits: `newsletter issues release {report.slot_key}` lets it go on")
    if report.next_try_at is not None and report.next_try_at > context.clock():
        output.say(
            f"  not finished: the next try is at {output.when(report.next_try_at, context.zone)}; "
            "`newsletter send` goes on then, and `newsletter serve` does by itself"
        )


def _because(report: Report) -> str:
    return f": {report.reason}" if report.reason and report.state != "closed" else ""


def _code(report: Report, interrupts: Interrupts) -> int:
    if interrupts.number and report.state == "sending":
        output.note("stopped; nothing is lost: run `newsletter send` again, and it goes on where it was")
        return interrupts.exit_code
    if report.already:
        return 0 if report.state in ("closed", "skipped") else 1
    if report.state in ("draft", "held"):
        return 1
    return 1 if any(report.totals.get(state) for state in ("refused", "expired", "in doubt")) else 0


def _test_copy(context: ProjectContext, slot_key: str | None, address: str, *, as_json: bool) -> int:
    from subscribers import parse_address

    weekly = context.project.weekly
    email = parse_address(address).email
    slot = context.slot(slot_key)
    composed = weekly.stored(slot) or weekly.compose(slot)
    for finding in composed.findings:
        if finding.level != "info":
            output.note(f"{finding.level}: {finding.text}")
    reply = weekly.test_copy(composed, email, context.project.backend())
    if as_json:
        output.dump({"slot": slot.key, "to": email, "reply": reply})
    else:
        output.say(f"a test copy of {slot.key} went to {email}: {reply}. Nothing was recorded.")
    return 0


def _dry_run(context: ProjectContext, slot_key: str | None, *, as_json: bool) -> int:
    weekly = context.project.weekly
    verdict = weekly.verdict(context.slot(slot_key), older_first=slot_key is None, read=weekly.pull)
    formats.tell_pulled(verdict.pulled)
    if verdict.composed is None and verdict.error is not None:
        raise verdict.error
    if as_json:
        output.dump(_rehearsal_json(context, verdict))
        return verdict.exit_code
    if verdict.composed is not None:
        formats.picks(verdict.composed.issue, zone=context.zone)
        formats.passed_over(verdict.composed.issue.passed_over)
        if verdict.composed.findings:
            output.heading("Findings")
            formats.findings(verdict.composed.findings)
    output.say()
    formats.verdict(verdict)
    output.say("Nothing was frozen, nobody mailed.")
    return verdict.exit_code


def _rehearsal_json(context: ProjectContext, verdict: Verdict) -> dict[str, Any]:
    composed, row = verdict.composed, verdict.row
    return {
        **(report_json(context.project.weekly.sender.report(row)) if row else {"picked": []}),
        **(formats.issue_json(composed.issue) if composed else {}),
        "subject": verdict.subject,
        "audience": verdict.recipients,
        "findings": composed.findings if composed else (),
        "pulled": verdict.pulled,
        "verdict": verdict,
    }


@click.command(cls=Command)
@slot_option
@json_option
@pass_project_context
def worker(context: ProjectContext, slot_key: str | None, as_json: bool) -> int:
    """Send what is due of a frozen issue, and the single mails; nothing else.

    Any number may run at once, on any machine that reaches the database. Exit codes as of `send`; nothing frozen is 0.

    JSON: as of `send`, or {"slot": null, "this_run": {STATE: N}} when no issue is frozen and unfinished.
    """
    from newsletter.cli.interrupts import Interrupts

    context.for_sending = True
    project = context.project
    row = project.issues.get(context.slot(slot_key).key) if slot_key else project.issues.unfinished()
    with Interrupts(gently=True) as interrupts, Meter(context) as meter:
        if row is None or row.state != "sending":
            tally = project.sender.send_single_mails(project.backend(), stop=interrupts.event)
            mailed = {state.value: number for state, number in tally.counts.items() if number}
            _say_single(row, mailed, as_json=as_json)
            return interrupts.exit_code if interrupts.number else 0
        report = project.sender.send(row, project.backend(), stop=interrupts.event, on_progress=meter)
    if as_json:
        output.dump(report_json(report))
    else:
        _say_report(context, report)
    return _code(report, interrupts)


def _say_single(row: IssueRow | None, mailed: Mapping[str, int], *, as_json: bool) -> None:
    if as_json:
        output.dump({"slot": row.slot_key if row else None, "state": row.state if row else None, "this_run": mailed})
        return
    what = f"{row.slot_key} is {row.state}" if row else "no issue is frozen and unfinished"
    output.say(f"{what}; single mails: {output.counts(mailed) or 'none was due'}")


@dataclass
class Meter(AbstractContextManager["Meter"]):
    """Progress on standard error: a bar on a terminal, else a line now and then."""

    context: ProjectContext
    _bar: Progress | None = None
    _before: int = -1
    _told_at: float = 0.0

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, row: IssueRow, tally: Tally) -> None:
        """Told a few times a second by the sender."""
        counts = {state.value: number for state, number in dict(tally.counts).items() if number}
        if self._before < 0:
            self._begin(row, now=sum(counts.values()))
        done = min(row.frozen, self._before + sum(counts.values()))
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=done, counts=output.counts(counts))
        elif time.monotonic() - self._told_at >= BETWEEN_LINES:
            self._told_at = time.monotonic()
            output.note(f"{row.slot_key}: {done:,} of {row.frozen:,} done; {output.counts(counts)}")

    def _begin(self, row: IssueRow, *, now: int) -> None:
        totals = self.context.project.sender.report(row).totals
        self._before = max(0, sum(number for state, number in totals.items() if state in ENDED) - now)
        self._told_at = time.monotonic()
        output.note(f"{row.slot_key} “{row.subject}” is frozen for {counted(row.frozen, 'recipient')}")
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.fields[counts]}"))
            self._bar = Progress(*columns, console=Console(stderr=True))
            self._bar.add_task("", total=row.frozen, counts="")
            self._bar.start()
