"""What may go on the wire: the promises of `Message`, checked byte by byte. Pure.

`letter.py` keeps these promises by construction, so a sender that is in a hurry need not call this for every message
(it reads the message several times: about half a millisecond for 80 KB). The `memory` backend does, for every message
of every test, and so does the contract suite.
"""

from __future__ import annotations

from newsletter.characters import ends_envelope

LONGEST_LINE = 998


def fault(data: bytes) -> str:
    """What is wrong with a message's bytes, as the end of a sentence; empty when nothing is."""
    if not data.endswith(b"\r\n"):
        return "it does not end with CRLF"
    if not data.isascii():
        return "it is not ASCII only"
    if data.startswith(b".") or b"\n." in data:
        return "a line begins with a dot"
    lines = data[:-2].split(b"\r\n")
    if any(b"\r" in line or b"\n" in line for line in lines):
        return "it has a bare CR or LF"
    if b"\0" in data:
        return "it holds a NUL"
    if max(map(len, lines)) > LONGEST_LINE:
        return f"a line is longer than {LONGEST_LINE} octets"
    return ""


def address_fault(address: str) -> str:
    """Why an address cannot stand in an envelope, as the end of a sentence; empty when it can."""
    if ends_envelope(address):
        return "it holds characters no envelope may hold"
    if len(address) > 254:
        return "it is longer than 254 characters"
    local, at, domain = address.rpartition("@")
    return "" if local and at and domain else "it is not local@domain"
