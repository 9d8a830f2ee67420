"""DKIM signatures (RFC 6376, RFC 8301, RFC 8463): a signer, the backend that signs what it hands over, and the key.

The head is read relaxed, the body as it is: quoted-printable has no blanks that a relay could change, and reading 80 KB
relaxed costs as much as the signature. From, To and Subject are named once more than they stand there, so that none can
be added; what one-click unsubscribing needs is signed too (RFC 8058 §4). There is no time in a signature: the same
message has the same one.

RSA keys have 2,048 bits; Ed25519 ones are shorter and faster, and not read everywhere yet. Raises `SettingsError` for a
key that cannot be used.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from newsletter.errors import SettingsError

if TYPE_CHECKING:
    from newsletter.backends import Backend, Connection, Message, Reply

RSA_BITS = 2048
SIGNED = (
    "from", "to", "subject", "date", "message-id", "reply-to", "mime-version", "content-type", "list-id",
    "list-unsubscribe", "list-unsubscribe-post",
)  # fmt: skip
"""The header fields a signature covers where they are there. Those of `ONCE` have to be there, and once."""
ONCE = ("from", "to", "subject")
_FOLD = 72
_BLANKS = re.compile(rb"[ \t]+")
_STRING = 255  # octets of one string of a TXT record


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs for a domain with one key; `private` signs bytes, `algorithm` is its name in a signature.

    Safe to use from many threads; most of its time is spent without Python's lock.
    """

    domain: str
    selector: str
    algorithm: str
    private: Callable[[bytes], bytes]

    def sign(self, data: bytes) -> bytes:
        """The message with a signature before its first header field; `data` has CRLF line ends alone."""
        head, _, body = data.partition(b"\r\n\r\n")
        fields = _fields(head)
        names = [name for name in SIGNED if name in fields]
        names = [name for each in names for name in ((each, each) if each in ONCE else (each,))]
        digest = base64.b64encode(hashlib.sha256(_simple_body(body)).digest()).decode()
        opening = (
            f"v=1; a={self.algorithm}; c=relaxed/simple; d={self.domain};\r\n"
            f" s={self.selector}; h={_folded_names(names)};\r\n bh={digest};\r\n b="
        )
        # A name that stands in h= once more than in the head signs that there is none.
        signed = b"".join(fields.pop(name, b"") for name in names)
        signature = base64.b64encode(self.private(signed + _relaxed("DKIM-Signature", opening.encode())[:-2])).decode()
        lines = "\r\n ".join(signature[at : at + _FOLD] for at in range(0, len(signature), _FOLD))
        return f"DKIM-Signature: {opening}{lines}\r\n".encode() + data


def _folded_names(names: list[str]) -> str:
    """The names for h=, a line for every five."""
    groups = [":".join(names[at : at + 5]) for at in range(0, len(names), 5)]
    return ":\r\n  ".join(groups)


def _fields(head: bytes) -> dict[str, bytes]:
    """The header fields by name, as a signature reads them. None of ours stands twice."""
    found: dict[str, bytes] = {}
    for line in re.split(rb"\r\n(?![ \t])", head):
        name, _, value = line.partition(b":")
        key = name.decode("ascii").strip().lower()
        if key in SIGNED:
            found[key] = _relaxed(key, value)
    return found


def _relaxed(name: str, value: bytes) -> bytes:
    """One header field as RFC 6376 §3.4.2 has it, with its line end."""
    unfolded = _BLANKS.sub(b" ", value.replace(b"\r\n", b"")).strip(b" ")
    return f"{name.lower()}:".encode() + unfolded + b"\r\n"


def _simple_body(body: bytes) -> bytes:
    """The body as RFC 6376 §3.4.3 has it: one line end at its end."""
    if body.endswith(b"\r\n") and not body.endswith(b"\r\n\r\n"):
        return body
    return body.rstrip(b"\r\n") + b"\r\n"


@dataclass(frozen=True)
class Signing:
    """A backend whose messages are signed."""

    backend: Backend
    signer: Signer

    @property
    def connections(self) -> int:
        return self.backend.connections

    @property
    def where(self) -> str:
        return self.backend.where

    @classmethod
    def from_options(cls, options: Any, *, root: Path) -> Signing:
        raise NotImplementedError("what is signed is made of a backend")

    def open(self) -> Connection:
        return _SigningConnection(self.backend.open(), self.signer)


class _SigningConnection:
    def __init__(self, connection: Connection, signer: Signer) -> None:
        self._connection, self._signer = connection, signer
        self._next: tuple[Message, Message] | None = None  # signed before it was offered, to be told of

    @property
    def alive(self) -> bool:
        return self._connection.alive

    def offer(self, message: Message) -> None:
        self._connection.offer(self._signed(message))

    def hand_over(self, then: Message | None = None) -> Reply:
        return self._connection.hand_over(then and self._signed(then))

    def _signed(self, message: Message) -> Message:
        if self._next is None or self._next[0] is not message:
            self._next = message, replace(message, data=self._signer.sign(message.data))
        return self._next[1]

    def abandon(self) -> None:
        self._connection.abandon()

    def close(self) -> None:
        self._connection.close()


def load_signer(file: Path, *, domain: str, selector: str) -> Signer:
    """The signer of a key file, a private key in PEM. Raises `SettingsError` with what to do."""
    rsa, ed25519, padding, serialization, hashes = _cryptography()
    try:
        key = serialization.load_pem_private_key(file.read_bytes(), password=None)
    except FileNotFoundError as error:
        raise SettingsError(f"[dkim] key_file {file} is not there; `newsletter dkim new` makes it") from error
    except OSError as error:
        raise SettingsError(f"[dkim] key_file {file} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError) as error:
        raise SettingsError(f"[dkim] key_file {file} holds no private key in PEM without a password") from error
    if isinstance(key, rsa.RSAPrivateKey):
        if key.key_size < RSA_BITS:
            raise SettingsError(f"[dkim] key_file {file} has {key.key_size} bits; {RSA_BITS} are the least (RFC 8301)")
        pkcs1, sha256 = padding.PKCS1v15(), hashes.SHA256()
        return Signer(domain, selector, "rsa-sha256", lambda data: key.sign(data, pkcs1, sha256))
    if isinstance(key, ed25519.Ed25519PrivateKey):
        # RFC 8463 §3: of the hash, not of the text.
        return Signer(domain, selector, "ed25519-sha256", lambda data: key.sign(hashlib.sha256(data).digest()))
    raise SettingsError(f"[dkim] key_file {file} holds neither an RSA nor an Ed25519 key")


def make_key(file: Path, *, kind: str) -> None:
    """Write a new private key that its owner alone can read; `kind` is "rsa" or "ed25519". Raises `FileExistsError`."""
    rsa, ed25519, _, serialization, _ = _cryptography()
    key = (
        ed25519.Ed25519PrivateKey.generate()
        if kind == "ed25519"
        else rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, pem)
    finally:
        os.close(handle)


def dns_record(file: Path) -> str:
    """The text of the TXT record that publishes a key file's public key. Raises as `load_signer`."""
    rsa, _, _, serialization, _ = _cryptography()
    load_signer(file, domain="", selector="")
    public = serialization.load_pem_private_key(file.read_bytes(), password=None).public_key()
    if isinstance(public, rsa.RSAPublicKey):
        form, encoding = serialization.PublicFormat.SubjectPublicKeyInfo, serialization.Encoding.DER
        kind = "rsa"
    else:
        form, encoding = serialization.PublicFormat.Raw, serialization.Encoding.Raw
        kind = "ed25519"
    return f"v=DKIM1; k={kind}; p={base64.b64encode(public.public_bytes(encoding, form)).decode()}"


def in_strings(record: str) -> str:
    """A record as a zone file has it: quoted strings of at most 255 octets each."""
    return " ".join(f'"{record[at : at + _STRING]}"' for at in range(0, len(record), _STRING))


def _cryptography() -> Any:
    try:
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
    except ImportError as error:
        raise SettingsError("[dkim] needs the package cryptography: pip install 'weekly-highlights[dkim]'") from error
    return rsa, ed25519, padding, serialization, hashes
