"""The consent register: who wants the newsletter, since when, under which words, and who must never be mailed.

Imports nothing of `newsletter`: leaving must work when everything about issues is broken. The map:

    subscriber, errors     pure: the data types; what is refused
    address, tokens        pure: an address or a refusal; tokens that are derived and never expire
    network                pure: where a client connects from
    keys                   the key file
    tables                 the tables, and the Store they live in
    book                   the rules; on joining, leaving, confirmations, consents, bulk, queries (SQL, a file a job)
    transfer               import and export; on csv_file (how a file is written), platforms (what its words mean)
    guard                  sign-up abuse limits
    web                    the routes of joining and leaving (imported by its own name: it needs the web framework)
"""

from subscribers.address import parse_address
from subscribers.book import Book
from subscribers.errors import (
    BadAddress,
    BadFile,
    BadKeyFile,
    BadToken,
    LeftBefore,
    SubscribersError,
    Suppressed,
    UnknownSubscriber,
)
from subscribers.guard import Guard, Limits
from subscribers.keys import create_keys, load_keys
from subscribers.subscriber import (
    Confirmation,
    ImportReport,
    Provenance,
    Record,
    SignUp,
    Status,
    Subscriber,
)
from subscribers.tables import UtcDateTime, metadata
from subscribers.tokens import KeyRing, Link, mask_tokens
from subscribers.transfer import export_csv, exported, import_csv, imports

__all__ = [
    "BadAddress",
    "BadFile",
    "BadKeyFile",
    "BadToken",
    "Book",
    "Confirmation",
    "Guard",
    "ImportReport",
    "KeyRing",
    "LeftBefore",
    "Limits",
    "Link",
    "Provenance",
    "Record",
    "SignUp",
    "Status",
    "Subscriber",
    "SubscribersError",
    "Suppressed",
    "UnknownSubscriber",
    "UtcDateTime",
    "create_keys",
    "export_csv",
    "exported",
    "import_csv",
    "imports",
    "load_keys",
    "mask_tokens",
    "metadata",
    "parse_address",
]
