"""`newsletter.toml`, `.env` and the environment: every key of the contract, and one clear sentence for everything else."""

from __future__ import annotations

import contextlib
import os
import re
import tomllib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings as hypothesis_settings, strategies

from newsletter import backends
from newsletter.app import Project
from newsletter.demo import SETTINGS
from newsletter.errors import ConfigurationError, SettingsError
from newsletter.issue import Article
from newsletter.settings import Settings, load
from tests.projects import make_project
from tests.times import NOW, Clock

HEAD = '[newsletter]\nfrom = "Marquee <weekly@marquee.example>"\npublic_url = "https://news.marquee.example"\n'

# The first contract of newsletter.toml, word by word: a value that works today, or LATER for what must be refused.
LATER = object()
CONTRACT: dict[str, dict[str, Any]] = {
    "newsletter": {
        "name": '"Marquee Weekly"',
        "tagline": '"Our weekly highlights"',
        "from": '"Marquee <weekly@marquee.example>"',
        "reply_to": '"editors@marquee.example"',
        "editors": '["editor@marquee.example"]',
        "language": '"pt-BR"',
        "timezone": '"Asia/Manila"',
        "public_url": '"https://news.marquee.example"',
        "postal_address": '"Marquee Media, 12 Harbour Street"',
        "list_id": '"weekly.marquee.example"',
        "key_file": '"keys/newsletter.key"',
    },
    "schedule": {"day": '"friday"', "time": '"18:30"', "grace": '"6h"', "review": '"0s"', "approval": '"auto"'},
    "sources": {
        "name": '"site"',
        "kind": '"feed"',
        "url": '"https://www.marquee.example/feed.xml"',
        "weight": "2.5",
        "sections": '["highlights"]',
        "timezone": '"Asia/Manila"',
        "date_order": '"dmy"',
    },
    "sections": {
        "name": '"highlights"',
        "title": '"Entertainment guides"',
        "pick": "4",
        "min": "1",
        "match": '{ category = ["TV"], tag = "drama", url_prefix = "/guides", title = "guide|how to", source = ["site"],'
        ' not = { tag = ["no-newsletter"] } }',
        "order": '"latest"',
        "fixed": "true",
        "if_thin": '"merge"',
    },
    "issue": {
        "subject": '"{{ lead.title }}"',
        "min": "2",
        "when_thin": '"send"',
        "max_age": '"10d"',
        "deny": '{ tag = ["no-newsletter"], title = "^live:" }',
        "utm": '{ utm_source = "newsletter" }',
    },
    "theme": {
        "look": '"weekly"',
        "brand": '"Marquee"',
        "logo": '"https://www.marquee.example/logo.png"',
        "colours": '{ link = "#8a1f2b" }',
        "fonts": "{ heading = \"Georgia, 'Times New Roman', serif\" }",
        "social": '[{ name = "Mastodon", url = "https://social.example/@marquee" }]',
        "images": '"lead"',
    },
    "backend": {
        "kind": '"smtp"',
        "host": '"smtp.marquee.example"',
        "port": "465",
        "security": '"tls"',
        "username": '"weekly"',
        "password_file": '"smtp-password"',
        "connections": "4",
    },
    "pace": {"rate": "20", "per_domain": LATER, "hours": LATER, "warmup": LATER, "expire": '"24h"'},
    "sending": {"on_doubt": '"hold"', "bounce_domain": LATER},
    "dkim": {"domain": '""', "selector": '"weekly"', "key_file": '"dkim.key"'},
    "web": {
        "trusted_proxies": '["127.0.0.1", "10.0.0.0/8"]',
        "allow_origins": '["https://www.marquee.example"]',
        "allow_hosts": '["localhost"]',
    },
    "hooks": {"url": LATER, "secret_file": LATER, "on": LATER},
    "database": {"url": '"sqlite:///newsletter.db"'},
}
ARRAYS = {"sources", "sections", "hooks"}
ACCEPTED = [(table, key) for table, keys in CONTRACT.items() for key, value in keys.items() if value is not LATER]
REFUSED = [(table, key) for table, keys in CONTRACT.items() for key, value in keys.items() if value is LATER]


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith("NEWSLETTER_"):
            monkeypatch.delenv(name)


Written = Callable[..., Settings]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """The settings of a project with this `newsletter.toml` and `.env`."""

    def write(text: str = "", *, head: str = HEAD, env: str | bytes = "") -> Settings:
        (tmp_path / "newsletter.toml").write_text(head + text, encoding="utf-8")
        (tmp_path / ".env").write_bytes(env.encode() if isinstance(env, str) else env)
        return load(tmp_path)

    return write


def refusal(write: Callable[[], Settings]) -> str:
    with pytest.raises(SettingsError) as refused:
        write()
    said = str(refused.value)
    assert said.strip()
    assert "\n" not in said
    assert refused.value.exit_code == 2
    return said


def whole(contract: dict[str, dict[str, Any]]) -> str:
    lines = []
    for table, keys in contract.items():
        lines.append(f"[[{table}]]" if table in ARRAYS else f"[{table}]")
        lines += [f"{key} = {value}" for key, value in keys.items() if value is not LATER]
    return "\n".join(lines)


# Every key of the contract.


def test_a_project_with_every_key_that_works_is_read_and_can_be_used(written: Written, tmp_path: Path) -> None:
    today = {table: keys for table, keys in CONTRACT.items() if table not in ("dkim", "hooks")}
    settings = written(whole(today), head="")
    assert settings.schedule.grace == timedelta(hours=6)
    assert settings.sections[0].match.tag == ("drama",)
    assert settings.issue.max_age == timedelta(days=10)
    assert settings.theme.social[0].name == "Mastodon"
    project = Project(tmp_path)
    assert project.backend().where == "smtp.marquee.example:465 (tls)"
    assert project.sources[0].name == "site"
    assert project.theme.images == "lead"


@pytest.mark.parametrize(("table", "key"), ACCEPTED)
def test_every_key_that_works_is_accepted_by_itself(written: Written, table: str, key: str) -> None:
    needed = {"sources": ["name"], "sections": ["name"], "newsletter": ["from", "public_url"]}.get(table, [])
    keys = {one: CONTRACT[table][one] for one in dict.fromkeys([*needed, key])}
    settings = written(whole({table: keys}), head="" if table == "newsletter" else HEAD)
    assert settings is not None


@pytest.mark.parametrize(("table", "key"), REFUSED)
def test_every_key_whose_room_comes_later_is_refused_by_name(written: Written, table: str, key: str) -> None:
    said = refusal(lambda: written(whole({table: {key: '"x"'}})))
    assert table in said
    assert table in {"dkim", "hooks"} or key in said
    assert "comes with a later version" in said


@pytest.mark.parametrize(("table", "key"), REFUSED)
def test_the_environment_cannot_smuggle_it_in_either(
    written: Written, monkeypatch: pytest.MonkeyPatch, table: str, key: str
) -> None:
    variable = f"NEWSLETTER_{table}__{key}".upper()
    said = refusal(lambda: written(env=f"{variable}=x\n"))
    assert variable in said
    assert "later version" in said
    monkeypatch.setenv(variable, "x")
    assert "later version" in refusal(written)


@pytest.mark.parametrize(
    ("day", "clock", "zone", "named"),
    [
        ("thorsday", "09:00", "UTC", "thorsday"),
        ("", "09:00", "UTC", "[schedule] day"),
        ("monday", "24:00", "UTC", "24:00"),
        ("monday", "9:00", "UTC", "[schedule] time"),
        ("monday", "\u0660\u0669:\u0660\u0660", "UTC", "[schedule] time"),
        ("monday", "0\u0669:\u0660\u0660", "UTC", "[schedule] time"),
        ("monday", "09:00", "Europe/Atlantis", "Europe/Atlantis"),
        ("monday", "09:00", "../../etc/passwd", "[newsletter] timezone"),
        ("monday", "09:00", "Asia", "[newsletter] timezone"),
        ("monday", "09:00", "", "[newsletter] timezone"),
        ("monday", "09:00", "UTC\\u0000", "[newsletter]"),
    ],
)
def test_an_impossible_schedule_is_refused_by_a_sentence(
    written: Written, day: str, clock: str, zone: str, named: str
) -> None:
    text = f'timezone = "{zone}"\n[schedule]\nday = "{day}"\ntime = "{clock}"\n'
    assert named in refusal(lambda: written(text))


def test_a_day_is_read_in_any_case(written: Written) -> None:
    assert written('[schedule]\nday = "Thursday"\n').schedule.day == "thursday"


def test_the_demos_settings_are_settings(written: Written) -> None:
    assert written(SETTINGS, head="").newsletter.name == "Tramlight"


# Misspelt.


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("[schedul]\nday = 'monday'", "schedule"),
        ("[[source]]\nname = 'x'", "sources"),
        ("[theme]\ncolors = {}", "colours"),
        ("[theme.colours]\nlinks = '#000000'", "link"),
        ("[theme.dark]\nacent = '#000000'", "accent"),
        ("[theme.fonts]\nheadings = 'x'", "heading"),
        ("[[theme.social]]\nname = 'x'\nurl = 'https://x.example'\nurls = 'x'", "url"),
        ("[pace]\nrates = 5", "rate"),
        ("[sending]\non_doubts = 'hold'", "on_doubt"),
        ("[web]\nallow_origin = 'x'", "allow_origins"),
        ("[database]\nulr = 'x'", "url"),
        ("[issue]\nmaxage = '3d'", "max_age"),
        ("[[sections]]\nname = 'x'\ntitel = 'x'", "title"),
        ("[[sections]]\nname = 'x'\nmatch = { tags = 'x' }", "tag"),
        ("[schedule]\nday = 'thrusday'", "thursday"),
    ],
)
def test_a_misspelt_name_is_refused_with_the_nearest_that_exists(written: Written, text: str, meant: str) -> None:
    said = refusal(lambda: written(text))
    assert f'did you mean "{meant}"?' in said


@pytest.mark.parametrize("kind", ["smtp", "maildir", "console", "memory"])
def test_a_misspelt_key_of_a_backend_is_refused_with_the_nearest(written: Written, tmp_path: Path, kind: str) -> None:
    written(f'[backend]\nkind = "{kind}"\nhsot = "x"\nconections = 3\n')
    with pytest.raises(ConfigurationError, match=r"\[backend\]"):
        Project(tmp_path).backend()


def test_a_misspelt_kind_names_the_nearest(written: Written, tmp_path: Path) -> None:
    written('[backend]\nkind = "smpt"\nhost = "x"\n')
    with pytest.raises(SettingsError, match="smtp"):
        Project(tmp_path).backend()


@pytest.mark.parametrize("variable", ["NEWSLETTER_BAKEND__KIND", "newsletter_bakend__kind", "NEWSLETTER_BACKENDS"])
def test_a_misspelt_variable_is_refused_with_the_nearest(
    written: Written, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    assert "NEWSLETTER_BACKEND__" in refusal(lambda: written(env=f"{variable}=smtp\n"))
    monkeypatch.setenv(variable, "smtp")
    assert "NEWSLETTER_BACKEND__" in refusal(written)


@pytest.mark.parametrize(
    "stray",
    ["root", "_env_file", "_cli_parse_args", "_case_sensitive", "__pydantic_self__", "model_config", '""', "self"],
)
def test_a_stray_key_at_the_top_is_refused_and_changes_nothing_inside(written: Written, stray: str) -> None:
    assert "is not a setting" in refusal(lambda: written(head=f"{stray} = true\n{HEAD}"))


# Values that cannot be.


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[issue]\nmax_age = '0d'", "[issue] max_age has to be longer than nothing"),
        ("[issue]\nmax_age = '99999999999999d'", "[issue] max_age is a length of time"),
        ("[issue]\nmax_age = '900000d'", "[issue] max_age may be 3650 days at most"),
        ("[issue]\nmax_age = 14", "in quotes"),
        ("[pace]\nexpire = '0s'", "[pace] expire"),
        ("[pace]\nrate = nan", "[pace] rate"),
        ("[pace]\nrate = -1", "[pace] rate"),
        ("[pace]\nrate = 'fast'", "[pace] rate"),
        ("[schedule]\ntime = '7:00'", '"07:00"'),
        ("[schedule]\ntime = 07:00:00", "[schedule] time"),
        ("[theme]\nlook = '../../etc'", "[theme] look"),
        ("[theme.colours]\nlink = 'red; background: url(x)'", "#1a2b3c"),
        ("[theme.fonts]\nbody = 'x\"; color: red'", "[theme] fonts.body"),
        ("[theme]\nsocial = [{ name = 'x', url = 'javascript:alert(1)' }]", "https"),
        ("[[sections]]\nname = 'x'\nmatch = { title = '(' }", "regular expression"),
        ("[[sections]]\nname = 'x'\n[[sections]]\nname = 'x'", 'two tables named "x"'),
        ("[[sources]]\nname = 'a'\nsections = 'nowhere'", 'no section "nowhere"'),
        ("[[sources]]\nkind = 'feed'", "name is missing"),
        ("[sections]\nname = 'x'", "[[sections]] has to be a list"),
        ("[[issue]]\nmin = 3", "[issue] has to be a table"),
        ("[database]\nurl = 3", "[database] url"),
    ],
)
def test_an_impossible_value_is_named(written: Written, text: str, says: str) -> None:
    assert says in refusal(lambda: written(text))


@pytest.mark.parametrize(
    "line",
    [
        "timezone = 'Europe/Berln'",
        "timezone = 'Europe'",
        "timezone = '../../etc/passwd'",
        "timezone = ''",
        "language = 'English'",
        "reply_to = 'somebody'",
        "editors = ['a@marquee.example', 'b']",
        'list_id = "weekly.example\\nBcc: x"',
        'name = "a\\u0000b"',
        "name = ''",
        "postal_address = ['a', 'b']",
    ],
)
def test_what_the_newsletter_cannot_be_called_is_named(written: Written, line: str) -> None:
    assert f"[newsletter] {line.partition(' ')[0]}" in refusal(lambda: written(line)) or "control" in refusal(
        lambda: written(line)
    )


@pytest.mark.parametrize(
    "sender",
    [
        "nobody", "@", "a@", "", " ", "a@b@marquee.example", "a@marquee..example", "w\u00f6@marquee.example",
        "weekly@ex\u00e4mple.org", "A <a@marquee.example>, B <b@marquee.example>", "a@marquee.example\\nBcc: c@d.example",
        "A\\u202e <a@marquee.example>",
    ],
)  # fmt: skip
def test_a_sender_that_is_no_single_plain_address_is_refused(written: Written, sender: str) -> None:
    head = f'[newsletter]\nfrom = "{sender}"\npublic_url = "https://news.marquee.example"\n'
    assert "[newsletter] from" in refusal(lambda: written(head=head))


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://news.marquee.example", "https://news.marquee.example"),
        ("HTTPS://news.marquee.example/weekly/", "https://news.marquee.example/weekly"),
        ("https://news.marquee.example:8443", "https://news.marquee.example:8443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost", "http://localhost"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_the_public_address_is_https_or_on_this_very_machine(written: Written, url: str, kept: str) -> None:
    head = HEAD.replace("https://news.marquee.example", url)
    assert written(head=head).newsletter.public_url == kept


@pytest.mark.parametrize(
    "url",
    [
        "http://news.marquee.example", "http://localhost.marquee.example", "http://127.0.0.1@marquee.example",
        "http://127.0.0.1.marquee.example", "http://0.0.0.0", "http://192.168.0.1", "ftp://news.marquee.example", "https://",
        "https://somebody:secret@news.marquee.example", "https://news.marquee.example:port", "https://news.marquee.example:99999",
        "https://news.marquee.example/?a=b", "https://news.marquee.example/#a", "https://news.marquee.example/ a",
        "https://news.marquee.example/\\nBcc: x@y.example", "https://news.marquee.example/>", "https://news.marqu\u00e9e.example",
        "https://[::1", "news.marquee.example", "", "//news.marquee.example", "javascript:alert(1)",
    ],
)  # fmt: skip
def test_any_other_public_address_is_refused(written: Written, url: str) -> None:
    assert "[newsletter] public_url" in refusal(lambda: written(head=HEAD.replace("https://news.marquee.example", url)))


@pytest.mark.parametrize(
    ("head", "says"),
    [
        ("", "[newsletter] is missing"),
        ("[newsletter]\n", "from is missing"),
        ("[newsletter\n", "line 1"),
        ("newsletter = 3\n", "[newsletter] has to be a table"),
        ("[newsletter]\nfrom = 'a@b.example'\nfrom = 'c@d.example'\n", "line 3"),
    ],
)
def test_a_file_that_is_none_says_where(written: Written, head: str, says: str) -> None:
    assert says in refusal(lambda: written(head=head))


def test_a_folder_without_the_file_says_how_to_make_one(tmp_path: Path) -> None:
    assert "newsletter init" in refusal(lambda: load(tmp_path))
    assert "newsletter init" in refusal(lambda: load(tmp_path / "nowhere"))
    (tmp_path / "newsletter.toml").mkdir()
    assert "cannot be read" in refusal(lambda: load(tmp_path))


@pytest.mark.parametrize(
    "env", [b"\xff\xfe\0", b"NEWSLETTER_BACKEND__HOST smtp.example.org\n", b"NEWSLETTER_BACKEND='unfinished\n"]
)
def test_an_env_file_that_cannot_be_read_is_named(written: Written, env: bytes) -> None:
    assert ".env" in refusal(lambda: written(env=env))


def test_an_env_file_may_hold_other_programs_lines(written: Written) -> None:
    env = "# ours\nexport NEWSLETTER_PACE__RATE=5 # a second\n\nPATH=/bin\nBACKEND__KIND=x\nKIND=x\nROOT=/\nNEWSLETTER=3\n"
    assert written(env=env).pace.rate == 5


json_like = strategies.recursive(
    strategies.booleans() | strategies.integers(-5, 5) | strategies.text("ab[]{}= \n'\"", max_size=6),
    lambda inner: (
        strategies.lists(inner, max_size=2) | strategies.dictionaries(strategies.sampled_from("ab"), inner, max_size=2)
    ),
    max_leaves=4,
)


def toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return (
        '"' + re.sub(r"[\\\"\n]", lambda m: "\\n" if m[0] == "\n" else "\\" + m[0], value) + '"'
        if isinstance(value, str)
        else str(value)
    )


KEYS = [*ACCEPTED, *REFUSED, *((table, None) for table in CONTRACT)]


@hypothesis_settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=strategies.sampled_from(KEYS), value=json_like)
def test_any_value_in_any_place_is_taken_or_refused_and_never_breaks_anything(
    written: Written, place: tuple[str, str | None], value: object
) -> None:
    table, key = place
    data: dict[str, Any] = dict(tomllib.loads(HEAD))
    if key is None:
        data[table] = value
    else:
        inside = {**data.get(table, {}), key: value}
        data[table] = [{"name": "x", **inside}] if table in ARRAYS else inside
    text = "\n".join(f"{name} = {toml(one)}" for name, one in data.items())
    assert tomllib.loads(text) == data
    with contextlib.suppress(SettingsError):
        written(text, head="")


# Who wins.


def test_the_environment_wins_over_env_and_env_over_the_file(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "[pace]\nrate = 1\nexpire = '1h'\n[sending]\non_doubt = 'hold'\n"
    env = "NEWSLETTER_PACE__RATE=2\nNEWSLETTER_PACE__EXPIRE=2h\n"
    assert written(text).pace.rate == 1
    assert written(text, env=env).pace.rate == 2
    monkeypatch.setenv("NEWSLETTER_PACE__RATE", "3")
    settings = written(text, env=env)
    assert (settings.pace.rate, settings.pace.expire, settings.sending.on_doubt) == (3, timedelta(hours=2), "hold")


def test_the_environment_can_set_what_the_file_has_to(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSLETTER_NEWSLETTER__FROM", "Night <night@marquee.example>")
    monkeypatch.setenv("NEWSLETTER_SOURCES", '[{"name": "x", "url": "https://x.example/feed"}]')
    settings = written()
    assert settings.from_address == "night@marquee.example"
    assert settings.sources[0].options == {"url": "https://x.example/feed"}


FILE = "[backend]\nkind = 'maildir'\npath = 'mail'\n"
SMTP = {"KIND": "smtp", "HOST": "127.0.0.1", "PORT": "2525", "SECURITY": "none"}


def variables(**values: str) -> str:
    return "".join(f"NEWSLETTER_BACKEND__{name}={value}\n" for name, value in values.items())


@pytest.mark.parametrize("text", [FILE, "[backend]\npath = 'mail'\n", ""])
def test_a_kind_from_the_environment_drops_the_files_keys_of_the_other_kind(
    written: Written, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str
) -> None:
    for name, value in SMTP.items():
        monkeypatch.setenv(f"NEWSLETTER_BACKEND__{name}", value)
    written(text)
    assert Project(tmp_path).backend().where == "127.0.0.1:2525 (none)"


def test_a_kind_from_the_environment_drops_the_keys_of_env_too(
    written: Written, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NEWSLETTER_BACKEND__KIND", "maildir")
    monkeypatch.setenv("NEWSLETTER_BACKEND__PATH", "elsewhere")
    assert written(FILE, env=variables(**SMTP)).backend.options == {"path": "elsewhere"}
    assert Project(tmp_path).backend().where.endswith("elsewhere (maildir)")


def test_the_same_kind_from_outside_keeps_the_files_keys(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSLETTER_BACKEND__KIND", "maildir")
    assert written(FILE).backend.options == {"path": "mail"}
    assert written("[backend]\npath = 'mail'\n").backend.options == {"path": "mail"}


def test_a_key_from_outside_is_added_to_the_files_own(written: Written) -> None:
    text = "[backend]\nkind = 'smtp'\nhost = 'smtp.marquee.example'\nusername = 'weekly'\n"
    assert written(text, env=variables(PASSWORD="geheim")).backend.options == {
        "host": "smtp.marquee.example",
        "username": "weekly",
        "password": "geheim",
    }


@pytest.mark.parametrize("value", ['"maildir"', "[1]", "3", "garbage", "{"])
@pytest.mark.parametrize("table", ["BACKEND", "SOURCES", "NEWSLETTER", "PACE"])
def test_a_variable_that_is_no_table_is_one_sentence(
    written: Written, monkeypatch: pytest.MonkeyPatch, table: str, value: str
) -> None:
    monkeypatch.setenv(f"NEWSLETTER_{table}", value)
    assert table.lower() in refusal(lambda: written(FILE)).lower()


# Secrets.


@pytest.mark.parametrize(
    "text",
    [
        "[backend]\nkind = 'smtp'\npassword = 's3cret'\nhosts = 'x'\n",
        "[backend]\nkind = 'smtp'\npassword = ['s3cret']\nhost = 'x'\n",
        "[backend]\nkind = 'smtp'\npassword = 's3cret'\nhost = 'x'\n",
        "[backend]\nkind = 'maildir'\npassword = 's3cret'\n",
        "[backend]\nkind = 'no.such.module:Class'\npassword = 's3cret'\n",
        "[pace]\npassword = 's3cret'\n",
        "[database]\nurl = 'postgresql//weekly:s3cret@db.example/x'\n",
        "[database]\nurl = 'postgresql://weekly:s3cret@db.example:x/x'\n",
        "[database]\nurl = 'mysql://weekly:s3cret@db.example/x'\n",
        "[database]\nurl = ['postgresql://weekly:s3cret@db.example/x']\n",
        "[database]\nurl = 'postgresql://weekly:s3cret@127.0.0.1:1/x?connect_timeout=1'\n",
    ],
)
def test_no_message_ever_holds_a_secret(written: Written, tmp_path: Path, text: str) -> None:
    said = ""
    try:
        written(text)
        project = Project(tmp_path)
        said = project.backend().where + repr(project.backend())
        project.database.check()
    except ConfigurationError as error:
        said += str(error)
    assert said
    assert "s3cret" not in said


# Where things lie.


def test_relative_paths_are_beside_the_file_wherever_one_stands(
    written: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    settings = written(FILE)
    assert settings.database_url == f"sqlite:///{tmp_path / 'newsletter.db'}"
    assert settings.key_file == tmp_path / "newsletter.key"
    assert str(tmp_path / "mail") in backends.load("maildir", settings.backend.options, root=tmp_path).where


def test_what_is_not_said_follows_from_what_is(written: Written) -> None:
    settings = written()
    assert settings.from_name == "Marquee"
    assert settings.list_id == "weekly.marquee.example"
    assert [section.name for section in settings.sections] == ["highlights"]
    assert written(head=HEAD.replace("Marquee <weekly@marquee.example>", "weekly@marquee.example")).from_name == (
        "Weekly highlights"
    )


# What tries to be more than a value.


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('name = "Weekly\\nBcc: x@y.example"', "[newsletter] name"),
        ('name = "Weekly\\u2028x"', "[newsletter] name"),
        ('name = "Weekly\\u007f"', "[newsletter] name"),
        ('tagline = "a\\u001b[31m"', "[newsletter] tagline"),
        ('[theme]\nbrand = "a\\u0000b"', "[theme] brand"),
        ('[theme]\nlogo = "logo\\u0000.png"', "[theme] logo"),
        ('[issue]\nsubject = "x\\r\\nBcc: y@z.example"', "[issue] subject"),
        ('[issue]\nutm = { utm_source = "a\\nb" }', "[issue] utm"),
        ('[[sections]]\nname = "x"\ntitle = "a\\u0000"', "[[sections]] number 1: title"),
        ('[[sources]]\nname = "x"\npath = "a\\u0000"', "[[sources]] number 1: path"),
        ('[database]\nurl = "sqlite:///a\\u0000b"', "[database] url"),
    ],
)
def test_a_control_character_is_refused_wherever_it_stands(written: Written, text: str, says: str) -> None:
    said = refusal(lambda: written(text))
    assert says in said
    assert "control character" in said


def test_a_postal_address_may_have_lines(written: Written) -> None:
    assert written('postal_address = """12 Harbour Street\nPort Avel"""').newsletter.postal_address.count("\n") == 1


@pytest.mark.parametrize("name", ["", "   ", "\\t"])
def test_a_newsletter_without_a_visible_name_is_refused(written: Written, name: str) -> None:
    assert "[newsletter] name" in refusal(lambda: written(f'name = "{name}"'))


@pytest.mark.parametrize(
    "sender", ["News <a@b c.example>", "a@b.example c", "<a@b.example", "x <a@b.example> y", f"{'a' * 65}@b.example"]
)
def test_a_sender_is_never_mended_into_another_address(written: Written, sender: str) -> None:
    assert "[newsletter] from" in refusal(
        lambda: written(head=HEAD.replace("Marquee <weekly@marquee.example>", sender))
    )


@pytest.mark.parametrize("pattern", ["a{99999999999999999999}", "(" * 5000, "[[a]", "(?P<x>a)(?P<x>b)"])
def test_a_pattern_python_cannot_compile_is_one_sentence(written: Written, pattern: str) -> None:
    text = f"[[sections]]\nname = 'x'\nmatch = {{ title = '{pattern}' }}"
    assert "[[sections]] number 1: match.title is not a regular expression" in refusal(lambda: written(text))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[sections]]\nname = 'x'\npick = true", "pick"),
        ("[[sections]]\nname = 'x'\npick = 'five'", "pick"),
        ("[[sections]]\nname = 'x'\npick = 2.5", "pick"),
        ("[pace]\nrate = inf", "[pace] rate"),
        ("[pace]\nrate = true", "rate"),
        ("[theme]\nlogo = 'http://marquee.example/logo.png'", "[theme] logo"),
        ("[theme]\nlogo = 'data:image/png;base64,AAAA'", "[theme] logo"),
        (f"[pace]\nrate = {'9' * 5000}", "newsletter.toml"),
        (f"[pace]\nrate = {'[' * 20000}", "nested too deeply"),
    ],
)
def test_a_value_of_another_kind_is_named(written: Written, text: str, says: str) -> None:
    assert says in refusal(lambda: written(text))


def test_a_file_that_is_not_utf8_says_what_to_do(tmp_path: Path) -> None:
    for data in (HEAD.encode("utf-16"), b"# caf\xe9\n"):
        (tmp_path / "newsletter.toml").write_bytes(data)
        assert "save it as UTF-8" in refusal(lambda: load(tmp_path))


def test_the_mark_some_editors_put_before_utf8_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "newsletter.toml").write_bytes(b"\xef\xbb\xbf" + HEAD.encode())
    assert load(tmp_path).from_name == "Marquee"


def test_a_wrong_value_from_a_variable_is_not_looked_for_in_the_file(written: Written) -> None:
    said = refusal(lambda: written(env="NEWSLETTER_PACE__RATE=fast\n"))
    assert said.startswith("NEWSLETTER_PACE__RATE: ")
    assert "newsletter.toml" not in said
    assert refusal(lambda: written(env="NEWSLETTER_PACE__RAET=3\n")).startswith("NEWSLETTER_PACE__RAET: ")


@pytest.mark.parametrize("value", ["a@b.example", '["a@b.example"]'])
def test_a_list_of_one_may_be_written_plainly_in_a_variable(written: Written, value: str) -> None:
    assert written(env=f"NEWSLETTER_NEWSLETTER__EDITORS='{value}'\n").newsletter.editors == ("a@b.example",)


def test_a_list_in_a_variable_that_is_no_json_is_named(written: Written) -> None:
    assert "editors" in refusal(lambda: written(env="NEWSLETTER_NEWSLETTER__EDITORS='[a@b.example'\n"))


def test_no_shipped_default_guesses_from_words_what_an_article_is(tmp_path: Path) -> None:
    titles = ("8 countries condemn border shelling", "12 drowned as ferry sinks off the coast", "How to mourn a city")
    shelf = [
        Article(title=title, url=f"https://www.example.org/{n}", published=NOW - timedelta(hours=n + 1))
        for n, title in enumerate(titles)
    ]
    project = make_project(tmp_path / "project", clock=Clock(NOW), shelf=shelf)
    issue = project.weekly.pick(project.slot(None))
    assert {pick.article.title for pick in issue.in_section("highlights")} == set(titles)
    assert [section.name for section in issue.sections] == ["highlights"]
