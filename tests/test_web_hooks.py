"""Hooks of a CMS over real HTTP: who is believed, what is pulled then, and that it happens once."""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from newsletter.app import Project
from newsletter.errors import SettingsError
from newsletter.web.hooks import LONGEST_BODY, load_secret
from newsletter.web.signature import UNREADABLE, UNSIGNED, UNTIMELY, WRONG, BadSignature, Secret, read_claim
from tests.command_line import run
from tests.hook_samples import (
    ALL,
    GHOST,
    GHOST_BODY,
    GHOST_TIME,
    KEY,
    SECRET,
    SITE,
    VECTOR,
    VECTOR_BODY,
    Cms,
    hooked,
    message,
    signature,
)
from tests.projects import make_project
from tests.times import NOW, Clock
from tests.web_project import served


@pytest.fixture
def project(tmp_path: Path, clock: Clock) -> Project:
    return hooked(tmp_path / "project", clock=clock)


@pytest.fixture
def cms(project: Project, clock: Clock) -> Iterator[Cms]:
    pulled: list[list[str]] = []

    def pull(names: Collection[str]) -> None:
        pulled.append(list(names))

    with served(project, pull=pull) as client:
        yield Cms(client, clock, pulled)


# Who is believed


def test_the_vector_of_the_standard_and_that_of_ghost_are_right() -> None:
    secret = Secret.parse(SECRET)
    read_claim(VECTOR, secret=secret, now=datetime.fromtimestamp(1614265330, UTC)).verify(VECTOR_BODY)
    read_claim(GHOST, secret=secret, now=GHOST_TIME).verify(GHOST_BODY)
    for headers, body, now in ((VECTOR, VECTOR_BODY, 1614265330), (GHOST, GHOST_BODY, 1795673000)):
        claim = read_claim(headers, secret=secret, now=datetime.fromtimestamp(now, UTC))
        with pytest.raises(BadSignature, match="not made with our secret"):
            claim.verify(body + b" ")


def test_a_secret_and_what_is_computed_with_it_show_themselves_nowhere() -> None:
    secret = Secret.parse(SECRET)
    claim = read_claim(GHOST, secret=secret, now=GHOST_TIME)
    for shown in (repr(secret), repr(claim)):
        assert SECRET not in shown
        assert repr(KEY) not in shown


def test_a_signed_hook_pulls_the_source_it_names(cms: Cms) -> None:
    answer = cms.publish({"type": "published", "data": {"source": "guides"}})
    assert (answer.status, message(answer)) == (202, "Understood: guides will be read now.")
    assert cms.pulled == [["guides"]]


def test_a_hook_of_ghost_pulls_the_source_of_its_post(cms: Cms, clock: Clock) -> None:
    clock.time = GHOST_TIME
    assert cms.send(GHOST_BODY, GHOST).status == 202
    assert cms.send(GHOST_BODY, GHOST).status == 202  # Ghost repeats one that was answered too late
    assert cms.pulled == [["site"]]


def test_one_right_signature_among_several_will_do(cms: Cms, clock: Clock) -> None:
    time = str(int(clock().timestamp()))
    body = b'{"type": "published"}'
    several = " ".join(
        (signature("m", time, body, key=b"old"), "v1a,c29tZXRoaW5n", signature("m", time, body), "v2,new")
    )
    assert cms.publish(body, name="m", webhook_signature=several).status == 202
    assert len(cms.pulled) == 1


def forged(**headers: str) -> Mapping[str, str]:
    return headers


REFUSED = {
    "another secret": (forged(webhook_signature=signature("msg_1", "1795068000", b"{}", key=b"x" * 24)), WRONG),
    "another id": (forged(webhook_id="msg_2"), WRONG),
    "a time changed": (forged(webhook_timestamp="1795068001"), WRONG),
    "an id that runs into the time": (forged(webhook_id="msg_1.1795068000"), WRONG),
    "no id": (forged(webhook_id=""), UNSIGNED),
    "no time": (forged(webhook_timestamp=""), UNSIGNED),
    "no signature": (forged(webhook_signature=""), UNREADABLE),
    "a signature of the time to come": (forged(webhook_signature="v2,AAAA"), UNREADABLE),
    "a signature that is no base64": (forged(webhook_signature="v1,é*"), UNREADABLE),
    "a time that is no number": (forged(webhook_timestamp="1_795_068_000"), UNREADABLE),
    "a time in other digits": (forged(webhook_timestamp="yesterday"), UNREADABLE),
    "five minutes late": (forged(webhook_timestamp=str(1795068000 - 301)), UNTIMELY),
    "five minutes early": (forged(webhook_timestamp=str(1795068000 + 301)), UNTIMELY),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_hook_that_is_not_rightly_signed_is_refused_and_pulls_nothing(cms: Cms, what: str) -> None:
    assert int(NOW.timestamp()) == 1795068000
    headers, sentence = REFUSED[what]
    answer = cms.publish({"type": "published", "data": {"source": "nowhere"}}, **headers)
    assert (answer.status, message(answer)) == (403, sentence)
    assert cms.pulled == []


def test_a_hook_without_any_header_or_with_a_wrong_one_of_ghost_is_refused(cms: Cms, clock: Clock) -> None:
    assert message(cms.send(b"{}", {})) == UNSIGNED
    assert message(cms.send(b"{}", {"x-ghost-signature": "sha256=abc, t=1"})) == UNREADABLE
    assert message(cms.send(GHOST_BODY, GHOST)) == UNTIMELY  # it is older than a minute more than five
    clock.time = GHOST_TIME
    assert message(cms.send(GHOST_BODY.replace(b"ferry", b"fairy"), GHOST)) == WRONG
    unstamped = hmac.new(SECRET.encode(), GHOST_BODY, hashlib.sha256).hexdigest()  # as Ghost before 5.87.1
    assert message(cms.send(GHOST_BODY, {"x-ghost-signature": f"sha256={unstamped}, t=1795673000123"})) == WRONG
    assert cms.pulled == []


def test_a_hook_replayed_is_answered_alike_and_pulls_once(cms: Cms, clock: Clock) -> None:
    first = cms.publish(name="msg_7")
    clock.forward(timedelta(minutes=4))
    # The same headers, and a new signature under the same id.
    again = cms.publish(name="msg_7")
    assert (first.status, first.body) == (again.status, again.body) == (202, first.body)
    assert len(cms.pulled) == 1
    assert cms.publish(name="msg_8").status == 202
    assert len(cms.pulled) == 2


def test_a_hook_is_remembered_for_as_long_as_its_signature_is_good(cms: Cms, clock: Clock) -> None:
    body, ahead = b"{}", str(int(clock().timestamp()) + 300)  # the clock of its sender is five minutes fast
    headers = {"webhook-id": "m", "webhook-timestamp": ahead, "webhook-signature": signature("m", ahead, body)}
    for minutes, status in ((0, 202), (9, 202), (2, 403)):
        clock.forward(timedelta(minutes=minutes))
        assert (minutes, cms.send(body, headers).status) == (minutes, status)
    assert len(cms.pulled) == 1
    assert cms.publish(name="m").status == 202  # nothing is kept for ever, so the id is a new one
    assert len(cms.pulled) == 2


def test_a_body_too_long_is_refused_and_that_of_a_long_article_is_not(cms: Cms) -> None:
    answer = cms.publish(b'{"html": "' + b"x" * LONGEST_BODY + b'"}')
    assert (answer.status, "512 KB" in message(answer)) == (413, True)
    assert cms.pulled == []
    assert cms.publish(b'{"html": "' + b"x" * (LONGEST_BODY - 100) + b'"}').status == 202


def test_only_a_post_does_anything(cms: Cms, clock: Clock) -> None:
    body, time = b'{"type": "published"}', str(int(clock().timestamp()))
    headers = {"webhook-id": "m", "webhook-timestamp": time, "webhook-signature": signature("m", time, body)}
    for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"):
        answer = cms.client.ask(method, "/hooks/published", body, headers)
        assert (method, answer.status, answer.headers.get("allow")) == (method, 405, "POST")
    assert cms.pulled == []
    assert cms.send(body, headers).status == 202  # the very same, as a POST


def test_the_log_has_each_reason_once_an_hour(cms: Cms, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(20):
        cms.send(b"{}", {})
        cms.publish(webhook_id="another")
    refusals = [record.getMessage() for record in caplog.records if record.name == "newsletter.web.hooks"]
    assert len(refusals) == 2
    clock.forward(timedelta(hours=1))
    cms.send(b"{}", {})
    assert sum(record.name == "newsletter.web.hooks" for record in caplog.records) == 3


# What is pulled

ABOUT = {
    "nothing": ({}, ALL),
    "an address on its host": ({"data": {"url": "https://marquee.example/ferry?x=1#y"}}, ["site"]),
    "an address on the host of one of its pages": ({"data": {"url": "https://guides.marquee.example/x"}}, ["guides"]),
    "an address elsewhere on its site": ({"data": {"url": "https://new.guides.marquee.example/x"}}, ["site", "guides"]),
    "an address of another site": ({"data": {"url": "https://elsewhere.example/ferry"}}, ALL),
    "an address that is none": ({"data": {"url": "javascript:alert(1)"}}, ALL),
    "a name and an address": ({"data": {"source": "notes", "url": f"{SITE}/a"}}, ["notes"]),
    "data of another shape": ({"data": ["site"], "post": "x", "page": {"current": None}}, ALL),
    "a page of Ghost": ({"page": {"current": {"url": "https://guides.marquee.example/about/"}}}, ["guides"]),
}


@pytest.mark.parametrize("what", ABOUT)
def test_the_sources_a_hook_is_about(cms: Cms, what: str) -> None:
    body, names = ABOUT[what]
    assert cms.publish(body).status == 202
    assert [sorted(one) for one in cms.pulled] == [sorted(names)]


MISUNDERSTOOD = {
    "no JSON": (b"<xml/>", "JSON object"),
    "no object": (b"[1]", "JSON object"),
    "no text": (b"\xff\xfe\x00", "JSON object"),
    "nested too deeply": (b'{"a":' * 100_000, "JSON object"),
    "another type": (b'{"type": "deleted"}', '"published"'),
    "an unknown source": (b'{"data": {"source": "sight"}}', 'no source "sight" here; the sources are: site, guides, notes.'),
}  # fmt: skip


@pytest.mark.parametrize("what", MISUNDERSTOOD)
def test_a_signed_hook_that_makes_no_sense_is_told_why(cms: Cms, what: str) -> None:
    body, says = MISUNDERSTOOD[what]
    answer = cms.publish(body)
    assert answer.status == 422
    assert says in message(answer)
    assert cms.pulled == []


def test_without_a_secret_there_are_no_hooks(tmp_path: Path, clock: Clock) -> None:
    project = make_project(tmp_path / "p", clock=clock)
    with served(project) as client:
        for method in ("POST", "GET"):
            assert client.ask(method, "/hooks/published", b"{}").status == 404
        assert "/hooks/published" not in client.get("/openapi.json").text


def test_the_description_for_programs_names_the_hook(cms: Cms) -> None:
    described = json.loads(cms.client.get("/openapi.json").body)["paths"]["/hooks/published"]
    assert list(described) == ["post"]
    assert "202" in described["post"]["responses"]


BAD_SECRETS = ("", "correct horse battery staple", "whsec_c2hvcnQ=", KEY.hex(), "whsec_*", "whsec_é")


@pytest.mark.parametrize("text", BAD_SECRETS)
def test_a_secret_that_is_none_says_how_to_make_one(tmp_path: Path, text: str) -> None:
    (tmp_path / "hook-secret").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=r"hook_secret_file .* holds no secret.* make one with: echo \"whsec_\$"):
        load_secret(tmp_path / "hook-secret")


def test_the_line_that_makes_a_secret_makes_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"cannot be read \(No such file or directory\)") as told:
        load_secret(tmp_path / "hook-secret")
    subprocess.run(["bash", "-c", str(told.value).partition("make one with: ")[2]], check=True)
    assert load_secret(tmp_path / "hook-secret")


def test_a_missing_secret_is_told_and_people_can_still_leave(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    project = hooked(tmp_path / "project", clock=clock)
    (project.root / "hook-secret").unlink()
    with served(project) as client:
        assert "hooks are refused until this is put right: [web] hook_secret_file" in caplog.text
        answer = Cms(client, clock).publish()
        assert (answer.status, "set up wrongly" in message(answer)) == (503, True)
        assert client.get("/unsubscribe").status == 200


def test_the_doctor_looks_at_the_secret(project: Project) -> None:
    def sign() -> dict[str, str]:
        checks = json.loads(run("doctor", "--json", project=project.root).stdout)["checks"]
        return next(one for one in checks if one["check"] == "hooks")

    assert sign()["level"] == "ok"
    (project.root / "hook-secret").chmod(0o644)
    assert (sign()["level"], "can be read by others" in sign()["text"]) == ("warn", True)
    (project.root / "hook-secret").unlink()
    assert sign()["level"] == "fail"
