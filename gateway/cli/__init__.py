"""The command line: one module for each command.

These modules import what runs a command only when it runs, so that `healthcheck`, `--version` and
completion start in a fraction of the time and memory of the gateway.

Exit codes: 0 success, 1 a problem was found, 2 wrong usage (click's own).
"""

import click

from gateway import __version__
from gateway.cli.check import check
from gateway.cli.completion import completion
from gateway.cli.demo import demo
from gateway.cli.healthcheck import healthcheck
from gateway.cli.key import key
from gateway.cli.reload import reload
from gateway.cli.resolve import resolve
from gateway.cli.schema import schema
from gateway.cli.serve import serve
from gateway.cli.translate import translate


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", prog_name="gateway")
def main() -> None:
    """Let any OpenAI-style client reach any model, at whichever endpoint the model lives."""


for _command in (
    *(serve, demo, resolve, translate, check, healthcheck, reload),
    *(key, schema, completion),
):
    main.add_command(_command)
