"""DKIM: what is signed verifies by another implementation, and nothing of it can be changed or added to."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import dkim
import pytest
from hypothesis import given, strategies as st

from newsletter.backends.dkim import ONCE, SIGNED, Signer, dns_record, in_strings, load_signer, make_key
from newsletter.errors import SettingsError
from newsletter.letter import Blank, encode, token_of
from newsletter.sending import addressing
from tests.command_line import ACTIVE, demo, mails, run
from tests.conftest import IDENTITY, NONCE
from tests.smtp_servers import Received, serving
from tests.times import NOW

DOMAIN, SELECTOR = "example.org", "weekly"


@pytest.fixture(scope="module", params=["rsa", "ed25519"])
def key_file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("dkim") / "dkim.key"
    make_key(file, kind=request.param)
    return file


@pytest.fixture(scope="module")
def signer(key_file: Path) -> Signer:
    return load_signer(key_file, domain=DOMAIN, selector=SELECTOR)


@pytest.fixture(scope="module")
def verifies(key_file: Path) -> Callable[[bytes], bool]:
    return verifier(dns_record(key_file))


def verifier(record: str, name: str = f"{SELECTOR}._domainkey.{DOMAIN}") -> Callable[[bytes], bool]:
    def txt(asked: bytes, timeout: int = 5) -> bytes:
        assert asked.decode().rstrip(".") == name
        return record.encode()

    def verifies(data: bytes) -> bool:
        try:
            return bool(dkim.verify(data, dnsfunc=txt))
        except dkim.DKIMException:
            return False

    return verifies


def message(*, body: str = "<p>Hello</p>", text: str = "Hello", subject: str = "The week", name: str = "Ada") -> bytes:
    link = f"https://news.example.org/unsubscribe/{token_of(NONCE, 0)}"
    letter = encode(
        f"<html><body>{body} <a href='{link}'>leave</a></body></html>",
        f"{text}\n{link}\n",
        subject=subject,
        identity=IDENTITY,
        nonce=NONCE,
        blanks=(Blank("unsubscribe_token"),),
    )
    found = addressing.of_issue(
        letter, address="ada@example.net", name=name, token="t" * 43, recipient="r" * 32, slot_key="2026-W47",
        list_id="weekly.example.org", at=NOW,
    )  # fmt: skip
    return found.data


def test_what_is_signed_verifies_and_is_the_same_message_every_time(
    signer: Signer, verifies: Callable[[bytes], bool]
) -> None:
    data = message(subject="Die Woche im Überblick: " + "Pfützen " * 20, name="Zoë Noël")
    signed = signer.sign(data)
    assert signed.endswith(data)
    assert signed == signer.sign(data)
    assert verifies(signed)
    assert not verifies(data)
    assert max(map(len, signed.split(b"\r\n"))) <= 998
    assert max(map(len, signed[: -len(data)].split(b"\r\n"))) <= 78


@given(
    body=st.text(alphabet="ab \t\n<>é=.", max_size=200),
    text=st.text(alphabet="ab \t\n.-é", max_size=200),
    subject=st.text(alphabet="ab é:;=", min_size=1, max_size=60).filter(lambda text: text.strip()),
)
def test_any_letter_verifies(
    signer: Signer, verifies: Callable[[bytes], bool], body: str, text: str, subject: str
) -> None:
    assert verifies(signer.sign(message(body=body, text=text, subject=subject)))


@pytest.mark.parametrize("body", ["", "\r\n", "a", "a \r\n", "a\t b  c\r\n\r\n\r\n", " \r\n\r\n", "a\r\n b\r\n"])
def test_a_body_is_read_as_the_standard_has_it(signer: Signer, verifies: Callable[[bytes], bool], body: str) -> None:
    head = b"From: a@example.org\r\nTo: b@example.net\r\nSubject: x\r\n"
    assert verifies(signer.sign(head + b"\r\n" + body.encode()))


def test_nothing_of_it_can_be_changed_taken_out_or_added(signer: Signer, verifies: Callable[[bytes], bool]) -> None:
    signed = signer.sign(message())
    names = [
        line.partition(b":")[0].decode() for line in signed.split(b"\r\n\r\n")[0].split(b"\r\n") if line[:1] > b" "
    ]
    assert {"List-Unsubscribe", "List-Unsubscribe-Post", "List-Id"} <= set(names)
    for name in names:
        if name.lower() in SIGNED:
            start = signed.index(f"\r\n{name}: ".encode())
            assert not verifies(signed[:start] + signed[signed.index(b"\r\n", start + 2) :]), f"{name} can be taken out"
    for name in ONCE:
        assert not verifies(f"{name}: another@evil.example\r\n".encode() + signed), f"a second {name} can be added"
        at = signed.index(b"\r\nMIME-Version")
        assert not verifies(signed[:at] + f"\r\n{name}: x".encode() + signed[at:])
    assert not verifies(signed.replace(b"Hello", b"Jello"))
    assert verifies(b"Received: from a relay\r\n" + signed), "a relay may add its trace"


def test_the_record_fits_the_dns(key_file: Path) -> None:
    record = dns_record(key_file)
    strings = in_strings(record)
    assert "".join(strings.strip('"').split('" "')) == record
    assert all(len(one) <= 255 for one in strings.strip('"').split('" "'))
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        make_key(key_file, kind="rsa")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "is not there; `newsletter dkim new` makes it"),
        (b"", "holds no private key in PEM"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "holds no private key in PEM"),
    ],
)
def test_a_key_that_cannot_be_used_is_refused_in_a_sentence(
    tmp_path: Path, content: bytes | None, sentence: str
) -> None:
    file = tmp_path / "dkim.key"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match=sentence):
        load_signer(file, domain=DOMAIN, selector=SELECTOR)


def test_a_short_key_and_one_of_another_kind_are_refused(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    for key, sentence in (
        (rsa.generate_private_key(public_exponent=65537, key_size=1024), "has 1024 bits"),
        (ec.generate_private_key(ec.SECP256R1()), "neither an RSA nor an Ed25519 key"),
    ):
        file = tmp_path / "dkim.key"
        pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        file.write_bytes(key.private_bytes(pem, form, serialization.NoEncryption()))
        with pytest.raises(SettingsError, match=sentence):
            load_signer(file, domain=DOMAIN, selector=SELECTOR)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Received]:
    with serving() as received:
        for name, value in {
            "KIND": "smtp",
            "HOST": "127.0.0.1",
            "PORT": str(received.port),
            "SECURITY": "none",
        }.items():
            monkeypatch.setenv(f"NEWSLETTER_BACKEND__{name}", value)
        yield received


@pytest.mark.parametrize("kind", [(), ("--ed25519",)])
def test_a_project_signs_what_it_sends_once_it_is_told_to(
    tmp_path: Path, server: Received, kind: tuple[str, ...]
) -> None:
    project = demo(tmp_path, "pulled")
    made = json.loads(run("dkim", "new", *kind, "--json", project=project).stdout)
    assert made["name"] == "weekly._domainkey.tramlight.example"
    assert made["value"] in made["zone"].replace('" "', "")
    again = run("dkim", "new", project=project)
    assert (again.exit_code, "is there already" in again.stderr) == (2, True)
    with (project / "newsletter.toml").open("a") as file:
        file.write("\n" + made["settings"])
    assert json.loads(run("dkim", "show", "--json", project=project).stdout) == {**made, "settings": ""}
    verifies = verifier(made["value"], made["name"])
    copied = run("send", "--to", "you@example.org", project=project)
    assert copied.exit_code == 0, copied.output
    assert run("send", "--yes", project=project).exit_code == 0
    assert len(server.data) == ACTIVE + 1
    assert all(map(verifies, server.data))
    assert "signs for tramlight.example as weekly._domainkey" in run("doctor", project=project).stdout
    assert run("audit", project=project).exit_code == 0


def test_without_its_key_nothing_is_sent_and_a_foreign_domain_is_refused(tmp_path: Path) -> None:
    project = demo(tmp_path)
    file = project / "newsletter.toml"
    before = file.read_text()
    file.write_text(before + '\n[dkim]\ndomain = "tramlight.example"\n')
    sent = run("send", "--yes", project=project)
    assert (sent.exit_code, "`newsletter dkim new` makes it" in sent.stderr) == (2, True)
    assert mails(project) == []
    file.write_text(before + '\n[dkim]\ndomain = "elsewhere.example"\n')
    sent = run("send", "--yes", project=project)
    assert (sent.exit_code, "is neither the sender's (tramlight.example) nor one above it" in sent.stderr) == (2, True)
