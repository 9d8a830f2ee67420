import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
import sqlalchemy as sa

from subscribers import (
    BadAddress,
    BadToken,
    Book,
    Confirmation,
    KeyRing,
    LeftBefore,
    Link,
    Provenance,
    SignUp,
    Status,
    Suppressed,
    UnknownSubscriber,
    metadata,
)
from tests.subscribers_store import FORM, KEYS, PAGE

pytest_plugins = ("tests.subscribers_store",)  # its fixtures: store, harness


def test_a_sign_up_waits_for_its_confirmation(harness):
    assert harness.book.subscribe("Ann@example.org", provenance=FORM).outcome is SignUp.ASKED
    assert harness.book.find("ann@EXAMPLE.org").status is Status.PENDING
    assert harness.kinds() == ["confirm"]
    assert harness.receivers() == []


def test_a_confirmed_reader_is_in_the_audience_from_then_on(harness):
    before = harness.clock()
    harness.clock.forward(timedelta(minutes=1))
    subscriber = harness.subscribed("ann@example.org", name="Ann", language="EN-gb")
    assert (subscriber.status, subscriber.name, subscriber.language) == (Status.ACTIVE, "Ann", "en-gb")
    with harness.store.read() as connection:
        assert connection.execute(harness.book.audience(before)).all() == []
        row = connection.execute(harness.book.audience(harness.clock())).one()
    assert row._mapping == {
        "subscriber_id": subscriber.id,
        "public_id": subscriber.public_id,
        "email": "ann@example.org",
        "name": "Ann",
        "language": "en-gb",
        "variant": "",
    }
    assert harness.told == [("confirmed", "ann@example.org")]


def test_a_second_confirmation_is_answered_as_the_first(harness):
    harness.subscribed("ann@example.org")
    token = harness.mails[-1][2]["confirm_token"]
    again = harness.book.confirm(token, provenance=PAGE)
    assert (again.confirmation, again.changed) == (Confirmation.DONE, False)
    assert [line.what for line in harness.book.show("ann@example.org").consents] == ["asked", "confirmed"]


def test_looking_at_a_confirmation_changes_nothing(harness):
    harness.book.subscribe("ann@example.org", provenance=FORM)
    token = harness.mails[-1][2]["confirm_token"]
    assert harness.book.confirmation(token) is Confirmation.OPEN
    assert harness.book.find("ann@example.org").status is Status.PENDING


def test_a_confirmation_runs_out_after_three_days(harness):
    harness.book.subscribe("ann@example.org", provenance=FORM)
    token = harness.mails[-1][2]["confirm_token"]
    harness.clock.forward(timedelta(hours=72))
    assert harness.book.confirmation(token) is Confirmation.EXPIRED
    assert harness.book.confirm(token, provenance=PAGE).confirmation is Confirmation.EXPIRED
    assert harness.receivers() == []


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "é" * 43, "A" * 9000, "' OR 1=1 --"])
def test_an_invented_confirmation_is_unknown(harness, token):
    assert harness.book.confirm(token, provenance=PAGE).confirmation is Confirmation.UNKNOWN


def test_the_confirmation_token_is_not_in_the_database(harness):
    harness.book.subscribe("ann@example.org", provenance=FORM)
    token = harness.mails[-1][2]["confirm_token"]
    with harness.store.read() as connection:
        for table in metadata.sorted_tables:
            assert token not in str(connection.execute(sa.select(table)).all())


def test_the_evidence_says_when_where_and_under_which_words(harness):
    harness.subscribed("ann@example.org")
    asked, confirmed = harness.book.show("ann@example.org").consents
    assert (asked.what, asked.via, asked.form) == ("asked", "form", "https://news.example.org/subscribe")
    assert (asked.wording, asked.ip, asked.user_agent) == ("Yes, please.", "192.0.2.7", "Lynx")
    assert len(asked.wording_hash) == 64
    assert (confirmed.what, confirmed.ip, confirmed.at) == ("confirmed", "192.0.2.8", harness.clock())


def test_the_confirmation_mail_knows_nothing_of_the_visitor(harness):
    harness.book.subscribe("ann@example.org", provenance=FORM)
    assert set(harness.mails[0][2]) == {"confirm_token", "unsubscribe_token"}


def test_a_confirmation_mailed_before_tokens_were_derived_still_confirms(harness):
    harness.book.subscribe("ann@example.org", provenance=FORM)
    token = "random_token-" + "x" * 30
    with harness.store.write() as connection:
        known = {"token_hash": hashlib.sha256(token.encode()).hexdigest()}
        connection.execute(sa.update(metadata.tables["sign_up_mails"]).values(known))
    assert harness.book.confirmation(harness.mails[0][2]["confirm_token"]) is Confirmation.UNKNOWN
    assert harness.book.confirm(token, provenance=PAGE).changed
    assert harness.receivers() == ["ann@example.org"]


def test_what_the_database_keeps_of_a_confirmation_confirms_nothing(harness):
    harness.book.subscribe("ann@example.org", provenance=FORM)
    with harness.store.read() as connection:
        kept = connection.execute(sa.select(metadata.tables["sign_up_mails"].c.token_hash)).scalar_one()
    stolen = KeyRing.parse("k1:" + "QkJC" * 11)
    nonce = KEYS.verify(harness.mails[0][2]["confirm_token"], purpose=b"confirm")
    for forged in (
        kept,
        kept[:43],
        nonce.hex(),
        stolen.token(Link(b"confirm", nonce)),
        KEYS.token(Link(b"form", nonce)),
    ):
        assert harness.book.confirm(forged, provenance=PAGE).confirmation is Confirmation.UNKNOWN
    assert harness.receivers() == []


def test_a_form_changes_nothing_about_an_active_reader(harness):
    before = harness.subscribed("ann@example.org", name="Ann", language="en")
    result = harness.book.subscribe("ANN@example.org", name="Win a prize", language="de", provenance=FORM)
    assert result.outcome is SignUp.ALREADY
    assert harness.book.find("ann@example.org") == before


def test_an_active_reader_is_told_so_at_most_once_a_week(harness):
    harness.subscribed("ann@example.org")
    for _ in range(20):
        harness.book.subscribe("ann@example.org", provenance=FORM)
        harness.clock.forward(timedelta(hours=8))
    assert harness.kinds() == ["confirm", "already"]
    harness.clock.forward(timedelta(days=1))
    harness.book.subscribe("ann@example.org", provenance=FORM)
    assert harness.kinds() == ["confirm", "already", "already"]


def test_nobody_can_be_bombed_with_confirmation_mails(harness):
    posted = {}
    for day in range(1, 32):
        for attempt in range(4):
            harness.book.subscribe(f"vic+{attempt}@example.org", provenance=FORM)
            harness.book.subscribe("vic@example.org", provenance=FORM)
            harness.clock.forward(timedelta(hours=6))
        harness.book.tidy()
        posted[day] = len(harness.mails)
    assert (posted[1], posted[2], posted[29]) == (3, 5, 5)
    assert posted[31] <= 8


def test_within_ten_minutes_there_is_one_confirmation_mail(harness):
    for _ in range(5):
        harness.book.subscribe("ann@example.org", provenance=FORM)
        harness.clock.forward(timedelta(minutes=2))
    harness.book.subscribe("ann@example.org", provenance=FORM)
    assert harness.kinds() == ["confirm", "confirm"]


def test_a_mail_that_cannot_be_written_takes_the_sign_up_back(harness):
    def broken(*_):
        raise OSError("disk full")

    book = Book(harness.store, KEYS, now=harness.clock, post=broken)
    with pytest.raises(OSError, match="disk full"):
        book.subscribe("ann@example.org", provenance=FORM)
    assert harness.book.find("ann@example.org") is None
    harness.book.subscribe("ann@example.org", provenance=FORM)
    assert harness.kinds() == ["confirm"]


def test_one_click_unsubscribes_and_a_second_is_answered_the_same(harness):
    subscriber = harness.subscribed("ann@example.org")
    token = harness.book.unsubscribe_token(subscriber.public_id)
    assert harness.book.unsubscribe_by_token(token, provenance=PAGE).changed
    assert harness.receivers() == []
    again = harness.book.unsubscribe_by_token(token, provenance=PAGE)
    assert (again.changed, again.can_return) == (False, True)
    assert harness.told == [("confirmed", "ann@example.org"), ("unsubscribed", "ann@example.org")]


def test_a_listener_that_fails_does_not_keep_anybody_from_leaving(harness, caplog):
    def broken(*_):
        raise RuntimeError("hook is down")

    subscriber = harness.subscribed("ann@example.org")
    book = Book(harness.store, KEYS, now=harness.clock, post=harness.post, changed=broken)
    assert book.unsubscribe_by_token(book.unsubscribe_token(subscriber.public_id), provenance=PAGE).changed
    assert harness.book.find("ann@example.org").status is Status.UNSUBSCRIBED
    assert "hook" in caplog.text


def test_a_pending_sign_up_can_be_refused_and_the_open_confirmation_dies_with_it(harness):
    harness.book.subscribe("ann@example.org", provenance=FORM)
    values = harness.mails[-1][2]
    departure = harness.book.unsubscribe_by_token(values["unsubscribe_token"], provenance=PAGE)
    assert (departure.changed, departure.can_return) == (True, False)
    assert harness.book.confirm(values["confirm_token"], provenance=PAGE).confirmation is Confirmation.EXPIRED


def test_who_refused_a_confirmation_is_not_asked_again_for_a_month(harness):
    harness.book.subscribe("ann@example.org", provenance=FORM)
    harness.book.unsubscribe_by_token(harness.mails[-1][2]["unsubscribe_token"], provenance=PAGE)
    harness.clock.forward(timedelta(days=29))
    assert harness.book.subscribe("ann@example.org", provenance=FORM).outcome is SignUp.HELD_BACK
    harness.clock.forward(timedelta(days=2))
    assert harness.book.subscribe("ann@example.org", provenance=FORM).outcome is SignUp.ASKED


def test_a_stranger_cannot_bring_back_who_left_but_they_themselves_can(harness):
    harness.subscribed("ann@example.org")
    harness.book.unsubscribe("ann@example.org")
    left = harness.book.find("ann@example.org")
    harness.clock.forward(timedelta(days=1))
    assert harness.book.subscribe("ann@example.org", name="X", provenance=FORM).outcome is SignUp.ASKED
    assert harness.book.find("ann@example.org") == left
    harness.book.confirm(harness.mails[-1][2]["confirm_token"], provenance=PAGE)
    assert harness.receivers() == ["ann@example.org"]
    assert harness.book.find("ann@example.org").unsubscribed_at is None


def test_the_undo_button_works_for_a_day(harness):
    subscriber = harness.subscribed("ann@example.org")
    token = harness.book.unsubscribe_token(subscriber.public_id)
    harness.book.unsubscribe_by_token(token, provenance=PAGE)
    assert harness.book.resubscribe_by_token(token, provenance=PAGE).changed
    assert harness.receivers() == ["ann@example.org"]
    assert harness.book.show("ann@example.org").consents[-1].what == "resubscribed"
    harness.book.unsubscribe_by_token(token, provenance=PAGE)
    harness.clock.forward(timedelta(hours=25))
    assert not harness.book.resubscribe_by_token(token, provenance=PAGE).changed
    assert harness.receivers() == []


def test_an_old_link_does_not_undo_what_the_operator_did(harness):
    subscriber = harness.subscribed("ann@example.org")
    harness.book.unsubscribe("ann@example.org")
    assert not harness.book.resubscribe_by_token(
        harness.book.unsubscribe_token(subscriber.public_id), provenance=PAGE
    ).changed


def test_the_undo_button_makes_no_reader_of_somebody_who_never_confirmed(harness):
    harness.book.subscribe("ann@example.org", provenance=FORM)
    token = harness.mails[-1][2]["unsubscribe_token"]
    assert not harness.book.resubscribe_by_token(token, provenance=PAGE).changed
    harness.book.unsubscribe_by_token(token, provenance=PAGE)
    assert not harness.book.resubscribe_by_token(token, provenance=PAGE).changed
    assert harness.receivers() == []


def test_the_token_of_one_never_touches_another(harness):
    ann, bob = harness.subscribed("ann@example.org"), harness.subscribed("bob@example.org")
    harness.book.unsubscribe_by_token(harness.book.unsubscribe_token(ann.public_id), provenance=PAGE)
    assert harness.receivers() == [bob.email]


def test_a_forged_token_is_refused(harness):
    subscriber = harness.subscribed("ann@example.org")
    token = harness.book.unsubscribe_token(subscriber.public_id)
    for forged in (
        token[:-1] + ("A" if token[-1] != "A" else "B"),
        "k1" + "A" * 43,
        "",
        harness.mails[0][2]["confirm_token"],
    ):
        with pytest.raises(BadToken):
            harness.book.unsubscribe_by_token(forged, provenance=PAGE)
    assert harness.receivers() == ["ann@example.org"]


def test_a_suppressed_address_gets_nothing_whatever_it_signs_up_for(harness):
    harness.subscribed("ann@example.org")
    assert harness.book.suppress("ann@example.org", reason="hard bounce")
    assert not harness.book.suppress("ANN@example.org", reason="complaint")
    assert harness.receivers() == []
    assert harness.book.subscribe("Ann@example.org", provenance=FORM).outcome is SignUp.SUPPRESSED
    assert harness.kinds() == ["confirm"]
    assert harness.book.show("ann@example.org").suppression.reason == "hard bounce"
    with pytest.raises(Suppressed):
        harness.book.add("ann@example.org")
    with pytest.raises(Suppressed):
        harness.book.add_confirmed("ann@example.org")


def test_an_address_can_be_suppressed_before_it_is_known(harness):
    harness.book.suppress("ann@example.org", reason="asked by phone")
    assert harness.book.subscribe("ann@example.org", provenance=FORM).outcome is SignUp.SUPPRESSED
    assert harness.book.counts().suppressed == 1


def test_suppressing_ends_an_open_confirmation(harness):
    harness.book.subscribe("ann@example.org", provenance=FORM)
    harness.book.suppress("ann@example.org", reason="hard bounce")
    token = harness.mails[-1][2]["confirm_token"]
    assert harness.book.confirm(token, provenance=PAGE).confirmation is Confirmation.EXPIRED
    assert harness.book.find("ann@example.org").status is Status.PENDING


def test_a_lifted_suppression_leaves_a_line_that_says_why(harness):
    harness.subscribed("ann@example.org")
    harness.book.suppress("ann@example.org", reason="hard bounce")
    assert harness.book.lift_suppression("ann@example.org", detail="mailbox is back, they wrote")
    assert not harness.book.lift_suppression("ann@example.org", detail="again")
    assert harness.receivers() == ["ann@example.org"]
    assert harness.book.show("ann@example.org").consents[-1].detail == "mailbox is back, they wrote"


def test_forgetting_leaves_no_trace_but_the_promise_never_to_mail(harness):
    subscriber = harness.subscribed("ann@example.org", name="Ann Lee")
    token = harness.book.unsubscribe_token(subscriber.public_id)
    assert harness.book.forget("Ann@example.org")
    assert not harness.book.forget("ann@example.org")
    with harness.store.read() as connection:
        everything = str([connection.execute(sa.select(table)).all() for table in metadata.sorted_tables])
    for trace in ("ann@", "Ann Lee", "192.0.2.", "Lynx", subscriber.public_id):
        assert trace not in everything
    assert harness.book.unsubscribe_by_token(token, provenance=PAGE).subscriber is None
    assert harness.book.subscribe("ann@example.org", provenance=FORM).outcome is SignUp.SUPPRESSED
    assert [line.what for line in harness.book.show("ann@example.org").consents] == ["asked", "confirmed", "forgotten"]
    assert harness.told[-1] == ("forgotten", "ann@example.org")


def test_the_id_of_somebody_forgotten_is_never_given_to_another(harness):
    first = harness.subscribed("ann@example.org")
    harness.book.forget("ann@example.org")
    assert harness.subscribed("bob@example.org").id > first.id


def test_the_operator_can_invite_or_vouch(harness):
    assert harness.book.add("ann@example.org", name="Ann").outcome is SignUp.ASKED
    assert harness.book.add_confirmed("bob@example.org", name="Bob", detail="paper form of 3 May").changed
    assert not harness.book.add_confirmed("bob@example.org").changed
    assert harness.receivers() == ["bob@example.org"]
    assert harness.book.show("bob@example.org").consents[-1].detail == "paper form of 3 May"
    assert harness.book.add_confirmed("ann@example.org").subscriber.name == "Ann"


def test_the_operator_cannot_bring_back_who_left(harness):
    harness.subscribed("ann@example.org")
    harness.book.unsubscribe("ann@example.org")
    with pytest.raises(LeftBefore, match="only they can come back"):
        harness.book.add_confirmed("ann@example.org")


def test_nothing_known_is_said_in_a_sentence(harness):
    with pytest.raises(UnknownSubscriber, match="not in the Book"):
        harness.book.show("nobody@example.org")
    with pytest.raises(UnknownSubscriber, match="not in the Book"):
        harness.book.unsubscribe("nobody@example.org")
    with pytest.raises(BadAddress):
        harness.book.subscribe("nobody", provenance=FORM)


def test_pages_follow_each_other_by_id(harness):
    for number in range(7):
        harness.book.add_confirmed(f"reader{number}@example.org")
    harness.book.unsubscribe("reader3@example.org")
    seen, after = [], 0
    while page := harness.book.page(after=after, limit=2, status=Status.ACTIVE):
        seen += [subscriber.email for subscriber in page]
        after = page[-1].id
    assert seen == [f"reader{number}@example.org" for number in (0, 1, 2, 4, 5, 6)]
    counts = harness.book.counts()
    assert (counts.pending, counts.active, counts.unsubscribed, counts.suppressed) == (0, 6, 1, 0)


def test_sign_ups_nobody_confirmed_are_gone_after_a_week_and_the_operators_stay(harness):
    harness.book.subscribe("form@example.org", provenance=FORM)
    harness.book.add("operator@example.org")
    harness.subscribed("reader@example.org")
    harness.clock.forward(timedelta(days=6))
    assert harness.book.tidy() == 0
    harness.clock.forward(timedelta(days=2))
    assert harness.book.tidy() == 1
    assert harness.book.find("form@example.org") is None
    assert harness.book.find("operator@example.org")
    assert harness.book.find("reader@example.org")
    record = harness.book.show("form@example.org")
    assert [(line.what, line.ip) for line in record.consents] == [("asked", ""), ("purged", "")]


def test_a_sign_up_asked_for_again_is_not_purged_while_its_mail_can_be_answered(harness):
    harness.book.subscribe("ann@example.org", provenance=FORM)
    harness.clock.forward(timedelta(days=7))
    harness.book.subscribe("ann@example.org", provenance=FORM)
    harness.clock.forward(timedelta(days=1))
    harness.book.tidy()
    assert (
        harness.book.confirm(harness.mails[-1][2]["confirm_token"], provenance=PAGE).confirmation is Confirmation.DONE
    )


def test_eight_people_asking_for_one_address_at_once_make_one_sign_up(harness):
    together = Barrier(8)

    def ask(number):
        together.wait()
        return harness.book.subscribe("ann@example.org", name=str(number), provenance=FORM).outcome

    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(ask, range(8)))
    assert sorted(outcomes) == [SignUp.ASKED] + [SignUp.HELD_BACK] * 7
    assert harness.kinds() == ["confirm"]


def test_an_import_and_a_sign_up_of_one_address_at_once_do_not_crash(harness):
    together = Barrier(2)

    def ask(number):
        together.wait()
        if number:
            return harness.book.add_confirmed("ann@example.org")
        return harness.book.subscribe("ann@example.org", provenance=FORM)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(ask, range(2)))
    assert harness.receivers() == ["ann@example.org"]


@pytest.fixture
def deliveries(harness):
    own = sa.MetaData()
    table = sa.Table(
        "deliveries",
        own,
        sa.Column("subscriber_id", sa.BigInteger, primary_key=True),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False, server_default="waiting"),
    )
    own.drop_all(harness.store.engine)
    own.create_all(harness.store.engine)
    return table


def test_the_audience_is_frozen_by_one_insert_and_may_receive_guards_each_later_step(harness, deliveries):
    for name in ("ann", "bob", "cid", "dan"):
        harness.subscribed(f"{name}@example.org")
    harness.book.subscribe("eve@example.org", provenance=FORM)
    frozen = harness.book.audience(harness.clock()).subquery()
    with harness.store.write() as connection:
        chosen = sa.select(frozen.c.subscriber_id, frozen.c.email)
        connection.execute(sa.insert(deliveries).from_select(["subscriber_id", "email"], chosen))
        count = sa.select(sa.func.count()).select_from(deliveries)
        assert connection.execute(count).scalar_one() == 4
    harness.book.unsubscribe("ann@example.org")
    harness.book.suppress("bob@example.org", reason="complaint")
    harness.book.forget("cid@example.org")
    allowed = harness.book.may_receive(deliveries.c.subscriber_id)
    with harness.store.write() as connection:
        connection.execute(
            sa.update(deliveries).values(state=sa.case((allowed, "claimed"), else_="skipped")),
        )
    with harness.store.read() as connection:
        states = {row.email: row.state for row in connection.execute(sa.select(deliveries))}
        assert states == {
            "ann@example.org": "skipped",
            "bob@example.org": "skipped",
            "cid@example.org": "skipped",
            "dan@example.org": "claimed",
        }
        matched = connection.execute(sa.select(deliveries.c.email).where(allowed)).scalars().all()
        assert matched == ["dan@example.org"]


def test_may_receive_means_each_row_also_beside_the_subscribers_themselves(harness, deliveries):
    from subscribers.tables import subscribers

    harness.subscribed("ann@example.org")
    harness.subscribed("bob@example.org")
    harness.book.unsubscribe("ann@example.org")
    joined = sa.select(subscribers.c.email).where(harness.book.may_receive(subscribers.c.id))
    with harness.store.read() as connection:
        assert connection.execute(joined).scalars().all() == ["bob@example.org"]


def test_hostile_names_become_one_harmless_line(harness):
    name = "Ann\r\nBcc: all@example.org\x00\u202e\ud800" + "x" * 500
    subscriber = harness.subscribed("ann@example.org", name=name, language="../../etc/passwd")
    assert subscriber.name.startswith("Ann Bcc: all@example.orgx")
    assert len(subscriber.name) <= 100
    assert subscriber.language == ""


def test_a_hostile_browser_name_is_kept_short_and_on_one_line(harness):
    provenance = Provenance(via="form", wording="Yes.", ip="192.0.2.7", user_agent="x\x00\n" * 5000)
    harness.book.subscribe("ann@example.org", provenance=provenance)
    agent = harness.book.show("ann@example.org").consents[0].user_agent
    assert len(agent) <= 300
    assert agent.isprintable()


def test_a_time_without_a_zone_is_refused_before_it_is_stored(harness):
    with pytest.raises(sa.exc.StatementError, match="aware time"), harness.store.read() as connection:
        connection.execute(harness.book.audience(harness.clock().replace(tzinfo=None)))


def test_the_package_imports_nothing_of_the_newsletter():
    import subprocess
    import sys

    code = (
        "import subscribers, subscribers.web, sys; print([m for m in sys.modules if m.split('.')[0] == 'newsletter'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_constraint_has_a_name_a_migration_can_use():
    assert all(constraint.name for table in metadata.tables.values() for constraint in table.constraints)
