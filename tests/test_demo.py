"""The demo project: a fresh fortnight of articles whenever it is written, and readers in every state."""

from __future__ import annotations

import csv
import re
import struct
import tomllib
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from newsletter import demo

NOW = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
KEYS = {
    *("title", "url", "published", "authors", "dek", "image", "image_alt", "section", "categories", "tags", "subject"),
    *("card", "featured", "sponsored", "signals", "related"),
}
MOMENTS = [
    NOW,
    datetime(2026, 11, 22, 0, 0, 1, tzinfo=UTC),
    datetime(2026, 3, 29, 1, 30, tzinfo=UTC),  # Lisbon's clocks have just gone forward
    datetime(2026, 4, 5, 0, 10, tzinfo=UTC),
    datetime(2026, 10, 25, 0, 30, tzinfo=UTC),  # and are about to go back: this hour comes twice
    datetime(2026, 10, 31, 23, 59, tzinfo=UTC),
    datetime(2028, 2, 29, 8, 0, tzinfo=UTC),
    datetime(2028, 3, 1, 0, 5, tzinfo=timezone(timedelta(hours=14))),
    datetime(2027, 1, 1, 0, 0, tzinfo=timezone(timedelta(hours=-12))),
]


def articles(folder: Path) -> dict[str, dict[str, Any]]:
    """Front matter by file name, with the text under `body`."""
    found = {}
    for file in sorted(folder.glob("*.md")):
        opening, front, body = file.read_text(encoding="utf-8").split("---\n", 2)
        assert opening == ""
        found[file.stem] = {**yaml.safe_load(front), "body": body.strip()}
    return found


@pytest.fixture
def site(tmp_path: Path) -> Path:
    demo.write_site(tmp_path / "site", now=NOW)
    return tmp_path / "site"


def test_every_article_has_front_matter_with_known_keys_and_a_real_text(site: Path) -> None:
    found = articles(site)
    assert 16 <= len(found) <= 24
    for name, article in found.items():
        assert set(article) - {"body"} <= KEYS, name
        assert all(article[key] for key in ("title", "authors", "dek", "section", "categories", "tags", "subject")), (
            name
        )
        assert 3 <= len(article["body"].split("\n\n")) <= 6, name
        assert len(article["body"].split()) > 80, name
        assert "{" not in article["body"], name


def test_both_sections_are_filled_from_the_week_itself(site: Path) -> None:
    week = [a for a in articles(site).values() if a.get("published") and _age(a, NOW) < timedelta(days=7)]
    sections = Counter(article["section"] for article in week if article.get("url"))
    assert sections["Weekly highlights"] >= 7
    assert sections["Entertainment guides"] >= 5
    taken = {category for table in tomllib.loads(demo.SETTINGS)["sections"] for category in table["match"]["category"]}
    assert all(taken & set(article["categories"]) for article in articles(site).values())


@pytest.mark.parametrize("now", MOMENTS, ids=lambda moment: moment.isoformat())
def test_the_fortnight_ends_now_whenever_now_is(tmp_path: Path, now: datetime) -> None:
    demo.write_site(tmp_path, now=now)
    ages = {name: _age(article, now) for name, article in articles(tmp_path).items() if "published" in article}
    old = ages.pop("kettle-films")
    assert timedelta(days=14) < old < timedelta(days=30)
    assert all(timedelta(0) < age < timedelta(days=14) for age in ages.values()), ages
    assert min(ages.values()) < timedelta(days=2)
    assert max(ages.values()) > timedelta(days=10)


def test_dates_carry_the_offset_that_was_in_force_on_their_own_day(tmp_path: Path) -> None:
    demo.write_site(tmp_path, now=datetime(2026, 4, 2, 12, 0, tzinfo=UTC))
    found = articles(tmp_path)
    assert found["ferry-second-season"]["published"] == "2026-03-31T09:30:00+01:00"
    assert found["comet-parcels"]["published"] == "2026-03-25T13:00:00+00:00"


def test_a_moment_without_a_zone_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="time zone"):
        demo.write_site(tmp_path / "site", now=NOW.replace(tzinfo=None))
    assert not (tmp_path / "site").exists()


def test_writing_twice_gives_the_same_files(site: Path) -> None:
    before = {file: file.read_bytes() for file in site.rglob("*") if file.is_file()}
    demo.write_site(site, now=NOW)
    assert {file: file.read_bytes() for file in site.rglob("*") if file.is_file()} == before


def test_the_awkward_articles_are_there(site: Path) -> None:
    found = articles(site)
    titles = [article["title"] for article in found.values()]
    assert [name for name, article in found.items() if "published" not in article] == ["lantern-parade"]
    assert [name for name, article in found.items() if "url" not in article] == ["cassette-guide"]
    assert [name for name, article in found.items() if article.get("sponsored")] == ["night-train-sleep"]
    assert [name for name, article in found.items() if "image" not in article] == ["moth-reopens-brief"]
    assert [name for name, a in found.items() if "signals" not in a and "published" in a] == ["museum-lost-sounds"]
    assert Counter(article["subject"] for article in found.values())["Ferry to Nowhere Special"] == 3
    assert [name for name, article in found.items() if "this Friday" in article["dek"]] == ["curtain-up-world-down"]
    assert any(len(title) > 110 and "&" in title and "“" in title for title in titles)
    assert any('"' in title for title in titles)
    assert any("彗星" in title for title in titles)


def test_one_card_has_a_rating_and_another_only_counts_its_raters(site: Path) -> None:
    found = articles(site)
    assert found["ferry-second-season"]["card"]["rating"] == 4.4
    assert found["ferry-second-season"]["card"]["rating_count"] == 212
    counted = found["curtain-up-world-down"]["card"]
    assert counted["rating_count"] == 3
    assert "rating" not in counted


def test_views_are_spread_widely(site: Path) -> None:
    views = [article["signals"]["views"] for article in articles(site).values() if "signals" in article]
    assert max(views) > 10 * min(views)
    assert len(set(views)) == len(views)


def test_every_picture_is_there_is_used_once_and_is_light(site: Path) -> None:
    used = [article["image"] for article in articles(site).values() if "image" in article]
    present = {f"images/{file.name}" for file in (site / "images").glob("*.jpg")}
    assert len(used) == len(set(used)) == 21
    assert set(used) == present
    assert all(article["image_alt"] for article in articles(site).values() if "image" in article)
    for file in (site / "images").iterdir():
        assert file.stat().st_size <= 28 * 1024, file.name
    assert sum(file.stat().st_size for file in site.rglob("*") if file.is_file()) < 700 * 1024


def test_pictures_are_jpegs_of_sixteen_by_nine_and_the_logo_is_a_png(site: Path) -> None:
    for file in (site / "images").glob("*.jpg"):
        data = file.read_bytes()
        assert data.startswith(b"\xff\xd8\xff"), file.name
        frame = re.search(rb"\xff[\xc0\xc2]\x00\x11\x08(....)", data, re.DOTALL)
        assert frame is not None, file.name
        assert struct.unpack(">HH", frame[1]) == (675, 1200), file.name
    logo = (site / "images" / "logo.png").read_bytes()
    assert logo.startswith(b"\x89PNG")
    assert struct.unpack(">II", logo[16:24]) == (480, 120)


def test_related_titles_name_other_articles_of_the_site(site: Path) -> None:
    found = articles(site)
    titles = {article["title"] for article in found.values()}
    for article in found.values():
        assert set(article.get("related", [])) <= titles - {article["title"]}


def test_nothing_leads_to_a_place_somebody_owns(site: Path) -> None:
    for name, article in articles(site).items():
        for address in [
            article.get("url", "https://tramlight.example/"),
            *re.findall(r"https?://\S+", article["body"]),
        ]:
            parts = urlsplit(address)
            assert parts.scheme == "https", name
            assert (parts.hostname or "").endswith((".example", ".test")), name
    hosts = re.findall(r"https?://([\w.-]+)|@([\w.-]+)", demo.SETTINGS)
    assert all(host.endswith(".example") or host == "127.0.0.1" for pair in hosts for host in pair if host)
    assert all(reader["email"].endswith(".example") for reader in readers())


def readers() -> list[dict[str, str]]:
    with demo.READERS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_there_are_readers_in_every_state() -> None:
    states = Counter(reader["status"] for reader in readers())
    assert states == {"active": 19, "pending": 3, "unsubscribed": 3}
    assert len({reader["email"].lower() for reader in readers()}) == 25
    assert [reader["status"] for reader in readers() if reader["email"] == demo.COMPLAINED] == ["active"]


def test_readers_have_the_names_that_break_mail() -> None:
    active = [reader for reader in readers() if reader["status"] == "active"]
    names = [reader["name"] for reader in active]
    assert "" in names
    assert max(len(name) for name in names) > 90
    for letters in ("ø", "月", "달", "ق", "ט", "’", "<"):  # noqa: RUF001 - scripts, not slips
        assert any(letters in name for name in names), letters
    assert any("+" in reader["email"] for reader in active)
    assert any("'" in reader["email"] for reader in active)
    assert any(reader["email"].partition("@")[0] != reader["email"].partition("@")[0].lower() for reader in active)


def test_the_settings_are_toml_and_say_where_things_lie(site: Path) -> None:
    settings = tomllib.loads(demo.SETTINGS)
    assert settings["sources"] == [{"name": "site", "kind": "folder", "path": "site"}]
    assert settings["backend"] == {"kind": "maildir", "path": "mail"}
    assert settings["newsletter"]["postal_address"]
    assert (site.parent / settings["theme"]["logo"]).is_file()
    assert [table["title"] for table in settings["sections"]] == ["Weekly highlights", "Entertainment guides"]


@pytest.mark.parametrize("palette", ["colours", "dark"])
def test_the_colours_can_be_read(palette: str) -> None:
    colours = tomllib.loads(demo.SETTINGS)["theme"][palette]
    for ink, ground in (
        *((ink, ground) for ink in ("text", "muted", "link", "accent") for ground in ("card", "background")),
        ("on_accent", "accent"),
    ):
        assert _contrast(colours[ink], colours[ground]) >= 4.5, f"{ink} on {ground}"  # WCAG 2.2 §1.4.3


def _age(article: dict[str, Any], now: datetime) -> timedelta:
    published = datetime.fromisoformat(article["published"])
    assert published.tzinfo is not None
    return now - published


def _contrast(one: str, other: str) -> float:
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
