"""Sends everything that is due: a lane per connection of the backend, until nothing is due or one of them fails.

What it does not know: where recipients and letters come from; a `Mailing` has the ledger and the bytes for a claim.
A configuration mistake (wrong password) ends everything at once and is raised; a server that is away is asked again a
few times and then raised as `Unavailable`; both leave every unbegun claim waiting. What a server says about one
message is recorded and never raised.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

from newsletter.sending.lanes import Lane, Run


def deliver(run: Run, *, on_progress: Callable[[], None]) -> None:
    """Send everything that is due, the first mailing's first, over as many lanes as the backend has connections.

    Returns when nothing is due any more or the run is stopped. `on_progress` is called from the caller's own thread a
    few times a second. Raises `Unavailable` and `ConfigurationError` once every lane has let go of its claims.
    """
    run.lanes = [Lane(run) for _ in range(max(1, run.backend.connections))]
    with ThreadPoolExecutor(len(run.lanes), thread_name_prefix="lane") as pool:
        running = {pool.submit(lane.run) for lane in run.lanes}
        failed: BaseException | None = None
        try:
            while running:
                done, running = wait(running, timeout=0.2, return_when=FIRST_EXCEPTION)
                for future in done:
                    failed = failed or future.exception()
                on_progress()
        finally:
            run.halt.set()
    run.tally.take_back(now=run.clock())
    if failed is not None:
        raise failed
