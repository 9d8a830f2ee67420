"""Which entrants repeat a better one, or an article that was carried.

What was carried stands before all, then what an editor placed, then the best scored. Only what matters is compared:
what comes near a place, and what is like a pick or like an article that was carried. The thousands far behind are not
compared with each other.

What it does not know: when two titles are alike (`duplicates`), or what a score is made of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from newsletter.highlights.candidate import Candidate, is_later_piece
from newsletter.highlights.duplicates import Title, Titles
from newsletter.highlights.ranking import Entrant, Scored, quoted
from newsletter.highlights.reasons import RELATED
from newsletter.highlights.score import Scores
from newsletter.highlights.subject import subject_of
from newsletter.issue import PassedOver


@dataclass(frozen=True, slots=True)
class Repeat:
    """A near-duplicate, what it repeats, and how nearly."""

    scored: Scored
    of: Candidate
    alike: int

    def passed_over(self, picked: set[int], *, kept: set[int]) -> PassedOver:
        """The refusal. It waits only while the article it repeats is neither picked nor carried.

        `picked` and `kept` are the articles, by id, that are picks and that are kept as related to one.
        """
        article = self.scored.entrant.candidate.article
        where = f", carried by {self.of.carried_by}" if self.of.carried_by else RELATED if id(article) in kept else ""
        return PassedOver(
            article,
            f"near-duplicate ({self.alike} of 100) of {quoted(self.of.article.title)}{where}",
            self.scored.score,
            self.scored.terms,
            waits=not self.of.carried_by and id(self.of.article) not in picked,
        )


class Repeats:
    def __init__(self, entrants: Sequence[Entrant], scores: Scores, *, carried: Sequence[Candidate]) -> None:
        """`scores` are those of `entrants`, in the same order."""
        self._entrants, self._scores, self._carried = entrants, scores, carried
        bodies = [len(entrant.candidate.article.body) for entrant in entrants]
        free = [entrant.decision is None for entrant in entrants]
        self._ranked = sorted(range(len(free)), key=lambda index: (free[index], -scores.totals[index], -bodies[index]))
        old = [Title(one.article.title, subject_of(one.article), one.article.published) for one in carried]
        titles = [*old, *(entrants[index].title for index in self._ranked)]
        self._titles = Titles(titles, standing=len(old), apart=self._are_two_pieces)
        self._numbers = {id(entrants[index]): number for number, index in enumerate(self._ranked, len(old))}
        for number in range(len(old)):
            self._compare(number)

    def has(self, entrant: Entrant) -> bool:
        """Whether an entrant repeats one that stands."""
        return self._titles.repeated_by(self._numbers[id(entrant)]) is not None

    def look_for(self, entrant: Entrant) -> None:
        """Finds what repeats an entrant, however far behind it stands."""
        self._compare(self._numbers[id(entrant)])

    def found(self) -> list[Repeat]:
        """The repeats that were found so far, the best first."""
        return [self._repeat(number, *of) for number, of in self._titles.found()]

    def _are_two_pieces(self, one: int, other: int) -> bool:
        """Whether one of the two was carried and the other is a later piece, whatever its title, or an editor put it
        beside what stands before it."""
        before, (old, new) = len(self._carried), sorted((one, other))
        if new < before:
            return False
        entrant = self._entrants[self._ranked[new - before]]
        if entrant.decision is not None:
            return True
        return old < before and is_later_piece(entrant.candidate.article, self._carried[old].article)

    def _compare(self, number: int) -> None:
        for other, _ in self._titles.alike(number):
            self._titles.repeated_by(other)

    def _repeat(self, number: int, of: int, alike: int) -> Repeat:
        before = len(self._carried)
        index = self._ranked[number - before]
        scored = Scored(self._entrants[index], self._scores.terms(index), self._scores.totals[index])
        stands = self._carried[of] if of < before else self._entrants[self._ranked[of - before]].candidate
        return Repeat(scored, stands, alike)
