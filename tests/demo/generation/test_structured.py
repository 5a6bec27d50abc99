import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.demo.generation.structured import example

SCHEMAS: list[dict[str, Any]] = [
    {},
    {"type": "string"},
    {"type": ["integer", "null"]},
    {"type": []},
    {"type": "number"},
    {"type": "boolean"},
    {"type": "null"},
    {"const": 7},
    {"enum": ["a", "b"]},
    {"anyOf": [{"type": "integer"}, {"type": "null"}]},
    {"type": "array", "items": {"type": "integer"}},
    {"type": "array"},
    {"type": "object"},
    {"properties": {"a": {"type": "string"}}, "required": ["a"]},
    {
        "type": "object",
        "properties": {"who": {"$ref": "#/$defs/name"}, "n": {"type": "integer"}},
        "required": ["who", "n"],
        "$defs": {"name": {"type": "string"}},
    },
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=json.dumps)
def test_the_example_satisfies_the_schema(schema: dict[str, Any]) -> None:
    checked = {**schema, "type": "string"} if schema.get("type") == [] else schema
    jsonschema.validate(example(schema, "said"), checked)


def test_strings_say_what_was_said() -> None:
    schema = {"type": "object", "properties": {"q": {"type": "string"}}}
    assert example(schema, "hello") == {"q": "hello"}


@pytest.mark.parametrize("schema", [True, None, {"anyOf": [True]}])
def test_what_may_be_anything_is_a_text(schema: Any) -> None:
    assert example(schema, "hello") == "hello"


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"type": "array", "items": {"$ref": "#"}},
        {"type": "object", "properties": {"next": {"$ref": "#"}}},
        {"anyOf": [{"$ref": "#"}]},
        {"anyOf": [{"$ref": "#"}, {"type": "null"}]},
    ],
)
def test_a_recursive_schema_ends(schema: dict[str, Any]) -> None:
    assert len(json.dumps(example(schema, "x"))) < 1000


NONSENSE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "items", "properties", "enum", "const", "anyOf", "$ref", "$defs"]
            ),
            inner | st.sampled_from(["object", "array", "#/$defs", "#"]),
            max_size=4,
        )
    ),
    max_leaves=10,
)


@given(NONSENSE)
def test_any_schema_has_an_example(schema: Any) -> None:
    json.dumps(example(schema, "x"))
