"""The project that is sent: 25 articles in two sections, as many recipients as wanted, made by the real modules.

Articles come from a folder source, subscribers from a CSV file, the letter from the shipped templates; the issue is
frozen and waits. Texts are made here with a fixed seed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from newsletter.app import Project
from newsletter.errors import NewsletterError
from newsletter.letter import EMAIL, FIRST_NAME, UNSUBSCRIBE_TOKEN, Letter, date_header
from subscribers import create_keys, import_csv

ARTICLES = {"highlights": 5, "guides": 20}
SETTINGS = """
[newsletter]
name = "Marquee Weekly"
tagline = "Our weekly highlights and entertainment guides, straight to your inbox"
from = "Marquee Weekly <weekly@marquee.example>"
public_url = "https://letters.marquee.example"
postal_address = "Marquee Media, 12 Harbour Street, 1000 Port City"

[[sources]]
name = "site"
kind = "folder"
path = "site"

[[sections]]
name = "highlights"
title = "Weekly highlights"
pick = {highlights}
match = {{ category = ["highlights"] }}

[[sections]]
name = "guides"
title = "Entertainment guides"
pick = {guides}
match = {{ category = ["guides"] }}

[issue]
utm = {{ utm_source = "weekly", utm_campaign = "{{slot}}" }}

[backend]
kind = "smtp"
host = "127.0.0.1"
port = 25
security = "none"
"""
NAMES = ("Ana", "Zoë", "Jürgen", "Мария", "Nguyễn Anh", "陳大文", "Pat O'Neill", "Maximiliane")
VALUES = {FIRST_NAME: "Maximiliane", EMAIL: "reader000000@example.net", UNSUBSCRIBE_TOKEN: "t" * 43}


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes of the letter's parts and of a whole message, and the seconds the freeze took."""

    html: int
    text: int
    message: int
    freeze: float


def make_project(root: Path, *, recipients: int) -> Sizes:
    """Write a project whose issue is frozen for that many recipients and waits to be sent."""
    (root / "site").mkdir(parents=True)
    (root / "newsletter.toml").write_text(SETTINGS.format(**ARTICLES), encoding="utf-8")
    (root / "site" / "articles.json").write_text(json.dumps(articles(ARTICLES)), encoding="utf-8")
    create_keys(root / "newsletter.key")
    project = Project(root)
    project.unchecked_database.migrate(now=project.clock())
    with (root / "subscribers.csv").open("w", encoding="utf-8") as file:
        file.write("email,name\n")
        file.writelines(
            f"reader{number:06d}@example.net,{NAMES[number % len(NAMES)]}\n" for number in range(recipients)
        )
    import_csv(project.book, root / "subscribers.csv", confirmed=True)
    project.weekly.pull()
    slot = project.slot(None)
    composed = project.weekly.compose(slot)
    letter = composed.letter
    if letter is None or len(composed.issue.picks) != sum(ARTICLES.values()):
        raise NewsletterError(f"the example picked {len(composed.issue.picks)} articles")
    began = time.perf_counter()
    row = project.weekly.freeze(slot, composed)
    freeze = time.perf_counter() - began
    if row.frozen != recipients:
        raise NewsletterError(f"the example froze {row.frozen} recipients instead of {recipients}")
    project.database.dispose()
    return Sizes(
        len(letter.html(VALUES).encode()), len(letter.text(VALUES).encode()), len(example_message(letter)), freeze
    )


def example_message(letter: Letter) -> bytes:
    """One whole message, as it goes over the wire."""
    return letter.addressed(
        address=VALUES[EMAIL],
        name=VALUES[FIRST_NAME],
        message_id="0" * 32 + "@marquee.example",
        date=date_header(datetime.now(UTC)),
        values=VALUES,
    )


def articles(counts: Mapping[str, int]) -> list[dict[str, object]]:
    """So many made-up articles for each section, the first the youngest."""
    random = Random(25)
    words = ["".join(random.choices("abdefghiklmnoprstuvé", k=random.randint(2, 8))) for _ in range(2000)]

    def line(length: int) -> str:
        return " ".join(random.sample(words, length)).capitalize()

    now = datetime.now(UTC)
    return [
        {
            "title": line(8),
            "url": f"https://www.marquee.example/{section}/{number}-{'-'.join(line(5).lower().split())}",
            "published": (now - timedelta(hours=3 + number)).isoformat(timespec="seconds"),
            "dek": line(16) + ".",
            "authors": [line(2).title()],
            "image": f"https://www.marquee.example/images/{section}-{number}.jpg",
            "image_alt": line(6),
            "category": section,
            "subject": line(2),
            "card": {"name": line(2), "produced_by": [line(2)], "rating": 4.4, "rating_count": 212},
        }
        for section, count in counts.items()
        for number in range(count)
    ]
