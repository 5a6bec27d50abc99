"""The check of a chat request: all parameters of `POST /v1/chat/completions`.

Types and ranges are those of OpenAI's OpenAPI description (schemas `CreateChatCompletionRequest`
and `ChatCompletionRequestMessage`). Enumerations that OpenAI keeps extending (`reasoning_effort`,
`service_tier`, …) are checked for their type only.
"""

from collections import abc
from dataclasses import dataclass

from gateway.errors import InvalidRequest
from gateway.shapes import Json
from gateway.translate.schema.chat_messages import CONVERSATION, TEXT_PARTS
from gateway.translate.schema.checks import (
    Anything,
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
from gateway.translate.schema.errors import missing, wrong_type
from gateway.translate.schema.hints import CACHE_OPTIONS, SAFETY_IDENTIFIER
from gateway.translate.schema.native_types import JsonType, Objects, tagged
from gateway.translate.schema.neutral import Neutral

MAX_STOPS = 64
"""A sensible limit: OpenAI takes 4, self-hosted servers any number."""


@dataclass(frozen=True, slots=True)
class _Tool:
    """A tool definition; `function` and `custom` tools must have an object of that name."""

    def accept(self, value: object, param: str) -> Json:
        tool: Json = TOOL.accept(value, param)
        kind = tool["type"]
        if kind in ("function", "custom") and kind not in tool:
            raise missing(f"{param}.{kind}")
        return tool


FUNCTION = Record(
    {"name": String(), "description": String(), "parameters": Anything(), "strict": Boolean()},
    required=("name",),
)
"""A function that may be called, with all the fields that it may have."""

GRAMMAR = Record({"syntax": String(), "definition": String()})
"""A grammar of a custom tool's input, with all the fields that it may have."""

FORMAT = Record({"type": String(), "grammar": GRAMMAR}, required=("type",))
"""The format of a custom tool's input, with all the fields that it may have."""

CUSTOM = Record({"name": String(), "description": String(), "format": FORMAT}, required=("name",))
"""A custom tool, with all the fields that it may have."""

TOOL = Record({"type": String(), "function": FUNCTION, "custom": CUSTOM}, required=("type",))
"""A tool, with all the fields that it may have."""


@dataclass(frozen=True, slots=True)
class _WordOrObject:
    """A word such as `auto`, or an object that names something."""

    words: OneOf

    def accept(self, value: object, param: str) -> str | Json:
        if isinstance(value, str):
            return self.words.accept(value, param)
        if not isinstance(value, dict):
            raise wrong_type(param, "a string or an object", value)
        return dict(value)


_PREDICTION = Record(
    {
        "type": OneOf("content"),
        "content": StringOr(TEXT_PARTS, list, "a string or an array of content parts"),
    },
    required=("type", "content"),
)


def _usual_tool() -> JsonType:
    return tagged({kind: Record(TOOL.fields, (kind,)) for kind in ("function", "custom")})


CHAT_PARAMETERS: abc.Mapping[str, Check] = {
    "audio": Mapping(),
    "frequency_penalty": Number(-2, 2),
    "function_call": _WordOrObject(OneOf("none", "auto")),
    "functions": Array(FUNCTION, max_items=128),
    "logit_bias": Mapping(Number(-100, 100)),
    "logprobs": Boolean(),
    "max_completion_tokens": Integer(minimum=1),
    "max_tokens": Integer(minimum=1),
    "messages": CONVERSATION,
    "metadata": Mapping(String()),
    "modalities": Array(OneOf("text", "audio")),
    "model": String(),
    "moderation": Mapping(),
    "n": Integer(1, 128),
    "parallel_tool_calls": Boolean(),
    "prediction": _PREDICTION,
    "presence_penalty": Number(-2, 2),
    "prompt_cache_key": String(),
    "prompt_cache_options": CACHE_OPTIONS,
    "prompt_cache_retention": String(),
    "reasoning_effort": String(),
    "response_format": Record({"type": String()}, required=("type",)),
    "safety_identifier": SAFETY_IDENTIFIER,
    "seed": Integer(),
    "service_tier": String(),
    "stop": StringOrStrings(max_items=MAX_STOPS),
    "store": Boolean(),
    "stream": Boolean(),
    "stream_options": Record({"include_usage": Boolean(), "include_obfuscation": Boolean()}),
    "temperature": Number(0, 2),
    "tool_choice": _WordOrObject(OneOf("none", "auto", "required")),
    "tools": Objects(Array(_Tool()), _usual_tool),
    "top_logprobs": Integer(0, 20),
    "top_p": Number(0, 1),
    "user": String(),
    "verbosity": String(),
    "web_search_options": Mapping(),
}
"""The check of every chat parameter."""

CHAT_EXTENSIONS: abc.Mapping[str, Check] = {
    "continue_final_message": Boolean(),
    "add_generation_prompt": Boolean(),
    "chat_template_kwargs": Mapping(),
    "documents": Array(),
    "echo": Boolean(),
}
"""vLLM's extensions of chat that say how messages become a prompt."""

NEVER_CROSS: Neutral = {
    "add_generation_prompt": (True,),
    "add_special_tokens": (False,),
    "background": (False,),
    "best_of": (1,),
    "chat_template": (),
    "continue_final_message": (False,),
    "conversation": (),
    "documents": ([],),
    "echo": (False,),
    "include": ([],),
    "input": (),
    "instructions": ("",),
    "max_output_tokens": (),
    "previous_response_id": (),
    "prompt": (),
    "reasoning": ({},),
    "suffix": ("",),
    "text": ({},),
}
"""Names that are never copied to responses or messages, with the values that mean none.

They are not parameters of chat. Some would override what the translation sends, or change the kind
of the reply; the others are vLLM's for rendering messages as a prompt, which only chat and
completions take.
"""

_KNOWN = {**CHAT_PARAMETERS, **CHAT_EXTENSIONS}


def check_chat(body: Json) -> Json:
    """Return a copy of a chat request without null keys, every known parameter checked.

    Combinations that OpenAI refuses are checked, too: a `top_logprobs` without `logprobs`, two
    different token limits, an empty stop sequence. Parameters that OpenAI does not have are left in
    place. Raises `InvalidRequest` naming the path (`messages[1].content`).
    """
    checked = check(body, _KNOWN)
    if "messages" not in checked:
        raise missing("messages")
    _check_limits(checked)
    _check_logprobs(checked)
    _check_stop(checked)
    return checked


def _check_limits(body: Json) -> None:
    limit, legacy = body.get("max_completion_tokens"), body.get("max_tokens")
    if limit is not None and legacy is not None and limit != legacy:
        raise InvalidRequest(
            f"'max_tokens' ({legacy}) and 'max_completion_tokens' ({limit}) are two names of one "
            "limit and differ. Send only 'max_completion_tokens'.",
            param="max_tokens",
            code="invalid_value",
        )


def _check_logprobs(body: Json) -> None:
    if body.get("top_logprobs") and not body.get("logprobs"):
        raise InvalidRequest(
            "'top_logprobs' is only allowed when 'logprobs' is true. "
            "Set 'logprobs' to true, or remove 'top_logprobs'.",
            param="top_logprobs",
            code="invalid_value",
        )


def _check_stop(body: Json) -> None:
    stop = body.get("stop")
    where = "stop" if stop == "" else None
    if isinstance(stop, list) and "" in stop:
        where = f"stop[{stop.index('')}]"
    if where:
        raise InvalidRequest(
            f"Invalid '{where}': empty string. A stop sequence needs at least one character.",
            param=where,
            code="invalid_value",
        )
