"""Parameters of requests, as a rule's `params` name them."""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from gateway.config.checks.param_names import only_path, overlap, paths_in
from gateway.config.checks.problems import InvalidValue, show_key
from gateway.config.schema.base import one_as_list

_FIXED = {
    "model": "the rule's own model and upstream decide",
    "stream": "the client reads what it has asked for",
    "messages": "the client's prompt is not changed",
    "input": "the client's prompt is not changed",
    "prompt": "the client's prompt is not changed",
}
"""What cannot be changed, and why."""


_AGAIN = {"sets": "sets it", "fills in": "fills it in", "drops": "drops it"}
"""What is done to a parameter a second time."""


def _name(name: str) -> str:
    if not name or not name.isprintable() or name != name.strip():
        raise InvalidValue("must be the name of a parameter")
    if "." in name:
        raise InvalidValue("has a dot in its name", "write an object: {reasoning: {effort: low}}")
    return _changeable(name)


def _changeable(name: str) -> str:
    if name in _FIXED:
        raise InvalidValue("cannot be changed", _FIXED[name])
    return name


def _path(path: str) -> str:
    parts = path.split(".")
    if not all(parts) or not path.isprintable() or path != path.strip():
        raise InvalidValue("must be the name of a parameter, or a dotted path: reasoning.summary")
    _changeable(parts[0])
    return path


def _json(value: Any) -> Any:
    """Return a value; raises `InvalidValue` for what JSON cannot say."""
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidValue("must be a finite number")
    if isinstance(value, dict):
        for inner in value.values():
            _json(inner)
    elif isinstance(value, list):
        for inner in value:
            _json(inner)
    return value


Name = Annotated[str, AfterValidator(_name)]
Values = dict[Name, Annotated[Any, AfterValidator(_json)]]
Path = Annotated[str, AfterValidator(_path)]
Paths = Annotated[tuple[Path, ...], BeforeValidator(one_as_list)]


def changed_twice(
    set_: Mapping[str, Any], default: Mapping[str, Any], drop: Iterable[str]
) -> Iterator[InvalidValue]:
    """Yield a reason for each parameter that is changed in two ways, or under two names."""
    groups = {
        "sets": list(paths_in(set_)),
        "fills in": list(paths_in(default)),
        "drops": [(written, only_path(written)) for written in drop],
    }
    changes = [(verb, *change) for verb, group in groups.items() for change in group]
    for position, (verb, name, path) in enumerate(changes):
        for earlier_verb, earlier, earlier_path in changes[:position]:
            if not overlap(path, earlier_path) or verb == earlier_verb == "drops":
                continue
            shown, other = show_key(name), show_key(earlier)
            same = "" if name == earlier else f" as {shown}, the same parameter"
            yield InvalidValue(
                f"{earlier_verb} {other}, and {_AGAIN[verb]}{same}", "keep one of the two"
            )
            break
