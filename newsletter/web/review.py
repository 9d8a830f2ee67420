"""The review page for editors who come by the link in a proof: the link is their key, and there are no accounts.

`/review/{token}/` is one editor's page of one issue. The token is signed for this purpose alone, and what it names is
looked up at every request, so that a revoked, expired or foreign link opens nothing. GET and HEAD change nothing,
whatever scanner follows the link; a POST carries the token of the page, which the address does not contain.
"""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from newsletter.app import Project
from newsletter.errors import NewsletterError
from newsletter.review import Look, Place, Visitor, review_routes
from newsletter.review_links import FORM, PURPOSE
from newsletter.web.pages import RenderPage
from newsletter.web.public import PAGE
from subscribers.web import Site


def editors_routes(project: Project, *, render_page: RenderPage, site: Site) -> APIRouter:
    """The routes below `/review/`; who is refused gets a page with the sentence."""
    editors = _Editors(project, site)

    def refuse(error: NewsletterError) -> Response:
        return HTMLResponse(render_page("refused", {"message": _sentence(error)}), 403, headers=PAGE)

    place = Place(editors.admit, lambda: project, _letter, site.path("/images/"), refuse)
    routes = APIRouter()

    @routes.get("/review/{token}", include_in_schema=False)
    @routes.head("/review/{token}", include_in_schema=False)
    def with_slash(token: str) -> Response:
        return RedirectResponse(site.path(f"/review/{token}/"), 308)

    routes.include_router(review_routes(place, path="/review/{token}/"))
    return routes


@dataclass(frozen=True, slots=True)
class _Editors:
    project: Project
    site: Site

    def admit(self, request: Request) -> Visitor:
        """The editor whose link it is. Raises `Refused` for a link that opens nothing, or nothing any more."""
        project, token = self.project, request.path_params["token"]
        proofs = project.weekly.proofs
        link = proofs.admitted(project.keys.verify(token, purpose=PURPOSE), slot=project.slot)
        return Visitor(
            proofs.name_of(link.editor),
            project.keys.sign(link.payload, purpose=FORM),
            base=self.site.path(f"/review/{token}/"),
            origin="page",
            slot_key=link.slot_key,
        )


def _letter(look: Look) -> str:
    return look.composed.letter.web_copy() if look.composed.letter else ""


def _sentence(error: NewsletterError) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."
