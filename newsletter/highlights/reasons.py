"""The choice in words an editor reads: one sentence for a pick, one for what was passed over. Pure.

A sentence says at most two facts, the ones whose terms lie furthest above neutral; the sum of all terms is `formula`.
What it does not know: how anything was scored or chosen; it only reads the terms, penalties and margins.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil

from newsletter.errors import counted
from newsletter.highlights.ranking import NEAR, Entrant, Lost, Scored, Won, quoted
from newsletter.highlights.score import NEUTRAL, days_between, loudest, rating_of
from newsletter.issue import Article, Order, Pick, Section, SignalKind, Term

_COUNTED = {
    SignalKind.VIEWS: "read",
    SignalKind.SHARES: "shared",
    SignalKind.VOTES: "upvoted",
    SignalKind.COMMENTS: "discussed",
}
_PLACES = ("the most", "the second most", "the third most")
_COMPARABLE = 3  # fewer numbers make no "most read of the week"
_SURE = 0.005  # points above neutral that are worth a word
ALTERNATES = 3
RELATED = "; this one is kept as its related coverage"
_ALONE = "nothing else was left for its place"


@dataclass(frozen=True, slots=True)
class Pool:
    """Everything that competed: by section ("" is all of them) and kind, the numbers, ascending."""

    sections: Mapping[str, Section]
    now: datetime
    numbers: Mapping[tuple[str, SignalKind], Sequence[float]]

    def title(self, section: str) -> str:
        return self.sections[section].title or section


def pool_of(
    known: Iterable[tuple[Entrant, tuple[SignalKind, float] | None]], *, sections: Iterable[Section], now: datetime
) -> Pool:
    """The pool that picks are compared with: each entrant with its loudest number."""
    numbers: dict[tuple[str, SignalKind], list[float]] = {}
    for entrant, found in known:
        if found:
            for name in ("", *entrant.sections):
                numbers.setdefault((name, found[0]), []).append(found[1])
    for values in numbers.values():
        values.sort()
    return Pool({section.name: section for section in sections}, now, numbers)


def picked(won: Won, *, beside: Sequence[Won], pool: Pool) -> str:
    """Why an article was picked, in one sentence. `beside` are the picks before it."""
    if not pool.sections[won.section].by_score:
        return _in_order(won, beside=beside, pool=pool)
    facts = _facts(won, pool=pool)
    if not facts:
        weak = [*_young(won.scored.entrant, pool=pool), *_another_author(won, beside=beside)]
        return _capital(_few(won) + (" and ".join(weak[:2]) or _left_over(won, pool=pool)))
    name, text, figures = facts[0]
    first = (_few(won) if name != "popularity" else "") + text + (f": {figures}" if figures else "")
    others = [f"{text} ({figures})" if figures else text for _, text, figures in facts[1:2]]
    return _capital(", and ".join([first, *others]))


def passed_over(lost: Lost, *, pool: Pool, related: bool = False) -> str:
    """Who took the place of an article that competed, and why, in one line; and whether it is `related` to a pick."""
    if lost.cap:
        return lost.cap + (RELATED if related else "")
    section = pool.title(lost.section)
    if lost.last is None:
        return f"{section} takes no articles"
    taken = f"{quoted(lost.last.entrant.title.text)} took the last place in {section}"
    if not pool.sections[lost.section].by_score:
        return f"{taken}, in order of {_ordered_by(pool.sections[lost.section])}"
    if lost.penalty is None:
        return f"{taken}; {lost.behind:,} others came before this one"
    return f"{taken}: {_better(lost.last, lost)}"


def alternates(losers: Sequence[Lost], *, pool: Pool) -> list[tuple[Lost, str]]:
    """The next in line of one section, and what would bring each in: least lost first, capped ones last."""
    next_ones = [one for one in losers if one.behind < NEAR]
    ranked = sorted(next_ones, key=lambda one: (bool(one.cap), one.margin))[:ALTERNATES]
    return [(one, _needs(one, place, pool=pool)) for place, one in enumerate(ranked)]


def note(section: Section, competed: Sequence[Scored]) -> str:
    """How a section is chosen in which no popularity, rating or taste is known; "" when any is."""
    if not section.by_score or not competed:
        return ""
    if {"popularity", "rating", "prior"} & {term.name for term in competed[0].terms}:
        return ""
    articles = [scored.entrant.candidate.article for scored in competed]
    firsts = [
        *(["featured"] if any(article.featured for article in articles) else []),
        *(["complete"] if len({(article.image is None, not article.blurb) for article in articles}) > 1 else []),
    ]
    first = f"{', '.join(firsts)} and newest first" if firsts else "newest first"
    authors = {author for scored in competed for author in scored.entrant.authors}
    sources = {article.source for article in articles}
    spread = ", spread over authors" if len(authors) > 1 else ", spread over sources" if len(sources) > 1 else ""
    return f"No popularity is known: {first}{spread}"


def detail(won: Won, *, pool: Pool) -> str:
    """What the sum of the terms leaves out: why it is in this section, what was held back, and who came next."""
    filed_by = won.scored.entrant.filed_by
    parts = [f"put into {pool.title(won.section)} like past articles with {filed_by}"] if filed_by else []
    if not pool.sections[won.section].by_score:
        return "; ".join([*parts, f"placed in order of {_ordered_by(pool.sections[won.section])}, not by its score"])
    parts += [f"held back {points(won.penalty.points)}: {won.penalty.why}"] if won.penalty.why else []
    if won.runner_up is None:
        parts.append("no other candidate")
    elif won.margin == 0:
        parts.append(f"tied with {quoted(won.runner_up.entrant.title.text)}, settled by date and address")
    else:
        parts.append(f"beat {quoted(won.runner_up.entrant.title.text)} by {points(won.margin)}")
    return "; ".join(parts)


def formula(pick: Pick) -> str:
    """The terms of a pick with their numbers, what was held back and the runner-up, in one line."""
    # such as: popularity .41 (8,412 views: 91st of 100 among 37) + rating .05 (not rated: neutral)
    summed = " + ".join(f"{term.name} {f'{term.points:.2f}'.removeprefix('0')} ({term.why})" for term in pick.terms)
    return "; ".join(part for part in (summed and f"{pick.score:.2f} = {summed}", pick.detail) if part)


def points(value: float) -> str:
    """A number of points as the formula prints it: ".41"; a difference too small to show is "less than .01"."""
    text = f"{value:.2f}"
    return "less than .01" if text in ("0.00", "-0.00") else text.removeprefix("0")


def _needs(lost: Lost, place: int, *, pool: Pool) -> str:
    if lost.cap:
        return f"Comes in when another gives way: {lost.cap}"
    if lost.penalty is not None and lost.penalty.why and lost.penalty.points >= lost.margin:
        return f"Comes in when what holds it back is dropped: {lost.penalty.why}"
    picks = ("one pick", "two picks", "three picks")[place]
    more = _more_numbers(lost, pool=pool)
    dropped = f"Comes in when {picks} of {pool.title(lost.section)} {'is' if place == 0 else 'are'} dropped"
    return f"{dropped}, or with about {more}" if more else dropped


def _more_numbers(lost: Lost, *, pool: Pool) -> str:
    """About how many more views (or whatever it is known by) would have won the last place; "" when none would."""
    article = lost.scored.entrant.candidate.article
    popularity = next((term for term in lost.scored.terms if term.name == "popularity"), None)
    found = loudest(article)
    if popularity is None or found is None or lost.penalty is None or lost.scored.entrant.candidate.weight != 1:
        return ""
    column = pool.numbers[lost.section, found[0]]
    place = ceil((popularity.value + lost.margin / popularity.weight) * len(column))
    if place > len(column):
        return ""
    more = max(1, column[place - 1] + 1 - found[1])
    step = 10 ** max(0, len(str(int(more))) - 2)  # two figures: it is an estimate
    return counted(ceil(more / step) * step, f"more {found[0].value.removesuffix('s')}")


def _in_order(won: Won, *, beside: Sequence[Won], pool: Pool) -> str:
    section, title = pool.sections[won.section], pool.title(won.section)
    place = sum(other.section == won.section for other in beside)
    if section.order == Order.SOURCE and not section.fixed:
        return f"Number {place + 1} of what its source lists for {title}"
    newest = ("The newest", "The second newest", "The third newest", f"Number {place + 1} of the newest")[min(place, 3)]
    return f"{newest} of {title}, which always has it" if section.fixed else f"{newest} in {title}"


def _ordered_by(section: Section) -> str:
    return "its source" if section.order == Order.SOURCE and not section.fixed else "date"


def _facts(won: Won, *, pool: Pool) -> list[tuple[str, str, str]]:
    """What speaks for a pick: the term, its words and figures, the strongest first."""
    above = [(term.weight * (term.value - NEUTRAL), term) for term in won.scored.terms]
    ranked = sorted((found for found in above if found[0] > _SURE), key=lambda found: -found[0])
    said = [(term.name, *_fact(term, won, pool=pool)) for _, term in ranked]
    return [found for found in said if found[1]]


def _fact(term: Term, won: Won, *, pool: Pool) -> tuple[str, str]:
    """A term in words and figures; age and completeness settle ties, and are no facts that an article is picked for."""
    candidate = won.scored.entrant.candidate
    match term.name:
        case "popularity":
            return _popular(candidate.article, won.section, pool=pool) or ("its source counts for more", "")
        case "rating":
            rating, count = rating_of(candidate.article)
            by = f" by {count:,}" if count else ""
            return (f"rated {rating:g} of 5{by}" if rating is not None else "", "")
        case "prominence":
            return ("featured" if candidate.article.featured else f"told by {candidate.seen_in} sources", "")
        case "prior":
            kept = term.why.split(";")[0]
            return (kept if kept.startswith("you kept ") and not kept.startswith("you kept 0 ") else ""), ""
        case _:
            return "", ""


def _popular(article: Article, section: str, *, pool: Pool) -> tuple[str, str] | None:
    """The best that is true of an article's number, of the week before of the section."""
    found = loudest(article)
    if found is None:
        return None
    kind, value = found
    places = []
    for name, scope in (("", "of the week"), (section, f"in {pool.title(section)}")):
        column = pool.numbers.get((name, kind), ())
        above = len(column) - bisect_right(column, value)
        places.append((above, len(column), column.count(value) == 1, scope))
    for above, known, single, scope in places:
        if known >= _COMPARABLE and single and above < min(len(_PLACES), known / 2):
            return f"{_PLACES[above]} {_COUNTED[kind]} {scope}", _number(kind, value)
    for limit, words in ((0.2, "among the most {} {}"), (0.5, "more {} than most {}")):
        for above, known, _, scope in places:
            if known >= _COMPARABLE and above / known < limit:
                return words.format(_COUNTED[kind], scope), _number(kind, value)
    return f"it has {_number(kind, value)}", ""


def _number(kind: SignalKind, value: float) -> str:
    return counted(round(value), kind.value.removesuffix("s"))


def _few(won: Won) -> str:
    """What speaks against a pick whose section knows numbers, so that the rest is read as a "but"."""
    popularity = next((term for term in won.scored.terms if term.name == "popularity"), None)
    if popularity is None or popularity.value > NEUTRAL:
        return ""
    found = loudest(won.scored.entrant.candidate.article)
    return "no numbers, but " if found is None else f"few {found[0].value}, but " if popularity.value < NEUTRAL else ""


def _young(entrant: Entrant, *, pool: Pool) -> list[str]:
    assert entrant.candidate.article.published is not None  # it was eligible
    days = days_between(entrant.candidate.article.published, pool.now)
    return ["new today" if days < 1 else f"only {counted(days, 'day')} old"] if days < 4 else []


def _another_author(won: Won, *, beside: Sequence[Won]) -> list[str]:
    authors = won.scored.entrant.authors
    there = {author for other in beside for author in other.scored.entrant.authors}
    return ["by an author not yet in this issue"] if authors and there and not authors & there else []


def _left_over(won: Won, *, pool: Pool) -> str:
    if won.runner_up is None:
        return _ALONE
    return f"it stood first of what was left for {pool.title(won.section)}"


def _better(winner: Scored, lost: Lost) -> str:
    """What the winner has over the loser: the term in which they differ most, or what the loser was held back for."""
    if lost.margin == 0:
        return "they are equal, and the earlier published comes first"
    assert lost.penalty is not None
    mine = {term.name: term for term in lost.scored.terms}
    gaps = [(term.points - mine[term.name].points, term.name) for term in winner.terms if term.name in mine]
    gap, name = max(gaps, default=(0.0, ""), key=lambda found: found[0])
    if lost.penalty.why and lost.penalty.points >= gap:
        return f"this one was held back ({lost.penalty.why})"
    there, here = winner.entrant.candidate.article, lost.scored.entrant.candidate.article
    match name:
        case "popularity":
            return _more_popular(there, here)
        case "rating":
            rating = rating_of(there)[0]
            return "it is rated better" + (f", {rating:g} of 5" if rating is not None else "")
        case "prominence":
            return "it is featured" if there.featured else "more sources tell it"
        case "completeness":
            return f"this one has {mine[name].why}"
        case "recency":
            return "it is newer"
        case "prior":
            return "it is closer to what you keep"
        case _:
            return f"it is ahead by {points(lost.margin)}"


def _more_popular(there: Article, here: Article) -> str:
    theirs, ours = loudest(there), loudest(here)
    if theirs is None or ours is None or theirs[0] != ours[0] or theirs[1] <= ours[1]:
        return "it is more popular" if theirs else "this one is less popular than most"
    return f"it is more {_COUNTED[theirs[0]]}, {_number(*theirs)} to {round(ours[1]):,}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
