from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from subscribers import Guard, Limits, parse_address
from subscribers.guard import Verdict
from subscribers.network import client_ip, network_of
from subscribers.tables import guard_passes, guard_trips
from tests.subscribers_store import KEYS

pytest_plugins = ("tests.subscribers_store",)  # its fixtures: store, harness


ANN = parse_address("ann@example.org")


@pytest.fixture
def alarms():
    return []


@pytest.fixture
def guard(harness, alarms):
    return Guard(harness.store, KEYS, now=harness.clock, limits=Limits(overall=60), alarm=alarms.append)


def many(guard, count, *, ip="192.0.2.{}", email="ann{}@d{}.org"):
    return [
        guard.judge(parse_address(email.format(number, number)), ip=ip.format(number % 250)) for number in range(count)
    ]


def test_a_form_filled_in_by_a_person_passes_once(guard, harness):
    token = guard.form_token()
    harness.clock.forward(timedelta(seconds=5))
    assert guard.judge(ANN, ip="192.0.2.1", form_token=token) is Verdict.PASS
    assert guard.judge(ANN, ip="198.51.100.1", form_token=token) is Verdict.DROP


@pytest.mark.parametrize(
    ("age", "verdict"),
    [
        (timedelta(seconds=1), Verdict.AGAIN),
        (timedelta(seconds=2), Verdict.PASS),
        (timedelta(hours=2), Verdict.PASS),
        (timedelta(hours=2, seconds=1), Verdict.AGAIN),
    ],
)
def test_a_form_is_good_between_two_seconds_and_two_hours(guard, harness, age, verdict):
    token = guard.form_token()
    harness.clock.forward(age)
    assert guard.judge(ANN, ip="192.0.2.1", form_token=token) is verdict


def test_a_form_posted_too_early_can_be_posted_again(guard, harness):
    token = guard.form_token()
    assert guard.judge(ANN, ip="192.0.2.1", form_token=token) is Verdict.AGAIN
    assert guard.reusable(token) == token
    harness.clock.forward(timedelta(seconds=2))
    assert guard.judge(ANN, ip="192.0.2.1", form_token=token) is Verdict.PASS


@pytest.mark.parametrize("token", ["k1" + "A" * 43, "nonsense", "x" * 9000])
def test_a_forged_form_is_dropped(guard, token):
    assert guard.judge(ANN, ip="192.0.2.1", form_token=token) is Verdict.DROP


def test_a_form_that_is_missing_is_shown(guard):
    assert guard.judge(ANN, ip="192.0.2.1", form_token="") is Verdict.AGAIN


def test_who_fills_in_the_hidden_field_is_dropped(guard, harness):
    assert guard.judge(ANN, ip="192.0.2.1", honeypot="http://spam.example") is Verdict.DROP
    with harness.store.read() as connection:
        turned_away = connection.execute(sa.select(guard_trips.c.reason, guard_trips.c.count)).all()
    assert turned_away == [("honeypot", 1)]


def test_one_network_gets_ten_an_hour_whatever_its_last_byte(guard, harness):
    verdicts = many(guard, 25)
    assert verdicts.count(Verdict.PASS) == 10
    harness.clock.forward(timedelta(minutes=61))
    assert many(guard, 1) == [Verdict.PASS]


def test_one_network_of_ipv6_is_a_48(guard):
    verdicts = many(guard, 25, ip="2001:db8:7:{}::1")
    assert verdicts.count(Verdict.PASS) == 10


def test_visitors_without_an_address_share_one_limit(guard):
    assert many(guard, 25, ip="").count(Verdict.PASS) == 10


def test_one_domain_gets_fifty_an_hour(guard):
    verdicts = many(guard, 58, ip="10.{}.1.1", email="ann{}@victim.org")
    assert verdicts.count(Verdict.PASS) == 50


def test_the_overall_limit_holds_and_raises_one_alarm(guard, alarms):
    verdicts = many(guard, 100, ip="10.{}.1.1")
    assert verdicts.count(Verdict.PASS) == 60
    assert len(alarms) == 1
    assert alarms[0].endswith(".")


def test_a_flood_leaves_a_handful_of_rows(guard, harness):
    many(guard, 200)
    with harness.store.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(guard_passes)).scalar_one() == 10
        assert connection.execute(sa.select(guard_trips.c.count)).scalar_one() == 190


def test_the_limit_holds_when_everybody_comes_at_once(guard):
    with ThreadPoolExecutor(8) as threads:
        verdicts = list(threads.map(lambda n: guard.judge(parse_address(f"a{n}@d{n}.org"), ip="192.0.2.1"), range(40)))
    assert verdicts.count(Verdict.PASS) == 10


def test_tidying_forgets_what_no_limit_needs(guard, harness):
    many(guard, 20)
    harness.clock.forward(timedelta(hours=3))
    guard.tidy()
    with harness.store.read() as connection:
        assert connection.execute(sa.select(guard_passes)).all() == []


@pytest.mark.parametrize(
    ("ip", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("x", ""),
    ],
)
def test_a_network_is_a_24_or_a_48(ip, network):
    assert network_of(ip) == network


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("198.51.100.9", [], "198.51.100.9"),
        ("198.51.100.9", ["203.0.113.5"], "198.51.100.9"),  # not our proxy: its claim is ignored
        ("10.0.0.1", ["203.0.113.5"], "203.0.113.5"),
        ("10.0.0.1", ["6.6.6.6, 203.0.113.5"], "203.0.113.5"),  # the left one was invented by the client
        ("10.0.0.1", ["6.6.6.6, 203.0.113.5, 10.0.0.2"], "203.0.113.5"),
        ("10.0.0.1", ["6.6.6.6", "203.0.113.5"], "203.0.113.5"),
        ("10.0.0.1", ["nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["2001:db8::1"], "2001:db8::1"),
        ("", ["203.0.113.5"], ""),
    ],
)
def test_only_trusted_proxies_are_believed_about_who_comes(peer, forwarded, client):
    from ipaddress import ip_network

    assert client_ip(peer, forwarded, trusted=[ip_network("10.0.0.0/8")]) == client
