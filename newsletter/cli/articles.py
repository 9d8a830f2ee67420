"""`articles …`: the shelf, and what the editor changes on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from newsletter.cli import output
from newsletter.cli.context import Group, ProjectContext, by_option, json_option, number_of, pass_project_context, who
from newsletter.errors import ConfigurationError, Refused, counted

if TYPE_CHECKING:
    from newsletter.issue import Article
    from newsletter.shelf import Shelf, Shelved

ADDED = "added-by-hand"


@click.group(cls=Group)
def articles() -> None:
    """The shelf, and what the editor changes on it.

    WHAT is an article's number or any of its addresses. An incomplete article lacks a title, an address or a trusted
    date; it is never picked by itself, and `articles edit` completes it.
    """


def _status(shelved: Shelved) -> str:
    """Why an article would not be picked now, or nothing."""
    lacks = shelved.article.lacks()
    guessed = " (the one shown is a guess)" if shelved.article.published and "date" in lacks else ""
    told = (
        f"carried by {shelved.carried_by}" if shelved.carried_by else "",
        "dropped" if shelved.dropped else "",
        f"held until {shelved.held_until}" if shelved.held_until else "",
        f"incomplete, lacks {' and '.join(lacks)}{guessed}" if lacks else "",
    )
    return "; ".join(filter(None, told))


def _json(shelved: Shelved) -> dict[str, Any]:
    return {
        **shelved.article.as_json(),
        "first_seen": shelved.article.first_seen,
        "carried_by": shelved.carried_by,
        "dropped": shelved.dropped,
        "held_until": shelved.held_until,
        "edited": list(shelved.edited),
    }


def _newest_first(shelf: Shelf, *, before: int | None = None) -> Iterator[Shelved]:
    """The articles on the shelf, or those below a number; read a page at a time."""
    while page := shelf.page(limit=200, before=before):
        yield from page
        before = page[-1].article.id


@articles.command("list")
@click.option("--incomplete", is_flag=True, help="Only those that lack something.")
@click.option("--limit", metavar="N", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many.")
@click.option("--before", metavar="N", type=int, help="Go on below this number.")
@json_option
@pass_project_context
def list_(context: ProjectContext, incomplete: bool, limit: int, before: int | None, as_json: bool) -> None:
    """List the newest articles on the shelf.

    JSON: [{"id", "title", "url", "source", "published", "first_seen", "lacks": ["title" | "url" | "date"],
    "carried_by", "dropped", "held_until", "edited": [FIELD]}]
    """
    every = _newest_first(context.project.shelf, before=before)
    found = list(islice((one for one in every if not incomplete or one.article.lacks()), limit + 1))
    shown = found[:limit]
    if as_json:
        output.dump([_json(one) for one in shown])
        return
    output.table(
        ("number#", "published", "source", "title", "state"),
        [
            (
                one.article.id,
                output.when(one.article.published, context.zone),
                one.article.source,
                one.article.title or "(no title)",
                _status(one),
            )
            for one in shown
        ],
    )
    if len(found) > limit:
        output.note(f"there are more: --before {shown[-1].article.id}")


@articles.command()
@click.argument("what")
@json_option
@pass_project_context
def show(context: ProjectContext, what: str, as_json: bool) -> None:
    """Show everything known about one article.

    JSON: as of `articles list`, and "article": every field of it, "signals": [{"kind", "value", "at"}]
    """
    from newsletter.shelf import dump_article

    shelved = context.project.shelf.find(what)
    article = shelved.article
    if as_json:
        output.dump({**_json(shelved), "article": dump_article(article), "signals": article.signals})
        return
    output.facts(_facts(context, shelved))
    if article.body:
        output.heading("Text")
        output.say(article.body)


def _facts(context: ProjectContext, shelved: Shelved) -> dict[str, Any]:
    article = shelved.article
    card = article.card
    users = card.rating_count if card and card.rating is None else None
    unrated = f"{counted(users, 'user')}, no rating" if users else ""
    rated = f"{card.rating:g} of 5 from {card.rating_count or '?'}" if card and card.rating is not None else ""
    trusted = "" if article.published_from != "guess" else " (a guess)"
    return {
        "number": article.id,
        "title": article.title,
        "address": article.url,
        "source": article.source,
        "published": f"{output.when(article.published, context.zone)}{trusted}",
        "first seen": output.when(article.first_seen, context.zone),
        "blurb": article.blurb,
        "authors": ", ".join(article.authors),
        "categories": ", ".join(article.categories),
        "tags": ", ".join(article.tags),
        "image": article.image.url if article.image else "",
        card.label if card else "card": card.name if card else "",
        "produced by": ", ".join(card.produced_by) if card else "",
        "rating": rated or unrated,
        "related": "; ".join(article.related),
        "signals": ", ".join(f"{one.kind} {one.value:g}" for one in article.signals),
        "edited": ", ".join(shelved.edited),
        "state": _status(shelved) or "may be picked",
    }


@articles.command()
@click.argument("where", metavar="URL-or-FILE")
@json_option
@pass_project_context
def add(context: ProjectContext, where: str, as_json: bool) -> None:
    """Read one article page, live or saved (HTML or plain text), onto the shelf.

    What the page does not say (often its address and date) is told, and `articles edit` completes it.

    JSON: [as of `articles list`]
    """
    from newsletter import sources
    from newsletter.fetch import Fetcher
    from newsletter.sources import PullState

    project = context.project
    source = sources.load(
        "page", ADDED, _page_options(where), root=project.root, fetcher=Fetcher(), clock=context.clock
    )
    pulled = source.read(PullState())
    for problem in pulled.problems:
        output.note(problem)
    if not pulled.articles:
        raise Refused(f"{where} holds no article that could be read")
    for image in pulled.images:
        project.shelf.keep_image(image.name, image.media_type, image.data)
    read = [replace(article, source=ADDED) for article in pulled.articles]
    done = project.shelf.put(read, now=context.clock())
    for problem in done.problems:
        output.note(problem)
    shelved = [_shelved(context, article) for article in read]
    if as_json:
        output.dump([_json(one) for one in shelved])
        return
    for one in shelved:
        output.say(f"{one.article.id}  {one.article.title or '(no title)'}")
        _say_lacks(one)


def _page_options(where: str) -> dict[str, Any]:
    from newsletter.links import refusal

    reason = refusal(where)
    if not reason:
        # The operator may read any address, also in their own network; a redirect may not lead there.
        return {"url": where, "allow_private": [urlsplit(where).hostname or ""]}
    file = Path(where)
    if not file.is_file():
        raise ConfigurationError(f"{where} {reason}, and no file of this name is there")
    return {"path": str(file.resolve())}


def _shelved(context: ProjectContext, article: Article) -> Shelved:
    """The article as it stands on the shelf now, under its address or, having none, its title."""
    shelf = context.project.shelf
    if article.url:
        return shelf.find(article.url)
    same = (one for one in _newest_first(shelf) if (one.article.source, one.article.title) == (ADDED, article.title))
    return next(same, None) or shelf.page(limit=1)[0]


def _say_lacks(shelved: Shelved) -> None:
    lacks = shelved.article.lacks()
    if not lacks:
        return
    options = " ".join(f"--{name} …" for name in lacks)
    output.say(f"  it lacks {' and '.join(lacks)}: newsletter articles edit {shelved.article.id} {options}")


@articles.command()
@click.argument("what")
@click.option("--title", metavar="TEXT", help="A title of your own.")
@click.option("--blurb", metavar="TEXT", help="The lines under the title.")
@click.option("--url", metavar="URL", help="The address readers are sent to.")
@click.option(
    "--date", metavar="TIME", help="When it was published: ISO 8601; without an offset, the newsletter's zone."
)
@click.option("--image", metavar="URL", help="A picture of your own.")
@by_option
@json_option
@pass_project_context
def edit(
    context: ProjectContext,
    what: str,
    title: str | None,
    blurb: str | None,
    url: str | None,
    date: str | None,
    image: str | None,
    by: str,
    as_json: bool,
) -> None:
    """Give an article a title, blurb, address, date or picture of your own.

    No later pull overwrites them. An empty value ("") takes yours back.

    JSON: as of `articles list`
    """
    wishes = {"title": title, "dek": blurb, "url": url, "published": date, "image": image}
    changes = {name: value.strip() for name, value in wishes.items() if value is not None}
    if not changes:
        raise click.UsageError("give at least one of --title, --blurb, --url, --date, --image")
    for name in ("url", "image"):
        if changes.get(name):
            changes[name] = _address(changes[name], option=f"--{name}")
    if changes.get("published"):
        changes["published"] = _moment(context, changes["published"]).isoformat()
    project = context.project
    number = number_of(context, what)
    project.weekly.editor.edit(number, changes, slot=project.coming_slot(), who=who(by))
    shelved = project.shelf.find(str(number))
    if as_json:
        output.dump(_json(shelved))
        return
    output.say(f"{shelved.article.id}  {shelved.article.title}: {_status(shelved) or 'may be picked'}")
    _say_lacks(shelved)


def _address(text: str, *, option: str) -> str:
    from newsletter.links import canonical

    address = canonical(text)
    if not address:
        raise click.BadParameter(f'"{text}" is not an http or https address', param_hint=option)
    return address


def _moment(context: ProjectContext, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(
            f'"{text}" is not a time such as 2026-11-19T07:00:00+01:00', param_hint="--date"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=context.zone)
