"""How fast an issue goes out: ours beside `smtp-source` and the naive way, over SMTP to Postfix's `smtp-sink`.

    python -m benchmarks.send [--quick]

*Ours* is the real path: a SQLite file, a frozen issue, one durable intent and one outcome per message, a letter
addressed to each recipient. *smtp-source* (`-d`) writes one stored message of the same size again and again over as
many sessions: it personalises nothing and records nothing, so it shows how fast the wire and the sink are. *naive* is
the usual script, one Jinja rendering, premailer run and EmailMessage per recipient; it sends fewer and is compared by
rate.

They take turns, so that whatever else the machine does falls on all; ratios are taken within a turn. The clock runs
from the first look at the audience to the last reply, without the start of the interpreter. The sink shares the
machine's cores with the sender. Both tools come with Debian's package postfix, which is neither set up nor started.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.example import Sizes, example_message, make_project
from benchmarks.measure import Failed, Run, machine, run, spread, table, versions
from benchmarks.sink import HOST, INSTALL, Sink, postfix_version, tool
from newsletter.app import Project
from newsletter.backends.smtp import Smtp

DEFAULT_CONNECTIONS = Smtp(host=HOST).connections
LIMIT = 300.0  # seconds one run may take


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is sent. `recipients` are of the comparison, `growing` of the memory, `each` of the connections."""

    rounds: int = 3
    recipients: int = 10_000
    naive: int = 200
    growing: tuple[int, ...] = (1_000, 10_000, 30_000)
    each: int = 2_000
    connections: tuple[int, ...] = (1, 2, 4, 8)


QUICK = Plan(recipients=2_000, naive=20, growing=(500, 2_000), each=500)


class Bench:
    """The projects that are sent, each made once in a folder and copied for every run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sizes: dict[int, Sizes] = {}

    def sizes(self, recipients: int) -> Sizes:
        """Make the project of so many recipients, if it is not there yet; returns its sizes."""
        if recipients not in self._sizes:
            self._sizes[recipients] = make_project(self._folder / str(recipients), recipients=recipients)
        return self._sizes[recipients]

    @contextmanager
    def project(self, recipients: int) -> Iterator[Path]:
        """A copy of the project whose frozen issue nobody has sent yet."""
        self.sizes(recipients)
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            yield Path(shutil.copytree(self._folder / str(recipients), Path(folder) / "project"))

    def ours(self, recipients: int, *, connections: int) -> Run:
        with self.project(recipients) as folder, Sink() as sink:
            environment = {
                "NEWSLETTER_BACKEND__PORT": str(sink.port),
                "NEWSLETTER_BACKEND__CONNECTIONS": str(connections),
            }
            command = [sys.executable, "-m", "benchmarks.contenders", "ours", str(folder)]
            return _checked(run(command, messages=recipients, limit=LIMIT, environment=environment), sink)

    def smtp_source(self, recipients: int, *, connections: int) -> Run:
        program = tool("smtp-source")
        assert program is not None
        stored = self._folder / "message"
        if not stored.exists():
            project = Project(self._folder / str(recipients))
            row = project.issues.unfinished()
            assert row is not None
            stored.write_bytes(example_message(project.issues.letter(row.id)).replace(b"\r\n", b"\n"))
        options = ["-d", "-s", str(connections), "-m", str(recipients), "-F", str(stored)]
        envelope = ["-f", "weekly@marquee.example", "-t", "reader@example.net"]
        with Sink() as sink:
            command = [program, *options, *envelope, f"{HOST}:{sink.port}"]
            return _checked(run(command, messages=recipients, limit=LIMIT), sink)

    def naive(self, recipients: int, *, number: int) -> Run:
        with self.project(recipients) as folder, Sink() as sink:
            command = [sys.executable, "-m", "benchmarks.contenders", "naive", str(folder), str(sink.port), str(number)]
            return _checked(run(command, messages=number, limit=LIMIT), sink)


def _checked(done: Run, sink: Sink) -> Run:
    if sink.counted() != done.messages or done.said.get("accepted", done.messages) != done.messages:
        raise Failed(
            f"{done.messages} were to be sent, the sink counted {sink.counted()}: {json.dumps(dict(done.said))}"
        )
    return done


def take_turns(contenders: Mapping[str, Callable[[], Run]], *, rounds: int) -> dict[str, list[Run]]:
    """A B C, A B C, …"""
    runs: dict[str, list[Run]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, contender in contenders.items():
            runs[name].append(contender())
    return runs


def _figures(runs: list[Run]) -> list[str]:
    return [
        f"{runs[0].messages:,}",
        spread([one.rate for one in runs], digits=0),
        spread([one.cpu_each for one in runs]),
        f"{median(one.memory for one in runs) / 2**20:.0f}",
    ]


HEAD = ["", "messages", "messages/s", "CPU ms/message", "peak MB"]


def comparison(bench: Bench, plan: Plan) -> str:
    """Ours, smtp-source and naive in one table, and the ratios."""
    size = bench.sizes(plan.recipients)
    runs = take_turns(
        {
            "ours": lambda: bench.ours(plan.recipients, connections=DEFAULT_CONNECTIONS),
            "smtp-source -d": lambda: bench.smtp_source(plan.recipients, connections=DEFAULT_CONNECTIONS),
            "naive": lambda: bench.naive(plan.recipients, number=plan.naive),
        },
        rounds=plan.rounds,
    )
    ours = runs["ours"]
    rates = {
        rival: [mine.rate / theirs.rate for mine, theirs in zip(ours, runs[rival], strict=True)]
        for rival in ("smtp-source -d", "naive")
    }
    cpu = [theirs.cpu_each / mine.cpu_each for mine, theirs in zip(ours, runs["naive"], strict=True)]
    ratios = [
        ["ours / smtp-source, messages/s", spread(rates["smtp-source -d"]), "≥ 0.3"],
        ["ours / naive, messages/s", spread(rates["naive"], digits=1), "≥ 15"],
        ["naive / ours, CPU per message", spread(cpu, digits=1), ""],
    ]
    about = (
        f"The letter has {size.html / 1000:.1f} KB of HTML and {size.text / 1000:.1f} KB of text, a message "
        f"{size.message / 1000:.1f} KB. {plan.recipients:,} subscribers, {DEFAULT_CONNECTIONS} connections (naive: 1), "
        f"{plan.rounds} turns; median (least to most). Freezing the audience took {size.freeze:.2f} s."
    )
    return "\n\n".join(
        [
            about,
            table(HEAD, [[name, *_figures(found)] for name, found in runs.items()]),
            table(["ratio within a turn", "", "aim"], ratios),
        ]
    )


def memory(bench: Bench, plan: Plan) -> str:
    """Ours with more and more subscribers."""
    rows = []
    for recipients in plan.growing:
        done = bench.ours(recipients, connections=DEFAULT_CONNECTIONS)
        rows.append([f"{recipients:,}", f"{done.memory / 2**20:.0f}"])
    return table(["subscribers", "peak MB"], rows)


def connections(bench: Bench, plan: Plan) -> str:
    """Ours and smtp-source over 1, 2, 4 and 8 connections."""
    contenders = {
        f"{who} over {number}": partial(send, plan.each, connections=number)
        for number in plan.connections
        for who, send in (("ours", bench.ours), ("smtp-source", bench.smtp_source))
    }
    runs = take_turns(contenders, rounds=3)
    return table(HEAD, [[name, *_figures(found)] for name, found in runs.items()])


def main() -> None:
    plan = QUICK if "--quick" in sys.argv[1:] else Plan()
    if tool("smtp-sink") is None or tool("smtp-source") is None:
        print(f"Skipped: smtp-sink and smtp-source are not here. Install them, as root:\n\n    {INSTALL}")
        return
    print(f"{machine()}. {postfix_version()}; {versions('jinja2', 'premailer', 'lxml', 'sqlalchemy')}.")
    with tempfile.TemporaryDirectory(prefix="newsletter-bench-") as folder:
        bench = Bench(Path(folder))
        for title, part in (
            ("Beside others", comparison),
            ("Memory does not grow with the audience", memory),
            ("Connections", connections),
        ):
            print(f"\n### {title}\n\n{part(bench, plan)}", flush=True)


if __name__ == "__main__":
    main()
