"""`gateway serve`: run the gateway."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from gateway.cli.options import CONFIG, UPSTREAM, reading, source_of

if TYPE_CHECKING:
    from gateway.config.reading.source import Source


@click.command()
@CONFIG
@click.option("--host", help="The address to listen on.")
@click.option("--port", type=int, help="The port to listen on; 0 for any free one.")
@UPSTREAM
@click.option("--workers", type=int, help="The number of processes that share the port.")
def serve(
    config: Path | None,
    host: str | None,
    port: int | None,
    upstream: str | None,
    workers: int | None,
) -> None:
    """Run the gateway."""
    overrides = {
        "server.host": host,
        "server.port": port,
        "server.workers": workers,
        "upstream": upstream,
    }
    from gateway.server.processes.signals import ends_on_signals

    with ends_on_signals():
        _serve(source_of(config, overrides))


def _serve(source: "Source") -> NoReturn:
    settings_read = reading(source)
    # Meanwhile, this process imports what it needs.
    from gateway.app import build
    from gateway.lifecycle.logs import log_to_stderr
    from gateway.lifecycle.running import run

    settings, warnings = settings_read()
    log_to_stderr(settings.log)
    for warning in warnings:
        logging.getLogger("gateway").warning(warning)
    try:
        raise SystemExit(run(source, settings, build))
    except OSError as error:
        raise click.ClickException(error.strerror or str(error)) from None
    except ValueError as error:
        raise click.ClickException(str(error)) from None
