"""What an issue does that the newsletter's own last issues did not: notes for the editor, never a refusal. Pure.

Every limit is the newsletter's own. Nothing is called unusual before eight issues went out; a repetition is one from
the second issue on, unless it is a habit, such as one subject line for all issues.

What it does not know: where earlier issues are stored, how a note is shown, and meanings: a story that is told again in
other words is not recognised (`duplicates`).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from rapidfuzz import fuzz

from newsletter.highlights.bylines import Bylines
from newsletter.highlights.duplicates import Title, Titles
from newsletter.highlights.ranking import quoted
from newsletter.highlights.subject import subject_of
from newsletter.issue import Article, Issue
from newsletter.links import canonical, comparison_key

LOOKED_BACK = 26
"""So many earlier issues are looked at: half a year."""

ENOUGH = 8
"""How many issues it takes before anything is usual."""

_HABIT = 3  # what stood in so many issues is meant to stand there
_SEVERAL = 3  # stories of one source or author
_ROW = 4  # headlines of one kind
_LONG = 3  # issues without a section
# Measured (benchmarks/habits.py): sections are watched, the steadiest first, while together they were missing in less
# than one of so many issues; a size is told from twice the usual spread beside the usual sizes.
_BUDGET = 0.08
_OFTEN = 0.8  # of the issues before
_ROOM = 2
_LARGER = 0.2  # of an issue: so much beside the largest share a source has had, or half of what is left of it
_RECENT = 3  # issues
_ALIKE, _SAME = 80, 90  # of 100: two titles of the last issues, and of earlier ones
_LETTERS, _TELLING = 10, 3  # letters and words that tell a story: "Firefox" and "This week" do not
_SERIAL = re.compile(
    r"\d|^(?:jan|feb|mar|apr|may$|june?$|july?$|aug|sept?|oct|nov|dec)|^(?:[ivx]{2,}|[vx]|part|final)$"
)
_SCALED = re.compile(r"-\d{2,4}x\d{2,4}(?=\.\w+$)")  # WordPress names the sizes of a picture so
_KINDS: dict[str, Callable[[str], object]] = {
    "are questions": re.compile(r"[?\uff1f\u061f]\W*$").search,
    "are exclamations": re.compile(r"[!\uff01]\W*$").search,
    "are lists with a number": re.compile(r"(?:the |\d+ of the )?\d+ \w", re.IGNORECASE).match,
    "begin with how, why or what": re.compile(r"(?:how|why|what) ", re.IGNORECASE).match,
    "begin with a quotation": re.compile(r"[“\"\u2018«„「].*[”\"\u2019»“」]").match,
    "are in capitals": str.isupper,
}


@dataclass(frozen=True, slots=True)
class Note:
    """One sentence about something unusual. `id` names the rule for good; `story` and `url` say what it is about."""

    id: str
    message: str
    story: str = ""
    url: str = ""


def unusual(issue: Issue, earlier: Sequence[Issue]) -> tuple[Note, ...]:
    """The notes on an issue beside earlier ones, of which the newest is last.

    Of each the key, the picks, the subject and the introduction are looked at, and of `issue` also its sections.
    """
    before = earlier[-LOOKED_BACK:]
    notes = [*_words(issue, before), *_told_again(issue, before), *_pictures(issue, before)]
    if len(before) >= ENOUGH:
        notes += [*_sections(issue, before), *_sources(issue, before)]
        notes += [*_authors(issue, before), *_headlines(issue, before)]
    return tuple(notes)


def _sections(issue: Issue, before: Sequence[Issue]) -> Iterator[Note]:
    now, *sizes = [Counter(pick.section for pick in one.picks) for one in (issue, *before)]
    titles = {section.name: section.title for section in issue.sections}
    watched = _steady({name: sum(not size[name] for size in sizes) / len(sizes) for name in titles})
    for name, title in titles.items():
        filled = [size[name] for size in sizes if size[name]]
        if len(filled) < ENOUGH:
            continue
        low, high = _usual(filled)
        usual = f"it usually has {_range(filled)}"
        room = max(1, _ROOM * (high - low))
        if now[name] and not low - room <= now[name] <= high + room:
            yield Note("section.size", f"{title} has {_stories(now[name])}; {usual}")
        elif not now[name]:
            since = next(weeks for weeks, size in enumerate(reversed(sizes), 1) if size[name])
            if _LONG <= since < ENOUGH and len(filled) >= _OFTEN * len(sizes):
                yield Note("section.missing", f"{title} has no story in {since} issues running; {usual}")
            elif since < _LONG and name in watched:
                yield Note("section.size", f"{title} has no story; {usual}")


def _steady(absent: Mapping[str, float]) -> set[str]:
    """The sections that were missing so seldom that their absence is worth a sentence, by how often each was."""
    steady, together = set(), 0.0
    for name in sorted(absent, key=lambda name: (absent[name], name)):
        together += absent[name]
        if together <= _BUDGET:
            steady.add(name)
    return steady


def _sources(issue: Issue, before: Sequence[Issue]) -> Iterator[Note]:
    now, *earlier = [_counts(pick.article.source for pick in one.picks) for one in (issue, *before)]
    large = [one for one in earlier if one.total() >= _SEVERAL]
    largest = [max(one.values()) / one.total() for one in large]
    for source, count in now.items():
        its = [one[source] / one.total() for one in large if one[source]]
        most = max(its if len(its) >= _HABIT else (*its, *largest), default=1.0)
        if count >= _SEVERAL and count / now.total() > most + min(_LARGER, (1 - most) / 2):
            usual = _range([one[source] for one in earlier])
            yield Note("source.share", f"{source} has {count} of {_stories(now.total())}; it usually has {usual}")


def _authors(issue: Issue, before: Sequence[Issue]) -> Iterator[Note]:
    every = [[pick.article for pick in one.picks] for one in (issue, *before)]
    bylines = Bylines(article for articles in every for article in articles)
    now, *earlier = [_counts(author for one in articles for author in bylines.authors_of(one)) for articles in every]
    usual = max((count for one in earlier for count in one.values()), default=0)
    spelt = {" ".join(author.split()).casefold(): author for article in every[0] for author in article.authors}
    for author, count in now.items():
        if usual and count >= max(_SEVERAL, usual + 1):
            its = f"{spelt[author]} wrote {_stories(count)}"
            yield Note("author.often", f"{its}; one author usually has at most {usual}")


def _headlines(issue: Issue, before: Sequence[Issue]) -> Iterator[Note]:
    titles = [[pick.article.title.strip() for pick in one.picks] for one in (issue, *before)]
    first = next(iter(titles[0]), "")
    kinds: dict[str, Callable[[str], object]] = {
        **_KINDS,
        f"begin with {quoted(first.partition(' ')[0])}": partial(_same_opening, first),
    }
    for kind, fits in kinds.items():
        now, *earlier = [len(those) >= _ROW and all(map(fits, those)) for those in titles]
        if now and sum(earlier) < _HABIT:
            yield Note("headlines.alike", f"all {len(issue.picks)} headlines {kind}; they are usually mixed")
            return


def _same_opening(one: str, other: str) -> bool:
    """Whether two titles begin with the same word."""
    return one.split()[:1] == other.split()[:1]


def _words(issue: Issue, before: Sequence[Issue]) -> Iterator[Note]:
    for name, text in (("subject", issue.subject), ("intro", issue.intro)):
        words = Title(text).joined
        keys = [one.slot.key for one in before if words and Title(getattr(one, name)).joined == words]
        if keys and len(keys) < _HABIT:
            called = "introduction" if name == "intro" else name
            yield Note(f"{called}.repeated", f"the {called} is that of {keys[-1]}; each issue usually has its own")


def _told_again(issue: Issue, before: Sequence[Issue]) -> Iterator[Note]:
    every = [(place, article) for place, one in enumerate((*before, issue)) for article in _unpaid(one)]
    titles = [Title(article.title, subject_of(article)) for _, article in every]
    found, at_address = Titles(titles), defaultdict[str, list[int]](list)
    for number, (place, article) in enumerate(every):
        address = comparison_key(article.url or "")
        if place == len(before):
            alike = {
                one: _ALIKE if every[one][0] >= place - _RECENT else _SAME
                for one, _ in found.alike(number)
                if one < number
            }
            again = [one for one, enough in alike.items() if _is_retold(titles[number], titles[one], enough=enough)]
            again += at_address[address]
            if again and len({every[one][0] for one in again}) < _HABIT:
                of, other = every[max(again)]
                yield _retold(article, other, key=before[of].slot.key if of < place else "")
        if address:
            at_address[address].append(number)


def _is_retold(one: Title, other: Title, *, enough: int) -> bool:
    """Whether two like titles tell one story. Most that are like are parts of a series: its number or month differs, or
    they come months apart.
    """
    short = min(one.joined, other.joined, key=len)
    if len(short) < _LETTERS or (short.isascii() and len(short.split()) < _TELLING):
        return False
    if one.parts.words == other.parts.words:
        return True
    if any(_SERIAL.search(word) for word in one.parts.vocabulary ^ other.parts.vocabulary):
        return False
    shared = one.long & other.long
    return len(shared) >= _TELLING and fuzz.token_sort_ratio(one.parts.joined, other.parts.joined) >= enough


def _retold(article: Article, other: Article, *, key: str) -> Note:
    its = "" if article.title == other.title else f" as {quoted(other.title)}"
    here = "is told twice in this issue, also" if its else "stands twice in this issue"
    where = f"was told in {key}" if key else here
    message = f"{quoted(article.title)} {where}{its}; a story is usually told once"
    return Note("story.repeated", message, article.title, canonical(article.url or ""))


def _pictures(issue: Issue, before: Sequence[Issue]) -> Iterator[Note]:
    used: dict[str, list[str]] = {}
    for one in before:
        for picture in {_picture(article) for article in _unpaid(one)}:
            used.setdefault(picture, []).append(f"in {one.slot.key}")
    for article in _unpaid(issue):
        where = used.setdefault(_picture(article), [])
        if article.image and 0 < len(where) < _HABIT:
            message = f"the picture of {quoted(article.title)} was used {where[-1]}; each story usually has its own"
            yield Note("picture.repeated", message, article.title, canonical(article.url or ""))
        where.append("above it")


def _picture(article: Article) -> str:
    return _SCALED.sub("", comparison_key(article.image.url) or article.image.url) if article.image else ""


def _unpaid(issue: Issue) -> list[Article]:
    """What a sponsor pays for may stand there for weeks."""
    return [pick.article for pick in issue.picks if not pick.article.sponsored]


def _usual(counts: Sequence[int]) -> tuple[int, int]:
    """The least and the most of some counts, without the strangest tenth at either end."""
    ranked, out = sorted(counts), len(counts) // 10
    return ranked[out], ranked[-1 - out]


def _range(counts: Sequence[int]) -> str:
    low, high = _usual(counts)
    return f"{low}" if low == high else f"{low} to {high}"


def _counts(names: Iterable[str]) -> Counter[str]:
    return Counter(name for name in names if name)


def _stories(number: int) -> str:
    return f"{number:,} story" if number == 1 else f"{number:,} stories"
