from __future__ import annotations

import struct
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from newsletter.errors import SettingsError, SourceError
from newsletter.fetch import Fetcher
from newsletter.issue import Card, SignalKind
from newsletter.sources import Pulled, PullState, load
from newsletter.sources.folder import parse
from newsletter.sources.folder.images import stored_image
from newsletter.sources.reading import Reading

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
FULL = """---
title: "Ducks: the film"
url: /2026/ducks?utm_source=x
date: 2026-11-20 14:30
author: Ann Lee
dek: Who would have thought?
image: pictures/duck.png
image_alt: A duck
section: Film
categories: [Film, Birds]
tags: [ducks, 2026]
card:
  name: Ducks
  produced_by: [Bob Ross, Cy Young]
  rating_count: 3
signals: {views: 8412, rating: 4.5}
related: [Ten Films About Birds]
featured: true
---
The **film** about [ducks](https://ducks.example) won.

- It is *good*.
- It has ducks.
"""


def png(width: int = 640, height: int = 360) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "articles" / "pictures").mkdir(parents=True)
    (tmp_path / "articles" / "pictures" / "duck.png").write_bytes(png())
    return tmp_path / "articles"


def pull(folder: Path, previous: PullState | None = None, **options: Any) -> Pulled:
    settings = {"path": "articles", "url": "https://site.example"} | options
    source = load("folder", "own", settings, root=folder.parent, fetcher=Fetcher(), clock=lambda: NOW)
    return source.read(previous or PullState())


def one(text: str, *, label: str = "a.md") -> Pulled:
    return parse(text.encode(), label=label, reading=Reading("own", "https://site.example", now=NOW))


def test_a_markdown_file_becomes_an_article(folder: Path) -> None:
    (folder / "ducks.md").write_text(FULL)
    found = pull(folder, timezone="Europe/Berlin")
    (article,) = found.articles
    assert found.problems == ()
    assert (article.title, article.url) == ("Ducks: the film", "https://site.example/2026/ducks")
    assert article.published == datetime(2026, 11, 20, 13, 30, tzinfo=UTC)
    assert (article.published_raw, article.published_from) == ("2026-11-20 14:30", "front-matter")
    assert (article.authors, article.dek, article.section) == (("Ann Lee",), "Who would have thought?", "Film")
    assert (article.categories, article.tags) == (("Film", "Birds"), ("ducks", "2026"))
    assert article.card == Card("Ducks", ("Bob Ross", "Cy Young"), rating=None, rating_count=3)
    assert (article.signal(SignalKind.VIEWS), article.signal(SignalKind.RATING)) == (8412, 4.5)
    assert (article.featured, article.sponsored, article.subject) == (True, False, "Ducks")
    assert article.body == "The film about ducks won.\nIt is good.\nIt has ducks."
    assert article.summary == "The film about ducks won. It is good. It has ducks."
    assert article.lacks() == ()


def test_a_picture_in_the_folder_is_kept_under_its_hash(folder: Path) -> None:
    (folder / "ducks.md").write_text(FULL)
    found = pull(folder)
    (picture,) = found.images
    image = found.articles[0].image
    assert image is not None
    assert (image.url, image.width, image.height, image.alt) == (f"stored:{picture.name}", 640, 360, "A duck")
    assert (picture.media_type, picture.data) == ("image/png", png())
    assert picture.name.endswith(".png")
    assert len(picture.name) == 20


@pytest.mark.parametrize(
    ("data", "suffix", "size"),
    [
        (png(3, 4), "png", (3, 4)),
        (b"GIF89a" + struct.pack("<HH", 5, 6) + b"\0" * 20, "gif", (5, 6)),
        (b"\xff\xd8\xff\xe0\x00\x04ab\xff\xff\xc0\x00\x11\x08\x00\x07\x00\x08\x03" + b"\0" * 9, "jpg", (8, 7)),
    ],
)
def test_pictures_are_known_by_their_first_bytes(data: bytes, suffix: str, size: tuple[int, int]) -> None:
    stored, image = stored_image(data, alt="")
    assert stored.name.endswith(suffix)
    assert (image.width, image.height) == size


@pytest.mark.parametrize(
    "data", [b"", b"<svg/>", b"\xff\xd8\xff\xd9", b"\x89PNG\r\n\x1a\n", png(0, 5), png(90_000, 5), b"RIFFxxxxWEBP"]
)
def test_what_mail_programs_do_not_show_is_refused(data: bytes) -> None:
    with pytest.raises(SourceError, match="picture is"):
        stored_image(data, alt="")


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("../secret.png", "outside of the folder"),
        ("pictures/../../secret.png", "outside of the folder"),
        ("link.png", "outside of the folder"),
        ("/../secret.png", "outside of the folder"),
        ("text.png", "no PNG, JPEG or GIF"),
        ("huge.png", "larger than 2 MiB"),
        ("javascript:alert(1)", "neither a file"),
    ],
)
def test_a_picture_that_may_not_be_used_is_told_and_the_article_stays(folder: Path, image: str, words: str) -> None:
    (folder.parent / "secret.png").write_bytes(png())
    (folder / "link.png").symlink_to(folder.parent / "secret.png")
    (folder / "text.png").write_text("no picture")
    (folder / "huge.png").write_bytes(png() + b"\0" * 2_200_000)
    (folder / "a.md").write_text(f"---\ntitle: A\nimage: {image}\n---\n")
    found = pull(folder)
    assert found.articles[0].image is None
    assert found.images == ()
    assert words in found.problems[0]


def test_a_picture_on_the_web_keeps_its_address(folder: Path) -> None:
    (folder / "a.md").write_text("---\ntitle: A\nimage: https://i.example/x.jpg?w=600\n---\n")
    image = pull(folder).articles[0].image
    assert image is not None
    assert image.url == "https://i.example/x.jpg?w=600"


@pytest.mark.parametrize(
    ("raw", "moment"),
    [
        ("2026-11-20T14:30:00+01:00", datetime(2026, 11, 20, 13, 30, tzinfo=UTC)),
        ("2026-11-20", datetime(2026, 11, 19, 23, tzinfo=UTC)),
        ("'2026-11-20 08:00'", datetime(2026, 11, 20, 7, tzinfo=UTC)),
        ("Fri, 20 Nov 2026 08:00:00 GMT", datetime(2026, 11, 20, 8, tzinfo=UTC)),
    ],
)
def test_a_date_without_a_zone_is_the_sources_and_without_a_time_midnight(
    folder: Path, raw: str, moment: datetime
) -> None:
    (folder / "a.md").write_text(f"---\ntitle: A\npublished: {raw}\n---\n")
    assert pull(folder, timezone="Europe/Berlin").articles[0].published == moment


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        ("-3d 14:20", "cannot be read with certainty"),
        ("tomorrow", "cannot be read with certainty"),
        ("05/02/2026", "may mean several days: set date_order"),
        ("2099-01-01", "lies in the future"),
        ("1066-10-14", "lies before 1995, and no article is so old"),
    ],
)
def test_a_date_that_is_not_certain_or_not_sane_is_told_as_what_it_is(raw: str, fault: str) -> None:
    found = one(f"---\ntitle: A\npublished: '{raw}'\n---\n")
    assert found.articles[0].published is None
    assert found.problems[0] == f'a.md: its date "{raw}" {fault}; write it like 2026-11-20 14:30'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("just text", "no front matter"),
        ("---\ntitle: a: b\n---\n", r"^line 2: mapping values"),
        ("---\n\ntitle: 'open\n---\n", "line"),
        ("---\n- a\n---\n", "holds no keys"),
        ("---\ntitle: !!python/object:os.system x\n---\n", "line 2"),
        ("---\nx: " + "a" * 70_000 + "\n---\n", "64 KiB"),
    ],
)
def test_a_file_that_cannot_be_read_says_where(text: str, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        one(text)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ("url: https://x.example/", "has no title"),
        ("title: {a: b}", "title must be a text"),
        ("title: A\ntags: {a: b}", "tags must be a list"),
        ("title: A\nfeatured: maybe", "featured must be true or false"),
        ("title: A\ncard: Ducks", "card must hold keys"),
        ("title: A\ncard: {rating: 3}", "card has no name"),
        ("title: A\ncard: {name: B, rating: 9}", "card.rating must lie"),
        ("title: A\nsignals: {views: many}", "views must be a number"),
        ("title: A\nsignals: {views: -1}", "views must be a number"),
        ("title: A\nsignals: {views: .nan}", "views must be a number"),
    ],
)
def test_a_key_that_holds_something_impossible_is_named(keys: str, words: str) -> None:
    found = one(f"---\n{keys}\n---\n")
    assert found.articles == ()
    assert words in found.problems[0]
    assert found.problems[0].startswith("a.md: ")


def test_a_misspelt_key_is_told_and_other_tools_keys_are_not() -> None:
    found = one("---\ntitle: A\npublised: x\nlayout: post\ntoc: true\n---\n")
    assert found.problems == ("a.md: unknown key 'publised' was not read; did you mean 'published'?",)
    assert len(found.articles) == 1


def test_aliases_that_would_explode_are_never_written_out() -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(8)
    )
    found = one(f"---\n{bomb}title: *i\n---\n")
    assert found.problems == ("a.md: title must be a text, not a list",)


def test_drafts_and_hidden_files_are_left_out(folder: Path) -> None:
    (folder / "draft.md").write_text("---\ntitle: A\ndraft: true\n---\n")
    (folder / "_template.md").write_text("nonsense")
    (folder / ".hidden.md").write_text("nonsense")
    found = pull(folder)
    assert (found.articles, found.problems) == ((), ())


def test_a_json_file_holds_one_article_or_a_list(folder: Path) -> None:
    (folder / "one.json").write_text('{"title": "One", "url": "https://x.example/1", "body": "First. Second."}')
    (folder / "two.json").write_text('[{"title": "Two"}, {"url": "/3"}, {"title": "Four"}]')
    found = pull(folder)
    assert [article.title for article in found.articles] == ["One", "Two", "Four"]
    assert found.articles[0].summary == "First. Second."
    assert found.problems == ("two.json, article 2: it has no title; write title: …",)


@pytest.mark.parametrize("text", ['{"title":}', "[" * 100_000, '["a"]', "3", '{"title": "\\ud800"}'])
def test_hostile_json_is_a_line_and_no_crash(folder: Path, text: str) -> None:
    (folder / "bad.json").write_text(text)
    (folder / "good.md").write_text("---\ntitle: Good\n---\n")
    found = pull(folder)
    assert "Good" in [article.title for article in found.articles]
    assert found.problems[0].startswith("bad.json: ")


def test_mark_up_in_a_body_and_in_keys_stays_harmless(folder: Path) -> None:
    head = "---\ntitle: 'A <script>alert(1)</script>'\nurl: 'javascript:alert(1)'\n---\n"
    (folder / "a.md").write_text(head + "<script>alert(2)</script>\n\nText <b>bold</b>.\n")
    found = pull(folder)
    assert found.articles[0].url is None
    assert found.articles[0].body == "Text bold."
    assert "is no http:// or https:// address" in found.problems[0]


def test_links_out_of_the_folder_are_not_followed(folder: Path) -> None:
    outside = folder.parent / "outside.md"
    outside.write_text("---\ntitle: Outside\n---\n")
    (folder / "link.md").symlink_to(outside)
    (folder / "dir").symlink_to(folder.parent)
    assert pull(folder).articles == ()


def test_an_unchanged_folder_is_known_again_and_a_new_file_is_seen(folder: Path) -> None:
    (folder / "ducks.md").write_text(FULL)
    first = pull(folder)
    assert pull(folder, first.state).unchanged
    (folder / "new.md").write_text("---\ntitle: New\n---\n")
    assert len(pull(folder, first.state).articles) == 2


def test_a_changed_picture_is_a_change(folder: Path) -> None:
    (folder / "ducks.md").write_text(FULL)
    first = pull(folder)
    (folder / "pictures" / "duck.png").write_bytes(png(641))
    assert not pull(folder, first.state).unchanged


def test_a_missing_folder_and_a_mistake_in_the_settings_are_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        load("folder", "own", {"path": "nowhere"}, root=tmp_path, fetcher=Fetcher()).read(PullState())
    for options in ({}, {"path": "x", "glob": "*"}, {"path": ""}, {"path": "x", "url": "site.example"}):
        with pytest.raises(SettingsError, match=r'\[\[sources\]\] "own"'):
            load("folder", "own", options, root=tmp_path, fetcher=Fetcher())
