"""Hooks in: a CMS says that something was published, and its source is read now.

The request touches no database and reads no source: it is answered 202, and `pull` is told the names. The same hook
twice pulls once. What comes without a valid signature costs a look at its headers and at most one reading of its body,
and is a line in the log once an hour, not once a request.

What it does not know: how a source is pulled. A secret that cannot be read is told at the start and stops nothing but
the hooks: whoever wants to leave still can.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from newsletter.app import Project
from newsletter.errors import SettingsError
from newsletter.links import canonical, same_site
from newsletter.settings.tables import SourceTable
from newsletter.web.signature import TOLERANCE, BadSignature, Secret, read_claim

if TYPE_CHECKING:
    from pathlib import Path

LONGEST_BODY = 512 * 1024
"""Ghost sends the whole article, as HTML and as text."""
_AGAIN = timedelta(hours=1)
_TOO_LONG = f"That is more than {LONGEST_BODY // 1024} KB; a hook needs an address alone."
_SET_UP_WRONGLY = (
    "Hooks are set up wrongly here; the operator finds the reason in the log and with `newsletter doctor`."
)
_NOT_OURS = 'The body has to be a JSON object such as {"type": "published", "data": {"url": "https://…"}}.'
_OTHER_TYPE = 'Only hooks of the type "published" are taken here.'
_NO_SOURCE = "There is no source to read; the operator has to add a [[sources]] table to newsletter.toml."
_MAKE_ONE = 'echo "whsec_$(head -c 32 /dev/urandom | base64)"'
_DATA = {"source": {"type": "string", "example": "site"}, "url": {"type": "string", "format": "uri"}}
_BODY = {
    "type": "object",
    "properties": {
        "type": {"type": "string", "example": "published"},
        "timestamp": {"type": "string", "format": "date-time"},
        "data": {"type": "object", "properties": _DATA},
    },
}
_DESCRIBED: dict[str, Any] = {
    "summary": "A CMS says that something was published",
    "description": "Signed by Standard Webhooks, or as Ghost signs. The source is read at once.",
    "responses": {
        202: {"description": "Understood; a second time it is not read again"},
        403: {"description": "Not signed with our secret, or not within five minutes"},
        413: {"description": "Too long"},
        422: {"description": "No such source, or not JSON"},
        503: {"description": "Set up wrongly"},
    },
    "openapi_extra": {"requestBody": {"required": True, "content": {"application/json": {"schema": _BODY}}}},
}

log = logging.getLogger(__name__)

Pull = Callable[[Collection[str]], None]


class Misunderstood(Exception):
    """A signed hook from which nothing follows. The message is for the sender."""


class _TooLong(Exception):
    """A body with more bytes than any hook has."""


def load_secret(file: Path) -> Secret:
    """The secret in that file. Raises `SettingsError`, which says how to make one."""
    try:
        return Secret.parse(file.read_text("utf-8").strip())
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
    except ValueError:
        problem = "holds no secret, which is one line of whsec_ and the base64 of 24 to 64 random bytes"
    raise SettingsError(f"[web] hook_secret_file {file} {problem}; make one with: {_MAKE_ONE} > {file}")


def hook_routes(project: Project, *, file: Path, pull: Pull) -> APIRouter:
    """The route of hooks that are signed with the secret in `file`."""
    routes, seen, refusals = APIRouter(), _Seen(), _Refusals()
    try:
        secret = load_secret(file)
    except SettingsError as error:
        secret = None
        log.warning("hooks are refused until this is put right: %s", error)

    @routes.post("/hooks/published", status_code=202, response_class=JSONResponse, **_DESCRIBED)
    async def published(request: Request) -> JSONResponse:
        if secret is None:
            return _answer(_SET_UP_WRONGLY, 503)
        now = project.clock()
        try:
            claim = read_claim(request.headers, secret=secret, now=now)
            body = await _body(request)
            claim.verify(body)
            names = sources_of(body, tables=project.settings.sources)
        except BadSignature as error:
            refusals.note(str(error), now=now)
            return _answer(str(error), 403)
        except _TooLong:
            return _answer(_TOO_LONG, 413)
        except Misunderstood as error:
            return _answer(str(error), 422)
        if seen.first(claim.id, now=now):
            pull(names)
        return _answer(f"Understood: {', '.join(names)} will be read now.", 202)

    return routes


def _answer(message: str, status: int) -> JSONResponse:
    return JSONResponse({"message": message}, status, {"Cache-Control": "no-store"})


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LONGEST_BODY:
            raise _TooLong
    return bytes(body)


def sources_of(body: bytes, *, tables: Sequence[SourceTable]) -> list[str]:
    """The names of the sources a hook is about: the one it names, else those on the host of its address, or at least on
    its site, else all.

    Raises `Misunderstood`.
    """
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):
        sent = None
    if not isinstance(sent, dict):
        raise Misunderstood(_NOT_OURS)
    if sent.get("type", "published") != "published":
        raise Misunderstood(_OTHER_TYPE)
    known = [table.name for table in tables]
    if not known:
        raise Misunderstood(_NO_SOURCE)
    if name := _text(sent, "data", "source"):
        if name not in known:
            raise Misunderstood(f'There is no source "{name[:60]}" here; the sources are: {", ".join(known)}.')
        return [name]
    places = (("data", "url"), ("post", "current", "url"), ("page", "current", "url"))  # ours, and Ghost's
    url = next((found for place in places if (found := canonical(_text(sent, *place)))), "")
    for near in (_same_host, same_site) if url else ():
        if names := [table.name for table in tables if any(near(own, url) for own in _addresses(table))]:
            return names
    return known


def _text(sent: Any, *path: str) -> str:
    for key in path:
        sent = sent.get(key) if isinstance(sent, dict) else None
    return sent if isinstance(sent, str) else ""


def _same_host(one: str, other: str) -> bool:
    first, second = ((urlsplit(url).hostname or "").removeprefix("www.") for url in (one, other))
    return first == second


def _addresses(table: SourceTable) -> list[str]:
    urls = table.options.get("urls")
    given = [table.options.get("url"), *(urls if isinstance(urls, list | tuple) else [urls])]
    return [own for one in given if isinstance(one, str) and (own := canonical(one))]


class _Seen:
    """The hooks that were taken, for as long as their signatures are good. Only signed ones get here."""

    def __init__(self) -> None:
        self._until: dict[str, datetime] = {}

    def first(self, name: str, *, now: datetime) -> bool:
        """Whether this one was not seen yet; it is now."""
        self._until = {one: until for one, until in self._until.items() if until > now}
        new = name not in self._until
        self._until.setdefault(name, now + 2 * TOLERANCE)
        return new


class _Refusals:
    """Logs what was refused: each sentence once an hour, whoever asks how often."""

    def __init__(self) -> None:
        self._said: dict[str, datetime] = {}

    def note(self, sentence: str, *, now: datetime) -> None:
        if sentence in self._said and now - self._said[sentence] < _AGAIN:
            return
        self._said[sentence] = now
        log.warning("a hook was refused, and more of the same for an hour are not told: %s", sentence)
