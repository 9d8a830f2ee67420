"""Whom a refusal is about: this message, this connection, the recipient's domain, or everything we send. Pure.

A server that answers MAIL has not heard of the recipient yet, so a refusal there is about us, but for the SMTPUTF8 that
this message alone asked for (RFC 6531 §3.5). The size that MAIL announces (RFC 1870) is about us as well: all messages
of an issue have practically the same. After MAIL the enhanced status code (RFC 3463) decides. 5.4.5 is what large
providers say when the daily sending limit is reached. A policy (5.7), or a size that is refused when the message is
there (5.3.4), may be about all messages or about the next system's: only the answers to other messages tell which.

Refusals of the greeting and the log-in never get here: `greeting` raises them when the connection is opened.
"""

from __future__ import annotations

import re
from typing import Literal

from newsletter.backends.smtp.replies import Answer
from newsletter.errors import Scope

Phase = Literal["mail", "rcpt", "data", "dot"]

CLOSING = 421  # RFC 5321 §3.8: the server ends the connection with it
OUT_OF_STEP = 503  # RFC 5321 §4.2.2: bad sequence of commands
NOT_LOGGED_IN = {530, 534, 535, 538}  # RFC 4954 §6, RFC 3207 §4

_STATUS = re.compile(r"[245]\.(\d{1,3}\.\d{1,3})\b")
_SENDING_LIMIT = "4.5"
_BAD_SENDER = {"1.7", "1.8"}  # Postfix looks at the sender's address when it hears of the first recipient
_OUT_OF_RESOURCES = {"3.1", "3.2", "4.5"}  # disk full, accepting no mail, congested
_TOO_LARGE = "3.4"
_CONNECTION_LIMIT = re.compile(
    r"too many (?:\S+ ){0,2}(?:connection|session|message|mail|recipient|transaction|error)s?\b"
    r"|connection (?:\S+ )?limit|per (?:connection|session)\b",
    re.IGNORECASE,
)


def classify(phase: Phase, answer: Answer, *, smtputf8: bool = False) -> tuple[Scope, bool]:
    """The scope of a refusal, and whether it is permanent. An answer that is no refusal has no place there either.

    `smtputf8` says that this message asked for the extension.
    """
    status = _status(answer)
    limited = answer.code in (CLOSING, OUT_OF_STEP) or bool(_CONNECTION_LIMIT.search(answer.text))
    if answer.code < 500:
        about_us = answer.code < 400 or limited or phase == "mail" or status in _OUT_OF_RESOURCES
        return "connection" if about_us else "message", False
    if status == _SENDING_LIMIT:
        return "sender", False
    if limited:
        return "connection", False
    if answer.code in NOT_LOGGED_IN:
        return "sender", True
    if phase == "mail":
        if smtputf8 and not is_too_large(answer):
            # Whatever else it may be, this message alone was refused: it is tried again, and must not stop the others.
            return "message", answer.code == 555 or status.startswith("6.") or "UTF8" in answer.text.upper()
        return "sender", True
    too_large = phase != "rcpt" and status == _TOO_LARGE
    policy = status.startswith("7.") or status in _BAD_SENDER
    return "domain" if policy or too_large else "message", True


def is_too_large(answer: Answer) -> bool:
    """Whether this answer to MAIL is about the size that it announced (RFC 1870 §6)."""
    return answer.code == 552 or _status(answer) == _TOO_LARGE


def _status(answer: Answer) -> str:
    """The enhanced status code without its class; empty when there is none."""
    match = _STATUS.match(answer.text)
    return match[1] if match else ""
