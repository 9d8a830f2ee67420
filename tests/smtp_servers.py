"""SMTP servers for tests, real ones: aiosmtpd on a loopback port, and a raw socket that does one thing wrong.

`serving` runs aiosmtpd in a thread of its own, plain, with STARTTLS or with TLS from the first byte, with or without a
log-in. `Faulty` speaks just enough SMTP itself to be able to break it at any step.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
import ssl
import struct
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self
from unittest import mock

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.times import PATIENCE

if TYPE_CHECKING:
    import trustme

HOST = "127.0.0.1"
DRIP = 0.02  # seconds between two bytes of a reply that never ends


@cache
def authority() -> trustme.CA:
    import trustme  # here, because the demo's mail server needs none of it

    return trustme.CA()


@cache
def server_context(*names: str) -> ssl.SSLContext:
    """What a server needs to show a certificate for those names, from `authority`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority().issue_cert(*(names or (HOST, "localhost"))).configure_cert(context)
    return context


def ca_file(folder: Path, *, of: trustme.CA | None = None) -> Path:
    path = folder / "authority.pem"
    (of or authority()).cert_pem.write_to_path(str(path))
    return path


@contextlib.asynccontextmanager
async def listening(
    factory: Callable[[], asyncio.BaseProtocol], *, port: int = 0, context: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """Serve connections on loopback; returns the port. Afterwards none is left open."""
    server = await asyncio.get_running_loop().create_server(factory, HOST, port, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


@contextlib.contextmanager
def in_loop(factory: Callable[[], asyncio.BaseProtocol], *, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """`listening`, in a thread with an event loop of its own; returns the port."""
    started: Future[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        ending = asyncio.Event()
        async with listening(factory, context=context) as port:
            started.set_result((port, asyncio.get_running_loop(), ending))
            await ending.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    port, loop, ending = started.result(PATIENCE)
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(ending.set)
        thread.join(PATIENCE)


def content(envelope: Envelope) -> bytes:
    """The message as it came; aiosmtpd gives texts only when asked to."""
    assert isinstance(envelope.content, bytes)
    return envelope.content


@dataclass
class Received:
    """What an aiosmtpd server took, in order, and what it does besides: a `refused` recipient gets its reply."""

    envelopes: list[Envelope] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    logins: list[tuple[str, str]] = field(default_factory=list)
    port: int = 0
    on_data: Callable[[], object] = lambda: (
        None
    )  # called before each message is answered; nothing else happens meanwhile
    first: threading.Event = field(default_factory=threading.Event)

    @property
    def data(self) -> list[bytes]:
        return [content(envelope) for envelope in self.envelopes]

    async def handle_RCPT(  # noqa: N802 - aiosmtpd calls it so
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 fine"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - likewise
        self.envelopes.append(envelope)
        self.sessions.append(session)
        self.first.set()
        self.on_data()
        return f"250 2.0.0 queued as {len(self.envelopes)}"


@contextlib.contextmanager
def serving(
    security: Literal["none", "starttls", "tls"] = "none",
    *,
    users: dict[str, str] | None = None,
    context: ssl.SSLContext | None = None,
    **settings: Any,
) -> Iterator[Received]:
    """aiosmtpd on loopback. `users` turns the log-in on and makes it a must; `settings` go to aiosmtpd."""
    received = Received()
    context = context or server_context()

    def check(server: SMTP, session: Session, envelope: Envelope, mechanism: str, login: LoginPassword) -> AuthResult:
        user, password = login.login.decode(), login.password.decode()
        received.logins.append((mechanism, user))
        right = (users or {}).get(user) == password
        return AuthResult(success=right, handled=False)

    if security == "starttls":
        settings |= {"tls_context": context, "require_starttls": True}
    if users is not None:
        settings |= {"authenticator": check, "auth_required": True, "auth_require_tls": security == "starttls"}

    def factory() -> SMTP:
        import warnings

        with warnings.catch_warnings():  # it warns that a log-in without STARTTLS is unsafe; that is what is tested
            warnings.simplefilter("ignore", UserWarning)
            return SMTP(received, hostname="server.example.org", **settings)

    with in_loop(factory, context=context if security == "tls" else None) as received.port:
        yield received


Step = Literal[
    "connect", "banner", "ehlo", "starttls", "handshake", "auth", "mail", "rcpt", "data", "body", "dot", "quit"
]

# Things a server can do instead of its answer. Anything else is bytes to say.
EOF = "eof"
RST = "rst"
STALL = "stall"
SLOW = "slow"
DEAF = "deaf"
Fault = bytes | str

_GOOD = {
    "banner": b"220 faulty.example.org\r\n",
    "starttls": b"220 go ahead\r\n",
    "auth": b"235 welcome\r\n",
    "mail": b"250 2.1.0 fine\r\n",
    "rcpt": b"250 2.1.5 fine\r\n",
    "rset": b"250 2.0.0 fine\r\n",
    "data": b"354 go ahead\r\n",
    "dot": b"250 2.0.0 queued\r\n",
    "quit": b"221 bye\r\n",
}


_create_connection = socket.create_connection


class Waiting(socket.socket):
    """A client's socket on which time is up once the server has fallen silent, and not before."""

    def __init__(self, connected: socket.socket, silent: threading.Event) -> None:
        seconds = connected.gettimeout()
        super().__init__(connected.family, connected.type, connected.proto, fileno=connected.detach())
        self.settimeout(seconds)
        self.silent = silent

    def recv(self, size: int, flags: int = 0) -> bytes:
        while self.gettimeout() and not select.select([self], [], [], 0.01)[0]:
            self._is_time_up()
        return super().recv(size, flags)

    def sendall(self, data: bytes, flags: int = 0) -> None:  # type: ignore[override]
        left = memoryview(data)
        while left:
            while not select.select([], [self], [], 0.01)[1]:
                self._is_time_up()
            left = left[self.send(left, flags) :]

    def _is_time_up(self) -> None:
        if self.silent.is_set():
            raise TimeoutError("timed out")


class Gone(Exception):
    """The connection is over."""


class Faulty:
    """A server that does `fault` when it comes to `step`, once; afterwards and before it behaves.

    `says` is asked before every answer, and what it returns is said instead of a yes; with a refused banner or a 421 the
    server also hangs up. Records the commands it saw, what it accepted (said 2xx to the dot of) and for whom, and sets
    `done` when the fault is over. As soon as it has fallen silent, a client's time is up, however long that would be:
    `Waiting`.
    """

    def __init__(
        self,
        step: Step | None = None,
        fault: Fault = b"",
        *,
        pipelining: bool = True,
        offers: tuple[str, ...] = (),
        tls: bool = False,
        always: dict[str, bytes] | None = None,
        says: Callable[[str, Talk], bytes | None] = lambda _step, _talk: None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.step, self.fault = step, fault
        self.offers = (*(("PIPELINING",) if pipelining else ()), *(("STARTTLS",) if tls else ()), *offers)
        self.always = always or {}
        self.says = says
        self.context = context or server_context()
        self.commands: list[bytes] = []
        self.accepted: list[bytes] = []
        self.reached: list[str] = []
        self.connections = 0
        self.open = 0  # of them, now
        self.guard = threading.Lock()
        self.done = threading.Event()
        self.silent = threading.Event()
        self.ending = threading.Event()
        self._connecting = mock.patch("socket.create_connection", self._connect)
        self._listener = socket.create_server((HOST, 0))
        self.port = int(self._listener.getsockname()[1])
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []

    def __enter__(self) -> Self:
        self._connecting.start()
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._connecting.stop()
        self.ending.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._open:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE)

    def _connect(self, address: tuple[str, int], **more: Any) -> socket.socket:
        connected = _create_connection(address, **more)
        return Waiting(connected, self.silent) if self.fault in (STALL, DEAF) else connected

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # three replies are three packets here
            self.connections += 1
            self._open.append(sock)
            self._start(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        talk = Talk(self, sock)
        with self.guard:
            self.open += 1
            talk.number = self.open
        try:
            talk.run()
        except (Gone, OSError):
            pass
        finally:
            with self.guard:
                self.open -= 1
            talk.sock.close()
            self.done.set()


class Talk:
    """One connection: its `number` among those open when it came, how many messages it has `accepted`, and the recipient it
    was told last.
    """

    def __init__(self, server: Faulty, sock: socket.socket) -> None:
        self.server, self.sock = server, sock
        self.buffer = b""
        self.number = 0
        self.accepted = 0
        self.recipient = ""

    def run(self) -> None:
        self.step("connect")
        if not self.say("banner"):
            raise Gone
        envelope_open = False
        while True:
            command = self.line()
            self.server.commands.append(command)
            verb = command.split(b" ")[0].split(b":")[0].decode("latin-1").lower()  # it may be TLS
            if verb == "ehlo":
                lines = ["faulty.example.org", *self.server.offers]
                text = "".join(f"250-{each}\r\n" for each in lines[:-1]) + f"250 {lines[-1]}\r\n"
                self.say("ehlo", text.encode())
            elif verb == "starttls":
                if not self.say("starttls"):
                    continue
                if self.server.step == "handshake":
                    self.receive()
                    self.step("handshake")
                self.buffer = b""
                self.sock = self.server.context.wrap_socket(self.sock, server_side=True)
                self.server.offers = tuple(each for each in self.server.offers if each != "STARTTLS")
            elif verb == "mail":
                said = b"503 nested MAIL command\r\n" if envelope_open else None
                envelope_open |= self.say("mail", said)
                recipients = 0
            elif verb == "rcpt":
                self.recipient = command.partition(b"<")[2].rpartition(b">")[0].decode()
                recipients += self.say("rcpt", None if envelope_open else b"503 MAIL first\r\n")
            elif verb == "rset":
                envelope_open = False
                self.say("rset")
            elif verb == "data":
                ready = self.say("data", None if recipients or "data" in self.server.always else b"554 nobody\r\n")
                if ready:
                    envelope_open = False
                    self.take()
            elif verb == "quit":
                self.say("quit")
                raise Gone
            else:
                self.say(verb)  # auth, and what a test makes up

    def take(self) -> None:
        """The message up to the dot. The next envelope may follow it in the same packet (RFC 2920 §3.1)."""
        if self.server.step == "body" and not self.buffer:
            self.receive()
        self.step("body")
        while not (self.buffer.startswith(b".\r\n") or b"\r\n.\r\n" in self.buffer):
            self.receive()
        message, _, self.buffer = (b"\r\n" + self.buffer).partition(b"\r\n.\r\n")
        message = message[2:] + b"\r\n" if message else b""
        if self.step("dot"):
            return
        said = self.server.says("dot", self) or _GOOD["dot"]
        if said[:1] == b"2":
            with self.server.guard:  # before the reply: then the test may look
                self.accepted += 1
                self.server.accepted.append(message)
                self.server.reached.append(self.recipient)
        self.speak(said)

    def say(self, step: str, said: bytes | None = None) -> bool:
        """Answer, or do the fault; whether the answer was a yes."""
        if self.step(step):
            return False
        usual = said or self.server.always.get(step) or _GOOD.get(step, b"500 what?\r\n")
        said = self.server.says(step, self) or usual
        self.speak(said)
        return said[:1] in b"23"

    def hang_up(self) -> bytes:
        self.sock.shutdown(socket.SHUT_RDWR)
        raise Gone

    def speak(self, said: bytes) -> None:
        self.sock.sendall(said)
        if said.startswith(b"421"):
            raise Gone

    def step(self, step: str) -> bool:
        """Do the fault when it is time; whether it was done."""
        if step != self.server.step:
            return False
        self.server.step = None
        fault = self.server.fault
        if fault == EOF:
            self.sock.shutdown(socket.SHUT_RDWR)
            raise Gone
        if fault == RST:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise Gone
        if fault in (STALL, DEAF):
            self.server.silent.set()
        if fault == STALL:
            self.wait_for_the_end()
        elif fault == SLOW:
            self.drip()
        elif fault == DEAF:  # reads no more, and does not even notice the end
            self.server.ending.wait()
            raise Gone
        else:
            assert isinstance(fault, bytes)
            self.sock.sendall(fault)
            if not fault.endswith(b"\n"):  # the rest of the reply never comes
                self.sock.shutdown(socket.SHUT_RDWR)
                raise Gone
        self.server.done.set()
        return True

    def drip(self) -> None:
        """A reply that never ends, a byte now and then, until the other side has had enough."""
        self.sock.settimeout(DRIP)
        while True:
            self.sock.sendall(b"2")
            with contextlib.suppress(TimeoutError):
                if not self.sock.recv(65536):
                    raise Gone

    def wait_for_the_end(self) -> None:
        while self.sock.recv(65536):
            pass
        raise Gone

    def line(self) -> bytes:
        while b"\r\n" not in self.buffer:
            self.receive()
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line

    def receive(self) -> None:
        data = self.sock.recv(65536)
        if not data:
            raise Gone
        self.buffer += data
