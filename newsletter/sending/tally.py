"""What a run has done so far, and when its answers can only be about the sender.

One refusal says nothing about the sender and twenty of twenty do; a policy (scope *domain*) may be about anything, and
from three domains in a row it is about us. The next acceptance proves that the answers before it were not.
What it does not know: how an answer came about. Raises `NobodyAccepts`.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from newsletter.errors import ConfigurationError, counted
from newsletter.sending.ledger import Claim, Ledger, Outcome
from newsletter.sending.states import DeliveryState

# So many refusals before the first acceptance, or policies of so many domains since the last one.
ALL_REFUSED = 20
DOMAINS_IN_A_ROW = 3


class NobodyAccepts(ConfigurationError):
    """The server refuses everybody: that is about the sender, not about the recipients."""


@dataclass(slots=True)
class Tally:
    """`counts` is by state. `unproven` holds the answers that may turn out to be about the sender."""

    counts: Counter[DeliveryState] = field(default_factory=Counter)
    unproven: list[tuple[Ledger, Claim, Outcome]] = field(default_factory=list)
    domains: set[str] = field(default_factory=set)
    hopeless: bool = False
    guard: threading.Lock = field(default_factory=threading.Lock)

    def add(self, ledger: Ledger, claim: Claim, outcome: Outcome, *, policy: bool = False) -> None:
        """Count an outcome that was recorded; `policy` says that it was about the recipient's domain or the sender."""
        with self.guard:
            self.counts[outcome.state] += 1
            if outcome.state == DeliveryState.ACCEPTED:
                self.unproven.clear()
                self.domains.clear()
                return
            first = not self.counts[DeliveryState.ACCEPTED]
            if policy:
                self.domains.add(claim.email.rpartition("@")[2].lower())
            if policy or (first and outcome.state == DeliveryState.REFUSED):
                self.unproven.append((ledger, claim, outcome))
            self.hopeless |= len(self.domains) >= DOMAINS_IN_A_ROW or (first and len(self.unproven) >= ALL_REFUSED)
        if self.hopeless:
            refused = counted(len(self.unproven), "message")
            raise NobodyAccepts(
                f"the mail server refused {refused} and accepted none between; the last time it said "
                f'"{outcome.code or ""} {outcome.text}". They and everybody else wait; put it right and send again'
            )

    def take_back(self, *, now: datetime) -> None:
        """When it is hopeless: nothing stays written on a recipient that was about the sender."""
        if self.hopeless:
            for ledger, claim, outcome in self.unproven:
                ledger.take_back([claim], now=now)
                self.counts[outcome.state] -= 1
