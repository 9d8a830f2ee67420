"""The settings file a new project begins with: every key, at its default, and nothing that is not a key."""

from __future__ import annotations

import re
from pathlib import Path

from newsletter.project_files import settings_text
from newsletter.settings import load

FILL_IN = ("from", "public_url", "postal_address")


def uncommented(text: str) -> str:
    """The file with every setting taken out of its comment, except the mail server's, which belong to another kind."""
    head, _, tail = text.partition("# A mail server takes these keys")
    tail = "[pace]" + tail.partition("[pace]")[2]
    return re.sub(r"(?m)^#(?=[a-z_]+ = |\[\[)", "", head + tail)


def test_a_new_file_says_first_what_is_missing(tmp_path: Path) -> None:
    text = settings_text()
    for key in FILL_IN:
        text = text.replace(f"#{key} = ", f"{key} = ", 1)
    (tmp_path / "newsletter.toml").write_text(text)
    settings = load(tmp_path)
    assert settings.newsletter.postal_address
    assert settings.sources == ()


def test_every_key_stands_there_with_its_default(tmp_path: Path) -> None:
    (tmp_path / "newsletter.toml").write_text(settings_text())
    bare = tmp_path / "bare"
    bare.mkdir()
    text = uncommented(settings_text())
    lines = [line for line in text.splitlines() if line.startswith(tuple(f"{key} = " for key in FILL_IN))]
    (bare / "newsletter.toml").write_text("\n".join(["[newsletter]", *lines]))
    full = tmp_path / "full"
    full.mkdir()
    (full / "newsletter.toml").write_text(text)
    written, default = load(full), load(bare)
    for table in type(written).model_fields:
        if table not in ("root", "sources"):
            assert getattr(written, table) == getattr(default, table), table
    assert [source.name for source in written.sources] == ["site"]


def test_the_examples_of_the_mail_server_are_keys_of_it(tmp_path: Path) -> None:
    text = settings_text()
    keys = re.findall(
        r"(?m)^#([a-z_]+) = ", text.partition("# A mail server takes these keys")[2].partition("[pace]")[0]
    )
    from newsletter.backends import load as backend

    values = {"host": "mail.example.org", "port": 587, "security": "starttls", "connections": 2}
    options = {key: values.get(key, "x") for key in keys}
    assert backend("smtp", options, root=tmp_path).where == "mail.example.org:587 (starttls)"
