"""Keep messages in this process and do as told: `kind = "memory"`, for tests.

Keys: `name`, so that many backends of one process can share a box or not, and `connections`. `box(name)` returns what
arrived, and is told what goes wrong:

    refused = SendError("5.1.1 no such user", scope="message", permanent=True, code=550)
    box("demo").on_offer = refusing({"bob@example.org": refused})
    box("demo").on_hand_over = failing_after(3, InDoubt("the answer was lost"))

A message that breaks a promise of `Message` is refused for good, whatever the script says.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from newsletter.backends import Message, Reply
from newsletter.backends.keys import MemoryKeys
from newsletter.backends.wire import address_fault, fault
from newsletter.errors import NewsletterError, SendError
from newsletter.options import read

Script = Callable[[Message], None]  # raises what shall go wrong


def _nothing_wrong(_message: Message) -> None:
    return None


@dataclass(slots=True)
class Box:
    """What arrived, in order, and what shall go wrong. `opened` counts connections."""

    messages: list[Message] = field(default_factory=list)
    opened: int = 0
    on_open: Callable[[], None] = field(default=lambda: None)
    on_offer: Script = _nothing_wrong
    on_hand_over: Script = _nothing_wrong


_boxes: dict[str, Box] = {}


def box(name: str = "default") -> Box:
    """The box of that name, made when it is first asked for."""
    return _boxes.setdefault(name, Box())


def throw_away(name: str = "default") -> None:
    """Forget the box: what arrived and what shall go wrong."""
    _boxes.pop(name, None)


def refusing(errors: Mapping[str, NewsletterError]) -> Script:
    """A script that raises each recipient's error."""

    def script(message: Message) -> None:
        if error := errors.get(message.recipient):
            raise error

    return script


def failing_after(number: int, error: NewsletterError) -> Script:
    """A script that lets `number` messages pass and raises `error` for every later one."""
    count = itertools.count(1)

    def script(_message: Message) -> None:
        if next(count) > number:
            raise error

    return script


@dataclass(frozen=True, kw_only=True)
class Memory(MemoryKeys):
    @classmethod
    def from_options(cls, options: Mapping[str, Any], *, root: Path) -> Self:
        return read(cls, options, root=root)

    @property
    def where(self) -> str:
        return f"{self.name} (memory)"

    def open(self) -> MemoryConnection:
        kept = box(self.name)
        kept.on_open()
        kept.opened += 1
        return MemoryConnection(kept)


class MemoryConnection:
    """A connection is lost by whatever a script raises that is not a plain refusal."""

    def __init__(self, kept: Box) -> None:
        self._box = kept
        self._offered: Message | None = None
        self._alive = True

    @property
    def alive(self) -> bool:
        return self._alive

    def offer(self, message: Message) -> None:
        if self._offered:
            raise RuntimeError("a message is already offered; hand it over or abandon it first")
        if not self._alive:
            raise SendError("the connection is closed", scope="connection", permanent=False)
        problem = fault(message.data) or address_fault(message.recipient)
        if problem or (message.sender and (problem := address_fault(message.sender))):
            raise SendError(f"the message is not fit for the wire: {problem}", scope="message", permanent=True)
        self._follow(self._box.on_offer, message)
        self._offered = message

    def hand_over(self) -> Reply:
        if self._offered is None:
            raise RuntimeError("nothing is offered")
        message, self._offered = self._offered, None
        self._follow(self._box.on_hand_over, message)
        self._box.messages.append(message)
        return Reply(250, f"kept as number {len(self._box.messages)}")

    def abandon(self) -> None:
        self._offered = None

    def close(self) -> None:
        self._alive = False
        self._offered = None

    def _follow(self, script: Script, message: Message) -> None:
        try:
            script(message)
        except SendError as error:
            self._alive = error.scope != "connection"
            raise
        except BaseException:
            self._alive = False
            raise
