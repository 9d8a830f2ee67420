"""`dkim …`: the key that signs what is sent, and the DNS record that publishes it."""

from __future__ import annotations

from typing import Any

import click

from newsletter.cli import output
from newsletter.cli.context import Group, ProjectContext, json_option, pass_project_context
from newsletter.errors import ConfigurationError


@click.group(cls=Group)
def dkim() -> None:
    """Signatures that let receivers see that a mail is yours (DKIM)."""


@dkim.command()
@click.option("--ed25519", is_flag=True, help="A short, fast key; some receivers read RSA alone.")
@json_option
@pass_project_context
def new(context: ProjectContext, ed25519: bool, as_json: bool) -> None:
    """Make a key, and print the DNS record to publish. An existing key is never overwritten.

    JSON: {"key_file", "name", "type": "TXT", "value", "zone": the line of a zone file, "settings": TOML or ""}
    """
    from newsletter.backends.dkim import make_key

    file = context.project.settings.dkim_key_file
    try:
        make_key(file, kind="ed25519" if ed25519 else "rsa")
    except FileExistsError as error:
        raise ConfigurationError(
            f"{file} is there already: `newsletter dkim show` prints its record; for a new key give [dkim] another "
            "selector and key_file first, so that mails that are under way can still be verified"
        ) from error
    _say(_record(context), as_json=as_json)


@dkim.command()
@json_option
@pass_project_context
def show(context: ProjectContext, as_json: bool) -> None:
    """Print the DNS record of the key there is.

    JSON: as of `dkim new`
    """
    _say(_record(context), as_json=as_json)


def _record(context: ProjectContext) -> dict[str, Any]:
    from newsletter.backends.dkim import dns_record, in_strings

    settings = context.project.settings
    table = settings.dkim
    domain = table.domain or settings.from_address.rpartition("@")[2]
    value = dns_record(settings.dkim_key_file)
    name = f"{table.selector}._domainkey.{domain}"
    zone = f"{name}. IN TXT ( {in_strings(value)} )"
    lines = "" if table.domain else f'[dkim]\ndomain = "{domain}"\nselector = "{table.selector}"\n'
    return {
        "key_file": str(settings.dkim_key_file),
        "name": name,
        "type": "TXT",
        "value": value,
        "zone": zone,
        "settings": lines,
    }


def _say(record: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        output.dump(record)
        return
    output.say(f"the private key is in {record['key_file']}; keep a copy, and show it to nobody")
    output.heading("Publish this record")
    output.say(record["zone"])
    if record["settings"]:
        output.heading("Then let mails be signed, in newsletter.toml")
        output.say(record["settings"])
