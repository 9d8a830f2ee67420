"""The best first, then the best beside what is already picked."""

from __future__ import annotations

from newsletter.highlights.candidate import Candidate
from newsletter.highlights.duplicates import Title
from newsletter.highlights.ranking import NEAR, Entrant, Lost, Picked, Scored, jaccard, rank
from newsletter.issue import Article


def entrant(title: str, score: float, *, source: str = "", authors: tuple[str, ...] = (), subject: str = "") -> Scored:
    article = Article(title=title, source=source, authors=authors)
    made = Entrant(Candidate(article), Title(title, subject), ("highlights",), authors=frozenset(authors))
    return Scored(made, (), score)


def held(*entrants: Scored, places: int = 2, picked: Picked | None = None) -> tuple[list[str], list[Lost]]:
    picked = picked or Picked()
    lost = rank(entrants, section="highlights", places=places, picked=picked)
    return [won.scored.entrant.title.text for won in picked.won], lost


def test_the_best_scores_win_and_name_who_came_next() -> None:
    picked = Picked()
    rank([entrant("one", 0.5), entrant("two", 0.9), entrant("three", 0.7)], section="s", places=1, picked=picked)
    (won,) = picked.won
    assert won.scored.entrant.title.text == "two"
    assert won.runner_up is not None
    assert won.runner_up.entrant.title.text == "three"
    assert round(won.margin, 6) == 0.2


def test_a_tie_goes_to_the_first_in_order() -> None:
    assert held(entrant("one", 0.5), entrant("two", 0.5), places=1)[0] == ["one"]


def test_a_title_like_one_already_picked_gives_way_to_a_slightly_weaker_different_one() -> None:
    first, like, other = (
        entrant("zombie show comes back", 0.9),
        entrant("zombie show goes on", 0.8),
        entrant("a heist", 0.75),
    )
    assert held(first, like, other)[0] == ["zombie show comes back", "a heist"]
    much_better = entrant("zombie show goes on", 0.89)
    assert held(first, much_better, entrant("a heist", 0.75))[0] == ["zombie show comes back", "zombie show goes on"]


def test_a_second_article_of_a_source_or_an_author_gives_way_to_a_close_other() -> None:
    for one, two in (({"source": "site"}, {"source": "blog"}), ({"authors": ("Ann",)}, {"authors": ("Ben", "Cy")})):
        first, second, other = entrant("one", 0.9, **one), entrant("two", 0.8, **one), entrant("three", 0.7, **two)  # type: ignore[arg-type]
        assert held(first, second, other)[0] == ["one", "three"]


def test_a_section_that_one_source_feeds_punishes_no_source() -> None:
    picked = Picked()
    rank(
        [entrant("other", 0.9, source="blog"), entrant("one", 0.5, source="site")], section="a", places=2, picked=picked
    )
    lost = rank([entrant(f"n{n}", 0.9 - n / 10, source="site") for n in range(3)], section="b", places=1, picked=picked)
    assert [won.penalty.why for won in picked.won] == ["", "", ""]
    assert [one.penalty.why for one in lost if one.penalty] == ["", ""]


def test_a_small_source_does_not_win_because_a_large_one_has_many() -> None:
    large = [entrant(f"number{rank}", 0.9 - rank / 100, source="site") for rank in range(5)]
    assert "tiny" not in held(*large, entrant("tiny", 0.6, source="blog"), places=5)[0]


def test_one_subject_is_carried_once_and_the_other_says_so() -> None:
    first, second = entrant("one", 0.9, subject="dead"), entrant("two", 0.8, subject="dead")
    picked, lost = held(first, second, entrant("three", 0.1))
    assert picked == ["one", "three"]
    assert [one.cap for one in lost] == ["“one” is picked on the same subject (dead)"]


def test_a_source_keeps_to_its_cap() -> None:
    many = [entrant(f"number{rank}", 0.9 - rank / 100, source="site") for rank in range(4)]
    picked, lost = held(*many, places=4, picked=Picked(per_source=2))
    assert picked == ["number0", "number1"]
    assert {one.cap for one in lost} == {"site has its 2 in this issue"}


def test_a_loser_learns_to_whom_it_lost_by_how_much_and_what_held_it_back() -> None:
    lost = held(entrant("one", 0.9), entrant("two", 0.8), entrant("three", 0.77))[1]
    assert lost[0].last is not None
    assert (lost[0].last.entrant.title.text, round(lost[0].margin, 6)) == ("two", 0.03)
    first, like, other = (
        entrant("zombie show comes back", 0.9),
        entrant("zombie show goes on", 0.8),
        entrant("a heist", 0.75),
    )
    (held_back,) = held(first, like, other)[1]
    assert held_back.penalty is not None
    assert held_back.penalty.why == "like “zombie show comes back”"
    assert (round(held_back.penalty.points, 2), round(held_back.margin, 2)) == (0.08, 0.03)


def test_what_lost_by_far_is_counted_and_not_compared() -> None:
    lost = held(*(entrant(f"number{rank}", 1 - rank / 100) for rank in range(40)))[1]
    assert [one.behind for one in lost] == list(range(38))
    assert [one.penalty is None for one in lost] == [False] * NEAR + [True] * (38 - NEAR)


def test_titles_are_not_called_alike_for_their_small_words() -> None:
    first, small, other = (
        entrant("a day in the sun and the sea", 0.9),
        entrant("the end and a war in Syria", 0.8),
        entrant("heist", 0.79),
    )
    (held_back,) = held(first, small, other)[1]
    assert held_back.penalty is not None
    assert held_back.penalty.why == ""


def test_a_section_without_places_takes_nothing() -> None:
    picked, lost = held(entrant("one", 0.9), places=0)
    assert picked == []
    assert lost[0].last is None


def test_two_titles_share_words_as_a_part_of_all_their_words() -> None:
    assert jaccard(frozenset("ab"), frozenset("bc")) == 1 / 3
    assert jaccard(frozenset(), frozenset()) == 0
