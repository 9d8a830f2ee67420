"""Web addresses: which are allowed, how one is written, and when two name the same page. Pure text work.

Two forms. `canonical` is what gets stored and mailed: the publisher's own address without what only tracks the reader.
`comparison_key` throws away everything that may differ between two addresses of one page; it is for comparing only
and must never be visited.

What it does not know: redirects (`fetch`), `rel=canonical` (`sources.page`), the publisher's own utm (`rendering`).
Nothing here raises: what is not a usable http(s) address becomes the empty string.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urljoin, urlsplit

MAX_LENGTH = 2000
"""Longer addresses are refused: no publisher's article has one, and mail programs break them."""

DEFAULT_PORTS = {"http": 80, "https": 443}
_CONTROL = re.compile(r"[\x00-\x20\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_AMPERSAND = re.compile(r"&(?:(?:amp|#0*38|#x26);)+", re.IGNORECASE)
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?\.?|\[[0-9a-f:.]+\]")
_TRACKING = re.compile(
    r"utm_\w+|utm|fbclid|gclid|gclsrc|dclid|gbraid|wbraid|msclkid|yclid|twclid|ttclid|li_fat_id|mc_[ce]id|igshid|igsh|"
    r"cmp|cmpid|cid_source|ref|ref_src|ref_url|at_\w+|xtor|_hs\w+|hsa_\w+|hsctatracking|mkt_tok|vero_\w+|_ga|_gl|oly_\w+|"
    r"s_cid|ncid|smid|sr_share|ito|icid|ns_\w+|__twitter_impression|wt_mc|traffic_source|mbid|soc_\w+|ocid",
    re.IGNORECASE,
)
_GOOGLE = re.compile(r"(?:www\.)?google\.[a-z]{2,3}(?:\.[a-z]{2})?")
_AT_THE_FRONT = re.compile(r"(?:www\d?|m|amp|mobile)\.")
_LAST_STEP = re.compile(r"/(?:amp/?|index\.(?:html?|php|aspx?))$|\.amp$", re.IGNORECASE)


def canonical(url: str, *, against: str = "") -> str:
    """The address as it is kept and mailed, or "" when it is not a usable http(s) address.

    Relative addresses are resolved `against` another. Google's redirects are unwrapped, `&amp;` unescaped, the host
    lowered, the default port, tracking parameters and the fragment dropped (a fragment that selects the page, `#!/…`
    or `#/…`, stays). The order of the other parameters is the publisher's and stays. Addresses that carry a user name
    or password are refused.
    """
    parts = _parts(url, against)
    if parts is None:
        return ""
    query = "&".join(pair for pair in _pairs(parts.query) if not _TRACKING.fullmatch(unquote(pair.partition("=")[0])))
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    fragment = quote(parts.fragment, safe="/%:@!$&'()*+,;=~-._?") if parts.fragment[:1] in ("!", "/") else ""
    text = f"{parts.scheme}://{parts.netloc}{path}{'?' + query if query else ''}{'#' + fragment if fragment else ''}"
    return text if len(text) <= MAX_LENGTH else ""


def comparison_key(url: str) -> str:
    """The same text for every address of one page, or "" for an unusable one. Never an address to visit.

    Beyond `canonical` it ignores http or https, `www.`, `m.` and `amp.`, a closing slash, `/amp`, `index.html`, how
    letters are percent-encoded, and the order of the parameters.
    """
    kept = canonical(url)
    if not kept:
        return ""
    parts = urlsplit(kept)
    host = parts.netloc
    while (front := _AT_THE_FRONT.match(host)) and "." in host[front.end() :]:
        host = host[front.end() :]
    path = _LAST_STEP.sub("/", unquote(parts.path)).rstrip("/")
    pairs = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name.lower() != "amp"]
    query = "&".join(f"{name}={value}" for name, value in sorted(pairs))
    fragment = "#" + unquote(parts.fragment) if parts.fragment else ""
    return f"{host}{path}{'?' + query if query else ''}{fragment}"


def same_site(one: str, other: str) -> bool:
    """Whether two addresses lie on one site: the same host, or one inside the other, ignoring `www.` and the like."""
    hosts = [_AT_THE_FRONT.sub("", urlsplit(address).hostname or "", count=1) for address in (one, other)]
    if not all(hosts):
        return False
    short, long = sorted(hosts, key=len)
    return long == short or ("." in short and long.endswith("." + short))


def is_home_page(url: str) -> bool:
    """Whether an address is a site's front door and so cannot be an article's own."""
    parts = urlsplit(url)
    return parts.path in ("", "/") and not parts.query and not parts.fragment


def picture_address(url: str, *, against: str = "") -> str:
    """The address of a picture, or "" when it is not a usable http(s) address. Its parameters stay: they size it."""
    parts = _parts(url, against)
    if parts is None:
        return ""
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = "&".join(_pairs(parts.query))
    text = f"{parts.scheme}://{parts.netloc}{path}{'?' + query if query else ''}"
    return text if len(text) <= MAX_LENGTH else ""


def _parts(url: str, against: str, *, unwrap: bool = True) -> SplitResult | None:
    """The checked pieces of an address: scheme and host lowered, `netloc` without a default port.

    `unwrap` takes the page that Google's redirect leads to for the redirect, once.
    """
    text = _AMPERSAND.sub("&", url.strip())  # not html.unescape: it reads `&copy=1` as a copyright sign
    text = _CONTROL.sub(lambda found: "%20" if found.group() == " " else "", text)
    if not text or len(text) > 2 * MAX_LENGTH:
        return None
    try:
        if against:
            text = urljoin(against, text)
        parts = urlsplit(text)
        port = parts.port
        host = _ascii_host(parts.hostname or "")
    except ValueError:
        return None
    if parts.scheme not in DEFAULT_PORTS or not _HOST.fullmatch(host) or "@" in parts.netloc or "\\" in parts.netloc:
        return None
    if unwrap and _GOOGLE.fullmatch(host) and parts.path == "/url":
        inner = dict(parse_qsl(parts.query))
        target = _parts(inner.get("url") or inner.get("q") or "", "", unwrap=False)
        if target is not None and not _GOOGLE.fullmatch(target.hostname or ""):
            return target
    netloc = host.rstrip(".") + (f":{port}" if port and port != DEFAULT_PORTS[parts.scheme] else "")
    return parts._replace(netloc=netloc)


def _pairs(query: str) -> list[str]:
    """The parameters of a query as they were written, made safe."""
    return [quote(pair, safe="/%:@!$'()*+,;=~-._?[]") for pair in query.split("&") if pair]


def _ascii_host(host: str) -> str:
    """A host name as the DNS knows it. Raises ValueError (UnicodeError) when it cannot be one."""
    if ":" in host:
        return f"[{host.partition('%')[0]}]"
    return host if host.isascii() else host.encode("idna").decode("ascii").lower()
