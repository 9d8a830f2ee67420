"""Unpacks the body of an answer (RFC 9110 §8.4) as it comes. Pure.

httpx2 unpacks too, and takes a stream that was cut before its end for a whole one. Raises `CutOffError` for that, and
`zlib.error` for bytes that are not packed as said.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

CODINGS = ("gzip", "x-gzip", "deflate", "identity", "")
AT_ONCE = 256 * 1024
"""Bytes unpacked at a time, so that whoever counts them can stop early."""

_GZIP, _ZLIB, _RAW = zlib.MAX_WBITS | 16, zlib.MAX_WBITS, -zlib.MAX_WBITS


class CutOffError(Exception):
    """The packed stream stops before its end."""


def unpacked(chunks: Iterable[bytes], coding: str) -> Iterator[bytes]:
    """The bytes of a body packed as `coding`, one of `CODINGS`. What follows its end is returned as it is."""
    if coding not in ("gzip", "x-gzip", "deflate"):
        yield from chunks
        return
    stream = None
    for chunk in chunks:
        if stream is None and chunk:
            stream = zlib.decompressobj(_window(coding, chunk))
        waiting = chunk
        while waiting and stream is not None:
            if stream.eof:
                if not (coding.endswith("gzip") and waiting.startswith(b"\x1f\x8b")):
                    yield waiting
                    break
                stream = zlib.decompressobj(_GZIP)  # RFC 1952 §2.2: members simply appear one after another
            yield stream.decompress(waiting, AT_ONCE)
            waiting = stream.unused_data if stream.eof else stream.unconsumed_tail
    if stream is not None:
        yield from _rest(stream)


def _rest(stream: zlib._Decompress) -> Iterator[bytes]:
    yield stream.flush()
    if not stream.eof:
        raise CutOffError


def _window(coding: str, start: bytes) -> int:
    """What zlib calls the form of the stream. Some servers send "deflate" without the head that RFC 1950 demands."""
    if coding != "deflate":
        return _GZIP
    return _ZLIB if start[0] & 0x0F == 8 and start[0] >> 4 <= 7 else _RAW
