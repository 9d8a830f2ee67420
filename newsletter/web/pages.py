"""Templates → pages. Every page is a template `pages/<name>.html.j2`, and the icon `pages/icon.svg.j2`; a project's own
file of that name comes first.

Besides what a page is given, every template sees `site`, `publication`, `theme`, `brand`, `logo` (an address or ""),
`postal_lines`, `weekday`, `dir` and `home` (the path of the public address, to put before links). `subscribe` also sees
`latest`, the newest frozen issue or None.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from newsletter.app import Project
from newsletter.errors import NewsletterError
from newsletter.issues import IssueRow
from newsletter.rendering.theme import STORED
from newsletter.rendering.wording import date_words
from subscribers.web import Site

RenderPage = Callable[[str, Mapping[str, Any]], str]

ICON = "icon"
_LATEST_TITLES = 4
_NEWEST = 200

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PastIssue:
    """A frozen issue as the public list shows it."""

    subject: str
    date: str
    path: str
    titles: Sequence[str] = ()


def past_issues(project: Project, site: Site) -> list[PastIssue]:
    """What anybody may read: the frozen issues, newest first."""
    return [_past(project, site, row) for row in project.issues.newest(limit=_NEWEST) if row.out]


def _past(project: Project, site: Site, row: IssueRow) -> PastIssue:
    at = row.slot_at.astimezone(ZoneInfo(project.publication.timezone))
    date = date_words(at, language=site.language)
    return PastIssue(row.subject or row.slot_key, date, site.path(f"/issues/{row.slot_key}"))


def page_renderer(project: Project, site: Site) -> RenderPage:
    """Returns what renders a page; raises `TemplateError`. All are read once, so that a broken one is found now."""
    templates, publication, theme = project.templates, project.publication, project.theme
    templates.compile_all("pages")
    fixed = {
        "site": site,
        "publication": publication,
        "theme": theme,
        "brand": theme.brand or publication.name,
        "postal_lines": [line.strip() for line in publication.postal_address.splitlines() if line.strip()],
        "weekday": project.settings.schedule.day.capitalize(),
        "dir": "rtl" if publication.right_to_left else "ltr",
        "home": site.path(""),
    }

    def render_page(page: str, context: Mapping[str, Any]) -> str:
        more: dict[str, Any] = {"logo": _logo(project, site)}
        if page == "subscribe":
            more["latest"] = _latest(project, site)
        name = f"pages/{page}.svg.j2" if page == ICON else f"pages/{page}.html.j2"
        return templates.render(name, {**fixed, **more, **context})

    return render_page


def _logo(project: Project, site: Site) -> str:
    """The address of the logo; a stored one only once it is there: the first `pull` puts it on the shelf."""
    logo = project.theme.logo
    if not logo.startswith(STORED):
        return logo
    name = logo.removeprefix(STORED)
    try:
        return site.path(f"/images/{name}") if project.shelf.image(name) else ""
    except NewsletterError:
        return ""


def _latest(project: Project, site: Site) -> PastIssue | None:
    """A few titles of the newest issue. The form has to be rendered whatever is wrong with issues."""
    try:
        row = project.issues.last_frozen()
        if row is None or not row.out:
            return None
        past = _past(project, site, row)
        titles = [str(pick.article.get("title") or "") for pick in project.issues.picks(row.id)]
        return PastIssue(past.subject, past.date, past.path, [title for title in titles if title][:_LATEST_TITLES])
    except Exception:
        log.exception("the latest issue could not be read for the sign-up page")
        return None
