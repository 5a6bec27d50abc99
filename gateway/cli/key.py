"""Keys for the gateway's own clients: `gateway key`. A key is shown once, and stored nowhere."""

import hashlib
import secrets

import click

PREFIX = "gw-"
"""The beginning of every key, by which people and secret scanners recognise one."""


def new_key() -> str:
    """Return a random key of 256 bits, in letters, digits, `-` and `_`."""
    return PREFIX + secrets.token_urlsafe(32)


def digest_of(key: str) -> str:
    """Return what the configuration has in a key's place: its SHA-256 in hexadecimal."""
    return hashlib.sha256(key.encode()).hexdigest()


@click.group()
def key() -> None:
    """Make keys for the gateway's clients."""


@key.command(short_help="Print a new random key and its SHA-256.")
def new() -> None:
    """Print a new random key, for the client, and its SHA-256, for `clients` in the configuration.

    The key itself is stored nowhere.
    """
    made = new_key()
    click.echo(f"key: {made}\nkey_sha256: {digest_of(made)}")
