"""Read the keys of a table, of `[backend]` or a `[[sources]]`, into a frozen dataclass: its fields are the keys.

Values come from TOML with their types, or from the environment as text, so text is turned into what the field wants.
Fields may be `str`, `int`, `float`, `bool`, `Path`, `tzinfo`, an enumeration or a `Literal` of texts, each also
`| None`, and `tuple[str, ...]`. A relative path is relative to the project's folder, a default one too. An empty text
for a field that may be None means "not set", which is how the environment takes a key of the file back.
`metadata=between(1, 10)` bounds a number; `metadata=checked(…)` looks at a text. What must be true of several keys
together is `__post_init__`'s, which raises `ValueError`.

What it does not know: which kinds exist. Opens nothing. Raises `SettingsError` naming the key.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from datetime import tzinfo
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo

from newsletter.errors import SettingsError

Keys = TypeVar("Keys")

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}
_NAMES: Mapping[Any, str] = {
    str: "a text", int: "a whole number", float: "a number", bool: "true or false", Path: "a path",
    tzinfo: 'a time zone such as "Europe/Berlin"', tuple[str, ...]: "a list of texts",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kind:
    """Where the class of a built-in kind is, as `package.module:Class`, and the dataclass of the keys it takes."""

    place: str
    keys: type[Any]


def place_of(kind: str, kinds: Mapping[str, Kind], *, table: str = "[backend]") -> str:
    """The class of a kind: of a built-in one, or anybody's own `package.module:Class`. Raises `SettingsError`."""
    if kind in kinds:
        return kinds[kind].place
    if ":" not in kind:
        known = [*kinds, "package.module:Class"]
        raise SettingsError(f'{table} kind "{kind}" is not known{did_you_mean(kind, known)}')
    return kind


def check(
    kind: str, options: Mapping[str, Any], *, kinds: Mapping[str, Kind], root: Path, table: str = "[backend]"
) -> None:
    """Refuse an unknown kind, and what a built-in one would refuse of its keys. Loads neither."""
    place_of(kind, kinds, table=table)
    if kind in kinds:
        read(kinds[kind].keys, options, root=root, table=table)


def between(least: float, most: float) -> Mapping[str, float]:
    """Metadata of a field that holds a number: both ends are allowed."""
    return {"least": least, "most": most}


def checked(look: Callable[[str], str]) -> Mapping[str, Callable[[str], str]]:
    """Metadata of a field that holds texts: `look` says why one is not right, after the key's name, or ""."""
    return {"check": look}


def read(keys: type[Keys], options: Mapping[str, Any], *, root: Path, table: str = "[backend]") -> Keys:
    """An instance of the dataclass `keys`, filled from `options`. Raises `SettingsError`, which names the `table`."""
    known: dict[str, Field[Any]] = {field.name: field for field in fields(keys) if field.init}  # type: ignore[arg-type]
    for name in options:
        if name not in known:
            raise SettingsError(f'{table} has no key "{name}" for this kind{did_you_mean(name, known)}')
    try:
        return keys(**dict(_values(known, options, kinds=get_type_hints(keys), root=root)))
    except ValueError as error:
        raise SettingsError(f"{table} {error}") from error


def _values(
    known: Mapping[str, Field[Any]], options: Mapping[str, Any], *, kinds: Mapping[str, Any], root: Path
) -> Iterator[tuple[str, Any]]:
    for name, field in known.items():
        if name in options:
            yield name, _value(options[name], name=name, kind=kinds[name], field=field, root=root)
        elif field.default is MISSING and field.default_factory is MISSING:
            raise ValueError(f'needs "{name}" for this kind; add it to newsletter.toml')
        elif isinstance(field.default, Path):
            yield name, root / field.default


def nearest(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """The known word most like this one, or ""."""
    return next(iter(difflib.get_close_matches(name.lower(), list(known), n=1, cutoff=cutoff)), "")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown name: the nearest valid one, or all of them."""
    choices = list(known)
    near = nearest(name, choices)
    return (
        f'; did you mean "{near}"?' if near else f"; valid here: {', '.join(choices)}" if choices else "; it has none"
    )


def _value(value: Any, *, name: str, kind: Any, field: Field[Any], root: Path) -> Any:
    wanted = kind
    if get_origin(kind) is UnionType or NoneType in get_args(kind):
        if value is None or value == "":
            return None
        (wanted,) = (each for each in get_args(kind) if each is not NoneType)
    choices = _choices(wanted)
    if choices:
        if value in choices:
            return value if get_origin(wanted) is Literal else wanted(value)
        raise ValueError(f'{name} cannot be "{value}"{did_you_mean(str(value), choices)}')
    result = _as(value, wanted)
    if result is None:
        instead = f", not {_shown(value)}" if field.repr else ""  # a field that hides itself holds a secret
        raise ValueError(f"{name} must be {_NAMES[wanted]}{instead}")
    rules = field.metadata
    if "least" in rules and not rules["least"] <= result <= rules["most"]:
        raise ValueError(f"{name} must be between {rules['least']} and {rules['most']}, not {_shown(value)}")
    for text in (result if isinstance(result, tuple) else (result,)) if "check" in rules else ():
        if wrong := rules["check"](text):
            raise ValueError(f"{name} {wrong}")
    return root / result.expanduser() if wanted is Path else result


def _choices(wanted: Any) -> tuple[str, ...]:
    if get_origin(wanted) is Literal:
        return get_args(wanted)
    return tuple(each.value for each in wanted) if isinstance(wanted, type) and issubclass(wanted, Enum) else ()


def _as(value: Any, wanted: Any) -> Any:
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
    if wanted is tzinfo:
        return zone(value)
    if get_origin(wanted) is tuple:
        return _texts(value)
    if isinstance(value, str) or (isinstance(value, int) and wanted is float):
        try:
            return wanted(value)
        except ValueError:
            return None
    return value if isinstance(value, wanted) else None


def zone(value: Any) -> ZoneInfo | None:
    """The time zone of an IANA name; None if it is none."""
    try:
        return ZoneInfo(value) if isinstance(value, str) else None
    except (ValueError, OSError, LookupError):
        return None


def _texts(value: Any) -> tuple[str, ...] | None:
    """A list of texts; a single text is a list of one."""
    items = (value,) if isinstance(value, str) else value
    if not isinstance(items, list | tuple) or not all(isinstance(item, str) and item.strip() for item in items):
        return None
    return tuple(item.strip() for item in items)


def _shown(value: Any) -> str:
    """The value as a message shows it, cut when it is long: it could be a whole file pasted by mistake."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
