"""The keys of one article in a folder (front matter or JSON), read into an Article. Pure except for the picture reader.

What it does not know: YAML, JSON and files. Raises `FieldError` when a key holds an impossible value; a key that only
resembles a known one is a line in `problems`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import PurePosixPath
from typing import Any

from newsletter.errors import SourceError
from newsletter.issue import Article, Card, Image, Signal, SignalKind
from newsletter.links import canonical, picture_address
from newsletter.options import nearest
from newsletter.sources import Pulled, StoredImage
from newsletter.sources.blurb import blocks_of_text, blurb
from newsletter.sources.folder.images import stored_image
from newsletter.sources.reading import Reading
from newsletter.sources.text import MAX_BODY, first_sentences, labels, names, one_line, plain, tidy

KEYS = (
    "title", "url", "link", "date", "published", "updated", "author", "authors", "dek", "summary", "description",
    "body", "image", "image_alt", "section", "category", "categories", "tags", "card", "subject", "guid", "id",
    "featured", "sponsored", "signals", "related", "language", "draft",
)  # fmt: skip
CARD_KEYS = ("name", "produced_by", "rating", "rating_count", "label")
_SOMEBODY_ELSES = (
    "layout", "slug", "type", "weight", "aliases", "permalink", "images", "series", "toc", "comments", "lastmod",
)  # fmt: skip


class FieldError(SourceError):
    """A key of an article holds something impossible; names the key."""


def article_from_fields(
    fields: Mapping[str, Any], *, folder: str, reading: Reading, picture: Callable[[str], bytes | None]
) -> Pulled:
    """The article, none for a draft, and its picture when that is a file.

    `folder` is where its file lies, for relative pictures; `reading.address` the base of addresses.
    """
    if _flag(fields, "draft"):
        return Pulled()
    problems = _misspelt(fields, KEYS)
    title = _line(fields, "title")
    if not title:
        raise FieldError("it has no title; write title: …")
    markdown = fields.get("body_markdown")
    body = _text(fields, "body") if markdown is None else plain(_markdown().render(markdown))
    url = _address(fields, reading=reading, problems=problems)
    raw = _text(fields, "published") or _text(fields, "date")
    published = reading.date(raw)
    if raw and published is None:
        problems.append(f'its date "{raw[:60]}" {reading.date_fault(raw)}; write it like 2026-11-20 14:30')
    try:
        stored, image = _image(fields, folder=folder, reading=reading, picture=picture)
    except SourceError as error:
        stored, image = None, None
        problems.append(str(error))
    categories = labels([*_texts(fields, "category"), *_texts(fields, "categories")])
    summary = _line(fields, "summary", limit=1000) or _line(fields, "description", limit=1000)
    card = _card(fields, problems=problems)
    article = Article(
        title=title,
        url=url,
        source=reading.source,
        guid=(_text(fields, "guid") or _text(fields, "id"))[:1000] or None,
        dek=_line(fields, "dek", limit=500),
        summary=summary or blurb(blocks_of_text(body), title=title),
        body=body[:MAX_BODY],
        authors=names([*_texts(fields, "author"), *_texts(fields, "authors")]),
        published=published,
        published_raw=raw[:100],
        published_from="front-matter" if raw else "",
        updated=reading.date(_text(fields, "updated")),
        image=image,
        card=card,
        section=_line(fields, "section", limit=100) or (categories[0] if categories else ""),
        categories=categories,
        tags=labels(_texts(fields, "tags")),
        language=_line(fields, "language", limit=35),
        subject=_line(fields, "subject") or (card.name if card else ""),
        related=tuple(one_line(line) for line in _texts(fields, "related"))[:10],
        signals=_signals(fields, reading=reading, problems=problems),
        sponsored=_flag(fields, "sponsored"),
        featured=_flag(fields, "featured"),
    )
    return Pulled((article,), problems=tuple(problems), images=(stored,) if stored else ())


def _address(fields: Mapping[str, Any], *, reading: Reading, problems: list[str]) -> str | None:
    raw = _text(fields, "url") or _text(fields, "link")
    url = canonical(raw, against=reading.address) if raw else ""
    if raw and not url:
        what = f"its url {raw[:80]!r} is no http:// or https:// address"
        problems.append(f"{what}; write the whole of it, or give the source a url")
    return url or None


def _image(
    fields: Mapping[str, Any], *, folder: str, reading: Reading, picture: Callable[[str], bytes | None]
) -> tuple[StoredImage | None, Image | None]:
    """The picture: a file inside the folder is kept, an address stays an address."""
    raw, alt = _text(fields, "image"), _line(fields, "image_alt", limit=300)
    if not raw:
        return None, None
    if "://" not in raw and not raw.startswith("//"):
        data = picture(raw.lstrip("/") if raw.startswith("/") else str(PurePosixPath(folder) / raw))
        if data is not None:
            return stored_image(data, alt=alt)
    url = picture_address(raw, against=reading.address)
    if not url:
        where = "neither a file inside the folder nor an address"
        raise SourceError(f"its picture {raw[:80]!r} is {where}; correct image:")
    return None, Image(url=url, alt=alt)


def _card(fields: Mapping[str, Any], *, problems: list[str]) -> Card | None:
    value = _keys_of(fields, "card", known=CARD_KEYS, problems=problems)
    if value is None:
        return None
    if not (name := _line(value, "name")):
        raise FieldError("card has no name; write name: … in it")
    rating, count = _number(value, "rating"), _number(value, "rating_count")
    if rating is not None and rating > 5:
        raise FieldError(f"card.rating must lie between 0 and 5, not {rating:g}")
    return Card(
        name=name,
        produced_by=names(_texts(value, "produced_by")),
        rating=rating,
        rating_count=None if count is None else int(count),
        label=_line(value, "label", limit=40) or "TV Info",
    )


def _signals(fields: Mapping[str, Any], *, reading: Reading, problems: list[str]) -> tuple[Signal, ...]:
    value = _keys_of(fields, "signals", known=tuple(kind.value for kind in SignalKind), problems=problems) or {}
    given = [(kind, _number(value, kind.value)) for kind in SignalKind]
    if any(kind == SignalKind.RATING and number is not None and number > 5 for kind, number in given):
        raise FieldError("signals.rating must lie between 0 and 5")
    return tuple(Signal(kind, number, reading.now) for kind, number in given if number is not None)


def _keys_of(
    fields: Mapping[str, Any], key: str, *, known: tuple[str, ...], problems: list[str]
) -> Mapping[str, Any] | None:
    """The keys below a key; None when it is not there."""
    value = fields.get(key)
    if value is not None and not isinstance(value, Mapping):
        raise FieldError(f"{key} must hold keys ({', '.join(known)}), not {_shown(value)}")
    problems += _misspelt(value or {}, known)
    return value


def _misspelt(fields: Mapping[str, Any], known: tuple[str, ...]) -> list[str]:
    """A line for each unknown key that is nearly a known one; other tools' keys are left alone."""
    unknown = [str(key) for key in fields if key not in (*known, *_SOMEBODY_ELSES, "body_markdown")]
    return [
        f"unknown key {key[:40]!r} was not read; did you mean {near!r}?"
        for key in unknown
        if (near := nearest(key, known, cutoff=0.8))
    ]


def _text(fields: Mapping[str, Any], key: str) -> str:
    value = fields.get(key)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise FieldError(f"{key} must be a text, not {_shown(value)}")
    return tidy(str(value))


def _line(fields: Mapping[str, Any], key: str, *, limit: int = 300) -> str:
    """A text on one line. Longer ones are cut at a sentence where that is possible."""
    line = " ".join(_text(fields, key).split())
    return line if len(line) <= limit else first_sentences(line, limit=limit)


def _texts(fields: Mapping[str, Any], key: str) -> list[str]:
    value = fields.get(key)
    if value is None:
        return []
    items = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str | int | float) and not isinstance(item, bool) for item in items):
        raise FieldError(f"{key} must be a list of texts, not {_shown(value)}")
    return [str(item) for item in items[:100]]


def _flag(fields: Mapping[str, Any], key: str) -> bool:
    value = fields.get(key, False)
    if not isinstance(value, bool):
        raise FieldError(f"{key} must be true or false, not {_shown(value)}")
    return value


def _number(fields: Mapping[str, Any], key: str) -> float | None:
    value = fields.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 10**15:
        raise FieldError(f"{key} must be a number from 0 on, not {_shown(value)}")
    return float(value)


def _shown(value: object) -> str:
    """A value as an error message shows it, cut: aliases can make a small YAML text endless."""
    return repr(value)[:40] if isinstance(value, str | int | float | bool) else f"a {type(value).__name__}"


@cache
def _markdown() -> Any:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table")
