"""Mistakes in the settings: the sentence about one, and where it is. Pure.

What it does not know: where settings are read from.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ValidationError

from newsletter.errors import SettingsError
from newsletter.options import did_you_mean
from newsletter.settings.tables import EXAMPLES

# What sending a frozen issue reads, and the key file. A mistake elsewhere stops no frozen issue.
SENDING = ("backend", "pace", "sending", "dkim", "database")


class Mistake(SettingsError):
    """What is wrong, and where: a table, or a key of `[newsletter]`. `needed`: a frozen issue cannot do without it.
    `vital`: not even leaving can.
    """

    def __init__(self, text: str, where: tuple[str, ...], *, needed: bool = False) -> None:
        super().__init__(text)
        self.where = where
        self.vital = where[:1] == ("database",) or where == ("newsletter", "key_file")
        self.needed = needed or where[:1] in {(table,) for table in SENDING} or where == ("newsletter", "key_file")


def variable_of(location: tuple[int | str, ...], names: Iterable[str], *, prefix: str) -> str:
    """The variable a wrong value came from, or "": it would be looked for in the file in vain."""
    given = {name.upper() for name in names}
    paths = [prefix + "__".join(map(str, location[:length])).upper() for length in range(len(location), 0, -1)]
    return next((path for path in paths if path in given), "")


def sentence(error: ValidationError, *, model: type[BaseModel]) -> str:
    """What is wrong first, in one sentence about `model`."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = _where(first["loc"])
    if first["type"] == "extra_forbidden":
        return f"{where} is not a setting{did_you_mean(str(first['loc'][-1]), keys_beside(first['loc'], model=model))}"
    if first["type"] == "missing":
        return f"{where} is missing"
    if first["type"] in {"model_type", "tuple_type"}:
        return f"{where} has to be a {'table' if first['type'] == 'model_type' else 'list'}"
    if first["type"] == "string_pattern_mismatch":
        example = EXAMPLES.get(first["ctx"]["pattern"], f"fit {first['ctx']['pattern']}")
        return f"{where} has to {example}"
    message = first["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return f"{where} {message[0].lower() + message[1:]}" if where else message


def _where(location: Iterable[int | str]) -> str:
    parts = [str(part + 1) if isinstance(part, int) else part for part in location]
    if not parts:
        return ""
    if parts[0] in {"sources", "sections"}:
        return f"[[{parts[0]}]]" + (f" number {parts[1]}: " if len(parts) > 1 else "") + ".".join(parts[2:])
    return f"[{parts[0]}] {'.'.join(parts[1:])}".strip()


def keys_beside(location: tuple[int | str, ...], *, model: Any) -> list[str]:
    """The keys that are valid at a location of `model`."""
    for part in location[:-1]:
        if isinstance(part, int):
            continue
        by_alias = {field.alias or name: field for name, field in model.model_fields.items()}
        annotation = by_alias[part].annotation
        arguments = getattr(annotation, "__args__", None)
        model = arguments[0] if arguments else annotation
    return [field.alias or name for name, field in model.model_fields.items() if name != "root"]
