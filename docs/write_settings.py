"""Writes docs/settings.md from the settings' own models, so that it can name no key that is not there.

    python docs/write_settings.py

What it takes from the models: keys, kinds of value, defaults, descriptions, the backends' own keys, the keys that come
later. What it says itself: what a backend's or a source's own key is for; a key without such words is a `KeyError`.
`tests/test_docs.py` compares the page with what this would write, and the sources' keys with what they take.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from newsletter.backends import BACKENDS
from newsletter.project_files import _value as toml
from newsletter.settings import LATER, PREFIX, Settings

PAGE = Path(__file__).with_name("settings.md")
HEAD = """\
# Settings

<!-- Written by docs/write_settings.py from newsletter/settings/. Do not edit: change the models, run it again. -->

Everything a project says stands in its `newsletter.toml`. `newsletter init DIR` writes one that names every key.

- **A key that does not exist is refused by its name**, with the nearest one that does, by every command that makes or
  sets up something. A mistake outside of `[backend]`, `[pace]`, `[sending]`, `[database]` and `key_file` stops no
  frozen issue.
- **The environment wins.** Every key of a table is also a variable: `NEWSLETTER_`, the table, two underscores, the
  key. `NEWSLETTER_BACKEND__HOST=mail.example.org` sets `[backend] host`. Lists and tables are written there as JSON.
  An empty variable counts as not set. A file `.env` beside `newsletter.toml` is read too; a real variable wins over it.
- **Changing `[backend] kind` by the environment drops the file's other backend keys**: they belong to the other kind.
- Lengths of time are a number and a unit in quotes: `"90m"`, `"24h"`, `"14d"`, `"2w"`.
- A relative path is relative to the folder of `newsletter.toml`.
- Where a list of words is asked for, one word alone will do.

Only three keys have no default: `[newsletter] from`, `[newsletter] public_url`, and, before anything can be sent,
`[newsletter] postal_address`.
"""
SOURCES = {
    "feed": (
        "RSS 0.9x to 2.0, RDF, Atom and JSON Feed. Give `url` or `path`.",
        {
            "url": "Address of the feed.",
            "path": "Or a file that holds it.",
            "follow": "Whether the pages behind its best articles are read. Default: those on its own or your site.",
        },
    ),
    "page": (
        "Article pages, live or saved, as HTML or plain text. Give one of `url`, `urls`, `path`. No link is followed.",
        {
            "url": "Address of one page.",
            "urls": "Or a list of up to 50.",
            "path": "Or a saved page, or a folder of them (`.html`, `.htm`, `.xhtml`, `.txt`).",
        },
    ),
    "folder": (
        "Markdown files with front matter, and JSON files. See [sources](sources.md#folder).",
        {"path": "The folder. Required.", "url": "What relative addresses in the files are relative to."},
    ),
    "wordpress": (
        "A WordPress site by its REST interface. See [sources](sources.md#wordpress).",
        {
            "url": "Address of the site, or of its interface (`…/wp-json`, `…/wp/v2`). Required.",
            "days": "How many days back posts are asked for, 1 to 365. Default: 30.",
            "comments": "Whether to count the comments too. Default: true.",
        },
    ),
    "ghost": (
        "A Ghost site by its Content API. Give `key_file` or `key_env`. See [sources](sources.md#ghost).",
        {
            "url": "Address of the site. Required.",
            "days": "How many days back posts are asked for, 1 to 365. Default: 30.",
            "key_file": "The file with the Content API key.",
            "key_env": "Or the name of the environment variable that holds it.",
        },
    ),
    "sitemap": (
        "The pages that a site's sitemap names. See [sources](sources.md#sitemap).",
        {
            "url": "Address of the sitemap, or of an index of several. Required.",
            "days": "How many days back a page may have changed to be read, 1 to 365. Default: 14.",
        },
    ),
    "csv": (
        "A table of articles. Give `url` or `path`. See [sources](sources.md#csv).",
        {
            "url": "Address of a CSV file.",
            "path": "Or the file.",
            "site": "Address that paths in the file belong to, such as `https://www.example.org/`.",
        },
    ),
    "signals": (
        "Numbers about the articles of other sources. Give `url` or `path`. See [sources](sources.md#signals).",
        {
            "url": "Address of a CSV or JSON file.",
            "path": "Or the file.",
            "site": "Address that paths in the file belong to, such as `https://www.example.org/`.",
        },
    ),
}
COMMON = {
    "timezone": 'Zone of dates that name none, such as `"Europe/Berlin"`. Default: UTC.',
    "date_order": '`"dmy"`, `"mdy"` or `"ymd"`: how to read 03/04/2026. Without it such a date is not trusted.',
    "allow_private": "Networks or hosts inside your own walls that may be read, such as `10.0.0.0/8`. Default: none.",
}
BACKEND_WORDS = {
    "smtp": (
        "A mail server of yours, or a relay you rent.",
        {
            "host": "Name or address of the server. Required.",
            "port": "Default: 25, 587 or 465, by `security`.",
            "security": "`none` is for a server on this machine or in its own network.",
            "username": "Log in by this name. Empty: do not log in.",
            "password_file": "File whose one line is the password.",
            "password": "The password itself: for the environment (`NEWSLETTER_BACKEND__PASSWORD`), not for the file.",
            "ca_file": "Certificates to trust instead of the system's.",
            "connections": "How many connections one process keeps open at once.",
            "messages_per_connection": "A connection is opened anew after so many; 0 is as many as the server takes.",
            "timeout": "Seconds any answer may take.",
            "final_timeout": "Seconds the answer to a whole message may take. Shorter means more messages in doubt.",
        },
    ),
    "maildir": (
        "Writes each message into a folder that any mail program opens. Sends nothing.",
        {"path": "The Maildir; made when it is not there."},
    ),
    "console": ("Prints envelope, headers and text part. Sends nothing. It has no keys.", {}),
    "memory": (
        "Keeps messages in the process, and fails as told: for tests.",
        {"name": "Which box the messages go to.", "connections": "How many connections it says it takes."},
    ),
}
_KINDS = {str: "text", int: "whole number", float: "number", bool: "true or false", Path: "path"}


def page() -> str:
    """The whole of settings.md."""
    return "\n".join([HEAD, *_tables(), *_sources(), *_backends(), *_later()])


def _tables() -> Iterator[str]:
    for name, field in Settings.model_fields.items():
        if name == "root":
            continue
        model, many = _model(field)
        shown = f"[[{name}]]" if many else f"[{name}]"
        yield f"## `{shown}`\n"
        if model.__doc__:
            yield f"{_prose(model.__doc__)}\n"
        yield from _rows(model, path=(name,), many=many)
        yield from _below(model, path=(name,), many=many)
        if many:
            yield f"By the environment: all tables at once, as JSON, in `{PREFIX}{name.upper()}`.\n"


def _below(model: type[BaseModel], *, path: tuple[str, ...], many: bool) -> Iterator[str]:
    """The tables inside a table."""
    for name, field in model.model_fields.items():
        inner, several = _model(field)
        if inner is not None:
            where = (*path, field.alias or name)
            yield f"### `{'[[' if several else '['}{'.'.join(where)}{']]' if several else ']'}`\n"
            if field.description and not several:
                yield f"{field.description}\n"
            yield from _rows(inner, path=where, many=many or several)
            yield from _below(inner, path=where, many=many or several)


def _model(field: FieldInfo) -> tuple[Any, bool]:
    """The table a field holds, and whether it holds many of them; (None, False) for a plain value."""
    kind = field.annotation
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind, False
    inside = get_args(kind)
    if inside and isinstance(inside[0], type) and issubclass(inside[0], BaseModel):
        return inside[0], True
    return None, False


def _rows(model: type[BaseModel], *, path: tuple[str, ...], many: bool) -> Iterator[str]:
    yield "| Key | Value | Default | What it does |" if many else "| Key | Value | Default | Variable | What it does |"
    yield "|---|---|---|---|" if many else "|---|---|---|---|---|"
    for name, field in model.model_fields.items():
        if isinstance(field.default, BaseModel):
            continue
        key = field.alias or name
        cells = [f"`{key}`", _kind(model, key, field), _default(field)]
        if not many:
            cells.append(f"`{PREFIX}{'__'.join((*path, key)).upper()}`")
        yield _row([*cells, field.description or _unsaid(path, key)])
    yield ""


def _unsaid(path: tuple[str, ...], key: str) -> str:
    """Words for the keys whose model says nothing because their name says it."""
    if path[-1] in {"colours", "dark"}:
        where = {
            "background": "Around the letter, and under boxes in it.",
            "card": "What the text stands on.",
            "text": "Text.",
            "muted": "Small print.",
            "link": "Links.",
            "accent": "Buttons and the bar on top.",
            "on_accent": "Text on buttons.",
            "border": "Lines.",
        }
        return where[key]
    others = {
        "heading": "Headlines.",
        "body": "Everything else.",
        "name": "What the link says. Required.",
        "url": "Where it leads: an https address. Required.",
    }
    return others[key]


def _kind(model: type[BaseModel], key: str, field: FieldInfo) -> str:
    kind = field.annotation
    if get_origin(kind) is Literal:
        return " or ".join(_choice(model, key, value) for value in get_args(kind))
    below, many = _model(field)
    if below is not None:
        return "list of tables" if many else "table"
    if kind is bool or kind is str or kind is Path:
        text = _KINDS[kind]
        pattern = next((one.pattern for one in field.metadata if getattr(one, "pattern", None)), "")
        return "`#rrggbb`" if "0-9a-f" in str(pattern).lower() and "#" in str(pattern) else text
    if kind in (int, float):
        return _KINDS[kind] + _bounds(field)
    if get_origin(kind) is tuple:
        return "list of texts"
    if get_origin(kind) is dict:
        return "table of texts"
    return "length of time"


def _choice(model: type[BaseModel], key: str, value: str) -> str:
    try:
        model.model_validate({"name": "x", "from": "a@b.c", "public_url": "https://b.c", key: value})
    except ValidationError as error:
        if any("later version" in one["msg"] and one["loc"] == (key,) for one in error.errors()):
            return f'`"{value}"` (not yet)'
    return f'`"{value}"`'


def _bounds(field: FieldInfo) -> str:
    found = {name: getattr(one, name) for one in field.metadata for name in ("ge", "gt", "le") if hasattr(one, name)}
    words = {"ge": "from", "gt": "above", "le": "to"}
    said = [f"{words[name]} {found[name]:g}" for name in words if name in found]
    return f", {' '.join(said)}" if said else ""


def _default(field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True, validated_data={})
    return "none" if default is PydanticUndefined else f"`{toml(default)}`"


def _sources() -> Iterator[str]:
    yield "## Keys of a source, by kind\n"
    yield "They stand in the same `[[sources]]` table. [Sources](sources.md) says what each kind reads.\n"
    for kind, (what, keys) in SOURCES.items():
        yield f'### `kind = "{kind}"`\n\n{what}\n'
        yield from _words(keys)
    yield "### Every kind\n"
    yield from _words(COMMON)


def _words(keys: dict[str, str]) -> Iterator[str]:
    yield "| Key | What it does |"
    yield "|---|---|"
    yield from (_row([f"`{key}`", words]) for key, words in keys.items())
    yield ""


def _backends() -> Iterator[str]:
    yield "## Keys of a backend, by kind\n"
    yield "They stand in `[backend]` too. [Backends](backends.md) says how each behaves.\n"
    for kind, built_in in BACKENDS.items():
        what, words = BACKEND_WORDS[kind]
        yield f'### `kind = "{kind}"`\n\n{what}\n'
        keys = built_in.keys
        hints = get_type_hints(keys)
        if fields(keys):
            yield "| Key | Value | Default | Variable | What it does |"
            yield "|---|---|---|---|---|"
            for one in fields(keys):
                variable = f"`{PREFIX}BACKEND__{one.name.upper()}`"
                yield _row([f"`{one.name}`", _shape(hints[one.name], one), _of(one), variable, words[one.name]])
            yield ""


def _shape(hint: Any, field: Field[Any]) -> str:
    plain = [one for one in get_args(hint) if one is not NoneType] if isinstance(hint, UnionType) else [hint]
    if get_origin(plain[0]) is Literal:
        return " or ".join(f'`"{value}"`' for value in get_args(plain[0]))
    bounds = f", from {field.metadata['least']:g} to {field.metadata['most']:g}" if field.metadata else ""
    return _KINDS[plain[0]] + bounds


def _of(field: Field[Any]) -> str:
    if field.default is MISSING:
        return "none"
    return "not set" if field.default is None else f"`{toml(field.default)}`"


def _later() -> Iterator[str]:
    yield "## Keys that come later\n"
    yield "A key is accepted only when it does something. These are refused by name until what they do is built:\n"
    for key, capability in LATER.items():
        table, _, name = key.partition(".")
        shown = f"`[{table}] {name}`" if name else (f"`[[{table}]]`" if table == "hooks" else f"`[{table}]`")
        yield f"- {shown}: {capability}"
    yield ""


def _prose(docstring: str) -> str:
    return re.sub(r"\s+", " ", docstring).strip()


def _row(cells: list[str]) -> str:
    """A row of a table. Outside of back-ticks `<` begins no tag."""
    safe = [re.sub(r"(`[^`]*`)|<", lambda found: found[1] or "&lt;", cell) for cell in cells]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in safe) + " |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
