"""What a letter costs: once an issue, and once a recipient.

    python -m benchmarks.render [--quick]

An issue is rendered, inlined and encoded once; a recipient costs `Letter.addressed`. The naive way does all of it for
every recipient. Times are CPU time of the thread: median (least to most); the first call is not counted.
"""

from __future__ import annotations

import sys
import tempfile
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from benchmarks.example import VALUES, example_message, make_project
from benchmarks.measure import machine, spread, table, timed, versions
from newsletter.app import Project
from newsletter.backends.dkim import Signer, load_signer, make_key
from newsletter.letter import Letter, encode
from newsletter.rendering import Templates, inline, render
from newsletter.rendering.blanks import ISSUE_BLANKS, Blanks

NONCE = "0123456789ab"
ADDRESSED_AT_ONCE = 100


class Watched(Templates):
    """Remembers what the templates were given, so that the steps can be timed one by one."""

    def __init__(self) -> None:
        super().__init__()
        self.given: dict[str, Any] = {}

    def render(self, name: str, context: Any) -> str:
        self.given.update(context)
        return super().render(name, context)


def steps(project: Project, *, repeats: int) -> tuple[Letter, str]:
    """The letter of the example, and the table of what its steps cost."""
    issue = project.weekly.pick(project.slot(None))
    templates = Watched()

    def whole() -> Letter:
        return render(issue, publication=project.publication, theme=project.theme, templates=templates, nonce=NONCE)

    def both() -> tuple[str, str]:
        kinds = ("html", "txt")
        html, text = (Templates.render(templates, f"weekly/body.{kind}.j2", templates.given) for kind in kinds)
        return html, text

    letter = whole()
    html, text = both()
    inlined = inline(html).html
    identity = project.publication.identity(issue="example")
    blanks = Blanks(ISSUE_BLANKS, nonce=NONCE).declared()

    def encoding() -> Letter:
        return encode(
            inlined,
            text,
            subject="The week",
            identity=identity,
            nonce=NONCE,
            blanks=blanks,
        )

    def naively() -> bytes:
        return _naive(*both())

    rows = []
    for name, work in (
        ("templates (Jinja, both parts)", both),
        ("inlining (premailer, and the check that nothing else changed)", lambda: inline(html)),
        ("encoding (quoted-printable, cut at the blanks)", encoding),
        ("all of it, as an issue does once", whole),
        ("naive: templates, premailer, EmailMessage, per recipient", naively),
    ):
        rows.append([name, spread([1000 * one for one in timed(work, repeats=repeats)], digits=1)])

    def address() -> None:
        for _ in range(ADDRESSED_AT_ONCE):
            example_message(letter)

    each = timed(address, repeats=repeats)
    rows.append(
        ["addressing the letter to one recipient", spread([1000 * one / ADDRESSED_AT_ONCE for one in each], digits=3)]
    )
    rows += _signing(example_message(letter), repeats=repeats)
    return letter, table(["", "CPU ms"], rows)


def _signing(message: bytes, *, repeats: int) -> list[list[str]]:
    rows = []
    with tempfile.TemporaryDirectory(prefix="newsletter-bench-") as folder:
        for kind in ("rsa", "ed25519"):
            file = Path(folder) / kind
            make_key(file, kind=kind)
            signer = load_signer(file, domain="marquee.example", selector="weekly")

            def sign(signer: Signer = signer) -> None:
                for _ in range(20):
                    signer.sign(message)

            each = timed(sign, repeats=repeats)
            cost = spread([1000 * one / 20 for one in each], digits=3)
            rows.append([f"signing one message (DKIM, {kind.upper()})", cost])
    return rows


def _naive(html: str, text: str) -> bytes:
    import cssutils
    from premailer import transform

    cssutils.log.setLevel(100)
    mail = EmailMessage()
    mail["To"] = "reader@example.net"
    mail["Subject"] = "The week"
    mail.set_content(text)
    mail.add_alternative(transform(html), subtype="html")
    return mail.as_bytes()


def main() -> None:
    repeats = 5 if "--quick" in sys.argv[1:] else 20
    print(f"{machine()}. {versions('jinja2', 'premailer', 'lxml', 'cssutils')}.\n")
    with tempfile.TemporaryDirectory(prefix="newsletter-bench-") as folder:
        make_project(Path(folder) / "project", recipients=10)
        letter, costs = steps(Project(Path(folder) / "project"), repeats=repeats)
    html, message = len(letter.html(VALUES).encode()), len(example_message(letter))
    print(f"{html / 1000:.1f} KB of HTML, {message / 1000:.1f} KB a message; median (least to most).\n")
    print(costs)


if __name__ == "__main__":
    main()
