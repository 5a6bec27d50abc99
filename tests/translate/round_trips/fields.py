"""Every field of a JSON value, and what became of it elsewhere."""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec

from gateway.shapes import Json
from tests.translate.openai_schema import closed_definitions
from tests.translate.round_trips.generated import marks

Keys = tuple[str | int, ...]
_STRUCTURE = frozenset({"type", "role", "object"})
"""Fields that only say what a thing is: it is there, or it is not."""


@dataclass(frozen=True)
class Field:
    """A value that is neither an object nor a list, at its place; or a key of an open object."""

    keys: Keys
    kinds: tuple[str, ...]
    """Per key: the type of the thing that it leads to, where that says one."""
    value: Any

    @property
    def path(self) -> str:
        """The place as errors and reports have it: `messages[0].content`."""
        return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in self.keys)[1:]

    @property
    def pattern(self) -> str:
        """The place, with types in place of positions: `output[message].content[refusal]`."""
        steps = zip(self.keys, self.kinds, strict=True)
        named = [f"[{kind}]" if isinstance(key, int) else f".{key}" for key, kind in steps]
        return "".join(named)[1:]


def fields(value: Any, keys: Keys = (), kinds: tuple[str, ...] = ()) -> Iterator[Field]:
    """Yield all fields that say something: nulls and names of types do not."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if marks(key):
                yield Field(keys, kinds, key)
            yield from fields(inner, (*keys, key), (*kinds, ""))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            kind = inner.get("type", "") if isinstance(inner, dict) else ""
            yield from fields(inner, (*keys, position), (*kinds, str(kind)))
    elif value is not None and keys[-1] not in _STRUCTURE:
        yield Field(keys, kinds, value)


def lost(
    value: Json, seen: str, changes: Callable[[Json], bool], reported: Callable[[Field], bool]
) -> list[Field]:
    """Return the fields of `value` of which nothing is seen, and nothing told.

    A text is seen if its mark is in `seen`; of another value it must make a difference
    (`changes`) whether it is there, or is another one.
    """
    there = marks(seen)
    return [
        field
        for field in fields(value)
        if not reported(field)
        and not (
            marks(field.value) <= there
            if isinstance(field.value, str) and marks(field.value)
            else any(changes(other) for other in _others(value, field))
        )
    ]


def _others(value: Json, field: Field) -> Iterator[Json]:
    """Yield the value without a field, and with another value of it."""
    *outer, last = field.keys
    changed, place = _copied(value, outer)
    del place[last]
    yield changed
    for another in _other_values(field):
        changed, place = _copied(value, outer)
        place[last] = another
        yield changed


def _other_values(field: Field) -> Sequence[Any]:
    if isinstance(field.value, bool):
        return [not field.value]
    if isinstance(field.value, int | float):
        return [field.value + 1]
    return [word for word in _words().get(field.keys[-1], ()) if word != field.value][:3]


@cache
def _words() -> Mapping[str | int, Sequence[str]]:
    """Return all words that the schemas have for properties of a name."""
    words: dict[str | int, dict[str, None]] = {}

    def collect(schema: Any, key: str) -> None:
        if isinstance(schema, dict):
            words.setdefault(key, {}).update(dict.fromkeys(filter(None, schema.get("enum", ()))))
            for name, inner in schema.items():
                if name == "properties":
                    for name_inside, inside in inner.items():
                        collect(inside, name_inside)
                else:
                    collect(inner, key)
        elif isinstance(schema, list):
            for inner in schema:
                collect(inner, key)

    collect(list(closed_definitions().values()), "")
    return {key: list(found) for key, found in words.items()}


def _copied(value: Json, keys: Sequence[str | int]) -> tuple[Json, Any]:
    place: Any
    changed = place = copy.deepcopy(value)
    for key in keys:
        place = place[key]
    return changed, place


def named_in(entries: Sequence[str], field: Field) -> bool:
    """Whether a report or a refusal names the field, what it is part of, or a part of it."""
    return any(
        _is_part(field.path, entry) or _is_part(entry, field.path) or entry == _by_value(field)
        for entry in entries
    )


def _is_part(inner: str, outer: str) -> bool:
    return inner.startswith(outer) and inner[len(outer) : len(outer) + 1] in ("", ".", "[")


def _by_value(field: Field) -> str:
    """The name of an entry of a list by what it is: `include[message.output_text.logprobs]`."""
    return f"{field.keys[0]}[{field.value}]"


def text_of(value: object) -> str:
    """Return a value as JSON text."""
    return msgspec.json.encode(value).decode()
