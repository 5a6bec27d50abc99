"""Where a configuration comes from: read now, and again at a reload."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from gateway.config.checks.addresses import reaches
from gateway.config.checks.problems import ConfigError, InvalidValue, KeyPath
from gateway.config.reading.child_process import start_call
from gateway.config.reading.files import Files
from gateway.config.settings import Settings

Further = Callable[[Settings], Iterable[tuple[KeyPath, InvalidValue]]]
"""Returns further reasons not to start, with the keys that they are about."""

Doubts = Callable[[Settings], Iterable[str]]
"""Returns a sentence for everything that is allowed but probably unintended."""

_NOTHING: Mapping[str, Any] = MappingProxyType({})


def no_further(_: Settings) -> tuple[()]:
    """Return nothing: a `Further`, or `Doubts`, that checks nothing."""
    return ()


class Reading(NamedTuple):
    """What was read: settings or why there are none, from which files, and what is doubtful."""

    settings: Settings | ConfigError
    files: Files
    warnings: list[str]


class Source:
    """A file, the environment and the command line; the arguments are those of `load`.

    `doubts` adds to the warnings.
    """

    def __init__(
        self,
        path: Path | None,
        environ: Mapping[str, str],
        overrides: Mapping[str, Any] = _NOTHING,
        leads_to: Callable[[str, str], bool] = reaches,
        further: Further = no_further,
        doubts: Doubts = no_further,
    ) -> None:
        self.path = path
        self._doubts = doubts
        self._arguments = (path, dict(environ), dict(overrides), leads_to, further)
        self.files = Files()
        """The files of the last reading."""

    def begin(self, running: Settings | None = None) -> Callable[[], tuple[Settings, list[str]]]:
        """Begin to read in another process; return a function that waits for the result.

        It returns the settings and the warnings, or raises `ConfigError` with all problems. If
        there can be no other process, it reads in this one. `running`: see `load`.
        """
        result = start_call(_read, self._arguments, running, self._doubts)

        def ended() -> tuple[Settings, list[str]]:
            read = result()
            self.files = read.files
            if isinstance(read.settings, ConfigError):
                raise read.settings
            return read.settings, read.warnings

        return ended


def _read(arguments: tuple[Any, ...], running: Settings | None, doubts: Doubts) -> Reading:
    # Imported in the other process only: see `child_process.py`.
    from gateway.config.load import load, unused_variables, warnings

    path, environ, *_ = arguments
    files = Files(path.parent if path is not None else Path())
    try:
        settings = load(*arguments, files=files, running=running)
    except ConfigError as error:
        return Reading(error, files, [])
    return Reading(
        settings, files, [*warnings(settings), *doubts(settings), *unused_variables(environ)]
    )
