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
        *("subscription status", "subscriber status", "member status", "email status"),
        *("marketing status", "email marketing status", "opt in status"),
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
    # the same things under other names; Shopify: accepts … marketing
    **dict.fromkeys(("subscribed", "is subscribed", "active", "is active", "optin", "opt in", "opted in"), _YES),
    **dict.fromkeys(("email opt in", "consent", "accepts marketing", "accepts email marketing"), _YES),
    **dict.fromkeys(("unsubscribed", "unsubscribe date", "unsubscribed date", "unsubscribe time"), _NO),
    **dict.fromkeys(("unsubscribe reason", "unsubscribed reason", "blocked", "blocklisted", "deleted"), _NO),
    **dict.fromkeys(("optout", "opt out", "opted out", "optout date", "opt out date"), _NO),
    **dict.fromkeys(("cleaned", "bounced", "bounced at", "hard bounced"), _BOUNCED),
    **dict.fromkeys(("complained", "complained at", "complaint"), _COMPLAINED),
}

# Words that are a "no" in whatever column they stand, also in one without a name.
_NO_ANYWHERE = {
    **dict.fromkeys(("unsubscribed", "unsubscribe", "opted out", "opt out", "optout"), Claim.UNSUBSCRIBED),
    **dict.fromkeys(("abgemeldet", "désabonné", "désinscrit"), Claim.UNSUBSCRIBED),  # German, French
    **dict.fromkeys(("bounced", "hard bounce", "hard bounced", "hardbounce", "hardbounced"), Claim.BOUNCED),
    "cleaned": Claim.BOUNCED,  # Mailchimp
    "undeliverable": Claim.BOUNCED,  # Buttondown
    **dict.fromkeys(("complained", "complaint", "spam complaint"), Claim.COMPLAINED),
    **dict.fromkeys(("reported as spam", "marked as spam"), Claim.COMPLAINED),
    "abuse": Claim.COMPLAINED,  # Mailchimp, in UNSUB_REASON
}
WORDS = _NO_ANYWHERE | {
    "": Claim.NOTHING,
    **dict.fromkeys(("active", "subscribed", "confirmed", "enabled", "opted in", "opt in"), Claim.ACTIVE),
    **dict.fromkeys(("pending", "unconfirmed", "not confirmed", "not subscribed"), Claim.UNCONFIRMED),
    **dict.fromkeys(("inactive", "blacklisted", "blocked", "banned", "canceled"), Claim.UNSUBSCRIBED),
    **dict.fromkeys(("deleted", "left", "suppressed"), Claim.UNSUBSCRIBED),
    "invalid": Claim.BOUNCED,
    "spam": Claim.COMPLAINED,
    # beehiiv, listmonk, Kit, Salesforce
    "validating": Claim.UNCONFIRMED,
    **dict.fromkeys(("disabled", "blocklisted", "cancelled"), Claim.UNSUBSCRIBED),
    "held": Claim.BOUNCED,
    # Ghost: plans, which say nothing about mail
    **dict.fromkeys(("free", "paid", "comped"), Claim.NOTHING),
    # Mailchimp: customers who never asked; contacts that are kept but not mailed
    **dict.fromkeys(("non subscribed", "nonsubscribed", "transactional"), Claim.UNCONFIRMED),
    "archived": Claim.UNSUBSCRIBED,
    # Buttondown
    **dict.fromkeys(("regular", "premium", "gifted", "trialed", "churning", "paused"), Claim.ACTIVE),
    **dict.fromkeys(("past due", "unpaid"), Claim.ACTIVE),
    "unactivated": Claim.UNCONFIRMED,
    **dict.fromkeys(("removed", "spammy"), Claim.UNSUBSCRIBED),
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
