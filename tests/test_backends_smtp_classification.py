"""Whom a refusal is about, reply by reply: what real servers say, at the step at which they say it."""

from __future__ import annotations

import pytest

from newsletter.backends.smtp.classification import Phase, classify
from newsletter.backends.smtp.replies import parse
from newsletter.errors import Scope


def classified(phase: str, reply: str, *, smtputf8: bool = False) -> tuple[Scope, bool]:
    found = parse(reply.encode() + b"\r\n")
    assert found is not None
    step: dict[str, Phase] = {"MAIL": "mail", "RCPT": "rcpt", "DATA": "data", "dot": "dot"}
    return classify(step[phase], found[0], smtputf8=smtputf8)


@pytest.mark.parametrize("phase", ["MAIL", "RCPT", "DATA", "dot"])
@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("550 5.4.5 Daily user sending limit exceeded", ("sender", False)),
        (
            "550-5.4.5 Daily user sending limit exceeded. For more information go to\r\n550 5.4.5 there",
            ("sender", False),
        ),
        ("530 5.7.0 Authentication required", ("sender", True)),
        ("535 5.7.8 Authentication credentials invalid", ("sender", True)),
        ("421 4.7.0 Too many messages in this session", ("connection", False)),
        ("421 4.4.2 idle timeout", ("connection", False)),
        ("421 shutting down", ("connection", False)),
        ("452 4.7.0 Too many messages in this session", ("connection", False)),
        ("452 4.5.3 Too many recipients", ("connection", False)),
        ("450 4.7.1 Error: too many connections from 192.0.2.1", ("connection", False)),
        ("554 5.7.0 Too many simultaneous connections", ("connection", False)),
        ("452 4.3.1 Insufficient system storage", ("connection", False)),
        ("451 4.4.5 Server busy", ("connection", False)),
    ],
)
def test_some_answers_are_about_us_whenever_they_come(phase: str, reply: str, expected: tuple[Scope, bool]) -> None:
    assert classified(phase, reply) == expected


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("550 5.7.1 Client does not have permissions to send as this sender", ("sender", True)),
        ("553 5.1.8 Sender address rejected: Domain not found", ("sender", True)),
        ("550 you have sent enough for today", ("sender", True)),
        ("503 5.5.1 nested MAIL command", ("connection", False)),
        ("451 4.3.0 try later", ("connection", False)),
        ("454 4.7.1 Throttling failure: maximum sending rate exceeded", ("connection", False)),
        ("250 2.1.0 fine, but not here", ("connection", False)),
        ("552 5.3.4 Message size exceeds fixed limit", ("sender", True)),
        ("552 message size exceeds fixed maximum message size", ("sender", True)),
        ("523 5.3.4 too big", ("sender", True)),
    ],
)
def test_mail_has_not_named_the_recipient_so_the_size_too_is_about_the_sender(
    reply: str, expected: tuple[Scope, bool]
) -> None:
    assert classified("MAIL", reply) == expected


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("553 5.6.7 SMTPUTF8 is required", ("message", True)),
        ("550 5.6.7 no", ("message", True)),
        ("555 5.5.4 Unsupported option", ("message", True)),
        ("501 unknown parameter SMTPUTF8", ("message", True)),
        ("550 no", ("message", False)),
        ("552 5.3.4 Message size exceeds fixed limit", ("sender", True)),
        ("550 5.4.5 Daily user sending limit exceeded", ("sender", False)),
        ("530 5.7.0 Authentication required", ("sender", True)),
        ("421 4.3.2 shutting down", ("connection", False)),
    ],
)
def test_a_message_that_needs_smtputf8_may_be_refused_at_mail_without_stopping_the_others(
    reply: str, expected: tuple[Scope, bool]
) -> None:
    assert classified("MAIL", reply, smtputf8=True) == expected


@pytest.mark.parametrize("phase", ["RCPT", "DATA", "dot"])
@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("550 5.1.1 no such user", ("message", True)),
        ("550 no such user", ("message", True)),
        ("552 5.2.2 mailbox full", ("message", True)),
        ("554 5.4.6 too many hops", ("message", True)),
        ("554 5.6.0 content not accepted", ("message", True)),
        ("451 4.7.1 greylisted", ("message", False)),
        ("450 4.2.1 mailbox busy", ("message", False)),
        ("451 4.3.0 lookup failed", ("message", False)),
        ("550 5.7.1 Relaying denied", ("domain", True)),
        ("554-5.7.1 blocked\r\n554 5.7.1 see our page", ("domain", True)),
        ("550 5.7.26 unauthenticated sender", ("domain", True)),
        ("552 5.7.0 This message was blocked because its content presents a risk", ("domain", True)),
        ("550 5.1.8 Sender address rejected: Domain not found", ("domain", True)),
    ],
)
def test_once_the_recipient_is_named_the_enhanced_code_says_whom_it_is_about(
    phase: str, reply: str, expected: tuple[Scope, bool]
) -> None:
    assert classified(phase, reply) == expected


@pytest.mark.parametrize(("phase", "scope"), [("RCPT", "message"), ("DATA", "domain"), ("dot", "domain")])
def test_a_size_refused_after_mail_blames_a_recipient_only_where_they_were_named(phase: str, scope: Scope) -> None:
    assert classified(phase, "552 5.3.4 Message too big for system") == (scope, True)
