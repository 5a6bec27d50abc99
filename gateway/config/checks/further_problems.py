"""Problems of rules in a file that has other problems, so that all are reported at once."""

from collections.abc import Collection, Iterator
from copy import deepcopy
from typing import Any

from pydantic import ValidationError

from gateway.config.build import build
from gateway.config.checks.problems import KeyPath, Problem
from gateway.config.checks.safety import param_conflicts, rule_refusals
from gateway.config.checks.validate import upstream_names
from gateway.config.reading.files import Files
from gateway.config.reading.layers import Layers
from gateway.config.reading.source import Further
from gateway.config.schema.base import ValidationContext
from gateway.config.schema.configuration import GatewayConfig
from gateway.config.settings import Settings

_SECTIONS = ("upstreams", "models", "retired", "translation")
"""The sections that rules depend on."""


def further_problems(
    layers: Layers, files: Files, wrong: Collection[KeyPath], further: Further
) -> Iterator[Problem]:
    """Yield the problems of rules in a configuration without its `wrong` values, if that is usable.

    A rule with a wrong value is not judged, unless that is one of its `params`, on which nothing
    else depends.
    """
    settings = _without(layers.data, files, wrong)
    if settings is None:
        return
    for path, fault in param_conflicts(settings):
        yield layers.problem(path, fault.message, fault.advice)
    skipped = {path[:2] for path in wrong if path[2:3] != ("params",)}
    for path, fault in (*rule_refusals(settings), *further(settings)):
        if path[:2] not in skipped:
            yield layers.problem(path, fault.message, fault.advice)


def _without(data: dict[str, Any], files: Files, wrong: Collection[KeyPath]) -> Settings | None:
    """Return the settings of `_SECTIONS` without the `wrong` values; None: they are not usable."""
    used = deepcopy({key: data[key] for key in _SECTIONS if key in data})
    for path in sorted(wrong, key=_place_in_lists, reverse=True):
        _remove(used, path)
    context = ValidationContext(files, upstream_names(used))
    try:
        return build(GatewayConfig.model_validate(used, context=context))
    except ValidationError:
        return None


def _place_in_lists(path: KeyPath) -> list[int]:
    """Return a key that sorts paths by positions in lists: the last entry is removed first."""
    return [part if isinstance(part, int) else -1 for part in path]


def _remove(data: Any, path: KeyPath) -> None:
    """Remove the value at a path, if there is one."""
    for part in path[:-1]:
        data = data[part] if _has(data, part) else None
    if path and _has(data, path[-1]):
        del data[path[-1]]


def _has(data: object, part: str | int) -> bool:
    if isinstance(data, list):
        return isinstance(part, int) and part < len(data)
    return isinstance(data, dict) and part in data
