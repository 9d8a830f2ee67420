"""Six terms, each with its number and its words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import nan

import pytest

from newsletter.highlights.candidate import Candidate
from newsletter.highlights.score import Scale, Scores, measure, rating_of, site_mean_of
from newsletter.issue import Article, Card, Image, Signal, SignalKind, Term

NOW = datetime(2026, 11, 19, tzinfo=UTC)


def article(*signals: tuple[SignalKind, float], days: float = 1, **fields: object) -> Article:
    return Article(
        title="A show returns",
        published=NOW - timedelta(days=days),
        signals=tuple(Signal(kind, value) for kind, value in signals),
        **fields,  # type: ignore[arg-type]
    )


def scored(*articles: Article, weights: tuple[float, ...] = (), mean: float = 3.8) -> list[dict[str, Term]]:
    candidates = [
        Candidate(found, weight=weight)
        for found, weight in zip(articles, weights or (1.0,) * len(articles), strict=True)
    ]
    scale = Scale(NOW, timedelta(days=14), site_mean=mean)
    scores = Scores([measure(candidate, scale=scale) for candidate in candidates], scale=scale)
    return [{term.name: term for term in scores.terms(index)} for index in range(len(articles))]


def viewed(views: float) -> Article:
    return article((SignalKind.VIEWS, views))


def test_the_weights_of_the_terms_add_up_to_one_whatever_is_known() -> None:
    for articles in ([article()], [viewed(1)], [viewed(1), article(card=Card("A", rating_count=3))]):
        for terms in scored(*articles):
            assert sum(term.weight for term in terms.values()) == pytest.approx(1)
            assert 0 <= sum(term.points for term in terms.values()) <= 1


def test_popularity_is_the_share_of_the_others_an_article_beats() -> None:
    terms = [terms["popularity"] for terms in scored(*(viewed(100 * rank) for rank in range(10)))]
    assert [term.value for term in terms] == pytest.approx([0.05 + rank / 10 for rank in range(10)])
    assert terms[9].why == "900 views: 95th of 100 among 10"
    assert terms[0].why == "0 views: 5th of 100 among 10"


def test_unknown_popularity_is_neutral_and_says_so() -> None:
    known, unknown = scored(viewed(5), article())
    assert unknown["popularity"].value == 0.5
    assert unknown["popularity"].why == "no views, shares or votes known: neutral"
    assert known["popularity"].why == "5 views: nothing to compare it with"


def test_a_term_that_no_article_has_anything_for_is_left_out() -> None:
    (terms,) = scored(article())
    assert list(terms) == ["prominence", "completeness", "recency"]


def test_views_and_comments_are_not_compared_with_each_other() -> None:
    few, many, talked = scored(viewed(900), viewed(1000), article((SignalKind.COMMENTS, 5)))
    assert (few["popularity"].value, many["popularity"].value) == (0.25, 0.75)
    assert talked["popularity"].value == 0.5
    assert talked["popularity"].why == "5 comments: nothing to compare it with"


def test_comments_count_only_where_nothing_better_is_known() -> None:
    loud, read = scored(
        article((SignalKind.COMMENTS, 900), (SignalKind.VIEWS, 10)),
        article((SignalKind.COMMENTS, 1), (SignalKind.VIEWS, 20)),
    )
    assert loud["popularity"].value < read["popularity"].value


def test_comments_weigh_less_where_they_are_all_that_is_known() -> None:
    talked = [article((SignalKind.COMMENTS, number)) for number in (5, 9)]
    (alone, _), (beside, _, _) = scored(*talked), scored(*talked, viewed(1))
    assert alone["popularity"].value == beside["popularity"].value
    assert alone["popularity"].weight < beside["popularity"].weight / 1.5


@pytest.mark.parametrize("value", [-1.0, nan, float("inf"), 1e300])
def test_an_impossible_number_is_unknown(value: float) -> None:
    (terms,) = scored(viewed(value))
    assert "popularity" not in terms


def test_a_source_weight_lifts_or_lowers_popularity_and_says_so() -> None:
    usual, lifted, lowered, muted = scored(*[viewed(7)] * 4, weights=(1, 2, 0.5, 0))
    assert usual["popularity"].value == 0.5
    assert lifted["popularity"].value == 0.75
    assert lifted["popularity"].why == "7 views: 50th of 100 among 4; source weight 2"
    assert lowered["popularity"].value == pytest.approx(0.293, abs=0.001)
    assert muted["popularity"].value == 0


def test_a_source_weight_counts_also_where_no_popularity_is_known() -> None:
    usual, lifted = scored(article(), article(), weights=(1, 2))
    assert lifted["popularity"].points > usual["popularity"].points


def test_a_count_without_a_rating_is_neutral_and_never_three_stars() -> None:
    seed, five_stars = scored(
        article(card=Card("All of Us Are Dead", rating_count=3)),
        article(card=Card("Other", rating=5.0, rating_count=400)),
    )
    assert seed["rating"].value == 0.5
    assert seed["rating"].why == "3 users, no rating value: neutral"
    assert five_stars["rating"].value > 0.9


def test_three_raters_say_little_and_four_hundred_say_what_they_say() -> None:
    few, many = scored(
        article((SignalKind.RATING, 5.0), (SignalKind.RATING_COUNT, 3)),
        article((SignalKind.RATING, 4.5), (SignalKind.RATING_COUNT, 400)),
    )
    assert few["rating"].value == pytest.approx((3.957 - 2.8) / 2, abs=0.001)
    assert many["rating"].value == pytest.approx((4.467 - 2.8) / 2, abs=0.001)
    assert many["rating"].why == "4.5 of 5 by 400, where 3.8 is usual"


@pytest.mark.parametrize(
    ("signals", "card", "rating"),
    [
        (((SignalKind.RATING, 4.0),), Card("A", rating=1.0, rating_count=9), (4.0, 9)),
        ((), Card("A", rating=0.0, rating_count=0), (None, 0)),
        (((SignalKind.RATING, 87.0),), None, (None, None)),
        (((SignalKind.RATING, nan),), Card("A", rating=3.0), (3.0, None)),
        ((), None, (None, None)),
    ],
)
def test_a_rating_comes_from_signals_then_the_card_and_never_from_nobody(
    signals: tuple[tuple[SignalKind, float], ...], card: Card | None, rating: tuple[float | None, int | None]
) -> None:
    assert rating_of(article(*signals, card=card)) == rating


def test_the_site_mean_is_over_what_is_rated() -> None:
    ratings = [Candidate(article((SignalKind.RATING, value))) for value in (3.0, 4.0)]
    assert site_mean_of([*ratings, Candidate(article())]) == 3.5


def test_prominence_and_completeness_say_what_they_saw() -> None:
    plain, featured, full = scored(
        article(), article(featured=True), article(image=Image("https://example.com/a.jpg"), dek="Soon.")
    )
    assert (plain["prominence"].value, plain["prominence"].why) == (0.5, "not featured: neutral")
    assert (featured["prominence"].value, featured["prominence"].why) == (1.0, "featured by its source")
    assert (plain["completeness"].value, plain["completeness"].why) == (0.0, "no image, no blurb")
    assert (full["completeness"].value, full["completeness"].why) == (1.0, "image and blurb")


def test_age_decides_nothing_but_a_tie() -> None:
    old, new = scored(article((SignalKind.VIEWS, 101), days=13), article((SignalKind.VIEWS, 100), days=0))
    assert new["recency"].value > old["recency"].value
    assert sum(term.points for term in old.values()) > sum(term.points for term in new.values())
    assert [scored(article(days=days))[0]["recency"].why for days in (0.9, 1, 3.9, 13)] == [
        "less than a day old",
        "1 day old",
        "4 days old",
        "13 days old",
    ]


def test_nothing_to_score_is_no_terms() -> None:
    assert scored() == []
