"""A Letter addressed to one recipient: what fills its blanks, and the Message with its id and date.

Everything that addresses a letter does it here, so that a preview and a test copy are what a send would hand over.
What it does not know: the Book; a token is handed in. Raises what `Letter.addressed` raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache

from newsletter import letter as letters
from newsletter.backends import Message
from newsletter.letter import Letter


def values_of(*, name: str, address: str, token: str) -> dict[str, str]:
    """What fills the blanks of an issue's letter for one recipient; `token` is that of the unsubscribe link."""
    return {letters.FIRST_NAME: letters.first_name(name), letters.EMAIL: address, letters.UNSUBSCRIBE_TOKEN: token}


def of_issue(
    letter: Letter, *, address: str, name: str, token: str, recipient: str, slot_key: str, list_id: str, at: datetime
) -> Message:
    """The Message of one issue to one recipient; `recipient` is their public id.

    The same bytes for the same second `at`: what is sent again after a doubt can be recognised.
    """
    data = letter.addressed(
        address=address,
        name=name,
        message_id=letters.message_id(issue=slot_key, list_id=list_id, recipient=recipient, domain=_domain(letter)),
        date=_date(at.replace(microsecond=0)),
        values=values_of(name=name, address=address, token=token),
    )
    return Message(letter.sender, address, data)


def single(letter: Letter, *, address: str, name: str, tokens: Mapping[str, str], unique: str, at: datetime) -> Message:
    """The Message of a single mail: a confirmation, an alert, a test copy. `unique` is what its id is made of.

    `tokens` are the values of the blanks besides name and address.
    """
    data = letter.addressed(
        address=address,
        name=name,
        message_id=f"{unique}@{_domain(letter)}",
        date=letters.date_header(at),
        values={letters.FIRST_NAME: letters.first_name(name), letters.EMAIL: address, **tokens},
    )
    return Message(letter.sender, address, data)


def _domain(letter: Letter) -> str:
    return letter.sender.rpartition("@")[2]


@lru_cache(maxsize=4)
def _date(second: datetime) -> str:
    return letters.date_header(second)
