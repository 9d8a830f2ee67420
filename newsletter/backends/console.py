"""Show messages on the standard output and send nothing: `kind = "console"`, no keys.

Prints the envelope, the headers and the text part. Whatever could steer a terminal is made visible instead: the words
come from other people's pages.
"""

from __future__ import annotations

import email
import email.policy
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TextIO

from newsletter.backends import Message, Reply
from newsletter.backends.keys import ConsoleKeys
from newsletter.characters import visible
from newsletter.errors import InDoubt, SendError
from newsletter.options import read


@dataclass(frozen=True, kw_only=True)
class Console(ConsoleKeys):
    @classmethod
    def from_options(cls, options: Mapping[str, Any], *, root: Path) -> Self:
        return read(cls, options, root=root)

    @property
    def connections(self) -> int:
        return 1

    @property
    def where(self) -> str:
        return "this screen (console)"

    def open(self) -> ConsoleConnection:
        return ConsoleConnection(sys.stdout)


class ConsoleConnection:
    """Prints to `stream`, a message at a time."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._offered = ""
        self._alive = True

    @property
    def alive(self) -> bool:
        return self._alive

    def offer(self, message: Message) -> None:
        if self._offered:
            raise RuntimeError("a message is already offered; hand it over or abandon it first")
        if not self._alive:
            raise SendError("the screen is closed", scope="connection", permanent=False)
        self._offered = summary(message)

    def hand_over(self) -> Reply:
        if not self._offered:
            raise RuntimeError("nothing is offered")
        text, self._offered = self._offered, ""
        encoding = self._stream.encoding or "utf-8"
        try:
            self._stream.write(text.encode(encoding, "replace").decode(encoding))
            self._stream.flush()
        except (OSError, ValueError) as error:
            self._alive = False
            raise InDoubt(f"the screen may not have shown it: {error}") from error
        return Reply(250, "shown")

    def abandon(self) -> None:
        self._offered = ""

    def close(self) -> None:
        self._alive = False
        self._offered = ""


def summary(message: Message) -> str:
    """What is printed: a line about the envelope, the headers, the text part. Pure."""
    mail = email.message_from_bytes(message.data, policy=email.policy.default)
    part = mail.get_body(("plain",))
    text = part.get_content() if part else "(no text part)\n"
    size = f"{len(message.data):,} bytes"
    lines = [f"── {message.sender or '<>'} → {message.recipient} ({size}) ──"]
    lines += [f"{name}: {value}" for name, value in mail.items()]
    lines += ["", *str(text).splitlines(), "", ""]
    return "\n".join(visible(line) for line in lines)
