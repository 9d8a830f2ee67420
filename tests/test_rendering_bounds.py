"""A template ends: at a number of steps, or before it makes something too large. No test here measures time."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from newsletter.errors import TemplateError
from newsletter.rendering import Templates, bounds, render
from newsletter.rendering.bounds import STEPS, Budget
from tests.rendering_samples import NONCE, PUBLICATION, THEME, article, week

TOO_LARGE = {
    "repeating": "{{ 'a' * 10**9 }}",
    "repeating, the other way round": "{{ 10**9 * 'a' }}",
    "repeating a list": "{{ [1] * 10**9 }}",
    "repeating and counting": "{{ ('a' * 10**9)|length }}",
    "repeating in a condition": "{% if 'a' * 10**9 %}{% endif %}",
    "repeating in the making of a variable": "{% set x = ('a' * 10**6) * 2000 %}",
    "a power": "{{ 10 ** (10 ** 9) }}",
    "a power in a loop": "{% set ns = namespace(x=10) %}{% for n in range(64) %}{% set ns.x = ns.x * ns.x %}{% endfor %}",
    "a wide number": "{{ '%1000000000d' % 1 }}",
    "a wide number with a name": "{{ '%(a(b))1000000000d' % {'a(b)': 1} }}",
    "a number as wide as another": "{{ '%*d' % (10**9, 1) }}",
    "a number with decimals": "{{ '%.999999999f' % 1 }}",
    "the filter format": "{{ '%1000000000d'|format(1) }}",
    "format of a text": "{{ '{:>1000000000}'.format(1) }}",
    "format with a map": "{{ '{a:>1000000000}'.format_map({'a': 1}) }}",
    "a method": "{{ 'a'.ljust(10**9) }}",
    "a method with a literal": "{{ 'a'.center(1000000000) }}",
    "a method by its name": "{{ 'a'['rjust'](1000000000) }}",
    "a method with a keyword": "{{ 'a\\t'.expandtabs(tabsize=1000000000) }}",
    "zeros": "{{ '1'.zfill(1000000000) }}",
    "a filter": "{{ 'a\\nb'|indent(1000000000) }}",
    "a filter over many": "{{ ['a\\nb']|map('indent', 1000000000)|join }}",
    "replacing": "{{ ('a' * 100000)|replace('a', 'b' * 100000) }}",
    "replacing by a method": "{{ ('a' * 100000).replace('a', 'b' * 100000) }}",
    "joining": "{{ range(100000)|join('b' * 100000) }}",
    "joining what is worked out late": "{{ range(100000)|map('string')|join('b' * 100000) }}",
    "joining by a method": "{{ ('b' * 100000).join('a' * 100000) }}",
    "translating": "{{ ('a' * 100000).translate({97: 'b' * 100000}) }}",
    "batches": "{{ [1]|batch(1000000000, 'x')|list }}",
    "decimals": "{{ 1|round(1000000000, 'ceil') }}",
    "our own filters": "{{ 'a'|underline('-' * 100000000) }}",
    "doubling": "{% set ns = namespace(x='ab') %}{% for n in range(64) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
    "doubling by ~": "{% set ns = namespace(x='ab') %}{% for n in range(64) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
    "doubling lists": "{% set ns = namespace(x=[1]) %}{% for n in range(64) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}",
    "doubling maps": "{% set ns = namespace(x=1) %}{% for n in range(64) %}{% set ns.x = {1: ns.x, 2: ns.x} %}{% endfor %}",
    "doubling by dict": "{% set ns = namespace(x=1) %}{% for n in range(64) %}{% set ns.x = dict(a=ns.x, b=ns.x) %}{% endfor %}",
    "writing a variable": "{% set x %}{% for n in range(2000) %}" + "a" * 1000 + "{% endfor %}{% endset %}",
    "writing": "{% for n in range(2000) %}" + "a" * 1000 + "{% endfor %}",
    "writing by a macro": "{% macro m() %}{% for n in range(2000) %}"
    + "a" * 1000
    + "{% endfor %}{% endmacro %}{{ m() }}",
    "writing by a block": "{% block b %}{% for n in range(2000) %}"
    + "a" * 1000
    + "{% endfor %}{% endblock %}{{ self.b() }}",
}
TOO_LONG = {
    "loops in loops": "{% for a in range(999) %}{% for b in range(999) %}{% for c in range(999) %}{% endfor %}{% endfor %}{% endfor %}",
    "loops that pass all over": "{% for a in range(99999) %}{% for b in range(99999) if false %}{% endfor %}{% endfor %}",
    "a loop that calls itself": "{% for a in range(99) recursive %}{{ loop(range(99)) if loop.depth < 9 }}{% endfor %}",
    "a loop over constants": "{% for a in range(99999) %}{% for b in [1, 2, 3] %}{% endfor %}{% endfor %}",
    "filters in a loop": "{% for a in range(99999) %}{% set x = range(99999)|map('string')|list %}{% endfor %}",
    "a macro that calls itself twice": "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}",
    "an include of itself, twice": "{% include 'weekly/body.txt.j2' %}{% include 'weekly/body.txt.j2' %}",
}


@pytest.fixture(autouse=True)
def _little_memory() -> Iterator[None]:
    """What was refused too late does not take the machine along."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def refusal(folder: Path, template: str) -> TemplateError:
    (folder / "weekly").mkdir()
    (folder / "weekly" / "body.txt.j2").write_text(f"Hello\n{template}\n")
    with pytest.raises(TemplateError) as caught:
        render(week(), publication=PUBLICATION, theme=THEME, templates=Templates(folder), nonce=NONCE)
    return caught.value


@pytest.mark.parametrize("template", TOO_LARGE.values(), ids=TOO_LARGE)
def test_what_would_be_too_large_is_refused_with_file_and_line(tmp_path: Path, template: str) -> None:
    error = refusal(tmp_path, template)
    assert (error.file, error.line) == ("templates/weekly/body.txt.j2", 2)
    assert "not allowed in a template" in str(error)


def test_the_file_and_line_are_named_from_inside_the_project_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There the folder of the templates is relative, and a file is called as it is shown."""
    (tmp_path / "templates").mkdir()
    refusal(tmp_path / "templates", "{{ 'a' * 10**9 }}")
    monkeypatch.chdir(tmp_path)
    templates = Templates(Path("templates"))
    with pytest.raises(TemplateError) as caught:
        render(week(), publication=PUBLICATION, theme=THEME, templates=templates, nonce=NONCE)
    assert (caught.value.file, caught.value.line) == ("templates/weekly/body.txt.j2", 2)


@pytest.mark.parametrize("template", TOO_LONG.values(), ids=TOO_LONG)
def test_what_would_take_too_long_is_refused_with_file_and_line(tmp_path: Path, template: str) -> None:
    error = refusal(tmp_path, template)
    assert (error.file, error.line) == ("templates/weekly/body.txt.j2", 2)
    assert f"more than {STEPS:,} steps" in str(error) or "recursion" in str(error)


def test_a_subject_in_the_settings_is_bounded_too() -> None:
    for setting in (
        "{{ 'a' * 10**9 }}",
        "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
    ):
        with pytest.raises(TemplateError, match=r"newsletter\.toml: \[issue\] subject: not allowed in a template"):
            render(
                week(),
                publication=replace(PUBLICATION, subject=setting),
                theme=THEME,
                templates=Templates(),
                nonce=NONCE,
            )


def test_what_templates_do_every_day_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "a.txt.j2").write_text(
        "{{ '%d of %s' % (3, 'many') }} {{ '%.1f'|format(4.25) }} {{ 4.256|round(1) }} {{ '-' * 5 }} {{ 2 ** 10 }} "
        "{{ [1, 2, x]|join(', ') }} {{ 'a-b'.split('-')|map('upper')|join('+') }} {{ x|batch(2)|list }} "
        "{{ 'a' ~ x ~ 'b' }} {% for a, b in {'k': x}.items() %}{{ a }}{{ b }}{{ loop.last }}{% endfor %} "
        "{{ 'long text'|replace('long', 'short') }} {{ nothing|default('none') }} {{ 'a\nb'|indent(2) }}"
    )
    assert Templates(tmp_path).render("a.txt.j2", {"x": "xyz"}) == (
        "3 of many 4.2 4.3 ----- 1024 1, 2, xyz A+B [['x', 'y'], ['z']] axyzb kxyzTrue short text none a\n  b"
    )


def test_a_letter_twice_as_long_as_mail_programs_show_is_far_from_the_bounds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left: list[int] = []
    monkeypatch.setattr(Budget, "__exit__", lambda self, *_: left.append(self.left))
    issue = week()
    long = [
        replace(pick, article=article(f"Story {n}, {pick.article.title}", dek="Many words, but no more. " * 16))
        for n in range(20)
        for pick in issue.picks
    ]
    letter = render(
        replace(issue, picks=tuple(long)), publication=PUBLICATION, theme=THEME, templates=Templates(), nonce=NONCE
    )
    assert len(letter.web_copy()) > 2 * 102 * 1024
    assert min(left) > STEPS // 2
    assert len(letter.web_copy()) < bounds.MOST // 2


def test_a_filter_that_draws_lots_is_none_so_a_letter_is_the_same_each_time(tmp_path: Path) -> None:
    assert "No filter named 'random'" in str(refusal(tmp_path, "{{ [1, 2]|random }}"))
