"""The check of the items of a responses request's `input`.

Types are those of OpenAI's OpenAPI description (schemas `InputItem`, `EasyInputMessage`, `Item`).
"""

from collections import abc
from dataclasses import dataclass

from gateway.shapes import Json
from gateway.translate.parts.tools.calls import arguments_text
from gateway.translate.schema.checks import (
    Anything,
    Array,
    Check,
    Mapping,
    OneOf,
    Record,
    String,
    StringOr,
)
from gateway.translate.schema.content_parts import MARK, part_of
from gateway.translate.schema.errors import missing, wrong_type
from gateway.translate.schema.responses_format import Format
from gateway.translate.schema.responses_tools import Tool

_ROLES = ("user", "assistant", "system", "developer")

HOSTED_RECORDS = frozenset(
    {
        "code_interpreter_call",
        "file_search_call",
        "image_generation_call",
        "mcp_approval_request",
        "mcp_approval_response",
        "mcp_call",
        "mcp_list_tools",
        "tool_search_call",
        "tool_search_output",
        "web_search_call",
    }
)
"""Items that record the work of a tool hosted by the API; a tool search can be the client's own."""

FOREIGN_ITEMS = frozenset(
    {
        "compaction",
        "compaction_trigger",
        "computer_call",
        "computer_call_output",
        "program",
        "program_output",
    }
)
"""Items that only the responses API has: calls of its own tools, and its compaction."""

_STRING = String()
_TEXT = Record({**MARK, "text": _STRING}, required=("text",))
_IMAGE = Record({**MARK, **dict.fromkeys(("detail", "file_id", "image_url"), _STRING)})
_FILE = Record(
    {
        **MARK,
        **dict.fromkeys(("detail", "file_data", "file_id", "file_url", "filename"), _STRING),
    }
)
_ANNOTATION = Record({"type": _STRING}, required=("type",))
_LOGPROB = Record({"token": _STRING}, required=("token",))
PARTS: abc.Mapping[str, Record] = {
    "input_text": _TEXT,
    "input_image": _IMAGE,
    "input_file": _FILE,
    "output_text": Record(
        {
            "type": _STRING,
            "text": _STRING,
            "annotations": Array(_ANNOTATION),
            "logprobs": Array(_LOGPROB),
        },
        required=("text",),
    ),
    "text": _TEXT,
    "refusal": Record({"type": _STRING, "refusal": _STRING}, required=("refusal",)),
}
"""The content parts by type, with all the fields that they may have."""

_INPUT_PARTS = ("input_text", "input_image", "input_file", "output_text", "text")
_ASSISTANT_PARTS = ("output_text", "refusal", "input_text", "text")
# The description lets an assistant's message have `input_text` too, and clients that keep one list
# of messages for all endpoints send the other types of text in any role.


def _text_or_parts(*types: str) -> Check:
    return StringOr(Array(part_of(PARTS, *types)), list, "a string or an array of content parts")


@dataclass(frozen=True, slots=True)
class _WrittenOut:
    """A call's arguments as an object, which some clients send; it is returned as JSON text."""

    def accept(self, value: object, param: str) -> str:  # noqa: ARG002 - the protocol's signature
        return arguments_text(value)


_CONTENT = {
    role: _text_or_parts(*(_ASSISTANT_PARTS if role == "assistant" else _INPUT_PARTS))
    for role in _ROLES
}
COMMON_CONTENT = _text_or_parts(*(kind for kind in _INPUT_PARTS if kind in _ASSISTANT_PARTS))
"""The content that a message of any role may have."""

REASONING = Record({"type": _STRING, "text": _STRING}, required=("text",))
"""A part of a reasoning item: of its text or of its summary."""
_REASONING_PARTS = Array(REASONING)
_HEAD: abc.Mapping[str, Check] = {"type": _STRING, "id": _STRING, "status": _STRING}
_CALL: abc.Mapping[str, Check] = {**_HEAD, "call_id": _STRING}
_NAMED: abc.Mapping[str, Check] = {**_CALL, "name": _STRING, "namespace": _STRING}
_CALL_OUTPUT = Record(
    {**_NAMED, "output": _text_or_parts(*_INPUT_PARTS)}, required=("call_id", "output")
)
_STRINGS = Array(_STRING)
_LOCAL_ACTION = Record(
    {
        "type": OneOf("exec"),
        "command": _STRINGS,
        "env": Mapping(_STRING),
        "timeout_ms": Anything(),
        "user": _STRING,
        "working_directory": _STRING,
    },
    required=("command",),
)
_SHELL_ACTION = Record(
    {"commands": _STRINGS, "max_output_length": Anything(), "timeout_ms": Anything()},
    required=("commands",),
)
_OPERATION = Record(
    {
        "type": OneOf("create_file", "update_file", "delete_file"),
        "path": _STRING,
        "diff": _STRING,
    },
    required=("type", "path"),
)
CONFIGURED_REASONING = Record({"effort": _STRING})
"""The `reasoning` of an update of the configuration, with all the fields that it may have."""

CONFIGURED_TEXT = Record({"format": Format()}, required=("format",))
"""The `text` of an update of the configuration, with all the fields that it may have."""

MESSAGE = Record(
    {**_HEAD, "role": OneOf(*_ROLES), "content": Anything(), "phase": _STRING},
    required=("role", "content"),
)
"""A message; what its content may be depends on its role."""

ITEMS: abc.Mapping[str, Record] = {
    "function_call": Record(
        {**_NAMED, "arguments": StringOr(_WrittenOut(), dict, "a string")},
        required=("call_id", "name", "arguments"),
    ),
    # `native_arguments`, which a model wrote beside the input, is the gateway's field.
    "custom_tool_call": Record(
        {**_NAMED, "input": _STRING, "native_arguments": _STRING},
        required=("call_id", "name", "input"),
    ),
    "function_call_output": _CALL_OUTPUT,
    "custom_tool_call_output": _CALL_OUTPUT,
    "local_shell_call": Record({**_CALL, "action": _LOCAL_ACTION}, required=("call_id", "action")),
    # By the description its `id` names the call; clients send a `call_id` as well.
    "local_shell_call_output": Record({**_CALL, "output": _STRING}, required=("output",)),
    "shell_call": Record(
        {**_CALL, "action": _SHELL_ACTION, "environment": Mapping()}, required=("call_id", "action")
    ),
    "shell_call_output": Record(
        {**_CALL, "output": Array(Mapping()), "max_output_length": Anything()},
        required=("call_id", "output"),
    ),
    "apply_patch_call": Record(
        {**_CALL, "operation": _OPERATION}, required=("call_id", "operation")
    ),
    "apply_patch_call_output": Record({**_CALL, "output": _STRING}, required=("call_id", "status")),
    "tool_search_call": Record(
        {**_CALL, "execution": _STRING, "arguments": Anything()}, required=("arguments",)
    ),
    "tool_search_output": Record(
        {**_CALL, "execution": _STRING, "tools": Array(Tool())}, required=("tools",)
    ),
    "additional_tools": Record(
        {**_HEAD, "role": OneOf("developer"), "tools": Array(Tool())}, required=("tools",)
    ),
    # `summary` is required, but clients that replay another server's items omit it.
    "reasoning": Record(
        {
            **_HEAD,
            "summary": _REASONING_PARTS,
            "content": _REASONING_PARTS,
            "encrypted_content": _STRING,
        }
    ),
    "configuration_update": Record(
        {**_HEAD, "reasoning": CONFIGURED_REASONING, "text": CONFIGURED_TEXT}
    ),
    "item_reference": Record({"type": _STRING, "id": _STRING}, required=("id",)),
}
"""The items other than messages by type, with all the fields that they may have."""

_KNOWN_TYPES = OneOf(
    "message", *ITEMS, *sorted(HOSTED_RECORDS - ITEMS.keys()), *sorted(FOREIGN_ITEMS)
)


@dataclass(frozen=True, slots=True)
class Item:
    """One item of `input`; the check adds a missing `type`.

    Without one, an object with a `role` is a message and one with an `id` a reference, as in
    OpenAI's description. For items that belong to hosted tools, only the type is checked.
    """

    def accept(self, value: object, param: str) -> Json:
        """Return a copy without null fields; raises `InvalidRequest` with the path of the fault."""
        if not isinstance(value, dict):
            raise wrong_type(param, "an object", value)
        kind = value.get("type")
        if kind is None:
            kind = _implied_type(value, param)
        if kind == "message":
            return _message(value, param)
        kind = _KNOWN_TYPES.accept(kind, f"{param}.type")
        if kind in ITEMS and kind not in HOSTED_RECORDS:
            return {**ITEMS[kind].accept(value, param), "type": kind}
        item: Json = {name: each for name, each in value.items() if each is not None}
        item["type"] = kind
        return item if kind not in ITEMS or is_record(item) else ITEMS[kind].accept(item, param)


def is_record(item: Json) -> bool:
    """Whether an item records the work of a hosted tool; a client can search for tools itself."""
    if item["type"] not in ("tool_search_call", "tool_search_output"):
        return item["type"] in HOSTED_RECORDS
    default = "client" if "call_id" in item else "server"
    return bool(item.get("execution", default) != "client")


def _implied_type(item: Json, param: str) -> str:
    if item.get("role") is not None:
        return "message"
    if item.get("id") is not None:
        return "item_reference"
    raise missing(f"{param}.type")


def _message(item: Json, param: str) -> Json:
    message = MESSAGE.accept(item, param)
    message["type"] = "message"
    content = message["content"]
    if not isinstance(content, str):
        message["content"] = _CONTENT[message["role"]].accept(content, f"{param}.content")
    return message
