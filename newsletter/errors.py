"""The error family of this package: one class per thing the caller can do about it.

Every message is one sentence for a person and says what to do next. `exit_code` is what the command line answers
with (0 done, 1 failed or not clean, 2 wrong usage or configuration).

Two families never mix: a *configuration mistake* must stop everything and be shown at once, so nothing that retries
may catch it; a *send failure* is about one message or one connection and is what retrying is for.
"""

from collections.abc import Mapping
from typing import Literal

Scope = Literal["message", "connection", "domain", "sender"]


def counted(number: float, one: str) -> str:
    """`1 recipient`, `1,204 recipients`, `0.5 seconds`: a number in a message and what it counts."""
    shown = f"{number:,}" if isinstance(number, int) else f"{number:g}"
    return f"{shown} {one}" if number == 1 else f"{shown} {one}s"


class NewsletterError(Exception):
    """Anything this package refuses to do, said in one sentence."""

    exit_code = 1


class ConfigurationError(NewsletterError):
    """Somebody has to change a file, a setting or a command before it makes sense to try again."""

    exit_code = 2


class SettingsError(ConfigurationError):
    """`newsletter.toml`, `.env` or a NEWSLETTER_ variable says something impossible; names the key."""


class TemplateError(ConfigurationError):
    """A template cannot be read or rendered; names the file and the line."""

    def __init__(self, message: str, *, file: str = "", line: int = 0) -> None:
        where = f"{file}:{line}: " if file and line else f"{file}: " if file else ""
        super().__init__(f"{where}{message}")
        self.file = file
        self.line = line


class DatabaseError(ConfigurationError):
    """The database is missing, locked, full, damaged or made by a newer version."""


class KeyFileError(ConfigurationError):
    """The key file is missing or unreadable. It is never remade silently: old unsubscribe links would die."""


class Refused(NewsletterError):
    """A request that is understood and not allowed, such as an illegal step in a state table."""


class Conflict(Refused):
    """Somebody else decided about the same thing meanwhile; `theirs` are their values, nothing was changed."""

    def __init__(self, message: str, *, theirs: Mapping[str, str]) -> None:
        super().__init__(message)
        self.theirs = theirs


class NotYet(NewsletterError):
    """A command that a later version will have."""


class SourceError(NewsletterError):
    """One source could not be read. Never stops the others."""


class FetchError(SourceError):
    """Nothing usable came back. `status` is the HTTP status when there was one."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status

    @property
    def temporary(self) -> bool:
        """Whether another time may be better."""
        return self.status is None or self.status in (408, 429) or self.status >= 500


class SendError(NewsletterError):
    """The message was certainly not accepted.

    `scope` is whom the answer is about: this one `message`; this `connection`, which is then no longer usable; the
    policy of the recipient's `domain`; or the `sender`, that is, every message of ours. Only `message` is ever held
    against a recipient. `permanent` says whether trying again can help; `code` is the server's SMTP reply code, or None
    when it did not get to speak; `text` is what it said.
    """

    def __init__(self, text: str, *, scope: Scope, permanent: bool, code: int | None = None) -> None:
        super().__init__(f"{code} {text}" if code else text)
        self.text, self.scope, self.permanent, self.code = text, scope, permanent, code


class Unavailable(NewsletterError):
    """The backend cannot be talked to at all. Says nothing about any recipient; nothing was accepted."""

    exit_code = 2


class InDoubt(NewsletterError):
    """The message was handed over and the answer is not known: it may or may not have been accepted."""


class Busy(NewsletterError):
    """Another process is doing just this; starting a second one is a mistake."""

    exit_code = 2
    SENDING = "another `newsletter send` is at work here; `newsletter worker` helps it, a second send does not"
