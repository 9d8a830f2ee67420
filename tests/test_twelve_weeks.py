"""Twelve weeks of real commands: what an editor drops and keeps teaches the choice, and approving alone does not.

Two projects read the same two desks and are approved and sent every week. In one the editor drops what comes from the
gossip desk and takes an alternate instead; in the other nobody decides on a story.
"""

from __future__ import annotations

import json
import random
import re
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from newsletter.cli import commands
from tests.projects import TOML, make_project
from tests.times import Clock

WEEKS = 12
SLOT = datetime(2026, 11, 19, 7, 0, tzinfo=UTC)
DESKS = "".join(f'[[sources]]\nname = "{name}"\nkind = "folder"\npath = "{name}"\n' for name in ("harbour", "gossip"))
TEXT = TOML.replace('time = "07:00"', 'time = "07:00"\napproval = "required"') + (
    DESKS + '[[sections]]\nname = "highlights"\npick = 5\nmin = 3\n'
)
NOUNS = ("ferry", "museum", "tram", "bakery", "comet", "violin", "lantern", "orchard", "regatta", "cinema", "bridge")
VERBS = (
    "returns",
    "closes",
    "sings",
    "burns",
    "moves",
    "waits",
    "opens",
    "wins",
    "doubles",
    "fades",
    "travels",
    "rests",
)
PLACES = (
    "Oakport",
    "Millstadt",
    "Larkhaven",
    "Brindle",
    "Sorrel",
    "Thistle",
    "Wexcombe",
    "Juniper",
    "Quarry",
    "Saltmarsh",
)


class Publisher:
    """Two desks with eight pieces each a week, those of the gossip desk four times as much read."""

    def __init__(self) -> None:
        luck = random.Random(12)
        self._luck = luck
        self._titles = [f"{place} {noun} {verb}" for place, noun, verb in product(PLACES, NOUNS, VERBS)]
        luck.shuffle(self._titles)

    def write(self, root: Path, *, now: datetime) -> None:
        for desk, read in (("harbour", 1), ("gossip", 4)):
            for number in range(8):
                title = self._titles.pop()
                article = {
                    "title": title,
                    "url": f"https://www.marquee.example/{desk}/{title.lower().replace(' ', '-')}",
                    "date": (now - timedelta(hours=9 + 17 * number)).isoformat(),
                    "dek": f"What we think about the {title.lower()}.",
                    "signals": {"views": round(read * self._luck.uniform(500, 1500))},
                }
                (root / desk).mkdir(exist_ok=True)
                (root / desk / f"{title}.json").write_text(json.dumps(article))


class Newsroom:
    """A project, and the commands that are typed for it at a moment."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.now = SLOT

    def command(self, *words: str) -> str:
        done = CliRunner().invoke(commands, ["-C", str(self.root), "--now", self.now.isoformat(), *words])
        assert done.exit_code == 0, done.output
        return done.stdout

    def picked(self, key: str) -> list[dict[str, Any]]:
        picks: list[dict[str, Any]] = json.loads(self.command("pick", "--slot", key, "--json"))["picked"]
        return [pick["article"] for pick in picks]


def gossip(articles: list[dict[str, Any]]) -> float:
    """The share of the gossip desk."""
    return sum(article["source"] == "gossip" for article in articles) / len(articles)


def weeks_of(newsroom: Newsroom, *, taught: bool) -> list[float]:
    """Twelve weeks of one newsroom; returns the share of gossip in what the choice picked by itself each week."""
    publisher, drafts = Publisher(), []
    for week in range(WEEKS):
        slot = SLOT + timedelta(weeks=week)
        key = f"{slot:%G-W%V}"
        publisher.write(newsroom.root, now=slot - timedelta(hours=3))
        newsroom.now = slot - timedelta(hours=2)
        newsroom.command("pull")
        draft = newsroom.picked(key)
        drafts.append(gossip(draft))
        while taught and gossip(draft):  # what comes in for it may be gossip too
            for article in draft:
                if article["source"] == "gossip":
                    newsroom.command("articles", "drop", str(article["id"]), "--slot", key, "--by", "Ada")
            draft = newsroom.picked(key)
        newsroom.command("issues", "approve", key, "--by", "Ada")
        newsroom.now = slot
        newsroom.command("send", "--slot", key, "--yes")
    for sent in json.loads(newsroom.command("audit", "--json")):
        assert (sent["state"], sent["wrong"], sent["frozen"]) == ("closed", [], 2)
    return drafts


@pytest.fixture
def newsroom(tmp_path: Path) -> Newsroom:
    clock = Clock(SLOT - timedelta(days=6))
    make_project(tmp_path / "project", clock=clock, text=TEXT, began=clock(), plain=True, subscribers=2).close()
    return Newsroom(tmp_path / "project")


def test_what_an_editor_drops_and_keeps_teaches_the_choice(newsroom: Newsroom) -> None:
    drafts = weeks_of(newsroom, taught=True)
    assert drafts[0] >= 0.8, "gossip is read more: without an editor it wins"
    assert round(sum(drafts[6:]) / len(drafts[6:]), 2) <= 0.55, f"what was dropped has taught too little: {drafts}"
    newest = newsroom.picked(f"{SLOT + timedelta(weeks=WEEKS - 1):%G-W%V}")[0]["id"]
    why = newsroom.command("pick", "--slot", f"{SLOT + timedelta(weeks=WEEKS - 1):%G-W%V}", "--why", str(newest))
    assert re.search(r"you kept \d+ of \d+ pieces from harbour", why), why


def test_an_approval_of_what_the_choice_picked_is_a_taste_for_it(newsroom: Newsroom) -> None:
    drafts = weeks_of(newsroom, taught=False)
    assert drafts[0] >= 0.8
    assert round(sum(drafts[6:]) / len(drafts[6:]), 2) >= 0.8, drafts
