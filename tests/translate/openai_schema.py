"""Validates bodies, replies and events against OpenAI's OpenAPI description.

`openai_schema.json` holds the schemas of the three generation endpoints (openai-openapi, August
2026) as JSON Schema 2020-12: `oneOf` as `anyOf` (the unions are told apart by `type`), OpenAPI's
`nullable` as a null type, no formats, no texts. Two properties of a response may be null here
although the description does not say so, for its own examples have it: `usage` and `user`.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
from jsonschema.exceptions import best_match

_DOCUMENT: dict[str, Any] = json.loads(
    Path(__file__).with_name("openai_schema.json").read_text(encoding="utf-8")
)
_DEFINITIONS: dict[str, Any] = _DOCUMENT["$defs"]


def check_schema(name: str, value: object) -> None:
    """Fail with the most telling problem unless `value` is valid for the schema of that name."""
    problem = best_match(_validator(name).iter_errors(value))
    if problem is not None:
        where = "".join(f"[{step!r}]" for step in problem.absolute_path)
        raise AssertionError(f"no valid {name}: at {where or 'its root'}: {problem.message[:2000]}")


def check_response_event(event: dict[str, Any]) -> None:
    """Fail unless `event` is valid for the schema of stream events with its `type`."""
    name = _event_schemas().get(event["type"])
    assert name is not None, f"no stream event of responses has the type {event['type']!r}"
    check_schema(name, event)


@cache
def _validator(name: str) -> jsonschema.Draft202012Validator:
    assert name in _DEFINITIONS
    return jsonschema.Draft202012Validator({**_DOCUMENT, "$ref": f"#/$defs/{name}"})


@cache
def _event_schemas() -> dict[str, str]:
    """Return the schema's name by event type."""
    names: dict[str, str] = {}
    for reference in _DEFINITIONS["ResponseStreamEvent"]["anyOf"]:
        name = reference["$ref"].rsplit("/", 1)[1]
        for event_type in _DEFINITIONS[name]["properties"]["type"]["enum"]:
            names[event_type] = name
    return names
