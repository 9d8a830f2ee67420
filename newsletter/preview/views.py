"""A finished letter as other mail programs show it, with its stored pictures served locally. Pure string transforms.

Each is an approximation to look at, never to send: what a forced dark scheme or Word really do differs by version
(caniemail.com). The letter's own HTML is well formed, as inlining left it; on anything else these transforms are
harmless, because their result is only ever shown in a frame that runs nothing.
"""

from __future__ import annotations

import colorsys
import html as html_module
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

Scheme = Literal["light", "dark", "forced"]
Program = Literal["modern", "nostyle", "outlook"]

_STYLE_ELEMENT = re.compile(r"<style\b.*?</style\s*>", re.IGNORECASE | re.DOTALL)
_STYLE_ATTRIBUTE = re.compile(r"""(\sstyle=(["']))(.*?)(\2)""", re.IGNORECASE | re.DOTALL)
_BGCOLOR = re.compile(r'(\sbgcolor=")(#[0-9a-fA-F]{3,6})(")', re.IGNORECASE)
_HEX = re.compile(r"#(?:[0-9a-fA-F]{6}|[0-9a-fA-F]{3})\b")
_FOR_WORD = re.compile(r"<!--\[if [^\]!]*mso[^\]]*\]>(.*?)<!\[endif\]-->", re.IGNORECASE | re.DOTALL)
_NOT_FOR_WORD = re.compile(r"<!--\[if !mso[^\]]*\]><!(?:-->|-- -->)(.*?)<!--<!\[endif\]-->", re.IGNORECASE | re.DOTALL)
_OFFICE = re.compile(r"(?:<noscript>\s*)?<xml\b.*?</xml>(?:\s*</noscript>)?", re.IGNORECASE | re.DOTALL)
_IMAGE = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
_QUERY = re.compile(r"\(\s*prefers-color-scheme\s*:\s*(dark|light)\s*\)", re.IGNORECASE)
_SCHEME = re.compile(
    r'((?:supported-)?color-schemes?(?:\s*:\s*|"\s+content="))(?:light dark|dark light)', re.IGNORECASE
)
_NOT_IN_WORD = re.compile(
    r"\s*(?:(?:max|min)-width|border-radius|float|overflow|opacity|position|object-fit|(?:box|text)-shadow"
    r"|background-(?:image|size)|transform)\s*:",
    re.IGNORECASE,
)
_SHOWN = (
    '<base target="_blank"><style>:target,:target img{outline:3px solid #f2a516!important;outline-offset:2px!important;'
    "scroll-margin-top:24px}</style>"
)


@dataclass(frozen=True, slots=True)
class View:
    """How the letter is shown. `outlook` is the one that renders with Word; `nostyle` drops every `<style>`."""

    scheme: Scheme = "light"
    program: Program = "modern"


def seen(html: str, view: View) -> str:
    """The letter as that view shows it."""
    if view.program == "nostyle":
        html = _STYLE_ELEMENT.sub("", html)
    elif view.program == "outlook":
        html = _in_word(html)
    html = _scheme(html, dark=view.scheme == "dark")
    return _inverted(html) if view.scheme == "forced" else html


def with_local_pictures(html: str, *, public_url: str, prefix: str, has: Callable[[str], object]) -> str:
    """The letter with every stored picture's public address replaced by `prefix` and its name."""
    public = _picture_address(public_url)
    return public.sub(lambda found: prefix + found[1] if has(found[1]) else found[0], html)


def stored_pictures(html: str, *, public_url: str) -> list[str]:
    """The names of the pictures a letter loads from the public pages."""
    return list(dict.fromkeys(_picture_address(public_url).findall(html)))


def _picture_address(public_url: str) -> re.Pattern[str]:
    return re.compile(re.escape(html_module.escape(public_url)) + r"/images/([0-9A-Za-z][0-9A-Za-z._-]*)")


def prepared(html: str, *, urls: Sequence[str]) -> str:
    """The letter made ready for a frame: `#pick-n` is the story of `urls[n]`, and a click on a link does nothing.

    Links open a new window, which a sandboxed frame may not do, so nobody follows one by accident.
    """
    for number, url in enumerate(urls):
        parts = urlsplit(url)
        start = html_module.escape(f"{parts.scheme}://{parts.netloc}{parts.path}")
        link = re.compile(rf'<a\b(?![^>]*\sid=)(?=[^>]*\shref="{re.escape(start)}["?#&])')
        html = link.sub(f'<a id="pick-{number}"', html, count=1)
    return re.sub(r"<head\b[^>]*>", lambda found: found[0] + _SHOWN, html, count=1, flags=re.IGNORECASE)


def _scheme(html: str, *, dark: bool) -> str:
    scheme = "dark" if dark else "light"
    html = _QUERY.sub(lambda found: "(min-width: 0)" if found[1].lower() == scheme else "(max-width: 0)", html)
    return _SCHEME.sub(rf"\g<1>{scheme}", html)


def _in_word(html: str) -> str:
    html = _NOT_FOR_WORD.sub("", _OFFICE.sub("", _FOR_WORD.sub(r"\1", _STYLE_ELEMENT.sub("", html))))
    html = _restyled(html, _kept_by_word)
    return _IMAGE.sub(lambda found: _restyled(found[0], _attribute_wins), html)


def _restyled(html: str, change: Callable[[str], str]) -> str:
    """The mark-up with every style attribute changed."""
    return _STYLE_ATTRIBUTE.sub(lambda found: found[1] + change(found[3]) + found[4], html)


def _kept_by_word(style: str) -> str:
    return ";".join(one for one in style.split(";") if not _NOT_IN_WORD.match(one)).replace("inline-block", "inline")


def _attribute_wins(style: str) -> str:
    return ";".join(one for one in style.split(";") if one.partition(":")[0].strip().lower() not in ("width", "height"))


def _inverted(html: str) -> str:
    """Light backgrounds made dark and dark text light, as in programs that do not read a letter's dark scheme."""
    html = _BGCOLOR.sub(lambda found: found[1] + _darker(found[2]) + found[3], html)
    return _restyled(html, lambda style: ";".join(map(_turned, style.split(";"))))


def _turned(declaration: str) -> str:
    name = declaration.partition(":")[0].strip().lower()
    if name == "color":
        return _HEX.sub(lambda found: _lighter(found[0]), declaration)
    if name.startswith(("background", "border")):
        return _HEX.sub(lambda found: _darker(found[0]), declaration)
    return declaration


def _darker(colour: str) -> str:
    return _with_lightness(colour, lambda light: 0.94 - 0.8 * light if light >= 0.5 else light)


def _lighter(colour: str) -> str:
    return _with_lightness(colour, lambda light: 0.94 - 0.6 * light if light < 0.5 else light)


def _with_lightness(colour: str, change: Callable[[float], float]) -> str:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    hue, light, saturation = colorsys.rgb_to_hls(*(int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)))
    red, green, blue = colorsys.hls_to_rgb(hue, change(light), 0.8 * saturation)
    return f"#{round(255 * red):02x}{round(255 * green):02x}{round(255 * blue):02x}"
