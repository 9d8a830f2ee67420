"""The programs that are measured, each run as a process of its own: `python -m benchmarks.contenders NAME FOLDER …`.

    ours FOLDER           sends the frozen issue of a project, as `newsletter worker` does; backend from the environment
    naive FOLDER PORT N   the usual script: per recipient Jinja, premailer, EmailMessage; smtplib over one connection

Each prints a line of JSON: the seconds and the CPU of its work, from the first look at the audience to the last reply.
"""

from __future__ import annotations

import json
import os
import smtplib
import sys
import threading
import time
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from pathlib import Path
from typing import Any

from newsletter.app import Project


def ours(folder: str) -> Callable[[], int]:
    project = Project(Path(folder))
    row = project.issues.unfinished()
    assert row is not None
    sender, backend = project.sender, project.backend()
    return lambda: sender.send(row, backend, stop=threading.Event()).run.get("accepted", 0)


def naive(folder: str, port: str, number: str) -> Callable[[], int]:
    import cssutils
    from premailer import transform

    from newsletter.rendering import Templates, render

    project = Project(Path(folder))
    context: dict[str, Any] = {}

    class Watched(Templates):
        """Keeps what the templates are given, to give it to them again for every recipient."""

        def render(self, name: str, given: Any) -> str:
            context.update(given)
            return super().render(name, given)

    templates = Watched()
    issue = project.weekly.pick(project.slot(None))
    render(issue, publication=project.publication, theme=project.theme, templates=templates, nonce="0" * 12)
    html, text = (templates.environment.get_template(f"weekly/body.{kind}.j2") for kind in ("html", "txt"))
    recipients = project.book.page(after=0, limit=int(number))
    cssutils.log.setLevel(100)

    def message(email: str, name: str, token: str) -> EmailMessage:
        url = f"{project.publication.public_url}/unsubscribe/{token}"
        blanks = {"first_name": name, "email": email, "unsubscribe_token": token}
        values = {**context, "blanks": blanks, "unsubscribe_url": url}
        mail = EmailMessage()
        mail["From"] = "Marquee Weekly <weekly@marquee.example>"
        mail["To"] = email
        mail["Subject"] = context["subject"]
        mail["Date"] = format_datetime(project.clock())
        mail["Message-ID"] = make_msgid(domain="marquee.example")
        mail["List-Unsubscribe"] = f"<{url}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        mail.set_content(text.render(values))
        mail.add_alternative(transform(html.render(values)), subtype="html")
        return mail

    def work() -> int:
        with smtplib.SMTP("127.0.0.1", int(port)) as server:
            for recipient in recipients:
                token = project.book.unsubscribe_token(recipient.public_id)
                server.send_message(message(recipient.email, recipient.name, token))
        return len(recipients)

    return work


def main(name: str, *arguments: str) -> None:
    contenders: dict[str, Callable[..., Callable[[], int]]] = {"ours": ours, "naive": naive}
    work = contenders[name](*arguments)
    began, before = time.perf_counter(), os.times()
    accepted = work()
    seconds, after = time.perf_counter() - began, os.times()
    cpu = sum(after[:4]) - sum(before[:4])
    print(json.dumps({"accepted": accepted, "seconds": seconds, "cpu": cpu}))


if __name__ == "__main__":
    main(*sys.argv[1:])
