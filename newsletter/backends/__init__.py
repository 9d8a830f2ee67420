"""Ways to hand over messages. A backend is one file and one line in `BACKENDS`.

The contract, for ours and for anyone else's (`kind = "package.module:Class"`):

* `Class.from_options(options, root=…)` reads the keys of `[backend]` (without `kind`). Unknown or impossible keys
  raise `SettingsError` naming the key. It opens nothing. Relative paths are relative to `root`, the project's folder.
* `open()` returns a `Connection`, or raises `Unavailable` (cannot be talked to now) or `ConfigurationError` (wrong
  password, certificate not trusted, folder not writable: the operator has to change something).
* On a connection, one message at a time: `offer` does everything that can be taken back and raises `SendError` —
  the message is certainly not accepted, and the connection is either usable again or says so by `alive`.
  `hand_over` is the point of no return: it returns the `Reply` of acceptance, raises `SendError` when the answer was a
  clear no, and `InDoubt` when the answer is not known. `abandon` takes back what was offered and not handed over.
  `then` is the message that will be offered next: a connection that can says its envelope along with the dot, and
  saves a round trip; any other ignores it.
* The scope of a `SendError` says whom the answer is about. `message`: this recipient is refused, or tried again later.
  `connection` (lost, closed, over its limit; no longer `alive`): the message goes over another one. `domain` (a policy
  that may be about anything): tried again later. `sender` (nothing of ours is taken now): sending stops, and everybody
  waits. Where the server does not say, choose the scope that blames the recipient least.
* What is wrong with the place (the disk is full) is said by `offer` too, in the words of `open`: `Unavailable` or
  `ConfigurationError`. Nothing was accepted, sending stops, and everybody waits.
* `sending` makes its intent durable between `offer` and `hand_over`; a backend must not accept anything before.
* A connection is used by one thread. A backend may be opened many times at once, up to `connections`.

`newsletter.backends.contract` is the test suite every backend has to pass; third parties import it.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self, runtime_checkable

from newsletter.backends.keys import Keys, MaildirKeys, MemoryKeys, SmtpKeys
from newsletter.errors import SettingsError
from newsletter.options import Kind, place_of

BACKENDS = {
    "smtp": Kind("newsletter.backends.smtp:Smtp", SmtpKeys),
    "maildir": Kind("newsletter.backends.maildir:Maildir", MaildirKeys),
    "console": Kind("newsletter.backends.console:Console", Keys),
    "memory": Kind("newsletter.backends.memory:Memory", MemoryKeys),
}


@dataclass(frozen=True, slots=True)
class Message:
    """A letter addressed to one recipient, as bytes on the wire.

    `sender` and `recipient` are the envelope. `data` is a whole RFC 5322 message: CRLF line ends only, ASCII only, no
    line over 998 octets, **no line that begins with a dot** (so nothing needs dot-stuffing), ending in CRLF.
    """

    sender: str
    recipient: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """What the next server said when it accepted: its code (250 where there is none) and its text."""

    code: int
    text: str


@runtime_checkable
class Connection(Protocol):
    @property
    def alive(self) -> bool:
        """Whether another message can be offered. False after a lost connection; `close` it and open another."""

    def offer(self, message: Message) -> None: ...

    def hand_over(self, then: Message | None = None) -> Reply: ...

    def abandon(self) -> None: ...

    def close(self) -> None: ...


@runtime_checkable
class Backend(Protocol):
    @property
    def connections(self) -> int:
        """How many connections one process may keep open at once."""

    @property
    def where(self) -> str:
        """Where messages go, as shown in messages: `smtp.example.org:587 (starttls)`. Never holds a secret."""

    @classmethod
    def from_options(cls, options: Mapping[str, Any], *, root: Path) -> Self: ...

    def open(self) -> Connection: ...


def load(kind: str, options: Mapping[str, Any], *, root: Path) -> Backend:
    """The backend of that kind with those options: a name of `BACKENDS`, or `package.module:Class`.

    Opens nothing. Raises `SettingsError` naming the kind or the key.
    """
    backend = _class(kind).from_options(options, root=root)
    if not isinstance(backend, Backend):
        raise SettingsError(
            f'[backend] kind "{kind}" is not a backend: it lacks what newsletter.backends.Backend asks for'
        )
    return backend


def _class(kind: str) -> Any:
    module_name, _, name = place_of(kind, BACKENDS).partition(":")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # a module that is not ours: whatever it raises, it cannot be used
        reason = f"{type(error).__name__}: {error}"
        raise SettingsError(
            f'[backend] kind "{kind}" cannot be imported ({reason}); check its spelling and that it is installed'
        ) from error
    if not callable(getattr(getattr(module, name, None), "from_options", None)):
        raise SettingsError(f'[backend] kind "{kind}": {module_name} has no class "{name}" with from_options')
    return getattr(module, name)
