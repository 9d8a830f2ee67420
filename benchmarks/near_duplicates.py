"""How many tellings of one story are recognised by their titles, and how many others are taken for one.

    recall        of titles that people gave to one address, not letter by letter the same: how many are recognised;
                  by halves, because the rule was tuned on the first
    false         of random pairs of titles of two addresses: how many are taken for near-duplicates
    same_story    of two headlines of two publishers on one event, in their own words: how many are; the rule is
                  not made for these
    seconds       of CPU a comparison takes

Pairs are drawn with a fixed seed. FOLDER holds same_url_title_pairs.tsv.gz (two titles a line) and uci_stories.tsv.gz
(story, category, publisher, time, headline).
Run: python -m benchmarks.near_duplicates [--json] [FOLDER]; without it, selection/ of the folder that NEWSLETTER_CORPUS
names.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import time
from collections import defaultdict
from pathlib import Path
from random import Random
from typing import Any

from newsletter.highlights.duplicates import Title, likeness
from newsletter.highlights.subject import subject_of
from newsletter.issue import Article

RANDOM_PAIRS = 50_000
FROM_A_STORY = 200

Pairs = list[tuple[Title, Title]]


def rows(path: Path, *, columns: int) -> list[list[str]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        found = [line.rstrip("\n").split("\t") for line in lines]
    return [row for row in found if len(row) == columns]


def ready(text: str) -> Title:
    return Title(text, subject_of(Article(title=text)))


def recognised(pairs: Pairs) -> int:
    return sum(likeness(one, other) is not None for one, other in pairs)


def by_chance(pairs: Pairs, *, random: Random) -> Pairs:
    """Pairs of titles of two addresses, none letter by letter the same."""
    drawn: Pairs = []
    while len(drawn) < RANDOM_PAIRS:
        one, other = random.choice(random.choice(pairs)), random.choice(random.choice(pairs))
        if one.joined != other.joined:
            drawn.append((one, other))
    return drawn


def of_one_story(path: Path, *, random: Random) -> Pairs:
    stories: defaultdict[str, list[Title]] = defaultdict(list)
    for story, _, _, _, headline in rows(path, columns=5):
        stories[story].append(ready(headline))
    told = [titles for titles in stories.values() if len(titles) > 1]
    drawn = [random.sample(titles, 2) for titles in told for _ in range(FROM_A_STORY)]
    return [(one, other) for one, other in drawn]


def report(folder: Path) -> dict[str, Any]:
    """All figures, as JSON values."""
    texts = rows(folder / "same_url_title_pairs.tsv.gz", columns=2)
    every = [(ready(one), ready(other)) for one, other in texts]
    different = [pair for pair in every if pair[0].text != pair[1].text]
    Random(1).shuffle(different)
    middle = len(different) // 2
    strangers = by_chance(every, random=Random(47))
    began = time.process_time()
    false = recognised(strangers)
    seconds = time.process_time() - began
    told = of_one_story(folder / "uci_stories.tsv.gz", random=Random(1))
    return {
        "pairs": len(different),
        "recall": recognised(different) / len(different),
        "recall_first_half": recognised(different[:middle]) / middle,
        "recall_second_half": recognised(different[middle:]) / (len(different) - middle),
        "random_pairs": len(strangers),
        "false": false,
        "same_story_pairs": len(told),
        "same_story": recognised(told) / len(told),
        "seconds": seconds / len(strangers),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    corpus = Path(os.environ.get("NEWSLETTER_CORPUS", "."))
    parser.add_argument("folder", metavar="FOLDER", nargs="?", type=Path, default=corpus / "selection")
    parser.add_argument("--json", action="store_true", dest="as_json")
    options = parser.parse_args()
    if not (options.folder / "same_url_title_pairs.tsv.gz").exists():
        raise SystemExit(f"{options.folder} holds no pairs: name a FOLDER, or set NEWSLETTER_CORPUS")
    found = report(options.folder)
    if options.as_json:
        print(json.dumps(found, indent=2))
        return
    for name, value in found.items():
        print(f"{name.replace('_', ' '):<20}", f"{value:>10,}" if isinstance(value, int) else f"{value:>10.3g}")


if __name__ == "__main__":
    main()
