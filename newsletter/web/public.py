"""Our own public routes: issues in the browser, pictures, health. All by GET and HEAD; none changes anything."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse

from newsletter import __version__
from newsletter.app import Project
from newsletter.errors import NewsletterError
from newsletter.image_types import SUFFIXES
from newsletter.issues import IssueState
from newsletter.web.pages import ICON, RenderPage, past_issues
from subscribers.web import Site

# A letter is made of words from elsewhere: no script, no form, no frame, and an origin of its own (`sandbox`).
# Pictures and links work as in a mail program; a link that asks for a new window gets an ordinary one.
LETTER_POLICY = (
    "default-src 'none'; img-src *; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; sandbox allow-popups allow-popups-to-escape-sandbox"
)
PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' https:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
PAGE = {"Content-Security-Policy": PAGE_POLICY, "Referrer-Policy": "same-origin", "Cache-Control": "no-cache"}
_LETTER = {"Content-Security-Policy": LETTER_POLICY, "Cache-Control": "public, max-age=300"}
_PICTURE = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Cross-Origin-Resource-Policy": "cross-origin",  # mail programs on the web show it from their own origin
}
_PICTURE_NAME = re.compile(rf"[0-9a-f]{{16,64}}\.(?:{'|'.join(SUFFIXES.values())})")
_KEY = re.compile(r"[0-9]{4}-W[0-9]{2}")
_View = TypeVar("_View", bound=Callable[..., Response])
_ROBOTS = "User-agent: *\nDisallow: {home}/unsubscribe\nDisallow: {home}/resubscribe\nDisallow: {home}/confirm\n"
_ROBOTS += "Disallow: {home}/review\n"


def public_routes(project: Project, *, render_page: RenderPage, site: Site) -> APIRouter:
    routes = APIRouter()

    def page(name: str, *, status: int = 200, **context: Any) -> Response:
        return HTMLResponse(render_page(name, context), status, headers=PAGE)

    def looks(*paths: str, **shown: Any) -> Callable[[_View], _View]:
        """Answers GET and HEAD; the documentation shows the first alone, and only what has a summary."""

        def add(view: _View) -> _View:
            for path in paths:
                routes.get(path, include_in_schema="summary" in shown, **shown)(view)
                routes.head(path, include_in_schema=False)(view)
            return view

        return add

    @looks("/issues", summary="The past issues", response_class=HTMLResponse)
    def issues() -> Response:
        return page("issues", issues=past_issues(project, site))

    @looks(
        "/issues/{slot_key}",
        summary="One issue, as it was mailed",
        response_class=HTMLResponse,
        responses={404: {"description": "No such issue"}, 410: {"description": "It was withdrawn"}},
    )
    def issue(slot_key: str) -> Response:
        row = project.issues.find(slot_key) if _KEY.fullmatch(slot_key) else None
        if row is None or row.frozen_at is None:
            return page("not_found", status=404)
        if row.state == IssueState.CANCELLED:
            return page("refused", status=410, message="This issue was withdrawn by its publisher.")
        return HTMLResponse(project.issues.letter(row.id).web_copy(), headers=_LETTER)

    @looks("/images/{name}", summary="A picture of an issue", response_class=Response)
    def picture(name: str) -> Response:
        found = project.shelf.image(name) if _PICTURE_NAME.fullmatch(name) else None
        if found is None or found[0] not in SUFFIXES:
            return page("not_found", status=404)
        return Response(found[1], media_type=found[0], headers=_PICTURE)

    # The link of a letter that was addressed to nobody: the one shown in a browser.
    @looks("/unsubscribe", "/unsubscribe/")
    def about_unsubscribe() -> Response:
        return page("about_unsubscribe")

    @looks("/healthz", summary="Is it up?", responses={503: {"description": "The database does not answer"}})
    def health() -> JSONResponse:
        # No numbers: asked for before and after a sign-up, they would tell whether an address is suppressed.
        try:
            project.database.check()
            status, word = 200, "ok"
        except NewsletterError:
            status, word = 503, "failing"
        return JSONResponse({"status": word, "version": __version__}, status, headers={"Cache-Control": "no-store"})

    @looks("/icon.svg")
    def icon() -> Response:
        return Response(
            render_page(ICON, {}), media_type="image/svg+xml", headers={"Cache-Control": "public, max-age=3600"}
        )

    @looks("/robots.txt")
    def robots() -> Response:
        return PlainTextResponse(_ROBOTS.format(home=site.path("")), headers={"Cache-Control": "public, max-age=3600"})

    return routes
