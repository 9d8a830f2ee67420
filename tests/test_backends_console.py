"""The console backend: a summary a person can read, and nothing that steers a terminal."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from newsletter.backends import Message, load
from newsletter.backends.console import show, summary
from newsletter.backends.contract import example
from newsletter.errors import InDoubt, SettingsError

HTML = (
    b"From: Weekly <weekly@example.org>\r\nSubject: =?utf-8?q?Caf=C3=A9?=\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/alternative; boundary="=_b"\r\n\r\n'
    b"--=_b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    b"The week=\r\n in text =1B[2J =E2=80=AE=0D=0A=2E=0D=0Aend\r\n"
    b"--=_b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>The week in HTML</p>\r\n--=_b--\r\n"
)


def test_it_shows_the_envelope_the_headers_and_the_text(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    connection = load("console", {}, root=tmp_path).open()
    connection.offer(Message("weekly@example.org", "reader@example.com", HTML))
    assert capsys.readouterr().out == ""
    connection.hand_over()
    shown = capsys.readouterr().out
    assert shown.startswith("── weekly@example.org → reader@example.com (375 bytes) ──\n")
    assert "Subject: Café\n" in shown
    assert "The week in text" in shown
    assert "in HTML" not in shown


def test_nothing_in_a_message_steers_the_terminal() -> None:
    shown = summary(Message("weekly@example.org", "evil\x1b]0;title\x07@example.com", HTML))
    assert all(line.isprintable() for line in shown.split("\n"))


def test_a_screen_that_knows_only_ascii_shows_question_marks() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    show(stream, summary(Message("weekly@example.org", "reader@example.com", HTML)))
    assert b"Subject: Caf?\n" in raw.getvalue()


def test_a_screen_that_is_gone_leaves_a_doubt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stream = io.StringIO()
    monkeypatch.setattr("sys.stdout", stream)
    connection = load("console", {}, root=tmp_path).open()
    connection.offer(example(1))
    stream.close()
    with pytest.raises(InDoubt):
        connection.hand_over()
    assert not connection.alive


def test_it_has_no_keys(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match='no key "colour" for this kind; it has none'):
        load("console", {"colour": "red"}, root=tmp_path)
