"""The keys of `[backend]`: read with their types, refused by their names; and which kinds there are."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from newsletter.backends import BACKENDS, load
from newsletter.errors import SettingsError
from newsletter.options import between, read
from tests.times import PATIENCE


@dataclass(frozen=True, kw_only=True)
class Keys:
    name: str
    number: int = field(default=3, metadata=between(1, 9))
    ratio: float = 0.5
    loud: bool = False
    folder: Path = Path("here")
    file: Path | None = None
    limit: int | None = None
    colour: Literal["red", "green"] = "red"


def test_what_is_not_given_has_its_default_and_paths_lie_in_the_project(tmp_path: Path) -> None:
    assert read(Keys, {"name": "a"}, root=tmp_path) == Keys(name="a", folder=tmp_path / "here")


def test_values_of_the_environment_are_texts_and_become_what_the_key_is(tmp_path: Path) -> None:
    given = {
        "name": "7",
        "number": "7",
        "ratio": "2",
        "loud": "Yes",
        "folder": "a/b",
        "file": "/etc/x",
        "limit": "5",
        "colour": "green",
    }
    wanted = Keys(
        name="7",
        number=7,
        ratio=2.0,
        loud=True,
        folder=tmp_path / "a/b",
        file=Path("/etc/x"),
        limit=5,
        colour="green",
    )
    assert read(Keys, given, root=tmp_path) == wanted


def test_an_empty_text_takes_an_optional_key_back(tmp_path: Path) -> None:
    keys = read(Keys, {"name": "a", "file": "", "limit": ""}, root=tmp_path)
    assert (keys.file, keys.limit) == (None, None)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, r'\[backend\] needs "name"'),
        ({"name": 5}, r"name must be a text, not 5"),
        ({"name": "a", "number": True}, r"number must be a whole number, not True"),
        ({"name": "a", "number": 1.5}, r"number must be a whole number, not 1\.5"),
        ({"name": "a", "number": ""}, r"number must be a whole number, not ''"),
        ({"name": "a", "number": 10}, r"number must be between 1 and 9, not 10"),
        ({"name": "a", "ratio": "much"}, r"ratio must be a number, not 'much'"),
        ({"name": "a", "loud": "perhaps"}, r"loud must be true or false, not 'perhaps'"),
        ({"name": "a", "loud": 1}, r"loud must be true or false, not 1"),
        ({"name": "a", "folder": 3}, r"folder must be a path, not 3"),
        ({"name": "a", "folder": ""}, r"folder must be a path, not ''"),
        ({"name": "a", "colour": "gren"}, r'colour cannot be "gren"; did you mean "green"\?'),
        ({"name": "a", "colour": ["red"]}, r"colour cannot be"),
        ({"name": "a", "nmae": "b"}, r'no key "nmae" for this kind; did you mean "name"\?'),
        ({"name": ["x" * 500]}, r"name must be a text, not \['xxx.*…$"),
    ],
)
def test_what_cannot_be_is_refused_by_its_name(options: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=sentence):
        read(Keys, options, root=tmp_path)


def test_every_built_in_kind_can_be_loaded_and_opens_nothing(tmp_path: Path) -> None:
    for kind in BACKENDS:
        options = {"host": "no-such-host.invalid"} if kind == "smtp" else {}
        assert load(kind, options, root=tmp_path).where
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_kind_names_the_nearest_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r'kind "mailder" is not known; did you mean "maildir"\?'):
        load("mailder", {}, root=tmp_path)


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("no_such_package.pigeon:Pigeon", r"cannot be imported \(ModuleNotFoundError: No module named"),
        ("broken_backend:Pigeon", r"cannot be imported \(ZeroDivisionError: division by zero\)"),
        ("unfinished_backend:Missing", r'has no class "Missing" with from_options'),
        ("unfinished_backend:NoOptions", r'has no class "NoOptions" with from_options'),
        ("unfinished_backend:Half", r"is not a backend: it lacks"),
        (":Pigeon", r"cannot be imported"),
        ("..x:Pigeon", r"cannot be imported"),
    ],
)
def test_a_dotted_path_that_leads_nowhere_is_one_sentence(
    kind: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_backend.py").write_text("1 / 0\n")
    (tmp_path / "unfinished_backend.py").write_text(
        "class NoOptions: pass\n"
        "class Half:\n    where = 'nowhere'\n"
        "    @classmethod\n    def from_options(cls, options, *, root): return cls()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(SettingsError, match=sentence):
        load(kind, {}, root=tmp_path)
    for name in ("broken_backend", "unfinished_backend"):
        sys.modules.pop(name, None)


def test_the_backends_need_no_test_tools() -> None:
    import subprocess

    script = (
        "import sys, pathlib, newsletter.backends as b\n"
        "[b.load(k, {'host': 'h'} if k == 'smtp' else {}, root=pathlib.Path()) for k in b.BACKENDS]\n"
        "assert 'pytest' not in sys.modules and 'smtplib' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=PATIENCE)
