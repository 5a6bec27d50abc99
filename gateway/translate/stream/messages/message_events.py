"""A whole message as the events of a messages stream, and the events as the whole message.

For upstreams that answer a streaming request with a whole body, and the other way round.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from gateway.envelopes.upstream_json import NOT_JSON
from gateway.errors import TruncatedStream, UpstreamError
from gateway.shapes import Json
from gateway.translate.chat_via_responses.output.reading import string
from gateway.translate.parts.messages.stop_reasons import incomplete_reason
from gateway.translate.parts.to_messages.counts import Counts
from gateway.translate.parts.tools.argument_values import arguments_value
from gateway.translate.stream.messages.block_deltas import PARTIAL, TEXTS, block_events
from gateway.translate.stream.messages.block_order import BlockOrder


def events_of(message: Json) -> Iterator[Json]:
    """Yield the events of a stream with the content of a whole message.

    Raises `UpstreamError` if its content is not a list of blocks, or an input is a text of no
    object.
    """
    usage = message.get("usage")
    counted = usage if isinstance(usage, dict) else {}
    opening: Json = {"content": [], "stop_reason": None, "stop_sequence": None}
    yield {"type": "message_start", "message": {**message, **opening}}
    for index, block in enumerate(_blocks(message)):
        yield from block_events(index, block)
    delta = {
        name: message[name]
        for name in ("stop_reason", "stop_sequence", "stop_details", "container")
        if name in message
    }
    yield {"type": "message_delta", "delta": delta, "usage": counted}
    yield {"type": "message_stop"}


def message_of(events: Iterable[Json], *, keeps_empty: bool = False) -> Json:
    """Return the whole message that the events of a stream make.

    A call whose input is not a JSON object, for instance because a limit has ended it, has the text
    as `partial_json`, of which `events_of` makes the same events. With `keeps_empty`, so has a call
    with the pieces of an empty object, if a limit has ended the message.

    Raises `TruncatedStream` for a stream without its end, and `UpstreamError` for one that
    contradicts itself.
    """
    message: Json = {}
    blocks: list[Json] = []
    order, usage, has_ending = BlockOrder(), _Usage(), False
    for event in (each for given in events for each in order.take(given)):
        kind = event.get("type")
        usage.take(event)
        if kind == "message_start":
            started = event.get("message")
            message = dict(started) if isinstance(started, dict) else {}
        elif kind == "content_block_start":
            blocks.append(dict(_object(event, "content_block")))
        elif kind == "content_block_delta":
            _add(blocks[-1], event)
        elif kind == "message_delta":
            has_ending = True
            message |= _known(_object(event, "delta"))
        elif kind == "message_stop" and has_ending:
            is_cut = keeps_empty and incomplete_reason(message.get("stop_reason")) is not None
            content = [_made(block, is_cut=is_cut) for block in blocks]
            return {**message, "content": content, "usage": usage.known()}
    raise TruncatedStream(
        "The upstream answered with a stream that ended before its reply was complete. "
        "Retry the request."
    )


def check_inputs(message: Json) -> None:
    """Raise `UpstreamError` for a call whose input is not an object, as messages require.

    A call in a message that a limit has cut off is allowed: it is never run.
    """
    content = message.get("content")
    for block in content if isinstance(content, list) else ():
        if _is_partial(block) and incomplete_reason(message.get("stop_reason")) is None:
            raise UpstreamError(
                f"The upstream's call of the tool '{block.get('name')}' has an input that is not a "
                "JSON object."
            )


def without_partial_inputs(message: Json) -> Json:
    """Return a message without `partial_json`, for a client: such inputs are empty."""
    content = message.get("content")
    if not isinstance(content, list) or not any(map(_is_partial, content)):
        return message
    blocks = [
        {name: value for name, value in block.items() if name != PARTIAL}
        if _is_partial(block)
        else block
        for block in content
    ]
    return {**message, "content": blocks}


def _is_partial(block: object) -> bool:
    return isinstance(block, dict) and PARTIAL in block


def _blocks(message: Json) -> list[Json]:
    content = message.get("content")
    blocks = (
        [block for block in content if block is not None] if isinstance(content, list) else None
    )
    if blocks is None or not all(isinstance(block, dict) for block in blocks):
        raise UpstreamError("The upstream's reply is not a message: it has no list 'content'.")
    return blocks


def _add(block: Json, event: Json) -> None:
    """Add a delta to its block."""
    delta = _object(event, "delta")
    kind = delta.get("type")
    if kind == "citations_delta":
        block["citations"] = [*(block.get("citations") or ()), delta.get("citation")]
        return
    name = TEXTS.get(kind) if isinstance(kind, str) else None
    piece = string(delta, name) if name else ""
    if name is None or not piece:
        return
    if kind == "signature_delta":
        block[name] = piece
    else:
        block[name] = string(block, name) + piece


def _made(block: Json, *, is_cut: bool) -> Json:
    """Return a whole block; the pieces of a tool's input are parsed as JSON.

    `is_cut`: a limit has cut the message off, so pieces that say `{}` are kept as text: they are
    more than no pieces.
    """
    if PARTIAL not in block:
        return block
    text = block.pop(PARTIAL)
    if not text:
        return block
    try:
        given = arguments_value(text)
    except NOT_JSON:
        given = None
    is_input = isinstance(given, dict) and (bool(given) or not is_cut)
    return {**block, **({"input": given} if is_input else {PARTIAL: text})}


def _object(event: Json, name: str) -> Json:
    value: Any = event.get(name)
    if not isinstance(value, dict):
        raise UpstreamError(f"The upstream's stream has a {event.get('type')} without '{name}'.")
    return value


class _Usage:
    """The usage of a stream: the counts that every stream has, and further fields."""

    def __init__(self) -> None:
        self._counts = Counts()
        self._fields: Json = {}

    def take(self, event: Json) -> None:
        """Take an event: `message_start` has a usage in its message."""
        self._counts.take(event)
        for holder in (event.get("message"), event):
            usage = holder.get("usage") if isinstance(holder, dict) else None
            self._fields |= _known(usage) if isinstance(usage, dict) else {}

    def known(self) -> Json:
        """Return the usage as far as it is known."""
        counts = self._counts.usage
        return {**self._fields, **(counts if isinstance(counts, dict) else {})}


def _known(fields: Json) -> Json:
    return {name: value for name, value in fields.items() if value is not None}
