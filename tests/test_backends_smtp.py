"""The SMTP backend against a real server: encryption, log-in, envelopes, many messages on one connection."""

from __future__ import annotations

import socket
import ssl
import warnings
from pathlib import Path
from typing import Any

import pytest
import trustme

from newsletter.backends import Message, load
from newsletter.backends.contract import example
from newsletter.backends.smtp import Smtp
from newsletter.errors import ConfigurationError, NewsletterError, SendError, SettingsError
from tests.smtp_servers import HOST, Faulty, Received, Talk, authority, ca_file, server_context, serving
from tests.times import PATIENCE


def backend(port: int, folder: Path, **options: Any) -> Smtp:
    smtp = load("smtp", {"host": HOST, "port": port, "security": "none", "timeout": PATIENCE, **options}, root=folder)
    assert isinstance(smtp, Smtp)
    return smtp


def opening_fails(server: Received | Faulty, folder: Path, **options: Any) -> NewsletterError:
    with pytest.raises(ConfigurationError) as caught:
        backend(server.port, folder, **options).open()
    return caught.value


# Keys.


@pytest.mark.parametrize(("security", "port"), [("none", 25), ("starttls", 587), ("tls", 465)])
def test_the_port_follows_the_security(security: str, port: int, tmp_path: Path) -> None:
    smtp = load("smtp", {"host": "smtp.example.org", "security": security}, root=tmp_path)
    assert smtp.where == f"smtp.example.org:{port} ({security})"
    assert smtp.connections == 4


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, r'\[backend\] needs "host"'),
        ({"host": " "}, r"host is empty"),
        ({"host": "h", "security": "ssl"}, r'security cannot be "ssl".*none, starttls, tls'),
        ({"host": "h", "hots": "x"}, r'no key "hots" for this kind; did you mean "host"\?'),
        ({"host": "h", "port": "smtp"}, r"port must be a whole number, not 'smtp'"),
        ({"host": "h", "port": 70000}, r"port must be between 1 and 65535, not 70000"),
        ({"host": "h", "connections": 0}, r"connections must be between 1 and 100"),
        ({"host": "h", "username": "u"}, r"username is set without password_file"),
        ({"host": "h", "password": "p"}, r"a password is set without username"),
    ],
)
def test_impossible_keys_are_refused_by_name(options: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=sentence):
        load("smtp", options, root=tmp_path)


def test_the_password_is_never_shown(tmp_path: Path) -> None:
    smtp = load("smtp", {"host": "h", "username": "u", "password": "hunter2"}, root=tmp_path)
    assert "hunter2" not in repr(smtp) + smtp.where


@pytest.mark.parametrize("content", [None, "", "\n"])
def test_a_password_file_that_is_missing_or_empty_is_a_configuration_mistake(
    content: str | None, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "password").write_text(content)
    with Faulty(offers=("AUTH PLAIN",)) as server:
        error = opening_fails(server, tmp_path, username="u", password_file="password")
        assert str(tmp_path / "password") in str(error)


# Encryption.


def test_a_server_without_starttls_is_refused_and_hears_nothing_more(tmp_path: Path) -> None:
    with Faulty(offers=("AUTH PLAIN",)) as server:
        error = opening_fails(server, tmp_path, security="starttls", username="u", password="p")
        assert "does not offer STARTTLS" in str(error)
        assert [command[:4] for command in server.commands] == [b"EHLO"]


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_nobody_vouches_for_is_refused(security: Any, tmp_path: Path) -> None:
    with serving(security) as server:
        error = opening_fails(server, tmp_path, security=security)
        assert "cannot be trusted" in str(error)
        stranger = str(ca_file(tmp_path, of=trustme.CA()))
        assert "ca_file" in str(opening_fails(server, tmp_path, security=security, ca_file=stranger))


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_for_another_host_is_refused(security: Any, tmp_path: Path) -> None:
    with serving(security, context=server_context("other.example.org")) as server:
        error = opening_fails(server, tmp_path, security=security, ca_file=str(ca_file(tmp_path)))
        assert "certificate is not valid for '127.0.0.1'" in str(error)


def test_tls_older_than_1_2_is_refused(tmp_path: Path) -> None:
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority().issue_cert(HOST).configure_cert(old)
    old.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with Faulty(tls=True, context=old) as server:
        error = opening_fails(server, tmp_path, security="starttls", ca_file=str(ca_file(tmp_path)))
        assert "does not speak TLS 1.2 or newer there" in str(error)


@pytest.mark.parametrize("content", [None, "not a certificate"])
def test_an_unreadable_ca_file_is_named(content: str | None, tmp_path: Path) -> None:
    if content:
        (tmp_path / "ca.pem").write_text(content)
    with pytest.raises(ConfigurationError, match="holds no readable certificate") as caught:
        backend(1, tmp_path, security="tls", ca_file="ca.pem").open()
    assert f"ca_file {tmp_path / 'ca.pem'}" in str(caught.value)


def test_words_injected_before_tls_are_thrown_away(tmp_path: Path) -> None:
    injected = b"220 go ahead\r\n250-injected.example.org\r\n250 SIZE 1\r\n"
    with Faulty(always={"starttls": injected}, tls=True) as server:
        options = {"security": "starttls", "ca_file": str(ca_file(tmp_path))}
        connection = backend(server.port, tmp_path, **options).open()
        connection.offer(example(1))  # larger than the injected SIZE
        connection.hand_over()
        connection.close()
        assert server.accepted == [example(1).data]


def test_what_the_server_offered_before_tls_is_forgotten(tmp_path: Path) -> None:
    with serving("starttls", data_size_limit=50_000_000) as server:
        connection = backend(server.port, tmp_path, security="starttls", ca_file=str(ca_file(tmp_path))).open()
        connection.offer(example(1))
        connection.hand_over()
        connection.close()
        assert server.sessions[0].ssl is not None


# Log-in.


@pytest.mark.parametrize(("exclude", "used"), [(["LOGIN"], "PLAIN"), (["PLAIN"], "LOGIN"), ([], "PLAIN")])
def test_it_logs_in_with_what_the_server_knows(exclude: list[str], used: str, tmp_path: Path) -> None:
    with serving("starttls", users={"weekly": "sécret"}, auth_exclude_mechanism=exclude) as server:
        options = {
            "security": "starttls",
            "ca_file": str(ca_file(tmp_path)),
            "username": "weekly",
            "password": "sécret",
        }
        connection = backend(server.port, tmp_path, **options).open()
        connection.offer(example(1))
        connection.hand_over()
        connection.close()
        assert server.logins == [(used, "weekly")]
        assert server.data == [example(1).data]


def test_a_wrong_password_names_the_user_and_the_host_and_not_the_password(tmp_path: Path) -> None:
    with serving("starttls", users={"weekly": "right"}) as server:
        options = {"security": "starttls", "ca_file": str(ca_file(tmp_path)), "username": "weekly"}
        error = str(opening_fails(server, tmp_path, **options, password="hunter2"))
        assert "hunter2" not in error
        assert f"{HOST}:{server.port}" in error
        assert 'refused the log-in of "weekly": 535' in error


def test_a_server_without_log_in_or_with_only_a_strange_one_is_a_configuration_mistake(tmp_path: Path) -> None:
    login = {"username": "u", "password": "p"}
    with Faulty() as server:
        assert "offers no log-in on this port" in str(opening_fails(server, tmp_path, **login))
    with Faulty(offers=("AUTH GSSAPI",)) as server:
        assert "offers only GSSAPI" in str(opening_fails(server, tmp_path, **login))


def test_a_password_never_travels_in_the_clear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("newsletter.backends.smtp.line.Line.peer_address", "203.0.113.7")
    with Faulty(offers=("AUTH PLAIN",)) as server:
        error = opening_fails(server, tmp_path, username="u", password="hunter2")
        assert "in the clear" in str(error)
        assert b"AUTH" not in b"".join(server.commands)


# Messages.


def test_one_connection_carries_many_messages_and_a_refused_one_does_not_stop_it(tmp_path: Path) -> None:
    with serving() as server:
        server.refused = {f"reader{number}@example.com": "550 5.1.1 no such user" for number in (3, 4, 9)}
        connection = backend(server.port, tmp_path).open()
        refused = {3, 4, 9}
        for number in range(12):
            if number in refused:
                with pytest.raises(SendError, match=r"550 5\.1\.1 no such user"):
                    connection.offer(example(number))
            else:
                connection.offer(example(number))
                assert connection.hand_over().text == f"2.0.0 queued as {len(server.envelopes)}"
        connection.close()
        assert [envelope.rcpt_tos for envelope in server.envelopes] == [
            [f"reader{number}@example.com"] for number in range(12) if number not in refused
        ]
        assert len({session.peer for session in server.sessions}) == 1


def test_the_next_envelope_goes_along_with_the_dot_and_the_message_waits_for_its_answers(tmp_path: Path) -> None:
    packets: list[bytes] = []

    def says(step: str, talk: Talk) -> bytes | None:
        packets.append(step.encode() + b" " + talk.buffer)
        return b"550 5.1.1 no such user\r\n" if step == "rcpt" and talk.recipient == "reader2@example.com" else None

    with Faulty(says=says) as server:
        connection = backend(server.port, tmp_path).open()
        messages = [example(number) for number in range(4)]
        connection.offer(messages[0])
        assert connection.hand_over(messages[1]).code == 250
        connection.offer(messages[1])
        assert connection.hand_over(messages[2]).code == 250
        with pytest.raises(SendError, match="no such user") as caught:
            connection.offer(messages[2])
        assert (caught.value.scope, connection.alive) == ("message", True)
        connection.offer(messages[3])
        connection.hand_over()
        connection.close()
        assert server.reached == ["reader0@example.com", "reader1@example.com", "reader3@example.com"]
        assert server.commands[-1] == b"QUIT"
    dots = [packet for packet in packets if packet.startswith(b"dot")]
    assert [b"MAIL FROM" in packet for packet in dots] == [True, True, False]


def test_without_pipelining_nothing_goes_along_and_another_message_than_was_told_is_not_sent(tmp_path: Path) -> None:
    with Faulty(pipelining=False) as server:
        connection = backend(server.port, tmp_path).open()
        connection.offer(example(0))
        connection.hand_over(example(1))
        connection.offer(example(2))
        connection.hand_over()
        connection.close()
        assert server.reached == ["reader0@example.com", "reader2@example.com"]
    with Faulty() as server:
        connection = backend(server.port, tmp_path).open()
        connection.offer(example(0))
        connection.hand_over(example(1))
        with pytest.raises(SendError) as caught:
            connection.offer(example(2))
        assert (caught.value.scope, connection.alive) == ("connection", False)
        connection.close()
        assert server.reached == ["reader0@example.com"]


def test_a_connection_says_goodbye_after_as_many_messages_as_were_asked_for(tmp_path: Path) -> None:
    with Faulty() as server:
        connection = backend(server.port, tmp_path, messages_per_connection=2).open()
        connection.offer(first := example(0))
        connection.hand_over(second := example(1))
        connection.offer(second)
        connection.hand_over(example(2))
        assert not connection.alive
        connection.close()
        assert server.commands[-2:] == [b"DATA", b"QUIT"]
        assert server.accepted == [first.data, second.data]


def test_a_message_with_a_line_that_begins_with_a_dot_is_refused_before_it_can_be_cut_in_two(tmp_path: Path) -> None:
    with Faulty() as server:
        connection = backend(server.port, tmp_path).open()
        commands = list(server.commands)
        for body in (
            b"a\r\n.\r\nMAIL FROM:<evil@x>\r\n",
            b"a\n.\nb\r\n",
            b"a\n.\r\nb\r\n",
            b"a\r\n.\nb\r\n",
            b"no end",
        ):
            with pytest.raises(SendError, match="not encoded for the wire") as caught:
                connection.offer(example(1, body=body))
            assert caught.value.permanent
        with pytest.raises(SendError):
            connection.offer(Message("a@example.org", "b@example.org", b".\r\n"))
        assert server.commands == commands
        assert connection.alive
        connection.close()


def test_a_message_larger_than_the_server_takes_is_about_the_sender_and_not_sent(tmp_path: Path) -> None:
    with serving(data_size_limit=2_000) as server:
        connection = backend(server.port, tmp_path).open()
        with pytest.raises(SendError, match=r"has 6,\d{3} bytes .* takes 2,000; raise") as caught:
            connection.offer(example(1, body=b"x" * 70 + b"\r\n" * 3_000))
        assert (caught.value.scope, caught.value.permanent) == ("sender", True)
        connection.offer(example(2))
        connection.hand_over()
        connection.close()
        assert server.data == [example(2).data]


def test_the_size_is_declared_where_the_server_asks_for_it(tmp_path: Path) -> None:
    with Faulty(offers=("SIZE 0",)) as server:
        connection = backend(server.port, tmp_path).open()
        connection.offer(example(1))
        connection.hand_over()
        connection.close()
        assert f"MAIL FROM:<weekly@example.org> SIZE={len(example(1).data)}".encode() in server.commands


def test_a_non_ascii_local_part_needs_smtputf8(tmp_path: Path) -> None:
    message = Message("weekly@example.org", "jörg@bücher.example", example(1).data)
    with serving(enable_SMTPUTF8=True) as server:
        connection = backend(server.port, tmp_path).open()
        connection.offer(message)
        connection.hand_over()
        connection.close()
        assert server.envelopes[0].rcpt_tos == ["jörg@xn--bcher-kva.example"]
        assert server.envelopes[0].smtp_utf8
    with serving() as server:
        connection = backend(server.port, tmp_path).open()
        with pytest.raises(SendError, match="needs SMTPUTF8") as caught:
            connection.offer(message)
        assert caught.value.permanent
        connection.offer(example(2))  # and the connection is as good as before
        connection.abandon()
        connection.close()


@pytest.mark.parametrize("smtputf8", [True, False])
def test_a_non_ascii_domain_goes_out_in_its_ascii_form_and_needs_nothing(*, smtputf8: bool, tmp_path: Path) -> None:
    with serving(enable_SMTPUTF8=smtputf8) as server:
        connection = backend(server.port, tmp_path).open()
        connection.offer(Message("weekly@example.org", "leser@straße.example", example(1).data))
        connection.hand_over()
        connection.close()
        assert server.envelopes[0].rcpt_tos == ["leser@xn--strae-oqa.example"]
        assert not server.envelopes[0].smtp_utf8


def test_an_empty_sender_is_the_null_reverse_path(tmp_path: Path) -> None:
    with Faulty() as server:
        connection = backend(server.port, tmp_path).open()
        connection.offer(Message("", "reader@example.com", example(1).data))
        connection.hand_over()
        connection.close()
        assert b"MAIL FROM:<>" in server.commands


def test_holding_back_the_dot_costs_no_waiting(tmp_path: Path) -> None:
    """With Nagle's algorithm on, every message waits about 40 ms for an acknowledgement (`python -m benchmarks.send`)."""
    with Faulty() as server:
        connection = backend(server.port, tmp_path).open()
        assert connection._line._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        connection.close()
