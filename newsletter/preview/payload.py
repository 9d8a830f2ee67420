"""Everything the page shows, as values for JSON: the inbox row, sizes, picks and why, what was passed over, findings.

The page inserts every text as text, so nothing an article says becomes mark-up. What it does not know: how any of it
looks.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from newsletter.app import Project
from newsletter.issue import PassedOver, Pick
from newsletter.links import canonical
from newsletter.preview.draft import Draft
from newsletter.preview.recipients import SAMPLES, Recipient, addressed, values_of
from newsletter.rendering.check import CLIPPED
from newsletter.rendering.document import read
from newsletter.review import Look


def everything(draft: Draft, *, key: str, recipient: Recipient) -> dict[str, Any]:
    """The whole state of the page for one slot and one recipient."""
    shown, trouble = draft.show(key)
    project = draft.project
    return {
        "version": draft.version,
        "name": project.publication.name,
        "zone": project.publication.timezone,
        "slots": [
            {"key": slot.key, "at": slot.at.isoformat(), "state": str(row.state) if row else ""}
            for slot, row in draft.slots(key)
        ],
        "slot": _slot(shown) if shown else {"key": draft.slot(key).key},
        "verdict": {**shown.verdict.as_json(), "mails": shown.verdict.mails, "remarks": list(shown.verdict.remarks())}
        if shown
        else None,
        "trouble": {**asdict(trouble), "stale": shown is not None} if trouble else None,
        "recipient": of_recipient(recipient),
        "samples": [of_recipient(sample) for sample in SAMPLES],
        "editors": list(project.settings.newsletter.editors),
        "sources": _sources(project),
        "letter": _letter(shown, recipient, project=project) if shown else None,
        "findings": findings(shown) if shown else [],
        "picks": _picks(shown) if shown else [],
        "passed_over": [_passed(one) for one in shown.composed.issue.passed_over] if shown else [],
    }


def checked(shown: Look) -> dict[str, Any]:
    """The findings of the letter, and what `send` would do with it."""
    return {"findings": findings(shown), "verdict": shown.verdict.as_json()}


def findings(shown: Look) -> list[dict[str, Any]]:
    """The findings of the letter, errors first."""
    return [asdict(finding) for finding in shown.composed.findings]


def message(shown: Look, recipient: Recipient, *, project: Project) -> bytes:
    """The bytes this recipient would get; empty when there is no letter."""
    if shown.composed.letter is None:
        return b""
    return addressed(
        shown.composed.letter,
        recipient,
        slot_key=shown.slot.key,
        list_id=shown.row.list_id if shown.stored and shown.row else project.publication.list_id,
        project=project,
    )


def of_recipient(recipient: Recipient) -> dict[str, str]:
    """A recipient as the page lists it to choose from."""
    return {"key": recipient.key, "email": recipient.email, "name": recipient.name, "note": recipient.note}


def _slot(shown: Look) -> dict[str, Any]:
    row = shown.row
    return {
        "key": shown.slot.key,
        "at": shown.slot.at.isoformat(),
        "stored": shown.stored,
        "state": str(row.state) if row else "",
        "reason": row.reason if row else "",
        "frozen": row.frozen if row else 0,
    }


def _sources(project: Project) -> list[dict[str, str]]:
    records = {source.name: project.shelf.pull_record(source.name) for source in project.sources}
    return [
        {"name": name, "good_at": record.good_at.isoformat() if record.good_at else "", "problem": record.problem}
        for name, record in records.items()
    ]


def _letter(shown: Look, recipient: Recipient, *, project: Project) -> dict[str, Any] | None:
    letter = shown.composed.letter
    if letter is None:
        return None
    values = values_of(recipient, project=project)
    html, text = letter.html(values), letter.text(values)
    preheader = " ".join(read(html).preheader.split())
    return {
        "from_name": project.publication.from_name or project.publication.name,
        "from_address": letter.sender,
        "subject": letter.subject,
        "preheader": preheader or " ".join(text.split())[:200],
        "html_bytes": len(html.encode()),
        "text_bytes": len(text.encode()),
        "message_bytes": len(message(shown, recipient, project=project)),
        "clip_bytes": CLIPPED,
    }


def in_order(shown: Look) -> list[Pick]:
    """The picks in reading order."""
    issue = shown.composed.issue
    order = {section.name: number for number, section in enumerate(issue.sections)}
    return sorted(issue.picks, key=lambda pick: (order.get(pick.section, len(order)), pick.position))


def _picks(shown: Look) -> list[dict[str, Any]]:
    titles = {section.name: section.title for section in shown.composed.issue.sections}
    return [
        {**_weighed(pick), "section": titles.get(pick.section, pick.section), "after": pick.detail}
        for pick in in_order(shown)
    ]


def _passed(one: PassedOver) -> dict[str, Any]:
    reason = f"{one.reason}. {one.needs}" if one.needs else one.reason
    return {**_weighed(one), "reason": reason, "waits": one.waits}


def _weighed(one: Pick | PassedOver) -> dict[str, Any]:
    terms = [term.as_json() for term in one.terms]
    article = {**one.article.as_json(), "url": canonical(one.article.url or "")}
    return {**article, "reason": one.reason, "score": one.score, "terms": terms}
