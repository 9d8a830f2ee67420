"""What a hostile or broken source does to a week: one line names it, and the others are read as if it were not there."""

from __future__ import annotations

import gzip
import http.server
import itertools
import re
import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.projects import make_project
from tests.test_fetch import Site
from tests.times import NOW, Clock

TOML = """\
[newsletter]
from = "Marquee <weekly@marquee.example>"
public_url = "{public_url}"
postal_address = "Marquee Media, 12 Harbour Street"
[schedule]
day = "thursday"
time = "07:00"
[backend]
kind = "memory"
{more}
"""
SOURCE = """\
[[sources]]
name = "{}"
kind = "{}"
{}
"""
ALLOWED = '\nallow_private = ["127.0.0.1"]'
YESTERDAY = f"{NOW - timedelta(days=1):%a, %d %b %Y %H:%M:%S} GMT"
WELL = "Lanterns by the quay"
ANSWERS = ("127.0.0.1", "169.254.169.254")
LAUGHS = "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))


def item(title: str, *, link: str = "", date: str = YESTERDAY) -> str:
    address = link or f"https://site.example/{abs(hash(title))}"
    return f"<item><title>{title}</title><link>{address}</link><pubDate>{date}</pubDate><description>Seen.</description></item>"


def feed(*items: str, head: str = '<?xml version="1.0"?>') -> bytes:
    link = "<link>https://site.example/</link>"
    return f'{head}<rss version="2.0"><channel><title>S</title>{link}{"".join(items)}</channel></rss>'.encode()


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A server that is also `rebinding.example`, whose name leads elsewhere at every second look."""
    answers, really = itertools.cycle(ANSWERS), socket.getaddrinfo

    def resolve(host: str, *args: Any, **kwargs: Any) -> list[Any]:
        return really(next(answers) if host == "rebinding.example" else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    server = Site()
    yield server
    server.close()


def announce(request: http.server.BaseHTTPRequestHandler) -> None:
    while True:
        request.wfile.write(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100)


Serve = Callable[[Site], tuple[str, str] | None]


def page(body: bytes = b"", status: int = 200, **headers: str) -> Serve:
    return lambda site: site.page("/bad", body, status, **headers)


def rebound(site: Site) -> tuple[str, str]:
    site.page("/bad", status=302, Location=f"http://rebinding.example:{site.port}/again")
    return "feed", f'url = "http://rebinding.example:{site.port}/bad"{ALLOWED}'


# What the source does, what its only line says, and how many of its articles come all the same.
BAD = {
    "a feed that turned HTML": (page(b"<!doctype html><html><body>Sold</body></html>"), "an HTML page, not a feed", 0),
    "gone for good": (page(status=410), r"gone for good \(410\)", 0),
    "304 without a copy": (page(status=304), "answered 304 though nothing was known", 0),
    "a circle of redirects": (page(status=302, Location="/bad"), "redirects more than 5 times", 0),
    "a redirect into a private network": (
        page(status=301, Location="http://10.1.2.3/feed"),
        r"redirects to 10\.1\.2\.3, which lies at the private address 10\.1\.2\.3, which is not read; check",
        0,
    ),
    "a name that leads elsewhere": (rebound, r"redirects to rebinding.* private address 169\.254\.169\.254", 0),
    "no end of 103": (lambda site: site.pages.__setitem__("/bad", announce), "its headers do not end", 0),
    "a packed answer that was cut": (
        page(gzip.compress(feed(*(item(f"Piece {n}") for n in range(99))))[:-20], Content_Encoding="gzip"),
        "stops midway",
        0,
    ),
    "a wrong character set": (
        page(feed(item("Caf\xe9"), head='<?xml version="1.0" encoding="utf-8"?>').decode().encode("cp1252")),
        "says that it is utf-8, and is not: it was read as cp1252",
        1,
    ),
    "entities that multiply": (
        page(feed(item("Ha &j;"), head=f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha">{LAUGHS}]>')),
        "the XML is broken .*ntity",
        1,
    ),
    "a date to come": (page(feed(item("A", date="2099-01-01"))), '"A".*: its date "2099-01-01" lies in the future', 1),
    "a date of old": (page(feed(item("A", date="1066-10-14"))), '"1066-10-14" lies before 1995', 1),
    "a title without end": (page(feed(item("Word " * 2_000))), "Word…\"\\): its title has 9,999 characters and was cut", 1),
    "a title turned round": (page(feed(item("A \u202etxt.exe"))), r'"A txt\.exe"\): what turns the direction', 1),
    "NUL": (page(feed(item("A \x00B"))), "the XML is broken .*; what could be read was kept", 1),
    "a script for a link": (page(feed(item("A", link="javascript:alert(1)"))), 'no address of its own.*: "A"', 1),
    "numbers of another site": (
        lambda _: ("signals", 'path = "notes/other.csv"\nsite = "https://site.example"'),
        "2 rows about another site than https://site.example: not taken",
        0,
    ),
    "front matter that is no YAML": (lambda _: ("folder", 'path = "notes"'), r"bad\.md: line 2: mapping values", 1),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_a_bad_source_is_one_line_and_the_rest_of_the_week_is_untouched(what: str, site: Site, tmp_path: Path) -> None:
    serve, words, come = BAD[what]
    kind, where = serve(site) or ("feed", f'url = "{site.url}/bad"{ALLOWED}')
    site.page("/well", feed(item(WELL)))
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "bad.md").write_text("---\ntitle: a: b\n---\n")
    (tmp_path / "notes" / "other.csv").write_text("url,views\nhttps://x.example/a,5\nhttps://y.example/,6\n")
    (tmp_path / "notes" / "well.md").write_text(
        f"---\ntitle: A\nurl: https://site.example/n\ndate: {NOW.date()}\n---\n"
    )
    sources = SOURCE.format("bad", kind, where) + SOURCE.format("well", "feed", f'url = "{site.url}/well"{ALLOWED}')
    project = make_project(tmp_path, clock=Clock(), text=TOML, more=sources)
    first, second = project.weekly.pull()
    (line,) = [first.failed] if first.failed else first.problems
    assert re.search(words, line)
    assert first.new == come
    assert (second.new, second.failed, second.problems) == (1, "", ())
    assert WELL in [pick.article.title for pick in project.weekly.pick(project.slot(None)).picks]
