"""The body that a browser or mail program sent → fields. Pure: bytes and header texts in.

Raises `UnreadableForm` with a sentence, and nothing else whatever the bytes are.
"""

from __future__ import annotations

import io
import json
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import python_multipart
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field

_MOST_FIELDS = 40
_FORM = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"


class UnreadableForm(Exception):
    """A body that is not what its headers say."""


def form_fields(body: bytes, *, content_type: str) -> dict[str, str]:
    """The fields of a form in either encoding of HTML. The first of a name counts; files are ignored."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == _FORM:
        try:
            pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
        except ValueError as error:
            raise UnreadableForm("The form has too many fields; send the e-mail address alone.") from error
        return dict(reversed(pairs))
    if kind == _MULTIPART:
        return _multipart(body, content_type)
    raise UnreadableForm(f"Send the form as {_FORM} or {_MULTIPART}.")


def _multipart(body: bytes, content_type: str) -> dict[str, str]:
    fields: dict[str, str] = {}

    def keep(field: Field) -> None:
        if field.field_name is not None and len(fields) < _MOST_FIELDS:
            fields.setdefault(
                field.field_name.decode("utf-8", "replace"), (field.value or b"").decode("utf-8", "replace")
            )

    headers = {"Content-Type": content_type.encode("latin-1", "replace")}
    try:
        python_multipart.parse_form(headers, io.BytesIO(body), keep, None)
    except (FormParserError, ValueError) as error:
        raise UnreadableForm("The form cannot be read; send it again from the page.") from error
    return fields


def json_fields(body: bytes) -> dict[str, str]:
    """The texts of a JSON object; other values are ignored."""
    try:
        sent: Any = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UnreadableForm('This is not JSON; send an object like {"email": "name@example.org"}.') from error
    if not isinstance(sent, Mapping):
        raise UnreadableForm('Send a JSON object like {"email": "name@example.org"}.')
    return {name: value for name, value in sent.items() if isinstance(value, str)}


def origin_of(url: str) -> str:
    """`https://example.org/a/b` → `https://example.org`, as browsers write it in Origin."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def may_post(origin: str | None, *, host: str, origins: Collection[str]) -> bool:
    """Whether a page of that origin may post here: our own, an allowed one, or no browser at all (RFC 6454 §7.3)."""
    if origin is None or origin.lower() in origins:
        return True
    # Not parsed: a browser sends scheme and host and nothing else.
    return host != "" and origin.lower() in {f"https://{host.lower()}", f"http://{host.lower()}"}
