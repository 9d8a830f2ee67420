"""A line to an SMTP server: send bytes, wait for one reply, notice what was said unasked. The only socket calls.

What it does not know: what the commands mean. Everything that goes wrong is `Lost`, with a reason that fits into
"the server …". Every wait has an end, also when the server sends one byte at a time.
"""

from __future__ import annotations

import select
import socket
import ssl
import time

from newsletter.backends.smtp.replies import Answer, Garbled, parse
from newsletter.errors import counted


class Lost(Exception):
    """The line is of no more use; the text says what the server did, as the end of a sentence."""


class Line:
    """`seconds` is how long one sending or one reply may take."""

    def __init__(self, sock: socket.socket, *, seconds: float) -> None:
        self._sock = sock
        self._arrived = b""
        self._timeout = sock.gettimeout()
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)
        self.seconds = seconds

    @property
    def encrypted(self) -> bool:
        return isinstance(self._sock, ssl.SSLSocket)

    @property
    def own_address(self) -> str:
        return str(self._sock.getsockname()[0])

    @property
    def peer_address(self) -> str:
        return str(self._sock.getpeername()[0])

    @property
    def unread(self) -> bool:
        """Whether the server has said more than it was asked, as far as has arrived."""
        return bool(self._arrived)

    def encrypt(self, context: ssl.SSLContext, *, host: str) -> None:
        """Start TLS. What arrived in the clear and was not asked for is thrown away. Raises `ssl.SSLError`, `Lost`."""
        self._arrived = b""
        try:
            self._wait_for(self.seconds)
            self._sock = context.wrap_socket(self._sock, server_hostname=host)
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:
            raise Lost("closed the connection while TLS was starting") from error
        except ssl.SSLError:
            raise
        except OSError as error:
            raise _lost(error, seconds=self.seconds) from error

    def _wait_for(self, seconds: float) -> None:
        if seconds != self._timeout:  # a system call each time
            self._sock.settimeout(seconds)
            self._timeout = seconds

    def send(self, data: bytes) -> None:
        """Hand all of it to the system. Raises `Lost`; then any part of it may have gone out."""
        try:
            self._wait_for(self.seconds)
            self._sock.sendall(data)
        except OSError as error:
            raise _lost(error, seconds=self.seconds) from error

    def answer(self, *, seconds: float = 0) -> Answer:
        """The next reply, waited for at most `seconds` in all. Raises `Lost`."""
        seconds = seconds or self.seconds
        left, deadline = seconds, 0.0
        while (answer := self._whole()) is None:
            try:
                self._wait_for(left)
                deadline = deadline or time.monotonic() + seconds
                data = self._sock.recv(4096)
            except OSError as error:
                raise _lost(error, seconds=seconds) from error
            if not data:
                raise Lost("closed the connection" + (" in the middle of a reply" if self._arrived else ""))
            self._arrived += data
            left = max(deadline - time.monotonic(), 0.001)
        return answer

    def overheard(self) -> Answer | None:
        """What the server said unasked, without waiting. Raises `Lost` when it is gone."""
        deciphered = self._sock.pending() if isinstance(self._sock, ssl.SSLSocket) else 0
        if not (self._arrived or deciphered or self._poll.poll(0)):
            return None
        try:
            self._wait_for(0)
            data = self._sock.recv(4096)
        except (BlockingIOError, ssl.SSLWantReadError):
            data = b""
        except OSError as error:
            raise _lost(error, seconds=0) from error
        else:
            if not data:
                raise Lost("closed the connection")
        self._arrived += data
        answer = self._whole()
        if answer is None:
            self.expect_silence()
        return answer

    def expect_silence(self) -> None:
        """Raise `Lost` when more has arrived than was asked for: every later answer would be taken for another's."""
        if self._arrived:
            raise Lost("spoke out of turn")

    def close(self) -> None:
        self._sock.close()

    def _whole(self) -> Answer | None:
        if not self._arrived:
            return None
        try:
            found = parse(self._arrived)
        except Garbled as error:
            raise Lost("said something that is not SMTP") from error
        if found is None:
            return None
        answer, used = found
        self._arrived = self._arrived[used:]
        return answer


def _lost(error: OSError, *, seconds: float) -> Lost:
    if isinstance(error, TimeoutError):
        return Lost(f"did not answer within {counted(seconds, 'second')}")
    return Lost(f"lost the connection ({error.strerror or error})")
