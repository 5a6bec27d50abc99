"""Reads replies and streams as strictly as any client, and says in words what was seen."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.errors import GatewayError
from gateway.shapes import Json, Shape
from gateway.translate.parts.messages.errors import dotted, messages_error, messages_status
from gateway.translate.stream.messages.message_events import events_of
from tests.exchange.scene import Exchanged
from tests.messages_grammar import read_broken, read_message
from tests.translate.anthropic_schema import check_event, check_message
from tests.translate.openai_schema import check_schema
from tests.translate.responses_via_chat import client_stream

REPLY_SCHEMAS: Mapping[Shape, str] = {
    Shape.COMPLETIONS: "CreateCompletionResponse",
    Shape.CHAT: "CreateChatCompletionResponse",
    Shape.RESPONSES: "Response",
}


@dataclass
class Seen:
    """One choice of a reply, as far as it came."""

    text: str = ""
    refusal: str = ""
    calls: list[str] = field(default_factory=list)
    finish: str | None = None
    error: str | None = None
    ended: bool = False
    """Whether the stream has its terminator."""

    def __str__(self) -> str:
        said = [
            self.text and f"says {self.text!r}",
            self.refusal and f"refuses {self.refusal!r}",
            *(f"calls {call}" for call in self.calls),
            self.finish and f"finish: {self.finish}",
            self.error and f"error: {self.error}",
        ]
        return "; ".join(part for part in said if part)


def error_seen(error: GatewayError, shape: Shape | None = None) -> str:
    """What a client sees of an error with a status of its own: messages have types, not codes."""
    if shape is Shape.MESSAGES:
        return f"HTTP {messages_status(error)} {read_anthropics_error(error)}"
    named = f" about {error.param}" if error.param else ""
    return f"HTTP {error.status} {error.code}{named}"


def read_anthropics_error(error: GatewayError) -> str:
    """Return the type of an error in Anthropic's envelope; the parameter's name is in its text."""
    body = messages_error(error, "asked", "req_1")
    details = body["error"]
    assert body == {"type": "error", "error": details, "request_id": "req_1"}
    assert details.keys() == {"type", "message"}
    assert details["message"]
    assert not error.param or dotted(error.param) in details["message"]
    return str(details["type"])


def respaced(seen: Seen) -> Seen:
    """Return what was seen, with arguments spaced as Python does.

    A whole message has an object there, so their text as the model wrote it is not known.
    """
    pairs = [call.split(" ", 1) for call in seen.calls]
    calls = [f"{name} {json.dumps(json.loads(arguments))}" for name, arguments in pairs]
    return replace(seen, calls=calls)


def reply_seen(shape: Shape, reply: Json) -> list[Seen]:
    """What a client sees of a whole reply, per choice; fails unless the reply is valid."""
    if shape is Shape.MESSAGES:
        check_message(reply)
        return [_message_seen(reply)]
    check_schema(REPLY_SCHEMAS[shape], reply)
    if shape is Shape.RESPONSES:
        return [_response_seen(reply)]
    choices: list[Json] = reply["choices"]
    assert [choice["index"] for choice in choices] == list(range(len(choices)))
    if shape is Shape.COMPLETIONS:
        return [
            Seen(choice["text"], finish=choice["finish_reason"], ended=True) for choice in choices
        ]
    return [_chat_choice_seen(choice) for choice in choices]


def stream_seen(shape: Shape, received: Exchanged) -> list[Seen]:
    """What a client sees of a stream, per choice; fails where it is not a stream of its shape."""
    assert dict(received.reply.headers)[b"content-type"].startswith(b"text/event-stream")
    assert received.body.endswith(b"\n\n")
    events = received.events
    if shape is Shape.RESPONSES:
        return [_responses_stream_seen(received, events)]
    if shape is Shape.MESSAGES:
        return [_messages_stream_seen(received, events)]
    ended = events[-1] == "[DONE]"
    assert "[DONE]" not in events[:-1]
    chunks = [event for event in events if event != "[DONE]"]
    error = _error_in(chunks)
    chunks = [chunk for chunk in chunks if "error" not in chunk]
    for chunk in chunks:
        _check_chunk(shape, chunk)
    assert len({(chunk["id"], chunk["created"], chunk["model"]) for chunk in chunks}) == 1
    choices = _gathered(chunks, _TAKE[shape])
    for choice in choices:
        choice.error, choice.ended = error, ended
    return choices


def _error_in(chunks: Sequence[Json]) -> str | None:
    """The code of the error that ends a stream; nothing comes after it."""
    errors = [number for number, chunk in enumerate(chunks) if "error" in chunk]
    if not errors:
        return None
    assert errors == [len(chunks) - 1]
    check_schema("ErrorResponse", chunks[-1])
    error = chunks[-1]["error"]
    return str(error["code"] or error["type"])


def _check_chunk(shape: Shape, chunk: Json) -> None:
    if shape is Shape.CHAT:
        check_schema("CreateChatCompletionStreamResponse", chunk)
        return
    # OpenAI describes no chunk of this endpoint: it is a reply whose last chunk alone has a reason.
    assert chunk["object"] == "text_completion"
    choices = [{**choice, "finish_reason": "stop"} for choice in chunk["choices"]]
    assert all("finish_reason" in choice for choice in chunk["choices"])
    without_null = {k: v for k, v in chunk.items() if not (k == "usage" and v is None)}
    check_schema("CreateCompletionResponse", {**without_null, "choices": choices})


def _gathered(chunks: Sequence[Json], take: Callable[[Seen, Json], None]) -> list[Seen]:
    """Add up the deltas; fails for anything about a choice that has had its finish reason."""
    choices: dict[int, Seen] = {}
    for chunk in chunks:
        for choice in chunk["choices"]:
            seen = choices.setdefault(choice["index"], Seen())
            assert seen.finish is None, "a choice goes on after its end"
            take(seen, choice)
            seen.finish = choice["finish_reason"]
    assert sorted(choices) == list(range(len(choices)))
    return [choices[index] for index in sorted(choices)]


def _take_completion_delta(seen: Seen, choice: Json) -> None:
    seen.text += choice["text"]


def _take_chat_delta(seen: Seen, choice: Json) -> None:
    delta: Json = choice["delta"]
    seen.text += delta.get("content") or ""
    seen.refusal += delta.get("refusal") or ""
    for call in delta.get("tool_calls", ()):
        if call["index"] == len(seen.calls):
            assert call["id"]
            seen.calls.append(call["function"]["name"] + " ")
        seen.calls[call["index"]] += call["function"].get("arguments", "")


_TAKE: Mapping[Shape, Callable[[Seen, Json], None]] = {
    Shape.COMPLETIONS: _take_completion_delta,
    Shape.CHAT: _take_chat_delta,
}


def _chat_choice_seen(choice: Json) -> Seen:
    message: Json = choice["message"]
    calls = [
        f"{call['name']} {call.get('arguments', call.get('input'))}"
        for call in (call[call["type"]] for call in message.get("tool_calls", ()))
    ]
    return Seen(
        message["content"] or "",
        message["refusal"] or "",
        calls,
        choice["finish_reason"],
        ended=True,
    )


def _response_seen(response: Json) -> Seen:
    """Read a response object, finished or failed; its status stands for a finish reason."""
    seen = Seen(finish=response["status"], ended=response["status"] != "failed")
    if response["status"] == "incomplete":
        seen.finish = f"incomplete ({response['incomplete_details']['reason']})"
    if response["error"] is not None:
        seen.error = response["error"]["code"]
    for item in response["output"]:
        if item["type"] == "function_call":
            seen.calls.append(f"{item['name']} {item['arguments']}")
        for part in item.get("content", ()) if item["type"] == "message" else ():
            seen.text += part.get("text", "")
            seen.refusal += part.get("refusal", "")
    return seen


def _message_seen(message: Json) -> Seen:
    """Read a whole message: what the grammar of its stream takes."""
    read_message(events_of(message))
    seen = Seen(finish=message["stop_reason"], ended=True)
    for block in message["content"]:
        if block["type"] == "tool_use":
            seen.calls.append(f"{block['name']} {json.dumps(block['input'])}")
        elif block["type"] == "text" and message["stop_reason"] == "refusal":
            seen.refusal += block["text"]
        elif block["type"] == "text":
            seen.text += block["text"]
    return seen


def _messages_stream_seen(received: Exchanged, events: Sequence[Any]) -> Seen:
    names = [line[7:] for line in received.body.decode().splitlines() if line.startswith("event: ")]
    assert names == [event["type"] for event in events]
    for event in events:
        check_event(event)
    if events[-1]["type"] != "error":
        return _message_seen(read_message(events))
    read_broken(events)
    texts = [event["delta"].get("text", "") for event in events if "delta" in event]
    return Seen("".join(texts), error=events[-1]["error"]["type"])


def _responses_stream_seen(received: Exchanged, events: Sequence[Any]) -> Seen:
    names = [line[7:] for line in received.body.decode().splitlines() if line.startswith("event: ")]
    assert names == [event["type"] for event in events]
    response = client_stream.read_any(events)
    check_schema("Response", response)
    seen = _response_seen(response)
    errors = [event for event in events if event["type"] == "error"]
    assert len(errors) == (1 if response["status"] == "failed" else 0)
    if errors:
        seen.error = errors[0]["code"] or seen.error
    return seen
