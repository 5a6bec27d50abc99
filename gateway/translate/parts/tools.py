"""Tools between chat and responses: definitions, calls and names.

The two differ in nesting, in the default of `strict`, and in what correlates a call with its
output: chat has one id, responses have an item `id` (`fc_…`) and the `call_id` that counts.
Sources: OpenAI's OpenAPI description (schemas `ChatCompletionTool`, `FunctionTool`,
`CustomToolParam`, `ToolChoiceParam`, `FunctionToolCall`) and the threads named below.
"""

import hashlib
import json
from collections.abc import Mapping

from gateway.errors import InvalidRequest
from gateway.shapes import Json
from gateway.translate.contract import Context
from gateway.translate.schema.checks import Check, Record, String

MAX_CALL_ID = 64
"""OpenAI's limit for a chat tool call id and for `call_id`, in characters."""

MAX_TOOL_NAME = 64
"""OpenAI's limit for the name of a function, in characters."""

NO_PARAMETERS: Mapping[str, object] = {"type": "object", "properties": {}}

_FUNCTION_FIELDS: Mapping[str, Check] = {"name": String(), "description": String()}
_FUNCTION = Record(_FUNCTION_FIELDS, required=("name",))
_CUSTOM = Record(_FUNCTION_FIELDS, required=("name",))


# Call ids


def bounded_call_id(call_id: str) -> str:
    """Return a call id of at most 64 characters: a longer one is replaced by its hash.

    The same id gives the same hash, so a call and its output still find each other.
    """
    return call_id if len(call_id) <= MAX_CALL_ID else call_id_from(call_id)


def call_id_from(text: str) -> str:
    """Return a call id that is the same for the same text, in every turn and process."""
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    return f"call_{digest[:32]}"


def minted_call_id(context: Context) -> str:
    """Return a fresh call id, for a call that came without one."""
    return f"call_{context.new_id()}"


# Definitions


def responses_function(function: Json, param: str, *, says_strict: bool = True) -> Json:
    """Return a responses tool from the fields of a chat function (`tools[i].function`).

    `parameters` are always there, and `strict` where `says_strict`: without it, OpenAI's responses
    would try to make the schema a strict one, and models then fill optional fields
    (open-webui#30046); vLLM writes it into the prompt. Raises `InvalidRequest` naming a path below
    `param`.
    """
    known: Json = _FUNCTION.accept(function, param)
    tool = {
        **known,
        "type": "function",
        "parameters": known.get("parameters", dict(NO_PARAMETERS)),
    }
    if says_strict:
        tool["strict"] = known.get("strict", False)
    return tool


def responses_custom(custom: Json, param: str) -> Json:
    """Return a responses tool from the fields of a chat custom tool; raises `InvalidRequest`."""
    known: Json = _CUSTOM.accept(custom, param)
    tool: Json = {**known, "type": "custom"}
    form = known.get("format")
    if isinstance(form, dict) and isinstance(form.get("grammar"), dict):
        tool["format"] = {"type": "grammar", **form["grammar"]}
    return tool


def chat_function(tool: Json, param: str) -> Json:
    """Return a chat tool from a responses function tool; raises `InvalidRequest`.

    Where `strict` is absent, responses make the schema strict if they can: chat is told so only
    where the schema already is.
    """
    known: Json = _FUNCTION.accept(tool, param)
    fields = ("name", "description", "parameters", "strict")
    function = {name: known[name] for name in fields if name in known}
    if "strict" not in function and is_strict_schema(function.get("parameters")):
        function["strict"] = True
    return {"type": "function", "function": function}


def chat_custom(tool: Json, param: str) -> Json:
    """Return a chat tool from a responses custom tool; raises `InvalidRequest`."""
    known: Json = _CUSTOM.accept(tool, param)
    custom = {name: known[name] for name in ("name", "description", "format") if name in known}
    form = custom.get("format")
    if isinstance(form, dict) and form.get("type") == "grammar":
        grammar = {name: value for name, value in form.items() if name != "type"}
        custom["format"] = {"type": "grammar", "grammar": grammar}
    return {"type": "custom", "custom": custom}


def is_strict_schema(schema: object) -> bool:
    """Whether a JSON schema obeys the rules of strict mode in all its parts.

    Every object names all its properties as required and allows no others.
    """
    return isinstance(schema, dict) and schema.get("type") == "object" and _parts_are_strict(schema)


def _parts_are_strict(schema: object) -> bool:
    waiting: list[object] = [schema]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting += part
        elif isinstance(part, dict):
            if not _is_strict_object(part):
                return False
            properties = part.get("properties")
            waiting += properties.values() if isinstance(properties, dict) else ()
            waiting += [value for key, value in part.items() if key not in _NOT_SCHEMAS]
            for definitions in ("$defs", "definitions"):
                named = part.get(definitions)
                waiting += named.values() if isinstance(named, dict) else ()
    return True


_NOT_SCHEMAS = frozenset(
    {"properties", "$defs", "definitions", "enum", "const", "default", "examples", "required"}
)


def _is_strict_object(schema: Json) -> bool:
    properties = schema.get("properties")
    if schema.get("type") != "object" and properties is None:
        return True
    required = schema.get("required", [])
    if not isinstance(required, list) or schema.get("additionalProperties") is not False:
        return False
    return set(properties if isinstance(properties, dict) else ()) <= {str(r) for r in required}


# Calls


def arguments_text(arguments: object) -> str:
    """Return a call's arguments as the string they should be: sloppy sides send the object."""
    if isinstance(arguments, str):
        return arguments
    return "" if arguments is None else json.dumps(arguments, ensure_ascii=False)


def responses_call(kind: str, name: str, text: str, call_id: str) -> Json:
    """Return the input item of a call; `text` is a function's arguments or a custom tool's input.

    It has no `id`: the client's is no item id (`Expected an ID that begins with 'fc'`,
    nodetool#4252), and one would demand the reasoning item that came before it.
    """
    if kind == "custom":
        return {"type": "custom_tool_call", "call_id": call_id, "name": name, "input": text}
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": text}


def responses_call_output(kind: str, output: str | list[Json], call_id: str) -> Json:
    """Return the input item of what a call gave."""
    prefix = "custom_tool_call" if kind == "custom" else "function_call"
    return {"type": f"{prefix}_output", "call_id": call_id, "output": output}


def chat_call(kind: str, name: str, text: str, call_id: str) -> Json:
    """Return a chat tool call; `text` is a function's arguments or a custom tool's input."""
    field = "input" if kind == "custom" else "arguments"
    kind = "custom" if kind == "custom" else "function"
    return {"id": call_id, "type": kind, kind: {"name": name, field: text}}


# Namespaces


def ambiguous_name(flat: str, param: str) -> InvalidRequest:
    """Return the error for two tools that a chat model would call by one name."""
    return InvalidRequest(
        f"'{param}' cannot be told from another tool: both would be called '{flat[:100]}'. "
        "Rename one of them.",
        param=param,
        code="invalid_value",
    )


_MAX_HASHED_NAME = MAX_TOOL_NAME - len("ns_01234567__")


class FlatNames:
    """The tools of namespaces under flat names, for chat, which has no namespaces; and back."""

    def __init__(self) -> None:
        self._origins: dict[str, tuple[str | None, str]] = {}

    def add(self, namespace: str | None, name: str, param: str) -> str:
        """Return the flat name of a tool: `<namespace>__<tool>`, or a hash before its own, cut.

        Raises `InvalidRequest` naming `param` where two tools would have the same.
        """
        flat = self.flat(namespace, name)
        if self._origins.setdefault(flat, (namespace, name)) != (namespace, name):
            raise ambiguous_name(flat, param)
        return flat

    def flat(self, namespace: str | None, name: str) -> str:
        """Return the flat name that a tool has or would have."""
        if namespace is None:
            return name
        plain = f"{namespace}__{name}"
        if len(plain) <= MAX_TOOL_NAME and all(
            c.isascii() and (c.isalnum() or c in "_-") for c in plain
        ):
            return plain
        hashed = namespace if len(name) <= _MAX_HASHED_NAME else plain
        digest = hashlib.sha256(hashed.encode("utf-8", "replace")).hexdigest()
        return f"ns_{digest[:8]}__{name[:_MAX_HASHED_NAME]}"

    def meant(self, called: str) -> str:
        """Return the flat name of the tool that a model means by a name.

        Models leave out the namespace, or write it as they have learned to, with a point. What
        fits no tool, or several, is taken as it is.
        """
        if called in self._origins:
            return called
        fitting = [
            flat
            for flat, (namespace, name) in self._origins.items()
            if namespace is not None and called in (name, f"{namespace}.{name}")
        ]
        return fitting[0] if len(fitting) == 1 else called

    def split(self, flat: str) -> tuple[str | None, str]:
        """Return the namespace and the name of a tool that was added; others have none."""
        return self._origins.get(flat, (None, flat))
