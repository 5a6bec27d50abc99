"""Running commands in this process."""

from collections.abc import Sequence
from typing import Any

import click
import httpx2
from click.testing import CliRunner, Result

from gateway import cli
from tests.processes import PATIENCE

KEY = "sk-test"
NO_CONFIG = {"GATEWAY_CONFIG": None, "OPENAI_API_KEY": KEY}


def run(*arguments: str, stdin: bytes | str | None = None, **variables: str) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(cli.main, arguments, input=stdin, env={**NO_CONFIG, **variables})


def command_of(name: str) -> click.Command:
    """Return a command of the program."""
    command = cli.main.get_command(click.Context(cli.main), name)
    assert command is not None, name
    return command


def parse(name: str, arguments: Sequence[str]) -> None:
    """Parse the arguments of a command, below the program: click keeps what is made of it first."""
    program = click.Context(cli.main, info_name="gateway", **cli.main.context_settings)
    command_of(name).make_context(name, [*arguments], parent=program)


ANY_PORTS = {"GATEWAY_SERVER__PORT": "0", "GATEWAY_ADMIN__PORT": "0"}
"""For a command that may listen: the usual ports can be taken."""


def prompt_of(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "gpt-4o-mini", "prompt": text, "max_tokens": 20, **more}


def client_of(base_url: str) -> httpx2.Client:
    headers = {"authorization": f"Bearer {KEY}"}
    return httpx2.Client(base_url=base_url, headers=headers, trust_env=False, timeout=PATIENCE)
