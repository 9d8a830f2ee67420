"""Which requests are answered. Loopback alone is no protection: any web page that the editor has open can send some.

* `Host` has to be this very address: a name that somebody rebound to 127.0.0.1 is refused (DNS rebinding).
* `Origin`, when there is one, has to be the page itself. A sandboxed frame's is `null`: it may load the pictures of
  its letter (Chromium sends the header with them), and nothing else.
* Anything but GET and HEAD has to carry the run's token in a header, which no other site's page can know or set; a form
  of the review page has it among its fields, where that page looks for it.

A refusal is 403 with one line. Every answer says that it is not to be stored and that its type is not to be guessed.
"""

from __future__ import annotations

import secrets

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN_HEADER = "x-preview-token"  # noqa: S105 - the name of a header
PICTURES = "/images/"
REVIEW = "/review/"
_ALWAYS = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


class LoopbackMiddleware:
    """Wraps an application that listens on loopback at `port`; `token` is the run's own."""

    def __init__(self, app: ASGIApp, *, port: int, token: str) -> None:
        self._app = app
        self._hosts = {f"{host}:{port}" for host in ("127.0.0.1", "localhost", "[::1]")}
        self._origins = {f"http://{host}" for host in self._hosts}
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                said = message.get("headers", [])
                names = {name for name, _ in said}
                message["headers"] = [*said, *(header for header in _ALWAYS if header[0] not in names)]
            await send(message)

        if refusal := self._refusal(scope):
            await PlainTextResponse(f"{refusal}\n", 403)(scope, receive, send_with_headers)
            return
        await self._app(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> str:
        headers = Headers(scope=scope)
        hosts = [host.lower() for host in headers.getlist("host")]
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            return "this preview answers to the address it printed, and to no other name"
        looks = scope["method"] in ("GET", "HEAD")
        origins = {origin.lower() for origin in headers.getlist("origin")}
        if looks and scope["path"].startswith(PICTURES):
            origins.discard("null")
        if origins - self._origins:
            return "this preview takes no requests from other sites"
        if not looks and scope["path"] != REVIEW:
            tokens = headers.getlist(TOKEN_HEADER)
            if len(tokens) != 1 or not secrets.compare_digest(tokens[0].encode(), self._token):
                return "this needs the token of the page; reload the page and try again"
        return ""
