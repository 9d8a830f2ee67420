"""What an editor is told above the letter of a proof, and how both become one document. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST_LINES = 8
"""Of what was found, and of what was passed over."""
_BODY = re.compile(r"<body\b[^>]*>", re.IGNORECASE)
_STYLE = re.compile(r"<style\b.*?</style>", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Told:
    """What stands in the panel; all but the first lines of a long list are counted. `until` is when the link ends."""

    key: str
    when: str
    headline: str
    until: str
    remarks: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    passed_over: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()

    def lists(self) -> list[tuple[str, tuple[str, ...], int]]:
        """Of each list that is not empty: its name, the lines to show, and how many more there are."""
        lists = (
            ("What the check found", self.findings),
            ("Passed over", self.passed_over),
            ("Sources with nothing in it", self.silent),
        )
        return [(name, lines[:MOST_LINES], max(0, len(lines) - MOST_LINES)) for name, lines in lists if lines]


def spliced(panel: str, html: str) -> str:
    """A document with the body of another at the beginning of its own, and the other's styles in its head."""
    head, body = _BODY.split(panel, 1)
    found = _BODY.search(html)
    at = found.end() if found else 0
    before = html[:at].replace("</head>", "".join(_STYLE.findall(head)) + "</head>", 1)
    return f"{before}{body.partition('</body>')[0]}{html[at:]}"
