"""Which sections an article is tried in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from newsletter.highlights.candidate import Candidate
from newsletter.highlights.learned import file_by
from newsletter.highlights.sections import fits, mark_of, sections_of
from newsletter.issue import Article, Match, Section

HIGHLIGHTS = Section("highlights", "Weekly highlights")
GUIDE = Section("guides", "Entertainment guides", match=Match(title="guide|how to|everything you need|best"))
FILMS = Section("films", "At the cinema", match=Match(category=("Movies", "Film")))
WORDS = ("amber", "birch", "cedar", "delta")
MORE = Section("more", "Also this week")


def article(title: str = "A show returns", **fields: object) -> Article:
    return Article(title=title, **fields)  # type: ignore[arg-type]


def tried(article: Article, *sections: Section, bound_to: tuple[str, ...] = ()) -> tuple[str, ...]:
    return sections_of(Candidate(article, sections=bound_to), sections=sections)[0]


def test_a_rule_wins_over_a_catch_all_listed_before_it() -> None:
    guide = article("Everything You Need to Know About 'All of Us Are Dead'")
    assert tried(guide, HIGHLIGHTS, GUIDE) == ("guides",)
    assert tried(article(), HIGHLIGHTS, GUIDE) == ("highlights",)


def test_an_article_is_tried_in_every_section_whose_rule_it_fits() -> None:
    assert tried(article("The 10 best films", categories=("film",)), HIGHLIGHTS, GUIDE, FILMS) == ("guides", "films")


def test_what_fits_no_rule_is_tried_in_every_section_without_one() -> None:
    assert tried(article(), HIGHLIGHTS, GUIDE, MORE) == ("highlights", "more")


def test_what_fits_nothing_has_no_section() -> None:
    assert tried(article(), GUIDE, FILMS) == ()


def test_a_source_bound_to_sections_fills_those_alone() -> None:
    assert tried(article("How to stream"), HIGHLIGHTS, GUIDE, bound_to=("highlights",)) == ("highlights",)
    assert tried(article(), HIGHLIGHTS, GUIDE, bound_to=("guides",)) == ("guides",)
    assert tried(article(), HIGHLIGHTS, bound_to=("gone",)) == ()


def test_a_hint_of_the_source_that_names_a_section_counts_as_its_rule() -> None:
    assert tried(article(section="Guides"), HIGHLIGHTS, GUIDE) == ("guides",)
    assert tried(article(section="entertainment guides"), HIGHLIGHTS, GUIDE) == ("guides",)


@pytest.mark.parametrize(
    ("match", "fitting"),
    [
        (Match(), True),
        (Match(category=("TV", "news")), True),
        (Match(category=("shows",)), True),
        (Match(category=("sport",)), False),
        (Match(tag=("k-drama",)), True),
        (Match(tag=("drama",)), False),
        (Match(source=("SITE",)), True),
        (Match(url_prefix=("/TV/",)), True),
        (Match(url_prefix=("https://example.com/tv",)), True),
        (Match(url_prefix=("/film", "/guides")), False),
        (Match(title=r"^netflix"), True),
        (Match(title=r"squid"), False),
        (Match(category=("news",), tag=("squid",)), False),
        (Match(category=("news",), tag=("k-drama",), title="renews"), True),
    ],
)
def test_every_field_that_is_set_must_fit_in_any_case(match: Match, *, fitting: bool) -> None:
    found = article(
        "Netflix renews a show",
        url="https://example.com/tv/a",
        categories=("News",),
        tags=("K-Drama",),
        source="site",
        section="Shows",
    )
    assert fits(found, match) is fitting


def test_an_address_that_is_none_fits_no_prefix() -> None:
    assert not fits(article(url="http://["), Match(url_prefix=("/tv",)))
    assert not fits(article(), Match(url_prefix=("/tv",)))


@pytest.mark.parametrize(
    "prefix", ["https://münchen.example/größe", "/größe", "/gr%C3%B6%C3%9Fe", "HTTPS://MÜNCHEN.example/"]
)
def test_a_prefix_may_be_written_in_its_own_letters(prefix: str) -> None:
    found = article(url="https://xn--mnchen-3ya.example/gr%C3%B6%C3%9Fe/a")
    assert fits(found, Match(url_prefix=(prefix,)))
    assert not fits(found, Match(url_prefix=("https://munchen.example/", "/grosze")))


def test_a_broken_title_rule_is_refused_by_a_sentence() -> None:
    with pytest.raises(ValueError, match="not a regular expression"):
        fits(article(), Match(title="(best"))


def test_what_a_section_leaves_out_it_never_gets_whatever_else_speaks_for_it() -> None:
    calm = Section("calm", "Calm", match=Match(unless=Match(tag=("no-newsletter",), title="^live:")))
    films = Section("films", "Films", match=Match(category=("film",), unless=Match(source=("wire",))))
    assert tried(article(), calm) == ("calm",)
    assert tried(article(tags=("No-Newsletter",)), calm) == ()
    assert tried(article("Live: the finale"), calm) == ()
    assert tried(article(section="calm", tags=("no-newsletter",)), calm) == ()
    assert tried(article(tags=("no-newsletter",)), calm, bound_to=("calm",)) == ()
    assert tried(article(categories=("film",)), calm, films) == ("films",)
    assert tried(article(categories=("film",), source="wire"), calm, films) == ("calm",)


@pytest.mark.parametrize(
    ("match", "mark"),
    [
        (Match(), ""),
        (Match(tag=("sport",)), ""),
        (Match(tag=("sport", "partner"), category=("tv",)), "its tag is partner"),
        (Match(category=("Film",), tag=("sport",)), "its category is Film"),
        (Match(source=("site",)), "its source is site"),
        (Match(url_prefix=("/partner",)), "its address is left out"),
        (Match(title="show r"), "its title has “show r”"),
    ],
)
def test_one_mark_is_enough_to_be_left_out_and_is_named(match: Match, mark: str) -> None:
    found = article(url="https://a.example/partner/1", tags=("Partner",), categories=("film",), source="site")
    assert mark_of(found, match) == mark


def test_what_past_issues_teach_counts_only_where_no_rule_does_and_the_section_takes_it() -> None:
    examples = [(article(f"Watch {word} at home"), "guides") for word in WORDS] * 5
    examples += [(article(f"{word} returns for a season"), "highlights") for word in WORDS] * 5
    filing = file_by(examples)

    def placed(found: Article, *sections: Section) -> tuple[tuple[str, ...], str]:
        return sections_of(Candidate(found), sections=sections, filing=filing)

    watch = article("Watch the parade")
    assert placed(watch, HIGHLIGHTS, GUIDE) == (("guides",), "“watch”")
    assert placed(watch, HIGHLIGHTS, FILMS) == (("highlights",), "")
    assert placed(article("Watch films", categories=("film",)), HIGHLIGHTS, GUIDE, FILMS) == (("films",), "")
    assert placed(article("An unheard of thing"), HIGHLIGHTS, GUIDE) == (("highlights",), "")
    calm = replace(GUIDE, match=Match(title="guide", unless=Match(title="parade")))
    assert placed(watch, HIGHLIGHTS, calm) == (("highlights",), "")
    assert placed(watch, HIGHLIGHTS, replace(GUIDE, fixed=True)) == (("highlights",), "")
