"""Validates bodies, replies and events against OpenAI's OpenAPI description.

`openai_schema.json` holds the schemas of the three generation endpoints
(https://github.com/openai/openai-openapi, version 2.3.0 of August 2026, MIT licence) as JSON Schema
2020-12: `oneOf` as `anyOf` (the unions are distinguished by `type`), OpenAPI's `nullable` as a null
type, no formats, no texts. Two properties of a response may be null here although the description
does not say so, for its own examples have it: `usage` and `user`.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
from jsonschema.exceptions import best_match

from tests.translate.judged import Judged

_DOCUMENT: dict[str, Any] = json.loads(
    Path(__file__).with_name("openai_schema.json").read_text(encoding="utf-8")
)
_DEFINITIONS: dict[str, Any] = _DOCUMENT["$defs"]
_judged = Judged()


def check_schema(name: str, value: object, *, closed: bool = False) -> None:
    """Fail with the most telling problem unless `value` is valid for the schema of that name.

    `closed`: as a strict server reads it, which knows no key beside those of the schema.
    """
    key = _judged.key(name, value, closed=closed)
    if key in _judged:
        return
    problem = best_match(_validator(name, closed=closed).iter_errors(value))
    if problem is not None:
        where = "".join(f"[{step!r}]" for step in problem.absolute_path)
        raise AssertionError(f"no valid {name}: at {where or 'its root'}: {problem.message[:2000]}")
    _judged.add(key)


def check_response_event(event: dict[str, Any]) -> None:
    """Fail unless `event` is valid for the schema of stream events with its `type`."""
    name = _event_schemas().get(event["type"])
    assert name is not None, f"no stream event of responses has the type {event['type']!r}"
    check_schema(name, event)


def definitions() -> Mapping[str, Any]:
    """Return all schemas by name."""
    return _DEFINITIONS


@cache
def closed_definitions() -> Mapping[str, Any]:
    """Return all schemas by name, each `allOf` as one object, and without room for other keys."""
    return {name: _closed(schema) for name, schema in _DEFINITIONS.items()}


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "allOf" in schema:
        return _closed(_merged(schema))
    closed = {key: _closed(value) for key, value in schema.items() if key != "properties"}
    if "properties" in schema:
        # A few are required without being described: the ids of two outputs.
        ids = {name: {"type": "string"} for name in schema.get("required", ())}
        properties = {**ids, **schema["properties"]}
        closed["properties"] = {name: _closed(value) for name, value in properties.items()}
        closed.setdefault("additionalProperties", False)
    return closed


def _merged(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the object that is valid for all of several objects."""
    merged: dict[str, Any] = {"type": "object", "properties": {}, "required": []}
    for reference in schema["allOf"]:
        name = reference.get("$ref", "").rsplit("/", 1)[-1]
        part = _DEFINITIONS[name] if name else reference
        part = _merged(part) if "allOf" in part else part
        merged["properties"] |= part["properties"]
        merged["required"] += part.get("required", [])
    return merged


@cache
def _validator(name: str, *, closed: bool) -> jsonschema.Draft202012Validator:
    definitions = closed_definitions() if closed else _DEFINITIONS
    assert name in definitions
    return jsonschema.Draft202012Validator({"$defs": definitions, "$ref": f"#/$defs/{name}"})


@cache
def _event_schemas() -> dict[str, str]:
    """Return the schema's name by event type."""
    names: dict[str, str] = {}
    for reference in _DEFINITIONS["ResponseStreamEvent"]["anyOf"]:
        name = reference["$ref"].rsplit("/", 1)[1]
        for event_type in _DEFINITIONS[name]["properties"]["type"]["enum"]:
            names[event_type] = name
    return names
