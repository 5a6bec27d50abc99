"""Every command's help is in the documents as it is printed."""

import click
import pytest

from gateway import cli
from tests.cli.commands_document import (
    DOCUMENT,
    command_names,
    documented,
    help_of,
    rewritten,
)

RENEW = "`python -m tests.cli.commands_document` renews it"


def test_the_document_has_every_command_once() -> None:
    assert sorted(documented()) == sorted(command_names())


def test_the_document_has_the_help_of_today() -> None:
    assert DOCUMENT.read_text("utf-8") == rewritten(), RENEW


@pytest.mark.parametrize("name", list(command_names()))
def test_every_option_is_explained(name: str) -> None:
    command: click.Command = cli.main
    for word in name.split():
        assert isinstance(command, click.Group)
        inner = command.get_command(click.Context(command), word)
        assert inner is not None
        command = inner
    options = [each for each in command.params if isinstance(each, click.Option)]
    assert all(option.help for option in options)
    assert help_of(name).startswith(f"Usage: gateway {name}".rstrip())
