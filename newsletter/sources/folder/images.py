"""Picture files that lie beside an article: recognised by their first bytes, measured from their head. Pure.

What it does not know: files and folders. Raises `SourceError` for what is no PNG, JPEG or GIF, or is too large.
"""

from __future__ import annotations

import struct

from newsletter.errors import SourceError
from newsletter.image_types import media_type, stored_name
from newsletter.issue import Image
from newsletter.sources import StoredImage

MAX_IMAGE_BYTES = 2 * 1024 * 1024
MAX_SIDE = 10_000
_START_OF_FRAME = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}


def stored_image(data: bytes, *, alt: str) -> tuple[StoredImage, Image]:
    """The picture to keep, named by its own hash, and how an article points to it."""
    kind = media_type(data)
    if not kind:
        raise SourceError("the picture is no PNG, JPEG or GIF, which is what mail programs show; convert it")
    width, height = _size(data, kind=kind) if len(data) > 24 else (0, 0)
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise SourceError("the picture is damaged: it does not tell its width and height; save it again")
    name = stored_name(data, kind=kind)
    return StoredImage(name, kind, data), Image(url=f"stored:{name}", width=width, height=height, alt=alt)


def _size(data: bytes, *, kind: str) -> tuple[int, int]:
    if kind == "image/jpeg":
        return _jpeg_size(data)
    width, height = struct.unpack_from(*((">II", data, 16) if kind == "image/png" else ("<HH", data, 6)))
    return width, height


def _jpeg_size(data: bytes) -> tuple[int, int]:
    """Width and height from the first start-of-frame segment (ITU-T T.81 §B.2.2), (0, 0) when there is none."""
    at = 2
    while at + 9 < len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker in _START_OF_FRAME:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 1 if marker == 0xFF else 2 if marker == 0x01 or 0xD0 <= marker <= 0xD8 else 2 + max(length, 2)
    return 0, 0
