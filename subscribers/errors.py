"""The error family of this package: one class per thing the caller can do about it.

Every message is one sentence that says what to do next. `exit_code` is the exit status of a command: 1 the request was
not carried out, 2 wrong usage or configuration. No message holds a token or a key.
"""


class SubscribersError(Exception):
    """A request that the Book refuses."""

    exit_code = 1


class BadAddress(SubscribersError):
    """Not an address that mail can be sent to."""

    exit_code = 2


class BadFile(SubscribersError):
    """A file of subscribers cannot be read at all. Single bad rows never raise: they are listed."""

    exit_code = 2


class BadKeyFile(SubscribersError):
    """The key file is missing, unreadable or damaged. It is never remade silently: old links would stop working."""

    exit_code = 2


class BadToken(SubscribersError):
    """A token that this newsletter did not make, or made for another purpose."""


class UnknownSubscriber(SubscribersError):
    """The register holds nothing about the address."""


class Suppressed(SubscribersError):
    """The address must never be mailed, until the operator lifts its suppression with a reason."""


class LeftBefore(SubscribersError):
    """The subscriber left; only their own sign-up makes them active again."""
