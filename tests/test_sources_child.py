from __future__ import annotations

import gzip
import os
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from newsletter.errors import SourceError
from newsletter.sources import child
from newsletter.sources.child import TooHardError
from newsletter.sources.feed import read_feed
from newsletter.sources.reading import Reading


def is_well() -> bool:
    """Whether the next question is answered."""
    return child.ask("json:loads", b'{"a": [1, null]}') == {"a": [1, None]}


def test_what_a_function_returns_for_bytes_and_arguments_comes_back() -> None:
    assert is_well()
    assert child.ask("codecs:decode", b"\xc9t\xe9", encoding="latin-1") == "Été"


def test_many_threads_get_each_their_own_answer() -> None:
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda number: child.ask("json:loads", b"%d" % number), range(100))) == list(range(100))


def test_a_refusal_comes_back_in_its_own_words() -> None:
    with pytest.raises(SourceError, match="The page is empty") as refused:
        child.ask("newsletter.sources.html_tree:parse_html", b"<!-- nothing -->")
    assert not isinstance(refused.value, TooHardError)
    assert is_well()


@pytest.mark.parametrize("function", ["json:loads", "json:nothing", "nothing:at_all"])
def test_a_child_that_falls_over_is_one_failure_and_the_next_question_is_answered(function: str) -> None:
    with pytest.raises(TooHardError, match="failed"):
        child.ask(function, b"no JSON")
    assert is_well()


def test_memory_is_limited() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000, 1) * 40
    with pytest.raises(TooHardError, match="too much memory"):
        child.ask("gzip:decompress", bomb)
    assert is_well()


def test_time_is_limited() -> None:
    attributes = " ".join(f"a{number}" for number in range(150_000))  # libxml2 compares each with all before it
    with pytest.raises(TooHardError, match=f"more than {child.CPU_SECONDS} seconds"):
        child.ask("newsletter.sources.html_tree:parse_html", f"<p {attributes}>".encode())
    assert is_well()


def test_a_child_that_left_since_nobody_asked_is_started_again() -> None:
    assert is_well()
    for one in child._CHILDREN:
        if one._process is not None:
            one._process.send_signal(signal.SIGALRM)
    assert is_well()


def test_a_question_left_midway_leaves_its_answer_to_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(process: subprocess.Popen[bytes], question: bytes) -> bytes:
        assert process.stdin is not None
        with suppress(OSError):  # it left, since nobody had asked for a while
            process.stdin.write(question)
            process.stdin.flush()
        raise KeyboardInterrupt

    assert is_well()
    with monkeypatch.context() as patched:
        patched.setattr(child, "_exchanged", interrupted)
        with pytest.raises(KeyboardInterrupt):
            child.ask("json:loads", b'"the answer to another question"')
    assert is_well()


def test_a_question_that_takes_long_does_not_hold_up_another(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    place = os.fsencode(tmp_path / "pipe")
    with ThreadPoolExecutor() as pool:  # a pipe opens when it is opened at both ends
        reading = pool.submit(child.ask, "os:open", place, flags=os.O_RDONLY)
        assert child.ask("os:open", place, flags=os.O_WRONLY) > 0
        assert reading.result() > 0


def test_a_hostile_page_where_a_feed_should_be_is_refused_in_time() -> None:
    attributes = " ".join(f"a{number:x}" for number in range(80_000))
    page = f"<!doctype html><html><head></head><body><p {attributes}>".encode()
    with pytest.raises(SourceError, match="HTML page, not a feed, and it names none"):
        read_feed(page, reading=Reading("feed", "https://site.example/feed"))
    assert is_well()
