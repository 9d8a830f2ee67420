from __future__ import annotations

import contextlib
import http.server
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pytest

from newsletter.errors import SettingsError, SourceError
from newsletter.fetch import Fetcher
from newsletter.issue import Article, SignalKind
from newsletter.sources import Pulled, PullState, load
from newsletter.sources.dates import DateOrder
from newsletter.sources.feed import parse, read_feed
from newsletter.sources.reading import Reading

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HERE = Reading("site", "https://site.example/feed", now=NOW)


def rss(*items: str, head: str = "") -> bytes:
    inside = "".join(f"<item>{item}</item>" for item in items)
    return (
        '<?xml version="1.0" encoding="utf-8"?><rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/" '
        'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:slash="http://purl.org/rss/1.0/modules/slash/" '
        'xmlns:feedburner="http://rssnamespace.org/feedburner/ext/1.0">'
        f"<channel><title>Site</title><link>https://site.example/</link>{head}{inside}</channel></rss>"
    ).encode()


def item(extra: str = "", *, title: str = "A title", link: str = "https://site.example/a") -> str:
    return f"<title>{title}</title><link>{link}</link>{extra}"


def only(data: bytes, *, reading: Reading = HERE) -> Article:
    (article,) = parse(data, reading=reading).articles
    return article


CAPTION = "<media:description type='plain'>Jane Doe in Lisbon in 1997.</media:description>"


PHOTO = f"<media:content url='https://site.example/a.jpg' medium='image'>{CAPTION}<media:description/></media:content>"
SAID = "<description>What it is about.</description>"


@pytest.mark.parametrize("inside", [PHOTO + SAID, SAID + PHOTO])
def test_the_caption_of_a_picture_is_neither_blurb_nor_text(inside: str) -> None:
    article = only(rss(item(inside)))
    assert (article.summary, article.body) == ("What it is about.", "")
    assert article.image is not None


def test_a_video_is_described_by_its_media_description_when_it_has_no_other() -> None:
    assert only(rss(item(f"<media:group>{CAPTION}</media:group>"))).summary == "Jane Doe in Lisbon in 1997."


def test_an_item_becomes_an_article() -> None:
    article = only(
        rss(
            item(
                "<guid isPermaLink='false'>tag:1</guid><pubDate>Fri, 20 Nov 2026 10:00:00 GMT</pubDate>"
                "<dc:creator>Jane Doe and John Roe</dc:creator><category>Film</category><category>film</category>"
                "<category>TV</category><description>&lt;p&gt;What it is.&lt;/p&gt;&lt;p&gt;The post A title appeared "
                "first on Site.&lt;/p&gt;</description>"
                "<content:encoded><![CDATA[<p>One.</p><p>Two.</p>]]></content:encoded>"
                "<slash:comments>12</slash:comments>",
                link="https://site.example/a?utm_source=rss&amp;id=1",
            ),
            head="<language>en-GB</language>",
        )
    )
    assert article.title == "A title"
    assert article.url == "https://site.example/a?id=1"
    assert (article.guid, article.source, article.language) == ("tag:1", "site", "en-GB")
    assert article.published == datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert (article.published_raw, article.published_from) == ("Fri, 20 Nov 2026 10:00:00 GMT", "feed")
    assert article.authors == ("Jane Doe", "John Roe")
    assert (article.section, article.categories) == ("Film", ("Film", "TV"))
    assert (article.summary, article.body) == ("What it is.", "One.\nTwo.")
    assert article.signal(SignalKind.COMMENTS) == 12
    assert article.lacks() == ()


def test_hostile_markup_never_leaves_as_markup_or_as_a_dangerous_address() -> None:
    article = only(
        rss(
            item(
                "<description><![CDATA[<p>ok</p><script>alert(1)</script><img src='javascript:x' onerror=alert(1)>]]>"
                "</description><media:thumbnail url='javascript:alert(1)' /><guid>javascript:alert(2)</guid>",
                title="&lt;b onclick=x&gt;Bold&lt;/b&gt; &lt;script&gt;x&lt;/script&gt;&#x202E;title",
                link="javascript:alert(3)",
            )
        )
    )
    assert article.title == "Bold title"
    assert (article.url, article.image, article.summary) == (None, None, "ok")
    assert article.lacks() == ("url", "date")


def test_bytes_that_name_a_local_file_are_not_opened(tmp_path: Path) -> None:
    secret = tmp_path / "feed.xml"
    secret.write_bytes(rss(item(title="Secret")))
    with pytest.raises(SourceError, match="not a feed"):
        parse(str(secret).encode(), reading=HERE)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "feed is empty"),
        (b" \n\xef\xbb\xbf", "feed is empty"),
        (b"<!doctype html><html><head><title>Hi</title></head><body>Hello</body></html>", "HTML page.*names none"),
        (
            b"<html><head><link rel='alternate' type='application/rss+xml' href='/rss.xml'></head></html>",
            r"HTML page.*use https://site\.example/rss\.xml",
        ),
        (b"just words", "not a feed"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "not a feed"),
        (b'<?xml version="1.0"?><urlset><url><loc>https://x/</loc></url></urlset>', "sitemap"),
        (
            (
                b'<?xml version="1.0"?><opml version="2.0"><body><outline text="x"><outline type="rss" text="A > B" '
                b"xmlUrl='/a.xml?x=1&amp;y=2'/></outline><outline xmlurl=\"https://b.example/feed\"/></body></opml>"
            ),
            r"OPML.*https://site\.example/a\.xml\?x=1&y=2, https://b\.example/feed\.",
        ),
        (b"<opml><body/></opml>", "OPML.* lists none"),
        (b'{"a": 1}', "JSON but no JSON Feed"),
        (b'{"a": ', "broken JSON in line 1"),
        (b"[" * 100_000, "broken JSON"),
        (b'[{"slug": "x", "link": "y"}]', "WordPress"),
    ],
)
def test_what_is_no_feed_is_called_what_it_is(data: bytes, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        parse(data, reading=HERE)


def test_a_broken_feed_gives_what_can_be_read_and_says_so() -> None:
    data = rss(item(title="One & two"), item(title="Three")).replace(b"</channel></rss>", b"")
    found = parse(data, reading=HERE)
    assert [article.title for article in found.articles] == ["One & two", "Three"]
    assert "the XML is broken (line 1" in found.problems[0]


def test_a_feed_without_articles_is_no_error_but_is_told() -> None:
    assert parse(rss(), reading=HERE) == Pulled(problems=("the feed has no articles",))


def test_a_feed_made_to_stall_the_reader_is_read_or_given_up() -> None:
    """In a process that ends after a few seconds of work, whatever it works on."""
    with contextlib.suppress(SourceError):
        read_feed(rss(item("<description>" + "<a>" * 200_000 + "</a>" * 200_000 + "</description>")), reading=HERE)


def test_a_feed_that_takes_too_long_is_given_up() -> None:
    with pytest.raises(SourceError, match=r"given up: it took more than 5 seconds.*ask its publisher"):
        read_feed(b"<rss version='2.0'><channel>" + b"<item>" * 750_000, reading=HERE)


def test_what_is_read_in_another_process_is_what_is_read_in_this() -> None:
    reading = Reading("site", "https://site.example/a", zone=ZoneInfo("Asia/Kolkata"), order=DateOrder.DMY, now=NOW)
    data = rss(item(f"<pubDate>05/02/2026 11:05</pubDate><slash:comments>3</slash:comments>{PHOTO}"), item())
    assert read_feed(data, reading=reading) == parse(data, reading=reading)


def test_entities_of_a_feed_read_no_files_and_do_not_explode() -> None:
    external = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>'
    laughs = b'<!DOCTYPE x [<!ENTITY a "ha">' + b"".join(
        f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">'.encode() for n in range(7)
    )
    for doctype in (external, laughs + b"]>"):
        data = rss(item(title="&e;&h;x")).replace(b"?>", b"?>" + doctype, 1)
        article = only(data)
        assert len(article.title) < 20


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [("windows-1251", "windows-1251"), ("utf-16", "utf-16"), ("iso-8859-7", "iso-8859-7"), ("koi8-r", "koi8-r")],
)
def test_other_encodings_are_read(encoding: str, declared: str) -> None:
    title = "Ελλάδα" if encoding == "iso-8859-7" else "Фильм"
    text = rss(item(title=title)).decode().replace('encoding="utf-8"', f'encoding="{declared}"')
    assert only(text.encode(encoding)).title == title


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("1994-01-01T00:00:00Z", "lies before 1995, and no article is so old"),
        ("05/02/2024", "may mean several days: set date_order"),
        ("2099-01-01T00:00:00Z", "lies in the future"),
        ("soon", "cannot be read with certainty"),
    ],
)
def test_a_date_that_cannot_be_trusted_is_left_out_and_called_what_it_is(raw: str, words: str) -> None:
    found = parse(rss(item(f"<pubDate>{raw}</pubDate>")), reading=HERE)
    assert found.articles[0].published is None
    assert found.articles[0].published_raw == raw
    assert found.problems == (f'item 1 ("A title"): its date "{raw}" {words}',)


def test_the_settings_of_a_source_say_how_its_dates_are_meant() -> None:
    reading = Reading("site", now=NOW, zone=ZoneInfo("Asia/Manila"), order=DateOrder.DMY)
    article = only(rss(item("<pubDate>05/02/2024 08:00</pubDate>")), reading=reading)
    assert article.published == datetime(2024, 2, 5, 0, tzinfo=UTC)


def test_atom_gives_its_dates_links_and_authors() -> None:
    article = only(
        b'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="de"><title>S</title><entry>'
        b'<title type="html">A &amp;amp; B</title><id>urn:1</id><link rel="alternate" href="/a"/>'
        b'<link rel="self" href="/feed/a"/><author><name>Jane Doe</name></author>'
        b"<published>2026-11-20T10:00:00Z</published><updated>2026-11-21T10:00:00Z</updated>"
        b'<summary type="text">5 &lt; 6</summary></entry></feed>'
    )
    assert (article.title, article.url, article.guid) == ("A & B", "https://site.example/a", "urn:1")
    assert article.published == datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert article.updated == datetime(2026, 11, 21, 10, tzinfo=UTC)
    assert (article.summary, article.authors) == ("5 < 6", ("Jane Doe",))


def test_a_redirecting_link_is_replaced_by_the_articles_own() -> None:
    origin = "<feedburner:origLink>https://site.example/real?utm_medium=feed</feedburner:origLink>"
    assert only(rss(item(origin, link="https://feedproxy.example/~r/1"))).url == "https://site.example/real"


@pytest.mark.parametrize(
    ("markup", "picture"),
    [
        (
            (
                "<media:content url='https://i.example/s.jpg' width='100' height='80' medium='image'/>"
                "<media:content url='https://i.example/l.jpg' width='1200' height='800' medium='image'/>"
                "<media:thumbnail url='https://i.example/t.jpg'/>"
            ),
            "https://i.example/l.jpg",
        ),
        ("<media:content url='https://i.example/v.mp4' medium='video'/>", None),
        ("<media:thumbnail url='/t.jpg?w=2&amp;h=3'/>", "https://site.example/t.jpg?w=2&h=3"),
        ("<enclosure url='http://i.example/e.jpg' type='image/jpeg' length='1'/>", "http://i.example/e.jpg"),
        ("<enclosure url='https://i.example/e.mp3' type='audio/mpeg' length='1'/>", None),
        ("<media:thumbnail url='https://i.example/pixel.gif'/>", None),
        ("<media:thumbnail url='https://i.example/site-logo.png'/>", None),
        ("<media:thumbnail url='https://i.example/psychology-today.png'/>", "https://i.example/psychology-today.png"),
        ("<media:thumbnail url='https://i.example/x.svg'/>", None),
        ("<media:thumbnail url='data:image/png;base64,AAAA'/>", None),
        ("<media:thumbnail url='https://i.example/x.jpg' width='1' height='1'/>", None),
        ("<media:thumbnail url=''/>", None),
        (
            (
                "<description>&lt;img src='https://i.example/small.jpg' width='90'&gt;&lt;img alt='x' "
                "src=&quot;https://i.example/big.jpg&quot; width=600&gt;</description>"
            ),
            "https://i.example/big.jpg",
        ),
    ],
)
def test_the_picture_is_the_largest_that_is_one(markup: str, picture: str | None) -> None:
    image = only(rss(item(markup))).image
    assert (image.url if image else None) == picture


def test_stars_and_views_become_signals_and_nobody_rated_is_no_rating() -> None:
    community = (
        "<media:group><media:community><media:starRating count='{}' average='{}' min='1' max='10'/>"
        "<media:statistics views='8412'/></media:community></media:group>"
    )
    rated = only(rss(item(community.format(7, "9.0"))))
    assert rated.signal(SignalKind.RATING) == 4.5
    assert (rated.signal(SignalKind.RATING_COUNT), rated.signal(SignalKind.VIEWS)) == (7, 8412)
    assert only(rss(item(community.format(0, "0.00")))).signal(SignalKind.RATING) is None
    assert only(rss(item())).signals == ()


@pytest.mark.parametrize(
    ("title", "category", "paid"),
    [
        ("Sponsored: buy this", "", True),
        ("[Ad] Buy", "", True),
        ("A film", "Sponsored Content", True),
        ("Anzeige: Kaufen", "", True),
        ("Sponsored by nobody, the film wins", "", False),
        ("The promotion of a team", "Advertising", False),
    ],
)
def test_paid_articles_are_known(title: str, category: str, paid: bool) -> None:  # noqa: FBT001 - a table's column
    assert only(rss(item(f"<category>{category}</category>", title=title))).sponsored is paid


def test_items_that_are_nothing_are_counted_and_the_number_of_items_is_bounded() -> None:
    found = parse(rss("<description>only words</description>", item()), reading=HERE)
    assert (len(found.articles), found.problems) == (
        1,
        ("1 item had neither a title nor an address and was left out",),
    )
    nothing = "<description>only words</description>"
    two = parse(rss(nothing, nothing, item()), reading=HERE)
    assert two.problems == ("2 items had neither a title nor an address and were left out",)
    many = parse(rss(*(item(link=f"https://site.example/{n}") for n in range(600))), reading=HERE)
    assert len(many.articles) == 500
    assert many.problems == ("the feed has 600 items; the newest 500 were read, the oldest 100 were left",)
    assert many.articles[-1].url == "https://site.example/599"


def test_of_a_long_feed_the_newest_are_read_whatever_its_order() -> None:
    days = [NOW - timedelta(hours=n) for n in range(600)]
    for order in (days, days[::-1], days[300:] + days[:300]):
        dated = (
            item(f"<pubDate>{day.isoformat()}</pubDate>", link=f"https://site.example/{day:%d%H}") for day in order
        )
        found = parse(rss(*dated), reading=HERE)
        assert [one.published for one in found.articles] == [day for day in order if day > days[500]]
        assert found.problems == ("the feed has 600 items; the newest 500 were read, the oldest 100 were left",)


def test_of_a_long_feed_that_tells_no_order_the_first_are_read_and_this_is_said() -> None:
    found = parse(rss(*(item(link=f"https://site.example/{n % 7}/{n}/") for n in range(600, 0, -1))), reading=HERE)
    assert found.articles[0].url == "https://site.example/5/600/"
    assert found.problems == ("the feed has 600 items; the order is not known: only the first 500 were read",)


def test_a_guid_is_an_address_only_if_it_is_one() -> None:
    invented = parse(rss("<title>Real</title><guid>g-45</guid>"), reading=HERE)
    (article,) = invented.articles
    assert (article.url, article.guid) == (None, "g-45")
    assert "url" in article.lacks()
    assert invented.problems == ('1 item has no address of its own and cannot be picked: "Real"',)
    two = parse(rss("<title>Real</title><guid>g-45</guid>", "<title>Other</title><guid>g-46</guid>"), reading=HERE)
    assert two.problems == ('2 items have no address of their own and cannot be picked: "Real"',)
    assert only(rss("<title>Real</title><guid>https://site.example/p/1</guid>")).url == "https://site.example/p/1"
    denied = "<title>Real</title><guid isPermaLink='false'>https://site.example/p/1</guid>"
    assert only(rss(denied)).url is None


def test_a_guid_is_no_address_in_a_broken_feed_either() -> None:
    broken_feed = rss("<title>Real</title><guid>g-45</guid>").replace(b"</channel></rss>", b"")
    assert only(broken_feed).url is None


def test_the_front_door_of_another_site_is_an_article_and_ones_own_is_none() -> None:
    assert only(rss(item(link="https://conf.example/"))).url == "https://conf.example/"
    assert only(rss(item(link="https://www.site.example/"))).url is None


IMG = "<description>&lt;img src='quay.jpg' width='800'&gt; The quay.</description>"


@pytest.mark.parametrize(
    ("inside", "picture"),
    [
        (IMG, "https://site.example/posts/quay/quay.jpg"),
        (IMG.replace(">", " xml:base='https://i.example/x/'>", 1), "https://i.example/x/quay.jpg"),
        (IMG.replace(">", " xml:base='img/'>", 1), "https://site.example/posts/quay/img/quay.jpg"),
        (IMG.replace(">", " xml:base='https://[broken/'>", 1), "https://site.example/posts/quay/quay.jpg"),
        ("<media:thumbnail url='quay.jpg'/>", "https://site.example/posts/quay/quay.jpg"),
    ],
)
def test_a_relative_picture_is_found_from_its_base_then_from_the_page(inside: str, picture: str) -> None:
    image = only(rss(item(inside, link="https://site.example/posts/quay/"))).image
    assert image is not None
    assert image.url == picture


def test_a_relative_link_is_found_from_its_base_then_from_the_feed() -> None:
    entry = "<entry{}><title>A</title><id>urn:1</id><link href='a'/><content type='html'>&lt;img src='p.jpg'&gt;</content></entry>"
    feed = "<feed xmlns='http://www.w3.org/2005/Atom'{}>{}</feed>"
    for outer, inner, page in (
        ("", "", "https://site.example/a"),
        (" xml:base='https://b.example/x/'", "", "https://b.example/x/a"),
        (" xml:base='https://b.example/x/'", " xml:base='y/'", "https://b.example/x/y/a"),
    ):
        article = only(feed.format(outer, entry.format(inner)).encode())
        assert article.url == page
        assert article.image is not None
        assert article.image.url == page.removesuffix("a") + "p.jpg"


EMOJI = "<img src='https://s.w.org/images/core/emoji/15.0.3/72x72/1f389.png' alt='🎉' class='wp-smiley' />"
LOCKED = (
    "<form action='/wp-login.php?action=postpass'><p>This content is password-protected. To view it, please enter the "
    "password below.</p><p><label>Password: <input type='password'></label></p></form>"
)
DRUPAL = (
    "<span>Night &amp;amp; day</span> <span><span>editor</span></span> <span><time datetime='2026-11-20T12:00:00Z'>"
    "Fri, 11/20/2026 - 12:00</time></span> <div><p>The lighthouse opens for one night only, with soup.</p></div>"
)


@pytest.mark.parametrize(
    ("title", "described", "content", "told"),
    [
        (
            f"<![CDATA[Party {EMOJI}]]>",
            f"Come along {EMOJI} all of you. [&#8230;]",
            (
                f"<p>Come along {EMOJI}</p><img src='data:image/gif;base64,R0lGOD' data-src='/quay.jpg' width='800'>"
                "<img src='https://pixel.wp.com/b.gif?x=1' width='1' height='1'>"
            ),
            ("Party", "Come along all of you.", "https://site.example/quay.jpg"),
        ),
        (
            "Protected: Members",
            "There is no excerpt because this is a protected post.",
            LOCKED,
            ("Protected: Members", "", ""),
        ),
        ("Night &amp;amp; day", DRUPAL, "", ("Night & day", "The lighthouse opens for one night only, with soup.", "")),
    ],
)
def test_what_a_system_puts_around_an_article_is_no_word_of_it(
    title: str, described: str, content: str, told: tuple[str, str, str]
) -> None:
    texts = (
        f"<description><![CDATA[{described}]]></description><content:encoded><![CDATA[{content}]]></content:encoded>"
    )
    article = only(rss(item(texts, title=title)))
    assert (article.title, article.summary, article.image.url if article.image else "") == told


NUL = "\x00"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (rss(item(title=f"One{NUL} two"), item(title="Three")), "the XML is broken"),
        (rss(item(title="One&#0; two"), item(title="Three")), "the XML is broken"),
        (rss(item(title="One\u202e two"), item(title="Three")), "direction of its title"),
        (
            rss(item(title="One two", extra="<link>javascript:alert(1)</link>", link=""), item(title="Three")),
            "no address",
        ),
        (rss(item("<pubDate>2099-01-01</pubDate>", title="One two"), item(title="Three")), "lies in the future"),
    ],
)
def test_what_is_bad_in_one_item_is_named_and_the_rest_is_untouched(data: bytes, words: str) -> None:
    found = parse(data, reading=HERE)
    assert [article.title for article in found.articles] == ["One two", "Three"]
    assert found.articles[1].url == "https://site.example/a"
    assert words in " ".join(found.problems)


def test_a_title_of_ten_thousand_characters_is_cut() -> None:
    title = only(rss(item(title="Word " * 2_000))).title
    assert title.startswith("Word Word")
    assert title.endswith("…")
    assert len(title) <= 300


def test_json_feed_keeps_the_rules_of_the_others() -> None:
    page = {"title": "A", "date_published": "2026-11-20T10:00:00Z"}
    items: list[dict[str, Any]] = [
        page | {"id": "1", "url": "/posts/quay/", "content_html": "<p>The quay.</p><img src='quay.jpg'>"},
        page | {"id": "https://site.example/posts/2", "external_url": "https://conf.example/"},
        page | {"id": "https://site.example/posts/3"},
        page | {"id": "g-45", "title": "Real"},
    ]

    def read(items: list[dict[str, Any]]) -> Pulled:
        feed = {"version": "https://jsonfeed.org/version/1.1", "home_page_url": "https://site.example/", "items": items}
        return parse(json.dumps(feed).encode(), reading=HERE)

    found = read(items)
    urls = [article.url for article in found.articles]
    quay = "https://site.example/posts/quay/"
    assert urls == [quay, "https://conf.example/", "https://site.example/posts/3", None]
    assert found.articles[0].image is not None
    assert found.articles[0].image.url == quay + "quay.jpg"
    assert found.problems == ('1 item has no address of its own and cannot be picked: "Real"',)
    days = [(NOW - timedelta(hours=n)).isoformat() for n in range(599, -1, -1)]
    many = read([{"id": day, "url": f"/{n}", "title": "A", "date_published": day} for n, day in enumerate(days)])
    assert (many.articles[0].url, many.articles[-1].url) == ("https://site.example/100", "https://site.example/599")
    assert many.problems == ("the feed has 600 items; the newest 500 were read, the oldest 100 were left",)


def test_json_feed_is_read() -> None:
    feed: dict[str, Any] = {
        "version": "https://jsonfeed.org/version/1.1",
        "home_page_url": "https://site.example/",
        "authors": [{"name": "House"}],
        "items": [
            {
                "id": 7,
                "url": "/a",
                "title": "A &amp; B",
                "content_html": "<p>One.</p><img src='/i.jpg'><p>Two.</p>",
                "date_published": "2026-11-20T10:00:00Z",
                "tags": ["Film", 3],
                "image": "https://i.example/x.jpg",
            },
            "nonsense",
            {
                "id": "8",
                "external_url": "https://else.example/b",
                "content_text": "1 < 2",
                "authors": [{"name": "Ann Lee"}],
            },
        ],
    }
    found = parse(json.dumps(feed).encode(), reading=HERE)
    first, second = found.articles
    assert (first.title, first.url, first.guid) == ("A & B", "https://site.example/a", "7")
    assert (first.body, first.categories, first.authors) == ("One.\nTwo.", ("Film",), ("House",))
    assert first.image is not None
    assert first.image.url == "https://i.example/x.jpg"
    assert first.published == datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert (second.url, second.body, second.authors) == ("https://else.example/b", "1 < 2", ("Ann Lee",))
    assert found.problems == ("item 2 cannot be read (it is not an object)",)


class _Answers(http.server.BaseHTTPRequestHandler):
    body: ClassVar[bytes] = b""
    asked: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        self.asked.append(self.headers["If-None-Match"])
        if self.headers["If-None-Match"] == '"v1"':
            self.send_response(304)
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("ETag", '"v1"')
        self.send_header("Content-Type", "application/rss+xml")
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_args: object) -> None: ...


@pytest.fixture
def served() -> Iterator[str]:
    _Answers.asked.clear()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/feed"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_second_pull_asks_only_for_what_is_new(served: str, tmp_path: Path) -> None:
    _Answers.body = rss(item())
    options = {"url": served, "allow_private": ["127.0.0.1"]}
    source = load("feed", "site", options, root=tmp_path, fetcher=Fetcher(), clock=lambda: NOW)
    first = source.read(PullState())
    assert [article.title for article in first.articles] == ["A title"]
    again = source.read(first.state)
    assert (again.unchanged, again.articles, again.state) == (True, (), first.state)
    assert _Answers.asked == [None, '"v1"']


def test_a_change_of_settings_reads_the_whole_feed_again(served: str, tmp_path: Path) -> None:
    _Answers.body = rss(item("<pubDate>2026-11-20 10:00</pubDate>"))
    options = {"url": served, "allow_private": "127.0.0.1"}
    first = load("feed", "site", options, root=tmp_path, fetcher=Fetcher(), clock=lambda: NOW).read(PullState())
    moved = load(
        "feed", "site", options | {"timezone": "Asia/Manila"}, root=tmp_path, fetcher=Fetcher(), clock=lambda: NOW
    )
    (article,) = moved.read(first.state).articles
    assert article.published == datetime(2026, 11, 20, 2, tzinfo=UTC)


def test_a_feed_in_a_file_is_read_and_known_again(tmp_path: Path) -> None:
    (tmp_path / "feed.xml").write_bytes(rss(item()))
    source = load("feed", "site", {"path": "feed.xml"}, root=tmp_path, fetcher=Fetcher())
    first = source.read(PullState())
    assert len(first.articles) == 1
    assert source.read(first.state).unchanged
    (tmp_path / "feed.xml").unlink()
    with pytest.raises(SourceError, match=r"feed\.xml cannot be read"):
        source.read(first.state)


def test_what_was_wrong_is_told_at_every_pull_until_it_is_mended(tmp_path: Path) -> None:
    (tmp_path / "feed.xml").write_bytes(rss(item("<pubDate>soon</pubDate>")))
    source = load("feed", "site", {"path": "feed.xml"}, root=tmp_path, fetcher=Fetcher())
    first = source.read(PullState())
    assert source.read(first.state).problems == first.problems != ()


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        ("fed", {}, 'kind "fed" is not known; did you mean "feed"'),
        ("feed", {"ulr": "https://x.example/"}, 'no key "ulr" for this kind; did you mean "url"'),
        ("feed", {"zzz": 1}, 'no key "zzz" for this kind; valid here: timezone, date_order'),
        ("feed", {"url": "x.example"}, "url must be an http"),
        ("feed", {"url": 5}, "url must be a text"),
        ("feed", {}, "none of url, path"),
        ("feed", {"url": "https://x.example/", "path": "x"}, "both url and path"),
        ("feed", {"path": "x", "timezone": "Mars/North"}, "timezone must be a time zone such as .*'Mars/North'"),
        ("feed", {"path": "x", "date_order": "dym"}, 'date_order cannot be "dym"; did you mean "ymd"'),
        ("feed", {"path": "x", "allow_private": [3]}, "allow_private must be a list"),
        ("nowhere.module:Class", {}, "cannot be loaded"),
        ("newsletter.issue:Article", {}, "is not a source"),
    ],
)
def test_a_mistake_in_the_settings_names_the_key(
    kind: str, options: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match=words):
        load(kind, "site", options, root=tmp_path, fetcher=Fetcher())


class OwnSource:
    """What a third party would write."""

    def __init__(self, name: str) -> None:
        self.name = name

    @classmethod
    def from_options(cls, name: str, options: object, **_rest: object) -> OwnSource:
        return cls(name)

    def read(self, previous: PullState) -> Pulled:
        return Pulled(articles=(Article(title="own", source=self.name),), state=previous)


def test_anybodys_own_source_is_loaded_by_its_dotted_path(tmp_path: Path) -> None:
    source = load(f"{__name__}:OwnSource", "mine", {}, root=tmp_path, fetcher=Fetcher())
    assert source.read(PullState()).articles[0].source == "mine"


def test_the_mailed_address_is_the_publishers_own_less_what_is_only_tracking() -> None:
    links = [f"https://site.example/story?ref={n}&amp;utm_source=rss#comments" for n in (1001, 1002)]
    found = parse(rss(*(item(link=link) for link in links)), reading=HERE).articles
    assert [one.url for one in found] == [f"https://site.example/story?ref={n}#comments" for n in (1001, 1002)]
