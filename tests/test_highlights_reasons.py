"""The choice in words."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from newsletter.highlights import Candidate, choose, formula
from newsletter.highlights.duplicates import Title
from newsletter.highlights.ranking import Entrant, Penalty, Scored, Won
from newsletter.highlights.reasons import picked, pool_of
from newsletter.issue import Article, Card, Issue, Match, Order, Section, Signal, SignalKind, Slot, Term

NOW = datetime(2026, 11, 19, 1, tzinfo=UTC)
WINNER = Article(
    title="All of Us Are Dead to return",
    url="https://www.example.com/dead/",
    guid="tag:1",
    published=NOW - timedelta(days=2),
    published_from="feed",
    dek="Are you ready?",
    card=Card("All of Us Are Dead", rating_count=3),
    signals=(Signal(SignalKind.VIEWS, 8412),),
)
LOSER = replace(
    WINNER,
    title="A heist in Manila",
    url="https://example.com/heist?id=2",
    guid="tag:2",
    card=None,
    signals=(Signal(SignalKind.VIEWS, 12),),
)


def issue(*candidates: Candidate, pick: int = 1) -> Issue:
    return choose(
        candidates or (Candidate(WINNER), Candidate(LOSER)),
        slot=Slot("2026-W47", NOW),
        sections=(Section("highlights", "Weekly highlights", pick=pick),),
        now=NOW,
        window_start=NOW - timedelta(days=7),
        max_age=timedelta(days=14),
    )


def reasons(*candidates: Candidate, pick: int = 3) -> list[str]:
    return [pick.reason for pick in issue(*candidates, pick=pick).picks]


def article(title: str, views: float | None = None, *, days: float = 5, **fields: object) -> Article:
    signals = () if views is None else (Signal(SignalKind.VIEWS, views),)
    published = NOW - timedelta(days=days)
    return Article(title, f"https://a.example/{title}", published=published, signals=signals, **fields)  # type: ignore[arg-type]


def many(*first: Article, **fields: object) -> list[Candidate]:
    """Articles with numbers of their own behind the first: popularity is known and none of it is theirs to lead."""
    words = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron")
    return [Candidate(one) for one in (*first, *(article(w, 100 + n, **fields) for n, w in enumerate(words)))]  # type: ignore[arg-type]


def test_the_most_read_says_how_often_it_was_read_and_what_else_speaks_for_it() -> None:
    first, second, third = reasons(*many(article("dune", 18420, featured=True), article("heist", 900)))
    assert first == "The most read of the week: 18,420 views, and featured"
    assert second == "The second most read of the week: 900 views"
    assert third == "The third most read of the week: 107 views"


def test_among_many_the_place_gives_way_to_a_share() -> None:
    every = [Candidate(article(f"{word}{n}", 100 * n)) for n, word in enumerate(("oak", "elm", "ash", "fir") * 10)]
    said = reasons(*every, pick=20)
    assert said[3] == "Among the most read of the week: 3,600 views"
    assert said[12] == "More read than most of the week: 2,700 views"


def test_of_a_tie_neither_is_called_the_most_read() -> None:
    said = reasons(*many(article("dune", 900), article("heist", 900)))
    assert said[:2] == ["Among the most read of the week: 900 views"] * 2


def test_the_first_of_a_section_is_told_apart_from_the_first_of_the_week() -> None:
    guides = [article(f"guide {word}", views) for word, views in (("oak", 50), ("elm", 9), ("ash", 8), ("fir", 7))]
    found = choose(
        [*many(), *map(Candidate, guides)],
        slot=Slot("2026-W47", NOW),
        sections=(Section("guides", "Travel guides", pick=1, match=Match(title="guide")), Section("more", "More")),
        now=NOW,
        window_start=NOW - timedelta(days=7),
        max_age=timedelta(days=14),
    )
    assert found.picks[0].reason == "The most read in Travel guides: 50 views"


def test_a_rating_and_several_sources_are_said_in_words() -> None:
    rated = article("dune", card=Card("Dune", rating=4.8, rating_count=212))
    poor = article("sequel", card=Card("Sequel", rating=1.1, rating_count=90))
    assert "No numbers, but rated 4.8 of 5 by 212" in reasons(Candidate(rated), Candidate(poor), *many(), pick=9)
    told = Candidate(article("heist", 3), seen_in=3)
    assert "Few views, but told by 3 sources" in reasons(told, *many(), pick=9)


def test_without_numbers_its_age_and_its_author_speak_for_it() -> None:
    known = [*many(authors=("Ann",), days=13)[::2], *many(authors=("Cy",), days=13)[1::2]]
    young = article("dune", 1, days=0.2, authors=("Ben",))
    picks = issue(*known, Candidate(young), Candidate(article("sequel", days=13)), pick=9).picks
    assert next(pick.reason for pick in picks if pick.article == young) == (
        "Few views, but new today and by an author not yet in this issue"
    )


def test_what_nothing_speaks_for_says_so() -> None:
    assert reasons(Candidate(article("dune"))) == ["Nothing else was left for its place"]
    assert reasons(*(Candidate(article(word)) for word in ("oak", "elm")), pick=1) == [
        "It stood first of what was left for Weekly highlights"
    ]


@pytest.mark.parametrize(
    ("why", "reason"),
    [
        (
            "you kept 7 of 9 pieces on film; you kept 3 of 4 pieces by ann",
            "You kept 7 of 9 pieces on film, and featured",
        ),
        ("you kept 0 of 9 pieces on film", "Featured"),
        ("nothing like it was kept or passed over often", "Featured"),
    ],
)
def test_what_the_editor_kept_before_is_a_reason_when_it_speaks_for_it(why: str, reason: str) -> None:
    found = article("dune", featured=True)
    entrant = Entrant(Candidate(found), Title(found.title, ""), ("s",))
    terms = (Term("prominence", 0.2, 1.0, "featured by its source"), Term("prior", 0.5, 0.9, why))
    won = Won(Scored(entrant, terms, 0.65), "s", Penalty(), None, 0.0)
    assert picked(won, beside=(), pool=pool_of([], sections=[Section("s", "Section")], now=NOW)) == reason


def lost(*candidates: Candidate) -> list[str]:
    return [one.reason for one in issue(*candidates).passed_over]


def test_what_was_passed_over_says_who_took_its_place_and_why() -> None:
    took = "“dune” took the last place in Weekly highlights: "
    dune, heist = article("dune", 900), article("heist", 12)
    assert lost(Candidate(dune), Candidate(heist)) == [took + "it is more read, 900 views to 12"]
    for better, why in (
        ({"featured": True}, "it is featured"),
        ({"dek": "Sand."}, "this one has no image, no blurb"),
        ({"days": 1}, "it is newer"),
        ({"card": Card("Dune", rating=4.5, rating_count=90)}, "it is rated better, 4.5 of 5"),
    ):
        card = Card("Heist", rating=2, rating_count=90) if "card" in better else None
        winner = article("dune", **{"days": 6, **better})  # type: ignore[arg-type]
        assert lost(Candidate(winner), Candidate(article("heist", days=6, card=card))) == [took + why]
    assert lost(Candidate(article("dune")), Candidate(article("heist"))) == [
        took + "they are equal, and the earlier published comes first"
    ]


def test_what_is_far_behind_is_told_how_far() -> None:
    every = [Candidate(article(f"{word}{n}", 100 * n)) for n, word in enumerate(("oak", "elm", "ash", "fir") * 10)]
    assert lost(*every)[-1] == "“fir39” took the last place in Weekly highlights; 38 others came before this one"


def test_every_pick_has_one_sentence_without_a_formula_whatever_is_known_and_in_whatever_order() -> None:
    random = Random(6)
    words = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron", "inlet", "jetty")
    for _ in range(60):
        every = [
            Candidate(
                article(
                    f"{random.choice(words)}\n{random.choice(words)} {number}",
                    random.choice((None, 0, 1, 7, 7, 90_000, math.nan)),
                    days=random.uniform(0, 13),
                    authors=tuple(random.sample(words, k=random.randrange(3))),
                    featured=random.random() < 0.2,
                    card=Card("A", rating=random.choice((None, 2, 5)), rating_count=random.choice((None, 0, 30))),
                ),
                weight=random.choice((1, 1, 0.5, 3)),
                seen_in=random.choice((1, 1, 2)),
            )
            for number in range(random.randrange(1, 15))
        ]
        found = issue(*every, pick=5)
        for reason in [one.reason for one in (*found.picks, *found.passed_over)]:
            assert reason
            assert "\n" not in reason
            assert "nan" not in reason
            assert not re.search(r"=|\+|(?<![\d])\.\d\d|100 among", reason)
        for pick in found.picks:
            assert pick.reason[0].isupper()
            assert pick.reason.count(", and ") <= 1
        random.shuffle(every)
        assert issue(*every, pick=5) == found


def test_the_formula_names_the_terms_their_numbers_and_the_runner_up() -> None:
    (pick,) = issue().picks
    assert formula(pick) == (
        "0.67 = popularity .48 (8,412 views: 75th of 100 among 2) + rating .06 (3 users, no rating value: neutral)"
        " + prominence .06 (not featured: neutral) + completeness .03 (no image) + recency .03 (2 days old)"
        "; beat “A heist in Manila” by .32"
    )
    assert pick.beat == "A heist in Manila"
    assert round(sum(term.points for term in pick.terms), 6) == round(pick.score, 6)


def test_a_pick_without_a_rival_says_so() -> None:
    (pick,) = issue(Candidate(WINNER)).picks
    assert formula(pick).endswith("; no other candidate")
    assert pick.beat == ""


def test_a_tie_says_how_it_was_settled() -> None:
    (pick,) = issue(Candidate(WINNER), Candidate(replace(WINNER, title="Something else", card=WINNER.card))).picks
    assert formula(pick).endswith("; tied with “Something else”, settled by date and address")


def noted(*articles: Article, section: Section | None = None) -> str:
    found = choose(
        [Candidate(one) for one in articles],
        slot=Slot("2026-W47", NOW),
        sections=(section or Section("highlights", "Weekly highlights"),),
        now=NOW,
        window_start=NOW - timedelta(days=7),
        max_age=timedelta(days=14),
    )
    return dict(found.notes).get("highlights", "")


def test_a_section_in_which_nothing_is_known_says_how_it_is_chosen() -> None:
    by_two = [article("dune", authors=("Ann",)), article("heist", authors=("Ben",))]
    assert noted(*by_two) == "No popularity is known: newest first, spread over authors"
    assert noted(article("dune", source="a"), article("heist", source="b")) == (
        "No popularity is known: newest first, spread over sources"
    )
    assert noted(article("dune", featured=True), article("heist", dek="A heist.")) == (
        "No popularity is known: featured, complete and newest first"
    )
    assert noted(article("dune", 12), article("heist")) == ""
    assert noted(*by_two, section=Section("highlights", "", order=Order.LATEST)) == ""
    assert noted() == ""


def test_the_next_three_say_what_would_bring_them_in() -> None:
    views = (900, 800, 700, 600, 500)
    every = [Candidate(article(word, n)) for word, n in zip(("oak", "elm", "ash", "fir", "yew"), views, strict=True)]
    found = issue(*every)
    assert [(one.article.title, one.needs) for one in found.alternates("highlights")] == [
        ("elm", "Comes in when one pick of Weekly highlights is dropped, or with about 110 more views"),
        ("ash", "Comes in when two picks of Weekly highlights are dropped, or with about 210 more views"),
        ("fir", "Comes in when three picks of Weekly highlights are dropped, or with about 310 more views"),
    ]
    assert found.alternates("guides") == ()
    with_more = [one if one.article.title != "fir" else Candidate(article("fir", 600 + 310)) for one in every]
    assert issue(*with_more).picks[0].article.title == "fir"
    assert [one.article.title for one in issue(*every[1:]).picks] == ["elm"]


def test_what_is_held_back_or_capped_comes_in_when_the_other_goes() -> None:
    first = article("\u2018Dune\u2019 wins", 900, authors=("Ann",))
    same_author, same_subject = article("heist", 890, authors=("Ann",)), article("Why \u2018Dune\u2019 won", 880)
    found = issue(*map(Candidate, (first, same_author, same_subject, article("fir", 885, featured=True))), pick=2)
    assert {one.article.title: one.needs for one in found.alternates("highlights")} == {
        "heist": "Comes in when what holds it back is dropped: 1 by the same author before it",
        "Why \u2018Dune\u2019 won": "Comes in when another gives way:"
        " “\u2018Dune\u2019 wins” is picked on the same subject (dune)",
    }


def test_what_gives_way_to_a_pick_is_related_to_it_and_the_best_others_are_told_too() -> None:
    first = article(
        "\u2018Dune\u2019 sweeps the desert film awards", 900, related=("Older news", "Why \u2018Dune\u2019 won")
    )
    again = article("\u2018Dune\u2019 sweeps the desert film awards again", 5)
    subject = article("Why \u2018Dune\u2019 won", 800)
    others = [article(f"{word} {n}", n) for n, word in enumerate(("oak", "elm", "ash", "fir", "yew", "bay"), start=10)]
    found = issue(*map(Candidate, (first, again, subject, *others)))
    (pick,) = found.picks
    assert pick.related == (subject, again)
    assert {one.article.title: one.reason for one in found.passed_over if one.article in pick.related} == {
        again.title: f"near-duplicate (100 of 100) of “{first.title}”; this one is kept as its related coverage",
        subject.title: f"“{first.title}” is picked on the same subject (dune); this one is kept as its related coverage",
    }
    assert pick.related_titles == (subject.title, again.title, "Older news")
    assert [one.title for one in found.also] == ["bay 15", "yew 14", "fir 13", "ash 12", "elm 11"]
    assert issue(Candidate(first)).also == ()


def test_comments_are_a_count_or_unknown() -> None:
    for value, count in ((3, 3), (0, 0), (-1, None), (math.nan, None), (math.inf, None)):
        assert replace(WINNER, signals=(Signal(SignalKind.COMMENTS, value),)).comments == count
    assert WINNER.comments is None
