"""Readings and articles as JSON values, for what is worked out by a child process. Pure; nothing here checks them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from newsletter.issue import Article, Card, Image, Signal, SignalKind
from newsletter.options import zone
from newsletter.sources.dates import DateOrder
from newsletter.sources.reading import Reading


def as_json(value: Any) -> Any:
    """What `json.dumps` asks for as its `default`."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tzinfo):
        return str(value)
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def reading_of(said: Mapping[str, Any]) -> Reading:
    order = DateOrder(said["order"]) if said["order"] else None
    here = {"zone": zone(said["zone"]) or UTC, "order": order, "now": datetime.fromisoformat(said["now"])}
    return Reading(**{**said, **here})


def article_of(said: Mapping[str, Any]) -> Article:
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in said.items()}
    for name in ("published", "updated"):
        values[name] = datetime.fromisoformat(values[name]) if values[name] else None
    if values["image"]:
        values["image"] = Image(**values["image"])
    if card := values["card"]:
        values["card"] = Card(**{**card, "produced_by": tuple(card["produced_by"])})
    values["signals"] = tuple(
        Signal(SignalKind(one["kind"]), one["value"], datetime.fromisoformat(one["at"])) for one in values["signals"]
    )
    return Article(**values)
