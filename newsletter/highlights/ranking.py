"""Ranking the entrants of one section: the best first, then the best beside what is already picked.

Greedy maximal marginal relevance (Carbonell & Goldstein 1998): .8 score and .2 likeness, less .1 for each earlier pick
of the same source or author. Measured on the weeks of docs/decisions.md this keeps recall (.609 to .618, .220 to .218)
and lowers the repeats of one source from 1.33 to 1.01; a mix of .5 costs 4 to 9 % of recall. Everything is divided by
.8 here, so that margins read in points of score. Repeats count at most twice: in a newsletter with one large and one
small source the penalty must not grow until the small one's worst beats the large one's best.

What it does not know: why an article is an entrant, or what happens to the others afterwards.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from newsletter.characters import clean
from newsletter.highlights.candidate import Candidate
from newsletter.highlights.duplicates import Title
from newsletter.issue import Decision, Order, Section, Term

LIKENESS = 0.2 / 0.8
REPEAT = 0.1 / 0.8
_MOST_REPEATS = 2
_LONGEST = 80  # characters of a title that is named in a sentence
NEAR = 25
"""How many losers of a section are told what they lost by; as many as a list shows."""
WORTH_SAYING = 0.02  # points of likeness an editor would see; only small words in common ("in", "and") are never said


# Entrant, Scored and Lost are made ten thousand at a time: a named tuple costs a quarter of a frozen dataclass.
class Entrant(NamedTuple):
    """A candidate made ready.

    `sections` are those it is tried in, by name; `filed_by` what decided if no rule did. `authors` are its by-lines
    that say who wrote it. `decision` is the editor's that gave it a place.
    """

    candidate: Candidate
    title: Title
    sections: tuple[str, ...]
    filed_by: str = ""
    authors: frozenset[str] = frozenset()
    decision: Decision | None = None


class Scored(NamedTuple):
    """An entrant with its terms among the others of one section."""

    entrant: Entrant
    terms: Sequence[Term]
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


class Lost(NamedTuple):
    """An entrant that took no place in a section, and the last that took one; None when none did.

    `cap` is what kept it out, in words. `behind` is how many losers stood before it; of those far behind `penalty`,
    and `margin` with it, is not worked out.
    """

    scored: Scored
    section: str
    behind: int
    cap: str = ""
    last: Scored | None = None
    penalty: Penalty | None = None
    margin: float = 0.0


@dataclass
class Picked:
    """What is picked so far, in all sections. The caps are hard and at least 1; None is no cap."""

    per_subject: int | None = 1
    per_source: int | None = None
    won: list[Won] = field(default_factory=list)
    _on_subject: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _from_source: Counter[str] = field(default_factory=Counter)

    def take(self, won: Won) -> None:
        entrant = won.scored.entrant
        self.won.append(won)
        self._on_subject[entrant.title.subject].append(entrant.title.text)
        self._from_source[entrant.candidate.article.source] += 1

    def in_section(self, name: str) -> list[Won]:
        return [won for won in self.won if won.section == name]

    def last_in(self, name: str) -> Scored | None:
        """What took a place in a section last, if anything did."""
        return next((won.scored for won in reversed(self.won) if won.section == name), None)

    def barred(self, entrant: Entrant) -> str:
        """The cap that keeps an entrant out, in words; "" when none does."""
        subject, source = entrant.title.subject, entrant.candidate.article.source
        if subject and self.per_subject is not None and subject in self._on_subject:
            alike = self._on_subject[subject]
            if len(alike) >= self.per_subject:
                return f"{quoted(alike[-1])} is picked on the same subject ({subject})"
        if source and self.per_source is not None and self._from_source[source] >= self.per_source:
            return f"{source} has its {self.per_source} in this issue"
        return ""


def penalty_of(entrant: Entrant, *, beside: Sequence[Won], one_source: bool = False) -> Penalty:
    """What an entrant loses beside earlier picks.

    With `one_source` nothing is held back for coming from the same source: it would be the same for everybody.
    """
    article = entrant.candidate.article
    nearest, likeness, telling, same_source = "", 0.0, False, 0
    by_author: Counter[str] = Counter()
    for won in beside:
        other = won.scored.entrant
        alike = jaccard(entrant.title.vocabulary, other.title.vocabulary)
        if alike > likeness:
            nearest, likeness, telling = other.title.text, alike, bool(entrant.title.long & other.title.long)
        same_source += not one_source and article.source == other.candidate.article.source != ""
        by_author.update(entrant.authors & other.authors)
    same_author = max(by_author.values(), default=0)
    held_back = LIKENESS * likeness + REPEAT * (min(same_source, _MOST_REPEATS) + min(same_author, _MOST_REPEATS))
    why = [f"like {quoted(nearest)}"] if telling and LIKENESS * likeness >= WORTH_SAYING else []
    why += [f"{same_source} from {article.source} before it"] if same_source else []
    why += [f"{same_author} by the same author before it"] if same_author else []
    return Penalty(held_back, ", ".join(why))


@lru_cache(maxsize=64)
def quoted(title: str) -> str:
    """A title in quotes, on one line and not longer than one reads."""
    line = " ".join(clean(title).split())
    return f"“{line if len(line) <= _LONGEST else line[: _LONGEST - 1].rstrip() + '…'}”"


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """Shared words as a share of all words of two titles."""
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared) if shared else 0.0


def _never(_: Entrant) -> bool:
    return False


def rank(
    entrants: Sequence[Scored],
    *,
    section: str,
    places: int,
    picked: Picked,
    is_repeat: Callable[[Entrant], bool] = _never,
) -> list[Lost]:
    """Puts the best into the free places of a section, on `picked`; returns the others and to whom they lost.

    The best come first. `entrants` are in the order that settles ties. Repeats take no place, and are not among those
    who come near one.
    """
    one_source = len({scored.entrant.candidate.article.source for scored in entrants}) < 2
    ranked = sorted(entrants, key=lambda scored: scored.score, reverse=True)  # stable: ties keep their order
    taken: set[int] = set()
    worth_of_last = 0.0
    for _ in range(places):
        found = _best_two(ranked, taken=taken, picked=picked, one_source=one_source, is_repeat=is_repeat)
        if not found:
            break
        worth_of_last, index, penalty = found[0]
        second = found[1] if len(found) > 1 else None
        runner_up = ranked[second[1]] if second else None
        margin = worth_of_last - second[0] if second else 0.0
        taken.add(index)
        picked.take(Won(ranked[index], section, penalty, runner_up, margin))
    last = picked.won[-1].scored if taken else picked.last_in(section)
    worth_of_last = worth_of_last if taken or last is None else last.score
    lost: list[Lost] = []
    for index, scored in enumerate(ranked):
        near = len(lost) < NEAR
        if index in taken or (near and is_repeat(scored.entrant)):
            continue
        cap = picked.barred(scored.entrant)
        if last is not None and not cap and near:
            penalty = penalty_of(scored.entrant, beside=picked.won[:-1], one_source=one_source)
            margin = worth_of_last - (scored.score - penalty.points)
            lost.append(Lost(scored, section, len(lost), cap, last, penalty, margin))
        else:
            lost.append(Lost(scored, section, len(lost), cap, last))
    return lost


def rank_in_order(
    entrants: Sequence[Scored], *, section: Section, places: int, picked: Picked, is_repeat: Callable[[Entrant], bool]
) -> list[Lost]:
    """Puts the first into the free places of a section with an order of its own; returns the others, in that order.

    A fixed section takes its newest beside the caps; elsewhere they hold.
    """
    by_source = section.order == Order.SOURCE and not section.fixed
    ranked = sorted(entrants, key=_listed if by_source else _published, reverse=True)
    taken: set[int] = set()
    for scored in ranked:
        if len(taken) >= places:
            break
        if (section.fixed or not picked.barred(scored.entrant)) and not is_repeat(scored.entrant):
            taken.add(id(scored))
            picked.take(Won(scored, section.name, Penalty(), None, 0.0))
    last = picked.won[-1].scored if taken else picked.last_in(section.name)
    left = [scored for scored in ranked if id(scored) not in taken]
    losers = [*(scored for scored in left[:NEAR] if not is_repeat(scored.entrant)), *left[NEAR:]]
    return [
        Lost(scored, section.name, behind, "" if section.fixed else picked.barred(scored.entrant), last)
        for behind, scored in enumerate(losers)
    ]


def _published(scored: Scored) -> tuple[float, int]:
    """The date, and of one date what came later."""
    article = scored.entrant.candidate.article
    return (article.published.timestamp() if article.published else 0.0, article.id or 0)


def _listed(scored: Scored) -> tuple[float, int]:
    """What was read last, and of one reading what its source lists first."""
    article = scored.entrant.candidate.article
    return (article.first_seen.timestamp() if article.first_seen else 0.0, -(article.id or 0))


def _best_two(
    ranked: Sequence[Scored],
    *,
    taken: set[int],
    picked: Picked,
    one_source: bool,
    is_repeat: Callable[[Entrant], bool],
) -> list[tuple[float, int, Penalty]]:
    """The best and the second best as (worth, index, penalty). A penalty only takes away, so looking ends early."""
    best: list[tuple[float, int, Penalty]] = []
    for index, scored in enumerate(ranked):
        if len(best) == 2 and scored.score <= best[1][0]:
            break
        if index in taken or picked.barred(scored.entrant):
            continue
        penalty = penalty_of(scored.entrant, beside=picked.won, one_source=one_source)
        worth = scored.score - penalty.points
        if (len(best) == 2 and worth <= best[1][0]) or is_repeat(scored.entrant):
            continue
        best.append((worth, index, penalty))
        best.sort(key=lambda found: (-found[0], found[1]))
        del best[2:]
    return best
