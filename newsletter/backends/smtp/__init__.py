"""Hand messages to an SMTP server, `kind = "smtp"`: how a connection is opened.

    replies         bytes → replies (pure)
    line            the socket, and TLS on it
    greeting        banner, EHLO, STARTTLS, log-in
    classification  whom a refusal is about (pure)
    connection      one message after another, the last dot held back

`open` raises `Unavailable` when the server cannot be talked to now and `ConfigurationError` when the operator has to
change something. Reads `password_file` and `ca_file` only then.
"""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass

from newsletter.backends.keys import SmtpKeys
from newsletter.backends.smtp import greeting
from newsletter.backends.smtp.connection import SmtpConnection
from newsletter.backends.smtp.line import Line, Lost
from newsletter.errors import ConfigurationError, Unavailable

PORTS = {"none": 25, "starttls": 587, "tls": 465}
CONNECT_SECONDS = 30
HELLO_SECONDS = 60  # a server that says nothing for this long is away; a slow greeting on purpose is shorter


@dataclass(frozen=True, kw_only=True)
class Smtp(SmtpKeys):
    @property
    def where(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self._port} ({self.security})"

    @property
    def _port(self) -> int:
        return self.port or PORTS[self.security]

    def open(self) -> SmtpConnection:
        password = self._password()
        context = None if self.security == "none" else greeting.trust(self.ca_file)
        try:
            wait = min(self.timeout, CONNECT_SECONDS)
            sock = socket.create_connection((self.host, self._port), timeout=wait)
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or error
            raise Unavailable(
                f"{self.where} cannot be reached ({reason}); check [backend] host and port, and that the server runs"
            ) from error
        line = Line(sock, seconds=min(self.timeout, HELLO_SECONDS))
        try:
            # The dot is a small packet of its own: with Nagle's algorithm it waits 40 ms for an acknowledgement.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            offered = self._greet(line, context, password)
        except BaseException as error:
            line.close()
            if isinstance(error, (Unavailable, ConfigurationError)):
                raise type(error)(f"{self.where} {error}") from error
            if isinstance(error, (Lost, OSError)):
                raise Unavailable(f"{self.where} {error} during the greeting; try again later") from error
            raise
        line.seconds = self.timeout
        return SmtpConnection(
            line, offered, where=self.where, final_seconds=self.final_timeout, messages=self.messages_per_connection
        )

    def _greet(self, line: Line, context: ssl.SSLContext | None, password: str) -> greeting.Extensions:
        if context and self.security == "tls":
            greeting.encrypt(line, context, host=self.host)
        offered = greeting.greet(line)
        if context and self.security == "starttls":
            offered = greeting.start_tls(line, offered, context, host=self.host)
        if self.username:
            greeting.log_in(line, offered, username=self.username, password=password)
        return offered

    def _password(self) -> str:
        if self.password or self.password_file is None:
            return self.password
        try:
            if password := self.password_file.read_text("utf-8").rstrip("\r\n"):
                return password
            problem = "is empty"
        except (OSError, ValueError) as error:
            problem = f"cannot be read ({getattr(error, 'strerror', None) or 'it is not text'})"
        raise ConfigurationError(f"[backend] password_file {self.password_file} {problem}; put the password there")
