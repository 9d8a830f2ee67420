"""The public side: sign-up, confirmation, leaving, "view in browser", pictures, health; and what empties the outbox.

In reading order: `project` (what is needed from above), `gate` (what every request passes), `drawing` (templates →
pages), `public` (our own routes), `assembly` (→ one FastAPI application), `postman` (the outbox), `serving` (uvicorn).

The routes of joining and leaving are `subscribers.web`'s. Whatever is broken about issues, leaving works. It raises
`SettingsError` and the other configuration errors before it listens, and nothing while it serves.
"""

from newsletter.web.assembly import create_app, guard_of
from newsletter.web.postman import Postman
from newsletter.web.project import Beside, Project
from newsletter.web.serving import serve

__all__ = ["Beside", "Postman", "Project", "create_app", "guard_of", "serve"]
