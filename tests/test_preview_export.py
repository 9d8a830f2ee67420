"""`write_export`: the letter as files."""

from __future__ import annotations

import json
import os
import threading
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from newsletter.app import Project
from newsletter.errors import Refused
from newsletter.issue import Article
from newsletter.preview import write_export
from tests.preview_project import PICTURE, PNG, PUBLIC, articles, make_root, opened, own_template
from tests.times import Clock


@pytest.fixture
def root(tmp_path: Path, clock: Clock) -> Path:
    return make_root(tmp_path / "project", stories=articles(), clock=clock)


def write(root: Path, folder: Path, clock: Clock, *, to: str | None = "zoe@reader.example") -> dict[str, bytes]:
    paths, _ = write_export(root, folder, open_project=lambda: Project(root, clock=clock), slot_key=None, as_address=to)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_the_mail_parses_and_is_addressed_to_the_person(root: Path, tmp_path: Path, clock: Clock) -> None:
    mail = message_from_bytes(write(root, tmp_path / "out", clock)["issue.eml"], policy=policy.default)
    assert mail["To"].addresses[0].addr_spec == "zoe@reader.example"
    assert mail["Subject"] == "Night Ferry returns"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert not mail.defects
    assert "Hi Zoë" in mail.get_body(("html",)).get_content()


def test_the_mail_is_byte_for_byte_the_one_that_is_sent(root: Path, tmp_path: Path, clock: Clock) -> None:
    with opened(root, clock=clock) as project:
        slot = project.slot(None)
        project.weekly.freeze(slot, project.weekly.compose(slot))
    expected = write(root, tmp_path / "out", clock)["issue.eml"]
    with opened(root, clock=clock) as project:
        project.sender.send(project.issues.get("2026-W47"), project.backend(), stop=threading.Event())
    sent = [path.read_bytes() for path in (root / "mail" / "new").iterdir()]
    assert len(sent) == 2
    assert expected in {mail if b"\r\n" in mail else mail.replace(b"\n", b"\r\n") for mail in sent}


def test_the_html_is_the_letters_but_for_its_stored_pictures(root: Path, tmp_path: Path, clock: Clock) -> None:
    wrote = write(root, tmp_path / "out", clock)
    mail = message_from_bytes(wrote["issue.eml"], policy=policy.default)
    html = mail.get_body(("html",)).get_content().replace("\r\n", "\n")
    assert f"{PUBLIC}/images/{PICTURE}" in html
    assert wrote["issue.html"].decode() == html.replace(f"{PUBLIC}/images/{PICTURE}", f"images/{PICTURE}")
    assert wrote["issue.txt"].decode() == mail.get_body(("plain",)).get_content().replace("\r\n", "\n")
    assert wrote[f"images/{PICTURE}"] == PNG


def test_a_picture_that_is_not_stored_keeps_its_address(root: Path, tmp_path: Path, clock: Clock) -> None:
    missing = f"{PUBLIC}/images/ffffffffffffffff.png"
    own_template(
        root,
        "weekly/body.html.j2",
        lambda text: text.replace("Hi {{", f'<img src="{missing}" alt="" width="1">Hi {{{{'),
    )
    wrote = write(root, tmp_path / "out", clock)
    assert missing in wrote["issue.html"].decode()
    assert f"images/{PICTURE}" in wrote


def test_the_findings_are_listed_with_level_and_rule(root: Path, tmp_path: Path, clock: Clock) -> None:
    own_template(root, "weekly/body.txt.j2", lambda text: text.replace("{{ unsubscribe_url }}", ""))
    findings = json.loads(write(root, tmp_path / "out", clock)["findings.json"])["findings"]
    assert findings[0]["level"] == "error"
    assert findings[0]["id"] == "unsubscribe.text"
    assert {"id", "level", "message", "line", "url", "story"} == set(findings[0])


def test_without_a_person_it_is_the_first_subscriber(root: Path, tmp_path: Path, clock: Clock) -> None:
    assert b"Hi Ada" in write(root, tmp_path / "out", clock, to=None)["issue.txt"]


def test_an_issue_without_picks_is_refused_and_nothing_is_written(tmp_path: Path, clock: Clock) -> None:
    lacking = [Article(title="No address", source="site", guid="1")]
    root = make_root(tmp_path / "project", stories=lacking, clock=clock)
    with pytest.raises(Refused, match="no article was picked"):
        write(root, tmp_path / "out", clock)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_refused_in_a_sentence(root: Path, tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "out").write_text("a file", encoding="utf-8")
    with pytest.raises(Refused, match="choose another folder"):
        write(root, tmp_path / "out", clock)


def test_nobody_else_can_read_the_files_whatever_the_umask(root: Path, tmp_path: Path, clock: Clock) -> None:
    """They hold the subscriber's own link to unsubscribe."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "issue.eml").write_text("an older one")
    (out / "issue.eml").chmod(0o666)
    before = os.umask(0)
    try:
        names = write(root, out, clock)
    finally:
        os.umask(before)
    assert {(out / name).stat().st_mode & 0o777 for name in names} == {0o600}
