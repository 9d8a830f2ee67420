"""A blank may stand where a person's value can be nothing but text or the tail of an address."""

from __future__ import annotations

import pytest

from newsletter.letter import token_of
from newsletter.rendering.blanks import Blanks, refuse_positions
from tests.rendering_samples import NONCE

TOKEN = token_of(NONCE, 0)


@pytest.mark.parametrize(
    "html",
    [
        f"<p>{TOKEN}</p>",
        f'<p title="For {TOKEN}">x</p>',
        f'<a href="https://example.org/u/{TOKEN}">x</a>',
        f'<a href="https://example.org/?u={TOKEN}&amp;x=1">x</a>',
        f'<!--[if mso]><a href="https://example.org/u/{TOKEN}">x</a><![endif]-->',
        f"<title>{TOKEN}</title>",
    ],
)
def test_blanks_are_welcome_in_text_quoted_attributes_and_paths(html: str) -> None:
    refuse_positions(html, nonce=NONCE)


@pytest.mark.parametrize(
    ("html", "where"),
    [
        (f"<style>a{{color:{TOKEN}}}</style>", "inside <style>"),
        (f"<script>var a='{TOKEN}'</script>", "inside <script>"),
        (f'<p onclick="{TOKEN}">x</p>', "in the script of onclick"),
        (f'<p style="color:{TOKEN}">x</p>', "in a style attribute"),
        (f"<p title={TOKEN}>x</p>", "outside quotes"),
        (f"<p {TOKEN}=1>x</p>", "outside quotes"),
        (f'<a href="{TOKEN}">x</a>', "before the end of the host"),
        (f'<a href="javascript:alert({TOKEN})">x</a>', "before the end of the host"),
        (f'<a href="https://{TOKEN}.example.org/">x</a>', "before the end of the host"),
        (f"<!-- {TOKEN} -->", "in a comment"),
        (f'<!--[if mso]><a href="{TOKEN}">x</a><![endif]-->', "for Word"),
    ],
)
def test_blanks_are_refused_where_a_value_could_become_code(html: str, where: str) -> None:
    with pytest.raises(ValueError, match=f"^line 2: .*{where}"):
        refuse_positions(f"<html>\n{html}", nonce=NONCE)


def test_a_stand_in_prints_its_token_and_answers_nothing_else() -> None:
    blank = Blanks(["email"], nonce=NONCE).stand_ins["email"]
    assert f"{blank}" == blank.__html__() == TOKEN
    for question in (
        bool,
        len,
        iter,
        hash,
        lambda b: b == "x",
        lambda b: b + "x",
        lambda b: "x" + b,
        lambda b: "a" in b,
    ):
        with pytest.raises(TypeError):
            question(blank)
