"""The live preview: the real next issue on the editor's own machine, as it would go out now.

In reading order: `recipients` (whom a letter is shown for), `views` (the letter as other mail programs show it),
`draft` (what is shown, and what is wrong), `payload` (all of it as JSON), `watcher` (notices changes), `middleware`
(which requests are answered), `routes`, `export` (the same as files), and the page itself in `page/`.

Nothing here is reachable from another machine. GET changes nothing; a pull and a test copy are requested by POST.
Raises the family of `errors` for a project that cannot be opened at all.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.errors import ConfigurationError, counted

if TYPE_CHECKING:
    from newsletter.app import Project
    from newsletter.preview.draft import Draft
    from newsletter.weekly import Verdict

__all__ = ["run", "write_export"]

LOOPBACK = "127.0.0.1"


def run(
    root: Path,
    *,
    open_project: Callable[[], Project],
    slot_key: str | None,
    as_address: str | None,
    port: int,
    say: Callable[[str], None] = print,
) -> None:
    """Serve the preview of the project in `root` on loopback until interrupted; port 0 takes a free one.

    `open_project` opens it again after every change: a project reads its files once. `say` is called with the address
    and with what the first pull did. Raises `ConfigurationError` when the port is taken.
    """
    import uvicorn

    from newsletter.preview.draft import Draft
    from newsletter.preview.routes import make_app
    from newsletter.preview.watcher import watched

    with closing(Draft(root, open_project=open_project, slot_key=slot_key, as_address=as_address)) as draft:
        _fill_empty_shelf(draft, say=say)
        with listen(port) as listener:
            number = listener.getsockname()[1]
            app = make_app(draft, port=number, token=secrets.token_urlsafe(32), stopping=lambda: server.should_exit)
            server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off"))
            draft.show()
            say(f"Preview: http://{LOOPBACK}:{number}/  (Ctrl-C stops it)")
            # uvicorn raises the signal again once it has stopped; here that is the usual end.
            with watched(draft), suppress(KeyboardInterrupt):
                server.run(sockets=[listener])


def write_export(
    root: Path, folder: Path, *, open_project: Callable[[], Project], slot_key: str | None, as_address: str | None
) -> tuple[list[Path], Verdict]:
    """Write `issue.html`, `issue.txt`, `issue.eml`, `findings.json` and `images/` into `folder`; returns their paths
    and what `send` would do.

    `issue.eml` is byte for byte what that recipient would get; the stored pictures of `issue.html` lie beside it.
    Raises `Refused` when no article was picked, and what composing raises.
    """
    from newsletter.preview.draft import Draft
    from newsletter.preview.export import write

    with closing(Draft(root, open_project=open_project, slot_key=slot_key, as_address=as_address)) as draft:
        return write(draft, folder)


def listen(port: int) -> socket.socket:
    """A socket on loopback; port 0 takes a free one. Raises `ConfigurationError` when the port is taken."""
    try:
        return socket.create_server((LOOPBACK, port))
    except OSError as error:
        raise ConfigurationError(
            f"port {port} cannot be used ({error.strerror}); take another one, or --port 0 for any that is free"
        ) from error


def _fill_empty_shelf(draft: Draft, *, say: Callable[[str], None]) -> None:
    sources = draft.project.sources
    if draft.project.shelf.page(limit=1) or not sources:
        return
    say(f"The shelf is empty: pulling {counted(len(sources), 'source')} …")
    for line in draft.project.weekly.pull():
        say(f"  {line.source}: {line.failed or counted(line.new, 'new article')}")
