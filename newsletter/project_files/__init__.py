"""The files a new project begins with: a `newsletter.toml` that names every key, and what lies beside it.

The settings file is filled in from the settings' own models, so that it can never name a key that is not there: in the
`newsletter.toml` of this folder, `{table}` stands for the keys of a table. Lines that begin with `# ` explain; lines
that begin with `#` and no space are settings at their defaults.

What it does not know: where the files go (`cli.project`).
"""

from __future__ import annotations

import json
import re
import unicodedata
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from newsletter.settings import Settings
from newsletter.settings.tables import SectionTable, SourceTable
from newsletter.sources.site import Site

_HERE = Path(__file__).parent
FILES = {".env.example": "env.example", ".gitignore": "gitignore", "templates/README.txt": "templates.txt"}
# Written out in `newsletter.toml` here, before the other keys of their table.
_SHOWN = {"newsletter": ("from", "public_url", "postal_address"), "sources": ("name", "kind")}


def files() -> Iterator[tuple[str, str]]:
    """The name and text of what lies beside the settings."""
    for name, file in FILES.items():
        yield name, (_HERE / file).read_text(encoding="utf-8")


def settings_text() -> str:
    """A `newsletter.toml` that is ready once three lines of it are filled in."""
    return _filled_in((_HERE / "newsletter.toml").read_text(encoding="utf-8"))


def settings_of(site: Site, *, logo: str = "", allow_private: Sequence[str] = ()) -> str:
    """A `newsletter.toml` for a site that was looked at; `logo` is a file of the project.

    The postal address is nowhere to be read, and stays to be filled in.
    """
    text = (_HERE / "newsletter.toml").read_text(encoding="utf-8")
    host = (urlsplit(site.url).hostname or "").removeprefix("www.")
    own = {"from": f"{_phrase(site.name)} <newsletter@{host}>", "public_url": f"https://newsletter.{host}"}
    own |= {key: value for key, value in (("name", site.name), ("language", site.language)) if value}
    own |= {"tagline": site.tagline} if site.tagline else {}
    kind, address = ("feed", site.feeds[0]) if site.feeds else ("sitemap", site.sitemap)
    source: dict[str, Any] = {"name": "site", "kind": kind, "url": address}
    source |= {"allow_private": list(allow_private)} if allow_private else {}
    found = {"theme": {"logo": logo, "logo_width": 64} if logo else {}, "theme.colours": {}}
    if site.accent:
        found["theme.colours"] = {"accent": site.accent, "link": site.accent}
    sections = [
        {"name": _slug(name), "title": name, "pick": 4, "match": {"category": [name]}} for name in site.sections
    ]
    more = {"name": "more", "title": "More of the week", "pick": 3, "min": 0}
    tables = "".join(f"[[sections]]\n{_lines(one)}\n" for one in [*sections, more])
    lines = {
        '#from = "Weekly highlights <news@example.org>"\n#public_url = "https://news.example.org"\n': _lines(own),
        "# Fill in these three, and take their # away; nothing works before.\n": (
            "# from and public_url are guesses; fill in postal_address, and take its # away: nothing is sent before.\n"
        ),
        '#[[sources]]\n#name = "site"\n#kind = "feed"\n#url = "https://example.org/feed.xml"\n': (
            "[[sources]]\n" + _lines(source) if address else ""
        ),
        "{sections}\n": tables if sections else "{sections}\n",
        "[theme]\n": "[theme]\n" + _lines(found["theme"]),
    }
    for old, new in lines.items():
        text = text.replace(old, new, 1)
    return _filled_in(text).replace("[theme.colours]\n", "[theme.colours]\n" + _lines(found["theme.colours"]), 1)


def _lines(keys: Mapping[str, Any]) -> str:
    return "".join(f"{key} = {_value(value)}\n" for key, value in keys.items())


def _phrase(name: str) -> str:
    """A name as it may stand before an address in a header."""
    return f'"{name}"' if re.search(r"[^\w\s'-]", name) and '"' not in name else name.replace('"', "") or "Newsletter"


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40] or f"section-{zlib.crc32(name.encode()) % 1000}"


def _filled_in(text: str) -> str:
    for name, field in Settings.model_fields.items():
        if name != "root":
            head, _, tail = text.partition(f"{{{name}}}\n")
            text = head + "".join(f"{line}\n" for line in _table(name, field)) + tail
    return text


def _table(name: str, field: FieldInfo) -> Iterator[str]:
    if name == "sections":
        yield from _sections(field.default)
        return
    model = SourceTable if name == "sources" else field.annotation
    assert isinstance(model, type)
    assert issubclass(model, BaseModel)
    yield from _keys(model, but=_SHOWN.get(name, ()))
    for key, inner in model.model_fields.items():
        if isinstance(inner.default, BaseModel):
            yield f"\n[{name}.{key}]"
            yield from _keys(type(inner.default))


def _keys(model: type[BaseModel], *, but: tuple[str, ...] = ()) -> Iterator[str]:
    for name, field in model.model_fields.items():
        key = field.alias or name
        default = field.get_default(call_default_factory=True, validated_data={})
        if key in but or default is PydanticUndefined or isinstance(default, BaseModel):
            continue
        if field.description:
            yield f"# {field.description}"
        yield f"#{key} = {_value(default)}"


def _sections(defaults: tuple[SectionTable, ...]) -> Iterator[str]:
    for section in defaults:
        yield "#[[sections]]"
        for name in ("name", "title", "pick", "min", "order", "fixed", "if_thin"):
            yield f"#{name} = {_value(getattr(section, name))}"
        match = section.match.model_dump(by_alias=True, exclude_defaults=True)
        if match:
            yield f"#match = {_value(match)}"


def _value(value: Any) -> str:
    """A default as TOML writes it."""
    if isinstance(value, timedelta):
        seconds = int(value.total_seconds())
        for letter, unit, least in (("d", 86400, 3), ("h", 3600, 1), ("m", 60, 1)):
            if seconds % unit == 0 and seconds >= least * unit:
                return f'"{seconds // unit}{letter}"'
        return f'"{seconds}s"'
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(one)}" for key, one in value.items()) + " }" if value else "{}"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    return json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)
