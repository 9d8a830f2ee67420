"""The editor's hand in a choice: what has a place of its own, what is out of this issue, and the words for both. Pure.

An article that an editor placed is picked whatever the choice thinks of it, beside the quota and the caps; it counts in
both, so that the rest of its section is chosen beside it. Only what an issue carried, and what lacks a title, an
address or a date, cannot be placed.

What it does not know: where the log of decisions is kept, or whether a decision was allowed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from newsletter.issue import PLACING, Act, Decision, Section

_PLACED = {Act.PIN: "pinned it here", Act.MOVE: "moved it here", Act.SWAP: "took it in another's place"}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Hand:
    """What was decided about the articles of one issue: which have a place, and which are out, by number."""

    places: Mapping[int, Decision] = field(default_factory=dict)
    gone: Mapping[int, Decision] = field(default_factory=dict)

    @classmethod
    def of(cls, log: Iterable[Decision], *, key: str) -> Hand:
        """The hand of the effective decisions, oldest first: of two about one article the later one holds."""
        places: dict[int, Decision] = {}
        gone: dict[int, Decision] = {}
        for decision in log:
            number = decision.article
            if number is None or decision.act not in (*PLACING, Act.DROP, Act.HOLD):
                continue
            lasting = decision.act == Act.HOLD or bool(decision.values.get("ever"))
            if not lasting and decision.slot_key != key:
                continue
            places.pop(number, None)
            gone.pop(number, None)
            if decision.act in PLACING:
                places[number] = decision
            elif not lasting:
                gone[number] = decision
            if decision.act == Act.SWAP and decision.other is not None:
                places.pop(decision.other, None)
                gone[decision.other] = decision
        return cls(places, gone)

    def within(self, sections: Sequence[Section]) -> Hand:
        """The hand without places in sections that the settings no longer have: those articles compete like others."""
        names = {section.name for section in sections}
        return Hand({number: one for number, one in self.places.items() if one.place[0] in names}, self.gone)


def arranged(ranked: Sequence[T], placed: Iterable[tuple[T, Decision]]) -> list[T]:
    """A section in reading order: what was placed at its position, of two at the same the later decision first."""
    found = list(ranked)
    least = 0
    for one, decision in sorted(placed, key=lambda pair: (pair[1].place[1], -pair[1].number)):
        least = max(least, min(decision.place[1] - 1, len(found)))
        found.insert(least, one)
        least += 1
    return found


def why_placed(decision: Decision) -> str:
    """The reason of a pick that an editor placed."""
    return f"{decision.by or 'The editor'} {_PLACED[decision.act]}"


def why_gone(decision: Decision) -> str:
    """Why an article is not in this issue although it could be."""
    by = decision.by or "the editor"
    return f"swapped out by {by}" if decision.act == Act.SWAP else f"dropped from this issue by {by}"


def too_many(section: Section, placed: int) -> str:
    """The note of a section in which more was placed than it takes; "" when all have room."""
    return f"{placed} stories are pinned here, its quota is {section.pick}" if placed > section.pick else ""
