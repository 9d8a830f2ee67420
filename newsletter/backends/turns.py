"""The order of the contract, for a connection: one message at a time, and none after something broke."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from newsletter.backends import Message, Reply
from newsletter.errors import SendError

Prepared = TypeVar("Prepared")
Given = TypeVar("Given")
Made = TypeVar("Made")


def check_turn(*, offered: bool, alive: bool, where: str) -> None:
    """Refuse an offer that has to wait, by a `RuntimeError`, or that comes too late, by a `SendError`."""
    if offered:
        raise RuntimeError("a message is already offered; hand it over or abandon it first")
    if not alive:
        raise SendError(f"the connection to {where} is closed", scope="connection", permanent=False)


@dataclass(slots=True, kw_only=True)
class Turns(Generic[Prepared]):
    """A `Connection` made of what a backend does with a message.

    `prepare` does all that can be taken back, `discard` takes it back, `commit` is the point of no return. What they
    raise ends the connection, unless it is a `SendError` of another scope.
    """

    where: str
    prepare: Callable[[Message], Prepared]
    commit: Callable[[Prepared], Reply]
    discard: Callable[[Prepared], object] = lambda _: None
    alive: bool = True
    _offered: Prepared | None = field(default=None, init=False)

    def offer(self, message: Message) -> None:
        check_turn(offered=self._offered is not None, alive=self.alive, where=self.where)
        self._offered = self._do(self.prepare, message)

    def hand_over(self, then: Message | None = None) -> Reply:  # noqa: ARG002 - nothing goes along
        if self._offered is None:
            raise RuntimeError("nothing is offered")
        offered, self._offered = self._offered, None
        return self._do(self.commit, offered)

    def abandon(self) -> None:
        if self._offered is not None:
            self.discard(self._offered)
            self._offered = None

    def close(self) -> None:
        self.alive = False
        self.abandon()

    def _do(self, act: Callable[[Given], Made], given: Given) -> Made:
        try:
            return act(given)
        except BaseException as error:
            self.alive = isinstance(error, SendError) and error.scope != "connection"
            raise
