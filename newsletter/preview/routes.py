"""The addresses of the preview page. GET changes nothing; POST pulls the sources or sends a test copy.

The letter is shown in frames that run no script, by the page's `sandbox` and by the answer's own policy. A request that
fails is answered with one line of text, which the page shows.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict
from importlib.resources import files
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Query, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from jinja2 import Environment
from pydantic import BaseModel, Field

from newsletter.errors import NewsletterError, Refused
from newsletter.image_types import SUFFIXES
from newsletter.preview import payload, recipients
from newsletter.preview.draft import Draft
from newsletter.preview.middleware import REVIEW, LoopbackMiddleware
from newsletter.preview.views import View, prepared, seen, with_local_pictures
from newsletter.review import Look, Place, Visitor, colours, review_routes

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
    """The body of a request for a test copy. `sure` is needed for an address that is none of the editors'."""

    address: str = Field(min_length=3, max_length=320)
    slot: str = Field("", max_length=20)
    sure: bool = False


def make_app(draft: Draft, *, port: int, token: str, stopping: Callable[[], bool]) -> LoopbackMiddleware:
    """The whole application behind its middleware. `stopping` ends open event streams, so that Ctrl-C need not wait."""
    app = FastAPI(openapi_url=None)
    app.exception_handler(Exception)(_in_a_line)
    app.exception_handler(NewsletterError)(_in_a_line)
    _add_page(app, token=token)
    _add_state(app, draft, stopping=stopping)
    _add_letter(app, draft)
    _add_actions(app, draft)
    _add_review(app, draft, token=token)
    return LoopbackMiddleware(app, port=port, token=token)


async def _in_a_line(request: Request, error: Exception) -> Response:  # noqa: ARG001 - FastAPI passes the request
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
        text = page.joinpath(name).read_text(encoding="utf-8")
        before = colours() if name == "preview.css" else ""
        return Response(before + text, media_type=f"{ASSETS[name]}; charset=utf-8")


def _add_state(app: FastAPI, draft: Draft, *, stopping: Callable[[], bool]) -> None:
    @app.get("/state")
    def state(slot: Slot = "", recipient: As = "") -> dict[str, Any]:
        return payload.everything(draft, key=slot, recipient=draft.recipient(recipient))

    @app.get("/recipients")
    def search(words: Annotated[str, Query(max_length=200)] = "") -> list[dict[str, str]]:
        return [payload.of_recipient(found) for found in recipients.search(draft.project, words, limit=8)]

    @app.get("/changes")
    async def changes() -> Response:
        return StreamingResponse(_changes(draft, stopping=stopping), media_type="text/event-stream")


async def _changes(draft: Draft, *, stopping: Callable[[], bool]) -> AsyncIterator[str]:
    """Server-sent events: the version now, and every later one."""
    told, quiet = 0, 0.0
    while not stopping():
        if draft.version != told:
            told, quiet = draft.version, 0.0
            yield f"data: {told}\n\n"
        elif quiet >= _STILL_HERE:
            quiet = 0.0
            yield ": still here\n\n"
        await asyncio.sleep(_LOOK_AGAIN)
        quiet += _LOOK_AGAIN


def _add_letter(app: FastAPI, draft: Draft) -> None:
    @app.get("/letter")
    def framed(
        slot: Slot = "",
        recipient: As = "",
        scheme: Literal["light", "dark", "forced"] = "light",
        program: Literal["modern", "nostyle", "outlook"] = "modern",
        images: Literal["on", "off"] = "on",
    ) -> Response:
        html = seen(_html(draft, slot, recipient), View(scheme, program))
        policy = _LETTER_POLICY.format(images="* data:" if images == "on" else "'none'")
        return HTMLResponse(html, headers={"content-security-policy": policy})

    @app.get("/parts/{part}")
    def part(part: Literal["html", "text", "message"], slot: Slot = "", recipient: As = "") -> Response:
        shown, chosen = _shown(draft, slot), draft.recipient(recipient)
        letter = shown.composed.letter
        if part == "message" or letter is None:
            return PlainTextResponse(payload.message(shown, chosen, project=draft.project))
        values = recipients.values_of(chosen, project=draft.project)
        return PlainTextResponse(letter.html(values) if part == "html" else letter.text(values))

    @app.get("/issue.eml")
    def message(slot: Slot = "", recipient: As = "") -> Response:
        shown, chosen = _shown(draft, slot), draft.recipient(recipient)
        if shown.composed.letter is None:
            raise Refused("no article was picked, so there is no message")
        name = f'attachment; filename="{shown.slot.key}.eml"'
        data = payload.message(shown, chosen, project=draft.project)
        return Response(data, media_type="message/rfc822", headers={"content-disposition": name})

    @app.get("/images/{name}")
    def picture(name: str) -> Response:
        found = draft.picture(name)
        if found is None or found[0] not in SUFFIXES:
            return PlainTextResponse("there is no such picture on the shelf\n", status_code=404)
        return Response(found[1], media_type=found[0], headers={"content-security-policy": "default-src 'none'"})


def _shown(draft: Draft, key: str) -> Look:
    shown, trouble = draft.show(key)
    if shown is None:
        raise Refused(trouble.message if trouble else "there is nothing to show")
    return shown


def _html(draft: Draft, key: str, recipient: str) -> str:
    shown = _shown(draft, key)
    if shown.composed.letter is None:
        raise Refused("no article was picked, so there is no letter")
    html = shown.composed.letter.html(recipients.values_of(draft.recipient(recipient), project=draft.project))
    public_url = draft.project.publication.public_url
    html = with_local_pictures(html, public_url=public_url, prefix="/images/", has=draft.picture)
    return prepared(html, urls=[pick.article.url or "" for pick in payload.in_order(shown)])


def _add_review(app: FastAPI, draft: Draft, *, token: str) -> None:
    """The review page at home: whoever sits at this machine is the editor."""
    visitor = Visitor(
        "", token, base=REVIEW, origin="preview", links=(("The letter in every program", "/"), (".eml", "/issue.eml"))
    )
    place = Place(lambda _: visitor, lambda: draft.project, lambda look: _html(draft, look.slot.key, ""), "/images/")
    app.include_router(review_routes(place, path=REVIEW))


def _add_actions(app: FastAPI, draft: Draft) -> None:
    pulling = threading.Lock()

    @app.post("/pull")
    def pull() -> list[dict[str, Any]]:
        if not pulling.acquire(blocking=False):
            raise Refused("the sources are being pulled already")
        try:
            lines = draft.project.weekly.pull()
        finally:
            pulling.release()
        return [{**asdict(line), "problems": line.problems[:20]} for line in lines]

    @app.post("/test-copy")
    def test_copy(wish: TestCopy) -> dict[str, str]:
        project = draft.project
        recipients.known(project, wish.address)
        editors = {editor.casefold() for editor in project.settings.newsletter.editors}
        if wish.address.casefold() not in editors and not wish.sure:
            raise Refused(f"{wish.address} is none of [newsletter] editors; say that you are sure")
        shown = draft.composed(wish.slot)
        answer = project.weekly.test_copy(shown.composed, wish.address, project.backend())
        return {"address": wish.address, "answer": answer}
