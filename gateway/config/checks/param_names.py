"""Parameters that endpoints have under different names, as a rule's `params` may write them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

LIMITS: Mapping[str, tuple[str, ...]] = {
    "completions": ("max_tokens",),
    "chat": ("max_completion_tokens", "max_tokens"),
    "responses": ("max_output_tokens",),
    "messages": ("max_tokens",),
}
"""The names of the one limit of a reply's length, by shape."""
NESTED: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "responses": {"reasoning_effort": ("reasoning", "effort"), "verbosity": ("text", "verbosity")},
    "messages": {"reasoning_effort": ("output_config", "effort")},
}
"""Parameters of chat that are within an object in other shapes."""
RENAMED: Mapping[str, Mapping[str, str]] = {"messages": {"stop": "stop_sequences"}}
"""Parameters of chat that have another name in other shapes."""

Path = tuple[str, ...]

_LIMIT_NAMES = frozenset(name for names in LIMITS.values() for name in names)
_ELSEWHERE: Mapping[Path, str] = {
    **{path: name for name, path in NESTED["messages"].items()},
    **{(new,): old for old, new in RENAMED["messages"].items()},
}
"""Chat's names of parameters that messages have under another path, by that path."""


def paths_in(values: Mapping[str, Any]) -> Iterator[tuple[str, Path]]:
    """Yield the two paths of every value within these parameters: as written, and `only_path`."""
    for name, value in values.items():
        for written in _leaves((name,), value):
            yield ".".join(written), only_path(".".join(written))


def only_path(written: str) -> Path:
    """Return the one path that stands for a parameter under any of its names."""
    name, *inner = written.split(".")
    if name in _LIMIT_NAMES and not inner:
        return ("max_output_tokens",)
    path = (name, *inner)
    for length in (2, 1):
        if path[:length] in _ELSEWHERE:
            name, inner = _ELSEWHERE[path[:length]], list(path[length:])
            break
    return (*NESTED["responses"].get(name, (name,)), *inner)


def overlap(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether one of two paths is the other, or leads to it."""
    length = min(len(one), len(other))
    return one[:length] == other[:length]


def _leaves(path: Path, value: Any) -> Iterator[Path]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves((*path, str(key)), inner)
    else:
        yield path
