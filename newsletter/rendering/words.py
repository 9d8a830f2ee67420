"""The editor's own words as templates get them: the introduction, and the inserts between the sections. Pure.

They are plain text in paragraphs, split at empty lines; a line end within one is a space.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from newsletter.characters import clean
from newsletter.issue import Insert, Issue
from newsletter.links import canonical
from newsletter.rendering import wording
from newsletter.rendering.theme import Publication

_EMPTY_LINE = re.compile(r"\n\s*\n")


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One paragraph as a line of plain text. `direction` is that of its script."""

    text: str
    direction: str


@dataclass(frozen=True, slots=True)
class Notice:
    """An insert: a sponsor's note has a `label`, a fixed line has none. `host` is where its link leads."""

    label: str
    paragraphs: tuple[Paragraph, ...]
    url: str
    host: str


def paragraphs_of(text: str) -> tuple[Paragraph, ...]:
    lines = [" ".join(clean(piece).split()) for piece in _EMPTY_LINE.split(text)]
    return tuple(Paragraph(line, wording.direction(line)) for line in lines if line)


def notices_of(issue: Issue, *, publication: Publication, filled: Sequence[str]) -> dict[str, tuple[Notice, ...]]:
    """The inserts by the section they stand after, "" being before the first. What is to follow a section that is not
    `filled` stands after the last that is, behind what was meant for there.
    """
    placed: dict[str, list[Notice]] = defaultdict(list)
    for insert in sorted(issue.inserts, key=lambda one: one.after not in ("", *filled)):
        after = insert.after if insert.after in ("", *filled) else filled[-1]
        placed[after].append(_notice(insert, publication=publication, key=issue.slot.key))
    return {after: tuple(notices) for after, notices in placed.items()}


def _notice(insert: Insert, *, publication: Publication, key: str) -> Notice:
    address = canonical(insert.url) or ""
    return Notice(
        label=clean(insert.label),
        paragraphs=paragraphs_of(insert.text),
        url=wording.tagged(address, utm=publication.utm, key=key),
        host=(urlsplit(address).hostname or "").removeprefix("www."),
    )
