"""Tokens that are derived, not stored. Pure: bytes in, text out; no clock, no randomness, no file.

A `Link` is what a token is made of, and may stand in the database: without the key file it opens nothing.

A token is `kid` + base64url(16 bytes of payload + 16 bytes of HMAC-SHA256(key, purpose | payload)): at most 51
characters of `[A-Za-z0-9_-]`, bound to one purpose, and verified for ever by the key that made it. The newest key of
the ring signs, every key verifies, and the first one also keys the hashes of suppressed addresses: it must stay first.

What it does not know: where keys are kept (`keys`), or what a payload means. Raises `BadKeyFile` for a ring that cannot
be read; `verify` returns None for a token that is not ours, in constant time.
"""

from __future__ import annotations

import binascii
import hmac
import re
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field

from subscribers.errors import BadKeyFile

UNSUBSCRIBE = b"unsubscribe"
CONFIRM = b"confirm"
FORM = b"form"

_PAYLOAD = 16
_TAIL = 43  # base64 of payload and MAC, without padding
_KID = re.compile(r"[A-Za-z0-9]{1,8}")
_TOKEN = re.compile(r"[A-Za-z0-9]{1,8}[A-Za-z0-9_-]{43}")
_SHORTEST_SECRET = 16
# Below our own paths all is masked: a mistyped link (a doubled slash, capitals) holds the token too. Elsewhere, what is
# as long as a token and has a capital: one token in 2^32 has none, and nearly all addresses of articles have none.
_TOKEN_IN_ADDRESS = re.compile(
    r"(/(?i:unsubscribe|resubscribe|confirm)/)\S+|(?<=/)(?=[^\s/]*[A-Z])[A-Za-z0-9_-]{43,51}(?![A-Za-z0-9_-])"
)


@dataclass(frozen=True, slots=True)
class Key:
    """`kid` names the key inside a token; the secret is left out of the repr."""

    kid: str
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Link:
    """What the token of a link is made of: its purpose, and the 16 bytes that name what it opens."""

    purpose: bytes
    payload: bytes

    def __post_init__(self) -> None:
        if len(self.payload) != _PAYLOAD:
            raise ValueError(f"a token is made of {_PAYLOAD} bytes, and not of {len(self.payload)}")


class KeyRing:
    """The keys of one newsletter, oldest first."""

    def __init__(self, keys: tuple[Key, ...]) -> None:
        if not keys:
            raise BadKeyFile("there is no key in the key file; restore it from your backup.")
        self._secrets = {key.kid: key.secret for key in keys}
        self._newest = keys[-1]
        self._suppression = hmac.digest(keys[0].secret, b"suppression", "sha256")
        for key in keys:
            if not _KID.fullmatch(key.kid) or len(key.secret) < _SHORTEST_SECRET:
                raise BadKeyFile(
                    f"key {key.kid!r} has a bad name or a short secret; restore the file from your backup."
                )
        if len(self._secrets) != len(keys):
            raise BadKeyFile("two keys of the key file have the same name; give the newer one another name.")

    @classmethod
    def parse(cls, text: str) -> KeyRing:
        """Read `kid:base64` lines; empty lines and those that begin with `#` are ignored."""
        keys = []
        for number, line in enumerate(text.splitlines(), start=1):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            kid, _, encoded = line.strip().partition(":")
            try:
                keys.append(Key(kid, b64decode(encoded, validate=True)))
            except (binascii.Error, ValueError) as error:
                # The text of the line itself must not show.
                raise BadKeyFile(f"line {number} of the key file is not kid:base64; restore it from backup.") from error
        return cls(tuple(keys))

    def sign(self, payload: bytes, *, purpose: bytes) -> str:
        """The token of 16 bytes for one purpose, made with the newest key. Costs a few microseconds."""
        return _token(self._newest.kid, self._newest.secret, payload, purpose)

    def token(self, link: Link) -> str:
        """The token of a link, made with the newest key."""
        return self.sign(link.payload, purpose=link.purpose)

    def verify(self, token: str, *, purpose: bytes) -> bytes | None:
        """The payload of a token that one of the keys made for this purpose, else None."""
        if not _TOKEN.fullmatch(token):
            return None
        kid, tail = token[:-_TAIL], token[-_TAIL:]
        secret = self._secrets.get(kid)
        if secret is None:
            return None
        payload = urlsafe_b64decode(tail + "=")[:_PAYLOAD]
        # Comparing the whole text also refuses the other base64 spellings of the same bytes.
        return payload if hmac.compare_digest(_token(kid, secret, payload, purpose), token) else None

    def address_hash(self, key: str) -> str:
        """The keyed hash of an address: useless to a thief of the database who has not the keys."""
        return hmac.digest(self._suppression, key.encode("ascii"), "sha256").hex()


def mask_tokens(text: str) -> str:
    """The text without the tokens in its addresses: for what more people read than the mail, and for what is kept."""
    return _TOKEN_IN_ADDRESS.sub(r"\1…", text)


def _token(kid: str, secret: bytes, payload: bytes, purpose: bytes) -> str:
    mac = hmac.digest(secret, purpose + b"|" + payload, "sha256")[:_PAYLOAD]
    return kid + urlsafe_b64encode(payload + mac)[:_TAIL].decode("ascii")
