"""What other platforms' files say about consent: a "no" always wins, and what is not understood is no consent."""

import pytest

from subscribers import BadFile, Status, import_csv
from subscribers.platforms import Claim, reader
from tests.subscribers_store import sqlite_store

pytest_plugins = ("tests.subscribers_store",)  # its fixtures: store, harness

ACTIVE, PENDING, LEFT = Status.ACTIVE, Status.PENDING, Status.UNSUBSCRIBED

MAILCHIMP = "Email Address,First Name,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP"
MAILCHIMP_VALUES = "2020-01-01 00:00:00,198.51.100.7,2020-01-01 00:10:00,198.51.100.7"
GHOST = "id,email,name,note,subscribed_to_emails,complimentary_plan,stripe_customer_id,created_at,deleted_at,labels"

# Of each platform an export as it writes it, and what becomes of each address: its status, or the reason of its
# suppression.
PLATFORMS = {
    "ghost": (
        (
            f"{GHOST}\n1,on@example.org,On,,true,false,,2024-01-01T00:00:00.000Z,,\n"
            "2,off@example.org,Off,,false,false,,2024-01-01T00:00:00.000Z,,\n"
            "3,gone@example.org,Gone,,true,false,,2024-01-01T00:00:00.000Z,2024-05-01T00:00:00.000Z,\n"
            "4,blank@example.org,Blank,,,false,,2024-01-01T00:00:00.000Z,,\n"
        ),
        {"on": ACTIVE, "off": LEFT, "gone": LEFT, "blank": PENDING},
    ),
    "substack, older": (
        (
            "email,active_subscription,expiry,plan,email_disabled,digest_enabled,created_at\n"
            "on@example.org,false,,other,false,false,2023-01-01T00:00:00.000Z\n"
            "off@example.org,true,,other,true,false,2023-01-01T00:00:00.000Z\n"
        ),
        {"on": ACTIVE, "off": LEFT},
    ),
    "substack, newer": (
        (
            "Email,Name,Stripe plan,Cancel date,Start date,Emails disabled,Subscription created at,Type\n"
            "on@example.org,On,,,,FALSE,2024-01-01,free\noff@example.org,Off,,,,TRUE,2024-01-01,free\n"
        ),
        {"on": ACTIVE, "off": LEFT},
    ),
    "mailchimp, subscribed": (
        f"{MAILCHIMP},LEID,TAGS\non@example.org,On,{MAILCHIMP_VALUES},1,\nnever@example.org,Never,,,,,2,\n",
        {"on": ACTIVE, "never": PENDING},
    ),
    "mailchimp, unsubscribed": (
        (
            f"{MAILCHIMP},UNSUB_TIME,UNSUB_CAMPAIGN_TITLE,UNSUB_REASON,LEID\n"
            f"off@example.org,Off,{MAILCHIMP_VALUES},2022-02-02 00:00:00,Week 5,NORMAL,1\n"
            f"spam@example.org,Spam,{MAILCHIMP_VALUES},2022-02-02 00:00:00,Week 5,ABUSE,2\n"
        ),
        {"off": LEFT, "spam": "complaint"},
    ),
    "mailchimp, cleaned": (
        (
            f"{MAILCHIMP},CLEAN_TIME,CLEAN_CAMPAIGN_TITLE,LEID\n"
            f"hard@example.org,Hard,{MAILCHIMP_VALUES},2022-02-02 00:00:00,Week 5,1\n"
        ),
        {"hard": "bounce"},
    ),
    "kit": (
        (
            "Subscriber ID,First Name,Email,State,Created At,Tags\n1,A,on@example.org,active,2023-01-01,\n"
            "2,B,off@example.org,cancelled,2023-01-01,\n3,C,hard@example.org,bounced,2023-01-01,\n"
            "4,D,spam@example.org,complained,2023-01-01,\n"
        ),
        {"on": ACTIVE, "off": LEFT, "hard": "bounce", "spam": "complaint"},
    ),
    "kit, by its API": (
        (
            "id,first_name,email_address,state,created_at\n1,A,on@example.org,active,2024-01-01\n"
            "2,B,off@example.org,cancelled,2024-01-01\n"
        ),
        {"on": ACTIVE, "off": LEFT},
    ),
    "mailpoet": (
        (
            "Subscriber Email,First name,Last name,Global status,List status\n"
            "on@example.org,A,B,subscribed,subscribed\noff@example.org,A,B,unsubscribed,subscribed\n"
            "list@example.org,A,B,subscribed,unsubscribed\nnever@example.org,A,B,unconfirmed,subscribed\n"
        ),
        {"on": ACTIVE, "off": LEFT, "list": LEFT, "never": PENDING},
    ),
    "buttondown": (
        (
            "email,notes,tags,creation_date,subscriber_type,source\non@example.org,,,2024-01-01,regular,import\n"
            "off@example.org,,,2024-01-01,unsubscribed,import\nnever@example.org,,,2024-01-01,unactivated,import\n"
            "hard@example.org,,,2024-01-01,undeliverable,import\n"
        ),
        {"on": ACTIVE, "off": LEFT, "never": PENDING, "hard": "bounce"},
    ),
    "listmonk": (
        (
            'uuid,email,name,attributes,status,created_at\n1,on@example.org,A,"{""city"":""X""}",enabled,2023-01-01\n'
            "2,off@example.org,B,{},disabled,2023-01-01\n3,block@example.org,C,{},blocklisted,2023-01-01\n"
        ),
        {"on": ACTIVE, "off": LEFT, "block": LEFT},
    ),
    "beehiiv": (
        (
            "email,created_at,status,subscription_tier\non@example.org,2023-01-01,active,free\n"
            "off@example.org,2023-01-01,inactive,free\nnever@example.org,2023-01-01,validating,free\n"
        ),
        {"on": ACTIVE, "off": LEFT, "never": PENDING},
    ),
    "phplist": (
        (
            "id,email,confirmed,blacklisted,optedin,bouncecount,disabled\n1,on@example.org,1,0,1,2,0\n"
            "2,off@example.org,1,1,1,0,0\n3,never@example.org,0,0,0,0,0\n"
        ),
        {"on": ACTIVE, "off": LEFT, "never": PENDING},
    ),
    "no header": (
        "on@example.org,A\noff@example.org,unsubscribed\nhard@example.org,bounced\n",
        {"on": ACTIVE, "off": LEFT, "hard": "bounce"},
    ),
}


@pytest.fixture
def store(tmp_path):
    """One database is enough: what differs between the two is tested with the transfer."""
    with sqlite_store(tmp_path) as store:
        yield store


@pytest.fixture
def take(harness, tmp_path):
    """Import a text with the operator's word for everybody in it."""

    def take(content, *, name="theirs.csv"):
        path = tmp_path / name
        path.write_text(content, encoding="utf-8")
        return import_csv(harness.book, path, confirmed=True)

    return take


def outcomes(book, names):
    found = {}
    for name in names:
        record = book.show(f"{name}@example.org")
        found[name] = record.suppression.reason if record.suppression else record.subscriber.status
    return found


@pytest.mark.parametrize(("content", "expected"), PLATFORMS.values(), ids=list(PLATFORMS))
def test_of_every_platform_only_those_are_active_who_are_so_there(harness, take, content, expected):
    take(content)
    assert outcomes(harness.book, expected) == expected
    assert harness.receivers() == [f"{name}@example.org" for name in expected if expected[name] is ACTIVE]


@pytest.mark.parametrize(("content", "expected"), PLATFORMS.values(), ids=list(PLATFORMS))
def test_a_no_in_a_file_ends_what_was_active_and_a_second_time_changes_nothing(harness, take, content, expected):
    for name in expected:
        harness.subscribed(f"{name}@example.org")
    ends = sorted(name for name, what in expected.items() if what not in {ACTIVE, PENDING})
    report = take(content)
    assert report.ended == len(ends) == report.unsubscribed_by_file + report.suppressed_by_file
    assert report.already == len(expected) - len(ends)
    assert sorted(set(expected) - {mail.partition("@")[0] for mail in harness.receivers()}) == ends
    for name in ends:
        record = harness.book.show(f"{name}@example.org")
        assert record.subscriber.status is LEFT
        said = [line for line in record.consents if line.via == "import"]
        assert (said[0].what, said[0].form, said[0].detail) == (
            "unsubscribed",
            "theirs.csv",
            "the imported file says so",
        )
    before = [harness.book.show(f"{name}@example.org") for name in expected]
    again = take(content)
    assert (again.unsubscribed, again.suppressed) == (report.unsubscribed_by_file, report.suppressed_by_file)
    assert again.already == report.already
    assert [harness.book.show(f"{name}@example.org") for name in expected] == before


def test_a_word_that_is_not_understood_is_no_consent_and_is_named(harness, take):
    harness.subscribed("known@example.org")
    words = {"a": "Active ", "b": "ACTIVE", "c": "Opted-in", "d": "1", "e": "true", "f": "frozen", "known": "frozen"}
    report = take("email,Status\n" + "".join(f"{name}@example.org,{word}\n" for name, word in words.items()))
    assert outcomes(harness.book, words) == {
        **dict.fromkeys("abc", ACTIVE),
        **dict.fromkeys("def", PENDING),
        "known": ACTIVE,  # it is no "no" either
    }
    assert report.notes == (
        (
            "not understood, so taken as no consent: Status “1” (1), Status “true” (1), Status “frozen” (2); write active, "
            "pending, unsubscribed, bounced or complained instead, and import the file again."
        ),
    )
    # Written in a word that is understood, it counts.
    assert take("email,Status\nd@example.org,active\n").confirmed == 1


def test_words_that_are_not_understood_are_listed_up_to_a_limit(take):
    (note,) = take("email,status\n" + "".join(f"r{n}@example.org,word{n}\n" for n in range(30))).notes
    assert note.count("“word") == 20
    assert "“…” (10)" in note


@pytest.mark.parametrize(
    "title",
    [
        "Opt-in campaign",
        "Unsub reason code",
        "Email state code",
        "Mail status 2",
        "is_disabled",
        "Blocked by",
        "deleted?",
        "Cleanliness",
        "Bounce type",
        "complaints",
        "Confirmation",
        "spam score",
        "suppression group",
    ],
)
def test_a_column_about_consent_that_is_not_understood_stops_the_import_before_anything_is_written(
    harness, take, title
):
    with pytest.raises(BadFile) as refusal:
        take(f"email,{title}\nann@example.org,x\n")
    assert f"“{title}”" in str(refusal.value)
    assert "rename the column to status" in str(refusal.value)
    assert "take it out" in str(refusal.value)
    assert harness.book.page() == []


@pytest.mark.parametrize("title", ["City", "Subscriber ID", "Subscription created at", "Plan", "Notes", "Last Name"])
def test_other_columns_are_left_alone(harness, take, title):
    take(f"email,{title}\nann@example.org,x\n")
    assert harness.receivers() == ["ann@example.org"]


def test_a_no_counts_in_whatever_column_it_stands(harness, take):
    take(
        "email,name,Tags,Type\nann@example.org,Ann,,unsubscribed\nbob@example.org,Unsubscribed,,\ncy@example.org,,,,abuse\n"
    )
    assert outcomes(harness.book, ("ann", "bob", "cy")) == {"ann": LEFT, "bob": ACTIVE, "cy": "complaint"}


@pytest.mark.parametrize(
    ("title", "value", "claim"),
    [
        ("UNSUB_TIME", "Jan 5, 2024", Claim.UNSUBSCRIBED),
        ("UNSUB_TIME", "0000-00-00 00:00:00", Claim.NOTHING),
        ("Unsubscribed", "no", Claim.NOTHING),
        ("Unsubscribed", "Yes", Claim.UNSUBSCRIBED),
        ("subscribed", "2024-05-01T00:00:00.000Z", Claim.ACTIVE),
        ("subscribed", "perhaps", Claim.UNCLEAR),
        ("Accepts Marketing", "no", Claim.UNSUBSCRIBED),
        ("confirmed", "false", Claim.UNCONFIRMED),
        ("confirmed_at", "2026-11-20T09:00:00+00:00", Claim.ACTIVE),
        ("status", "Hard_Bounced", Claim.BOUNCED),
        ("status", "", Claim.NOTHING),
        ("status", "0", Claim.UNCLEAR),
    ],
)
def test_a_cell_is_read_by_the_name_of_its_column(title, value, claim):
    assert reader(title)(value) is claim
