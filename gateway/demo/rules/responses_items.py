"""The items that /v1/responses takes as input (openai-openapi, InputItem)."""

from collections.abc import Mapping

from gateway.demo.refusals import Refused
from gateway.demo.rules import checks
from gateway.demo.rules.checks import Check, array, mapping, nullable, record, string, tagged, word
from gateway.demo.rules.responses_tools import TOOL

_LONGEST_CALL_ID = 64
_LONGEST_SUMMARY = 20 * 1024 * 1024

_INPUT_PART = tagged(
    "type",
    {
        "input_text": record({"type": string, "text": string}, open_=False),
        "input_image": record(
            {"type": string},
            {
                "detail": word("low", "high", "auto", "original"),
                "image_url": nullable(string),
                "file_id": nullable(string),
            },
            open_=False,
        ),
        "input_file": record(
            {"type": string},
            {
                "file_id": nullable(string),
                "file_data": string,
                "file_url": string,
                "filename": string,
            },
            open_=False,
        ),
    },
)
_OUTPUT_PART = tagged(
    "type",
    {
        "output_text": record(
            {"type": string, "text": string},
            {"annotations": array(mapping), "logprobs": array(mapping)},
            open_=False,
        ),
        "refusal": record({"type": string, "refusal": string}, open_=False),
    },
)
# Not in the specification, but Codex's own provider sends it with every item to api.openai.com.
_PASSED: Mapping[str, Check] = {"internal_chat_message_metadata_passthrough": nullable(mapping)}
_CALL_ID = checks.short_string(_LONGEST_CALL_ID)
_STATUS: Mapping[str, Check] = {
    **_PASSED,
    "status": nullable(word("in_progress", "completed", "incomplete")),
}


def _own_id(prefix: str) -> Check:
    """Accept an item id with the prefix that OpenAI gives this kind of item."""

    def check(path: str, value: object) -> None:
        string(path, value)
        if not str(value).startswith(prefix):
            raise Refused(
                400,
                f"Invalid '{path}': '{value}'. Expected an ID that begins with '{prefix}'.",
                param=path,
                code="invalid_value",
            )

    return check


def _message(path: str, value: object) -> None:
    part = _INPUT_PART
    if isinstance(value, dict) and value.get("role") == "assistant":
        part = _OUTPUT_PART
    record(
        {
            "role": word("assistant", "system", "developer", "user"),
            "content": checks.string_or(array(part)),
        },
        {
            "type": word("message"),
            "id": _own_id("msg"),
            "status": word("in_progress", "completed", "incomplete"),
            "phase": nullable(string),
            **_PASSED,
        },
        open_=False,
    )(path, value)


def _call(argument: str, prefix: str) -> Check:
    return record(
        {"type": string, "call_id": _CALL_ID, "name": string, argument: string},
        {"id": nullable(_own_id(prefix)), "namespace": nullable(string), **_STATUS},
        open_=False,
    )


def _output(prefix: str) -> Check:
    return record(
        {"type": string, "call_id": _CALL_ID, "output": checks.string_or(array(_INPUT_PART))},
        {
            "id": nullable(_own_id(prefix)),
            "name": nullable(string),
            "namespace": nullable(string),
            **_STATUS,
        },
        open_=False,
    )


_SEARCH: Mapping[str, Check] = {
    "id": nullable(string),
    "call_id": nullable(_CALL_ID),
    "execution": word("server", "client"),
    **_STATUS,
}
ITEM = tagged(
    "type",
    {
        "message": _message,
        "function_call": _call("arguments", "fc"),
        "function_call_output": _output("fc"),
        "custom_tool_call": _call("input", "ctc"),
        "custom_tool_call_output": _output("ctc"),
        "tool_search_call": record({"type": string, "arguments": mapping}, _SEARCH, open_=False),
        "tool_search_output": record({"type": string, "tools": array(TOOL)}, _SEARCH, open_=False),
        "additional_tools": record(
            {"type": string, "role": word("developer"), "tools": array(TOOL)},
            {"id": nullable(string), **_PASSED},
            open_=False,
        ),
        "reasoning": record(
            {"type": string, "summary": array(mapping)},
            {
                "id": _own_id("rs"),
                "content": nullable(array(mapping)),
                "encrypted_content": nullable(string),
                **_STATUS,
            },
            open_=False,
        ),
        "configuration_update": record(
            {"type": string},
            {
                "id": nullable(string),
                "reasoning": nullable(record({}, {"effort": nullable(string)}, open_=False)),
                "text": nullable(record({"format": mapping}, open_=False)),
                **_PASSED,
            },
            open_=False,
        ),
        "compaction": record(
            {"type": string, "encrypted_content": checks.short_string(_LONGEST_SUMMARY)},
            {"id": nullable(string), **_PASSED},
            open_=False,
        ),
        "compaction_trigger": record({"type": string}, _PASSED, open_=False),
        "item_reference": record({"type": string, "id": string}, open_=False),
    },
    default="message",
)
"""One item. References to kept items are resolved before (`gateway.demo.kept_items`)."""
