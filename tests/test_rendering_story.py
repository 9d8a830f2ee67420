"""A story says why it is in the letter only when that is true, and shows no text a source could hide things in."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from newsletter.issue import Article, Card, Issue, PassedOver, Pick, Signal, SignalKind, Term
from newsletter.rendering.story import Story, groups_of
from tests.rendering_samples import HOSTILE, NOW, PUBLICATION, THEME, article, hostile_week, week


def stories(issue: Issue) -> list[Story]:
    return [story for group in groups_of(issue, publication=PUBLICATION, theme=THEME) for story in group.stories]


def issue_of(*articles: Article, passed: tuple[Article, ...] = (), terms: tuple[Term, ...] = ()) -> Issue:
    picks = tuple(Pick(one, section="highlights", position=n, score=0.5, terms=terms) for n, one in enumerate(articles))
    return replace(week(), picks=picks, passed_over=tuple(PassedOver(one, "less read") for one in passed))


def seen(title: str, views: float, **more: object) -> Article:
    return article(title, signals=(Signal(SignalKind.VIEWS, views),), **more)


def test_the_first_section_is_cards_and_the_others_are_lists() -> None:
    groups = groups_of(week(), publication=PUBLICATION, theme=THEME)
    assert [(group.title, group.kind, len(group.stories)) for group in groups] == [
        ("Weekly highlights", "cards", 6),
        ("Entertainment guides", "list", 4),
    ]


def test_the_most_read_story_of_the_week_is_called_so_and_only_that_one() -> None:
    issue = issue_of(seen("a", 50), seen("b", 900), seen("c", 40))
    assert [story.reason for story in stories(issue)] == ["", "Most read this week", ""]


def test_nobody_is_most_read_when_something_passed_over_was_read_more() -> None:
    issue = issue_of(seen("a", 50), seen("b", 900), seen("c", 40), passed=(seen("d", 1000),))
    assert "Most read this week" not in [story.reason for story in stories(issue)]


def test_what_is_older_than_the_week_takes_nothing_from_it() -> None:
    old = seen("old", 99999, published=NOW - timedelta(days=30))
    issue = issue_of(seen("a", 50), seen("b", 900), seen("c", 40), passed=(old,))
    assert stories(issue)[1].reason == "Most read this week"


def test_two_numbers_are_too_few_to_call_one_the_most() -> None:
    assert [story.reason for story in stories(issue_of(seen("a", 50), seen("b", 900), article("c")))] == ["", "", ""]


def test_a_rating_is_a_reason_when_it_is_good_and_enough_people_gave_it() -> None:
    cards = [
        Card("x", rating=4.4, rating_count=212),
        Card("x", rating=4.4, rating_count=3),
        Card("x", rating=2.1, rating_count=500),
        Card("x", rating_count=500),
    ]
    issue = issue_of(*(article(f"t{n}", card=card) for n, card in enumerate(cards)))
    assert [story.reason for story in stories(issue)] == ["Rated 4.4 by 212 readers", "", "", ""]


def test_featured_and_widely_read_stories_say_so() -> None:
    popular = (Term("popularity", 0.5, 0.9),)
    issue = issue_of(seen("a", 70), seen("b", 70), seen("c", 60, featured=True), terms=popular)
    assert [story.reason for story in stories(issue)] == [
        "Among the most read",
        "Among the most read",
        "Editors\u2019 choice",
    ]


def test_a_paid_story_carries_its_label_and_no_praise() -> None:
    story = stories(issue_of(seen("a", 900, sponsored=True), seen("b", 5), seen("c", 4)))[0]
    assert story.sponsored
    assert story.reason == ""


def test_a_count_of_raters_without_a_value_is_told_as_a_count() -> None:
    info = stories(week())[0].info
    assert info is not None
    assert (info.name, info.produced_by, info.rating) == ("Night Ferry", "Ines Okafor, Jonas Weil", "3 ratings so far")


def test_a_card_with_nothing_but_a_name_is_no_card() -> None:
    assert stories(issue_of(article("a", card=Card("Night Ferry"))))[0].info is None


def test_the_word_above_a_title_is_one_the_heading_does_not_say() -> None:
    issue = issue_of(
        article("a", section="Weekly highlights", categories=("Highlights", "News", "Film")),
        article("b", categories=("Highlights",)),
    )
    assert [story.kicker for story in stories(issue)] == ["News", ""]


def test_images_follow_the_setting() -> None:
    def pictured(setting: str) -> list[bool]:
        groups = groups_of(week(), publication=PUBLICATION, theme=replace(THEME, images=setting))  # type: ignore[arg-type]
        return [story.picture is not None for story in groups[0].stories]

    assert pictured("all") == [True, True, True, False, True, True]
    assert pictured("lead") == [True, False, False, False, False, False]
    assert pictured("none") == [False] * 6


def test_hostile_fields_are_one_line_without_controls_and_no_address_leaves_its_place() -> None:
    bad, worse, linked = stories(hostile_week())
    for text in (bad.title, bad.blurb, bad.byline, bad.kicker, bad.info.name if bad.info else ""):
        assert text
        assert text.isprintable()
    assert bad.url == ""
    assert bad.picture is None
    assert worse.picture is not None
    for address in (worse.picture.url, linked.url):
        assert address.startswith("https://x.example/")
        assert not set(address) & set("\"' <>{}")
    assert linked.picture is not None
    assert "\u202e" in HOSTILE
