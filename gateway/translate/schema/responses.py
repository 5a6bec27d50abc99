"""The check of a responses request: all parameters of `POST /v1/responses`.

Types and ranges are those of OpenAI's OpenAPI description (schemas `CreateResponse` and `Tool`),
and of openai-python 3.57, which has more. Enumerations that OpenAI keeps extending (`include`,
`service_tier`, the efforts of `reasoning`, …) are checked for their type only.
"""

from collections import abc
from dataclasses import dataclass

from gateway.errors import InvalidRequest
from gateway.shapes import Json
from gateway.translate.schema.checks import (
    Array,
    Boolean,
    Check,
    Integer,
    Mapping,
    Number,
    OneOf,
    Record,
    String,
    StringOr,
    StringOrStrings,
    check,
)
from gateway.translate.schema.hints import CACHE_OPTIONS, SAFETY_IDENTIFIER
from gateway.translate.schema.responses_format import Format
from gateway.translate.schema.responses_input_list import INPUT
from gateway.translate.schema.responses_tools import TOOL_LIST, ToolChoice

MIN_OUTPUT_TOKENS = 16
"""The least `max_output_tokens` that OpenAI takes."""

MAX_STOPS = 64


@dataclass(frozen=True, slots=True)
class _Included:
    """A word of `include`; OpenAI keeps adding more."""

    def accept(self, value: object, param: str) -> str:
        word = String().accept(value, param)
        if not word:
            raise InvalidRequest(
                f"Invalid value for '{param}': ''. Remove it.", param=param, code="invalid_value"
            )
        return word


LOGPROBS = "message.output_text.logprobs"
"""The value of `include` that asks for logprobs."""
ENCRYPTED_REASONING = "reasoning.encrypted_content"
"""The value of `include` that asks for encrypted reasoning, for the client to send back unread."""

REASONING = Record(
    dict.fromkeys(("context", "effort", "generate_summary", "mode", "summary"), String())
)
"""The `reasoning`, with all the fields that it may have."""

STREAM_OPTIONS = Record({"include_obfuscation": Boolean()})
"""The `stream_options`, with all the fields that they may have."""

TEXT = Record({"format": Format(), "verbosity": String()})
"""The `text`, with all the fields that it may have."""

RESPONSES_CACHE_OPTIONS = Record(
    {**CACHE_OPTIONS.fields, "comparison_response_id": String(), "prewarm": Boolean()}
)
"""The `prompt_cache_options`, with all the fields that they may have here."""

RESPONSES_PARAMETERS: abc.Mapping[str, Check] = {
    "access_programs": Mapping(),
    "background": Boolean(),
    "background_options": Mapping(),
    "context_management": Array(Mapping(), min_items=1),
    "conversation": StringOr(Mapping(), dict, "a string or an object"),
    "image": Mapping(),
    "include": Array(_Included()),
    "input": StringOr(INPUT, list, "a string or an array of input items"),
    "instructions": String(),
    "max_output_tokens": Integer(minimum=MIN_OUTPUT_TOKENS),
    "max_tool_calls": Integer(),
    "metadata": Mapping(String()),
    "model": String(),
    "moderation": Mapping(),
    "parallel_tool_calls": Boolean(),
    "previous_response_id": String(),
    "prompt": Record({"id": String()}, required=("id",)),
    "prompt_cache_key": String(),
    "prompt_cache_options": RESPONSES_CACHE_OPTIONS,
    "prompt_cache_retention": String(),
    "reasoning": REASONING,
    "safety_identifier": SAFETY_IDENTIFIER,
    "service_tier": String(),
    "store": Boolean(),
    "stream": Boolean(),
    "stream_options": STREAM_OPTIONS,
    "temperature": Number(0, 2),
    "text": TEXT,
    "tool_choice": ToolChoice(),
    "tools": TOOL_LIST,
    "top_logprobs": Integer(0, 20),
    "top_p": Number(0, 1),
    "truncation": OneOf("auto", "disabled"),
    "user": String(),
}
"""The check of every responses parameter."""

RESPONSES_EXTENSIONS: abc.Mapping[str, Check] = {
    "frequency_penalty": Number(-2, 2),
    "logit_bias": Mapping(Number(-100, 100)),
    "presence_penalty": Number(-2, 2),
    "seed": Integer(),
    "stop": StringOrStrings(max_items=MAX_STOPS),
}
"""Parameters of the other endpoints that vLLM takes here too, with the same meaning."""

_KNOWN = {**RESPONSES_PARAMETERS, **RESPONSES_EXTENSIONS}


def check_responses(body: Json) -> Json:
    """Return a copy of a responses request without null keys, every known parameter checked.

    Every item of a list `input` has a `type` afterwards. Parameters that OpenAI does not have are
    left in place. Raises `InvalidRequest` naming the path (`input[1].content[0].text`).
    """
    checked = check(body, _KNOWN)
    stop = checked.get("stop")
    if "" in ([stop] if isinstance(stop, str) else stop or ()):
        raise InvalidRequest(
            "Invalid 'stop': empty string. A stop sequence needs at least one character.",
            param="stop",
            code="invalid_value",
        )
    return checked
