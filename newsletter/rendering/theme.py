"""The publisher and the theme: the values every template gets. Pure.

`app.py` fills these from the settings, whose own values the colours and fonts are; nothing here knows the file. Theme
tokens are written into the CSS by Jinja, never as custom properties: premailer would copy `var(--x)` into style
attributes, where Word and Gmail lose it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from newsletter.letter import Identity, ListHead
from newsletter.links import picture_address

if TYPE_CHECKING:
    from newsletter.settings.tables import Colours, DarkColours, Fonts, SocialLink

RIGHT_TO_LEFT = {"ar", "arc", "ckb", "dv", "fa", "he", "iw", "ps", "sd", "ug", "ur", "yi"}
STORED = "stored:"


@dataclass(frozen=True, slots=True)
class Theme:
    """How a letter looks. `look` is the folder of templates an issue is rendered from.

    `logo` is an https address or `stored:<name>`; `logo_width` is in pixels. `images` says which stories show their
    picture.
    """

    light: Colours
    dark: DarkColours
    fonts: Fonts
    look: str = "weekly"
    brand: str = ""
    logo: str = ""
    logo_width: int = 180
    logo_alt: str = ""
    social: tuple[SocialLink, ...] = ()
    images: Literal["all", "lead", "none"] = "all"


@dataclass(frozen=True, slots=True)
class Publication:
    """The publisher of a newsletter. `public_url` has no trailing slash; `utm` is added to the query of article links.

    `subject` is the subject line as a template over the issue's data; empty takes the theme's `subject.txt.j2`.
    """

    name: str
    public_url: str
    from_address: str
    postal_address: str
    list_id: str
    tagline: str = ""
    from_name: str = ""
    reply_to: str = ""
    language: str = "en"
    timezone: str = "UTC"
    subject: str = ""
    utm: Mapping[str, str] = field(default_factory=dict)

    @property
    def right_to_left(self) -> bool:
        return self.language.partition("-")[0].lower() in RIGHT_TO_LEFT

    def identity(self, *, issue: str = "") -> Identity:
        """The head of a letter: of the issue with that key, or of service mail."""
        sender = "".join(c for c in self.list_id.lower() if c.isascii() and c.isalnum())[:15] or "newsletter"
        head = ListHead(
            id=self.list_id,
            name=self.name,
            unsubscribe=f"{self.public_url}/unsubscribe/",
            feedback_id=f"{quote(issue, safe='-._')}:newsletter:weekly:{sender}",
            archive=f"{self.public_url}/issues",
        )
        return Identity(
            from_name=self.from_name or self.name,
            from_address=self.from_address,
            reply_to=self.reply_to,
            list=head if issue else None,
        )

    def image_url(self, url: str) -> str:
        """The address a mail program loads a picture from; empty when `url` is none it could."""
        if url.startswith(STORED):
            return f"{self.public_url}/images/{quote(url.removeprefix(STORED), safe='')}"
        return picture_address(url)
