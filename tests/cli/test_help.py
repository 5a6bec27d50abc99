"""Every command's help is in the documents as it is printed."""

import click
import pytest

from gateway import cli
from tests.cli.commands_document import (
    DOCUMENT,
    command_names,
    documented,
    help_of,
    printed_help,
    rewritten,
)

RENEW = "`python -m tests.cli.commands_document` renews it"


def test_the_document_has_every_command_once() -> None:
    assert sorted(documented()) == sorted(command_names())


def test_the_document_has_the_help_of_today() -> None:
    assert DOCUMENT.read_text("utf-8") == rewritten(), RENEW


def test_a_wide_terminal_shows_what_the_document_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    context = click.Context(cli.main, info_name="gateway", **cli.main.context_settings)
    assert context.get_help() + "\n" == help_of("")


@pytest.mark.parametrize("name", list(command_names()))
def test_nothing_is_left_out_in_a_narrow_terminal(name: str) -> None:
    assert "..." not in printed_help(name, 78).replace("[ARGS]...", "")


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
