"""Definitions of tools, translated between chat and responses.

The two differ in nesting and in the default of `strict`. Sources: OpenAI's OpenAPI description
(schemas `ChatCompletionTool`, `FunctionTool`, `CustomToolParam`) and the threads named below.
"""

from collections.abc import Callable, Mapping
from typing import Any

from gateway.shapes import Json
from gateway.translate.schema.checks import Check, Record, String

NO_PARAMETERS: Mapping[str, object] = {"type": "object", "properties": {}}

_FUNCTION_FIELDS: Mapping[str, Check] = {"name": String(), "description": String()}
_FUNCTION = Record(_FUNCTION_FIELDS, required=("name",))
_CUSTOM = Record(_FUNCTION_FIELDS, required=("name",))


def responses_function(function: Json, param: str, *, says_strict: bool = True) -> Json:
    """Return a responses tool from the fields of a chat function (`tools[i].function`).

    It always has `parameters` (`with_parameters`). With `says_strict` it always has `strict`:
    without that field, OpenAI's responses would try to make the schema a strict one, and models
    then fill optional fields (open-webui#30046); vLLM, however, writes the field into the prompt.
    Raises `InvalidRequest` naming a path below `param`.
    """
    given: Json = function if _holds(function) else _FUNCTION.accept(function, param)
    # In one order, as on the fast path, whatever the client's is: prompt caches see the same bytes.
    tool: Json = {name: given[name] for name in ("name", "description") if name in given}
    tool["parameters"] = with_parameters(given.get("parameters"))
    tool["type"] = "function"
    if says_strict or "strict" in given:
        tool["strict"] = given.get("strict", False)
    for name, value in given.items():
        tool.setdefault(name, value)
    return tool


def with_parameters(parameters: Any) -> Any:
    """Return the parameters of a function; absent ones, and `{}`, become an empty object schema.

    Mistral and MiniMax require them (mirascope#961, qwen-code#11834), and OpenAI and DeepSeek
    refuse `{}` (dots-hyprland#3640).
    """
    parameters = without_nulls(parameters)
    return dict(NO_PARAMETERS) if parameters is None or parameters == {} else parameters


def without_nulls(schema: Any) -> Any:
    """Return a JSON schema without null keys, which programs in Go write for empty values.

    OpenAI refuses `"required": null` and `"properties": null` (coder#23538, coder#27252). Values
    that are no schemas, and schemas without such keys, are returned as they are; the given schema
    is not changed.
    """
    return _changed(schema, _drop_nulls) if has_nulls(schema) else schema


def has_nulls(schema: object) -> bool:
    """Whether a JSON schema has null keys, which count as absent."""
    return not _all_parts(schema, _has_no_null)


def _has_no_null(schema: Json) -> bool:
    return None not in schema.values() or all(
        value is not None or key in _VALUES for key, value in schema.items()
    )


def _drop_nulls(schema: Json) -> None:
    for key in [key for key, value in schema.items() if value is None and key not in _VALUES]:
        if key == "properties":
            schema[key] = {}
        else:
            del schema[key]


def responses_custom(custom: Json, param: str) -> Json:
    """Return a responses tool from the fields of a chat custom tool; raises `InvalidRequest`."""
    known: Json = _CUSTOM.accept(custom, param)
    tool: Json = {**known, "type": "custom"}
    form = known.get("format")
    if isinstance(form, dict) and isinstance(form.get("grammar"), dict):
        tool["format"] = {"type": form["type"], **form["grammar"]}
    return tool


def _holds(tool: object) -> bool:
    if not isinstance(tool, dict) or None in tool.values():
        return False
    return type(tool.get("name")) is str and type(tool.get("description", "")) is str


def chat_function(tool: Json, param: str) -> Json:
    """Return a chat tool from a responses function tool; raises `InvalidRequest`.

    It always has `parameters`. Without `strict`, a responses endpoint makes a schema strict if it
    can, so chat gets `strict` only if the schema is strict already.
    """
    # Most tools have been checked already.
    known = tool if _holds(tool) else _FUNCTION.accept(tool, param)
    function: Json = {name: known[name] for name in ("name", "description") if name in known}
    function["parameters"] = with_parameters(known.get("parameters"))
    if "strict" in known:
        function["strict"] = known["strict"]
    elif is_strict_schema(function["parameters"]):
        function["strict"] = True
    return {"type": "function", "function": function}


def chat_custom(tool: Json, param: str) -> Json:
    """Return a chat tool from a responses custom tool; raises `InvalidRequest`."""
    known: Json = _CUSTOM.accept(tool, param)
    custom = {name: known[name] for name in ("name", "description", "format") if name in known}
    form = custom.get("format")
    if isinstance(form, dict) and form.get("type") == "grammar":
        custom["format"] = chat_grammar(form)
    return {"type": "custom", "custom": custom}


def chat_grammar(form: Json) -> Json:
    """Return a grammar, a responses custom tool's format, in chat's form."""
    grammar = {name: value for name, value in form.items() if name != "type"}
    return {"type": "grammar", "grammar": grammar}


def is_complete(parameters: Json) -> bool:
    """Whether parameters have the keys that OpenAI requires and `completed` adds."""
    return "properties" in parameters and _all_parts(parameters, _has_items)


def completed(parameters: Json) -> Json:
    """Return parameters with `properties`, and with `items` in all lists; both may be empty.

    They mean the same without them. Anthropic takes such schemas, and MCP servers write them, but
    OpenAI refuses them (copilot-cli#2223, mcphost#35). The given schema is not changed.
    """
    return _changed({**parameters, "properties": parameters.get("properties", {})}, _complete)


def _complete(schema: Json) -> None:
    if not _has_items(schema):
        schema["items"] = {}


def _changed(schema: Json, change: Callable[[Json], None]) -> Json:
    """Return a copy of a schema, with `change` applied to it and to each schema within it."""
    made: Json = {**schema}
    waiting: list[Json] = [made]
    while waiting:
        part = waiting.pop()
        change(part)
        for key, value in list(part.items()):
            if key in _OF_SCHEMAS and isinstance(value, dict):
                part[key] = {name: _copied(each, waiting) for name, each in value.items()}
            elif key not in _NOT_SCHEMAS:
                part[key] = _copied(value, waiting)
    return made


def _copied(value: object, waiting: list[Json]) -> object:
    """Return a copy of a schema, or of a list of schemas, and add it to those to be changed."""
    if isinstance(value, list):
        return [_copied_one(each, waiting) for each in value]
    return _copied_one(value, waiting)


def _copied_one(value: object, waiting: list[Json]) -> object:
    if not isinstance(value, dict):
        return value
    copied = dict(value)
    waiting.append(copied)
    return copied


def _has_items(schema: Json) -> bool:
    kind = schema.get("type")
    is_list = kind == "array" or (isinstance(kind, list) and "array" in kind)
    return not is_list or "items" in schema


def is_strict_schema(schema: object) -> bool:
    """Whether a JSON schema obeys the rules of strict mode in all its parts.

    Every object names all its properties as required and allows no others.
    """
    is_object = isinstance(schema, dict) and schema.get("type") == "object"
    return is_object and _all_parts(schema, _is_strict_object)


def allows_no_more(schema: object) -> bool:
    """Whether every object in a JSON schema allows no properties but those that it names."""
    return isinstance(schema, dict) and _all_parts(schema, _is_closed)


def _all_parts(schema: object, holds: Callable[[Json], bool]) -> bool:
    """Whether a condition holds for a schema and for each schema within it."""
    waiting: list[object] = [schema]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting += part
        elif isinstance(part, dict):
            if not holds(part):
                return False
            properties = part.get("properties")
            waiting += properties.values() if isinstance(properties, dict) else ()
            waiting += [value for key, value in part.items() if key not in _NOT_SCHEMAS]
            for definitions in _DEFINITIONS:
                named = part.get(definitions)
                waiting += named.values() if isinstance(named, dict) else ()
    return True


_DEFINITIONS = ("$defs", "definitions")
_OF_SCHEMAS = frozenset({"properties", *_DEFINITIONS})
"""Keys whose values are schemas by name."""
_VALUES = frozenset({"const", "default"})
"""Keys for which null is a valid value."""
_NOT_SCHEMAS = _OF_SCHEMAS | {"enum", "const", "default", "examples", "required"}


def _is_closed(schema: Json) -> bool:
    is_object = schema.get("type") == "object" or "properties" in schema
    return not is_object or schema.get("additionalProperties") is False


def _is_strict_object(schema: Json) -> bool:
    properties = schema.get("properties")
    if schema.get("type") != "object" and properties is None:
        return True
    required = schema.get("required", [])
    if not isinstance(required, list) or schema.get("additionalProperties") is not False:
        return False
    return set(properties if isinstance(properties, dict) else ()) <= {str(r) for r in required}
