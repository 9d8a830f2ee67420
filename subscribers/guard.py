"""Abuse limits of sign-ups, kept in the database so that they hold across processes.

`Guard.judge` has three verdicts: PASS; DROP — answer exactly as if it had worked, and do nothing; AGAIN — show the form
once more (it was left open too long or posted at once; the same for every address, so it discloses nothing). A sign-up
that is turned away is only counted, one row per hour and reason, so a flood cannot fill the disk.

A sliding hour is counted exactly, from the sign-ups that passed. The limits per mailbox are those of `confirmations`.
What it does not know: subscribers.
"""

from __future__ import annotations

import secrets
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa

from subscribers.address import Address
from subscribers.network import network_of
from subscribers.tables import Store, guard_passes, guard_trips, insert_into, insert_new, one_at_a_time
from subscribers.tokens import FORM, KeyRing

HOUR = timedelta(hours=1)
_KEPT_TRIPS = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Limits:
    """Sign-ups an hour, and how old a form may be when it is posted."""

    per_network: int = 10
    per_domain: int = 50
    overall: int = 500
    youngest_form: timedelta = timedelta(seconds=2)
    oldest_form: timedelta = timedelta(hours=2)


class Verdict(StrEnum):
    PASS = "pass"  # noqa: S105 - a verdict, not a password
    DROP = "drop"
    AGAIN = "again"


class Guard:
    """`alarm` is called with a sentence, once an hour, when the overall limit is reached."""

    def __init__(
        self,
        store: Store,
        keys: KeyRing,
        *,
        now: Callable[[], datetime],
        limits: Limits | None = None,
        alarm: Callable[[str], None] | None = None,
    ) -> None:
        self._store = store
        self._keys = keys
        self._now = now
        self._limits = limits or Limits()
        self._alarm = alarm

    def form_token(self) -> str:
        """The token of a form: signed, with its time and a number used once."""
        return self._keys.sign(struct.pack(">d8s", self._now().timestamp(), secrets.token_bytes(8)), purpose=FORM)

    def judge(self, address: Address, *, ip: str, honeypot: str = "", form_token: str | None = None) -> Verdict:
        """Whether one sign-up may go on to the Book. `form_token` is None where there is no form (the JSON hook)."""
        network = network_of(ip) or "unknown"
        now = self._now()
        if honeypot:
            return self._turn_away("honeypot", network=network, now=now)
        if form_token is not None and (reason := self._why_not(form_token, now=now)):
            verdict = Verdict.DROP if reason == "forged form" else Verdict.AGAIN
            return self._turn_away(reason, network=network, now=now, verdict=verdict)
        with self._store.write() as connection:
            one_at_a_time(connection, "guard")
            reason = self._tripped(connection, network=network, domain=address.domain, now=now)
            if not reason:
                # A form token passes once; without one the column is NULL, which is never a duplicate.
                row = {"at": now, "network": network, "domain": address.domain, "nonce": form_token}
                if not connection.execute(insert_new(connection, guard_passes).values(row)).rowcount:
                    reason = "form used twice"
        return self._turn_away(reason, network=network, now=now) if reason else Verdict.PASS

    def reusable(self, form_token: str) -> str:
        """The same token when it was only too young, so that the next attempt works; else a new one."""
        return form_token if self._why_not(form_token, now=self._now()) in {"", "form too young"} else self.form_token()

    def tidy(self) -> None:
        """Delete the rows that no limit reads any more."""
        now = self._now()
        with self._store.write() as connection:
            old = guard_passes.c.at < now - max(HOUR, self._limits.oldest_form)
            connection.execute(sa.delete(guard_passes).where(old))
            connection.execute(sa.delete(guard_trips).where(guard_trips.c.hour < now - _KEPT_TRIPS))

    def _why_not(self, form_token: str, *, now: datetime) -> str:
        if not form_token:
            return "no form"
        payload = self._keys.verify(form_token, purpose=FORM)
        if payload is None:
            return "forged form"
        age = now - datetime.fromtimestamp(struct.unpack(">d8s", payload)[0], UTC)
        if age < self._limits.youngest_form:
            return "form too young"
        return "form too old" if age > self._limits.oldest_form else ""

    def _tripped(self, connection: sa.Connection, *, network: str, domain: str, now: datetime) -> str:
        c = guard_passes.c
        lately = sa.select(sa.func.count()).select_from(guard_passes).where(c.at > now - HOUR)
        for reason, most, counted in (
            ("network", self._limits.per_network, lately.where(c.network == network)),
            ("domain", self._limits.per_domain, lately.where(c.domain == domain)),
            ("overall", self._limits.overall, lately),
        ):
            if connection.execute(counted).scalar_one() >= most:
                return reason
        return ""

    def _turn_away(self, reason: str, *, network: str, now: datetime, verdict: Verdict = Verdict.DROP) -> Verdict:
        hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        with self._store.write() as connection:
            first = {"hour": hour, "reason": reason, "count": 1, "last_network": network}
            another = {"count": guard_trips.c.count + 1, "last_network": network}
            upsert = insert_into(connection, guard_trips).values(first)
            upsert = upsert.on_conflict_do_update(index_elements=["hour", "reason"], set_=another)
            count = connection.execute(upsert.returning(guard_trips.c.count)).scalar_one()
        if reason == "overall" and count == 1 and self._alarm:
            self._alarm(
                f"More than {self._limits.overall} sign-ups within an hour: the rest of them are being dropped; "
                "see where they come from, and raise the limit if they are genuine."
            )
        return verdict
