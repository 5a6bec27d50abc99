"""A whole block of a message as stream events with the same content."""

import json
from collections.abc import Iterator

from gateway.shapes import Json
from gateway.translate.stream.messages.messages_blocks import text_input

PARTIAL = "partial_json"
"""The field of a call's block with the text of its input, where that is not a JSON object."""
TEXTS = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "signature_delta": "signature",
    "input_json_delta": PARTIAL,
}
"""The field with a delta's piece, by the delta's type; a `signature_delta` has the whole value."""

written_input = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""Writes the input of a call in a whole message as the text of its arguments."""


def block_events(index: int, block: Json) -> Iterator[Json]:
    """Yield the events of a block; raises `UpstreamError` for an input that is no object's text."""
    start, deltas = taken_apart(block)
    yield {"type": "content_block_start", "index": index, "content_block": start}
    for delta in deltas:
        yield {"type": "content_block_delta", "index": index, "delta": delta}
    yield {"type": "content_block_stop", "index": index}


def taken_apart(block: Json) -> tuple[Json, list[Json]]:
    """Return a block as it begins, and the deltas with its texts; raises as `block_events`."""
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
        rest = {name: value for name, value in block.items() if name != PARTIAL}
        given = block.get("input")
        text = _input(given) if given else block.get(PARTIAL)
        return {**rest, "input": {}}, [_piece("input_json_delta", text)]
    return block, []


def _input(given: object) -> str:
    """Return the input of a call as text; some servers send it as text in the first place."""
    if isinstance(given, str):
        return text_input(given)
    return written_input(given)


def _piece(kind: str, text: object) -> Json:
    return {"type": kind, TEXTS[kind]: text if isinstance(text, str) else ""}
