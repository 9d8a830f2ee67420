"""Candidates in, an Issue out, with everything explained."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from newsletter.highlights import Candidate, choose, formula
from newsletter.issue import Article, Card, IfThin, Issue, Match, Order, Section, Signal, SignalKind, Slot

CORPUS = Path(os.environ.get("NEWSLETTER_CORPUS", Path(__file__).parents[2] / "shared" / "corpus"))
NOW = datetime(2026, 11, 19, 1, tzinfo=UTC)
DAY = timedelta(days=1)
HIGHLIGHTS = Section("highlights", "Weekly highlights", pick=3)
WORDS = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron", "inlet", "jetty", "mesa", "oasis")


def article(number: int, *, title: str = "", views: float | None = None, days: float = 2, **fields: object) -> Article:
    return Article(
        title=title or f"{WORDS[number % 12]} {WORDS[(number * 5 + 3) % 12]} {number}",
        url=f"https://example.com/{number}",
        published=NOW - days * DAY,
        published_from="feed",
        signals=() if views is None else (Signal(SignalKind.VIEWS, views),),
        **fields,  # type: ignore[arg-type]
    )


def chosen(
    candidates: Sequence[Candidate | Article],
    *sections: Section,
    now: datetime = NOW,
    key: str = "2026-W47",
    per_source: int | None = None,
    deny: Match | None = None,
) -> Issue:
    return choose(
        [found if isinstance(found, Candidate) else Candidate(found) for found in candidates],
        slot=Slot(key, now),
        sections=sections or (HIGHLIGHTS,),
        now=now,
        window_start=now - 7 * DAY,
        max_age=14 * DAY,
        per_source=per_source,
        deny=deny,
    )


def urls(issue: Issue, section: str = "highlights") -> list[str]:
    return [(pick.article.url or "").rsplit("/", 1)[1] for pick in issue.in_section(section)]


def why(issue: Issue, found: Article) -> str:
    return next(passed.reason for passed in issue.passed_over if passed.article == found)


def test_the_most_read_are_picked_in_order_and_every_candidate_is_accounted_for() -> None:
    every = [article(number, views=100 * number) for number in range(8)]
    issue = chosen(every)
    assert urls(issue) == ["7", "6", "5"]
    assert [pick.position for pick in issue.picks] == [1, 2, 3]
    assert issue.lead is not None
    assert issue.lead.article == every[7]
    assert {pick.article for pick in issue.picks} | {passed.article for passed in issue.passed_over} == set(every)
    assert len(issue.passed_over) == 5
    assert all(passed.waits and passed.score is not None and passed.terms for passed in issue.passed_over)


def test_the_order_in_which_candidates_come_changes_nothing() -> None:
    every = [article(number, views=number % 5, source=f"s{number % 3}") for number in range(40)]
    issue = chosen(every)
    for seed in range(5):
        shuffled = every.copy()
        Random(seed).shuffle(shuffled)
        assert chosen(shuffled) == issue


def test_of_equals_the_earlier_published_is_picked() -> None:
    every = [article(number, title=WORDS[number], days=30 - number) for number in (9, 8, 7)]
    held = [Candidate(found, held_until="2026-W47") for found in every]  # older than max_age: recency is 0 for each
    assert urls(chosen(held, Section("highlights", "", pick=2))) == ["7", "8"]


def test_the_seed_article_is_picked_once_it_has_an_address_and_a_date_and_its_siblings_wait() -> None:
    card = Card("All of Us Are Dead", produced_by=("Lee Jae-kyoo", "Kim Nam-su"), rating_count=3)
    seed = Article(title="Netflix\u2019s \u2018All of Us Are Dead\u2019 to Return for Season 2", card=card)
    issue = chosen([seed])
    assert issue.picks == ()
    assert why(issue, seed) == "incomplete: lacks url, date"
    complete = article(1, title=seed.title, card=card, featured=True)
    siblings = [
        article(2, title="Everything You Need to Know About the Netflix K-Drama \u2018All of Us Are Dead\u2019"),
        article(
            3, title="Netflix's 'All of Us Are Dead' is the Next Korean Survival Thriller We Look Forward To Seeing"
        ),
    ]
    issue = chosen([complete, *siblings, article(4)])
    assert set(urls(issue)) == {"1", "4"}
    assert "3 users, no rating value: neutral" in formula(issue.picks[0])
    assert all("same subject (all of us are dead)" in why(issue, sibling) for sibling in siblings)


def test_of_near_duplicates_the_best_is_picked_and_the_other_names_it() -> None:
    less = article(1, title="Netflix renews its zombie school drama for a second run", views=10)
    more = article(2, title="Netflix renews zombie school drama for second run", views=500)
    issue = chosen([less, more, article(3, views=20)])
    assert urls(issue) == ["2", "3"]
    kept = "; this one is kept as its related coverage"
    assert why(issue, less) == f"near-duplicate (100 of 100) of “{more.title}”{kept}"
    assert not next(passed for passed in issue.passed_over if passed.article == less).waits


def test_a_near_duplicate_waits_while_the_better_one_waits_too() -> None:
    less = article(1, title="Netflix renews its zombie school drama for a second run", views=1)
    more = article(2, title="Netflix renews zombie school drama for second run", views=2)
    issue = chosen([less, more, article(3, views=20)], Section("highlights", "", pick=1))
    assert urls(issue) == ["3"]
    assert all(passed.waits for passed in issue.passed_over)


def test_what_repeats_an_article_already_carried_is_not_picked() -> None:
    carried = article(1, title="Netflix renews its zombie school drama for a second run", days=9)
    again = article(2, title="Netflix renews zombie school drama for second run", views=500)
    issue = chosen([Candidate(carried, carried_by="2026-W46"), again])
    assert issue.picks == ()
    assert why(issue, again) == f"near-duplicate (100 of 100) of “{carried.title}”, carried by 2026-W46"
    later = chosen([Candidate(article(1, title=carried.title, days=24), carried_by="2026-W44"), again])
    assert urls(later) == ["2"]


def test_what_did_not_fit_is_picked_in_a_later_issue_and_nothing_is_picked_twice() -> None:
    every = [article(number, views=number) for number in range(9)]
    carried_by: dict[str | None, str] = {}
    for week, key in enumerate(("2026-W47", "2026-W48")):
        candidates = [Candidate(found, carried_by=carried_by.get(found.url, "")) for found in every]
        issue = chosen(candidates, now=NOW + 7 * week * DAY, key=key)
        assert len(issue.picks) == 3
        assert not {pick.article.url for pick in issue.picks} & set(carried_by)
        carried_by |= {pick.article.url: key for pick in issue.picks}
    issue = chosen([Candidate(found, carried_by=carried_by.get(found.url, "")) for found in every], now=NOW + 14 * DAY)
    assert issue.picks == ()
    assert sum(passed.reason.startswith("leaves by age") for passed in issue.passed_over) == 3


def test_guides_go_to_their_section_even_when_a_catch_all_stands_before_it() -> None:
    guides = Section("guides", "Guides", pick=2, match=Match(title="guide|how to|where to"))
    every = [
        article(1, title="How to watch the finale", views=900),
        article(2, title="Where to stream old westerns", views=800),
        article(3, title="Your guide to the festival", views=700),
        article(4, views=1),
    ]
    issue = chosen(every, HIGHLIGHTS, guides)
    assert urls(issue, "guides") == ["1", "2"]
    assert urls(issue) == ["4"]
    assert why(issue, every[2]) == (
        "“Where to stream old westerns” took the last place in Guides: it is more read, 800 views to 700"
    )


def test_popularity_is_compared_within_a_section() -> None:
    films = Section("films", "Films", match=Match(category=("film",)))
    every = [article(number, views=number, categories=("film",) if number < 2 else ()) for number in range(4)]
    issue = chosen(every, HIGHLIGHTS, films)
    assert "1 view: 75th of 100 among 2" in formula(issue.in_section("films")[0])


def test_an_article_that_fits_no_section_waits() -> None:
    lonely = article(1)
    issue = chosen([lonely], Section("films", "Films", match=Match(category=("film",))))
    assert why(issue, lonely) == "fits no section"
    assert issue.passed_over[0].waits


@pytest.mark.parametrize(
    ("if_thin", "in_films", "in_highlights"),
    [(IfThin.KEEP, ["1"], ["2", "3"]), (IfThin.SKIP, [], ["2", "3"]), (IfThin.MERGE, [], ["1", "2", "3"])],
)
def test_a_thin_section_is_kept_skipped_or_merged(
    if_thin: IfThin, in_films: list[str], in_highlights: list[str]
) -> None:
    films = Section("films", "Films", min=2, match=Match(category=("film",)), if_thin=if_thin)
    every = [article(1, views=9, categories=("film",)), article(2, views=8), article(3, views=7)]
    issue = chosen(every, HIGHLIGHTS, films)
    assert urls(issue, "films") == in_films
    assert urls(issue) == in_highlights
    if if_thin == IfThin.SKIP:
        assert why(issue, every[0]) == "films found 1 of at least 2 and is left out this week"
        assert issue.passed_over[0].waits


def test_what_a_skipped_section_had_taken_is_free_for_the_others() -> None:
    films = Section("films", "Films", min=2, match=Match(category=("film",)), if_thin=IfThin.SKIP)
    every = [
        article(1, title="\u2018Dune\u2019 sweeps the awards", views=9, categories=("film",)),
        article(2, title="Why \u2018Dune\u2019 divides us", views=8),
    ]
    assert urls(chosen(every, films, HIGHLIGHTS)) == ["2"]


def test_sections_that_are_all_thin_merge_into_what_is_left_and_never_go_round_in_circles() -> None:
    sections = [Section(name, name, min=5, if_thin=IfThin.MERGE, match=Match(category=(name,))) for name in ("a", "b")]
    every = [article(1, categories=("a",)), article(2, categories=("b",))]
    issue = chosen(every, *sections)
    assert len(issue.picks) + len(issue.passed_over) == 2
    assert chosen([], *sections).picks == ()


def test_a_source_keeps_to_its_cap_over_all_sections() -> None:
    every = [article(number, views=number, source="site") for number in range(5)] + [article(9, views=0, source="blog")]
    assert urls(chosen(every, per_source=1)) == ["4", "9"]


def test_the_latest_of_a_section_come_first_whatever_their_numbers_and_the_caps_hold() -> None:
    news = Section("news", "News", pick=2, match=Match(category=("news",)), order=Order.LATEST)
    every = [article(number, views=100 * number, days=number, categories=("news",)) for number in range(2, 6)]
    every.append(article(1, title="\u2018Dune\u2019 wins", days=1, categories=("news",)))
    issue = chosen([*every, article(0, title="Why \u2018Dune\u2019 won", views=9, days=6)], HIGHLIGHTS, news)
    assert urls(issue, "news") == ["2", "3"]
    assert [pick.reason for pick in issue.in_section("news")] == ["The newest in News", "The second newest in News"]
    assert issue.in_section("news")[0].detail == "placed in order of date, not by its score"
    assert why(issue, every[2]) == f"“{every[1].title}” took the last place in News, in order of date"
    assert "same subject" in why(issue, every[4])


def test_a_section_in_its_sources_order_takes_what_was_read_last_as_it_is_listed() -> None:
    listed = Section("listed", "Listed", pick=3, order=Order.SOURCE)
    every = [
        article(number, days=days, id=number, first_seen=NOW - seen * DAY)
        for number, days, seen in ((1, 1, 7), (2, 2, 7), (3, 9, 1), (4, 3, 1), (5, 4, 1))
    ]
    issue = chosen(every, listed)
    assert urls(issue, "listed") == ["3", "4", "5"]
    assert issue.picks[1].reason == "Number 2 of what its source lists for Listed"


def test_a_column_has_the_newest_before_all_sections_beside_the_caps_and_never_the_same_twice() -> None:
    column = Section("column", "From the editor", pick=1, match=Match(category=("column",)), fixed=True)
    old, new = (
        article(number, title=title, days=days, categories=("column",), source="site")
        for number, title, days in ((1, "Letter on \u2018Dune\u2019", 8), (2, "Letter about \u2018Dune\u2019 again", 1))
    )
    other = article(3, title="\u2018Dune\u2019 wins", views=900, source="site")
    issue = chosen([old, new, other, article(4, views=1)], HIGHLIGHTS, column, per_source=1)
    assert [pick.section for pick in issue.picks] == ["highlights", "column"]
    assert urls(issue, "column") == ["2"]
    assert issue.picks[-1].reason == "The newest of From the editor, which always has it"
    assert "same subject" in why(issue, other)
    assert why(issue, old) == f"“{new.title}” took the last place in From the editor, in order of date"
    later = chosen([Candidate(old), Candidate(new, carried_by="2026-W46")], column)
    assert urls(later, "column") == ["1"]


def test_what_the_publisher_marks_is_not_picked_by_itself_and_the_mark_is_named() -> None:
    marked, other = article(1, views=9, tags=("no-newsletter",)), article(2)
    issue = chosen([marked, other], deny=Match(tag=("No-Newsletter",), category=("advertorial",)))
    assert urls(issue) == ["2"]
    assert why(issue, marked) == "denied: its tag is No-Newsletter"
    assert chosen([marked, other]).lead != issue.lead


def test_a_max_age_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one day"):
        choose([], slot=Slot("2026-W47", NOW), sections=(), now=NOW, window_start=NOW, max_age=timedelta(0))


def test_nothing_in_gives_an_empty_issue() -> None:
    issue = chosen([])
    assert (issue.picks, issue.passed_over, issue.lead) == ((), (), None)


@pytest.mark.corpus
@pytest.mark.parametrize("name", ["twir_lobsters", "ruanyf_hn", "dair_hf"])
def test_the_choice_is_not_worse_than_the_most_popular_by_the_picks_of_three_editors(name: str) -> None:
    """R-precision: of as many picks as the editor made, how many are the editor's."""
    path = CORPUS / "selection" / f"{name}.json.gz"
    if not path.exists():
        pytest.skip(f"no corpus at {CORPUS}: set NEWSLETTER_CORPUS to the folder that holds selection/")
    weeks = json.loads(gzip.decompress(path.read_bytes()))["weeks"]
    ours, popular = [], []
    for week in weeks:
        picks, now = set(week["picks"]), datetime.fromtimestamp(week["issue_t"], UTC)
        candidates = [
            Article(
                title=found["title"],
                url=f"https://{found['url']}",
                guid=found["id"],
                source=found["url"].split("/")[0],
                published=min(now, datetime.fromtimestamp(found["t"], UTC)),
                published_from="feed",
                signals=(Signal(SignalKind.VOTES, found["score"]), Signal(SignalKind.COMMENTS, found["comments"])),
            )
            for found in week["pool"]
        ]
        issue = chosen(candidates, Section("highlights", "", pick=len(picks)), now=now)
        assert len(issue.picks) + len(issue.passed_over) == len(candidates)
        best = sorted(week["pool"], key=lambda found: -found["score"])[: len(picks)]
        ours.append(len({pick.article.guid for pick in issue.picks} & picks) / len(picks))
        popular.append(len({found["id"] for found in best} & picks) / len(picks))
    assert sum(ours) / len(ours) >= sum(popular) / len(popular) - 0.02
