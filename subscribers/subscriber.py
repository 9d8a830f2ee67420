"""The data types of consent, and the cleaning of untrusted text. Pure: no clock, no I/O.

What it does not know: how any of it is stored, or what a newsletter is. `variant` and `sections` are opaque strings
here. All times are timezone-aware and in UTC.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from enum import StrEnum

from subscribers.platforms import Claim

_JOINERS = "\u200c\u200d"  # Persian names and joined emoji need them; every other format character is dropped
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8}){0,3}")


class Status(StrEnum):
    """`pending → active → unsubscribed`. Only the subscriber's own click leads back to active."""

    PENDING = "pending"
    ACTIVE = "active"
    UNSUBSCRIBED = "unsubscribed"


@dataclass(frozen=True, slots=True)
class Subscriber:
    """An address with consent, or with a request for it. `public_id` is random and may be shown; `id` is internal."""

    id: int
    public_id: str
    email: str
    address_hash: str = field(repr=False)
    name: str
    language: str
    status: Status
    variant: str
    sections: str
    origin: str
    created_at: datetime
    confirmed_at: datetime | None
    unsubscribed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Provenance:
    """The circumstances of a consent or its withdrawal: what GDPR Art. 7(1) wants to be demonstrated later.

    `via` is `form`, `hook`, `page`, `one-click`, `operator` or `import`; `form` the address or name of the form, or of
    the file; `wording` the exact text that was agreed to.
    """

    via: str
    form: str = ""
    wording: str = ""
    ip: str = ""
    user_agent: str = ""


@dataclass(frozen=True, slots=True)
class ConsentLine:
    """One line of the consent record. `what` is asked, confirmed, unsubscribed, resubscribed, added, imported,
    unconfirmed, suppressed, lifted, purged or forgotten."""

    at: datetime
    what: str
    via: str
    form: str
    wording: str
    wording_hash: str
    ip: str
    user_agent: str
    detail: str


@dataclass(frozen=True, slots=True)
class Suppression:
    """The address must never be mailed. Outlives the subscriber."""

    reason: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Record:
    """Everything known about one address."""

    subscriber: Subscriber | None
    suppression: Suppression | None
    consents: tuple[ConsentLine, ...]


class SignUp(StrEnum):
    """The outcome of a sign-up. For the operator only: the public answer is the same for each of them."""

    ASKED = "asked"  # a confirmation mail is on its way
    HELD_BACK = "held back"  # the limit of confirmation mails to this mailbox is reached
    ALREADY = "already"  # active; nothing changed
    SUPPRESSED = "suppressed"  # must never be mailed; nothing changed


@dataclass(frozen=True, slots=True)
class SubscribeResult:
    outcome: SignUp
    subscriber: Subscriber | None = None


class Confirmation(StrEnum):
    """The state of a confirmation. DONE is also the answer to a second click."""

    OPEN = "open"
    DONE = "done"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ConfirmResult:
    """`changed` is whether this very click, or the operator's word, was recorded; a second click is not."""

    confirmation: Confirmation
    subscriber: Subscriber | None = None
    changed: bool = False


@dataclass(frozen=True, slots=True)
class Departure:
    """The outcome of an unsubscribe or its undoing. `subscriber` is None when the row is gone already."""

    subscriber: Subscriber | None
    changed: bool = False
    can_return: bool = False


@dataclass(frozen=True, slots=True)
class Counts:
    """`suppressed` counts addresses, with or without a subscriber of that address."""

    pending: int = 0
    active: int = 0
    unsubscribed: int = 0
    suppressed: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """An address to be entered in the register, with what was typed beside it, cleaned.

    `claim` is what an imported file says of it, `suppression` the reason of its suppression in that file, or "".
    """

    email: str
    key: str
    address_hash: str
    name: str = ""
    language: str = ""
    claim: Claim = Claim.NOTHING
    suppression: str = ""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What came of a file, or of a batch of it; in the end the counts of a file but `ended` add up to `rows`.

    `confirmed` counts pending subscribers made active by the operator's word; `unsubscribed` and `suppressed` those who
    were so before, and stay out; `unsubscribed_by_file` and `suppressed_by_file` those who are so from now on because
    the file says so, and `unconfirmed_by_file` those set back to pending for it. `ended` counts those of the last three
    whose subscription was active until now.

    `duplicates` counts second mentions within the file, `bad` lists the first of `bad_count` with their lines and
    reasons, `notes` are sentences for the operator.
    """

    rows: int = 0
    created: int = 0
    confirmed: int = 0
    already: int = 0
    suppressed: int = 0
    unsubscribed: int = 0
    unsubscribed_by_file: int = 0
    suppressed_by_file: int = 0
    unconfirmed_by_file: int = 0
    ended: int = 0
    duplicates: int = 0
    bad_count: int = 0
    bad: tuple[tuple[int, str], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def done(self) -> int:
        """How many of the rows the Book has seen, or never will."""
        kept = self.created + self.confirmed + self.already + self.unconfirmed_by_file
        out = self.suppressed + self.unsubscribed + self.unsubscribed_by_file + self.suppressed_by_file
        return kept + out + self.duplicates + self.bad_count

    def plus(self, batch: ImportReport) -> ImportReport:
        """This report with the counts of one more batch."""
        numbers = [one.name for one in fields(self) if isinstance(getattr(self, one.name), int)]
        return replace(self, **{name: getattr(self, name) + getattr(batch, name) for name in numbers})


def clean_text(text: str, *, limit: int = 100) -> str:
    """One line of at most `limit` characters without control, bidirectional or broken characters."""
    kept = (
        " " if character.isspace() else character
        for character in text[: limit * 4]
        if character.isspace() or character in _JOINERS or unicodedata.category(character)[0] != "C"
    )
    return " ".join("".join(kept).split())[:limit].rstrip()


def clean_language(text: str) -> str:
    """A language tag in lower case (RFC 5646 in outline), or "" for anything else."""
    tag = text.strip().replace("_", "-").lower()
    return tag if len(tag) <= 35 and _LANGUAGE.fullmatch(tag) else ""
