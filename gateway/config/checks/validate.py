"""Validates the merged data against the schema, and turns pydantic's errors into problems."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gateway.config.checks.duplicates import duplicates
from gateway.config.checks.problems import (
    InvalidValue,
    KeyPath,
    Origin,
    Problem,
    alternatives,
    show_key,
    show_path,
)
from gateway.config.checks.suggest import did_you_mean
from gateway.config.reading.files import Files
from gateway.config.reading.layers import Layers
from gateway.config.reading.variables import better_variable
from gateway.config.schema.base import ValidationContext
from gateway.config.schema.configuration import GatewayConfig, fields_at, key_paths

_MOST_PLACES = 2
_URL_KEYS = ("base_url", "url", "store", "endpoint")
_LIST_TYPES = frozenset({"list_type", "tuple_type"})
_MAPPING_TYPES = frozenset({"dict_type", "model_type"})
_MESSAGES: dict[str, tuple[str, str]] = {
    "missing": ("is required", "add it"),
    "bool_type": ("must be true or false", ""),
    "bool_parsing": ("must be true or false", ""),
    "int_type": ("must be a whole number", ""),
    "int_parsing": ("must be a whole number", ""),
    "int_parsing_size": ("must be a smaller number", ""),
    "int_from_float": ("must be a whole number", ""),
    "finite_number": ("must be a finite number", ""),
    "float_type": ("must be a number", ""),
    "float_parsing": ("must be a number", ""),
    "string_type": ("must be text", ""),
    "string_unicode": ("must be valid Unicode text", ""),
    "string_too_short": ("must not be empty", "write a value, or remove the key"),
    "too_short": ("must not be empty", "add an entry, or remove the key"),
    "list_type": ("must be a list", ""),
    "tuple_type": ("must be a list", ""),
    "dict_type": ("must be a mapping", ""),
    "model_type": ("must be a mapping", ""),
    "greater_than": ("must be more than {gt}", ""),
    "greater_than_equal": ("must be at least {ge}", ""),
    "less_than_equal": ("must be at most {le}", ""),
}


def validate(
    layers: Layers, files: Files
) -> tuple[GatewayConfig | None, list[tuple[KeyPath, Problem]]]:
    """Validate the data of all layers against the schema; it may name further `files`.

    Returns the configuration, or None, and every problem with its path.
    """
    context = ValidationContext(files, upstream_names(layers.data))
    found = list(duplicates(layers))
    try:
        return GatewayConfig.model_validate(layers.data, context=context), found
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
    return None, [*(_problem(layers, detail) for detail in details), *found]


def upstream_names(data: Mapping[str, Any]) -> frozenset[str] | None:
    """Return the names of the upstreams, or `openai` without any; None: they are no mapping."""
    upstreams = data.get("upstreams", {"openai": {}})
    return frozenset(upstreams) if isinstance(upstreams, dict) else None


def _problem(layers: Layers, detail: ErrorDetails) -> tuple[KeyPath, Problem]:
    path, value = _written(layers.data, detail)
    context = detail.get("ctx", {})
    fault = context.get("error")
    if isinstance(fault, InvalidValue):
        return path, layers.problem(path, fault.message, fault.advice)
    if detail["type"] == "extra_forbidden":
        return path, _unknown_key(layers, path)
    if detail["type"] in {"enum", "literal_error"}:
        options = _options(context)
        advice = did_you_mean(value, options) if isinstance(value, str) else ""
        return path, layers.problem(path, f"must be {alternatives(options)}", advice)
    message, advice = _MESSAGES.get(detail["type"], (f"is not valid ({detail['type']})", ""))
    shown = message.format_map({name: _number(value) for name, value in context.items()})
    return path, layers.problem(
        path, shown, advice or _advice(detail["type"], path, value, layers.origin(path))
    )


def _number(limit: Any) -> Any:
    """Return a limit as it is written in a file: 31536000, not 3.1536e+07."""
    return int(limit) if isinstance(limit, float) and limit.is_integer() else limit


def _advice(kind: str, path: KeyPath, value: Any, origin: Origin) -> str:
    if kind in _MAPPING_TYPES and (better := better_variable(origin, key_paths())):
        return better
    in_file = origin.line is not None
    if kind == "string_type" and isinstance(value, bool | int | float):
        return "put it in quotes"
    if kind == "model_type" and isinstance(value, str) and "://" in value:
        key = next((key for key in _URL_KEYS if key in fields_at(path)), "")
        if key:
            return f"write the URL as its {key}"
    if kind in _LIST_TYPES:
        return "write each entry below it, after a dash" if in_file else 'write JSON: ["a", "b"]'
    if kind in _MAPPING_TYPES:
        return "write its keys below it, indented" if in_file else 'write JSON: {"key": "value"}'
    return ""


def _options(context: Mapping[str, Any]) -> list[str]:
    """Return what pydantic expected: `'key', 'caller' or 'none'`."""
    return [word.strip("' ") for word in str(context["expected"]).replace(" or ", ",").split(",")]


def _written(data: Any, detail: ErrorDetails) -> tuple[KeyPath, Any]:
    """Return the place of an error in the data, and the value there.

    Pydantic's path continues below a short form (`endpoint: chat` is a list to it), and ends in
    "[key]" if the key of a mapping is wrong.
    """
    path = detail["loc"]
    if path[-1:] == ("[key]",) and len(path) > 2 and detail["type"] != "extra_forbidden":
        path = path[:-1]
    value = data
    for depth, part in enumerate(path):
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list | tuple):
            value = value[int(part)]
        else:
            return path[:depth], value
    return path, value


def _unknown_key(layers: Layers, path: KeyPath) -> Problem:
    # Without the space, `api_key:sk-…` is one key: nothing after the colon is shown.
    name, colon, _ = str(path[-1]).partition(":")
    known, origin = list(fields_at(path[:-1])), layers.origin(path)
    if colon:
        advice = "is there a space missing after the colon?"
    else:
        near = better_variable(origin, key_paths()) or did_you_mean(name, known)
        advice = near or _elsewhere(name) or f"keys: {', '.join(known)}"
    place = show_path((*path[:-1], name))
    return Problem(origin, place, f"unknown key '{show_key(name)}'", advice)


def _elsewhere(name: str) -> str:
    """Return where a key of that name exists: `did you mean 'server.port'?`."""
    found = [show_path(path) for path in key_paths() if path[-1] == name]
    places = [place.replace('["*"]', ".NAME").replace("[0]", "[…]") for place in found]
    if not 0 < len(places) <= _MOST_PLACES:
        return ""
    return "did you mean " + " or ".join(f"'{place}'" for place in places) + "?"
