"""The letter in a real browser: inlining changes no computed style, and nothing scrolls sideways on a phone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from newsletter.issue import Insert
from newsletter.rendering import Templates, render, render_mail
from newsletter.rendering.inlining import inline
from tests.rendering_samples import NONCE, PUBLICATION, THEME, VALUES, article, hostile_week, rendered_html, week

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = pytest.mark.browser
TEMPLATES = Templates()
# What a reader could tell apart: the properties that rules of a letter set, and where each element ends up.
MEASURE = """
const names = ['color','background-color','font-family','font-size','font-weight','font-style','line-height',
  'letter-spacing','text-align','text-decoration-line','text-transform','display','float','overflow-x','vertical-align',
  'padding-top','padding-right','padding-bottom','padding-left','margin-top','margin-right','margin-bottom',
  'margin-left','border-top-width','border-top-style','border-top-color','border-bottom-width','border-left-width',
  'border-left-color','border-top-left-radius','max-width','word-break'];
return [...document.body.querySelectorAll('*')].map(element => {
  const style = getComputedStyle(element), box = element.getBoundingClientRect();
  return [element.tagName, element.className, Math.round(box.x), Math.round(box.width),
    ...names.map(name => style.getPropertyValue(name))].join('|');
});
"""
VIEWS = [(800, "light"), (375, "light"), (375, "dark"), (320, "light")]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("no Chromium here: apt-get install chromium chromium-driver")
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    options.binary_location = chromium
    for flag in (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--hide-scrollbars",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        f"--user-data-dir={tmp_path_factory.mktemp('chromium')}",
    ):
        options.add_argument(flag)
    chrome = Chrome(options=options, service=Service(driver))
    yield chrome
    chrome.quit()


def opened(browser: Chrome, html: str, folder: Path, *, width: int, scheme: str = "light") -> None:
    file = folder / "letter.html"
    file.write_text(html, encoding="utf-8")
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get(file.as_uri())


def measured(browser: Chrome, html: str, folder: Path, **view: Any) -> list[str]:
    opened(browser, html, folder, **view)
    return list(browser.execute_script(MEASURE))


@pytest.mark.parametrize(("width", "scheme"), VIEWS)
def test_every_element_looks_the_same_after_inlining(browser: Chrome, tmp_path: Path, width: int, scheme: str) -> None:
    html = rendered_html(TEMPLATES)
    before = measured(browser, html, tmp_path, width=width, scheme=scheme)
    after = measured(browser, inline(html).html, tmp_path, width=width, scheme=scheme)
    assert len(before) > 100
    assert after == before


def letters() -> dict[str, str]:
    first, *rest = week().picks
    long = replace(first, article=article("Donaudampfschifffahrtsgesellschaftskapit\u00e4nsm\u00fctzenabzeichen" * 2))
    issues = {"week": week(), "hostile": hostile_week(), "long words": replace(week(), picks=(long, *rest))}
    insert = Insert("ad", "Donau" * 40, "Advertisement", f"https://{'donau' * 12}.example/")
    issues["an editor's words"] = replace(week(), intro="dampf" * 40, inserts=(insert, replace(insert, label="")))
    options = {"publication": PUBLICATION, "theme": THEME, "templates": TEMPLATES, "nonce": NONCE}
    found = {name: render(issue, **options).html(VALUES) for name, issue in issues.items()}  # type: ignore[arg-type]
    turned = replace(PUBLICATION, language="ar")
    found["right to left"] = render(week(), **{**options, "publication": turned}).html(VALUES)  # type: ignore[arg-type]
    return found | {kind: render_mail(kind, **options).html(VALUES) for kind in ("confirm", "already")}  # type: ignore[arg-type]


def test_no_letter_scrolls_sideways_at_any_width(browser: Chrome, tmp_path: Path) -> None:
    for name, html in letters().items():
        for width in (320, 375, 600, 1200):
            opened(browser, html, tmp_path, width=width)
            needed = browser.execute_script("return document.documentElement.scrollWidth")
            assert needed <= width, f"{name} needs {needed} of {width} pixels"


def test_a_full_week_stays_under_the_height_where_outlook_for_ios_cuts_off(browser: Chrome, tmp_path: Path) -> None:
    issue = week()
    more = tuple(
        replace(pick, article=replace(pick.article, title=f"{pick.article.title} again")) for pick in issue.picks[1:5]
    )
    full = replace(issue, picks=(*issue.picks, *more))
    html = render(full, publication=PUBLICATION, theme=THEME, templates=TEMPLATES, nonce=NONCE).html(VALUES)
    opened(browser, html, tmp_path, width=375)
    assert browser.execute_script("return document.documentElement.scrollHeight") < 5000


def test_buttons_and_footer_links_are_large_enough_for_a_thumb(browser: Chrome, tmp_path: Path) -> None:
    opened(browser, letters()["week"], tmp_path, width=375)
    heights = browser.execute_script(
        "return [...document.querySelectorAll('.press, .tap')].map(e => e.getBoundingClientRect().height)"
    )
    assert len(heights) >= 5
    assert min(heights) >= 44


def test_dark_readers_get_dark_paper(browser: Chrome, tmp_path: Path) -> None:
    opened(browser, letters()["week"], tmp_path, width=600, scheme="dark")
    colour = "return getComputedStyle(document.querySelector('{}')).{}"
    assert browser.execute_script(colour.format(".sheet", "backgroundColor")) == "rgb(31, 29, 26)"
    assert browser.execute_script(colour.format(".headline a", "color")) == "rgb(242, 239, 233)"
