"""Replies of models that call tools: many calls in a whole reply, long arguments in a stream.

Each in three shapes, as OpenAI and Anthropic send them. In a stream two calls take turns, delta by
delta; at messages, where blocks follow one another, the second begins when the first is complete.
"""

import json
from collections.abc import Callable, Iterator

from gateway.shapes import Json, Shape

DELTA = 25
"""Bytes of arguments in each delta."""
_LINE = "        return self._handlers[request.path](request)\n"
_USAGE: Json = {"prompt_tokens": 20, "completion_tokens": 300, "total_tokens": 320}
_RESPONSES_USAGE: Json = {
    "input_tokens": 20,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 300,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 320,
}


def whole(shape: Shape, calls: int) -> bytes:
    """Return a reply with so many calls, each with 300 bytes of arguments."""
    return _encode(_WHOLE[shape](calls))


def events(shape: Shape, deltas: int) -> list[bytes]:
    """Return the events of a stream with two calls and so many deltas of their arguments."""
    return [_event(shape, each) for each in _STREAMED[shape](deltas)] + _END[shape]


def arguments(size: int) -> str:
    """Return arguments of a tool that writes files, of so many bytes or a few more."""
    content = _LINE * (size // len(_LINE) + 1)
    return json.dumps({"path": "src/handlers.py", "content": content[: max(size - 60, 1)]})


def _pieces(deltas: int) -> tuple[list[str], list[str]]:
    """Return the arguments of both calls, cut; `deltas` pieces in all."""
    return _cut(deltas - deltas // 2), _cut(deltas // 2)


def _cut(deltas: int) -> list[str]:
    text = arguments(deltas * DELTA)
    step = -(-len(text) // deltas)
    cut = [text[at : at + step] for at in range(0, len(text), step)]
    return cut + [""] * (deltas - len(cut))


def _encode(value: Json) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _event(shape: Shape, value: Json) -> bytes:
    name = b"" if shape is Shape.CHAT else b"event: %b\n" % value["type"].encode()
    return b"%bdata: %b\n\n" % (name, _encode(value))


def _by_turns(deltas: int) -> Iterator[tuple[int, str]]:
    """Yield call and piece, delta by delta."""
    first, second = _pieces(deltas)
    for number, piece in enumerate(first):
        yield 0, piece
        if number < len(second):
            yield 1, second[number]


def _chat_call(number: int, text: str) -> Json:
    function = {"name": "write_file", "arguments": text}
    return {"id": f"call_{number:024d}", "type": "function", "function": function}


def _chat_whole(calls: int) -> Json:
    made = [_chat_call(number, arguments(300)) for number in range(calls)]
    message = {"role": "assistant", "content": None, "tool_calls": made, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "tool_calls"}
    return {**_chat_head("chat.completion"), "choices": [choice], "usage": _USAGE}


def _chat_head(kind: str) -> Json:
    return {
        "id": "chatcmpl-BenchBenchBenchBenchBench",
        "object": kind,
        "created": 1760000000,
        "model": "gpt-4o-mini-2024-07-18",
        "system_fingerprint": "fp_0123456789",
    }


def _chat_events(deltas: int) -> Iterator[Json]:
    def chunk(delta: Json, finish: str | None = None) -> Json:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return {**_chat_head("chat.completion.chunk"), "choices": [choice]}

    yield chunk({"role": "assistant", "content": None})
    for number in (0, 1):
        yield chunk({"tool_calls": [{"index": number, **_chat_call(number, "")}]})
    for number, piece in _by_turns(deltas):
        yield chunk({"tool_calls": [{"index": number, "function": {"arguments": piece}}]})
    yield chunk({}, "tool_calls")


def _item(number: int, text: str, status: str) -> Json:
    return {
        "id": f"fc_{number:024d}",
        "type": "function_call",
        "status": status,
        "arguments": text,
        "call_id": f"call_{number:024d}",
        "name": "write_file",
    }


def _response(status: str, output: list[Json]) -> Json:
    return {
        "id": "resp_0123456789abcdef0123456789abcdef",
        "object": "response",
        "created_at": 1760000000,
        "model": "gpt-5.4-pro",
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "output": output,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": _RESPONSES_USAGE if status == "completed" else None,
    }


def _responses_whole(calls: int) -> Json:
    items = [_item(number, arguments(300), "completed") for number in range(calls)]
    return _response("completed", items)


def _responses_events(deltas: int) -> Iterator[Json]:
    for number, event in enumerate(_unnumbered(deltas)):
        yield {"type": event.pop("type"), "sequence_number": number, **event}


def _unnumbered(deltas: int) -> Iterator[Json]:
    for kind in ("created", "in_progress"):
        yield {"type": f"response.{kind}", "response": _response("in_progress", [])}
    for number in (0, 1):
        added = _item(number, "", "in_progress")
        yield {"type": "response.output_item.added", "output_index": number, "item": added}
    kind = "response.function_call_arguments"
    for number, piece in _by_turns(deltas):
        place = {"item_id": f"fc_{number:024d}", "output_index": number}
        yield {"type": f"{kind}.delta", **place, "delta": piece}
    items = []
    for number, pieces in enumerate(_pieces(deltas)):
        text = "".join(pieces)
        place = {"item_id": f"fc_{number:024d}", "output_index": number}
        yield {"type": f"{kind}.done", **place, "arguments": text, "name": "write_file"}
        items.append(_item(number, text, "completed"))
        yield {"type": "response.output_item.done", "output_index": number, "item": items[-1]}
    yield {"type": "response.completed", "response": _response("completed", items)}


def _block(number: int, given: Json) -> Json:
    return {"type": "tool_use", "id": f"toolu_{number:024d}", "name": "write_file", "input": given}


def _message(content: list[Json], stop_reason: str | None) -> Json:
    return {
        "id": "msg_0123456789abcdefghijklmn",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5-20250929",
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {"input_tokens": 20, "output_tokens": 300},
    }


def _messages_whole(calls: int) -> Json:
    given = json.loads(arguments(300))
    return _message([_block(number, given) for number in range(calls)], "tool_use")


def _messages_events(deltas: int) -> Iterator[Json]:
    yield {"type": "message_start", "message": _message([], None)}
    for number, pieces in enumerate(_pieces(deltas)):
        block = _block(number, {})
        yield {"type": "content_block_start", "index": number, "content_block": block}
        for piece in pieces:
            delta = {"type": "input_json_delta", "partial_json": piece}
            yield {"type": "content_block_delta", "index": number, "delta": delta}
        yield {"type": "content_block_stop", "index": number}
    stopped = {"stop_reason": "tool_use", "stop_sequence": None}
    yield {"type": "message_delta", "delta": stopped, "usage": {"output_tokens": 300}}
    yield {"type": "message_stop"}


_WHOLE: dict[Shape, Callable[[int], Json]] = {
    Shape.CHAT: _chat_whole,
    Shape.RESPONSES: _responses_whole,
    Shape.MESSAGES: _messages_whole,
}
_STREAMED: dict[Shape, Callable[[int], Iterator[Json]]] = {
    Shape.CHAT: _chat_events,
    Shape.RESPONSES: _responses_events,
    Shape.MESSAGES: _messages_events,
}
_END: dict[Shape, list[bytes]] = {
    Shape.CHAT: [b"data: [DONE]\n\n"],
    Shape.RESPONSES: [],
    Shape.MESSAGES: [],
}
