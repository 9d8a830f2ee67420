"""`newsletter send` against mail servers that limit us, shut us out or dislike what we send, over real sockets.

What such a server says about us is never written on a recipient: everybody waits, and the next run goes on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from email import message_from_bytes
from pathlib import Path

import pytest
from click.testing import Result

from newsletter.app import Project
from newsletter.sending import lanes, outbox
from tests.command_line import ACTIVE, NOW, WEEK, demo, run
from tests.frozen_issue import post_mail
from tests.smtp_servers import HOST, Faulty, Talk

ADA, BJORN, HANA = "ada@harbourlight.example", "bjorn@fjordpost.example", "hana@tsuki.example"
QUOTA = b"550 5.4.5 Daily user sending limit exceeded\r\n"
POLICY = b"550 5.7.1 Message rejected by policy\r\n"
UNKNOWN = b"550 5.1.1 no such user\r\n"

Says = Callable[[str, Talk], bytes | None]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pauses between connections are as many as ever, and short."""
    monkeypatch.setattr(lanes, "RECONNECT", (0.01,) * len(lanes.RECONNECT))


class Campaign:
    """The demo's issue, sent to one server after another."""

    def __init__(self, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.project = project
        self._monkeypatch = monkeypatch

    def send(self, server: Faulty, **options: str) -> Result:
        settings = {"kind": "smtp", "host": HOST, "port": str(server.port), "security": "none", **options}
        with self._monkeypatch.context() as environment:
            for name, value in settings.items():
                environment.setenv(f"NEWSLETTER_BACKEND__{name.upper()}", value)
            return run("send", "--yes", project=self.project)

    @property
    def states(self) -> dict[str, int]:
        audited = run("audit", "--json", project=self.project)
        assert audited.exit_code == 0
        return {state: number for state, number in json.loads(audited.stdout)[0]["states"].items() if number}

    def attempts(self, address: str) -> int:
        shown = run("issues", "show", WEEK, "--address", address, "--json", project=self.project)
        number: int = json.loads(shown.stdout)[0]["attempts"]
        return number

    @property
    def told(self) -> str:
        """What `issues show` tells the operator."""
        return run("issues", "show", WEEK, project=self.project).stdout

    def finishes(self, *, accepted: int) -> None:
        """The next run, over a healthy server, goes on where the last one stopped, and mails nobody twice."""
        with Faulty() as healthy:
            sent = self.send(healthy)
            assert sent.exit_code == 0, sent.output
            assert len(set(healthy.reached)) == len(healthy.reached) == accepted


@pytest.fixture
def campaign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Campaign:
    return Campaign(demo(tmp_path, "pulled"), monkeypatch)


def add_subscribers(project: Path, number: int) -> None:
    file = project / "more.csv"
    file.write_text("email\n" + "".join(f"reader{index:04d}@example.net\n" for index in range(number)))
    assert run("subscribers", "import", str(file), "--confirmed", project=project).exit_code == 0


def to(refused: dict[str, bytes], *, at: str = "rcpt") -> Says:
    """Say that to these recipients."""
    return lambda step, talk: refused.get(talk.recipient) if step == at else None


def always(said: bytes, *, at: str) -> Says:
    return lambda step, _: said if step == at else None


# The sender.


@pytest.mark.parametrize("at", ["mail", "dot"])
def test_a_sending_limit_stops_the_run_with_everybody_waiting(campaign: Campaign, at: str) -> None:
    add_subscribers(campaign.project, 600 - ACTIVE)
    taken = 100

    def says(step: str, talk: Talk) -> bytes | None:
        return QUOTA if step == at and len(talk.server.accepted) >= taken else None

    with Faulty(says=says) as server:
        sent = campaign.send(server)
        accepted = len(server.accepted)
    assert sent.exit_code == 2
    assert "takes nothing from this sender" in sent.stderr
    assert "5.4.5 Daily user sending limit exceeded" in campaign.told
    assert campaign.states == {"accepted": accepted, "waiting": 600 - accepted}
    campaign.finishes(accepted=600 - accepted)
    assert campaign.states == {"accepted": 600}


@pytest.mark.parametrize(
    "said", [b"550 5.7.1 not allowed to send as this sender\r\n", b"550 go away\r\n", b"530 5.7.0 log in first\r\n"]
)
def test_a_refusal_of_the_sender_stops_the_run_with_everybody_waiting(campaign: Campaign, said: bytes) -> None:
    with Faulty(says=always(said, at="mail")) as server:
        sent = campaign.send(server)
    assert sent.exit_code == 2
    assert said.decode().strip() in campaign.told
    assert campaign.states == {"waiting": ACTIVE}
    assert campaign.attempts(ADA) == 0
    campaign.finishes(accepted=ACTIVE)


@pytest.mark.parametrize(
    ("step", "fault"),
    [("auth", b"535 5.7.8 wrong\r\n"), ("ehlo", b"550 5.7.1 not you\r\n"), ("banner", b"554 no service for you\r\n")],
)
def test_a_server_that_shuts_us_out_stops_the_run_with_everybody_waiting(
    campaign: Campaign, step: str, fault: bytes
) -> None:
    def says(at: str, talk: Talk) -> bytes | None:  # the very first connection is the one before the freeze
        return fault if at == step and talk.server.connections > 1 else None

    with Faulty(says=says, offers=("AUTH PLAIN",)) as server:
        sent = campaign.send(server, username="weekly", password="secret")
        assert server.connections == 2
    assert sent.exit_code == 2
    assert fault.decode().strip() in campaign.told
    assert campaign.states == {"waiting": ACTIVE}
    campaign.finishes(accepted=ACTIVE)


# Policies.


@pytest.mark.parametrize("at", ["rcpt", "dot"])
def test_a_policy_against_one_recipient_blames_nobody_and_stops_nobody(campaign: Campaign, at: str) -> None:
    with Faulty(says=to({HANA: POLICY}, at=at)) as server:
        sent = campaign.send(server)
        assert HANA not in server.reached
    assert sent.exit_code == 0
    assert campaign.states == {"accepted": ACTIVE - 1, "deferred": 1}


def test_policies_of_one_domain_alone_stop_nobody(campaign: Campaign) -> None:
    add_subscribers(campaign.project, 30)

    def says(step: str, talk: Talk) -> bytes | None:
        return POLICY if step == "rcpt" and talk.recipient.endswith("@example.net") else None

    with Faulty(says=says) as server:
        sent = campaign.send(server, connections="1")
    assert sent.exit_code == 0
    assert campaign.states == {"accepted": ACTIVE, "deferred": 30}


@pytest.mark.parametrize("said", [POLICY, b"554 5.7.26 unauthenticated\r\n", b"550 5.1.8 sender unknown\r\n"])
def test_policies_of_three_domains_in_a_row_stop_the_run_with_everybody_waiting(
    campaign: Campaign, said: bytes
) -> None:
    taken = 5

    def says(step: str, talk: Talk) -> bytes | None:
        return said if step == "rcpt" and len(talk.server.accepted) >= taken else None

    with Faulty(says=says) as server:
        sent = campaign.send(server, connections="1")
        assert sum(command.startswith(b"RCPT") for command in server.commands) == taken + 3
    assert sent.exit_code == 2
    assert said.decode().strip() in campaign.told
    assert campaign.states == {"accepted": taken, "waiting": ACTIVE - taken}
    campaign.finishes(accepted=ACTIVE - taken)


# Connections.


@pytest.mark.parametrize(
    "said",
    [b"421 4.7.0 Too many messages in this session\r\n", b"452 4.7.0 Too many messages in this session\r\n", b""],
)
@pytest.mark.parametrize("connections", ["1", "4"])
def test_a_server_that_takes_few_messages_a_connection_is_reconnected(
    campaign: Campaign, said: bytes, connections: str
) -> None:
    def says(step: str, talk: Talk) -> bytes | None:
        if step != "mail" or talk.accepted < 2:
            return None
        return said or talk.hang_up()

    with Faulty(says=says) as server:
        sent = campaign.send(server, connections=connections)
        assert sorted(server.reached) == sorted(set(server.reached))
    assert sent.exit_code == 0, sent.output
    assert campaign.states == {"accepted": ACTIVE}
    assert campaign.attempts(ADA) == 1


@pytest.mark.parametrize("at", ["rcpt", "data", "dot"])
def test_a_connection_that_is_closed_after_the_recipient_was_named_costs_no_attempt(
    campaign: Campaign, at: str
) -> None:
    closed: list[str] = []

    def says(step: str, talk: Talk) -> bytes | None:
        if step != at or talk.recipient in closed or talk.recipient not in (ADA, BJORN, HANA):
            return None
        closed.append(talk.recipient)
        return b"421 4.3.2 restarting\r\n"

    with Faulty(says=says) as server:
        sent = campaign.send(server)
    assert sent.exit_code == 0, sent.output
    assert campaign.states == {"accepted": ACTIVE}
    assert campaign.attempts(ADA) == 1


@pytest.mark.parametrize("at", ["banner", "ehlo", "mail"])
@pytest.mark.parametrize(
    "said", [b"421 4.7.0 Too many connections\r\n", b"452 busy\r\n", b"554 too many connections\r\n"]
)
def test_a_server_that_takes_fewer_connections_is_sent_everything_over_those(
    campaign: Campaign, at: str, said: bytes
) -> None:
    add_subscribers(campaign.project, 200)  # more than one lane claims at once

    def says(step: str, talk: Talk) -> bytes | None:
        return said if step == at and talk.number > 2 else None

    with Faulty(says=says) as server:
        sent = campaign.send(server, connections="4")
        assert sorted(server.reached) == sorted(set(server.reached))
    assert sent.exit_code == 0, sent.output
    assert campaign.states == {"accepted": ACTIVE + 200}


@pytest.mark.parametrize("at", ["mail", "rcpt", "dot"])
def test_a_server_that_closes_every_connection_ends_the_run_with_everybody_waiting(campaign: Campaign, at: str) -> None:
    with Faulty(says=always(b"421 4.3.2 not now\r\n", at=at)) as server:
        sent = campaign.send(server)
        assert server.connections <= 4 * (len(lanes.RECONNECT) + 1)
    assert sent.exit_code == 2
    assert "lasts for one message" in sent.stderr
    assert "421 4.3.2 not now" in campaign.told
    assert campaign.states == {"waiting": ACTIVE}
    assert campaign.attempts(ADA) == 0
    campaign.finishes(accepted=ACTIVE)


def test_a_server_that_never_answers_the_dot_ends_the_run_before_it_has_mailed_everybody(campaign: Campaign) -> None:
    with Faulty(says=lambda step, talk: talk.hang_up() if step == "dot" else None) as server:
        sent = campaign.send(server, connections="1")
        dots = server.connections - 1  # the first is the one before the freeze
    assert sent.exit_code == 2
    assert dots == len(lanes.RECONNECT) + 1
    doubted = json.loads(run("audit", "--json", project=campaign.project).stdout)[0]["ever_in_doubt"]
    assert len(doubted) == dots


def test_a_message_that_loses_every_connection_is_deferred_and_the_others_go_on(campaign: Campaign) -> None:
    def says(step: str, talk: Talk) -> bytes | None:
        return talk.hang_up() if step == "data" and talk.recipient == HANA else None

    with Faulty(says=says) as server:
        sent = campaign.send(server, connections="1")
    assert sent.exit_code == 0, sent.output
    assert campaign.states == {"accepted": ACTIVE - 1, "deferred": 1}


@pytest.mark.parametrize(
    ("offers", "takes"), [(("SIZE 1000",), r" bytes and \S+ \(none\) takes 1,000;"), (("SIZE",), " bytes;")]
)
def test_a_letter_that_is_too_large_for_the_server_refuses_nobody_and_says_how_large_it_is(
    campaign: Campaign, offers: tuple[str, ...], takes: str
) -> None:
    says = always(b"552 5.3.4 Message size exceeds fixed limit\r\n", at="mail")
    with Faulty(says=says, offers=offers) as server:
        sent = campaign.send(server)
    assert sent.exit_code == 2
    assert campaign.states == {"waiting": ACTIVE}
    assert re.search(
        r"the message has \d\d,\d{3}" + takes + " raise the server's limit", " ".join(campaign.told.split())
    )
    campaign.finishes(accepted=ACTIVE)


def test_a_letter_found_too_large_when_it_is_there_refuses_nobody(campaign: Campaign) -> None:
    with Faulty(says=always(b"552 5.3.4 Message too big for system\r\n", at="dot")) as server:
        sent = campaign.send(server)
    assert sent.exit_code == 2
    assert campaign.states == {"waiting": ACTIVE}
    campaign.finishes(accepted=ACTIVE)


# The message.


def test_a_refusal_of_smtputf8_at_mail_is_about_that_message_alone(campaign: Campaign) -> None:
    project = Project(campaign.project)
    with project.database.write() as connection:
        post_mail(connection, "zoë@cafedesquais.example", now=datetime.fromisoformat(NOW))

    def says(step: str, talk: Talk) -> bytes | None:
        return b"553 5.6.7 no\r\n" if step == "mail" and b"SMTPUTF8" in talk.server.commands[-1] else None

    with Faulty(says=says, offers=("SMTPUTF8",)) as server:
        sent = campaign.send(server, connections="1")
        assert any(b"SMTPUTF8" in command for command in server.commands)
    assert sent.exit_code == 0, sent.output
    assert campaign.states == {"accepted": ACTIVE}
    assert outbox.ledger(project.database).counts() == {"refused": 1}
    project.close()


def test_a_letter_that_is_too_large_for_one_recipient_is_refused_for_that_one(campaign: Campaign) -> None:
    with Faulty(says=to({HANA: b"552 5.3.4 too big for this mailbox\r\n", BJORN: UNKNOWN})) as server:
        sent = campaign.send(server)
        assert all(HANA not in str(message_from_bytes(data)["to"]) for data in server.accepted)
    assert sent.exit_code == 1
    assert campaign.states == {"accepted": ACTIVE - 2, "refused": 2}
