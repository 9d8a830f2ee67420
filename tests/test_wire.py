"""Every message as it is on the wire: an issue, a confirmation and an “already”, sent over a real SMTP conversation by a
project whose readers, articles and own name are as awkward as they come.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from newsletter.app import Project
from newsletter.backends.wire import fault
from subscribers import Provenance
from tests import catcher
from tests.command_line import NEXT_WEEK, WEEK, run
from tests.projects import make_project
from tests.times import Clock

PUBLIC_URL = "https://newsletters.a-rather-long-name-for-a-publisher.example/" + "/".join(["entertainment"] * 12)
STREET = "Größe & Söhne <Verlag>, 9 Lampwick Street, Port Vesper PV1 9TL"
TOML = """\
[newsletter]
name = "Kino “Größe” & Söhne, <b>Weekly</b>"
tagline = "Highlights; guides"
from = "\\"Größe, Söhne\\" <weekly@marquee.example>"
reply_to = "Édition du soir <editors@marquee.example>"
public_url = "{public_url}"
postal_address = "Größe & Söhne <Verlag>, 9 Lampwick Street, Port Vesper PV1 9TL"
timezone = "UTC"
list_id = "weekly.marquee.example"
[schedule]
day = "thursday"
time = "07:00"
[[sources]]
name = "newsroom"
kind = "folder"
path = "articles"
[backend]
kind = "smtp"
host = "127.0.0.1"
port = {more}
security = "none"
connections = 2
"""
SMUGGLED = "evil@victim.example"
COMMANDS = f"\r\n.\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<{SMUGGLED}>\r\nDATA\r\nSubject: smuggled\r\n\r\nhi\r\n.\r\n"
HOSTILE = {
    "header": f"Week\r\nBcc: {SMUGGLED}\r\nX-Injected: yes\r\n\r\n<p>body",
    "dot": f"Dot{COMMANDS}end",
    "bare line feeds": f"Feed\n.\nBcc: {SMUGGLED}\n\n.\r.\n",
    "markup": "</title></style></td></table><script>alert(1)</script><img src=x onerror=alert(1)>Mark",
    "bidi": "\u202eRight\u2066 to\u2069 left\u200f \ufeff",
    "nul": "Nu\0ll\x1b[31m\x85 \u2028 line\u2029 ends",
    "words": "=?utf-8?Q?Subject=0D=0ABcc:_evil@victim.example?= =?utf-8?b?ZXZpbA==?=",
    "blank": "slot0123456789abx00z {{ 7*7 }} {% raw %} slotffffffffffffx02z",
    "long": "Verylongwordwithoutanyspace" * 11,
    "emoji": "👩‍👩‍👧‍👦 " * 30,
    "dots": ". .. ... .leading\n.dots\n..",
}
NAMES = {f"{kind.replace(' ', '')}@reader.example": text for kind, text in HOSTILE.items()} | {
    "siobhan.o'dea+news@reader.example": 'Siobhán "O’Dea"',
    "plain@reader.example": "",
    "quoted@reader.example": 'back\\slash "quote" (comment), semi; <a@b.example>',
    "joerg@bücher.example": "Jörg",
    "x" * 64 + "@" + ".".join(["long" * 12] * 3) + ".example": "An address as long as they come",
}
NEW, KNOWN = "new@reader.example", "plain@reader.example"
ONCE = {
    "From", "To", "Subject", "Reply-To", "Date", "Message-ID", "Auto-Submitted", "X-Auto-Response-Suppress",
    "MIME-Version", "Content-Type",
}  # fmt: skip
OF_A_LIST = {"List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "List-Archive", "Feedback-ID", "Precedence"}


@dataclass(frozen=True)
class Caught:
    """One message a mail server took: to whom the envelope said, and its bytes as they came."""

    recipient: str
    data: bytes

    @cached_property
    def mail(self) -> EmailMessage:
        mail = message_from_bytes(self.data, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        return mail

    @property
    def head(self) -> str:
        return self.data.partition(b"\r\n\r\n")[0].decode("ascii")

    @property
    def kind(self) -> str:
        if self.mail["List-Id"]:
            return "issue"
        return "confirm" if "/confirm/" in self.part("plain") else "already"

    @property
    def way_out(self) -> str:
        (link,) = set(re.findall(r"https://\S+/unsubscribe/\S+", self.part("plain")))
        return str(link)

    def part(self, subtype: str) -> str:
        part = self.mail.get_body((subtype,))
        assert part is not None
        return str(part.get_content()).replace("\r\n", "\n")


class Tags(HTMLParser):
    """What an HTML part is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.names: Counter[str] = Counter()
        self.attributes: set[str] = set()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names[tag] += 1
        self.attributes |= {name for name, _ in attrs}
        self.addresses += [value or "" for name, value in attrs if name in {"href", "src", "background", "action"}]


def caught(maildir: Path) -> list[Caught]:
    """What a catcher kept, oldest first, without the two trace lines it puts in front."""
    mails = []
    for path in sorted((maildir / "new").iterdir()):
        _, delivered, data = path.read_bytes().split(b"\r\n", 2)
        mails.append(Caught(delivered.decode().partition(": ")[2], data))
    return mails


def write_articles(folder: Path, texts: dict[str, str], *, published: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{published[:10]}.json").write_text(
        json.dumps(
            [
                {
                    "title": text,
                    "url": f"https://www.marquee.example/{published[:10]}/{index}?a=1&b=%22",
                    "published": published,
                    "dek": f"{text} and {COMMANDS}",
                    "author": text,
                    "card": {"name": text, "produced_by": text, "label": text},
                    "body": f"{text}\n.\n{text}",
                }
                for index, text in enumerate(texts.values())
            ]
        )
    )


def join(project: Project, clock: Clock) -> None:
    """Everybody the mails go to: readers, one who asks to join, and one who asks again."""
    for address, name in NAMES.items():
        project.book.add_confirmed(address, name=name)
    provenance = Provenance(via="form", form="/subscribe", ip="192.0.2.7", user_agent=HOSTILE["header"])
    for address in (NEW, KNOWN):
        project.book.subscribe(address, name=HOSTILE["header"], provenance=provenance)


def sent(root: Path, maildir: Path, *, public_url: str = PUBLIC_URL) -> None:
    """Two weeks' issues, the second to the same people with other articles, and the single mails."""
    with catcher.running(maildir) as port:
        clock = Clock()
        project = make_project(root, clock=clock, public_url=public_url, more=str(port), text=TOML)
        join(project, clock)
        project.close()
        turned = {kind: HOSTILE[kind] for kind in reversed(HOSTILE)}
        for key, texts, published in (
            (WEEK, HOSTILE, "2026-11-18T09:00:00Z"),
            (NEXT_WEEK, turned, "2026-11-19T17:00:00Z"),
        ):
            write_articles(root / "articles", texts, published=published)
            done = run("send", "--slot", key, "--yes", "--json", project=root)
            assert done.exit_code == 0, (done.output, done.exception)


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> list[Caught]:
    folder = tmp_path_factory.mktemp("wire")
    sent(folder / "project", folder / "mail")
    return caught(folder / "mail")


@pytest.fixture(scope="module", params=["issue", "confirm", "already"])
def mails(request: pytest.FixtureRequest, wire: list[Caught]) -> list[Caught]:
    """All mails of one kind; a test holds for every one of them."""
    found = [one for one in wire if one.kind == request.param]
    assert found
    return found


@pytest.fixture(scope="module")
def issues(wire: list[Caught]) -> list[Caught]:
    return [one for one in wire if one.kind == "issue"]


def test_hostile_words_arrive_as_one_message_each(wire: list[Caught]) -> None:
    to = [one.recipient for one in wire if one.kind == "issue"]
    assert len(to) == 2 * len(NAMES) == 2 * len(set(to))
    assert [one.recipient for one in wire if one.kind == "confirm"] == [NEW]
    assert [one.recipient for one in wire if one.kind == "already"] == [KNOWN]


def test_it_is_to_one_person_who_is_in_the_envelope(mails: list[Caught]) -> None:
    for one in mails:
        (address,) = one.mail["To"].addresses
        assert address.addr_spec == one.recipient
        assert one.mail["Cc"] is one.mail["Bcc"] is None


def test_it_is_parsed_without_a_defect(mails: list[Caught]) -> None:
    for one in mails:
        assert [part.defects for part in one.mail.walk()] == [[], [], []]
        assert [value.defects for _, value in one.mail.items()] == [()] * len(one.mail)


def test_every_header_is_there_once_and_none_was_brought_along(mails: list[Caught]) -> None:
    for one in mails:
        names = [name for name, _ in one.mail.items()]
        assert len(names) == len({name.lower() for name in names})
        assert set(names) == (ONCE | OF_A_LIST if one.kind == "issue" else ONCE)


def test_it_keeps_the_limits_of_the_wire(mails: list[Caught]) -> None:
    for one in mails:
        assert fault(one.data) == ""
        assert max(map(len, one.head.split("\r\n"))) <= 998
        assert max(map(len, one.data.partition(b"\r\n\r\n")[2].split(b"\r\n"))) <= 76


def test_it_says_who_it_is_from_and_where_an_answer_goes(mails: list[Caught]) -> None:
    for one in mails:
        (sender,) = one.mail["From"].addresses
        assert (sender.display_name, sender.addr_spec) == ("Größe, Söhne", "weekly@marquee.example")
        (answer,) = one.mail["Reply-To"].addresses
        assert answer.addr_spec == "editors@marquee.example"
        assert one.mail["Date"].datetime.tzinfo is not None


def test_it_is_marked_as_mail_that_nobody_wrote_by_hand(mails: list[Caught]) -> None:
    assert {one.mail["Auto-Submitted"] for one in mails} == {"auto-generated"}


def test_an_issue_is_marked_as_mail_of_a_list(issues: list[Caught]) -> None:
    for one in issues:
        assert one.mail["Precedence"] == "bulk"
        assert str(one.mail["List-Id"]).endswith("<weekly.marquee.example>")
        assert re.fullmatch(r"[\w-]+:newsletter:weekly:weeklymarqueeex", one.mail["Feedback-ID"])


def test_one_click_stands_there_literally_on_one_line(issues: list[Caught]) -> None:
    for one in issues:
        line = re.search(r"^List-Unsubscribe: (.*)$(?!\n[ \t])", one.head.replace("\r\n", "\n"), re.MULTILINE)
        assert line
        assert re.fullmatch(rf"<{re.escape(PUBLIC_URL)}/unsubscribe/[A-Za-z0-9._~-]{{20,200}}>", line[1])
        assert line[1] == f"<{one.way_out}>"
        assert one.mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_the_text_stands_before_the_html_in_utf_8(mails: list[Caught]) -> None:
    for one in mails:
        assert one.mail.get_content_type() == "multipart/alternative"
        parts = list(one.mail.iter_parts())
        assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"]
        assert [part.get_content_charset() for part in parts] == ["utf-8", "utf-8"]


def test_both_parts_show_the_street_address_and_the_way_out(mails: list[Caught]) -> None:
    for one in mails:
        link = one.way_out
        assert STREET in one.part("plain")
        html = one.part("html")
        assert STREET.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") in html
        assert re.search(rf'<a [^>]*href="{re.escape(link)}"[^>]*>\s*Unsubscribe', html)


def test_nothing_hostile_is_in_what_a_reader_sees(mails: list[Caught]) -> None:
    for one in mails:
        for text in (one.part("plain"), one.part("html"), str(one.mail["Subject"])):
            assert not re.search(
                "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]", text
            )
        tags = Tags()
        tags.feed(one.part("html"))
        assert [tags.names[name] for name in ("html", "head", "title", "body", "script", "form")] == [1, 1, 1, 1, 0, 0]
        assert not any(name.startswith("on") for name in tags.attributes)
        assert all(urlsplit(address).scheme in {"https", "mailto"} for address in tags.addresses)


def test_an_id_is_the_same_for_nobody_else_and_no_other_issue(wire: list[Caught]) -> None:
    ids = [one.mail["Message-ID"] for one in wire]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"<[0-9a-f]{32}@marquee\.example>", one) for one in ids)


def test_each_reader_has_a_way_out_of_their_own_and_it_stays_the_same(wire: list[Caught]) -> None:
    ways: dict[str, set[str]] = {}
    for one in wire:
        ways.setdefault(one.recipient, set()).add(one.way_out)
    assert {len(found) for found in ways.values()} == {1}
    assert len(set.union(*ways.values())) == len(NAMES) + 1


def test_the_feedback_id_names_the_issue(issues: list[Caught]) -> None:
    about = {one.mail["Feedback-ID"].partition(":")[0] for one in issues}
    assert about == {WEEK, NEXT_WEEK}


def test_a_mail_without_a_street_address_is_not_even_posted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_project(tmp_path / "project", clock=Clock(), more="25", text=TOML).close()
    monkeypatch.setenv("NEWSLETTER_NEWSLETTER__POSTAL_ADDRESS", " ")
    refused = run("subscribers", "add", NEW, project=tmp_path / "project")
    assert refused.exit_code == 2
    assert "postal_address" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    monkeypatch.delenv("NEWSLETTER_NEWSLETTER__POSTAL_ADDRESS")
    assert NEW not in run("subscribers", "list", project=tmp_path / "project").stdout
