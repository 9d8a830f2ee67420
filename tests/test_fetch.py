from __future__ import annotations

import gzip
import http.server
import ipaddress
import socket
import ssl
import threading
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import trustme

from newsletter.fetch import Fetcher, FetchError
from newsletter.fetch.allowed import Allowed, is_public
from tests.times import PATIENCE

Answer = Callable[[http.server.BaseHTTPRequestHandler], None]


class Site:
    """A real HTTP server on loopback whose pages are functions."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.pages: dict[str, Answer] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        site = self

        class Pages(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                site.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                site.pages[self.path](self)

            def log_message(self, *_args: object) -> None: ...

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_args: object) -> None: ...

        self.server = Server(("127.0.0.1", 0), Pages)
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def page(self, path: str, body: bytes = b"", status: int = 200, **headers: str) -> None:
        def answer(request: http.server.BaseHTTPRequestHandler) -> None:
            request.send_response(status)
            for name, value in headers.items():
                request.send_header(name.replace("_", "-"), value)
            if status != 304:
                request.send_header("Content-Length", str(len(body)))
            request.end_headers()
            request.wfile.write(body)

        self.pages[path] = answer

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


UP_SOON = 1  # seconds: where the time has to run out
DRIP = 0.02  # seconds between two bytes


@pytest.fixture
def site() -> Iterator[Site]:
    server = Site()
    yield server
    server.close()


@pytest.fixture
def fetcher() -> Fetcher:
    return Fetcher(allow_private=("127.0.0.1",), timeout_total=PATIENCE)


def test_a_page_comes_back_with_its_headers(site: Site, fetcher: Fetcher) -> None:
    site.page("/feed", b"<rss/>", Content_Type="application/rss+xml", ETag='"one"', Last_Modified="Mon, 05 Feb 2024")
    answer = fetcher.get(site.url + "/feed", accept="application/rss+xml")
    assert (answer.status, answer.body, answer.etag, answer.not_modified) == (200, b"<rss/>", '"one"', False)
    assert answer.headers["content-type"] == "application/rss+xml"
    assert answer.url == site.url + "/feed"
    sent = site.requests[0][1]
    assert sent["accept"] == "application/rss+xml"
    assert sent["accept-encoding"] == "gzip, deflate"
    assert sent["user-agent"].startswith("newsletter/")


def test_asking_again_with_what_was_remembered_gives_not_modified(site: Site, fetcher: Fetcher) -> None:
    site.page("/feed", status=304, ETag='"one"')
    answer = fetcher.get(site.url + "/feed", etag='"one"', last_modified="Mon, 05 Feb 2024 10:00:00 GMT")
    assert answer.not_modified
    assert answer.body == b""
    sent = site.requests[0][1]
    assert (sent["if-none-match"], sent["if-modified-since"]) == ('"one"', "Mon, 05 Feb 2024 10:00:00 GMT")


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "127.1", "0x7f.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]"],
)
def test_the_own_machine_is_not_reached_whatever_it_is_called(site: Site, host: str) -> None:
    site.page("/", b"secret")
    with pytest.raises(FetchError, match=r"private address|cannot be found"):
        Fetcher(timeout_total=PATIENCE).get(f"http://{host}:{site.port}/")
    assert site.requests == []


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1", "172.16.0.1", "192.168.1.1", "127.0.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1", "192.88.99.1", "::1", "::", "fe80::1", "fc00::1",
        "fec0::1", "ff02::1", "::ffff:10.0.0.1", "::10.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::1", "2002:a00:1::",
        "2001:0:1::1", "2001:db8::1",
    ],
)  # fmt: skip
def test_an_address_off_the_public_internet_is_refused(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["93.184.216.34", "1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1"])
def test_a_public_address_is_allowed(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


def test_the_refusal_says_how_to_allow_it() -> None:
    with pytest.raises(FetchError, match=r'10\.1\.2\.3.*allow_private = \["10\.1\.2\.3"\]'):
        Fetcher().get("http://10.1.2.3/")


def test_a_private_host_is_reached_when_its_name_or_network_is_allowed(site: Site) -> None:
    site.page("/", b"intranet")
    for allowed in ("127.0.0.0/8", "127.0.0.1"):
        assert Fetcher().allowing([allowed]).get(site.url + "/").body == b"intranet"
    by_name = Fetcher(allow_private=["LOCALHOST"])
    assert by_name.get(f"http://localhost:{site.port}/").body == b"intranet"
    with pytest.raises(FetchError, match="private"):
        by_name.get(site.url + "/")


def test_a_redirect_into_the_private_net_is_refused(site: Site, fetcher: Fetcher) -> None:
    site.page("/out", status=302, Location=f"http://127.0.0.2:{site.port}/secret")
    with pytest.raises(FetchError, match=r"127\.0\.0\.1 redirects to 127\.0\.0\.2.* private address") as refused:
        fetcher.get(site.url + "/out")
    assert "allow_private" not in str(refused.value)
    assert [path for path, _ in site.requests] == ["/out"]


def test_the_name_is_looked_up_once_and_the_checked_address_is_used(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.page("/", b"first answer")
    answers = iter(["127.0.0.1", "169.254.169.254"])
    really = socket.getaddrinfo

    def rebinding(host: str, *args: object, **kwargs: object) -> list[object]:
        return really(next(answers) if host == "rebinding.example" else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    fetcher = Fetcher(allow_private=("127.0.0.1",))
    assert fetcher.get(f"http://rebinding.example:{site.port}/").body == b"first answer"
    assert site.requests[0][1]["host"] == f"rebinding.example:{site.port}"
    with pytest.raises(FetchError, match="private"):
        fetcher.get(f"http://rebinding.example:{site.port}/")


def test_a_name_with_one_private_address_among_public_ones_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    mixed = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, 80)) for host in ("93.184.216.34", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_kwargs: mixed)
    with pytest.raises(FetchError, match=r"10\.0\.0\.1"):
        Fetcher().get("http://mixed.example/")


def test_a_private_host_may_be_named_in_its_own_letters() -> None:
    allowed = Allowed.read(["Büro.example."])
    assert allowed.permits("xn--bro-hoa.example", ipaddress.ip_address("10.0.0.1"))
    assert not allowed.permits("xn--bro-hoa.example.org", ipaddress.ip_address("10.0.0.1"))


def test_a_redirect_with_a_space_in_it_is_followed(fetcher: Fetcher, site: Site) -> None:
    site.page("/old", status=301, Location="/new page")
    site.page("/new%20page", b"there")
    assert fetcher.get(site.url + "/old").body == b"there"


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "ftp://example.com/", "gopher://x/", "data:text/plain,x", "nonsense", "http://"]
)
def test_only_web_addresses_are_read(fetcher: Fetcher, site: Site, target: str) -> None:
    with pytest.raises(FetchError, match="only plain http:// and https:// addresses"):
        fetcher.get(target)
    site.page("/", status=302, Location=target)
    if ":" in target and target != "http://":
        with pytest.raises(FetchError, match="only plain http:// and https:// addresses"):
            fetcher.get(site.url + "/")


def test_a_password_in_the_address_is_refused(fetcher: Fetcher, site: Site) -> None:
    with pytest.raises(FetchError, match="user name or password"):
        fetcher.get(f"http://user:secret@127.0.0.1:{site.port}/")
    site.page("/", status=302, Location=f"http://user:secret@127.0.0.1:{site.port}/b")
    with pytest.raises(FetchError, match="user name or password"):
        fetcher.get(site.url + "/")


def test_redirects_are_followed_and_a_permanent_one_is_told(site: Site, fetcher: Fetcher) -> None:
    site.page("/old", status=301, Location="/new")
    site.page("/new", status=302, Location="/now")
    site.page("/now", b"here")
    answer = fetcher.get(site.url + "/old")
    assert (answer.body, answer.url) == (b"here", site.url + "/now")
    assert answer.permanent_redirect_to == site.url + "/new"


def test_a_circle_of_redirects_ends(site: Site, fetcher: Fetcher) -> None:
    site.page("/a", status=302, Location="/a")
    with pytest.raises(FetchError, match="more than 5 times"):
        fetcher.get(site.url + "/a")
    assert len(site.requests) == 6


def test_a_packed_answer_is_unpacked_and_its_unpacked_size_is_what_counts(site: Site, fetcher: Fetcher) -> None:
    site.page("/small", gzip.compress(b"hello"), Content_Encoding="gzip")
    assert fetcher.get(site.url + "/small").body == b"hello"
    site.page("/bomb", gzip.compress(b"\0" * 50_000_000), Content_Encoding="gzip")
    with pytest.raises(FetchError, match="more than 1 MiB"):
        fetcher.get(site.url + "/bomb", max_bytes=1024 * 1024)


def test_bytes_after_the_end_of_a_packed_answer_count_too(site: Site, fetcher: Fetcher) -> None:
    site.page("/tail", gzip.compress(b"x") + b"\0" * 2_000_000, Content_Encoding="gzip")
    with pytest.raises(FetchError, match="more than 100,000 bytes"):
        fetcher.get(site.url + "/tail", max_bytes=100_000)


@pytest.mark.parametrize(("coding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
@pytest.mark.parametrize("lost", [1, 8, 20])
def test_a_packed_answer_that_was_cut_is_a_failed_read(
    site: Site, fetcher: Fetcher, coding: str, pack: Callable[[bytes], bytes], lost: int
) -> None:
    whole = pack(b"<item>one</item><item>another</item>" * 500)
    site.page("/whole", whole, Content_Encoding=coding)
    assert fetcher.get(site.url + "/whole").body.endswith(b"another</item>")
    site.page("/cut", whole[:-lost], Content_Encoding=coding)
    with pytest.raises(FetchError, match="stops midway; try again later"):
        fetcher.get(site.url + "/cut")


def test_a_packed_answer_may_have_members_or_lack_the_head_of_its_form(site: Site, fetcher: Fetcher) -> None:
    site.page("/members", gzip.compress(b"one, ") + gzip.compress(b"two"), Content_Encoding="gzip")
    assert fetcher.get(site.url + "/members").body == b"one, two"
    site.page("/bare", zlib.compress(b"deflated", wbits=-15), Content_Encoding="deflate")
    assert fetcher.get(site.url + "/bare").body == b"deflated"
    site.page("/nothing", b"", Content_Encoding="gzip")
    assert fetcher.get(site.url + "/nothing").body == b""


def test_an_answer_that_goes_on_announcing_itself_ends(site: Site, fetcher: Fetcher) -> None:
    sent = 0

    def announce(request: http.server.BaseHTTPRequestHandler) -> None:
        nonlocal sent
        while True:
            request.wfile.write(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100)
            sent += 2800

    site.pages["/"] = announce
    with pytest.raises(FetchError, match="headers do not end"):
        fetcher.get(site.url + "/")
    assert sent > 0


def test_a_few_announcements_are_no_harm(site: Site, fetcher: Fetcher) -> None:
    def announce(request: http.server.BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" * 3)
        request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    site.pages["/"] = announce
    assert fetcher.get(site.url + "/").body == b"ok"


@pytest.mark.parametrize("hosts", [("127.0.0.1",), ("127.0.0.1", "localhost")])
def test_one_host_gets_two_connections_at_a_time_and_others_do_not_wait_for_it(
    site: Site, hosts: tuple[str, ...]
) -> None:
    inside, most, lock = 0, 0, threading.Lock()
    full = threading.Barrier(2 * len(hosts))  # broken, if fewer than two of each host come together

    def count(request: http.server.BaseHTTPRequestHandler) -> None:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        full.wait(PATIENCE)
        with lock:
            inside -= 1
        request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")

    site.pages["/"] = count
    shared = Fetcher(timeout_total=PATIENCE)
    ours = [shared.allowing([host]) for host in hosts]
    with ThreadPoolExecutor(12) as pool:
        pairs = [*zip(hosts, ours, strict=True)] * 4
        asked = [pool.submit(one.get, f"http://{host}:{site.port}/") for host, one in pairs]
        assert [one.result().body for one in asked] == [b"ok"] * len(asked)
    assert most == 2 * len(hosts)


def test_a_packing_nobody_asked_for_is_refused(site: Site, fetcher: Fetcher) -> None:
    site.page("/", b"x", Content_Encoding="gzip, gzip")
    with pytest.raises(FetchError, match="not asked for"):
        fetcher.get(site.url + "/")
    site.page("/broken", b"this is not gzip", Content_Encoding="gzip")
    with pytest.raises(FetchError, match="could not be read"):
        fetcher.get(site.url + "/broken")


@pytest.mark.parametrize("first", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-Long: "])
def test_a_server_that_drips_is_left_when_time_is_up(first: bytes) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def drip() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(first)
            while not over.wait(DRIP):
                try:
                    connection.sendall(b"x")
                except OSError:
                    return

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        with pytest.raises(FetchError, match="within 1 second;"):
            Fetcher(allow_private=("127.0.0.1",), timeout_total=UP_SOON).get(
                f"http://127.0.0.1:{listener.getsockname()[1]}/"
            )
    finally:
        over.set()
        thread.join()
        listener.close()


@pytest.mark.parametrize(
    ("status", "headers", "words"),
    [
        (404, {}, "no such address"),
        (403, {}, "refuses access"),
        (410, {}, "gone for good"),
        (429, {"Retry-After": "120"}, "too often.*come back in 120 seconds"),
        (429, {"Retry-After": "1"}, "come back in 1 second$"),
        (503, {"Retry-After": "Fri, 31 Dec 2027 23:59:59 GMT"}, "trouble of its own.*after Fri, 31 Dec"),
        (500, {}, "try again later"),
        (304, {}, "304"),
        (418, {}, "answered 418"),
    ],
)
def test_each_refusal_of_a_server_has_its_own_sentence(
    site: Site, fetcher: Fetcher, status: int, headers: dict[str, str], words: str
) -> None:
    site.page("/", b"x", status=status, **headers)
    with pytest.raises(FetchError, match=words) as refused:
        fetcher.get(site.url + "/")
    assert refused.value.status == status


def test_an_unknown_name_and_a_closed_port_are_said_plainly(fetcher: Fetcher) -> None:
    with pytest.raises(FetchError, match=r"nobody\.invalid cannot be found"):
        fetcher.get("http://nobody.invalid/")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(FetchError, match="could not be read"):
        fetcher.get(f"http://127.0.0.1:{port}/")


def test_https_is_verified_against_the_name_and_not_the_address() -> None:
    authority = trustme.CA()
    server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(server_tls)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    server = Site(server_tls)
    server.page("/", b"secure")
    try:
        named = Fetcher(allow_private=("localhost", "127.0.0.1"), tls=trusting)
        assert named.get(f"https://localhost:{server.port}/").body == b"secure"
        with pytest.raises(FetchError, match="certificate"):
            named.get(f"https://127.0.0.1:{server.port}/")
        with pytest.raises(FetchError, match="certificate"):
            Fetcher(allow_private=("localhost",)).get(f"https://localhost:{server.port}/")
    finally:
        server.close()


def test_proxies_of_the_environment_are_not_used(site: Site, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    site.page("/", b"direct")
    assert fetcher.get(site.url + "/").body == b"direct"


def test_many_sources_are_read_side_by_side(site: Site, fetcher: Fetcher) -> None:
    for number in range(20):
        site.page(f"/{number}", str(number).encode())
    with ThreadPoolExecutor(8) as pool:
        bodies = list(pool.map(lambda number: fetcher.get(f"{site.url}/{number}").body, range(20)))
    assert bodies == [str(number).encode() for number in range(20)]
