"""Validates messages and their events against the types of Anthropic's Python SDK.

`anthropic_schema.json` holds the types of replies and of stream events (anthropic 2.14.0, MIT
licence) as JSON Schema 2020-12, without texts and defaults: to import the SDK takes seconds. A
field that it does not know is not valid. `test_messages_with_anthropic.py` compares the two.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
from jsonschema.exceptions import best_match

from tests.translate.judged import Judged

EVENTS = {
    "message_start": "RawMessageStartEvent",
    "content_block_start": "RawContentBlockStartEvent",
    "content_block_delta": "RawContentBlockDeltaEvent",
    "content_block_stop": "RawContentBlockStopEvent",
    "message_delta": "RawMessageDeltaEvent",
    "message_stop": "RawMessageStopEvent",
}
"""The types of events that the SDK has a type for: it passes over `ping`, and raises an `error`."""
_OF_THE_START = "service_tier"
"""Anthropic says the tier with the first usage; other servers know it at the end."""
FILE = Path(__file__).with_name("anthropic_schema.json")
_judged = Judged()


def check_message(message: object) -> None:
    """Fail with the most telling problem unless it is a whole message."""
    _check("Message", message)


def check_event(event: dict[str, Any]) -> None:
    """Fail with the most telling problem unless it is an event of a stream of messages."""
    if event["type"] == "message_delta":
        counts = {name: each for name, each in event["usage"].items() if name != _OF_THE_START}
        event = {**event, "usage": counts}
    if event["type"] not in ("ping", "error"):
        _check(EVENTS[event["type"]], event)


def schemas_of(*schemas: Mapping[str, Any]) -> dict[str, Any]:
    """Return the definitions of the SDK's schemas by name, as the file has them."""
    found: dict[str, Any] = {}
    for schema in schemas:
        named = {"Message": schema} if "properties" in schema else {}
        found |= {name: _closed(each) for name, each in {**schema["$defs"], **named}.items()}
    return found


def _closed(schema: Any) -> Any:
    """Return a schema without texts and defaults, and without room for other fields."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {
        key: _closed(value)
        for key, value in schema.items()
        # Fields may have these names, too.
        if isinstance(value, dict) or key not in ("title", "description", "default", "format")
    }
    kept.pop("$defs", None)
    return {**kept, "additionalProperties": False} if "properties" in kept else kept


def _check(name: str, value: object) -> None:
    key = _judged.key(name, value)
    if key in _judged:
        return
    problem = best_match(_validator(name).iter_errors(value))
    if problem is not None:
        where = "".join(f"[{step!r}]" for step in problem.absolute_path)
        raise AssertionError(f"no valid {name}: at {where or 'its root'}: {problem.message[:2000]}")
    _judged.add(key)


@cache
def _validator(name: str) -> jsonschema.Draft202012Validator:
    definitions = json.loads(FILE.read_text("utf-8"))
    return jsonschema.Draft202012Validator({"$defs": definitions, "$ref": f"#/$defs/{name}"})
