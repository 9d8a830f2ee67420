"""Turns the bytes of a feed into text. Pure; nothing here raises.

Bytes beyond ASCII that are valid UTF-8 are UTF-8 whatever a server or a file says of them; else the file's own word
counts before the server's, which is often a default, and windows-1252 is the last resort.
"""

from __future__ import annotations

import codecs
import re

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
_DECLARED = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]{2,40})[\"']")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]{2,40})", re.IGNORECASE)
# Python also has codecs that are no character sets, and some of them are slow (punycode).
_A_CHARSET = re.compile(
    r"(?:utf|iso|cp|windows|koi|mac|gb|big5|euc|shift|sjis|ks|tis|us-?ascii|latin)[\w-]*", re.IGNORECASE
)
# A larger set under a smaller one's name, as browsers read it (https://encoding.spec.whatwg.org/#names-and-labels)
_LARGER = {
    "iso8859-1": "cp1252", "ascii": "cp1252", "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932",
    "euc_kr": "cp949", "iso8859-9": "cp1254",
}  # fmt: skip


def decoded(data: bytes, *, content_type: str = "") -> tuple[str, str]:
    """The text, and in words what is wrong with the character set it declares, or ""."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return data.decode(name, "replace").removeprefix("\ufeff"), ""
    in_file, in_header = _DECLARED.match(data.lstrip()[:300]), _CHARSET.search(content_type)
    declared = in_file.group(1).decode().lower() if in_file else ""
    served = in_header.group(1) if in_header else ""
    for name in (*(() if data.isascii() else ("utf-8",)), declared, served, "utf-8", "cp1252"):
        try:
            codec = codecs.lookup(name if _A_CHARSET.fullmatch(name) else "").name
            text = data.decode(_LARGER.get(codec, codec))
        except (LookupError, ValueError):
            continue
        wrong = declared not in ("", name) and name != "utf-8"
        return text, f"the feed says that it is {declared}, and is not: it was read as {codec}" if wrong else ""
    return data.decode("utf-8", "replace"), "the feed's character set is unknown; what could be read was kept"
