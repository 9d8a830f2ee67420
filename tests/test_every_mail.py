"""Every single mail this package sends, read whole as its recipient would: both parts, every header, every link."""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from newsletter.app import Project
from newsletter.errors import TemplateError
from newsletter.rendering import MAILS
from newsletter.sending import alerts
from subscribers import Provenance, Status
from tests.projects import SITE, TITLES, arrived, make_project, run_week as run
from tests.times import Clock

FORM = Provenance("form", ip="192.0.2.7")
LIST_HEADERS = {"List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "List-Archive", "Precedence", "Feedback-ID"}
# What a reader sees when a value is missing, a default is taken where none belongs, or a template shows through.
LEFTOVERS = re.compile(
    r"\bsomebody\b|slot[0-9a-f]{12}x|\{\{|\}\}|\{%|\bNone\b|undefined|test-copy|sample|/(?:unsubscribe|confirm)/?[\s\"<]"
)
NAMED, NAMELESS, STRANGER, NEW, EDITOR = (
    "anna@example.net", "nameless@example.net", "stranger@example.net", "new@example.net", "editor@marquee.example",
)  # fmt: skip


class _Words(HTMLParser):
    """What a screen shows of an HTML part, and where its links lead."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if tag == "a" and name == "href"]

    def handle_data(self, data: str) -> None:
        if self.cdata_elem is None:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def parts(mail: EmailMessage) -> tuple[str, str]:
    plain, rich = (part.get_payload(decode=True).decode().replace("\r\n", "\n") for part in mail.iter_parts())  # type: ignore[union-attr]
    return plain, rich


@pytest.fixture
def project(tmp_path: Path, clock: Clock) -> Project:
    project = make_project(tmp_path / "project", clock=clock, more=SITE, titles=TITLES)
    project.book.add_confirmed(NAMED, name="Anna Berg")
    project.book.add_confirmed(NAMELESS)
    return project


@pytest.fixture
def mails(project: Project, clock: Clock) -> Iterator[dict[str, EmailMessage]]:
    """One of each kind, by what it is: handed to a Maildir by the real sender."""
    project.book.subscribe(NEW, name="Buy pills at x.example", provenance=FORM)
    project.book.subscribe(NAMED, provenance=FORM)
    project.alerts.tell(alerts.source("site"), "the source site could not be read: it is <gone>")
    project.sender.send_single_mails(project.backend(), stop=_never())
    found = {"confirm": NEW, "already": NAMED, "alert": EDITOR}
    by_address = _emptied(project)
    mails = {kind: by_address.pop(address) for kind, address in found.items()}
    assert not by_address
    clock.forward(timedelta(hours=2))
    project.weekly.pull()
    composed = project.weekly.compose(project.slot(None))
    for kind, address in {"test copy": NAMED, "test copy to a stranger": STRANGER}.items():
        project.weekly.test_copy(composed, address, project.backend())
        mails[kind] = _emptied(project)[address]
    project.weekly.proofs.mail(project.slot(None))
    project.sender.send_single_mails(project.backend(), stop=_never())
    mails["proof"] = _emptied(project)[EDITOR]
    run(project)
    by_address = _emptied(project)
    return iter([mails | {"issue": by_address[NAMED], "issue without a name": by_address[NAMELESS]}])


@pytest.fixture
def every(mails: Iterator[dict[str, EmailMessage]]) -> dict[str, EmailMessage]:
    return next(mails)


def _never():  # type: ignore[no-untyped-def]
    import threading

    return threading.Event()


def _emptied(project: Project) -> dict[str, EmailMessage]:
    """What has arrived since the last call."""
    found = arrived(project.root)
    shutil.rmtree(project.root / "mail" / "new")
    (project.root / "mail" / "new").mkdir()
    return found


def test_no_mail_shows_a_placeholder_or_a_value_of_nobody(every: dict[str, EmailMessage]) -> None:
    assert len(every) == 8
    assert {"confirm", "already"} == set(MAILS), "a new kind of single mail belongs into this test"
    for kind, mail in every.items():
        for part in parts(mail):
            shown = part.replace("/unsubscribe/", "/") if kind == "proof" else part  # there it leads to nobody
            assert not LEFTOVERS.search(shown), f"{kind}: {LEFTOVERS.search(shown)}"
        for header, value in mail.items():
            assert not LEFTOVERS.search(f"{value} "), f"{kind}: {header}: {value}"


def test_both_parts_of_every_mail_say_whom_it_is_for_and_carry_the_postal_address(
    every: dict[str, EmailMessage],
) -> None:
    for kind, mail in every.items():
        address = mail["To"].addresses[0].addr_spec
        plain, rich = parts(mail)
        for words in (" ".join(plain.split()), _Words(rich).text):
            assert "Marquee Media, 12 Harbour Street" in words, kind
            assert address in words, kind
            assert "You get this" in words, kind


def test_both_parts_of_a_mail_lead_to_the_same_personal_pages(every: dict[str, EmailMessage]) -> None:
    for kind, mail in every.items():
        plain, rich = parts(mail)
        personal = re.compile(r"https://\S+/(?:unsubscribe|confirm|review)/\S+")
        links = {link for link in _Words(rich).links if personal.match(link)}
        assert links == set(personal.findall(plain)), kind
        assert len(links) == {"confirm": 2, "alert": 0}.get(kind, 1), kind


def test_service_mail_belongs_to_no_list_and_an_issue_does(every: dict[str, EmailMessage]) -> None:
    for kind, mail in every.items():
        assert mail["Auto-Submitted"] == "auto-generated"
        of_a_list = LIST_HEADERS & set(mail.keys())
        assert of_a_list == (set() if kind in {"confirm", "already", "alert", "proof"} else LIST_HEADERS), kind


def test_every_way_out_works_and_leaves_only_whom_it_belongs_to(
    every: dict[str, EmailMessage], project: Project
) -> None:
    def leave(kind: str) -> None:
        (token,) = {
            urlsplit(link).path.rpartition("/")[2] for link in re.findall(r"\S+/unsubscribe/\S+", parts(every[kind])[0])
        }
        project.book.unsubscribe_by_token(token, provenance=Provenance("one-click"))

    def status(address: str) -> Status:
        found = project.book.find(address)
        assert found
        return found.status

    leave("test copy to a stranger")
    assert status(NAMED) == status(NAMELESS) == Status.ACTIVE
    assert project.book.find(STRANGER) is None
    leave("issue without a name")
    assert (status(NAMED), status(NAMELESS)) == (Status.ACTIVE, Status.UNSUBSCRIBED)
    leave("already")
    assert status(NAMED) == Status.UNSUBSCRIBED
    leave("confirm")
    assert status(NEW) == Status.UNSUBSCRIBED


def test_an_issue_greets_by_name_and_without_one_with_the_words_of_its_template(
    every: dict[str, EmailMessage],
) -> None:
    for kind, greeting in {"issue": "Hi Anna,", "test copy": "Hi Anna,", "issue without a name": "Hi there,"}.items():
        for part in parts(every[kind]):
            assert greeting in part, kind


def test_a_confirmation_reads_as_it_should_and_repeats_nothing_a_stranger_typed(
    every: dict[str, EmailMessage],
) -> None:
    plain, rich = parts(every["confirm"])
    confirm, leave = re.findall(r"https://\S+", plain)
    assert "pills" not in plain + rich + str(every["confirm"]["To"])
    assert plain == textwrap.dedent(f"""\
        Marquee Weekly
        ==============

        One step left

        This address was entered to receive Marquee Weekly. Confirm that it was
        you, and the next letter comes to you:

        {confirm}

        If you did not ask for this, do nothing.
        Without your confirmation you will get no letters.

        {"-" * 72}
        You get this one mail because new@example.net was entered
        to receive Marquee Weekly.

        Unsubscribe:
        {leave}

        Marquee Weekly
        Marquee Media, 12 Harbour Street
        """)
    assert "You get this one mail because new@example.net was entered to receive Marquee Weekly." in _Words(rich).text


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{{ blanks.first_name }}", 'write {{ blanks.first_name|default("there") }}'),
        ('{{ blanks.first_name|default("") }}', "needs one default"),
        ("{{ blanks.first_name|default(blanks.email) }}", "needs one default"),
        ('{{ blanks.first_name|default("a") }} {{ blanks.first_name|default("b") }}', "needs one default"),
        ("{{ confirm_url }}", "'confirm_url' is undefined"),
        ("{{ blanks.confirm_token }}", "no attribute 'confirm_token'"),
    ],
)
def test_a_blank_that_somebody_would_have_no_value_for_is_refused_before_anybody_is_mailed(
    project: Project, template: str, says: str, clock: Clock
) -> None:
    folder = project.root / "templates" / "weekly"
    folder.mkdir(parents=True)
    (folder / "body.txt.j2").write_text(f"Hello\n{template}\n")
    clock.forward(timedelta(hours=2))
    with pytest.raises(TemplateError, match=re.escape(says)) as caught:
        run(project)
    assert (caught.value.file, caught.value.line) == ("templates/weekly/body.txt.j2", 2)
    assert not (project.root / "mail").exists()
