"""Two titles that tell one story in nearly the same words."""

from __future__ import annotations

import gzip
import os
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from random import Random

import pytest

from newsletter.highlights.duplicates import Title, Titles, likeness
from newsletter.highlights.subject import subject_of
from newsletter.issue import Article

CORPUS = Path(os.environ.get("NEWSLETTER_CORPUS", Path(__file__).parents[2] / "shared" / "corpus"))
PAIRS = CORPUS / "selection" / "same_url_title_pairs.tsv.gz"
WHEN = datetime(2026, 11, 19, tzinfo=UTC)


def title(text: str, *, days_ago: float = 0) -> Title:
    return Title(text, subject_of(Article(title=text)), WHEN - timedelta(days=days_ago))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Netflix renews Squid Game for a final season", "NETFLIX RENEWS SQUID GAME FOR A FINAL SEASON!"),
        ("Edward Snowden speaks to SXSW crowd", "Edward Snowden speaks at SXSW conference, crowd cheers"),
        ("Programming in 1969", "Programming in 1969: An interview with my mom"),
        ("The Muppets are coming back", "Variety – The Muppets are coming back"),
        ("Filmmaker's Confession", "Filmmakers confession"),
        ("The State of the Streaming Wars (2026)", "The State of the Streaming Wars"),
        ("Reading Lamp v2.0 released", "Reading Lamp 2.0.0 is out!"),
        ("The ten best horror films to stream now", "The 10 best horror films to stream now"),
        ("Inside the Ferry Works", "Inside the Ferry Works, part 1: the boiler"),
    ],
)
def test_the_same_story_in_nearly_the_same_words_is_seen(one: str, other: str) -> None:
    assert likeness(title(one), title(other)) is not None
    assert likeness(title(other), title(one)) == likeness(title(one), title(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("House of the Dragon season 2 episode 5 recap", "House of the Dragon season 2 episode 6 recap"),
        ("House of the Dragon trailer released", "House of the Dragon season 2 trailer released"),
        ("Severance renewed for third season at Apple TV", "Silo renewed for third season at Apple TV"),
        ("'Us' gets a release date on Netflix in March", "'It' gets a release date on Netflix in March"),
        ("The 10 best horror films to stream now", "The 12 best horror films to stream now"),
        ("Dune trailer", "Dune Messiah trailer"),
        ("Wonka trailer", "Wonka 2 trailer"),
        ("Horoscope for Monday", "Horoscope for Tuesday"),
        ("Inside the Ferry Works", "Inside the Ferry Works, part 2: the bridge"),
        ("Inside the Ferry Works, part 1", "Inside the Ferry Works, part 2"),
        ("The best places to drink coffee this weekend", "The best places to drink wine this weekend"),
        ("Introducing", "Available now"),
        ("Emmys", "Emmys: the full list of winners"),
        (
            "Everything You Need to Know About the Netflix K-Drama 'All of Us Are Dead'",
            "Netflix's 'All of Us Are Dead' is the Next Korean Survival Thriller We Look Forward To Seeing",
        ),
        ("", ""),
        ("!!!", "???"),
    ],
)
def test_another_episode_show_or_list_is_another_story(one: str, other: str) -> None:
    assert likeness(title(one), title(other)) is None
    assert likeness(title(other), title(one)) is None


def test_of_near_duplicates_the_first_stands_and_the_others_name_the_most_alike_that_stands() -> None:
    texts = [
        "Squid Game renewed for its final season on Netflix",
        "A stranger in town",
        "Squid Game renewed for final season",
        "Squid Game renewed for final season on Netflix",
    ]
    titles = Titles([title(text) for text in texts])
    assert [titles.repeated_by(number) for number in range(4)] == [None, None, (0, 100), (0, 100)]
    assert titles.found() == [(2, (0, 100)), (3, (0, 100))]
    assert [number for number, _ in titles.alike(0)] == [2, 3]


def test_what_is_said_to_stand_stands_even_if_it_is_alike() -> None:
    titles = Titles([title("A stranger in town")] * 3, standing=2)
    assert [titles.repeated_by(number) for number in range(3)] == [None, None, (0, 100)]


def test_titles_more_than_three_weeks_apart_are_not_near_duplicates() -> None:
    text = "Our favourite photographs of the week"
    assert Titles([title(text, days_ago=21.1), title(text)]).repeated_by(1) is None
    assert Titles([title(text, days_ago=21), title(text)]).repeated_by(1) == (0, 100)


def test_thousands_of_titles_cut_from_one_pattern_compare_each_with_few_others() -> None:
    texts = [f"Photo gallery number {number} from the red carpet tonight" for number in range(3000)]
    titles = Titles([title(text) for text in (*texts, texts[2999])])
    assert all(titles.repeated_by(number) is None for number in range(3000))
    assert titles.repeated_by(3000) == (2999, 100)


def test_a_long_chain_of_titles_each_like_the_one_before_is_followed_to_its_beginning() -> None:
    words = ["".join(letters) for letters in product("bcdfghjklmnprst", "aeiou", "bcdfghjklmnprstvwxyz")]
    chain = [title(" ".join(words[number : number + 12])) for number in range(len(words) - 12)]
    in_order, last_first = Titles(chain), Titles(chain)
    found = [in_order.repeated_by(number) for number in range(len(chain))]
    assert found[-1] == last_first.repeated_by(len(chain) - 1)
    assert sum(one is None for one in found) < len(chain) / 2


def pairs() -> list[tuple[str, str]]:
    if not PAIRS.exists():
        pytest.skip(f"no corpus at {CORPUS}: set NEWSLETTER_CORPUS to the folder that holds selection/")
    with gzip.open(PAIRS, "rt", encoding="utf-8") as lines:
        found = [line.rstrip("\n").split("\t") for line in lines]
    return [(one, other) for one, other in found]


@pytest.mark.corpus
def test_six_in_ten_titles_given_to_one_address_are_recognised() -> None:
    different = [(title(one), title(other)) for one, other in pairs() if one != other]
    recognised = sum(likeness(one, other) is not None for one, other in different)
    assert recognised / len(different) >= 0.62


@pytest.mark.corpus
def test_at_most_one_in_fifty_thousand_random_pairs_is_taken_for_one_story() -> None:
    every = [(number, title(text)) for number, pair in enumerate(pairs()) for text in pair]
    random = Random(47)
    drawn = ((random.choice(every), random.choice(every)) for _ in range(50_000))
    wrong = [
        (one.text, other.text)
        for (number, one), (another, other) in drawn
        if number != another and one.joined != other.joined and likeness(one, other) is not None
    ]
    assert len(wrong) <= 1, wrong


@pytest.mark.corpus
def test_looking_up_by_rare_words_finds_nearly_all_that_comparing_everything_would() -> None:
    matching = [(title(one), title(other)) for one, other in pairs()[:3000]]
    matching = [pair for pair in matching if likeness(*pair) is not None]
    titles = Titles([one for one, _ in matching] + [other for _, other in matching], standing=len(matching))
    found = sum(titles.repeated_by(len(matching) + number) is not None for number in range(len(matching)))
    assert found / len(matching) >= 0.97
