"""The preview as files, to attach to a mail or to be read by a program."""

from __future__ import annotations

import json
import os
from pathlib import Path

from newsletter.errors import Refused
from newsletter.preview.draft import Draft
from newsletter.preview.payload import checked, message
from newsletter.preview.recipients import values_of
from newsletter.preview.views import stored_pictures, with_local_pictures
from newsletter.weekly import Verdict


def write(draft: Draft, folder: Path) -> tuple[list[Path], Verdict]:
    """Write the letter of the draft's slot for the draft's recipient; returns the files and what `send` would do.

    Raises `Refused` when nothing was picked.
    """
    shown, recipient = draft.composed(), draft.recipient()
    letter = shown.composed.letter
    if letter is None:
        raise Refused("; ".join((shown.verdict.text, *shown.verdict.remarks())))
    project = draft.project
    public_url = project.publication.public_url
    values = values_of(recipient, project=project)
    html = letter.html(values)
    pictures = {name: found for name in stored_pictures(html, public_url=public_url) if (found := draft.picture(name))}
    files = {
        "issue.html": with_local_pictures(html, public_url=public_url, prefix="images/", has=pictures.get).encode(),
        "issue.txt": letter.text(values).encode(),
        "issue.eml": message(shown, recipient, project=project),
        "findings.json": (json.dumps(checked(shown), ensure_ascii=False, indent=2) + "\n").encode(),
        **{f"images/{name}": data for name, (_, data) in pictures.items()},
    }
    try:
        for name, data in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            with open(path, "xb", opener=_private) as file:
                file.write(data)
    except OSError as error:
        raise Refused(f"{folder} cannot be written ({error.strerror}); choose another folder") from error
    return [folder / name for name in files], shown.verdict


def _private(path: str, flags: int) -> int:
    """Opens for the owner alone: the letter holds somebody's link to unsubscribe."""
    return os.open(path, flags, 0o600)
