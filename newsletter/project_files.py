"""The files a new project begins with: a `newsletter.toml` that names every key, and what lies beside it. Pure.

The settings file is written from the settings' own models, so that it can never name a key that is not there. Lines
that begin with `# ` explain; lines that begin with `#` and no space are settings at their defaults.

What it does not know: where the files go (`cli.project`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from newsletter.settings import Settings
from newsletter.settings.tables import SectionTable, SourceTable

_FIRST = {
    "from": '"Weekly highlights <news@example.org>"',
    "public_url": '"https://news.example.org"',
    "postal_address": '"The Example, 1 Example Street, Exampletown"',
}
_PREFACE = """\
# The whole of this newsletter. Lines with a # and no space after it are settings at their defaults: take the # away and
# change them. A key that does not exist is refused by name. docs/settings.md explains every key; NEWSLETTER_ variables
# win over this file (NEWSLETTER_BACKEND__HOST sets [backend] host).
"""
_SOURCE = """\
# Where the articles come from: a table for each source. Without one there is nothing to pick.
#[[sources]]
#name = "site"
#kind = "feed"
#url = "https://example.org/feed.xml"
"""
_SECTIONS = """\
# The parts of an issue, in reading order. One that has a match takes what its sources say of an article (category, tag,
# address, source); one without takes the rest. A second one might be:
# [[sections]]
# name = "guides"
# title = "Guides"
# pick = 4
# match = { category = ["Guides"] }
"""
_SMTP = """\
# A mail server takes these keys, with kind = "smtp":
#host = "smtp.example.org"
#port = 587
#security = "starttls"
#username = "news@example.org"
#password_file = "smtp-password"
#connections = 2
"""

ENVIRONMENT = """\
# Copy this file to .env for what should not stand in newsletter.toml. A name is the table and the key.
#NEWSLETTER_BACKEND__PASSWORD=
#NEWSLETTER_DATABASE__URL=postgresql://newsletter@localhost/newsletter
"""
GITIGNORE = """\
newsletter.key
.env
*password*
newsletter.db*
mail/
"""
TEMPLATES_README = """\
Put a file here to use it instead of the shipped one of the same name, such as weekly/body.html.j2 or
parts/story.html.j2; `newsletter preview` shows the result at once. Empty is fine: the shipped templates are used.
"""


def settings_text() -> str:
    """A `newsletter.toml` that is ready once three lines of it are filled in."""
    pieces = [_PREFACE]
    for name, field in Settings.model_fields.items():
        if name == "sources":
            pieces.append(_SOURCE + "\n".join(_keys(SourceTable, but=("name", "kind"))) + "\n")
        elif name == "sections":
            pieces.append(_SECTIONS + "\n".join(_sections(field.default)) + "\n")
        elif name != "root":
            pieces.append("\n".join(_table(name, field)) + "\n" + (_SMTP if name == "backend" else ""))
    return "\n".join(pieces)


def _table(name: str, field: FieldInfo) -> Iterator[str]:
    model = field.annotation
    assert isinstance(model, type)
    assert issubclass(model, BaseModel)
    yield f"[{name}]"
    if name == "newsletter":
        yield "# Fill in these three, and take their # away; nothing works before."
        yield from (f"#{key} = {example}" for key, example in _FIRST.items())
    yield from _keys(model, but=tuple(_FIRST) if name == "newsletter" else ())
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
        for name in ("name", "title", "pick", "min", "if_thin"):
            yield f"#{name} = {_value(getattr(section, name))}"
        match = {name: value for name, value in section.match if value}
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
