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
from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from dotenv import dotenv_values
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError as SourceParseError,
)

from newsletter.errors import SettingsError

FILE = "newsletter.toml"
PREFIX = "NEWSLETTER_"
# Variables that start like a setting and are none.
NOT_SETTINGS = {"NEWSLETTER_CORPUS", "NEWSLETTER_TEST_POSTGRES"}
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

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

_DURATION = re.compile(r"\s*(\d+)\s*(s|m|h|d|w)\s*")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def _duration(value: object) -> object:
    if isinstance(value, str):
        found = _DURATION.fullmatch(value)
        if not found:
            raise ValueError('is a length of time such as "90m", "24h" or "14d"')
        return timedelta(**{_UNITS[found[2]]: int(found[1])})
    if isinstance(value, timedelta):
        return value
    raise ValueError('is a length of time in quotes, such as "24h"')


Duration = Annotated[timedelta, BeforeValidator(_duration)]
_COLOUR = r"^#[0-9a-fA-F]{6}$"
_NAME = r"^[a-z0-9][a-z0-9_-]*$"
_LANGUAGE = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$"
_HTTPS = r"^https://[^\s<>\"]+$"
_EXAMPLES = {
    _COLOUR: 'be a colour such as "#1a2b3c"',
    _NAME: "be a short name of small letters, digits, - and _",
    _LANGUAGE: 'be a language tag such as "en" or "pt-BR"',
    _HTTPS: "be an https address",
}
Colour = Annotated[str, Field(pattern=_COLOUR)]
Name = Annotated[str, Field(pattern=_NAME, max_length=60)]


def _one_or_many(value: object) -> object:
    return [value] if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], BeforeValidator(_one_or_many)]


class Table(BaseModel):
    """One table of the file. Unknown keys are refused; values do not change once read."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Newsletter(Table):
    """Who publishes. Without `postal_address` nothing can be sent (CAN-SPAM § 7704(a)(5))."""

    name: str = Field("Weekly highlights", min_length=1, max_length=100, description="The newsletter's name.")
    tagline: str = Field("", max_length=200, description="One line under the name.")
    from_: str = Field(
        alias="from",
        min_length=3,
        description='Sender: `"Name <news@example.org>"` or a bare address. Required.',
        max_length=300,
    )
    reply_to: str = Field("", description="Where answers go; empty is the sender.")
    editors: Words = Field((), description="Addresses that are told when something needs a person.")
    language: str = Field("en", pattern=_LANGUAGE, description="BCP 47 tag of the texts.")
    timezone: str = Field("UTC", description="IANA zone the schedule and dates are in.")
    public_url: str = Field(
        description="Where readers reach `newsletter serve`: https, or http on loopback alone. Required."
    )
    postal_address: str = Field("", max_length=300, description="A street address; without it nothing is sent.")
    list_id: str = Field("", description="RFC 2919 list id; never change it. Default: weekly.<sender's domain>.")
    key_file: Path = Field(Path("newsletter.key"), description="The keys behind every unsubscribe link. Back it up.")

    @field_validator("from_", "reply_to", "editors")
    @classmethod
    def _addresses(cls, value: Any) -> Any:
        for text in (value,) if isinstance(value, str) else value:
            address = parseaddr(text)[1]
            if text and ("@" not in address[1:-1] or any(ord(character) < 32 for character in text)):
                raise ValueError(f'"{text}" is not a mail address such as "News <news@example.org>"')
        return value

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (OSError, ValueError, KeyError) as error:  # a zone that is not there is a KeyError
            raise ValueError(f'"{value}" is not a time zone such as "Europe/Berlin"') from error
        return value

    @field_validator("public_url")
    @classmethod
    def _public(cls, value: str) -> str:
        parts = urlsplit(value)
        plain = parts.scheme == "http" and parts.hostname in LOOPBACK
        if not parts.hostname or not (parts.scheme == "https" or plain) or parts.query or parts.fragment:
            raise ValueError(f'"{value}" has to be an https address (http is for 127.0.0.1 and localhost alone)')
        if not value.isascii():
            raise ValueError("has to be ASCII; write an international domain in its xn-- form")
        return value.rstrip("/")

    @field_validator("list_id")
    @classmethod
    def _list_id(cls, value: str) -> str:
        if value and not re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", value):
            raise ValueError(f'"{value}" has to look like weekly.example.org (RFC 2919)')
        return value

    @model_validator(mode="after")
    def _no_control(self) -> Self:
        for name, value in self:
            if isinstance(value, str) and any(ord(character) < 32 and character != "\n" for character in value):
                raise ValueError(f"{name} holds a control character")
        return self


class Schedule(Table):
    """When an issue is due, in `[newsletter] timezone`."""

    day: str = Field("thursday", description="Day of the week.")
    time: str = Field("07:00", description="Local time, `HH:MM`.")
    grace: Duration = Field(timedelta(hours=24), description="How late an issue may still be made; later is missed.")
    approval: Literal["auto", "required"] = Field("auto", description="`auto`: sent without a person's yes.")

    @field_validator("day")
    @classmethod
    def _day(cls, value: str) -> str:
        if value.lower() not in DAYS:
            near = difflib.get_close_matches(value.lower(), DAYS, 1)
            raise ValueError(f'"{value}" is not a day' + (f'; did you mean "{near[0]}"?' if near else ""))
        return value.lower()

    @field_validator("time")
    @classmethod
    def _time(cls, value: str) -> str:
        if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
            raise ValueError(f'"{value}" is not a time such as "07:00"')
        return value

    @field_validator("approval")
    @classmethod
    def _approval(cls, value: str) -> str:
        if value == "required":
            raise ValueError('"required" comes with a later version; use "auto"')
        return value


class SourceTable(BaseModel):
    """One source. `url` or `path` says where; the other keys belong to the kind (docs/settings.md)."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: Name = Field(description="Short name, unique in the file. Required.")
    kind: str = Field("feed", description="`feed`, `page`, `folder`, or `package.module:Class`.")
    weight: float = Field(1.0, gt=0, le=10, description="How much its articles' popularity counts.")
    sections: Words = Field((), description="Sections its articles may go to; empty is any.")

    @property
    def options(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class MatchTable(Table):
    category: Words = Field((), description="Takes articles of these categories.")
    tag: Words = Field((), description="… with one of these tags.")
    url_prefix: Words = Field((), description="… whose address or path starts so.")
    title: str = Field("", description="… whose title fits this regular expression (case-insensitive).")
    source: Words = Field((), description="… from these sources.")

    @field_validator("title")
    @classmethod
    def _pattern(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"is not a regular expression: {error}") from error
        return value


class SectionTable(Table):
    """One section of the issue, in the order of the file."""

    name: Name = Field(description="Short name, unique in the file. Required.")
    title: str = Field("", max_length=100, description="Its heading; empty is the name.")
    pick: int = Field(5, ge=1, le=50, description="How many articles at most.")
    min: int = Field(1, ge=0, le=50, description="Fewer than this is thin.")
    match: MatchTable = Field(MatchTable(), description="Which articles it takes; empty is any.")
    if_thin: Literal["keep", "skip", "merge"] = Field("keep", description="What a thin section does.")


class IssueTable(Table):
    """The issue as a whole."""

    subject: str = Field(
        "{{ lead.title }}", min_length=1, max_length=300, description="Subject line, a template over the issue."
    )
    min: int = Field(3, ge=1, le=100, description="Fewer picks than this make a thin week.")
    when_thin: Literal["send", "skip", "hold"] = Field("skip", description="What a thin week does.")
    max_age: Duration = Field(timedelta(days=14), description="Older articles are no longer picked.")
    utm: dict[str, str] = Field(default_factory=dict, description="Added to article links, such as utm_source.")

    @field_validator("when_thin")
    @classmethod
    def _thin(cls, value: str) -> str:
        if value == "hold":
            raise ValueError('"hold" comes with a later version; use "send" or "skip"')
        return value


class Colours(Table):
    background: Colour = "#f3f1ec"
    card: Colour = "#ffffff"
    text: Colour = "#1c1b19"
    muted: Colour = "#625d55"
    link: Colour = "#8a1f2b"
    accent: Colour = "#8a1f2b"
    on_accent: Colour = "#ffffff"
    border: Colour = "#ddd8ce"


class DarkColours(Table):
    background: Colour = "#141311"
    card: Colour = "#1f1d1a"
    text: Colour = "#f2efe9"
    muted: Colour = "#b5aea3"
    link: Colour = "#ff9aa2"
    accent: Colour = "#c8404d"
    on_accent: Colour = "#ffffff"
    border: Colour = "#3a3630"


class Fonts(Table):
    heading: str = Field("Georgia, 'Times New Roman', serif", max_length=200)
    body: str = Field("-apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif", max_length=200)

    @field_validator("heading", "body")
    @classmethod
    def _stack(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9 ,'\-]+", value):
            raise ValueError("is a list of font names with letters, digits, spaces, commas and single quotes")
        return value


class SocialLink(Table):
    name: str = Field(min_length=1, max_length=40)
    url: str = Field(pattern=_HTTPS)


class Theme(Table):
    """How the letter looks. Any file of the project's `templates/` folder overrides the shipped one of its name."""

    look: Name = Field("weekly", description="Folder of templates the issue is rendered from.")
    brand: str = Field("", max_length=60, description="Word in the masthead; empty is the newsletter's name.")
    logo: str = Field("", description="https address, or a file of the project (PNG, JPEG, GIF).")
    logo_width: int = Field(180, ge=16, le=600, description="Displayed width of the logo in pixels.")
    colours: Colours = Field(Colours(), description="Light colours as #rrggbb.")
    dark: DarkColours = Field(DarkColours(), description="Dark colours as #rrggbb.")
    fonts: Fonts = Field(Fonts(), description="Font stacks `heading` and `body`.")
    social: tuple[SocialLink, ...] = Field((), description="Links in the footer: `name`, `url`.")
    images: Literal["all", "lead", "none"] = Field("all", description="Which stories show their picture.")


class BackendTable(BaseModel):
    """How messages are handed over. The other keys belong to the kind."""

    model_config = ConfigDict(extra="allow", frozen=True)

    kind: str = Field("maildir", description="`smtp`, `maildir`, `console`, `memory`, or `package.module:Class`.")

    @property
    def options(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class Pace(Table):
    """How fast an issue goes out, over all workers together."""

    rate: float = Field(0, ge=0, description="Messages a second at most; 0 is as fast as the server takes them.")
    expire: Duration = Field(timedelta(hours=48), description="After this long an undelivered message expires.")


class Sending(Table):
    on_doubt: Literal["resend", "hold"] = Field(
        "resend", description="What happens to a message whose answer was lost: sent again under the same id, or held."
    )


class Web(Table):
    """The public pages."""

    trusted_proxies: Words = Field((), description="Networks whose X-Forwarded-For is believed.")
    allow_origins: Words = Field((), description="Sites whose pages may use the sign-up hook and form.")
    allow_hosts: Words = Field((), description="Further Host names that are answered, besides public_url's.")


class DatabaseTable(Table):
    url: str = Field("sqlite:///newsletter.db", description="SQLAlchemy address; SQLite paths are beside the file.")


class Settings(BaseSettings):
    """Everything a project says. `root` is the folder the file lies in."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix=PREFIX, env_nested_delimiter="__", env_ignore_empty=True
    )

    root: Path = Field(Path(), exclude=True)
    newsletter: Newsletter
    schedule: Schedule = Schedule()
    sources: tuple[SourceTable, ...] = ()
    sections: tuple[SectionTable, ...] = (
        SectionTable(name="highlights", title="Weekly highlights", pick=6, min=3),
        SectionTable(
            name="guides",
            title="Entertainment guides",
            pick=4,
            min=1,
            match=MatchTable(title=r"guide|how to|where to|everything you need|best \d+|^\d+ "),
        ),
    )
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
        env, dotenv = env_settings(), dotenv_settings()
        file: dict[str, Any] = dict(init_settings())
        outside = (env.get("backend") or {}).get("kind") or (dotenv.get("backend") or {}).get("kind")
        inside = file.get("backend")
        if outside and isinstance(inside, dict) and inside.get("kind") != outside:
            file["backend"] = {}
        # `.env` may hold other programs' variables too; ours have been checked by name before.
        ours = {name: value for name, value in dotenv.items() if name in cls.model_fields}
        return env_settings, InitSettingsSource(settings_cls, ours), InitSettingsSource(settings_cls, file)

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
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(
            f"there is no {FILE} in {root.resolve()}; make a project with `newsletter init DIR` or name one with -C DIR"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: {error}") from error
    except OSError as error:
        raise SettingsError(f"{file} cannot be read: {error.strerror}") from error
    _refuse_later(data)
    _refuse_strange_variables([*os.environ, *dotenv_values(root / ".env")])
    try:
        return Settings(_env_file=root / ".env", **{**data, "root": root})
    except ValidationError as error:
        raise SettingsError(f"{file}: {_sentence(error)}") from error
    except SourceParseError as error:
        raise SettingsError(f"{error}: lists and tables in a NEWSLETTER_ variable are written as JSON") from error


def _refuse_later(data: Mapping[str, Any]) -> None:
    for key, room in LATER.items():
        table, _, name = key.partition(".")
        inside = data.get(table)
        if inside is not None and (not name or (isinstance(inside, dict) and name in inside)):
            where = f"[{table}] {name}".strip()
            raise SettingsError(f"{FILE}: {where} belongs to {room}, which comes with a later version; take it out")


def _refuse_strange_variables(names: Iterable[str]) -> None:
    tables = [name for name in Settings.model_fields if name != "root"]
    for variable in names:
        if not variable.startswith(PREFIX) or variable in NOT_SETTINGS:
            continue
        table = variable.removeprefix(PREFIX).partition("__")[0].lower()
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
    if first["type"] == "string_pattern_mismatch":
        example = _EXAMPLES.get(first["ctx"]["pattern"], f"fit {first['ctx']['pattern']}")
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
