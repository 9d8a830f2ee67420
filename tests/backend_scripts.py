"""What goes wrong with the memory backend, for `box(name).on_offer` and `.on_hand_over`."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from newsletter.backends import Message
from newsletter.backends.memory import Script
from newsletter.errors import NewsletterError


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
