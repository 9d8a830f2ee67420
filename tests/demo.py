"""What `make demo` runs: a demo project, a mail server to send to, and the weekly job as its user would start it.

The second time the same week's issue is closed, so nobody is mailed; `make demo-clean` starts over.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests import catcher

PROJECT = Path("demo")
MAILDIR = PROJECT / "mail"


def newsletter(*arguments: str, **environment: str) -> int:
    command = [sys.executable, "-m", "newsletter", *arguments]
    return subprocess.run(command, env={**os.environ, **environment}, check=False).returncode


def main() -> int:
    if not (PROJECT / "newsletter.toml").exists() and (code := newsletter("init", str(PROJECT), "--demo")):
        return code
    before = mails()
    with catcher.running(MAILDIR) as port:
        print(f"\nA mail server listens on 127.0.0.1:{port}. Sending this week's issue to it …\n", flush=True)
        code = newsletter(
            "-C", str(PROJECT), "send", "--yes",
            NEWSLETTER_BACKEND__KIND="smtp", NEWSLETTER_BACKEND__HOST="127.0.0.1",
            NEWSLETTER_BACKEND__PORT=str(port), NEWSLETTER_BACKEND__SECURITY="none",
        )  # fmt: skip
    if code:
        return code
    print(f"\n{mails() - before} messages arrived; {mails()} lie in the Maildir {MAILDIR.resolve()}")
    print("Open it with any mail program, for example:  mutt -f demo/mail")
    print("Look at the next issue, live, at phone and desktop width:  .venv/bin/newsletter -C demo preview")
    print("Serve the public pages and the pictures in the mails:      .venv/bin/newsletter -C demo serve")
    print("Start over:                                                make demo-clean")
    return 0


def mails() -> int:
    return sum(1 for _ in (MAILDIR / "new").glob("*")) + sum(1 for _ in (MAILDIR / "cur").glob("*"))


if __name__ == "__main__":
    sys.exit(main())
