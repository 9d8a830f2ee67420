"""The memory backend: boxes by name, and scripts for what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from newsletter.backends import Connection, Message, load
from newsletter.backends.contract import example
from newsletter.backends.memory import Box, box, throw_away
from newsletter.errors import InDoubt, SendError, Unavailable
from tests.backend_scripts import failing_after, refusing


@pytest.fixture
def kept() -> Iterator[Box]:
    yield box("test")
    throw_away("test")


def connect() -> Connection:
    return load("memory", {"name": "test", "connections": "3"}, root=Path()).open()


def send(connection: Connection, number: int) -> None:
    connection.offer(example(number))
    connection.hand_over()


def test_boxes_are_shared_by_name_and_thrown_away(kept: Box) -> None:
    send(connect(), 1)
    send(connect(), 2)
    assert [message.recipient for message in kept.messages] == ["reader1@example.com", "reader2@example.com"]
    assert kept.opened == 2
    assert box("another").messages == []
    throw_away("another")


def test_a_refused_recipient_is_refused_and_the_others_are_not(kept: Box) -> None:
    refused = SendError("5.1.1 no such user", scope="message", permanent=True, code=550)
    kept.on_offer = refusing({"reader2@example.com": refused})
    connection = connect()
    send(connection, 1)
    with pytest.raises(SendError, match="550"):
        connection.offer(example(2))
    assert connection.alive
    send(connection, 3)
    assert len(kept.messages) == 2


@pytest.mark.parametrize(
    "error",
    [InDoubt("the answer was lost"), SendError("bye", scope="connection", permanent=False, code=421)],
)
def test_it_fails_after_so_many_and_a_lost_connection_says_so(kept: Box, error: Exception) -> None:
    kept.on_hand_over = failing_after(2, error)  # type: ignore[arg-type]
    connection = connect()
    send(connection, 1)
    send(connection, 2)
    with pytest.raises(type(error)):
        send(connection, 3)
    assert not connection.alive
    with pytest.raises(SendError):
        connection.offer(example(4))
    assert len(kept.messages) == 2


def test_it_can_be_out_of_reach(kept: Box) -> None:
    def closed() -> None:
        raise Unavailable("nobody there")

    kept.on_open = closed
    with pytest.raises(Unavailable):
        connect()
    assert kept.opened == 0


def test_a_message_that_breaks_a_promise_never_gets_in(kept: Box) -> None:
    connection = connect()
    for body in (b".\r\n", b"a\nb\r\n", "é\r\n".encode(), b"x" * 999 + b"\r\n", b"no end", b"\0\r\n", b"a\rb\r\n"):
        with pytest.raises(SendError, match="not fit for the wire") as caught:
            connection.offer(example(1, body=body))
        assert caught.value.permanent
    with pytest.raises(SendError, match="not fit for the wire"):
        connection.offer(Message("a@example.org", "b@example.org>\r\nDATA", example(1).data))
    assert kept.messages == []
