"""What can become of one message to one recipient. Pure.

SMTP's 250 proves neither that a message arrived nor that it was read: the words are *accepted*, *refused*,
*deferred* and *in doubt*, and never sent or delivered.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from newsletter.errors import Refused


class DeliveryState(StrEnum):
    WAITING = "waiting"
    CLAIMED = "claimed"
    HANDING_OVER = "handing over"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    DEFERRED = "deferred"
    IN_DOUBT = "in doubt"
    SKIPPED = "skipped"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


# A dead worker's claims go back to waiting; an answer that comes late settles a doubt; who was refused only because the
# server refused everybody waits again.
STEPS: Mapping[DeliveryState, frozenset[DeliveryState]] = {
    DeliveryState.WAITING: frozenset(
        {DeliveryState.CLAIMED, DeliveryState.SKIPPED, DeliveryState.EXPIRED, DeliveryState.CANCELLED}
    ),
    DeliveryState.CLAIMED: frozenset(
        {
            DeliveryState.HANDING_OVER,
            DeliveryState.WAITING,
            DeliveryState.REFUSED,
            DeliveryState.DEFERRED,
            DeliveryState.SKIPPED,
        }
    ),
    DeliveryState.HANDING_OVER: frozenset(
        {DeliveryState.ACCEPTED, DeliveryState.REFUSED, DeliveryState.DEFERRED, DeliveryState.IN_DOUBT}
    ),
    DeliveryState.DEFERRED: frozenset({DeliveryState.WAITING, DeliveryState.EXPIRED, DeliveryState.CANCELLED}),
    DeliveryState.IN_DOUBT: frozenset({DeliveryState.WAITING, DeliveryState.ACCEPTED, DeliveryState.CANCELLED}),
    DeliveryState.ACCEPTED: frozenset(),
    DeliveryState.REFUSED: frozenset({DeliveryState.WAITING}),
    DeliveryState.SKIPPED: frozenset(),
    DeliveryState.EXPIRED: frozenset(),
    DeliveryState.CANCELLED: frozenset(),
}
HELD = (DeliveryState.CLAIMED, DeliveryState.HANDING_OVER)  # by a worker
OPEN = frozenset({DeliveryState.WAITING, DeliveryState.CLAIMED, DeliveryState.HANDING_OVER, DeliveryState.DEFERRED})


def step(before: DeliveryState, after: DeliveryState) -> DeliveryState:
    """`after`, if the table allows it from `before`; otherwise `Refused` with a sentence."""
    if after not in STEPS[before]:
        raise Refused(f"a message that is {before} cannot become {after}")
    return after
