"""Custom tools at upstreams that have none: functions with one string."""

import json
from collections.abc import Mapping
from typing import Final

from gateway.envelopes.upstream_json import NOT_JSON
from gateway.shapes import Json
from gateway.translate.contract import Report
from gateway.translate.parts.tools.argument_values import arguments_value
from gateway.translate.parts.tools.broken_wrapper import text_so_far
from gateway.translate.parts.tools.calls import arguments_text

FREE_TEXT_SCHEMA: Mapping[str, object] = {
    "type": "object",
    "properties": {"input": {"type": "string"}},
    "required": ["input"],
    "additionalProperties": False,
}
"""Parameters of the function that stands for a custom tool: one string."""


def custom_as_function(custom: Json, path: str, report: Report) -> Json:
    """Return the function fields that stand for a custom tool, from its fields in either shape.

    A format that cannot be described in words is reported; the tool is at the client's `path`. With
    a schema without properties, models would call the tool without any input (OmniRoute#4862).
    """
    advice = "Pass the raw text as the single string argument input."
    form = custom.get("format") or {}
    grammar = _grammar(form)
    if grammar is None and form.get("type", "text") != "text":
        report.drop(f"{path}.format")
    texts = [custom.get("description"), advice, grammar]
    return {
        "name": custom.get("name"),
        "description": "\n\n".join(text for text in texts if isinstance(text, str) and text),
        "parameters": dict(FREE_TEXT_SCHEMA),
    }


def _grammar(form: Json) -> str | None:
    if form.get("type") != "grammar":
        return None
    grammar = form["grammar"] if isinstance(form.get("grammar"), dict) else form
    syntax, definition = grammar.get("syntax"), grammar.get("definition")
    return f"The text must match this {syntax} grammar:\n{definition}" if definition else None


def wrapped_input(text: str) -> str:
    """Return the arguments of the function that stands for a custom tool."""
    return json.dumps({"input": text}, ensure_ascii=False)


def unwrapped_input(arguments: str) -> str:
    """Return the free text in the arguments of a function that stands for a custom tool.

    A model may ignore the schema: a single string under another name counts, and so does raw text.
    An empty object, which servers send for a call without arguments, has no text. In arguments that
    are cut off, the text goes as far as it has come.
    """
    try:
        parsed = arguments_value(arguments)
    except NOT_JSON:
        text = text_so_far(arguments)
        return arguments if text is None else text
    if isinstance(parsed, str):
        return parsed
    if not isinstance(parsed, dict):
        return arguments
    if "input" in parsed or not parsed:
        return arguments_text(parsed.get("input"))
    text = next(iter(parsed.values())) if len(parsed) == 1 else None
    return text if isinstance(text, str) else arguments


NATIVE: Final = "native_arguments"
"""The field of a call with the model's own arguments, if they have more than the input."""


def input_is_all(arguments: str) -> bool:
    """Whether the arguments of a function that stands for a custom tool have only the free text."""
    try:
        parsed = arguments_value(arguments)
    except NOT_JSON:
        return True
    return not isinstance(parsed, dict) or "input" not in parsed or len(parsed) == 1
