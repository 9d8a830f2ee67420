"""One section's contest: the best first, then the best beside what is already picked.

Greedy maximal marginal relevance (Carbonell & Goldstein 1998) in the measured mix of .8 score and .2 likeness, less .1
for each earlier pick of the same source or author (reference content §4: it costs no recall and spreads the sources).
Everything is divided by .8 here, so that margins read in points of score. Repeats count at most twice: in a newsletter
with one large and one small source the penalty must not grow until the small one's worst beats the large one's best.

What it does not know: why an article is in this contest, or what happens to the others afterwards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from newsletter.highlights.candidate import Candidate
from newsletter.highlights.duplicates import Title
from newsletter.issue import Term

LIKENESS = 0.2 / 0.8
REPEAT = 0.1 / 0.8
_MOST_REPEATS = 2


@dataclass(frozen=True, slots=True)
class Entry:
    """A candidate made ready. `homes` are the sections it is tried in."""

    candidate: Candidate
    title: Title
    homes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scored:
    """An entry with its terms among the others of one contest."""

    entry: Entry
    terms: tuple[Term, ...]
    score: float


@dataclass(frozen=True, slots=True)
class Penalty:
    """What an article loses for what is picked already, in points of score, and the words for it."""

    points: float = 0.0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Won:
    """A place taken, what was held back for earlier picks, and who came next, by how much."""

    scored: Scored
    section: str
    penalty: Penalty
    runner_up: Scored | None
    margin: float


@dataclass(frozen=True, slots=True)
class Lost:
    """An entry that took no place, and why."""

    scored: Scored
    reason: str


@dataclass
class Table:
    """What is picked so far, in all sections. `per_subject` and `per_source` are hard caps; None is no cap."""

    per_subject: int | None = 1
    per_source: int | None = None
    won: list[Won] = field(default_factory=list)
    _subjects: Counter[str] = field(default_factory=Counter)
    _sources: Counter[str] = field(default_factory=Counter)
    _authors: Counter[str] = field(default_factory=Counter)

    def take(self, won: Won) -> None:
        entry = won.scored.entry
        self.won.append(won)
        self._subjects[entry.title.subject] += 1
        self._sources[entry.candidate.article.source] += 1
        self._authors.update(set(entry.candidate.article.authors))

    def barred(self, entry: Entry) -> str:
        """The cap that keeps an entry out, in words; "" when none does."""
        subject, source = entry.title.subject, entry.candidate.article.source
        if subject and self.per_subject is not None and self._subjects[subject] >= self.per_subject:
            others = [won.scored.entry.title for won in self.won if won.scored.entry.title.subject == subject]
            return f"“{others[-1].text}” is picked on the same subject ({subject})"
        if source and self.per_source is not None and self._sources[source] >= self.per_source:
            return f"{source} has its {self.per_source} in this issue"
        return ""

    def penalty(self, entry: Entry, *, without_last: bool = False) -> Penalty:
        """What an entry loses beside the picks so far, or beside all but the last of them."""
        earlier = self.won[:-1] if without_last else self.won
        article = entry.candidate.article
        nearest, likeness = "", 0.0
        for won in earlier:
            alike = jaccard(entry.title.vocabulary, won.scored.entry.title.vocabulary)
            if alike > likeness:
                nearest, likeness = won.scored.entry.title.text, alike
        sources, authors = (
            self._sources[article.source],
            max((self._authors[name] for name in article.authors), default=0),
        )
        if without_last:
            last = self.won[-1].scored.entry.candidate.article
            sources -= article.source == last.source
            authors -= bool(authors) and not set(article.authors).isdisjoint(last.authors)
        points = LIKENESS * likeness
        why = [f"like “{nearest}”"] if LIKENESS * likeness >= 0.005 else []
        if article.source and sources:
            points += REPEAT * min(sources, _MOST_REPEATS)
            why.append(f"{sources} from {article.source} before it")
        if authors:
            points += REPEAT * min(authors, _MOST_REPEATS)
            why.append(f"{authors} by the same author before it")
        return Penalty(points, ", ".join(why))


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """Shared words as a share of all words of two titles."""
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared) if shared else 0.0


def contest(contestants: Sequence[Scored], *, section: str, places: int, table: Table) -> list[Lost]:
    """Gives the places of a section to the best, on `table`; answers who took none and why, best first.

    `contestants` are in the order that settles ties.
    """
    ranked = sorted(contestants, key=lambda scored: -scored.score)  # stable: ties keep their order
    taken: set[int] = set()
    worth_of_last = 0.0
    for _ in range(places):
        found = _best_two(ranked, taken=taken, table=table)
        if not found:
            break
        worth_of_last, index, penalty = found[0]
        second = found[1] if len(found) > 1 else None
        runner_up = ranked[second[1]] if second else None
        margin = worth_of_last - second[0] if second else 0.0
        taken.add(index)
        table.take(Won(ranked[index], section, penalty, runner_up, margin))
    return [
        Lost(scored, _why_lost(scored, section=section, worth_of_last=worth_of_last, any_won=bool(taken), table=table))
        for index, scored in enumerate(ranked)
        if index not in taken
    ]


def _best_two(ranked: Sequence[Scored], *, taken: set[int], table: Table) -> list[tuple[float, int, Penalty]]:
    """The best and the second best as (worth, index, penalty). A penalty only takes away, so looking ends early."""
    best: list[tuple[float, int, Penalty]] = []
    for index, scored in enumerate(ranked):
        if len(best) == 2 and scored.score <= best[1][0]:
            break
        if index in taken or table.barred(scored.entry):
            continue
        penalty = table.penalty(scored.entry)
        best.append((scored.score - penalty.points, index, penalty))
        best.sort(key=lambda found: (-found[0], found[1]))
        del best[2:]
    return best


def _why_lost(scored: Scored, *, section: str, worth_of_last: float, any_won: bool, table: Table) -> str:
    if cap := table.barred(scored.entry):
        return cap
    if not any_won:
        return f"{section} takes no articles"
    penalty = table.penalty(scored.entry, without_last=True)
    margin = worth_of_last - (scored.score - penalty.points)
    held_back = f" (held back {points(penalty.points)}: {penalty.why})" if penalty.why else ""
    return (
        f"lost the last place in {section} to “{table.won[-1].scored.entry.title.text}” by {points(margin)}{held_back}"
    )


def points(value: float) -> str:
    """A number of points as the reasons print it: ".41"; a difference too small to show is "less than .01"."""
    text = f"{value:.2f}"
    return "less than .01" if text in ("0.00", "-0.00") else text.removeprefix("0")
