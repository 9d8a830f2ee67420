"""Issues to render in tests: a full week as a publisher has it, and one whose every text is hostile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from newsletter.issue import Article, Card, Image, Issue, Pick, Section, Signal, SignalKind, Slot, Term
from newsletter.rendering import Publication, Templates, Theme
from newsletter.settings.tables import Colours, DarkColours, Fonts, SocialLink

NONCE = "0123456789ab"
NOW = datetime(2026, 11, 19, 7, 0, tzinfo=UTC)
VALUES = {
    "first_name": "Anna",
    "email": "anna@example.org",
    "unsubscribe_token": "u" * 43,
    "confirm_token": "c" * 43,
}
PUBLICATION = Publication(
    name="Marquee Weekly",
    tagline="Our weekly highlights and entertainment guides, straight to your inbox",
    public_url="https://letters.marquee.example",
    from_address="weekly@marquee.example",
    postal_address="Marquee Media, 12 Harbour Street\n1000 Port City",
    list_id="weekly.marquee.example",
    utm={"utm_source": "weekly", "utm_campaign": "{slot}"},
)
THEME = Theme(
    light=Colours(),
    dark=DarkColours(),
    fonts=Fonts(),
    brand="Marquee",
    social=(
        SocialLink(name="Instagram", url="https://social.example/marquee"),
        SocialLink(name="YouTube", url="https://video.example/marquee"),
    ),
)
SECTIONS = (Section("highlights", "Weekly highlights"), Section("guides", "Entertainment guides"))
_HIGHLIGHTS = (
    (
        "\u2018Night Ferry\u2019 returns for a second season",
        "Series",
        "The crossing that became the year\u2019s quietest hit gets eight new episodes and a new captain.",
    ),
    (
        "The lighthouse keeper who films storms",
        "Film",
        "For eleven winters she pointed a camera at the same rock. The result is a debut unlike any other.",
    ),
    (
        "Why everybody is humming this nine-minute song",
        "Music",
        "No chorus, no drums, a tuba solo: how a B-side recorded in a garage took over every kitchen radio.",
    ),
    (
        "A bakery musical, and yes, it rises",
        "Stage",
        "Flour, a feud and forty pairs of tap shoes. We went on opening night and left hungry.",
    ),
    ("The board game that needs a whole village", "Games", "Twenty-two players, three rooms and one long evening."),
    (
        "Small screens, large hearts: the web series worth your lunch break",
        "",
        "Five makers who never asked a broadcaster for permission.",
    ),
)
_GUIDES = (
    ("12 films to see before the year is out", "From a heist in a planetarium to a love story told in bus tickets."),
    (
        "Everything you need to know about the Harbour Lights festival",
        "Stages, tickets, ferries home, and where the queue for dumplings is shortest.",
    ),
    ("How to start with opera when you have ninety minutes", "Three evenings, three doors in, no white tie."),
    ("Where to dance on a Tuesday", ""),
)


def article(title: str, **more: object) -> Article:
    slug = "".join(c if c.isascii() and c.isalnum() else "-" for c in title.lower()).strip("-")[:60] or "story"
    values: dict[str, object] = {
        "url": f"https://www.marquee.example/{slug}?page=1",
        "published": NOW - timedelta(days=2),
        "published_from": "feed",
        **more,
    }
    return Article(title=title, **values)  # type: ignore[arg-type]


def week(*, images: str = "https://www.marquee.example/images/{n}.jpg") -> Issue:
    """Six highlights and four guides, with pictures, cards, ratings and one story without a picture."""
    picks = []
    for position, (title, section, dek) in enumerate(_HIGHLIGHTS):
        pictured = images and position != 3
        picks.append(
            Pick(
                article(
                    title,
                    section=section,
                    dek=dek,
                    authors=("Mara Lindqvist",),
                    image=Image(images.format(n=position), width=1200, height=675) if pictured else None,
                    signals=(Signal(SignalKind.VIEWS, 9000 - 1000 * position),),
                    card=_card(position),
                    featured=position == 4,
                ),
                section="highlights",
                position=position,
                score=0.9 - position / 20,
                terms=(Term("popularity", 0.5, 0.95 - position / 10),),
            )
        )
    for position, (title, dek) in enumerate(_GUIDES):
        picks.append(Pick(article(title, dek=dek), section="guides", position=position, score=0.5))
    return Issue(slot=Slot("2026-W47", NOW), sections=SECTIONS, picks=tuple(picks))


def _card(position: int) -> Card | None:
    if position == 0:
        return Card("Night Ferry", produced_by=("Ines Okafor", "Jonas Weil"), rating=None, rating_count=3)
    if position == 1:
        return Card("Keeper", produced_by=("Rock & Salt Pictures",), rating=4.4, rating_count=212, label="Film Info")
    return None


HOSTILE = (
    "</style><script>alert(1)</script>\" onload='x' {{ 7*7 }} \u202egnp.exe\r\nBcc: all@example.org <!-- ]]> --> & ok"
)


def hostile_week() -> Issue:
    """One pick a section with the same hostile text in every field a source can fill."""
    bad = Article(
        title=HOSTILE,
        url="javascript:alert(1)",
        dek=HOSTILE,
        authors=(HOSTILE,),
        section=HOSTILE,
        subject=HOSTILE,
        published=NOW,
        image=Image("data:text/html,<script>alert(1)</script>", alt=HOSTILE),
        card=Card(HOSTILE, produced_by=(HOSTILE,), rating=float("nan"), rating_count=3, label=HOSTILE),
    )
    worse = article(HOSTILE, dek=HOSTILE, image=Image('https://x.example/a.png" onerror="x', alt=HOSTILE))
    linked = article(
        HOSTILE, url='https://x.example/{{7*7}}"><script>', image=Image("https://x.example/a.png", alt=HOSTILE)
    )
    picks = [
        Pick(one, section="highlights" if n < 2 else "guides", position=n, score=1.0)
        for n, one in enumerate((bad, worse, linked))
    ]
    return Issue(slot=Slot("2026-W47", NOW), sections=SECTIONS, picks=tuple(picks))


def rendered_html(templates: Templates) -> str:
    """The HTML of the week's letter before its CSS is inlined: what the engines are compared on."""
    from newsletter.rendering import _context, wording
    from newsletter.rendering.blanks import ISSUE_BLANKS, Blanks
    from newsletter.rendering.story import groups_of

    issue = week()
    groups = groups_of(issue, publication=PUBLICATION, theme=THEME)
    stories = [story for group in groups for story in group.stories]
    context = {
        **_context(PUBLICATION, THEME, Blanks(ISSUE_BLANKS, nonce=NONCE)),
        "groups": groups,
        "stories": stories,
        "intro": (),
        "inserts": (),
        "lead": stories[0],
        "date": wording.date_words(NOW, language="en"),
        "label": "Week 47",
        "browser_url": "https://letters.marquee.example/issues/2026-W47",
        "subject": "The week",
        "preheader": "What is in it",
    }
    return templates.render("weekly/body.html.j2", context)
