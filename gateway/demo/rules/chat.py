"""What /v1/chat/completions takes and refuses (openai-openapi, CreateChatCompletionRequest)."""

from collections.abc import Mapping

from gateway.demo.generation.answer import Json
from gateway.demo.models import DemoModel, Quirk
from gateway.demo.refusals import Refused
from gateway.demo.refusals.parameters import (
    unrecognized_arguments,
    unsupported_parameter,
    unsupported_temperature,
)
from gateway.demo.rules import checks, shared
from gateway.demo.rules.chat_messages import MESSAGE, check_turns
from gateway.demo.rules.checks import Check, array, mapping, nullable, record, string, tagged, word

TIERS = ("auto", "default", "flex", "scale", "priority", "fast")
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_FUNCTION = record(
    {"name": string},
    {"description": string, "parameters": mapping, "strict": nullable(checks.boolean)},
    open_=False,
)
_TOOL = tagged(
    "type",
    {
        "function": record({"type": string, "function": _FUNCTION}, open_=False),
        "custom": record({"type": string, "custom": mapping}, open_=False),
    },
)
_RESPONSE_FORMAT = tagged(
    "type",
    {
        "text": record({"type": string}, open_=False),
        "json_object": record({"type": string}, open_=False),
        "json_schema": record(
            {
                "type": string,
                "json_schema": record(
                    {"name": string},
                    {
                        "description": string,
                        "schema": mapping,
                        "strict": nullable(checks.boolean),
                    },
                    open_=False,
                ),
            },
            open_=False,
        ),
    },
)
_BY_NAME = record({"name": string}, open_=False)
_NAMED_TOOL = tagged(
    "type",
    {
        "function": record({"type": string, "function": _BY_NAME}, open_=False),
        "custom": record({"type": string, "custom": _BY_NAME}, open_=False),
        "allowed_tools": record(
            {
                "type": string,
                "allowed_tools": record(
                    {"mode": word("auto", "required"), "tools": array(mapping, least=1)},
                    open_=False,
                ),
            },
            open_=False,
        ),
    },
)


def _tool_choice(path: str, value: object) -> None:
    if isinstance(value, str):
        word("none", "auto", "required")(path, value)
    else:
        _NAMED_TOOL(path, value)


def _function_call(path: str, value: object) -> None:
    if isinstance(value, str):
        word("none", "auto")(path, value)
    else:
        record({"name": string}, open_=False)(path, value)


PARAMETERS: Mapping[str, Check] = {
    **shared.SHARED,
    "messages": array(MESSAGE, least=1),
    "audio": nullable(mapping),
    "function_call": _function_call,
    "functions": array(_FUNCTION, least=1, most=128),
    "logprobs": nullable(checks.boolean),
    "max_tokens": nullable(checks.integer(1)),
    "max_completion_tokens": nullable(checks.integer(1)),
    "metadata": nullable(mapping),
    "modalities": nullable(array(word("text", "audio"))),
    "moderation": nullable(mapping),
    "parallel_tool_calls": checks.boolean,
    "prediction": nullable(mapping),
    "prompt_cache_key": nullable(string),
    "prompt_cache_options": mapping,
    "prompt_cache_retention": nullable(word("in_memory", "24h")),
    "reasoning_effort": nullable(word(*EFFORTS)),
    "response_format": _RESPONSE_FORMAT,
    "safety_identifier": nullable(checks.short_string(128)),
    "service_tier": nullable(word(*TIERS)),
    "store": nullable(checks.boolean),
    "tool_choice": _tool_choice,
    "tools": array(_TOOL, least=1, most=128),
    "top_logprobs": nullable(checks.integer(0, 20)),
    "verbosity": nullable(word("low", "medium", "high")),
    "web_search_options": mapping,
}


def check_names(body: Json) -> None:
    """Refuse parameters that the endpoint does not have, whatever the model."""
    shared.check_recognized(PARAMETERS, body)


def check(body: Json, model: DemoModel) -> None:
    """Raise `Refused` unless the body is a request that OpenAI would serve on this model."""
    shared.check_required(("messages",), body)
    shared.check_members(PARAMETERS, body)
    shared.require_stream(body)
    _check_companions(body)
    check_turns(body["messages"])
    _check_format(body, model)
    if Quirk.REASONING in model.quirks:
        _check_reasoning(body, model)
    elif body.get("reasoning_effort") is not None:
        raise unrecognized_arguments(["reasoning_effort"])


def _check_companions(body: Json) -> None:
    if body.get("top_logprobs") is not None and not body.get("logprobs"):
        raise Refused(
            400,
            "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.",
            param="top_logprobs",
        )
    for name in ("tool_choice", "parallel_tool_calls"):
        if name in body and "tools" not in body:
            raise Refused(
                400,
                f"Invalid value for '{name}': '{name}' is only allowed when 'tools' are specified.",
                param=name,
            )
    if body.get("metadata") is not None and not body.get("store"):
        raise Refused(
            400,
            "The 'metadata' parameter is only allowed when 'store' is enabled.",
            param="metadata",
        )
    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        raise Refused(
            400,
            "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
            code="invalid_parameter_combination",
        )


def _check_format(body: Json, model: DemoModel) -> None:
    kind = body.get("response_format", {}).get("type")
    if kind == "json_schema" and Quirk.NO_STRUCTURED_OUTPUTS in model.quirks:
        raise Refused(
            400,
            "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this"
            " model. Learn more about supported models at the Structured Outputs guide:"
            " https://platform.openai.com/docs/guides/structured-outputs",
        )
    if kind == "json_object" and "json" not in str(body["messages"]).lower():
        raise Refused(
            400,
            "'messages' must contain the word 'json' in some form, to use 'response_format' of"
            " type 'json_object'.",
            param="messages",
        )


def _check_reasoning(body: Json, model: DemoModel) -> None:
    """Refuse parameters that reasoning models do not take at chat."""
    if body.get("max_tokens") is not None:
        raise unsupported_parameter("max_tokens", instead="max_completion_tokens")
    effort = body.get("reasoning_effort")
    reasons = effort != "none"
    if reasons and body.get("temperature") not in (None, 1):
        raise unsupported_temperature(body["temperature"])
    if reasons and body.get("top_p") not in (None, 1):
        raise unsupported_parameter("top_p")
    for name in ("stop", "presence_penalty", "frequency_penalty", "logit_bias"):
        if body.get(name) not in (None, _harmless(name)):
            raise unsupported_parameter(name)
    if reasons and body.get("logprobs"):
        raise Refused(403, "You are not allowed to request logprobs from this model")
    if body.get("tools") and effort not in (None, "none"):
        raise Refused(
            400,
            f"Function tools with reasoning_effort are not supported for {model.id} in"
            " /v1/chat/completions. To use function tools, use /v1/responses or set"
            " reasoning_effort to 'none'.",
            param="reasoning_effort",
        )


def _harmless(name: str) -> object:
    return {"presence_penalty": 0, "frequency_penalty": 0}.get(name)
