"""The keys of `[backend]` of each built-in kind, without `kind`.

They stand apart from what sends with them, so that the table can be checked without loading any of it. Raises
`ValueError`; `newsletter.options` names the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from newsletter.options import between, read


@dataclass(frozen=True, kw_only=True)
class Keys:
    """None; what every kind starts from."""

    @classmethod
    def from_options(cls, options: Mapping[str, Any], *, root: Path) -> Self:
        return read(cls, options, root=root)

    @property
    def connections(self) -> int:
        return 1


@dataclass(frozen=True, kw_only=True)
class SmtpKeys(Keys):
    """`password` is for the environment (NEWSLETTER_BACKEND__PASSWORD); files name a `password_file`.

    `ca_file` replaces the system's authorities. `timeout` is how long any answer may take (RFC 5321 §4.5.3.2 asks for
    five minutes), `final_timeout` the answer to the last dot: shorter than ten minutes means more messages in doubt.
    After `messages_per_connection` messages a connection is opened anew; 0 is as many as the server takes.
    """

    host: str
    port: int | None = field(default=None, metadata=between(1, 65535))
    security: Literal["none", "starttls", "tls"] = "starttls"
    username: str = ""
    password_file: Path | None = None
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    connections: int = field(default=4, metadata=between(1, 100))
    messages_per_connection: int = field(default=0, metadata=between(0, 1_000_000))
    timeout: float = field(default=300, metadata=between(0.01, 3600))
    final_timeout: float = field(default=600, metadata=between(0.01, 3600))

    def __post_init__(self) -> None:
        if not self.host.strip():
            raise ValueError("host is empty; name the mail server")
        if self.username and not (self.password or self.password_file):
            raise ValueError("username is set without password_file; name the file with the password")
        if not self.username and (self.password or self.password_file):
            raise ValueError("a password is set without username; add username")


@dataclass(frozen=True, kw_only=True)
class MaildirKeys(Keys):
    """`path` is made when it is not there."""

    path: Path = Path("mail")


@dataclass(frozen=True, kw_only=True)
class MemoryKeys(Keys):
    name: str = "default"
    connections: int = field(default=2, metadata=between(1, 100))
