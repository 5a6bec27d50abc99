"""A whole message as the events of a messages stream, and the events as the whole message.

For upstreams that answer a streaming request with a whole body, and the other way round.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from gateway.envelopes.upstream_json import NOT_JSON
from gateway.errors import TruncatedStream, UpstreamError
from gateway.shapes import Json
from gateway.translate.parts.messages.stop_reasons import incomplete_reason
from gateway.translate.parts.tools.argument_values import value_of
from gateway.translate.stream.block_order import BlockOrder
from gateway.translate.stream.messages_blocks import text_input

_PARTIAL = "partial_json"
"""The field of a call's block that has its input as text, where that has no end."""
_TEXTS = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "signature_delta": "signature",
    "input_json_delta": _PARTIAL,
}
"""The field that a delta has its piece in, by its type; `signature_delta` has all of it."""

written_input = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""Writes the input of a call in a whole message as the text of its arguments."""


def events_of(message: Json) -> Iterator[Json]:
    """Yield the events of a stream that says the same as a whole message.

    Raises `UpstreamError` where its content is not a list of blocks, or an input no object.
    """
    usage = message.get("usage")
    counted = usage if isinstance(usage, dict) else {}
    opening: Json = {"content": [], "stop_reason": None, "stop_sequence": None}
    yield {"type": "message_start", "message": {**message, **opening}}
    for index, block in enumerate(_blocks(message)):
        start, deltas = _taken_apart(block)
        yield {"type": "content_block_start", "index": index, "content_block": start}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    delta = {
        name: message[name]
        for name in ("stop_reason", "stop_sequence", "stop_details", "container")
        if name in message
    }
    yield {"type": "message_delta", "delta": delta, "usage": counted}
    yield {"type": "message_stop"}


def message_of(events: Iterable[Json]) -> Json:
    """Return the whole message that the events of a stream make.

    Where a limit has ended it in the middle of a call's input, the call has the text so far as
    `partial_json`, of which `events_of` makes the same events.
    Raises `TruncatedStream` for a stream without its end, and `UpstreamError` for one that
    contradicts itself.
    """
    message: Json | None = None
    blocks: list[Json] = []
    order, has_ending = BlockOrder(), False
    for event in (each for given in events for each in order.take(given)):
        kind = event.get("type")
        if kind == "message_start":
            started = event.get("message")
            message = dict(started) if isinstance(started, dict) else {}
        elif kind == "content_block_start":
            blocks.append(dict(_object(event, "content_block")))
        elif kind == "content_block_delta":
            _add(blocks[-1], event)
        elif kind == "message_delta" and message is not None:
            has_ending = True
            message |= _object(event, "delta")
            message["usage"] = {**_known(message.get("usage")), **_known(event.get("usage"))}
        elif kind == "message_stop" and message is not None and has_ending:
            is_cut = incomplete_reason(message.get("stop_reason")) is not None
            return {**message, "content": [_made(block, is_cut=is_cut) for block in blocks]}
    raise TruncatedStream(
        "The upstream answered with a stream that ended before its reply was complete. "
        "Retry the request."
    )


def _blocks(message: Json) -> list[Json]:
    content = message.get("content")
    if not isinstance(content, list) or not all(isinstance(block, dict) for block in content):
        raise UpstreamError("The upstream's reply is not a message: it has no list 'content'.")
    return content


def _taken_apart(block: Json) -> tuple[Json, list[Json]]:
    """Return a block as it begins, and the deltas with its texts."""
    kind = block.get("type")
    if kind == "text":
        citations = block.get("citations")
        listed = citations if isinstance(citations, list) else ()
        cited = ({"type": "citations_delta", "citation": citation} for citation in listed)
        start = {**block, "text": ""}
        start.pop("citations", None)
        return start, [_piece("text_delta", block.get("text")), *cited]
    if kind == "thinking":
        deltas = [_piece("thinking_delta", block.get("thinking"))]
        if block.get("signature"):
            deltas.append(_piece("signature_delta", block["signature"]))
        return {**block, "thinking": "", "signature": ""}, deltas
    if kind == "tool_use":
        rest = {name: value for name, value in block.items() if name != _PARTIAL}
        given = block.get("input")
        text = _input(given) if given else block.get(_PARTIAL)
        return {**rest, "input": {}}, [_piece("input_json_delta", text)]
    return block, []


def _input(given: object) -> str:
    """Return the input of a call as a text, as which some servers send it in the first place."""
    if isinstance(given, str):
        return text_input(given)
    return written_input(given)


def _piece(kind: str, text: object) -> Json:
    return {"type": kind, _TEXTS[kind]: text if isinstance(text, str) else ""}


def _add(block: Json, event: Json) -> None:
    """Add a delta to its block."""
    delta = _object(event, "delta")
    kind = delta.get("type")
    if kind == "citations_delta":
        block["citations"] = [*(block.get("citations") or ()), delta.get("citation")]
        return
    name = _TEXTS.get(kind) if isinstance(kind, str) else None
    piece = delta.get(name) if name else None
    if name is None or not isinstance(piece, str):
        return
    if kind == "signature_delta":
        block[name] = piece
    else:
        block.setdefault(name, "")
        block[name] += piece


def _made(block: Json, *, is_cut: bool) -> Json:
    """Return a whole block; the pieces of a tool's input are its JSON."""
    if _PARTIAL not in block:
        return block
    text = block.pop(_PARTIAL)
    if not text:
        return block
    try:
        given = value_of(text)
    except NOT_JSON:
        if is_cut:
            return {**block, _PARTIAL: text}
        raise UpstreamError(
            f"The upstream's call of the tool '{block.get('name')}' has an input that is not JSON."
        ) from None
    return {**block, "input": given}


def _object(event: Json, name: str) -> Json:
    value: Any = event.get(name)
    if not isinstance(value, dict):
        raise UpstreamError(f"The upstream's stream has a {event.get('type')} without '{name}'.")
    return value


def _known(usage: object) -> Json:
    counts = usage if isinstance(usage, dict) else {}
    return {name: count for name, count in counts.items() if count is not None}
