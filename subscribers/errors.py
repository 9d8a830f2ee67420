"""The error family of this package: one class per thing the caller can do about it.

Every message is one sentence for a person and says what to do next. `exit_code` is what a command line answers with:
1 the thing asked for was not done, 2 wrong usage or configuration. No message ever holds a token or a key.
"""


class SubscribersError(Exception):
    """Anything the Book refuses to do, said in one sentence."""

    exit_code = 1


class BadAddress(SubscribersError):
    """Not an address a letter could be mailed to."""

    exit_code = 2


class BadFile(SubscribersError):
    """A file of subscribers cannot be read at all. Single bad rows never raise: they are listed."""

    exit_code = 2


class BadKeyFile(SubscribersError):
    """The key file is missing, unreadable or damaged. It is never remade silently: old links would die."""

    exit_code = 2


class BadToken(SubscribersError):
    """A token this newsletter never made, or made for another purpose."""


class UnknownSubscriber(SubscribersError):
    """Nothing is known about the address."""


class Suppressed(SubscribersError):
    """The address must never be mailed; an operator has to lift that first, with a reason."""


class LeftBefore(SubscribersError):
    """The subscriber left, so only they can come back."""
