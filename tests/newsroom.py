"""A whole newsletter in a folder: a site of articles, readers with consent, a Maildir; and the weekly job on it."""

from __future__ import annotations

import atexit
import functools
import json
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from newsletter.app import Project
from newsletter.backends import Backend
from newsletter.database import Database
from newsletter.issue import Slot
from newsletter.weekly import Composed, Done
from tests.conftest import NOW
from tests.web_project import make_project

# Thursday 07:00 UTC is the slot; the clock of the tests stands an hour earlier until it is moved.
AFTER_SLOT = NOW + timedelta(hours=2)
MORE = """
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
{more}
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

_opened: list[Project] = []


# A look of the project's own, which is made into a letter ten times as fast as the shipped one.
PLAIN = {
    "subject.txt.j2": "{{ lead.title }}",
    "body.html.j2": """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{{ subject }}</title><style>h2 { color: #8a1f2b; }</style></head>
<body><p>Hello {{ blanks.first_name }}</p>
{% for story in stories %}<h2><a href="{{ story.url }}">{{ story.title }}</a></h2><p>{{ story.blurb }}</p>
{% endfor %}<p>{{ postal_lines | join(", ") }}</p><p><a href="{{ unsubscribe_url }}">Unsubscribe</a></p></body></html>
""",
    "body.txt.j2": """Hello {{ blanks.first_name }}
{% for story in stories %}

{{ story.title }}
{{ story.url }}
{% endfor %}

{{ postal_lines | join(", ") }}
Unsubscribe: {{ unsubscribe_url }}
""",
}


def newsroom(
    root: Path,
    *,
    clock: Callable[[], datetime],
    more: str = "",
    database: str = "",
    articles: int = 5,
    readers: int = 3,
) -> Project:
    """The project, its site written and its readers in the Book. `database` is another address than the file's."""
    look = root / "templates" / "weekly"
    look.mkdir(parents=True)
    for name, text in PLAIN.items():
        (look / name).write_text(text)
    if not database:
        root.mkdir(parents=True, exist_ok=True)
        shutil.copy(_migrated(), root / "newsletter.db")
    more = MORE.format(more=more) + (f'[database]\nurl = "{database}"\n' if database else "")
    project = make_project(root, clock=clock, more=more)  # type: ignore[arg-type]
    _opened.append(project)
    write_articles(root, TITLES[:articles], now=NOW)
    for number in range(readers):
        project.book.add_confirmed(f"reader{number}@example.net", name=f"Reader Number{number}")
    return project


@functools.cache
def _migrated() -> Path:
    """A database to copy: making one anew takes longer than most tests."""
    folder = Path(tempfile.mkdtemp(prefix="newsletter-test-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    database = Database(f"sqlite:///{folder / 'newsletter.db'}")
    database.migrate(now=NOW)
    database.dispose()
    return folder / "newsletter.db"


def write_articles(root: Path, titles: Iterable[str], *, now: datetime) -> None:
    """Articles of the days before `now`, the first one the youngest."""
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


def run(project: Project, *, slot: str | None = None, by_hand: bool = True, stop_before_sending: bool = False) -> Done:
    """The whole job, from wherever it stands, with everybody's consent."""
    stop = threading.Event()

    def confirm(_composed: Composed, _people: int) -> bool:
        if stop_before_sending:
            stop.set()
        return True

    backend: Callable[[], Backend] = project.backend
    return project.weekly.run(project.slot(slot), backend=backend, confirm=confirm, stop=stop, by_hand=by_hand)


def again(project: Project) -> Project:
    """The same project as another process would see it."""
    _opened.append(Project(project.root, clock=project.clock))
    return _opened[-1]


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """Let go of every database that was opened."""
    yield
    while _opened:
        _opened.pop().close()


def slot_of(project: Project) -> Slot:
    return project.slot(None)


def arrived(root: Path, folder: str = "mail") -> dict[str, EmailMessage]:
    """What lies in the Maildir, by the reader it is for."""
    found: dict[str, EmailMessage] = {}
    for file in sorted((root / folder / "new").glob("*")):
        mail = message_from_bytes(file.read_bytes(), policy=policy.default)
        assert isinstance(mail, EmailMessage)
        address = mail["To"].addresses[0].addr_spec
        assert address not in found, f"{address} got two"
        found[address] = mail
    return found
