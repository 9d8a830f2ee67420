"""How long a pull of 200 feeds of 33 items takes, when every answer comes 50 ms late, and when nothing has changed.

The feeds lie on loopback, each at a host of its own (127.0.1.1 and so on): no host gets more than two connections at
once. The server is another process, and so are those that read the feeds, one for each processor: the CPU time of the
first line is without them. Fetching and parsing alone are parts of it: the same answers without what follows, and the
CPU time of reading the same bytes without network and shelf.
Run: python -m benchmarks.pull [FEEDS] [--json]
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

from newsletter.app import Project
from newsletter.fetch import Fetcher
from newsletter.sources.feed import parse
from newsletter.sources.reading import Reading
from newsletter.weekly import PULLS_AT_ONCE
from subscribers import create_keys

FEEDS, ITEMS, LATENCY = 200, 33, 0.05
NOW = datetime(2026, 11, 19, 6, tzinfo=UTC)
TOML = """\
[newsletter]
from = "weekly@marquee.example"
public_url = "https://news.marquee.example"
[backend]
kind = "memory"
"""
SOURCE = """\
[[sources]]
name = "feed-{number}"
kind = "feed"
url = "http://{host}:{port}/"
allow_private = ["127.0.0.0/8"]
"""


def host(number: int) -> str:
    return f"127.0.{1 + number // 250}.{1 + number % 250}"


def feed(site: str) -> bytes:
    """33 items with a text of 1,500 characters, a picture and two categories each."""
    items = []
    for number in range(ITEMS):
        date = f"{NOW - timedelta(hours=number + 1):%a, %d %b %Y %H:%M:%S} GMT"
        text = (
            f"&lt;p&gt;Story {number} of {site} has a first sentence.&lt;/p&gt;" + "&lt;p&gt;More of it.&lt;/p&gt;" * 60
        )
        items.append(
            f"<item><title>Story {number} of {site}</title><link>http://{site}/{number}</link><guid>{site}-{number}</guid>"
            f"<pubDate>{date}</pubDate><category>News</category><category>Film</category><description>{text}</description>"
            f'<enclosure url="http://{site}/{number}.jpg" type="image/jpeg" length="1"/></item>'
        )
    head = f"<title>{site}</title><link>http://{site}/</link>"
    return f'<rss version="2.0"><channel>{head}{"".join(items)}</channel></rss>'.encode()


async def serve() -> None:
    """Answer every request after the latency; one that names the tag gets 304."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        await asyncio.sleep(LATENCY)
        site = asked.partition("\r\nhost: ")[2].partition(":")[0]
        known = "if-none-match" in asked
        body = b"" if known else feed(site)
        status = "304 Not Modified" if known else "200 OK"
        head = f'HTTP/1.1 {status}\r\nETag: "one"\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n'
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "0.0.0.0", 0, backlog=500)  # all of loopback
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def pulled(project: Project) -> dict[str, float]:
    """One pull: wall and CPU time in seconds. Raises `SystemExit` when a source failed."""
    weekly = project.weekly
    began, cpu = time.perf_counter(), time.process_time()
    lines = weekly.pull()
    taken = {"wall": time.perf_counter() - began, "cpu": time.process_time() - cpu}
    if failed := [line for line in lines if line.failed]:
        raise SystemExit(f"{failed[0].source}: {failed[0].failed}")
    return {**taken, "new": sum(line.new for line in lines), "unchanged": sum(line.unchanged for line in lines)}


def fetching(count: int, *, port: str) -> dict[str, float]:
    """The time of fetching so many feeds as a pull does, and nothing more, in seconds."""
    fetcher = Fetcher(allow_private=("127.0.0.0/8",))
    began, cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(PULLS_AT_ONCE) as pool:
        list(pool.map(lambda number: fetcher.get(f"http://{host(number)}:{port}/"), range(count)))
    return {"wall": time.perf_counter() - began, "cpu": time.process_time() - cpu}


def parsing(count: int) -> float:
    """The CPU time of reading the bytes of so many feeds, in seconds."""
    bodies = [(host(number), feed(host(number))) for number in range(count)]
    began = time.process_time()
    for site, body in bodies:
        parse(body, reading=Reading(site, f"http://{site}/", now=NOW))
    return time.process_time() - began


def main() -> None:
    numbers = [one for one in sys.argv[1:] if one.isdigit()]
    count = int(numbers[0]) if numbers else FEEDS
    command = [sys.executable, "-m", "benchmarks.pull", "--serve"]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server,
    ):
        try:
            assert server.stdout is not None
            port = server.stdout.readline().strip()
            root = Path(folder)
            sources = (SOURCE.format(number=number, host=host(number), port=port) for number in range(count))
            (root / "newsletter.toml").write_text(TOML + "".join(sources))
            create_keys(root / "newsletter.key")
            project = Project(root, clock=lambda: NOW)
            project.unchecked_database.migrate(now=NOW)
            parse(feed("warm"), reading=Reading("warm", "http://warm/", now=NOW))
            fetched = fetching(count, port=port)
            first, again = pulled(project), pulled(project)
            project.close()
        finally:
            server.kill()
    read = parsing(count)
    if "--json" in sys.argv[1:]:
        print(
            json.dumps(
                {
                    "feeds": count,
                    "items": ITEMS,
                    "first": first,
                    "fetching": fetched,
                    "unchanged": again,
                    "parsing": read,
                }
            )
        )
        return
    title = f"{count} feeds of {ITEMS} items, {LATENCY * 1000:.0f} ms late"
    print(f"{title:<44}{'wall s':>9}{'CPU s':>9}{'articles':>10}")
    print(f"{'the first pull, onto the shelf':<44}{first['wall']:>9.2f}{first['cpu']:>9.2f}{first['new']:>10,.0f}")
    print(f"{'fetching alone':<44}{fetched['wall']:>9.2f}{fetched['cpu']:>9.2f}")
    print(f"{'parsing alone':<44}{'':>9}{read:>9.2f}")
    print(f"{'all unchanged (304)':<44}{again['wall']:>9.2f}{again['cpu']:>9.2f}{again['new']:>10,.0f}")


if __name__ == "__main__":
    if "--serve" in sys.argv[1:]:
        asyncio.run(serve())
    else:
        main()
