"""Writes the parts of the docs that the code knows best: states, layers, who may import what, the tables.

A part stands in a page between `<!-- from the code: NAME -->` and `<!-- end -->`. After a change of the code run
`python docs/write_pages.py`; a test fails until you have.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from newsletter import database, decisions, issues, past_issues, review_links
from newsletter.sending import pace, states, tables as sending_tables
from newsletter.shelf import identity, tables as shelf_tables
from subscribers import tables as subscribers_tables

DOCS = Path(__file__).parent
CONTRACTS = DOCS.parent / "importlinter.toml"
MODULES = (
    database,
    shelf_tables,
    decisions,
    review_links,
    issues,
    past_issues,
    sending_tables,
    pace,
    subscribers_tables,
)
ABOUT = {
    "facts": "Moments that are remembered by name: when the project began.",
    "articles": "The shelf: every article ever seen, with its content as JSON and the editor's changes beside it.",
    "article_names": "All names of an article (address, guid, title and date), as hashes.",
    "decisions": "Append-only: what the editor decided, who, when and from where; one decision undoes another.",
    "review_links": "Which editor may open which issue's review page; the link itself is made with the key file.",
    "article_pages": "What the page behind an article said, kept beside what its source says; it is read once.",
    "signals": "Numbers about an article at a time: views, comments, ratings.",
    "pulls": "What each source said last time, so that only what is new is asked for.",
    "images": "Pictures that came as files and are served by the public pages.",
    "issues": "One row per slot: its state, when it was frozen, for how many, and the hash of its content.",
    "letters": "The finished Letter of each variant of a frozen issue.",
    "considered": "The whole pool a frozen issue was chosen from; `place` is empty for what was passed over.",
    "learned": "What older newsletters carried, read in by `newsletter issues learn`.",
    "picks": "What a frozen issue carries: the article as it was then, its score and its reason.",
    "alerts": "What the operator was told, and about what.",
    "deliveries": "The ledger: one row per recipient per issue.",
    "outbox": "Single mails that wait: the letter, and what its tokens will be made of; both go when it has left.",
    "attempts": "Append-only: what became of every claim that was begun, each outcome once.",
    "workers": "Who is sending, and the lock that proves it.",
    "pace": "When the next message may leave, over all workers together.",
    "subscribers": "Who wants the newsletter, and since when.",
    "suppressions": "Addresses never to be mailed, as keyed hashes; they outlive the subscriber's row.",
    "consents": "Append-only evidence: what was agreed to or withdrawn, when, by which form and wording.",
    "sign_up_mails": "Confirmations asked for, with a hash of what their token is made of; limits are counted here.",
    "guard_passes": "Sign-ups that were let through, for the sliding limits.",
    "guard_trips": "How often sign-ups were turned away: one row per hour and reason.",
}


def written(page: str) -> str:
    """The page with every marked part as the code has it. An unknown name raises `KeyError`."""
    part = re.compile(r"(<!-- from the code: ([\w ]+) -->\n).*?(<!-- end -->)", re.DOTALL)
    return part.sub(lambda found: f"{found[1]}\n{PARTS[found[2]]()}\n{found[3]}", page)


def _steps(table: Mapping[Any, frozenset[Any]]) -> str:
    def names(some: frozenset[Any]) -> str:
        order = list(table)
        return ", ".join(f"`{one}`" for one in sorted(some, key=order.index)) or "nothing: it is an end"

    return (
        "\n".join(["| State | may become |", "|---|---|", *(f"| `{one}` | {names(table[one])} |" for one in table)])
        + "\n"
    )


def _identity() -> str:
    def words(cell: frozenset[identity.Seen]) -> str:
        return "" if cell == frozenset(identity.Seen) else " or ".join(seen for seen in identity.Seen if seen in cell)

    head = ["| id | address | title | date | text | | because |", "|---|---|---|---|---|---|---|"]
    rules = (
        f"| {' | '.join(map(words, rule.cells))} | {'one' if rule.one_article else 'two'} | {rule.because} |"
        for rule in identity.TABLE
    )
    return "\n".join([*head, *rules]) + "\n"


def _contracts() -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = tomllib.loads(CONTRACTS.read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    return loaded


def _layers() -> str:
    two = [contract for contract in _contracts() if contract["type"] == "layers"]
    texts = [
        "\n".join([f"{contract['containers'][0]}", *(f"    {layer}" for layer in contract["layers"])])
        for contract in two
    ]
    return "```text\n" + "\n\n".join(texts) + "\n```\n"


def _importers() -> str:
    def names(modules: list[str]) -> str:
        return ", ".join(f"`{module.removeprefix('newsletter.').removesuffix('.**')}`" for module in modules)

    rows = [
        f"| {contract['name']} | {names(contract['protected_modules'])} | {names(contract['allowed_importers'])} |"
        for contract in _contracts()
        if contract["type"] == "protected" and not contract["protected_modules"][0].startswith("subscribers")
    ]
    return "\n".join(["| | Modules | Imported by these alone |", "|---|---|---|", *rows]) + "\n"


def _schema() -> str:
    return "\n".join(line for module in MODULES for line in _module(module.__name__, vars(module)))


def _module(name: str, inside: Mapping[str, Any]) -> Iterator[str]:
    yield f"## `{name.replace('.', '/')}.py`\n"
    for table in (one for one in inside.values() if isinstance(one, sa.Table)):
        yield f"### `{table.name}`\n\n{ABOUT[table.name]}\n"
        yield "| Column | Type | Null | |"
        yield "|---|---|---|---|"
        yield from (_column(column) for column in table.columns)
        yield ""
        if rules := [*_checks(table), *_indexes(table)]:
            yield "\n".join(f"- {rule}" for rule in rules) + "\n"


def _column(column: sa.Column[Any]) -> str:
    time = isinstance(column.type, database.UtcDateTime)
    kind = "time" if time else str(column.type.compile(dialect=postgresql.dialect())).lower()
    notes = ["primary key"] if column.primary_key else []
    notes += [f"→ `{key.target_fullname}`" for key in column.foreign_keys]
    notes += ["unique"] if column.unique else []
    if isinstance(column.server_default, sa.DefaultClause):
        notes.append(
            f"default `{column.server_default.arg!s}`" if str(column.server_default.arg) else "default empty text"
        )
    cells = [f"`{column.name}`", kind, "yes" if column.nullable else "", "; ".join(notes)]
    return "| " + " | ".join(cells) + " |"


def _checks(table: sa.Table) -> list[str]:
    found = [str(one.sqltext) for one in table.constraints if isinstance(one, sa.CheckConstraint)]
    return [f"always: `{' '.join(text.split())}`" for text in sorted(found)]


def _indexes(table: sa.Table) -> list[str]:
    together = [one for one in table.constraints if isinstance(one, sa.UniqueConstraint) and len(one.columns) > 1]
    found = [f"unique together: {_names(one.columns)}" for one in together]
    for index in sorted(table.indexes, key=lambda one: str(one.name)):
        condition = index.dialect_options["sqlite"].get("where")
        found.append(f"index: {_names(index.columns)}" + (f" where `{condition}`" if condition is not None else ""))
    return found


def _names(columns: Any) -> str:
    return ", ".join(f"`{column.name}`" for column in columns)


PARTS: dict[str, Callable[[], str]] = {
    "delivery states": lambda: _steps(states.STEPS),
    "issue states": lambda: _steps(issues.STEPS),
    "identity": _identity,
    "layers": _layers,
    "importers": _importers,
    "tables": _schema,
}

if __name__ == "__main__":
    for file in sorted(DOCS.glob("*.md")):
        file.write_text(written(file.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")
