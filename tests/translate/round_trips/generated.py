"""Random values that are valid for a schema, from the schema alone.

Every text of them, and every number that the schema leaves free, is there once only: so it can be
found wherever it has gone (`numbered`).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from hypothesis import strategies as st

from gateway.shapes import Json
from tests.translate.openai_schema import closed_definitions

BLANK = "\0"
"""A text that is yet to be numbered."""
_MARK = re.compile("\0")

ENDINGS = ("", "", "", " ", "\n", "é", "😀", '"', "\\", " : ", "\u2028")
"""What texts may end with, so that no way of writing them down is left out."""

_URL = st.just(f"https://{BLANK}.example/a.png")
_NAME = st.just(BLANK)
_SCHEMA = st.just({"type": "object", "properties": {BLANK: {"type": "string"}}})
_ARGUMENTS = st.just(f'{{"{BLANK}": 1}}')
BY_KEY: Mapping[str, st.SearchStrategy[Any]] = {
    "url": _URL,
    "image_url": _URL,
    "file_url": _URL,
    "server_url": _URL,
    "name": _NAME,
    "namespace": _NAME,
    "id": _NAME,
    "call_id": _NAME,
    "tool_call_id": _NAME,
    "arguments": _ARGUMENTS,
    "parameters": _SCHEMA,
    "schema": _SCHEMA,
    "output_schema": _SCHEMA,
    "metadata": st.just({BLANK: BLANK}),
    "logit_bias": st.just({}),
}
"""What the schema does not say of the properties with these names: their texts have a form."""


def numbered(value: Any, start: int = 0) -> Any:
    """Return a copy whose blank texts are `w0q`, `w1q` … in their order; in place of 0 `start`."""
    count = start - 1

    def next_mark(_: re.Match[str]) -> str:
        nonlocal count
        count += 1
        return f"w{count}q"

    def filled(part: Any) -> Any:
        if isinstance(part, str):
            return _MARK.sub(next_mark, part) if BLANK in part else part
        if isinstance(part, dict):
            return {filled(key): filled(inner) for key, inner in part.items()}
        return [filled(inner) for inner in part] if isinstance(part, list) else part

    return filled(value)


def marks(value: str) -> set[str]:
    """Return the marks in a text."""
    return set(re.findall(r"w\d+q", value))


@cache
def valid(name: str) -> st.SearchStrategy[Any]:
    """Return values that are valid for the schema of that name."""
    return values_of(closed_definitions()[name])


def valid_property(name: str, key: str) -> st.SearchStrategy[Any]:
    """Return values of one property of a schema."""
    return values_of(closed_definitions()[name]["properties"][key], key)


def values_of(schema: Json, key: str = "") -> st.SearchStrategy[Any]:
    """Return values that are valid for a schema; `key` is the property's name."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return BY_KEY[key] if key in _OPEN and name in _OPEN_SCHEMAS else _deferred(name, key)
    if "anyOf" in schema:
        return _any_of(schema["anyOf"], key)
    if "enum" in schema:
        return st.sampled_from([value for value in schema["enum"] if value is not None])
    kind = schema.get("type")
    if isinstance(kind, list):
        return _any_of([{**schema, "type": each} for each in kind], key)
    return _KINDS[kind](schema, key)


_NEVER_EMPTY = frozenset({"content", "output", "stop"})
"""Lists that no server takes without anything in them."""

_OPEN_SCHEMAS = frozenset({"FunctionParameters", "ResponseFormatJsonSchemaSchema", "Metadata"})
_OPEN = frozenset({"parameters", "schema", "metadata"})


@cache
def _deferred(name: str, key: str) -> st.SearchStrategy[Any]:
    return st.deferred(lambda: values_of(closed_definitions()[name], key))


def _any_of(schemas: Sequence[Json], key: str) -> st.SearchStrategy[Any]:
    """Return values of any of them, of null seldom: it says what absence says."""
    telling = [values_of(schema, key) for schema in schemas if schema.get("type") != "null"]
    if len(telling) == len(schemas):
        return st.one_of(telling)
    return st.one_of(*telling, *telling, *telling, st.none())


def _text(schema: Json, key: str) -> st.SearchStrategy[Any]:
    if key in BY_KEY:
        return BY_KEY[key]
    if "pattern" in schema:
        return st.from_regex(schema["pattern"], fullmatch=True)
    return st.sampled_from([BLANK + ending for ending in ENDINGS])


def _integer(schema: Json, _: str) -> st.SearchStrategy[Any]:
    least = max(int(schema.get("minimum", 1)), -10)
    return st.integers(least, min(int(schema.get("maximum", 5000)), least + 5000))


def _number(schema: Json, _: str) -> st.SearchStrategy[Any]:
    least, most = schema.get("minimum", 0), schema.get("maximum", 1)
    return st.integers(int(least * 8), int(most * 8)).map(lambda eighths: eighths / 8)


def _list(schema: Json, key: str) -> st.SearchStrategy[Any]:
    least = schema.get("minItems", 1 if key in _NEVER_EMPTY else 0)
    most = min(schema.get("maxItems", 2), max(least, 2))
    return st.lists(values_of(schema["items"]), min_size=least, max_size=most)


def _object(schema: Json, key: str) -> st.SearchStrategy[Any]:
    if "properties" not in schema:
        inner = schema.get("additionalProperties")
        values = values_of(inner) if isinstance(inner, dict) and inner else st.just(BLANK)
        return BY_KEY.get(key, st.fixed_dictionaries({BLANK: values}))
    properties = {name: values_of(each, name) for name, each in schema["properties"].items()}
    return objects(properties, frozenset(schema.get("required", ())))


@st.composite
def objects(
    draw: st.DrawFn,
    properties: Mapping[str, st.SearchStrategy[Any]],
    required: frozenset[str],
    most: int = 4,
) -> Json:
    """Objects with the required properties and at most so many of the others."""
    others = [name for name in properties if name not in required]
    chosen: list[str] = []
    if others:
        chosen = draw(st.lists(st.sampled_from(others), max_size=most, unique=True))
    names = [name for name in properties if name in required or name in chosen]
    return {name: draw(properties[name]) for name in names}


_KINDS: Mapping[str | None, Callable[[Json, str], st.SearchStrategy[Any]]] = {
    "string": _text,
    "integer": _integer,
    "number": _number,
    "boolean": lambda schema, key: st.booleans(),
    "null": lambda schema, key: st.none(),
    "array": _list,
    "object": _object,
    None: lambda schema, key: st.just({BLANK: BLANK}),
}
