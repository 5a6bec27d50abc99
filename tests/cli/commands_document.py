"""docs/commands.md: `python -m tests.cli.commands_document` renews the help of all commands."""

import re
from collections.abc import Iterator

import click
from click.testing import CliRunner

from gateway import cli
from tests.documents import ROOT

DOCUMENT = ROOT / "docs" / "commands.md"
_HELP = re.compile(
    r"(?<=^<!-- help: )(?P<name>[\w ]*)( -->\n```text\n).*?(?=^```$)", re.MULTILINE | re.DOTALL
)


def command_names() -> Iterator[str]:
    """Yield the words of every command, its groups included: `key`, `key new`."""
    yield from _below(cli.main, ())


def _below(command: click.Command, words: tuple[str, ...]) -> Iterator[str]:
    yield " ".join(words)
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from _below(inner, (*words, name))


def help_of(name: str) -> str:
    """Return the help of a command, as a terminal shows it that is wide enough."""
    return printed_help(name, 100)


def printed_help(name: str, columns: int) -> str:
    """Return what a terminal of that width shows."""
    words = [*name.split(), "--help"]
    called = CliRunner().invoke(cli.main, words, prog_name="gateway", terminal_width=columns)
    return called.output


def documented() -> list[str]:
    """Return the commands that the document has, in its order."""
    return [match["name"] for match in _HELP.finditer(DOCUMENT.read_text("utf-8"))]


def rewritten() -> str:
    """Return the document with the help of today."""
    text = DOCUMENT.read_text("utf-8")
    return _HELP.sub(lambda found: found["name"] + found[2] + help_of(found["name"]), text)


if __name__ == "__main__":
    DOCUMENT.write_text(rewritten(), "utf-8")
