"""What every request passes: is the Host ours, which path is meant, and the headers no answer goes without. Pure ASGI.

It never redirects. Leaving is answered under any Host name: a link mailed years ago, under a name the publisher has
since given up, still has to work (RFC 8058; CAN-SPAM § 7704(a)(3)). Nothing here reads a forwarded header.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from newsletter.links import ascii_host, is_loopback

# For whatever says nothing stricter or looser itself.
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}
_ANY_HOST = ("/unsubscribe", "/resubscribe/")
_STRANGE_HOST = "This host name is not served here; the operator of this site can add it to [web] allow_hosts.\n"


class PublicMiddleware:
    """`hosts` are names without port. `prefix` is the path of the public address: a proxy may or may not cut it off.

    `after_post` is called when a POST has been answered: it may have put a mail into the outbox.
    """

    def __init__(self, app: ASGIApp, *, hosts: Collection[str], prefix: str, after_post: Callable[[], None]) -> None:
        self._app = app
        self._hosts = {host_name(host) for host in hosts}
        self._prefix = prefix
        self._after_post = after_post

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        path = scope["path"]
        if self._prefix and (path + "/").startswith(self._prefix + "/"):
            path = path[len(self._prefix) :] or "/"
        host = host_name(Headers(scope=scope).get("host", ""))
        if not path.startswith(_ANY_HOST) and host not in self._hosts and not is_loopback(host):
            await PlainTextResponse(_STRANGE_HOST, 400)(scope, receive, with_headers)
            return
        if path == "/" and scope["method"] in {"GET", "HEAD"}:
            path = "/subscribe"  # the front page is the form itself, not a redirect to it
        await self._app({**scope, "path": path, "root_path": ""}, receive, with_headers)
        if scope["method"] == "POST":
            self._after_post()


def host_name(host: str) -> str:
    """`News.example.org:8080` → `news.example.org`, `[::1]:80` → `::1`; "" for what is no host."""
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
        return name if name.isascii() else ascii_host(name)
    except ValueError:
        return ""
