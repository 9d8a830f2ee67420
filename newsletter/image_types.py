"""Which kinds of picture are kept, and how a picture's bytes tell its kind. Pure."""

from __future__ import annotations

import hashlib

SUFFIXES = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp"}
"""The media types that are kept and served, each with the suffix of its names."""

# What mail programs show: Outlook for Windows shows no WebP, so only a source of somebody's own brings one.
_STARTS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


def media_type(data: bytes) -> str:
    """`image/png`, `image/jpeg` or `image/gif` by the first bytes, "" for everything else."""
    return next((kind for start, kind in _STARTS if data.startswith(start)), "")


def stored_name(data: bytes, *, kind: str) -> str:
    """The name a picture is kept under: 16 hex digits of its SHA-256, so that it never changes under its name."""
    return f"{hashlib.sha256(data).hexdigest()[:16]}.{SUFFIXES[kind]}"
