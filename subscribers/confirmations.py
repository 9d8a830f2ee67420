"""The mails that an anonymous request can cause: confirmations and "you are already subscribed", and their limits.

The limits are per mailbox, stored, and hold for every way to subscribe, so that nobody's mailbox can be flooded through
the sign-up form. A confirmation token is derived of a random nonce; only the nonce's SHA-256 is kept here.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from subscribers.tables import Act, sign_up_mails, subscribers
from subscribers.tokens import CONFIRM as PURPOSE, KeyRing, Link

CONFIRM = "confirm"
ALREADY = "already"

# The most mails to one mailbox within a time.
LIMITS = {
    CONFIRM: ((1, timedelta(minutes=10)), (3, timedelta(hours=24)), (5, timedelta(days=30))),
    ALREADY: ((1, timedelta(days=7)),),
}
REMEMBERED = max(window for limits in LIMITS.values() for _, window in limits)

# Before tokens were derived they were random, without the name of a key, and the hash of the token itself was kept.
_RANDOM_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


def may_ask(act: Act, kind: str, *, mailbox_hash: str) -> bool:
    """Whether one more mail of this kind may go to the mailbox."""
    c = sign_up_mails.c
    of_mailbox = sa.select(sa.func.count()).where(c.mailbox_hash == mailbox_hash, c.kind == kind)
    return all(
        act.connection.execute(of_mailbox.where(c.at > act.now - window)).scalar_one() < most
        for most, window in LIMITS[kind]
    )


def note_mail(
    act: Act,
    kind: str,
    *,
    subscriber_id: int,
    mailbox_hash: str,
    lifetime: timedelta = timedelta(0),
    name: str = "",
    language: str = "",
) -> Link:
    """Record that a mail goes out, with what was typed in the form. Returns what its token is made of."""
    nonce = secrets.token_bytes(16)
    row = {
        "kind": kind,
        "subscriber_id": subscriber_id,
        "mailbox_hash": mailbox_hash,
        "token_hash": _hash(nonce) if kind == CONFIRM else None,
        "name": name,
        "language": language,
        "at": act.now,
        "expires_at": act.now + lifetime,
    }
    act.connection.execute(sa.insert(sign_up_mails).values(row))
    return Link(PURPOSE, nonce)


def find_mail(connection: sa.Connection, token: str, *, keys: KeyRing) -> sa.Row[*tuple[Any, ...]] | None:
    """The confirmation a token belongs to: subscriber_id, name, language, expires_at, used_at."""
    known = token.encode() if _RANDOM_TOKEN.fullmatch(token) else keys.verify(token, purpose=PURPOSE)
    if known is None:
        return None
    c = sign_up_mails.c
    return connection.execute(
        sa.select(c.subscriber_id, c.name, c.language, c.expires_at, c.used_at).where(c.token_hash == _hash(known))
    ).one_or_none()


def use_up(act: Act, *, who: sa.ColumnElement[bool]) -> None:
    """End every open confirmation of the subscribers that match `who`: after one click, or after leaving."""
    c = sign_up_mails.c
    theirs = c.subscriber_id.in_(sa.select(subscribers.c.id).where(who))
    act.connection.execute(sa.update(sign_up_mails).where(theirs, c.used_at.is_(None)).values(used_at=act.now))


def forget_mails(connection: sa.Connection, *, who: sa.ColumnElement[bool]) -> None:
    """Delete the records that match `who`."""
    connection.execute(sa.delete(sign_up_mails).where(who))


def _hash(secret: bytes) -> str:
    return hashlib.sha256(secret).hexdigest()
