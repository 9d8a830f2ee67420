"""The review page under `serve`: an editor's link is their key, and nothing else opens it or acts on it."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest

from newsletter.app import Project
from newsletter.issues import IssueState
from newsletter.review_links import FORM, PURPOSE
from tests.projects import SITE, TITLES, TOML, make_project
from tests.times import NOW, Clock
from tests.web_project import Answer, WebClient, served

KEY = "2026-W47"
ODALYS, BEN = "odalys@marquee.example", "ben@marquee.example"
TEXT = (TOML + SITE).replace(
    '"editor@marquee.example"', '"Odalys Penhallow <odalys@marquee.example>", "ben@marquee.example"'
)
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7*7 }}"


@pytest.fixture
def project(tmp_path: Path, clock: Clock, database_url: str) -> Project:
    project = make_project(
        tmp_path / "project",
        clock=clock,
        text=TEXT,
        titles=TITLES,
        database=database_url,
        plain=True,
        subscribers=2,
    )
    project.weekly.pull()
    return project


@pytest.fixture
def client(project: Project) -> Iterator[WebClient]:
    with served(project) as client:
        yield client


def path_of(project: Project, editor: str = ODALYS) -> str:
    url = project.review_url(project.weekly.proofs.link(project.slot(KEY), editor))
    return url.removeprefix(project.publication.public_url)


def post(client: WebClient, path: str, do: str, **fields: str) -> Answer:
    """A form of the page as it is now."""
    page = client.get(path).text
    values = dict(re.findall(r'name="(token|seen|slot)" value="([^"]*)"', page))
    return client.post_form(path, urlencode({**values, "do": do, **fields}))


def first_of(client: WebClient, path: str) -> str:
    found = re.search(r'data-article="(\d+)"', client.get(path).text)
    assert found
    return found[1]


def state(project: Project) -> object:
    return (project.decisions.log(), project.issues.newest(), [one.article for one in project.shelf.page()])


def test_a_link_opens_one_editors_page_of_one_issue(client: WebClient, project: Project) -> None:
    path = path_of(project)
    shown = client.get(path)
    assert shown.status == 200
    assert "You are Odalys Penhallow" in shown.text
    assert "Goes out Thursday 07:00 to 2 readers" in shown.text
    assert '<select name="slot">' not in shown.text
    assert f"{KEY}" in client.get(f"{path}?slot=2026-W50").text
    assert "2026-W50" not in client.get(f"{path}?slot=2026-W50").text.replace("slot=2026-W50", "")
    assert client.get(path.rstrip("/")).headers["location"] == path


def test_what_is_decided_there_is_decided_in_the_editors_name(client: WebClient, project: Project) -> None:
    path = path_of(project)
    number = first_of(client, path)
    answer = post(client, path, f"drop {number}")
    assert (answer.status, answer.headers["location"]) == (303, f"{path}?slot={KEY}#a-{number}")
    post(client, path_of(project, BEN), "intro", text="It rained.")
    made = [(one.act, one.by, one.origin) for one in project.decisions.log()]
    assert made == [("drop", "Odalys Penhallow", "page"), ("intro", BEN, "page")]
    assert f"by {BEN}, just now" in client.get(path).text


def test_an_issue_is_approved_and_pulled_back_there(client: WebClient, project: Project) -> None:
    path = path_of(project)

    def approve() -> Answer:
        digest = re.search(r'name="digest" value="([0-9a-f]{64})"', client.get(path).text)
        assert digest
        return post(client, path, "approve", digest=digest[1])

    assert approve().status == 303
    assert project.issues.get(KEY).state == IssueState.APPROVED
    assert "approved by Odalys Penhallow" in client.get(path_of(project, BEN)).text
    assert post(client, path_of(project, BEN), "pull-back").status == 303
    assert project.issues.get(KEY).state == IssueState.REVIEW
    assert approve().status == 303


def test_an_issue_that_waits_for_a_person_says_what_an_approval_does(tmp_path: Path, clock: Clock) -> None:
    text = TEXT.replace('time = "07:00"', 'time = "07:00"\napproval = "required"')
    project = make_project(tmp_path / "waits", clock=clock, text=text, titles=TITLES, plain=True, subscribers=2)
    project.weekly.pull()
    with served(project) as client:
        page = client.get(path_of(project)).text
    assert "It waits for an approval until Friday 20 November, 07:00" in page
    assert "Approved, it goes out Thursday 07:00 to 2 readers" in page


def test_a_scanner_that_follows_every_link_changes_nothing(client: WebClient, project: Project) -> None:
    path = path_of(project)
    before = state(project)
    page = client.get(path).text
    paths = {
        path,
        path.rstrip("/"),
        *re.findall(r'(?:href|src|action)="(/[^"]*)"', page),
        f"{path}letter",
        f"{path}seen",
    }
    number, token = first_of(client, path), re.search(r'name="token" value="([^"]+)"', page)
    assert token
    paths |= {f"{path}?{urlencode({'do': f'drop {number}', 'token': token[1], 'slot': KEY})}"}
    for one in paths:
        for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE"):
            client.ask(method, one.replace("&amp;", "&"))
    assert state(project) == before


@pytest.mark.parametrize("what", ["forged", "other purpose", "unknown", "revoked", "expired", "cancelled", "empty"])
def test_a_link_that_opens_nothing_says_why(client: WebClient, project: Project, clock: Clock, what: str) -> None:
    path, slot = path_of(project), project.slot(KEY)
    if what == "forged":
        path = path[:-3] + ("A" if path[-3] != "A" else "B") + path[-2:]
    elif what == "other purpose":
        link = project.weekly.proofs.link(slot, ODALYS)
        path = f"/review/{project.keys.sign(link.payload, purpose=FORM)}/"
    elif what == "unknown":
        path = f"/review/{project.keys.sign(bytes(16), purpose=PURPOSE)}/"
    elif what == "revoked":
        project.weekly.proofs.revoke(slot, ODALYS)
    elif what == "expired":
        clock.time = NOW + timedelta(days=2)
    elif what == "cancelled":
        from newsletter.weekly.editor import Who

        project.weekly.approval.cancel(slot, who=Who("Ben"))
    elif what == "empty":
        path = "/review/x/"
    before = state(project)
    sentences = {"revoked": "was revoked", "expired": "has passed", "cancelled": "is cancelled"}
    form = urlencode({"do": "drop 1", "token": "x"})
    for answer in (
        client.get(path),
        client.get(f"{path}letter"),
        client.get(f"{path}seen"),
        client.post_form(path, form),
    ):
        assert answer.status == 403
        assert sentences.get(what, "no link to a review page") in answer.text
        assert answer.headers["cache-control"] == "no-store"
    assert state(project) == before


def test_a_form_needs_the_token_of_its_own_page(client: WebClient, project: Project) -> None:
    path, number = path_of(project), first_of(client, path_of(project))
    theirs = re.search(r'name="token" value="([^"]+)"', client.get(path_of(project, BEN)).text)
    assert theirs
    for token in ("", "x", theirs[1], path.split("/")[-2]):
        answer = client.post_form(path, urlencode({"do": f"drop {number}", "token": token, "slot": KEY}))
        assert answer.status == 400
        assert "this form is not of this page" in answer.text
    assert project.decisions.log() == []


def test_the_page_is_private_framed_by_nobody_and_takes_titles_as_text(client: WebClient, project: Project) -> None:
    path = path_of(project)
    story = project.weekly.pick(project.slot(KEY)).picks[0].article
    project.shelf.put([replace(story, title=HOSTILE, id=None, first_seen=None)], now=NOW)
    page = client.get(path)
    assert HOSTILE not in page.text
    assert "&lt;script&gt;alert(1)" in page.text
    policy = page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'nonce-" in policy
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "same-origin"
    letter = client.get(f"{path}letter")
    assert "sandbox" in letter.headers["content-security-policy"]
    assert "https://news.marquee.example/unsubscribe/&quot;" in letter.text.replace('"', "&quot;")
    assert "Disallow: /review" in client.get("/robots.txt").text


def test_the_access_log_has_no_live_link(client: WebClient, project: Project, caplog: pytest.LogCaptureFixture) -> None:
    path = path_of(project)
    with caplog.at_level(logging.INFO, logger="uvicorn.access"):
        client.get(path)
        client.get(f"{path}seen")
    assert "/review/…" in caplog.text
    assert path.split("/")[-2] not in caplog.text


def test_it_lies_under_the_path_of_the_public_address(tmp_path: Path, clock: Clock) -> None:
    project = make_project(
        tmp_path / "below",
        clock=clock,
        text=TEXT,
        titles=TITLES,
        plain=True,
        public_url="https://news.marquee.example/weekly",
        subscribers=1,
    )
    project.weekly.pull()
    path = f"/weekly{path_of(project)}"
    with served(project) as client:
        page = client.get(path)
        assert page.status == 200
        assert f'action="{path}"' in page.text
        assert f'src="{path}letter' in page.text
        assert client.get(path.rstrip("/")).headers["location"] == path
        assert post(client, path, f"drop {first_of(client, path)}").headers["location"].startswith(path)
