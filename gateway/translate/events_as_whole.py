"""The events of a whole stream, given as the whole reply that says the same.

For upstreams that answer a plain request with an event stream: some always stream, others unless
they are told not to. The reply then is folded as any whole reply of their endpoint.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.errors import TruncatedStream
from gateway.shapes import Json, Shape
from gateway.translate.fields import richer_usage
from gateway.translate.sources import add_sources, sources_of
from gateway.translate.sse import TERMINAL_EVENTS
from gateway.translate.streamed_items import StreamedItems
from gateway.translate.streamed_message import add_delta, without_indexes

_TAKEN_APART = frozenset({"choices", "usage", "object"})
_OBJECTS = {Shape.COMPLETIONS: "text_completion", Shape.CHAT: "chat.completion"}


def events_as_whole(shape: Shape, events: Iterable[Json]) -> Json:
    """Return the whole reply of `shape` that a stream of it makes.

    Raises `TruncatedStream` where the stream was not complete.
    """
    if shape is Shape.RESPONSES:
        return _response(events)
    return _completion(shape, events)


def is_terminal(event: object) -> bool:
    """Whether an event is the last of a responses stream."""
    kind = event.get("type") if isinstance(event, dict) else None
    return isinstance(kind, str) and kind in TERMINAL_EVENTS


def _response(events: Iterable[Json]) -> Json:
    """Return the response that the last event has, with what only came before.

    Some servers repeat nothing there, others leave parts of it out.
    """
    items = StreamedItems()
    for event in events:
        response = event.get("response")
        if is_terminal(event) and isinstance(response, dict):
            return {**response, "output": items.completed(response.get("output"))}
        items.take(event)
    raise _cut_off()


def _completion(shape: Shape, events: Iterable[Json]) -> Json:
    whole: Json = {}
    usage: object = None
    choices: dict[int, Json] = {}
    for event in events:
        # Azure's first chunk has an empty id and model.
        told = {key: value for key, value in event.items() if key not in _TAKEN_APART and value}
        whole = {**told, **whole}
        add_sources(whole, sources_of(event))
        usage = richer_usage(usage, event.get("usage"))
        given = event.get("choices")
        for choice in given if isinstance(given, list) else ():
            if isinstance(choice, dict):
                index = choice.get("index")
                known = choices.setdefault(index if isinstance(index, int) else 0, {})
                _add_choice(known, choice)
    if not choices or not all(choice.get("finish_reason") for choice in choices.values()):
        raise _cut_off()
    for choice in choices.values():
        if isinstance(choice.get("message"), dict):
            choice["message"] = without_indexes(choice["message"])
    folded = [{**choice, "index": index} for index, choice in sorted(choices.items())]
    whole |= {"object": _OBJECTS[shape], "choices": folded}
    return whole if usage is None else {**whole, "usage": usage}


def _add_choice(known: Json, piece: Mapping[str, Any]) -> None:
    for name, value in piece.items():
        if name == "delta":
            message = known.setdefault("message", {"role": "assistant", "content": None})
            if isinstance(value, dict):
                add_delta(message, value)
        elif name == "text" and isinstance(value, str):
            known["text"] = known.get("text", "") + value
        elif name == "logprobs" and isinstance(value, dict):
            _extend(known.setdefault("logprobs", {}), value)
        elif value is not None and value != "":
            known.setdefault(name, value)


def _extend(known: Json, more: Mapping[str, Any]) -> None:
    """Add logprobs: lists go on."""
    for name, value in more.items():
        before = known.get(name)
        known[name] = before + value if isinstance(before, list) and value else value or before


def _cut_off() -> TruncatedStream:
    return TruncatedStream(
        "The upstream answered with a stream that ended before its reply was complete. "
        "Retry the request."
    )
