"""What can become of one message to one person. Pure.

SMTP's 250 proves neither that a message arrived nor that it was read: the words are *accepted*, *refused*,
*deferred* and *in doubt*, and never sent or delivered.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from newsletter.errors import Refused


class State(StrEnum):
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
STEPS: Mapping[State, frozenset[State]] = {
    State.WAITING: frozenset({State.CLAIMED, State.SKIPPED, State.EXPIRED, State.CANCELLED}),
    State.CLAIMED: frozenset({State.HANDING_OVER, State.WAITING, State.REFUSED, State.DEFERRED, State.SKIPPED}),
    State.HANDING_OVER: frozenset({State.ACCEPTED, State.REFUSED, State.DEFERRED, State.IN_DOUBT}),
    State.DEFERRED: frozenset({State.WAITING, State.EXPIRED, State.CANCELLED}),
    State.IN_DOUBT: frozenset({State.WAITING, State.ACCEPTED, State.CANCELLED}),
    State.ACCEPTED: frozenset(),
    State.REFUSED: frozenset({State.WAITING}),
    State.SKIPPED: frozenset(),
    State.EXPIRED: frozenset(),
    State.CANCELLED: frozenset(),
}
OPEN = frozenset({State.WAITING, State.CLAIMED, State.HANDING_OVER, State.DEFERRED})


def step(before: State, after: State) -> State:
    """`after`, if the table allows it from `before`; otherwise `Refused` with a sentence."""
    if after not in STEPS[before]:
        raise Refused(f"a message that is {before} cannot become {after}")
    return after
