"""`gateway reload`: make the running gateway reload its configuration."""

import os
from pathlib import Path

import click

from gateway.cli.options import CONFIG


@click.command(short_help="Make the gateway on this machine reload its configuration.")
@CONFIG
@click.option("--url", help="The admin listener's URL; by default that of the configuration.")
def reload(config: Path | None, url: str | None) -> None:
    """Make the gateway on this machine reload its configuration; exit 1 if it cannot.

    It is asked at its admin listener, with the token of the configuration. Requests continue.
    """
    from gateway.checks.reload_request import NotReached, admin_place, ask_to_reload
    from gateway.config.checks.problems import ConfigError

    try:
        result = ask_to_reload(admin_place(config, os.environ, url))
    except (ConfigError, NotReached) as error:
        raise click.ClickException(str(error)) from None
    if not result.done:
        raise click.ClickException(result.text)
    click.echo(result.text)
