"""What the docs say is so: commands run as they stand, settings load, links lead somewhere, nothing is left out.

A fenced block of a page is marked by a comment in the line before it: `run` (typed into a shell in the page's own fresh
folder), `run in DIR`, `…, exit 1` (it is right to fail), `…, served` (while `newsletter serve` runs there), `…, until
Ctrl-C` (a page is served until then), `file: PATH` (written there first).
"""

from __future__ import annotations

import dataclasses
import importlib.util
import itertools
import os
import pkgutil
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tomllib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from email.utils import format_datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import ModuleType
from typing import Any
from urllib.parse import unquote
from urllib.request import urlopen

import click
import pytest
import sqlalchemy as sa

import newsletter
from newsletter import backends, database, sources
from newsletter.cli import commands
from newsletter.fetch import Fetcher
from newsletter.settings import load
from subscribers.tables import metadata as register
from tests.times import PATIENCE, time_of_day

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = [*(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")), *sorted(DOCS.glob("*.md"))]
FEED = "https://www.example.org/feed.xml"
_MARK = re.compile(r"<!-- (.+) -->")
_FENCE = re.compile(r"(`{3,})(\w*)")


@dataclass(frozen=True)
class Block:
    """One fenced block. `mark` is the comment before it, or empty."""

    language: str
    text: str
    mark: str


@cache
def blocks(page: Path) -> tuple[Block, ...]:
    found, mark = [], ""
    lines = iter(page.read_text(encoding="utf-8").splitlines())
    for line in lines:
        if fence := _FENCE.match(line):
            inside = "\n".join(itertools.takewhile(lambda one, end=fence[1]: not one.startswith(end), lines))
            found.append(Block(fence[2], inside + "\n", mark))
        mark = comment[1] if (comment := _MARK.fullmatch(line)) else ""
    return tuple(found)


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


# The examples run


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a `newsletter` command that starts at once, and this very Python."""
    folder = tmp_path_factory.mktemp("bin")
    (folder / "python3").symlink_to(sys.executable)
    with subprocess.Popen(
        [sys.executable, "-m", "tests.quick_newsletter", str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        yield folder
        server.stdin.close()


@pytest.fixture(scope="module")
def feed() -> Iterator[str]:
    """The address of a feed with eight articles of this week."""
    now = time_of_day()
    titles = (
        "The ferry runs again",
        "A lamp for the long pier",
        "Where to eat after midnight",
        "Fog, and how to hear it",
    )
    titles += ("How to mend a net", "The tram that reads", "A guide to the north bank", "Nine songs for rain")
    items = "".join(
        f"<item><title>{title}</title><link>https://www.example.org/news/{number}</link>"
        f"<category>{'Guides' if number % 3 == 2 else 'News'}</category>"
        f"<pubDate>{format_datetime(now - timedelta(hours=5 + 9 * number))}</pubDate>"
        f"<description>What happened, in a line or two, number {number}.</description></item>"
        for number, title in enumerate(titles)
    )
    text = f'<rss version="2.0"><channel><title>Harbour</title><link>https://www.example.org/</link>{items}</channel></rss>'

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/rss+xml")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/feed.xml"
        server.shutdown()


def environment(*, path: Path | None = None, modules: Path | None = None) -> dict[str, str]:
    """What a stranger's shell holds: nothing of ours but where to find the command, and the modules they wrote."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("NEWSLETTER_", "PYTHON"))}
    clean["PYTHONPATH"] = os.pathsep.join(map(str, filter(None, (ROOT, modules))))
    if path is not None:
        clean["PATH"] = f"{path}{os.pathsep}{clean['PATH']}"
    return clean


def follow(page: Path, folder: Path, *, quick: Path, feed: str = FEED) -> list[str]:
    """Do everything a page says, in a fresh folder, with this feed in the place of the example's.

    Returns what the commands printed.
    """
    printed = []
    for block in blocks(page):
        if block.mark.startswith("file: "):
            file = folder / block.mark.removeprefix("file: ")
            file.parent.mkdir(parents=True, exist_ok=True)
            own = f'"{FEED}"' if feed == FEED else f'"{feed}"\nallow_private = ["127.0.0.0/8"]'
            file.write_text(block.text.replace(f'"{FEED}"', own), encoding="utf-8")
        elif block.mark.startswith("run"):
            wish = re.fullmatch(r"run(?: in (\w+))?(?:, exit (\d))?(, served|, until Ctrl-C)?", block.mark)
            assert wish, f"{name_of(page)}: what does {block.mark!r} mean?"
            where = folder / (wish[1] or "")
            if wish[3] == ", until Ctrl-C":
                done = until_interrupted(block.text, where)
            elif wish[3]:
                with served(where) as port:
                    done = shell(block.text.replace("127.0.0.1:8080", f"127.0.0.1:{port}"), where, quick=quick)
            else:
                done = shell(block.text, where, quick=quick)
            said = f"{name_of(page)}:\n{block.text}\n{done.stdout}{done.stderr}"
            assert done.returncode == int(wish[2] or 0), said
            assert "Traceback" not in done.stderr, said
            assert "this is a bug" not in done.stderr, said
            printed.append(done.stdout)
    return printed


def shell(text: str, folder: Path, *, quick: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text],
        cwd=folder,
        env=environment(path=quick),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def until_interrupted(text: str, project: Path) -> subprocess.CompletedProcess[str]:
    """Type a command that serves a page until Ctrl-C, look at the page, press Ctrl-C. It takes any free port."""
    program, *words = shlex.split(text)
    assert program == "newsletter"
    command = [sys.executable, "-m", "newsletter", *words, "--port", "0"]
    unbuffered = environment() | {"PYTHONUNBUFFERED": "1"}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=project, env=unbuffered, stdout=pipe, stderr=pipe, text=True) as server:
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            address = re.search(r"http://[\d.]+:\d+/", line)
            assert address, line
            with urlopen(address[0], timeout=PATIENCE) as page:
                assert page.status == 200
        finally:
            server.send_signal(signal.SIGINT)
        printed, errors = server.communicate(timeout=PATIENCE)
    return subprocess.CompletedProcess(command, server.returncode, line + printed, errors)


@contextmanager
def served(project: Path) -> Iterator[int]:
    """`newsletter serve` in that project; returns the port."""
    command = [sys.executable, "-m", "newsletter", "serve", "--port", "0"]
    with subprocess.Popen(command, cwd=project, env=environment(), stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        try:
            line = next(line for line in server.stderr if "listening on" in line)
            yield int(re.search(r"listening on http://[\d.]+:(\d+)", line)[1])  # type: ignore[index]
        finally:
            server.terminate()
            server.stderr.read()


def mails(folder: Path) -> str:
    return "".join(file.read_text(encoding="ascii") for file in sorted((folder / "mail" / "new").iterdir()))


RUNNABLE = [page for page in PAGES if any(block.mark.startswith("run") for block in blocks(page))]


@pytest.mark.parametrize("page", [page for page in RUNNABLE if page.name != "README.md"], ids=name_of)
def test_the_examples_of_a_page_run_as_they_stand(page: Path, tmp_path: Path, quick: Path, feed: str) -> None:
    follow(page, tmp_path, quick=quick, feed=feed)


def test_the_readme_as_printed_takes_a_stranger_from_nothing_to_a_sent_issue(tmp_path: Path, quick: Path) -> None:
    assert FEED not in (ROOT / "README.md").read_text(encoding="utf-8"), "no such feed is there"
    printed = "".join(follow(ROOT / "README.md", tmp_path, quick=quick))
    assert "Ctrl-C stops it" in printed
    assert "accepted 1" in printed
    assert "right" in printed  # the audit
    arrived = mails(tmp_path / "weekly")
    assert "To: you@example.org" in arrived
    assert "To: Rea Der <reader@example.org>" in arrived
    assert "The ferry runs again" in arrived


def readme_file(name: str) -> str:
    return next(block.text for block in blocks(ROOT / "README.md") if block.mark == f"file: {name}")


def run_plain(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The command as a shell starts it, with the folder's own modules."""
    return subprocess.run(
        [sys.executable, "-m", "newsletter", *arguments],
        cwd=folder,
        env=environment(modules=folder),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def test_the_readmes_source_and_backend_carry_an_article_to_a_reader(tmp_path: Path) -> None:
    for name in ("spreadsheet.py", "pigeon.py"):
        (tmp_path / name).write_text(readme_file(name), encoding="utf-8")
    tables = [block.text for block in blocks(ROOT / "README.md") if block.language == "toml" and not block.mark]
    assert run_plain("init", "x", folder=tmp_path).returncode == 0
    (tmp_path / "x" / "newsletter.toml").write_text(BASE + "[issue]\nmin = 1\n" + "\n".join(tables), encoding="utf-8")
    yesterday = (time_of_day() - timedelta(days=1)).isoformat()
    (tmp_path / "x" / "reviews.csv").write_text(
        f"title,url,date,summary\nA film of fog,https://www.example.org/fog,{yesterday},Nine minutes of grey.\n",
        encoding="utf-8",
    )
    for command in (
        ("subscribers", "add", "reader@example.org", "--confirmed"),
        ("send", "--yes"),
    ):
        done = run_plain("-C", "x", *command, folder=tmp_path)
        assert done.returncode == 0, done.stderr
    (flown,) = (tmp_path / "x" / "loft").iterdir()
    assert "Subject: A film of fog" in flown.read_text(encoding="ascii")


def test_the_readmes_backend_passes_the_contract_suite(tmp_path: Path) -> None:
    (tmp_path / "pigeon.py").write_text(readme_file("pigeon.py"), encoding="utf-8")
    suite = next(block.text for block in blocks(DOCS / "backends.md") if block.mark == "file: test_pigeon.py")
    (tmp_path / "test_pigeon.py").write_text(suite, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path)],
        cwd=tmp_path,
        env=environment(modules=tmp_path),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stdout
    assert re.search(r"\d\d passed", done.stdout)


def test_the_readmes_template_makes_a_letter_without_errors(tmp_path: Path, quick: Path) -> None:
    (name,) = (block.mark for block in blocks(ROOT / "README.md") if block.language == "jinja")
    file = tmp_path / name.removeprefix("file: ")
    done = shell("newsletter init weekly --demo", tmp_path, quick=quick)
    assert done.returncode == 0, done.stderr
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(readme_file(name.removeprefix("file: ")), encoding="utf-8")
    done = shell("newsletter pull; newsletter check; newsletter preview --once out", tmp_path / "weekly", quick=quick)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "this was the week" in (tmp_path / "weekly" / "out" / "issue.html").read_text(encoding="utf-8")


@pytest.mark.postgres
def test_the_script_moves_a_project_to_postgresql_with_its_links(
    tmp_path: Path, quick: Path, postgres_server: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not shell("newsletter init x --demo; newsletter -C x send --yes", tmp_path, quick=quick).returncode
    script = module(DOCS / "move_to_postgres.py")
    name = f"newsletter_docs_{uuid.uuid4().hex[:12]}"
    url = postgres_server.url.set(database=name).render_as_string(hide_password=False)
    with postgres_server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    try:
        counts = script.move(tmp_path / "x", url)
        assert counts["deliveries"] == 18
        text = "newsletter -C x audit --json; newsletter -C x subscribers export; newsletter -C x issues list --json"
        before = shell(text, tmp_path, quick=quick).stdout
        with pytest.raises(SystemExit):
            script.move(tmp_path / "x", url)
        moved = f"export NEWSLETTER_DATABASE__URL={shlex.quote(url)}\n"
        assert shell(moved + text, tmp_path, quick=quick).stdout == before
        more = "newsletter -C x subscribers add new@example.org --confirmed; newsletter -C x send --yes"
        assert "nobody was mailed" in shell(moved + more, tmp_path, quick=quick).stdout
    finally:
        with postgres_server.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


# What is said of settings and commands is so

BASE = """\
[newsletter]
name = "The Harbour Weekly"
from = "The Harbour Weekly <weekly@example.org>"
public_url = "https://news.example.org"
postal_address = "The Harbour, 1 Quay Street, Exampletown"
"""


def module(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    return module(DOCS / "write_settings.py")


def test_the_settings_page_is_what_the_models_say(generator: ModuleType) -> None:
    assert (DOCS / "settings.md").read_text(encoding="utf-8") == generator.page(), "run: python docs/write_settings.py"


WRITTEN = [page for page in PAGES if "<!-- from the code: " in page.read_text(encoding="utf-8")]


@pytest.mark.parametrize("page", WRITTEN, ids=name_of)
def test_what_a_page_says_of_states_layers_and_tables_is_what_the_code_says(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text == module(DOCS / "write_pages.py").written(text), "run: python docs/write_pages.py"


def test_every_table_is_described_and_stands_on_the_schema_page() -> None:
    described = set(module(DOCS / "write_pages.py").ABOUT)
    assert described == {*database.metadata.tables, *register.tables}
    shown = re.findall(r"^### `(\w+)`$", (DOCS / "schema.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert sorted(shown) == sorted(described)


@pytest.mark.parametrize("kind", sources.SOURCES)
def test_the_settings_page_names_the_keys_a_source_takes(kind: str, generator: ModuleType) -> None:
    taken = {field.name for field in dataclasses.fields(sources.SOURCES[kind].keys)}
    assert taken == {*generator.SOURCES[kind][1], *generator.COMMON}


TABLES = [(page, block) for page in PAGES for block in blocks(page) if block.language == "toml"]


@pytest.mark.parametrize(
    ("page", "block"), TABLES, ids=[f"{name_of(page)}-{number}" for number, (page, _) in enumerate(TABLES)]
)
def test_settings_shown_in_the_docs_load(
    page: Path, block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("spreadsheet.py", "pigeon.py"):
        (tmp_path / name).write_text(readme_file(name), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    text = block.text
    shown = tomllib.loads(text).get("newsletter", {})
    if not shown:
        text = BASE + text
    elif "from" not in shown:
        text = text.replace("[newsletter]", '[newsletter]\nfrom = "weekly@example.org"')
    names = {name for table in tomllib.loads(text).get("sources", ()) for name in table.get("sections", ())}
    if "[[sections]]" not in text:
        text += "".join(f'[[sections]]\nname = "{name}"\n' for name in names)
    (tmp_path / "newsletter.toml").write_text(text, encoding="utf-8")
    settings = load(tmp_path)
    assert backends.load(settings.backend.kind, settings.backend.options, root=tmp_path).where
    for table in settings.sources:
        assert sources.load(table.kind, table.name, table.options, root=tmp_path, fetcher=Fetcher()).name


def every_command() -> Iterator[tuple[str, click.Command]]:
    def walk(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
        context = click.Context(group)
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            yield f"{path} {name}".strip(), command
            if isinstance(command, click.Group):
                yield from walk(command, f"{path} {name}".strip())

    yield from walk(commands, "")


def test_every_command_has_help_and_stands_in_the_docs() -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    for path, command in every_command():
        assert command.help, f"newsletter {path} has no help"
        assert re.search(rf"(newsletter (-C \S+ )?|`){path}\b", text), f"newsletter {path} stands on no page"


def typed() -> Iterator[tuple[str, list[str]]]:
    """Every `newsletter …` of every shell example and unit file."""
    for page in PAGES:
        for block in blocks(page):
            if block.language in {"sh", "ini", "text"}:
                for line in block.text.splitlines():
                    for found in re.finditer(r"(?:^|[\s=($]|bin/)newsletter((?: [^|;&)#]+))", line.split("  #")[0]):
                        yield f"{name_of(page)}: {line.strip()}", shlex.split(found[1].split(" > ")[0])


def test_every_command_line_in_the_docs_is_one_the_program_takes() -> None:
    known = dict(every_command())
    seen = 0
    for where, words in typed():
        path, options = "", {"-C", "--help", "--version"}
        for word in words[2:] if words[0] == "-C" else words:
            if f"{path} {word}".strip() in known:
                path = f"{path} {word}".strip()
                options |= {name for one in known[path].params for name in one.opts}
            elif not path:
                break  # another program's own line
            elif word.startswith("-"):
                assert word in options, f"{where} ({word})"
        seen += bool(path)
    assert seen > 80


CONSTANTS = re.findall(
    r"^\| `((?:newsletter|subscribers)[\w.]+)` \| `([^`]+)` \|",
    (DOCS / "decisions.md").read_text("utf-8"),
    re.MULTILINE,
)


@pytest.mark.parametrize(("name", "value"), CONSTANTS, ids=[name for name, _ in CONSTANTS])
def test_a_constant_on_the_page_of_decisions_is_in_the_code_with_that_value(name: str, value: str) -> None:
    found: Any = pkgutil.resolve_name(name.rpartition(".")[0])
    found = getattr(found() if isinstance(found, type) else found, name.rpartition(".")[2])
    assert found == eval(value, {"timedelta": timedelta})


# Nothing leads nowhere, nothing is left out


def slug(heading: str) -> str:
    """How GitHub names a heading's anchor."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def prose(page: Path) -> str:
    return re.sub(r"^(`{3,}).*?^\1", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if link.startswith(("https://", "mailto:")):
            continue
        place, _, anchor = unquote(link).partition("#")
        file = (page.parent / place).resolve() if place else page
        assert file.exists(), f"{name_of(page)}: {link}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", prose(file), flags=re.MULTILINE)
            assert anchor in map(slug, headings), f"{name_of(page)}: {link}"


def test_the_readmes_map_is_the_folders() -> None:
    (the_map,) = (block.text for block in blocks(ROOT / "README.md") if block.text.startswith("newsletter/\n"))
    top, inside = set(), set()
    for line in the_map.splitlines():
        names = line.strip().split("  ")[0].split()
        (inside if line.startswith(" ") else top).update(names)
    package = ROOT / "newsletter"
    modules = {file.name for file in package.glob("*.py") if file.name != "__init__.py"}
    packages = {f"{file.parent.name}/" for file in package.glob("*/__init__.py")}
    assert inside == modules | packages
    # Migrations stand beside the database there, and `__main__` only starts the command line.
    words = set(re.findall(r"\w+", newsletter.__doc__ or ""))
    assert {name.removesuffix(".py").strip("/") for name in inside} - {"__main__"} <= words
    ignored = {line.strip("/\n") for line in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()}
    folders = {f"{one.name}/" for one in ROOT.iterdir() if one.is_dir() and not one.name.startswith(".")}
    assert top == {one for one in folders if one.strip("/") not in ignored and not one.endswith(".egg-info/")}


def test_every_dependency_is_argued_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [*project["build-system"]["requires"], *project["project"]["dependencies"]]
    wanted += itertools.chain.from_iterable(project["project"]["optional-dependencies"].values())
    rows = re.findall(r"^\| ([^|]+) \|", (DOCS / "dependencies.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    argued = {name for row in rows for name in row.split(", ")}
    asked = {match[0] for one in wanted if (match := re.match(r"[A-Za-z0-9_-]+", one))}
    assert asked <= argued, f"no line in docs/dependencies.md for {asked - argued}"
    assert argued <= {*asked, "Package"}, f"docs/dependencies.md argues for what is not asked for: {argued - asked}"


def test_every_page_of_the_docs_is_reached_from_the_readme() -> None:
    linked = set(re.findall(r"\]\(docs/([\w-]+\.md)", prose(ROOT / "README.md")))
    assert {page.name for page in DOCS.glob("*.md")} <= linked


def test_curl_and_bash_are_there_for_the_examples() -> None:
    assert shutil.which("bash")
    assert shutil.which("curl"), "install curl: the examples of docs/subscribers.md are typed with it"
