"""Whom a letter is shown for: an active subscriber, or one of a few typical samples. Also the bytes they would get.

What it does not know: pages, views, the network. Raises `Refused` for an address that is not in the Book.
"""

from __future__ import annotations

from dataclasses import dataclass

from newsletter.app import Project
from newsletter.errors import NewsletterError, Refused
from newsletter.letter import Letter
from newsletter.sending import addressing

SAMPLE_TOKEN = "sample-of-the-preview"  # noqa: S105 - opens nothing: no such token was ever signed
_PAGE = 500
_SEARCHED = 20_000


@dataclass(frozen=True, slots=True)
class Recipient:
    """`key` names the recipient in addresses of the page. `public_id` is empty for a sample; `note` says why they would
    get nothing, or what the sample is a sample of."""

    key: str
    email: str
    name: str = ""
    public_id: str = ""
    note: str = ""


SAMPLES = (
    Recipient("sample:usual", "anna@example.org", "Anna Berg", note="A usual name"),
    Recipient("sample:nameless", "reader@example.org", "", note="No name"),
    Recipient(
        "sample:long",
        "hubertine.wilhelmina.longstocking-untertannenwaldhausen@correspondence.example.org",
        "Hubertine-Wilhelmina-Alexandra Freifrau von und zu Hohenschlummerberg-Untertannenwaldhausen",
        note="A very long name",
    ),
    Recipient("sample:rtl", "nour@example.org", "نور القمر", note="Right to left"),
    Recipient("sample:cjk", "hana@example.org", "月野 花", note="Chinese, Japanese, Korean"),
    Recipient(
        "sample:awkward", "fergus+mo@example.org", 'Fergus&Mo "Tuba" <at number four>', note="Awkward characters"
    ),
)


def recipient_of(project: Project, key: str) -> Recipient:
    """The recipient a key of the page names: a sample, or an address in the Book. Raises `Refused`."""
    if not key:
        return (*search(project, "", limit=1), *SAMPLES)[0]
    sample = next((sample for sample in SAMPLES if sample.key == key), None)
    found = sample or known(project, key)
    if found is None:
        raise Refused(f"{key} is not in the Book; choose another address, or add it with `newsletter subscribers add`")
    return found


def known(project: Project, address: str) -> Recipient | None:
    """The subscriber of an address, if there is one. Raises `Refused` for what is no address."""
    try:
        found = project.book.find(address)
    except NewsletterError:
        raise
    except Exception as error:
        # The Book raises errors of `subscribers`, which this package does not import.
        raise Refused(str(error)) from error
    if found is None:
        return None
    note = "" if found.status == "active" else f"{found.status}: would get nothing"
    return Recipient(found.email, found.email, found.name, found.public_id, note)


def search(project: Project, words: str, *, limit: int) -> list[Recipient]:
    """Active subscribers whose address or name holds `words`, in pages by id; the first 20,000 are searched."""
    wanted = words.casefold().strip()
    found: list[Recipient] = []
    after = 0
    for _ in range(_SEARCHED // _PAGE):
        page = project.book.page_with_suppressions(after=after, limit=_PAGE)
        active = [one for one, suppressed in page if one.status == "active" and not suppressed]
        fitting = (one for one in active if wanted in one.email.casefold() or wanted in one.name.casefold())
        found += [Recipient(one.email, one.email, one.name, one.public_id) for one in fitting]
        if len(found) >= limit or len(page) < _PAGE:
            break
        after = page[-1][0].id
    return found[:limit]


def values_of(recipient: Recipient, *, project: Project) -> dict[str, str]:
    """What fills the letter's blanks for this recipient."""
    return addressing.values_of(name=recipient.name, address=recipient.email, token=_token(recipient, project=project))


def addressed(letter: Letter, recipient: Recipient, *, slot_key: str, list_id: str, project: Project) -> bytes:
    """The Message this recipient would get, byte for byte but for its date, which is now."""
    message = addressing.of_issue(
        letter,
        address=recipient.email,
        name=recipient.name,
        token=_token(recipient, project=project),
        recipient=recipient.public_id or recipient.key,
        slot_key=slot_key,
        list_id=list_id,
        at=project.clock(),
    )
    return message.data


def _token(recipient: Recipient, *, project: Project) -> str:
    return project.book.unsubscribe_token(recipient.public_id) if recipient.public_id else SAMPLE_TOKEN
