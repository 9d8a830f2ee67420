"""A table of articles: its columns are known by their headers, and a bad row costs itself alone."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from newsletter.errors import SourceError
from newsletter.issue import Article, SignalKind
from newsletter.sources import Pulled
from newsletter.sources.csv_file import parse
from newsletter.sources.reading import Reading
from tests.projects import make_project
from tests.site import running
from tests.times import Clock

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
HERE = Reading("table", "https://site.example/", now=NOW)


def read(text: str) -> Pulled:
    return parse(text.encode(), reading=HERE)


def one(text: str) -> Article:
    found = read(text)
    assert found.problems == ()
    (article,) = found.articles
    return article


def test_a_row_is_an_article_with_everything_its_columns_say() -> None:
    article = one(
        "Headline,Permalink,Publish_Date,Byline,Standfirst,Content,Category,Tags,Image URL,Post ID,Featured,Views,Rating\n"
        '"Ferry, again",/ferry,2026-11-24 09:30,Ada Berg; Bo Lind,"It <b>sails</b>.","<p>One.</p><p>Two.</p>",News,'
        'sea|ships,/f.jpg,77,yes,"18,420",4.5\n'
    )
    assert (article.title, article.url, article.guid) == ("Ferry, again", "https://site.example/ferry", "77")
    assert article.published == datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
    assert (article.authors, article.dek, article.body) == (("Ada Berg", "Bo Lind"), "It sails.", "One.\nTwo.")
    assert (article.categories, article.tags, article.section) == (("News",), ("sea", "ships"), "News")
    assert article.image is not None
    assert article.image.url == "https://site.example/f.jpg"
    assert (article.featured, article.sponsored) == (True, False)
    assert (article.signal(SignalKind.VIEWS), article.signal(SignalKind.RATING)) == (18420, 4.5)


@pytest.mark.parametrize(
    "data",
    [
        b"sep=;\r\ntitle;url\r\nA;https://site.example/a\r\n",
        b"\xef\xbb\xbftitle\turl\nA\thttps://site.example/a\n",
        "title,url\nA,https://site.example/a\n".encode("utf-16"),
        b"URL|Title\nhttps://site.example/a|A\n",
        b"title,url,draft\nA,https://site.example/a,no\nB,https://site.example/b,yes\n",
    ],
)
def test_a_table_is_read_however_it_was_exported(data: bytes) -> None:
    found = parse(data, reading=HERE)
    assert [(article.title, article.url) for article in found.articles] == [("A", "https://site.example/a")]
    assert found.problems == ()


def test_umlauts_of_an_old_spreadsheet_are_read() -> None:
    assert parse("title\nCafé für alle\n".encode("cp1252"), reading=HERE).articles[0].title == "Café für alle"


def test_a_bad_row_is_a_line_with_its_number_and_the_others_come() -> None:
    found = read(
        "title,url,date,views\n"
        "=cmd|' /C calc'!A0,https://site.example/a,2026-11-24,=1+1\n"
        ",https://site.example/b,2026-11-24,3\n"
        '"never closed,https://site.example/c\n'
        "D,javascript:alert(1),someday,4\n"
        "E,https://site.example/e,2026-11-24,5\n"
    )
    assert [article.title for article in found.articles] == ["=cmd|' /C calc'!A0", "D", "E"]
    assert [article.url for article in found.articles] == ["https://site.example/a", None, "https://site.example/e"]
    said = "\n".join(found.problems)
    for words in (
        'line 2: views "=1+1" is no number',
        "line 3: it has no title",
        "line 4: a quote is opened here and never closed",
        "line 5: its url 'javascript:alert(1)' is no http",
        'line 5: its date "someday"',
    ):
        assert words in said


def test_a_table_without_titles_says_which_columns_it_has() -> None:
    with pytest.raises(SourceError, match=r"No column holds a title; the columns are colour, size\. Rename"):
        read("colour,size\nred,5\n")


@pytest.mark.parametrize("where", ['path = "table.csv"', 'url = "{url}/table.csv"\nallow_private = ["127.0.0.1"]'])
def test_a_table_is_pulled_from_a_file_and_from_an_address(where: str, tmp_path: Path) -> None:
    table = "title,url,date,views\nA,/a,2026-11-18,7\nB,/b,2026-11-17,9\n"
    (tmp_path / "table.csv").write_text(table)
    with running() as site:
        site.page("/table.csv", table.encode())
        source = (
            f'[[sources]]\nname = "table"\nkind = "csv"\nsite = "https://site.example"\n{where.format(url=site.url)}\n'
        )
        project = make_project(tmp_path, clock=Clock(), more=source + '[[sections]]\nname = "highlights"\n')
        (line,) = project.weekly.pull()
        assert (line.new, line.failed, line.problems) == (2, "", ())
        assert [pick.article.title for pick in project.weekly.pick(project.slot(None)).picks] == ["B", "A"]
        (line,) = project.weekly.pull()
        assert (line.new, line.unchanged) == (0, True)
