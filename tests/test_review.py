"""The review page over HTTP: what it shows, what its forms do, and what it refuses in a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest

from newsletter.issue import Article, Signal, SignalKind
from newsletter.review.desk import ago
from newsletter.weekly.editor import Who
from tests.preview_project import TITLES, TOKEN, Answer, Site, articles, make_draft, make_root, opened, served
from tests.times import NOW, Clock

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7*7 }}"


@pytest.fixture
def root(tmp_path: Path, clock: Clock) -> Path:
    return make_root(tmp_path / "project", stories=articles(), clock=clock)


@pytest.fixture
def site(root: Path, clock: Clock) -> Iterator[Site]:
    draft = make_draft(root, clock=clock)
    with served(draft) as site:
        yield site
    draft.close()


def page(site: Site) -> str:
    answer = site.ask("/review/")
    assert answer.status == 200
    return answer.text


def post(site: Site, do: str, **fields: str) -> Answer:
    seen = re.search(r'data-seen="(\d+)"', page(site))
    assert seen is not None
    form = {"token": TOKEN, "seen": seen[1], "slot": "2026-W47", "do": do, **fields}
    return site.ask("/review/", method="POST", form=urlencode(form))


def titles(html: str) -> list[str]:
    return re.findall(r'<li class="story.*?<a href="[^"]*"[^>]*>([^<]*)</a>', html, re.DOTALL)


def number_of(site: Site, title: str) -> int:
    found = re.search(rf'data-article="(\d+)"(?:(?!</li>).)*?{re.escape(title)}', page(site), re.DOTALL)
    assert found is not None
    return int(found[1])


def log(root: Path, clock: Clock) -> list[tuple[str, int | None, str]]:
    with opened(root, clock=clock) as project:
        return [(one.act, one.article, one.origin) for one in project.decisions.log()]


def test_it_shows_the_week_by_section_with_reasons_the_verdict_and_the_letter(site: Site) -> None:
    html = page(site)
    assert titles(html) == list(TITLES)
    assert "Goes out Thursday 07:00 to 2 readers" in html
    assert '<span class="badge ready">ready</span>' in html
    assert "The most read of the week" in html
    letter = site.ask("/review/letter?slot=2026-W47")
    assert TITLES[0] in letter.text
    assert "sandbox" in letter.headers["content-security-policy"]


def test_every_button_decides_and_is_undone(site: Site, root: Path, clock: Clock) -> None:
    first, last = number_of(site, TITLES[0]), number_of(site, TITLES[3])
    answer = post(site, f"drop {first}")
    assert (answer.status, answer.headers["location"]) == (303, f"/review/?slot=2026-W47#a-{first}")
    assert titles(page(site)) == list(TITLES[1:])
    post(site, f"up {last}")
    assert titles(page(site)) == [TITLES[1], TITLES[3], TITLES[2]]
    post(site, f"place {first}", section="highlights", position="1")
    assert titles(page(site))[0] == TITLES[0]
    post(site, f"edit {first}", title="Our own title", dek="Our words", image="")
    assert "Our own title" in page(site)
    post(site, "subject", text="The week on water")
    post(site, "intro", text="Dear reader,\r\n\r\nit rained.")
    post(
        site,
        "insert",
        name="ad",
        text="Umbrellas",
        label="Advertisement",
        url="https://example.com/u",
        after="highlights",
    )
    for _ in range(7):
        undo = re.search(r'name="do" value="(undo \d+)"', page(site))
        assert undo is not None
        assert post(site, undo[1]).status == 303
    assert titles(page(site)) == list(TITLES)
    acts = [act for act, _, _ in log(root, clock)]
    assert acts == ["drop", "move", "pin", "edit", "subject", "intro", "insert", *["undo"] * 7]
    assert {origin for _, _, origin in log(root, clock)} == {"preview"}


def test_a_swap_takes_one_of_the_alternates(site: Site, root: Path, clock: Clock) -> None:
    with opened(root, clock=clock) as project:
        more = [
            replace(
                articles()[3],
                url=f"https://www.marquee.example/{n}",
                guid=f"m{n}",
                title=f"{word} at the {word} gate",
                signals=(),
            )
            for n, word in enumerate(("Amber", "Birch", "Cedar", "Delta", "Ember", "Fjord", "Grove", "Heron"))
        ]
        project.shelf.put(more, now=NOW)
    site.draft.refresh()
    html = page(site)
    first = number_of(site, TITLES[0])
    swap = re.search(rf'value="(swap {first} (\d+))"', html)
    assert swap is not None
    post(site, swap[1])
    assert TITLES[0] not in titles(page(site))
    assert number_of(site, "gate") == int(swap[2])


def test_the_same_story_by_two_people_is_a_conflict_that_shows_both_texts(site: Site, root: Path, clock: Clock) -> None:
    first, second = number_of(site, TITLES[0]), number_of(site, TITLES[1])
    with opened(root, clock=clock) as project:
        slot = project.slot(None)
        project.weekly.editor.edit(first, {"title": "Ada's title"}, slot=slot, who=Who("Ada", "page"))
    stale = {"token": TOKEN, "seen": "0", "slot": "2026-W47"}
    answer = site.ask(
        "/review/", method="POST", form=urlencode({**stale, "do": f"edit {first}", "title": "Ben's title"})
    )
    assert answer.status == 409
    assert "Ada changed this story meanwhile" in answer.text
    assert "Ada&#39;s title" in answer.text
    assert "Ben&#39;s title" in answer.text
    assert site.ask("/review/", method="POST", form=urlencode({**stale, "do": f"drop {second}"})).status == 303
    assert [act for act, _, _ in log(root, clock)] == ["edit", "drop"]


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"do": "drop 1", "token": "another"}, "not of this page"),
        ({"do": "drop 4711"}, "there is no article 4711"),
        ({"do": "up 4711"}, "no longer in this issue"),
        ({"do": "explode 1"}, "nothing that is known here"),
        ({"do": "swap 1"}, "nothing that is known here"),
        ({"do": ""}, "nothing that is known here"),
        ({"do": "place 1", "section": "nowhere"}, "there is no section"),
        ({"do": "edit 1", "title": "x" * 10_000}, "at most 300 characters"),
        ({"do": "edit 1", "title": "<b>bold</b>"}, "is mark-up"),
        ({"do": "intro", "text": "x" * 70_000}, "not of this page"),
        ({"do": "undo 4711"}, "there is no decision 4711"),
    ],
)
def test_what_cannot_be_is_said_on_the_page_and_nothing_is_written(
    site: Site, root: Path, clock: Clock, form: dict[str, str], sentence: str
) -> None:
    answer = site.ask("/review/", method="POST", form=urlencode({"token": TOKEN, "slot": "2026-W47", **form}))
    assert answer.status == 400
    assert 'role="alert"' in answer.text
    assert sentence in answer.text
    assert log(root, clock) == []


def test_looking_changes_nothing_and_another_site_can_do_nothing(site: Site, root: Path, clock: Clock) -> None:
    for path in ("/review/", "/review/letter", "/review/seen"):
        for method in ("GET", "HEAD"):
            site.ask(f"{path}?do=drop+1&token={TOKEN}", method=method)
    form = urlencode({"token": TOKEN, "do": "drop 1"})
    assert site.ask("/review/", method="POST", form=form, origin="https://evil.example").status == 403
    assert site.ask("/review/", method="POST", form=form, origin="null").status == 403
    assert log(root, clock) == []
    headers = site.ask("/review/").headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"


def test_an_issue_is_approved_pulled_back_held_and_released(site: Site, root: Path, clock: Clock) -> None:
    digest = re.search(r'name="digest" value="([0-9a-f]{64})"', page(site))
    assert digest is not None
    stale = post(site, "approve", digest="0" * 64)
    assert (stale.status, "has changed since you looked at it" in stale.text) == (400, True)
    assert post(site, "approve", digest=digest[1]).status == 303
    html = page(site)
    assert "approved by the editor" in html
    assert "Pull it back" in html
    assert post(site, "pull-back").status == 303
    assert post(site, "hold-issue", reason="the lawyer reads it").status == 303
    assert "Held by the editor: the lawyer reads it" in page(site)
    assert post(site, "release").status == 303
    assert post(site, "approve", digest=digest[1]).status == 303
    post(site, f"drop {number_of(site, TITLES[0])}")
    assert "changed after its approval" in page(site)
    assert [act for act, _, _ in log(root, clock)] == [
        *("approve", "pull_back", "hold_issue", "release", "approve", "drop")
    ]


def test_a_hostile_title_is_text(site: Site, root: Path, clock: Clock) -> None:
    with opened(root, clock=clock) as project:
        project.shelf.put([replace(articles()[0], title=HOSTILE)], now=NOW)
    site.draft.refresh()
    html = page(site)
    assert "<script>alert" not in html
    assert "onerror=alert(2)&gt;" in html
    assert "{{ 7*7 }}" in html


def test_a_closed_issue_is_shown_and_has_no_buttons(site: Site, root: Path, clock: Clock) -> None:
    with opened(root, clock=clock) as project:
        slot = project.slot(None)
        project.weekly.freeze(slot, project.weekly.compose(slot))
    site.draft.refresh()
    html = site.ask("/review/?slot=2026-W47").text
    assert titles(html) == list(TITLES)
    assert 'value="drop' not in html
    answer = post(site, "drop 1")
    assert answer.status == 400
    assert "it can no longer be changed" in answer.text


def test_a_page_of_two_hundred_articles_is_small(site: Site, root: Path, clock: Clock) -> None:
    with opened(root, clock=clock) as project:
        project.shelf.put([many(number) for number in range(200)], now=NOW)
    site.draft.refresh()
    html = page(site)
    assert html.count('name="do" value="place') >= 150
    assert len(html.encode()) <= 150_000


def many(number: int) -> Article:
    words = ["amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron", "inlet", "jetty", "mesa", "oasis"]
    title = f"{words[number % 12]} and {words[number // 12 % 12]} meet number {number} for an evening of long titles"
    return Article(
        title=title.capitalize(),
        url=f"https://www.marquee.example/many/{number}",
        source="site",
        guid=f"many-{number}",
        dek="A line or two of plain words about it." * 3,
        published=NOW - timedelta(hours=3 + number / 10),
        published_from="feed",
        signals=(Signal(SignalKind.VIEWS, 100.0 + number),),
    )


def test_how_long_ago_is_said_in_words() -> None:
    said = [ago(NOW - timedelta(minutes=one), now=NOW) for one in (0, 2, 61, 130, 3000)]
    assert said == ["just now", "2 min ago", "1 hour ago", "2 hours ago", "2 days ago"]
