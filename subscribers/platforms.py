"""What the exports of mailing platforms say about consent: their column names and values → one `Claim`. Pure.

`COLUMNS` and `WORDS` are the whole vocabulary; another platform is another line. Names and values are compared in
lower case, with `_`, `-`, `.` and `/` as spaces.

A column that is on no list but whose name is about consent (`unread`) must not be guessed at: the caller refuses the
file. A value that is on no list is `Claim.UNCLEAR`, which is no consent.

What it does not know: files, rows, the Book.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum


class Claim(IntEnum):
    """What a file says of one address. Of two claims about one address the greater one counts, whatever their order."""

    NOTHING = 0  # whatever the operator says of the whole file
    ACTIVE = 1
    UNCLEAR = 2
    UNCONFIRMED = 3
    UNSUBSCRIBED = 4
    BOUNCED = 5
    COMPLAINED = 6

    @property
    def grants(self) -> bool:
        """Whether the operator's word may make the address active."""
        return self <= Claim.ACTIVE

    @property
    def denies(self) -> bool:
        """Whether this is a "no", which also ends a subscription that is active."""
        return self >= Claim.UNSUBSCRIBED


# The reason of the suppression that a claim asks for.
SUPPRESSION_REASONS = {Claim.BOUNCED: "bounce", Claim.COMPLAINED: "complaint"}


@dataclass(frozen=True, slots=True)
class Flag:
    """A column of yes and no, of times or of reasons: what a cell claims that is true or filled, false, or blank."""

    filled: Claim
    false: Claim = Claim.NOTHING
    blank: Claim = Claim.NOTHING


# The names of the address, the surest ones first; two of one line in one file are ambiguous.
EMAIL = (
    ("email", "e mail", "email address", "e mail address", "emailaddress", "subscriber email"),
    ("courriel", "adresse e mail", "adresse email", "e mail adresse", "correo electrónico", "correo", "epost"),
    ("mail", "address", "adresse", "subscriber"),
)
NAME = ("name", "first name", "firstname", "given name", "full name", "vorname", "prénom", "prenom", "nombre", "nom")
LANGUAGE = ("language", "lang", "locale")
# The column of our own export that holds the reason of a suppression; elsewhere it is a yes or no.
SUPPRESSED = ("suppressed",)
# Columns whose values are words of `WORDS`.
STATES = frozenset(
    {
        "status",  # listmonk, beehiiv, MailerLite, Mailchimp by API, our own export
        "state",  # Kit
        "subscriber type",  # Buttondown
        "global status",  # MailPoet
        "list status",  # MailPoet
        "subscription status",
        "subscriber status",
        "email status",
        "email marketing status",
        "marketing status",
        "opt in status",
        "member status",
    }
)

_NO = Flag(Claim.UNSUBSCRIBED)
_YES = Flag(Claim.ACTIVE, false=Claim.UNSUBSCRIBED, blank=Claim.UNCONFIRMED)
_CONFIRMED = Flag(Claim.ACTIVE, false=Claim.UNCONFIRMED, blank=Claim.UNCONFIRMED)
_BOUNCED = Flag(Claim.BOUNCED)
_COMPLAINED = Flag(Claim.COMPLAINED)
_NO_CLAIM = Flag(Claim.NOTHING)
COLUMNS = {
    # Ghost
    "subscribed to emails": _YES,
    "deleted at": _NO,
    # Substack, of both years
    "email disabled": _NO,
    "emails disabled": _NO,
    # Mailchimp: a file each for those subscribed, unsubscribed and cleaned
    "optin time": _NO_CLAIM,
    "optin ip": _NO_CLAIM,
    "confirm time": _CONFIRMED,
    "confirm ip": _NO_CLAIM,
    "unsub time": _NO,
    "unsub reason": _NO,
    "unsub campaign title": _NO_CLAIM,
    "clean time": _BOUNCED,
    "clean campaign title": _NO_CLAIM,
    # phpList
    "confirmed": _CONFIRMED,
    "blacklisted": _NO,
    "optedin": _CONFIRMED,
    "disabled": _NO,
    "bouncecount": _NO_CLAIM,
    # Brevo
    "email blacklisted": _NO,
    "double opt in": _NO_CLAIM,
    # our own export
    "confirmed at": _CONFIRMED,
    "unsubscribed at": _NO,
    # the same things under other names
    "subscribed": _YES,
    "is subscribed": _YES,
    "active": _YES,
    "is active": _YES,
    "opt in": _YES,
    "opted in": _YES,
    "email opt in": _YES,
    "optin": _YES,
    "consent": _YES,
    "accepts marketing": _YES,  # Shopify
    "accepts email marketing": _YES,  # Shopify
    "unsubscribed": _NO,
    "unsubscribe date": _NO,
    "unsubscribed date": _NO,
    "unsubscribe time": _NO,
    "unsubscribe reason": _NO,
    "unsubscribed reason": _NO,
    "opt out": _NO,
    "opted out": _NO,
    "optout": _NO,
    "optout date": _NO,
    "opt out date": _NO,
    "blocked": _NO,
    "blocklisted": _NO,
    "deleted": _NO,
    "cleaned": _BOUNCED,
    "bounced": _BOUNCED,
    "bounced at": _BOUNCED,
    "hard bounced": _BOUNCED,
    "complained": _COMPLAINED,
    "complained at": _COMPLAINED,
    "complaint": _COMPLAINED,
}

# Words that are a "no" in whatever column they stand, also in one without a name.
_NO_ANYWHERE = {
    "unsubscribed": Claim.UNSUBSCRIBED,
    "unsubscribe": Claim.UNSUBSCRIBED,
    "opted out": Claim.UNSUBSCRIBED,
    "opt out": Claim.UNSUBSCRIBED,
    "optout": Claim.UNSUBSCRIBED,
    "abgemeldet": Claim.UNSUBSCRIBED,  # German
    "désabonné": Claim.UNSUBSCRIBED,  # French
    "désinscrit": Claim.UNSUBSCRIBED,
    "bounced": Claim.BOUNCED,
    "hard bounce": Claim.BOUNCED,
    "hard bounced": Claim.BOUNCED,
    "hardbounce": Claim.BOUNCED,
    "hardbounced": Claim.BOUNCED,
    "cleaned": Claim.BOUNCED,  # Mailchimp
    "undeliverable": Claim.BOUNCED,  # Buttondown
    "complained": Claim.COMPLAINED,
    "complaint": Claim.COMPLAINED,
    "spam complaint": Claim.COMPLAINED,
    "abuse": Claim.COMPLAINED,  # Mailchimp, in UNSUB_REASON
    "reported as spam": Claim.COMPLAINED,
    "marked as spam": Claim.COMPLAINED,
}
WORDS = _NO_ANYWHERE | {
    "": Claim.NOTHING,
    "active": Claim.ACTIVE,
    "subscribed": Claim.ACTIVE,
    "confirmed": Claim.ACTIVE,
    "enabled": Claim.ACTIVE,
    "opted in": Claim.ACTIVE,
    "opt in": Claim.ACTIVE,
    "free": Claim.NOTHING,  # Ghost: a plan
    "paid": Claim.NOTHING,
    "comped": Claim.NOTHING,
    "regular": Claim.ACTIVE,  # Buttondown, down to "unpaid"
    "premium": Claim.ACTIVE,
    "gifted": Claim.ACTIVE,
    "trialed": Claim.ACTIVE,
    "churning": Claim.ACTIVE,
    "paused": Claim.ACTIVE,
    "past due": Claim.ACTIVE,
    "unpaid": Claim.ACTIVE,
    "unactivated": Claim.UNCONFIRMED,
    "removed": Claim.UNSUBSCRIBED,
    "spammy": Claim.UNSUBSCRIBED,
    "pending": Claim.UNCONFIRMED,
    "unconfirmed": Claim.UNCONFIRMED,
    "not confirmed": Claim.UNCONFIRMED,
    "validating": Claim.UNCONFIRMED,  # beehiiv
    "non subscribed": Claim.UNCONFIRMED,  # Mailchimp: a customer who never asked
    "nonsubscribed": Claim.UNCONFIRMED,
    "not subscribed": Claim.UNCONFIRMED,
    "transactional": Claim.UNCONFIRMED,
    "inactive": Claim.UNSUBSCRIBED,  # beehiiv
    "disabled": Claim.UNSUBSCRIBED,  # listmonk
    "blocklisted": Claim.UNSUBSCRIBED,
    "blacklisted": Claim.UNSUBSCRIBED,
    "blocked": Claim.UNSUBSCRIBED,
    "banned": Claim.UNSUBSCRIBED,
    "cancelled": Claim.UNSUBSCRIBED,  # Kit
    "canceled": Claim.UNSUBSCRIBED,
    "archived": Claim.UNSUBSCRIBED,  # Mailchimp
    "deleted": Claim.UNSUBSCRIBED,
    "left": Claim.UNSUBSCRIBED,
    "suppressed": Claim.UNSUBSCRIBED,
    "held": Claim.BOUNCED,  # Salesforce
    "invalid": Claim.BOUNCED,
    "spam": Claim.COMPLAINED,
}

_ABOUT_CONSENT = re.compile(
    "unsub|opt|status|state|disabled|blocked|deleted|clean|bounce|complain|confirm|blacklist|blocklist|suppress|spam"
)
_TRUE = {"true", "yes", "y", "1", "t", "on", "x"}
_FALSE = {"false", "no", "n", "0", "f", "off"}
_BLANK = {"", "null", "none", "nil", "n a", "0000 00 00", "0000 00 00 00:00:00"}
_TIME = re.compile(r"(?=.*\d)[\d :+tz]{8,40}")  # the separators are spaces by then
_SEPARATORS = re.compile(r"[\s_\-./]+")


def plain(text: str) -> str:
    """The form in which names and values are compared."""
    return _SEPARATORS.sub(" ", text.casefold()).strip()


def unread(titles: Sequence[str]) -> tuple[int, ...]:
    """The columns that are about consent, going by their names, and that nothing here understands."""
    known = {*COLUMNS, *STATES, *SUPPRESSED, *LANGUAGE, *NAME, *EMAIL[0], *EMAIL[1]}
    names = [plain(title) for title in titles]
    return tuple(place for place, name in enumerate(names) if name not in known and _ABOUT_CONSENT.search(name))


def _flag_claim(flag: Flag, word: str) -> Claim:
    if word in _BLANK:
        return flag.blank
    if word in _FALSE:
        return flag.false
    if flag.filled is not Claim.ACTIVE or word in _TRUE or _TIME.fullmatch(word):
        return flag.filled
    return WORDS.get(word, Claim.UNCLEAR)


def reader(title: str) -> Callable[[str], Claim]:
    """What the cells of a column say, going by its title."""
    name = plain(title)
    if name in STATES:
        return lambda value: WORDS.get(plain(value), Claim.UNCLEAR)
    flag = COLUMNS.get(name, _NO_CLAIM)

    def read(value: str) -> Claim:
        word = plain(value)
        return max(_flag_claim(flag, word), _NO_ANYWHERE.get(word, Claim.NOTHING))

    return read


UNTITLED = reader("")


def suppression_reason(value: str) -> str:
    """The reason in a cell of a column called suppressed; "" for no suppression."""
    word = plain(value)
    if word in _FALSE or word in _BLANK:
        return ""
    return "the imported file says so" if word in _TRUE else value.strip()
