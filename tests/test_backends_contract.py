"""Every backend of ours passes the contract suite, and so does one that is not ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

import pytest

from newsletter.backends import Backend, Message, Reply, load
from newsletter.backends.contract import Arrived, BackendContract
from newsletter.backends.memory import box, throw_away
from newsletter.errors import SendError
from newsletter.options import read
from tests import smtp_servers
from tests.smtp_servers import HOST, Received


class TestMemory(BackendContract):
    @pytest.fixture
    def backend(self, tmp_path: Path) -> Iterator[Backend]:
        yield load("memory", {"name": "contract"}, root=tmp_path)
        throw_away("contract")

    @pytest.fixture
    def arrived(self) -> Arrived:
        return lambda: [message.data for message in box("contract").messages]


class TestMaildir(BackendContract):
    @pytest.fixture
    def backend(self, tmp_path: Path) -> Backend:
        return load("maildir", {"path": "mail"}, root=tmp_path)

    @pytest.fixture
    def arrived(self, tmp_path: Path) -> Arrived:
        seen: list[Path] = []

        def look() -> list[bytes]:
            """In the order in which they were first seen, for a file system's clock may be a coarse one."""
            seen.extend(sorted(set((tmp_path / "mail/new").iterdir()) - set(seen)))
            return [path.read_bytes() for path in seen]

        return look


class TestConsole(BackendContract):
    keeps_bytes = False

    @pytest.fixture
    def backend(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Backend:
        return load("console", {}, root=tmp_path)

    @pytest.fixture
    def arrived(self, capsys: pytest.CaptureFixture[str]) -> Arrived:
        shown = ""

        def split() -> list[bytes]:
            nonlocal shown
            shown += capsys.readouterr().out
            return [part.encode() for part in shown.split("── weekly@example.org →")[1:]]

        return split


class SmtpContract(BackendContract):
    @pytest.fixture
    def arrived(self, server: Received) -> Arrived:
        return lambda: server.data


class TestSmtp(SmtpContract):
    @pytest.fixture
    def server(self) -> Iterator[Received]:
        with smtp_servers.serving() as received:
            yield received

    @pytest.fixture
    def backend(self, server: Received, tmp_path: Path) -> Backend:
        return load("smtp", {"host": HOST, "port": server.port, "security": "none"}, root=tmp_path)


@pytest.mark.parametrize("security", ["starttls", "tls"])
class TestSmtpWithTlsAndLogin(SmtpContract):
    @pytest.fixture
    def server(self, security: Any) -> Iterator[Received]:
        with smtp_servers.serving(security, users={"weekly": "pässword"}) as received:
            yield received

    @pytest.fixture
    def backend(self, server: Received, security: str, tmp_path: Path) -> Backend:
        (tmp_path / "password").write_text("pässword\n", encoding="utf-8")
        options = {
            "host": HOST,
            "port": str(server.port),
            "security": security,
            "username": "weekly",
            "password_file": "password",
            "ca_file": smtp_servers.ca_file(tmp_path),
        }
        return load("smtp", options, root=tmp_path)


@dataclass(frozen=True, kw_only=True)
class Pigeon:
    """Somebody else's backend: one class, found by its dotted path."""

    loft: str

    connections: ClassVar[int] = 3
    arrived: ClassVar[list[Message]] = []

    @classmethod
    def from_options(cls, options: Mapping[str, Any], *, root: Path) -> Self:
        return read(cls, options, root=root)

    @property
    def where(self) -> str:
        return f"the {self.loft} loft"

    def open(self) -> Basket:
        return Basket()


@dataclass
class Basket:
    alive: bool = True
    offered: list[Message] = field(default_factory=list)

    def offer(self, message: Message) -> None:
        if self.offered:
            raise RuntimeError("one at a time")
        if not self.alive:
            raise SendError("the loft is closed", scope="connection", permanent=False)
        self.offered.append(message)

    def hand_over(self, then: Message | None = None) -> Reply:
        if not self.offered:
            raise RuntimeError("no pigeon")
        Pigeon.arrived.append(self.offered.pop())
        return Reply(250, "flown")

    def abandon(self) -> None:
        self.offered.clear()

    def close(self) -> None:
        self.abandon()
        self.alive = False


class TestSomebodyElses(BackendContract):
    @pytest.fixture
    def backend(self, tmp_path: Path) -> Iterator[Backend]:
        yield load(f"{__name__}:Pigeon", {"loft": "north"}, root=tmp_path)
        Pigeon.arrived.clear()

    @pytest.fixture
    def arrived(self) -> Arrived:
        return lambda: [message.data for message in Pigeon.arrived]
