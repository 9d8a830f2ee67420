"""The letter as other mail programs show it."""

from __future__ import annotations

import re

import pytest

from newsletter.preview.views import View, prepared, seen, stored_pictures, with_local_pictures

HTML = """<!DOCTYPE html><html><head><meta name="color-scheme" content="light dark">
<!--[if mso]><noscript><xml><o:Office><o:PixelsPerInch>96</o:PixelsPerInch></o:Office></xml></noscript><![endif]-->
<style>:root { color-scheme: light dark; } @media (prefers-color-scheme: dark) { p { color: #ffffff } }</style></head>
<body bgcolor="#ffffff"><!--[if mso]><table class="word"><tr><td><![endif]-->
<!--[if !mso]><!--><div class="others">only elsewhere</div><!--<![endif]-->
<p style="color: #111111; background-color: #ffffff; max-width: 600px; border-radius: 4px">Words</p>
<p style='font-family: "Times New Roman"; color: #111'>More</p>
<img src="https://x.example/a.png" width="248" style="width: 100%; height: auto; border: 0">
<!--[if mso]></td></tr></table><![endif]--></body></html>"""


def test_light_and_dark_answer_the_letters_own_question() -> None:
    light, dark = seen(HTML, View("light")), seen(HTML, View("dark"))
    assert "prefers-color-scheme" not in light + dark
    assert "@media (max-width: 0)" in light
    assert "@media (min-width: 0)" in dark
    assert 'content="dark"' in dark
    assert ":root { color-scheme: light; }" in light


def test_without_style_nothing_is_left_of_it() -> None:
    shown = seen(HTML, View(program="nostyle"))
    assert "<style" not in shown
    assert "color: #111111" in shown


def test_word_sees_what_is_meant_for_it_and_not_what_is_meant_for_others() -> None:
    shown = seen(HTML, View(program="outlook"))
    assert '<table class="word">' in shown
    assert "only elsewhere" not in shown
    assert "<!--[if" not in shown
    assert "96" not in shown
    assert "max-width" not in shown
    assert "border-radius" not in shown
    image = re.search(r"<img[^>]*>", shown)
    assert image is not None
    assert 'width="248"' in image[0]
    assert "100%" not in image[0]


def test_a_forced_dark_scheme_turns_light_grounds_and_dark_words() -> None:
    shown = seen(HTML, View("forced"))
    assert 'bgcolor="#242424"' in shown
    words = re.findall(r"[\"; ]color:\s*#([0-9a-f]{6})", shown.partition("<body")[2])
    assert len(words) == 2
    assert all(int(colour[:2], 16) > 0xC0 for colour in words)
    assert "background-color: #242424" in shown


def test_the_usual_view_in_light_changes_only_the_question_of_the_scheme() -> None:
    assert seen("<p style='color: red'>x</p>", View()) == "<p style='color: red'>x</p>"


PUBLIC = "https://news.example.org/a?b&c"


def test_only_stored_pictures_come_home() -> None:
    html = (
        '<img src="https://news.example.org/a?b&amp;c/images/aa.png"><img src="https://news.example.org/a?b&amp;c/images/bb.png">'
        '<img src="https://other.example/images/aa.png"><a href="https://news.example.org/a?b&amp;c/unsubscribe/x">'
    )
    home = with_local_pictures(html, public_url=PUBLIC, prefix="images/", has=lambda name: name == "aa.png")
    assert home == html.replace("https://news.example.org/a?b&amp;c/images/aa.png", "images/aa.png")
    assert stored_pictures(html, public_url=PUBLIC) == ["aa.png", "bb.png"]


@pytest.mark.parametrize("name", ["../../etc/passwd", "..%2f..%2fetc", 'a.png" onerror="x'])
def test_a_picture_name_leads_out_of_no_folder(name: str) -> None:
    html = f'<img src="{PUBLIC}/images/{name}">'.replace("&c", "&amp;c")
    assert stored_pictures(html, public_url=PUBLIC) in ([], ["a.png"])


def test_stories_get_anchors_once_and_clicks_lead_nowhere() -> None:
    html = '<html><head></head><body><a href="https://x.example/s?utm=1"><img></a><a href="https://x.example/s?utm=1">S</a></body>'
    ready = prepared(html, urls=["https://x.example/s", "", "https://x.example/other"])
    assert ready.count('id="pick-0"') == 1
    assert "pick-1" not in ready
    assert "pick-2" not in ready
    assert '<head><base target="_blank">' in ready
