"""Whether a hook was sent by whoever holds the secret. Pure.

Two schemes are known: Standard Webhooks 1.0 (github.com/standard-webhooks, "Signature scheme", symmetric) and Ghost's
own header as Ghost 5.87.1 to 6.65 makes it (`webhook-trigger.js`). Ghost signs with the text of the secret, Standard
Webhooks with the bytes it stands for. The headers are looked at first, so that the body of most strangers is not read.

What it does not know: requests, and what a hook asks for. Raises `BadSignature`, whose sentence is one of a few and
holds no word of the sender's.
"""

from __future__ import annotations

import hmac
import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from newsletter.errors import NewsletterError

TOLERANCE = timedelta(minutes=5)
KEY_BYTES = range(24, 65)

UNSIGNED = "This hook is not signed: it needs webhook-id, webhook-timestamp and webhook-signature (Standard Webhooks)."
UNREADABLE = "The signature cannot be read: it is v1, and base64, with a webhook-timestamp in seconds; or Ghost's own."
UNTIMELY = "The signature was made more than 5 minutes before or after our time; set the clock that is wrong."
WRONG = "The signature is not made with our secret; give the sender the very line of [web] hook_secret_file."

_PREFIX = "whsec_"
_GHOST = re.compile(r"sha256=([0-9a-f]{64}), ?t=([0-9]{1,15})")


class BadSignature(NewsletterError):
    """The hook is not to be trusted."""


@dataclass(frozen=True, slots=True)
class Secret:
    """What the sender and we share: `whsec_` and base64, and the bytes it stands for."""

    text: str = field(repr=False)
    key: bytes = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Secret:
        """Raises `ValueError` for what is no such secret."""
        key = b64decode(text.removeprefix(_PREFIX), validate=True)
        if not text.startswith(_PREFIX) or len(key) not in KEY_BYTES:
            raise ValueError(f"is not {_PREFIX} and the base64 of 24 to 64 bytes")
        return cls(text, key)


@dataclass(frozen=True, slots=True)
class Claim:
    """What the headers of a hook say: its `id`, and the signatures of what stands around its body."""

    id: str
    key: bytes = field(repr=False)
    before: bytes
    after: bytes
    signatures: tuple[bytes, ...]

    def verify(self, body: bytes) -> None:
        """Raises `BadSignature` unless one of the signatures is of this body."""
        right = hmac.digest(self.key, self.before + body + self.after, "sha256")
        if not any(hmac.compare_digest(right, one) for one in self.signatures):
            raise BadSignature(WRONG)


def read_claim(headers: Mapping[str, str], *, secret: Secret, now: datetime) -> Claim:
    """The claim of a hook that came at `now`; its body is not known yet. Names of headers are in small letters."""
    if "webhook-signature" in headers:
        claim, sent = _standard(headers, key=secret.key)
    elif "x-ghost-signature" in headers:
        claim, sent = _ghost(headers["x-ghost-signature"], key=secret.text.encode())
    else:
        raise BadSignature(UNSIGNED)
    if abs(now.timestamp() - sent) > TOLERANCE.total_seconds():
        raise BadSignature(UNTIMELY)
    return claim


def _standard(headers: Mapping[str, str], *, key: bytes) -> tuple[Claim, float]:
    name, time = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not name or not time:
        raise BadSignature(UNSIGNED)
    # Entries of other versions are of another scheme, or of one to come.
    entries = [entry.removeprefix("v1,") for entry in headers["webhook-signature"].split() if entry.startswith("v1,")]
    try:
        signatures = tuple(b64decode(entry, validate=True) for entry in entries)
    except ValueError as error:
        raise BadSignature(UNREADABLE) from error
    if not signatures or not re.fullmatch("[0-9]{1,12}", time):
        raise BadSignature(UNREADABLE)
    return Claim(name, key, f"{name}.{time}.".encode("latin-1"), b"", signatures), int(time)


def _ghost(header: str, *, key: bytes) -> tuple[Claim, float]:
    """Ghost repeats a hook unchanged and gives it no id, so its signature is one."""
    found = _GHOST.fullmatch(header)
    if not found:
        raise BadSignature(UNREADABLE)
    return Claim(found[1], key, b"", found[2].encode(), (bytes.fromhex(found[1]),)), int(found[2]) / 1000
