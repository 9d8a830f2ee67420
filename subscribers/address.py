"""What is typed into a form → an address that mail can be sent to. Pure; never asks the DNS.

Two spellings that differ only in case are one subscriber: RFC 5321 §2.4 allows a host to distinguish case, in practice
none does, and treating `Ann@` and `ann@` as two would mail one of them twice. What is mailed keeps its local part as
written; domains become A-labels (RFC 5890), so everything here is ASCII.

What it does not know: whether the mailbox exists. Raises `BadAddress` with a sentence.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from email_validator import EmailNotValidError, validate_email

from subscribers.errors import BadAddress

LONGEST = 254  # RFC 5321 §4.5.3.1.3 less the angle brackets
LONGEST_LOCAL_PART = 64  # RFC 5321 §4.5.3.1.1


@dataclass(frozen=True, slots=True)
class Address:
    """`email` is what is mailed, `key` identifies the subscriber, `mailbox` is where its mail ends up (for limits)."""

    email: str
    key: str
    domain: str
    mailbox: str


def parse_address(text: str) -> Address:
    """Check and normalise one typed address; white space around it is removed."""
    typed = text[: LONGEST * 4].strip()
    if not typed:
        raise BadAddress("There is no e-mail address; type one like name@example.org.")
    if len(typed) > LONGEST:
        raise BadAddress(f"{_show(typed)} is longer than {LONGEST} characters; type the address alone.")
    if any(unicodedata.category(character)[0] == "C" for character in typed):
        raise BadAddress(f"{_show(typed)} holds invisible characters; type the address by hand instead of pasting it.")
    if not typed.rpartition("@")[0].isascii():
        raise BadAddress(
            f"{_show(typed)} has letters before the @ that mail cannot carry everywhere; give another address."
        )
    try:
        # `.test` passes: RFC 6761 §6.2 reserves it for testing, and no real mailbox is in it.
        valid = validate_email(typed, check_deliverability=False, allow_smtputf8=False, test_environment=True)
    except EmailNotValidError as error:
        why = str(error)
        raise BadAddress(f"{_show(typed)} is not an e-mail address: {why[:1].lower()}{why[1:]}") from error
    local, domain = valid.local_part, valid.ascii_domain.lower()
    email = f"{local}@{domain}"
    if len(local) > LONGEST_LOCAL_PART:
        raise BadAddress(
            f"{_show(typed)} has more than {LONGEST_LOCAL_PART} characters before the @; check the spelling."
        )
    if len(email) > LONGEST:
        raise BadAddress(f"{_show(typed)} is longer than {LONGEST} characters once mailed; give another address.")
    return Address(email=email, key=email.lower(), domain=domain, mailbox=_mailbox(local.lower(), domain))


def _mailbox(local: str, domain: str) -> str:
    """Fold the spellings that commonly end in one mailbox, so that `ann+1@`, `ann+2@` … share one limit."""
    local = local.partition("+")[0] or local
    if domain in {"gmail.com", "googlemail.com"}:
        local, domain = local.replace(".", ""), "gmail.com"
    return f"{local}@{domain}"


def _show(text: str) -> str:
    visible = "".join(
        c if unicodedata.category(c)[0] not in "CZ" or c == " " else "\N{REPLACEMENT CHARACTER}" for c in text
    )
    return f"“{visible[:60]}…”" if len(visible) > 60 else f"“{visible}”"
