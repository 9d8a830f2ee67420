"""The promises of a Message, checked byte by byte."""

from __future__ import annotations

import pytest

from newsletter.backends.contract import AWKWARD, example
from newsletter.backends.wire import address_fault, fault


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "it does not end with CRLF"),
        (b"a", "it does not end with CRLF"),
        (b"a\n", "it does not end with CRLF"),
        (b".\r\n", "a line begins with a dot"),
        (b"a\r\n.b\r\n", "a line begins with a dot"),
        (b"a\n.\n\r\n", "a line begins with a dot"),
        (b"a\r.\rb\r\n", "it has a bare CR or LF"),
        (b"a\nb\r\n", "it has a bare CR or LF"),
        (b"a\r\r\n", "it has a bare CR or LF"),
        (b"\xc3\xa9\r\n", "it is not ASCII only"),
        (b"a\0\r\n", "it holds a NUL"),
        (b"x" * 999 + b"\r\n", "a line is longer than 998 octets"),
    ],
)
def test_a_broken_promise_is_named(data: bytes, problem: str) -> None:
    assert fault(data) == problem


def test_the_examples_of_the_contract_keep_every_promise() -> None:
    assert {fault(example(1, body=body).data) for body in AWKWARD.values()} == {""}


@pytest.mark.parametrize(
    "address", ["a@b", "jörg@bücher.example", "o'hara+news@example.org", "x" * 242 + "@example.org"]
)
def test_an_address_may_stand_in_an_envelope(address: str) -> None:
    assert address_fault(address) == ""


@pytest.mark.parametrize(
    "address",
    [
        "",
        "a",
        "@b",
        "a@",
        "a b@c",
        "a@b>",
        "<a@b",
        "a@b\r\nDATA",
        "a@b\n",
        "a\0@b",
        "a@b\x85",
        "a@b\u2028",
        "x" * 243 + "@example.org",
    ],
)
def test_an_address_that_would_break_the_envelope_is_refused(address: str) -> None:
    assert address_fault(address)
