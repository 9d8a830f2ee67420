"""The addresses of the review page, under one path: GET shows, POST decides and shows what is so now.

Whoever mounts them says who comes (`admit`) and where pictures lie. A POST carries the token of the page, which another
site can neither read nor guess; a page that was refused something says so in a sentence, and nothing was changed. After
a POST that did something the answer is a redirect, so that a reload repeats nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from jinja2 import Environment, StrictUndefined

from newsletter.app import Project
from newsletter.errors import Conflict, NewsletterError, Refused
from newsletter.issue import STEPPING, Insert, Slot
from newsletter.issues import IssueState
from newsletter.review.acts import act
from newsletter.review.desk import Desk, Look, Looks, desk_of, said
from newsletter.weekly import Outcome
from newsletter.weekly.editor import Who

MOST_BYTES = 64 * 1024
"""Of a form: an introduction and its like, many times over."""
PAGE_POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; frame-src 'self'; "
    "img-src 'self' https: http: data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
LETTER_POLICY = "default-src 'none'; img-src * data:; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"

Links = Sequence[tuple[str, str]]
"""Words and path of what stands beside the page."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who looks: the name under which they decide, the token their forms carry, and the one issue they may see ("" is
    any). `base` is the path the page lies under, `origin` where a decision is said to come from."""

    name: str
    token: str
    base: str
    origin: str
    slot_key: str = ""
    links: Links = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where the page is mounted. `admit` returns who comes by a request and raises `Refused` for nobody; `project` is
    the project as it is now; `letter` fills a letter's blanks with what opens nothing; stored pictures lie under
    `pictures`, a path. `refuse` answers who is not admitted."""

    admit: Callable[[Request], Visitor]
    project: Callable[[], Project]
    letter: Callable[[Look], str]
    pictures: str
    refuse: Callable[[NewsletterError], Response] = lambda error: PlainTextResponse(f"{error}\n", 403)


def review_routes(place: Place, *, path: str) -> APIRouter:
    """The routes below `path`, which begins and ends with a slash and may hold the parameter that `admit` reads."""
    routes, looks = APIRouter(), Looks()
    page = _Page(place, looks)

    @routes.get(path, include_in_schema=False)
    @routes.head(path, include_in_schema=False)
    def show(request: Request, slot: Annotated[str, Query(max_length=20)] = "") -> Response:
        visitor = _admitted(place, request)
        return visitor if isinstance(visitor, Response) else page.answer(visitor, slot)

    @routes.post(path, include_in_schema=False)
    async def decide(request: Request) -> Response:
        visitor = _admitted(place, request)
        if isinstance(visitor, Response):
            return visitor
        form = await _form(request)
        return await _in_thread(page.decide, visitor, form)

    @routes.get(f"{path}letter", include_in_schema=False)
    @routes.head(f"{path}letter", include_in_schema=False)
    def letter(request: Request, slot: Annotated[str, Query(max_length=20)] = "") -> Response:
        visitor = _admitted(place, request)
        if isinstance(visitor, Response):
            return visitor
        shown = looks.of(place.project(), page.slot(visitor, slot))
        if shown.composed.letter is None:
            return PlainTextResponse("There is no letter: no article was picked.\n", 404)
        return HTMLResponse(place.letter(shown), headers={**_PRIVATE, "Content-Security-Policy": LETTER_POLICY})

    @routes.get(f"{path}seen", include_in_schema=False)
    def seen(request: Request) -> Response:
        visitor = _admitted(place, request)
        return visitor if isinstance(visitor, Response) else JSONResponse(page.seen(), headers=_PRIVATE)

    return routes


_PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "same-origin", "X-Content-Type-Options": "nosniff"}


def _admitted(place: Place, request: Request) -> Visitor | Response:
    try:
        return place.admit(request)
    except NewsletterError as error:
        answer = place.refuse(error)
        for name, value in _PRIVATE.items():
            answer.headers[name] = value
        return answer


async def _in_thread(work: Callable[..., Response], *arguments: object) -> Response:
    from starlette.concurrency import run_in_threadpool

    return await run_in_threadpool(work, *arguments)


async def _form(request: Request) -> dict[str, str]:
    """The fields of a form, the last of each name; empty when there are more bytes than any page of ours sends."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            return {}
    fields = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=40)
    return {name: text.replace("\r\n", "\n") for name, text in fields}


class _Page:
    def __init__(self, place: Place, looks: Looks) -> None:
        self._place, self._looks = place, looks
        self._css, self._js = colours() + _file("review.css"), _file("review.js")
        environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
        self._template = environment.from_string(_file("review.html.j2"))

    def slot(self, visitor: Visitor, key: str) -> Slot:
        """The slot that is asked for, if the visitor may see it."""
        project = self._place.project()
        key = visitor.slot_key or key
        return project.slot(key) if key else project.coming_slot()

    def seen(self) -> dict[str, Any]:
        """The newest decision, for pages that ask whether they are still right."""
        project = self._place.project()
        newest = project.decisions.newest()
        if not newest:
            return {"seen": 0, "words": ""}
        last = project.decisions.get(newest)
        shelved = project.shelf.numbered([last.article]) if last.article is not None else []
        titles = {one.article.id: one.article.title for one in shelved}
        return {"seen": newest, "words": said(last, titles, now=project.clock())}

    def decide(self, visitor: Visitor, form: dict[str, str]) -> Response:
        """Do what the form asks for; what is refused is shown on the page as it is now."""
        try:
            if not secrets.compare_digest(form.get("token", "").encode(), visitor.token.encode()):
                raise Refused("this form is not of this page, or too old; nothing was changed: look again and decide")
            project, slot = self._place.project(), self.slot(visitor, form.get("slot", ""))
            who = Who(visitor.name, visitor.origin)
            about = act(project, slot, form, who=who, issue=lambda: self._looks.of(project, slot).composed.issue)
        except NewsletterError as error:
            return self.answer(visitor, form.get("slot", ""), refused=error, form=form)
        to = f"{visitor.base}?{urlencode({'slot': slot.key})}" + (f"#a-{about}" if about else "")
        return RedirectResponse(to, 303, headers=_PRIVATE)

    def answer(
        self, visitor: Visitor, key: str, *, refused: NewsletterError | None = None, form: dict[str, str] | None = None
    ) -> Response:
        """The page, with what was refused on it."""
        try:
            slot = self.slot(visitor, key)
            project = self._place.project()
            desk = desk_of(project, self._looks.of(project, slot), pictures=self._place.pictures)
        except NewsletterError as error:
            return PlainTextResponse(f"{refused or error}\n", 400, headers=_PRIVATE)
        nonce = secrets.token_urlsafe(16)
        html = self._template.render(
            nonce=nonce, css=self._css, js=self._js, desk=desk, visitor=visitor, token=visitor.token,
            base=visitor.base, here=visitor.base, links=visitor.links, when=_when(slot.at),
            weeks=_weeks(project, visitor, slot), stepping=STEPPING,
            subject=desk.look.composed.letter.subject if desk.look.composed.letter else "",
            inserts=_inserts(desk), worst=_worst(desk), notice=str(refused or ""), theirs=_theirs(refused, form or {}),
            **_head(desk),
        )  # fmt: skip
        status = 200 if refused is None else 409 if isinstance(refused, Conflict) else 400
        policy = PAGE_POLICY.format(nonce=nonce)
        return HTMLResponse(html, status, headers={**_PRIVATE, "Content-Security-Policy": policy})


def colours() -> str:
    """The style that every page of the editor's begins with."""
    return _file("colours.css")


def _file(name: str) -> str:
    return files("newsletter.review").joinpath("page", name).read_text(encoding="utf-8")


def _when(at: datetime) -> str:
    return f"{at:%A} {at.day} {at:%B %Y}, {at:%H:%M} {at.tzname()}"


def _weeks(project: Project, visitor: Visitor, slot: Slot) -> list[tuple[str, str]]:
    """The issues to choose from: this one alone, or the coming four and the last eight."""
    if visitor.slot_key:
        return [(slot.key, f"{slot.key} · {slot.at.day} {slot.at:%b}")]
    found = {row.slot_key: row.slot_at.astimezone(slot.at.tzinfo) for row in project.issues.newest(limit=8)}
    coming = project.coming_slot()
    for _ in range(4):
        found[coming.key] = coming.at
        coming = project.slot_after(coming)
    found[slot.key] = slot.at
    return [(key, f"{key} · {at.day} {at:%b}") for key, at in sorted(found.items(), reverse=True)]


def _inserts(desk: Desk) -> list[Insert]:
    """The notes of the issue, and an empty one to write into."""
    names = {one.name for one in desk.issue.inserts}
    free = next(name for number in range(1, 99) if (name := f"note-{number}") not in names)
    return [*desk.issue.inserts, Insert(free, "")]


def _worst(desk: Desk) -> str:
    levels = {str(one.level) for one in desk.look.composed.findings}
    return next((level for level in ("error", "warning") if level in levels), "")


def _theirs(refused: NewsletterError | None, form: dict[str, str]) -> list[tuple[str, str, str]]:
    """What the other wrote and what this form brought, field by field: neither is lost."""
    if not isinstance(refused, Conflict):
        return []
    names = dict.fromkeys([*refused.theirs, *(name for name in ("title", "dek", "image", "text") if form.get(name))])
    return [(name, refused.theirs.get(name, ""), form.get(name, "")) for name in names]


def _head(desk: Desk) -> dict[str, Any]:
    """The verdict on top, in words, with the steps that are open now."""
    look, at = desk.look, desk.slot.at
    verdict, row = look.verdict, look.row
    state = row.state if row else IssueState.DRAFT
    said = [row.reason if row else "", verdict.reason] if verdict.outcome == Outcome.SEND else []
    remarks = [*filter(None, [*said, verdict.once_let_go(at, now=look.now)]), *verdict.remarks()]
    headline = verdict.headline(at, now=look.now)
    tone = "good" if verdict.mails else "bad" if verdict.error else "wait"
    goes_at = row.goes_at.astimezone(at.tzinfo) if row and row.goes_at and state == IssueState.APPROVED else None
    steps = _STEPS.get(state, ()) if desk.open else ()
    return {"tone": tone, "headline": headline, "remarks": remarks, "steps": steps, "goes_at": goes_at}


_REVIEWED = (("approve", "Approve", "main"), ("hold-issue", "Hold", ""))
_STEPS = {
    IssueState.DRAFT: _REVIEWED,
    IssueState.REVIEW: _REVIEWED,
    IssueState.APPROVED: (("pull-back", "Pull it back", "main"), ("hold-issue", "Hold", "")),
    IssueState.HELD: (("release", "Release", "main"),),
}
"""Of each state: what may be done, in words, and how the button looks."""
