"""The measures of the selection benchmark, on rankings whose figures are known."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from benchmarks import selection
from newsletter.issue import Article


def ranked(*guids: str) -> list[Article]:
    return [Article(title=guid, guid=guid) for guid in guids]


def test_a_ranking_that_is_the_editors_own_needs_no_edits() -> None:
    found = selection.measured(ranked("a", "b", "c"), frozenset("ab"))
    assert found == {"recall": 1, "r_precision": 1, "ndcg": 1, "alternates": 1, "edits": 0}


def test_a_pick_in_the_wrong_place_costs_a_drop_and_an_add() -> None:
    found = selection.measured(ranked("x", "a", "y", "b"), frozenset("ab"))
    assert (found["r_precision"], found["edits"], found["alternates"]) == (0.5, 2, 1)
    assert 0 < found["ndcg"] < 1


def test_every_ranking_is_measured_on_weeks_that_know_only_earlier_ones(tmp_path: Path) -> None:
    def week(number: int) -> dict[str, object]:
        pool = [
            {"id": f"{number}-{place}", "url": f"example.com/{number}/{place}", "title": f"Piece {'abcde'[place]}{number}",
             "t": 1_700_000_000 + number * 604_800 - place, "score": place, "comments": 0, "tags": []}
            for place in range(5)
        ]  # fmt: skip
        return {"issue_t": 1_700_000_001 + number * 604_800, "pool": pool, "picks": [f"{number}-4"]}

    path = tmp_path / "weeks.json.gz"
    path.write_bytes(gzip.compress(json.dumps({"weeks": [week(number) for number in range(4)]}).encode()))
    found = selection.report(path, half="second")
    assert found["weeks"] == 2
    popular = found["rankings"]["popular"]
    assert popular["r_precision"] == {
        "value": 1,
        "interval": [1, 1],
        "over_popular": 0,
        "over_popular_interval": [0, 0],
    }
    assert found["rankings"]["latest"]["r_precision"]["value"] == 0
    assert all(row["recall"]["value"] == 1 for row in found["rankings"].values())
