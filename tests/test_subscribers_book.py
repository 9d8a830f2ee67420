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
    LeftBefore,
    SignUp,
    Status,
    Suppressed,
    UnknownSubscriber,
    Visit,
    metadata,
)
from tests.subscribers_store import FORM, KEYS, PAGE

pytest_plugins = ("tests.subscribers_store",)  # its fixtures: store, desk


def test_a_sign_up_waits_for_its_confirmation(desk):
    assert desk.book.subscribe("Ann@example.org", visit=FORM).outcome is SignUp.ASKED
    assert desk.book.find("ann@EXAMPLE.org").status is Status.PENDING
    assert desk.kinds() == ["confirm"]
    assert desk.receivers() == []


def test_a_confirmed_reader_is_in_the_audience_from_then_on(desk):
    before = desk.clock()
    desk.clock.forward(timedelta(minutes=1))
    person = desk.subscribed("ann@example.org", name="Ann", language="EN-gb")
    assert (person.status, person.name, person.language) == (Status.ACTIVE, "Ann", "en-gb")
    with desk.store.read() as connection:
        assert connection.execute(desk.book.audience(before)).all() == []
        row = connection.execute(desk.book.audience(desk.clock())).one()
    assert row._mapping == {
        "subscriber_id": person.id,
        "public_id": person.public_id,
        "email": "ann@example.org",
        "name": "Ann",
        "language": "en-gb",
        "variant": "",
    }
    assert desk.told == [("confirmed", "ann@example.org")]


def test_a_second_confirmation_is_answered_as_the_first(desk):
    desk.subscribed("ann@example.org")
    token = desk.mails[-1][2]["confirm_token"]
    again = desk.book.confirm(token, visit=PAGE)
    assert (again.confirmation, again.changed) == (Confirmation.DONE, False)
    assert [line.what for line in desk.book.show("ann@example.org").evidence] == ["asked", "confirmed"]


def test_looking_at_a_confirmation_changes_nothing(desk):
    desk.book.subscribe("ann@example.org", visit=FORM)
    token = desk.mails[-1][2]["confirm_token"]
    assert desk.book.confirmation(token) is Confirmation.OPEN
    assert desk.book.find("ann@example.org").status is Status.PENDING


def test_a_confirmation_runs_out_after_three_days(desk):
    desk.book.subscribe("ann@example.org", visit=FORM)
    token = desk.mails[-1][2]["confirm_token"]
    desk.clock.forward(timedelta(hours=72))
    assert desk.book.confirmation(token) is Confirmation.EXPIRED
    assert desk.book.confirm(token, visit=PAGE).confirmation is Confirmation.EXPIRED
    assert desk.receivers() == []


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "é" * 43, "A" * 9000, "' OR 1=1 --"])
def test_an_invented_confirmation_is_unknown(desk, token):
    assert desk.book.confirm(token, visit=PAGE).confirmation is Confirmation.UNKNOWN


def test_the_confirmation_token_is_not_in_the_database(desk):
    desk.book.subscribe("ann@example.org", visit=FORM)
    token = desk.mails[-1][2]["confirm_token"]
    with desk.store.read() as connection:
        for table in metadata.sorted_tables:
            assert token not in str(connection.execute(sa.select(table)).all())


def test_the_evidence_says_when_where_and_under_which_words(desk):
    desk.subscribed("ann@example.org")
    asked, confirmed = desk.book.show("ann@example.org").evidence
    assert (asked.what, asked.via, asked.form) == ("asked", "form", "https://news.example.org/subscribe")
    assert (asked.wording, asked.ip, asked.user_agent) == ("Yes, please.", "192.0.2.7", "Lynx")
    assert len(asked.wording_hash) == 64
    assert (confirmed.what, confirmed.ip, confirmed.at) == ("confirmed", "192.0.2.8", desk.clock())


def test_the_confirmation_mail_knows_no_more_of_the_visitor_than_the_network(desk):
    desk.book.subscribe("ann@example.org", visit=FORM)
    assert desk.mails[0][2]["asked_from"] == "192.0.2.0/24"


def test_a_form_changes_nothing_about_an_active_reader(desk):
    before = desk.subscribed("ann@example.org", name="Ann", language="en")
    result = desk.book.subscribe("ANN@example.org", name="Win a prize", language="de", visit=FORM)
    assert result.outcome is SignUp.ALREADY
    assert desk.book.find("ann@example.org") == before


def test_an_active_reader_is_told_so_at_most_once_a_week(desk):
    desk.subscribed("ann@example.org")
    for _ in range(20):
        desk.book.subscribe("ann@example.org", visit=FORM)
        desk.clock.forward(timedelta(hours=8))
    assert desk.kinds() == ["confirm", "already"]
    desk.clock.forward(timedelta(days=1))
    desk.book.subscribe("ann@example.org", visit=FORM)
    assert desk.kinds() == ["confirm", "already", "already"]


def test_nobody_can_be_bombed_with_confirmation_mails(desk):
    posted = {}
    for day in range(1, 32):
        for attempt in range(4):
            desk.book.subscribe(f"vic+{attempt}@example.org", visit=FORM)
            desk.book.subscribe("vic@example.org", visit=FORM)
            desk.clock.forward(timedelta(hours=6))
        desk.book.tidy()
        posted[day] = len(desk.mails)
    assert (posted[1], posted[2], posted[29]) == (3, 5, 5)
    assert posted[31] <= 8


def test_within_ten_minutes_there_is_one_confirmation_mail(desk):
    for _ in range(5):
        desk.book.subscribe("ann@example.org", visit=FORM)
        desk.clock.forward(timedelta(minutes=2))
    desk.book.subscribe("ann@example.org", visit=FORM)
    assert desk.kinds() == ["confirm", "confirm"]


def test_a_mail_that_cannot_be_written_takes_the_sign_up_back(desk):
    def broken(*_):
        raise OSError("disk full")

    book = Book(desk.store, KEYS, now=desk.clock, post=broken)
    with pytest.raises(OSError, match="disk full"):
        book.subscribe("ann@example.org", visit=FORM)
    assert desk.book.find("ann@example.org") is None
    desk.book.subscribe("ann@example.org", visit=FORM)
    assert desk.kinds() == ["confirm"]


def test_one_click_unsubscribes_and_a_second_is_answered_the_same(desk):
    person = desk.subscribed("ann@example.org")
    token = desk.book.unsubscribe_token(person.public_id)
    assert desk.book.unsubscribe_by_token(token, visit=PAGE).changed
    assert desk.receivers() == []
    again = desk.book.unsubscribe_by_token(token, visit=PAGE)
    assert (again.changed, again.can_return) == (False, True)
    assert desk.told == [("confirmed", "ann@example.org"), ("unsubscribed", "ann@example.org")]


def test_a_listener_that_fails_does_not_keep_anybody_from_leaving(desk, caplog):
    def broken(*_):
        raise RuntimeError("hook is down")

    person = desk.subscribed("ann@example.org")
    book = Book(desk.store, KEYS, now=desk.clock, post=desk.post, changed=broken)
    assert book.unsubscribe_by_token(book.unsubscribe_token(person.public_id), visit=PAGE).changed
    assert desk.book.find("ann@example.org").status is Status.UNSUBSCRIBED
    assert "hook" in caplog.text


def test_a_pending_sign_up_can_be_refused_and_the_open_confirmation_dies_with_it(desk):
    desk.book.subscribe("ann@example.org", visit=FORM)
    values = desk.mails[-1][2]
    departure = desk.book.unsubscribe_by_token(values["unsubscribe_token"], visit=PAGE)
    assert (departure.changed, departure.can_return) == (True, False)
    assert desk.book.confirm(values["confirm_token"], visit=PAGE).confirmation is Confirmation.EXPIRED


def test_who_refused_a_confirmation_is_not_asked_again_for_a_month(desk):
    desk.book.subscribe("ann@example.org", visit=FORM)
    desk.book.unsubscribe_by_token(desk.mails[-1][2]["unsubscribe_token"], visit=PAGE)
    desk.clock.forward(timedelta(days=29))
    assert desk.book.subscribe("ann@example.org", visit=FORM).outcome is SignUp.HELD_BACK
    desk.clock.forward(timedelta(days=2))
    assert desk.book.subscribe("ann@example.org", visit=FORM).outcome is SignUp.ASKED


def test_a_stranger_cannot_bring_back_who_left_but_they_themselves_can(desk):
    desk.subscribed("ann@example.org")
    desk.book.unsubscribe("ann@example.org")
    left = desk.book.find("ann@example.org")
    desk.clock.forward(timedelta(days=1))
    assert desk.book.subscribe("ann@example.org", name="X", visit=FORM).outcome is SignUp.ASKED
    assert desk.book.find("ann@example.org") == left
    desk.book.confirm(desk.mails[-1][2]["confirm_token"], visit=PAGE)
    assert desk.receivers() == ["ann@example.org"]
    assert desk.book.find("ann@example.org").unsubscribed_at is None


def test_the_undo_button_works_for_a_day(desk):
    person = desk.subscribed("ann@example.org")
    token = desk.book.unsubscribe_token(person.public_id)
    desk.book.unsubscribe_by_token(token, visit=PAGE)
    assert desk.book.resubscribe_by_token(token, visit=PAGE).changed
    assert desk.receivers() == ["ann@example.org"]
    assert desk.book.show("ann@example.org").evidence[-1].what == "resubscribed"
    desk.book.unsubscribe_by_token(token, visit=PAGE)
    desk.clock.forward(timedelta(hours=25))
    assert not desk.book.resubscribe_by_token(token, visit=PAGE).changed
    assert desk.receivers() == []


def test_an_old_link_does_not_undo_what_the_operator_did(desk):
    person = desk.subscribed("ann@example.org")
    desk.book.unsubscribe("ann@example.org")
    assert not desk.book.resubscribe_by_token(desk.book.unsubscribe_token(person.public_id), visit=PAGE).changed


def test_the_undo_button_makes_no_reader_of_somebody_who_never_confirmed(desk):
    desk.book.subscribe("ann@example.org", visit=FORM)
    token = desk.mails[-1][2]["unsubscribe_token"]
    assert not desk.book.resubscribe_by_token(token, visit=PAGE).changed
    desk.book.unsubscribe_by_token(token, visit=PAGE)
    assert not desk.book.resubscribe_by_token(token, visit=PAGE).changed
    assert desk.receivers() == []


def test_the_token_of_one_never_touches_another(desk):
    ann, bob = desk.subscribed("ann@example.org"), desk.subscribed("bob@example.org")
    desk.book.unsubscribe_by_token(desk.book.unsubscribe_token(ann.public_id), visit=PAGE)
    assert desk.receivers() == [bob.email]


def test_a_forged_token_is_refused(desk):
    person = desk.subscribed("ann@example.org")
    token = desk.book.unsubscribe_token(person.public_id)
    for forged in (
        token[:-1] + ("A" if token[-1] != "A" else "B"),
        "k1" + "A" * 43,
        "",
        desk.mails[0][2]["confirm_token"],
    ):
        with pytest.raises(BadToken):
            desk.book.unsubscribe_by_token(forged, visit=PAGE)
    assert desk.receivers() == ["ann@example.org"]


def test_a_suppressed_address_gets_nothing_whatever_it_signs_up_for(desk):
    desk.subscribed("ann@example.org")
    assert desk.book.suppress("ann@example.org", reason="hard bounce")
    assert not desk.book.suppress("ANN@example.org", reason="complaint")
    assert desk.receivers() == []
    assert desk.book.subscribe("Ann@example.org", visit=FORM).outcome is SignUp.SUPPRESSED
    assert desk.kinds() == ["confirm"]
    assert desk.book.show("ann@example.org").suppression.reason == "hard bounce"
    with pytest.raises(Suppressed):
        desk.book.add("ann@example.org")
    with pytest.raises(Suppressed):
        desk.book.add_confirmed("ann@example.org")


def test_an_address_can_be_suppressed_before_it_is_known(desk):
    desk.book.suppress("ann@example.org", reason="asked by phone")
    assert desk.book.subscribe("ann@example.org", visit=FORM).outcome is SignUp.SUPPRESSED
    assert desk.book.counts().suppressed == 1


def test_suppressing_ends_an_open_confirmation(desk):
    desk.book.subscribe("ann@example.org", visit=FORM)
    desk.book.suppress("ann@example.org", reason="hard bounce")
    token = desk.mails[-1][2]["confirm_token"]
    assert desk.book.confirm(token, visit=PAGE).confirmation is Confirmation.EXPIRED
    assert desk.book.find("ann@example.org").status is Status.PENDING


def test_a_lifted_suppression_leaves_a_line_that_says_why(desk):
    desk.subscribed("ann@example.org")
    desk.book.suppress("ann@example.org", reason="hard bounce")
    assert desk.book.lift_suppression("ann@example.org", detail="mailbox is back, they wrote")
    assert not desk.book.lift_suppression("ann@example.org", detail="again")
    assert desk.receivers() == ["ann@example.org"]
    assert desk.book.show("ann@example.org").evidence[-1].detail == "mailbox is back, they wrote"


def test_forgetting_leaves_no_trace_but_the_promise_never_to_mail(desk):
    person = desk.subscribed("ann@example.org", name="Ann Lee")
    token = desk.book.unsubscribe_token(person.public_id)
    assert desk.book.forget("Ann@example.org")
    assert not desk.book.forget("ann@example.org")
    with desk.store.read() as connection:
        everything = str([connection.execute(sa.select(table)).all() for table in metadata.sorted_tables])
    for trace in ("ann@", "Ann Lee", "192.0.2.", "Lynx", person.public_id):
        assert trace not in everything
    assert desk.book.unsubscribe_by_token(token, visit=PAGE).subscriber is None
    assert desk.book.subscribe("ann@example.org", visit=FORM).outcome is SignUp.SUPPRESSED
    assert [line.what for line in desk.book.show("ann@example.org").evidence] == ["asked", "confirmed", "forgotten"]
    assert desk.told[-1] == ("forgotten", "ann@example.org")


def test_the_id_of_somebody_forgotten_is_never_given_to_another(desk):
    first = desk.subscribed("ann@example.org")
    desk.book.forget("ann@example.org")
    assert desk.subscribed("bob@example.org").id > first.id


def test_the_operator_can_invite_or_vouch(desk):
    assert desk.book.add("ann@example.org", name="Ann").outcome is SignUp.ASKED
    assert desk.book.add_confirmed("bob@example.org", name="Bob", detail="paper form of 3 May").changed
    assert not desk.book.add_confirmed("bob@example.org").changed
    assert desk.receivers() == ["bob@example.org"]
    assert desk.book.show("bob@example.org").evidence[-1].detail == "paper form of 3 May"
    assert desk.book.add_confirmed("ann@example.org").subscriber.name == "Ann"


def test_the_operator_cannot_bring_back_who_left(desk):
    desk.subscribed("ann@example.org")
    desk.book.unsubscribe("ann@example.org")
    with pytest.raises(LeftBefore, match="only they can come back"):
        desk.book.add_confirmed("ann@example.org")


def test_nothing_known_is_said_in_a_sentence(desk):
    with pytest.raises(UnknownSubscriber, match="not in the Book"):
        desk.book.show("nobody@example.org")
    with pytest.raises(UnknownSubscriber, match="not in the Book"):
        desk.book.unsubscribe("nobody@example.org")
    with pytest.raises(BadAddress):
        desk.book.subscribe("nobody", visit=FORM)


def test_pages_follow_each_other_by_id(desk):
    for number in range(7):
        desk.book.add_confirmed(f"reader{number}@example.org")
    desk.book.unsubscribe("reader3@example.org")
    seen, after = [], 0
    while page := desk.book.page(after=after, limit=2, status=Status.ACTIVE):
        seen += [person.email for person in page]
        after = page[-1].id
    assert seen == [f"reader{number}@example.org" for number in (0, 1, 2, 4, 5, 6)]
    counts = desk.book.counts()
    assert (counts.pending, counts.active, counts.unsubscribed, counts.suppressed) == (0, 6, 1, 0)


def test_sign_ups_nobody_confirmed_are_gone_after_a_week_and_the_operators_stay(desk):
    desk.book.subscribe("form@example.org", visit=FORM)
    desk.book.add("operator@example.org")
    desk.subscribed("reader@example.org")
    desk.clock.forward(timedelta(days=6))
    assert desk.book.tidy().purged == 0
    desk.clock.forward(timedelta(days=2))
    assert desk.book.tidy().purged == 1
    assert desk.book.find("form@example.org") is None
    assert desk.book.find("operator@example.org")
    assert desk.book.find("reader@example.org")
    record = desk.book.show("form@example.org")
    assert [(line.what, line.ip) for line in record.evidence] == [("asked", ""), ("purged", "")]


def test_a_sign_up_asked_for_again_is_not_purged_while_its_mail_can_be_answered(desk):
    desk.book.subscribe("ann@example.org", visit=FORM)
    desk.clock.forward(timedelta(days=7))
    desk.book.subscribe("ann@example.org", visit=FORM)
    desk.clock.forward(timedelta(days=1))
    desk.book.tidy()
    assert desk.book.confirm(desk.mails[-1][2]["confirm_token"], visit=PAGE).confirmation is Confirmation.DONE


def test_eight_people_asking_for_one_address_at_once_make_one_sign_up(desk):
    together = Barrier(8)

    def ask(number):
        together.wait()
        return desk.book.subscribe("ann@example.org", name=str(number), visit=FORM).outcome

    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(ask, range(8)))
    assert sorted(outcomes) == [SignUp.ASKED] + [SignUp.HELD_BACK] * 7
    assert desk.kinds() == ["confirm"]


def test_an_import_and_a_sign_up_of_one_address_at_once_do_not_crash(desk):
    together = Barrier(2)

    def ask(number):
        together.wait()
        if number:
            return desk.book.add_confirmed("ann@example.org")
        return desk.book.subscribe("ann@example.org", visit=FORM)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(ask, range(2)))
    assert desk.receivers() == ["ann@example.org"]


@pytest.fixture
def deliveries(desk):
    own = sa.MetaData()
    table = sa.Table(
        "deliveries",
        own,
        sa.Column("subscriber_id", sa.BigInteger, primary_key=True),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False, server_default="waiting"),
    )
    own.drop_all(desk.store.engine)
    own.create_all(desk.store.engine)
    return table


def test_the_audience_is_frozen_by_one_insert_and_may_receive_guards_each_later_step(desk, deliveries):
    for name in ("ann", "bob", "cid", "dan"):
        desk.subscribed(f"{name}@example.org")
    desk.book.subscribe("eve@example.org", visit=FORM)
    frozen = desk.book.audience(desk.clock()).subquery()
    with desk.store.write() as connection:
        chosen = sa.select(frozen.c.subscriber_id, frozen.c.email)
        connection.execute(sa.insert(deliveries).from_select(["subscriber_id", "email"], chosen))
        count = sa.select(sa.func.count()).select_from(deliveries)
        assert connection.execute(count).scalar_one() == 4
    desk.book.unsubscribe("ann@example.org")
    desk.book.suppress("bob@example.org", reason="complaint")
    desk.book.forget("cid@example.org")
    allowed = desk.book.may_receive(deliveries.c.subscriber_id)
    with desk.store.write() as connection:
        connection.execute(
            sa.update(deliveries).values(state=sa.case((allowed, "claimed"), else_="skipped")),
        )
    with desk.store.read() as connection:
        states = {row.email: row.state for row in connection.execute(sa.select(deliveries))}
        assert states == {
            "ann@example.org": "skipped",
            "bob@example.org": "skipped",
            "cid@example.org": "skipped",
            "dan@example.org": "claimed",
        }
        matched = connection.execute(sa.select(deliveries.c.email).where(allowed)).scalars().all()
        assert matched == ["dan@example.org"]


def test_may_receive_means_each_row_also_beside_the_subscribers_themselves(desk, deliveries):
    from subscribers.tables import subscribers

    desk.subscribed("ann@example.org")
    desk.subscribed("bob@example.org")
    desk.book.unsubscribe("ann@example.org")
    joined = sa.select(subscribers.c.email).where(desk.book.may_receive(subscribers.c.id))
    with desk.store.read() as connection:
        assert connection.execute(joined).scalars().all() == ["bob@example.org"]


def test_hostile_names_become_one_harmless_line(desk):
    name = "Ann\r\nBcc: all@example.org\x00\u202e\ud800" + "x" * 500
    person = desk.subscribed("ann@example.org", name=name, language="../../etc/passwd")
    assert person.name.startswith("Ann Bcc: all@example.orgx")
    assert len(person.name) <= 100
    assert person.language == ""


def test_a_hostile_browser_name_is_kept_short_and_on_one_line(desk):
    visit = Visit(via="form", wording="Yes.", ip="192.0.2.7", user_agent="x\x00\n" * 5000)
    desk.book.subscribe("ann@example.org", visit=visit)
    agent = desk.book.show("ann@example.org").evidence[0].user_agent
    assert len(agent) <= 300
    assert agent.isprintable()


def test_a_time_without_a_zone_is_refused_before_it_is_stored(desk):
    with pytest.raises(sa.exc.StatementError, match="aware time"), desk.store.read() as connection:
        connection.execute(desk.book.audience(desk.clock().replace(tzinfo=None)))


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
