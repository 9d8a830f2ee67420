"""Serving the public application with uvicorn, until SIGTERM or Ctrl-C.

Requests that have begun are finished, then what runs beside is stopped. Run it behind a proxy that speaks TLS. Raises
`ConfigurationError` for an address that cannot be listened on, and whatever `create_app` refuses.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import socket
from collections.abc import Sequence

import uvicorn

from newsletter.app import Project
from newsletter.errors import ConfigurationError
from newsletter.web.asgi import Beside, create_app
from newsletter.web.outbox_thread import OutboxThread
from newsletter.web.pull_thread import PullThread

_FINISH_WITHIN = 10  # seconds for requests that have begun

log = logging.getLogger(__name__)


def serve(project: Project, *, host: str, port: int, beside: Sequence[Beside] = ()) -> None:
    """Serve until told to stop, beside the ticker (`beside`), the outbox and the pulls. Main thread only."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    outbox_thread = OutboxThread(project)
    pull_thread = PullThread(project)
    threads = (outbox_thread, pull_thread)
    app = create_app(project, beside=(*threads, *beside), after_post=outbox_thread.wake, pull=pull_thread.pull)
    with listen(host, port) as listening:
        shown = f"[{host}]" if ":" in host else host
        log.info("listening on http://%s:%s for %s", shown, listening.getsockname()[1], project.publication.public_url)
        # uvicorn raises the signal that stopped it once more when it has ended; by then it is answered.
        signal.signal(signal.SIGTERM, lambda *_: None)
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(configuration(app)).run(sockets=[listening])


def listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=256)
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen on {host} port {port}: {error.strerror or error}; name others with --host and --port"
        ) from error


def configuration(app: object) -> uvicorn.Config:
    """How uvicorn runs it. Which proxies are believed is `subscribers.web`'s decision, so uvicorn believes none."""
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        http="h11",
        ws="none",
        lifespan="on",
        proxy_headers=False,
        server_header=False,
        log_config=None,
        timeout_graceful_shutdown=_FINISH_WITHIN,
    )
