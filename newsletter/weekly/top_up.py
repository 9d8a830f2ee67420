"""Fills a thin week with older articles that no issue has carried. Pure.

The newest of them come first, one at a time, and only where a place is left: what is new this week keeps its place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from newsletter.highlights import Candidate
from newsletter.issue import Issue


def topped_up(
    issue: Issue,
    candidates: Sequence[Candidate],
    *,
    older: Sequence[Candidate],
    at_least: int,
    choose: Callable[[Sequence[Candidate]], Issue],
) -> Issue:
    """The issue with at least `at_least` picks, if `older` has enough.

    `candidates` are those it was chosen from; `older` were too old for it. `choose` chooses with an age limit that
    takes them in.
    """
    known = {pick.article.id for pick in issue.picks}
    taken = [one for one in candidates if one.article.id in known]
    filled = issue
    for one in sorted(older, key=lambda candidate: candidate.order, reverse=True):
        if len(filled.picks) >= at_least:
            break
        trial = choose([*taken, one])
        found = {pick.article.id for pick in trial.picks}
        if len(trial.picks) > len(filled.picks) and known <= found:
            filled, known = trial, found
            taken.append(one)
    if filled is issue:
        return issue
    added = known - {pick.article.id for pick in issue.picks}
    left = tuple(one for one in issue.passed_over if one.article.id not in added)
    return replace(filled, passed_over=left)
