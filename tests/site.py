"""A real HTTP server on loopback whose pages are functions of the query: for sources that ask more than once."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

Query = Mapping[str, str]
Answer = tuple[int, Mapping[str, str], bytes]


class Site:
    """`pages` are the answers by path; what is not there is a 404. `asked` are the paths with their queries."""

    def __init__(self) -> None:
        self.pages: dict[str, Callable[[Query], Answer]] = {}
        self.asked: list[tuple[str, Query]] = []
        site = self

        class Pages(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
                site.asked.append((parts.path, query))
                page = site.pages.get(parts.path)
                status, headers, body = page(query) if page else (404, {}, b"<html>not here</html>")
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args: object) -> None: ...

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def page(self, path: str, body: bytes, *, status: int = 200, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.pages[path] = lambda _query: (status, named, body)


@contextmanager
def running() -> Iterator[Site]:
    site = Site()
    thread = threading.Thread(target=site.server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield site
    finally:
        site.server.shutdown()
        thread.join()
        site.server.server_close()
