"""How long the choice takes among 10,000 articles, and what finding near-duplicates by rare words saves.

Times are CPU time, so that a busy machine matters less. The naive way compares every title with every other; it runs on
a part, and is scaled up by the square. Titles are made here, with a fixed seed, from words as unevenly common as in
real headlines. Run: python benchmarks/choose.py [ARTICLES]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import accumulate, combinations
from random import Random
from typing import TypeVar

from newsletter.highlights import Candidate, choose
from newsletter.highlights.duplicates import Kept, Title, likeness
from newsletter.issue import Article, Image, Issue, Match, Section, Signal, SignalKind, Slot

Given = TypeVar("Given")
Answer = TypeVar("Answer")

ARTICLES, PART = 10_000, 1_000
WORDS, LENGTH, REWRITES = 20_000, 9, 0.03
NOW = datetime(2026, 11, 19, 1, tzinfo=UTC)
SECTIONS = (
    Section("highlights", "Weekly highlights", pick=6),
    Section("guides", "Entertainment guides", pick=4, match=Match(category=("guides",))),
)


def titles(count: int, *, random: Random) -> list[str]:
    """Headlines of nine words, some of them another's with a word added."""
    words = ["".join(random.choices("abcdefghiklmnoprstuvwy", k=random.randint(2, 10))) for _ in range(WORDS)]
    common = list(accumulate(1 / rank for rank in range(1, WORDS + 1)))  # Zipf
    made: list[str] = []
    for _ in range(count):
        if made and random.random() < REWRITES:
            made.append(f"{random.choice(made)} {random.choice(words)}")
        else:
            made.append(" ".join(random.choices(words, cum_weights=common, k=LENGTH)))
    return made


def candidates(count: int, *, random: Random) -> list[Candidate]:
    return [
        Candidate(
            Article(
                title=title,
                url=f"https://example.com/{number}",
                source=f"source {number % 7}",
                published=NOW - timedelta(minutes=random.randrange(14 * 24 * 60)),
                published_from="feed",
                summary="A line." if number % 3 else "",
                image=Image(f"https://example.com/{number}.jpg") if number % 2 else None,
                categories=("guides",) if number % 5 == 0 else ("news",),
                authors=(f"author {number % 40}",),
                signals=(Signal(SignalKind.VIEWS, random.randrange(100_000)),) if number % 4 else (),
            )
        )
        for number, title in enumerate(titles(count, random=random))
    ]


def choice(among: list[Candidate]) -> Issue:
    return choose(
        among,
        slot=Slot("2026-W47", NOW),
        sections=SECTIONS,
        now=NOW,
        window_start=NOW - timedelta(days=7),
        max_age=timedelta(days=14),
    )


def by_rare_words(made: list[Title]) -> int:
    kept, found = Kept(made), 0
    for title in made:
        if kept.nearest(title) is None:
            kept.keep(title)
        else:
            found += 1
    return found


def naively(made: list[Title]) -> int:
    return len({id(other) for one, other in combinations(made, 2) if likeness(one, other) is not None})


def timed(work: Callable[[Given], Answer], given: Given) -> tuple[float, Answer]:
    began = time.process_time()
    answer = work(given)
    return time.process_time() - began, answer


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else ARTICLES
    among = candidates(count, random=Random(1))
    everything = [Title(candidate.article.title) for candidate in among]
    part = [Title(candidate.article.title) for candidate in among[:PART]]
    whole_seconds, issue = timed(choice, among)
    rare_seconds, rare_found = timed(by_rare_words, everything)
    part_rare_seconds, part_found = timed(by_rare_words, [Title(title.text) for title in part])
    naive_seconds, naive_found = timed(naively, part)
    scaled = naive_seconds * (count / len(part)) ** 2
    print(f"{'':<44}{'articles':>9}{'found':>8}{'CPU s':>10}{'ratio':>9}")
    for name, size, found, seconds in (
        ("choose: the whole choice", count, len(issue.picks), whole_seconds),
        ("near-duplicates by rare words", count, rare_found, rare_seconds),
        ("near-duplicates by rare words, a part", len(part), part_found, part_rare_seconds),
        ("near-duplicates naively, the same part", len(part), naive_found, naive_seconds),
        ("near-duplicates naively, scaled by the square", count, 0, scaled),
    ):
        print(f"{name:<44}{size:>9,}{found or '-':>8}{seconds:>10.3f}{seconds / rare_seconds:>8.2f}x")


if __name__ == "__main__":
    main()
