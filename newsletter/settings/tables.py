"""The tables of `newsletter.toml`, with what each key may hold and what it means. Pure.

Reads nothing. Raises pydantic's `ValidationError`; `newsletter.settings` makes a sentence of it.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from email.utils import getaddresses
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self
from urllib.parse import urlsplit, urlunsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator
from pydantic_settings import NoDecode

from newsletter.characters import ends_setting
from newsletter.issue import DAYS
from newsletter.links import canonical, is_loopback, refusal
from newsletter.options import did_you_mean, zone

_DURATION = re.compile(r"\s*(\d{1,9})\s*(s|m|h|d|w)\s*")
_LONGEST = timedelta(days=3650)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def _duration(value: object) -> object:
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise ValueError('is a length of time in quotes, such as "24h"')  # noqa: TRY004 - pydantic reads ValueError
    found = _DURATION.fullmatch(value)
    if not found:
        raise ValueError('is a length of time such as "90m", "24h" or "14d"')
    length = timedelta(**{_UNITS[found[2]]: int(found[1])})
    if length > _LONGEST:
        raise ValueError(f"may be {_LONGEST.days} days at most")
    return length


def _some_time(value: timedelta) -> timedelta:
    if not value:
        raise ValueError("has to be longer than nothing")
    return value


def _under_a_week(value: timedelta) -> timedelta:
    if value >= timedelta(weeks=1):
        raise ValueError("has to be shorter than a week: the issue before would still be open")
    return value


def _must(right: Callable[[str], object], why: str) -> AfterValidator:
    """Refuse a text, or a list with one, that is not `right`: the sentence is the text and `why`."""

    def check(value: Any) -> Any:
        for text in (value,) if isinstance(value, str) else value:
            if not right(text):
                raise ValueError(f'"{text}" {why}')
        return value

    return AfterValidator(check)


Duration = Annotated[timedelta, BeforeValidator(_duration)]
SomeTime = Annotated[Duration, AfterValidator(_some_time)]
_ADDRESS = re.compile(r"(?=.{3,254}$)[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_PUBLIC_URL = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%/\[\]-]{1,300}")  # no query, nothing that could end a header
_COLOUR = r"^#[0-9a-fA-F]{6}$"
_NAME = r"^[a-z0-9][a-z0-9_-]*$"
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?")
_LIST_ID = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_LANGUAGE = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$"
EXAMPLES = {
    _COLOUR: 'be a colour such as "#1a2b3c"',
    _NAME: "be a short name of small letters, digits, - and _",
    _LANGUAGE: 'be a language tag such as "en" or "pt-BR"',
}


def _is_https(value: str) -> bool:
    return not refusal(value) and urlsplit(value).scheme == "https"


def _is_network(value: str) -> bool:
    try:
        return bool(ip_network(value, strict=False))
    except ValueError:
        return False


HttpsAddress = Annotated[str, _must(_is_https, "has to be an https address")]
Colour = Annotated[str, Field(pattern=_COLOUR)]
Name = Annotated[str, Field(pattern=_NAME, max_length=60)]


def _one_or_many(value: object) -> object:
    """One text is a list of one; a variable holds more of them as JSON."""
    if not isinstance(value, str):
        return value
    if not value.lstrip().startswith("["):
        return [value]
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise ValueError("is a list that is no JSON") from error


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_one_or_many)]


class Table(BaseModel):
    """One table of the file. Unknown keys are refused; values do not change once read.

    No text holds a control character, nor a line end outside `lines_in`: most of them end in a header, a page or a
    path. Truth is taken only where it is asked for: elsewhere pydantic would take it for a number.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    lines_in: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="before")
    @classmethod
    def _no_truth(cls, values: Any) -> Any:
        for name in values if isinstance(values, dict) else ():
            field = cls.model_fields.get(name)
            if field and field.annotation is not bool and isinstance(values[name], bool):
                raise ValueError(f"{name} is neither true nor false; docs/settings.md says what it takes")
        return values

    @model_validator(mode="after")
    def _no_control(self) -> Self:
        for name, value in self:
            allowed = "\n" if name in self.lines_in else ""
            if any(ends_setting(text.replace(allowed, "") if allowed else text) for text in _texts(value)):
                raise ValueError(f"{name.rstrip('_')} holds a control character or a line end; take it out")
        return self


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from _texts([*value.keys(), *value.values()])
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _texts(one)


class Newsletter(Table):
    """The publisher. Without `postal_address` nothing can be sent (CAN-SPAM § 7704(a)(5))."""

    model_config = ConfigDict(str_strip_whitespace=True)
    lines_in = frozenset({"postal_address"})

    name: str = Field("Weekly highlights", min_length=1, max_length=100, description="The newsletter's name.")
    tagline: str = Field("", max_length=200, description="One line under the name.")
    from_: str = Field(
        alias="from",
        min_length=3,
        description='Sender: `"Name <news@example.org>"` or a bare address. Required.',
        max_length=300,
    )
    reply_to: str = Field("", description="Where answers go; empty is the sender.")
    editors: Words = Field((), description="Addresses that are told when somebody has to act.")
    language: str = Field("en", pattern=_LANGUAGE, description="BCP 47 tag of the texts.")
    timezone: Annotated[str, _must(zone, 'is not a time zone such as "Europe/Berlin"')] = Field(
        "UTC", description="IANA zone the schedule and dates are in."
    )
    public_url: str = Field(
        description="Where readers reach `newsletter serve`: https, or http on loopback alone. Required."
    )
    postal_address: str = Field("", max_length=300, description="A street address; without it nothing is sent.")
    list_id: Annotated[
        str, _must(lambda text: not text or _LIST_ID.fullmatch(text), "has to look like weekly.example.org (RFC 2919)")
    ] = Field("", max_length=255, description="RFC 2919 list id; never change it. Default: weekly.<sender's domain>.")
    key_file: Path = Field(Path("newsletter.key"), description="The keys behind every unsubscribe link. Back it up.")

    @field_validator("from_", "reply_to", "editors")
    @classmethod
    def _addresses(cls, value: Any) -> Any:
        for text in (value,) if isinstance(value, str) else value:
            found = [address for _, address in getaddresses([text])]
            # The parser mends what it reads: "<a@b c.example>" would come out as another domain.
            whole = len(found) == 1 and (text == found[0] or text.endswith(f"<{found[0]}>"))
            if text and not (whole and _ADDRESS.fullmatch(found[0]) and text.isprintable()):
                more = "" if text.isascii() else "; write an international domain in its xn-- form"
                raise ValueError(f'"{text}" is not a mail address such as "News <news@example.org>"{more}')
        return value

    @field_validator("public_url")
    @classmethod
    def _public(cls, value: str) -> str:
        reason = refusal(value)
        if reason:
            raise ValueError(f'"{value}" {reason}')
        parts = urlsplit(value)
        safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
        if not value.isascii():
            raise ValueError("has to be ASCII; write an international domain in its xn-- form")
        if not _PUBLIC_URL.fullmatch(value) or not safe:
            raise ValueError(f'"{value}" has to be an https address (http is for 127.0.0.1 and localhost alone)')
        return urlunsplit(parts).rstrip("/")


class Schedule(Table):
    """When an issue is due, in `[newsletter] timezone`."""

    day: str = Field("thursday", description="Day of the week.")
    time: Annotated[str, _must(_TIME.fullmatch, 'is not a time such as "07:00"')] = Field(
        "07:00", description="Local time, `HH:MM`."
    )
    grace: Duration = Field(timedelta(hours=24), description="How late an issue may still be made; later is missed.")
    approval: Literal["auto", "required"] = Field(
        "auto", description="`auto`: sent at its time unless somebody holds it. `required`: not before it is approved."
    )
    review: Annotated[Duration, AfterValidator(_under_a_week)] = Field(
        timedelta(0), description="So long before its time each issue is mailed to the editors as a proof; 0s is never."
    )
    cooling: Duration = Field(
        timedelta(minutes=10), description="For so long after an approval it can be pulled back before it goes out."
    )

    @field_validator("day")
    @classmethod
    def _day(cls, value: str) -> str:
        if value.lower() not in DAYS:
            raise ValueError(f'"{value}" is not a day{did_you_mean(value, DAYS)}')
        return value.lower()


class KindTable(Table):
    """A table of which the keys that are not declared belong to its kind."""

    model_config = ConfigDict(extra="allow")

    @property
    def options(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class SourceTable(KindTable):
    """One source. `url` or `path` says where; the other keys belong to the kind (docs/settings.md)."""

    name: Name = Field(description="Short name, unique in the file. Required.")
    kind: str = Field(
        "feed",
        description="`feed`, `wordpress`, `ghost` …: see below; or `package.module:Class`.",
    )
    weight: float = Field(1.0, gt=0, le=10, description="How much its articles' popularity counts.")
    sections: Words = Field((), description="Sections its articles may go to; empty is any.")


class MarksTable(Table):
    category: Words = Field((), description="Articles of these categories.")
    tag: Words = Field((), description="… with one of these tags.")
    url_prefix: Words = Field((), description="… whose address or path starts so.")
    title: str = Field("", description="… whose title fits this regular expression (case-insensitive).")
    source: Words = Field((), description="… from these sources.")

    @field_validator("title")
    @classmethod
    def _pattern(cls, value: str) -> str:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                re.compile(value, re.IGNORECASE)
            except (re.error, OverflowError, RecursionError, Warning) as error:
                raise ValueError(f"is not a regular expression: {error}") from error
        return value


class MatchTable(MarksTable):
    unless: MarksTable = Field(MarksTable(), alias="not", description="What it leaves out: any one of these will do.")


class SectionTable(Table):
    """One section of the issue, in the order of the file. Without any there is one, `highlights`, that picks 8."""

    name: Name = Field(description="Short name, unique in the file. Required.")
    title: str = Field("", max_length=100, description="Its heading; empty is the name.")
    pick: int = Field(5, ge=1, le=50, description="How many articles at most.")
    min: int = Field(1, ge=0, le=50, description="Fewer than this is thin.")
    match: MatchTable = Field(MatchTable(), description="Which articles it takes: all that is named has to fit.")
    order: Literal["best", "latest", "source"] = Field(
        "best", description="What comes first: the best, the latest, or what the source lists first."
    )
    fixed: bool = Field(
        False, strict=True, description="A column: always the newest of what it takes, whatever its numbers."
    )
    if_thin: Literal["keep", "skip", "merge"] = Field("keep", description="What a thin section does.")


class IssueTable(Table):
    """The issue as a whole."""

    subject: str = Field(
        "{{ lead.title }}", min_length=1, max_length=300, description="Subject line, a template over the issue."
    )
    min: int = Field(3, ge=1, le=100, description="Fewer picks than this make a thin week.")
    when_thin: Literal["send", "skip", "hold", "top_up"] = Field("skip", description="What a thin week does.")
    max_age: SomeTime = Field(timedelta(days=14), description="Older articles are no longer picked.")
    deny: MarksTable = Field(MarksTable(), description="Never picked by themselves: any one of these will do.")
    utm: dict[str, str] = Field(default_factory=dict, description="Added to article links, such as utm_source.")


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
    url: HttpsAddress


class Theme(Table):
    """How the letter looks. Any file of the project's `templates/` folder overrides the shipped one of its name."""

    look: Name = Field("weekly", description="Folder of templates the issue is rendered from.")
    brand: str = Field("", max_length=60, description="Word in the masthead; empty is the newsletter's name.")
    logo: Annotated[
        str,
        _must(
            lambda text: _is_https(text) or not re.match("[a-z]+:", text, re.IGNORECASE),
            "has to be an https address or a file of the project",
        ),
    ] = Field("", description="https address, or a file of the project (PNG, JPEG, GIF).")
    logo_width: int = Field(180, ge=16, le=600, description="Displayed width of the logo in pixels.")
    colours: Colours = Field(Colours(), description="Light colours as #rrggbb.")
    dark: DarkColours = Field(DarkColours(), description="Dark colours as #rrggbb.")
    fonts: Fonts = Field(Fonts(), description="Font stacks `heading` and `body`.")
    social: tuple[SocialLink, ...] = Field((), description="Links in the footer: `name`, `url`.")
    images: Literal["all", "lead", "none"] = Field("all", description="Which stories show their picture.")


class BackendTable(KindTable):
    """How messages are handed over. The other keys belong to the kind."""

    kind: str = Field("maildir", description="`smtp`, `maildir`, `console`, `memory`, or `package.module:Class`.")


class Pace(Table):
    """How fast an issue goes out, over all workers together."""

    rate: float = Field(
        0, ge=0, allow_inf_nan=False, description="Messages a second at most; 0 is as fast as the server takes them."
    )
    expire: SomeTime = Field(timedelta(hours=48), description="After this long an undelivered message expires.")


class Sending(Table):
    on_doubt: Literal["resend", "hold"] = Field(
        "resend", description="What happens to a message whose answer was lost: sent again under the same id, or held."
    )


class Dkim(Table):
    """Signing of everything that is sent; without this table nothing is signed."""

    domain: str = Field("", max_length=253, description="The domain that signs: the sender's, or one above it.")
    selector: Annotated[str, _must(_LABEL.fullmatch, "has to be letters, digits and hyphens")] = Field(
        "weekly", max_length=63, description="Names the key in the DNS: `selector._domainkey.domain`."
    )
    key_file: Path = Field(Path("dkim.key"), description="The private key; `newsletter dkim new` makes it.")

    @field_validator("domain")
    @classmethod
    def _domain(cls, value: str) -> str:
        if value and not _LIST_ID.fullmatch(value):
            raise ValueError(f'"{value}" is not a domain such as example.org')
        return value.lower()


class Web(Table):
    """The public pages."""

    trusted_proxies: Annotated[Words, _must(_is_network, "is not an address or a network such as 10.0.0.0/8")] = Field(
        (), description="Networks whose X-Forwarded-For is believed."
    )
    allow_origins: Words = Field((), description="Sites whose pages may use the sign-up hook and form.")
    allow_hosts: Words = Field((), description="Further Host names that are answered, besides public_url's.")
    hook_secret_file: str = Field(
        "", description="File with the secret that a CMS signs its hooks with (docs/hooks.md); empty: no hooks."
    )

    @field_validator("allow_origins")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            if reason := refusal(text):
                raise ValueError(f'"{text}" {reason}')
        return tuple(canonical(text) for text in value)


class DatabaseTable(Table):
    url: str = Field("sqlite:///newsletter.db", description="SQLAlchemy address; SQLite paths are beside the file.")
