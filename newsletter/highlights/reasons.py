"""The choice in words: the line under a pick, and the answer to "why this one, why not that one?"."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from newsletter.highlights.contest import Won, points
from newsletter.highlights.score import NEUTRAL
from newsletter.issue import Article, Issue, PassedOver, Pick, Term

_FOR = {"popularity": "much read", "rating": "well rated", "prominence": "prominent", "recency": "new"}


def reason(won: Won) -> str:
    """The terms with their numbers, what was held back, and the runner-up, in one line."""
    parts = [f"{won.scored.score:.2f} = {summed(won.scored.terms)}"]
    if won.penalty.why:
        parts.append(f"held back {points(won.penalty.points)}: {won.penalty.why}")
    if won.runner_up is None:
        parts.append("no other candidate")
    elif won.margin == 0:
        parts.append(f"tied with “{won.runner_up.entrant.title.text}”, settled by date and address")
    else:
        parts.append(f"beat “{won.runner_up.entrant.title.text}” by {points(won.margin)}")
    return "; ".join(parts)


def summed(terms: tuple[Term, ...]) -> str:
    """ "popularity .41 (8,412 views: 91st of 100 among 37) + rating .05 (not rated: neutral)" """
    return " + ".join(f"{term.name} {f'{term.points:.2f}'.removeprefix('0')} ({term.why})" for term in terms)


def sentence(pick: Pick) -> str:
    """A pick's strongest term in a short sentence for people: "Much read (8,412 views: 91st of 100 among 37)." """
    telling = [term for term in pick.terms if term.name in _FOR and term.value > NEUTRAL]
    if not telling:
        return "Nothing else stood out more."
    best = max(telling, key=lambda term: term.weight * (term.value - NEUTRAL))
    return f"{_FOR[best.name].capitalize()} ({best.why})."


def explain(issue: Issue, *, article: str) -> str | None:
    """Why an article was picked or passed over, a line each for all that `article` may mean; None when it is unknown.

    `article` is an address (with or without scheme, "www." and a last slash), a guid, a title, or a part of a title.
    """
    exact = _lines(issue, lambda known: article in (known.url, known.guid) or _same(article, known))
    if exact:
        return "\n".join(exact)
    wanted = article.strip().casefold()
    found = _lines(issue, lambda known: bool(wanted) and wanted in known.title.casefold())
    return "\n".join(found) or None


def _lines(issue: Issue, meant: Callable[[Article], bool]) -> list[str]:
    picked = [
        f"“{pick.article.title}” is number {pick.position} in {pick.section}: {pick.reason}"
        for pick in issue.picks
        if meant(pick.article)
    ]
    return picked + [_passed_over(passed) for passed in issue.passed_over if meant(passed.article)]


def _passed_over(passed: PassedOver) -> str:
    score = f" It scored {passed.score:.2f} = {summed(passed.terms)}." if passed.score is not None else ""
    later = " It waits for a later issue." if passed.waits else ""
    return f"“{passed.article.title}” is passed over: {passed.reason}.{score}{later}"


def _same(wanted: str, known: Article) -> bool:
    return known.title.casefold() == wanted.strip().casefold() or bool(known.url and _bare(known.url) == _bare(wanted))


def _bare(url: str) -> str:
    try:
        parts = urlsplit(url.strip() if "//" in url else f"//{url.strip()}")
    except ValueError:  # "http://[" and its like
        return url
    query = f"?{parts.query}" if parts.query else ""
    return parts.netloc.casefold().removeprefix("www.") + parts.path.rstrip("/") + query
