"""A `newsletter` command that starts at once, for tests that type many: everything is imported once, each call is forked.

`python -m tests.quick_newsletter FOLDER` puts the command into FOLDER, says so in a line, and serves it until its
standard input ends, one call after another. A call is a process of its own, with its caller's folder, environment, streams and exit code; only
the start of Python is not repeated. What it does not know: what the commands do.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import socket
import sys
from pathlib import Path

LOADED = (
    "newsletter.app", "newsletter.weekly", "newsletter.web", "newsletter.ticker", "newsletter.preview",
    "newsletter.preview.export", "newsletter.preview.draft", "newsletter.demo", "newsletter.migrations.run", "newsletter.backends.smtp",
    "newsletter.backends.maildir", "newsletter.backends.console", "newsletter.sources.feed", "newsletter.sources.page",
    "newsletter.sources.folder", "newsletter.rendering.inlining", "premailer", "newsletter.cli.project", "newsletter.cli.weekly",
    "newsletter.cli.sending", "newsletter.cli.issues", "newsletter.cli.articles", "newsletter.cli.subscribers",
    "newsletter.cli.doctor", "psycopg",
)  # fmt: skip
# To the shell its second line starts Python, wherever that lies (`#!` takes no path with a space); to Python it is a text.
COMMAND = """\
#!/bin/sh
"exec" "{python}" "-IS" "$0" "$@"
import json, os, socket, sys
connection = socket.socket(socket.AF_UNIX)
connection.connect({address!r})
socket.send_fds(connection, [b"x"], [0, 1, 2])
connection.sendall(json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode() + b"\\n")
sys.exit(int(connection.makefile().readline() or 1))
"""


def main(folder: Path) -> None:
    for name in LOADED:
        importlib.import_module(name)
    address = str(folder / "newsletter.socket")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen()
    command = folder / "newsletter"
    command.write_text(COMMAND.format(python=sys.executable, address=address), encoding="utf-8")
    command.chmod(0o755)
    print("ready", flush=True)
    # Whoever started this has gone when its end of the pipe has.
    while listener in select.select([listener, sys.stdin], [], [])[0]:
        caller, _ = listener.accept()
        helper = os.fork()
        if helper == 0:
            listener.close()
            _serve(caller)
        caller.close()
        os.waitpid(helper, 0)


def _serve(caller: socket.socket) -> None:
    """Fork once more, so that there is somebody to tell the caller how the command ended."""
    _, streams, _, _ = socket.recv_fds(caller, 1, 3)
    arguments, folder, environment = json.loads(caller.makefile().readline())
    child = os.fork()
    if child == 0:
        caller.close()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv[:] = ["newsletter", *arguments]
        _run()
    _, status = os.waitpid(child, 0)
    caller.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _run() -> None:
    from newsletter.cli import main as newsletter

    code = 1
    try:
        newsletter()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
