import re
import stat

import pytest

from subscribers import BadKeyFile, KeyRing, Link, create_keys, load_keys, mask_tokens
from subscribers.tokens import FORM, UNSUBSCRIBE

PUBLIC_ID = bytes(range(16))
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
OLD = "k1:" + "QUFB" * 11
NEW = "k2:" + "QkJC" * 11


@pytest.fixture
def ring():
    return KeyRing.parse(OLD)


def test_a_token_gives_back_what_it_was_made_from(ring):
    token = ring.sign(PUBLIC_ID, purpose=UNSUBSCRIBE)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,60}", token)
    assert ring.verify(token, purpose=UNSUBSCRIBE) == PUBLIC_ID


def test_the_same_person_always_gets_the_same_token(ring):
    assert ring.sign(PUBLIC_ID, purpose=UNSUBSCRIBE) == ring.sign(PUBLIC_ID, purpose=UNSUBSCRIBE)


def test_a_token_for_one_purpose_is_none_for_another(ring):
    assert ring.verify(ring.sign(PUBLIC_ID, purpose=FORM), purpose=UNSUBSCRIBE) is None


def test_no_changed_character_anywhere_still_verifies(ring):
    token = ring.sign(PUBLIC_ID, purpose=UNSUBSCRIBE)
    for place, character in enumerate(token):
        for other in ALPHABET:
            if other != character:
                assert ring.verify(token[:place] + other + token[place + 1 :], purpose=UNSUBSCRIBE) is None


@pytest.mark.parametrize("token", ["", "k1", "k1" + "A" * 43, "x" * 5000, "k1é" + "A" * 43, "k1" + "A" * 43 + "\n"])
def test_nonsense_is_refused_quietly(ring, token):
    assert ring.verify(token, purpose=UNSUBSCRIBE) is None


def test_old_links_work_after_a_new_key_is_appended(ring):
    token = ring.sign(PUBLIC_ID, purpose=UNSUBSCRIBE)
    both = KeyRing.parse(f"{OLD}\n{NEW}\n")
    assert both.verify(token, purpose=UNSUBSCRIBE) == PUBLIC_ID
    assert both.sign(PUBLIC_ID, purpose=UNSUBSCRIBE).startswith("k2")
    assert both.address_hash("ann@example.org") == ring.address_hash("ann@example.org")


def test_another_newsletters_key_of_the_same_name_makes_nothing_of_it(ring):
    stranger = KeyRing.parse("k1:" + "Q0ND" * 11)
    assert ring.verify(stranger.sign(PUBLIC_ID, purpose=UNSUBSCRIBE), purpose=UNSUBSCRIBE) is None


def test_a_new_key_file_is_for_its_owner_alone_and_is_read_again(tmp_path):
    path = tmp_path / "keys"
    made = create_keys(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_keys(path).sign(PUBLIC_ID, purpose=UNSUBSCRIBE) == made.sign(PUBLIC_ID, purpose=UNSUBSCRIBE)


def test_a_key_file_is_never_overwritten(tmp_path):
    path = tmp_path / "keys"
    create_keys(path)
    before = path.read_bytes()
    with pytest.raises(BadKeyFile, match="never overwritten"):
        create_keys(path)
    assert path.read_bytes() == before


def test_a_missing_key_file_says_to_restore_it_and_is_not_remade(tmp_path):
    path = tmp_path / "keys"
    with pytest.raises(BadKeyFile, match="missing; restore it from your backup") as refusal:
        load_keys(path)
    assert refusal.value.exit_code == 2
    assert not path.exists()


@pytest.mark.parametrize("text", ["", "# nothing\n", "k1\n", "k1:???\n", "k1:QUE=\n", f"{OLD}\n{OLD}\n", "é:QUFB\n"])
def test_a_damaged_key_file_is_refused_without_showing_what_is_in_it(tmp_path, text):
    path = tmp_path / "keys"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadKeyFile) as refusal:
        load_keys(path)
    assert "QUFB" not in str(refusal.value)


def test_secrets_never_show_in_a_repr(ring):
    assert "AAA" not in repr(ring)


@pytest.mark.parametrize(
    "place", ["unsubscribe/{}", "CONFIRM//{}", "review/2026-W47/{}.", "weekly/review/{}?from=mail"]
)
def test_a_token_in_an_address_is_masked_wherever_it_stands(ring, place):
    token = ring.token(Link(b"review", PUBLIC_ID))
    masked = mask_tokens(f"blocked: https://news.example.org/{place.format(token)} and more")
    assert token not in masked
    assert masked.startswith("blocked: https://news.example.org/")
    assert masked.endswith("and more")


def test_the_address_of_an_article_is_not_masked():
    said = "https://www.example.org/review/night-ferry-returns-to-the-old-harbour-at-last could not be read: 404"
    assert mask_tokens(said) == said
