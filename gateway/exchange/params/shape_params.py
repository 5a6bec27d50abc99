"""The parameters of a rule by their names in the shape of a request.

A rule serves clients of every shape. A parameter with another name in the client's shape is changed
there under that name, and one that the shape lacks is left out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.config.checks.param_names import LIMITS as _LIMITS
from gateway.config.checks.param_names import NESTED, RENAMED
from gateway.config.translation_settings import ParamSettings
from gateway.shapes import Shape
from gateway.translate.completions_via_chat.request import TABLE
from gateway.translate.schema.chat import CHAT_PARAMETERS
from gateway.translate.schema.messages import MESSAGES_PARAMETERS
from gateway.translate.schema.responses import RESPONSES_PARAMETERS

LIMITS: Mapping[Shape, tuple[str, ...]] = {shape: _LIMITS[shape.value] for shape in Shape}
"""The names of the limit on a reply's length, by shape: each shape has one such parameter."""
_ANY_LIMIT = frozenset(name for names in LIMITS.values() for name in names)
_KNOWN = {
    Shape.COMPLETIONS: frozenset(TABLE),
    Shape.CHAT: frozenset(CHAT_PARAMETERS),
    Shape.RESPONSES: frozenset(RESPONSES_PARAMETERS),
    Shape.MESSAGES: frozenset(MESSAGES_PARAMETERS),
}
_OF_MESSAGES_ONLY = frozenset({"output_config", "output_format", "stop_sequences", "system"})
"""Anthropic's parameters that OpenAI-style servers do not take, unlike `top_k` and `thinking`."""
_KNOWN_SOMEWHERE = _OF_MESSAGES_ONLY.union(
    *(names for shape, names in _KNOWN.items() if shape is not Shape.MESSAGES)
)


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
    name = _chats_name(name, shape)
    if name in _ANY_LIMIT:
        yield (name if name in LIMITS[shape] else LIMITS[shape][0]), value
    elif name in RENAMED.get(shape, {}):
        yield RENAMED[shape][name], [value] if isinstance(value, str) else value
    elif name in NESTED.get(shape, {}):
        outer, inner = NESTED[shape][name]
        yield outer, {inner: value}
    elif _is_taken(name, shape):
        yield name, value
    elif isinstance(value, dict):
        for own, (outer, inner) in _nested_elsewhere(shape):
            if name == outer and inner in value:
                yield from _value_in(own, value[inner], shape)


def _dropped_in(path: str, shape: Shape) -> Sequence[str]:
    """Return the paths that a dropped parameter has in a shape."""
    path = _chats_name(path, shape)
    if path in _ANY_LIMIT:
        return LIMITS[shape]
    if path in RENAMED.get(shape, {}):
        return (RENAMED[shape][path],)
    if path in NESTED.get(shape, {}):
        return (".".join(NESTED[shape][path]),)
    if _is_taken(path.partition(".")[0], shape):
        return (path,)
    found = [o for o, nested in _nested_elsewhere(shape) if path in (nested[0], ".".join(nested))]
    return [own for name in found for own in _dropped_in(name, shape)]


def _chats_name(name: str, shape: Shape) -> str:
    """Return chat's name of a parameter that another shape has renamed."""
    if name in _KNOWN[shape]:
        return name
    return next(
        (old for names in RENAMED.values() for old, new in names.items() if new == name), name
    )


def _nested_elsewhere(shape: Shape) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the parameters that other shapes have within an object."""
    for other, nested in NESTED.items():
        if other != shape:
            yield from nested.items()


def _is_taken(name: str, shape: Shape) -> bool:
    """Whether a shape has a parameter; a parameter that no shape has is assumed to be there."""
    return name in _KNOWN[shape] or name not in _KNOWN_SOMEWHERE
