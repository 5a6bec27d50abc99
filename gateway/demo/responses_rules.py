"""What /v1/responses takes, and what it refuses (openai-openapi, CreateResponse and InputItem)."""

from collections.abc import Mapping

from gateway.demo import checks, refusals, sampling
from gateway.demo.answer import Json
from gateway.demo.chat_rules import EFFORTS
from gateway.demo.checks import Check, array, mapping, nullable, record, string, tagged, word
from gateway.demo.models import DemoModel, Quirk
from gateway.demo.refusals import Refused

_LONGEST_CALL_ID = 64
_MOVED = {
    "messages": "input",
    "max_tokens": "max_output_tokens",
    "max_completion_tokens": "max_output_tokens",
    "response_format": "text.format",
    "reasoning_effort": "reasoning.effort",
}

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


def _own_id(prefix: str) -> Check:
    """Accept an item id as OpenAI gave it: each kind of item has its own prefix."""

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
        },
        open_=False,
    )(path, value)


_CALL_ID = checks.short_string(_LONGEST_CALL_ID)
_STATUS: Mapping[str, Check] = {
    "status": nullable(word("in_progress", "completed", "incomplete")),
}
_ITEM = tagged(
    "type",
    {
        "message": _message,
        "function_call": record(
            {"type": string, "call_id": _CALL_ID, "name": string, "arguments": string},
            {"id": _own_id("fc"), **_STATUS},
            open_=False,
        ),
        "function_call_output": record(
            {
                "type": string,
                "call_id": _CALL_ID,
                "output": checks.string_or(array(_INPUT_PART)),
            },
            {"id": nullable(_own_id("fc")), **_STATUS},
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
    },
    default="message",
)
_TOOL = tagged(
    "type",
    {
        "function": record(
            {"type": string, "name": string},
            {
                "description": nullable(string),
                "parameters": nullable(mapping),
                "strict": nullable(checks.boolean),
            },
            open_=False,
        ),
        "custom": record({"type": string, "name": string}, open_=True),
        "web_search": record({"type": string}, open_=True),
    },
)
_FORMAT = tagged(
    "type",
    {
        "text": record({"type": string}, open_=False),
        "json_object": record({"type": string}, open_=False),
        "json_schema": record(
            {"type": string, "name": string, "schema": mapping},
            {"description": string, "strict": nullable(checks.boolean)},
            open_=False,
        ),
    },
)
_NAMED_TOOL = tagged(
    "type",
    {
        "function": record({"type": string, "name": string}, open_=False),
        "allowed_tools": record(
            {"type": string, "mode": word("auto", "required"), "tools": array(mapping, least=1)},
            open_=False,
        ),
    },
)
_INCLUDABLE = (
    "message.output_text.logprobs",
    "reasoning.encrypted_content",
    "web_search_call.action.sources",
    "code_interpreter_call.outputs",
    "computer_call_output.output.image_url",
    "file_search_call.results",
    "message.input_image.image_url",
)


def _tool_choice(path: str, value: object) -> None:
    if isinstance(value, str):
        word("none", "auto", "required")(path, value)
    else:
        _NAMED_TOOL(path, value)


PARAMETERS: Mapping[str, Check] = {
    "background": nullable(checks.boolean),
    "include": nullable(array(word(*_INCLUDABLE))),
    "input": checks.string_or(array(_ITEM)),
    "instructions": nullable(string),
    "max_output_tokens": nullable(checks.integer(16)),
    "max_tool_calls": nullable(checks.integer()),
    "metadata": nullable(mapping),
    "model": string,
    "parallel_tool_calls": nullable(checks.boolean),
    "previous_response_id": nullable(string),
    "prompt_cache_key": nullable(string),
    "prompt_cache_options": mapping,
    "prompt_cache_retention": nullable(word("in_memory", "24h")),
    "reasoning": nullable(
        record(
            {},
            {
                "effort": nullable(word(*EFFORTS)),
                "summary": nullable(word("auto", "concise", "detailed")),
                "generate_summary": nullable(word("auto", "concise", "detailed")),
                "context": nullable(string),
                "mode": nullable(string),
            },
            open_=False,
        )
    ),
    "safety_identifier": nullable(checks.short_string(64)),
    "service_tier": nullable(word("auto", "default", "flex", "scale", "priority", "ultrafast")),
    "store": nullable(checks.boolean),
    "stream": nullable(checks.boolean),
    "stream_options": nullable(record({}, {"include_obfuscation": checks.boolean}, open_=False)),
    "temperature": nullable(checks.number(0, 2)),
    "text": record(
        {},
        {"format": _FORMAT, "verbosity": nullable(word("low", "medium", "high"))},
        open_=False,
    ),
    "tool_choice": _tool_choice,
    "tools": array(_TOOL, most=128),
    "top_logprobs": nullable(checks.integer(0, 20)),
    "top_p": nullable(checks.number(0, 1)),
    "truncation": nullable(word("auto", "disabled")),
    "user": string,
}


def check_names(body: Json) -> None:
    """Refuse parameters that the endpoint does not have, whatever the model."""
    for name in body:
        if name in _MOVED:
            raise refusals.moved_parameter(name, _MOVED[name])
        if name not in PARAMETERS:
            raise refusals.unknown_parameter(name)


def check(body: Json, model: DemoModel) -> None:
    """Raise `Refused` unless the body is a request that OpenAI would serve on this model."""
    sampling.check_required(("input",), body)
    sampling.check_members(PARAMETERS, body)
    sampling.require_stream(body)
    if isinstance(body["input"], list):
        _check_outputs(body["input"])
    previous = body.get("previous_response_id")
    if previous is not None:
        raise Refused(
            400,
            f"Previous response with id '{previous}' not found.",
            param="previous_response_id",
            code="previous_response_not_found",
        )
    _check_reasoning(body, model)


def _check_outputs(items: list[Json]) -> None:
    """Refuse a tool's output that answers no call."""
    called = {item["call_id"] for item in items if item.get("type") == "function_call"}
    for item in items:
        if item.get("type") == "function_call_output" and item["call_id"] not in called:
            raise Refused(
                400,
                f"No tool call found for function call output with call_id {item['call_id']}.",
                param="input",
            )


def _check_reasoning(body: Json, model: DemoModel) -> None:
    effort = (body.get("reasoning") or {}).get("effort")
    if Quirk.REASONING not in model.quirks:
        if effort is not None:
            raise refusals.unsupported_parameter("reasoning.effort")
        return
    if Quirk.ALWAYS_REASONS not in model.quirks and effort in (None, "none"):
        return
    for name in ("temperature", "top_p"):
        if body.get(name) not in (None, 1):
            raise Refused(
                400,
                f"Unsupported parameter: '{name}' is not supported with this model.",
                param=name,
            )
    if "message.output_text.logprobs" in (body.get("include") or ()):
        raise Refused(400, "logprobs are not supported with reasoning models.", param="include")
