"""What a client may send in a realtime session (openai-openapi, RealtimeClientEvent, GA)."""

import base64
import binascii
from collections.abc import Mapping

from gateway.demo.generation.answer import Json
from gateway.demo.refusals import Refused
from gateway.demo.refusals.parameters import (
    invalid_value,
    missing_parameter,
    unknown_parameter,
)
from gateway.demo.rules import checks
from gateway.demo.rules.checks import Check, array, mapping, nullable, record, string, tagged, word

LARGEST_APPEND = 15 * 1024 * 1024
"""The limit of one piece of audio, in bytes of base64."""

_TYPE = {"type": string}
_ITEM_HEAD: Mapping[str, Check] = {
    "id": nullable(checks.short_string(32)),
    "object": nullable(word("realtime.item")),
    "status": nullable(word("completed", "incomplete", "in_progress")),
}
_TEXT = record({**_TYPE, "text": string}, open_=False)
_USERS_PART = tagged(
    "type",
    {
        "input_text": _TEXT,
        "input_audio": record(
            {**_TYPE, "audio": string}, {"transcript": nullable(string)}, open_=False
        ),
        "input_image": record(
            {**_TYPE, "image_url": string}, {"detail": word("auto", "low", "high")}, open_=False
        ),
    },
)
_ASSISTANTS_PART = tagged(
    "type",
    {
        "output_text": _TEXT,
        "output_audio": record(
            _TYPE, {"audio": nullable(string), "transcript": nullable(string)}, open_=False
        ),
    },
)
_SYSTEMS_PART = tagged("type", {"input_text": _TEXT})


def _message(part: Check) -> Check:
    return record(
        {**_TYPE, "role": string, "content": array(part)},
        {**_ITEM_HEAD, "phase": nullable(string)},
        open_=False,
    )


ITEM = tagged(
    "type",
    {
        "message": tagged(
            "role",
            {
                "user": _message(_USERS_PART),
                "assistant": _message(_ASSISTANTS_PART),
                "system": _message(_SYSTEMS_PART),
            },
        ),
        "function_call": record(
            {**_TYPE, "name": string, "arguments": string},
            {**_ITEM_HEAD, "call_id": nullable(string)},
            open_=False,
        ),
        "function_call_output": record(
            {**_TYPE, "call_id": string, "output": string}, _ITEM_HEAD, open_=False
        ),
    },
)
"""One item of a conversation."""

_FORMAT = tagged(
    "type",
    {
        "audio/pcm": record(_TYPE, {"rate": checks.integer(24_000, 24_000)}, open_=False),
        "audio/pcmu": record(_TYPE, open_=False),
        "audio/pcma": record(_TYPE, open_=False),
    },
)
_INPUT = record(
    {},
    {
        "format": _FORMAT,
        "noise_reduction": nullable(mapping),
        "transcription": nullable(mapping),
        "turn_detection": nullable(mapping),
    },
    open_=False,
)
_OUTPUT: Mapping[str, Check] = {"format": _FORMAT, "voice": checks.string_or(mapping)}


def _tokens(path: str, value: object) -> None:
    if value != "inf":
        checks.integer(1, 4096)(path, value)


_GENERATION: Mapping[str, Check] = {
    "instructions": string,
    "max_output_tokens": _tokens,
    "output_modalities": array(word("text", "audio"), least=1, most=1),
    "parallel_tool_calls": checks.boolean,
    "prompt": nullable(mapping),
    "reasoning": nullable(mapping),
    "tool_choice": checks.string_or(mapping),
    "tools": array(
        tagged(
            "type",
            {
                "function": record(
                    {**_TYPE, "name": string},
                    {"description": string, "parameters": mapping},
                    open_=False,
                ),
                "mcp": mapping,
            },
        )
    ),
}
_SESSION = record(
    {"type": word("realtime")},
    {
        **_GENERATION,
        "model": string,
        "audio": record(
            {},
            {
                "input": _INPUT,
                "output": record({}, {**_OUTPUT, "speed": checks.number(0.25, 1.5)}, open_=False),
            },
            open_=False,
        ),
        "include": nullable(array(word("item.input_audio_transcription.logprobs"))),
        "tracing": nullable(checks.string_or(mapping)),
        "truncation": checks.string_or(mapping),
    },
    open_=False,
)
_RESPONSE = record(
    {},
    {
        **_GENERATION,
        "audio": record({}, {"output": record({}, _OUTPUT, open_=False)}, open_=False),
        "conversation": word("auto", "none"),
        "input": array(ITEM),
        "metadata": nullable(mapping),
    },
    open_=False,
)


def _audio(path: str, value: object) -> None:
    string(path, value)
    checks.short_string(LARGEST_APPEND)(path, value)
    try:
        base64.b64decode(str(value), validate=True)
    except binascii.Error:
        raise Refused(
            400,
            f"Invalid '{path}'. Expected base64-encoded audio bytes, but got a string that is not"
            " valid base64.",
            param=path,
            code="invalid_value",
        ) from None


_ITEM_ID = {"item_id": string}
_EVENTS: Mapping[str, tuple[Mapping[str, Check], Mapping[str, Check]]] = {
    "session.update": ({"session": _SESSION}, {}),
    "input_audio_buffer.append": ({"audio": _audio}, {}),
    "input_audio_buffer.commit": ({}, {}),
    "input_audio_buffer.clear": ({}, {}),
    "conversation.item.create": ({"item": ITEM}, {"previous_item_id": nullable(string)}),
    "conversation.item.retrieve": (_ITEM_ID, {}),
    "conversation.item.delete": (_ITEM_ID, {}),
    "conversation.item.truncate": (
        {**_ITEM_ID, "content_index": checks.integer(0), "audio_end_ms": checks.integer(0)},
        {},
    ),
    "response.create": ({}, {"response": nullable(_RESPONSE)}),
    "response.cancel": ({}, {"response_id": nullable(string)}),
}
"""The required members of each event, and the others."""
_ALWAYS: Mapping[str, Check] = {"type": string, "event_id": nullable(checks.short_string(512))}


def check_event(event: Json) -> str:
    """Return the type of a client's event; raises `Refused` for one that OpenAI refuses."""
    kind = event.get("type")
    if kind is None:
        raise missing_parameter("type")
    string("type", kind)
    if kind not in _EVENTS:
        raise invalid_value("type", kind, tuple(_EVENTS))
    required, optional = _EVENTS[str(kind)]
    for name in required:
        if name not in event:
            raise missing_parameter(name)
    known = {**_ALWAYS, **required, **optional}
    for name, value in event.items():
        if name not in known:
            raise unknown_parameter(name)
        known[name](name, value)
    return str(kind)
