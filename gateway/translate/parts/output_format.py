"""The output format: chat's `response_format` and the `text.format` of responses.

They differ in one thing: the JSON schema with its name is nested in chat and flat in responses
(schemas `ResponseFormatJsonSchema` and `TextResponseFormatJsonSchema` of OpenAI's OpenAPI
description). The description says that `strict` is false by default on both sides, but OpenAI's
responses are strict by default (promptfoo#10827), so there it is always set.
"""

from collections import abc

from gateway.shapes import Json
from gateway.translate.contract import Context, Report
from gateway.translate.schema.checks import Anything, Boolean, Check, Mapping, OneOf, Record, String
from gateway.translate.schema.unknown_fields import strip_unknown

_TYPE = OneOf("text", "json_object", "json_schema")
_FIELDS: abc.Mapping[str, Check] = {
    "name": String(),
    "description": String(),
    "schema": Mapping(),
    "strict": Boolean(),
}
_CHAT_SCHEMA = Record(_FIELDS, required=("name",))
_CHAT_FORMAT = Record({"type": _TYPE, "json_schema": Anything()}, required=("type",))
_CHAT_SCHEMA_FORMAT = Record(
    {"type": _TYPE, "json_schema": _CHAT_SCHEMA}, required=("type", "json_schema")
)
_NAMELESS = "response"
"""The name of a schema that has none: the type `json_schema` requires one."""
_RESPONSES_FORMAT = Record({"type": _TYPE}, required=("type",))
_RESPONSES_SCHEMA_FORMAT = Record({"type": _TYPE, **_FIELDS}, required=("type", "name"))


def responses_format(response_format: object, param: str = "response_format") -> Json:
    """Return chat's `response_format` as a `text.format`.

    Fields that OpenAI does not have keep their places. Raises `InvalidRequest` naming the path
    below `param`.
    """
    form: Json = _CHAT_FORMAT.accept(response_format, param)
    if form["type"] != "json_schema":
        return form
    form = _CHAT_SCHEMA_FORMAT.accept(response_format, param)
    named: Json = form.pop("json_schema")
    # Optional in chat, required in responses.
    schema = named.get("schema", {})
    return {**form, "strict": False, **named, "schema": schema, "type": "json_schema"}


def chat_format(text_format: object, param: str = "text.format") -> Json:
    """Return a `text.format` of responses as chat's `response_format`.

    Raises `InvalidRequest` naming the path below `param`.
    """
    form: Json = _RESPONSES_FORMAT.accept(text_format, param)
    if form["type"] != "json_schema":
        return form
    named: Json = _RESPONSES_SCHEMA_FORMAT.accept(text_format, param)
    del named["type"]
    return {"type": "json_schema", "json_schema": named}


def known_chat_format(response_format: Json, context: Context, report: Report) -> Json:
    """Return chat's checked `response_format` with the fields that are known or may pass."""
    path, has_place = "response_format", response_format["type"] != "text"
    form = _by_schema(response_format, context, report)
    form = strip_unknown(form, _CHAT_FORMAT, path, context, report, has_place=has_place)
    named = form.get("json_schema")
    if form["type"] != "json_schema" or not isinstance(named, dict):
        return form
    schema = strip_unknown(named, _CHAT_SCHEMA, f"{path}.json_schema", context, report)
    return {**form, "json_schema": schema}


def _by_schema(form: Json, context: Context, report: Report) -> Json:
    """Return a `response_format` whose schema is in the place that OpenAI gives it.

    llama.cpp and Together have it beside the type `json_object`, and so do clients made for these.
    """
    schema, able = form.get("schema"), context.capabilities
    takes = able.json_schema and not able.reads_response_format
    if form["type"] != "json_object" or not takes or not (isinstance(schema, dict) and schema):
        return form
    report.change("response_format.type", "json_object", "json_schema")
    rest = {name: value for name, value in form.items() if name != "schema"}
    named = {"name": _NAMELESS, "schema": schema}
    return {**rest, "type": "json_schema", "json_schema": named}


def known_responses_format(text_format: Json, context: Context, report: Report) -> Json:
    """Return a checked `text.format` of responses with the fields that are known or may pass."""
    kind = text_format["type"]
    known = _RESPONSES_SCHEMA_FORMAT if kind == "json_schema" else _RESPONSES_FORMAT
    has_place = kind != "text"
    return strip_unknown(text_format, known, "text.format", context, report, has_place=has_place)


def chat_format_param(path: str, *, nested: bool) -> str:
    """Return chat's path of a `text.format` path: `text.format.schema` is `…json_schema.schema`.

    `nested` says whether the client's format is a JSON schema, whose fields chat nests.
    """
    rest = path.removeprefix("text.format")
    if nested and rest.startswith(".") and rest != ".type":
        rest = f".json_schema{rest}"
    return f"response_format{rest}"


def responses_format_param(path: str) -> str:
    """Return the responses' path of a `response_format` path, the nesting undone."""
    rest = path.removeprefix("response_format")
    if rest == ".json_schema" or rest.startswith(".json_schema."):
        rest = rest.removeprefix(".json_schema")
    return f"text.format{rest}"
