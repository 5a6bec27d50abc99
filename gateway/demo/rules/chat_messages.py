"""The messages that /v1/chat/completions takes (openai-openapi, ChatCompletionRequestMessage)."""

from collections.abc import Mapping, Sequence
from itertools import takewhile

from gateway.demo.generation.answer import Json
from gateway.demo.refusals import Refused
from gateway.demo.rules import checks
from gateway.demo.rules.checks import Check, array, mapping, nullable, record, string, tagged, word

_LONGEST_CALL_ID = 40


def _parts(**variants: Mapping[str, Check]) -> Check:
    """Accept a string, or parts of these types and members."""
    part = tagged(
        "type",
        {
            name: record({"type": string, **members}, {"cache_control": mapping}, open_=False)
            for name, members in variants.items()
        },
    )
    return checks.string_or(array(part, least=1))


_TEXT: Mapping[str, Check] = {"text": string}
_IMAGE: Mapping[str, Check] = {
    "image_url": record({"url": string}, {"detail": word("auto", "low", "high")}, open_=False)
}
_AUDIO: Mapping[str, Check] = {
    "input_audio": record({"data": string, "format": word("wav", "mp3")}, open_=False)
}
_FILE: Mapping[str, Check] = {
    "file": record({}, {"file_id": string, "file_data": string, "filename": string}, open_=False)
}
_USER_CONTENT = _parts(text=_TEXT, image_url=_IMAGE, input_audio=_AUDIO, file=_FILE)
_TEXT_CONTENT = _parts(text=_TEXT)
_ASSISTANT_CONTENT = _parts(text=_TEXT, refusal={"refusal": string})
_FUNCTION_CALL = record({"name": string, "arguments": string}, open_=False)
_TOOL_CALL = tagged(
    "type",
    {
        "function": record(
            {
                "id": checks.short_string(_LONGEST_CALL_ID),
                "type": string,
                "function": _FUNCTION_CALL,
            },
            open_=False,
        ),
        "custom": record(
            {
                "id": checks.short_string(_LONGEST_CALL_ID),
                "type": string,
                "custom": record({"name": string, "input": string}, open_=False),
            },
            open_=False,
        ),
    },
)


def _message(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    return record({"role": string, **required}, {"name": string, **(optional or {})}, open_=False)


MESSAGE = tagged(
    "role",
    {
        "system": _message({"content": _TEXT_CONTENT}),
        "developer": _message({"content": _TEXT_CONTENT}),
        "user": _message({"content": _USER_CONTENT}),
        "assistant": _message(
            {},
            {
                "content": nullable(_ASSISTANT_CONTENT),
                "refusal": nullable(string),
                "tool_calls": array(_TOOL_CALL, least=1),
                "function_call": nullable(_FUNCTION_CALL),
                "audio": nullable(record({"id": string}, open_=False)),
                # Not documented, but clients give messages back as they were.
                "annotations": nullable(array(mapping)),
            },
        ),
        "tool": _message({"content": _TEXT_CONTENT, "tool_call_id": string}),
        "function": _message({"content": nullable(string), "name": string}),
    },
)
"""One message of any role."""


_SAYING = ("content", "refusal", "tool_calls", "function_call", "audio")
"""What an assistant's message may have; one of them is required."""


def check_turns(messages: list[Json]) -> None:
    """Refuse an assistant that says nothing, a call without its answer, and the reverse.

    Raises `Refused`.
    """
    called: list[str] = []
    for position, message in enumerate(messages):
        if message["role"] == "tool":
            _check_answer(position, message, called)
            continue
        called = [call["id"] for call in message.get("tool_calls") or ()]
        if message["role"] == "assistant":
            _check_content(position, message)
            _check_answered(position, called, messages[position + 1 :])


def _check_answer(position: int, message: Json, called: Sequence[str]) -> None:
    if message["tool_call_id"] not in called:
        raise Refused(
            400,
            "Invalid parameter: messages with role 'tool' must be a response to a preceeding"
            " message with 'tool_calls'.",
            param=f"messages.[{position}].role",
        )


def _check_content(position: int, message: Json) -> None:
    if all(message.get(name) is None for name in _SAYING):
        raise Refused(
            400,
            "Invalid value for 'content': expected a string, got null.",
            param=f"messages.[{position}].content",
        )


def _check_answered(position: int, called: Sequence[str], later: Sequence[Json]) -> None:
    answers = takewhile(lambda message: message["role"] == "tool", later)
    answered = {message["tool_call_id"] for message in answers}
    missing = [each for each in called if each not in answered]
    if missing:
        raise Refused(
            400,
            "An assistant message with 'tool_calls' must be followed by tool messages responding"
            " to each 'tool_call_id'. The following tool_call_ids did not have response messages:"
            f" {', '.join(missing)}",
            param=f"messages.[{position}].role",
        )
