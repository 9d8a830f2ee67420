"""Postfix's `smtp-sink`: a server that takes every message and keeps none. And where its sister `smtp-source` is.

Both come with Debian's package `postfix`; no mail system is set up or started. What it does not know: who sends.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

from benchmarks.measure import Failed

INSTALL = "DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends postfix"
HOST = "127.0.0.1"
START_SECONDS = 10.0


def tool(name: str) -> str | None:
    """The path of one of Postfix's programs; they lie in a folder that is not on everybody's PATH."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/lib/postfix/sbin")


def postfix_version() -> str:
    program = tool("postconf")
    if program is None:
        return "Postfix"
    # -d: the version it was built with, without asking for a configuration.
    said = subprocess.run([program, "-d", "-h", "mail_version"], capture_output=True, text=True)
    return f"Postfix {said.stdout.strip()}"


class Sink:
    """A running smtp-sink on a free port of 127.0.0.1; ended with the block."""

    def __init__(self) -> None:
        program = tool("smtp-sink")
        if program is None:
            raise Failed(f"there is no smtp-sink here; install it: {INSTALL}")
        with socket.create_server((HOST, 0)) as free:
            self.port: int = free.getsockname()[1]
        # Root may not run it without giving its rights away.
        rights = ["-u", "nobody"] if os.geteuid() == 0 else []
        self._said = tempfile.NamedTemporaryFile(prefix="sink-")  # noqa: SIM115 - closed with the block
        self._process = subprocess.Popen(
            [program, "-c", *rights, f"{HOST}:{self.port}", "100"], stdout=self._said, stderr=subprocess.STDOUT
        )

    def __enter__(self) -> Self:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection((HOST, self.port), timeout=1).close()
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.__exit__()
                    raise Failed("smtp-sink does not answer") from None
                time.sleep(0.02)
            else:
                return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
        self._said.close()

    def counted(self) -> int:
        """How many messages it has taken so far, by its own count."""
        found = re.findall(rb"mesg=(\d+)", Path(self._said.name).read_bytes())
        return int(found[-1]) if found else 0
