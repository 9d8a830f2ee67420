"""How long the choice takes among 10,000 articles, and what finding near-duplicates by rare words saves.

Times are CPU time, so that a busy machine matters less. The naive way compares every title with every other; it runs on
a part, and is scaled up by the square. Titles are made here, with a fixed seed, from words as unevenly common as in
real headlines. The choice runs five times, and the median is told.
Run: python -m benchmarks.choose [--json] [ARTICLES]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import accumulate, combinations
from random import Random
from statistics import median
from typing import Any, TypeVar

from newsletter.highlights import Candidate, choose
from newsletter.highlights.duplicates import Title, Titles, likeness
from newsletter.issue import Article, Image, Issue, Match, Section, Signal, SignalKind, Slot

Given = TypeVar("Given")
Answer = TypeVar("Answer")

ARTICLES, PART, RUNS = 10_000, 1_000, 5
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
    titles = Titles(made)
    return sum(titles.repeated_by(number) is not None for number in range(len(made)))


def naively(made: list[Title]) -> int:
    return len({id(other) for one, other in combinations(made, 2) if likeness(one, other) is not None})


def timed(work: Callable[[Given], Answer], given: Given) -> tuple[float, Answer]:
    began = time.process_time()
    answer = work(given)
    return time.process_time() - began, answer


def report(count: int) -> dict[str, Any]:
    """CPU seconds and what was found, by what was done, as JSON values."""
    among = candidates(count, random=Random(1))
    everything = [Title(candidate.article.title) for candidate in among]
    part = [Title(candidate.article.title) for candidate in among[:PART]]
    chosen = [timed(choice, among) for _ in range(RUNS)]
    rare_seconds, rare_found = timed(by_rare_words, everything)
    naive_seconds, naive_found = timed(naively, part)
    return {
        "articles": count,
        "choose": {"cpu": median(seconds for seconds, _ in chosen), "picks": len(chosen[0][1].picks), "runs": RUNS},
        "all near-duplicates by rare words": {"cpu": rare_seconds, "found": rare_found},
        "near-duplicates of a part naively": {"cpu": naive_seconds, "found": naive_found, "articles": len(part)},
        "all naively, scaled by the square": {"cpu": naive_seconds * (count / len(part)) ** 2},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("articles", metavar="ARTICLES", nargs="?", type=int, default=ARTICLES)
    parser.add_argument("--json", action="store_true", dest="as_json")
    options = parser.parse_args()
    found = report(options.articles)
    if options.as_json:
        print(json.dumps(found, indent=2))
        return
    print(f"{'among ' + format(options.articles, ',') + ' articles':<40}{'found':>8}{'CPU s':>10}")
    for name, row in found.items():
        if isinstance(row, dict):
            print(f"{name:<40}{row.get('picks', row.get('found', '-')):>8}{row['cpu']:>10.3f}")


if __name__ == "__main__":
    main()
