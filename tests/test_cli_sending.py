"""`send`, `worker`, `issues` and `audit`: what the operator sees of the main job, over a real mail server."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import ACTIVE, NEXT_WEEK, NOW, WEEK, demo, mails, run, set_line, start
from tests.smtp_servers import Received, serving
from tests.times import PATIENCE

ADA, BJORN = "ada@harbourlight.example", "bjorn@fjordpost.example"


def parsed(text: str) -> Any:
    return json.loads(text)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Received]:
    """A mail server the project sends to, whatever its settings file says."""
    with serving() as received:
        for name, value in smtp(received).items():
            monkeypatch.setenv(name, value)
        yield received


def smtp(received: Received) -> dict[str, str]:
    return {
        "NEWSLETTER_BACKEND__KIND": "smtp",
        "NEWSLETTER_BACKEND__HOST": "127.0.0.1",
        "NEWSLETTER_BACKEND__PORT": str(received.port),
        "NEWSLETTER_BACKEND__SECURITY": "none",
    }


def reached(received: Received) -> list[str]:
    return [recipient for envelope in received.envelopes for recipient in envelope.rcpt_tos]


def test_one_command_sends_the_week_and_says_what_and_why(tmp_path: Path) -> None:
    project = demo(tmp_path)
    sent = run("send", "--yes", project=project)
    assert sent.exit_code == 0, sent.stderr
    assert "Weekly highlights" in sent.stdout
    assert "The most read of the week: 18,420 views, and featured" in sent.stdout
    assert f"frozen {ACTIVE}: accepted {ACTIVE}, refused 0, deferred 0, in doubt 0, skipped 0" in sent.stdout
    assert f"handed over to {project / 'mail'} (maildir)" in sent.stdout
    assert "site: 22 new" in sent.stderr
    assert len(mails(project)) == ACTIVE


def test_a_second_send_says_that_the_issue_is_closed_and_mails_nobody(tmp_path: Path) -> None:
    project = demo(tmp_path, "sent")
    again = run("send", project=project)
    assert again.exit_code == 0
    assert "closed already; nobody was mailed now" in again.stdout
    assert len(mails(project)) == ACTIVE


def test_the_whole_report_comes_as_json_and_nothing_else(tmp_path: Path) -> None:
    project = demo(tmp_path)
    report = parsed(run("send", "--yes", "--json", project=project).stdout)
    assert report["slot"] == WEEK
    assert report["state"] == "closed"
    assert report["states"] == report["this_run"] == {"accepted": ACTIVE}
    assert report["pulled"][0]["new"] == 22
    assert report["picked"][0]["terms"][0]["name"] == "popularity"


def test_a_refused_reader_is_named_and_makes_the_exit_code_one(tmp_path: Path, server: Received) -> None:
    project = demo(tmp_path)
    server.refused[ADA] = "550 5.1.1 no such mailbox"
    sent = run("send", "--yes", project=project)
    assert sent.exit_code == 1
    assert f"accepted {ACTIVE - 1}, refused 1" in sent.stdout
    story = run("issues", "show", WEEK, "--address", ADA, project=project)
    assert "refused" in story.stdout
    assert "5.1.1 no such mailbox" in story.stdout
    assert run("send", project=project).exit_code == 0


def test_a_deferred_reader_is_promised_a_next_try_and_gets_it(
    tmp_path: Path, server: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = demo(tmp_path)
    server.refused[BJORN] = "451 4.7.1 greylisted"
    sent = run("send", "--yes", project=project)
    assert sent.exit_code == 0
    assert "deferred 1" in sent.stdout
    assert "the next try is at 2026-11-19T18:0" in sent.stdout
    del server.refused[BJORN]
    monkeypatch.setattr("tests.command_line.NOW", later(minutes=10))
    assert f"is closed\n  frozen {ACTIVE}: accepted {ACTIVE}" in run("send", project=project).stdout
    assert sorted(reached(server)) == sorted(set(reached(server)))


def later(**by: float) -> str:
    return (datetime.fromisoformat(NOW) + timedelta(**by)).isoformat()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_send_that_is_told_to_stop_loses_nobody_and_doubles_nobody(tmp_path: Path, number: signal.Signals) -> None:
    project = demo(tmp_path)
    with serving() as received:
        slow = {**smtp(received), "NEWSLETTER_PACE__RATE": "0.02"}  # the second only after a minute
        process = start("send", "--yes", project=project, environment=slow)
        assert process.stderr is not None
        told = next(line for line in process.stderr if "is frozen for" in line)
        assert f"{ACTIVE} recipients" in told
        assert received.first.wait(PATIENCE)
        process.send_signal(number)
        _, stderr = process.communicate(timeout=PATIENCE)
        assert process.returncode == 128 + number
        assert "nothing is lost: run `newsletter send` again" in stderr
        assert "Traceback" not in stderr
        assert 0 < len(received.envelopes) < ACTIVE
        counts = parsed(run("audit", "--json", project=project).stdout)[0]["states"]
        assert counts["claimed"] == counts["handing over"] == counts["in doubt"] == 0
        again = start("send", project=project, environment=smtp(received))
        assert "is closed" in again.communicate(timeout=PATIENCE)[0]
        assert sorted(reached(received)) == sorted(set(reached(received)))
        assert len(reached(received)) == ACTIVE


def states(project: Path) -> set[str]:
    return {one["state"] for one in parsed(run("issues", "list", "--json", project=project).stdout)}


def test_a_dry_run_shows_everything_and_freezes_nothing(tmp_path: Path) -> None:
    project = demo(tmp_path)
    shown = run("send", "--dry-run", project=project)
    assert shown.exit_code == 0
    assert f"would go to {ACTIVE} recipients" in shown.stdout
    assert "Passed over" in shown.stdout
    assert states(project) == {"planned"}
    assert not mails(project)
    as_json = parsed(run("send", "--dry-run", "--json", project=project).stdout)
    assert as_json["audience"] == ACTIVE
    assert as_json["subject"]


def test_a_dry_run_of_a_closed_week_says_so(tmp_path: Path) -> None:
    project = demo(tmp_path, "sent")
    assert "a send would mail nobody" in run("send", "--dry-run", project=project).stdout
    assert len(mails(project)) == ACTIVE


@pytest.mark.parametrize("state", ["pulled", "sent"])
def test_a_test_copy_is_one_mail_and_no_record(tmp_path: Path, state: str) -> None:
    project = demo(tmp_path, state)
    before, audit = len(mails(project)), run("audit", "--json", project=project).stdout
    copy = run("send", "--to", "Editor@example.org", project=project)
    assert copy.exit_code == 0
    assert "Nothing was recorded" in copy.stdout
    assert len(mails(project)) == before + 1
    assert run("audit", "--json", project=project).stdout == audit


def test_a_template_changed_after_the_freeze_changes_no_test_copy(tmp_path: Path) -> None:
    project = demo(tmp_path, "sent")
    (project / "templates" / "weekly").mkdir()
    (project / "templates" / "weekly" / "body.txt.j2").write_text("something else")
    run("send", "--to", "editor@example.org", project=project)
    assert all(b"something else" not in mail.read_bytes() for mail in mails(project))


def test_a_thin_week_by_hand_mails_nobody_and_may_be_tried_again(tmp_path: Path) -> None:
    project = demo(tmp_path)
    set_line(project, "[issue]\n", "[issue]\nmin = 50\n")
    thin = run("send", "--yes", project=project)
    assert "was not sent, nobody was mailed: a thin week" in thin.stdout
    set_line(project, "min = 50\n", "min = 1\n")
    assert "is closed" in run("send", "--yes", project=project).stdout


def test_an_issue_for_nobody_is_not_made_and_uses_up_no_article(tmp_path: Path) -> None:
    project = demo(tmp_path)
    for line in run("subscribers", "export", "--status", "active", project=project).stdout.splitlines()[1:]:
        run("subscribers", "unsubscribe", line.split('"')[1], project=project)
    refused = run("send", "--yes", project=project)
    assert refused.exit_code == 1
    assert "nobody is subscribed yet" in refused.stdout
    run("subscribers", "add", "late@example.org", "--confirmed", project=project)
    assert "accepted 1," in run("send", "--yes", project=project).stdout


def test_a_thin_week_of_the_schedule_is_skipped_with_its_reason(tmp_path: Path) -> None:
    project = demo(tmp_path)
    set_line(project, "[issue]\n", "[issue]\nmin = 50\n")
    skipped = run("send", "--slot", WEEK, "--scheduled", "--yes", project=project)
    assert "skipped, nobody was mailed: a thin week" in skipped.stdout
    assert not mails(project)
    assert "thin week" in run("issues", "show", WEEK, project=project).stdout


def test_a_named_week_is_sent_though_an_older_one_is_unfinished(tmp_path: Path, server: Received) -> None:
    project = demo(tmp_path)
    server.refused[BJORN] = "451 4.7.1 greylisted"
    run("send", "--yes", project=project)
    set_line(project, "[issue]\n", "[issue]\nmin = 1\n")
    sent = run("send", "--slot", NEXT_WEEK, "--yes", "--json", project=project)
    assert parsed(sent.stdout)["slot"] == NEXT_WEEK
    assert states(project) == {"sending", "planned"}


def test_a_worker_with_nothing_frozen_sends_the_single_mails(tmp_path: Path) -> None:
    project = demo(tmp_path)
    run("subscribers", "add", "new@example.org", project=project)
    worked = run("worker", project=project)
    assert worked.exit_code == 0
    assert "no issue is frozen and unfinished; single mails: accepted 1" in worked.stdout
    assert b"new@example.org" in mails(project)[0].read_bytes()


def test_a_worker_goes_on_with_a_frozen_issue(
    tmp_path: Path, server: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = demo(tmp_path)
    server.refused[BJORN] = "451 4.7.1 greylisted"
    run("send", "--yes", project=project)
    del server.refused[BJORN]
    monkeypatch.setattr("tests.command_line.NOW", later(minutes=10))
    worked = run("worker", "--slot", WEEK, "--json", project=project)
    assert parsed(worked.stdout)["this_run"] == {"accepted": 1}
    assert f"{WEEK} is closed" in run("worker", "--slot", WEEK, project=project).stdout


def test_the_audit_has_the_shape_of_the_contract(tmp_path: Path) -> None:
    project = demo(tmp_path, "sent")
    audited = run("audit", "--json", project=project)
    assert audited.exit_code == 0
    (one,) = parsed(audited.stdout)
    assert one["frozen"] == ACTIVE == sum(one["states"].values())
    assert set(one["states"]) == {
        "waiting", "claimed", "handing over", "accepted", "refused", "deferred", "in doubt", "skipped", "expired",
        "cancelled",
    }  # fmt: skip
    assert one["ever_in_doubt"] == []
    assert "right" in run("audit", "--slot", WEEK, project=project).stdout


def test_an_audit_that_is_off_says_so_with_exit_code_one(tmp_path: Path) -> None:
    import sqlite3

    project = demo(tmp_path, "sent")
    with sqlite3.connect(project / "newsletter.db") as connection:
        connection.execute("UPDATE issues SET frozen = frozen + 1")
    connection.close()
    audited = run("audit", project=project)
    assert audited.exit_code == 1
    assert f"frozen for {ACTIVE + 1} recipients" in audited.stdout


def test_who_was_in_doubt_stays_named_in_the_audit(tmp_path: Path) -> None:
    import sqlite3

    project = demo(tmp_path, "sent")
    with sqlite3.connect(project / "newsletter.db") as connection:
        connection.execute(
            "INSERT INTO attempts (ledger, row_id, number, at, outcome)"
            " SELECT 'deliveries', id, 1, updated_at, 'in doubt' FROM deliveries WHERE email = ?",
            (ADA,),
        )
    connection.close()
    (one,) = parsed(run("audit", "--json", project=project).stdout)
    assert one["ever_in_doubt"] == [{"address": ADA, "attempt": 1, "settled": "accepted"}]
    assert f"{ADA} was in doubt at attempt 1, settled as accepted" in run("audit", project=project).stdout


def test_doubts_are_listed_and_settled_by_command(tmp_path: Path) -> None:
    import sqlite3

    project = demo(tmp_path, "sent")
    assert "nobody is in doubt" in run("issues", "doubt", "list", WEEK, project=project).stdout
    with sqlite3.connect(project / "newsletter.db") as connection:
        connection.execute(
            "UPDATE deliveries SET state = 'in doubt', doubt_at = updated_at WHERE email IN (?, ?)", (ADA, BJORN)
        )
        theirs = "row_id IN (SELECT id FROM deliveries WHERE email IN (?, ?))"
        connection.execute(f"UPDATE attempts SET outcome = 'in doubt' WHERE {theirs}", (ADA, BJORN))
    connection.close()
    listed = parsed(run("issues", "doubt", "list", WEEK, "--json", project=project).stdout)
    assert [one["address"] for one in listed] == [ADA, BJORN]
    for wrong in (("--accepted",), (ADA,), (ADA, "--accepted", "--resend"), (ADA, "--all", "--accepted")):
        assert run("issues", "doubt", "resolve", WEEK, *wrong, project=project).exit_code == 2
    accepted = run("issues", "doubt", "resolve", WEEK, ADA, "--accepted", "--by", "Odalys", "--json", project=project)
    assert parsed(accepted.stdout) == {"slot": WEEK, "settled": 1, "as": "accepted"}
    again = run("issues", "doubt", "resolve", WEEK, "--all", "--resend", project=project)
    assert f"1 message of {WEEK} will be sent again" in again.stdout
    assert run("issues", "doubt", "resolve", WEEK, "--all", "--resend", project=project).exit_code == 1
    before = len(mails(project))
    assert run("send", "--yes", project=project).exit_code == 0
    assert len(mails(project)) == before + 1
    assert run("audit", project=project).exit_code == 0
    story = run("issues", "show", WEEK, "--address", ADA, project=project).stdout
    assert "settled by Odalys: it was accepted" in story


def test_an_issue_shows_its_articles_and_one_address_its_story(tmp_path: Path) -> None:
    project = demo(tmp_path, "sent")
    shown = parsed(run("issues", "show", WEEK, "--json", project=project).stdout)
    assert shown["states"] == {"accepted": ACTIVE}
    assert {one["section"] for one in shown["picks"]} == {"highlights", "guides"}
    assert "Articles" in run("issues", "show", WEEK, project=project).stdout
    story = parsed(run("issues", "show", WEEK, "--address", ADA.upper(), "--json", project=project).stdout)
    assert story[0]["state"] == "accepted"
    stranger = run("issues", "show", WEEK, "--address", "stranger@example.org", project=project)
    assert stranger.exit_code == 1
    assert "not among the recipients frozen" in stranger.stderr


def test_a_send_is_held_while_it_runs_and_goes_on_when_it_is_released(tmp_path: Path, server: Received) -> None:
    project = demo(tmp_path)
    held = threading.Event()

    def hold() -> None:
        if len(server.envelopes) == 5 and not held.is_set():
            held.set()
            said = run("issues", "hold", WEEK, "--reason", "the wrong picture", "--by", "Odalys", project=project)
            assert said.exit_code == 0, said.stderr

    server.on_data = hold
    sending = start("send", "--yes", project=project)
    stdout, stderr = sending.communicate(timeout=PATIENCE)
    assert sending.returncode == 1, stderr
    assert "is held: held by Odalys: the wrong picture" in stdout
    assert f"`newsletter issues release {WEEK}` lets it go on" in stdout
    begun = len(server.envelopes)
    assert 5 <= begun < ACTIVE
    assert run("send", "--yes", "--slot", WEEK, project=project).exit_code == 1
    assert run("worker", project=project).exit_code == 0
    assert len(server.envelopes) == begun
    released = run("issues", "release", WEEK, "--by", "Ada", project=project)
    assert f"{WEEK} is now sending" in released.stdout
    assert run("send", "--yes", project=project).exit_code == 0
    assert len(set(reached(server))) == len(server.envelopes) == ACTIVE
    assert run("audit", project=project).exit_code == 0


def test_a_cancelled_issue_mails_nobody_further(tmp_path: Path, server: Received) -> None:
    project = demo(tmp_path)
    server.refused[BJORN] = "451 4.7.1 greylisted"
    run("send", "--yes", project=project)
    cancelled = run("issues", "cancel", WEEK, "--reason", "wrong picture", project=project)
    assert cancelled.exit_code == 0
    assert f"accepted {ACTIVE - 1}, cancelled 1" in cancelled.stdout
    again = run("send", project=project)
    assert again.exit_code == 1
    assert "cancelled already" in again.stdout
    assert "wrong picture" in again.stdout
    assert run("issues", "cancel", WEEK, project=project).exit_code == 1


def test_a_warning_that_is_also_the_refusal_is_said_once(
    tmp_path: Path, server: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = demo(tmp_path)
    server.refused[BJORN] = "451 4.7.1 greylisted"
    run("send", "--yes", project=project)
    monkeypatch.setenv("NEWSLETTER_BACKEND__PORT", "1")
    monkeypatch.setattr("tests.command_line.NOW", later(minutes=10))
    failed = run("send", project=project)
    assert failed.exit_code == 2
    assert failed.stderr.count("cannot be reached") == 1
    assert "cannot be reached" in run("issues", "show", WEEK, project=project).stdout


def test_a_mail_server_that_is_away_is_found_before_anything_is_frozen(
    tmp_path: Path, server: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = demo(tmp_path)
    monkeypatch.setenv("NEWSLETTER_BACKEND__PORT", "1")
    assert run("send", "--yes", project=project).exit_code == 2
    assert states(project) == {"planned"}
