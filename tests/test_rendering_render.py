"""The whole way from an issue to a Letter: two parts a reader can use, and nothing hostile in any of them."""

from __future__ import annotations

import re
from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html.parser import HTMLParser
from pathlib import Path

import pytest

from newsletter.errors import TemplateError
from newsletter.letter import Letter, dumps
from newsletter.rendering import Templates, render, render_mail
from tests.rendering_samples import HOSTILE, NONCE, PUBLICATION, THEME, VALUES, article, hostile_week, week

TEMPLATES = Templates()


@pytest.fixture(scope="module")
def letter() -> Letter:
    return render(week(), publication=PUBLICATION, theme=THEME, templates=TEMPLATES, nonce=NONCE)


@pytest.fixture(scope="module")
def hostile() -> Letter:
    return render(hostile_week(), publication=PUBLICATION, theme=THEME, templates=TEMPLATES, nonce=NONCE)


def parsed(letter: Letter) -> EmailMessage:
    message = letter.addressed(
        address="anna@example.org",
        name="Anna",
        message_id="x@example.org",
        date="Thu, 19 Nov 2026 07:00:00 +0000",
        values=VALUES,
    )
    return message_from_bytes(message, policy=default)  # type: ignore[return-value]


def test_both_parts_carry_every_story_the_postal_address_and_a_way_out(letter: Letter) -> None:
    html, text = letter.html(VALUES), letter.text(VALUES)
    for pick in week().picks:
        assert pick.article.title in html
        assert pick.article.title in " ".join(text.split())
    for part in (html, text):
        assert "Marquee Media, 12 Harbour Street" in part
        assert f"https://letters.marquee.example/unsubscribe/{VALUES['unsubscribe_token']}" in part
        assert "https://letters.marquee.example/issues/2026-W47" in part
        assert "Hi Anna," in part


def test_article_links_carry_the_publishers_query_and_others_do_not(letter: Letter) -> None:
    text = letter.text(VALUES)
    assert "the-lighthouse-keeper-who-films-storms?page=1&utm_source=weekly&utm_campaign=2026-W47" in text
    assert "https://letters.marquee.example/issues/2026-W47\n" in text


def test_the_text_part_is_wrapped_and_no_address_is_broken(letter: Letter) -> None:
    for line in letter.text(VALUES).splitlines():
        assert len(line) <= 72 or re.fullmatch(r"\s*https://\S+", line)


def test_a_reader_without_a_name_is_still_greeted(letter: Letter) -> None:
    assert "Hi there," in letter.text({**VALUES, "first_name": ""})


def test_the_head_has_a_literal_unsubscribe_address_and_the_list(letter: Letter) -> None:
    message = parsed(letter)
    assert message["List-Unsubscribe"] == f"<https://letters.marquee.example/unsubscribe/{VALUES['unsubscribe_token']}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["List-Id"] == "Marquee Weekly <weekly.marquee.example>"
    assert message["Subject"] == "\u2018Night Ferry\u2019 returns for a second season"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


def test_media_queries_keep_their_important_and_the_doctype_stays(letter: Letter) -> None:
    html = letter.html(VALUES)
    assert html.startswith("<!DOCTYPE html>")
    queries = re.findall(r"@media[^{]*\{((?:[^{}]*\{[^{}]*\})*)\s*\}", html)
    assert len(queries) >= 3
    for declaration in re.findall(r"[\w-]+\s*:\s*[^;{}]+;", " ".join(queries)):
        assert "!important" in declaration


def test_a_letter_works_without_its_style_block(letter: Letter) -> None:
    html = re.sub(r"<style.*?</style>", "", letter.html(VALUES), flags=re.DOTALL)
    assert "flex" not in html
    assert "grid" not in html
    assert re.search(r'<h3 class="headline big"[^>]* style="[^"]*font-size:34px', html)


def test_a_count_of_raters_is_words_in_both_parts_and_never_stars(letter: Letter) -> None:
    for part in (letter.html(VALUES), letter.text(VALUES)):
        assert "3 ratings so far" in part
        assert "4.4 of 5 · 212 ratings" in part
        assert "★" not in part


def test_the_subject_setting_is_a_template_over_the_issue() -> None:
    def subject(setting: str) -> str:
        publication = replace(PUBLICATION, subject=setting)
        return render(week(), publication=publication, theme=THEME, templates=TEMPLATES, nonce=NONCE).subject

    assert subject("{{ label }}: {{ lead.title }} & {{ stories|length - 1 }} more").startswith("Week 47: \u2018Night")
    assert subject("{{ lead.title }} & more").endswith("& more")
    for wrong in ("{{ nothing }}", "{{ lead.title", "  "):
        with pytest.raises(TemplateError, match=r"newsletter\.toml: \[issue\] subject"):
            subject(wrong)


def test_the_inbox_line_says_more_than_the_subject(letter: Letter) -> None:
    preheader = re.search(r'<div class="preheader"[^>]*>([^<]*)</div>', letter.html(VALUES))
    assert preheader
    assert preheader[1].startswith("The crossing that became")


def test_the_inbox_line_names_other_stories_when_the_lead_says_little() -> None:
    issue = week()
    lead = replace(issue.picks[0], article=article("Night Ferry is back", dek="At last."))
    letter = render(
        replace(issue, picks=(lead, *issue.picks[1:])),
        publication=PUBLICATION,
        theme=THEME,
        templates=TEMPLATES,
        nonce=NONCE,
    )
    assert "At last. Plus: The lighthouse keeper who films storms ·" in letter.html(VALUES)


def test_the_same_issue_and_nonce_give_the_same_bytes(letter: Letter) -> None:
    again = render(week(), publication=PUBLICATION, theme=THEME, templates=Templates(), nonce=NONCE)
    assert dumps(again) == dumps(letter)


def test_an_issue_without_picks_is_refused() -> None:
    with pytest.raises(TemplateError, match="no picks"):
        render(replace(week(), picks=()), publication=PUBLICATION, theme=THEME, templates=TEMPLATES, nonce=NONCE)


class _Scripts(HTMLParser):
    """Everything in a document that could do something."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.handlers: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.addresses += [value or "" for name, value in attrs if name in {"href", "src"}]


def test_hostile_text_is_words_in_the_html_part(hostile: Letter) -> None:
    html = hostile.html(VALUES)
    scripts = _Scripts()
    scripts.feed(html)
    assert not scripts.elements & {"script", "form", "iframe", "object"}
    assert scripts.handlers == []
    assert all(address.startswith("https://") for address in scripts.addresses)
    assert "&lt;/style&gt;&lt;script&gt;" in html
    assert "{{ 7*7 }}" in html
    assert "\u202e" not in html


def test_hostile_text_is_inert_in_the_text_part_and_the_head(hostile: Letter) -> None:
    message = parsed(hostile)
    assert message["Bcc"] is None
    assert message["Subject"].startswith("</style><script>")
    assert "Bcc: all@example.org" in message["Subject"]
    assert not message.defects
    text = hostile.text(VALUES)
    assert "{{ 7*7 }}" in text
    assert "\u202e" not in text
    assert not re.search("^Bcc:", text, re.MULTILINE)
    assert HOSTILE not in text


def test_hostile_settings_of_a_person_stay_inside_their_blank(letter: Letter) -> None:
    html = letter.html({**VALUES, "first_name": '"><script>alert(1)</script>'})
    assert "<script" not in html
    assert "&lt;script&gt;" in html


@pytest.mark.parametrize("kind", ["confirm", "already"])
def test_single_mails_have_a_way_out_and_no_greeting_by_name(kind: str) -> None:
    mail = render_mail(kind, publication=PUBLICATION, theme=THEME, templates=TEMPLATES, nonce=NONCE)
    for part in (mail.html(VALUES), mail.text(VALUES)):
        assert "If you did not ask for this, do nothing" in part
        assert "Marquee Media, 12 Harbour Street" in part
        assert f"/unsubscribe/{VALUES['unsubscribe_token']}" in part
        assert VALUES["first_name"] + " " not in part.replace("anna@example.org", "")
        assert "instagram" not in part.lower()


def test_the_confirmation_link_stands_in_both_parts() -> None:
    mail = render_mail("confirm", publication=PUBLICATION, theme=THEME, templates=TEMPLATES, nonce=NONCE)
    link = f"https://letters.marquee.example/confirm/{VALUES['confirm_token']}"
    assert f'href="{link}"' in mail.html(VALUES)
    assert f"\n{link}\n" in mail.text(VALUES)


def test_a_logo_takes_the_place_of_the_wordmark_and_keeps_its_name() -> None:
    theme = replace(THEME, logo="stored:logo.png", logo_width=220, logo_alt="Marquee")
    html = render(week(), publication=PUBLICATION, theme=theme, templates=TEMPLATES, nonce=NONCE).html(VALUES)
    image = re.search(r"<img[^>]*logo\.png[^>]*>", html)
    assert image
    assert 'alt="Marquee"' in image[0]
    assert 'width="220"' in image[0]
    assert "https://letters.marquee.example/images/logo.png" in image[0]


def test_right_to_left_letters_say_so_and_turn_around() -> None:
    publication = replace(PUBLICATION, language="ar")
    html = render(week(), publication=publication, theme=THEME, templates=TEMPLATES, nonce=NONCE).html(VALUES)
    assert '<html lang="ar" dir="rtl"' in html
    assert "border-right:4px solid" in html


def test_a_paid_story_is_labelled_above_its_title_in_both_parts() -> None:
    issue = week()
    paid = replace(issue.picks[1], article=article("Sail with us", sponsored=True, section="Travel"))
    issue = replace(issue, picks=(issue.picks[0], paid, *issue.picks[2:]))
    letter = render(issue, publication=PUBLICATION, theme=THEME, templates=TEMPLATES, nonce=NONCE)
    html = letter.html(VALUES)
    assert html.index("Sponsored · Travel") < html.index(">Sail with us<")
    assert 'rel="sponsored"' in html
    assert "[Sponsored]" in letter.text(VALUES)


def test_a_letter_of_one_bare_story_is_whole() -> None:
    issue = replace(week(), picks=(replace(week().picks[0], article=article("One story")),))
    bare = render(
        issue,
        publication=replace(PUBLICATION, tagline="", utm={}),
        theme=replace(THEME, brand="", social=()),
        templates=TEMPLATES,
        nonce=NONCE,
    )
    assert "the one story" in bare.text(VALUES)
    assert "Marquee Weekly" in bare.html(VALUES)


def test_a_projects_own_mail_gets_the_same_blanks(tmp_path: Path) -> None:
    (tmp_path / "already").mkdir()
    (tmp_path / "already" / "body.txt.j2").write_text("{{ blanks.email }} {{ unsubscribe_url }}", encoding="utf-8")
    mail = render_mail("already", publication=PUBLICATION, theme=THEME, templates=Templates(tmp_path), nonce=NONCE)
    assert mail.text(VALUES).startswith("anna@example.org https://letters.marquee.example/unsubscribe/uuu")
