"""What the public side needs from above: the parts of `app.Project` it touches, and what runs beside the pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from newsletter import rendering
from newsletter.backends import Backend
from newsletter.database import Database
from newsletter.issues import Issues
from newsletter.sending.alerts import Alerts
from newsletter.sending.sender import Sender
from newsletter.settings import Settings
from newsletter.shelf import Shelf
from subscribers import Book, KeyRing


class Project(Protocol):
    """`backend` may raise a configuration error at any time; whatever else is wrong is found at the start."""

    @property
    def clock(self) -> Callable[[], datetime]: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def database(self) -> Database: ...
    @property
    def shelf(self) -> Shelf: ...
    @property
    def issues(self) -> Issues: ...
    @property
    def keys(self) -> KeyRing: ...
    @property
    def book(self) -> Book: ...
    @property
    def publication(self) -> rendering.Publication: ...
    @property
    def theme(self) -> rendering.Theme: ...
    @property
    def templates(self) -> rendering.Templates: ...
    @property
    def alerts(self) -> Alerts: ...
    @property
    def sender(self) -> Sender: ...
    def backend(self) -> Backend: ...


class Beside(Protocol):
    """Something that runs while the pages are served. `stop` returns when it has ended."""

    def start(self) -> None: ...
    def stop(self) -> None: ...
