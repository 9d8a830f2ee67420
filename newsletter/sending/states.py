"""What can become of one message to one recipient: the table that drives every change of a state. Pure.

`steps.step` makes the SQL of it, the database's CHECKs and the table in docs/crash-safety.md are made from it, and a
property test watches that no statement takes another step. Two steps may be taken in one transaction: a doubt is noted
(*in doubt*) and waits to be sent again.

SMTP's 250 proves neither that a message arrived nor that it was read: the words are *accepted*, *refused*,
*deferred* and *in doubt*, and never sent or delivered.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


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


# A message that is handing over leaves that state by an answer or by a doubt that is noted, and by nothing else: not
# when it is cancelled or forgotten meanwhile. A dead worker's claims wait again, and so do those who were refused only
# because the server refused everybody. The proof that the server accepted a message settles its doubt however late it
# comes, whatever was decided meanwhile: so every state leads to *accepted*.
_S = DeliveryState
_PROOF = frozenset({_S.ACCEPTED})
STEPS: Mapping[DeliveryState, frozenset[DeliveryState]] = {
    _S.WAITING: _PROOF | {_S.CLAIMED, _S.SKIPPED, _S.EXPIRED, _S.CANCELLED},
    _S.CLAIMED: _PROOF | {_S.HANDING_OVER, _S.WAITING, _S.REFUSED, _S.DEFERRED, _S.SKIPPED, _S.CANCELLED},
    _S.HANDING_OVER: _PROOF | {_S.REFUSED, _S.DEFERRED, _S.IN_DOUBT},
    _S.ACCEPTED: frozenset(),
    _S.REFUSED: _PROOF | {_S.WAITING},
    _S.DEFERRED: _PROOF | {_S.WAITING, _S.EXPIRED, _S.CANCELLED},
    _S.IN_DOUBT: _PROOF | {_S.WAITING, _S.CANCELLED},
    _S.SKIPPED: _PROOF,
    _S.EXPIRED: _PROOF,
    _S.CANCELLED: _PROOF,
}
HELD = (DeliveryState.CLAIMED, DeliveryState.HANDING_OVER)  # by a worker
OPEN = frozenset({DeliveryState.WAITING, *HELD, DeliveryState.DEFERRED})
ENDS = frozenset(state for state, after in STEPS.items() if after <= _PROOF)


def allowed_before(*after: DeliveryState) -> frozenset[DeliveryState]:
    """The states that may become every one of `after`."""
    return frozenset(state for state, allowed in STEPS.items() if allowed.issuperset(after))
