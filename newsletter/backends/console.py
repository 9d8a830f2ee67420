"""Show messages on the standard output and send nothing: `kind = "console"`, no keys.

Prints the envelope, the headers and the text part. Whatever could steer a terminal is made visible instead: the words
come from other people's pages.
"""

from __future__ import annotations

import email
import email.policy
import sys
from dataclasses import dataclass
from functools import partial
from typing import TextIO

from newsletter.backends import Message, Reply
from newsletter.backends.keys import Keys
from newsletter.backends.turns import Turns
from newsletter.characters import visible
from newsletter.errors import InDoubt


@dataclass(frozen=True, kw_only=True)
class Console(Keys):
    @property
    def where(self) -> str:
        return "this screen (console)"

    def open(self) -> Turns[str]:
        return Turns(where=self.where, prepare=summary, commit=partial(show, sys.stdout))


def show(stream: TextIO, text: str) -> Reply:
    """Print what was prepared. Raises `InDoubt` when the stream breaks."""
    encoding = stream.encoding or "utf-8"
    try:
        stream.write(text.encode(encoding, "replace").decode(encoding))
        stream.flush()
    except (OSError, ValueError) as error:
        raise InDoubt(f"the screen may not have shown it: {error}") from error
    return Reply(250, "shown")


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
