"""The notes on an issue beside the newsletter's earlier ones, as findings: they stop nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from newsletter.decisions import Decisions, effective
from newsletter.highlights import LOOKED_BACK, unusual
from newsletter.issue import Issue
from newsletter.past_issues import PastIssues
from newsletter.rendering import Finding, Theme, note
from newsletter.weekly.editor import words_of


def notes_on(issue: Issue, past_issues: PastIssues, decisions: Decisions, theme: Theme) -> list[Finding]:
    """What is unusual about an issue; its subject is that of its letter."""
    earlier: Sequence[Issue] = past_issues.carried(before=issue.slot.at, limit=LOOKED_BACK)
    if issue.intro:  # what introductions said is in the log alone
        log = effective(decisions.log())
        earlier = [replace(one, intro=words_of(log, key=one.slot.key)[0]) for one in earlier]
    shown = [_as_shown(replace(one, sections=issue.sections), theme) for one in (*earlier, issue)]
    return [note(one.id, one.message, story=one.story, url=one.url) for one in unusual(shown[-1], shown[:-1])]


def _as_shown(issue: Issue, theme: Theme) -> Issue:
    """The issue without the pictures that the theme leaves out."""
    if theme.images == "all":
        return issue
    lead = issue.lead if theme.images == "lead" else None
    bare = (pick if pick is lead else replace(pick, article=replace(pick.article, image=None)) for pick in issue.picks)
    return replace(issue, picks=tuple(bare))
