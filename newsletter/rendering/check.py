"""The check of a finished letter: what is wrong with it, found before it is sent. Pure; no network.

`check` knows a Letter with its two parts and its blanks; `check_html` any HTML file. A rule reports what goes
wrong in a mail program that is in use, never what is merely missing from a table of features: the letter this
package makes has no finding above info. Raises nothing about the letter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from newsletter.errors import counted
from newsletter.letter import CONFIRM_TOKEN, EMAIL, FIRST_NAME, UNSUBSCRIBE_TOKEN, Letter
from newsletter.rendering.document import Document, read
from newsletter.rendering.finding import Finding, Level, error, info, warning
from newsletter.rendering.inlining import InliningError, inline
from newsletter.rendering.markup_rules import markup
from newsletter.rendering.style_rules import colours, styles
from newsletter.rendering.theme import Publication, Theme

__all__ = ["Finding", "Level", "check", "check_html"]

CLIPPED = 102 * 1024  # Gmail shows "[Message clipped]" about here and hides the footer (email-bugs 41)
NEARLY = 90 * 1024
_ORDER = list(Level)
_TOKEN = "unsubscribetokenofthecheck0000000000000000"  # noqa: S105 - a stand-in the check can find again
# The longest values a recipient can have: every character of a name escaped, addresses of RFC 5321 § 4.5.3.1.
_LONGEST = {FIRST_NAME: "&" * 64, EMAIL: "m" * 254, UNSUBSCRIBE_TOKEN: "t" * 64, CONFIRM_TOKEN: "t" * 64}
_USUAL = {FIRST_NAME: "Anna", EMAIL: "anna@example.org", UNSUBSCRIBE_TOKEN: _TOKEN, CONFIRM_TOKEN: "c" * 43}
_UNSUBSCRIBE = re.compile(
    r"unsubscribe|opt.?out|abmelden|abbestellen|d[ée]sabonn|d[ée]sinscri|darse de baja", re.IGNORECASE
)
_RELATIVE = re.compile(
    r"\b(?:today|tonight|tomorrow|yesterday|last night"
    r"|(?:this|next|last|coming) (?:mon|tues|wednes|thurs|fri|satur|sun)day|(?:this|next) (?:weekend|month))\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w{4,}")


def check(letter: Letter, *, publication: Publication | None = None, theme: Theme | None = None) -> tuple[Finding, ...]:
    """The findings of a Letter, errors first. What is not given (`publication`, `theme`) is not checked."""
    html, text = letter.html(_USUAL), letter.text(_USUAL)
    document = read(html)
    findings = [
        *_size(letter.html(_LONGEST)),
        *markup(html, document),
        *styles(document),
        *_subject(letter.subject, document),
        *_preheader(letter.subject, document),
        *_text_part(text, document),
        *_ways_out(text, document),
        *_words(document),
    ]
    if publication is not None:
        findings += _postal(publication, text, document)
    if theme is not None:
        findings += colours(theme)
    return _sorted(findings, document)


def check_html(html: str) -> tuple[Finding, ...]:
    """The findings of any HTML file that is meant to be mailed, errors first."""
    document = read(html)
    findings = [*markup(html, document), *styles(document), *_words(document)]
    finished = html
    try:
        inlined = inline(html)
        finished = inlined.html
        findings += [warning("style.left-out", note) for note in inlined.notes]
    except InliningError as problem:
        findings.append(error("inlining", str(problem), line=problem.line))
    shown = read(finished)
    findings += [*_size(finished), *_preheader(shown.title, shown)]
    if not any(_UNSUBSCRIBE.search(f"{link.words} {link.href}") for link in document.links):
        findings.append(warning("unsubscribe.html", "there is no link to unsubscribe"))
    return _sorted(findings, document)


def _sorted(findings: Iterable[Finding], document: Document) -> tuple[Finding, ...]:
    """Errors first; one finding of a rule for an address, however often it stands there, with the story it is of."""
    once: dict[object, Finding] = {}
    for number, found in enumerate(findings):
        known = found if found.story or not found.url else replace(found, story=document.story_of(found.url))
        once.setdefault((found.id, found.url) if found.url else number, known)
    return tuple(sorted(once.values(), key=lambda finding: (_ORDER.index(finding.level), finding.line, finding.id)))


def _size(html: str) -> Iterator[Finding]:
    size = len(html.encode())
    if size > CLIPPED:
        yield error(
            "size.html",
            f"{size / 1024:.0f} KB of HTML; Gmail cuts off at {CLIPPED // 1024} KB and hides the unsubscribe link",
        )
    elif size > NEARLY:
        yield warning("size.html", f"{size / 1024:.0f} KB of HTML; Gmail cuts off at {CLIPPED // 1024} KB")


def _subject(subject: str, document: Document) -> Iterator[Finding]:
    if len(subject) > 78:
        yield warning("subject.long", f"the subject has {len(subject)} characters; inboxes show about 60")
    elif len(subject) > 60:
        yield info("subject.long", f"the subject has {len(subject)} characters; inboxes show about 60")
    if subject.isupper() and sum(character.isalpha() for character in subject) > 8:
        yield warning("subject.caps", "the subject is all capitals: it counts as shouting and as spam")
    if len(document.title.strip()) > 3.5 * len(subject):  # SpamAssassin HTML_TITLE_SUBJ_DIFF
        yield error("title.subject", "<title> is far longer than the subject: it counts as spam")


def _preheader(subject: str, document: Document) -> Iterator[Finding]:
    preheader = " ".join(document.preheader.split())
    if not preheader:
        yield warning("preheader.missing", "no hidden first line: inboxes show whatever text comes first")
    elif preheader.casefold() == subject.strip().casefold():
        yield warning("preheader.same", "the preheader repeats the subject")
    elif not 30 <= len(preheader) <= 150:
        length = counted(len(preheader), "character")
        yield info("preheader.length", f"the preheader has {length}; 40 to 130 fit most inboxes")


def _text_part(text: str, document: Document) -> Iterator[Finding]:
    if not text.strip():
        yield error("text.missing", "the text part is empty")
        return
    for number, line in enumerate(text.splitlines(), start=1):
        if len(line) > 998:
            yield error(
                "text.line", f"{len(line)} characters in one line of the text part; 998 is the limit", line=number
            )
        elif len(line) > 78 and "://" not in line:
            yield warning("text.line", f"{len(line)} characters in one line of the text part; wrap at 72", line=number)
    said, written = (set(_WORD.findall(part.casefold())) for part in (document.text, text))
    if len(said) > 20 and len(said & written) < 0.2 * len(said):  # SpamAssassin MPART_ALT_DIFF
        yield warning("text.differs", "the text part shares hardly a word with the HTML part")
    if document.named("img") and len(document.text.encode()) < 400:  # SpamAssassin HTML_IMAGE_ONLY_04
        yield warning("text.little", "pictures and hardly any text: it counts as spam")


def _ways_out(text: str, document: Document) -> Iterator[Finding]:
    if not any(_TOKEN in link.href and link.words.strip() for link in document.links):
        yield error("unsubscribe.html", "the HTML part has no visible link with the blank unsubscribe_token")
    if not any(_TOKEN in word and word.startswith(("http://", "https://")) for word in text.split()):
        yield error("unsubscribe.text", "the text part has no address with the blank unsubscribe_token")


def _postal(publication: Publication, text: str, document: Document) -> Iterator[Finding]:
    lines = [" ".join(line.split()) for line in publication.postal_address.splitlines() if line.strip()]
    if not lines:
        yield error("postal.missing", "no postal address: a letter without one may not be sent (CAN-SPAM)")
        return
    for part, shown in (("html", document.text), ("text", " ".join(text.split()))):
        if not all(line in shown for line in lines):
            yield error(f"postal.{part}", f"the {part} part does not show the postal address")


def _words(document: Document) -> Iterator[Finding]:
    for words in document.visible:
        if found := _RELATIVE.search(words.text):
            message = f'"{found[0]}" was true when the article was written: "{words.text[:80]}"'
            yield info("words.relative", message, line=words.line, url=words.under.href, story=words.under.title)
