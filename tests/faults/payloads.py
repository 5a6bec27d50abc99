"""Good replies of every shape, in one piece and as events, and ways to spoil them."""

import copy
from collections.abc import Sequence
from typing import Any

import msgspec

from gateway.shapes import Json, Shape

WORDS = ("One", " two", " drei:", " fünf", " 💡.")
TEXT = "".join(WORDS)
DONE = b"data: [DONE]\n\n"

_NAMED = (Shape.RESPONSES, Shape.MESSAGES)

MISSING = object()
"""As a value: the key is not there."""

# Where the same things are in the whole replies of each shape.
PLACES: dict[Shape, dict[str, tuple[str | int, ...]]] = {
    Shape.CHAT: {
        "list": ("choices",),
        "item": ("choices", 0),
        "holder": ("choices", 0, "message"),
        "text": ("choices", 0, "message", "content"),
        "ending": ("choices", 0, "finish_reason"),
    },
    Shape.COMPLETIONS: {
        "list": ("choices",),
        "item": ("choices", 0),
        "holder": ("choices", 0),
        "text": ("choices", 0, "text"),
        "ending": ("choices", 0, "finish_reason"),
    },
    Shape.RESPONSES: {
        "list": ("output",),
        "item": ("output", 0),
        "holder": ("output", 0, "content"),
        "text": ("output", 0, "content", 0, "text"),
        "ending": ("status",),
    },
    Shape.MESSAGES: {
        "list": ("content",),
        "item": ("content", 0),
        "holder": ("content", 0),
        "text": ("content", 0, "text"),
        "ending": ("stop_reason",),
    },
}
# And in the event of each shape that has a piece of text.
EVENT_PLACES: dict[Shape, dict[str, tuple[str | int, ...]]] = {
    Shape.CHAT: {
        "list": ("choices",),
        "item": ("choices", 0),
        "holder": ("choices", 0, "delta"),
        "text": ("choices", 0, "delta", "content"),
    },
    Shape.COMPLETIONS: {
        "list": ("choices",),
        "item": ("choices", 0),
        "holder": ("choices", 0),
        "text": ("choices", 0, "text"),
    },
    Shape.RESPONSES: {
        "list": ("type",),
        "item": ("item_id",),
        "holder": ("output_index",),
        "text": ("delta",),
    },
    Shape.MESSAGES: {
        "list": ("type",),
        "item": ("index",),
        "holder": ("delta",),
        "text": ("delta", "text"),
    },
}


def dumped(value: object) -> bytes:
    """Return compact JSON."""
    return msgspec.json.encode(value)


def whole(home: Shape) -> Json:
    """Return a good reply to a plain request."""
    common: Json = {"id": "x-1", "created": 1_700_000_000, "model": "m"}
    if home is Shape.RESPONSES:
        return {**_response("completed"), "output": [_message("completed", TEXT)]}
    if home is Shape.MESSAGES:
        text = {"type": "text", "text": TEXT}
        return {**_message_of(), "content": [text], "stop_reason": "end_turn"}
    usage = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
    choice: Json = {"index": 0, "logprobs": None, "finish_reason": "stop"}
    if home is Shape.COMPLETIONS:
        choice["text"] = TEXT
        return {**common, "object": "text_completion", "choices": [choice], "usage": usage}
    choice["message"] = {"role": "assistant", "content": TEXT, "refusal": None}
    return {**common, "object": "chat.completion", "choices": [choice], "usage": usage}


def spoiled(home: Shape, place: str, value: object) -> Json:
    """Return a whole reply with another value, or none, at one of the `PLACES`.

    Other names are those of fields at the top.
    """
    return put(whole(home), PLACES[home].get(place, (place,)), value)


def put(body: Json, path: Sequence[str | int], value: object) -> Json:
    """Return a copy of a body with another value at a path; `MISSING` takes it out."""
    changed: Any = copy.deepcopy(body)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    if value is MISSING:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return changed  # type: ignore[no-any-return]


def chunk_objects(home: Shape) -> dict[str, list[Json]]:
    """Return a good stream's events by phase: `opening`, `text`, `closing` and `finish`."""
    if home is Shape.RESPONSES:
        return _response_events()
    if home is Shape.MESSAGES:
        return _message_events()
    return {
        "opening": [] if home is Shape.COMPLETIONS else [piece(home, "", role=True)],
        "text": [piece(home, word) for word in WORDS],
        "closing": [],
        "finish": [piece(home, None, finish="stop")],
    }


def piece(
    home: Shape, text: str | None, *, role: bool = False, finish: str | None = None, index: int = 0
) -> Json:
    """Return one chunk of a chat or completions stream."""
    choice: Json = {"index": index, "logprobs": None, "finish_reason": finish}
    if home is Shape.COMPLETIONS:
        choice["text"] = text or ""
    else:
        delta: Json = {"role": "assistant"} if role else {}
        choice["delta"] = delta if text is None else {**delta, "content": text}
    kind = "text_completion" if home is Shape.COMPLETIONS else "chat.completion.chunk"
    common = {"id": "x-1", "object": kind, "created": 1_700_000_000, "model": "m"}
    return {**common, "choices": [choice]}


def framed(home: Shape, event: Json) -> bytes:
    """Return an event as it goes over the wire."""
    name = b""
    if home in _NAMED and isinstance(event.get("type"), str):
        name = b"event: %b\n" % event["type"].encode()
    return b"%bdata: %b\n\n" % (name, dumped(event))


def events(home: Shape, *, until: str = "done") -> list[bytes]:
    """Return a good stream's events, until a point.

    The points: `opened` (no text yet), `text` (half of it), `unfinished` (all but the finish),
    `finished` (without the terminator) and `done`.
    """
    phases = chunk_objects(home)
    chosen = list(phases["opening"])
    if until == "opened":
        # A chunk without text is all that completions can open with.
        chosen = chosen or [piece(home, "")]
    elif until == "text":
        chosen += phases["text"][:3]
    else:
        chosen += phases["text"] + phases["closing"]
        chosen += phases["finish"] if until != "unfinished" else []
    out = [framed(home, event) for event in chosen]
    return [*out, terminator(home)] if until == "done" and terminator(home) else out


def terminator(home: Shape) -> bytes:
    """Return what follows a shape's last event."""
    return b"" if home in _NAMED else DONE


def _response(status: str) -> Json:
    usage: Json = {
        "input_tokens": 3,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 8,
    }
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1_700_000_000,
        "model": "m",
        "status": status,
        "error": None,
        "incomplete_details": None,
        "output": [],
        "usage": usage if status == "completed" else None,
    }


def _message_of() -> Json:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "output_tokens": 5},
    }


def _message_events() -> dict[str, list[Json]]:
    ended = {"stop_reason": "end_turn", "stop_sequence": None}
    return {
        "opening": [
            {"type": "message_start", "message": _message_of()},
            {
                "type": "content_block_start",
                "index": 0,
                "content_block": {"type": "text", "text": ""},
            },
        ],
        "text": [
            {
                "type": "content_block_delta",
                "index": 0,
                "delta": {"type": "text_delta", "text": word},
            }
            for word in WORDS
        ],
        "closing": [{"type": "content_block_stop", "index": 0}],
        "finish": [
            {"type": "message_delta", "delta": ended, "usage": {"output_tokens": 5}},
            {"type": "message_stop"},
        ],
    }


def _message(status: str, text: str) -> Json:
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    content = [part] if text else []
    common = {"id": "msg_1", "type": "message", "role": "assistant", "status": status}
    return {**common, "content": content}


def _response_events() -> dict[str, list[Json]]:
    where: Json = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    part: Json = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
    item = {"output_index": 0}
    phases: dict[str, list[Json]] = {
        "opening": [
            {"type": "response.created", "response": _response("in_progress")},
            {"type": "response.in_progress", "response": _response("in_progress")},
            {"type": "response.output_item.added", **item, "item": _message("in_progress", "")},
            {"type": "response.content_part.added", **where, "part": part},
        ],
        "text": [
            {"type": "response.output_text.delta", **where, "delta": word, "logprobs": []}
            for word in WORDS
        ],
        "closing": [
            {"type": "response.output_text.done", **where, "text": TEXT, "logprobs": []},
            {"type": "response.content_part.done", **where, "part": {**part, "text": TEXT}},
            {"type": "response.output_item.done", **item, "item": _message("completed", TEXT)},
        ],
        "finish": [{"type": "response.completed", "response": whole(Shape.RESPONSES)}],
    }
    number = 0
    for each in phases.values():
        for event in each:
            event["sequence_number"] = number
            number += 1
    return phases
