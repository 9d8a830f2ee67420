"""An issue as templates get it: stories in groups, with clean words and safe addresses. Pure.

Everything a source wrote passes here on its way into a template: one line of plain text without control or
bidirectional characters, and only http and https addresses. A story says in a few words why it is in the issue, and
only what is true of it; scores are never shown.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from newsletter.characters import clean
from newsletter.issue import Article, Issue, Pick, SignalKind
from newsletter.links import canonical
from newsletter.rendering import wording
from newsletter.rendering.theme import Publication, Theme
from newsletter.rendering.words import Notice, notices_of

SURE_RATERS = 10
GOOD_RATING = 4.0


@dataclass(frozen=True, slots=True)
class Picture:
    """An image with the address a mail program can load. `wide` is how wide the file is in pixels, if known."""

    url: str
    alt: str
    wide: int | None = None


@dataclass(frozen=True, slots=True)
class Info:
    """The box about the show, film or person a story is about. `rating` is in words, empty when there is none."""

    label: str
    name: str
    produced_by: str
    rating: str


@dataclass(frozen=True, slots=True)
class Story:
    """One article in the letter. All texts are single lines; an empty one is not shown.

    `kicker` is the word above the title, `reason` why it was picked, `direction` that of the title's script.
    """

    number: int
    title: str
    url: str
    blurb: str
    kicker: str
    byline: str
    subject: str
    sponsored: bool
    direction: str
    reason: str = ""
    picture: Picture | None = None
    info: Info | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A filled section of the letter, and the inserts after it. `kind` is `cards` for the first, `list` for others."""

    name: str
    title: str
    kind: str
    stories: tuple[Story, ...]
    inserts: tuple[Notice, ...] = ()


def groups_of(issue: Issue, *, publication: Publication, theme: Theme) -> tuple[Group, ...]:
    """The filled sections of an issue in order."""
    groups: list[Group] = []
    leaders = _leaders(issue)
    for section in issue.sections:
        stories = []
        for number, pick in enumerate(issue.in_section(section.name), start=1):
            story = _story(pick, number=number, heading=section.title, publication=publication, key=issue.slot.key)
            pictured = theme.images == "all" or (theme.images == "lead" and not groups and number == 1)
            reason = "" if pick.article.sponsored else _reason(pick, leaders=leaders)
            stories.append(replace(story, reason=reason, picture=story.picture if pictured else None))
        if stories:
            kind = "list" if groups else "cards"
            groups.append(Group(section.name, clean(section.title or section.name), kind, tuple(stories)))
    notices = notices_of(issue, publication=publication, filled=[group.name for group in groups])
    return tuple(replace(group, inserts=notices.get(group.name, ())) for group in groups)


def _story(pick: Pick, *, number: int, heading: str, publication: Publication, key: str) -> Story:
    article = pick.article
    title = " ".join(clean(article.title).split()) or "Untitled"
    subject = wording.shorten(clean(article.subject), 60)
    authors = ", ".join(clean(author) for author in article.authors[:3])
    return Story(
        number=number,
        title=wording.shorten(title, 200),
        url=wording.tagged(canonical(article.url or ""), utm=publication.utm, key=key),
        blurb=wording.shorten(" ".join(clean(article.blurb).split()), 400),
        kicker=_kicker(article, heading=heading),
        byline=f"By {wording.shorten(authors, 80)}" if authors else "",
        subject=subject,
        sponsored=article.sponsored,
        direction=wording.direction(title),
        picture=_picture(article, title=subject or title, publication=publication),
        info=_info(article),
    )


def _kicker(article: Article, *, heading: str) -> str:
    """The first thing the source files it under that the section's heading does not say already."""
    for hint in (article.section, *article.categories):
        if clean(hint) and clean(hint).casefold() not in heading.casefold():
            return wording.shorten(clean(hint), 30)
    return ""


def _picture(article: Article, *, title: str, publication: Publication) -> Picture | None:
    image = article.image
    if image is None or not (url := publication.image_url(image.url)):
        return None
    return Picture(url=url, alt=wording.shorten(clean(image.alt) or title, 120), wide=image.width)


def _info(article: Article) -> Info | None:
    card = article.card
    if card is None or not clean(card.name):
        return None
    makers = wording.shorten(", ".join(clean(maker) for maker in card.produced_by), 120)
    rating = wording.rating_words(card)
    if not makers and not rating:
        return None
    return Info(clean(card.label) or "Info", wording.shorten(clean(card.name), 120), makers, rating)


# In the order in which they are told, if a story leads in several.
_LEADS = {
    SignalKind.VIEWS: "Most read this week",
    SignalKind.COMMENTS: "Most discussed this week",
    SignalKind.SHARES: "Most shared this week",
}


def _leaders(issue: Issue) -> dict[SignalKind, float]:
    """The highest value of each count among everything seen that week, where enough are known and one leads."""
    since = issue.slot.at - timedelta(days=7)
    others = [passed.article for passed in issue.passed_over]
    recent = [article for article in others if article.published is not None and article.published >= since]
    seen = [*(pick.article for pick in issue.picks), *recent]
    leaders = {}
    for kind in _LEADS:
        values = sorted((value for article in seen if (value := article.signal(kind)) is not None), reverse=True)
        if len(values) >= 3 and values[0] > values[1] and values[0] >= 10:
            leaders[kind] = values[0]
    return leaders


def _reason(pick: Pick, *, leaders: dict[SignalKind, float]) -> str:
    """Why this story is in the letter, in at most five words; empty when there is nothing sure to say."""
    article = pick.article
    for kind, top in leaders.items():
        if article.signal(kind) == top:
            return _LEADS[kind]
    if rated := _rated(article):
        return rated
    if article.featured or pick.decision:
        return "Editors\u2019 choice"
    popular = any(term.name.startswith("popular") and term.value >= 0.8 for term in pick.terms)
    return "Among the most read" if popular and article.signal(SignalKind.VIEWS) is not None else ""


def _rated(article: Article) -> str:
    rating, count = article.signal(SignalKind.RATING), article.signal(SignalKind.RATING_COUNT)
    if article.card is not None and article.card.rating is not None:
        rating, count = article.card.rating, article.card.rating_count
    if rating is None or not count or not GOOD_RATING <= rating <= 5 or count < SURE_RATERS:
        return ""
    return f"Rated {rating:.1f} by {count:,.0f} readers"
