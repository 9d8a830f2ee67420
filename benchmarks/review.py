"""What an editor's click costs the server: the review page of a week of 200 articles.

    python -m benchmarks.review [CLICKS]

A real `newsletter serve` on loopback. A click is what a browser does: the form, the page that answers it, and the
letter beside it. CPU is that of all threads of the server meanwhile. Rendering the letter alone, as every change of an
issue needs, is measured in this process.
"""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from statistics import median
from urllib.parse import urlencode

from benchmarks.example import SETTINGS, articles
from benchmarks.measure import Failed, machine, spread, table, timed, versions
from newsletter.app import Project
from newsletter.rendering import render
from subscribers import create_keys

ARTICLES = {"highlights": 100, "guides": 100}
PICKS = {"highlights": 5, "guides": 8}
AIM_MS, AIM_BYTES = 200, 150_000
CLICKS = 40
EDITOR = "editor@marquee.example"


def make_project(root: Path) -> Project:
    """A project with 200 articles of this week, an editor and a few readers."""
    (root / "site").mkdir(parents=True)
    settings = SETTINGS.format(**PICKS).replace("[newsletter]", f'[newsletter]\neditors = ["{EDITOR}"]')
    (root / "newsletter.toml").write_text(settings, encoding="utf-8")
    (root / "site" / "articles.json").write_text(json.dumps(articles(ARTICLES)), encoding="utf-8")
    create_keys(root / "newsletter.key")
    project = Project(root)
    project.unchecked_database.migrate(now=project.clock())
    for number in range(10):
        project.book.add_confirmed(f"reader{number}@example.net", name="Zoë")
    project.weekly.pull()
    return project


class Page:
    """The review page as a browser meets it, and what answering it costs."""

    def __init__(self, port: int, path: str, pid: int) -> None:
        self._port, self._path, self._tasks = port, path, Path(f"/proc/{pid}/task")
        self.html = self._ask("GET", path)

    def _ask(self, method: str, path: str, form: str = "") -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
        connection.request(method, path, form or None, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        if answer.status == 303:
            return self._ask("GET", answer.headers["location"])
        if answer.status != 200:
            raise Failed(f"{method} {form} was answered with {answer.status}: {text[:300]}")
        return text

    def cpu(self) -> float:
        """Milliseconds that all threads of the server have worked so far."""
        return sum(int((task / "schedstat").read_text().split()[0]) for task in self._tasks.iterdir()) / 1e6

    def click(self, do: str, **fields: str) -> float:
        """Milliseconds of the server for one click."""
        before = self.cpu()
        values = dict(re.findall(r'name="(token|seen|slot)" value="([^"]*)"', self.html))
        self.html = self._ask("POST", self._path, urlencode({**values, "do": do, **fields}))
        frame = re.search(r'<iframe src="([^"]+)"', self.html)
        if frame is None:
            raise Failed("the page shows no letter")
        self._ask("GET", frame[1].replace("&amp;", "&"))
        return self.cpu() - before

    def numbers(self, pattern: str) -> list[str]:
        return re.findall(pattern, self.html)

    def stories(self) -> list[str]:
        return self.numbers(r'data-article="(\d+)"')


def clicks(page: Page) -> Iterator[tuple[str, Callable[[], float]]]:
    """What an editor does on a Thursday, over and over."""
    yield "drop", lambda: page.click(f"drop {page.stories()[2]}")
    yield "undo", lambda: page.click(page.numbers(r'value="(undo \d+)"')[0])
    yield "pin", lambda: page.click(page.numbers(r'value="(pin \d+)"')[0])
    yield "move up", lambda: page.click(f"up {page.stories()[3]}")
    yield "take the alternate", lambda: page.click(page.numbers(r'value="(swap \d+ \d+)"')[4])
    yield "new title", lambda: page.click(f"edit {page.stories()[1]}", title="A title of our own", dek="Our words.")
    yield "introduction", lambda: page.click("intro", text="Dear reader, it rained all week.")
    yield "next week", lambda: page.click(f"hold {page.stories()[4]}")


@contextmanager
def served(root: Path, path: str) -> Iterator[Page]:
    command = [sys.executable, "-m", "newsletter", "-C", str(root), "serve", "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        assert server.stderr is not None
        for line in server.stderr:
            if found := re.search(r"listening on http://127\.0\.0\.1:(\d+)", line):
                break
        else:
            raise Failed("the server did not start")
        with (root / "log").open("w") as log:  # so that its pipe never fills up
            subprocess.Popen(["cat"], stdin=server.stderr, stdout=log)
        yield Page(int(found[1]), path, server.pid)
    finally:
        server.terminate()
        server.wait()


def main() -> None:
    number = int(sys.argv[1]) if sys.argv[1:] else CLICKS
    print(f"{machine()}. {versions('fastapi', 'uvicorn', 'jinja2')}.\n")
    with tempfile.TemporaryDirectory(prefix="newsletter-bench-") as folder:
        root = Path(folder) / "project"
        project = make_project(root)
        slot = project.reviewed_slot()
        link = project.weekly.proofs.link(slot, EDITOR)
        path = project.review_url(link).removeprefix(project.publication.public_url)
        letter = timed(lambda: _letter(project), repeats=10)
        taken: dict[str, list[float]] = {}
        with served(root, path) as page:
            kinds = dict(clicks(page))
            for click in kinds.values():  # the first of each is not counted: it fills caches
                click()
            for _, name in zip(range(number), cycle(kinds), strict=False):
                taken.setdefault(name, []).append(kinds[name]())
            size = len(page.html.encode())
        project.close()
    everything = [one for some in taken.values() for one in some]
    rows = [[name, str(len(some)), spread(some, digits=0)] for name, some in taken.items()]
    rows.append(["all of them", str(len(everything)), spread(everything, digits=0)])
    rows.append(["the letter alone", str(len(letter)), spread([1000 * one for one in letter], digits=0)])
    print(table(["a click", "number", "CPU ms of the server"], rows))
    ratio = median(everything) / (1000 * median(letter))
    print(
        f"\nA click is {ratio:.1f} times the letter it renders (aim: under {AIM_MS} ms a click). The page has", end=" "
    )
    print(f"{size / 1000:.0f} KB without pictures (aim: at most {AIM_BYTES / 1000:.0f} KB).")


def _letter(project: Project) -> None:
    issue = project.weekly.pick(project.reviewed_slot())
    making = project.weekly.making()
    render(issue, publication=project.publication, theme=making.theme, templates=making.templates, nonce="0123456789ab")


if __name__ == "__main__":
    main()
