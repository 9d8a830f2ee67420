"""`pull`, `pick`, `check` and `articles …`: the shelf, the editor's hand, and the reasons."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import NEXT_WEEK, WEEK, demo, run, set_line

CORPUS = Path(os.environ.get("NEWSLETTER_CORPUS", Path(__file__).parents[2] / "shared" / "corpus"))
PAGE = """\
Tram Nine Gets a Second Conductor

The city asked, and the depot answered.

A long paragraph about the tram, the conductor, the depot and everything else that makes a page an article worth
reading on a Thursday evening, with enough words to be taken for text.

TV Info

Tram Nine
Produced by
Nobody
User Rating
3 users
"""


def parsed(text: str) -> Any:
    return json.loads(text)


def listed(project: Path, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = parsed(run("articles", "list", "--json", *arguments, project=project).stdout)
    return found


def test_a_pull_says_what_each_source_gave(tmp_path: Path) -> None:
    project = demo(tmp_path)
    assert run("pull", project=project).stdout == "site: 22 new, 0 changed, 0 as before\n"
    again = parsed(run("pull", "--json", project=project).stdout)
    assert again[0]["source"] == "site"
    assert again[0]["unchanged"] or again[0]["same"] == 22


def test_one_source_alone_is_read_by_its_name(tmp_path: Path) -> None:
    project = demo(tmp_path)
    set_line(project, "[[sources]]", '[[sources]]\nname = "other"\nkind = "folder"\npath = "nowhere"\n\n[[sources]]')
    pulled = run("pull", "--source", "site", project=project)
    assert (pulled.exit_code, pulled.stdout) == (0, "site: 22 new, 0 changed, 0 as before\n")
    both = run("pull", "--source", "site", "--source", "other", "--json", project=project)
    assert [line["source"] for line in parsed(both.stdout)] == ["other", "site"]
    strange = run("pull", "--source", "sight", project=project)
    assert (strange.exit_code, strange.stdout) == (1, "")
    assert 'there is no source "sight"; did you mean "site"?' in strange.stderr


def test_a_source_that_fails_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    project = demo(tmp_path)
    broken = '[[sources]]\nname = "dead"\nkind = "feed"\nurl = "http://127.0.0.1:1/"\nallow_private = ["127.0.0.1"]\n\n'
    set_line(project, "[[sources]]", f"{broken}[[sources]]")
    pulled = run("pull", project=project)
    assert pulled.exit_code == 1
    assert "dead: failed, " in pulled.stdout
    assert "site: 22 new" in pulled.stdout
    assert len(listed(project)) == 22


def test_a_plug_in_that_crashes_is_a_failed_source_and_the_others_go_on(tmp_path: Path) -> None:
    project = demo(tmp_path)
    (project / "crashing_source.py").write_text(
        "class Crashing:\n    name = 'crashing'\n"
        "    @classmethod\n    def from_options(cls, name, options, **rest):\n        return cls()\n"
        "    def read(self, previous):\n        return 1 / 0\n"
    )
    set_line(project, "[[sources]]", '[[sources]]\nname = "crashing"\nkind = "crashing_source:Crashing"\n\n[[sources]]')
    pulled = run("pull", project=project)
    assert pulled.exit_code == 1
    assert "crashing: failed, " in pulled.stdout
    assert "ZeroDivisionError" in pulled.stdout
    assert "site: 22 new" in pulled.stdout


def test_every_pick_says_why_in_a_sentence(tmp_path: Path) -> None:
    project = demo(tmp_path, "pulled")
    shown = run("pick", project=project).stdout
    assert "Weekly highlights" in shown
    assert "The most read of the week: 18,420 views, and featured\n" in shown
    assert "took the last place in Weekly highlights" in shown
    assert "popularity" not in shown
    assert "Passed over" in shown
    assert "incomplete: lacks date" in shown


def test_the_picks_come_as_json_with_every_term(tmp_path: Path) -> None:
    project = demo(tmp_path, "pulled")
    picked = parsed(run("pick", "--json", project=project).stdout)
    assert picked["slot"] == WEEK
    assert [one["name"] for one in picked["sections"]] == ["highlights", "guides"]
    first = picked["picked"][0]
    assert first["score"] == pytest.approx(sum(term["points"] for term in first["terms"]))
    assert set(first["terms"][0]) == {"name", "weight", "value", "points", "why"}
    assert all(one["reason"] for one in picked["passed_over"])


def test_one_article_is_explained_whatever_became_of_it(tmp_path: Path) -> None:
    project = demo(tmp_path, "pulled")
    picks = parsed(run("pick", "--json", project=project).stdout)
    chosen, passed = picks["picked"][0]["article"], picks["passed_over"][0]["article"]
    explained = run("pick", "--why", chosen["url"], project=project).stdout
    assert "picked for highlights, place 1: The most read of the week" in explained
    assert "= popularity ." in explained
    assert "; beat “" in explained
    assert "points" in run("pick", "--why", str(chosen["id"]), project=project).stdout
    assert "passed over: " in run("pick", "--why", str(passed["id"]), project=project).stdout
    why = parsed(run("pick", "--why", str(passed["id"]), "--json", project=project).stdout)
    assert why["picked"] is None
    assert why["passed_over"]["reason"]


def test_a_pick_names_its_related_coverage_and_that_says_where_it_is_kept(tmp_path: Path) -> None:
    project = demo(tmp_path, "pulled")
    pick = next(one for one in parsed(run("pick", "--json", project=project).stdout)["picked"] if one["related"])
    titles = [one["title"] for one in pick["related"]]
    assert f"     Related: {'; '.join(titles)}\n" in run("pick", project=project).stdout
    assert f"related: {titles[0]} (article " in run("pick", "--why", pick["article"]["url"], project=project).stdout
    why = run("pick", "--why", pick["related"][0]["url"], project=project).stdout
    assert "is picked on the same subject" in why
    assert "; this one is kept as its related coverage\n" in why


def test_picking_changes_nothing(tmp_path: Path) -> None:
    project = demo(tmp_path, "pulled")
    first = run("pick", "--json", project=project).stdout
    assert run("pick", "--json", project=project).stdout == first
    assert run("issues", "list", project=project).stdout.startswith("there is no issue yet")


def test_incomplete_articles_are_listed_with_what_they_lack(tmp_path: Path) -> None:
    project = demo(tmp_path, "pulled")
    incomplete = listed(project, "--incomplete")
    assert sorted(one["lacks"] for one in incomplete) == [["date"], ["url"]]
    assert "incomplete, lacks url" in run("articles", "list", "--incomplete", project=project).stdout


def test_a_date_that_is_shown_and_counts_as_lacking_is_called_a_guess(tmp_path: Path) -> None:
    project = demo(tmp_path)
    page = tmp_path / "page.html"
    page.write_text(
        "<html><head><title>A day out</title><link rel='canonical' href='https://tramlight.example/2016/11/28/day-out'>"
        "</head><body><article><h1>A day out</h1><p>We went out for the whole of the day.</p></article></body></html>"
    )
    run("articles", "add", str(page), project=project)
    shown = run("articles", "list", "--incomplete", project=project).stdout
    assert "2016-11-28" in shown
    assert "lacks date (the one shown is a guess)" in shown


def test_the_shelf_is_shown_in_pages(tmp_path: Path) -> None:
    project = demo(tmp_path, "pulled")
    first = run("articles", "list", "--limit", "10", project=project)
    assert "--before 13" in first.stderr
    numbers = [one["id"] for one in listed(project, "--limit", "10", "--before", "13")]
    assert numbers == list(range(12, 2, -1))


def test_a_saved_page_is_added_completed_and_picked(tmp_path: Path) -> None:
    project = demo(tmp_path, "pulled")
    page = tmp_path / "page.txt"
    page.write_text(PAGE)
    added = run("articles", "add", str(page), project=project)
    assert added.exit_code == 0, added.stderr
    assert "it lacks url and date: newsletter articles edit 23 --url … --date …" in added.stdout
    shown = run("articles", "show", "23", project=project).stdout
    assert "3 users, no rating" in shown
    run("articles", "edit", "23", "--url", "https://x.example/nine", "--date", "2026-11-19", project=project)
    edited = parsed(run("articles", "edit", "23", "--title", "My own title", "--json", project=project).stdout)
    assert edited["lacks"] == []
    assert edited["title"] == "My own title"
    set_line(project, 'match = { category = ["News", "Reviews", "Interviews"] }', "")
    set_line(project, "pick = 5", "pick = 20")
    picked = parsed(run("pick", "--json", project=project).stdout)["picked"]
    assert "https://x.example/nine" in [one["article"]["url"] for one in picked]


@pytest.mark.corpus
def test_the_founding_page_goes_from_a_file_into_the_issue(tmp_path: Path) -> None:
    if not CORPUS.is_dir():
        pytest.skip("the corpus is not beside the project; name its folder with NEWSLETTER_CORPUS")
    project = demo(tmp_path, "pulled")
    (added,) = parsed(
        run("articles", "add", str(CORPUS / "seed" / "article-page.txt"), "--json", project=project).stdout
    )
    assert added["lacks"] == ["url", "date"]
    number = str(added["id"])
    run(
        "articles",
        "edit",
        number,
        "--url",
        "https://x.example/dead",
        "--date",
        "2026-11-19T09:00+08:00",
        project=project,
    )
    set_line(project, 'match = { category = ["News", "Reviews", "Interviews"] }', "")
    set_line(project, "pick = 5", "pick = 20")
    assert "picked for highlights" in run("pick", "--why", number, project=project).stdout


def test_an_edit_is_taken_back_by_an_empty_one_and_survives_a_pull(tmp_path: Path) -> None:
    project = demo(tmp_path, "pulled")
    before = listed(project, "--limit", "1")[0]
    number = str(before["id"])
    run("articles", "edit", number, "--title", "Mine", "--blurb", "My lines", project=project)
    run("pull", project=project)
    assert listed(project, "--limit", "1")[0]["title"] == "Mine"
    run("articles", "edit", number, "--title", "", "--blurb", "", project=project)
    after = listed(project, "--limit", "1")[0]
    assert after["title"] == before["title"]
    assert after["edited"] == []


def test_a_dropped_article_is_never_picked_and_a_held_one_not_yet(tmp_path: Path) -> None:
    project = demo(tmp_path, "pulled")
    first, second = (
        str(one["article"]["id"]) for one in parsed(run("pick", "--json", project=project).stdout)["picked"][:2]
    )
    assert "no issue will pick it" in run("articles", "drop", first, project=project).stdout
    assert NEXT_WEEK in run("articles", "hold", second, project=project).stdout
    now = [str(one["article"]["id"]) for one in parsed(run("pick", "--json", project=project).stdout)["picked"]]
    later = parsed(run("pick", "--slot", NEXT_WEEK, "--json", project=project).stdout)["picked"]
    assert first not in now
    assert second not in now
    assert second in [str(one["article"]["id"]) for one in later]


def test_a_hold_skips_the_coming_issue_also_when_this_weeks_is_out(tmp_path: Path) -> None:
    project = demo(tmp_path, "sent")
    assert "2026-W49" in run("articles", "hold", "15", project=project).stdout


def test_the_check_looks_at_the_letter_and_at_the_frozen_one(tmp_path: Path) -> None:
    project = demo(tmp_path, "pulled")
    findings = run("check", "--json", project=project)
    assert findings.exit_code == 0
    assert all(one["level"] != "error" for one in parsed(findings.stdout)["findings"])
    empty = run("check", project=demo(tmp_path / "other"))
    assert empty.exit_code == 1
    assert "no article was picked" in empty.stderr


def test_the_check_of_a_closed_issue_reads_no_template(tmp_path: Path) -> None:
    project = demo(tmp_path, "sent")
    (project / "templates" / "weekly").mkdir()
    (project / "templates" / "weekly" / "body.html.j2").write_text("{% broken")
    assert run("check", project=project).exit_code == 0


def test_any_html_file_is_checked_and_written_with_its_css_inlined(tmp_path: Path) -> None:
    page, out = tmp_path / "page.html", tmp_path / "out.html"
    page.write_text("<!DOCTYPE html><html><head><style>p{color:#123456}</style></head><body><p>Hi</p></body></html>")
    checked = run("check", "--html", str(page), "--inlined", str(out), "--json")
    assert "unsubscribe.html" in {one["id"] for one in parsed(checked.stdout)["findings"]}
    assert 'style="color:#123456"' in out.read_text().replace(" ", "").replace("<pstyle", "<p style")


def test_a_preview_is_written_as_files(tmp_path: Path) -> None:
    project = demo(tmp_path, "pulled")
    out = tmp_path / "out"
    assert run("preview", "--once", str(out), "--as", "ada@harbourlight.example", project=project).exit_code == 0
    assert {"issue.html", "issue.txt", "issue.eml", "findings.json"} <= {file.name for file in out.iterdir()}
    assert "ada@harbourlight.example" in (out / "issue.eml").read_text()
