"""Sends everything that is due: a lane per connection of the backend, until nothing is due or one of them fails.

What it does not know: where recipients and letters come from; a `Mailing` has the ledger and the bytes for a claim.
A configuration mistake (wrong password) ends everything at once and is raised; a server that is away is asked again a
few times and then raised as `Unavailable`; both leave every unbegun claim waiting. What a server says about one
message is recorded and never raised.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from datetime import datetime

from newsletter.backends import Backend
from newsletter.sending.lanes import Lane, Mailing, Run
from newsletter.sending.pace import Pace
from newsletter.sending.tally import Tally


def deliver(
    mailings: Sequence[Mailing],
    backend: Backend,
    *,
    worker: int,
    pace: Pace,
    clock: Callable[[], datetime],
    stop: threading.Event,
    on_progress: Callable[[Tally], None] | None = None,
) -> Tally:
    """Send everything that is due, the first mailing's first, over as many lanes as the backend has connections.

    Returns when nothing is due any more or `stop` is set. `on_progress` is called from the caller's own thread a few
    times a second. Raises `Unavailable` and `ConfigurationError` once every lane has let go of its claims.
    """
    run = Run(mailings, backend, worker, pace, clock, stop)
    run.lanes = [Lane(run) for _ in range(max(1, backend.connections))]
    with ThreadPoolExecutor(len(run.lanes), thread_name_prefix="lane") as pool:
        running: set[Future[None]] = {pool.submit(lane.run) for lane in run.lanes}
        failed: BaseException | None = None
        try:
            while running:
                done, running = wait(running, timeout=0.2, return_when=FIRST_EXCEPTION)
                for future in done:
                    failed = failed or future.exception()
                if on_progress is not None:
                    on_progress(run.tally)
        finally:
            run.halt.set()
    run.tally.take_back(now=clock())
    if failed is not None:
        raise failed
    return run.tally
