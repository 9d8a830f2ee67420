"""A Letter — a mail rendered but not yet addressed — and the bytes of one Message. Pure.

A Letter is a row of byte literals, already transfer-encoded, with *blanks* between them, filled per recipient.
Everything that can be done once is done once, by `encode`; `Letter.addressed` only encodes a handful of short values
and joins. Measured against rendering, inlining and `EmailMessage` per recipient this is two orders of magnitude cheaper
(`benchmarks/send.py`).

Why the pieces fit (each point is held by tests over random input):

* A literal starts at column 0 and ends either with CRLF or with a soft break (`=` CRLF, RFC 2045 §6.7), so the value
  after it starts at column 0 too; a value ends with a soft break. No line passes 76 characters whatever the values are.
* No line begins with a dot: it is written `=2E`. Nothing needs dot-stuffing later (RFC 5321 §4.5.2).
* The boundary contains `=_`, which quoted-printable text cannot contain.
* `List-Unsubscribe` is written as a literal `<https://…>` and never folded: RFC 8058 clients do not decode words, and
  Python's own header folding would make encoded words of a long one.

What it does not know: templates, settings, subscribers, the database. Raises `ValueError` with a sentence when it is
given something that cannot be mailed.
"""

from __future__ import annotations

import base64
import hashlib
import html as html_module
import json
import quopri
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from email.quoprimime import body_encode
from email.utils import format_datetime, parseaddr
from functools import cached_property
from typing import Any

from newsletter.characters import clean, ends_envelope

FORMAT = 1
LINE = 76
HEADER_LINE = 998
LONGEST_TOKEN = 200

# The blanks templates may print. The address lines of the head are blanks too, but no template can reach those.
FIRST_NAME = "first_name"
UNSUBSCRIBE_TOKEN = "unsubscribe_token"  # noqa: S105 - the name of a blank, not a secret
CONFIRM_TOKEN = "confirm_token"  # noqa: S105 - likewise
REVIEW_TOKEN = "review_token"  # noqa: S105 - likewise
EMAIL = "email"
# A recipient may have none of these: the letter itself says what stands there then. Every other blank has a value.
MAY_BE_EMPTY = frozenset({FIRST_NAME})
# The copy in the browser has no recipient.
_WEB_COPY = {EMAIL: "somebody", UNSUBSCRIBE_TOKEN: "", CONFIRM_TOKEN: "", REVIEW_TOKEN: ""}

_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~ ]*")
_UNRESERVED = re.compile(rf"[A-Za-z0-9._~-]{{1,{LONGEST_TOKEN}}}")
_SEAM = "seam:"
# Tokens, addresses and most names: one line of what quoted-printable leaves as it is, not beginning with a dot.
_PLAIN_VALUE = re.compile(r"(?!\.)[!-<>-~]{1,75}")
_HOLE = re.compile(r"slot([0-9a-f]{12})x([0-9]{2})z")


@dataclass(frozen=True, slots=True)
class Blank:
    """A place in a Letter filled per recipient. `default` is for a blank of `MAY_BE_EMPTY` that is empty."""

    name: str
    default: str = ""


@dataclass(frozen=True, slots=True)
class ListHead:
    """What the head of an issue's letter says of the list (RFC 2369, RFC 2919, RFC 8058).

    The token is put behind `unsubscribe`. `feedback_id` follows `a:b:c:SenderId` (Gmail's feedback loop); `archive` is
    the public list of past issues, or empty.
    """

    id: str
    name: str
    unsubscribe: str
    feedback_id: str
    archive: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a letter is from, as its head says it. `reply_to` may be `Name <address>`.

    `list` is None for service mail (confirmations, alerts): it answers one recipient and belongs to no list.
    """

    from_name: str
    from_address: str
    reply_to: str = ""
    list: ListHead | None = None


def token_of(nonce: str, number: int) -> str:
    """The stand-in for blank `number` while templates are rendered and CSS is inlined.

    Letters and digits only: it is the one form that survives every engine measured, in text, attributes and
    addresses. `nonce` is 12 random hex digits, so no content can collide with it.
    """
    return f"slot{nonce}x{number:02d}z"


@dataclass(frozen=True)
class Letter:
    """A rendered, encoded, unaddressed mail. `literals` is one longer than `holes`; a hole is `context:name`.

    `text_at` and `html_at` are half-open ranges into `literals` that hold the two body parts. `defaults` stand in the
    blanks of `MAY_BE_EMPTY` that are empty.
    """

    subject: str
    sender: str
    literals: tuple[bytes, ...]
    holes: tuple[str, ...]
    text_at: tuple[int, int]
    html_at: tuple[int, int]
    defaults: Mapping[str, str] = field(default_factory=dict)
    format: int = FORMAT

    @cached_property
    def _distinct(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.holes))

    def addressed(self, *, address: str, name: str, message_id: str, date: str, values: Mapping[str, str]) -> bytes:
        """The bytes of one Message.

        `name` is the display name or empty, `date` comes from `date_header`, `message_id` from `message_id`
        (without angle brackets). `values` fill the blanks. Raises `ValueError` for a blank without a value, and for
        an address or a token that cannot stand in a header.
        """
        if ends_envelope(address):
            raise ValueError("the address holds a space, a control character or an angle bracket")
        head = {"to": to_header(name, address), "date": date, "id": message_id}
        filled = {_SEAM: b""}
        for hole in self._distinct:
            context, _, blank = hole.partition(":")
            if context == "head":
                filled[hole] = (head.get(blank) or _token(blank, values)).encode()
            elif context != "seam":
                filled[hole] = _filled(context, self._value(blank, values))
        pieces: list[bytes] = [b""] * (2 * len(self.holes) + 1)
        pieces[::2] = self.literals
        pieces[1::2] = [filled[hole] for hole in self.holes]
        return b"".join(pieces)

    def _value(self, blank: str, values: Mapping[str, str]) -> str:
        value = clean(values.get(blank, ""))
        if not value and blank in MAY_BE_EMPTY:
            value = self.defaults.get(blank, "")
        if not value:
            raise ValueError(f"the blank {blank} has no value")
        return value

    def _part(self, span: tuple[int, int], value_of: Callable[[str], str]) -> str:
        pieces = []
        for index in range(*span):
            pieces.append(self.literals[index])
            if index + 1 < span[1]:
                context, _, blank = self.holes[index].partition(":")
                pieces.append(_filled(context, value_of(blank)))
        return quopri.decodestring(b"".join(pieces)).decode().replace("\r\n", "\n")

    def html(self, values: Mapping[str, str]) -> str:
        """The HTML part as its recipient sees it. Raises `ValueError` for a blank without a value."""
        return self._part(self.html_at, lambda blank: self._value(blank, values))

    def text(self, values: Mapping[str, str]) -> str:
        """The text part as its recipient sees it. Raises `ValueError` for a blank without a value."""
        return self._part(self.text_at, lambda blank: self._value(blank, values))

    def web_copy(self) -> str:
        """The HTML part addressed to nobody: no token, no address, the greeting of a recipient without a name."""
        return self.copies(email=_WEB_COPY[EMAIL])[0]

    def copies(self, *, email: str) -> tuple[str, str]:
        """The HTML and the text part addressed to nobody, with `email` where an address stands."""
        values = {**_WEB_COPY, **self.defaults, EMAIL: email}
        html, text = (self._part(at, lambda blank: values.get(blank, "")) for at in (self.html_at, self.text_at))
        return html, text

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the content, as hex: of everything that makes the letter what it is, and of no nonce."""
        return hashlib.sha256(dumps(self)).hexdigest()


def digest_of(variants: Mapping[str, Letter]) -> str:
    """The hash an approval binds, as hex: of all Letters of an issue, each with the name of its variant."""
    pairs = sorted((variant, letter.digest) for variant, letter in variants.items())
    return hashlib.sha256(json.dumps(pairs).encode()).hexdigest()


def encode(html: str, text: str, *, subject: str, identity: Identity, nonce: str, blanks: Sequence[Blank]) -> Letter:
    """Make a Letter of a finished HTML and text part whose blanks are still `token_of(nonce, i)` for `blanks[i]`.

    Line ends may be any; the parts are UTF-8. Raises `ValueError` when a token was lost halves of, when the subject is
    empty or holds a token, or when a header would be longer than 998 octets.
    """
    subject = clean(subject)
    if not subject:
        raise ValueError("the subject is empty")
    if nonce in subject:
        raise ValueError("the subject cannot hold a blank: it is the same for everybody")
    # Of the content alone: the same content, composed again with another nonce, is the same letter.
    content = f"{subject}\0{text}\0{html}".replace(nonce, "")
    boundary = f"=_{hashlib.sha256(content.encode()).hexdigest()[:24]}"
    part_head = f"\r\n--{boundary}\r\nContent-Type: text/%s; charset=utf-8\r\n"
    part_head += "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    # A seam is filled with nothing: a part gets literals of its own, to be read back without its MIME header.
    pieces = (
        *_head(identity, subject),
        f'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="{boundary}"\r\n'.encode(),
        *((part_head % "plain").encode(), _SEAM, *_body(text, kind="text", nonce=nonce, blanks=blanks), _SEAM),
        *((part_head % "html").encode(), _SEAM, *_body(html, kind="html", nonce=nonce, blanks=blanks), _SEAM),
        f"\r\n--{boundary}--\r\n".encode(),
    )
    literals: list[bytes] = [b""]
    holes: list[str] = []
    for piece in pieces:
        if isinstance(piece, str):
            holes.append(piece)
            literals.append(b"")
        else:
            literals[-1] += piece
    text_start, text_end, html_start, html_end = (n for n, hole in enumerate(holes, start=1) if hole == _SEAM)
    return Letter(
        subject=subject,
        sender=identity.from_address,
        literals=tuple(literals),
        holes=tuple(holes),
        text_at=(text_start, text_end),
        html_at=(html_start, html_end),
        defaults={blank.name: blank.default for blank in blanks if blank.default},
    )


# What `encode` puts together: bytes are a literal, a string is a hole.
_Pieces = Iterator[bytes | str]


def _head(identity: Identity, subject: str) -> _Pieces:
    yield _line("From", to_header(identity.from_name, identity.from_address)) + b"To: "
    yield "head:to"
    yield b"\r\n" + _line("Subject", _words(subject))
    if identity.reply_to:
        yield _line("Reply-To", to_header(*parseaddr(identity.reply_to)))
    yield b"Date: "
    yield "head:date"
    yield b"\r\nMessage-ID: <"
    yield "head:id"
    yield b">\r\n"
    if identity.list:
        yield from _list_head(identity.list)
    # RFC 3834 §5; the second is the same for Exchange.
    yield _line("Auto-Submitted", "auto-generated") + _line("X-Auto-Response-Suppress", "OOF, AutoReply")


def _list_head(head: ListHead) -> _Pieces:
    # Never folded, so it is the address that has to fit, with the longest token (RFC 5322 §2.1.1).
    if len("List-Unsubscribe: <>") + len(head.unsubscribe) + LONGEST_TOKEN > HEADER_LINE:
        raise ValueError(f"the List-Unsubscribe header would be longer than {HEADER_LINE} octets; shorten public_url")
    yield _line("List-Id", to_header(head.name, head.id)) + b"List-Unsubscribe: <" + head.unsubscribe.encode("ascii")
    yield f"head:{UNSUBSCRIBE_TOKEN}"
    yield b">\r\n" + _line("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
    if head.archive:
        yield _line("List-Archive", f"<{head.archive}>")
    yield _line("Feedback-ID", head.feedback_id) + _line("Precedence", "bulk")


def _body(part: str, *, kind: str, nonce: str, blanks: Sequence[Blank]) -> _Pieces:
    pieces = _HOLE.split(part.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n") + "\n")
    if sum(piece == nonce for piece in pieces[1::3]) != part.lower().count(nonce):
        raise ValueError(
            "a blank was changed on its way through the template: use it as it is, without upper, truncate and the like"
        )
    literal = pieces[0]
    for found, number, following in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        if found != nonce:
            literal += f"slot{found}x{number}z{following}"
            continue
        yield quoted(literal) if not literal or literal.endswith("\n") else quoted(literal) + b"=\r\n"
        yield f"{kind}:{blanks[int(number)].name}"
        literal = following
    yield quoted(literal)


def _line(name: str, value: str) -> bytes:
    if any(ord(character) < 32 for character in value.replace("\r\n ", "")):
        raise ValueError(f"the {name} header would hold a control character")
    line = f"{name}: {value}\r\n".encode()
    if max(len(piece) for piece in line.split(b"\r\n")) > HEADER_LINE:
        raise ValueError(f"the {name} header would be longer than {HEADER_LINE} octets; shorten it")
    return line


def _words(text: str) -> str:
    """RFC 2047 B words, cut between characters, on folded lines. ASCII stays as it is.

    A line with a word in it has at most 76 characters, the header's name included (RFC 2047 §2): 39 octets a word.
    """
    if text.isascii() and "=?" not in text:
        return text
    words, current = [], ""
    for character in text:
        if len((current + character).encode()) > 39:
            words.append(current)
            current = ""
        current += character
    words.append(current)
    return "\r\n ".join(f"=?utf-8?B?{base64.b64encode(word.encode()).decode()}?=" for word in words)


def to_header(name: str, address: str) -> str:
    """`Name <address>` for a header: atoms as they are, specials quoted, the rest as RFC 2047 words."""
    name = clean(name)[:200]
    if not name:
        return address if "@" in address else f"<{address}>"
    if not name.isascii() or "=?" in name:
        return f"{_words(name)}\r\n <{address}>"
    if _ATOMS.fullmatch(name):
        return f"{name} <{address}>"
    quoted_name = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted_name}" <{address}>'


def _token(name: str, values: Mapping[str, str]) -> str:
    """A blank in the head: part of an address there, so nothing but what needs no quoting in one (RFC 3986 §2.3)."""
    token = values.get(name, "")
    if not _UNRESERVED.fullmatch(token):
        raise ValueError(f"the blank {name} has to be letters, digits and -._~ to stand in a header")
    return token


def date_header(at: datetime) -> str:
    """An RFC 5322 date of an aware time."""
    return format_datetime(at)


def message_id(*, issue: str, list_id: str, recipient: str, domain: str) -> str:
    """The same for the same recipient and issue, so that a repeated hand-over can be recognised (RFC 5322 §3.6.4)."""
    digest = hashlib.sha256(f"{list_id}\0{issue}\0{recipient}".encode()).hexdigest()[:32]
    return f"{digest}@{domain}"


def first_name(name: str) -> str:
    """What to call a recipient: the first word of the name they gave."""
    return next(iter(name.split()), "")


def quoted(text: str) -> bytes:
    """Quoted-printable of text with LF line ends: lines of at most 76, no trailing blanks, no leading dots."""
    # Three columns are left: two for a dot written `=2E`, one for a soft break.
    encoded = body_encode(text.encode().decode("latin-1"), maxlinelen=LINE - 3, eol="\r\n")
    return re.sub(r"(?m)^\.", "=2E", encoded).encode("ascii")


def _filled(context: str, value: str) -> bytes:
    """One value, starting and ending at column 0: its own lines, then a soft break."""
    if context == "html":
        value = html_module.escape(value)
    return (value.encode() if _PLAIN_VALUE.fullmatch(value) else quoted(value)) + b"=\r\n"


def dumps(letter: Letter) -> bytes:
    """The letter as bytes for storing; `loads` returns an equal one. The format number says how to read it."""
    stored = {"format": letter.format, **asdict(letter), "literals": [literal.decode() for literal in letter.literals]}
    return json.dumps(stored, ensure_ascii=False, separators=(",", ":")).encode()


def loads(data: bytes) -> Letter:
    """A stored letter. Raises `ValueError` for a format this version does not know."""
    stored = json.loads(data)
    if stored["format"] != FORMAT:
        raise ValueError(f"this letter is stored in format {stored['format']}; this version reads format {FORMAT}")
    stored["literals"] = [literal.encode() for literal in stored["literals"]]
    fields: dict[str, Any] = {n: tuple(value) if isinstance(value, list) else value for n, value in stored.items()}
    return Letter(**fields)
