"""The one way to make a project for a test: `make_project`. `demo` copies what `newsletter init --demo` makes.

Databases are migrated once in a process and copied. Every project opened here is closed when its test ends.
"""

from __future__ import annotations

import atexit
import functools
import json
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from newsletter.app import Project
from newsletter.backends import Backend
from newsletter.database import Database
from newsletter.issue import Article
from newsletter.weekly import Done, Verdict
from subscribers import create_keys
from tests.times import NOW

# The slot is Thursday 07:00 UTC, an hour after NOW.
TOML = """\
[newsletter]
name = "Marquee Weekly"
tagline = "Our weekly highlights and entertainment guides, straight to your inbox"
from = "Marquee <weekly@marquee.example>"
editors = ["editor@marquee.example"]
public_url = "{public_url}"
postal_address = "Marquee Media, 12 Harbour Street"
timezone = "UTC"
[schedule]
day = "thursday"
time = "07:00"
[backend]
kind = "maildir"
path = "mail"
{more}
"""
# What a project needs besides to make issues of the articles in its folder `site`.
SITE = """\
[[sources]]
name = "site"
kind = "folder"
path = "site"
[[sections]]
name = "highlights"
pick = 3
min = 1
[issue]
min = 2
max_age = "14d"
"""
TITLES = (
    "The night ferry returns for a second season",
    "A museum of lost sounds opens by the harbour",
    "Forty minutes of umbrellas, and not one dull",
    "Everything the lantern parade got right",
    "Who is afraid of the tram library",
    "Dumplings after the late show, ranked",
    "The cartographer of puddles speaks",
)
# Templates of the project's own, rendered ten times as fast as the shipped ones.
PLAIN = {
    "subject.txt.j2": "{{ lead.title }}",
    "body.html.j2": """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{{ subject }}</title><style>h2 { color: #8a1f2b; }</style></head>
<body><p>Hello {{ blanks.first_name|default('there') }}</p>
{% for story in stories %}<h2><a href="{{ story.url }}">{{ story.title }}</a></h2><p>{{ story.blurb }}</p>
{% endfor %}<p>{{ postal_lines | join(", ") }}</p><p><a href="{{ unsubscribe_url }}">Unsubscribe</a></p></body></html>
""",
    "body.txt.j2": """Hello {{ blanks.first_name|default('there') }}
{% for story in stories %}

{{ story.title }}
{{ story.url }}
{% endfor %}

{{ postal_lines | join(", ") }}
Unsubscribe: {{ unsubscribe_url }}
""",
}

_opened: list[Project] = []


def make_project(
    root: Path,
    *,
    clock: Callable[[], datetime],
    text: str = TOML,
    more: str = "",
    public_url: str = "https://news.marquee.example",
    database: str = "",
    began: datetime = NOW,
    plain: bool = False,
    titles: Sequence[str] = (),
    shelf: Iterable[Article] = (),
    subscribers: Mapping[str, str] | int = 0,
) -> Project:
    """A folder with everything a project has, opened; a second call opens the same folder again.

    `text` is its newsletter.toml, `more` further tables; `database` the address of a migrated database elsewhere;
    `began` when this one was made. `plain` writes templates of its own; `titles` become articles in the folder
    `site`, `shelf` are on the shelf already. `subscribers` have consent: their addresses and names, or how many.
    """
    file = root / "newsletter.toml"
    if file.exists():
        return open_project(root, clock=clock)
    root.mkdir(parents=True, exist_ok=True)
    where = f'[database]\nurl = "{database}"\n' if database else ""
    file.write_text(text.format(public_url=public_url, more=more) + where, encoding="utf-8")
    create_keys(root / "newsletter.key")
    if not database:
        shutil.copy(migrated(began), root / "newsletter.db")
    for name, content in PLAIN.items() if plain else ():
        write_template(root, f"weekly/{name}", content)
    write_articles(root, titles, now=NOW)
    project = open_project(root, clock=clock)
    if articles := [replace(one, source=one.source or "site") for one in shelf]:
        project.shelf.put(articles, now=clock())
    if isinstance(subscribers, int):
        subscribers = {f"reader{number}@example.net": f"Reader Number{number}" for number in range(subscribers)}
    for address, name in subscribers.items():
        project.book.add_confirmed(address, name=name)
    return project


def open_project(root: Path, *, clock: Callable[[], datetime]) -> Project:
    """The project of a folder, as another process would see it."""
    _opened.append(Project(root, clock=clock))
    return _opened[-1]


def again(project: Project) -> Project:
    return open_project(project.root, clock=project.clock)


def close_opened(*, since: int = 0) -> int:
    """Close the projects opened after the first `since`; returns how many are open."""
    while len(_opened) > since:
        _opened.pop().close()
    return len(_opened)


def opened() -> int:
    return len(_opened)


@functools.cache
def migrated(began: datetime = NOW) -> Path:
    """A migrated SQLite database to copy: making one anew takes longer than most tests."""
    folder = Path(tempfile.mkdtemp(prefix="newsletter-test-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    database = Database(f"sqlite:///{folder / 'newsletter.db'}")
    database.migrate(now=began)
    database.dispose()
    return folder / "newsletter.db"


@functools.cache
def _demo(state: str) -> Path:
    from tests.command_line import run

    folder = Path(tempfile.mkdtemp(prefix="newsletter-test-")) / state
    atexit.register(shutil.rmtree, folder.parent, ignore_errors=True)
    if state != "fresh":
        shutil.copytree(_demo("pulled" if state == "sent" else "fresh"), folder)
    command = {"fresh": ("init", str(folder), "--demo"), "pulled": ("pull",), "sent": ("send", "--yes")}[state]
    done = run(*command, project=None if state == "fresh" else folder)
    assert done.exit_code == 0, done.output
    return folder


def demo(folder: Path, state: str = "fresh") -> Path:
    """The demo project in `folder`: `fresh`, `pulled`, or with its issue `sent`. Made once in a process and copied."""
    return Path(shutil.copytree(_demo(state), folder / "project"))


def write_template(root: Path, name: str, content: str) -> Path:
    """A template of the project's own, such as `weekly/body.html.j2`."""
    path = root / "templates" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def set_line(root: Path, old: str, new: str) -> None:
    """Change one line of the project's settings."""
    file = root / "newsletter.toml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def write_articles(root: Path, titles: Iterable[str], *, now: datetime) -> None:
    """Articles of the days before `now` in the folder `site`, the first one the youngest."""
    site = root / "site"
    site.mkdir(exist_ok=True)
    for days, title in enumerate(titles, 1):
        slug = "-".join(title.lower().split())
        article = {
            "title": title,
            "url": f"https://www.marquee.example/{slug}",
            "date": (now - timedelta(days=days)).isoformat(),
            "dek": f"What we think about {title.lower()}.",
            "tags": [slug],
        }
        (site / f"{slug}.json").write_text(json.dumps(article))


def run_week(project: Project, *, slot: str | None = None, stop_before_sending: bool = False) -> Done:
    """The whole weekly job, from wherever it stands, with everybody's consent."""
    stop = threading.Event()

    def confirm(_verdict: Verdict) -> bool:
        if stop_before_sending:
            stop.set()
        return True

    backend: Callable[[], Backend] = project.backend
    return project.weekly.run(project.slot(slot), backend=backend, confirm=confirm, stop=stop)


def arrived(root: Path, folder: str = "mail") -> dict[str, EmailMessage]:
    """What lies in the Maildir, by its recipient."""
    found: dict[str, EmailMessage] = {}
    for file in sorted((root / folder / "new").glob("*")):
        mail = message_from_bytes(file.read_bytes(), policy=policy.default)
        assert isinstance(mail, EmailMessage)
        address = mail["To"].addresses[0].addr_spec
        assert address not in found, f"{address} got two"
        found[address] = mail
    return found
