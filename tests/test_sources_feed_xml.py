"""The XML of feeds, as it is meant and as it is broken."""

from __future__ import annotations

from typing import Any

import pytest

from newsletter.errors import SourceError
from newsletter.sources.feed import xml

OPEN = "<rss version='2.0'><channel><link>https://site.example/</link>"
CLOSE = "</channel></rss>"


def read(inside: str, *, opened: str = OPEN, closed: str = CLOSE) -> dict[str, Any]:
    return xml.read_xml((opened + inside + closed).encode(), content_type="")


def first(inside: str) -> dict[str, Any]:
    (item,) = read(f"<item>{inside}</item>")["items"]
    assert isinstance(item, dict)
    return item


@pytest.mark.parametrize(
    "inside",
    [
        "<title>Real</title><link>https://site.example/1</link><image><title>cap</title><link>/i</link></image>",
        "<image><title>cap</title></image><link>https://site.example/1</link><title>Real</title>",
        "<title>Real</title><link>https://site.example/1</link><author><name>N</name><title>Editor</title></author>",
        (
            "<x><title>No</title><link>/no</link><pubDate>soon</pubDate></x><title>Real</title>"
            "<link>https://site.example/1</link>"
        ),
    ],
)
def test_only_the_direct_children_of_an_item_count(inside: str) -> None:
    item = first(inside)
    assert (item["title"][1], item["link"], item["published"]) == ("Real", "https://site.example/1", "")
    assert item["image"] == {}


def test_an_author_is_the_name_and_not_all_that_stands_beside_it() -> None:
    item = first("<title>Real</title><author><name>Jane Doe</name><title>Editor</title></author>")
    assert item["authors"] == [{"name": "Jane Doe"}]


def test_an_element_of_a_namespace_nobody_knows_is_not_mistaken_for_an_own_one() -> None:
    other = "<title xmlns='urn:other:rss/module'>No</title><link xmlns='https://other.example/rss2/x/'>/no</link>"
    item = first(f"{other}<title>Real</title><link>https://site.example/1</link>{other}")
    assert (item["title"][1], item["link"]) == ("Real", "https://site.example/1")


def test_categories_in_a_list_of_their_own_are_found() -> None:
    item = first("<categories><category>Film</category></categories><title>x</title>")
    assert item["tags"] == [{"term": "Film"}]


@pytest.mark.parametrize(
    ("inside", "title"),
    [
        ("One & two", "One & two"),
        ("Caf&eacute;&nbsp;bar", "Caf\u00e9\xa0bar"),
        ("Fish &chips; &#8211; x&#11;y", "Fish &chips; \u2013 xy"),
        ("<![CDATA[a & b]]> & c", "a & b & c"),
    ],
)
def test_what_is_certainly_meant_as_text_is_mended_without_feedparser(
    inside: str, title: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xml, "read_broken", lambda *_, **__: pytest.fail("not mended"))
    found = read(f"<item><title>{inside}</title></item>")
    assert found["items"][0]["title"][1] == title
    assert found["broken"].startswith("line 1: ")


def test_a_prefix_that_nobody_declared_means_what_it_usually_does() -> None:
    found = read("<item><title>x</title><dc:creator>Jane Doe</dc:creator><media:content url='a.jpg'/><odd:x/></item>")
    assert found["items"][0]["authors"] == [{"name": "Jane Doe"}]
    assert found["items"][0]["media_content"] == [{"url": "a.jpg"}]
    assert "prefix" in found["broken"]


def test_atom_says_what_is_text_and_markup_inside_is_kept() -> None:
    atom = "<feed xmlns='http://www.w3.org/2005/Atom' xmlns:h='http://www.w3.org/1999/xhtml'><entry>{}</entry></feed>"
    texts = (
        "<title>1 &lt; 2</title><summary type='html'>&lt;b&gt;bold&lt;/b&gt;</summary>"
        "<content type='xhtml'><h:div>5 &lt; 6<h:p>para</h:p></h:div></content>"
    )
    (item,) = read(atom.format(texts), opened="", closed="")["items"]
    assert item["title"] == ["text/plain", "1 < 2", ""]
    assert item["summary"] == ["text/html", "<b>bold</b>", ""]
    assert item["content"][0] == "text/html"
    assert "5 &lt; 6<p>para</p>" in item["content"][1].replace(' xmlns:h="http://www.w3.org/1999/xhtml"', "")


def test_atom_content_that_is_no_text_is_left_out() -> None:
    entry = "<content type='image/png'>iVBORw0KGgo=</content><summary mode='base64'>aGk=</summary>"
    atom = f"<feed xmlns='http://www.w3.org/2005/Atom'><entry><title>x</title>{entry}</entry></feed>"
    (item,) = read(atom, opened="", closed="")["items"]
    assert (item["content"][1], item["summary"][1]) == ("", "")


@pytest.mark.parametrize("space", ["http://purl.org/rss/1.0/", "http://my.netscape.com/rdf/simple/0.9/"])
def test_rdf_keeps_its_items_beside_the_channel(space: str) -> None:
    rdf = (
        f"<r:RDF xmlns:r='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='{space}'>"
        "<channel><title>S</title><link>https://site.example/</link></channel>"
        "<item r:about='urn:1'><title>x</title><link>/1</link></item></r:RDF>"
    )
    found = read(rdf, opened="", closed="")
    assert (found["link"], found["items"][0]["id"], found["items"][0]["link"]) == (
        "https://site.example/",
        "urn:1",
        "/1",
    )


def test_a_feed_that_is_broken_beyond_that_is_read_by_feedparser() -> None:
    found = read("<item><title>One</title><b>x</item><item><title>Two</title></item>", closed="")
    assert [item["title"][1] for item in found["items"]] == ["One", "Two"]
    assert found["broken"]


def test_a_feed_of_too_many_elements_is_given_up() -> None:
    with pytest.raises(SourceError, match=r"given up.*400,000 elements"):
        read("<a/>" * (2 * xml.MAX_ELEMENTS))


def test_what_holds_no_feed_is_parsed_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml, "_tree", lambda _: pytest.fail("parsed"))
    assert read("<html><p>x", opened="", closed="")["version"] == ""


def test_of_very_many_items_the_first_and_the_last_are_looked_at() -> None:
    found = read("".join(f"<item><guid>{n}</guid></item>" for n in range(xml.MAX_LOOKED_AT + 2)))
    assert found["count"] == xml.MAX_LOOKED_AT + 2
    guids = [item["id"] for item in found["items"]]
    assert (len(guids), guids[0], guids[-1]) == (xml.MAX_LOOKED_AT, "0", str(xml.MAX_LOOKED_AT + 1))
