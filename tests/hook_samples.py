"""Hooks as a CMS signs them, and a project that takes them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from newsletter.app import Project
from tests.projects import make_project
from tests.times import Clock
from tests.web_project import Answer, WebClient

# The test vector of Standard Webhooks, which its libraries in every language share.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
KEY = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
VECTOR_BODY = b'{"test": 2432232314}'
VECTOR = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
# Computed by the line of Ghost 6.65 that signs, in Node, with the same secret.
GHOST_BODY = (
    '{"event":"post.published","post":{"current":{"id":"1","title":"A ferry – at last",'
    '"url":"https://www.marquee.example/ferry/"},"previous":{"status":"draft"}}}'
).encode()
GHOST = {
    "x-ghost-signature": "sha256=198a8617165beb94b13c382c65d0949dca93b951573c65aa0841b8b20af70c71, t=1795673000123"
}
GHOST_TIME = datetime.fromtimestamp(1795673000, UTC)
SOURCES = """\
[web]
hook_secret_file = "hook-secret"
[[sources]]
name = "site"
kind = "feed"
url = "{site}/feed.xml"
allow_private = ["127.0.0.1"]
[[sources]]
name = "guides"
kind = "page"
urls = ["https://guides.marquee.example/one", "https://guides.marquee.example/two"]
[[sources]]
name = "notes"
kind = "folder"
path = "notes"
"""
ALL = ["site", "guides", "notes"]
SITE = "https://www.marquee.example"


def hooked(root: Path, *, clock: Clock, site: str = SITE, secret: str = SECRET + "\n") -> Project:
    """A project with three sources and a secret."""
    root.mkdir(parents=True)
    (root / "hook-secret").write_text(secret)
    (root / "hook-secret").chmod(0o600)
    (root / "notes").mkdir()
    return make_project(root, clock=clock, more=SOURCES.format(site=site), began=clock() - timedelta(hours=1))


@dataclass
class Cms:
    """Whoever publishes. `pulled` is what its hooks led to."""

    client: WebClient
    clock: Clock
    pulled: list[list[str]] = field(default_factory=list)

    def publish(self, body: object = None, *, name: str = "msg_1", **headers: str) -> Answer:
        """Send a signed hook; `headers` replace what would be right, `_` standing for `-`."""
        data = body if isinstance(body, bytes) else json.dumps(body or {"type": "published"}).encode()
        time = str(int(self.clock().timestamp()))
        right = {"webhook-id": name, "webhook-timestamp": time, "webhook-signature": signature(name, time, data)}
        return self.send(data, right | {key.replace("_", "-"): value for key, value in headers.items()})

    def send(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        return self.client.ask("POST", "/hooks/published", body, headers)


def signature(name: str, time: str, body: bytes, *, key: bytes = KEY) -> str:
    digest = hmac.new(key, f"{name}.{time}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def message(answer: Answer) -> str:
    return str(json.loads(answer.body)["message"])
