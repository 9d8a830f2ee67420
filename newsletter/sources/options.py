"""The keys of one `[[sources]]` table that every kind shares, read and checked once.

What it does not know: what a kind does with them; `weight` and `sections` (the settings keep those). Every mistake
raises a `SettingsError` that names the source, the key and what would be right.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from newsletter.errors import SettingsError, SourceError
from newsletter.links import refusal
from newsletter.sources.dates import DateOrder

COMMON = ("timezone", "date_order", "allow_private")


@dataclass(frozen=True, slots=True)
class Common:
    """How a source writes its dates, and which private hosts it may reach."""

    zone: tzinfo = UTC
    order: DateOrder | None = None
    allow_private: tuple[str, ...] = ()


def read_common(name: str, options: Mapping[str, Any], *, keys: tuple[str, ...]) -> Common:
    """Checks that only `keys` and the common ones are used, and reads the common ones."""
    allowed = (*keys, *COMMON)
    for key in options:
        if key not in allowed:
            near = nearest(key, allowed)
            hint = f"did you mean {near!r}?" if near else f"known are {', '.join(allowed)}."
            raise SettingsError(f'Source "{name}" has an unknown key {key!r}; {hint}')
    return Common(
        zone=_zone(name, options.get("timezone")),
        order=_order(name, options.get("date_order")),
        allow_private=texts(name, options, "allow_private"),
    )


def nearest(word: str, known: tuple[str, ...] | list[str]) -> str:
    """The known word most like this one, or ""."""
    found = difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    return found[0] if found else ""


def text(name: str, options: Mapping[str, Any], key: str) -> str:
    """One text, "" when the key is absent."""
    value = options.get(key, "")
    if not isinstance(value, str) or (key in options and not value.strip()):
        raise SettingsError(f'Source "{name}": {key} must be a text, not {value!r}.')
    return value.strip()


def texts(name: str, options: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """A list of texts; a single text is a list of one."""
    value = options.get(key, ())
    items = (value,) if isinstance(value, str) else value
    if not isinstance(items, list | tuple) or not all(isinstance(item, str) and item.strip() for item in items):
        raise SettingsError(f'Source "{name}": {key} must be a list of texts, not {value!r}.')
    return tuple(item.strip() for item in items)


def web_address(name: str, options: Mapping[str, Any], key: str) -> str:
    """An http(s) address exactly as written, "" when the key is absent."""
    return checked_address(name, key, text(name, options, key)) if key in options else ""


def checked_address(name: str, key: str, value: str) -> str:
    """The address of the key `key`, exactly as written."""
    if reason := refusal(value):
        raise SettingsError(f'Source "{name}": {key} must be an http:// or https:// address; {value!r} {reason}.')
    return value


def local_path(name: str, options: Mapping[str, Any], key: str, *, root: Path) -> Path | None:
    """A file or folder, relative to the project's folder, None when the key is absent. It need not exist yet."""
    value = text(name, options, key)
    return root / Path(value).expanduser() if value else None


def exactly_one(name: str, options: Mapping[str, Any], keys: tuple[str, ...]) -> None:
    """Refuses a table in which not exactly one of these keys is set."""
    given = [key for key in keys if key in options]
    if len(given) != 1:
        what = "both " + " and ".join(given) if given else "none of " + ", ".join(keys)
        raise SettingsError(f'Source "{name}" has {what}; give exactly one of {", ".join(keys)}.')


def _zone(name: str, value: object) -> tzinfo:
    if value is None:
        return UTC
    try:
        return ZoneInfo(str(value))
    except (ValueError, OSError, LookupError) as error:
        raise SettingsError(
            f'Source "{name}": timezone {value!r} is unknown; write it like "Europe/Berlin" or "UTC".'
        ) from error


def _order(name: str, value: object) -> DateOrder | None:
    if value is None:
        return None
    try:
        return DateOrder(value)  # type: ignore[arg-type]
    except ValueError as error:
        raise SettingsError(f'Source "{name}": date_order must be "dmy", "mdy" or "ymd", not {value!r}.') from error


def read_bytes(path: Path, *, max_bytes: int) -> bytes:
    """A file of the operator's. Raises `SourceError`."""
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror or error}); check the path.") from error
    if len(data) > max_bytes:
        raise SourceError(f"{path} is larger than {max_bytes // 1024 // 1024} MiB; is it the right file?")
    return data


def files_inside(folder: Path, suffixes: tuple[str, ...], *, limit: int) -> list[Path]:
    """The files of a folder and its subfolders, by name, at most `limit`; none that a link leads out of the folder.

    Names that begin with a dot or an underscore are skipped. Raises `SourceError`.
    """
    if not folder.is_dir():
        raise SourceError(f"The folder {folder} does not exist; make it or correct the path.")
    inside = folder.resolve()
    found = []
    for file in sorted(folder.rglob("*")):
        hidden = any(part.startswith((".", "_")) for part in file.relative_to(folder).parts)
        if hidden or file.suffix.lower() not in suffixes or not file.is_file():
            continue
        if file.resolve().is_relative_to(inside):
            found.append(file)
    if len(found) > limit:
        raise SourceError(
            f"The folder {folder} holds {len(found)} files; more than {limit} are not read. Move old ones away."
        )
    return found
