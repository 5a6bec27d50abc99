"""What /v1/responses takes and refuses.

It is in openai-openapi (CreateResponse and InputItem), and what that lacks in openai-python 3.57.
"""

from collections.abc import Mapping

from gateway.demo.generation.answer import Json
from gateway.demo.models import DemoModel, Quirk
from gateway.demo.refusals import Refused
from gateway.demo.refusals.parameters import (
    moved_parameter,
    previous_response_not_found,
    unknown_parameter,
    unsupported_parameter,
)
from gateway.demo.rules import checks, shared
from gateway.demo.rules.chat import EFFORTS, TIERS
from gateway.demo.rules.checks import Check, array, mapping, nullable, record, string, tagged, word
from gateway.demo.rules.responses_history import check_history, check_outputs
from gateway.demo.rules.responses_items import ITEM
from gateway.demo.rules.responses_tools import TOOL, tool_choice

_MOVED = {
    "messages": "input",
    "max_tokens": "max_output_tokens",
    "max_completion_tokens": "max_output_tokens",
    "response_format": "text.format",
    "reasoning_effort": "reasoning.effort",
}

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
_INCLUDABLE = (
    "message.output_text.logprobs",
    "reasoning.encrypted_content",
    "web_search_call.action.sources",
    "web_search_call.results",
    "code_interpreter_call.outputs",
    "computer_call_output.output.image_url",
    "file_search_call.results",
    "message.input_image.image_url",
)

_STORED = ("previous_response_id", "conversation", "prompt")

PARAMETERS: Mapping[str, Check] = {
    "access_programs": mapping,
    "background": nullable(checks.boolean),
    "background_options": mapping,
    # Has no effect; Codex sends it with every request.
    "client_metadata": nullable(mapping),
    "conversation": nullable(checks.string_or(record({"id": string}, open_=False))),
    "image": mapping,
    "include": nullable(array(word(*_INCLUDABLE))),
    "input": checks.string_or(array(ITEM)),
    "instructions": nullable(string),
    "max_output_tokens": nullable(checks.integer(16)),
    "max_tool_calls": nullable(checks.integer()),
    "metadata": nullable(mapping),
    "model": string,
    "parallel_tool_calls": nullable(checks.boolean),
    "previous_response_id": nullable(string),
    "prompt": nullable(
        record(
            {"id": string},
            {"version": nullable(string), "variables": nullable(mapping)},
            open_=False,
        )
    ),
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
    "safety_identifier": nullable(checks.short_string(128)),
    "service_tier": nullable(word(*TIERS, "ultrafast")),
    "store": nullable(checks.boolean),
    "stream": nullable(checks.boolean),
    "stream_options": nullable(record({}, {"include_obfuscation": checks.boolean}, open_=False)),
    "temperature": nullable(checks.number(0, 2)),
    "text": record(
        {},
        {"format": _FORMAT, "verbosity": nullable(word("low", "medium", "high"))},
        open_=False,
    ),
    # Not nullable in the specification, but accepted (praxis-proxy/ai#1266).
    "tool_choice": nullable(tool_choice),
    "tools": array(TOOL, most=128),
    "top_logprobs": nullable(checks.integer(0, 20)),
    "top_p": nullable(checks.number(0, 1)),
    "truncation": nullable(word("auto", "disabled")),
    # Not nullable in the specification, but accepted: LlamaIndex sends null.
    "user": nullable(string),
}


def check_names(body: Json) -> None:
    """Refuse parameters that the endpoint does not have, whatever the model."""
    for name in body:
        if name in _MOVED:
            raise moved_parameter(name, _MOVED[name])
        if name not in PARAMETERS:
            raise unknown_parameter(name)


def check(body: Json, model: DemoModel) -> None:
    """Raise `Refused` unless the body is a request that OpenAI would serve on this model."""
    if not any(body.get(name) for name in _STORED):
        shared.check_required(("input",), body)
    check_values(body)
    if isinstance(body.get("input"), list):
        check_history(body["input"])
    shared.require_stream(body)
    _check_reasoning(body, model)


def check_values(body: Json) -> None:
    """Refuse wrong values of parameters that this endpoint and those below its path share."""
    shared.check_members(PARAMETERS, body)
    if isinstance(body.get("input"), list):
        check_outputs(body["input"])
    _refuse_stored_state(body)


def _refuse_stored_state(body: Json) -> None:
    """Refuse references to stored objects, in OpenAI's words for those that it does not find."""
    previous, conversation, prompt = (body.get(name) for name in _STORED)
    refuse_two_states(body)
    if previous is not None:
        raise previous_response_not_found(previous)
    for kind, given in (("Conversation", conversation), ("Prompt", prompt)):
        if given is not None:
            known_as = given if isinstance(given, str) else given["id"]
            raise Refused(404, f"{kind} with id '{known_as}' not found.")


def refuse_two_states(body: Json) -> None:
    """Refuse a request that names both a conversation and a previous response."""
    if body.get("previous_response_id") is not None and body.get("conversation") is not None:
        raise Refused(
            400,
            "Mutually exclusive parameters: ''. Ensure you are only providing one of: "
            "'pre..._id' or 'conversation'.",
            code="mutually_exclusive_parameters",
        )


def _check_reasoning(body: Json, model: DemoModel) -> None:
    effort = (body.get("reasoning") or {}).get("effort")
    if Quirk.REASONING not in model.quirks:
        if effort is not None:
            raise unsupported_parameter("reasoning.effort")
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
