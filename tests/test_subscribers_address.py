import pytest
from hypothesis import given, strategies as st

from subscribers import BadAddress, parse_address


def test_case_and_white_space_do_not_make_two_people():
    assert parse_address("  Ann.Lee@Example.ORG \n").key == parse_address("ann.lee@example.org").key


def test_what_is_mailed_keeps_the_local_part_as_it_was_written():
    assert parse_address("Ann.Lee@Example.ORG").email == "Ann.Lee@example.org"


@pytest.mark.parametrize("typed", ["a@münchen.de", "a@MÜNCHEN.de", "a@xn--mnchen-3ya.de"])
def test_spellings_of_an_international_domain_are_one_address_in_ascii(typed):
    assert parse_address(typed).email == "a@xn--mnchen-3ya.de"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "no e-mail address"),
        ("ann", "@-sign"),
        ("ann@localhost", "period"),
        ("ann@x.local", "special-use"),
        ("ann lee@example.org", "SPACE"),
        ("ann@@example.org", "@"),
        ("Ann <ann@example.org>", "angle brackets"),
        ('"ann"@example.org', "Quoting"),
        ("ann@[192.0.2.1]", "bracketed"),
        ("ann@example..org", "two periods"),
        ("änn@example.org", "letters before the @"),
        ("a" * 65 + "@example.org", "64 characters"),
        ("a@" + "b" * 300 + ".org", "longer than 254"),
        ("ann@exa\u200bmple.org", "invisible"),
        ("ann@example.org\r\nBcc: all@example.org", "invisible"),
        ("ann\x00@example.org", "invisible"),
        ("ann\ud800@example.org", "invisible"),
    ],
)
def test_each_refusal_is_a_sentence_that_names_its_reason(typed, said):
    with pytest.raises(BadAddress) as refusal:
        parse_address(typed)
    sentence = str(refusal.value)
    assert said.lower() in sentence.lower()
    assert sentence.endswith(".")
    assert not any(ord(character) < 32 for character in sentence)
    assert len(sentence) < 300


def test_plus_tags_and_gmail_dots_are_different_people_in_one_mailbox():
    one, two = parse_address("a.nn+1@gmail.com"), parse_address("ann+2@googlemail.com")
    assert one.key != two.key
    assert one.mailbox == two.mailbox


@given(st.text(max_size=400))
def test_whatever_is_typed_gives_an_ascii_address_or_a_refusal(typed):
    try:
        address = parse_address(typed)
    except BadAddress:
        return
    assert address.email.isascii()
    assert address.email.isprintable()
    assert " " not in address.email
    assert len(address.email) <= 254
    assert parse_address(address.email) == address
