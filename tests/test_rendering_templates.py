"""Templates: a project's own come first, and a broken one is named with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from newsletter.errors import TemplateError
from newsletter.rendering import Templates, render, shipped_templates
from tests.rendering_samples import NONCE, PUBLICATION, THEME, week


def rendered_with(folder: Path, *, text: str) -> None:
    (folder / "weekly").mkdir(parents=True, exist_ok=True)
    (folder / "weekly" / "body.txt.j2").write_text(text, encoding="utf-8")
    render(week(), publication=PUBLICATION, theme=THEME, templates=Templates(folder), nonce=NONCE)


def test_the_shipped_templates_hold_every_mail_this_package_sends() -> None:
    for mail in ("weekly", "confirm", "already"):
        for part in ("subject.txt.j2", "body.html.j2", "body.txt.j2"):
            assert (shipped_templates() / mail / part).is_file()


def test_a_project_overrides_one_file_and_keeps_the_others(tmp_path: Path) -> None:
    (tmp_path / "weekly").mkdir()
    (tmp_path / "weekly" / "subject.txt.j2").write_text("Mine: {{ lead.title }}\n", encoding="utf-8")
    letter = render(week(), publication=PUBLICATION, theme=THEME, templates=Templates(tmp_path), nonce=NONCE)
    assert letter.subject.startswith("Mine: ")
    assert "View in browser" in letter.web_copy()


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("a\n{{ nothing }}\n", "templates/weekly/body.txt.j2:2: 'nothing' is undefined"),
        ("a\n\n{% if %}\n", "templates/weekly/body.txt.j2:3: Expected an expression"),
        ("\n{{ 1 / 0 }}\n", "templates/weekly/body.txt.j2:2: ZeroDivisionError"),
        ("{{ lead.nothing }}", "templates/weekly/body.txt.j2:1: "),
        ("\n{% include 'parts/none.j2' %}", "templates/weekly/body.txt.j2:2: there is no template parts/none.j2"),
        ("\n{{ ''.__class__ }}", "templates/weekly/body.txt.j2:2: not allowed in a template"),
        ("{{ stories.append(1) }}", "templates/weekly/body.txt.j2:1: not allowed in a template"),
        ("{% for n in range(10 ** 9) %}{% endfor %}", "templates/weekly/body.txt.j2:1: OverflowError"),
    ],
)
def test_a_broken_template_is_named_with_file_and_line(tmp_path: Path, template: str, says: str) -> None:
    with pytest.raises(TemplateError) as caught:
        rendered_with(tmp_path, text=template)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "template",
    [
        "\n{% if blanks.first_name %}x{% endif %}",
        "\n{{ blanks.first_name|length }}",
        "\n{{ blanks.first_name + '!' }}",
        "\n{{ blanks.first_name == 'Anna' }}",
        "\n{% for letter in blanks.first_name %}{% endfor %}",
        "\n{{ blanks.email|truncate(3) }}",
    ],
)
def test_asking_a_blank_for_its_value_is_refused_where_it_is_asked(tmp_path: Path, template: str) -> None:
    with pytest.raises(TemplateError, match="rendered once for everybody") as caught:
        rendered_with(tmp_path, text=template)
    assert (caught.value.file, caught.value.line) == ("templates/weekly/body.txt.j2", 2)


def test_a_blank_in_capitals_is_refused_with_the_file_and_the_line_of_the_output(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match=r"body\.txt\.j2: line 3 of the output"):
        rendered_with(tmp_path, text="a\n\n{{ blanks.email|upper }}")


def test_a_look_that_does_not_exist_is_named() -> None:
    from dataclasses import replace

    with pytest.raises(TemplateError, match=r"there is no template nowhere/"):
        render(
            week(), publication=PUBLICATION, theme=replace(THEME, look="nowhere"), templates=Templates(), nonce=NONCE
        )


def test_names_of_html_files_are_escaped_and_text_files_are_not(tmp_path: Path) -> None:
    (tmp_path / "a.html.j2").write_text("{{ x }}", encoding="utf-8")
    (tmp_path / "a.txt.j2").write_text("{{ x }}", encoding="utf-8")
    templates = Templates(tmp_path)
    assert templates.render("a.html.j2", {"x": "<b>"}) == "&lt;b&gt;"
    assert templates.render("a.txt.j2", {"x": "<b>"}) == "<b>"
