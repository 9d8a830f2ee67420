"""A public page as text, with the headers that keep its address secret. Knows no template and no web framework.

When rendering fails, a plain page says the same and has the same button: leaving must work with every template broken.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import urlsplit

RenderPage = Callable[[str, Mapping[str, Any]], str]

_log = logging.getLogger(__name__)

_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' https:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
# The path holds a token: no cache may keep it, no other site may learn it, no search engine may list it.
SECRET = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": _POLICY,
}
# With `no-referrer` browsers would post the sign-up form with `Origin: null` (Fetch §3.2), which the form refuses.
OPEN = {**SECRET, "Referrer-Policy": "same-origin"}

_PLAIN = {
    "subscribe": ("Subscribe", "Subscribe"),
    "check_inbox": ("Check your inbox for a mail with a link to confirm.", ""),
    "confirm": ("One more click confirms your subscription.", "Confirm"),
    "confirmed": ("Your subscription is confirmed.", ""),
    "confirm_expired": ("This link has run out; please subscribe again.", ""),
    "unsubscribe": ("One click and you get no more mail from us.", "Unsubscribe"),
    "unsubscribed": ("You are unsubscribed.", "That was a mistake: subscribe me again"),
    "resubscribed": ("You are subscribed again.", ""),
    "not_found": ("There is no such page; use the link of a mail you got.", ""),
    "refused": ("", ""),
}


@dataclass(frozen=True, slots=True)
class Site:
    """What pages say about the newsletter. `public_url` may have a path; `wording` is what a subscriber agrees to; it
    is kept in the consent record, so a change of it is a change of consent."""

    name: str
    public_url: str
    language: str = "en"
    privacy_url: str = ""
    wording: str = ""

    @property
    def consent(self) -> str:
        """The text that a subscriber agrees to."""
        return self.wording or f"Send me {self.name} by e-mail. I can unsubscribe with one click at any time."

    def path(self, path: str) -> str:
        """A path on the public address, as a form's action."""
        return urlsplit(self.public_url).path.rstrip("/") + path


def page_text(render_page: RenderPage, page: str, context: Mapping[str, Any]) -> str:
    """The HTML of a page, rendered or plain."""
    try:
        return render_page(page, context)
    except Exception:  # noqa: BLE001 - whatever is wrong with a template, the button must be there
        _log.exception("the page %r could not be rendered; a plain one was shown instead", page)
        return _plain(page, context)


def _plain(page: str, context: Mapping[str, Any]) -> str:
    sentence, button = _PLAIN[page]
    sentence = context.get("message") or sentence
    action = context.get("action") or context.get("undo_action")
    form = ""
    if button and action:
        fields = ""
        if page == "subscribe":
            fields = (
                f'<label>E-mail <input type="email" name="email" value="{escape(context["email"])}" required></label> '
                f'<input type="hidden" name="form_token" value="{escape(context["form_token"])}">'
                f"<p>{escape(context['wording'])}</p>"
            )
        form = f'<form method="post" action="{escape(action)}">{fields}<button>{escape(button)}</button></form>'
    site: Site = context["site"]
    return (
        f'<!doctype html><html lang="{escape(site.language)}"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(site.name)}</title>'
        f"<h1>{escape(site.name)}</h1><p>{escape(sentence)}</p>{form}</html>"
    )
