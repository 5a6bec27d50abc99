"""A whole reply, told as OpenAI's servers stream it: token by token, item by item."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gateway.shapes import Json, Shape
from tests.translate import messages_upstreams

_HALVES = 2


def events_of(shape: Shape, reply: Json, *, usage: bool) -> list[Json]:
    """Return the events that lead to a reply; `usage`: the usage chunk was asked for."""
    if shape is Shape.MESSAGES:
        return messages_upstreams.events_of(reply, 5)
    if shape is Shape.RESPONSES:
        events = list(_responses(reply))
        return [{**event, "sequence_number": number} for number, event in enumerate(events)]
    head = {key: value for key, value in reply.items() if key not in ("choices", "usage")}
    if shape is Shape.CHAT:
        head["object"] = "chat.completion.chunk"
    deltas = _CHOICES[shape]
    chunks = [
        {**head, "choices": [choice]} for whole in reply["choices"] for choice in deltas(whole)
    ]
    return [*chunks, {**head, "choices": [], "usage": reply["usage"]}] if usage else chunks


def _halves(text: str) -> list[str]:
    middle = len(text) // _HALVES
    return [half for half in (text[:middle], text[middle:]) if half]


def _text_deltas(choice: Json) -> Iterator[Json]:
    index, logprobs = choice["index"], choice["logprobs"]
    nothing: Json = {"index": index, "logprobs": None, "finish_reason": None}
    if logprobs is None:
        for half in _halves(choice["text"]):
            yield {**nothing, "text": half}
    else:
        for position, token in enumerate(logprobs["tokens"]):
            one = {key: values[position : position + 1] for key, values in logprobs.items()}
            yield {**nothing, "text": token, "logprobs": one}
    yield {**nothing, "text": "", "finish_reason": choice["finish_reason"]}


def _message_deltas(choice: Json) -> Iterator[Json]:
    index, message, logprobs = choice["index"], choice["message"], choice["logprobs"]
    nothing: Json = {"index": index, "logprobs": None, "finish_reason": None}
    yield {**nothing, "delta": {"role": "assistant", "content": "", "refusal": None}}
    for kind in ("content", "refusal"):
        entries = (logprobs or {}).get(kind)
        for position, piece in enumerate(
            [entry["token"] for entry in entries] if entries else _halves(message[kind] or "")
        ):
            listed = {"content": None, "refusal": None}
            logprobs = {**listed, kind: entries[position : position + 1]} if entries else None
            yield {**nothing, "delta": {kind: piece}, "logprobs": logprobs}
    if message.get("annotations"):
        yield {**nothing, "delta": {"annotations": message["annotations"]}}
    for position, call in enumerate(message.get("tool_calls") or ()):
        for delta in _call_deltas(call):
            yield {**nothing, "delta": {"tool_calls": [{"index": position, **delta}]}}
    if call := message.get("function_call"):
        yield {**nothing, "delta": {"function_call": {**call, "arguments": ""}}}
        for half in _halves(call["arguments"]):
            yield {**nothing, "delta": {"function_call": {"arguments": half}}}
    yield {**nothing, "delta": {}, "finish_reason": choice["finish_reason"]}


def _call_deltas(call: Json) -> Iterator[Json]:
    kind = call["type"]
    said = {"function": "arguments", "custom": "input"}[kind]
    yield {**call, kind: {**call[kind], said: ""}}
    for half in _halves(call[kind][said]):
        yield {kind: {said: half}}


_CHOICES: Mapping[Shape, Callable[[Json], Iterator[Json]]] = {
    Shape.COMPLETIONS: _text_deltas,
    Shape.CHAT: _message_deltas,
}


def _responses(reply: Json) -> Iterator[Json]:
    started = {**reply, "status": "in_progress", "output": [], "incomplete_details": None}
    del started["usage"]
    for kind in ("created", "in_progress"):
        yield {"type": f"response.{kind}", "response": started}
    for position, item in enumerate(reply["output"]):
        opened = {**item, "status": "in_progress"} if "status" in item else dict(item)
        opened |= {key: empty for key, empty in _EMPTY.get(item["type"], {}).items() if key in item}
        yield {"type": "response.output_item.added", "output_index": position, "item": opened}
        at = {"output_index": position, "item_id": item.get("id", f"item_{position}")}
        for event in _TELLERS.get(item["type"], _nothing)(item):
            yield {**at, **event, "type": f"response.{event['type']}"}
        yield {"type": "response.output_item.done", "output_index": position, "item": item}
    yield {"type": f"response.{reply['status']}", "response": reply}


_EMPTY: Mapping[str, Json] = {
    "message": {"content": []},
    "reasoning": {"content": [], "summary": []},
    "function_call": {"arguments": ""},
    "custom_tool_call": {"input": ""},
}


def _message(item: Json) -> Iterator[Json]:
    for index, part in enumerate(item["content"]):
        said = "refusal" if part["type"] == "refusal" else "text"
        yield from _part(part, said, {"content_index": index}, "content_part", part["type"])


def _reasoning(item: Json) -> Iterator[Json]:
    for index, part in enumerate(item["summary"]):
        at = {"summary_index": index}
        yield from _part(part, "text", at, "reasoning_summary_part", "reasoning_summary_text")
    for index, part in enumerate(item.get("content", ())):
        yield from _part(part, "text", {"content_index": index}, "content_part", "reasoning_text")


def _part(part: Json, said: str, at: Json, name: str, delta: str) -> Iterator[Json]:
    empty = {key: [] if isinstance(value, list) else value for key, value in part.items()}
    yield {"type": f"{name}.added", **at, "part": {**empty, said: ""}}
    entries = part.get("logprobs")
    probable: Json = {"logprobs": []} if delta == "output_text" else {}
    for piece in [[entry] for entry in entries] if entries else _halves(part[said]):
        text = piece if isinstance(piece, str) else piece[0]["token"]
        listed: Any = {} if isinstance(piece, str) else {"logprobs": [_as_streamed(piece[0])]}
        yield {"type": f"{delta}.delta", **at, "delta": text, **probable, **listed}
    for index, annotation in enumerate(part.get("annotations", ())):
        named = {"annotation_index": index, "annotation": annotation}
        yield {"type": "output_text.annotation.added", **at, **named}
    if probable:
        probable = {"logprobs": [_as_streamed(entry) for entry in entries or ()]}
    yield {"type": f"{delta}.done", **at, said: part[said], **probable}
    yield {"type": f"{name}.done", **at, "part": part}


def _as_streamed(entry: Json) -> Json:
    """Return a log probability as events have it: without bytes."""
    chosen = {"token": entry["token"], "logprob": entry["logprob"]}
    tops = [{"token": top["token"], "logprob": top["logprob"]} for top in entry["top_logprobs"]]
    return {**chosen, "top_logprobs": tops}


def _call(item: Json) -> Iterator[Json]:
    said, delta = "arguments", "function_call_arguments"
    if item["type"] == "custom_tool_call":
        said, delta = "input", "custom_tool_call_input"
    for half in _halves(item[said]):
        yield {"type": f"{delta}.delta", "delta": half}
    named = {"name": item["name"]} if said == "arguments" else {}
    yield {"type": f"{delta}.done", said: item[said], **named}


def _nothing(item: Json) -> Iterator[Json]:
    yield from ()


_TELLERS: Mapping[str, Callable[[Json], Iterator[Json]]] = {
    "message": _message,
    "reasoning": _reasoning,
    "function_call": _call,
    "custom_tool_call": _call,
}
