"""The wheel in an empty folder: everything is in it, nothing else is, and it runs from anywhere."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from newsletter import __version__

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    # Alone it fetches hatchling; where that is installed, the build needs no network.
    alone = [] if importlib.util.find_spec("hatchling") is None else ["--no-isolation"]
    built = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", *alone, "--outdir", folder, ROOT], capture_output=True, text=True
    )
    assert built.returncode == 0, built.stdout + built.stderr
    (found,) = folder.iterdir()
    assert found.name == f"weekly_highlights-{__version__}-py3-none-any.whl"
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", folder, wheel]
    done = subprocess.run(pip, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def files(folder: str, *, as_name: str = "") -> set[str]:
    """What lies in a folder of the checkout, as the wheel should name it."""
    return {
        (as_name or folder) + "/" + path.relative_to(ROOT / folder).as_posix()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_holds_both_packages_and_the_templates_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    inside = {name for name in names if ".dist-info/" not in name}
    assert inside == files("newsletter") | files("subscribers") | files("templates", as_name="newsletter/templates")
    assert {
        "newsletter/py.typed",
        "subscribers/py.typed",
        "newsletter/templates/weekly/body.html.j2",
        "newsletter/migrations/versions/v0001_the_house.py",
        "newsletter/demo/site/images/logo.png",
        "newsletter/preview/page/preview.js",
    } <= inside
    assert {name.rpartition("/")[2] for name in names - inside} == {
        "METADATA", "WHEEL", "RECORD", "LICENSE", "entry_points.txt",
    }  # fmt: skip


def test_the_wheel_runs_the_demo_from_another_folder(installed: Path, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NEWSLETTER_")}
    environment["PYTHONPATH"] = str(installed)

    def newsletter(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, installed / "bin" / "newsletter", *arguments],
            cwd=tmp_path, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
        return done.stdout

    newsletter("init", "x", "--demo")
    assert "accepted 18" in newsletter("-C", "x", "send", "--yes")
    mails = [path.read_bytes() for path in (tmp_path / "x" / "mail" / "new").iterdir()]
    assert len(mails) == 18
    assert all(b"\r\nList-Unsubscribe: <http" in mail or b"\nList-Unsubscribe: <http" in mail for mail in mails)
    newsletter("-C", "x", "preview", "--once", "shown")
    assert {path.name for path in (tmp_path / "shown").iterdir()} >= {
        "issue.html", "issue.txt", "issue.eml", "findings.json",
    }  # fmt: skip
    where = subprocess.run(
        [sys.executable, "-c", "import newsletter, subscribers; print(newsletter.__file__, subscribers.__file__, sep=chr(10))"],
        cwd=tmp_path, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert where.stdout.splitlines() == [
        str(installed / name / "__init__.py") for name in ("newsletter", "subscribers")
    ]
