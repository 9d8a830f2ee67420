"""What the SMTP backend makes of every wrong turn a server can take, step by step.

For each step and fault: what is raised, whether the connection is usable afterwards, and that nothing was accepted
unless the server said yes to the dot. No test waits for a time to pass but where a server drips.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from newsletter.backends import Message, load
from newsletter.backends.contract import example
from newsletter.backends.smtp import Smtp
from newsletter.errors import ConfigurationError, InDoubt, NewsletterError, SendError, Unavailable
from tests.smtp_servers import DEAF, EOF, HOST, RST, SLOW, STALL, Fault, Faulty, Step, Talk, ca_file
from tests.times import PATIENCE

SHORT = 2  # seconds: where no end of the waiting can be told but by the clock

GARBAGE = b"HTTP/1.1 400 Bad Request\r\n"
PARTIAL = b"250 2.0.0 all i"  # and no more
HALF = b"250-2.0.0 first line\r\n250"  # a reply of many lines, cut off
MIXED = b"250-first\r\n550 second\r\n"
ENDLESS = b"250-more\r\n" * 1000
LONG_LINE = b"250 " + b"x" * 100_000 + b"\r\n"
NONSENSE: dict[str, Fault] = {
    "garbage": GARBAGE,
    "partial": PARTIAL,
    "half": HALF,
    "mixed": MIXED,
    "endless": ENDLESS,
    "long line": LONG_LINE,
    "eof": EOF,
    "rst": RST,
    "stall": STALL,
    "slow": SLOW,
}
TEMPORARY: dict[str, Fault] = {
    "421": b"421 4.3.2 shutting down\r\n",
    "450": b"450 4.2.0 greylisted\r\n",
    "451": b"451 4.3.0 try later\r\n",
    "452": b"452 4.3.1 no room\r\n",
}
PERMANENT: dict[str, Fault] = {
    "500": b"500 what?\r\n",
    "550": b"550 5.1.1 no such user\r\n",
    "552": b"552-5.3.4 too big\r\n552 5.3.4 really\r\n",
    "554": b"554 5.7.1 policy\r\n",
}
PASSWORD = "correct horse"


def backend(server: Faulty, folder: Path, **options: Any) -> Smtp:
    wait = SHORT if server.fault == SLOW or (server.step, server.fault) == ("handshake", STALL) else PATIENCE
    given = {"host": HOST, "port": server.port, "security": "none", "timeout": wait, "final_timeout": wait}
    smtp = load("smtp", given | options, root=folder)
    assert isinstance(smtp, Smtp)
    return smtp


def cases(steps: list[Step], faults: Mapping[str, Fault]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("step", "fault"),
        [
            pytest.param(step, faults[name], id=f"{step}-{name}")
            for step, name in product(steps, faults)
            if name != "slow" or step in {"banner", "dot"}  # every reply is read by the same few lines
        ],
    )


def opening_fails(server: Faulty, folder: Path, **options: Any) -> NewsletterError:
    """The error of `open`; the same server, asked again, lets us in: nothing was left half open."""
    smtp = backend(server, folder, **options)
    with pytest.raises(NewsletterError) as caught:
        smtp.open()
    assert PASSWORD not in str(caught.value)
    assert f"{HOST}:{server.port}" in str(caught.value)
    assert server.accepted == []
    return caught.value


# Saying hello: nothing is about a recipient.


@cases(["banner", "ehlo"], {**TEMPORARY, **PERMANENT, **NONSENSE})
def test_a_server_that_does_not_greet_is_unavailable(step: Step, fault: Fault, tmp_path: Path) -> None:
    with Faulty(step, fault) as server:
        assert isinstance(opening_fails(server, tmp_path), Unavailable)
        backend(server, tmp_path).open().close()


@cases(["connect"], {"eof": EOF, "rst": RST, "stall": STALL})
def test_a_server_that_hangs_up_on_us_is_unavailable(step: Step, fault: Fault, tmp_path: Path) -> None:
    with Faulty(step, fault) as server:
        assert isinstance(opening_fails(server, tmp_path), Unavailable)


def test_an_absent_server_is_unavailable_and_the_sentence_names_the_keys(tmp_path: Path) -> None:
    with Faulty() as server:
        smtp = backend(server, tmp_path)
    with pytest.raises(Unavailable, match=r"cannot be reached \(Connection refused\); check \[backend\] host and port"):
        smtp.open()


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "x" * 70 + ".example"])
def test_a_host_that_does_not_exist_is_unavailable(host: str, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot be reached"):
        load("smtp", {"host": host}, root=tmp_path).open()


@cases(["starttls"], {**TEMPORARY, **NONSENSE})
def test_a_server_that_cannot_start_tls_now_is_unavailable(step: Step, fault: Fault, tmp_path: Path) -> None:
    with Faulty(step, fault, tls=True) as server:
        error = opening_fails(server, tmp_path, security="starttls", ca_file=str(ca_file(tmp_path)))
        assert isinstance(error, Unavailable)
        assert server.commands[-1] == b"STARTTLS"


@cases(["starttls"], PERMANENT)
def test_a_server_that_refuses_starttls_is_a_configuration_mistake(step: Step, fault: Fault, tmp_path: Path) -> None:
    with Faulty(step, fault, tls=True) as server:
        error = opening_fails(server, tmp_path, security="starttls", ca_file=str(ca_file(tmp_path)))
        assert isinstance(error, ConfigurationError)
        assert b"MAIL" not in b"".join(server.commands)


@cases(["handshake"], {"eof": EOF, "rst": RST, "stall": STALL})
def test_a_connection_lost_while_tls_starts_is_unavailable(step: Step, fault: Fault, tmp_path: Path) -> None:
    with Faulty(step, fault, tls=True) as server:
        error = opening_fails(server, tmp_path, security="starttls", ca_file=str(ca_file(tmp_path)))
        assert isinstance(error, Unavailable)


def test_a_server_that_does_not_speak_tls_is_a_configuration_mistake(tmp_path: Path) -> None:
    with Faulty() as server:
        error = opening_fails(server, tmp_path, security="tls", ca_file=str(ca_file(tmp_path)))
        assert isinstance(error, ConfigurationError)
        assert "check [backend] port and security" in str(error)


@pytest.mark.parametrize("mechanism", ["AUTH PLAIN", "AUTH LOGIN"])
@cases(
    ["auth"],
    {"535": b"535 5.7.8 no\r\n", "534": b"534 5.7.9 too weak\r\n", **PERMANENT, "echo": f"535 {PASSWORD}\r\n".encode()},
)
def test_a_refused_log_in_is_a_configuration_mistake_that_names_the_user(
    step: Step, fault: Fault, mechanism: str, tmp_path: Path
) -> None:
    with Faulty(step, fault, offers=(mechanism,)) as server:
        error = opening_fails(server, tmp_path, username="weekly", password=PASSWORD)
        assert isinstance(error, ConfigurationError)
        assert '"weekly"' in str(error)


@cases(["auth"], {"454": b"454 4.7.0 later\r\n", **TEMPORARY, **NONSENSE})
def test_a_log_in_that_cannot_be_checked_now_is_unavailable(step: Step, fault: Fault, tmp_path: Path) -> None:
    with Faulty(step, fault, offers=("AUTH PLAIN",)) as server:
        assert isinstance(opening_fails(server, tmp_path, username="weekly", password=PASSWORD), Unavailable)


# Offering: whatever happens, the message is certainly not accepted.

OFFERING: list[Step] = ["mail", "rcpt", "data"]
pipelining = pytest.mark.parametrize("pipelining", [True, False], ids=["pipelined", "one by one"])


@pipelining
@cases(OFFERING, {**TEMPORARY, **PERMANENT})
def test_a_refusal_while_offering_is_certain_and_the_connection_goes_on(
    step: Step, fault: bytes, *, pipelining: bool, tmp_path: Path
) -> None:
    with Faulty(step, fault, pipelining=pipelining) as server:
        connection = backend(server, tmp_path).open()
        with pytest.raises(SendError) as caught:
            connection.offer(example(1))
        assert caught.value.code == int(fault[:3])
        assert caught.value.permanent is (fault[:1] == b"5")
        assert connection.alive is (caught.value.scope != "connection")
        assert server.accepted == []
        if connection.alive:
            connection.offer(example(2))
            connection.hand_over()
            assert server.accepted == [example(2).data]
            assert server.connections == 1
        connection.close()


@pipelining
@cases(OFFERING, {"nonsense 250 or 354": b"", **NONSENSE})
def test_nonsense_while_offering_is_a_temporary_failure_and_ends_the_connection(
    step: Step, fault: Fault, *, pipelining: bool, tmp_path: Path
) -> None:
    fault = fault or (b"250 fine\r\n" if step == "data" else b"354 go ahead\r\n")
    with Faulty(step, fault, pipelining=pipelining) as server:
        connection = backend(server, tmp_path).open()
        with pytest.raises(SendError) as caught:
            connection.offer(example(1))
        assert not caught.value.permanent
        assert caught.value.scope == "connection"
        assert not connection.alive
        with pytest.raises(SendError) as again:
            connection.offer(example(2))
        assert again.value.scope == "connection"
        connection.close()
        assert server.accepted == []


@pytest.mark.parametrize(
    ("said", "goes_on"),
    [(b"554 5.5.1 no valid recipients\r\n", True), (b"250 2.0.0 queued\r\n", False), (b"451 4.3.0\r\n250\r\n", False)],
)
def test_a_server_that_says_354_after_it_refused_the_recipient_gets_a_lone_dot(
    said: bytes, *, goes_on: bool, tmp_path: Path
) -> None:
    def says(step: str, talk: Talk) -> bytes | None:
        return said if step == "dot" and not talk.buffer.strip() and talk.recipient == "reader1@example.com" else None

    with Faulty("rcpt", PERMANENT["550"], always={"data": b"354 go ahead anyway\r\n"}, says=says) as server:
        connection = backend(server, tmp_path).open()
        with pytest.raises(SendError) as caught:
            connection.offer(example(1))
        assert (caught.value.code, caught.value.permanent) == (550, True)
        assert connection.alive == goes_on
        if goes_on:
            connection.offer(example(2))
            connection.hand_over()
            assert server.reached == ["reader2@example.com"]
        connection.close()


def test_replies_that_are_one_too_many_are_not_taken_for_the_next_message(tmp_path: Path) -> None:
    with Faulty("data", b"354 go\r\n250 2.0.0 queued\r\n") as server:
        connection = backend(server, tmp_path).open()
        with pytest.raises(SendError) as caught:
            connection.offer(example(1))
        assert not caught.value.permanent
        assert not connection.alive


@cases(["body"], {**TEMPORARY, **PERMANENT})
def test_a_refusal_before_the_dot_is_heard_and_the_dot_is_not_sent(step: Step, fault: bytes, tmp_path: Path) -> None:
    with Faulty(step, fault) as server:
        connection = backend(server, tmp_path).open()
        connection.offer(example(1))
        assert server.done.wait(PATIENCE)
        with pytest.raises(SendError) as caught:
            connection.hand_over()
        assert caught.value.code == int(fault[:3])
        assert caught.value.permanent is (fault[:1] == b"5")
        assert not connection.alive
        connection.close()
    assert server.accepted == []


@cases(["body"], {"garbage": GARBAGE, "partial": PARTIAL, "half": HALF, "mixed": MIXED, "eof": EOF, "rst": RST})
def test_a_connection_lost_before_the_dot_is_no_doubt(step: Step, fault: Fault, tmp_path: Path) -> None:
    with Faulty(step, fault) as server:
        connection = backend(server, tmp_path).open()
        connection.offer(example(1))
        assert server.done.wait(PATIENCE)
        with pytest.raises(SendError) as caught:
            connection.hand_over()
        assert not caught.value.permanent
        assert not connection.alive
        connection.close()
    assert server.accepted == []


def test_a_yes_before_the_dot_is_in_doubt(tmp_path: Path) -> None:
    with Faulty("body", b"250 2.0.0 queued already\r\n") as server:
        connection = backend(server, tmp_path).open()
        connection.offer(example(1))
        assert server.done.wait(PATIENCE)
        with pytest.raises(InDoubt):
            connection.hand_over()
        assert not connection.alive


def test_a_server_that_stops_reading_a_large_message_fails_the_offer(tmp_path: Path) -> None:
    with Faulty("body", DEAF) as server:
        connection = backend(server, tmp_path).open()
        with pytest.raises(SendError, match="did not answer within") as caught:
            connection.offer(example(1, body=b"x" * 76 * 200_000 + b"\r\n"))
        assert not caught.value.permanent
        assert not connection.alive
        connection.close()
        assert server.accepted == []


# The dot.


@cases(["dot"], {**TEMPORARY, **PERMANENT})
def test_a_clear_no_to_the_dot_is_certain(step: Step, fault: bytes, tmp_path: Path) -> None:
    with Faulty(step, fault) as server:
        connection = backend(server, tmp_path).open()
        connection.offer(example(1))
        with pytest.raises(SendError) as caught:
            connection.hand_over()
        assert caught.value.code == int(fault[:3])
        assert caught.value.permanent is (fault[:1] == b"5")
        assert connection.alive is (caught.value.scope != "connection")
        assert server.accepted == []
        if connection.alive:
            connection.offer(example(2))
            assert connection.hand_over().text == "2.0.0 queued"
        connection.close()


def test_a_server_that_falls_silent_during_the_message_leaves_a_doubt(tmp_path: Path) -> None:
    with Faulty("body", STALL) as server:  # the dot is in the network: nobody can know
        connection = backend(server, tmp_path).open()
        connection.offer(example(1))
        with pytest.raises(InDoubt, match="did not answer within"):
            connection.hand_over()
        assert not connection.alive
        connection.close()


@cases(["dot"], {**NONSENSE, "354": b"354 more\r\n"})
def test_any_other_answer_to_the_dot_is_in_doubt_and_ends_the_connection(
    step: Step, fault: Fault, tmp_path: Path
) -> None:
    with Faulty(step, fault) as server:
        connection = backend(server, tmp_path).open()
        connection.offer(example(1))
        with pytest.raises(InDoubt):
            connection.hand_over()
        assert not connection.alive
        connection.close()


def test_an_accepted_message_stays_accepted_when_the_server_says_goodbye_with_it(tmp_path: Path) -> None:
    with Faulty("dot", b"250-2.0.0 queued\r\n250 as A1\r\n421 4.3.2 shutting down\r\n") as server:
        connection = backend(server, tmp_path).open()
        connection.offer(example(1))
        assert connection.hand_over().text == "2.0.0 queued as A1"
        assert not connection.alive
        connection.close()


def test_a_reply_of_many_lines_and_control_characters_is_one_clean_short_line(tmp_path: Path) -> None:
    said = b"".join(b"250-\x1b[31mred\x00 \xe2\x80\xae" + b"x" * 50 + b"\xff\r\n" for _ in range(40)) + b"250 end\r\n"
    with Faulty("dot", said) as server:
        connection = backend(server, tmp_path).open()
        connection.offer(example(1))
        text = connection.hand_over().text
        assert text.isprintable()
        assert len(text) == 500
        connection.close()


@cases(["quit"], {**TEMPORARY, **PERMANENT, **NONSENSE})
def test_nothing_that_happens_at_quit_matters(step: Step, fault: Fault, tmp_path: Path) -> None:
    with Faulty(step, fault) as server:
        connection = backend(server, tmp_path).open()
        connection.offer(example(1))
        connection.hand_over()
        connection.close()
        connection.close()
        assert server.accepted == [example(1).data]


def test_an_abandoned_message_leaves_no_dot_behind(tmp_path: Path) -> None:
    with Faulty() as server:
        connection = backend(server, tmp_path).open()
        connection.offer(example(1))
        connection.abandon()
        assert not connection.alive
        connection.close()
        assert server.done.wait(PATIENCE)
    assert server.accepted == []


def test_an_interrupted_wait_leaves_no_connection_that_could_mistake_the_late_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Faulty() as server:
        connection = backend(server, tmp_path).open()
        connection.offer(example(1))

        def interrupt(**_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(connection._line, "answer", interrupt)
        with pytest.raises(KeyboardInterrupt):
            connection.hand_over()
        assert not connection.alive
        connection.close()


def test_the_envelope_cannot_be_broken_out_of(tmp_path: Path) -> None:
    with Faulty() as server:
        connection = backend(server, tmp_path).open()
        before = list(server.commands)
        for recipient in (
            "a@b.example>\r\nRCPT TO:<evil@example.org",
            "a b@example.org",
            "<a@b>",
            "nobody",
            "",
            "a@\0b",
        ):
            with pytest.raises(SendError) as caught:
                connection.offer(Message("weekly@example.org", recipient, example(1).data))
            assert caught.value.permanent
            assert caught.value.code is None
        assert server.commands == before
        assert connection.alive
        connection.close()
