"""The tests every backend has to pass. Import them into your own tests:

    from newsletter.backends.contract import Arrived, BackendContract


    class TestPigeon(BackendContract):
        @pytest.fixture
        def backend(self) -> Backend:
            return Pigeon.from_options({"loft": "north"}, root=Path("."))

        @pytest.fixture
        def arrived(self) -> Arrived:
            return lambda: [...]  # the bytes of every accepted message, oldest first

A backend that shows less than the whole message (the console does) sets `keeps_bytes = False` and returns what it
shows, which has to hold the Message-ID. `pytest.register_assert_rewrite("newsletter.backends.contract")` in a
conftest.py makes its failures tell more.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from newsletter.backends import Backend, Connection, Message, Reply
from newsletter.backends.wire import fault
from newsletter.errors import SendError, SettingsError

Arrived = Callable[[], list[bytes]]


def example(number: int, *, body: bytes = b"Good morning.\r\n") -> Message:
    """A small message that keeps every promise of `Message`; `number` makes it one of a kind."""
    head = (
        b"From: Weekly <weekly@example.org>\r\nTo: reader%d@example.com\r\nSubject: Issue %d\r\n"
        b"Message-ID: <%d@contract.example.org>\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    ) % (number, number, number)
    return Message("weekly@example.org", f"reader{number}@example.com", head + body)


# Bodies that a backend could get wrong. Each is encoded as `letter` encodes it: nothing begins with a dot.
AWKWARD = {
    "an empty body": b"",
    "only empty lines": b"\r\n\r\n\r\n",
    "dots that are encoded": b"=2E\r\n=2E=2E\r\nend=\r\n=2E\r\n",
    "every smuggler's ending, encoded": b"a=0A.=0Ab\r\na=0D.=0Db\r\na=0D=0A=2E=0D=0Ab\r\na=0A=2E=0D=0Ab\r\n",
    "commands in the text": b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nQUIT\r\n",
    "a separator of mbox files": b"\r\nFrom weekly@example.org Mon Nov  2\r\n>From me\r\n",
    "the longest line": b"x" * 998 + b"\r\n",
    "a large letter": (b"=C3=A9 " * 10 + b"=\r\n") * 5_000,
}


class BackendContract:
    """Inherit, and provide the fixtures `backend` and `arrived`."""

    keeps_bytes = True

    def test_it_is_what_the_protocol_asks_for(self, backend: Backend) -> None:
        assert isinstance(backend, Backend)
        assert backend.connections >= 1
        assert backend.where
        connection = backend.open()
        assert isinstance(connection, Connection)
        connection.close()

    def test_an_unknown_key_is_refused_by_its_name(self, backend: Backend) -> None:
        with pytest.raises(SettingsError, match="no_such_key"):
            type(backend).from_options({"no_such_key": "1"}, root=Path())

    def test_what_is_handed_over_arrives(self, backend: Backend, arrived: Arrived) -> None:
        connection = backend.open()
        connection.offer(example(1))
        reply = connection.hand_over()
        connection.close()
        assert isinstance(reply, Reply)
        assert 200 <= reply.code < 300
        assert numbers(arrived()) == [1]

    def test_what_is_only_offered_does_not_arrive(self, backend: Backend, arrived: Arrived) -> None:
        connection = backend.open()
        connection.offer(example(1))
        assert arrived() == []
        connection.close()
        connection.close()
        assert arrived() == []

    def test_what_is_abandoned_never_arrives_and_the_next_message_does(
        self, backend: Backend, arrived: Arrived
    ) -> None:
        connection = backend.open()
        connection.abandon()  # nothing was offered: nothing happens
        connection.offer(example(1))
        connection.abandon()
        usable: bool = connection.alive
        if not usable:
            connection.close()
            connection = backend.open()
        connection.offer(example(2))
        connection.hand_over()
        connection.close()
        assert numbers(arrived()) == [2]

    def test_many_messages_go_over_one_connection_in_order(self, backend: Backend, arrived: Arrived) -> None:
        connection = backend.open()
        for number in range(20):
            connection.offer(example(number))
            connection.hand_over()
            assert connection.alive
        connection.close()
        assert numbers(arrived()) == list(range(20))

    def test_it_may_be_told_of_the_next_message_which_is_not_sent_by_that(
        self, backend: Backend, arrived: Arrived
    ) -> None:
        connection = backend.open()
        first, second = example(1), example(2)
        connection.offer(first)
        connection.hand_over(second)
        assert numbers(arrived()) == [1]
        connection.offer(second)
        connection.hand_over()
        connection.close()
        assert numbers(arrived()) == [1, 2]

    def test_a_closed_connection_says_so_and_blames_no_recipient(self, backend: Backend) -> None:
        connection = backend.open()
        connection.close()
        assert not connection.alive
        with pytest.raises(SendError) as caught:
            connection.offer(example(1))
        assert (caught.value.scope, caught.value.permanent) == ("connection", False)

    def test_two_connections_at_once_do_not_mix(self, backend: Backend, arrived: Arrived) -> None:
        first, second = backend.open(), backend.open()
        first.offer(example(1))
        second.offer(example(2))
        second.hand_over()
        assert numbers(arrived()) == [2]
        first.hand_over()
        assert numbers(arrived()) == [2, 1]
        first.close()
        second.close()

    @pytest.mark.parametrize("body", AWKWARD.values(), ids=AWKWARD.keys())
    def test_awkward_messages_arrive_as_one_message_unchanged(
        self, backend: Backend, arrived: Arrived, body: bytes
    ) -> None:
        message = example(1, body=body)
        assert not fault(message.data)
        connection = backend.open()
        connection.offer(message)
        connection.hand_over()
        connection.offer(example(2))
        connection.hand_over()
        connection.close()
        found = arrived()
        assert numbers(found) == [1, 2]
        if self.keeps_bytes:
            assert found[0] == message.data

    def test_nothing_can_be_handed_over_twice_or_unoffered(self, backend: Backend, arrived: Arrived) -> None:
        connection = backend.open()
        with pytest.raises(RuntimeError):
            connection.hand_over()
        connection.offer(example(1))
        with pytest.raises(RuntimeError):
            connection.offer(example(2))
        connection.hand_over()
        with pytest.raises(RuntimeError):
            connection.hand_over()
        connection.close()
        assert numbers(arrived()) == [1]


def numbers(messages: list[bytes]) -> list[int]:
    """Which examples these are, by their Message-ID."""
    found = [re.search(rb"(?im)^Message-ID: <(\d+)@contract\.example\.org>", message) for message in messages]
    assert all(found), "something else than an example arrived"
    return [int(match[1]) for match in found if match]
