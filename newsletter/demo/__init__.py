"""The demo project: Tramlight, a magazine for a city that does not exist, and its readers.

`site/` holds the articles as Markdown templates: `{3 days ago, 12:30}` becomes that day and clock time in the
magazine's own zone, so that the demo is a fresh fortnight whenever it is written. Some articles are awkward on
purpose: one has no date, one no address, one is paid for, one is too old, two are the same story and three are about
one show.

`readers.csv` holds twenty-five in every state of consent, with names as hard to print as real ones, for
`subscribers import --confirmed`.

Knows nothing of settings, sources or the database: it is files and values.
Everything stands on `.example`, which nobody can own (RFC 2606 §3). `docs/pictures/draw.py` drew the images.
Raises `ValueError` for a `now` without a zone, and `OSError` when the folder cannot be written.
"""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

_HERE = Path(__file__).parent
_ZONE = ZoneInfo("Europe/Lisbon")
_WHEN = re.compile(r'"\{(\d+) days? ago, (\d\d:\d\d)\}"')

READERS = _HERE / "readers.csv"
COMPLAINED = "crosspatch@icehouse.example"  # one of them, active, who must never be mailed
SETTINGS = (_HERE / "newsletter.toml").read_text(encoding="utf-8")
"""The demo's commented `newsletter.toml`: reads the folder `site`, writes the Maildir `mail`."""


def write_site(folder: Path, *, now: datetime) -> None:
    """Write the articles as `folder/*.md` and their pictures as `folder/images/*`, dated back from `now` (aware)."""
    if now.tzinfo is None:
        raise ValueError("The demo's dates count back from now: give now with a time zone.")
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    for article in (_HERE / "site").glob("*.md"):
        text = _dated(article.read_text(encoding="utf-8"), now=now)
        (folder / article.name).write_text(text, encoding="utf-8", newline="\n")
    for image in (_HERE / "site" / "images").iterdir():
        (images / image.name).write_bytes(image.read_bytes())


def _dated(text: str, *, now: datetime) -> str:
    def moment(found: re.Match[str]) -> str:
        day = now.astimezone(_ZONE).date() - timedelta(days=int(found[1]))
        return f'"{datetime.combine(day, time.fromisoformat(found[2]), _ZONE).isoformat()}"'

    return _WHEN.sub(moment, text)
