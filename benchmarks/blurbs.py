"""How many blurbs an editor would print, of 60 items of real feeds that were judged by hand (tests/blurbs.tsv).

Half of the sources were not looked at while the reading of blurbs was tuned. The feeds are not part of this repository:
NEWSLETTER_CORPUS names the folder that holds them.
Run: python -m benchmarks.blurbs [--json] [--show]
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from benchmarks.measure import ROOT
from newsletter.issue import Article
from newsletter.sources.feed import parse
from newsletter.sources.reading import Reading

JUDGED = ROOT / "tests" / "blurbs.tsv"
CORPUS = Path(os.environ.get("NEWSLETTER_CORPUS") or ROOT.parent / "shared" / "corpus")


@dataclass(frozen=True, slots=True)
class Judged:
    """What an editor would print of one item: one of `starts`, up to one of `ends`, without `never`."""

    half: str
    file: str
    item: int
    starts: tuple[str, ...]
    ends: tuple[str, ...]
    never: tuple[str, ...]

    def accepts(self, blurb: str) -> bool:
        told = blurb.startswith(self.starts) and blurb.endswith(self.ends)
        return told and not any(words in blurb for words in self.never)


def judged() -> Iterator[Judged]:
    for line in JUDGED.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            half, file, item, *marks = line.split("\t")
            starts, ends, never = (tuple(filter(None, mark.split("|"))) for mark in marks)
            yield Judged(half, file, int(item), starts, ends, never)


@lru_cache
def articles_of(file: str) -> tuple[Article, ...]:
    data = (CORPUS / "feeds" / file).read_bytes()
    return parse(data, reading=Reading(file, "https://www.example.org/feed")).articles


def main() -> None:
    if not CORPUS.is_dir():
        print("not measured: NEWSLETTER_CORPUS names no folder of real feeds")
        return
    counts = {"tuned": [0, 0], "unseen": [0, 0]}
    for one in judged():
        blurb = articles_of(one.file)[one.item].blurb
        counts[one.half][0] += one.accepts(blurb)
        counts[one.half][1] += 1
        if "--show" in sys.argv and one.half == "tuned" and not one.accepts(blurb):
            print(f"{one.file} {one.item}: {blurb!r}")
    if "--json" in sys.argv:
        print(json.dumps({half: {"acceptable": good, "of": number} for half, (good, number) in counts.items()}))
        return
    for half, (good, number) in counts.items():
        print(f"{half:<8}{good:>4} of {number} acceptable")


if __name__ == "__main__":
    main()
