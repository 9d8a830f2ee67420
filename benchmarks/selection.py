"""How often the choice is the editor's own, beside chance, the latest and the most popular.

Each FILE holds the weeks of one human editor (JSON, or gzip of it): {"weeks": [{"issue_t": UNIX TIME, "pool": [{"id",
"url", "title", "t", "score", "comments", "tags"}], "picks": [ID]}]}. The shipped choice runs with its defaults, and
each week knows only earlier ones. It is measured with all signals, with comments only, and with none.

    recall        recall@max(10, 2k) where the editor made k picks
    r_precision   of the first k, the share that the editor picked too
    ndcg          normalised discounted cumulative gain of the whole ranking
    alternates    how much of the editor's choice is among our picks and three alternates
    saved         drops and adds that turn our draft of k into the editor's, divided by those of the most popular

Weights were tuned on the first half of each file; the second half is what is reported, or --half first or all. Brackets
are 95 % intervals of a bootstrap over weeks with a fixed seed; a difference to the most popular is paired by week.
Moves apart are not measured: the files do not say in which order an editor placed the picks.
Run: python -m benchmarks.selection [--json] [--half first|second|all] [FILE…]; without a FILE those under selection/ of
the folder that NEWSLETTER_CORPUS names.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import log2
from pathlib import Path
from random import Random
from statistics import fmean
from typing import Any

from newsletter.highlights import Candidate, choose
from newsletter.issue import Article, PastIssue, Section, Signal, SignalKind, Slot

RESAMPLED = 2_000
ALTERNATES = 3
SIGNALS = {"all": (SignalKind.VOTES, SignalKind.COMMENTS), "comments": (SignalKind.COMMENTS,), "none": ()}
MEASURES = ("recall", "r_precision", "ndcg", "alternates")


@dataclass(frozen=True, slots=True)
class Week:
    """A pool and what the editor picked of it, by guid."""

    now: datetime
    pool: tuple[Article, ...]
    picks: frozenset[str]

    def past(self) -> PastIssue:
        kept = tuple(one for one in self.pool if one.guid in self.picks)
        return PastIssue(kept, tuple(one for one in self.pool if one.guid not in self.picks))


Ranking = Callable[[Week, Sequence[PastIssue]], list[Article]]


def weeks_of(path: Path) -> list[Week]:
    """The weeks of a file that have a pick, in order."""
    data = path.read_bytes()
    read = json.loads(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)
    weeks = [_week(week) for week in sorted(read["weeks"], key=lambda week: week["issue_t"])]
    return [week for week in weeks if week.picks]


def _week(week: Mapping[str, Any]) -> Week:
    now = datetime.fromtimestamp(week["issue_t"], UTC)
    pool = tuple(_article(found, now=now) for found in week["pool"])
    return Week(now, pool, frozenset(week["picks"]) & {one.guid or "" for one in pool})


def _article(found: Mapping[str, Any], *, now: datetime) -> Article:
    return Article(
        title=found["title"],
        url=f"https://{found['url']}",
        guid=found["id"],
        source=found["url"].split("/")[0],
        published=min(now, datetime.fromtimestamp(found["t"], UTC)),
        published_from="feed",
        tags=tuple(found["tags"]),
        signals=(Signal(SignalKind.VOTES, found["score"]), Signal(SignalKind.COMMENTS, found["comments"])),
    )


def ours(week: Week, past: Sequence[PastIssue], *, known: Sequence[SignalKind]) -> list[Article]:
    """The pool as the shipped choice ranks it: its picks, and then what it passed over."""
    told = [replace(one, signals=tuple(found for found in one.signals if found.kind in known)) for one in week.pool]
    issue = choose(
        [Candidate(one) for one in told],
        slot=Slot("week", week.now),
        sections=[Section("highlights", "Highlights", pick=len(told))],
        now=week.now,
        window_start=week.now - timedelta(days=7),
        max_age=timedelta(days=14),
        past=past,
    )
    passed = sorted(issue.passed_over, key=lambda one: -(one.score or 0))
    return [pick.article for pick in issue.picks] + [one.article for one in passed]


def latest(week: Week, _: Sequence[PastIssue]) -> list[Article]:
    return sorted(week.pool, key=lambda one: (one.published, one.guid), reverse=True)


def loudest(week: Week, _: Sequence[PastIssue], *, kind: SignalKind) -> list[Article]:
    return sorted(week.pool, key=lambda one: (-(one.signal(kind) or 0), one.published, one.guid))


def by_chance(week: Week, _: Sequence[PastIssue]) -> list[Article]:
    return Random(week.now.isoformat()).sample(week.pool, len(week.pool))


def rankings() -> dict[str, Ranking]:
    """Every way of ranking by its name."""
    named: dict[str, Ranking] = {
        "random": by_chance,
        "latest": latest,
        "popular": lambda week, past: loudest(week, past, kind=SignalKind.VOTES),
        "most comments": lambda week, past: loudest(week, past, kind=SignalKind.COMMENTS),
    }
    for label, known in SIGNALS.items():
        named[f"ours, signals {label}, no prior"] = lambda week, _, known=known: ours(week, (), known=known)  # type: ignore[misc]
        named[f"ours, signals {label}"] = lambda week, past, known=known: ours(week, past, known=known)  # type: ignore[misc]
    return named


def measured(ranked: Sequence[Article], picks: frozenset[str]) -> dict[str, float]:
    """The measures of one week's ranking, and `edits`: the drops and adds that make the draft the editor's."""
    hits, k = [one.guid in picks for one in ranked], len(picks)
    gain = sum(1 / log2(place + 2) for place, hit in enumerate(hits) if hit)
    return {
        "recall": sum(hits[: max(10, 2 * k)]) / k,
        "r_precision": sum(hits[:k]) / k,
        "ndcg": gain / sum(1 / log2(place + 2) for place in range(k)),
        "alternates": sum(hits[: k + ALTERNATES]) / k,
        "edits": 2 * (k - sum(hits[:k])),
    }


def results_of(weeks: Sequence[Week], *, half: str) -> dict[str, list[dict[str, float]]]:
    """The measures of the weeks asked for, by ranking. All weeks before a week are known to it."""
    middle = len(weeks) // 2
    wanted = {"first": range(middle), "second": range(middle, len(weeks)), "all": range(len(weeks))}[half]
    past = [week.past() for week in weeks]
    return {
        name: [measured(rank(weeks[number], past[:number]), weeks[number].picks) for number in wanted]
        for name, rank in rankings().items()
    }


def interval(weeks: Sequence[Sequence[float]], figure: Callable[[Sequence[Sequence[float]]], float]) -> list[float]:
    """The 2.5th and 97.5th percentile of a figure over weeks drawn again with replacement."""
    random = Random(6)
    found = sorted(figure(random.choices(weeks, k=len(weeks))) for _ in range(RESAMPLED))
    return [found[round(0.025 * RESAMPLED)], found[round(0.975 * RESAMPLED) - 1]]


def _mean(weeks: Sequence[Sequence[float]]) -> float:
    return fmean(week[0] for week in weeks)


def _ratio(weeks: Sequence[Sequence[float]]) -> float:
    return sum(week[0] for week in weeks) / max(1, sum(week[1] for week in weeks))


def report(path: Path, *, half: str) -> dict[str, Any]:
    """All figures of one file, as JSON values."""
    weeks = weeks_of(path)
    results = results_of(weeks, half=half)
    popular = results["popular"]
    table: dict[str, Any] = {}
    for name, found in results.items():
        row: dict[str, Any] = {}
        for measure in MEASURES:
            values = [(one[measure],) for one in found]
            paired = [(one[measure] - other[measure],) for one, other in zip(found, popular, strict=True)]
            row[measure] = {"value": _mean(values), "interval": interval(values, _mean)}
            row[measure] |= {"over_popular": _mean(paired), "over_popular_interval": interval(paired, _mean)}
        edits = [(one["edits"], other["edits"]) for one, other in zip(found, popular, strict=True)]
        row["saved"] = {"value": _ratio(edits), "interval": interval(edits, _ratio)}
        table[name] = row
    return {"file": path.name, "weeks": len(popular), "half": half, "rankings": table}


def show(one: Mapping[str, Any]) -> None:
    print(f"\n{one['file']}: {one['weeks']} weeks ({one['half']})\n")
    print("| ranking | recall | over popular | R-precision | over popular | nDCG | with alternates | editing |")
    print("|---|---|---|---|---|---|---|---|")
    for name, row in one["rankings"].items():
        cells = [name]
        for measure in MEASURES:
            cells.append(_cell(row[measure]["value"], row[measure]["interval"]))
            if measure in ("recall", "r_precision"):
                cells.append(_cell(row[measure]["over_popular"], row[measure]["over_popular_interval"], sign="+"))
        print(f"| {' | '.join([*cells, _cell(row['saved']['value'], row['saved']['interval'])])} |")


def _cell(value: float, around: Sequence[float], *, sign: str = "") -> str:
    low, high = around
    return f"{value:{sign}.3f} [{low:{sign}.3f}, {high:{sign}.3f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("files", metavar="FILE", nargs="*", type=Path)
    parser.add_argument("--json", action="store_true", dest="as_json")
    parser.add_argument("--half", choices=("first", "second", "all"), default="second")
    options = parser.parse_args()
    files = options.files or sorted(Path(os.environ.get("NEWSLETTER_CORPUS", ".")).glob("selection/*.json.gz"))
    if not files:
        raise SystemExit(
            "no weeks to measure: name a FILE, or set NEWSLETTER_CORPUS to the folder that holds selection/"
        )
    reports = [report(path, half=options.half) for path in files]
    if options.as_json:
        print(json.dumps(reports, indent=2))
    else:
        for one in reports:
            show(one)


if __name__ == "__main__":
    main()
