"""Keep messages in this process and do as told: `kind = "memory"`, for tests.

Keys: `name`, so that many backends of one process can share a box or not, and `connections`. `box(name)` returns what
arrived, and is told what goes wrong: `box("demo").on_offer` and its like are called first, and raise it.

A message that breaks a promise of `Message` is refused for good, whatever the script says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from newsletter.backends import Message, Reply
from newsletter.backends.keys import MemoryKeys
from newsletter.backends.turns import Turns
from newsletter.backends.wire import address_fault, fault
from newsletter.errors import SendError

Script = Callable[[Message], object]  # raises what shall go wrong


@dataclass(slots=True)
class Box:
    """What arrived, in order, and what shall go wrong. `opened` counts connections."""

    messages: list[Message] = field(default_factory=list)
    opened: int = 0
    on_open: Callable[[], object] = lambda: None
    on_offer: Script = lambda _: None
    on_hand_over: Script = lambda _: None

    def check(self, message: Message) -> Message:
        problem = fault(message.data) or address_fault(message.recipient)
        if problem or (message.sender and (problem := address_fault(message.sender))):
            raise SendError(f"the message is not fit for the wire: {problem}", scope="message", permanent=True)
        self.on_offer(message)
        return message

    def keep(self, message: Message) -> Reply:
        self.on_hand_over(message)
        self.messages.append(message)
        return Reply(250, f"kept as number {len(self.messages)}")


_boxes: dict[str, Box] = {}


def box(name: str = "default") -> Box:
    """The box of that name, made when it is first asked for."""
    return _boxes.setdefault(name, Box())


def throw_away(name: str = "default") -> None:
    """Forget the box: what arrived and what shall go wrong."""
    _boxes.pop(name, None)


@dataclass(frozen=True, kw_only=True)
class Memory(MemoryKeys):
    @property
    def where(self) -> str:
        return f"{self.name} (memory)"

    def open(self) -> Turns[Message]:
        kept = box(self.name)
        kept.on_open()
        kept.opened += 1
        return Turns(where=self.where, prepare=kept.check, commit=kept.keep)
