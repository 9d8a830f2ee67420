"""The contracts of `importlinter.toml` refuse what nobody thought of: intruders are added to a copy, and walls named."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import grimp
import pytest

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "importlinter.toml"
CONTRACTS: list[dict[str, Any]] = tomllib.loads(FILE.read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
NAMES = {contract["name"] for contract in CONTRACTS}
PROTECTED = {module for contract in CONTRACTS for module in contract.get("protected_modules", ())}
FORBIDDEN = {module for contract in CONTRACTS for module in contract.get("forbidden_modules", ())}
# What the standard library has that touches nothing outside a program, as this project uses it.
HARMLESS = """
__future__ atexit base64 binascii bisect codecs collections colorsys contextlib contextvars csv dataclasses datetime difflib email enum
errno functools hashlib hmac html importlib io ipaddress itertools json logging math quopri re stat struct sys textwrap tomllib
traceback types typing unicodedata urllib warnings xml zlib zoneinfo
"""
LAYERS, REGISTER_LAYERS = "newsletter: imports go one way", "subscribers: imports go one way"
REGISTER, CIRCLES = "subscribers knows nothing of newsletter", "No circles inside any package"
KNOWN = "subscribers is known to sending, weekly, web, app and cli"
PUBLIC_NAMES = "... by its public names (web also by subscribers.web)"
PURE = "Pure modules touch nothing outside"
INTRUDER = "\n".join(
    f"import {module}"
    for module in sorted({*PROTECTED, *FORBIDDEN, "newsletter.cli", "subscribers.tables"} - {"subscribers.*"})
)
# What a module in that place cannot break. The first is imported by nobody, so it closes no circle.
CANNOT = {
    "newsletter/bounces.py": {REGISTER_LAYERS, REGISTER, CIRCLES, PURE},
    "newsletter/highlights/bounces.py": {REGISTER_LAYERS, REGISTER, "Likeness of titles"},
    "subscribers/bounces.py": {LAYERS, CIRCLES, PURE, KNOWN, PUBLIC_NAMES},
}


def broken_with(folder: Path, place: str, text: str) -> set[str]:
    """The contracts that a copy of the code breaks when `text` is the module in `place`."""
    for package in ("newsletter", "subscribers"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(FILE, folder)
    (folder / place).write_text(text, encoding="utf-8")
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), FILE.name, "--no-logo", "--no-cache"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder), "COLUMNS": "300"},
        capture_output=True,
        text=True,
    )
    assert "Contracts:" in done.stdout, done.stdout + done.stderr
    found = set(re.findall(r"^(.+) BROKEN", done.stdout, flags=re.MULTILINE))
    assert bool(found) == bool(done.returncode)
    return found


def test_the_code_as_it_is_breaks_no_contract(tmp_path: Path) -> None:
    text = (ROOT / "newsletter" / "issue.py").read_text(encoding="utf-8")
    assert broken_with(tmp_path, "newsletter/issue.py", text) == set()


@pytest.mark.parametrize("place", CANNOT)
def test_an_intruder_is_refused_by_every_contract_that_its_place_can_break(place: str, tmp_path: Path) -> None:
    assert broken_with(tmp_path, place, INTRUDER) == NAMES - CANNOT[place]


@pytest.mark.parametrize(("package", "contract"), [("newsletter", LAYERS), ("subscribers", REGISTER_LAYERS)])
def test_a_new_module_without_a_floor_is_refused_even_if_it_imports_nothing(
    package: str, contract: str, tmp_path: Path
) -> None:
    assert broken_with(tmp_path, f"{package}/bounces.py", "") == {contract}


def test_what_a_pure_module_imports_has_to_be_pure(tmp_path: Path) -> None:
    text = (ROOT / "newsletter" / "sending" / "states.py").read_text(encoding="utf-8")
    text += "\nfrom newsletter.sending import workers\n"
    assert PURE in broken_with(tmp_path, "newsletter/sending/states.py", text)


def test_what_is_imported_from_outside_is_on_a_list() -> None:
    graph = grimp.build_graph("newsletter", "subscribers", include_external_packages=True, cache_dir=None)
    imported = {module for module in graph.modules if module.partition(".")[0] not in {"newsletter", "subscribers"}}
    strange = {
        module: sorted(graph.find_modules_that_directly_import(module))
        for module in imported - PROTECTED.union(HARMLESS.split())
    }
    assert not strange, "say in importlinter.toml who may import these"
