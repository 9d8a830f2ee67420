"""One SMTP connection that carries one message after another, with the last dot held back.

`offer` sends MAIL, RCPT and DATA and then the whole message; `hand_over` sends `.` CRLF, without which no server may
accept anything (RFC 5321 §4.1.1.4). smtplib sends both in one call, so it cannot be used.

Where the server offers PIPELINING, MAIL, RCPT and DATA go out together, and along with the dot of the message before:
one round trip a message instead of four. Nothing can be accepted by accident: no byte of a message is sent before the
answers to its envelope were read. A server that refused the recipient and says 354 all the same waits for a message
without a recipient; it gets a lone dot, and its answer is read (RFC 2920 §3.1).

The message is sent as it is. It is not dot-stuffed: `Message` promises that no line begins with a dot, and a message
that breaks this is refused here before a byte of it leaves (31 µs for 80 KB).

A connection that was interrupted in the middle of anything is not `alive`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from newsletter.backends import Message, Reply
from newsletter.backends.smtp.classification import CLOSING, NOT_LOGGED_IN, Phase, classify, is_too_large
from newsletter.backends.smtp.greeting import Extensions
from newsletter.backends.smtp.line import Line, Lost
from newsletter.backends.smtp.replies import Answer
from newsletter.backends.turns import check_turn
from newsletter.backends.wire import address_fault
from newsletter.errors import InDoubt, Scope, SendError
from newsletter.links import ascii_host

GOODBYE_SECONDS = 5  # how long QUIT may take; nothing depends on its answer
OFFER: tuple[Phase, ...] = ("mail", "rcpt", "data")

# As a regular expression this scans twice as fast as `b"\r\n." in data`.
_LEADING_DOT = re.compile(rb"\n\.")


@dataclass(frozen=True, slots=True)
class _Envelope:
    """MAIL, RCPT and DATA of one message, its size in octets, and whether it asks for SMTPUTF8."""

    commands: tuple[bytes, ...]
    size: int
    smtputf8: bool


class SmtpConnection:
    """A greeted, encrypted and logged-in line. `where` is shown in messages; the waits are in seconds.

    After `messages` messages it is not `alive` any more and says goodbye; 0 is as many as the server takes.
    """

    def __init__(self, line: Line, offered: Extensions, *, where: str, final_seconds: float, messages: int = 0) -> None:
        self._line = line
        self._where = where
        self._final_seconds = final_seconds
        self._extensions = offered
        self._pipelining = "PIPELINING" in offered
        limit = offered.get("SIZE", "")
        self._largest = int(limit) if limit.isdecimal() else 0  # octets; 0 is no limit (RFC 1870 §4)
        self._left = messages or -1  # messages this connection may still carry; never 0 without a limit
        self.alive = True
        self._offered = False
        self._envelope = _Envelope((), 0, smtputf8=False)  # of the message in hand
        self._carried: Message | None = None  # its envelope went along with the dot before
        self._unfinished = False  # the server remembers an envelope that led to nothing: RSET goes first

    def offer(self, message: Message) -> None:
        """Everything but the last dot."""
        check_turn(offered=self._offered, alive=self.alive, where=self._where)
        carried, self._carried = self._carried, None
        self.alive = False
        if carried is None:
            self.alive = True
            self._envelope = self._envelope_of(message)
            self.alive = False
        elif carried is not message:
            self._line.close()
            raise SendError(f"{self._where} was told of another message", scope="connection", permanent=False)
        try:
            if carried is None:
                self._forget()
            self._unfinished = True
            refused, in_step = self._ask(self._envelope.commands, said=carried is not None)
            if refused is None:
                self._line.send(message.data)
        except Lost as lost:
            raise self._dropped(lost) from lost
        if refused is not None:
            raise self._refusal(*refused, in_step=in_step)
        self.alive = self._offered = True
        self._unfinished = False

    def hand_over(self, then: Message | None = None) -> Reply:
        """The last dot, and what the server makes of the message. The envelope of `then` goes along where it can."""
        if not self._offered:
            raise RuntimeError("nothing is offered")
        self.alive = self._offered = False
        self._listen_first()
        along = self._going_along(then)
        try:
            self._line.send(b"".join((b".\r\n", *along)))
            answer = self._line.answer(seconds=self._final_seconds)
        except Lost as lost:
            self._line.close()
            raise InDoubt(f"{self._where} {lost} after the whole message was handed over") from lost
        if along:
            self._carried = then
        in_step = bool(along) or not self._line.unread  # what was said too much would be taken for the next answer
        if answer.good:
            self._left -= 1
            self.alive = in_step and self._left != 0
            return Reply(answer.code, answer.text)
        if answer.code < 400:
            self._line.close()
            raise InDoubt(f"{self._where} answered the message with {answer.code} {answer.text}")
        raise self._refusal("dot", answer, in_step=in_step)

    def abandon(self) -> None:
        """Leave before the dot. SMTP has no other way out of DATA, so the connection goes too."""
        if self._offered:
            self.alive = self._offered = False
            self._line.close()

    def close(self) -> None:
        if (self.alive or self._left == 0) and not self._offered and self._carried is None:
            self._line.seconds = min(self._line.seconds, GOODBYE_SECONDS)
            with suppress(Lost):
                self._line.send(b"QUIT\r\n")
                self._line.answer()
        self.alive = self._offered = False
        self._line.close()

    def _going_along(self, then: Message | None) -> tuple[bytes, ...]:
        """The envelope that may go out with the dot; empty when none can. What is wrong with it `offer` will say."""
        if then is None or not self._pipelining or self._left == 1:
            return ()
        try:
            self._envelope = self._envelope_of(then)
        except SendError:
            return ()
        return self._envelope.commands

    def _envelope_of(self, message: Message) -> _Envelope:
        """Raises `SendError` for what this server cannot be asked to take."""
        data = message.data
        if not data.endswith(b"\r\n") or data.startswith(b".") or _LEADING_DOT.search(data):
            raise _unfit("the message is not encoded for the wire: a line begins with a dot")
        if self._largest and len(data) > self._largest:
            raise _unfit(self._too_large(len(data)), scope="sender")
        sender = _path(message.sender, scope="sender") if message.sender else ""
        recipient = _path(message.recipient, scope="message")
        mail = f"MAIL FROM:<{sender}>"
        if "SIZE" in self._extensions:
            mail += f" SIZE={len(data)}"
        smtputf8 = not (sender.isascii() and recipient.isascii())
        if smtputf8:
            if "SMTPUTF8" not in self._extensions:
                problem = f"the address needs SMTPUTF8, which {self._where} does not offer"
                raise _unfit(problem, scope="message" if sender.isascii() else "sender")
            mail += " SMTPUTF8"
        commands = (f"{mail}\r\n".encode(), f"RCPT TO:<{recipient}>\r\n".encode(), b"DATA\r\n")
        return _Envelope(commands, len(data), smtputf8)

    def _forget(self) -> None:
        """Make the server forget an envelope that led to nothing; else it refuses the next MAIL."""
        if self._unfinished:
            self._line.send(b"RSET\r\n")
            answer = self._line.answer()
            if not answer.good:
                raise Lost(f"did not forget a refused message ({answer.code} {answer.text})")

    def _ask(self, commands: Sequence[bytes], *, said: bool) -> tuple[tuple[Phase, Answer] | None, bool]:
        """Say MAIL, RCPT, DATA, unless they were `said` before; the first refusal, and whether the server and we are
        still in step after it.

        Raises `Lost` only when nothing was refused before: what the server said about this message goes first.
        """
        refused: tuple[Phase, Answer] | None = None
        try:
            if self._pipelining and not said:
                self._line.send(b"".join(commands))
            for phase, command in zip(OFFER, commands, strict=True):
                if not self._pipelining:
                    self._line.send(command)
                answer = self._line.answer()
                granted = answer.code == 354 if phase == "data" else answer.good
                if granted and refused and phase == "data":
                    return refused, self._take_back(refused[0])
                if not granted and not refused:
                    refused = phase, answer
                    if answer.code == CLOSING or not self._pipelining:
                        break
            self._line.expect_silence()
        except Lost:
            if refused is None:
                raise
            return refused, False
        return refused, True

    def _take_back(self, refused: Phase) -> bool:
        """End a message that the server waits for although it refused the recipient; whether we are in step then."""
        if refused != "rcpt":
            return False
        self._line.send(b".\r\n")
        return not self._line.answer().good and not self._line.unread

    def _listen_first(self) -> None:
        """Raise when the server has spoken or left while the dot was held back.

        It accepted nothing then, unless it says so: a server that saw an end where there was none is `InDoubt`.
        """
        try:
            early = self._line.overheard()
        except Lost as lost:
            raise self._dropped(lost) from lost
        if early is not None:
            self._line.close()
            if early.good:
                raise InDoubt(f"{self._where} said {early.code} {early.text} before the end of the message")
            raise self._refusal("dot", early, in_step=False)

    def _refusal(self, phase: Phase, answer: Answer, *, in_step: bool) -> SendError:
        """The error a refusal is; the connection stays usable when its next answer will be for us."""
        scope, permanent = classify(phase, answer, smtputf8=self._envelope.smtputf8)
        self.alive = in_step and answer.code >= 400 and scope != "connection"
        if not self.alive:
            self._line.close()
        text = answer.text
        if answer.code in NOT_LOGGED_IN:
            text += " (it wants a log-in or encryption: check username and security in [backend])"
        elif phase == "mail" and scope == "sender" and is_too_large(answer):
            text += f" ({self._too_large(self._envelope.size)})"
        return SendError(text, scope=scope, permanent=permanent, code=answer.code)

    def _too_large(self, size: int) -> str:
        takes = f" and {self._where} takes {self._largest:,}" if self._largest else ""
        return (
            f"the message has {size:,} bytes{takes}; raise the server's limit, name another server in [backend], "
            "or cancel the issue and make it smaller"
        )

    def _dropped(self, lost: Lost) -> SendError:
        self._line.close()
        return SendError(f"{self._where} {lost} before the end of the message", scope="connection", permanent=False)


def _unfit(problem: str, *, scope: Scope = "message") -> SendError:
    return SendError(problem, scope=scope, permanent=True)


def _path(address: str, *, scope: Scope) -> str:
    """The address as it stands in an envelope: its domain in ASCII (RFC 5890). Raises `SendError`."""
    problem = address_fault(address)
    if not problem and not address.isascii():
        local, _, domain = address.rpartition("@")
        try:
            return f"{local}@{ascii_host(domain)}"
        except ValueError:
            problem = "its domain cannot be written in ASCII"
    if problem:
        whose = "the sender's address" if scope == "sender" else "the address"
        raise _unfit(f"{whose} cannot be used: {problem}", scope=scope)
    return address
