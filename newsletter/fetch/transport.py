"""httpx2 over connections that are checked, counted and ended at a deadline. Raises `FetchError` and httpcore2's."""

from __future__ import annotations

import ipaddress
import queue
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import httpcore2
import httpx2

from newsletter.errors import FetchError
from newsletter.fetch.allowed import Address, Allowed

CONNECT_SECONDS = 5
MAX_HEAD = 256 * 1024
"""Bytes of one answer before its body begins: its headers, and whatever number of `1xx` answers go before them."""


class TooBigError(Exception):
    """More bytes arrived than the cap allows."""


class PrivateAddressError(Exception):
    """A host lies at an address that may not be reached."""

    def __init__(self, host: str, address: Address) -> None:
        super().__init__(f"{host} lies at {address}")
        self.host = host
        self.address = address


class Wire(httpcore2.NetworkBackend):
    """The connections of one request, each to a checked address, all under one deadline and one count of bytes."""

    def __init__(self, allowed: Allowed, *, deadline: float, max_bytes: int) -> None:
        self._allowed = allowed
        self._deadline = deadline
        self._bytes_left = max_bytes
        self._head_left: int | None = None

    def extend(self, seconds: float) -> None:
        """Move the deadline: this time was spent waiting for a place, and not for an answer."""
        self._deadline += seconds

    @contextmanager
    def head(self) -> Iterator[None]:
        """Inside, what arrives is the head of an answer. httpcore2 would read `1xx` answers for ever."""
        self._head_left = MAX_HEAD
        yield
        self._head_left = None

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline of the whole request rules
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        addresses = self._checked(host, port)
        backend = httpcore2.SyncBackend()
        for position, address in enumerate(addresses):
            try:
                stream = backend.connect_tcp(
                    str(address),
                    port,
                    timeout=min(CONNECT_SECONDS, self.left()),
                    local_address=local_address,
                    socket_options=socket_options,
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                if position == len(addresses) - 1:
                    raise
            else:
                return _Stream(stream, self)
        raise httpcore2.ConnectError("the name has no address")

    def left(self) -> float:
        """Seconds until the deadline. Raises `ReadTimeout` when it has passed."""
        seconds = self._deadline - time.monotonic()
        if seconds <= 0:
            raise httpcore2.ReadTimeout("time is up")
        return seconds

    def count(self, size: int) -> None:
        self._bytes_left -= size
        if self._head_left is not None:
            self._head_left -= size
            if self._head_left < 0:
                raise httpcore2.RemoteProtocolError("its headers do not end")
        if self._bytes_left < 0:
            raise TooBigError

    def _checked(self, host: str, port: int) -> list[Address]:
        """Every address of a host. Raises `PrivateAddressError` for a single bad one: a mixed answer is an attack."""
        addresses = _resolve(host, port, seconds=self.left())
        for address in addresses:
            if not self._allowed.permits(host, address):
                raise PrivateAddressError(host, address)
        return addresses[:4]


class _Stream(httpcore2.NetworkStream):
    """A connection whose every read and write is counted and ends at the deadline."""

    def __init__(self, inner: httpcore2.NetworkStream, wire: Wire) -> None:
        self._inner = inner
        self._wire = wire

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - the deadline rules
        data = self._inner.read(max_bytes, timeout=self._wire.left())
        self._wire.count(len(data))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - the deadline rules
        self._inner.write(buffer, timeout=self._wire.left())

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - the deadline rules
    ) -> httpcore2.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, timeout=self._wire.left()), self._wire)

    def get_extra_info(self, info: str) -> object:
        return self._inner.get_extra_info(info)


class Transport(httpx2.BaseTransport):
    """httpx2 over the guarded wire. Errors stay httpcore2's; `Fetcher.get` translates both families at once."""

    def __init__(self, wire: Wire, tls: ssl.SSLContext) -> None:
        self._wire = wire
        self._pool = httpcore2.ConnectionPool(ssl_context=tls, max_connections=1, network_backend=wire)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        url = request.url
        target = httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        asked = httpcore2.Request(request.method, target, headers=request.headers.raw, extensions=request.extensions)
        with self._wire.head():
            answer = self._pool.handle_request(asked)
        body = _Body(answer)
        return httpx2.Response(answer.status, headers=answer.headers, stream=body, extensions=answer.extensions)

    def close(self) -> None:
        self._pool.close()


class _Body(httpx2.SyncByteStream):
    """The bytes of an answer as they come."""

    def __init__(self, answer: httpcore2.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


def _resolve(host: str, port: int, *, seconds: float) -> list[Address]:
    """The addresses of a host, within a time: `getaddrinfo` has no time limit of its own, so it runs beside."""
    answers: queue.SimpleQueue[list[Address] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.put(list(dict.fromkeys(ipaddress.ip_address(entry[4][0]) for entry in found)))
        except (OSError, UnicodeError, ValueError) as error:
            answers.put(error if isinstance(error, OSError) else OSError(str(error)))

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty as error:
        raise httpcore2.ConnectTimeout("the name look-up took too long") from error
    if isinstance(answer, OSError):
        why = answer.strerror or answer
        raise FetchError(f"the name {host} cannot be found ({why}); check the address") from answer
    return answer
