"""The section of what fits no rule, learned from where past issues put its like."""

from __future__ import annotations

from itertools import product

import pytest

from newsletter.highlights import Candidate, choose, formula
from newsletter.highlights.learned import ENOUGH, file_by
from newsletter.issue import Article, Match, Section, Slot
from tests.times import NOW

THINGS = ("ferry", "tram", "museum", "bakery", "harbour")
GUIDES = ("How to see the {}", "Where to find a {}", "How to reach the {}", "Your {} in a day")
NEWS = ("A {} reopens", "The {} wins a prize", "Old {} returns", "City buys a {}")


def examples(
    times: int = 1, *, guides: tuple[str, ...] = GUIDES, news: tuple[str, ...] = NEWS
) -> list[tuple[Article, str]]:
    found = [(Article(form.format(thing)), "guides") for form, thing in product(guides, THINGS)]
    return (found + [(Article(form.format(thing)), "news") for form, thing in product(news, THINGS)]) * times


def filed(article: Article, past: list[tuple[Article, str]], among: tuple[str, ...] = ("guides", "news")) -> str:
    return file_by(past).section_of(article, among=among)[0]


def test_an_article_goes_where_its_like_went_and_the_words_that_decided_are_told() -> None:
    filing = file_by(examples(2))
    section, why = filing.section_of(Article("How to find the lighthouse"), among=("guides", "news"))
    assert section == "guides"
    assert why == "“to”, “how”, “find”"
    assert filing.section_of(Article("A lighthouse reopens"), among=("guides", "news"))[0] == "news"


def test_folders_and_categories_teach_too_and_an_address_that_is_none_teaches_nothing() -> None:
    past = [(Article(str(n), url=f"https://a.example/guides/{n}"), "guides") for n in range(20)]
    past += [(Article(str(n), url="https://a.example/2026/x", categories=("News",)), "news") for n in range(20)]
    filing = file_by(past)
    guide = Article("Dunes", url="https://a.example/guides/dunes")
    assert filing.section_of(guide, among=("guides", "news")) == ("guides", "“/guides/”")
    assert filing.section_of(Article("Dunes", categories=("news",)), among=("guides", "news")) == ("news", "“news”")
    assert filing.section_of(Article("Dunes", url="http://["), among=("guides", "news")) == ("", "")


@pytest.mark.parametrize(
    ("title", "past", "among"),
    [
        ("How to find the lighthouse", examples()[: ENOUGH - 1], ("guides", "news")),
        ("How to find the lighthouse", [], ("guides", "news")),
        ("How to find the lighthouse", examples(guides=GUIDES[:1]), ("guides", "news")),
        ("How to find the lighthouse", examples(2), ("guides",)),
        ("How a lighthouse reopens", examples(2), ("guides", "news")),
        ("Unheard of", examples(2), ("guides", "news")),
        ("", examples(2), ("guides", "news")),
    ],
)
def test_without_enough_evidence_it_says_nothing(
    title: str, past: list[tuple[Article, str]], among: tuple[str, ...]
) -> None:
    assert file_by(past).section_of(Article(title), among=among) == ("", "")


def test_the_order_of_the_examples_changes_nothing() -> None:
    past = examples(2)
    titles = ["How to find the lighthouse", "A tram for the museum", "Your prize returns"]
    assert [filed(Article(title), past) for title in titles] == [filed(Article(title), past[::-1]) for title in titles]


def test_a_pick_that_was_filed_by_experience_says_so() -> None:
    guides, news = Section("guides", "City guides", match=Match(tag=("guide",))), Section("news", "News")
    article = Article("How to find the lighthouse", url="https://a.example/1", published=NOW, published_from="feed")
    (pick,) = choose(
        [Candidate(article)],
        slot=Slot("2026-W47", NOW),
        sections=(news, guides),
        now=NOW,
        window_start=NOW,
        max_age=NOW - NOW.replace(month=1),
        filed=examples(2),
    ).picks
    assert pick.section == "guides"
    assert "; put into City guides like past articles with “to”, “how”, “find”;" in formula(pick)
