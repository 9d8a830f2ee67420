"""One table says which pictures are kept and served."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from newsletter.image_types import SUFFIXES, media_type, stored_name


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n...", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF87a", "image/gif"),
        (b"GIF89a", "image/gif"),
        (b"GIF88a", ""),
        (b"RIFFxxxxWEBP", ""),
        (b"<svg/>", ""),
        (b"", ""),
    ],
)
def test_a_picture_is_known_by_its_first_bytes(data: bytes, kind: str) -> None:
    assert media_type(data) == kind


def test_every_kind_that_is_recognised_is_served_under_a_name_of_its_bytes() -> None:
    name = stored_name(b"\xff\xd8\xff\xe0", kind="image/jpeg")
    assert re.fullmatch(r"[0-9a-f]{16}\.jpg", name)
    assert name != stored_name(b"\xff\xd8\xff\xe1", kind="image/jpeg")
    assert "image/svg+xml" not in SUFFIXES


def test_no_other_module_of_the_package_lists_picture_types() -> None:
    package = Path(__file__).resolve().parent.parent / "newsletter"
    listing = re.compile(r"image/(?:png|jpeg|gif|webp)\"|x89PNG|xff.xd8|GIF8")
    found = {
        str(file.relative_to(package)) for file in package.rglob("*.py") if listing.search(file.read_text("utf-8"))
    }
    assert found == {"image_types.py", "sources/folder/images.py"}  # the second one measures them
