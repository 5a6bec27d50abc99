"""`gateway healthcheck`: whether the gateway on this machine is alive."""

import os
from pathlib import Path

import click

from gateway.cli.options import CONFIG
from gateway.cli.serve import serve

_LONGEST = 3600.0


def _seconds(_context: click.Context, _option: click.Parameter, value: float) -> float:
    # Not a FloatRange, which has nothing against nan.
    if not 0 < value <= _LONGEST:
        raise click.BadParameter(f"must be more than 0, and at most {_LONGEST:g}.")
    return value


@click.command(short_help="Ask the gateway on this machine whether it is alive.")
@CONFIG
@click.option(
    "--of",
    "process",
    type=int,
    metavar="PID",
    help="The `gateway serve` process whose command-line options apply, too.",
)
@click.option(
    "--timeout", type=float, default=2.0, callback=_seconds, show_default=True, help="In seconds."
)
def healthcheck(config: Path | None, process: int | None, timeout: float) -> None:
    """Ask the gateway on this machine whether it is alive; exit 1 unless it answers that it is.

    It is asked where `serve` with the same configuration listens.
    """
    from gateway.checks.healthcheck import Unhealthy, ask, place_of, serve_arguments
    from gateway.config.checks.problems import ConfigError

    options = {"config": config, "host": None, "port": None}
    if process is not None:
        options = serve.make_context(
            # As in the group: what a command makes of these names first is what it keeps.
            "serve",
            serve_arguments(process),
            help_option_names=["-h", "--help"],
        ).params
    where = {f"server.{name}": options[name] for name in ("host", "port")}
    try:
        place, problems = place_of(config or options["config"], os.environ, where)
        for problem in problems:
            click.echo(f"warning: {problem}", err=True)
        ask(place, timeout)
    except (ConfigError, Unhealthy) as error:
        raise click.ClickException(str(error)) from None
