"""`gateway demo`: what fails without the gateway, and succeeds through it."""

import asyncio

import click

from gateway.cli.options import write

_PORT = click.IntRange(0, 65535)


@click.command(short_help="Show calls that succeed only through the gateway.")
@click.option(
    "--once", is_flag=True, help="Show the calls and exit; otherwise both servers stay up."
)
@click.option("--port", type=_PORT, help="The gateway's port; 8080, or a free one.")
@click.option("--emulator-port", type=_PORT, help="The upstream's port; 8081, or a free one.")
def demo(once: bool, port: int | None, emulator_port: int | None) -> None:
    """Show calls that fail at the upstream and succeed through the gateway."""
    from gateway.demo.show import Ports, PortTaken, show

    try:
        raise SystemExit(
            asyncio.run(show(once=once, ports=Ports(port, emulator_port), write=write))
        )
    except PortTaken as error:
        raise click.ClickException(str(error)) from None
