"""The addresses of the preview page. GET only looks; POST pulls the sources or sends a test copy.

The letter is shown in frames that run nothing, twice over: the page's `sandbox` and the answer's own policy. What goes
wrong in a request is one line of text for the page to show.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import threading
from collections.abc import AsyncIterator, Callable
from importlib.resources import files
from itertools import islice
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from jinja2 import Environment
from pydantic import BaseModel, Field

from newsletter.errors import NewsletterError, Refused
from newsletter.preview import panels, people
from newsletter.preview.desk import Desk, Shown
from newsletter.preview.door import Door
from newsletter.preview.views import View, at_home, prepared, seen

PICTURES = {"image/png", "image/jpeg", "image/gif", "image/webp"}
ASSETS = {"preview.css": "text/css", "preview.js": "text/javascript"}
_LETTER_POLICY = "default-src 'none'; img-src {images}; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"
_PAGE_POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; frame-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_LOOK_AGAIN = 0.1
_STILL_HERE = 15.0

_log = logging.getLogger(__name__)

Slot = Annotated[str, Query(max_length=20)]
As = Annotated[str, Query(alias="as", max_length=320)]


class TestCopy(BaseModel):
    """What the page asks for. `sure` is needed for an address that is none of the editors'."""

    address: str = Field(min_length=3, max_length=320)
    slot: str = Field("", max_length=20)
    sure: bool = False


class Ascii(JSONResponse):
    """JSON in ASCII: whatever a source wrote can be encoded."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content).encode()


def make_app(desk: Desk, *, port: int, token: str, stopping: Callable[[], bool]) -> Door:
    """The whole application behind its door. `stopping` ends open event streams, so that Ctrl-C need not wait."""
    app = FastAPI(openapi_url=None, default_response_class=Ascii)
    app.exception_handler(Exception)(_in_a_line)
    app.exception_handler(NewsletterError)(_in_a_line)
    _add_page(app, token=token)
    _add_state(app, desk, stopping=stopping)
    _add_letter(app, desk)
    _add_actions(app, desk)
    return Door(app, port=port, token=token)


async def _in_a_line(request: Request, error: Exception) -> Response:  # noqa: ARG001 - FastAPI gives the request
    return PlainTextResponse(f"{error}\n", status_code=400)


def _add_page(app: FastAPI, *, token: str) -> None:
    page = files("newsletter.preview").joinpath("page")
    template = Environment(autoescape=True).from_string(page.joinpath("page.html.j2").read_text(encoding="utf-8"))

    @app.get("/")
    def index() -> Response:
        nonce = secrets.token_urlsafe(16)
        policy = _PAGE_POLICY.format(nonce=nonce)
        return HTMLResponse(template.render(nonce=nonce, token=token), headers={"content-security-policy": policy})

    @app.get("/assets/{name}")
    def asset(name: str) -> Response:
        if name not in ASSETS:
            return PlainTextResponse("there is no such file\n", status_code=404)
        return Response(page.joinpath(name).read_bytes(), media_type=f"{ASSETS[name]}; charset=utf-8")


def _add_state(app: FastAPI, desk: Desk, *, stopping: Callable[[], bool]) -> None:
    @app.get("/state")
    def state(slot: Slot = "", person: As = "") -> dict[str, Any]:
        return panels.everything(desk, key=slot, person=desk.person(person))

    @app.get("/people")
    def search(words: Annotated[str, Query(max_length=200)] = "") -> list[dict[str, str]]:
        return panels.found(list(islice(people.search(desk.project.book, words, limit=8), 8)))

    @app.get("/changes")
    async def changes() -> Response:
        return StreamingResponse(_changes(desk, stopping=stopping), media_type="text/event-stream")


async def _changes(desk: Desk, *, stopping: Callable[[], bool]) -> AsyncIterator[str]:
    """Server-sent events: the version now, and every later one."""
    told, quiet = 0, 0.0
    while not stopping():
        if desk.version != told:
            told, quiet = desk.version, 0.0
            yield f"data: {told}\n\n"
        elif quiet >= _STILL_HERE:
            quiet = 0.0
            yield ": still here\n\n"
        await asyncio.sleep(_LOOK_AGAIN)
        quiet += _LOOK_AGAIN


def _add_letter(app: FastAPI, desk: Desk) -> None:
    @app.get("/letter")
    def letter(
        slot: Slot = "",
        person: As = "",
        look: Literal["light", "dark", "forced"] = "light",
        program: Literal["modern", "nostyle", "outlook"] = "modern",
        images: Literal["on", "off"] = "on",
    ) -> Response:
        html = seen(_html(desk, slot, person), View(look, program))
        policy = _LETTER_POLICY.format(images="* data:" if images == "on" else "'none'")
        return HTMLResponse(html, headers={"content-security-policy": policy})

    @app.get("/parts/{part}")
    def part(part: Literal["html", "text", "message"], slot: Slot = "", person: As = "") -> Response:
        shown = _shown(desk, slot)
        chosen = desk.person(person)
        values = people.values_of(chosen, book=desk.project.book)
        if part == "message" or shown.composed.letter is None:
            content: str | bytes = panels.message(shown, chosen, project=desk.project)
        else:
            content = shown.composed.letter.html(values) if part == "html" else shown.composed.letter.text(values)
        return PlainTextResponse(content)

    @app.get("/images/{name}")
    def picture(name: str) -> Response:
        found = desk.picture(name)
        if found is None or found[0] not in PICTURES:
            return PlainTextResponse("there is no such picture on the shelf\n", status_code=404)
        return Response(found[1], media_type=found[0], headers={"content-security-policy": "default-src 'none'"})


def _shown(desk: Desk, key: str) -> Shown:
    shown, trouble = desk.show(key)
    if shown is None:
        raise Refused(trouble.message if trouble else "there is nothing to show")
    return shown


def _html(desk: Desk, key: str, person: str) -> str:
    shown = _shown(desk, key)
    if shown.composed.letter is None:
        raise Refused("no article was picked, so there is no letter")
    html = shown.composed.letter.html(people.values_of(desk.person(person), book=desk.project.book))
    html = at_home(
        html,
        public_url=desk.project.publication.public_url,
        prefix="/images/",
        has=lambda name: desk.picture(name) is not None,
    )
    return prepared(html, urls=panels.story_urls(shown))


def _add_actions(app: FastAPI, desk: Desk) -> None:
    pulling = threading.Lock()

    @app.post("/pull")
    def pull() -> list[dict[str, Any]]:
        if not pulling.acquire(blocking=False):
            raise Refused("the sources are being pulled already")
        try:
            lines = desk.project.weekly.pull()
        finally:
            pulling.release()
        return [
            {
                "source": line.source,
                "new": line.new,
                "changed": line.changed,
                "failed": line.failed,
                "problems": list(line.problems[:20]),
            }
            for line in lines
        ]

    @app.post("/test-copy")
    def test_copy(wish: TestCopy) -> dict[str, str]:
        project = desk.project
        people.known(project.book, wish.address)
        editors = {editor.casefold() for editor in project.settings.newsletter.editors}
        if wish.address.casefold() not in editors and not wish.sure:
            raise Refused(f"{wish.address} is none of [newsletter] editors; say that you are sure")
        shown = desk.composed(wish.slot)
        answer = project.weekly.test_copy(shown.composed, wish.address, project.backend())
        return {"address": wish.address, "answer": answer}
