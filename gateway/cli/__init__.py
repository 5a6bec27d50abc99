"""The command line: one module for each command, with the command's name.

A module is imported when its command is called or shown, and imports what runs the command only
when it runs, so that `healthcheck`, `--version` and completion start in a fraction of the time and
memory of the gateway.

Exit codes: 0 success, 1 a problem was found, 2 wrong usage (click's own).
"""

from importlib import import_module
from typing import Any

import click

from gateway import __version__
from gateway.cli.standard_streams import open_closed_ones, reported_output

_NAMES = (
    *("serve", "demo", "resolve", "translate", "check", "healthcheck", "reload"),
    *("key", "schema", "completion"),
)

_WIDTH = 102
"""Most columns of the help: 100 and click's margin, if the terminal has them."""


class Commands(click.Group):
    """The commands by their names."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command; a problem, its output's too, ends the process with one line."""
        with reported_output():
            return super().main(*args, **kwargs)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names in the order of the alphabet, as click shows them."""
        return sorted(_NAMES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return a command, or None if there is none of this name."""
        if cmd_name not in _NAMES:
            return None
        command: click.Command = getattr(import_module(f"gateway.cli.{cmd_name}"), cmd_name)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse what stands before a command; say where options of commands belong."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            name = error.option_name
            having = [each for each in _NAMES if name in _options_of(self.get_command(ctx, each))]
            if not having:
                raise
            advice = f"it belongs after a command: gateway {having[0]} {name} …"
            raise click.UsageError(f"No such option '{name}' here; {advice}", ctx) from None


def _options_of(command: click.Command | None) -> list[str]:
    return [option for each in command.params for option in each.opts] if command else []


_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": _WIDTH}


@click.group(cls=Commands, context_settings=_CONTEXT)
@click.version_option(__version__, "-V", "--version", prog_name="gateway")
def main() -> None:
    """Let OpenAI- and Anthropic-style clients reach any model, at whichever endpoint it lives."""
    open_closed_ones()
