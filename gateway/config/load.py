"""Loads a configuration: from file, environment and command line to checked `Settings`.

`load` returns settings that are safe to start with, or raises one `ConfigError` with all problems.
"""

from collections.abc import Container, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from gateway.config.build import build
from gateway.config.changes import fixed_changes
from gateway.config.checks import addresses
from gateway.config.checks.doubts import warnings
from gateway.config.checks.further_problems import further_problems
from gateway.config.checks.problems import ConfigError, InvalidValue, KeyPath, Origin, Problem
from gateway.config.checks.safety import Reaches, refusals
from gateway.config.checks.store_files import unusable_files
from gateway.config.checks.validate import validate
from gateway.config.reading.document import read_document
from gateway.config.reading.files import Files
from gateway.config.reading.layers import Layers, merge_document, merge_environment, merge_overrides
from gateway.config.reading.source import Further, no_further
from gateway.config.reading.variables import unused_variables as _unused_variables
from gateway.config.schema.configuration import SECTIONS, key_paths
from gateway.config.settings import Settings

__all__ = ["ConfigError", "load", "unused_variables", "warnings"]

_NOTHING: Mapping[str, Any] = MappingProxyType({})


def load(
    path: Path | None,
    environ: Mapping[str, str],
    overrides: Mapping[str, Any] = _NOTHING,
    leads_to: Reaches = addresses.reaches,
    further: Further = no_further,
    *,
    files: Files | None = None,
    running: Settings | None = None,
) -> Settings:
    """Return the settings of a file (None: the defaults), environment and command line.

    `environ` serves both the file's `${VAR}` and the keys `GATEWAY_SECTION__KEY`. `overrides` wins
    over both: dotted keys to values, None for not given; `upstream` is the name or base URL of the
    default upstream. `leads_to` decides whether an upstream's address is the gateway's own.
    Relative paths start at the file's folder, or at the current one without a file; `files`, which
    has that folder, notes what was read. If a gateway is `running` with other settings, it must be
    able to go on with the new ones. Raises `ConfigError` with all problems.
    """
    files = files or Files(path.parent if path is not None else Path())
    layers = Layers(origins={(): Origin("configuration")})
    problems: list[Problem] = []
    unread: dict[KeyPath, Problem] = {}
    if path is not None:
        document = read_document(path, files)
        unread.update(merge_document(layers, document, environ, files))
        problems += [*document.problems, *unread.values()]
    emptied = path is not None and not layers.data
    problems += merge_environment(layers, environ, SECTIONS)
    problems += merge_overrides(layers, overrides)
    written, found = validate(layers, files)
    problems += [problem for place, problem in found if not _lies_in(place, unread)]
    if problems or written is None:
        problems += further_problems(layers, files, [*unread, *dict(found)], further)
        raise ConfigError(sorted(problems, key=_in_order))
    settings = build(written)
    faults = (*refusals(settings, leads_to), *further(settings))
    if refused := [*faults, *_depending_on(running, settings, emptied=emptied)]:
        raise ConfigError(layers.problem(place, f.message, f.advice) for place, f in refused)
    return settings


def _depending_on(
    running: Settings | None, settings: Settings, *, emptied: bool
) -> Iterable[tuple[KeyPath, InvalidValue]]:
    """Return what is wrong at a start, or for a running gateway, whose files are open already."""
    if running is None:
        return unusable_files(settings)
    return fixed_changes(running, settings, emptied=emptied)


def unused_variables(environ: Mapping[str, str]) -> list[str]:
    """Return a sentence for every `GATEWAY_` variable that looks like a key but is not used."""
    return _unused_variables(environ, SECTIONS, key_paths())


def _lies_in(path: KeyPath, invalid_paths: Container[KeyPath]) -> bool:
    return any(path[:length] in invalid_paths for length in range(len(path) + 1))


def _in_order(problem: Problem) -> tuple[bool, str, int]:
    line = problem.origin.line
    return line is None, problem.origin.name, line or 0
