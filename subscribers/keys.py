"""The key file: a line `kid:base64` per key, oldest first, readable by its owner alone.

Without it no unsubscribe link that was ever mailed works, so it is never remade silently and never overwritten. To
change keys, append a line; remove none, and keep the first one first. Raises `BadKeyFile`.
"""

from __future__ import annotations

import os
import secrets
from base64 import b64encode
from pathlib import Path

from subscribers.errors import BadKeyFile
from subscribers.tokens import KeyRing

_PREFACE = """\
# The keys behind every unsubscribe link. Back this file up apart from the database, and never lose it.
# One kid:base64 per line. The last line signs, all verify. Append to change keys; remove none.
"""


def load_keys(path: Path) -> KeyRing:
    """Read the ring. Raises `BadKeyFile` for a file that is missing or damaged."""
    try:
        return KeyRing.parse(path.read_text(encoding="ascii"))
    except FileNotFoundError as error:
        sentence = (
            f"key file {path} is missing; restore it from your backup — "
            "a new one would kill every unsubscribe link already mailed."
        )
        raise BadKeyFile(sentence) from error
    except OSError as error:
        raise BadKeyFile(f"key file {path} cannot be read ({error.strerror}); let its owner run this.") from error
    except UnicodeDecodeError as error:
        raise BadKeyFile(f"key file {path} is not a text of keys; restore it from your backup.") from error
    except BadKeyFile as error:
        raise BadKeyFile(f"key file {path}: {error}") from error


def create_keys(path: Path) -> KeyRing:
    """Make a file with one new key, mode 0600. Raises `BadKeyFile` when there is a file already."""
    text = f"{_PREFACE}k1:{b64encode(secrets.token_bytes(32)).decode('ascii')}\n"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise BadKeyFile(f"key file {path} is already there and is never overwritten; use it as it is.") from error
    except OSError as error:
        raise BadKeyFile(f"key file {path} cannot be made ({error.strerror}); make its folder writable.") from error
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return KeyRing.parse(text)
