"""What the soak's upstream answers in each shape, at any length, whole or as events."""

import json
from collections.abc import Mapping, Sequence

from gateway.shapes import Shape

WORD = "lorem "
"""Every reply is a number, and that many of these, so that a client can tell that all have come."""

_NUMBERS = {"prompt_tokens": 20, "completion_tokens": 30, "total_tokens": 50}


def whole(shape: Shape, text: str) -> bytes:
    """Return the JSON reply."""
    if shape is Shape.RESPONSES:
        return json.dumps(_response("completed", [_item("completed", text)])).encode()
    if shape is Shape.MESSAGES:
        content: list[object] = [{"type": "text", "text": text}]
        return json.dumps(_message(content, "end_turn")).encode()
    chat = shape is Shape.CHAT
    choice: dict[str, object] = {"index": 0, "finish_reason": "stop", "logprobs": None}
    choice |= {"message": {"role": "assistant", "content": text}} if chat else {"text": text}
    kind = "chat.completion" if chat else "text_completion"
    return json.dumps({**_common(kind), "choices": [choice], "usage": _NUMBERS}).encode()


def events(shape: Shape, pieces: Sequence[str]) -> tuple[list[bytes], bytes]:
    """Return the stream's events, one or more for each piece of text, and what ends it."""
    if shape is Shape.RESPONSES:
        return _responses_events(pieces)
    if shape is Shape.MESSAGES:
        return _messages_events(pieces)
    return _choice_events(shape is Shape.CHAT, pieces), b"data: [DONE]\n\n"


def _common(kind: str) -> dict[str, object]:
    return {"id": "gen-soak", "object": kind, "created": 1760000000, "model": "soak"}


def _choice_events(chat: bool, pieces: Sequence[str]) -> list[bytes]:
    common = _common("chat.completion.chunk" if chat else "text_completion")

    def event(text: str, finish: str | None) -> bytes:
        what: dict[str, object] = {"delta": {"content": text}} if chat else {"text": text}
        choice = {"index": 0, **what, "logprobs": None, "finish_reason": finish}
        return b"data: " + json.dumps({**common, "choices": [choice]}).encode() + b"\n\n"

    return [*(event(piece, None) for piece in pieces), event("", "stop")]


def _response(status: str, output: list[object]) -> dict[str, object]:
    usage = {
        "input_tokens": 20,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 30,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 50,
    }
    return {
        "id": "resp_soak",
        "object": "response",
        "created_at": 1760000000,
        "model": "soak",
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "output": output,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": usage if status == "completed" else None,
    }


def _item(status: str, text: str) -> dict[str, object]:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {
        "id": "msg_soak",
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": content if status == "completed" else [],
    }


def _responses_events(pieces: Sequence[str]) -> tuple[list[bytes], bytes]:
    text = "".join(pieces)
    number = 0
    place: dict[str, object] = {"item_id": "msg_soak", "output_index": 0, "content_index": 0}

    def event(kind: str, more: Mapping[str, object]) -> bytes:
        nonlocal number
        data = json.dumps({"type": f"response.{kind}", "sequence_number": number, **more})
        number += 1
        return f"event: response.{kind}\ndata: {data}\n\n".encode()

    def part(said: str) -> dict[str, object]:
        return {"part": {"type": "output_text", "text": said, "annotations": []}}

    started = {"response": _response("in_progress", [])}
    item = {"output_index": 0, "item": _item("in_progress", "")}
    found = [
        event("created", started),
        event("in_progress", started),
        event("output_item.added", item),
        event("content_part.added", {**place, **part("")}),
        *(event("output_text.delta", {**place, "delta": piece}) for piece in pieces),
        event("output_text.done", {**place, "text": text}),
        event("content_part.done", {**place, **part(text)}),
        event("output_item.done", {"output_index": 0, "item": _item("completed", text)}),
    ]
    done = {"response": _response("completed", [_item("completed", text)])}
    return found, event("completed", done)


def _message(content: list[object], stop_reason: str | None) -> dict[str, object]:
    return {
        "id": "msg_soak",
        "type": "message",
        "role": "assistant",
        "model": "soak",
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {"input_tokens": 20, "output_tokens": 30},
    }


def _messages_events(pieces: Sequence[str]) -> tuple[list[bytes], bytes]:
    def event(kind: str, **more: object) -> bytes:
        return f"event: {kind}\ndata: {json.dumps({'type': kind, **more})}\n\n".encode()

    def delta(piece: str) -> bytes:
        text = {"type": "text_delta", "text": piece}
        return event("content_block_delta", index=0, delta=text)

    stopped = {"stop_reason": "end_turn", "stop_sequence": None}
    found = [
        event("message_start", message=_message([], None)),
        event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        *(delta(piece) for piece in pieces),
        event("content_block_stop", index=0),
        event("message_delta", delta=stopped, usage={"output_tokens": 30}),
    ]
    return found, event("message_stop")
