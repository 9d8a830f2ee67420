"""Web addresses: which are usable, how one is kept and mailed, and when two name the same page. Pure text work.

An article has two addresses. `canonical` is the one to keep and to mail: as the publisher wrote it, less the names that
are only ever tracking. `comparison_key` is the one to compare: it throws away everything that may differ between two
addresses of one page, and must never be visited. Which addresses are refused is decided here alone (`refusal`).

What it does not know: redirects (`fetch`), `rel=canonical` (`sources.page`), the publisher's own utm (`rendering`).
Nothing here raises but `ascii_host`.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urljoin, urlsplit

import idna

from newsletter.characters import url_text

MAX_LENGTH = 2000
"""Longer addresses are refused: no publisher's article has one, and mail programs break them."""

DEFAULT_PORTS = {"http": 80, "https": 443}
_AS_WRITTEN = re.compile(r"[\s<>\"\\]")
_AMPERSAND = re.compile(r"&(?:(?:amp|#0*38|#x26);)+", re.IGNORECASE)
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?\.?|\[[0-9a-f:.]+\]")
_ONLY_TRACKING = (
    r"utm_\w+|fbclid|gclid|gclsrc|dclid|gbraid|wbraid|msclkid|yclid|twclid|ttclid|li_fat_id|mc_[ce]id|igshid|igsh|_hs\w+|"
    r"hsa_\w+|hsctatracking|mkt_tok|vero_(?:id|conv)|_ga|_gl|oly_(?:anon|enc)_id|__twitter_impression"
)
# These say where a visit comes from on most sites and are the page on some: ignored to compare, kept to mail.
_OFTEN_TRACKING = (
    r"utm|cmp|cmpid|cid_source|ref|ref_src|ref_url|src|source|at_\w+|ns_\w+|xtor|s_cid|ncid|smid|sr_share|ito|icid|wt_mc|"
    r"traffic_source|mbid|soc_\w+|ocid|oly_\w+|vero_\w+"
)
_DROPPED = re.compile(_ONLY_TRACKING, re.IGNORECASE)
_AMP = re.compile("amp", re.IGNORECASE)
_IGNORED = re.compile(f"{_OFTEN_TRACKING}|{_AMP.pattern}", re.IGNORECASE)
_DROPPED_FRAGMENT = re.compile(rf"(?:(?:{_ONLY_TRACKING}|xtor)=[^&]*(?:&|$))+", re.IGNORECASE)
_GOOGLE = re.compile(r"(?:www\.)?google\.[a-z]{2,3}(?:\.[a-z]{2})?")
_AT_THE_FRONT = re.compile(r"(?:www\d?|m|amp|mobile)\.")
_LAST_STEP = re.compile(r"/(?:amp/?|index\.(?:html?|php|aspx?))$|\.amp$", re.IGNORECASE)


def canonical(url: str, *, against: str = "") -> str:
    """The address as it is kept and mailed, or "" when it is not a usable http(s) address.

    Relative addresses are resolved `against` another. Google's redirects are unwrapped, `&amp;` unescaped, the host
    written as the DNS knows it, and the default port and what is only ever tracking dropped. Everything else, with its
    order, is the publisher's and stays.
    """
    parts = _usable(url, against)
    if parts is None:
        return ""
    query = "&".join(pair for pair in _pairs(parts.query) if not _DROPPED.fullmatch(unquote(pair.partition("=")[0])))
    fragment = "" if _DROPPED_FRAGMENT.fullmatch(parts.fragment) else quote(parts.fragment, safe="/%:@!$&'()*+,;=~-._?")
    return _written(parts, query=query, fragment=fragment)


def comparison_key(url: str) -> str:
    """The same text for every address of one page, or "" for an unusable one. Never an address to visit.

    Beyond `canonical` it ignores http or https, `www.`, `m.` and `amp.`, a closing slash, `/amp`, `index.html`, how
    letters are percent-encoded, the order of the parameters, those that often say only where a visit comes from
    (`ref`, `cmp`, `source` …), and a fragment that does not select the page (`#!/…` and `#/…` do).
    """
    return _key(url, ignored=_IGNORED)


def exact_key(url: str) -> str:
    """As `comparison_key`, but `ref`, `cmp`, `source` and their like count: they select the page on some sites."""
    return _key(url, ignored=_AMP)


def _key(url: str, *, ignored: re.Pattern[str]) -> str:
    kept = canonical(url)
    if not kept:
        return ""
    parts = urlsplit(kept)
    host = parts.netloc
    while (front := _AT_THE_FRONT.match(host)) and "." in host[front.end() :]:
        host = host[front.end() :]
    path = _LAST_STEP.sub("/", unquote(parts.path)).rstrip("/")
    pairs = sorted(pair for pair in parse_qsl(parts.query, keep_blank_values=True) if not ignored.fullmatch(pair[0]))
    query = "&".join(f"{name}={value}" for name, value in pairs)
    fragment = "#" + unquote(parts.fragment) if _selects(parts.fragment) else ""
    return f"{host}{path}{'?' + query if query else ''}{fragment}"


def refusal(url: str) -> str:
    """Why an address cannot be used exactly as it is written, in words that follow its name; "" when it can."""
    if _AS_WRITTEN.search(url) or url != url_text(url):
        return "holds a space, a quotation mark or an invisible character"
    if len(url) > MAX_LENGTH:
        return f"is longer than {MAX_LENGTH} characters"
    checked = _checked(url)
    return checked if isinstance(checked, str) else ""


def ascii_host(host: str) -> str:
    """A host name as the DNS knows it: IDNA 2008 after the mapping of UTS 46, which is what browsers do (RFC 5891).

    Raises `ValueError` when the name cannot be written so.
    """
    if ":" in host:
        return f"[{host.strip('[]').partition('%')[0]}]"
    return host.lower() if host.isascii() else idna.encode(host, uts46=True).decode("ascii")


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own: `localhost`, 127.0.0.0/8 or ::1 (RFC 6761 §6.3)."""
    if host.rstrip(".").lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def same_site(one: str, other: str) -> bool:
    """Whether two addresses lie on one site: the same host, or one inside the other, ignoring `www.` and the like."""
    hosts = (_AT_THE_FRONT.sub("", urlsplit(address).hostname or "", count=1) for address in (one, other))
    short, long = sorted(hosts, key=len)
    return short != "" and (long == short or ("." in short and long.endswith("." + short)))


def is_home_page(url: str) -> bool:
    """Whether an address is a site's home page and so cannot be an article's own."""
    parts = urlsplit(url)
    return parts.path in ("", "/") and not parts.query and not _selects(parts.fragment)


def picture_address(url: str, *, against: str = "") -> str:
    """The address of a picture, or "" when it is not a usable http(s) address. Its parameters stay: they size it."""
    parts = _usable(url, against)
    return _written(parts, query="&".join(_pairs(parts.query))) if parts is not None else ""


def _usable(url: str, against: str) -> SplitResult | None:
    """The pieces of the address that was meant: mark-up undone, white space gone, a redirect of Google's unwrapped."""
    text = _AMPERSAND.sub("&", url.strip())  # not html.unescape: it reads `&copy=1` as a copyright sign
    text = url_text(text).replace(" ", "%20")
    if not text or len(text) > 2 * MAX_LENGTH:
        return None
    try:
        parts = _checked(urljoin(against, text))
    except ValueError:
        return None
    if isinstance(parts, str):
        return None
    if _GOOGLE.fullmatch(parts.netloc) and parts.path == "/url":
        inner = dict(parse_qsl(parts.query))
        target = _checked(inner.get("url") or inner.get("q") or "")
        if not isinstance(target, str) and not _GOOGLE.fullmatch(target.netloc):
            return target
    return parts


def _checked(text: str) -> SplitResult | str:
    """The pieces of a usable address, with the host in ASCII and no default port in `netloc`; else why it is none."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        return f"cannot be read ({error})"
    if parts.scheme not in DEFAULT_PORTS or not parts.netloc:
        return "is no http:// or https:// address"
    if "@" in parts.netloc:
        return "carries a user name or password"
    try:
        host = ascii_host(parts.hostname or "")
    except ValueError:
        host = ""
    if not _HOST.fullmatch(host) or "\\" in parts.netloc or port == 0:
        return "names no host that can be reached"
    shown_port = f":{port}" if port and port != DEFAULT_PORTS[parts.scheme] else ""
    return parts._replace(netloc=host.rstrip(".") + shown_port)


def _written(parts: SplitResult, *, query: str, fragment: str = "") -> str:
    """The pieces as one address that is safe in a header and in mark-up, "" when it is too long."""
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    text = f"{parts.scheme}://{parts.netloc}{path}{'?' + query if query else ''}{'#' + fragment if fragment else ''}"
    return text if len(text) <= MAX_LENGTH else ""


def _pairs(query: str) -> list[str]:
    """The parameters of a query as they were written, made safe."""
    return [quote(pair, safe="/%:@!$'()*+,;=~-._?[]") for pair in query.split("&") if pair]


def _selects(fragment: str) -> bool:
    """Whether a fragment says which page is meant, as the addresses of some applications do."""
    return fragment.startswith(("!", "/"))
