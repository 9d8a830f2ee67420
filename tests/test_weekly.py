"""The weekly job on a real project: what the freeze binds, what a thin or broken week does, and that no article is
lost or carried twice. Articles come from a folder, messages go into this process's memory.
"""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from newsletter.app import Project
from newsletter.backends.memory import box, throw_away
from newsletter.errors import Busy, ConfigurationError, Refused, SendError, SettingsError, Unavailable
from newsletter.issues import IssueState, letters, picks
from newsletter.locks import try_lock
from newsletter.sending.audit import audit
from newsletter.sending.tables import deliveries
from newsletter.weekly import Composed, Done
from tests.backend_scripts import refusing
from tests.projects import make_project, open_project, set_line as change
from tests.times import NOW, Clock

KEY, NEXT = "2026-W47", "2026-W48"
AT = NOW + timedelta(hours=1, minutes=5)  # five minutes after the slot
WEEK = timedelta(days=7)
TITLES = (
    "Harbour lights return after a long winter", "Inside the smallest cinema in town", "Twelve bakers, one oven",
    "Why the tram museum sings", "A violin found under the stairs", "Paper boats race on Sunday",
    "Night ferry gets its second captain", "Old postcards tell new stories", "The comet that missed its party",
)  # fmt: skip
READERS = {"ada@example.net": "Ada", "bjorn@example.net": "Bjorn", "cleo@example.net": "Cleo"}
TOML = """\
[newsletter]
name = "Marquee Weekly"
from = "Marquee <weekly@marquee.example>"
editors = ["editor@marquee.example"]
public_url = "{public_url}"
postal_address = "Marquee Media, 12 Harbour Street"
[schedule]
day = "thursday"
time = "07:00"
[[sources]]
name = "site"
kind = "folder"
path = "articles"
url = "https://www.marquee.example"
[[sections]]
name = "highlights"
pick = 3
[issue]
min = 2
[backend]
kind = "memory"
name = "test-weekly"
{more}
"""


def write(root: Path, title: str, *, at: datetime = AT, name: str = "", folder: str = "articles", **more: str) -> Path:
    """One article, published the day before `at`."""
    slug = re.sub(r"\W+", "-", title.lower())
    fields = {"title": title, "url": f"/{slug}", "date": (at - timedelta(days=1)).isoformat(), **more}
    file = root / folder / f"{name or slug}.md"
    file.parent.mkdir(exist_ok=True)
    file.write_text(
        "---\n" + "".join(f'{key}: "{value}"\n' for key, value in fields.items()) + f"---\n{title}, at length.\n"
    )
    return file


class Site:
    """A project's folder, opened anew for every run, as a command would."""

    def __init__(self, root: Path, *, database: str = "") -> None:
        self.root = root
        self.clock = Clock(AT)
        make_project(root, clock=self.clock, text=TOML, database=database, plain=True, subscribers=READERS)

    def open(self) -> Project:
        return open_project(self.root, clock=self.clock)

    def run(
        self,
        key: str = KEY,
        *,
        scheduled: bool = False,
        older_first: bool = True,
        confirm: Callable[[Composed], bool] = lambda _: True,
    ) -> Done:
        project = self.open()
        return project.weekly.run(
            project.slot(key),
            backend=project.backend,
            confirm=lambda verdict: verdict.composed is not None and confirm(verdict.composed),
            stop=threading.Event(),
            older_first=older_first and not scheduled,
            scheduled=scheduled,
        )

    def alerts(self) -> list[str]:
        return [alert.text for alert in self.open().issues.alerts_since(datetime(2000, 1, 1, tzinfo=UTC))]

    def carried(self, key: str = KEY) -> set[str]:
        issues = self.open().issues
        return {str(pick.article["title"]) for pick in issues.picks(issues.get(key).id)}


def everything_in(project: Project) -> dict[str, int]:
    with project.database.read() as connection:
        return {
            table.name: connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            for table in (deliveries, letters, picks)
        }


def mails() -> list[EmailMessage]:
    """What readers got."""
    found = [message_from_bytes(one.data, policy=policy.default) for one in box("test-weekly").messages]
    return [mail for mail in found if isinstance(mail, EmailMessage) and "editor@" not in str(mail["to"])]


def told() -> list[str]:
    """The subjects of what editors got."""
    found = [message_from_bytes(one.data, policy=policy.default) for one in box("test-weekly").messages]
    return [str(mail["subject"]) for mail in found if "editor@" in str(mail["to"])]


@pytest.fixture(autouse=True)
def _box() -> Iterator[None]:
    yield
    throw_away("test-weekly")


def filled(site: Site, *, articles: int = 5) -> Site:
    for title in TITLES[:articles]:
        write(site.root, title)
    return site


@pytest.fixture
def both(tmp_path: Path, database_url: str) -> Site:
    """On SQLite and on PostgreSQL."""
    return filled(Site(tmp_path / "project", database=database_url))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return filled(Site(tmp_path / "project"))


# The freeze.


def test_the_job_carries_the_best_to_everybody_and_closes(both: Site) -> None:
    done = both.run()
    assert done.report.state == IssueState.CLOSED
    assert done.report.totals == {"accepted": 3}
    assert {str(mail["to"].addresses[0].addr_spec) for mail in mails()} == set(READERS)
    assert len(both.carried()) == 3
    assert both.run().report.already
    assert len(mails()) == 3


def test_what_is_composed_is_what_is_frozen_and_sent(site: Site) -> None:
    before = site.open().weekly.compose(site.open().slot(KEY))
    assert before.letter is None, "nothing was pulled yet"
    shown: list[Composed] = []
    site.run(confirm=lambda composed: not shown.append(composed))  # type: ignore[func-returns-value]
    (composed,) = shown
    issues = site.open().issues
    kept = issues.letter(issues.get(KEY).id)
    assert composed.letter == kept
    assert [pick.article.title for pick in composed.issue.picks] == [
        str(pick.article["title"]) for pick in issues.picks(issues.get(KEY).id)
    ]
    again = site.open().weekly.compose(site.open().slot(KEY)).letter
    assert again is not None
    assert again.subject == kept.subject
    assert [re.sub(rb"=\r\n|=_[0-9A-Za-z.-]+", b"", part) for part in again.literals] == [
        re.sub(rb"=\r\n|=_[0-9A-Za-z.-]+", b"", part) for part in kept.literals
    ]


def test_a_shelf_that_changed_meanwhile_refuses_the_freeze(site: Site) -> None:
    def carry_one_elsewhere(composed: Composed) -> bool:
        project = site.open()
        with project.database.write() as connection:
            project.shelf.carry(connection, [composed.issue.picks[0].article.id or 0], slot="2026-W46")
        return True

    with pytest.raises(Refused, match="send again"):
        site.run(confirm=carry_one_elsewhere)
    assert site.open().issues.find(KEY) is None
    assert not any(everything_in(site.open()).values())
    assert site.run().report.totals == {"accepted": 3}


# Weeks that do not go out.


def test_a_thin_week_by_hand_stays_a_draft_and_may_be_tried_again(site: Site) -> None:
    change(site.root, "min = 2", "min = 50")
    done = site.run()
    assert (done.report.state, done.report.totals) == (IssueState.DRAFT, {})
    assert "thin week: 3 articles" in done.report.reason
    assert site.open().issues.find(KEY) is None
    change(site.root, "min = 50", "min = 2")
    assert site.run().report.state == IssueState.CLOSED


def test_a_thin_week_of_the_schedule_is_skipped_and_told_once(site: Site) -> None:
    change(site.root, "min = 2", "min = 50")
    assert site.run(scheduled=True).report.state == IssueState.SKIPPED
    assert site.run(scheduled=True).report.state == IssueState.SKIPPED
    assert site.run().report.state == IssueState.SKIPPED
    assert site.alerts() == ["a thin week: 3 articles to carry, [issue] min is 50"]
    assert not mails()


def test_a_thin_week_before_its_slot_is_not_skipped_yet(site: Site) -> None:
    change(site.root, "min = 2", "min = 50")
    site.clock.time = NOW
    assert site.run(scheduled=True).report.state == IssueState.DRAFT
    assert site.open().issues.find(KEY) is None


def test_a_thin_week_goes_out_when_that_is_wanted_but_an_empty_one_never_does(site: Site) -> None:
    change(site.root, "min = 2", 'min = 50\nwhen_thin = "send"')
    shutil.move(site.root / "articles", site.root / "away")
    (site.root / "articles").mkdir()
    assert site.run().report.state == IssueState.DRAFT
    write(site.root, TITLES[0])
    assert site.run().report.totals == {"accepted": 3}


def test_a_week_that_is_thin_because_a_source_is_away_is_not_skipped_for_good(site: Site) -> None:
    shutil.move(site.root / "articles", site.root / "away")
    for _ in range(3):
        assert site.run(scheduled=True).report.state == IssueState.DRAFT
    assert len(site.alerts()) == 1
    shutil.move(site.root / "away", site.root / "articles")
    assert site.run(scheduled=True).report.state == IssueState.CLOSED


@pytest.mark.parametrize("how", ["asked for", "scheduled"])
def test_an_issue_nobody_would_get_keeps_its_articles(site: Site, how: str) -> None:
    scheduled = how == "scheduled"
    book = site.open().book
    for address in READERS:
        book.suppress(address, reason="manual")
    done = site.run(scheduled=scheduled)
    assert done.report.state == (IssueState.SKIPPED if scheduled else IssueState.DRAFT)
    assert "nobody is subscribed" in done.report.reason
    assert not any(one.carried_by for one in site.open().shelf.page())


@pytest.mark.parametrize("address", ["", "   "])
def test_without_a_postal_address_nothing_is_sent(site: Site, address: str) -> None:
    change(site.root, "Marquee Media, 12 Harbour Street", address)
    with pytest.raises(ConfigurationError, match="postal_address") as refused:
        site.run()
    assert refused.value.exit_code == 2
    assert site.open().issues.find(KEY) is None


def test_a_backend_that_is_away_is_found_before_anything_is_frozen(site: Site) -> None:
    def away() -> None:
        raise Unavailable("the mail server cannot be reached")

    box("test-weekly").on_open = away
    with pytest.raises(Unavailable):
        site.run()
    assert site.open().issues.find(KEY) is None
    assert not any(everything_in(site.open()).values())
    box("test-weekly").on_open = lambda: None
    assert site.run().report.totals == {"accepted": 3}


def test_who_says_no_changes_nothing(site: Site) -> None:
    assert site.run(confirm=lambda _: False).report.reason == "not confirmed"
    assert site.open().issues.find(KEY) is None
    assert not box("test-weekly").messages


def test_a_letter_with_errors_is_refused_and_the_editors_are_told_once(site: Site) -> None:
    template = site.root / "templates" / "weekly"
    template.mkdir(parents=True, exist_ok=True)
    (template / "body.html.j2").write_text("<html><body><p>No way out, and no street.</p></body></html>")
    shutil.copytree(site.root / "articles", site.root / "second")
    change(site.root, "[[sections]]", '[[sources]]\nname = "gone"\nkind = "folder"\npath = "nowhere"\n[[sections]]')
    for _ in range(3):
        with pytest.raises(Refused, match="newsletter check"):
            site.run(scheduled=True)
    assert site.open().issues.find(KEY) is None
    assert len(site.alerts()) == 2, "one of the source, one of the letter, however often it was tried"
    shutil.rmtree(template)
    assert site.run().report.totals == {"accepted": 3}
    assert len(told()) == 2


def test_two_sends_at_once_are_one(both: Site) -> None:
    lock = try_lock(both.open().database, "send")
    assert lock is not None
    with lock, pytest.raises(Busy, match="newsletter worker"):
        both.run()
    assert both.run().report.state == IssueState.CLOSED


# No article lost, none carried twice.


def test_an_article_never_comes_again_under_any_name(site: Site) -> None:
    site.run()
    carried = site.carried()
    for file in (site.root / "articles").iterdir():
        text = file.read_text()
        title = re.search('title: "(.*)"', text)
        assert title is not None
        if title[1] in carried:  # the same address under a new title and file, and the same title under a new address
            file.unlink()
            slug = re.sub(r"\W+", "-", title[1].lower())
            write(
                site.root,
                f"{title[1]} again, entirely reworded {slug}",
                name=f"new-{slug}",
                url=f"/{slug}?utm_source=x",
            )
            write(site.root, title[1], name=f"moved-{slug}", url=f"/moved/{slug}")
    site.clock.forward(WEEK)
    for index, title in enumerate(TITLES[5:8]):
        write(site.root, title, at=site.clock.time, name=f"fresh-{index}")
    assert site.run(NEXT).report.state == IssueState.CLOSED
    addresses = {str(pick.article["url"]) for key in (KEY, NEXT) for pick in picks_of(site, key)}
    assert len(addresses) == 6
    assert not carried & site.carried(NEXT)


def picks_of(site: Site, key: str) -> list[Any]:
    issues = site.open().issues
    return list(issues.picks(issues.get(key).id))


def test_what_did_not_fit_waits_and_comes_next_week(site: Site) -> None:
    site.run()
    left = set(TITLES[:5]) - site.carried()
    assert len(left) == 2
    site.clock.forward(WEEK)
    assert site.run(NEXT).report.state == IssueState.CLOSED
    assert site.carried(NEXT) == left


def test_what_waits_too_long_leaves_and_is_listed(site: Site) -> None:
    change(site.root, "min = 2", 'min = 2\nmax_age = "5d"')
    site.run()
    left = set(TITLES[:5]) - site.carried()
    site.clock.forward(WEEK)
    project = site.open()
    issue = project.weekly.pick(project.slot(NEXT))
    assert not issue.picks
    assert {one.article.title for one in issue.passed_over if "leaves by age" in one.reason} == left


def test_a_cancelled_issue_gives_its_articles_back_only_if_nobody_got_it(site: Site) -> None:
    deferred = {address: SendError("later", scope="message", permanent=False, code=451) for address in READERS}
    box("test-weekly").on_offer = refusing(deferred)
    site.run()
    project = site.open()
    assert project.weekly.cancel(project.issues.get(KEY), reason="wrong") == {"cancelled": 3}
    assert not any(one.carried_by for one in project.shelf.page())
    box("test-weekly").on_offer = refusing({next(iter(READERS)): deferred[next(iter(READERS))]})
    site.clock.forward(WEEK)
    assert site.run(NEXT).report.totals == {"accepted": 2, "deferred": 1}
    project = site.open()
    project.weekly.cancel(project.issues.get(NEXT), reason="wrong again")
    assert sum(one.carried_by == NEXT for one in project.shelf.page()) == 3
    assert not any(one.wrong for one in audit(project.database))


def test_an_unfinished_older_issue_does_not_hold_up_the_current_one(site: Site) -> None:
    change(site.root, "[backend]", '[pace]\nexpire = "30d"\n[backend]')
    box("test-weekly").on_offer = refusing(
        {next(iter(READERS)): SendError("later", scope="message", permanent=False, code=451)}
    )
    site.run()
    site.clock.forward(WEEK)
    assert site.run(NEXT).report.slot_key == KEY, "its turn was due"
    assert site.run(NEXT).report.totals == {"accepted": 2, "deferred": 1}
    assert [site.open().issues.get(key).state for key in (KEY, NEXT)] == [IssueState.SENDING, IssueState.SENDING]
    box("test-weekly").on_offer = lambda _: None
    site.clock.forward(timedelta(days=1))
    assert site.run(NEXT).report.slot_key == KEY
    assert site.run(NEXT).report.state == IssueState.CLOSED
    assert len(mails()) == 6


# Sources.


def test_one_source_that_cannot_be_read_stops_no_other_and_is_told_once(site: Site) -> None:
    change(site.root, "[[sections]]", '[[sources]]\nname = "gone"\nkind = "folder"\npath = "nowhere"\n[[sections]]')
    done = site.run()
    assert done.report.totals == {"accepted": 3}
    assert {line.source: bool(line.failed) for line in done.verdict.pulled} == {"site": False, "gone": True}
    assert len(told()) == 1
    assert len(site.alerts()) == 1
    assert "the source gone could not be read" in site.alerts()[0]


OWN = """
from newsletter.backends.memory import Memory
from newsletter.errors import SourceError
from newsletter.sources import Pulled


class {name}:
    def __init__(self, name):
        self.name = name

    @classmethod
    def from_options(cls, name, options, *, root, fetcher, clock):
        return cls(name)

    def read(self, previous):
        {does}


class Own(Memory):
    pass
"""


@pytest.mark.parametrize(
    ("does", "says"),
    [
        ("return 1 / 0", "ZeroDivisionError"),
        ("return None", "NoneType"),
        ("raise SourceError('it is raining')", "it is raining"),
        ("raise RecursionError", "RecursionError"),
    ],
)
def test_a_source_of_ones_own_that_breaks_stops_no_other(site: Site, does: str, says: str) -> None:
    module = f"own_{abs(hash(does))}"
    (site.root / f"{module}.py").write_text(OWN.format(name="Breaks", does=does))
    change(site.root, "[[sections]]", f'[[sources]]\nname = "own"\nkind = "{module}:Breaks"\n[[sections]]')
    done = site.run()
    assert done.report.totals == {"accepted": 3}
    assert says in next(line.failed for line in done.verdict.pulled if line.source == "own")
    assert says in site.alerts()[0]


def test_a_source_and_a_backend_beside_the_settings_work(site: Site) -> None:
    (site.root / "own_both.py").write_text(OWN.format(name="Quiet", does="return Pulled()"))
    change(site.root, "[[sections]]", '[[sources]]\nname = "own"\nkind = "own_both:Quiet"\n[[sections]]')
    change(site.root, 'kind = "memory"', 'kind = "own_both:Own"')
    assert site.run().report.totals == {"accepted": 3}
    assert len(mails()) == 3


def test_a_sources_weight_and_sections_are_honoured(site: Site) -> None:
    other = '[[sources]]\nname = "wire"\nkind = "folder"\npath = "wire"\nurl = "https://wire.example"\n'
    change(
        site.root, "[[sections]]", other + 'sections = "short"\n[[sections]]\nname = "short"\npick = 2\n[[sections]]'
    )
    for title in TITLES[5:9]:
        write(site.root, title, folder="wire")
    done = site.run()
    assert done.verdict.composed is not None
    placed = {(pick.section, pick.article.source) for pick in done.verdict.composed.issue.picks}
    assert ("short", "wire") in placed
    assert ("highlights", "wire") not in placed


def test_a_heavier_source_wins_where_all_else_is_alike(site: Site) -> None:
    shutil.rmtree(site.root / "articles")
    heavy = '[[sources]]\nname = "heavy"\nkind = "folder"\npath = "heavy"\nurl = "https://heavy.example"\nweight = 10\n'
    change(site.root, "[[sections]]", heavy + "[[sections]]")
    change(site.root, "pick = 3", "pick = 1\nmin = 1")
    change(site.root, "min = 2", "min = 1")
    write(site.root, TITLES[0])
    write(site.root, TITLES[1], folder="heavy")
    for folder in ("articles", "heavy"):
        for file in (site.root / folder).iterdir():
            file.write_text(file.read_text().replace("---\n", "---\nsignals: {views: 500}\n", 1))
    site.run()
    assert site.carried() == {TITLES[1]}


def test_marks_of_the_publisher_and_columns_are_honoured(site: Site) -> None:
    match = 'match = { title = "^Night|^The", not = { title = "missed" } }'
    column = f'[[sections]]\nname = "column"\npick = 1\nfixed = true\n{match}\n'
    change(site.root, "[[sections]]", column + "[[sections]]")
    change(site.root, "[issue]", '[issue]\ndeny = { title = "bakers" }')
    for title in (*TITLES[6:9], TITLES[2]):
        write(site.root, title)
    composed = site.run().verdict.composed
    assert composed is not None
    assert [pick.article.title for pick in composed.issue.in_section("column")] == [TITLES[6]]
    denied = {one.reason: one.article.title for one in composed.issue.passed_over if "denied" in one.reason}
    assert denied == {"denied: its title has “bakers”": TITLES[2]}


def test_what_fits_no_rule_goes_where_past_issues_put_its_like(site: Site) -> None:
    guides = '[[sections]]\nname = "guides"\npick = 20\nmatch = { category = "guide" }\n'
    change(site.root, "[[sections]]", guides + "[[sections]]")
    change(site.root, "pick = 3", "pick = 20")
    things = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron", "inlet", "jetty", "mesa", "oasis")
    for number, thing in enumerate(things):
        write(site.root, f"How to reach {thing} {things[number - 5]}", section="guide")
        write(site.root, f"{thing} wins {things[number - 3]} again")
        write(site.root, f"Why {things[number - 2]} left {thing}")
    first = site.run().verdict.composed
    assert first is not None
    assert len(first.issue.in_section("guides")) == len(things)
    site.clock.forward(WEEK)
    write(site.root, "How to reach a lighthouse", at=site.clock.time)
    project = site.open()
    project.weekly.pull()
    (pick,) = project.weekly.pick(project.slot(NEXT)).in_section("guides")
    assert pick.detail.startswith("put into Guides like past articles with “")


# What else goes out, and does not.


def test_a_test_copy_records_nothing(site: Site) -> None:
    project = site.open()
    project.weekly.pull()
    before = everything_in(project)
    composed = project.weekly.compose(project.slot(KEY))
    assert project.weekly.test_copy(composed, "Stranger@example.org", project.backend()).startswith("250")
    assert everything_in(project) == before
    assert project.issues.find(KEY) is None
    assert not any(one.carried_by for one in project.shelf.page())
    (copy,) = mails()
    assert "/unsubscribe/" in str(copy["list-unsubscribe"])


@pytest.mark.parametrize("logo", ["../outside.png", "link.png", "nowhere.png", "articles", "newsletter.toml"])
def test_a_logo_that_is_no_picture_of_the_project_is_refused(site: Site, logo: str) -> None:
    (site.root.parent / "outside.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 32)
    (site.root / "link.png").symlink_to(site.root.parent / "outside.png")
    change(site.root, "[backend]", f'[theme]\nlogo = "{logo}"\n[backend]')
    with pytest.raises(SettingsError, match=r"\[theme\] logo"):
        site.run()
    assert site.open().issues.find(KEY) is None


def test_the_letter_in_a_browser_speaks_to_nobody_in_particular(site: Site) -> None:
    shutil.rmtree(site.root / "templates")  # the shipped ones
    site.run()
    issues = site.open().issues
    letter = issues.letter(issues.get(KEY).id)
    body = letter.web_copy()
    assert "Hi there," in body
    assert len(re.findall("somebody", body)) == len(re.findall(r"because\s+somebody\s+signed up", body)) == 1
    assert re.search(r"news\.marquee\.example/unsubscribe/[\s\"]", body), "no token of anybody's"
    assert not any(reader in body for reader in READERS)
