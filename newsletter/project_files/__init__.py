"""The files a new project begins with: a `newsletter.toml` that names every key, and what lies beside it.

The settings file is filled in from the settings' own models, so that it can never name a key that is not there: in the
`newsletter.toml` of this folder, `{table}` stands for the keys of a table. Lines that begin with `# ` explain; lines
that begin with `#` and no space are settings at their defaults.

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
    text = (_HERE / "newsletter.toml").read_text(encoding="utf-8")
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
