"""Inlining loses nothing a responsive letter lives on, and refuses what it would have to change."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, HTTPServer

import css_inline
import pytest
import tinycss2

from newsletter.rendering.inlining import InliningError, inline
from newsletter.rendering.templates import Templates
from tests.rendering_samples import rendered_html


def page(style: str = "", body: str = "<p>x</p>", head: str = "") -> str:
    return f"<!doctype html>\n<html><head>{head}<style>{style}</style></head><body>{body}</body></html>"


def test_plain_rules_become_style_attributes() -> None:
    assert '<p class="a" style="color:#ff0000; margin:0">' in inline(
        page(".a { color: #ff0000; } p { margin: 0; }", '<p class="a">x</p>')
    ).html.replace("margin:0; color:#ff0000", "color:#ff0000; margin:0")


def test_six_digit_colours_stay_six_digits() -> None:
    assert "#ffffff" in inline(page("p { color: #ffffff; }")).html


@pytest.mark.parametrize("doctype", ["<!doctype html>", "<!DOCTYPE html>", "<!-- first --><!Doctype HTML>"])
def test_the_doctype_stays_as_the_author_wrote_it(doctype: str) -> None:
    assert inline(f"{doctype}<html><body><p>x</p></body></html>").html.startswith(doctype)


def test_a_byte_order_mark_and_an_xml_declaration_are_taken_off() -> None:
    result = inline('\ufeff<?xml version="1.0"?>\n<!doctype html><html><body><p>x</p></body></html>').html
    assert result.startswith("<!doctype html>")


@pytest.mark.parametrize(
    "rule",
    [
        "@media (max-width:599px) { .a { color: red !important; } }",
        "@font-face { font-family: X; src: url(x.woff); }",
        "@supports (display:grid) { p { color: red; } }",
        "#outlook a{padding: 0;}",
        "u + .body .x{color: red;}",
        ".ExternalClass{width: 100%;}",
        "*{margin: 0;}",
    ],
)
def test_what_cannot_be_inlined_stays_in_the_head(rule: str) -> None:
    result = inline(page(rule + " p { color: blue; }")).html
    kept = re.search(r"<style>(.*?)</style>", result, re.DOTALL)
    assert kept
    assert re.sub(r"\s", "", rule) in re.sub(r"\s", "", kept[1])
    assert 'style="color:blue"' in result


def test_important_survives_in_media_queries_of_every_kind_of_block() -> None:
    rule = "@media (max-width:599px) { .a { width: 100% !important; } }"
    assert "100% !important" in inline(page(rule)).html
    ignored = page(head=f'<style data-premailer="ignore">{rule}</style>')
    assert rule in inline(ignored).html
    assert "data-premailer" not in inline(ignored).html


def test_a_rule_that_refines_by_state_still_wins_over_the_style_attribute() -> None:
    result = inline(
        page("a { color: blue; } a:hover, b { color: red; }", '<a href="https://x.example">x</a><b>y</b>')
    ).html
    assert "a:hover{color:red !important}" in result
    assert '<b style="color:red">' in result


def test_comments_for_outlook_and_scripts_come_back_byte_for_byte() -> None:
    mso = '<!--[if mso]><v:rect style="width:600px" fill="t"><style>p { margin:0 }</style></v:rect><![endif]-->'
    data = '<script type="application/ld+json">{"a": "<!-- </b> -->"}</script>'
    result = inline(page("p { margin: 0 }", f"{mso}<p>x</p>", head=data)).html
    assert mso in result
    assert data in result


def test_attributes_word_needs_are_not_overwritten_by_css() -> None:
    result = inline(
        page(
            ".fluid { width: 100%; height: auto; }",
            '<img class="fluid" width="600" alt="" src="https://x.example/a.png">',
        )
    ).html
    assert 'width="600"' in result
    assert "height=" not in result


class _Counting(BaseHTTPRequestHandler):
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_error(404)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []
    counting = type("Counting", (_Counting,), {"asked": asked})
    with HTTPServer(("127.0.0.1", 0), counting) as http:
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{http.server_address[1]}", asked
        http.shutdown()
        thread.join()


def test_nothing_is_fetched_whatever_the_document_asks_for(server: tuple[str, list[str]]) -> None:
    address, asked = server
    result = inline(
        page(
            f"@import url('{address}/a.css'); p {{ color: red }}",
            head=f"<link rel='stylesheet' href='{address}/b.css'>"
            f"<style data-premailer='ignore'>@import '{address}/c.css';</style>",
        )
    )
    assert asked == []
    assert "@import" not in result.html
    assert any("@import" in note for note in result.notes)


@pytest.mark.parametrize(
    ("html", "says"),
    [
        ("", "empty"),
        (
            page(body='\n<a href="https://x.example"><table><tr><td>1</td></tr></table></a>'),
            "line 3: .*<a> around a table",
        ),
        (page(body='\n<p style="style">x</p>'), "line 3: .*no declaration"),
        (page(body="\n<p>\x07</p>"), "line 3: .*U\\+0007"),
        (page(body="\n<p>\ud800</p>"), "line 3: .*U\\+D800"),
        (page(body="\n<![if !mso]><p>x</p><![endif]>"), "line 3: "),
        (page(body="<div>" * 250 + "x" + "</div>" * 250), "deeper than 200"),
        (page("\n\np { color red }"), "line 4: .*does not parse"),
        (page("\n} p { color: red }"), "line 3: .*does not parse"),
    ],
)
def test_what_would_be_lost_is_refused_with_its_line(html: str, says: str) -> None:
    with pytest.raises(InliningError, match=says):
        inline(html)


class _Styles(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.alts: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.alts += [value for name, value in attrs if name == "alt"]
        style = tinycss2.parse_declaration_list(dict(attrs).get("style") or "", skip_whitespace=True)
        values = {d.lower_name: tinycss2.serialize(d.value).replace('"', "'") for d in style}
        self.found.append(
            (tag, {name: " ".join(re.sub(r"\b0px", "0", value).split()) for name, value in values.items()})
        )


def declarations(html: str) -> list[tuple[str, dict[str, str]]]:
    """Every element of the body with its final declarations, in document order."""
    styles = _Styles()
    styles.feed(html[html.index("<body") :])
    return [(tag, found) for tag, found in styles.found if tag != "tbody"]


def test_a_style_attribute_in_the_text_of_another_attribute_stays_text() -> None:
    alt = "a style='color:\"red\"' onerror='b'"
    html = page(
        "img { font-family: 'A B'; }", f'<img src="https://x.example/a.png" alt="{alt.replace(chr(34), "&quot;")}">'
    )
    found = _Styles()
    found.feed(inline(html).html)
    assert found.alts == [alt]
    assert found.found[-1] == ("img", {"font-family": "'A B'"})


def test_css_inline_comes_to_the_same_declarations_on_our_own_letter() -> None:
    html = rendered_html(Templates())
    theirs = css_inline.CSSInliner(load_remote_stylesheets=False).inline(html)
    assert declarations(inline(html).html) == declarations(theirs)
