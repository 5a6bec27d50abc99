"""What a chat request must look like: all parameters of `POST /v1/chat/completions`.

Types and ranges are those of OpenAI's OpenAPI description (schemas `CreateChatCompletionRequest`
and `ChatCompletionRequestMessage`). Enumerations that OpenAI keeps extending (`reasoning_effort`,
`service_tier`, …) are checked for their type only.
"""

from collections import abc
from dataclasses import dataclass
from typing import Any

from gateway.errors import InvalidRequest
from gateway.shapes import Json
from gateway.translate.checks import (
    Array,
    Boolean,
    Check,
    Integer,
    Mapping,
    Number,
    OneOf,
    Record,
    String,
    StringOrStrings,
    check,
    missing,
    wrong_type,
)

MAX_STOPS = 64
"""OpenAI takes 4, self-hosted servers take any number; what is sensible ends somewhere."""

_ROLES = OneOf("developer", "system", "user", "assistant", "tool", "function")

_PARTS: abc.Mapping[str, Check] = {
    "text": Record({"text": String()}, required=("text",)),
    "refusal": Record({"refusal": String()}, required=("refusal",)),
    "image_url": Record(
        {"image_url": Record({"url": String(), "detail": String()}, required=("url",))},
        required=("image_url",),
    ),
    "input_audio": Record(
        {
            "input_audio": Record(
                {"data": String(), "format": String()}, required=("data", "format")
            )
        },
        required=("input_audio",),
    ),
    "file": Record(
        {"file": Record({"filename": String(), "file_data": String(), "file_id": String()})},
        required=("file",),
    ),
}


@dataclass(frozen=True, slots=True)
class _Part:
    """A content part of one of the types that its message's role may have."""

    typed: Record

    def accept(self, value: object, param: str) -> Json:
        part: Json = self.typed.accept(value, param)
        checked: Json = _PARTS[part["type"]].accept(part, param)
        return checked


def _parts(*types: str) -> Array:
    return Array(_Part(Record({"type": OneOf(*types)}, required=("type",))), min_items=1)


@dataclass(frozen=True, slots=True)
class _Content:
    """A string, or a list of content parts."""

    parts: Array

    def accept(self, value: object, param: str) -> str | list[Any]:
        if isinstance(value, str):
            return value
        if not isinstance(value, list):
            raise wrong_type(param, "a string or an array of content parts", value)
        return self.parts.accept(value, param)


_NAMED_CALL = Record({"name": String(), "arguments": String()}, required=("name", "arguments"))

_TOOL_CALL = Record(
    {
        "id": String(),
        "type": String(),
        "function": _NAMED_CALL,
        "custom": Record({"name": String(), "input": String()}, required=("name", "input")),
    }
)


@dataclass(frozen=True, slots=True)
class _ToolCall:
    """A call that the assistant made earlier. Its id may be missing: not every server sends one."""

    def accept(self, value: object, param: str) -> Json:
        call: Json = _TOOL_CALL.accept(value, param)
        kind = call.get("type", "function")
        if kind in ("function", "custom") and kind not in call:
            raise missing(f"{param}.{kind}")
        return call


_TEXT = _Content(_parts("text"))
_ASSISTANT = Record(
    {
        "content": _Content(_parts("text", "refusal")),
        "refusal": String(),
        "name": String(),
        "audio": Mapping(),
        "tool_calls": Array(_ToolCall()),
        "function_call": _NAMED_CALL,
    }
)
_MESSAGES: abc.Mapping[str, Record] = {
    "developer": Record({"content": _TEXT, "name": String()}, required=("content",)),
    "system": Record({"content": _TEXT, "name": String()}, required=("content",)),
    "user": Record(
        {
            "content": _Content(_parts("text", "image_url", "input_audio", "file")),
            "name": String(),
        },
        required=("content",),
    ),
    "assistant": _ASSISTANT,
    "tool": Record(
        # OpenAI's chat takes text only; agents send images all the same, and responses take them.
        {"content": _Content(_parts("text", "image_url", "file")), "tool_call_id": String()},
        required=("content", "tool_call_id"),
    ),
    "function": Record({"content": String(), "name": String()}, required=("name",)),
}


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation: an object with a known role, and what that role needs."""

    def accept(self, value: object, param: str) -> Json:
        """Return a copy without null fields; raises `InvalidRequest` with the path of the fault."""
        if not isinstance(value, dict):
            raise wrong_type(param, "an object", value)
        if value.get("role") is None:
            raise missing(f"{param}.role")
        role = _ROLES.accept(value["role"], f"{param}.role")
        message = _MESSAGES[role].accept(value, param)
        if role == "assistant" and _SAYS_SOMETHING.isdisjoint(message):
            raise missing(f"{param}.content")
        return message


_SAYS_SOMETHING = frozenset({"content", "refusal", "tool_calls", "function_call", "audio"})


@dataclass(frozen=True, slots=True)
class _Tool:
    """A tool definition; of types that chat does not have, only that there is one is checked."""

    def accept(self, value: object, param: str) -> Json:
        tool: Json = _TOOL.accept(value, param)
        kind = tool["type"]
        if kind in ("function", "custom") and kind not in tool:
            raise missing(f"{param}.{kind}")
        return tool


_NAMED = Record({"name": String()}, required=("name",))
_TOOL = Record({"type": String(), "function": _NAMED, "custom": _NAMED}, required=("type",))


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


CHAT_PARAMETERS: abc.Mapping[str, Check] = {
    "audio": Mapping(),
    "frequency_penalty": Number(-2, 2),
    "function_call": _WordOrObject(OneOf("none", "auto")),
    "functions": Array(_NAMED, max_items=128),
    "logit_bias": Mapping(Number(-100, 100)),
    "logprobs": Boolean(),
    "max_completion_tokens": Integer(minimum=1),
    "max_tokens": Integer(minimum=1),
    "messages": Array(Message(), min_items=1),
    "metadata": Mapping(),
    "modalities": Array(OneOf("text", "audio")),
    "model": String(),
    "moderation": Mapping(),
    "n": Integer(1, 128),
    "parallel_tool_calls": Boolean(),
    "prediction": Mapping(),
    "presence_penalty": Number(-2, 2),
    "prompt_cache_key": String(),
    "prompt_cache_options": Mapping(),
    "prompt_cache_retention": String(),
    "reasoning_effort": String(),
    "response_format": Record({"type": String()}, required=("type",)),
    "safety_identifier": String(max_length=64),
    "seed": Integer(),
    "service_tier": String(),
    "stop": StringOrStrings(max_items=MAX_STOPS),
    "store": Boolean(),
    "stream": Boolean(),
    "stream_options": Record({"include_usage": Boolean(), "include_obfuscation": Boolean()}),
    "temperature": Number(0, 2),
    "tool_choice": _WordOrObject(OneOf("none", "auto", "required")),
    "tools": Array(_Tool()),
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

_KNOWN = {**CHAT_PARAMETERS, **CHAT_EXTENSIONS}


def check_chat(body: Json) -> Json:
    """Return a copy of a chat request without null keys, every known parameter checked.

    Beside single values this checks what OpenAI refuses about their combination: a `top_logprobs`
    without `logprobs`, two different token limits, an empty stop sequence. Parameters outside
    OpenAI's are left in place. Raises `InvalidRequest` naming the path (`messages[1].content`).
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
