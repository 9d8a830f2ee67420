"""What really goes over the wire: every message an SMTP server takes, looked at as bytes and by the standard library."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from email import message_from_bytes, policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from newsletter.app import Project
from newsletter.issue import Article
from subscribers import Visit
from tests import catcher
from tests.conftest import NOW, Clock
from tests.newsroom import TITLES, newsroom, run, write_articles

SENDER = "weekly@marquee.example"
POSTAL = "Marquee Media, 12 Harbour Street"
ADDRESS = re.compile(r"https://news\.marquee\.example/unsubscribe/[A-Za-z0-9._~-]+")
NAMES = {
    "plain@example.net": "Ada Fernsby",
    "nobody@example.net": "",
    "o'hara+weekly@example.net": "Siobh\u00e1n O\u2019Hara",
    "hana@example.net": "\u6708\u91ce \u82b1",
    "long@example.net": "Hubertus Maximilian Alexander Freiherr von und zu Hohenschlummerberg " * 3,
    "crlf@example.net": "Eve\r\nBcc: victim@example.org\r\n\r\nInjected",
    "dot@example.net": "Eve\r\n.\r\nMAIL FROM:<evil@example.org>\r\n",
    "comma@example.net": 'Smith, "Bob" <bob@evil.example>, victim@example.org',
    "word@example.net": "=?utf-8?Q?=0D=0ABcc=3A_victim=40example.org?=",
    "nul@example.net": "Nu\0ll \u202eesrever \ufeff",
    "markup@example.net": "<script>alert(1)</script> {{ 7 * 7 }} {% raw %}",
    "token@example.net": "slot0123456789abx00z",
}
HOSTILE = (
    Article(
        title="Breaking\r\nBcc: victim@example.org\r\n\r\n.\r\nQUIT",
        url="https://www.marquee.example/breaking",
        dek=".\r\n.\r\n..\r\n--=_boundary\r\n\r\nContent-Type: text/html\r\n\r\n<script>alert(1)</script>",
    ),
    Article(
        title="=?utf-8?B?4pyT?= \u202e\u200b \ud83d\u2713 " + "Stra\u00dfe \u6771\u4eac " * 30,
        url="https://www.marquee.example/a?x=%0d%0a&y=\u6771\u4eac&z='\">",
        dek="A line without an end " + "x" * 3000,
    ),
    Article(title="{{ blanks.email }} {% include '/etc/passwd' %}", url="https://www.marquee.example/{{ 7 * 7 }}"),
)


@dataclass(frozen=True)
class Caught:
    """One message as the server kept it: for whom, its bytes, and what the standard library reads in them."""

    recipient: str
    data: bytes
    mail: EmailMessage

    @property
    def head(self) -> bytes:
        return self.data.partition(b"\r\n\r\n")[0]

    def lines(self, name: str) -> list[bytes]:
        """The header lines of a name as they stand on the wire, folds and all."""
        found = re.findall(rb"(?im)^" + name.encode() + rb": (.*(?:\r\n[ \t].*)*)$", self.head.replace(b"\r\n", b"\n"))
        return [one.replace(b"\n", b"\r\n") for one in found]

    def part(self, kind: str) -> str:
        part = self.mail.get_body((kind,))
        assert part is not None
        return str(part.get_content())


@dataclass(frozen=True)
class Wire:
    """Everything that was caught: two issues, three confirmations, an alert; and the newsletter it came from."""

    project: Project
    maildir: Path

    @property
    def caught(self) -> list[Caught]:
        return [_caught(file) for file in sorted((self.maildir / "new").iterdir())]

    def about(self, what: str) -> list[Caught]:
        return [one for one in self.caught if str(one.mail["Feedback-ID"]).startswith(what)]


def _caught(file: Path) -> Caught:
    path, recipient, data = file.read_bytes().split(b"\r\n", 2)
    assert path == b"Return-Path: <" + SENDER.encode() + b">"
    mail = message_from_bytes(data, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return Caught(recipient.removeprefix(b"Delivered-To: ").decode(), data, mail)


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    folder = tmp_path_factory.mktemp("wire")
    clock = Clock()
    with catcher.running(folder / "mail") as port:
        project = newsroom(folder / "project", clock=clock, readers=0, shipped_look=True)
        file = project.root / "newsletter.toml"
        smtp = f'kind = "smtp"\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\n'
        text = file.read_text().replace('kind = "maildir"\npath = "mail"\n', smtp)
        file.write_text(text.replace("tagline", 'reply_to = "The Desk <desk@marquee.example>"\ntagline', 1))
        project.close()
        project = Project(project.root, clock=clock)
        for address, name in NAMES.items():
            project.book.add_confirmed(address)
            with project.database.write() as connection:
                connection.exec_driver_sql("UPDATE subscribers SET name = ? WHERE email = ?", (name, address))
        dated = [
            Article(
                title=one.title, url=one.url, dek=one.dek, source="site", published=NOW - timedelta(hours=1),
                published_from="feed",
            )
            for one in HOSTILE
        ]  # fmt: skip
        project.shelf.put(dated, now=NOW)
        assert run(project).report.totals == {"accepted": len(NAMES)}
        clock.forward(timedelta(days=7))
        for name in ("new@example.org", "o'hara@example.org"):
            project.book.subscribe(name, name="New\r\nBcc: victim@example.org", visit=Visit("form"))
        project.alerts.tell("2026-W48", "a source said\r\nBcc: victim@example.org\r\n.\r\n")
        write_articles(project.root, [f"{title} once more" for title in TITLES], now=clock())
        assert run(project).report.totals == {"accepted": len(NAMES)}
        with project.database.write() as connection:
            # The answer of one was lost: it is sent once more.
            connection.exec_driver_sql(
                "UPDATE deliveries SET state = 'waiting', doubt_at = updated_at WHERE email = 'plain@example.net'"
                " AND issue_id = 2"
            )
            connection.exec_driver_sql("UPDATE issues SET state = 'sending' WHERE slot_key = '2026-W48'")
        clock.forward(timedelta(hours=1))
        project.sender.send(project.issues.get("2026-W48"), project.backend(), stop=threading.Event())
        yield Wire(project, folder / "mail")
        project.close()


def test_one_message_came_for_everything_that_was_sent(wire: Wire) -> None:
    assert sorted(one.recipient for one in wire.about("2026-W47")) == sorted(NAMES)
    assert sorted(one.recipient for one in wire.about("2026-W48")) == sorted([*NAMES, "plain@example.net"])
    assert sorted(one.recipient for one in wire.about("confirm")) == ["new@example.org", "o'hara@example.org"]
    assert [one.recipient for one in wire.about("alert")] == ["editor@marquee.example"]
    assert len(wire.caught) == 2 * len(NAMES) + 4


def test_the_standard_library_finds_nothing_wrong_with_any(wire: Wire) -> None:
    for one in wire.caught:
        for part in one.mail.walk():
            assert not part.defects
            for name in part:
                assert not part[name].defects, (name, part[name])


def test_the_bytes_are_what_every_server_takes(wire: Wire) -> None:
    for one in wire.caught:
        assert one.data.isascii()
        assert b"\0" not in one.data
        assert not re.search(rb"(?<!\r)\n|\r(?!\n)", one.data), "a bare line end"
        head, _, body = one.data.partition(b"\r\n\r\n")
        assert max(map(len, head.split(b"\r\n"))) <= 998
        assert max(map(len, body.split(b"\r\n"))) <= 76
        assert one.data.endswith(b"\r\n")


def test_every_header_stands_there_exactly_once(wire: Wire) -> None:
    once = (
        "From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "List-Id", "List-Unsubscribe",
        "List-Unsubscribe-Post", "Feedback-ID", "Auto-Submitted", "Precedence",
    )  # fmt: skip
    allowed = {*map(str.lower, once), "reply-to", "list-archive", "x-auto-response-suppress"}
    for one in wire.caught:
        names = [name.lower() for name in one.mail]
        assert set(names) <= allowed
        for name in once:
            assert names.count(name.lower()) == 1, (name, one.recipient)


def test_every_message_has_one_recipient_and_it_is_whom_the_envelope_names(wire: Wire) -> None:
    for one in wire.caught:
        (address,) = one.mail["To"].addresses
        assert address.addr_spec == one.recipient
        for name in ("Cc", "Bcc"):
            assert one.mail[name] is None


def test_the_headers_say_who_sends_and_why(wire: Wire) -> None:
    for one in wire.caught:
        assert one.mail["From"].addresses == (Address("Marquee", "weekly", "marquee.example"),)
        assert one.mail["Reply-To"].addresses == (Address("The Desk", "desk", "marquee.example"),)
        assert str(one.mail["List-Id"]).endswith("<weekly.marquee.example>")
        assert one.mail["Auto-Submitted"] == "auto-generated"
        assert one.mail["Precedence"] == "bulk"
        assert re.fullmatch(r"[^:]+:[^:]+:[^:]+:[A-Za-z0-9]{5,15}", one.mail["Feedback-ID"])
        assert str(one.mail["Subject"]).strip()
        assert "\n" not in str(one.mail["Subject"])
        assert one.mail["Date"].datetime.tzinfo is not None
        assert abs(parsedate_to_datetime(str(one.mail["Date"])) - NOW) < timedelta(days=8)


def test_the_unsubscribe_headers_are_what_rfc_8058_asks_for(wire: Wire) -> None:
    for one in wire.caught:
        (line,) = one.lines("List-Unsubscribe")
        assert re.fullmatch(rb"<https://[!-;=?-~]+>", line), line
        assert one.lines("List-Unsubscribe-Post") == [b"List-Unsubscribe=One-Click"]


def test_everybody_has_an_address_of_their_own_for_leaving(wire: Wire) -> None:
    for issue in ("2026-W47", "2026-W48"):
        leaving = {one.recipient: one.lines("List-Unsubscribe")[0] for one in wire.about(issue)}
        assert len(set(leaving.values())) == len(NAMES)
        for recipient, line in leaving.items():
            token = line.strip(b"<>").decode().rpartition("/")[2]
            holder = wire.project.book.holder(token)
            assert holder is not None
            assert holder.email == recipient


def test_the_message_id_is_one_for_a_person_and_an_issue_and_no_other(wire: Wire) -> None:
    ids: dict[str, set[tuple[str, str]]] = {}
    for one in wire.caught:
        message_id = str(one.mail["Message-ID"])
        assert re.fullmatch(r"<[A-Za-z0-9._-]+@marquee\.example>", message_id)
        ids.setdefault(message_id, set()).add((one.recipient, str(one.mail["Feedback-ID"])))
    assert all(len(owners) == 1 for owners in ids.values())
    assert len(ids) == len(wire.caught) - 1
    first, second = (one for one in wire.about("2026-W48") if one.recipient == "plain@example.net")
    assert first.data == second.data, "what is sent again after a doubt is the very same message"


def test_every_message_is_a_text_and_an_html_part_in_utf_8(wire: Wire) -> None:
    for one in wire.caught:
        assert one.mail.get_content_type() == "multipart/alternative"
        text, html = one.mail.iter_parts()
        assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
        for part in (text, html):
            assert part.get_content_charset() == "utf-8"
            assert part["Content-Transfer-Encoding"] == "quoted-printable"
            assert part.get_content().strip()
        assert not one.mail.preamble
        assert not (one.mail.epilogue or "").strip()


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_both_parts_of_an_issue_show_the_postal_address_and_a_way_to_leave(wire: Wire, kind: str) -> None:
    for one in (*wire.about("2026-W47"), *wire.about("2026-W48")):
        content = one.part(kind)
        shown = " ".join(re.sub(r"<(style|head)\b.*?</\1>", "", content, flags=re.DOTALL).split())
        assert POSTAL.split(",", maxsplit=1)[0] in shown
        assert "12 Harbour Street" in shown
        leaving = one.lines("List-Unsubscribe")[0].strip(b"<>").decode()
        assert leaving in content
        if kind == "html":
            assert re.search(rf'<a\b[^>]*href="{re.escape(leaving)}"[^>]*>\s*[^<\s]', shown)


def test_a_confirmation_says_where_to_confirm_and_who_asks(wire: Wire) -> None:
    for one in wire.about("confirm"):
        for kind in ("plain", "html"):
            assert re.search(r"https://news\.marquee\.example/confirm/[A-Za-z0-9._~-]{20,}", one.part(kind))
            assert "12 Harbour Street" in one.part(kind)


def test_nothing_that_was_smuggled_into_names_and_titles_became_mail_of_its_own(wire: Wire) -> None:
    for one in wire.caught:
        unfolded = one.head.replace(b"\r\n ", b" ").split(b"\r\n")
        assert not [line for line in unfolded if line.lower().startswith((b"bcc", b"cc", b"quit", b"mail from"))]
        html = one.part("html")
        assert "<script" not in html.lower()
        assert "49" not in re.findall(r"https://www\.marquee\.example/[^\"'\s<]*", html)
        assert "root:" not in html


def test_names_and_titles_arrive_as_one_line_of_what_they_were(wire: Wire) -> None:
    shown = {one.recipient: one.mail["To"].addresses[0].display_name for one in wire.about("2026-W47")}
    assert shown["plain@example.net"] == "Ada Fernsby"
    assert shown["o'hara+weekly@example.net"] == "Siobh\u00e1n O\u2019Hara"
    assert shown["hana@example.net"] == "\u6708\u91ce \u82b1"
    assert shown["nobody@example.net"] == ""
    assert shown["comma@example.net"] == NAMES["comma@example.net"]
    # Python 3.11 reads a space before a word that begins with a dot; the bytes have none (RFC 2047 §6.2).
    assert shown["word@example.net"].replace(" ", "") == NAMES["word@example.net"]
    for name in shown.values():
        assert name.isprintable()
    greeting = {one.recipient: " ".join(one.part("plain").split()) for one in wire.about("2026-W47")}
    assert "Hi Siobh\u00e1n," in greeting["o'hara+weekly@example.net"]
    assert "Hi <script>alert(1)</script>," in greeting["markup@example.net"]
    assert "Hi slot0123456789abx00z," in greeting["token@example.net"]
    (subject,) = {str(one.mail["Subject"]) for one in wire.about("2026-W47")}
    assert not re.search("[\x00-\x1f\u202a-\u202e\ud800-\udfff]", subject)
    assert any(" ".join(article.title.split())[:12] in subject for article in HOSTILE) or "=?utf-8" in subject


def test_the_letters_of_two_people_differ_only_where_their_own_values_stand(wire: Wire) -> None:
    one, other = (
        next(caught for caught in wire.about("2026-W47") if caught.recipient == address)
        for address in ("plain@example.net", "hana@example.net")
    )

    def anonymous(caught: Caught) -> str:
        text = ADDRESS.sub("LEAVE", caught.part("plain")).replace(caught.recipient, "WHO")
        return " ".join(re.sub(r"Hi \S+,", "Hi,", text).split())

    assert anonymous(one) == anonymous(other)
