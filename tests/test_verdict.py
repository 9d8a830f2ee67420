"""One verdict: what `send` would do and why is said alike by every command that looks at the issue, and `send` does it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from newsletter.issue import Article, Issue, PassedOver, Pick, Section, Slot
from newsletter.weekly import Composed
from newsletter.weekly.verdict import decide, silent_sources
from tests.command_line import ACTIVE, WEEK, demo, mails, run, set_line
from tests.times import NOW

OLD_FEED = """\
<rss version="2.0"><channel><title>Old</title>{items}</channel></rss>
"""
OLD_ITEM = (
    "<item><title>Old story number {0}</title><link>https://old.example/{0}</link>"
    "<pubDate>Mon, 06 Jan 2025 10:0{0}:00 +0000</pubDate></item>"
)


def nothing(project: Path) -> None:
    """The project as it is."""


def thin(project: Path) -> None:
    set_line(project, "[issue]\n", "[issue]\nmin = 50\n")


def no_subscribers(project: Path) -> None:
    for line in run("subscribers", "export", "--status", "active", project=project).stdout.splitlines()[1:]:
        run("subscribers", "unsubscribe", line.split('"')[1], project=project)


def no_articles(project: Path) -> None:
    for file in (project / "site").glob("*.md"):
        file.unlink()


def broken_letter(project: Path) -> None:
    (project / "templates" / "weekly").mkdir()
    (project / "templates" / "weekly" / "body.html.j2").write_text("<html><body><p>No way out.</p></body></html>")


def closed(project: Path) -> None:
    assert run("send", "--yes", project=project).exit_code == 0


def no_address(project: Path) -> None:
    set_line(project, "postal_address = ", "#postal_address = ")


CASES: dict[str, tuple[Callable[[Path], None], str, int, str]] = {
    # what was done to the project: the outcome, the exit code of the rehearsal, and what it says
    "as it is": (nothing, "send", 0, f"would go to {ACTIVE} recipients"),
    "a thin week": (thin, "thin", 1, "a thin week: 9 articles to carry, [issue] min is 50"),
    "no article": (no_articles, "nothing new", 1, "no article was picked"),
    "nobody subscribed": (no_subscribers, "nobody", 1, "nobody is subscribed yet"),
    "a letter with errors": (broken_letter, "refused", 1, "errors, the first: "),
    "a closed week": (closed, "done", 1, "a send would mail nobody"),
    "no postal address": (no_address, "refused", 2, "[newsletter] postal_address is empty"),
}


@pytest.mark.parametrize("case", CASES)
def test_the_rehearsal_says_what_the_send_then_does(tmp_path: Path, case: str) -> None:
    prepare, outcome, code, says = CASES[case]
    project = demo(tmp_path)
    prepare(project)
    before = len(mails(project))
    rehearsed = run("send", "--dry-run", project=project)
    assert rehearsed.exit_code == code
    assert says in rehearsed.output
    assert len(mails(project)) == before
    sent = run("send", "--yes", "--json", project=project)
    mailed = len(mails(project)) - before
    assert mailed == (ACTIVE if outcome == "send" else 0)
    assert sent.exit_code == code or outcome == "done"
    if outcome not in ("send", "done"):
        assert says in sent.output, "the send gives the same reason"
    if outcome != "refused":
        assert json.loads(sent.stdout)["verdict"]["outcome"] == outcome


@pytest.mark.parametrize("case", ["as it is", "a thin week", "nobody subscribed", "a letter with errors"])
def test_every_command_that_looks_at_the_issue_says_the_same(tmp_path: Path, case: str) -> None:
    prepare, outcome, _, says = CASES[case]
    project = demo(tmp_path, "pulled")
    prepare(project)
    out = tmp_path / "out"
    previewed = run("preview", "--once", str(out), project=project)
    assert previewed.exit_code == 0
    verdicts = {
        "pick": json.loads(run("pick", "--json", project=project).stdout)["verdict"],
        "check": json.loads(run("check", "--json", project=project).stdout)["verdict"],
        "preview": json.loads((out / "findings.json").read_text())["verdict"],
        "send": json.loads(run("send", "--dry-run", "--json", project=project).stdout)["verdict"],
        "doctor": json.loads(run("doctor", "--json", project=project).stdout)["verdict"],
    }
    assert verdicts["send"]["outcome"] == outcome
    assert says in verdicts["send"]["text"]
    assert all(one == verdicts["send"] for one in verdicts.values()), verdicts
    assert verdicts["send"]["text"] in previewed.stdout
    for command in ("pick", "check", "doctor"):
        assert verdicts["send"]["text"] in run(command, project=project).stdout, command


def test_a_source_of_which_all_is_too_old_is_named_with_its_count(tmp_path: Path) -> None:
    project = demo(tmp_path)
    (project / "old.xml").write_text(OLD_FEED.format(items="".join(OLD_ITEM.format(number) for number in range(5))))
    with (project / "newsletter.toml").open("a") as settings:
        settings.write('[[sources]]\nname = "old"\nkind = "feed"\npath = "old.xml"\n')
        settings.write('[[sources]]\nname = "gone"\nkind = "folder"\npath = "nowhere"\n')
    shown = run("send", "--dry-run", project=project)
    assert shown.exit_code == 0
    assert "the source old gave nothing to this issue: all its 5 articles are passed over (too old)" in shown.stdout
    assert "the source gone gave nothing to this issue: The folder" in shown.stdout
    silent = json.loads(run("pick", "--json", project=project).stdout)["verdict"]["silent_sources"]
    assert {one["source"] for one in silent} == {"old", "gone"}


def test_a_person_who_names_the_week_skips_nothing_for_good_and_the_schedule_does(tmp_path: Path) -> None:
    project = demo(tmp_path)
    thin(project)
    by_hand = run("send", "--slot", WEEK, "--yes", project=project)
    assert (by_hand.exit_code, "was not sent" in by_hand.stdout) == (1, True)
    assert json.loads(run("issues", "list", "--json", project=project).stdout)[0]["state"] == "planned"
    assert "is skipped" in run("send", "--slot", WEEK, "--scheduled", "--yes", project=project).stdout
    assert json.loads(run("issues", "list", "--json", project=project).stdout)[0]["state"] == "skipped"


@pytest.mark.parametrize("command", ["check", "preview --once {out}"])
def test_where_there_is_no_letter_the_verdict_is_what_is_said(tmp_path: Path, command: str) -> None:
    project = demo(tmp_path)
    no_articles(project)
    run("pull", project=project)
    refused = run(*command.format(out=tmp_path / "out").split(), project=project)
    assert refused.exit_code == 1
    for said in ("no article was picked", "the section “Weekly highlights” is empty", "the source site gave nothing"):
        assert said in refused.stderr


# The decision itself.

SECTIONS = (Section("best", "The best"), Section("guides", "Guides"))


def article(title: str, source: str = "site") -> Article:
    return Article(title, url=f"https://www.example.org/{title}", source=source, published=NOW - timedelta(days=1))


def issue(*picks: Pick, passed_over: tuple[PassedOver, ...] = ()) -> Issue:
    return Issue(Slot(WEEK, NOW), SECTIONS, picks, passed_over)


def silent(given: Issue, **more: Any) -> dict[str, str]:
    values: dict[str, Any] = {"failures": {}, "on_shelf": {"site": 3}, **more}
    return {one.source: one.reason for one in silent_sources(["site"], issue=given, **values)}


@pytest.mark.parametrize(("recipients", "said"), [(1, "1 recipient"), (1204, "1,204 recipients")])
def test_the_verdict_counts_as_one_would_say_it(recipients: int, said: str) -> None:
    composed = Composed(issue(Pick(article("one"), "best", 1, 1.0)), None)
    assert decide(composed, recipients=recipients, at_least=1).text.endswith(f"would go to {said}")


def test_an_empty_section_is_named_by_its_title() -> None:
    composed = Composed(issue(Pick(article("one"), "best", 1, 1.0)), None)
    assert decide(composed, recipients=1, at_least=1).empty_sections == ("Guides",)


def test_a_thin_issue_goes_out_where_that_is_wanted_and_an_empty_one_never() -> None:
    one = Composed(issue(Pick(article("one"), "best", 1, 1.0)), None)
    assert decide(one, recipients=1, at_least=2, when_thin="send").outcome == "send"
    assert decide(Composed(issue(), None), recipients=1, at_least=2, when_thin="send").outcome == "nothing new"


def test_a_source_with_one_usable_article_is_not_silent() -> None:
    beaten = PassedOver(article("two"), "beaten by “one”", score=0.2, waits=True)
    assert silent(issue(Pick(article("one"), "best", 1, 1.0))) == {}
    assert silent(issue(passed_over=(beaten,))) == {}


def test_the_reasons_of_a_silent_source_are_counted_by_kind() -> None:
    passed = (PassedOver(article("a"), "carried by 2026-W46"), PassedOver(article("b"), "incomplete: lacks date"))
    assert silent(issue(passed_over=passed)) == {
        "site": "all its 3 articles are passed over (1 carried by 2026-W46, 1 incomplete, 1 too old)"
    }
    assert silent(issue(passed_over=passed[1:]), on_shelf={"site": 1}) == {
        "site": "its one article is passed over (incomplete)"
    }
    assert silent(issue(), on_shelf={}) == {"site": "it has no articles"}
    assert silent(issue(), failures={"site": "no answer"}) == {"site": "no answer"}
