"""Templates → one Letter.

`render` makes the Letter of an issue, `render_mail` that of a single mail (`MAILS`), `render_proof` that of what an
editor is shown before an issue goes out. All are pure given their
arguments: no clock, no network, the same bytes for the same input and nonce. What it does not know: the recipients,
how it is sent, where the issue came from. Raises `TemplateError` when a template cannot be made into a letter.

In reading order: `theme` (publisher and colours), `story`, `words` and `wording` (articles and the
editor as text), `templates`, `blanks`,
`inlining`, and `check` with its rules, which looks at any finished letter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from newsletter.characters import clean
from newsletter.errors import TemplateError
from newsletter.issue import Issue
from newsletter.letter import CONFIRM_TOKEN, EMAIL, REVIEW_TOKEN, UNSUBSCRIBE_TOKEN, Identity, Letter, encode
from newsletter.rendering import wording
from newsletter.rendering.blanks import (
    ISSUE_BLANKS,
    MAIL_BLANKS,
    PROOF_BLANKS,
    Blanks,
    refuse_changes,
    refuse_losses,
    refuse_positions,
)
from newsletter.rendering.check import Finding, Level, check, check_html
from newsletter.rendering.finding import in_order, note
from newsletter.rendering.inlining import InliningError, inline
from newsletter.rendering.proof import Told, spliced
from newsletter.rendering.story import Story, groups_of
from newsletter.rendering.templates import Templates, shipped_templates
from newsletter.rendering.theme import Publication, Theme
from newsletter.rendering.words import notices_of, paragraphs_of

__all__ = [
    "Finding",
    "InliningError",
    "Level",
    "Publication",
    "Templates",
    "Theme",
    "Told",
    "check",
    "check_html",
    "in_order",
    "inline",
    "note",
    "render",
    "render_mail",
    "render_proof",
    "shipped_templates",
]

MAILS = tuple(MAIL_BLANKS)
SUBJECT_SETTING = "newsletter.toml: [issue] subject"


def render(issue: Issue, *, publication: Publication, theme: Theme, templates: Templates, nonce: str) -> Letter:
    """The Letter of an issue. `nonce` is 12 random hex digits.

    Raises `TemplateError` for a broken template, and for an issue without a single pick.
    """
    groups = groups_of(issue, publication=publication, theme=theme)
    if not groups:
        raise TemplateError(f"issue {issue.slot.key} has no picks: there is nothing to render")
    key = issue.slot.key
    blanks = Blanks(ISSUE_BLANKS, nonce=nonce)
    stories = [story for group in groups for story in group.stories]
    context = {
        **_context(publication, theme, blanks),
        "issue": issue,
        "slot": issue.slot,
        "groups": groups,
        "stories": stories,
        "intro": paragraphs_of(issue.intro),
        "inserts": notices_of(issue, publication=publication, filled=[one.name for one in groups]).get("", ()),
        "lead": stories[0],
        "date": wording.date_words(issue.slot.at, language=publication.language),
        "label": wording.issue_words(key),
        "browser_url": f"{publication.public_url}/issues/{key}",
    }
    own = " ".join(clean(issue.subject).split())
    subject = own or _subject(theme.look, context, templates=templates, setting=publication.subject)
    context |= {"subject": subject, "preheader": _preheader(subject, stories)}
    return _letter(theme.look, context, identity=publication.identity(issue=key), templates=templates, blanks=blanks)


def render_mail(kind: str, *, publication: Publication, theme: Theme, templates: Templates, nonce: str) -> Letter:
    """The Letter of a single mail, one of `MAILS`. Raises `TemplateError` for a broken template."""
    blanks = Blanks(MAIL_BLANKS[kind], nonce=nonce)
    full = {**_context(publication, theme, blanks), "browser_url": ""}
    subject = _subject(kind, full, templates=templates, setting="")
    full |= {"subject": subject, "preheader": ""}
    return _letter(kind, full, identity=publication.identity(), templates=templates, blanks=blanks)


def render_proof(
    letter: Letter,
    *,
    told: Told,
    publication: Publication,
    theme: Theme,
    templates: Templates,
    nonce: str,
) -> Letter:
    """The Letter of a proof: a panel of what is `told` about an issue, and below it the real letter, addressed to
    nobody. Raises `TemplateError` for a broken template.
    """
    blanks = Blanks(PROOF_BLANKS, nonce=nonce)
    context = {**_context(publication, theme, blanks), "told": told, "title": letter.subject}
    context |= {"subject": _subject("proof", context, templates=templates, setting="")}
    panel, words = _parts("proof", context, templates=templates, blanks=blanks)
    html, text = letter.copies(email=str(blanks.stand_ins[EMAIL]))
    with _refused_in("templates/proof"):
        return encode(
            spliced(panel, html),
            f"{words}\n{text}",
            subject=str(context["subject"]),
            identity=publication.identity(),
            nonce=nonce,
            blanks=blanks.declared(),
        )


def _context(publication: Publication, theme: Theme, blanks: Blanks) -> dict[str, object]:
    rtl = publication.right_to_left
    urls = {"unsubscribe_url": ("unsubscribe", UNSUBSCRIBE_TOKEN), "confirm_url": ("confirm", CONFIRM_TOKEN)}
    urls |= {"review_url": ("review", REVIEW_TOKEN)}
    personal = {
        name: f"{publication.public_url}/{path}/{blanks.stand_ins[token]}"
        for name, (path, token) in urls.items()
        if token in blanks.stand_ins
    }
    return {
        **personal,
        "publication": publication,
        "theme": theme,
        "brand": theme.brand or publication.name,
        "logo": publication.image_url(theme.logo) if theme.logo else "",
        "blanks": blanks.stand_ins,
        "dir": "rtl" if rtl else "ltr",
        "start": "right" if rtl else "left",
        "end": "left" if rtl else "right",
        "postal_lines": [line.strip() for line in publication.postal_address.splitlines() if line.strip()],
    }


def _subject(folder: str, context: Mapping[str, object], *, templates: Templates, setting: str) -> str:
    where = SUBJECT_SETTING if setting else f"{folder}/subject.txt.j2"
    text = templates.render_string(setting, context, name=where) if setting else templates.render(where, context)
    subject = " ".join(clean(text).split())
    if not subject:
        raise TemplateError("the subject came out empty", file=where)
    return subject


def _preheader(subject: str, stories: list[Story]) -> str:
    """The line an inbox shows after the subject: what the lead is about, and what else is in the letter."""
    lead, *others = stories
    pieces = [piece for piece in (lead.title, lead.blurb) if piece and piece != subject]
    line = pieces[-1] if pieces else ""
    titles = [story.title for story in others if story.title != subject]
    if len(line) < 90 and titles:
        line = f"{line} Plus: {titles[0]}" if line else titles[0]
        if len(line) < 90 and len(titles) > 1:
            line = f"{line} · {titles[1]}"
    return wording.shorten(line, 130)


def _letter(
    folder: str, context: Mapping[str, object], *, identity: Identity, templates: Templates, blanks: Blanks
) -> Letter:
    inlined, text = _parts(folder, context, templates=templates, blanks=blanks)
    with _refused_in(f"templates/{folder}"):
        return encode(
            inlined,
            text,
            subject=str(context["subject"]),
            identity=identity,
            nonce=blanks.nonce,
            blanks=blanks.declared(),
        )


def _parts(folder: str, context: Mapping[str, object], *, templates: Templates, blanks: Blanks) -> tuple[str, str]:
    """The HTML part with its CSS inlined, and the text part."""
    nonce = blanks.nonce
    text = templates.render(f"{folder}/body.txt.j2", context)
    html = templates.render(f"{folder}/body.html.j2", context)
    with _refused_in(f"templates/{folder}/body.txt.j2"):
        refuse_changes(text, nonce=nonce)
    with _refused_in(f"templates/{folder}/body.html.j2", because="its output cannot become a letter: "):
        refuse_changes(html, nonce=nonce)
        refuse_positions(html, nonce=nonce)
        inlined = inline(html).html
        refuse_losses(html, inlined, blanks=blanks)
    return inlined, wording.tidy(text)


@contextmanager
def _refused_in(file: str, because: str = "") -> Iterator[None]:
    try:
        yield
    except (InliningError, ValueError) as error:
        raise TemplateError(f"{because}{error}", file=file) from error
