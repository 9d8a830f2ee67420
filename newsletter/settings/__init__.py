"""`newsletter.toml`, `.env` and NEWSLETTER_ variables → `Settings`.

The environment wins over `.env`, and both over the file: `NEWSLETTER_BACKEND__HOST=…` sets `[backend] host`. Changing
`[backend] kind` from the environment drops the file's other backend keys, since they belong to the other kind.

Everything unknown is an error that names the key and the nearest valid one, and so is every key of the contract whose
capability comes later: a setting is accepted only when it does something. Relative paths are relative to the project's
folder. Raises `SettingsError`; reads nothing but the file, `.env` and the environment.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
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
from newsletter.options import did_you_mean, nearest
from newsletter.settings import tables
from newsletter.settings.mistakes import SENDING, Mistake, keys_beside, sentence, variable_of

FILE = "newsletter.toml"
PREFIX = "NEWSLETTER_"
# Variables that start like a setting and are none.
NOT_SETTINGS = {"NEWSLETTER_CORPUS", "NEWSLETTER_EDITOR", "NEWSLETTER_TEST_POSTGRES"}

# Keys the contract names whose capability comes later. None may be accepted before it does something.
LATER = {
    "pace.per_domain": "pacing by domain",
    "pace.hours": "sending hours",
    "pace.warmup": "warming up",
    "sending.bounce_domain": "bounce handling",
    "hooks": "outgoing hooks",
}

# For what nothing can be made without, where nothing is made.
STAND_INS = {"from": "nobody@localhost.invalid", "public_url": "https://localhost.invalid"}


class Settings(BaseSettings):
    """Everything a project says. `root` is the folder the file lies in."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix=PREFIX, env_nested_delimiter="__", env_ignore_empty=True
    )

    root: Path = Field(Path(), exclude=True)
    newsletter: tables.Newsletter
    schedule: tables.Schedule = tables.Schedule()
    sources: tuple[tables.SourceTable, ...] = ()
    sections: tuple[tables.SectionTable, ...] = (
        tables.SectionTable(name="highlights", title="Weekly highlights", pick=8, min=3),
    )
    issue: tables.IssueTable = tables.IssueTable()
    theme: tables.Theme = tables.Theme()
    backend: tables.BackendTable = tables.BackendTable()
    pace: tables.Pace = tables.Pace()
    sending: tables.Sending = tables.Sending()
    dkim: tables.Dkim = tables.Dkim()
    web: tables.Web = tables.Web()
    database: tables.DatabaseTable = tables.DatabaseTable()

    @model_validator(mode="after")
    def _names(self) -> Self:
        for table, named in (("sources", self.sources), ("sections", self.sections)):
            double = [name for name, number in Counter(one.name for one in named).items() if number > 1]
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
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic-settings passes it by name
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # `.env` may hold other programs' variables too; ours have been checked by name before.
        dotenv = {name: value for name, value in dotenv_settings().items() if name in cls.model_fields}
        file: dict[str, Any] = dict(init_settings())
        without = file.pop("without", ())
        environment = env_settings()
        layers = [file, dotenv, environment]
        for layer in layers:
            _leave_out(layer, without)
        if any(where[0] == "newsletter" for where in without):
            file["newsletter"] = {**STAND_INS, **file.get("newsletter", {})}
        kinds = [tables.BackendTable().kind]
        for layer in layers:
            table = layer.get("backend")
            kinds.append(table.get("kind", kinds[-1]) if isinstance(table, dict) else kinds[-1])
        for layer, kind in zip(layers, kinds[1:], strict=True):
            if kind != kinds[-1] and isinstance(layer.get("backend"), dict):
                layer["backend"] = {}
        return tuple(InitSettingsSource(settings_cls, layer) for layer in (environment, dotenv, file))

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
    def dkim_key_file(self) -> Path:
        return self.root / self.dkim.key_file

    @property
    def hook_secret_file(self) -> Path | None:
        return self.root / self.web.hook_secret_file if self.web.hook_secret_file else None

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


def load_for_sending(root: Path, *, leaving: bool = False) -> tuple[Settings, tuple[Mistake, ...]]:
    """The settings as far as a frozen issue needs them, and every mistake elsewhere; with `leaving`, as far as the
    Book needs them.

    What a mistake is in has its defaults, so nothing may be made with these settings when there is one. Raises
    `SettingsError` for a mistake in what is needed, and for a file that cannot be read at all.
    """
    without: list[tuple[str, ...]] = []
    mistakes: list[Mistake] = []
    while True:
        try:
            return load(root, without=without), tuple(mistakes)
        except Mistake as mistake:
            if (mistake.vital if leaving else mistake.needed) or mistake.where in without:
                raise
            without.append(mistake.where)
            mistakes.append(mistake)


def load(root: Path, *, without: Sequence[tuple[str, ...]] = ()) -> Settings:
    """The settings of the project in folder `root`; what is in `without` has its defaults.

    Raises `SettingsError` with one sentence that names the first thing wrong.
    """
    file = root / FILE
    data = _parsed(file, root=root)
    variables = [*os.environ, *_variables(root / ".env")]
    _leave_out(data, without)
    for table, inside in data.items():
        _refuse_later(f"{FILE}: [{table}]", table)
        for key in inside if isinstance(inside, dict) else ():
            _refuse_later(f"{FILE}: [{table}] {key}", table, key)
    backend = "backend" in data or any(name.upper().startswith(f"{PREFIX}BACKEND") for name in variables)
    for name in data:
        if name not in Settings.model_fields or name == "root":
            text = f"{file}: [{name}] is not a setting{did_you_mean(name, keys_beside((name,), model=Settings))}"
            raise Mistake(text, (name,), needed=not backend or bool(nearest(name, SENDING)))
    _refuse_strange_variables(variables, backend=backend, without=without)
    try:
        settings = Settings(_env_file=root / ".env", **{**data, "root": root, "without": without})
    except ValidationError as error:
        location = error.errors()[0]["loc"]
        where = variable_of(location, variables, prefix=PREFIX) or str(file)
        keep = 2 if location[:1] == ("newsletter",) else 1
        about = tuple(str(part) for part in location[:keep]) or ("sources", "sections")
        raise Mistake(f"{where}: {' '.join(sentence(error, model=Settings).split())}", about) from error
    except SourceParseError as error:
        field = re.search(r'field "(\w+)"', str(error))
        variable = PREFIX + (field[1].upper() if field else "…")
        raise SettingsError(f"{variable} cannot be read: a variable for a whole table or list is JSON") from error
    if settings.schedule.review and not settings.newsletter.editors:
        text = f"{file}: [schedule] review mails a proof to [newsletter] editors, and there is none; name one first"
        raise Mistake(text, ("schedule",))
    sender = "." + settings.from_address.rpartition("@")[2].lower()
    if settings.dkim.domain and not sender.endswith("." + settings.dkim.domain):
        text = (
            f'{file}: [dkim] domain "{settings.dkim.domain}" is neither the sender\'s ({sender[1:]}) nor one above it'
        )
        raise Mistake(text, ("dkim",))
    return settings


def _parsed(file: Path, *, root: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
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


def _leave_out(layer: dict[str, Any], without: Iterable[tuple[str, ...]]) -> None:
    """Take out of a layer of settings what a mistake is in; the key file is never taken for another one."""
    for where in without:
        if where == ("sources", "sections"):
            layer.pop("sources", None)
            layer.pop("sections", None)
        elif len(where) == 2 and isinstance(layer.get(where[0]), dict):
            layer[where[0]] = {key: value for key, value in layer[where[0]].items() if key != where[1]}
        elif where == ("newsletter",) and isinstance(layer.get("newsletter"), dict):
            layer["newsletter"] = {key: value for key, value in layer["newsletter"].items() if key == "key_file"}
        else:
            layer.pop(where[0], None)


def _refuse_later(where: str, table: str, key: str = "") -> None:
    if capability := LATER.get(table) or LATER.get(f"{table}.{key}"):
        text = f"{where} belongs to {capability}, which comes with a later version; take it out"
        raise Mistake(text, (table,))


def _variables(file: Path) -> list[str]:
    """The names that have a value in `.env`."""
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


def _refuse_strange_variables(names: Iterable[str], *, backend: bool, without: Sequence[tuple[str, ...]]) -> None:
    known = [name for name in Settings.model_fields if name != "root"]
    for variable in names:
        if not variable.upper().startswith(PREFIX) or variable in NOT_SETTINGS:
            continue
        table, _, key = variable.upper().removeprefix(PREFIX).lower().partition("__")
        if (table,) in without:
            continue
        _refuse_later(variable, table, key)
        if table not in known:
            near = nearest(table, known)
            hint = f"; did you mean {PREFIX}{near.upper()}__…?" if near else ""
            text = f"the environment variable {variable} names no table of {FILE}{hint}"
            raise Mistake(text, (table,), needed=not backend or near in SENDING)
