"""The choice: candidates in, an Issue out, with every pick and everything passed over explained.

Eligibility first (may it be chosen at all), then near-duplicates, then sections, then a ranking in each section in the
order of the settings. The same candidates and arguments make the same Issue, in whatever order candidates come.

A section that found fewer than its minimum is kept as it is, left out for this week (`skip`: its articles wait), or
its articles compete in the first section without a rule (`merge`). Then everything is picked anew, because what that
section had taken is free again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from newsletter.highlights import reasons
from newsletter.highlights.bylines import Bylines
from newsletter.highlights.candidate import Candidate, eligibility
from newsletter.highlights.duplicates import Title
from newsletter.highlights.hand import Hand, arranged, too_many, why_gone, why_placed
from newsletter.highlights.learned import Filing, file_by
from newsletter.highlights.prior import learn
from newsletter.highlights.ranking import Entrant, Lost, Penalty, Picked, Scored, Won, rank, rank_in_order
from newsletter.highlights.repeats import Repeat, Repeats
from newsletter.highlights.score import Measured, Scale, Scores, measure, site_mean_of
from newsletter.highlights.sections import mark_of, sections_of
from newsletter.highlights.subject import subject_of
from newsletter.issue import Article, Decision, IfThin, Issue, Match, PassedOver, PastIssue, Pick, Section, Slot

_RELATED = 3


def choose(
    candidates: Iterable[Candidate],
    *,
    slot: Slot,
    sections: Sequence[Section],
    now: datetime,
    window_start: datetime,
    max_age: timedelta,
    per_subject: int | None = 1,
    per_source: int | None = None,
    past: Iterable[PastIssue] = (),
    deny: Match | None = None,
    filed: Iterable[tuple[Article, str]] = (),
    hand: Hand = Hand(),  # noqa: B008 - frozen and empty
) -> Issue:
    """The best articles for a slot, in sections, and why.

    `candidates` are the shelf's articles, what earlier issues carried in the last 21 days among them (to recognise
    near-duplicates of it). `window_start` is the last issue's freeze, and for a first issue a week ago. `now` is the
    moment of the choice: younger articles wait. `per_subject` and `per_source` cap the whole issue; None is no cap.
    `past` are the issues this editor made before, to learn from.
    What fits any field of `deny` is not picked by itself.
    `filed` are articles of past issues with their sections, to learn from where what fits no rule belongs.
    `hand` is what the editor decided: what has a place is picked beside every rule, and what is out is passed over.

    Raises `ValueError` when `max_age` is not positive or a section's title rule is not a regular expression.
    """
    if max_age <= timedelta(0):
        raise ValueError("max_age must be longer than nothing: write at least one day.")
    ordered = sorted(candidates, key=lambda candidate: candidate.order)
    passed: list[PassedOver] = []
    entrants = []
    filing, bylines = file_by(filed), Bylines(candidate.article for candidate in ordered)
    hand = hand.within(sections)
    judge = partial(eligibility, key=slot.key, now=now, window_start=window_start, max_age=max_age)
    for candidate in ordered:
        placed = hand.places.get(candidate.article.id or 0)
        refusal = judge(candidate, placed=placed is not None)
        if not placed:
            refusal = refusal or _refused(candidate.article, hand=hand, deny=deny)
        if refusal:
            passed.append(refusal)
            continue
        entrant = _entry(candidate, sections=sections, filing=filing, bylines=bylines, placed=placed)
        if entrant.sections:
            entrants.append(entrant)
        else:
            passed.append(PassedOver(candidate.article, "fits no section", waits=True))
    prior = learn(past, today=[entrant.candidate.article for entrant in entrants])
    scale = Scale(now, max_age, site_mean_of(ordered), prior)
    measured = {id(entrant): measure(entrant.candidate, scale=scale) for entrant in entrants}
    rules = _Rules(sections, scale, measured, per_subject, per_source)
    carried = [candidate for candidate in ordered if candidate.carried_by]
    repeats = Repeats(entrants, rules.scores(entrants), carried=carried)
    gone = {id(repeat.scored.entrant) for repeat in repeats.found()}
    filled = _fill([entrant for entrant in entrants if id(entrant) not in gone], rules=rules, repeats=repeats)
    for won in filled.picked.won:
        repeats.look_for(won.scored.entrant)
    repeated = repeats.found()
    filled = filled.without({id(repeat.scored.entrant) for repeat in repeated})
    loud = ((entrant, measured[id(entrant)].loudest) for entrant in entrants)
    pool = reasons.pool_of(loud, sections=sections, now=now)
    number = {section.name: place for place, section in enumerate(sections)}
    related = _related(filled, repeated)
    picks = sorted(
        _picks(filled.picked, related=related, pool=pool), key=lambda pick: (number[pick.section], pick.position)
    )
    picked = {id(pick.article) for pick in picks}
    kept = {id(article) for pick in picks for article in pick.related}
    passed += [PassedOver(one.candidate.article, why, waits=True) for one, why in filled.unplaced]
    passed += [repeat.passed_over(picked, kept=kept) for repeat in repeated]
    notes = tuple((one.name, line) for one in sections if (line := _note(one, filled)))
    lost = _lost(filled, sections=sections, pool=pool, kept=kept)
    return Issue(slot, tuple(sections), tuple(picks), (*lost, *passed), notes)


@dataclass(frozen=True, slots=True)
class _Rules:
    """What holds for the whole choice."""

    sections: Sequence[Section]
    scale: Scale
    measured: Mapping[int, Measured]
    per_subject: int | None
    per_source: int | None

    def scores(self, entrants: Sequence[Entrant]) -> Scores:
        return Scores([self.measured[id(entrant)] for entrant in entrants], scale=self.scale)

    def scored(self, entrants: Sequence[Entrant]) -> list[Scored]:
        scores = self.scores(entrants)
        totals = enumerate(zip(entrants, scores.totals, strict=True))
        return [Scored(entrant, scores.terms(index), score) for index, (entrant, score) in totals]


@dataclass(frozen=True, slots=True)
class _Closed:
    """Why a thin section is closed, and the section that gets its articles, "" for none."""

    into: str
    why: str


@dataclass(frozen=True, slots=True)
class _Filled:
    picked: Picked
    lost: list[Lost]
    unplaced: list[tuple[Entrant, str]]

    def without(self, gone: set[int]) -> _Filled:
        """The same without some that found no place."""
        lost = [one for one in self.lost if id(one.scored.entrant) not in gone]
        return _Filled(self.picked, lost, [one for one in self.unplaced if id(one[0]) not in gone])

    def competed(self, section: str) -> list[Scored]:
        """What was tried in a section, the picks first."""
        won = [won.scored for won in self.picked.won if won.section == section]
        return [*won, *(lost.scored for lost in self.lost if lost.section == section)]


def _refused(article: Article, *, hand: Hand, deny: Match | None) -> PassedOver | None:
    """Why what the editor did not place is not picked: it is out of this issue, or never picked by itself."""
    if gone := hand.gone.get(article.id or 0):
        return PassedOver(article, why_gone(gone), waits=True)
    mark = mark_of(article, deny) if deny else ""
    return PassedOver(article, f"denied: {mark}") if mark else None


def _entry(
    candidate: Candidate, *, sections: Sequence[Section], filing: Filing, bylines: Bylines, placed: Decision | None
) -> Entrant:
    article = candidate.article
    title = Title(article.title, subject_of(article), article.published)
    tried_in, filed_by = (
        ((placed.place[0],), "") if placed else sections_of(candidate, sections=sections, filing=filing)
    )
    return Entrant(candidate, title, tried_in, filed_by, bylines.authors_of(article), placed)


def _fill(entrants: Sequence[Entrant], *, rules: _Rules, repeats: Repeats) -> _Filled:
    """Picks into all sections, and starts anew whenever a thin section is closed; never one that an editor filled."""
    closed: dict[str, _Closed] = {}
    placed_in = {entrant.sections[0] for entrant in entrants if entrant.decision}
    while True:
        filled = _fill_once(entrants, rules=rules, repeats=repeats, closed=closed)
        may_close = [one for one in rules.sections if one.name not in {*closed, *placed_in}]
        thin = _first_thin(filled.picked, sections=may_close)
        if thin is None:
            return filled
        section, found = thin
        others = [one for one in rules.sections if one.name not in {section.name, *closed}]
        into = _receiver_of(others) if section.if_thin == IfThin.MERGE else ""
        why = f"{section.name} found {found} of at least {section.min} and is left out this week"
        closed[section.name] = _Closed(into, why)


def _fill_once(entrants: Sequence[Entrant], *, rules: _Rules, repeats: Repeats, closed: dict[str, _Closed]) -> _Filled:
    picked = Picked(per_subject=rules.per_subject, per_source=rules.per_source)
    open_sections = {id(entrant): _open_sections(entrant, closed) for entrant in entrants}
    lost: dict[int, Lost] = {}
    free = list(entrants)
    _place(entrants, rules=rules, picked=picked, open_sections=open_sections)
    for section in sorted(rules.sections, key=lambda section: not section.fixed):
        mine = rules.scored([entrant for entrant in free if section.name in open_sections[id(entrant)]])
        mine = [scored for scored in mine if scored.entrant.decision is None]
        left = max(0, section.pick - len(picked.in_section(section.name)))
        if section.by_score:
            losers = rank(mine, section=section.name, places=left, picked=picked, is_repeat=repeats.has)
        else:
            losers = rank_in_order(mine, section=section, places=left, picked=picked, is_repeat=repeats.has)
        for one in losers:
            lost.setdefault(id(one.scored.entrant), one)
        taken = {id(won.scored.entrant) for won in picked.won}
        free = [entrant for entrant in free if id(entrant) not in taken]
    best_first = sorted((lost[id(one)] for one in free if id(one) in lost), key=lambda one: -one.scored.score)
    unplaced = [(one, closed[one.sections[0]].why) for one in free if id(one) not in lost and not repeats.has(one)]
    return _Filled(picked, best_first, unplaced)


def _place(
    entrants: Sequence[Entrant], *, rules: _Rules, picked: Picked, open_sections: Mapping[int, Collection[str]]
) -> None:
    """Takes what the editor placed, before anything is ranked, with its score among what is tried in its section."""
    places = {entrant.sections[0] for entrant in entrants if entrant.decision}
    for section in (section for section in rules.sections if section.name in places):
        tried = rules.scored([one for one in entrants if section.name in open_sections[id(one)]])
        placed = [(scored, scored.entrant.decision) for scored in tried if scored.entrant.decision]
        for scored in arranged([], placed):
            picked.take(Won(scored, section.name, Penalty(), None, 0.0))


def _note(section: Section, filled: _Filled) -> str:
    placed = sum(won.scored.entrant.decision is not None for won in filled.picked.in_section(section.name))
    lines = (reasons.note(section, filled.competed(section.name)), too_many(section, placed))
    return "; ".join(filter(None, lines))


def _open_sections(entrant: Entrant, closed: dict[str, _Closed]) -> Collection[str]:
    """Where an entrant is tried once the sections that take over closed ones are followed."""
    if not closed:
        return entrant.sections
    found = set()
    for name in entrant.sections:
        while name in closed:
            name = closed[name].into  # noqa: PLW2901 - a chain of sections, each closed into the next
        found.add(name)
    return found - {""}


def _first_thin(picked: Picked, *, sections: Sequence[Section]) -> tuple[Section, int] | None:
    for section in sections:
        found = sum(won.section == section.name for won in picked.won)
        if found < section.min and section.if_thin != IfThin.KEEP:
            return section, found
    return None


def _receiver_of(others: Sequence[Section]) -> str:
    """The open section that gets a merged one's articles: the first without a rule, else the first; "" when none."""
    ruleless = (other for other in others if other.match.takes_all)
    return next((other.name for other in (*ruleless, *others)), "")


def _lost(filled: _Filled, *, sections: Sequence[Section], pool: reasons.Pool, kept: set[int]) -> list[PassedOver]:
    next_ones = []
    for section in sections:
        next_ones += reasons.alternates([one for one in filled.lost if one.section == section.name], pool=pool)
    known = {id(one) for one, _ in next_ones}
    others = ((one, "") for one in filled.lost if id(one) not in known)
    return [
        PassedOver(
            one.scored.entrant.candidate.article,
            reasons.passed_over(one, pool=pool, related=id(one.scored.entrant.candidate.article) in kept),
            one.scored.score,
            one.scored.terms,
            waits=True,
            section=one.section,
            needs=needs,
        )
        for one, needs in (*next_ones, *others)
    ]


def _related(filled: _Filled, repeats: Sequence[Repeat]) -> dict[int, list[Article]]:
    """What gave way to an entrant: on the same subject, or with the same story; by the candidate's id, best first."""
    by_subject = {
        won.scored.entrant.title.subject: id(won.scored.entrant.candidate) for won in reversed(filled.picked.won)
    }
    by_subject.pop("", None)
    gave_way = [(by_subject.get(one.scored.entrant.title.subject), one.scored) for one in filled.lost if one.cap]
    gave_way += [(id(repeat.of), repeat.scored) for repeat in repeats]
    found: dict[int, list[Article]] = {}
    for to, scored in gave_way:
        if to is not None:
            found.setdefault(to, []).append(scored.entrant.candidate.article)
    return found


def _picks(picked: Picked, *, related: Mapping[int, Sequence[Article]], pool: reasons.Pool) -> list[Pick]:
    positions: dict[int, int] = {}
    for section in {won.section for won in picked.won}:
        mine = [(won, won.scored.entrant.decision) for won in picked.in_section(section)]
        order = arranged([won for won, by in mine if by is None], [(won, by) for won, by in mine if by is not None])
        positions |= {id(won): position for position, won in enumerate(order, 1)}
    picks = []
    for place, won in enumerate(picked.won):
        decision = won.scored.entrant.decision
        machine = (reasons.picked(won, beside=picked.won[:place], pool=pool), reasons.detail(won, pool=pool))
        reason, detail = (why_placed(decision), "") if decision else machine
        picks.append(
            Pick(
                article=won.scored.entrant.candidate.article,
                section=won.section,
                position=positions[id(won)],
                score=won.scored.score,
                terms=tuple(won.scored.terms),
                reason=reason,
                detail=detail,
                related=tuple(related.get(id(won.scored.entrant.candidate), ())[:_RELATED]),
                beat=won.runner_up.entrant.candidate.article.title if won.runner_up else "",
                decision=decision,
            )
        )
    return picks
