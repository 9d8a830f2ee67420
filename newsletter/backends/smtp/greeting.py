"""From an open line to a server that takes our mail: banner, EHLO, STARTTLS, log-in.

Nothing here says anything about a recipient: a server that cannot or will not talk now is `Unavailable`; a wrong
password, a certificate that is not trusted or a server without what was asked for is `ConfigurationError`. A password
never appears in an error, also when the server repeats it.
"""

from __future__ import annotations

import base64
import re
import socket
import ssl
from pathlib import Path

from newsletter.backends.smtp.line import Line
from newsletter.errors import ConfigurationError, Unavailable
from newsletter.links import is_loopback

Extensions = dict[str, str]  # what EHLO offered: keyword → its parameters, both in capitals

_HOST_NAME = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


def greet(line: Line) -> Extensions:
    """Wait for the banner and say EHLO; what the server can do."""
    banner = line.answer()
    if banner.code != 220:
        raise Unavailable(f"refused the connection: {banner.code} {banner.text}")
    return ehlo(line)


def ehlo(line: Line) -> Extensions:
    line.send(f"EHLO {_own_name(line)}\r\n".encode("ascii"))
    answer = line.answer()
    if answer.code != 250:
        raise Unavailable(f"refused EHLO: {answer.code} {answer.text}")
    offered: Extensions = {}
    for text in answer.lines[1:]:
        keyword, _, parameters = text.decode("ascii", "replace").upper().partition(" ")
        offered[keyword] = parameters
    return offered


def trust(ca_file: Path | None) -> ssl.SSLContext:
    """What we accept: TLS 1.2 or newer, a certificate of a known authority (or of `ca_file` alone), the right name."""
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:  # ssl.SSLError is one
        raise ConfigurationError(
            f"[backend] ca_file {ca_file} holds no readable certificate; put the authority's there, in PEM form"
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def start_tls(line: Line, offered: Extensions, context: ssl.SSLContext, *, host: str) -> Extensions:
    """Encrypt a line on which the server has to offer it, and ask again what it can do: the first answer is void."""
    if "STARTTLS" not in offered:
        raise ConfigurationError(
            'does not offer STARTTLS; ask its operator which port does, or set [backend] security = "tls"'
        )
    line.send(b"STARTTLS\r\n")
    answer = line.answer()
    if answer.code != 220:
        problem = f"did not start TLS: {answer.code} {answer.text}"
        raise Unavailable(problem) if answer.code < 500 else ConfigurationError(problem)
    encrypt(line, context, host=host)
    return ehlo(line)


def encrypt(line: Line, context: ssl.SSLContext, *, host: str) -> None:
    """Start TLS on the line with a server that proves to be `host`."""
    try:
        line.encrypt(context, host=host)
    except ssl.SSLCertVerificationError as error:
        raise ConfigurationError(
            f"cannot be trusted: {error.verify_message.rstrip('.')}; "
            "check [backend] host, or name the right authority in ca_file"
        ) from error
    except ssl.SSLError as error:
        raise ConfigurationError(
            f"does not speak TLS 1.2 or newer there ({error.reason or error}); check [backend] port and security"
        ) from error


def log_in(line: Line, offered: Extensions, *, username: str, password: str) -> None:
    """AUTH PLAIN, or LOGIN where that is all there is (RFC 4954); only where it cannot be overheard."""
    if not line.encrypted and not is_loopback(line.peer_address):
        raise ConfigurationError(
            'would get the password in the clear; set [backend] security = "starttls" or "tls", or take username out'
        )
    mechanisms = offered.get("AUTH", "").split()
    if "PLAIN" in mechanisms:
        steps = [("AUTH PLAIN " + _base64(f"\0{username}\0{password}"), 235)]
    elif "LOGIN" in mechanisms:
        steps = [("AUTH LOGIN", 334), (_base64(username), 334), (_base64(password), 235)]
    else:
        what = f"offers only {', '.join(mechanisms)}" if mechanisms else "offers no log-in on this port"
        raise ConfigurationError(f"{what}; check [backend] port, security and username")
    for command, expected in steps:
        line.send(command.encode("ascii") + b"\r\n")
        answer = line.answer()
        if answer.code != expected:
            told = f"{answer.code} {answer.text}".replace(password, "…").replace(_base64(password), "…")
            if answer.code < 500:
                raise Unavailable(f'could not check the log-in of "{username}" now: {told}')
            raise ConfigurationError(
                f'refused the log-in of "{username}": {told}; check [backend] username and password_file'
            )


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")


def _own_name(line: Line) -> str:
    """Our name for EHLO: the host's full name, else its address (RFC 5321 §4.1.3). Never asks the DNS."""
    name = socket.gethostname()
    if _HOST_NAME.fullmatch(name):
        return name
    address = line.own_address.partition("%")[0]
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"
