"""An article page saved as plain text: its title, dek, paragraphs, card and related titles. Pure.

Such a text holds no address and, mostly, no date: the article is then incomplete, and the time a file was saved is
never taken for the time it was published. What it does not know: HTML (`sources.page.html` borrows the card's reader).
Nothing here raises; a text without any line becomes an article without a title.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from newsletter.issue import Article, Card, Signal, SignalKind
from newsletter.links import canonical
from newsletter.sources.blurb import blocks_of_text, blurb
from newsletter.sources.pictures import pixels
from newsletter.sources.reading import Reading
from newsletter.sources.text import MAX_BODY, MAX_TITLE, names, one_line, tidy

MAX_LINES = 20_000
MAX_DEK = 250
"""Characters. A second paragraph that is longer is already the story."""

_RELATED_HEADING = r"related(?: (?:content|stories|articles|posts))?|read next|you (?:may|might) also like"
_RELATED = re.compile(_RELATED_HEADING, re.IGNORECASE)
# What pages print after the story; the story ends at the first of these lines
_END = re.compile(
    rf"{_RELATED_HEADING}|(?:get|join|subscribe to|sign up (?:for|to)) our (?:\w+ )?newsletter.{{0,20}}|"
    r"(?:tv|movie|film|show|series|event|book|game) info|recent posts|share this.{0,20}|more (?:from|on|like) .{0,40}|"
    r"comments?|leave a (?:reply|comment).{0,20}|advertisement|tags?|filed under.{0,80}|"
    r"recommended(?: for you)?|trending(?: now)?|about the author",
    re.IGNORECASE,
)
_RELATED_END = re.compile(
    r"share (?:comment|this).{0,60}|recent posts|comments?|leave a .{0,30}|be the first to comment|newsletter|"
    r"get our .{0,40}|advertisement|©.{0,80}|copyright .{0,80}|all rights reserved.{0,40}|back to top|follow us.{0,40}",
    re.IGNORECASE,
)
_CARD = re.compile(r"((?:TV|Movie|Film|Show|Series|Event|Book|Game) Info):?", re.IGNORECASE)
_PRODUCED_BY = re.compile(
    r"(?:produced|directed|created|written|made) by|producers?|directors?|creators?", re.IGNORECASE
)
_FIELD = re.compile(
    r"starring|cast|genres?|release date|opening date|runtime|running time|mtrcb rating|network|language", re.IGNORECASE
)
_RATING = re.compile(r"(?:user|average|viewer|audience) rating|rating", re.IGNORECASE)
_USERS = re.compile(r"\(?(\d[\d,]{0,9})\s+(?:users?|votes?|ratings?|reviews?|people)\)?", re.IGNORECASE)
_STARS = re.compile(
    r"(\d(?:[.,]\d{1,2})?)(?:\s*(?:/|out of)\s*(\d{1,3}))?(?:\s*stars?)?(?:\s*\(?(\d[\d,]{0,9})\s+\w+\)?)?",
    re.IGNORECASE,
)
_NO_COMMENT = re.compile(r"\bbe the first to comment\b", re.IGNORECASE)
_COMMENTS = re.compile(r"(\d[\d,]{0,6}) comments?", re.IGNORECASE)
_CARD_END = re.compile(r"your rating|rate (?:it|this).{0,20}", re.IGNORECASE)
_BYLINE = re.compile(r"by\s+([^\W\d_][\w'’.-]*(?:\s+[^\W\d_][\w'’.-]*){0,4})\s*(?:[|,•-].*)?", re.IGNORECASE)
_ADDRESS = re.compile(r"(?:(?:url|source|link|address|original)\s*:\s*)?(https?://\S+)", re.IGNORECASE)
_STAMP_LABEL = re.compile(r"^(?:published|posted|date)(?: on)?\s*:?\s*", re.IGNORECASE)


def article_from_text(data: bytes, *, reading: Reading) -> Article:
    """The article of a page saved as text: the first line is its title, a short second paragraph its dek."""
    lines = [one_line(line, limit=MAX_BODY) for line in tidy_lines(data)]
    body_end = next((at for at, line in enumerate(lines) if at and _END.fullmatch(line)), len(lines))
    story, rest = [line for line in lines[:body_end] if line], lines[body_end:]
    card, related = card_in(rest), related_in(rest)
    title = one_line(story[0]) if story else ""
    facts, story = _facts(story[1:], reading=reading)
    story = [line for line in story if not any(_alike(line, other) for other in (*related, title))]
    has_dek = len(story) > 1 and len(story[0]) <= MAX_DEK and len(story[0]) < len(max(story[1:], key=len))
    dek = story.pop(0) if has_dek else ""
    return replace(
        facts,
        title=title,
        source=reading.source,
        dek=dek,
        summary=blurb(blocks_of_text("\n".join(story)), title=title),
        body="\n".join(story)[:MAX_BODY],
        card=card,
        subject=card.name if card else "",
        related=related,
        signals=signals_of(card, rest, at=reading.now),
    )


def tidy_lines(data: bytes) -> list[str]:
    """The lines of a text file, whichever encoding it has; what is no text becomes U+FFFD."""
    text = data.decode("utf-8", "replace")
    for encoding in ("utf-8-sig", *(["utf-16"] if data[:2] in (b"\xff\xfe", b"\xfe\xff") else []), "cp1252"):
        with suppress(UnicodeDecodeError):
            text = data.decode(encoding)
            break
    return [tidy(line) for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[:MAX_LINES]]


def card_in(lines: list[str]) -> Card | None:
    """The "TV Info" box among the lines of a page: a heading, a name, who made it, how its users rated it.

    "3 users" alone is a count without a rating: `rating_count` is 3 and `rating` None.
    """
    headings = [(at, found[1]) for at, line in enumerate(lines) if (found := _CARD.fullmatch(line))]
    if not headings:
        return None
    start, label = headings[0]
    box = [line for line in lines[start + 1 : start + 40] if line]
    if not box or _PRODUCED_BY.fullmatch(box[0]) or _RATING.fullmatch(box[0]):
        return None
    produced_by: tuple[str, ...] = ()
    rating: float | None = None
    count: int | None = None
    for heading, line in zip(box[1:], [*box[2:], ""], strict=True):
        if _CARD_END.fullmatch(heading):
            break
        if _PRODUCED_BY.fullmatch(heading) and not _is_heading(line):
            produced_by = produced_by or names(line.split(","))
        elif _RATING.fullmatch(heading) and not _is_heading(line):
            rating, count = _rating(line)
        elif count is None and (users := _USERS.fullmatch(heading)):
            count = _count(users.group(1))
    return Card(box[0][:200], produced_by, rating, count, label=label)


def related_in(lines: list[str]) -> tuple[str, ...]:
    """The titles a page names as related: each second line after the heading and any card, for a dek follows each."""
    start = next((at for at, line in enumerate(lines) if _RELATED.fullmatch(line)), None)
    if start is None:
        return ()
    ends = [at for at, line in enumerate(lines) if at > start and _CARD_END.fullmatch(line)]
    listed: list[str] = []
    for line in lines[(ends[0] if ends else start) + 1 :]:
        if line and (_RELATED_END.fullmatch(line) or _CARD.fullmatch(line) or len(listed) >= 40):
            break
        if line:
            listed.append(line)
    titles, deks = listed[::2], listed[1::2]
    # a dek is a sentence with its full stop; a title has none
    paired = len(titles) == len(deks) and all(dek.endswith((".", "!", "?", "…")) for dek in deks)
    paired = paired and all(len(title) < MAX_DEK for title in titles)
    return tuple(one_line(title) for title in (titles if paired else listed) if len(title) < MAX_DEK)[:10]


def signals_of(card: Card | None, lines: list[str], *, at: datetime) -> tuple[Signal, ...]:
    """The numbers a page shows: the card's rating, the count of raters, and the count of comments."""
    nobody = any(_NO_COMMENT.search(line) for line in lines)
    written = next((found for line in lines if (found := _COMMENTS.fullmatch(line))), None)
    given = {
        SignalKind.COMMENTS: 0 if nobody else _count(written.group(1)) if written else None,
        SignalKind.RATING: card.rating if card else None,
        SignalKind.RATING_COUNT: card.rating_count if card else None,
    }
    return tuple(Signal(kind, float(value), at) for kind, value in given.items() if value is not None)


def _is_heading(line: str) -> bool:
    return not line or any(form.fullmatch(line) for form in (_PRODUCED_BY, _RATING, _CARD_END, _FIELD))


def _rating(line: str) -> tuple[float | None, int | None]:
    if users := _USERS.fullmatch(line):
        return None, _count(users.group(1))
    stars = _STARS.fullmatch(line)
    if stars is None:
        return None, None
    value, best = float(stars.group(1).replace(",", ".")), pixels(stars.group(2) or "5") or 5
    return (value * 5 / best if value <= best else None), _count(stars.group(3)) if stars.group(3) else None


def _count(digits: str) -> int:
    return int(digits.replace(",", ""))


def _alike(line: str, title: str) -> bool:
    """Whether a line is only a title again, whatever its quotation marks, and give or take a word in ten."""
    one, other = (set(re.findall(r"\w+", text[:MAX_TITLE].casefold())) for text in (line, title))
    return len(line) <= MAX_TITLE and len(one & other) * 10 >= len(one | other) * 9 > 0


def _facts(story: list[str], *, reading: Reading) -> tuple[Article, list[str]]:
    """What the first lines say besides the story: a byline, a date and an address standing alone on their lines."""
    facts, kept = Article(title=""), []
    for position, line in enumerate(story):
        early = line if position < 6 and len(line) < 200 else ""
        byline, address, stamp = _BYLINE.fullmatch(early), _ADDRESS.fullmatch(early), _STAMP_LABEL.sub("", early)
        if address and not facts.url and canonical(address[1]):
            facts = replace(facts, url=canonical(address[1]))
        elif byline and not facts.authors:
            facts = replace(facts, authors=names([byline[1]]))
        elif not facts.published and any(c.isdigit() for c in stamp) and (moment := reading.date(stamp)):
            facts = replace(facts, published=moment, published_raw=line[:100], published_from="guess")
        else:
            kept.append(line)
    return facts, kept
