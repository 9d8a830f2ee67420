"""How often the notes on an issue beside the last 26 flag a real edition, and how often a damaged one.

FILE holds the weeks of one editor as in `benchmarks.selection`: one section, no authors, no pictures. FOLDER holds
whole editions, a Markdown file each, whose headings are sections and whose listed links are stories: content/ of
rust-lang/this-week-in-rust, of which the news of the community count, and docs/ of ruanyf/weekly. A section is taken
to be in the settings while it comes back within four editions. Each edition knows earlier ones only.

    real                 as it went out
    no repeats           the same without the stories whose address or very title stood in an earlier one: its editor
                         did repeat them
    a regular section    without a section that nine of ten earlier editions had
    any section          without any of its sections, also one that comes every other week
    same title           with a story of an earlier edition, at another address
    same address         with a story of an earlier edition, under another title
    both other           with another title and address of a story of the last edition (titles given to one address)
    twice                with one of its stories once more
    one source           of at least three stories, all of the source that has most

A damaged edition counts as flagged when it has a note more than the real one. Damage is drawn with a fixed seed. The
limits were chosen with both halves of the folders in sight and without the files. The second half of each history is
reported, or --half first or all.
Run: python -m benchmarks.habits [--json] [--half first|second|all] [FILE | FOLDER …]; without one those under
selection/ and editions/ of the folder that NEWSLETTER_CORPUS names.
"""

from __future__ import annotations

import argparse
import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

from benchmarks.measure import table
from benchmarks.near_duplicates import rows
from benchmarks.selection import weeks_of
from newsletter.highlights.duplicates import Title
from newsletter.highlights.habits import ENOUGH, LOOKED_BACK, unusual
from newsletter.issue import Article, Image, Issue, Pick, Section, Slot
from newsletter.links import comparison_key

_RETURNS = 4
_DEEPEST = 9
_UNKNOWN = datetime(2000, 1, 1, tzinfo=UTC)  # a file is in its place by its name
_SOME = 3  # stories: that two are of one source is no surprise anywhere
Stories = Sequence[tuple[str, Article]]
Pairs = Sequence[Sequence[str]]

_HEADING = re.compile(r"(#{1,4})\s*(.*?)\s*#*$")
_STORY = re.compile(r"\s*(?:[*+-]|\d+[、.)])\s*(?:\S{1,12}\s)?(?:\*\*)?\[(.+?)\]\((https?://[^\s)]+)")
_PICTURE = re.compile(r"!\[.*?\]\((https?://[^\s)]+)\)")
_SUBJECT = re.compile(r"^(?:Title: |#)(.*)$", re.MULTILINE)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
# What stands in the same files and is no choice of stories: pull requests, meetings, jobs; quotations, a look back.
_NO_STORIES = re.compile(
    r"crate of the week|calls? for|updates from (?:the )?rust (?:core|project)|events|jobs|quote|meetups|fn work"
    r"|what's cooking|final comment|rfcs|言论|金句|回顾|历史上|订阅|鸣谢|招聘",
    re.IGNORECASE,
)
_ISSUE = re.compile(r"issue-(\d+)\.md|(\d{4}-\d\d-\d\d)-.*\.md")


def editions_of(path: Path) -> list[Issue]:
    """The editions of a file or a folder that have a story, in the order of time."""
    if path.is_dir():
        named = [(name, one) for one in path.iterdir() if (name := _ISSUE.fullmatch(one.name))]
        editions = [_read(one) for _, one in sorted(named, key=lambda pair: (len(pair[0][1] or ""), pair[0][0]))]
    else:
        editions = [
            _edition(f"{week.now:%G-W%V}", [("highlights", one) for one in week.past().kept], at=week.now)
            for week in weeks_of(path)
        ]
    return [one for one in editions if one.picks]


def _edition(key: str, stories: Stories, *, subject: str = "", at: datetime = _UNKNOWN) -> Issue:
    picks = [Pick(article, section, place, 0.0) for place, (section, article) in enumerate(stories, 1)]
    return Issue(Slot(key, at), (), tuple(picks), subject=subject)


def _read(path: Path) -> Issue:
    text = _COMMENT.sub("", path.read_text(encoding="utf-8"))
    subject = _SUBJECT.search(text)
    stories: list[tuple[str, Article]] = []
    section, left_out = "", _DEEPEST  # `left_out` is the depth of the heading below which nothing counts
    for line in text.splitlines():
        if heading := _HEADING.match(line):
            section, depth = re.sub(r"\[(.*?)\]\(.*?\)", r"\1", heading[2]), len(heading[1])
            if depth <= left_out:
                left_out = depth if _NO_STORIES.search(section) else _DEEPEST
        elif left_out == _DEEPEST and (story := _STORY.match(line)):
            source = urlsplit(story[2]).netloc.removeprefix("www.")
            stories.append((section, Article(story[1].strip("*`"), story[2], source=source)))
        elif (picture := _PICTURE.search(line)) and stories and stories[-1][1].image is None:
            stories[-1] = (stories[-1][0], replace(stories[-1][1], image=Image(picture[1])))
    return _edition(path.stem, stories, subject=subject[1] if subject else "")


@dataclass(frozen=True, slots=True)
class Case:
    """An edition with the sections in the settings at its time, and what went out before it."""

    issue: Issue
    earlier: Sequence[Issue]

    def notes(self) -> Counter[str]:
        return Counter(note.id for note in unusual(self.issue, self.earlier))

    def of(self, stories: Stories) -> Case:
        """The same edition with other stories."""
        return replace(self, issue=replace(self.issue, picks=_edition("", stories).picks))

    @property
    def stories(self) -> Stories:
        return [(pick.section, pick.article) for pick in self.issue.picks]

    @property
    def filled(self) -> list[str]:
        return sorted({pick.section for pick in self.issue.picks})

    def regular(self) -> list[str]:
        """The sections of this edition that nine of ten earlier ones had."""
        had = Counter(section for one in self.earlier for section in {pick.section for pick in one.picks})
        return [section for section in self.filled if had[section] >= 0.9 * len(self.earlier)]

    def without_repeats(self) -> Case:
        """The same without the stories whose address or very title stands earlier: its editor did repeat them."""
        seen: set[object] = set()
        marks = [_marks(pick.article) for one in self.earlier for pick in one.picks]
        seen.update(*marks)
        fresh = []
        for section, article in self.stories:
            if not seen & _marks(article):
                fresh.append((section, article))
            seen |= _marks(article)
        return self.of(fresh)


def _marks(article: Article) -> set[object]:
    return {comparison_key(article.url or ""), Title(article.title).parts.words}


def cases_of(editions: Sequence[Issue], *, half: str) -> list[Case]:
    names = [{pick.section for pick in one.picks} for one in editions]
    middle = len(editions) // 2
    wanted = {"first": range(ENOUGH, middle), "second": range(middle, len(editions))}
    cases = []
    for number in wanted.get(half, range(ENOUGH, len(editions))):
        known = set().union(*names[: number + 1]) & set().union(*names[number : number + _RETURNS])
        sections = tuple(Section(name, name) for name in sorted(known))
        issue = replace(editions[number], sections=sections)
        cases.append(Case(issue, editions[max(0, number - LOOKED_BACK) : number]))
    return cases


def damaged(case: Case, *, pairs: Pairs, random: Random) -> Iterator[tuple[str, Case]]:
    """The kinds of damage this edition can have."""
    stories = case.stories
    for kind, those in (("a regular section", case.regular()), ("any section", case.filled)):
        if those and len(case.filled) > 1:
            gone = random.choice(those)
            yield kind, case.of([one for one in stories if one[0] != gone])
    section, (title, other) = stories[-1][0], random.choice(pairs)
    told = random.choice(random.choice(case.earlier).picks).article
    elsewhere = replace(told, url="https://elsewhere.example/story")
    yield "same title", case.of([*stories, (section, elsewhere)])
    yield "same address", case.of([*stories, (section, replace(told, title=title))])
    old = Article(title, "https://one.example/story", source="one.example")
    new = Article(other, "https://other.example/story", source="other.example")
    last = replace(case.earlier[-1], picks=_edition("", [(section, old)]).picks)
    yield "both other", replace(case.of([*stories, (section, new)]), earlier=[*case.earlier[1:], last])
    yield "twice", case.of([*stories, stories[0]])
    if len(stories) >= _SOME:
        most = Counter(article.source for _, article in stories).most_common(1)[0][0]
        yield "one source", case.of([(section, replace(article, source=most)) for section, article in stories])


def report(path: Path, *, half: str, pairs: Pairs) -> dict[str, Any]:
    """All figures of one history, as JSON values."""
    cases = cases_of(editions_of(path), half=half)
    flagged, fresh, kinds = 0, 0, Counter[str]()
    tried, caught = Counter[str](), Counter[str]()
    random = Random(7)
    for case in cases:
        real = case.notes()
        flagged += bool(real)
        fresh += bool(real and case.without_repeats().notes())
        kinds.update(set(real))
        for kind, other in damaged(case, pairs=pairs, random=random):
            tried[kind] += 1
            caught[kind] += bool(other.notes() - real)
    return {
        "history": path.parent.name + "/" + path.name if path.is_dir() else path.name,
        "editions": len(cases),
        "flagged": flagged,
        "fresh": fresh,
        "kinds": dict(kinds.most_common()),
        "damaged": {kind: {"editions": tried[kind], "flagged": caught[kind]} for kind in tried},
    }


def together(reports: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The sums of several histories."""
    sums: dict[str, dict[str, int]] = {}
    kinds = Counter[str]()
    for one in reports:
        kinds.update(one["kinds"])
        for kind, counts in one["damaged"].items():
            its = sums.setdefault(kind, {"editions": 0, "flagged": 0})
            for name, value in counts.items():
                its[name] += value
    numbers = {name: sum(one[name] for one in reports) for name in ("editions", "flagged", "fresh")}
    return {"history": "together", **numbers, "kinds": dict(kinds.most_common()), "damaged": sums}


def _share(counts: Mapping[str, int]) -> str:
    number = counts.get("editions", 0)
    return f"{counts['flagged'] / number:.1%} of {number}" if number else "–"


def show(reports: Sequence[Mapping[str, Any]]) -> None:
    damages = list(dict.fromkeys(kind for one in reports for kind in one["damaged"]))
    lines = []
    for one in reports:
        shares = [_share(one), _share({**one, "flagged": one["fresh"]})]
        lines.append([one["history"], *shares, *(_share(one["damaged"].get(kind, {})) for kind in damages)])
    print(table(["flagged of", "real", "no repeats", *damages], lines))
    kinds = list(dict.fromkeys(kind for one in reports for kind in one["kinds"]))
    counts = [[one["history"], *(str(one["kinds"].get(kind, 0)) for kind in kinds)] for one in reports]
    print()
    print(table(["real ones with", *kinds], counts))
    print("\nNo repeats: the real ones without the stories whose address or very title an earlier edition had.")
    print("Both other: a story of the last edition at another address, under another title people gave to its address.")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    corpus = Path(os.environ.get("NEWSLETTER_CORPUS", "."))
    parser.add_argument("paths", metavar="FILE | FOLDER", nargs="*", type=Path)
    parser.add_argument("--pairs", type=Path, default=corpus / "selection" / "same_url_title_pairs.tsv.gz")
    parser.add_argument("--json", action="store_true", dest="as_json")
    parser.add_argument("--half", choices=("first", "second", "all"), default="second")
    options = parser.parse_args()
    paths = options.paths or [*sorted(corpus.glob("selection/*.json.gz")), *sorted(corpus.glob("editions/*"))]
    if not paths or not options.pairs.exists():
        raise SystemExit("no editions to measure: set NEWSLETTER_CORPUS to the folder that holds selection/")
    pairs = [pair for pair in rows(options.pairs, columns=2) if pair[0] != pair[1]]
    reports = [report(path, half=options.half, pairs=pairs) for path in paths]
    reports.append(together(reports))
    if options.as_json:
        print(json.dumps(reports, indent=2))
    else:
        show(reports)


if __name__ == "__main__":
    main()
