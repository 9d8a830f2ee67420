"""The Maildir backend: what a mail program finds, and what happens when the folder or the disk fails."""

from __future__ import annotations

import errno
import mailbox
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from newsletter.backends import load
from newsletter.backends.contract import example
from newsletter.errors import ConfigurationError, InDoubt, SendError, SettingsError, Unavailable


def failing(number: int) -> Callable[..., NoReturn]:
    def fail(*_: object, **__: object) -> NoReturn:
        raise OSError(number, os.strerror(number))

    return fail


def files(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file()]


def test_a_mail_program_finds_the_messages_and_nobody_else_can_read_them(tmp_path: Path) -> None:
    connection = load("maildir", {"path": "deep/mail"}, root=tmp_path).open()
    for number in range(3):
        connection.offer(example(number))
        assert connection.hand_over().text.startswith("kept as new/")
    connection.close()
    found = mailbox.Maildir(tmp_path / "deep/mail", create=False)
    assert sorted(str(mail["Subject"]) for mail in found) == ["Issue 0", "Issue 1", "Issue 2"]
    assert all(mail.get_subdir() == "new" for mail in found)
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "deep/mail/new").iterdir()} == {0o600}


def test_two_projects_may_share_a_folder(tmp_path: Path) -> None:
    first, second = (load("maildir", {"path": "mail"}, root=tmp_path).open() for _ in range(2))
    first.offer(example(1))
    second.offer(example(1))
    first.hand_over()
    second.hand_over()
    assert len(files(tmp_path / "mail/new")) == 2


def test_a_misspelt_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r'no key "paht" for this kind; did you mean "path"\?'):
        load("maildir", {"paht": "mail"}, root=tmp_path)


def test_a_path_that_is_a_file_is_a_configuration_mistake(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("not a folder")
    with pytest.raises(ConfigurationError, match=r"mail cannot be written: .*; set \[backend\] path"):
        load("maildir", {"path": "mail"}, root=tmp_path).open()


def test_a_folder_we_may_not_write_to_is_a_configuration_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = load("maildir", {"path": "mail"}, root=tmp_path)
    backend.open().close()
    if os.geteuid() == 0:  # the superuser may write anywhere
        monkeypatch.setattr(os, "access", lambda *_: False)
    else:
        (tmp_path / "mail/new").chmod(0o500)
    with pytest.raises(ConfigurationError, match="Permission denied"):
        backend.open()


def test_a_folder_that_vanishes_is_a_configuration_mistake_and_nothing_is_accepted(tmp_path: Path) -> None:
    connection = load("maildir", {"path": "mail"}, root=tmp_path).open()
    (tmp_path / "mail").rename(tmp_path / "moved")
    with pytest.raises(ConfigurationError, match="No such file or directory"):
        connection.offer(example(1))
    assert not connection.alive


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_a_full_disk_stops_everything_and_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = load("maildir", {"path": "mail"}, root=tmp_path).open()
    really_open = os.open

    def open_full(path: Path, *arguments: int) -> int:
        os.close(really_open(path, *arguments))  # the file is made, and then there is no room for its content
        return really_open("/dev/full", os.O_WRONLY)

    monkeypatch.setattr(os, "open", open_full)
    with pytest.raises(Unavailable, match="No space left on device; free some space there and start again"):
        connection.offer(example(1))
    assert not connection.alive
    assert files(tmp_path) == []
    with pytest.raises(SendError):
        connection.offer(example(2))


def test_a_rename_that_fails_is_a_clear_no(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = load("maildir", {"path": "mail"}, root=tmp_path).open()
    connection.offer(example(1))
    monkeypatch.setattr(Path, "rename", failing(errno.ENOSPC))
    with pytest.raises(SendError) as caught:
        connection.hand_over()
    assert not caught.value.permanent
    assert not connection.alive
    assert files(tmp_path / "mail/new") == []


def test_a_disk_that_may_have_forgotten_the_rename_leaves_a_doubt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = load("maildir", {"path": "mail"}, root=tmp_path).open()
    connection.offer(example(1))
    monkeypatch.setattr(os, "fsync", failing(errno.EIO))
    with pytest.raises(InDoubt):
        connection.hand_over()
    assert not connection.alive
