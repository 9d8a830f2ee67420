"""The public side: sign-up, confirmation, leaving, "view in browser", pictures, hooks, health; what empties the outbox.

In reading order: `middleware` (what every request passes), `pages` (templates → pages), `public` (our own routes),
`review` (the editors' page), `signature`, `hooks` (what a CMS may ask for), `asgi` (→ one FastAPI application),
`outbox_thread` (sends single mails), `pull_thread` (pulls when a hook asks), `server` (uvicorn).

The routes of joining and leaving are `subscribers.web`'s. Whatever is broken about issues, leaving works. It raises
`SettingsError` and the other configuration errors before it listens, and nothing while it serves.
"""

from newsletter.web.asgi import Beside, create_app, guard_of
from newsletter.web.outbox_thread import OutboxThread
from newsletter.web.pull_thread import PullThread
from newsletter.web.server import serve

__all__ = ["Beside", "OutboxThread", "PullThread", "create_app", "guard_of", "serve"]
