from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from newsletter.links import (
    canonical,
    comparison_key,
    exact_key,
    is_home_page,
    is_loopback,
    picture_address,
    refusal,
    same_site,
)


@pytest.mark.parametrize(
    ("given_url", "kept"),
    [
        ("HTTPS://Example.COM:443/A/b", "https://example.com/A/b"),
        ("http://example.com:80", "http://example.com/"),
        ("http://example.com:8080/x", "http://example.com:8080/x"),
        ("https://example.com/a?utm_source=rss&id=7&utm_medium=feed#top", "https://example.com/a?id=7#top"),
        ("https://example.com/a?ref=1001&cmp=7&FBCLID=x", "https://example.com/a?ref=1001&cmp=7"),
        ("https://example.com/a#xtor=RSS-1", "https://example.com/a"),
        ("https://example.com/a#utm_source=rss&utm_medium=x", "https://example.com/a"),
        ("https://example.com/a#page=2&utm_source=rss", "https://example.com/a#page=2&utm_source=rss"),
        ("https://example.com/a?b=2&amp;a=1", "https://example.com/a?b=2&a=1"),
        ("https://example.com/a?b=2&#038;copy=1&amp;amp;lt=3", "https://example.com/a?b=2&copy=1&lt=3"),
        ("https://example.com/?p=12&fbclid=x", "https://example.com/?p=12"),
        ("https://example.com/watch?v=abc&q=x%20y", "https://example.com/watch?v=abc&q=x%20y"),
        ("  https://example.com/two words\n", "https://example.com/two%20words"),
        ("https://example.com/é/ü", "https://example.com/%C3%A9/%C3%BC"),
        ("https://BÜCHER.example/x", "https://xn--bcher-kva.example/x"),
        ("https://straße.example/a", "https://xn--strae-oqa.example/a"),
        ("https://faß。example/a", "https://xn--fa-hia.example/a"),
        ("https://βόλος.example/a", "https://xn--nxasmm1c.example/a"),
        ("https://\u0646\u200c\u0647.example/a", "https://xn--ihbc409q.example/a"),
        ("https://example.com/app#!/article/5", "https://example.com/app#!/article/5"),
        ("https://www.google.com/url?rct=j&sa=t&url=https://example.com/n?a%3D1&ct=ga", "https://example.com/n?a=1"),
        ("https://www.google.com/url?q=a+word", "https://www.google.com/url?q=a+word"),
        ("https://www.google.com/url?url=https://[x", "https://www.google.com/url?url=https://[x"),
        ("https://[2606:2800::1]/x", "https://[2606:2800::1]/x"),
    ],
)
def test_an_address_is_kept_without_what_only_tracks_the_reader(given_url: str, kept: str) -> None:
    assert canonical(given_url) == kept


@pytest.mark.parametrize(
    "hostile",
    [
        "",
        "javascript:alert(1)",
        " java\nscript:alert(1)",
        "data:text/html,x",
        "ftp://example.com/x",
        "file:///etc/passwd",
        "//example.com/x",
        "/relative",
        "https://user:secret@example.com/",
        "https://user@example.com/",
        "https://",
        "https://exa mple.com/",
        "https://example.com:0/",
        "https://a\u200db.example/",
        "https://i❤.example/",
        "https://example.com:99999/",
        "https://example.com\\@evil.example/",
        'https://example.com"onclick=x/',
        "https://[::1",
        "https://example.com/" + "a" * 3000,
        "mailto:a@example.com",
    ],
)
def test_what_is_not_a_plain_web_address_is_refused(hostile: str) -> None:
    assert canonical(hostile) == ""
    assert comparison_key(hostile) == ""
    assert picture_address(hostile) == ""
    assert refusal(hostile)


@pytest.mark.parametrize(
    "written", ["https://example.com/a b", 'https://example.com/"x', "https://example.com/\u202eb"]
)
def test_an_address_that_has_to_be_mended_first_is_refused_as_written(written: str) -> None:
    assert canonical(written)
    assert "holds" in refusal(written)


def test_an_address_of_an_operators_own_is_usable_as_written() -> None:
    for written in ("https://example.com/a?b=c&d=%20#e", "http://münchen.example/ä", "http://127.0.0.1:8080"):
        assert refusal(written) == ""


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST.", "127.0.0.1", "127.8.9.1", "::1", "[::1]", "::ffff:127.0.0.1"]
)
def test_a_loopback_host_is_recognised(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["", "example.com", "localhost.example.com", "128.0.0.1", "::2", "0.0.0.0", "127.0.0.1.nip.io"]
)
def test_every_other_host_is_elsewhere(host: str) -> None:
    assert not is_loopback(host)


def test_host_names_are_encoded_in_one_place() -> None:
    root = Path(__file__).resolve().parent.parent
    found = {
        str(file.relative_to(root))
        for file in (root / "newsletter").rglob("*.py")
        if re.search(r"import idna|encodings\.idna|\(.idna.\)", file.read_text("utf-8"))
    }
    assert found == {"newsletter/links.py"}


def test_nothing_in_a_kept_address_can_leave_an_html_attribute() -> None:
    kept = canonical('https://example.com/a"><script>?x=\'"><b>#/"<i>')
    assert not set(kept) & set('"<> \\`')


def test_a_relative_address_is_resolved_against_the_page_it_stood_on() -> None:
    assert canonical("../b?x=1", against="https://example.com/news/a/") == "https://example.com/news/b?x=1"
    assert canonical("//cdn.example.com/x", against="https://example.com/") == "https://cdn.example.com/x"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://www.example.com/a/", "https://example.com/a"),
        ("https://m.example.com/a", "https://example.com/a"),
        ("https://amp.example.com/a/amp/", "https://www.example.com/a"),
        ("https://example.com/a?b=2&a=1", "https://example.com/a?a=1&b=2&utm_campaign=z"),
        ("https://example.com/dir/index.html", "https://example.com/dir/"),
        ("https://example.com/caf%c3%a9", "https://example.com/café"),
        ("https://example.com./a", "https://EXAMPLE.com/a#part"),
        ("https://example.com/a?ref=1&src=rss&at_medium=x", "https://example.com/a?source=home&ns_mchannel=y&s_cid=2"),
        ("https://straße.example/a", "http://www.xn--strae-oqa.example/a/"),
    ],
)
def test_two_addresses_of_one_page_compare_equal(one: str, other: str) -> None:
    assert comparison_key(one) == comparison_key(other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://example.com/?p=1", "https://example.com/?p=2"),
        ("https://example.com/a", "https://example.org/a"),
        ("https://m.com/a", "https://www.org/a"),
        ("https://blog.example.com/a", "https://example.com/a"),
        ("https://example.com/watch?v=a", "https://example.com/watch?v=A"),
        ("https://example.com:8080/a", "https://example.com/a"),
        ("https://straße.example/a", "https://strasse.example/a"),
    ],
)
def test_two_pages_do_not_compare_equal(one: str, other: str) -> None:
    assert comparison_key(one) != comparison_key(other)


def test_an_exact_key_tells_apart_what_a_parameter_may_select() -> None:
    assert exact_key("https://example.com/a?ref=1") != exact_key("https://example.com/a?ref=2")
    assert exact_key("http://www.example.com/a/?ref=1&utm_source=x#top") == exact_key("https://example.com/a?ref=1")


def test_a_pictures_parameters_stay_because_they_size_it() -> None:
    url = "https://cdn.example.com/i.jpg?w=640&amp;ref=2#x"
    assert picture_address(url) == "https://cdn.example.com/i.jpg?w=640&ref=2"


def test_a_site_is_one_host_and_those_inside_it() -> None:
    assert same_site("https://www.example.com/a", "https://m.example.com/b")
    assert same_site("https://news.example.com/a", "https://example.com/b")
    assert not same_site("https://one.co.uk/a", "https://two.co.uk/b")
    assert not same_site("https://example.com/a", "https://evil-example.com/b")
    assert not same_site("https://example.com/a", "nonsense")


def test_a_home_page_is_no_article() -> None:
    assert is_home_page("https://example.com/")
    assert is_home_page("https://example.com/#main")
    assert not is_home_page("https://example.com/#!/a")
    assert not is_home_page("https://example.com/?p=3")


@given(st.text(max_size=80).map(lambda tail: "https://example.com/" + tail))
def test_writing_an_address_twice_changes_nothing(url: str) -> None:
    once = canonical(url)
    assert canonical(once) == once
    assert comparison_key(once) == comparison_key(url)


@given(st.text(max_size=200))
def test_no_text_breaks_the_reading_of_addresses(text: str) -> None:
    canonical(text)
    comparison_key(text)
    picture_address(text, against="https://example.com/x")
