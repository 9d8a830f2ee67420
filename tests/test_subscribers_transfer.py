import csv
import io
from datetime import timedelta

import pytest
import sqlalchemy as sa

from subscribers import BadFile, ImportReport, Status, export_csv, import_csv, imports
from subscribers.subscriber import Entry
from subscribers.tables import consents
from subscribers.transfer import BATCH
from tests.subscribers_store import FORM, PAGE, Harness, sqlite_store

pytest_plugins = ("tests.subscribers_store",)  # its fixtures: store, harness


@pytest.fixture
def file(tmp_path):
    def write(content: str | bytes):
        path = tmp_path / "list.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def test_an_import_without_a_word_about_consent_makes_pending_rows_and_mails_nobody(harness, file):
    report = import_csv(harness.book, file("Email,First_Name,Language\nann@example.org,Ann,EN\nbob@example.org,,\n"))
    assert report == ImportReport(rows=2, created=2)
    ann = harness.book.find("ann@example.org")
    assert (ann.status, ann.name, ann.language, ann.origin) == (Status.PENDING, "Ann", "en", "import")
    assert (harness.mails, harness.receivers()) == ([], [])


def test_with_consent_held_they_are_active_and_the_evidence_says_so(harness, file):
    import_csv(harness.book, file("email\nann@example.org\n"), confirmed=True)
    assert harness.receivers() == ["ann@example.org"]
    line = harness.book.show("ann@example.org").consents[-1]
    assert (line.what, line.via, line.form, line.wording) == (
        "imported",
        "import",
        "list.csv",
        "imported, operator holds consent",
    )


def test_the_same_file_a_second_time_changes_nothing(harness, file):
    path = file("email\nann@example.org\nbob@example.org\nANN@example.org\n")
    first = import_csv(harness.book, path, confirmed=True)
    assert (first.created, first.duplicates) == (2, 1)
    before = harness.book.page()
    second = import_csv(harness.book, path, confirmed=True)
    assert (second.created, second.already, second.duplicates, second.rows) == (0, 2, 1, 3)
    assert harness.book.page() == before
    with harness.store.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(consents)).scalar_one() == 2


def test_pending_people_become_active_when_the_operator_holds_their_consent_after_all(harness, file):
    path = file("email\nann@example.org\n")
    import_csv(harness.book, path)
    report = import_csv(harness.book, path, confirmed=True)
    assert (report.created, report.confirmed, report.already) == (0, 1, 0)
    assert harness.receivers() == ["ann@example.org"]
    assert [line.what for line in harness.book.show("ann@example.org").consents] == ["imported", "confirmed"]


def test_nobody_who_left_or_is_suppressed_is_revived(harness, file):
    for name in ("left", "never", "gone"):
        harness.subscribed(f"{name}@example.org")
    harness.book.unsubscribe("left@example.org")
    harness.book.suppress("never@example.org", reason="complaint")
    harness.book.forget("gone@example.org")
    content = "email\nleft@example.org\nnever@example.org\ngone@example.org\nnew@example.org\n"
    report = import_csv(harness.book, file(content), confirmed=True)
    assert (report.created, report.unsubscribed, report.suppressed) == (1, 1, 2)
    assert harness.receivers() == ["new@example.org"]


def test_bad_rows_are_listed_with_row_number_and_reason_and_good_rows_are_kept(harness, file):
    content = 'email;name\nann@example.org;Ann\nbob.example.org;Bob\n\n;Nobody\n"cid@example.org";"Cid; the third"\n'
    report = import_csv(harness.book, file(content))
    assert (report.rows, report.created, report.bad_count) == (4, 2, 2)
    assert [number for number, _ in report.bad] == [3, 5]
    assert "bob.example.org" in report.bad[0][1]
    assert harness.book.find("cid@example.org").name == "Cid; the third"


def test_a_quote_nobody_closes_costs_one_row(harness, file):
    rest = "".join(f"r{number}@example.org,x\n" for number in range(50))
    report = import_csv(harness.book, file(f'email,name\na@example.org,"Ann\n{rest}'))
    assert (report.created, report.bad_count) == (50, 1)
    assert report.bad[0] == (2, "a quote is opened here and never closed")


def test_a_quote_inside_a_name_is_only_a_character(harness, file):
    report = import_csv(harness.book, file('email,name\na@example.org,Bob "B" Lee\nb@example.org,5" disk\n'))
    assert (report.created, report.bad_count) == (2, 0)
    assert harness.book.find("b@example.org").name == '5" disk'


def test_a_name_over_two_lines_is_one_row(harness, file):
    report = import_csv(harness.book, file('name,email\r\n"Ann\r\nLee",ann@example.org\r\nBob,bob@example.org\r\n'))
    assert report.created == 2
    assert harness.book.find("ann@example.org").name == "Ann Lee"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("title", ["EMAIL", "E-Mail", " email address ", "Address"])
def test_the_delimiter_and_the_header_are_found(harness, file, delimiter, title):
    report = import_csv(harness.book, file(f"id{delimiter}{title}\n1{delimiter}ann@example.org\n"))
    assert report.created == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_files_from_spreadsheets_keep_their_accents(harness, file, encoding):
    report = import_csv(harness.book, file("email,name\nzoe@example.org,Zoë\n".encode(encoding)))
    assert (report.created, report.notes) == (1, ())
    assert harness.book.find("zoe@example.org").name == "Zoë"


@pytest.mark.parametrize(
    "content",
    [
        "sep=;\r\nemail;name\r\nann@example.org;Ann, B\r\n",  # Excel's own first line
        '"sep=;"\nemail;name\nann@example.org;Ann, B\n',
        '\ufeffsep=;\nemail;name\nann@example.org;"Ann, B"\n',
        'email,name\r"ann@example.org","Ann, B"\rbob@example.org,Bob\r',  # an old Mac's line ends
        "e_mail\tname\nann@example.org\tAnn, B\n",
        "Courriel;Nom\nann@example.org;Ann, B\n",
        'name,EMAIL_ADDRESS\n"Ann, B",ann@example.org\n',
        'id,E-Mail,first_name,Address\n1,ann@example.org,"Ann, B","1 High Street"\n',
        'first_name,"e-mail\naddress"\n"Ann, B",ann@example.org\n',
    ],
)
def test_the_way_a_program_wrote_its_file_is_recognised(harness, file, content):
    report = import_csv(harness.book, file(content))
    assert (report.bad_count, report.notes) == (0, ())
    assert harness.book.find("ann@example.org").name == "Ann, B"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            "email,email,name\na@example.org,b@example.org,Two\n",
            r"line 1 names more than one column .*\(email, email\)",
        ),
        ("\nE-Mail,Email Address\na@example.org,b@example.org\n", r"line 2 .*\(E-Mail, Email Address\); take out or"),
        ('Name <addr> Email\n"Ann <ann@example.org>"\n', "line 1, reads: Name <addr> Email.*name the address column"),
        ('email,"name\nann@example.org,Ann\n', "a quote is opened on line 1 and never closed; close it"),
    ],
)
def test_a_header_that_cannot_be_trusted_is_refused_by_its_line_and_nothing_is_written(harness, file, content, said):
    with pytest.raises(BadFile, match=said):
        import_csv(harness.book, file(content))
    assert harness.book.page() == []


def test_cells_that_look_like_formulas_are_only_text(harness, file):
    content = 'email,name\n=cmd|x@example.org,"=HYPERLINK(""http://e"")"\n@at@example.org,x\n-dash@example.org,-1\n'
    report = import_csv(harness.book, file(content))
    assert [(number, "something before the @-sign" in why) for number, why in report.bad] == [(3, True)]
    assert harness.book.find("=cmd|x@example.org").name == '=HYPERLINK("http://e")'
    assert harness.book.find("-dash@example.org").name == "-1"


def test_windows_1252_is_read_and_said_aloud(harness, file):
    report = import_csv(harness.book, file("email,name\nzoe@example.org,Zoë\n".encode("cp1252")))
    assert harness.book.find("zoe@example.org").name == "Zoë"
    assert "Windows-1252" in report.notes[0]


def test_a_list_of_addresses_without_a_header_works_and_says_what_was_read(harness, file):
    report = import_csv(harness.book, file("Ann,ann@example.org\nBob,bob@example.org\n"))
    assert report.created == 2
    assert "column 2" in report.notes[0]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "empty"),
        ("\n \n", "empty"),
        ("name,age\nAnn,3\n", "no column called email"),
        (b"PK\x03\x04\x00\xff", "email"),
        ("email," + "a" * 200_000, "cannot be read as CSV"),
    ],
)
def test_a_file_that_is_no_list_of_people_is_refused_in_a_sentence(harness, file, content, said):
    with pytest.raises(BadFile, match=said) as refusal:
        import_csv(harness.book, file(content))
    assert refusal.value.exit_code == 2
    assert str(refusal.value).isprintable()


def test_a_file_that_is_not_there_is_refused_in_a_sentence(harness, tmp_path):
    with pytest.raises(BadFile, match=r"cannot be read \(No such file"):
        import_csv(harness.book, tmp_path / "none.csv")


def test_random_bytes_never_crash_an_import(harness, file):
    import random

    chance = random.Random(7)
    for _ in range(30):
        junk = bytes(chance.choice(b'\x00\xff",;\t\r\n@=aA\xe9') for _ in range(400))
        report = import_csv(harness.book, file(b"email,name\n" + junk + b"\nann@example.org,Ann\n"))
        assert report.created + report.already + report.duplicates + report.bad_count == report.rows


def test_whoever_the_file_suppresses_is_never_mailed_and_the_record_says_why(harness, file):
    report = import_csv(harness.book, file("email,status\nspam@example.org,complained\n"), confirmed=True)
    assert (report.created, report.suppressed_by_file, report.ended) == (0, 1, 0)
    assert [(line.what, line.wording, line.detail) for line in harness.book.show("spam@example.org").consents] == [
        ("imported", "", ""),
        ("unsubscribed", "", "the imported file says so"),
        ("suppressed", "", "complaint: the imported file says so"),
    ]
    harness.book.lift_suppression("spam@example.org", detail="a mistake")
    assert harness.receivers() == []


def test_a_no_ends_also_somebody_suppressed_so_that_lifting_it_mails_nobody(harness, file):
    harness.subscribed("ann@example.org")
    harness.book.suppress("ann@example.org", reason="bounce")
    report = import_csv(harness.book, file("email,status\nann@example.org,unsubscribed\n"), confirmed=True)
    assert (report.suppressed, report.ended) == (1, 1)
    harness.book.lift_suppression("ann@example.org", detail="the mailbox works again")
    assert harness.receivers() == []


def test_whoever_left_by_a_file_can_come_back_at_once_by_their_own_click(harness, file):
    import_csv(harness.book, file("email,status\nann@example.org,unsubscribed\n"), confirmed=True)
    assert harness.subscribed("ann@example.org").status is Status.ACTIVE


def test_whoever_a_file_says_never_confirmed_stays_active_only_by_their_own_click(harness, file):
    harness.subscribed("clicked@example.org")
    left = harness.subscribed("back@example.org")
    token = harness.book.unsubscribe_token(left.public_id)
    harness.book.unsubscribe_by_token(token, provenance=PAGE)
    harness.book.resubscribe_by_token(token, provenance=PAGE)
    harness.book.add_confirmed("added@example.org")
    import_csv(harness.book, file("email\nimported@example.org\n"), confirmed=True)
    import_csv(harness.book, file("email\npromoted@example.org\n"))
    import_csv(harness.book, file("email\npromoted@example.org\n"), confirmed=True)
    names = ("clicked", "back", "added", "imported", "promoted")
    path = file("email,status\n" + "".join(f"{name}@example.org,unconfirmed\n" for name in names))
    report = import_csv(harness.book, path, confirmed=True)
    assert report == ImportReport(rows=5, already=2, unconfirmed_by_file=3, ended=3)
    assert report.done == report.rows
    assert harness.receivers() == ["back@example.org", "clicked@example.org"]
    for name in ("added", "imported", "promoted"):
        record = harness.book.show(f"{name}@example.org")
        assert (record.subscriber.status, record.subscriber.confirmed_at) == (Status.PENDING, None)
        line = record.consents[-1]
        assert (line.what, line.via, line.detail) == ("unconfirmed", "import", "the imported file says so")
    assert import_csv(harness.book, path, confirmed=True) == ImportReport(rows=5, already=5)
    assert harness.subscribed("imported@example.org").status is Status.ACTIVE


def test_a_click_that_comes_after_the_operators_word_is_on_record_and_counts(harness, file):
    harness.book.subscribe("ann@example.org", provenance=FORM)
    import_csv(harness.book, file("email\nann@example.org\n"), confirmed=True)
    assert harness.book.confirm(harness.mails[-1][2]["confirm_token"], provenance=PAGE).changed
    import_csv(harness.book, file("email,status\nann@example.org,unconfirmed\n"))
    assert harness.receivers() == ["ann@example.org"]


def test_the_click_of_somebody_forgotten_does_not_keep_a_later_subscriber_of_the_address_active(harness, file):
    harness.subscribed("ann@example.org")
    harness.book.forget("ann@example.org")
    harness.book.lift_suppression("ann@example.org", detail="asked for it by letter")
    harness.book.add_confirmed("ann@example.org")
    import_csv(harness.book, file("email,status\nann@example.org,pending\n"))
    assert harness.receivers() == []


def test_a_subscriber_set_back_while_suppressed_is_not_mailed_when_that_is_lifted(harness, file):
    harness.book.add_confirmed("ann@example.org")
    harness.book.suppress("ann@example.org", reason="bounce")
    report = import_csv(harness.book, file("email,status\nann@example.org,pending\n"))
    assert (report.suppressed, report.ended) == (1, 1)
    harness.book.lift_suppression("ann@example.org", detail="the mailbox works again")
    assert harness.receivers() == []


def test_a_confirmation_that_is_open_ends_with_a_no(harness, file):
    harness.book.subscribe("ann@example.org", provenance=FORM)
    import_csv(harness.book, file("email,status\nann@example.org,unsubscribed\n"), confirmed=True)
    result = harness.book.confirm(harness.mails[-1][2]["confirm_token"], provenance=FORM)
    assert not result.changed
    assert harness.receivers() == []


@pytest.mark.parametrize("words", [("active", "unsubscribed"), ("unsubscribed", "active"), ("pending", "unsubscribed")])
@pytest.mark.parametrize("between", [0, BATCH])
def test_of_two_rows_for_one_address_the_no_wins_whatever_the_order(harness, file, words, between):
    others = "".join(f"r{number}@example.org,active\n" for number in range(between))
    report = import_csv(
        harness.book,
        file(f"email,status\nann@example.org,{words[0]}\n{others}ANN@example.org,{words[1]}\n"),
        confirmed=True,
    )
    assert (report.unsubscribed_by_file, report.duplicates, report.created) == (1, 1, between)
    assert harness.book.find("ann@example.org").status is Status.UNSUBSCRIBED
    assert [line.what for line in harness.book.show("ann@example.org").consents] == ["imported", "unsubscribed"]


@pytest.mark.parametrize("words", [("active", "pending"), ("pending", "active")])
def test_of_two_rows_neither_of_which_is_a_no_the_lesser_claim_counts(harness, file, words):
    import_csv(
        harness.book, file(f"email,status\nann@example.org,{words[0]}\nann@example.org,{words[1]}\n"), confirmed=True
    )
    assert harness.book.find("ann@example.org").status is Status.PENDING


def test_an_export_of_everybody_in_another_register_is_the_same_register(harness, file, tmp_path):
    for name in ("on", "off", "spam"):
        harness.subscribed(f"{name}@example.org")
    harness.book.add("wait@example.org")
    import_csv(
        harness.book, file("email,status\noff@example.org,unsubscribed\nspam@example.org,complained\n"), confirmed=True
    )
    path = tmp_path / "everybody.csv"
    path.write_text("".join(export_csv(harness.book)), encoding="utf-8")
    (tmp_path / "other").mkdir()
    with sqlite_store(tmp_path / "other") as store:
        other = Harness(store).book
        import_csv(other, path, confirmed=True)
        for book in (harness.book, other):
            assert {one.email.partition("@")[0]: (one.status, why) for one, why in book.page_with_suppressions()} == {
                "on": (Status.ACTIVE, ""),
                "off": (Status.UNSUBSCRIBED, ""),
                "spam": (Status.UNSUBSCRIBED, "complaint"),
                "wait": (Status.PENDING, ""),
            }
        assert "".join(export_csv(other)).count("complaint") == 1


def test_progress_is_told_after_every_batch_and_adds_up(harness, file):
    rows = "".join(f"r{number}@example.org\n" for number in range(2 * BATCH + 10))
    reports = list(imports(harness.book, file(f"email\n{rows}"), confirmed=True))
    assert {report.rows for report in reports} == {2 * BATCH + 10}
    assert [report.done for report in reports] == [0, BATCH, 2 * BATCH, 2 * BATCH + 10]
    assert harness.book.counts().active == 2 * BATCH + 10


def test_a_duplicate_is_found_however_far_apart(harness, file):
    rows = "".join(f"r{number}@example.org\n" for number in range(BATCH + 5))
    report = import_csv(harness.book, file(f"email\n{rows}R0@example.org\n"))
    assert (report.created, report.duplicates) == (BATCH + 5, 1)


def test_an_export_read_again_gives_the_same_people(harness, file):
    harness.subscribed("=sum@example.org", name="=1+1")
    harness.clock.forward(timedelta(hours=1))
    harness.subscribed("+plus@example.org", name="'=quoted")
    harness.book.add("wait@example.org", name='Ann "A", Lee')
    harness.subscribed("left@example.org")
    harness.book.unsubscribe("left@example.org")
    harness.subscribed("never@example.org")
    harness.book.suppress("never@example.org", reason="complaint")
    before = [(subscriber.email, subscriber.name, subscriber.status) for subscriber in harness.book.page()]
    path = file("".join(export_csv(harness.book)))
    report = import_csv(harness.book, path, confirmed=True)
    assert (report.created, report.bad_count, report.suppressed, report.confirmed) == (0, 0, 1, 0)
    with harness.store.write() as connection:
        for table in ("subscribers", "suppressions"):
            connection.execute(sa.text(f"DELETE FROM {table}"))
    import_csv(harness.book, path, confirmed=True)
    after = [(subscriber.email, subscriber.name, subscriber.status) for subscriber in harness.book.page()]
    # Whoever is suppressed is not taken for active, though the row says so.
    left = [(*row[:2], Status.UNSUBSCRIBED) if row[0] == "never@example.org" else row for row in before]
    assert sorted(after) == sorted(left)
    assert harness.book.show("never@example.org").suppression.reason == "complaint"


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "＝1", "'=x", "=cmd|' /C calc'!A0"])  # noqa: RUF001
def test_no_exported_cell_is_a_formula(harness, name):
    harness.subscribed("ann@example.org", name=name)
    rows = list(csv.reader(io.StringIO("".join(export_csv(harness.book)))))
    assert rows[1][1] == "'" + name
    assert all(cell[:1] not in set("=+-@\t\r＝＋－＠") for row in rows for cell in row)  # noqa: RUF001


def test_an_export_can_hold_one_status_only(harness):
    harness.subscribed("ann@example.org")
    harness.book.subscribe("bob@example.org", provenance=FORM)
    text = "".join(export_csv(harness.book, status=Status.PENDING))
    assert "bob@example.org" in text
    assert "ann@example.org" not in text


def test_a_batch_takes_a_handful_of_statements_however_many_rows(harness):
    statements = []
    sa.event.listen(harness.store.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    batch = [
        Entry(email=f"r{number}@example.org", key=f"r{number}@example.org", address_hash=f"{number:064d}")
        for number in range(BATCH)
    ]
    harness.book.import_batch(batch, confirmed=True, source="list.csv")
    assert len(statements) <= 8
    assert harness.book.unsubscribe("r7@example.org", provenance=PAGE).changed
