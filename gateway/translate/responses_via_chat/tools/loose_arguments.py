"""Arguments as models write them, whose types may differ from those that the tool declares."""

import json
from collections.abc import Iterable, Mapping

from gateway.shapes import Json

_LARGEST = 2**53
"""The largest whole number that every JSON reader keeps exact."""


def options(arguments: Json, kinds: Mapping[str, type]) -> Json | None:
    """Return the arguments named in `kinds`; None if one of them has a wrong type."""
    found: Json = {}
    for name, kind in kinds.items():
        value = arguments.get(name)
        if kind is int and isinstance(value, str | float):
            value = _whole_number(value)
        if type(value) is kind:
            found[name] = value
        elif arguments.get(name) is not None:
            return None
    return found


def _whole_number(value: str | float) -> int | None:
    """Return a whole number that was written as a string or a float; None for anything else."""
    try:
        number = float(value)
    except ValueError:
        return None
    return int(number) if number.is_integer() and abs(number) <= _LARGEST else None


def environment(given: object) -> Json | None:
    """Return environment variables, with numbers and booleans as strings; None if unusable."""
    if given is None:
        return {}
    if not isinstance(given, dict):
        return None
    env = {
        name: json.dumps(value) if isinstance(value, int | float) else value
        for name, value in given.items()
    }
    return env if is_texts(list(env.values())) else None


def others(arguments: Json, known: Iterable[str]) -> Json:
    """Return the arguments that the tool does not declare, which are kept."""
    return {name: value for name, value in arguments.items() if name not in known}


def is_texts(value: object) -> bool:
    """Whether a value is a list of strings."""
    return isinstance(value, list) and all(isinstance(each, str) for each in value)
