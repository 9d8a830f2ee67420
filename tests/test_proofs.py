"""The proof: who is mailed what before an issue goes out, what its link opens, and for how long."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from newsletter.app import Project
from newsletter.backends import load
from newsletter.errors import Refused, SettingsError
from newsletter.issues import IssueState
from newsletter.review_links import PURPOSE
from newsletter.sending import outbox
from newsletter.ticker import AFTER_FAILURE, Ticker
from newsletter.weekly import Done
from newsletter.weekly.editor import Who
from tests.command_line import demo, run, set_line
from tests.projects import SITE, TITLES, TOML, again, arrived, make_project, write_articles
from tests.times import NOW, Clock

SLOT = NOW + timedelta(hours=1)
EDITORS = 'editors = ["Odalys Penhallow <odalys@marquee.example>", "ben@marquee.example"]'
ODALYS, BEN = "odalys@marquee.example", "ben@marquee.example"
KEY = "2026-W47"
HOUR = timedelta(hours=1)


def toml(*, review: str = "", approval: str = "auto") -> str:
    lines = f'time = "07:00"\napproval = "{approval}"' + (f'\nreview = "{review}"' if review else "")
    text = TOML.replace('time = "07:00"', lines) + SITE
    return text.replace('editors = ["editor@marquee.example"]', EDITORS)


def made(tmp_path: Path, clock: Clock, *, database: str = "", **schedule: str) -> Project:
    return make_project(
        tmp_path / "project",
        clock=clock,
        text=toml(**schedule),
        titles=TITLES,
        database=database,
        began=NOW - timedelta(days=3),
        plain=True,
        subscribers=2,
    )


@pytest.fixture
def project(tmp_path: Path, clock: Clock, database_url: str) -> Project:
    return made(tmp_path, clock, database=database_url, review="18h")


def mailed(project: Project) -> dict[str, EmailMessage]:
    """What arrives in an empty mailbox when the outbox is emptied."""
    shutil.rmtree(project.root / "mail", ignore_errors=True)
    project.sender.send_single_mails(project.backend(), stop=threading.Event())
    return arrived(project.root)


def parts(mail: EmailMessage) -> tuple[str, str]:
    plain, rich = (part.get_payload(decode=True).decode().replace("\r\n", "\n") for part in mail.iter_parts())  # type: ignore[union-attr]
    return plain, rich


def token_in(mail: EmailMessage) -> str:
    (found,) = {*re.findall(r"/review/([^/\s\"]+)/", "".join(parts(mail)))}
    return str(found)


def sent(project: Project) -> Done:
    return project.weekly.run(
        project.slot(KEY),
        backend=lambda: load("memory", {}, root=project.root),
        confirm=lambda _: True,
        stop=threading.Event(),
        scheduled=True,
    )


def admitted(project: Project, token: str) -> str:
    link = project.weekly.proofs.admitted(project.keys.verify(token, purpose=PURPOSE), slot=project.slot)
    return link.editor


def test_every_editor_gets_the_real_letter_below_what_will_happen_and_a_link_of_their_own(project: Project) -> None:
    (project.root / "newsletter.toml").write_text(
        (project.root / "newsletter.toml").read_text() + '[[sources]]\nname = "wire"\nkind = "folder"\npath = "wire"\n'
    )
    (project.root / "wire").mkdir()
    project = again(project)
    assert project.weekly.proofs.mail(project.slot(KEY)) == [ODALYS, BEN]
    mails = mailed(project)
    assert set(mails) == {ODALYS, BEN}
    for address, mail in mails.items():
        for part in parts(mail):
            assert "Goes out Thursday 07:00 to 2 readers" in part
            assert "took the last place" in " ".join(part.split())  # of what was passed over
            assert "wire: it has no articles" in part
            assert part.index("Goes out") < part.rindex(TITLES[0])
            assert address in part
            assert "/unsubscribe/\n" in part or '/unsubscribe/"' in part  # a link that belongs to nobody
        assert "List-Unsubscribe" not in mail
        assert str(mail["Subject"]).startswith("Proof of 2026-W47: ")
    assert admitted(project, token_in(mails[ODALYS])) == ODALYS
    assert admitted(project, token_in(mails[BEN])) == BEN


def test_a_proof_puts_the_issue_to_review_as_of_its_moment(project: Project, clock: Clock) -> None:
    slot = project.slot(KEY)
    project.weekly.proofs.mail(slot)
    row = project.issues.get(KEY)
    assert (row.state, row.proofed_at) == (IssueState.REVIEW, NOW)
    shown = project.weekly.compose(slot).letter
    clock.forward(timedelta(minutes=20))
    write_articles(project.root, ("A comet over the harbour",), now=clock())
    project.weekly.pull()
    later = project.weekly.compose(slot)
    assert shown is not None
    assert later.letter is not None
    assert later.letter.digest == shown.digest
    reasons = {one.article.title: one.reason for one in later.issue.passed_over}
    assert reasons["A comet over the harbour"].startswith("it came after the issue was put to review")


def test_a_proof_is_put_to_review_and_posted_in_one_transaction(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    posts = iter((None, OSError("the disk is full")))
    post = outbox.post

    def failing(*arguments: object, **named: object) -> None:
        if error := next(posts):
            raise error
        post(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(outbox, "post", failing)
    with pytest.raises(OSError, match="full"):
        project.weekly.proofs.mail(project.slot(KEY))
    assert project.issues.find(KEY) is None
    assert outbox.waiting(project.database, kind="proof") == 0
    assert project.review_links.newest(KEY) == {}


def test_a_second_proof_takes_in_what_has_come_and_has_the_same_links(project: Project, clock: Clock) -> None:
    slot = project.slot(KEY)
    project.weekly.proofs.mail(slot)
    first = token_in(mailed(project)[ODALYS])
    clock.forward(timedelta(minutes=5))
    assert project.weekly.proofs.mail(slot, once=True) == []
    write_articles(project.root, ("A comet over the harbour",), now=clock())
    project.weekly.proofs.mail(slot)
    assert token_in(mailed(project)[ODALYS]) == first
    reasons = {one.article.title: one.reason for one in project.weekly.pick(slot).passed_over}
    assert "put to review" not in reasons.get("A comet over the harbour", "")


def test_a_stolen_database_opens_nothing(tmp_path: Path, clock: Clock) -> None:
    project = made(tmp_path, clock, review="18h")
    project.weekly.proofs.mail(project.slot(KEY))
    stolen = "\n".join(sqlite3.connect(project.database.file or "").iterdump())
    token = token_in(mailed(project)[ODALYS])
    link = project.review_links.newest(KEY)[ODALYS]
    assert link.nonce in stolen
    assert token not in stolen
    for found in {*re.findall(r"[A-Za-z0-9_-]{43,51}", stolen)}:
        assert project.keys.verify(found, purpose=PURPOSE) is None


@pytest.mark.parametrize("purpose", [b"unsubscribe", b"confirm", b"form", b"review form"])
def test_a_token_of_another_purpose_or_made_up_opens_nothing(project: Project, purpose: bytes) -> None:
    link = project.weekly.proofs.link(project.slot(KEY), BEN)
    token = project.keys.sign(link.payload, purpose=purpose)
    for forged in (token, "", "x" * 45, project.keys.sign(bytes(16), purpose=PURPOSE)):
        with pytest.raises(Refused, match="no link to a review page"):
            admitted(project, forged)


def test_a_revoked_link_opens_nothing_the_others_do_and_a_new_one_is_another(project: Project, clock: Clock) -> None:
    slot, proofs = project.slot(KEY), project.weekly.proofs
    proofs.mail(slot)
    mails = mailed(project)
    assert proofs.revoke(slot, "Odalys <odalys@marquee.example>") == 1
    assert proofs.revoke(slot, ODALYS) == 0
    with pytest.raises(Refused, match="this link was revoked"):
        admitted(project, token_in(mails[ODALYS]))
    assert admitted(project, token_in(mails[BEN])) == BEN
    clock.forward(HOUR / 60)
    new = proofs.link(slot, ODALYS)
    assert admitted(project, project.keys.sign(new.payload, purpose=PURPOSE)) == ODALYS
    assert project.review_url(new) not in parts(mails[ODALYS])[0]


def test_whoever_is_no_editor_any_more_is_refused(project: Project) -> None:
    project.weekly.proofs.mail(project.slot(KEY))
    token = token_in(mailed(project)[ODALYS])
    file = project.root / "newsletter.toml"
    file.write_text(file.read_text().replace(EDITORS, 'editors = ["ben@marquee.example"]'))
    with pytest.raises(Refused, match="none of \\[newsletter\\] editors"):
        admitted(again(project), token)
    with pytest.raises(Refused, match="none of \\[newsletter\\] editors"):
        project.weekly.proofs.link(project.slot(KEY), "stranger@example.net")


def test_a_link_ends_with_the_issue_and_at_the_latest_with_its_grace(project: Project, clock: Clock) -> None:
    slot = project.slot(KEY)
    project.weekly.proofs.mail(slot)
    token = token_in(mailed(project)[ODALYS])
    clock.time = SLOT + timedelta(hours=24)
    assert admitted(project, token) == ODALYS
    clock.time += timedelta(seconds=1)
    with pytest.raises(Refused, match="the time of 2026-W47 has passed"):
        admitted(project, token)
    with pytest.raises(Refused, match="the time of 2026-W47 has passed"):
        project.weekly.proofs.mail(slot)
    clock.time = NOW
    project.weekly.approval.cancel(slot, who=Who("Ben"))
    for refused in (lambda: admitted(project, token), lambda: project.weekly.proofs.mail(slot)):
        with pytest.raises(Refused, match="2026-W47 is cancelled"):
            refused()


def test_a_sent_issue_ends_its_links_and_an_approved_one_gets_no_other_proof(project: Project, clock: Clock) -> None:
    slot = project.slot(KEY)
    project.weekly.proofs.mail(slot)
    token = token_in(mailed(project)[ODALYS])
    project.weekly.approval.approve(slot, who=Who("Odalys", "page"))
    with pytest.raises(Refused, match="approved by Odalys"):
        project.weekly.proofs.mail(slot)
    assert project.issues.get(KEY).state == IssueState.APPROVED
    clock.time = SLOT
    assert sent(project).report.totals["accepted"] == 2
    with pytest.raises(Refused, match="2026-W47 is closed"):
        admitted(project, token)


def test_a_held_issue_stays_held(project: Project) -> None:
    slot = project.slot(KEY)
    project.weekly.approval.hold(slot, reason="Christmas", who=Who("Ben"))
    project.weekly.proofs.mail(slot)
    assert project.issues.get(KEY).state == IssueState.HELD
    assert "Held by Ben: Christmas" in parts(mailed(project)[ODALYS])[0]


def test_there_is_no_proof_of_nothing_and_none_for_nobody(tmp_path: Path, clock: Clock) -> None:
    project = make_project(tmp_path / "empty", clock=clock, text=toml(review="18h"), plain=True)
    with pytest.raises(Refused, match="no article was picked"):
        project.weekly.proofs.mail(project.slot(KEY))
    assert project.issues.find(KEY) is None
    nobody = make_project(tmp_path / "nobody", clock=clock, text=toml().replace(EDITORS, ""), titles=TITLES)
    with pytest.raises(Refused, match="editors is empty"):
        nobody.weekly.proofs.mail(nobody.slot(KEY))


@pytest.mark.parametrize(
    ("review", "approval", "from_slot", "due"),
    [
        ("", "auto", -HOUR, False),
        ("", "auto", 0 * HOUR, False),
        ("", "required", -HOUR / 60, False),
        ("", "required", 0 * HOUR, True),
        ("", "required", 23 * HOUR, True),
        ("", "required", 24 * HOUR, False),
        ("18h", "auto", -18 * HOUR - HOUR / 60, False),
        ("18h", "auto", -18 * HOUR, True),
        ("18h", "auto", -HOUR / 60, True),
        ("18h", "auto", 0 * HOUR, False),
        ("18h", "required", 2 * HOUR, True),
    ],
)
def test_when_a_proof_is_due(
    tmp_path: Path, clock: Clock, review: str, approval: str, from_slot: timedelta, *, due: bool
) -> None:
    clock.time = SLOT + from_slot
    project = made(tmp_path, clock, review=review, approval=approval)
    assert project.weekly.proofs.due(project.slot(KEY)) == due


@pytest.fixture
def ticked(tmp_path: Path, clock: Clock) -> Iterator[Project]:
    """A project whose proof is due, for tickers that start the real command."""
    project = made(tmp_path, clock, review="18h", approval="required")
    yield project
    project.close()


def test_the_schedule_mails_the_proof_once(ticked: Project, clock: Clock) -> None:
    # The child has a clock of its own; it is told the time of this one.
    ticker = Ticker(ticked, command=lambda _: pytest.fail("nothing is sent"), proof=_at(ticked, clock))
    for _ in range(3):
        ticker.tick()
        clock.forward(timedelta(minutes=1))
    box = ticked.root / "mail" / "new"
    assert len(list(box.iterdir())) == 2
    assert ticked.issues.get(KEY).state == IssueState.REVIEW
    assert ticked.issues.alerts(KEY) == []


def test_a_proof_that_cannot_be_mailed_is_told_and_tried_again_every_quarter_of_an_hour(
    ticked: Project, clock: Clock
) -> None:
    for file in (ticked.root / "site").iterdir():
        file.unlink()
    asked: list[str] = []
    command = _at(ticked, clock)

    def counted(key: str) -> list[str]:
        asked.append(key)
        return command(key)

    ticker = Ticker(ticked, command=lambda _: pytest.fail("nothing is sent"), proof=counted)
    for _ in range(3):
        ticker.tick()
        clock.forward(timedelta(minutes=1))
    assert asked == [KEY]
    (told,) = ticked.issues.alerts(KEY)
    assert "the proof could not be mailed and is tried again every 15 minutes" in told.text
    assert "no article was picked" in told.text
    write_articles(ticked.root, TITLES, now=clock())
    clock.forward(AFTER_FAILURE)
    ticker.tick()
    assert asked == [KEY, KEY]
    assert ticked.issues.get(KEY).proofed_at == clock()


def _at(project: Project, clock: Clock):  # type: ignore[no-untyped-def]
    from newsletter.ticker import proof_command

    command = proof_command(project.root)
    return lambda key: [*command(key), "--now", clock().isoformat()]


def test_a_slot_that_needs_a_person_has_its_proof_before_it_is_told_of(tmp_path: Path, clock: Clock) -> None:
    clock.time = SLOT
    project = made(tmp_path, clock, approval="required")
    Ticker(project, command=lambda _: pytest.fail("nothing is sent"), proof=_at(project, clock)).tick()
    assert len(list((project.root / "mail" / "new").iterdir())) == 2
    (told,) = project.issues.alerts(KEY)
    where = "on the review page, or `newsletter issues approve 2026-W47`"
    assert told.text == f"it waits for an approval until Friday 20 November, 07:00: {where}"


def test_a_project_that_began_later_owes_no_proof(tmp_path: Path, clock: Clock) -> None:
    clock.time = SLOT + HOUR
    project = make_project(
        tmp_path / "project", clock=clock, text=toml(approval="required"), titles=TITLES, began=SLOT + HOUR / 2
    )
    assert not project.weekly.proofs.due(project.slot(KEY))


def test_a_clock_that_jumps_over_the_slot_during_review_sends_what_was_proofed(project: Project, clock: Clock) -> None:
    slot = project.slot(KEY)
    project.weekly.proofs.mail(slot)
    shown = project.weekly.compose(slot).letter
    clock.time = SLOT + timedelta(hours=5)
    write_articles(project.root, ("A comet over the harbour",), now=clock())
    assert sent(project).report.totals["accepted"] == 2
    assert shown is not None
    assert project.issues.letter(project.issues.get(KEY).id).digest == shown.digest


def test_a_mail_server_that_is_away_delays_the_proof_and_no_more(tmp_path: Path) -> None:
    project = demo(tmp_path)
    away = '"smtp"\nhost = "127.0.0.1"\nport = 9\nsecurity = "none"'
    file = project / "newsletter.toml"
    before = file.read_text()
    assert run("pull", project=project).exit_code == 0
    file.write_text(re.sub(r"(?ms)^\[backend\].*?(?=^\[|\Z)", f"[backend]\nkind = {away}\n\n", before))
    shown = run("issues", "proof", "2026-W48", "--json", project=project)
    assert shown.exit_code == 1
    assert json.loads(shown.stdout) == {"slot": "2026-W48", "editors": ["odalys@tramlight.example"], "waiting": 1}
    file.write_text(before)
    assert run("worker", project=project).exit_code == 0
    assert len(list((project / "mail" / "new").iterdir())) == 1


def test_editors_list_link_and_revoke(tmp_path: Path) -> None:
    project = demo(tmp_path)
    run("pull", project=project)
    address = "odalys@tramlight.example"
    empty = {"editor": address, "name": "", "slot": "2026-W47", "made_at": None, "revoked_at": None}
    assert json.loads(run("editors", "list", "--json", project=project).stdout) == [empty]
    url = json.loads(run("editors", "link", address, "--json", project=project).stdout)["url"]
    assert url.startswith("http://127.0.0.1:8080/review/")
    assert run("editors", "link", address, project=project).stdout.strip() == url
    assert run("editors", "link", "nobody@example.net", project=project).exit_code == 1
    (one,) = json.loads(run("editors", "list", "--json", project=project).stdout)
    assert one["made_at"]
    assert one["revoked_at"] is None
    assert json.loads(run("editors", "revoke", address, "--json", project=project).stdout)["revoked"] == 1
    (one,) = json.loads(run("editors", "list", "--json", project=project).stdout)
    assert one["revoked_at"]
    assert "had no link" in run("editors", "revoke", address, project=project).stdout


def test_the_editors_links_are_those_of_the_next_issue_that_can_be_reviewed(tmp_path: Path, clock: Clock) -> None:
    project = made(tmp_path, clock, review="18h")
    for hours, key in ((0, KEY), (24, KEY), (25, "2026-W48")):
        clock.time = SLOT + timedelta(hours=hours)
        assert project.reviewed_slot().key == key


def test_a_review_without_editors_and_one_of_a_week_are_refused_by_name(tmp_path: Path, clock: Clock) -> None:
    root = make_project(tmp_path / "project", clock=clock).root
    set_line(root, 'time = "07:00"', 'time = "07:00"\nreview = "7d"')
    with pytest.raises(SettingsError, match="review has to be shorter than a week"):
        Project(root)
    set_line(root, '"7d"', '"6d"')
    set_line(root, 'editors = ["editor@marquee.example"]', "editors = []")
    with pytest.raises(SettingsError, match="review mails a proof to \\[newsletter\\] editors, and there is none"):
        Project(root)
    assert Project.for_sending(root).settings.schedule.review == timedelta(0)
