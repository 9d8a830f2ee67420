"""The check finds what costs readers, names the line, and is silent about a good letter."""

from __future__ import annotations

from dataclasses import replace

import pytest

from newsletter.issue import Image
from newsletter.letter import Letter, encode, token_of
from newsletter.rendering import Level, Templates, check, check_html, render, render_mail
from newsletter.rendering.blanks import ISSUE_BLANKS, Blanks
from newsletter.rendering.style_rules import contrast
from newsletter.settings.tables import Colours, DarkColours
from tests.rendering_samples import NONCE, NOW, PUBLICATION, THEME, article, week

TEMPLATES = Templates()
GOOD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>A week</title></head><body>
<div style="display:none">Forty characters of a preheader that says something.</div>
<h1>A week</h1><p>Words. <a href="https://example.org/unsubscribe/{token}">Unsubscribe</a></p>
<p>Harbour Street 12, 1000 Port City</p>
{more}</body></html>"""


def letter_of(html: str, text: str = "", *, subject: str = "A week at the harbour") -> Letter:

    token = token_of(NONCE, 2)
    words = f"A week\nWords. Unsubscribe:\nhttps://example.org/unsubscribe/{token}\nHarbour Street 12, 1000 Port City\n"
    return encode(
        html.replace("{token}", token),
        text.replace("{token}", token) or words,
        subject=subject,
        identity=PUBLICATION.identity(issue="x"),
        nonce=NONCE,
        blanks=Blanks(ISSUE_BLANKS, nonce=NONCE).declared(),
    )


def found(html: str, **more: str) -> set[str]:
    return {finding.id for finding in check(letter_of(html, **more))}


def with_body(more: str) -> str:
    return GOOD.replace("{more}", more)


def test_the_letter_of_a_full_week_has_no_finding_at_all() -> None:
    letter = render(week(), publication=PUBLICATION, theme=THEME, templates=TEMPLATES, nonce=NONCE)
    assert check(letter, publication=PUBLICATION, theme=THEME) == ()


@pytest.mark.parametrize("kind", ["confirm", "already"])
def test_single_mails_have_no_finding_either(kind: str) -> None:
    mail = render_mail(kind, publication=PUBLICATION, theme=THEME, templates=TEMPLATES, nonce=NONCE)
    assert check(mail, publication=PUBLICATION, theme=THEME) == ()


def test_a_plain_good_letter_has_no_finding() -> None:
    assert found(with_body("")) == set()


@pytest.mark.parametrize(
    ("more", "rule"),
    [
        ('<a href="https://x.example"><table role="presentation"><tr><td>1</td></tr></table></a>', "structure.a-table"),
        ("<b><p>x</p></b>", "structure.block-in-inline"),
        ('<img src="https://x.example/a.png" width="10">', "image.alt"),
        ('<img src="https://x.example/a.png" alt="A">', "image.width"),
        ('<img src="/a.png" alt="A" width="10">', "image.address"),
        ('<img src="http://x.example/a.png" alt="A" width="10">', "image.http"),
        ('<img src="https://x.example/a.webp" alt="A" width="10">', "image.format"),
        ('<a href="https://x.example"><img src="https://x.example/a.png" alt="" width="9"></a>', "link.no-text"),
        ('<a href="https://x.example">Read more</a>', "link.generic"),
        ('<a href="/x">The story</a>', "link.relative"),
        ('<a href="">The story</a>', "link.empty"),
        ('<a href="javascript:alert(1)">The story</a>', "link.scheme"),
        ('<a href="http://x.example">The story</a>', "link.http"),
        ('<a href="https://x.example/{{ id }}">The story</a>', "link.unresolved"),
        ("<table><tr><td>x</td></tr></table>", "table.role"),
        ("<h4>x</h4>", "headings.gap"),
        ('<div style="display:flex">x</div>', "layout.fragile"),
        ("<script>1</script>", "element.banned"),
        ("<form></form>", "element.banned"),
        ("<style>p{color:red}</style>", "style.in-body"),
        ("<!--[if mso]><table><tr><td><![endif]-->x", "mso.unbalanced"),
        ("<!--[if mso]>x-->", "mso.unbalanced"),
        ("<![if !mso]>x<![endif]>", "mso.bare"),
        ("<p>\x85</p>", "text.control"),
        ("<p>It starts this Friday.</p>", "words.relative"),
        ("<p>" + "words and " * 12000 + "</p>", "size.html"),
        ("<div>" * 110 + "x" + "</div>" * 110, "structure.depth"),
    ],
)
def test_a_mistake_in_the_body_is_found(more: str, rule: str) -> None:
    assert rule in found(with_body(more))


@pytest.mark.parametrize(
    ("css", "rule"),
    [
        ("@media screen { @media print { p { color: red } } }", "style.nested-at"),
        ("@import url(https://x.example/a.css);", "style.import"),
        ("p { color: rgb(0 0 0 / 50%) }", "style.rgb-spaces"),
        ("p } {", "style.parse"),
        ("p { color: red }" * 1200, "size.style"),
    ],
)
def test_a_mistake_in_the_style_sheet_is_found(css: str, rule: str) -> None:
    assert rule in found(with_body("").replace("</head>", f"<style>{css}</style></head>"))


def test_a_media_query_and_outlooks_ghost_tables_are_no_mistakes() -> None:
    html = with_body(
        '<!--[if mso]><table role="presentation"><tr><td><![endif]-->x<!--[if mso]></td></tr></table><![endif]-->'
        "<!--[if !mso]><!-->y<!--<![endif]-->"
    ).replace("</head>", "<style>@media (max-width:599px){p{color:red !important}}</style></head>")
    assert found(html) == set()


def test_a_missing_frame_is_found() -> None:
    assert {"doctype.missing", "charset.missing", "title.missing", "lang.missing", "preheader.missing"} <= found(
        '<html><head></head><body><p><a href="https://example.org/unsubscribe/{token}">Unsubscribe</a></p></body></html>'
    )


@pytest.mark.parametrize(
    ("subject", "rule"),
    [("A" * 79, "subject.long"), ("EVERYTHING MUST GO NOW", "subject.caps"), ("Hi", "title.subject")],
)
def test_a_subject_that_hurts_is_found(subject: str, rule: str) -> None:
    html = with_body("").replace("<title>A week", "<title>A week of many words about the harbour and its lights")
    assert rule in found(html, subject=subject)


def test_each_part_needs_a_way_out_and_the_postal_address() -> None:
    letter = letter_of("<!doctype html><html><body><p>Hello</p></body></html>", "Hello\n")
    ids = {finding.id for finding in check(letter, publication=PUBLICATION)}
    assert {"unsubscribe.html", "unsubscribe.text", "postal.html", "postal.text"} <= ids
    nowhere = replace(PUBLICATION, postal_address=" ")
    assert "postal.missing" in {finding.id for finding in check(letter, publication=nowhere)}


def test_an_unsubscribe_link_without_words_is_none() -> None:
    html = '<!doctype html><html><body><a href="https://example.org/unsubscribe/{token}"></a></body></html>'
    assert "unsubscribe.html" in found(html)


def test_a_text_part_that_says_something_else_is_found() -> None:
    html = with_body("<p>" + " ".join(f"word{n}" for n in range(60)) + "</p>")
    assert "text.differs" in found(html, text="Unrelated.\nhttps://example.org/unsubscribe/{token}\n")
    assert "text.line" in found(html, text="x " * 60 + "\n")


def test_the_longest_values_a_person_can_bring_count_towards_the_size() -> None:

    name = token_of(NONCE, 0)
    html = with_body("<p>" + name * 300 + "</p>")
    assert "size.html" not in found(html.replace(name, "Anna"))
    assert "size.html" in found(html)


def test_colours_that_cannot_be_read_are_found_in_both_schemes() -> None:
    letter = render(week(), publication=PUBLICATION, theme=THEME, templates=TEMPLATES, nonce=NONCE)
    pale = replace(THEME, light=Colours(muted="#aaaaaa"), dark=DarkColours(text="#2a2a2a"))
    findings = [finding for finding in check(letter, theme=pale) if finding.id == "contrast"]
    assert any(finding.message.startswith("light muted on card: contrast 2.3") for finding in findings)
    assert any(finding.message.startswith("dark text on card") for finding in findings)
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


def test_a_time_that_has_passed_is_pointed_out_in_a_blurb() -> None:
    issue = week()
    late = replace(issue.picks[1], article=article("Catch it", dek="Catch the new thriller from Korea this Friday!"))
    letter = render(
        replace(issue, picks=(issue.picks[0], late, *issue.picks[2:])),
        publication=PUBLICATION,
        theme=THEME,
        templates=TEMPLATES,
        nonce=NONCE,
    )
    finding = next(finding for finding in check(letter) if finding.id == "words.relative")
    assert finding.level == Level.INFO
    assert "this Friday" in finding.message
    assert NOW.year == 2026


def test_findings_come_errors_first_and_name_the_line() -> None:
    findings = check_html(with_body('<p>x</p>\n<a href="/x">The story</a>\n<a href="http://x.example">The other</a>'))
    assert [(f.id, f.level, f.line) for f in findings] == [
        ("link.relative", "error", 7),
        ("link.http", "warning", 8),
    ]


def test_any_html_file_can_be_checked_even_one_that_cannot_be_inlined() -> None:
    ids = {finding.id for finding in check_html("<html><head><style>p {{</style></head><body><p>x</body></html>")}
    assert {"doctype.missing", "unsubscribe.html"} <= ids
    assert any(finding.id == "inlining" for finding in check_html(""))


def test_a_preheader_hidden_by_a_class_is_seen() -> None:
    html = with_body("").replace('style="display:none"', 'class="pre"')
    html = html.replace("</head>", "<style>.pre { display: none; }</style></head>")
    assert "preheader.missing" not in {finding.id for finding in check_html(html)}


def test_a_preheader_of_one_letter_is_too_short() -> None:
    html = with_body("").replace("Forty characters of a preheader that says something.", "X")
    (finding,) = (one for one in check_html(html) if one.id == "preheader.length")
    assert finding.message == "the preheader has 1 character; 40 to 130 fit most inboxes"


def test_a_finding_names_the_story_and_the_address_and_is_told_once_for_an_address() -> None:
    issue = week()
    insecure = replace(
        issue.picks[1],
        article=article(
            "Keepers & storms",
            url="http://www.marquee.example/storms",
            image=Image("https://www.marquee.example/storms.webp", width=1200, height=675),
        ),
    )
    letter = render(
        replace(issue, picks=(issue.picks[0], insecure, *issue.picks[2:])),
        publication=PUBLICATION,
        theme=THEME,
        templates=TEMPLATES,
        nonce=NONCE,
    )
    assert letter.web_copy().count('href="http://www.marquee.example/storms') >= 2
    found = {one.id: one for one in check(letter)}
    assert [one.id for one in check(letter)] == ["image.format", "link.http"]
    for rule, address in {"link.http": "http://www.marquee.example/storms", "image.format": ".webp"}.items():
        assert found[rule].story == "Keepers & storms"
        assert address in found[rule].url
        assert found[rule].text.endswith(f"(\u201cKeepers & storms\u201d, {found[rule].url})")


def test_two_stories_with_the_same_fault_are_two_findings_each_with_its_own_title() -> None:
    stories = "".join(
        f'<h3><a href="http://x.example/{n}">Story <b>{n}</b></a></h3><p>Out on Friday, next weekend.</p>'
        f'<a href="http://x.example/{n}">More on {n}</a>'
        for n in (1, 2)
    )
    findings = check_html(with_body(f"<h2>Highlights</h2><p>Nobody\u2019s, today.</p>{stories}"))
    links = [(one.story, one.url) for one in findings if one.id == "link.http"]
    assert links == [("Story 1", "http://x.example/1"), ("Story 2", "http://x.example/2")]
    words = [(one.story, one.url) for one in findings if one.id == "words.relative"]
    assert words == [("Highlights", ""), *links]
