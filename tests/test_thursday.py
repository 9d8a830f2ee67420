"""A whole Thursday in a real browser: from the proof in the mailbox to the letter at the readers.

The pages are served on loopback, the ticker starts the real commands, and the keyboard alone is used: on a phone and on
a desk, with a script and without.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import unescape
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn

from newsletter.app import Project
from newsletter.issues import IssueState
from newsletter.ticker import Command, Ticker, proof_command, send_command
from newsletter.web import create_app
from newsletter.web.server import configuration, listen
from tests.browsers import browser, second, until, without_script
from tests.command_line import ACTIVE, demo, set_line
from tests.projects import arrived, open_project
from tests.times import Clock

if TYPE_CHECKING:
    from selenium.webdriver import Chrome
    from selenium.webdriver.remote.webelement import WebElement

__all__ = ["browser", "second", "without_script"]
pytestmark = pytest.mark.browser
KEY = "2026-W48"
SLOT = datetime(2026, 11, 26, 16, 0, tzinfo=UTC)
ODALYS, BEN = "odalys@tramlight.example", "ben@tramlight.example"
SHOWN = "return [...document.querySelectorAll('.story h3 a')].map(one => one.textContent)"
INTRO = "Dear reader, it rained, and we went out all the same."
VIOLATIONS = """
    const done = arguments[0];
    axe.run(document, {iframes: false}).then(
        found => done(found.violations.map(one => one.id + ": " + one.nodes.map(node => node.html).join(" "))));
"""


@dataclass
class Newsroom:
    """A project under its own public pages. `day` ticks at a time of the Thursday."""

    project: Project
    clock: Clock
    address: str

    def day(self, hours: float) -> None:
        self.clock.time = SLOT + timedelta(hours=hours)
        Ticker(
            self.project,
            command=self._now(send_command(self.project.root)),
            proof=self._now(proof_command(self.project.root)),
        ).tick()

    def _now(self, command: Command) -> Command:
        return lambda key: [*command(key), "--now", self.clock().isoformat()]

    def link(self, editor: str) -> str:
        """The link to the review page in the editor's proof."""
        plain = next(iter(arrived(self.project.root)[editor].iter_parts()))
        (found,) = re.findall(r"http://\S+/review/\S+", plain.get_payload(decode=True).decode())  # type: ignore[union-attr]
        return str(found)

    @property
    def state(self) -> IssueState:
        return self.project.issues.get(KEY).state


@contextmanager
def working(root: Path, clock: Clock) -> Iterator[Newsroom]:
    with listen("127.0.0.1", 0) as listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        set_line(root, "http://127.0.0.1:8080", address)
        set_line(root, 'time = "16:00"', 'time = "16:00"\nreview = "8h"\napproval = "required"')
        set_line(root, f'["{ODALYS}"]', f'["Odalys Penhallow <{ODALYS}>", "Ben <{BEN}>"]')
        project = open_project(root, clock=clock)
        server = uvicorn.Server(configuration(create_app(project)))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield Newsroom(project, clock, address)
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def newsroom(tmp_path: Path, clock: Clock) -> Iterator[Newsroom]:
    clock.time = SLOT - timedelta(hours=9)
    with working(demo(tmp_path, "pulled"), clock) as newsroom:
        yield newsroom


class Desk:
    """What an editor does with a browser, by the keyboard alone."""

    def __init__(self, browser: Chrome, width: int) -> None:
        self.browser = browser
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def shown(self) -> list[str]:
        return list(self.browser.execute_script(SHOWN))

    def numbers(self) -> list[str]:
        return list(
            self.browser.execute_script(
                "return [...document.querySelectorAll('.story')].map(one => one.dataset.article)"
            )
        )

    def becomes(self, right: str) -> None:
        """Wait until an expression over the page is true; `titles` are the stories' that it shows."""
        until(self.browser, f"const titles = (() => {{ {SHOWN} }})(); return {right}")

    def says(self, text: str) -> None:
        self.becomes(f"document.querySelector('.verdict')?.innerText.includes({json.dumps(text)})")

    def at(self, selector: str) -> WebElement:
        """The element of a selector, as somebody comes there by Tab."""
        from selenium.webdriver.common.by import By

        found = self.browser.find_element(By.CSS_SELECTOR, selector)
        reached = "return arguments[0].tabIndex >= 0 && arguments[0].checkVisibility()"
        assert self.browser.execute_script(reached, found), f"no key leads to {selector}"
        return found

    def enter(self, selector: str) -> None:
        from selenium.webdriver.common.keys import Keys

        self.at(selector).send_keys(Keys.ENTER)

    def write(self, selector: str, text: str) -> None:
        from selenium.webdriver.common.keys import Keys

        self.at(selector).send_keys(Keys.CONTROL, "a")
        self.at(selector).send_keys(text)

    def keys(self, number: str, *keys: str) -> None:
        """Keys for a story, as somebody presses them who came there with `j` and `k`."""
        from selenium.webdriver.common.action_chains import ActionChains

        self.browser.execute_script("document.activeElement.blur()")
        at = self.numbers().index(number)
        ActionChains(self.browser).send_keys("j" * (at + 1)).perform()
        assert self.browser.execute_script("return document.activeElement.dataset.article") == number
        ActionChains(self.browser).send_keys(*keys).perform()

    def keeps_nobody_out(self) -> None:
        self.browser.execute_script(files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
        assert self.browser.execute_async_script(VIOLATIONS) == []
        assert self.browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")


def with_keys(desk: Desk) -> dict[str, Callable[..., None]]:
    """The keys of the script."""
    return {
        "drop": lambda number: desk.keys(number, "d"),
        "swap": lambda number: desk.keys(number, "1"),
        "retitle": lambda number, title: (desk.keys(number, "e"), desk.write(f"#a-{number} input[name=title]", title)),
    }


def with_forms(desk: Desk) -> dict[str, Callable[..., None]]:
    """Plain forms and links, as they are without one."""

    def swap(number: str) -> None:
        desk.enter(f"#a-{number} details.alternates summary")
        desk.enter(f"#a-{number} details.alternates li:first-child button")

    def retitle(number: str, title: str) -> None:
        desk.enter(f"#a-{number} details.edit summary")
        desk.write(f"#a-{number} input[name=title]", title)

    return {"drop": lambda number: desk.enter(f"#a-{number} button[value^='drop']"), "swap": swap, "retitle": retitle}


@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize("script", ["script", "plain forms"])
def test_a_thursday(request: pytest.FixtureRequest, newsroom: Newsroom, script: str, width: int) -> None:
    plain = script == "plain forms"
    chrome: Chrome = request.getfixturevalue("without_script" if plain else "browser")
    newsroom.day(-9)
    assert not (newsroom.project.root / "mail").exists()
    newsroom.day(-8)
    desk = Desk(chrome, width)
    chrome.get(newsroom.link(ODALYS))
    does = with_forms(desk) if plain else with_keys(desk)
    desk.says("It waits for an approval until Friday 27 November, 16:00")
    desk.says(f"Approved, it goes out Thursday 16:00 to {ACTIVE} readers")
    assert chrome.execute_script("return document.querySelector('.masthead').innerText.includes('Odalys Penhallow')")
    if not plain:
        desk.keeps_nobody_out()

    before = desk.shown()
    does["drop"](desk.numbers()[1])
    desk.becomes(f"!titles.includes({json.dumps(before[1])})")
    lead = desk.numbers()[0]
    alternate = chrome.execute_script(
        "return document.querySelector(arguments[0]).textContent", f"#a-{lead} details.alternates strong"
    )
    does["swap"](lead)
    desk.becomes(f"titles.includes({json.dumps(alternate)}) && !titles.includes({json.dumps(before[0])})")
    number = desk.numbers()[1]
    does["retitle"](number, "Our own title")
    desk.enter(f"#a-{number} input[name=title]")
    desk.becomes('titles[1] === "Our own title"')
    desk.enter(f"#a-{number} button[value^='up']")
    desk.becomes('titles[0] === "Our own title"')
    desk.enter("details.own summary")
    desk.write("details.own form:nth-of-type(2) textarea", INTRO)
    desk.enter("details.own form:nth-of-type(2) button")
    desk.becomes(
        f"document.querySelector('details.own form:nth-of-type(2) textarea').defaultValue === {json.dumps(INTRO)}"
    )

    approve = ".verdict form:has(input[value=approve]) button"
    desk.enter(approve)
    desk.says("approved by Odalys Penhallow")
    desk.says("The first message leaves on Thursday at 16:00" if plain else "The first message leaves in 7 h")
    assert newsroom.state == IssueState.APPROVED
    desk.enter(".verdict form:has(input[value=pull-back]) button")
    desk.says("It waits for an approval")
    assert newsroom.state == IssueState.REVIEW
    desk.enter(approve)
    desk.says("Goes out Thursday 16:00")
    if not plain:
        chrome.execute_script("document.querySelectorAll('details').forEach(one => one.open = true)")
        desk.keeps_nobody_out()
    final = desk.shown()

    newsroom.day(-0.01)
    assert newsroom.state == IssueState.APPROVED
    newsroom.day(0)
    assert newsroom.state == IssueState.CLOSED
    mails = {address: mail for address, mail in arrived(newsroom.project.root).items() if address not in (ODALYS, BEN)}
    assert len(mails) == ACTIVE
    rich = _html(next(iter(mails.values())))
    assert INTRO in rich
    assert rich.index("Our own title") == min(rich.index(title) for title in map(_escaped, final))
    assert all(_escaped(title) not in rich for title in before[:2])
    chrome.get(newsroom.link(BEN))
    assert f"The issue {KEY} is closed" in chrome.page_source
    by = {(one.by, one.origin) for one in newsroom.project.decisions.log()}
    assert by == {("Odalys Penhallow", "page")}


def _html(mail: Any) -> str:
    return str(list(mail.iter_parts())[1].get_payload(decode=True).decode())


def _escaped(title: str) -> str:
    return title.replace("&", "&amp;").replace('"', "&quot;")


def test_a_scanner_that_follows_every_link_and_runs_scripts_changes_nothing(
    browser: Chrome, newsroom: Newsroom
) -> None:
    newsroom.day(-8)
    link = newsroom.link(ODALYS)

    def state() -> object:
        project = newsroom.project
        return project.decisions.log(), project.issues.get(KEY), project.review_links.newest(KEY)

    before = state()
    rich = _html(arrived(newsroom.project.root)[ODALYS])
    ours = {unescape(one) for one in re.findall(r'href="([^"]+)"', rich) if newsroom.address in one}
    assert link in ours
    for one in (*sorted(ours), link):
        browser.get(one)
        until(browser, "return document.readyState === 'complete'")
        for inner in browser.execute_script(
            "return [...document.querySelectorAll('a, iframe')].map(e => e.href || e.src)"
        ):
            if inner.startswith(newsroom.address):
                browser.get(inner)
                until(browser, "return document.readyState === 'complete'")
    assert state() == before


def test_two_editors_by_their_own_links(browser: Chrome, second: Chrome, newsroom: Newsroom) -> None:
    newsroom.day(-8)
    odalys, ben = Desk(browser, 1280), Desk(second, 375)
    browser.get(newsroom.link(ODALYS))
    second.get(newsroom.link(BEN))
    one, other = odalys.numbers()[:2]
    for desk, number, title in ((odalys, one, "By Odalys"), (ben, other, "By Ben")):
        with_keys(desk)["retitle"](number, title)
        desk.enter(f"#a-{number} input[name=title]")
        desk.becomes(f"titles.includes({json.dumps(title)})")
    assert ben.shown()[:2] == ["By Odalys", "By Ben"]
    with_keys(odalys)["retitle"](other, "By Odalys too")
    odalys.enter(f"#a-{other} input[name=title]")
    notice = until(browser, "return document.querySelector('#notice')?.innerText")
    assert "Ben changed this story meanwhile" in notice
    assert "By Ben" in notice
    assert browser.execute_script("return document.querySelector('#notice textarea').value") == "By Odalys too"
    assert odalys.shown()[:2] == ["By Odalys", "By Ben"]
