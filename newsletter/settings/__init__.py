"""`newsletter.toml`, `.env` and NEWSLETTER_ variables → `Settings`.

The environment wins over `.env`, and both over the file: `NEWSLETTER_BACKEND__HOST=…` sets `[backend] host`. Changing
`[backend] kind` from the environment drops the file's other backend keys, since they belong to the other kind.

Everything unknown is an error that names the key and the nearest valid one, and so is every key of the contract whose
room is not built yet: a setting is accepted only when it does something. Relative paths are relative to the project's
folder. Raises `SettingsError`; reads nothing but the file, `.env` and the environment.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from email.utils import parseaddr
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

from dotenv.parser import parse_stream
from pydantic import Field, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError as SourceParseError,
)

from newsletter.errors import SettingsError
from newsletter.settings.tables import (
    EXAMPLES,
    BackendTable,
    DatabaseTable,
    IssueTable,
    Newsletter,
    Pace,
    Schedule,
    SectionTable,
    Sending,
    SourceTable,
    Theme,
    Web,
)

FILE = "newsletter.toml"
PREFIX = "NEWSLETTER_"
# Variables that start like a setting and are none.
NOT_SETTINGS = {"NEWSLETTER_CORPUS", "NEWSLETTER_TEST_POSTGRES"}

# Keys the contract names whose room comes later. None may be accepted before it does something.
LATER = {
    "schedule.review": "the review window",
    "pace.per_domain": "pacing by domain",
    "pace.hours": "sending hours",
    "pace.warmup": "warming up",
    "sending.bounce_domain": "bounce handling",
    "dkim": "signing",
    "hooks": "outgoing hooks",
}


class Settings(BaseSettings):
    """Everything a project says. `root` is the folder the file lies in."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix=PREFIX, env_nested_delimiter="__", env_ignore_empty=True
    )

    root: Path = Field(Path(), exclude=True)
    newsletter: Newsletter
    schedule: Schedule = Schedule()
    sources: tuple[SourceTable, ...] = ()
    sections: tuple[SectionTable, ...] = (SectionTable(name="highlights", title="Weekly highlights", pick=8, min=3),)
    issue: IssueTable = IssueTable()
    theme: Theme = Theme()
    backend: BackendTable = BackendTable()
    pace: Pace = Pace()
    sending: Sending = Sending()
    web: Web = Web()
    database: DatabaseTable = DatabaseTable()

    @model_validator(mode="after")
    def _names(self) -> Self:
        for table, names in (
            ("sources", [s.name for s in self.sources]),
            ("sections", [s.name for s in self.sections]),
        ):
            double = {name for name in names if names.count(name) > 1}
            if double:
                raise ValueError(f'[[{table}]] has two tables named "{min(double)}"')
        if not self.sections:
            raise ValueError("[[sections]] is empty, so nothing could be picked; add one, or leave it out altogether")
        known = {section.name for section in self.sections}
        for source in self.sources:
            strange = [name for name in source.sections if name not in known]
            if strange:
                raise ValueError(f'[[sources]] {source.name}: there is no section "{strange[0]}"')
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic-settings gives it by name
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # `.env` may hold other programs' variables too; ours have been checked by name before.
        dotenv = {name: value for name, value in dotenv_settings().items() if name in cls.model_fields}
        file: dict[str, Any] = dict(init_settings())
        layers = [file, dotenv, env_settings()]
        kinds = []
        kind = BackendTable().kind
        for layer in layers:
            table = layer.get("backend")
            kind = table.get("kind", kind) if isinstance(table, dict) else kind
            kinds.append(kind)
        for layer, its_kind in zip(layers[:2], kinds[:2], strict=True):
            if its_kind != kind and isinstance(layer.get("backend"), dict):
                layer["backend"] = {}
        return env_settings, InitSettingsSource(settings_cls, dotenv), InitSettingsSource(settings_cls, file)

    @property
    def from_name(self) -> str:
        return parseaddr(self.newsletter.from_)[0] or self.newsletter.name

    @property
    def from_address(self) -> str:
        return parseaddr(self.newsletter.from_)[1]

    @property
    def list_id(self) -> str:
        return self.newsletter.list_id or "weekly." + self.from_address.rpartition("@")[2]

    @property
    def key_file(self) -> Path:
        return self.root / self.newsletter.key_file

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.newsletter.timezone)

    @property
    def database_url(self) -> str:
        """The database's address with a relative SQLite path made absolute."""
        prefix = "sqlite:///"
        url = self.database.url
        if url.startswith(prefix) and not url.startswith(prefix + "/") and url != "sqlite:///:memory:":
            return prefix + str((self.root / url.removeprefix(prefix)).resolve())
        return url


def load(root: Path) -> Settings:
    """The settings of the project in folder `root`.

    Raises `SettingsError` with one sentence that names the first thing wrong.
    """
    file = root / FILE
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise SettingsError(
            f"there is no {FILE} in {root.resolve()}; make a project with `newsletter init DIR` or name one with -C DIR"
        ) from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file} is not UTF-8 (byte {error.start + 1}); save it as UTF-8") from error
    except RecursionError as error:
        raise SettingsError(f"{file}: its lists or tables are nested too deeply") from error
    except ValueError as error:  # TOML's own, or a number without end
        raise SettingsError(f"{file}: {error}") from error
    except OSError as error:
        raise SettingsError(f"{file} cannot be read: {error.strerror}") from error
    _refuse_later(data)
    _refuse_strange_tables(data, file=file)
    variables = [*os.environ, *_variables(root / ".env")]
    _refuse_strange_variables(variables)
    try:
        return Settings(_env_file=root / ".env", **{**data, "root": root})
    except ValidationError as error:
        where = _variable_of(error.errors()[0]["loc"], variables) or str(file)
        raise SettingsError(f"{where}: {' '.join(_sentence(error).split())}") from error
    except SourceParseError as error:
        field = re.search(r'field "(\w+)"', str(error))
        variable = PREFIX + (field[1].upper() if field else "…")
        raise SettingsError(f"{variable} cannot be read: a variable for a whole table or list is JSON") from error


def _refuse_later(data: Mapping[str, Any]) -> None:
    for key, room in LATER.items():
        table, _, name = key.partition(".")
        inside = data.get(table)
        if inside is not None and (not name or (isinstance(inside, dict) and name in inside)):
            where = f"[{table}] {name}".strip()
            raise SettingsError(f"{FILE}: {where} belongs to {room}, which comes with a later version; take it out")


def _refuse_strange_tables(data: Mapping[str, Any], *, file: Path) -> None:
    for name in data:
        if name not in Settings.model_fields or name == "root":
            valid = _keys_beside((name,))
            near = difflib.get_close_matches(name, valid, 1)
            hint = f'did you mean "{near[0]}"?' if near else f"valid here: {', '.join(valid)}"
            raise SettingsError(f"{file}: [{name}] is not a setting; {hint}")


def _variables(file: Path) -> list[str]:
    """The names that `.env` gives a value to."""
    try:
        with file.open(encoding="utf-8") as lines:
            found = list(parse_stream(lines))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise SettingsError(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file}: {error}; save it as UTF-8") from error
    for one in found:
        if one.error:
            raise SettingsError(f"{file}:{one.original.line}: this line cannot be read; write NAME=value")
    return [one.key for one in found if one.key]


def _variable_of(location: tuple[int | str, ...], names: Iterable[str]) -> str:
    """The variable a wrong value came from, or "": it would be looked for in the file in vain."""
    given = {name.upper() for name in names}
    paths = [PREFIX + "__".join(map(str, location[:length])).upper() for length in range(len(location), 0, -1)]
    return next((path for path in paths if path in given), "")


def _refuse_strange_variables(names: Iterable[str]) -> None:
    tables = [name for name in Settings.model_fields if name != "root"]
    for variable in names:
        if not variable.upper().startswith(PREFIX) or variable in NOT_SETTINGS:
            continue
        table, _, key = variable.upper().removeprefix(PREFIX).lower().partition("__")
        room = LATER.get(table) or LATER.get(f"{table}.{key}")
        if room:
            raise SettingsError(f"{variable} belongs to {room}, which comes with a later version; take it out")
        if table not in tables:
            near = difflib.get_close_matches(table, tables, 1)
            hint = f"; did you mean {PREFIX}{near[0].upper()}__…?" if near else ""
            raise SettingsError(f"the environment variable {variable} names no table of {FILE}{hint}")


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    where = _where(first["loc"])
    if first["type"] == "extra_forbidden":
        valid = _keys_beside(first["loc"])
        near = difflib.get_close_matches(str(first["loc"][-1]), valid, 1)
        return f"{where} is not a setting" + (
            f'; did you mean "{near[0]}"?' if near else f"; valid here: {', '.join(valid)}"
        )
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


def _keys_beside(location: tuple[int | str, ...]) -> list[str]:
    model: Any = Settings
    for part in location[:-1]:
        if isinstance(part, int):
            continue
        by_alias = {field.alias or name: field for name, field in model.model_fields.items()}
        annotation = by_alias[part].annotation
        arguments = getattr(annotation, "__args__", None)
        model = arguments[0] if arguments else annotation
    return [field.alias or name for name, field in model.model_fields.items() if name != "root"]
