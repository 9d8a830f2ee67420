"""The public side: sign-up, confirmation, leaving, "view in browser", pictures, health; and what empties the outbox.

In reading order: `project` (what is needed from above), `middleware` (what every request passes), `pages` (templates →
pages), `public` (our own routes), `asgi` (→ one FastAPI application), `outbox_thread` (sends single mails), `server`
(uvicorn).

The routes of joining and leaving are `subscribers.web`'s. Whatever is broken about issues, leaving works. It raises
`SettingsError` and the other configuration errors before it listens, and nothing while it serves.
"""

from newsletter.web.asgi import create_app, guard_of
from newsletter.web.outbox_thread import OutboxThread
from newsletter.web.project import Beside, Project
from newsletter.web.server import serve

__all__ = ["Beside", "OutboxThread", "Project", "create_app", "guard_of", "serve"]
