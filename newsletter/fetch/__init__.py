"""The only outgoing HTTP: guarded, capped, conditional.

Every address a source names is hostile. Before each connection, also after a redirect, the host is resolved, *every*
answer is checked, and the connection goes to the checked address itself: nothing can be swapped between the check and
the use (DNS rebinding), while TLS still verifies the name. Only public addresses are reachable unless named in
`allow_private`. Sizes are counted as they arrive, on the wire and unpacked; one deadline covers the whole request. A
body cut before its end is a failed read. One host gets two connections at a time, whoever asks.

What it does not know: what the bytes mean (`sources`), when to ask again (`weekly`). It keeps no cookie between
requests, sends no credential, and reads no proxy or netrc settings from the environment. Raises `FetchError`, one
sentence each.
"""

from __future__ import annotations

import ssl
import time
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from urllib.parse import urljoin, urlsplit

import httpcore2
import httpx2

from newsletter import __version__
from newsletter.errors import FetchError, counted
from newsletter.fetch.allowed import Allowed
from newsletter.fetch.hosts import HostLimit
from newsletter.fetch.transport import PrivateAddressError, TooBigError, Transport, Wire
from newsletter.fetch.unpacking import CODINGS, CutOffError, unpacked
from newsletter.links import refusal

__all__ = ["FetchError", "Fetched", "Fetcher"]

USER_AGENT = f"newsletter/{__version__}"
MAX_REDIRECTS = 5
MAX_BYTES = 8 * 1024 * 1024
PER_HOST = 2
HEADROOM = 256 * 1024
"""Bytes on the wire beyond the cap that headers, redirects and TLS may take."""

_PERMANENT = (301, 308)
_REDIRECTS = (301, 302, 303, 307, 308)
_UNREADABLE = (httpx2.HTTPError, httpx2.InvalidURL, httpcore2.NetworkError, httpcore2.ProtocolError, zlib.error)


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


@dataclass(frozen=True, kw_only=True, eq=False)
class Fetcher:
    """Gets addresses. Safe to use from many threads at once; it keeps no connection.

    `allow_private` names hosts (`intranet.example`) and addresses or networks (`127.0.0.1`, `10.0.0.0/8`) that may be
    reached although they are not public. Times are in seconds: `timeout_total` covers name look-up, every redirect and
    the last byte, and not the wait for a place at a host that others are reading from.
    """

    allow_private: Collection[str] = ()
    timeout_total: float = 15
    tls: ssl.SSLContext = field(default_factory=lambda: httpx2.create_ssl_context(trust_env=True))
    hosts: HostLimit = field(default_factory=lambda: HostLimit(PER_HOST))

    def allowing(self, allow_private: Collection[str]) -> Fetcher:
        """The same fetcher that may also reach these private hosts or networks."""
        return replace(self, allow_private=(*self.allow_private, *allow_private))

    def get(
        self,
        url: str,
        *,
        etag: str = "",
        last_modified: str = "",
        max_bytes: int = MAX_BYTES,
        accept: str = "*/*",
        secret: bool = False,
    ) -> Fetched:
        """The answer to a GET, following up to five redirects. `etag` and `last_modified` make it conditional.

        `secret`: the address holds a key, so that no redirect to another host, or out of TLS, is followed.
        """
        headers = {"User-Agent": USER_AGENT, "Accept": accept, "Accept-Encoding": "gzip, deflate"}
        for name, value in (("If-None-Match", etag), ("If-Modified-Since", last_modified)):
            headers |= {name: value} if value and value.isascii() and value.isprintable() else {}
        deadline = time.monotonic() + self.timeout_total
        wire = Wire(Allowed.read(self.allow_private), deadline=deadline, max_bytes=max_bytes + HEADROOM)
        with httpx2.Client(transport=Transport(wire, self.tls), trust_env=False, headers=headers) as client:
            try:
                conditional = bool(etag or last_modified)
                return self._follow(client, url, wire, cap=max_bytes, conditional=conditional, secret=secret)
            except CutOffError as error:
                raise FetchError(f"{_host(url)} sent a packed answer that stops midway; try again later") from error
            except TooBigError as error:
                large = f"sent more than {_size(max_bytes)}"
                raise FetchError(f"{_host(url)} {large}; is this the right address?") from error
            except (httpx2.TimeoutException, httpcore2.TimeoutException) as error:
                late = f"did not answer completely within {counted(self.timeout_total, 'second')}"
                raise FetchError(f"{_host(url)} {late}; try again later") from error
            except _UNREADABLE as error:
                raise FetchError(f"{_host(url)} could not be read ({_reason(error)}); check the address") from error

    def _follow(
        self, client: httpx2.Client, url: str, wire: Wire, *, cap: int, conditional: bool, secret: bool
    ) -> Fetched:
        """The first answer that is no redirect. Every address is looked at, also those that redirects name."""
        moved_to, all_permanent, here = "", True, url
        for hop in range(MAX_REDIRECTS + 1):
            if reason := refusal(here):
                who = f"{_host(url)} redirects to an address that" if hop else f"the address {url[:200]!r}"
                raise FetchError(f"{who} {reason}; only plain http:// and https:// addresses are read")
            with self.hosts.place(_host(here)) as waited, _private_refused(chosen_by=_host(url) if hop else ""):
                wire.extend(waited)
                with client.stream("GET", here) as response:
                    if response.status_code not in _REDIRECTS:
                        return _answer(response, here, cap=cap, conditional=conditional, moved_to=moved_to)
                    target = response.headers.get("location", "")
            if not target:
                raise FetchError(f"{_host(here)} redirects without saying where to; check the address {here}")
            all_permanent = all_permanent and response.status_code in _PERMANENT
            before, here = here, urljoin(here, target.replace(" ", "%20"))
            if secret and (_host(here) != _host(before) or (before.startswith("https:") and here.startswith("http:"))):
                raise FetchError(
                    f"{_host(url)} redirects to {_host(here)}, which must not see the key; correct the url"
                )
            moved_to = here if all_permanent else moved_to
        raise FetchError(f"{_host(url)} redirects more than {MAX_REDIRECTS} times; check the address {url}")


@contextmanager
def _private_refused(*, chosen_by: str) -> Iterator[None]:
    """Words for a private address. Only what the operator wrote is theirs to allow, not what a redirect chose."""
    try:
        yield
    except PrivateAddressError as error:
        host, where = error.host, f"lies at the private address {error.address}, which is not read"
        if chosen_by:
            raise FetchError(f"{chosen_by} redirects to {host}, which {where}; check the address") from error
        advice = f'if you mean it, add allow_private = ["{host}"] to the source'
        raise FetchError(f"{host} {where}; {advice}") from error


def _answer(response: httpx2.Response, url: str, *, cap: int, conditional: bool, moved_to: str) -> Fetched:
    status = response.status_code
    headers = {name.lower(): value for name, value in response.headers.items()}
    if status != 304 and not 200 <= status < 300:
        raise FetchError(_refusal(status, _host(url), headers), status=status)
    if status == 304 and not conditional:
        raise FetchError(f"{_host(url)} answered 304 though nothing was known before; try again later", status=304)
    coding = headers.get("content-encoding", "identity").strip().lower()
    if coding not in CODINGS:
        raise FetchError(f"{_host(url)} packs its answer as {coding[:40]!r}, which was not asked for")
    body = bytearray()
    if status != 304:
        for chunk in unpacked(response.iter_raw(), coding):
            body += chunk
            if len(body) > cap:
                raise TooBigError
    return Fetched(
        status=status,
        url=url,
        headers=headers,
        body=bytes(body),
        etag=headers.get("etag", ""),
        last_modified=headers.get("last-modified", ""),
        not_modified=status == 304,
        permanent_redirect_to=moved_to,
    )


def _refusal(status: int, host: str, headers: Mapping[str, str]) -> str:
    after = headers.get("retry-after", "").strip()[:60]
    in_time = f"in {counted(int(after), 'second')}" if after.isdecimal() else f"after {after}"
    when = f"; it asks to come back {in_time}" if after else ""
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
    return (" ".join(str(error).split()) or type(error).__name__)[:200]
