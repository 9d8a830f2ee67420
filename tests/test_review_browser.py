"""The review page in a real browser: on a phone and a desk, with a script and without, by keyboard, by two people."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browsers import browser, second, until, without_script
from tests.preview_project import TITLES, Site, articles, make_draft, make_root, served
from tests.times import Clock

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

__all__ = ["browser", "second", "without_script"]
pytestmark = pytest.mark.browser
SHOWN = "return [...document.querySelectorAll('.story h3 a')].map(one => one.textContent)"
VIOLATIONS = """
    const done = arguments[0];
    axe.run(document, {iframes: false}).then(
        found => done(found.violations.map(one => one.id + ": " + one.nodes.map(node => node.html).join(" "))));
"""


@pytest.fixture
def site(tmp_path: Path, clock: Clock) -> Iterator[Site]:
    draft = make_draft(make_root(tmp_path / "project", stories=articles(), clock=clock), clock=clock)
    with served(draft) as site:
        yield site
    draft.close()


def sized(browser: Chrome, width: int, *, scheme: str = "light") -> None:
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def shown(browser: Chrome) -> list[str]:
    return list(browser.execute_script(SHOWN))


def becomes(browser: Chrome, titles: list[str]) -> None:
    """Wait until these stories are shown, as many as are named."""
    until(
        browser, f"const all = (() => {{ {SHOWN} }})(); return {json.dumps(titles)}.every((one, at) => all[at] === one)"
    )


def press(browser: Chrome, *keys: str) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    ActionChains(browser).send_keys(*keys).perform()


def chord(browser: Chrome, held: str, key: str) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    ActionChains(browser).key_down(held).send_keys(key).key_up(held).perform()


def enter(browser: Chrome, selector: str) -> None:
    """Press Enter on what a selector names, as somebody does who came there by Tab."""
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    browser.find_element(By.CSS_SELECTOR, selector).send_keys(Keys.ENTER)


def written(browser: Chrome, selector: str, text: str) -> None:
    from selenium.webdriver.common.by import By

    field = browser.find_element(By.CSS_SELECTOR, selector)
    field.clear()
    field.send_keys(text)


def first(browser: Chrome) -> str:
    return str(browser.execute_script("return document.querySelector('.story').dataset.article"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
def test_nothing_keeps_anybody_out_and_nothing_scrolls_sideways(
    browser: Chrome, site: Site, width: int, scheme: str
) -> None:
    sized(browser, width, scheme=scheme)
    browser.get(f"{site.address}/review/")
    browser.execute_script("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    browser.execute_script(files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    assert browser.execute_async_script(VIOLATIONS) == []


@pytest.mark.parametrize("width", [375, 1280])
def test_the_keyboard_alone_suffices(browser: Chrome, site: Site, width: int) -> None:
    from selenium.webdriver.common.keys import Keys

    sized(browser, width)
    browser.get(f"{site.address}/review/")
    press(browser, "j", "d")
    becomes(browser, [TITLES[1]])
    assert shown(browser) == list(TITLES[1:])
    press(browser, "u")
    becomes(browser, list(TITLES))
    browser.execute_script("document.querySelector('.story').focus()")
    press(browser, "e")
    chord(browser, Keys.CONTROL, "a")
    press(browser, "Our own title", Keys.ENTER)
    becomes(browser, ["Our own title"])
    assert "changed by the editor, just now" in browser.execute_script(
        "return document.querySelector('.story').innerText"
    )
    browser.execute_script("document.querySelector('.story').focus()")
    chord(browser, Keys.SHIFT, Keys.ARROW_DOWN)
    becomes(browser, [TITLES[1], "Our own title"])
    assert browser.execute_script("return document.activeElement.dataset.article") is not None


@pytest.mark.parametrize("width", [375, 1280])
def test_without_a_script_plain_forms_do_the_same(without_script: Chrome, site: Site, width: int) -> None:
    browser = without_script
    sized(browser, width)
    browser.get(f"{site.address}/review/")
    number = first(browser)
    enter(browser, f"#a-{number} button[value^='drop']")
    becomes(browser, list(TITLES[1:]))
    assert browser.current_url.endswith(f"#a-{number}")
    enter(browser, ".last button")
    becomes(browser, list(TITLES))
    enter(browser, f"#a-{number} details.edit summary")
    written(browser, f"#a-{number} input[name=title]", "Our own title")
    enter(browser, f"#a-{number} input[name=title]")
    becomes(browser, ["Our own title"])
    enter(browser, f"#a-{number} button[value^='down']")
    becomes(browser, [TITLES[1], "Our own title"])
    enter(browser, "details.own summary")
    written(browser, "details.own form:nth-of-type(2) textarea", "Dear reader, it rained.")
    enter(browser, "details.own form:nth-of-type(2) button")
    until(
        browser, "return document.querySelectorAll('details.own textarea')[0].textContent === 'Dear reader, it rained.'"
    )
    assert not browser.execute_script("return document.querySelector('.elsewhere') !== null")


def test_a_story_is_dragged_to_its_place(browser: Chrome, site: Site) -> None:
    sized(browser, 1280)
    browser.get(f"{site.address}/review/")
    browser.execute_script(
        """
        const [from, to] = [document.querySelectorAll('.story')[3], document.querySelectorAll('.story')[0]];
        const data = new DataTransfer();
        for (const [target, name] of [[from, 'dragstart'], [to, 'dragover'], [to, 'drop'], [from, 'dragend']])
            target.dispatchEvent(new DragEvent(name, {bubbles: true, cancelable: true, dataTransfer: data}));
        """
    )
    becomes(browser, [TITLES[3]])
    assert shown(browser) == [TITLES[3], *TITLES[:3]]


def test_two_people_merge_different_stories_and_the_same_one_is_a_named_conflict(
    browser: Chrome, second: Chrome, site: Site
) -> None:
    for one in (browser, second):
        sized(one, 1280)
        one.get(f"{site.address}/review/")
    numbers = browser.execute_script("return [...document.querySelectorAll('.story')].map(one => one.dataset.article)")
    retitle(browser, numbers[0], "Ada's title")
    until(browser, f'return ({SHOWN[7:]})[0] === "Ada\'s title"')
    retitle(second, numbers[1], "Ben's title")
    until(second, f'return ({SHOWN[7:]})[1] === "Ben\'s title"')
    assert shown(second)[:2] == ["Ada's title", "Ben's title"]
    retitle(browser, numbers[1], "Ada's other title")
    notice = until(browser, "return document.querySelector('#notice')?.innerText")
    assert "changed this story meanwhile (edit)" in notice
    assert "Ben's title" in notice
    assert browser.execute_script("return document.querySelector('#notice textarea').value") == "Ada's other title"
    assert shown(browser)[1] == "Ben's title"


def retitle(browser: Chrome, number: str, title: str) -> None:
    browser.execute_script("document.querySelector(arguments[0]).open = true", f"#a-{number} details.edit")
    written(browser, f"#a-{number} input[name=title]", title)
    enter(browser, f"#a-{number} input[name=title]")


def complaints(browser: Chrome) -> list[Any]:
    return [entry for entry in browser.get_log("browser") if "ERR_NAME_NOT_RESOLVED" not in entry["message"]]


def test_the_page_breaks_no_rule_of_its_own(browser: Chrome, site: Site) -> None:
    sized(browser, 1280)
    browser.get("about:blank")  # a page of an earlier test, whose server has gone, asks on and complains
    complaints(browser)
    browser.get(f"{site.address}/review/")
    until(browser, "return document.querySelector('.letter iframe') !== null")
    assert complaints(browser) == []
