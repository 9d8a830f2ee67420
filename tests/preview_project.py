"""A small project with articles on its shelf, and its preview behind a real uvicorn on loopback."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import uvicorn

from newsletter.app import Project
from newsletter.issue import Article, Image, Signal, SignalKind
from newsletter.preview import listen
from newsletter.preview.draft import Draft
from newsletter.preview.routes import make_app
from newsletter.rendering import shipped_templates
from tests import projects
from tests.projects import make_project, write_template
from tests.times import NOW, PATIENCE, Clock

TOKEN = "the-token-of-this-run"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 32
PICTURE = "0123456789abcdef.png"
PUBLIC = "https://news.marquee.example"
SOURCE = '[[sources]]\nname = "site"\nkind = "folder"\npath = "site"\n'
TOML = projects.TOML.format(public_url=PUBLIC, more=SOURCE)
SUBSCRIBERS = {"ada@reader.example": "Ada Fernsby", "zoe@reader.example": "Zoë Noël-Lefèvre"}
TITLES = ("Night Ferry returns", "The lighthouse keeper", "A nine-minute song", "A bakery musical")


def articles() -> list[Article]:
    """Four articles, the more read first; the first has a stored picture."""
    return [
        Article(
            title=title,
            url=f"https://www.marquee.example/stories/{number}?page=1&part=2",
            source="site",
            guid=str(number),
            dek=f"What there is to say about number {number}, in a line or two of plain words.",
            published=NOW - timedelta(days=1 + number),
            published_from="feed",
            image=Image(f"stored:{PICTURE}", 1200, 675, "A ferry") if number == 0 else None,
            signals=(Signal(SignalKind.VIEWS, 9000.0 - 1000 * number),),
        )
        for number, title in enumerate(TITLES)
    ]


def make_root(root: Path, *, stories: Sequence[Article], clock: Clock) -> Path:
    """The folder of a project with these articles on the shelf, a picture of one, and two active subscribers."""
    project = make_project(root, clock=clock, more=SOURCE, shelf=stories, subscribers=SUBSCRIBERS)
    project.shelf.keep_image(PICTURE, "image/png", PNG)
    project.close()
    return root


@contextmanager
def opened(root: Path, *, clock: Clock) -> Iterator[Project]:
    """The project, its database closed at the end."""
    project = Project(root, clock=clock)
    try:
        yield project
    finally:
        project.unchecked_database.dispose()


def own_template(root: Path, name: str, change: Callable[[str], str]) -> Path:
    """The project's own version of a shipped template."""
    return write_template(root, name, change((shipped_templates() / name).read_text(encoding="utf-8")))


def make_draft(root: Path, *, clock: Clock, as_address: str | None = None) -> Draft:
    return Draft(root, open_project=lambda: Project(root, clock=clock), slot_key=None, as_address=as_address)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Site:
    """The preview as a client meets it."""

    draft: Draft
    port: int

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, path: str, *, method: str = "GET", host: str = "", **headers: str) -> Answer:
        """One request. Headers are given as `x_preview_token`; a body goes as `json`."""
        body = headers.pop("json", None)
        if body is not None:
            headers["content_type"] = "application/json"
        form = headers.pop("form", None)
        if form is not None:
            body, headers["content_type"] = form, "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.putrequest(method, path, skip_host=True)
            connection.putheader("Host", host or f"127.0.0.1:{self.port}")
            for name, value in headers.items():
                connection.putheader(name.replace("_", "-"), value)
            connection.putheader("Content-Length", str(len(body or "")))
            connection.endheaders((body or "").encode())
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def post(self, path: str, value: object = None) -> Answer:
        return self.ask(path, method="POST", x_preview_token=TOKEN, json=json.dumps(value or {}))

    def state(self, recipient: str = "") -> Any:
        return self.ask(f"/state?as={quote(recipient)}").json()


@contextmanager
def served(draft: Draft) -> Iterator[Site]:
    """The preview of a draft behind a real server."""
    with listen(0) as listener:
        port = listener.getsockname()[1]
        app = make_app(draft, port=port, token=TOKEN, stopping=lambda: server.should_exit)
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False, lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield Site(draft, port)
        finally:
            server.should_exit = True
            thread.join()
            draft.close()
