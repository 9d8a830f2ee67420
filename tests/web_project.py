"""The public pages of a project, served by a real uvicorn on loopback."""

from __future__ import annotations

import http.client
import mailbox
import re
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import uvicorn

from newsletter.app import Project
from newsletter.issues import FrozenPick, IssueRow
from newsletter.letter import Letter
from newsletter.web import Beside, OutboxThread, create_app
from newsletter.web.server import configuration, listen
from tests.frozen_issue import freeze
from tests.projects import make_project
from tests.times import NOW, PATIENCE, Clock

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 32
PICTURE = "0123456789abcdef.png"


@pytest.fixture
def project(tmp_path: Path, clock: Clock) -> Project:
    return make_project(tmp_path / "project", clock=clock)


def freeze_issue(project: Project, letter: Letter, *, key: str = "2026-W47", now: datetime = NOW) -> IssueRow:
    """Freeze whoever is in the Book into an issue carrying `letter`."""
    article = {"title": "Night Ferry returns <b>", "url": "https://www.marquee.example/night-ferry"}
    pick = FrozenPick("highlights", 0, None, 1.0, "best", article)
    lasts = timedelta(hours=48)
    return freeze(project.database, project.book, letter, now=now, key=key, chosen=[pick], lasts=lasts)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class WebClient:
    """Whoever comes to the pages: one connection per request, no cookies, no redirects followed."""

    port: int
    host: str = "news.marquee.example"
    log: list[str] = field(default_factory=list)

    def ask(
        self, method: str, path: str, body: bytes | str | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, {"Host": self.host, **(headers or {})})
            response = connection.getresponse()
            return Answer(
                response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
            )
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, headers=headers)

    def post_form(self, path: str, body: str, **headers: str) -> Answer:
        return self.ask("POST", path, body, {"Content-Type": "application/x-www-form-urlencoded", **headers})


@contextmanager
def served(
    project: Project,
    *,
    beside: tuple[Beside, ...] = (),
    same_time: float = 0.0,
    pull: Callable[[Collection[str]], None] = lambda _: None,
) -> Iterator[WebClient]:
    """The public pages of a project on a free port of loopback. Requests made at once wait in the socket's line."""
    outbox_threads = [one for one in beside if isinstance(one, OutboxThread)]
    app = create_app(
        project,
        beside=beside,
        after_post=outbox_threads[0].wake if outbox_threads else lambda: None,
        same_time=same_time,
        pull=pull,
    )
    with listen("127.0.0.1", 0) as listening:
        server = uvicorn.Server(configuration(app))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield WebClient(listening.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def client(project: Project) -> Iterator[WebClient]:
    with served(project) as client:
        yield client


def form_token(page: str) -> str:
    found = re.search(r'name="form_token" value="([^"]+)"', page)
    assert found
    return found[1]


def mails(folder: Path) -> list[mailbox.MaildirMessage]:
    """What lies in a Maildir, oldest first."""
    box = mailbox.Maildir(folder, create=False)
    return [box.get_message(key) for key in sorted(box.keys())]
