"""The public routes of joining and leaving. GET, HEAD and OPTIONS never change anything.

`render_page(page, context)` returns the HTML of a page. Every context holds `site` (`Site`); besides:

* `subscribe`: `action`, `form_token`, `honeypot` (the name of a field that is hidden from people), `email`, `name`,
  `language`, `message` (a sentence or ""), `wording` (what the subscriber agrees to). Fields to post: `email`, `name`,
  `language`, `form_token` and the honeypot, left empty.
* `check_inbox`: nothing; one and the same page for every address
* `confirm`: `action` (POST it, with no fields)
* `confirmed`, `resubscribed`: nothing
* `confirm_expired`: `subscribe_url`
* `unsubscribe`: `action` (POST it, with no fields)
* `unsubscribed`: `undo_action` (POST it, with no fields), or "" when there is nothing to undo; `subscribe_url`
* `not_found`: nothing
* `refused`: `message` (a sentence)

No page shows an address that the request did not contain: the holder of a forwarded mail can unsubscribe its recipient,
and learn nothing. Sign-ups are answered alike, and after the same time, whatever is known of the address.

What it does not know: mails, issues, how pages look. Run uvicorn with `proxy_headers=False`: which proxies are trusted
is decided here. Paths hold tokens, so they are masked in uvicorn's access log.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.concurrency import run_in_threadpool

from subscribers.address import parse_address
from subscribers.book import Book
from subscribers.errors import BadAddress, BadToken
from subscribers.forms import UnreadableForm, form_fields, json_fields, may_post, origin_of
from subscribers.guard import Guard, Verdict
from subscribers.network import Network, client_ip
from subscribers.pages import OPEN, SECRET, RenderPage, Site, page_text
from subscribers.subscriber import Confirmation, Provenance, Status
from subscribers.tokens import mask_tokens

__all__ = ["Site", "TokenMask", "router"]

Route = Callable[..., Coroutine[Any, Any, Response]]

LONGEST_BODY = 16 * 1024
HONEYPOT = "website"
SAME_TIME = 0.15  # seconds every sign-up takes at least, so that its answer does not tell what is known of the address
ACCEPTED = "Check your inbox: if this address can be subscribed, a mail with a link to confirm is on its way."
_TOO_LONG = f"That is more than {LONGEST_BODY // 1024} KB; send the form alone."
_STRANGER = "This form was sent from another site; open the sign-up page itself and try again."
_AGAIN = "Please press the button once more."
_UNDO_OVER = "This can no longer be undone here; please subscribe again."


class TokenMask(logging.Filter):
    """Masks tokens in the paths of an access log, which more people read than the mail."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(mask_tokens(value) if isinstance(value, str) else value for value in record.args)
        return True


_MASK = TokenMask()


def router(
    book: Book,
    guard: Guard,
    *,
    render_page: RenderPage,
    site: Site,
    allow_origins: Collection[str] = (),
    trusted_proxies: Sequence[Network] = (),
    same_time: float = SAME_TIME,
) -> APIRouter:
    """The routes, ready to be included in an application.

    `allow_origins` are other sites whose pages may post sign-ups (`https://example.org`); `trusted_proxies` the
    networks whose X-Forwarded-For is trusted.
    """
    logging.getLogger("uvicorn.access").addFilter(_MASK)
    routes = APIRouter()
    allowed = frozenset(origin_of(origin) for origin in allow_origins)
    responder = _Responder(render_page, site, allowed, trusted_proxies)
    _joining(routes, book, guard, responder=responder, same_time=same_time)
    _confirming(routes, book, responder=responder)
    _leaving(routes, book, responder=responder)
    return routes


class _TooLong(Exception):
    """A body with more bytes than any form of ours has."""


@dataclass(frozen=True, slots=True)
class _Responder:
    """What all routes share: rendering pages, reading requests. `allowed` are the origins of other sites."""

    render_page: RenderPage
    site: Site
    allowed: Collection[str]
    trusted: Sequence[Network]

    async def page(self, page: str, *, status: int = 200, headers: dict[str, str] = SECRET, **context: Any) -> Response:
        text = await run_in_threadpool(page_text, self.render_page, page, {"site": self.site, **context})
        return HTMLResponse(text, status_code=status, headers=headers)

    async def refused(self, message: str, *, status: int) -> Response:
        return await self.page("refused", status=status, message=message)

    def provenance(self, request: Request, *, via: str, wording: str = "") -> Provenance:
        # The path of a token page is secret, and proves nothing; that of the sign-up form does.
        form = self.site.public_url.rstrip("/") + request.url.path if wording else via
        peer = request.client.host if request.client else ""
        ip = client_ip(peer, request.headers.getlist("x-forwarded-for"), trusted=self.trusted)
        agent = request.headers.get("user-agent", "")
        return Provenance(via=via, form=form, wording=wording, ip=ip, user_agent=agent)

    def may_post(self, request: Request) -> bool:
        origin, host = request.headers.get("origin"), request.headers.get("host", "")
        return may_post(origin, host=host, origins={origin_of(self.site.public_url), *self.allowed})

    def refusing(self, route: Route) -> Route:
        """The route, with a page for each refusal: a body too long or unreadable, a token that is not ours."""

        @wraps(route)
        async def answer(*args: Any, **values: Any) -> Response:
            try:
                return await route(*args, **values)
            except _TooLong:
                return await self.refused(_TOO_LONG, status=413)
            except UnreadableForm as error:
                return await self.refused(str(error), status=422)
            except BadToken:
                return await self.page("not_found", status=404)

        return answer


async def _body(request: Request) -> bytes:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > LONGEST_BODY:
            raise _TooLong
    return body


def _joining(routes: APIRouter, book: Book, guard: Guard, *, responder: _Responder, same_time: float) -> None:
    async def form_page(fields: dict[str, str], *, status: int = 200, message: str = "", token: str = "") -> Response:
        return await responder.page(
            "subscribe",
            status=status,
            headers=OPEN,
            action=responder.site.path("/subscribe"),
            form_token=token or guard.form_token(),
            honeypot=HONEYPOT,
            message=message,
            wording=responder.site.consent,
            **{field: fields.get(field, "")[:254] for field in ("email", "name", "language")},
        )

    async def sign_up(request: Request, fields: dict[str, str], *, via: str, form_token: str | None) -> Verdict:
        address = parse_address(fields.get("email", ""))
        provenance = responder.provenance(request, via=via, wording=responder.site.consent)

        def work() -> Verdict:
            trap = fields.get(HONEYPOT, "")
            verdict = guard.judge(address, ip=provenance.ip, honeypot=trap, form_token=form_token)
            if verdict is Verdict.PASS:
                profile = {field: fields.get(field, "") for field in ("name", "language")}
                book.subscribe(address.email, provenance=provenance, **profile)
            return verdict

        started = time.monotonic()
        verdict = await run_in_threadpool(work)
        await asyncio.sleep(max(0.0, started + same_time - time.monotonic()))
        return verdict

    @routes.get("/subscribe", summary="The sign-up form", response_class=HTMLResponse)
    @routes.head("/subscribe", include_in_schema=False)
    async def subscribe_page() -> Response:
        return await form_page({})

    @routes.post(
        "/subscribe",
        summary="Ask for a subscription with the form",
        description="Answers one and the same page whatever is known of the address. A confirmation mail follows.",
        response_class=HTMLResponse,
        responses={403: {"description": "Sent from another site"}, 413: {"description": "Too long"}, 422: _BAD_ADDRESS},
        openapi_extra={"requestBody": {"content": {"application/x-www-form-urlencoded": {"schema": _FORM_SCHEMA}}}},
    )
    @responder.refusing
    async def subscribe_by_form(request: Request) -> Response:
        if not responder.may_post(request):
            return await responder.refused(_STRANGER, status=403)
        fields = form_fields(await _body(request), content_type=request.headers.get("content-type", ""))
        token: str | None = fields.get("form_token", "")
        # A box on one of the publisher's own pages has no signed token; the other limits still hold.
        if not token and request.headers.get("origin", "").lower() in responder.allowed:
            token = None
        try:
            verdict = await sign_up(request, fields, via="form", form_token=token)
        except BadAddress as error:
            return await form_page(fields, status=422, message=str(error))
        if verdict is Verdict.AGAIN:
            return await form_page(fields, message=_AGAIN, token=guard.reusable(token or ""))
        return await responder.page("check_inbox", headers=OPEN)

    @routes.post(
        "/api/subscribe",
        status_code=202,
        summary="Ask for a subscription from a program or another page",
        description="Answers the same 202 whatever is known of the address. A confirmation mail follows.",
        response_class=JSONResponse,
        responses={
            202: {"description": "Understood", "content": {"application/json": {"example": {"message": ACCEPTED}}}},
            403: {"description": "The page's origin is not allowed"},
            413: {"description": "Too long"},
            415: {"description": "Not JSON"},
            422: _BAD_ADDRESS,
        },
        openapi_extra={
            "requestBody": {"required": True, "content": {"application/json": {"schema": _FORM_SCHEMA}}},
        },
    )
    async def subscribe_by_hook(request: Request) -> Response:
        if not responder.may_post(request):
            return JSONResponse({"message": "This origin may not subscribe people; add it to allow_origins."}, 403)
        headers = _cors(request)
        content_type = request.headers.get("content-type", "")
        if content_type.partition(";")[0].strip().lower() != "application/json":
            # Also what keeps other sites' forms out: a page cannot send this type without asking first (Fetch, CORS).
            return JSONResponse({"message": "Send JSON, with Content-Type: application/json."}, 415, headers)
        try:
            fields = json_fields(await _body(request))
            await sign_up(request, {**fields, HONEYPOT: ""}, via="hook", form_token=None)
        except _TooLong:
            return JSONResponse({"message": _TOO_LONG}, 413, headers)
        except (UnreadableForm, BadAddress) as error:
            return JSONResponse({"message": str(error)}, 422, headers)
        return JSONResponse({"message": ACCEPTED}, 202, headers)

    @routes.options("/api/subscribe", include_in_schema=False)
    async def may_subscribe_by_hook(request: Request) -> Response:
        return Response(status_code=204, headers=_cors(request) if responder.may_post(request) else {"Vary": "Origin"})


def _cors(request: Request) -> dict[str, str]:
    """The headers with which a page of an allowed origin may read the answer (Fetch, CORS protocol)."""
    headers = {"Cache-Control": "no-store", "Vary": "Origin"}
    if origin := request.headers.get("origin"):
        headers |= {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Methods": "POST",
            "Access-Control-Allow-Headers": "Content-Type",
            "Access-Control-Max-Age": "600",
        }
    return headers


def _confirming(routes: APIRouter, book: Book, *, responder: _Responder) -> None:
    async def answer(found: Confirmation) -> Response:
        if found is Confirmation.DONE:
            return await responder.page("confirmed")
        status = 404 if found is Confirmation.UNKNOWN else 410
        return await responder.page("confirm_expired", status=status, subscribe_url=responder.site.path("/subscribe"))

    @routes.get("/confirm/{token}", summary="The page with the button that confirms", response_class=HTMLResponse)
    @routes.head("/confirm/{token}", include_in_schema=False)
    async def confirm_page(token: str) -> Response:
        found = await run_in_threadpool(book.confirmation, token)
        if found is Confirmation.OPEN:
            return await responder.page("confirm", action=responder.site.path(f"/confirm/{token}"))
        return await answer(found)

    @routes.post(
        "/confirm/{token}",
        summary="Confirm a subscription",
        description="A second time is answered as the first.",
        response_class=HTMLResponse,
        responses={404: {"description": "No such confirmation"}, 410: {"description": "It has run out"}},
    )
    @responder.refusing
    async def confirm(request: Request, token: str) -> Response:
        await _body(request)
        provenance = responder.provenance(request, via="page")
        result = await run_in_threadpool(book.confirm, token, provenance=provenance)
        return await answer(result.confirmation)


def _leaving(routes: APIRouter, book: Book, *, responder: _Responder) -> None:
    # With and without a slash, because one-click must not be redirected (RFC 8058 §3.1).
    @routes.get("/unsubscribe/{token}", summary="The page with the button that unsubscribes", responses=_NOT_OURS)
    @routes.get("/unsubscribe/{token}/", include_in_schema=False)
    @routes.head("/unsubscribe/{token}", include_in_schema=False)
    @routes.head("/unsubscribe/{token}/", include_in_schema=False)
    @responder.refusing
    async def unsubscribe_page(token: str) -> Response:
        await run_in_threadpool(book.holder, token)
        return await responder.page("unsubscribe", action=responder.site.path(f"/unsubscribe/{token}"))

    @routes.post(
        "/unsubscribe/{token}",
        summary="Unsubscribe, by the button or by a mail program (RFC 8058)",
        description="Needs no cookie, log-in or particular body; never redirects; a second time is as the first.",
        response_class=HTMLResponse,
        responses=_NOT_OURS,
    )
    @routes.post("/unsubscribe/{token}/", include_in_schema=False)
    @responder.refusing
    async def unsubscribe(request: Request, token: str) -> Response:
        body = await _body(request)
        provenance = responder.provenance(request, via="one-click" if b"One-Click" in body else "page")
        departure = await run_in_threadpool(book.unsubscribe_by_token, token, provenance=provenance)
        undo = responder.site.path(f"/resubscribe/{token}") if departure.can_return else ""
        return await responder.page("unsubscribed", undo_action=undo, subscribe_url=responder.site.path("/subscribe"))

    @routes.post(
        "/resubscribe/{token}",
        summary="Undo an unsubscribe from the goodbye page",
        response_class=HTMLResponse,
        responses={**_NOT_OURS, 410: {"description": "Too late to undo"}},
    )
    @responder.refusing
    async def resubscribe(request: Request, token: str) -> Response:
        await _body(request)
        provenance = responder.provenance(request, via="page")
        departure = await run_in_threadpool(book.resubscribe_by_token, token, provenance=provenance)
        if departure.subscriber and departure.subscriber.status is Status.ACTIVE:
            return await responder.page("resubscribed")
        return await responder.refused(_UNDO_OVER, status=410)


_NOT_OURS: dict[int | str, dict[str, Any]] = {404: {"description": "A token this newsletter never made"}}
_BAD_ADDRESS = {"description": "No address that could be mailed; one sentence says why"}
_FORM_SCHEMA = {
    "type": "object",
    "required": ["email"],
    "properties": {
        "email": {"type": "string", "maxLength": 254, "example": "name@example.org"},
        "name": {"type": "string", "maxLength": 100},
        "language": {"type": "string", "example": "en"},
    },
}
