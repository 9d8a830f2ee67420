"""The preview over HTTP: who may come in, what is on show, and that it follows every change."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

from newsletter.errors import ConfigurationError, Refused, SettingsError
from newsletter.preview import listen
from newsletter.preview.watcher import Watch, watched
from newsletter.weekly.editor import Who
from tests.preview_project import (
    PICTURE,
    PNG,
    PUBLIC,
    TITLES,
    TOKEN,
    TOML,
    Site,
    articles,
    make_draft,
    make_root,
    opened,
    own_template,
    served,
)
from tests.projects import migrated
from tests.times import PATIENCE, Clock

BODY = "weekly/body.html.j2"


@pytest.fixture
def root(tmp_path: Path, clock: Clock) -> Path:
    return make_root(tmp_path / "project", stories=articles(), clock=clock)


@pytest.fixture
def site(root: Path, clock: Clock) -> Iterator[Site]:
    with served(make_draft(root, clock=clock)) as site:
        yield site


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A preview for tests that only look; nothing in it is changed."""
    clock = Clock()
    root = make_root(tmp_path_factory.mktemp("still") / "project", stories=articles(), clock=clock)
    with served(make_draft(root, clock=clock)) as site:
        yield site


# Who may come in


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:{port}", 200),
        ("localhost:{port}", 200),
        ("[::1]:{port}", 200),
        ("LOCALHOST:{port}", 200),
        ("127.0.0.1", 403),
        ("127.0.0.1:1", 403),
        ("evil.example:{port}", 403),
        ("127.0.0.1.evil.example:{port}", 403),
        ("localhost:{port}@evil.example", 403),
    ],
)
def test_only_its_own_address_is_answered(still: Site, host: str, status: int) -> None:
    answer = still.ask("/", host=host.format(port=still.port))
    assert answer.status == status
    assert status == 200 or answer.text.count("\n") == 1


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://127.0.0.1:{port}", 200),
        ("http://localhost:{port}", 200),
        ("https://127.0.0.1:{port}", 403),
        ("http://evil.example", 403),
        ("http://127.0.0.1", 403),
        ("127.0.0.1:{port}", 403),
        ("null", 403),
    ],
)
@pytest.mark.parametrize("path", ["/state", "/letter", "/recipients", "/"])
def test_other_sites_cannot_ask_for_anything(still: Site, path: str, origin: str, status: int) -> None:
    assert still.ask(path, origin=origin.format(port=still.port)).status == status


def test_the_sandboxed_letter_may_load_its_pictures_and_nothing_else(still: Site) -> None:
    assert still.ask(f"/images/{PICTURE}", origin="null").body == PNG
    assert still.ask(f"/images/{PICTURE}", origin="http://evil.example").status == 403
    assert still.ask("/images/../state", origin="null").status in (403, 404)
    assert still.ask("/images/", method="POST", origin="null", x_preview_token=TOKEN).status == 403


@pytest.mark.parametrize("path", ["/pull", "/test-copy", "/state", "/nothing"])
@pytest.mark.parametrize("token", [None, "", "wrong", TOKEN[:-1], TOKEN + "x", "é"])
def test_a_post_without_the_token_of_the_run_is_refused(still: Site, path: str, token: str | None) -> None:
    headers = {} if token is None else {"x_preview_token": token}
    answer = still.ask(path, method="POST", json="{}", **headers)
    assert (answer.status, answer.text.count("\n")) == (403, 1)


def test_the_token_does_not_open_the_door_to_other_hosts_and_origins(still: Site) -> None:
    assert still.ask("/pull", method="POST", x_preview_token=TOKEN, host="evil.example", json="{}").status == 403
    assert still.ask("/pull", method="POST", x_preview_token=TOKEN, origin="null", json="{}").status == 403


def test_the_page_allows_itself_only_what_carries_this_answers_nonce(still: Site) -> None:
    first, second = still.ask("/"), still.ask("/")
    policy = first.headers["content-security-policy"]
    nonce = re.search(r"script-src 'nonce-([^']+)'", policy)
    assert nonce is not None
    assert nonce[1] not in second.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert all(nonce[1] in tag for tag in re.findall(r"<(?:script|style|link rel=.stylesheet)[^>]*>", first.text))
    assert first.headers["cache-control"] == "no-store"


def test_the_page_has_no_inline_handler_and_no_outside_resource() -> None:
    page = files("newsletter.preview").joinpath("page")
    html = page.joinpath("page.html.j2").read_text(encoding="utf-8")
    assert not re.search(r"\son\w+=", html)
    assert not re.search(r'(?:src|href)="(?!/assets/|data:|/review/|/issue\.eml)', html)
    assert " style=" not in html
    for name in ("preview.css", "preview.js"):
        code = page.joinpath(name).read_text(encoding="utf-8")
        assert not re.search(r"https?://(?!www\.w3\.org)", code)
        assert "innerHTML" not in code


def test_the_letter_is_answered_with_a_policy_that_runs_nothing(still: Site) -> None:
    policy = still.ask("/letter").headers["content-security-policy"].split("; ")
    assert policy == [
        "default-src 'none'",
        "img-src * data:",
        "style-src 'unsafe-inline'",
        "frame-ancestors 'self'",
        "sandbox",
    ]
    assert "img-src 'none'" in still.ask("/letter?images=off").headers["content-security-policy"]


# What is on show


def test_every_pick_is_shown_with_the_reason_and_its_terms(still: Site) -> None:
    picks = still.state()["picks"]
    assert {pick["title"] for pick in picks} == set(TITLES)
    assert picks[0]["title"] == TITLES[0]
    for pick in picks:
        assert pick["section"] == "Weekly highlights"
        assert pick["terms"][0]["name"] == "popularity"
        assert "views" in pick["terms"][0]["why"]
        assert pick["reason"]


def test_what_was_passed_over_is_shown_with_why(site: Site, root: Path, clock: Clock) -> None:
    with opened(root, clock=clock) as project:
        number = next(one.article.id for one in project.shelf.page() if one.article.title == TITLES[3])
        assert number is not None
        project.weekly.editor.drop(number, slot=project.slot(None), who=Who("Ada"))
    site.draft.refresh()
    passed = {one["title"]: one["reason"] for one in site.state()["passed_over"]}
    assert passed == {TITLES[3]: "dropped by the editor"}


def test_the_letter_on_show_is_the_one_a_send_would_compose(site: Site, root: Path, clock: Clock) -> None:
    with opened(root, clock=clock) as project:
        composed = project.weekly.compose(project.slot(None))
    assert composed.letter is not None
    token = re.search(r"/unsubscribe/([\w.~-]+)", site.ask("/parts/text").text)
    assert token is not None
    values = {"first_name": "Ada", "email": "ada@reader.example", "unsubscribe_token": token[1]}
    assert site.ask("/parts/html").text == composed.letter.html(values)
    assert site.ask("/parts/text").text == composed.letter.text(values)
    assert site.state()["letter"]["subject"] == composed.letter.subject
    assert [finding["id"] for finding in site.state()["findings"]] == [finding.id for finding in composed.findings]


def test_a_frozen_issue_is_shown_as_it_was_stored(site: Site, root: Path, clock: Clock) -> None:
    with opened(root, clock=clock) as project:
        slot = project.slot(None)
        project.weekly.freeze(slot, project.weekly.compose(slot))
    before = site.ask("/parts/html").text
    own_template(root, BODY, lambda text: text.replace("here are the", "THESE ARE THE"))
    site.draft.refresh()
    state = site.state()
    assert state["slot"]["stored"]
    assert (state["slot"]["state"], state["slot"]["frozen"]) == ("sending", 2)
    assert site.ask("/parts/html").text == before
    assert [pick["title"] for pick in state["picks"]] == list(TITLES)
    assert site.ask("/state?slot=2026-W48").json()["picks"] == []


def test_stored_pictures_are_served_here_and_only_the_shown_copy_points_to_them(still: Site) -> None:
    shown = still.ask("/letter").text
    assert f'src="/images/{PICTURE}"' in shown
    assert f"{PUBLIC}/images/" not in shown
    assert f"{PUBLIC}/images/{PICTURE}" in still.ask("/parts/html").text
    picture = still.ask(f"/images/{PICTURE}")
    assert (picture.body, picture.headers["content-type"]) == (PNG, "image/png")
    assert still.ask("/images/ffffffffffffffff.png").status == 404


def test_a_story_can_be_jumped_to(still: Site) -> None:
    shown = still.ask("/letter").text
    for number, pick in enumerate(still.state()["picks"]):
        anchor = re.search(rf'<a id="pick-{number}"[^>]*href="([^"]*)"', shown)
        assert anchor is not None
        assert anchor[1].startswith(pick["url"].split("?")[0])


def test_a_subscriber_is_found_by_part_of_the_address_or_the_name(site: Site, root: Path, clock: Clock) -> None:
    with opened(root, clock=clock) as project:
        project.book.add_confirmed("gone@reader.example", name="Gone Again")
        project.book.unsubscribe("gone@reader.example")
        project.book.add_confirmed("never@reader.example", name="Never Again")
        project.book.suppress("never@reader.example", reason="complaint")
    assert [one["key"] for one in site.ask("/recipients?words=ZOE").json()] == ["zoe@reader.example"]
    assert [one["key"] for one in site.ask("/recipients?words=fernsby").json()] == ["ada@reader.example"]
    assert [one["key"] for one in site.ask("/recipients").json()] == ["ada@reader.example", "zoe@reader.example"]
    assert site.ask("/recipients?words=again").json() == []


def test_the_letter_is_shown_for_the_chosen_person(still: Site) -> None:
    assert "Hi Zoë," in still.ask("/letter?as=zoe%40reader.example").text
    assert "zoe@reader.example" in still.ask("/parts/message?as=zoe%40reader.example").text
    samples = still.state()["samples"]
    assert {"No name", "A very long name", "Right to left"} <= {sample["note"] for sample in samples}
    for sample in samples:
        assert still.ask(f"/letter?as={sample['key']}").status == 200
    assert "&lt;" not in still.ask("/letter?as=sample:nameless").text


def test_the_message_is_a_file_byte_for_byte(still: Site) -> None:
    answer = still.ask("/issue.eml?as=zoe%40reader.example")
    assert answer.headers["content-type"] == "message/rfc822"
    assert answer.headers["content-disposition"] == 'attachment; filename="2026-W47.eml"'
    assert answer.body == still.ask("/parts/message?as=zoe%40reader.example").body
    assert answer.body.startswith(b"From: Marquee <weekly@marquee.example>\r\n")


def test_an_address_that_is_not_in_the_book_is_one_line(still: Site) -> None:
    for wrong in ("nobody@reader.example", "no-address"):
        answer = still.ask(f"/state?as={wrong}")
        assert (answer.status, answer.text.count("\n")) == (400, 1)
        assert wrong in answer.text


def test_an_address_given_at_the_start_has_to_be_in_the_book(root: Path, clock: Clock) -> None:
    with pytest.raises(Refused, match="not in the Book"):
        make_draft(root, clock=clock, as_address="nobody@reader.example")


def test_any_week_can_be_looked_at_and_no_other_key(still: Site) -> None:
    keys = [slot["key"] for slot in still.ask("/state?slot=2026-W50").json()["slots"]]
    assert keys == ["2026-W50", "2026-W48", "2026-W47"]
    answer = still.ask("/state?slot=next")
    assert (answer.status, answer.text.count("\n")) == (400, 1)


# It follows every change


def read_event(stream: http.client.HTTPResponse) -> int:
    while not (line := stream.readline().decode()).startswith("data: "):
        assert line, "the stream ended"
    return int(line.removeprefix("data: "))


def test_a_changed_template_is_announced_and_the_next_letter_shows_it(site: Site, root: Path) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=PATIENCE)
    with watched(site.draft):
        connection.request("GET", "/changes")
        stream = connection.getresponse()
        assert stream.getheader("content-type", "").startswith("text/event-stream")
        assert read_event(stream) == 1
        own_template(root, BODY, lambda text: text.replace("here are the", "THESE ARE THE"))
        assert read_event(stream) == 2
    connection.close()
    assert "THESE ARE THE" in site.ask("/letter").text


def test_nothing_is_announced_while_nothing_changes(site: Site) -> None:
    watch = Watch(site.draft)
    site.state()
    site.ask("/letter")
    assert not watch.poll()
    assert site.draft.version == 1


def test_a_broken_template_shows_file_and_line_above_the_last_good_letter(site: Site, root: Path) -> None:
    watch = Watch(site.draft)
    good = site.ask("/letter").text
    template = own_template(root, BODY, lambda text: text.replace("{% endfor %}", "{% endfr %}", 1))
    assert watch.poll()
    trouble = site.state()["trouble"]
    lines = template.read_text(encoding="utf-8").splitlines()
    wrong = next(number for number, line in enumerate(lines, start=1) if "endfr" in line)
    assert (trouble["file"], trouble["line"], trouble["stale"]) == (f"templates/{BODY}", wrong, True)
    assert "endfr" in trouble["message"]
    assert [wrong, lines[wrong - 1]] in trouble["excerpt"]
    assert site.ask("/letter").text == good
    template.unlink()
    assert watch.poll()
    assert site.state()["trouble"] is None
    assert site.ask("/letter").status == 200


def test_a_template_broken_from_the_start_is_shown_and_mended(root: Path, clock: Clock) -> None:
    template = own_template(root, BODY, lambda text: "{{ nothing_of_this_name }}\n" + text)
    with served(make_draft(root, clock=clock)) as site:
        watch = Watch(site.draft)
        state = site.state()
        assert (state["trouble"]["stale"], state["trouble"]["line"], state["letter"]) == (False, 1, None)
        assert site.ask("/letter").status == 400
        template.unlink()
        assert watch.poll()
        assert site.state()["letter"]


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ('name = "Marquee Weekly"', "name = Marquee", 2, "Invalid value"),
        ('editors = ["', 'editorss = ["', 5, "did you mean"),
    ],
)
def test_broken_settings_show_the_line_above_the_last_good_letter(
    site: Site, root: Path, old: str, new: str, line: int, says: str
) -> None:
    watch = Watch(site.draft)
    good = site.ask("/letter").text
    file = root / "newsletter.toml"
    file.write_text(TOML.replace(old, new), encoding="utf-8")
    assert watch.poll()
    trouble = site.state()["trouble"]
    assert (trouble["file"], trouble["line"], trouble["stale"]) == ("newsletter.toml", line, True)
    assert says in trouble["message"]
    assert site.ask("/letter").text == good
    file.write_text(TOML.replace("Marquee Weekly", "Marquee Monthly"), encoding="utf-8")
    assert watch.poll()
    assert site.state()["trouble"] is None
    assert site.state()["name"] == "Marquee Monthly"


def test_a_change_of_the_environment_file_is_followed(site: Site, root: Path) -> None:
    watch = Watch(site.draft)
    (root / ".env").write_text('NEWSLETTER_NEWSLETTER__NAME="Other Weekly"\n', encoding="utf-8")
    assert watch.poll()
    assert site.state()["name"] == "Other Weekly"


def test_every_change_of_the_shelf_is_followed(site: Site, root: Path, clock: Clock) -> None:
    watch = Watch(site.draft)
    with opened(root, clock=clock) as project:
        number = project.shelf.page()[0].article.id
        assert number is not None
        editor, slot = project.weekly.editor, project.slot(None)
        held = editor.hold(number, until="2026-W50", slot=slot, who=Who("Ada"))
        assert watch.poll()
        editor.undo(held.number, slot=slot, who=Who("Ada"))
        assert watch.poll()
        dropped = editor.drop(number, slot=slot, who=Who("Ada"))
        assert watch.poll()
        editor.undo(dropped.number, slot=slot, who=Who("Ada"))
        editor.edit(number, {"title": "Another title"}, slot=slot, who=Who("Ada"))
        assert watch.poll()
        project.book.add_confirmed("new@reader.example")
        assert not watch.poll()
        slot = project.slot(None)
        project.weekly.freeze(slot, project.weekly.compose(slot))
        assert watch.poll()


# What is done by hand


def test_pulling_by_hand_brings_new_articles(site: Site, root: Path, clock: Clock) -> None:
    watch = Watch(site.draft)
    story = {
        "title": "Fresh bread at midnight",
        "url": "https://www.marquee.example/bread",
        "published": "2026-11-18T10:00:00Z",
    }
    (root / "site" / "bread.json").write_text(json.dumps(story), encoding="utf-8")
    (line,) = site.post("/pull").json()
    assert (line["source"], line["new"], line["failed"]) == ("site", 1, "")
    assert watch.poll()
    assert "Fresh bread at midnight" in {pick["title"] for pick in site.state()["picks"]}


def test_a_test_copy_goes_to_an_editor_and_records_nothing(site: Site, root: Path, clock: Clock) -> None:
    answer = site.post("/test-copy", {"address": "editor@marquee.example"})
    assert answer.status == 200
    (mail,) = (root / "mail" / "new").iterdir()
    assert b"To: editor@marquee.example" in mail.read_bytes()
    with opened(root, clock=clock) as project:
        assert project.issues.newest() == []


def test_a_test_copy_to_a_typed_address_has_to_be_confirmed(site: Site, root: Path) -> None:
    wish = {"address": "friend@elsewhere.example"}
    assert site.post("/test-copy", wish).status == 400
    assert not (root / "mail" / "new").exists()
    assert site.post("/test-copy", {**wish, "sure": True}).status == 200
    assert len(list((root / "mail" / "new").iterdir())) == 1


@pytest.mark.parametrize("address", ["not an address", "a@b\r\nBcc: all@reader.example", "@@@"])
def test_a_test_copy_to_no_address_is_one_line(site: Site, root: Path, address: str) -> None:
    answer = site.post("/test-copy", {"address": address, "sure": True})
    assert (answer.status, answer.text.strip().count("\n")) == (400, 0)
    assert not (root / "mail" / "new").exists()


def test_a_backend_that_cannot_be_reached_is_one_line(site: Site, root: Path) -> None:
    with listen(0) as taken:
        port = taken.getsockname()[1]
    smtp = f'kind = "smtp"\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\n'
    text = TOML.replace('kind = "maildir"\npath = "mail"\n', smtp)
    (root / "newsletter.toml").write_text(text, encoding="utf-8")
    site.draft.refresh()
    answer = site.post("/test-copy", {"address": "editor@marquee.example"})
    assert (answer.status, answer.text.count("\n")) == (400, 1)


# Starting and stopping


def test_broken_settings_at_the_start_are_refused(root: Path, clock: Clock) -> None:
    (root / "newsletter.toml").write_text("[newsletter]\n", encoding="utf-8")
    with pytest.raises(SettingsError):
        make_draft(root, clock=clock)


def test_a_taken_port_is_refused_in_a_sentence() -> None:
    with listen(0) as taken, pytest.raises(ConfigurationError, match="cannot be used"):
        listen(taken.getsockname()[1])


def test_it_says_its_address_fills_an_empty_shelf_and_ends_with_ctrl_c(root: Path) -> None:
    shutil.copy(migrated(), root / "newsletter.db")
    program = (
        "import sys, pathlib\n"
        "from newsletter import app, preview\n"
        "root = pathlib.Path(sys.argv[1])\n"
        "preview.run(root, open_project=lambda: app.Project(root), slot_key=None, as_address=None, port=0,\n"
        "            say=lambda line: print(line, flush=True))\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(root)], stdout=subprocess.PIPE, text=True, stderr=subprocess.PIPE
    )
    with child:
        assert child.stdout is not None
        assert "The shelf is empty" in child.stdout.readline()
        assert child.stdout.readline().strip() == "site: 0 new articles"
        address = re.search(r"http://127\.0\.0\.1:(\d+)/", child.stdout.readline())
        assert address is not None
        connection = http.client.HTTPConnection("127.0.0.1", int(address[1]), timeout=PATIENCE)
        connection.request("GET", "/changes")
        stream = connection.getresponse()
        assert read_event(stream) == 1
        child.send_signal(signal.SIGINT)
        assert child.wait(PATIENCE) == 0
        connection.close()
        assert child.stderr is not None
        assert child.stderr.read() == ""
