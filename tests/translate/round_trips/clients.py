"""What clients make of replies and events: valid by the schema and by openai-python, and whole."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, get_args

import msgspec
from openai.types import Completion
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from gateway.shapes import Json, Shape
from tests.exchange.scene import Exchanged
from tests.translate.responses_via_chat import client_stream
from tests.translate.what_clients_see import reply_seen, stream_seen

_REPLIES: Mapping[Shape, Any] = {
    Shape.COMPLETIONS: Completion,
    Shape.CHAT: ChatCompletion,
    Shape.RESPONSES: Response,
}


def whole_reply(shape: Shape, delivered: Exchanged) -> Json:
    """Return a whole reply; fail unless it is valid."""
    reply: Json = delivered.json
    reply_seen(shape, reply)
    _adapter(shape).validate_python(reply)
    return reply


def streamed_reply(shape: Shape, delivered: Exchanged) -> Json:
    """Return what a stream adds up to; fail unless all of it is valid."""
    stream_seen(shape, _with_functions(delivered) if b'"custom":' in delivered.body else delivered)
    if shape is Shape.RESPONSES:
        for event in delivered.events:
            _events()[event["type"]].validate_python(event)
        return client_stream.read(delivered.events)
    chunks = delivered.events[:-1]
    for chunk in chunks:
        if shape is Shape.CHAT:
            _chunks().validate_python(_with_functions_in(chunk))
        else:
            choices = [{**choice, "finish_reason": "stop"} for choice in chunk["choices"]]
            _adapter(shape).validate_python({**chunk, "choices": choices})
    return _added_up(shape, chunks)


def _with_functions(delivered: Exchanged) -> Exchanged:
    """Return a stream with functions in place of custom tools.

    OpenAI describes chunks with calls of functions only, though there are others: openai-python
    reads them all the same.
    """
    events = [_with_functions_in(event) for event in delivered.events if event != "[DONE]"]
    data = b"".join(b"data: " + msgspec.json.encode(event) + b"\n\n" for event in events)
    return replace(delivered, body=data + b"data: [DONE]\n\n")


def _with_functions_in(chunk: Json) -> Json:
    return {**chunk, "choices": [_choice_with_functions(choice) for choice in chunk["choices"]]}


def _choice_with_functions(choice: Json) -> Json:
    calls = choice["delta"].get("tool_calls")
    if not calls:
        return choice
    written = []
    for call in calls:
        custom = call.get("custom")
        function = custom and {_AS_FUNCTION.get(key, key): text for key, text in custom.items()}
        kept = {key: value for key, value in call.items() if key != "custom"}
        if "type" in kept:
            kept["type"] = "function"
        written.append({**kept, "function": function} if custom else call)
    return {**choice, "delta": {**choice["delta"], "tool_calls": written}}


_AS_FUNCTION = {"input": "arguments"}


def _added_up(shape: Shape, chunks: Sequence[Json]) -> Json:
    reply: Json = {}
    choices: dict[int, Json] = {}
    for chunk in chunks:
        reply |= {key: value for key, value in chunk.items() if value is not None}
        for choice in chunk["choices"]:
            known = choices.setdefault(choice["index"], {"index": choice["index"]})
            _add(known, {key: value for key, value in choice.items() if key != "index"})
    reply["choices"] = [choices[index] for index in sorted(choices)]
    for choice in reply["choices"] if shape is Shape.CHAT else ():
        choice["message"] = choice.pop("delta")
    return reply


_INDEXED = frozenset(
    {"tool_calls", "annotations", "file_citations", "content_parts", "images", "output_items"}
)
"""Lists whose elements come in pieces, each with the position that it belongs to, if it has one."""


def _add(known: Json, more: Json) -> None:
    """Add a piece to what is known, as clients do: texts and lists grow, objects are gone into."""
    for key, value in more.items():
        before = known.get(key)
        if before is None or key in ("role", "type", "finish_reason"):
            known[key] = before if value is None else value
        elif isinstance(value, dict):
            _add(before, value)
        elif isinstance(value, list) and key in _INDEXED:
            _add_indexed(before, value)
        elif value is not None:
            known[key] = before + value
    for key in more.keys() & _INDEXED:
        if known[key] is more[key] and known[key]:
            known[key] = []
            _add_indexed(known[key], more[key])


def _add_indexed(known: list[Json], more: Sequence[Json]) -> None:
    for whole in more:
        piece = {key: value for key, value in whole.items() if key != "index"}
        place = whole.get("index", len(known))
        if place == len(known):
            known.append({})
        _add(known[place], piece)


@cache
def _adapter(shape: Shape) -> TypeAdapter[Any]:
    return TypeAdapter(_REPLIES[shape])


@cache
def _chunks() -> TypeAdapter[Any]:
    return TypeAdapter(ChatCompletionChunk)


@cache
def _events() -> Mapping[str, TypeAdapter[Any]]:
    """Return what reads events, by their type."""
    union = get_args(ResponseStreamEvent)[0]
    return {
        get_args(event.model_fields["type"].annotation)[0]: TypeAdapter(event)
        for event in get_args(union)
    }
