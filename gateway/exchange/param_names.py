"""The parameters of a rule by their names in the shape of a request.

A rule serves clients of every shape. A parameter with another name in the client's shape is changed
there under that name, and one that the shape lacks is left out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.config.param_names import LIMITS as _LIMITS
from gateway.config.param_names import NESTED
from gateway.config.translation_settings import ParamSettings
from gateway.shapes import Shape
from gateway.translate.completions_via_chat.request import TABLE
from gateway.translate.schema.chat import CHAT_PARAMETERS
from gateway.translate.schema.responses import RESPONSES_PARAMETERS

LIMITS: Mapping[Shape, tuple[str, ...]] = {shape: _LIMITS[shape.value] for shape in Shape}
"""The names of the one limit of a reply's length."""
_ANY_LIMIT = frozenset(name for names in LIMITS.values() for name in names)
_KNOWN = {
    Shape.COMPLETIONS: frozenset(TABLE),
    Shape.CHAT: frozenset(CHAT_PARAMETERS),
    Shape.RESPONSES: frozenset(RESPONSES_PARAMETERS),
}
_KNOWN_SOMEWHERE = frozenset().union(*_KNOWN.values())


@dataclass(frozen=True, slots=True)
class ShapeParams:
    """The parameters of a rule by their names in one shape; paths of nested ones are dotted."""

    set: Mapping[str, Any]
    default: Mapping[str, Any]
    drop: Sequence[str]


def in_shape(params: ParamSettings, shape: Shape) -> ShapeParams:
    """Return a rule's parameters as they are called in requests of a shape."""
    dropped = [name for path in params.drop for name in _dropped_in(path, shape)]
    return ShapeParams(
        _values_in(params.set, shape),
        _values_in(params.default, shape),
        list(dict.fromkeys(dropped)),
    )


def _values_in(values: Mapping[str, Any], shape: Shape) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        for own, inner in _value_in(name, value, shape):
            earlier = found.get(own)
            if isinstance(earlier, dict) and isinstance(inner, dict):
                found[own] = {**earlier, **inner}
            else:
                found[own] = inner
    return found


def _value_in(name: str, value: Any, shape: Shape) -> Iterator[tuple[str, Any]]:
    """Yield a parameter by its name in a shape; nothing where the shape has none like it."""
    if name in _ANY_LIMIT:
        yield (name if name in LIMITS[shape] else LIMITS[shape][0]), value
    elif shape is Shape.RESPONSES and name in NESTED:
        outer, inner = NESTED[name]
        yield outer, {inner: value}
    elif _is_taken(name, shape):
        yield name, value
    elif shape is Shape.CHAT and isinstance(value, dict):
        for own, (outer, inner) in NESTED.items():
            if name == outer and inner in value:
                yield own, value[inner]


def _dropped_in(path: str, shape: Shape) -> Sequence[str]:
    """Return the paths that a dropped parameter has in a shape."""
    if path in _ANY_LIMIT:
        return LIMITS[shape]
    if shape is Shape.RESPONSES and path in NESTED:
        return (".".join(NESTED[path]),)
    if _is_taken(path.partition(".")[0], shape):
        return (path,)
    if shape is Shape.CHAT:
        return [o for o, nested in NESTED.items() if path in (nested[0], ".".join(nested))]
    return ()


def _is_taken(name: str, shape: Shape) -> bool:
    """Whether a shape has a parameter; of those that no shape has, it is assumed."""
    return name in _KNOWN[shape] or name not in _KNOWN_SOMEWHERE
