"""Run every benchmark: `python -m benchmarks [--quick] [--write]`.

`--write` puts the figures into docs/benchmarks.md.
"""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from typing import NamedTuple

from benchmarks.measure import ROOT

PAGE = ROOT / "docs" / "benchmarks.md"


class Part(NamedTuple):
    """A benchmark and its chapter. One that prints plain text and no Markdown stands in a fence."""

    module: str
    title: str
    quick: tuple[str, ...]
    fenced: bool = False


PARTS = (
    Part("send", "Sending", ("--quick",)),
    Part("render", "Rendering and addressing", ("--quick",)),
    Part("choose", "Choosing among 10,000 articles", ("2000",), fenced=True),
    Part("near_duplicates", "Recognising one story in two titles", (), fenced=True),
    Part("selection", "Choosing what an editor chose", ("--half", "first")),
    Part("review", "A click on the review page", ("16",)),
    Part("habits", "Noticing an unusual issue", ("--half", "first")),
    Part("blurbs", "Words one would print", (), fenced=True),
    Part("pull", "Reading 200 feeds", ("40",), fenced=True),
    Part("feeds", "Reading real feeds", (), fenced=True),
    Part("pages", "Reading article pages", (), fenced=True),
    Part("slots", "One issue a week", ("5",), fenced=True),
)
HEAD = """# Benchmarks

Every figure here comes from a script in `benchmarks/`; `python -m benchmarks --write` runs them again, and `make bench`
prints them. These were taken on {date}{quick}. The ratios say more than the figures: machines differ.
"""


def chapter(part: Part, *, quick: bool) -> str:
    """Run one benchmark, showing what it prints; returns its chapter of the page."""
    command = [sys.executable, "-u", "-m", f"benchmarks.{part.module}", *(part.quick if quick else ())]
    print(f"\n## {part.title}\n", flush=True)
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        lines = []
        for line in child.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    if child.returncode:
        raise SystemExit(f"benchmarks/{part.module}.py ended with {child.returncode}")
    said = "".join(lines).strip()
    return f"## {part.title}\n\n`benchmarks/{part.module}.py`\n\n" + (f"```text\n{said}\n```" if part.fenced else said)


def main() -> None:
    flags = set(sys.argv[1:])
    if unknown := flags - {"--quick", "--write"}:
        raise SystemExit(f"{', '.join(sorted(unknown))} is not known; usage: python -m benchmarks [--quick] [--write]")
    quick = "--quick" in flags
    chapters = [chapter(part, quick=quick) for part in PARTS]
    if "--write" in flags:
        head = HEAD.format(date=f"{datetime.now(UTC):%Y-%m-%d}", quick=", in the quick mode" if quick else "")
        PAGE.write_text("\n".join([head, *(f"{one}\n" for one in chapters)]), encoding="utf-8")


if __name__ == "__main__":
    main()
