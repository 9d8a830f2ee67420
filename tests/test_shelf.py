"""The shelf: an article is found again under any of its names, and what an issue carried stays carried."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path

import pytest

from newsletter.database import Database
from newsletter.decisions import Decisions
from newsletter.errors import Refused
from newsletter.issue import Article, Card, Image, Signal, SignalKind, Slot
from newsletter.issues import Issues
from newsletter.shelf import Shelf, Shelved, dump_article, load_article
from newsletter.sources.page import parse
from newsletter.sources.reading import Reading
from newsletter.weekly.editor import Editor, Who
from tests.times import NOW

CORPUS = Path(os.environ.get("NEWSLETTER_CORPUS") or Path(__file__).resolve().parents[2] / "shared" / "corpus")

PUBLISHED = datetime(2026, 11, 16, 9, 30, tzinfo=UTC)
SLOT = Slot("2026-W47", NOW)
ADA = Who("Ada")
URL = "https://www.marquee.example/2026/night-ferry-returns"
FERRY = Article(
    title="Night Ferry returns for a second season",
    url=URL,
    guid="tag:marquee.example,2026:ferry",
    source="site",
    dek="The harbour drama is back.",
    published=PUBLISHED,
    published_from="feed",
)


@pytest.fixture
def editor(database: Database, shelf: Shelf) -> Editor:
    return Editor(database, shelf, Issues(database), Decisions(database), lambda: (), lambda: NOW)


@pytest.fixture
def put(shelf: Shelf) -> Callable[..., tuple[int, int, int]]:
    """Put one pull's articles on the shelf; returns how many were new, changed and the same."""

    def putting(*articles: Article, now: datetime = NOW) -> tuple[int, int, int]:
        done = shelf.put(articles, now=now)
        return done.new, done.changed, done.same

    return putting


Put = Callable[..., tuple[int, int, int]]


def all_of(shelf: Shelf) -> list[Shelved]:
    return shelf.page(limit=100)


def carry(database: Database, shelf: Shelf, what: str, *, slot: str = "2026-W47") -> None:
    number = shelf.find(what).article.id
    assert number is not None
    with database.write() as connection:
        shelf.carry(connection, [number], slot=slot)


# Found again under any name.


@pytest.mark.parametrize(
    "variant",
    [
        "http://www.marquee.example/2026/night-ferry-returns",
        "https://marquee.example/2026/night-ferry-returns/",
        "https://m.marquee.example/2026/night-ferry-returns",
        "https://www.marquee.example/2026/night-ferry-returns?utm_source=rss&utm_medium=feed#comments",
        "https://www.marquee.example/2026/night-ferry-returns/amp/",
        "https://amp.marquee.example/2026/night-ferry-returns?amp=1",
        "HTTPS://WWW.Marquee.Example:443/2026/night%2Dferry-returns",
    ],
)
def test_an_article_is_found_again_under_any_spelling_of_its_address(shelf: Shelf, put: Put, variant: str) -> None:
    put(FERRY)
    again = replace(FERRY, url=variant, guid=None, title="Night Ferry: everything we know", published=None)
    assert put(again)[0] == 0
    assert len(all_of(shelf)) == 1
    assert shelf.find(variant).article.id == shelf.find(URL).article.id


NAMES = {
    "its address alone": replace(FERRY, guid=None, title="Something else entirely"),
    "a new id": replace(FERRY, guid="regenerated-4711"),
    "a new address and the old id": replace(FERRY, url="https://www.marquee.example/ferry", title=FERRY.title + "!"),
    "an edited slug and a new id": replace(FERRY, url=URL + "-on-friday", guid="4712"),
    "the same title in other letters": replace(
        FERRY, url=URL + "-3", guid=None, title="NIGHT FERRY returns—for a second season?"
    ),
    "no address and no date any more": replace(FERRY, url=None, published=None),
}


@pytest.mark.parametrize("name", NAMES)
def test_what_an_issue_carried_stays_carried_whatever_happens_to_its_names(
    database: Database, shelf: Shelf, put: Put, name: str
) -> None:
    put(FERRY)
    carry(database, shelf, URL)
    assert put(NAMES[name])[0] == 0
    (only,) = all_of(shelf)
    assert only.carried_by == "2026-W47"


def test_an_article_that_changes_one_name_after_another_is_still_the_same(
    database: Database, shelf: Shelf, put: Put
) -> None:
    put(FERRY)
    carry(database, shelf, URL)
    put(replace(FERRY, guid="second-id"))
    put(replace(FERRY, guid="second-id", url="https://www.marquee.example/moved"))
    put(replace(FERRY, guid=None, url="http://marquee.example/moved/", title="Ferry comes back at last"))
    put(replace(FERRY, guid="third-id", url=None, title="Ferry comes back at last"))
    (only,) = all_of(shelf)
    assert only.carried_by == "2026-W47"
    for name in (URL, "https://www.marquee.example/moved"):
        assert shelf.find(name).article.id == only.article.id


def test_the_same_title_in_another_source_is_another_article(shelf: Shelf, put: Put) -> None:
    put(FERRY)
    assert put(replace(FERRY, source="wire", url="https://wire.example/ferry", guid="w1")) == (1, 0, 0)


def test_the_same_address_in_another_source_is_the_same_article_and_keeps_the_first_ones_words(
    shelf: Shelf, put: Put
) -> None:
    put(FERRY)
    put(replace(FERRY, source="wire", guid="w1", title="Ferry, ferry, ferry"))
    (only,) = all_of(shelf)
    assert only.article.title == FERRY.title
    assert only.article.source == "site"


def test_what_one_source_did_not_say_another_completes(shelf: Shelf, put: Put) -> None:
    put(replace(FERRY, published=None, published_from=""))
    assert shelf.find(URL).article.lacks() == ("date",)
    put(replace(FERRY, source="wire", guid="w1"))
    assert shelf.find(URL).article.lacks() == ()
    assert shelf.find(URL).article.published == PUBLISHED


# An id that is given twice.


def test_an_id_given_to_two_articles_never_makes_them_one_however_often_they_are_pulled(
    database: Database, shelf: Shelf, put: Put
) -> None:
    other = replace(FERRY, url="https://www.marquee.example/lantern-parade", title="Where to see the lantern parade")
    put(FERRY)
    carry(database, shelf, URL)
    for _ in range(3):
        put(other, FERRY)
    assert {one.article.title: one.carried_by for one in all_of(shelf)} == {FERRY.title: "2026-W47", other.title: ""}


# One address for several articles.


@pytest.mark.parametrize(
    "titles",
    [
        ("Harbour bridge reopens", "Night buses return", "Library opens late"),
        ("Episode 1: the keeper", "Episode 2: the keeper", "Episode 3: the keeper"),
    ],
)
@pytest.mark.parametrize("address", ["https://www.marquee.example/story?ref={}", "https://www.marquee.example/show"])
def test_what_a_source_tells_apart_by_id_and_title_is_never_one_for_its_address(
    database: Database, shelf: Shelf, put: Put, address: str, titles: tuple[str, ...]
) -> None:
    three = [
        replace(FERRY, title=title, url=address.format(n), guid=f"r{n}", published=PUBLISHED + timedelta(hours=n))
        for n, title in enumerate(titles)
    ]
    assert put(*three) == (3, 0, 0)
    number = next(one.article.id for one in all_of(shelf) if one.article.title == titles[0])
    with database.write() as connection:
        shelf.carry(connection, [number or 0], slot="2026-W47")
    for pull in (three, three[::-1], three[1:], three[2:]):
        assert put(*pull) == (0, 0, len(pull))
    assert {one.article.title: (one.article.url, one.carried_by) for one in all_of(shelf)} == {
        title: (address.format(n), "" if n else "2026-W47") for n, title in enumerate(titles)
    }


def test_of_two_articles_whose_addresses_differ_in_a_parameter_the_one_that_is_meant_is_found(
    shelf: Shelf, editor: Editor, put: Put
) -> None:
    one, other = "https://www.marquee.example/story?ref=1", "https://www.marquee.example/story?ref=2"
    put(replace(FERRY, url=one, guid="r1"))
    put(replace(FERRY, url=other, guid="r2", title="Night buses return"))
    assert shelf.find("http://marquee.example/story/?ref=2&utm_source=mail").article.guid == "r2"
    assert shelf.find(one).article.guid == shelf.find("https://www.marquee.example/story").article.guid == "r1"
    number = shelf.find(other).article.id or 0
    editor.edit(number, {"url": other}, slot=SLOT, who=ADA)
    assert shelf.find(str(number)).article.guid == "r2"
    assert len(all_of(shelf)) == 2


def test_a_parameter_that_only_tracks_makes_no_second_article(shelf: Shelf, put: Put) -> None:
    put(FERRY)
    assert put(replace(FERRY, url=f"{URL}?ref=home&source=rss")) == (0, 1, 0)
    assert put(replace(FERRY, url=f"{URL}?ref=mail", guid=None, title="The night ferry is back"))[0] == 0
    assert len(all_of(shelf)) == 1


# Two rows that turn out to be one.


def two_rows_of_one_article(shelf: Shelf) -> tuple[int, int]:
    """The same article put twice while nothing tied the two together; returns their numbers."""
    one = replace(FERRY, guid=None, signals=(Signal(SignalKind.VIEWS, 10, NOW - timedelta(days=1)),))
    two = replace(FERRY, url=None, title="The ferry", signals=(Signal(SignalKind.VIEWS, 90, NOW),))
    shelf.put([one, two], now=NOW)
    second, first = (shelved.article.id for shelved in all_of(shelf))
    assert first is not None
    assert second is not None
    return first, second


def test_two_rows_become_one_when_a_pull_ties_their_names_together(
    database: Database, shelf: Shelf, editor: Editor, put: Put
) -> None:
    first, second = two_rows_of_one_article(shelf)
    with database.write() as connection:
        shelf.carry(connection, [second], slot="2026-W46")
    editor.hold(first, until="2026-W49", slot=SLOT, who=ADA)
    editor.edit(second, {"dek": "The editor's own words."}, slot=SLOT, who=ADA)
    put(replace(FERRY, title="The ferry"))
    (only,) = all_of(shelf)
    assert only.article.id == first
    assert only.carried_by == "2026-W46"
    assert only.held_until == "2026-W49"
    assert only.article.dek == "The editor's own words."


def test_merging_keeps_the_numbers_of_both(shelf: Shelf, put: Put) -> None:
    two_rows_of_one_article(shelf)
    put(replace(FERRY, title="The ferry"))
    (only,) = all_of(shelf)
    assert only.article.signal(SignalKind.VIEWS) == 90


def test_an_issue_that_is_taken_back_does_not_free_what_an_earlier_one_carried(
    database: Database, shelf: Shelf, put: Put
) -> None:
    first, second = two_rows_of_one_article(shelf)
    with database.write() as connection:
        shelf.carry(connection, [first], slot="2026-W47")
        shelf.carry(connection, [second], slot="2026-W46")
    put(replace(FERRY, title="The ferry"))
    with database.write() as connection:
        shelf.give_back(connection, slot="2026-W47")
    (only,) = all_of(shelf)
    assert only.carried_by == "2026-W46"


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_in_whatever_order_its_names_appear_it_ends_as_one(shelf: Shelf, put: Put, order: tuple[int, ...]) -> None:
    faces = (
        replace(FERRY, guid=None, title="A"),
        replace(FERRY, url=None, title="Ferry B", published=None),
        replace(FERRY, title="Ferry B"),
    )
    for index in order:
        put(faces[index])
    put(faces[2])
    assert len(all_of(shelf)) == 1


# The editor's hand.


def test_the_editors_words_are_never_overwritten_by_a_later_pull(shelf: Shelf, editor: Editor, put: Put) -> None:
    put(FERRY)
    number = shelf.find(URL).article.id
    assert number is not None
    own = {
        "title": "Our title",
        "dek": "Our blurb",
        "url": "https://www.marquee.example/our-address",
        "published": "2026-11-18T08:00:00+01:00",
    }
    editor.edit(number, own, slot=SLOT, who=ADA)
    put(replace(FERRY, title="Theirs", dek="Theirs too", published=PUBLISHED - timedelta(days=1)))
    shelved = shelf.find(str(number))
    assert shelved.article.title == "Our title"
    assert shelved.article.dek == "Our blurb"
    assert shelved.article.url == own["url"]
    assert shelved.article.published == datetime(2026, 11, 18, 7, tzinfo=UTC)
    assert set(shelved.edited) == set(own)
    assert shelf.find(own["url"]).article.id == number


def test_an_edit_that_is_taken_back_gives_the_sources_own_words(shelf: Shelf, editor: Editor, put: Put) -> None:
    put(FERRY)
    number = shelf.find(URL).article.id
    assert number is not None
    editor.edit(number, {"title": "Our title", "published": "2026-11-01T08:00:00+00:00"}, slot=SLOT, who=ADA)
    put(replace(FERRY, dek="They have changed a word."))
    editor.edit(number, {"title": "", "published": ""}, slot=SLOT, who=ADA)
    article = shelf.find(str(number)).article
    assert article.title == FERRY.title
    assert article.published == PUBLISHED
    assert article.published_from == "feed"


def test_a_date_that_only_the_editor_knew_goes_with_the_edit(shelf: Shelf, editor: Editor, put: Put) -> None:
    undated = replace(FERRY, published=None, published_from="")
    put(undated)
    number = shelf.find(URL).article.id
    assert number is not None
    editor.edit(number, {"published": "2026-11-18T08:00:00+00:00"}, slot=SLOT, who=ADA)
    put(replace(undated, dek="They have changed a word."))
    assert shelf.find(str(number)).article.lacks() == ()
    editor.edit(number, {"published": ""}, slot=SLOT, who=ADA)
    assert shelf.find(str(number)).article.lacks() == ("date",)


def test_an_address_the_editor_gives_that_another_row_has_makes_the_two_one(
    database: Database, shelf: Shelf, editor: Editor, put: Put
) -> None:
    put(FERRY)
    carry(database, shelf, URL)
    shelf.put([Article(title="Ferry page", source="added-by-hand", body="The text")], now=NOW)
    edited = all_of(shelf)[0].article.id
    assert edited is not None
    own = {"url": URL + "?utm_source=mail", "published": "2026-11-18T08:00:00+00:00"}
    editor.edit(edited, own, slot=SLOT, who=ADA)
    after = shelf.find(str(edited))
    assert after.carried_by == "2026-W47"
    assert len(all_of(shelf)) == 1


def test_dropping_and_holding_outlive_a_pull(shelf: Shelf, editor: Editor, put: Put) -> None:
    put(FERRY)
    number = shelf.find(URL).article.id
    assert number is not None
    editor.drop(number, slot=SLOT, who=ADA)
    put(replace(FERRY, dek="Changed"))
    assert shelf.find(URL).dropped
    editor.hold(number, until="2026-W48", slot=SLOT, who=ADA)
    put(replace(FERRY, dek="Changed again"))
    assert (shelf.find(URL).dropped, shelf.find(URL).held_until) == (False, "2026-W48")


@pytest.mark.corpus
@pytest.mark.skipif(not CORPUS.is_dir(), reason="no corpus; set NEWSLETTER_CORPUS to the folder of real input")
def test_the_seed_article_is_incomplete_until_the_editor_completes_it(shelf: Shelf, editor: Editor) -> None:
    page = (CORPUS / "seed" / "article-page.txt").read_bytes()
    seed = replace(parse(page, reading=Reading("by-hand", now=NOW)), source="by-hand")
    for _ in range(2):
        shelf.put([seed], now=NOW)
    (shelved,) = all_of(shelf)
    assert shelved.article.lacks() == ("url", "date")
    assert shelved.article.card is not None
    assert shelved.article.card.rating is None
    number = shelved.article.id
    assert number is not None
    editor.edit(number, {"url": URL, "published": "2026-11-18T08:00:00+00:00"}, slot=SLOT, who=ADA)
    assert shelf.find(str(number)).article.lacks() == ()
    assert [one.article.id for one in shelf.since(NOW - timedelta(days=7))] == [number]
    assert shelf.put([seed], now=NOW).new == 0
    assert shelf.find(URL).article.lacks() == ()


# What a later pull may change, and what it may not.


def test_a_pull_changes_the_words_and_says_so(shelf: Shelf, put: Put) -> None:
    assert put(FERRY) == (1, 0, 0)
    assert put(FERRY) == (0, 0, 1)
    later = NOW + timedelta(hours=1)
    assert put(replace(FERRY, dek="Better words."), now=later) == (0, 1, 0)
    shelved = shelf.find(URL)
    assert shelved.article.dek == "Better words."
    assert shelved.changed_at == later


@pytest.mark.parametrize("days", [-3, 3])
def test_the_earliest_date_a_source_gave_stands(shelf: Shelf, put: Put, days: int) -> None:
    put(FERRY)
    put(replace(FERRY, published=PUBLISHED + timedelta(days=days)))
    assert shelf.find(URL).article.published == PUBLISHED + timedelta(days=min(days, 0))


def test_a_source_that_forgets_the_date_or_the_address_takes_nothing_away(shelf: Shelf, put: Put) -> None:
    put(FERRY)
    put(replace(FERRY, url=None, published=None, published_from="", dek="Changed"))
    article = shelf.find(URL).article
    assert article.lacks() == ()
    assert article.url == URL
    assert article.published == PUBLISHED
    assert article.dek == "Changed"


@pytest.mark.parametrize("guess", [PUBLISHED - timedelta(days=200), PUBLISHED + timedelta(days=1)])
def test_a_guess_never_stands_for_a_trusted_date_whichever_came_first(shelf: Shelf, put: Put, guess: datetime) -> None:
    guessed = replace(FERRY, published=guess, published_from="guess")
    put(FERRY)
    put(replace(guessed, dek="Changed"))
    assert shelf.find(URL).article.published == PUBLISHED
    assert shelf.find(URL).article.lacks() == ()
    other = replace(guessed, url=URL + "-2", guid="2", title="Another one")
    put(other)
    assert shelf.find(URL + "-2").article.lacks() == ("date",)
    put(replace(other, published=PUBLISHED, published_from="feed"))
    assert shelf.find(URL + "-2").article.published == PUBLISHED
    assert shelf.find(URL + "-2").article.lacks() == ()


def test_what_has_no_name_at_all_is_put_once_however_often_it_is_read(shelf: Shelf, put: Put) -> None:
    nameless = Article(title="", body="Only a text.", source="site")
    put(nameless, replace(nameless, body="Another text."))
    assert put(nameless, replace(nameless, body="Another text.")) == (0, 0, 2)
    assert len(all_of(shelf)) == 2


def test_every_field_comes_back_as_it_went_in(shelf: Shelf, put: Put) -> None:
    full = replace(
        FERRY,
        title="夜のフェリー 🛳 “returns”",
        authors=("Ada Fernsby", "Bjørn Åsgårdsen"),
        image=Image("https://img.marquee.example/1.jpg", 1200, 675, "A ferry"),
        card=Card("Night Ferry", ("Harbour Light",), None, 3),
        updated=NOW,
        categories=("News",),
        tags=("tv", "drama"),
        related=("The Lantern Parade",),
        sponsored=True,
    )
    put(full)
    got = shelf.find(URL).article
    assert replace(got, id=None, first_seen=None) == full
    assert load_article(dump_article(got)) == full


@pytest.mark.parametrize("text", ["half \ud83d of a pair", "nul \0 inside", "\u202ebackwards", "x" * 100_000])
def test_hostile_text_is_kept_or_cleaned_and_never_stops_a_pull(shelf: Shelf, put: Put, text: str) -> None:
    put(replace(FERRY, title=text, dek=text, guid=text), replace(FERRY, url=URL + "-2", guid="2", title="The next one"))
    assert len(all_of(shelf)) == 2
    shelf.remember_pull("site", state={"etag": text}, now=NOW, problem=text)
    assert shelf.pull_record("site").pulled_at == NOW


# Numbers about articles.


def test_numbers_about_an_article_are_kept_with_their_times_and_the_latest_counts(
    database: Database, shelf: Shelf, put: Put
) -> None:
    for hours, views in ((0, 100.0), (1, 250.0), (2, 250.0), (3, 900.0)):
        at = NOW + timedelta(hours=hours)
        put(replace(FERRY, signals=(Signal(SignalKind.VIEWS, views), Signal(SignalKind.COMMENTS, 3))), now=at)
    assert shelf.find(URL).article.signal(SignalKind.VIEWS) == 900
    with database.read() as connection:
        kept = connection.exec_driver_sql("SELECT value FROM signals WHERE kind = 'views' ORDER BY at").scalars().all()
    assert kept == [100, 250, 900]


def test_a_number_older_than_the_latest_is_not_taken_for_news(shelf: Shelf, put: Put) -> None:
    put(replace(FERRY, signals=(Signal(SignalKind.VIEWS, 900, NOW),)))
    put(replace(FERRY, signals=(Signal(SignalKind.VIEWS, 100, NOW - timedelta(days=1)),)))
    assert shelf.find(URL).article.signal(SignalKind.VIEWS) == 900


def test_two_numbers_of_one_kind_in_one_pull_stop_nothing(shelf: Shelf, put: Put) -> None:
    put(replace(FERRY, signals=(Signal(SignalKind.VIEWS, 1, NOW), Signal(SignalKind.VIEWS, 2, NOW))))
    assert shelf.find(URL).article.signal(SignalKind.VIEWS) in (1, 2)


# What is looked at, and how it is asked for.


def test_what_an_issue_may_look_at_is_everything_since_and_what_is_held(shelf: Shelf, editor: Editor, put: Put) -> None:
    old = replace(FERRY, url=URL + "-old", guid="old", title="Old", published=NOW - timedelta(days=100))
    undated = replace(FERRY, url=URL + "-undated", guid="undated", title="Undated", published=None)
    put(FERRY, old, undated)
    week = NOW - timedelta(days=7)
    assert [one.article.title for one in shelf.since(week)] == [FERRY.title, "Undated"]
    number = shelf.find(URL + "-old").article.id
    assert number is not None
    editor.hold(number, until="2026-W47", slot=SLOT, who=ADA)
    assert [one.article.title for one in shelf.since(week)] == ["Old", FERRY.title, "Undated"]


def test_an_article_that_is_not_there_is_refused_by_a_sentence(shelf: Shelf) -> None:
    for what in ("4711", "0", "99999999999", "https://nowhere.example/", "not an address", "", "²"):
        with pytest.raises(Refused, match="no article"):
            shelf.find(what)


def test_pages_are_read_by_key_and_lose_nothing(shelf: Shelf, put: Put) -> None:
    put(*(replace(FERRY, url=f"{URL}-{n}", guid=str(n), title=f"Article {n}") for n in range(25)))
    seen: list[int] = []
    while page := shelf.page(limit=10, before=seen[-1] if seen else None):
        seen += [one.article.id or 0 for one in page]
    assert len(seen) == len(set(seen)) == 25
    assert seen == sorted(seen, reverse=True)


def test_a_picture_is_kept_once_under_its_name(shelf: Shelf) -> None:
    for _ in range(2):
        shelf.keep_image("0123456789abcdef.png", "image/png", b"\x89PNG")
    assert shelf.image("0123456789abcdef.png") == ("image/png", b"\x89PNG")
    assert shelf.image("fedcba9876543210.png") is None


def test_two_sources_that_bring_the_same_article_and_picture_at_once_make_one(database: Database, shelf: Shelf) -> None:
    barrier = threading.Barrier(6)
    failed: list[BaseException] = []

    def pull(source: str) -> None:
        barrier.wait()
        try:
            for number in range(5):
                own = Article(title=f"{source} {number}", url=f"https://{source}.example/{number}", source=source)
                shared = replace(
                    FERRY, source=source, guid=f"{source}{number}", url=f"{URL}/{number}", title=f"All {number}"
                )
                shelf.keep_image(f"{number:016d}.png", "image/png", b"\x89PNG")
                shelf.put([own, shared] if source < "s3" else [shared, own], now=NOW)
                shelf.remember_pull("shared", state={}, now=NOW)
        except BaseException as error:  # noqa: BLE001 - told to the test's own thread
            failed.append(error)

    threads = [threading.Thread(target=pull, args=(f"s{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert sum(one.article.title.startswith("All") for one in all_of(shelf)) == 5


def test_ten_thousand_articles_are_put_found_and_looked_at(shelf: Shelf, put: Put) -> None:
    many = [
        replace(FERRY, url=f"{URL}-{n}", guid=str(n), title=f"Article number {n}", published=NOW - timedelta(minutes=n))
        for n in range(10_000)
    ]
    assert put(*many)[0] == 10_000
    assert put(*many[-2_000:]) == (0, 0, 2_000)
    assert len(shelf.since(NOW - timedelta(days=30))) == 10_000
    assert shelf.find(f"{URL}-9999").article.guid == "9999"
