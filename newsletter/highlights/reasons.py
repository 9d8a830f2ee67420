"""The choice in words: the line under a pick."""

from __future__ import annotations

from newsletter.highlights.ranking import Won, points
from newsletter.issue import Term


def reason(won: Won) -> str:
    """The terms with their numbers, what was held back, and the runner-up, in one line."""
    parts = [f"{won.scored.score:.2f} = {_summed(won.scored.terms)}"]
    if won.penalty.why:
        parts.append(f"held back {points(won.penalty.points)}: {won.penalty.why}")
    if won.runner_up is None:
        parts.append("no other candidate")
    elif won.margin == 0:
        parts.append(f"tied with “{won.runner_up.entrant.title.text}”, settled by date and address")
    else:
        parts.append(f"beat “{won.runner_up.entrant.title.text}” by {points(won.margin)}")
    return "; ".join(parts)


def _summed(terms: tuple[Term, ...]) -> str:
    """ "popularity .41 (8,412 views: 91st of 100 among 37) + rating .05 (not rated: neutral)" """
    return " + ".join(f"{term.name} {f'{term.points:.2f}'.removeprefix('0')} ({term.why})" for term in terms)
