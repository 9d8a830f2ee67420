"""Read the keys of `[backend]` into a backend's own frozen dataclass: its fields are the keys.

Values come from TOML with their types, or from the environment as text, so text is turned into what the field wants.
Fields may be `str`, `int`, `float`, `bool`, `Path` or a `Literal` of texts, each also `| None`. A relative path is
relative to the project's folder, a default one too. An empty text for a field that may be None means "not set", which
is how the environment takes a key of the file back. `metadata=between(1, 10)` bounds a number.

What it does not know: which backends exist. Opens nothing. Raises `SettingsError` naming the key.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, fields
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from newsletter.errors import SettingsError

Keys = TypeVar("Keys")

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}
_NAMES = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", Path: "a path"}


def between(least: float, most: float) -> Mapping[str, float]:
    """Metadata of a field that holds a number: both ends are allowed."""
    return {"least": least, "most": most}


def read(keys: type[Keys], options: Mapping[str, Any], *, root: Path) -> Keys:
    """An instance of the dataclass `keys`, filled from `options`. Raises `SettingsError`."""
    known: dict[str, Field[Any]] = {field.name: field for field in fields(keys) if field.init}  # type: ignore[arg-type]
    for name in options:
        if name not in known:
            raise SettingsError(f'[backend] has no key "{name}" for this kind{nearest(name, known)}')
    kinds = get_type_hints(keys)
    values: dict[str, Any] = {}
    for name, field in known.items():
        if name in options:
            values[name] = _value(options[name], name=name, kind=kinds[name], field=field, root=root)
        elif field.default is MISSING and field.default_factory is MISSING:
            raise SettingsError(f'[backend] needs "{name}" for this kind; add it to newsletter.toml')
        elif isinstance(field.default, Path):
            values[name] = root / field.default
    return keys(**values)


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown name: the nearest valid one, if there is one, and all of them."""
    choices = sorted(known)
    if not choices:
        return "; it has none"
    close = difflib.get_close_matches(name, choices, n=1)
    return (f'; did you mean "{close[0]}"?' if close else ";") + f" It may be one of: {', '.join(choices)}"


def _value(value: Any, *, name: str, kind: Any, field: Field[Any], root: Path) -> Any:
    wanted = kind
    if get_origin(kind) is UnionType or NoneType in get_args(kind):
        if value is None or value == "":
            return None
        (wanted,) = (each for each in get_args(kind) if each is not NoneType)
    if get_origin(wanted) is Literal:
        if value in get_args(wanted):
            return value
        raise SettingsError(f'[backend] {name} cannot be "{value}"{nearest(str(value), get_args(wanted))}')
    result = _as(value, wanted)
    if result is None:
        instead = f", not {_shown(value)}" if field.repr else ""  # a field that hides itself holds a secret
        raise SettingsError(f"[backend] {name} must be {_NAMES[wanted]}{instead}")
    bounds = field.metadata
    if bounds and not bounds["least"] <= result <= bounds["most"]:
        raise SettingsError(
            f"[backend] {name} must be between {bounds['least']} and {bounds['most']}, not {_shown(value)}"
        )
    return root / result.expanduser() if wanted is Path else result


def _as(value: Any, wanted: type) -> Any:
    """`value` as the wanted type, or None where it cannot be that."""
    if wanted is bool:
        if isinstance(value, bool):
            return value
        text = value.strip().lower() if isinstance(value, str) else ""
        return True if text in _TRUE else False if text in _FALSE else None
    if isinstance(value, bool):  # a bool is an int to Python, and never what was meant
        return None
    if wanted is Path:
        return Path(value) if isinstance(value, (str, Path)) and str(value) else None
    if wanted is str:
        return value if isinstance(value, str) else None
    if isinstance(value, str) or (isinstance(value, int) and wanted is float):
        try:
            return wanted(value)
        except ValueError:
            return None
    return value if isinstance(value, wanted) else None


def _shown(value: Any) -> str:
    """The value for a person. A text is shown as it is except when long: it could be a whole file pasted by mistake."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
