"""Draws the demo's pictures and its logo into newsletter/demo/site/images. Needs Pillow; the demo itself does not.

python docs/pictures/draw.py [NAME …]
"""

from __future__ import annotations

import sys
from pathlib import Path

import indoors
import logo
import night

IMAGES = Path(__file__).resolve().parents[2] / "newsletter" / "demo" / "site" / "images"
AT_MOST = 27 * 1024

PICTURES = {
    "ferry": night.ferry,
    "comet": night.comet,
    "docks": night.docks,
    "screenings": night.screenings,
    "jazz": night.jazz,
    "tram": night.tram,
    "boats": night.boats,
    "umbrellas": night.umbrellas,
    "lanterns": night.lanterns,
    "night-train": night.night_train,
    "projector": indoors.projector,
    "foley": indoors.foley,
    "noodles": indoors.noodles,
    "vinyl": indoors.vinyl,
    "karaoke": indoors.karaoke,
    "bakery": indoors.bakery,
    "curtain": indoors.curtain,
    "museum": indoors.museum,
    "dumplings": indoors.dumplings,
    "cassette": indoors.cassette,
    "film-strip": indoors.film_strip,
}


def main(names: list[str]) -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    for name, scene in PICTURES.items():
        if not names or name in names:
            scene().save_photo(IMAGES / f"{name}.jpg", at_most=AT_MOST)
    if not names or "logo" in names:
        logo.draw().finished().save(IMAGES / "logo.png", optimize=True)


if __name__ == "__main__":
    main(sys.argv[1:])
