"""The preview page in a real browser: it is used by keyboard and mouse, and nothing an article says comes alive."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from newsletter.preview.watcher import watched
from tests.browsers import browser, until
from tests.preview_project import PICTURE, TITLES, TOML, Site, articles, make_draft, make_root, own_template, served
from tests.times import Clock

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

__all__ = ["browser"]
pytestmark = pytest.mark.browser
REAL_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000 1f15c4890000000d49444154789c6360606060000000050001"
    "a5f645400000000049454e44ae426082".replace(" ", "")
)
HOSTILE = (
    "<script>parent.owned=1;alert(1)</script><img src=x onerror=alert(2)>\"'><svg onload=alert(3)>"
    "</style></title></textarea><iframe srcdoc='<script>alert(4)</script>'></iframe>{{ 7*7 }}\u202egnp"
)


@pytest.fixture
def root(tmp_path: Path, clock: Clock) -> Path:
    return make_root(tmp_path / "project", stories=articles(), clock=clock)


def opened(browser: Chrome, site: Site, query: str = "") -> None:
    browser.get("about:blank")  # a page of an earlier test, whose server has gone, asks on and complains
    complaints(browser)
    browser.get(f"{site.address}/{query}")
    until(
        browser,
        "return document.querySelectorAll('.screen iframe.on').length > 0 || !document.querySelector('#empty').hidden",
    )


def letter_text(browser: Chrome, frame: int = 0) -> str:
    from selenium.webdriver.common.by import By

    browser.switch_to.frame(browser.find_elements(By.CSS_SELECTOR, ".screen iframe.on")[frame])
    text = str(browser.execute_script("return document.body.innerText"))
    browser.switch_to.default_content()
    return text


def complaints(browser: Chrome) -> list[str]:
    """What the browser logged about the page, but for pictures of other hosts, which cannot be had here."""
    return [entry["message"] for entry in browser.get_log("browser") if "ERR_NAME_NOT_RESOLVED" not in entry["message"]]


def test_the_letter_stands_at_phone_and_desktop_width_with_its_picks_beside_it(
    browser: Chrome, root: Path, clock: Clock
) -> None:
    with served(make_draft(root, clock=clock)) as site:
        opened(browser, site)
        until(browser, "return document.querySelectorAll('.screen iframe.on').length === 2")
        frames = browser.execute_script(
            "return [...document.querySelectorAll('.screen iframe')].map(f => [f.style.width, f.getAttribute('sandbox')])"
        )
        assert frames == [["375px", ""], ["640px", ""]]
        shown = browser.execute_script("return [...document.querySelectorAll('.story .title')].map(t => t.textContent)")
        assert shown == list(TITLES)
        assert "Hi Ada" in letter_text(browser)
        assert complaints(browser) == []


def test_the_page_follows_a_template_and_shows_what_is_wrong_with_it(browser: Chrome, root: Path, clock: Clock) -> None:
    draft = make_draft(root, clock=clock)
    with served(draft) as site, watched(draft):
        opened(browser, site)
        own_template(root, "weekly/body.html.j2", lambda text: text.replace("here are the", "THESE ARE THE"))
        until(browser, "return document.querySelector('.screen iframe.on')?.src.includes('v=2')")
        assert "THESE ARE THE" in letter_text(browser)
        template = own_template(root, "weekly/body.html.j2", lambda text: "{{ no_such_thing }}" + text)
        until(browser, "return !document.querySelector('#trouble').hidden")
        banner = browser.execute_script("return document.querySelector('#trouble').innerText")
        assert "templates/weekly/body.html.j2, line 1" in banner
        assert "no_such_thing" in banner
        template.unlink()
        until(browser, "return document.querySelector('#trouble').hidden")


def test_the_keyboard_reaches_widths_schemes_views_and_stories(browser: Chrome, root: Path, clock: Clock) -> None:
    from selenium.webdriver.common.by import By

    with served(make_draft(root, clock=clock)) as site:
        opened(browser, site)
        body = browser.find_element(By.TAG_NAME, "body")
        body.send_keys("1")
        until(browser, "return document.querySelector('.screen iframe.on')?.style.width === '320px'")
        body.send_keys("d")
        until(browser, "return document.querySelector('.screen iframe.on')?.src.includes('scheme=dark')")
        body.send_keys("j")
        until(browser, "return document.querySelector('.story.on')?.dataset.story === '0'")
        body.send_keys("s")
        until(browser, "return document.querySelector('#code').innerText.includes('<!DOCTYPE html>')")
        body.send_keys("c")
        until(
            browser, "return document.querySelector('[data-panel=findings]').getAttribute('aria-selected') === 'true'"
        )
        body.send_keys("?")
        until(browser, "return document.querySelector('#help').open")
        assert complaints(browser) == []


@pytest.mark.parametrize("width", [320, 420, 1280])
def test_the_bar_fits_and_leads_to_the_review_page_of_the_same_issue(
    browser: Chrome, root: Path, clock: Clock, width: int
) -> None:
    with served(make_draft(root, clock=clock)) as site:
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        opened(browser, site, "?slot=2026-W48&scheme=dark&width=600")
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
        for one in browser.execute_script(
            "return [...document.querySelectorAll('.bar button, .bar a, .tools button')].map(one => {"
            " const box = one.getBoundingClientRect(); return [box.left, box.right, box.height] })"
        ):
            assert 0 <= one[0] < one[1] <= width
        pressed = "return [...document.querySelectorAll('[aria-pressed=true]')].map(one => one.textContent)"
        assert {"Dark", "600"} <= set(browser.execute_script(pressed))
        browser.execute_script("document.querySelector('#review').click()")
        until(browser, "return document.querySelector('.masthead select')?.value === '2026-W48'")
        browser.execute_script("document.querySelector('.masthead a').click()")
        until(browser, "return document.querySelector('#slots')?.value === '2026-W48'")
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_times_are_the_newsletters_wherever_the_browser_is(browser: Chrome, root: Path, clock: Clock) -> None:
    file = root / "newsletter.toml"
    file.write_text(file.read_text().replace('timezone = "UTC"', 'timezone = "Asia/Kathmandu"'), encoding="utf-8")
    with served(make_draft(root, clock=clock)) as site:
        browser.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": "America/Los_Angeles"})
        opened(browser, site)
        assert "07:00" in browser.execute_script("return document.querySelector('#inbox time').textContent")
        assert "19" in browser.execute_script("return document.querySelector('#slots').selectedOptions[0].textContent")
        browser.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": ""})


def test_the_scripts_of_the_editors_pages_stay_small() -> None:
    scripts = (
        files("newsletter.preview").joinpath("page", "preview.js"),
        files("newsletter.review").joinpath("page", "review.js"),
    )
    assert sum(len(script.read_text(encoding="utf-8").splitlines()) for script in scripts) <= 900


def test_stored_pictures_are_seen_in_the_letter(browser: Chrome, root: Path, clock: Clock) -> None:
    from selenium.webdriver.common.by import By

    (root / "logo.png").write_bytes(REAL_PNG)
    (root / "newsletter.toml").write_text(TOML + '\n[theme]\nlogo = "logo.png"\n', encoding="utf-8")
    with served(make_draft(root, clock=clock)) as site:
        opened(browser, site, "?width=600")
        browser.switch_to.frame(browser.find_element(By.CSS_SELECTOR, ".screen iframe.on"))
        drawn = browser.execute_script("return [...document.images].map(i => [i.src, i.naturalWidth])")
        browser.switch_to.default_content()
        assert [width for source, width in drawn if PICTURE not in source] == [1]


def test_hostile_articles_stay_words(browser: Chrome, tmp_path: Path, clock: Clock) -> None:
    from selenium.common.exceptions import NoAlertPresentException

    stories = [
        replace(
            story, title=f"{number} {HOSTILE}", dek=HOSTILE, authors=(HOSTILE,), section=HOSTILE, categories=(HOSTILE,)
        )
        for number, story in enumerate(articles())
    ]
    root = make_root(tmp_path / "project", stories=stories, clock=clock)
    # A project's own template may be careless too: the frame has to hold even then.
    own_template(
        root,
        "weekly/body.html.j2",
        lambda text: text.replace(
            "Hi {{", "<script>parent.owned=1;alert(5)</script><a href='javascript:alert(6)'>Hi</a> {{"
        ),
    )
    with served(make_draft(root, clock=clock)) as site:
        for query in (
            "",
            "?panel=passed&view=html",
            "?panel=findings&view=text",
            "?program=outlook",
            "?program=nostyle&scheme=forced",
        ):
            browser.get(f"{site.address}/{query}")
            until(browser, "return !document.body.classList.contains('waiting')")
            until(browser, "return document.querySelector('.screen iframe.on, #code div') !== null")
            with pytest.raises(NoAlertPresentException):
                browser.switch_to.alert.text  # noqa: B018 - asking is what raises
            assert browser.execute_script("return window.owned") is None
            assert (
                browser.execute_script("return document.querySelectorAll('main script, main svg, main img').length")
                == 0
            )
        opened(browser, site)
        titles = browser.execute_script(
            "return [...document.querySelectorAll('.story .title')].map(t => t.textContent)"
        )
        assert all("<script>" in title for title in titles)
        assert "<script>" in letter_text(browser)
