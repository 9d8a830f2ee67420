"""Blanks as templates see them: stand-ins that can be written and do nothing else.

A template is rendered once for everybody, so a blank has no value yet: asking it anything (`{% if %}`, `|length`,
`+`, `==`) would decide for the whole audience at once. Each such question raises `TypeError`, which is reported
with file and line. `refuse_positions` holds where a value could break out of its place.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html.parser import HTMLParser
from typing import NoReturn

from newsletter.characters import clean
from newsletter.letter import (
    CONFIRM_TOKEN,
    EMAIL,
    FIRST_NAME,
    MAY_BE_EMPTY,
    REVIEW_TOKEN,
    UNSUBSCRIBE_TOKEN,
    Blank,
    token_of,
)

ISSUE_BLANKS = (FIRST_NAME, EMAIL, UNSUBSCRIBE_TOKEN)
# The single mails, by the name of their folder, and the blanks the Book has a value for.
MAIL_BLANKS = {"confirm": (*ISSUE_BLANKS, CONFIRM_TOKEN), "already": ISSUE_BLANKS}
# An editor is sent the letter with no link of theirs in it but the one to the review page.
PROOF_BLANKS = (EMAIL, REVIEW_TOKEN)
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_PAST_HOST = re.compile(r"https?://.*/", re.DOTALL)
ADDRESSES = {"href", "src", "action", "background", "srcset", "poster", "formaction", "data", "cite"}


class Blanks:
    """The blanks of one letter: their stand-ins by name, and the defaults its templates have declared so far."""

    def __init__(self, names: Sequence[str], *, nonce: str) -> None:
        self.nonce = nonce
        self.defaults: dict[str, str] = {}
        tokens = {name: token_of(nonce, number) for number, name in enumerate(names)}
        self.stand_ins = {name: StandIn(name, token, self.defaults) for name, token in tokens.items()}

    def declared(self) -> tuple[Blank, ...]:
        """The blanks in the order of their tokens."""
        return tuple(Blank(name, self.defaults.get(name, "")) for name in self.stand_ins)


class StandIn:
    """What a template gets for a blank. It can be printed; everything else raises `TypeError`.

    A blank that may be empty can be printed once it has a default: `{{ blanks.first_name|default("there") }}`.
    """

    __slots__ = ("_defaults", "_name", "_token")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, name: str, token: str, defaults: dict[str, str]) -> None:
        self._name = name
        self._token = token
        self._defaults = defaults

    def or_default(self, default: object) -> StandIn:
        """The same blank, with what stands there when the recipient has no such value."""
        words = "" if isinstance(default, StandIn) else clean(str(default))
        if self._name in MAY_BE_EMPTY and not (words and self._defaults.setdefault(self._name, words) == words):
            raise TypeError(f"the blank {self._name} needs one default in the whole letter, in words")
        return self

    def __str__(self) -> str:
        if self._name in MAY_BE_EMPTY and self._name not in self._defaults:
            message = f'the blank {self._name} is empty for some: write {{{{ blanks.{self._name}|default("there") }}}}'
            raise TypeError(message)
        return self._token

    __html__ = __str__

    def _refuse(self, *_: object) -> NoReturn:
        message = (
            f"the blank {self._name} has no value while the letter is rendered,"
            " since it is rendered once for everybody; print it as it is"
        )
        raise TypeError(message)

    __bool__ = __len__ = __iter__ = __eq__ = __contains__ = __add__ = __radd__ = __mod__ = _refuse


def refuse_changes(text: str, *, nonce: str) -> None:
    """Raise `ValueError` when a template did something to a blank it printed (`|upper`, `|truncate`)."""
    whole = re.compile(rf"slot{nonce}x\d\dz")
    for number, line in enumerate(text.splitlines(), start=1):
        if line.lower().count(nonce) != len(whole.findall(line)):
            raise ValueError(
                f"line {number} of the output: a blank was changed on its way;"
                " print it as it is, without upper, truncate and the like"
            )


def refuse_losses(before: str, after: str, *, blanks: Blanks) -> None:
    """Raise `ValueError` when a blank is not as often in the finished HTML as the template printed it."""
    for number, name in enumerate(blanks.stand_ins):
        token = token_of(blanks.nonce, number)
        if before.count(token) != after.count(token):
            raise ValueError(f"the blank {name} was lost while the CSS was inlined")


def refuse_positions(html: str, *, nonce: str) -> None:
    """Raise `ValueError` when a blank stands where a recipient's value could become code, style or a link's scheme."""
    scan = _Positions(nonce)
    scan.feed(html)
    scan.close()


class _Positions(HTMLParser):
    def __init__(self, nonce: str, *, part: str = "") -> None:
        super().__init__(convert_charrefs=True)
        self.nonce = nonce
        self.part = part

    def _refuse(self, where: str) -> NoReturn:
        raise ValueError(f"line {self.getpos()[0]}: a blank cannot stand {where}{self.part}")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - html.parser's
        raw = self.get_starttag_text() or ""
        if self.nonce not in raw:
            return
        if self.nonce in _QUOTED.sub("", raw):
            self._refuse("in a tag outside quotes")
        for name, value in attrs:
            if not value or self.nonce not in value:
                continue
            if name.startswith("on"):
                self._refuse(f"in the script of {name}")
            elif name == "style":
                self._refuse("in a style attribute")
            elif name in ADDRESSES and not _PAST_HOST.match(value.partition(self.nonce)[0]):
                self._refuse(f"before the end of the host in {name}")

    def handle_data(self, data: str) -> None:
        if self.nonce in data and self.cdata_elem in {"style", "script"}:
            self._refuse(f"inside <{self.cdata_elem}>")

    def handle_comment(self, data: str) -> None:
        if self.nonce in data and not data.startswith("[if"):
            self._refuse("in a comment")
        inner = _Positions(self.nonce, part=" (for Word)")
        inner.lineno = self.lineno
        inner.feed(data.partition("]>")[2])
