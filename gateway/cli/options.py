"""What several commands share: their options, and the steps from these to an application."""

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gateway.shapes import RawHeaders, Shape

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.app import Application
    from gateway.config.reading.source import Source
    from gateway.config.settings import Settings
    from gateway.resolve.names.catalogue import Catalogue
    from gateway.server.processes.peers import Peers

_DISCARDED = logging.NullHandler()


class _File(click.Path):
    """The path of a file; an empty one, as of a variable that is not set, is a mistake."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("it is empty; name a file, or leave the option out", param, ctx)
        return super().convert(value, param, ctx)


SHAPES = click.Choice([shape.value for shape in Shape])
CONFIG = click.option(
    "--config",
    "config",
    type=_File(dir_okay=False, path_type=Path),
    envvar="GATEWAY_CONFIG",
    help="The YAML file; without one, the defaults and GATEWAY_… variables apply.",
)

UPSTREAM = click.option(
    "--upstream", metavar="URL", help="The name or base URL of the default upstream."
)


def read_settings(config: Path | None, overrides: Mapping[str, Any]) -> "Settings":
    """Return the settings of file, environment and command line; a problem ends the command."""
    from gateway.checks.config_checks import refusals
    from gateway.checks.local_addresses import reaches
    from gateway.config.load import ConfigError, load

    try:
        return load(config, os.environ, overrides, reaches, refusals)
    except ConfigError as error:
        raise click.ClickException(str(error)) from None


def source_of(config: Path | None, overrides: Mapping[str, Any]) -> "Source":
    """Return where the settings come from: file, environment and command line."""
    from gateway.checks.config_checks import doubts, refusals
    from gateway.checks.local_addresses import reaches
    from gateway.config.reading.source import Source

    return Source(config, os.environ, overrides, reaches, refusals, doubts)


def reading(source: "Source") -> "Callable[[], tuple[Settings, list[str]]]":
    """Begin to read the settings in another process; return what waits for them and the warnings.

    A problem ends the command there. The catalogue is read in another process, too.
    """
    from gateway.config.checks.problems import ConfigError
    from gateway.config.reading.child_process import start_call
    from gateway.resolve.names.catalogue import Catalogue

    def wait() -> "tuple[Settings, list[str]]":
        Catalogue.adopt(catalogue())
        try:
            return ended()
        except ConfigError as error:
            raise click.ClickException(str(error)) from None

    ended = source.begin()
    catalogue = start_call(_catalogue)
    return wait


def _catalogue() -> "Catalogue":
    from gateway.resolve.names.catalogue import Catalogue

    return Catalogue.load()


def build_application(settings: "Settings", peers: "Peers | None" = None) -> "Application":
    """Return the application of these settings; a problem ends the command.

    Its log is discarded, unless `serve` has opened it: other commands print what they find. They
    keep nothing, so files of stores are neither opened nor created.
    """
    from gateway.app import build
    from gateway.stores.files import without_files

    logging.getLogger("gateway").addHandler(_DISCARDED)
    try:
        return build(without_files(settings), peers)
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None


def suspicions(settings: "Settings") -> list[str]:
    """Return a warning for all in file and environment that is probably not meant."""
    from gateway.checks.config_checks import doubts
    from gateway.config.load import unused_variables, warnings

    return [*warnings(settings), *doubts(settings), *unused_variables(os.environ)]


def write(text: str) -> None:
    """Print a line; its colours are for terminals, and for users who have not set NO_COLOR."""
    click.echo(text, color=False if os.environ.get("NO_COLOR") else None)


def own_key() -> RawHeaders:
    """Return the caller's own credential: `OPENAI_API_KEY`, if it is set."""
    key = os.environ.get("OPENAI_API_KEY", "")
    return ((b"authorization", b"Bearer " + key.encode()),) if key else ()
