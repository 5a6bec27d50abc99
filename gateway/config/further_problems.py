"""Problems of rules beside problems that keep a file from being read, so that all are reported."""

from collections.abc import Collection, Iterator
from copy import deepcopy
from typing import Any

from pydantic import ValidationError

from gateway.config.build import build
from gateway.config.files import Files
from gateway.config.layers import Layers
from gateway.config.problems import KeyPath, Problem
from gateway.config.safety import rule_refusals
from gateway.config.schema.base import ValidationContext
from gateway.config.schema.configuration import GatewayConfig
from gateway.config.settings import Settings
from gateway.config.source import Further

_SECTIONS = ("upstreams", "models", "retired", "translation")
"""What rules depend on."""


def further_problems(
    layers: Layers, files: Files, wrong: Collection[KeyPath], further: Further
) -> Iterator[Problem]:
    """Yield what is wrong with rules of which no part is `wrong`, if the rest can be used."""
    settings = _without(layers.data, files, wrong)
    if settings is None:
        return
    skipped = {path[:2] for path in wrong}
    for path, fault in (*rule_refusals(settings), *further(settings)):
        if path[:2] not in skipped:
            yield layers.problem(path, fault.message, fault.advice)


def _without(data: dict[str, Any], files: Files, wrong: Collection[KeyPath]) -> Settings | None:
    """Return the settings without those values, and without other sections; None: not usable."""
    used = deepcopy({key: data[key] for key in _SECTIONS if key in data})
    for path in wrong:
        here: Any = used
        for part in path[:-1]:
            here = here.get(part) if isinstance(here, dict) else None
        if isinstance(here, dict) and path:
            here.pop(path[-1], None)
    upstreams = used.get("upstreams", {"openai": {}})
    names = frozenset(upstreams) if isinstance(upstreams, dict) else None
    try:
        return build(GatewayConfig.model_validate(used, context=ValidationContext(files, names)))
    except ValidationError:
        return None
