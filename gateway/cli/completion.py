"""`gateway completion`: the script with which a shell completes commands and options."""

import click
from click.shell_completion import BashComplete, FishComplete, ZshComplete

_SHELLS = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}
_PROGRAM = "gateway"
_VARIABLE = "_GATEWAY_COMPLETE"
"""By which click knows that a shell asks: of the program's name."""


@click.command()
@click.argument("shell", type=click.Choice(list(_SHELLS)))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print a script that completes commands and options in SHELL.

    For bash, in ~/.bashrc: eval "$(gateway completion bash)".
    """
    script = _SHELLS[shell](ctx.find_root().command, {}, _PROGRAM, _VARIABLE)
    click.echo(script.source())
