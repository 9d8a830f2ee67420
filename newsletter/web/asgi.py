"""One FastAPI application of everything public. What goes wrong inside is answered by a plain page, never its cause."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from ipaddress import ip_network
from typing import Protocol
from urllib.parse import urlsplit

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from newsletter import __version__
from newsletter.app import Project
from newsletter.errors import NewsletterError
from newsletter.sending import alerts
from newsletter.web.hooks import Pull, hook_routes
from newsletter.web.middleware import HEADERS, PublicMiddleware
from newsletter.web.pages import RenderPage, page_renderer
from newsletter.web.public import PAGE, public_routes
from newsletter.web.review import editors_routes
from subscribers import Guard
from subscribers.web import SAME_TIME, Site, router

_AWAY = "Something is wrong on our side. Please try again in a few minutes; your link stays good."
_WRONG_METHOD = "This address cannot be used in that way."

log = logging.getLogger(__name__)


class Beside(Protocol):
    """Something that runs while the pages are served. `stop` returns when it has ended."""

    def start(self) -> None: ...
    def stop(self) -> None: ...


def guard_of(project: Project) -> Guard:
    """What judges sign-ups. It keeps its memory in the database, so every process may have one."""

    def alarm(text: str) -> None:
        project.alerts.tell(alerts.SIGN_UPS, text)

    return Guard(project.database, project.keys, now=project.clock, alarm=alarm)


def create_app(
    project: Project,
    *,
    beside: Sequence[Beside] = (),
    after_post: Callable[[], None] = lambda: None,
    pull: Pull = lambda _: None,
    same_time: float = SAME_TIME,
) -> FastAPI:
    """The public application. `beside` is started and stopped with it; `pull` reads the sources that a hook is about.

    Raises the configuration errors: settings, database, keys and pages are all looked at before anybody is served.
    """
    table = project.settings.newsletter
    site = Site(name=table.name, public_url=table.public_url, language=table.language)
    render_page = page_renderer(project, site)
    public, web = urlsplit(site.public_url), project.settings.web
    app = FastAPI(
        title=site.name,
        version=__version__,
        summary="Joining, confirming and leaving; issues in the browser; health.",
        servers=[{"url": site.public_url}],
        docs_url=None,  # its page loads scripts from elsewhere; any viewer of OpenAPI shows /openapi.json
        redoc_url=None,
        redirect_slashes=False,
        lifespan=partial(_lifespan, beside=beside),
    )
    app.include_router(
        router(
            project.book,
            guard_of(project),
            render_page=render_page,
            site=site,
            allow_origins=web.allow_origins,
            trusted_proxies=[ip_network(text, strict=False) for text in web.trusted_proxies],
            same_time=same_time,
        )
    )
    app.include_router(public_routes(project, render_page=render_page, site=site))
    app.include_router(editors_routes(project, render_page=render_page, site=site))
    if file := project.settings.hook_secret_file:
        app.include_router(hook_routes(project, file=file, pull=pull))
    app.add_exception_handler(HTTPException, partial(_refuse, render_page=render_page))
    app.add_exception_handler(NewsletterError, _away)
    app.add_exception_handler(Exception, _broken)
    hosts, prefix = [public.netloc, *web.allow_hosts], public.path.rstrip("/")
    app.add_middleware(PublicMiddleware, hosts=hosts, prefix=prefix, after_post=after_post)
    return app


@asynccontextmanager
async def _lifespan(_: FastAPI, *, beside: Sequence[Beside]) -> AsyncIterator[None]:
    for one in beside:
        one.start()
    try:
        yield
    finally:
        for one in reversed(beside):
            await run_in_threadpool(one.stop)


async def _refuse(_: Request, error: Exception, *, render_page: RenderPage) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = {**PAGE, **(getattr(error, "headers", None) or {})}
    name, context = ("not_found", {}) if status == 404 else ("refused", {"message": _WRONG_METHOD})
    try:
        return HTMLResponse(await run_in_threadpool(render_page, name, context), status, headers)
    except NewsletterError:
        log.exception("the page %r could not be rendered", name)
        return _plain("There is no such page." if status == 404 else _WRONG_METHOD, status, headers)


async def _away(request: Request, error: Exception) -> Response:
    log.error("%s %s: %s", request.method, request.scope["route"].path if "route" in request.scope else "?", error)
    return _plain(_AWAY, 503, {**HEADERS, "Retry-After": "120"})


async def _broken(_: Request, __: Exception) -> Response:
    return _plain(_AWAY, 500, HEADERS)  # Starlette raises the error on, and uvicorn logs it


def _plain(sentence: str, status: int, headers: dict[str, str]) -> Response:
    page = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{sentence}</title><p>{sentence}</p></html>"
    )
    return HTMLResponse(page, status, {**headers, "Cache-Control": "no-store"})
