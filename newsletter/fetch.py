"""The only outgoing HTTP: guarded, capped, conditional.

Every address a source names is hostile. Before each connection, also after a redirect, the host is resolved, *every*
answer is checked, and the connection goes to the checked address itself: nothing can be swapped between the check and
the use (DNS rebinding), while TLS still verifies the name. Only public addresses are reachable unless named in
`allow_private`. Sizes are counted as they arrive, on the wire and unpacked; one deadline covers the whole request.

What it does not know: what the bytes mean (`sources`), when to ask again (`weekly`). It keeps no cookie between
requests, sends no credential, and reads no proxy or netrc settings from the environment. Raises `FetchError`, one
sentence each.
"""

from __future__ import annotations

import ipaddress
import queue
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urljoin, urlsplit

import httpcore2
import httpx2

from newsletter import __version__
from newsletter.errors import SourceError
from newsletter.links import ascii_host, refusal

MAX_REDIRECTS = 5
HEADROOM = 256 * 1024
"""Bytes on the wire beyond the cap that headers, redirects and TLS may take."""

# `ipaddress.is_global` is true for these, and each reaches somewhere private: multicast, site-local, and the ways of
# writing an IPv4 address inside an IPv6 one (RFC 6052, RFC 3056, RFC 7526, RFC 8215).
_DENIED = tuple(
    ipaddress.ip_network(text)
    for text in (
        "224.0.0.0/4", "192.88.99.0/24", "ff00::/8", "fec0::/10", "::/96", "64:ff9b::/96", "64:ff9b:1::/48",
        "2002::/16", "2001::/23", "3fff::/20", "5f00::/16",
    )
)  # fmt: skip
_PERMANENT = (301, 308)
_REDIRECTS = (301, 302, 303, 307, 308)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class FetchError(SourceError):
    """Nothing usable came back. `status` is the HTTP status when there was one; `gone` means it will not return."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status

    @property
    def gone(self) -> bool:
        return self.status == 410


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a server answered: status 200 to 299, or 304 with `not_modified` and no body.

    `url` is where the answer came from after redirects. `headers` has lower-case names. `etag` and `last_modified` are
    what to say next time. `permanent_redirect_to` is the new address when the first hops said "moved for good".
    """

    status: int
    url: str
    headers: Mapping[str, str]
    body: bytes
    etag: str = ""
    last_modified: str = ""
    not_modified: bool = False
    permanent_redirect_to: str = ""


class Fetcher:
    """Gets addresses. Safe to use from many threads at once; it keeps no connection and no state.

    `allow_private` names hosts (`intranet.example`) and addresses or networks (`127.0.0.1`, `10.0.0.0/8`) that may be
    reached although they are not public. Times are in seconds: `timeout_total` covers name look-up, every redirect and
    the last byte.
    """

    def __init__(
        self,
        *,
        allow_private: Iterable[str] = (),
        timeout_total: float = 15,
        connect: float = 5,
        max_bytes: int = 8 * 1024 * 1024,
        user_agent: str = f"newsletter/{__version__}",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._allow_private = tuple(allow_private)
        self._allowed = _Allowed.read(self._allow_private)
        self._timeout_total = timeout_total
        self._connect = connect
        self._max_bytes = max_bytes
        self._user_agent = user_agent
        self._tls = tls or httpx2.create_ssl_context(trust_env=True)

    def allowing(self, allow_private: Iterable[str]) -> Fetcher:
        """The same fetcher that may also reach these private hosts or networks."""
        allow_private = tuple(allow_private)
        if not allow_private:
            return self
        return Fetcher(
            allow_private=(*self._allow_private, *allow_private),
            timeout_total=self._timeout_total,
            connect=self._connect,
            max_bytes=self._max_bytes,
            user_agent=self._user_agent,
            tls=self._tls,
        )

    def get(
        self, url: str, *, etag: str = "", last_modified: str = "", max_bytes: int | None = None, accept: str = ""
    ) -> Fetched:
        """The answer to a GET, following up to five redirects. `etag` and `last_modified` make it conditional."""
        cap = max_bytes or self._max_bytes
        deadline = time.monotonic() + self._timeout_total
        headers = {
            "User-Agent": self._user_agent,
            "Accept": accept or "*/*",
            "Accept-Encoding": "gzip, deflate",
        }
        for name, value in (("If-None-Match", etag), ("If-Modified-Since", last_modified)):
            headers |= {name: value} if value and value.isascii() and value.isprintable() else {}
        wire = _Wire(self._allowed, deadline=deadline, connect=self._connect, max_bytes=cap + HEADROOM)
        with httpx2.Client(transport=_Transport(wire, self._tls), trust_env=False, headers=headers) as client:
            try:
                return _follow(client, url, cap=cap, conditional=bool(etag or last_modified))
            except _TooBigError as error:
                raise FetchError(f"{_host(url)} sent more than {_size(cap)}; is this the right address?") from error
            except (httpx2.TimeoutException, httpcore2.TimeoutException) as error:
                raise FetchError(
                    f"{_host(url)} did not answer completely within {self._timeout_total:g} seconds; try again later"
                ) from error
            except (httpx2.HTTPError, httpx2.InvalidURL, httpcore2.NetworkError, httpcore2.ProtocolError) as error:
                raise FetchError(f"{_host(url)} could not be read ({_reason(error)}); check the address") from error


def _follow(client: httpx2.Client, url: str, *, cap: int, conditional: bool) -> Fetched:
    """The first answer that is no redirect."""
    moved_to = ""
    all_permanent = True
    here = url
    for _hop in range(MAX_REDIRECTS + 1):
        _check_url(here, came_from=url if here != url else "")
        with client.stream("GET", here) as response:
            if response.status_code not in _REDIRECTS:
                answer = _answer(response, here, cap=cap, conditional=conditional)
                return replace(answer, permanent_redirect_to=moved_to)
            target = response.headers.get("location", "")
            if not target:
                raise FetchError(f"{_host(here)} redirects without saying where to; check the address {here}")
            all_permanent = all_permanent and response.status_code in _PERMANENT
            here = urljoin(here, target.replace(" ", "%20"))
            moved_to = here if all_permanent else moved_to
    raise FetchError(f"{_host(url)} redirects more than {MAX_REDIRECTS} times; check the address {url}")


def _check_url(url: str, *, came_from: str) -> None:
    """Refuses what is not a plain http(s) address, in the URL given or in one a redirect named."""
    if reason := refusal(url):
        who = f"{_host(came_from)} redirects to an address that" if came_from else f"the address {url[:200]!r}"
        raise FetchError(f"{who} {reason}; only plain http:// and https:// addresses are read")


def _answer(response: httpx2.Response, url: str, *, cap: int, conditional: bool) -> Fetched:
    status = response.status_code
    headers = {name.lower(): value for name, value in response.headers.items()}
    if status != 304 and not 200 <= status < 300:
        raise FetchError(_refusal(status, _host(url), headers), status=status)
    if status == 304 and not conditional:
        raise FetchError(f"{_host(url)} answered 304 though nothing was known before; try again later", status=304)
    coding = headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("gzip", "deflate", "identity", ""):
        raise FetchError(f"{_host(url)} packs its answer as {coding[:40]!r}, which was not asked for")
    body = bytearray()
    if status != 304:
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > cap:
                raise _TooBigError
    return Fetched(
        status=status,
        url=url,
        headers=headers,
        body=bytes(body),
        etag=headers.get("etag", ""),
        last_modified=headers.get("last-modified", ""),
        not_modified=status == 304,
    )


def _refusal(status: int, host: str, headers: Mapping[str, str]) -> str:
    after = headers.get("retry-after", "").strip()[:60]
    when = f"; it asks to come back {f'in {after} seconds' if after.isdigit() else f'after {after}'}" if after else ""
    if status == 410:
        return f"{host} says this address is gone for good (410); remove the source or give its new address"
    if status == 404:
        return f"{host} knows no such address (404); check it"
    if status in (401, 403):
        return f"{host} refuses access ({status}); ask its owner, or check the address"
    if status == 429:
        return f"{host} says that it was asked too often (429){when or '; pull less often'}"
    if status >= 500:
        return f"{host} has trouble of its own ({status}){when or '; try again later'}"
    return f"{host} answered {status}, which is not a page; check the address"


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or url[:80]
    except ValueError:
        return url[:80]


def _size(count: int) -> str:
    return f"{count / 1024 / 1024:g} MiB" if count >= 1024 * 1024 else f"{count:,} bytes"


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text[:200]


class _TooBigError(Exception):
    """More bytes arrived than the cap allows."""


@dataclass(frozen=True, slots=True)
class _Allowed:
    """The private places that may be reached: host names, and networks."""

    hosts: frozenset[str]
    networks: tuple[Network, ...]

    @classmethod
    def read(cls, entries: Iterable[str]) -> _Allowed:
        hosts, networks = set(), []
        for entry in entries:
            try:
                networks.append(ipaddress.ip_network(entry.strip("[] "), strict=False))
            except ValueError:
                hosts.add(_name(entry.strip()))
        return cls(frozenset(hosts), tuple(networks))

    def permits(self, host: str, address: Address) -> bool:
        if _name(host) in self.hosts or any(address in network for network in self.networks):
            return True
        return is_public(address)


def _name(host: str) -> str:
    """A host name in the one spelling that is compared."""
    try:
        return ascii_host(host).rstrip(".")
    except ValueError:
        return host.rstrip(".").lower()


def is_public(address: Address) -> bool:
    """Whether an address lies on the public Internet, looking inside IPv4-mapped ones (RFC 4291 §2.5.5.2)."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return is_public(address.ipv4_mapped)
    return address.is_global and not any(address in network for network in _DENIED)


class _Wire(httpcore2.NetworkBackend):
    """The connections of one request, each to a checked address, all under one deadline and one count of bytes."""

    def __init__(self, allowed: _Allowed, *, deadline: float, connect: float, max_bytes: int) -> None:
        self._allowed = allowed
        self._deadline = deadline
        self._connect = connect
        self._bytes_left = max_bytes

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
                    timeout=min(self._connect, self.left()),
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
        if self._bytes_left < 0:
            raise _TooBigError

    def _checked(self, host: str, port: int) -> list[Address]:
        """Every address of a host. Raises `FetchError` if a single one is not allowed: a mixed answer is an attack."""
        addresses = _resolve(host, port, seconds=self.left())
        for address in addresses:
            if not self._allowed.permits(host, address):
                raise FetchError(
                    f"{host} lies at the private address {address}, which is not read; if you mean it, add "
                    f'allow_private = ["{host}"] to the source'
                )
        return addresses[:4]


class _Stream(httpcore2.NetworkStream):
    """A connection whose every read and write is counted and ends at the deadline."""

    def __init__(self, inner: httpcore2.NetworkStream, wire: _Wire) -> None:
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


class _Transport(httpx2.BaseTransport):
    """httpx2 over the guarded wire. Errors stay httpcore2's; `Fetcher.get` translates both families at once."""

    def __init__(self, wire: _Wire, tls: ssl.SSLContext) -> None:
        self._pool = httpcore2.ConnectionPool(ssl_context=tls, max_connections=1, network_backend=wire)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        answer = self._pool.handle_request(
            httpcore2.Request(
                method=request.method,
                url=httpcore2.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                extensions=request.extensions,
            )
        )
        return httpx2.Response(
            answer.status, headers=answer.headers, stream=_Body(answer), extensions=answer.extensions
        )

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
        raise FetchError(
            f"the name {host} cannot be found ({answer.strerror or answer}); check the address"
        ) from answer
    return answer
