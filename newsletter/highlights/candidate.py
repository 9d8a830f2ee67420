"""A candidate and its eligibility: whether an article may be chosen for an issue, and why not.

What it does not know: how good the article is (`score`), or where its marks come from (the shelf, the editor).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from newsletter.errors import counted
from newsletter.issue import QUARANTINE, Article, PassedOver
from newsletter.links import comparison_key

# WordPress puts this before the title of a post that asks for a password; an editor's own title takes it away.
_PROTECTED = re.compile(r"(?:Protected|Geschützt|Protégé|Protegido|Protetto|Beveiligd|Beskyttet)\s?: ", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An article with what shelf and settings know of it.

    `carried_by` is the key of the issue that carried it, under any of its names: such a candidate is never chosen, and
    is passed in so that near-duplicates of it are recognised. `dropped` and `held_until` (a slot's key) are the
    editor's marks. `weight` is its source's: 1 is usual, above 1 raises its popularity and below lowers it. `sections`
    are the names of the sections its source may fill; none is all. `seen_in` is the number of sources that have it. A
    `late` one came after the issue was put to its editors.
    """

    article: Article
    carried_by: str = ""
    dropped: bool = False
    held_until: str = ""
    weight: float = 1.0
    sections: tuple[str, ...] = ()
    seen_in: int = 1
    late: bool = False

    @property
    def order(self) -> str:
        """The key that settles ties: the earlier published, then the address; whatever order candidates come in."""
        article = self.article
        published = article.published.isoformat() if article.published else ""
        return "\0".join((published, article.url or "", article.guid or "", article.title))


def eligibility(
    candidate: Candidate,
    *,
    key: str,
    now: datetime,
    window_start: datetime,
    max_age: timedelta,
    placed: bool = False,
) -> PassedOver | None:
    """Why a candidate cannot be chosen for the issue `key`; None when it can.

    An article that did not fit into an earlier issue stays eligible until it is older than `max_age`. One that became
    too old since the last issue (`window_start`) is told apart from one that always was. An article held for this very
    issue is eligible whatever its age, and one that an editor `placed` whatever else but these first marks.
    """
    article = candidate.article
    if candidate.carried_by:
        return PassedOver(article, f"carried by {candidate.carried_by}")
    if candidate.dropped:
        return PassedOver(article, "dropped by the editor")
    if lacking := article.lacks():
        return PassedOver(article, f"incomplete: lacks {', '.join(lacking)}", waits=True)
    if placed:
        return None
    if candidate.late:
        return PassedOver(article, "it came after the issue was put to review, and waits for the next", waits=True)
    if article.sponsored:
        return PassedOver(article, "sponsored: never picked by itself")
    if _PROTECTED.match(article.title):
        return PassedOver(article, "protected by a password, says its title: never picked by itself")
    if candidate.held_until == QUARANTINE:
        return PassedOver(article, f"in quarantine: {article.source} gave far more than usual", waits=True)
    if candidate.held_until > key:
        return PassedOver(article, f"held by the editor until {candidate.held_until}", waits=True)
    published = article.published
    assert published is not None  # it lacks no date
    if published > now:
        return PassedOver(article, f"dated in the future ({published:%Y-%m-%d %H:%M} UTC)", waits=True)
    if now - published > max_age and candidate.held_until != key:
        left = published >= window_start - max_age
        days = max_age / timedelta(days=1)
        age = f"published {published:%Y-%m-%d}, more than {counted(days, 'day')} ago"
        return PassedOver(article, f"leaves by age: {age}, and no issue had room" if left else f"too old: {age}")
    return None


def is_later_piece(article: Article, carried: Article) -> bool:
    """Whether an article that resembles a carried one is a piece of its own: its source published it later, under an id
    and an address of its own. A column has the same title every week; where ids are absent, or one address serves all,
    the very same title is its mark."""
    if article.source != carried.source or article.published is None or carried.published is None:
        return False
    if article.published <= carried.published or (article.guid is not None and article.guid == carried.guid):
        return False
    own_id = article.guid is not None and carried.guid is not None
    own_address = comparison_key(article.url or "") != comparison_key(carried.url or "")
    return (own_id and own_address) or (article.title == carried.title and (own_id or own_address))
