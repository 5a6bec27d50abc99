"""The events of a whole stream as the whole reply with the same content.

For upstreams that answer with an event stream though none was asked for: some always stream, others
unless `stream` is false. The reply is then folded like any whole reply of their endpoint.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from gateway.errors import TruncatedStream
from gateway.shapes import Json, Shape
from gateway.translate.parts.content.sources import add_sources, sources_of
from gateway.translate.parts.finish_reasons import ending_word, is_cut_short
from gateway.translate.parts.tokens.usage_sums import richer_usage
from gateway.translate.stream.choice_deltas import ChoiceDeltas, is_whole
from gateway.translate.stream.folding.items import StreamedItems
from gateway.translate.stream.folding.message import FoldedMessage
from gateway.translate.stream.messages.message_events import message_of
from gateway.translate.stream.reply_choices import choices_of, delta_of, index_in
from gateway.translate.stream.sse import final_events

_TAKEN_APART = frozenset({"choices", "usage", "object"})
_OBJECTS = {Shape.COMPLETIONS: "text_completion", Shape.CHAT: "chat.completion"}


def events_as_whole(
    shape: Shape, events: Iterable[Json], tools: Collection[str] = (), *, ended: bool = False
) -> Json:
    """Return the whole reply of `shape` that the events of a stream make.

    `tools` are the names of the tools that the model can call. `ended`: the choices of completions
    and of chat need no finish reason. Raises `TruncatedStream` if the stream was not complete, and
    `UpstreamError` if it contradicts itself.
    """
    if shape is Shape.RESPONSES:
        return _response(events, tools)
    if shape is Shape.MESSAGES:
        return message_of(events, keeps_empty=True)
    return _completion(shape, events, tools, ended=ended)


def is_terminal(event: object, shape: Shape = Shape.RESPONSES) -> bool:
    """Whether an event is the last of a stream whose events have types."""
    kind = event.get("type") if isinstance(event, dict) else None
    return isinstance(kind, str) and kind in final_events(shape)


def _response(events: Iterable[Json], tools: Collection[str]) -> Json:
    """Return the response of the last event, completed from the events before it.

    Some servers leave the output out of the last event, others leave out parts of it.
    """
    items = StreamedItems(tools)
    for event in events:
        response = event.get("response")
        if is_terminal(event) and isinstance(response, dict):
            truncated = event["type"] != "response.completed"
            output = items.completed(response.get("output"), truncated=truncated)
            return {**response, "output": output}
        items.take(event)
    raise _cut_off()


def _completion(
    shape: Shape, events: Iterable[Json], tools: Collection[str], *, ended: bool
) -> Json:
    whole: Json = {}
    usage: object = None
    choices: dict[int, _Choice] = {}
    for event in events:
        # Azure's first chunk has an empty id and model.
        fields = {key: value for key, value in event.items() if key not in _TAKEN_APART and value}
        whole = {**fields, **whole}
        add_sources(whole, sources_of(event))
        usage = richer_usage(usage, event.get("usage"))
        for choice in choices_of(event):
            at = index_in(choice) or 0
            if at not in choices:
                choices[at] = _Choice(tools)
            choices[at].take(choice)
    if not choices or not (ended or all(choice.has_finished for choice in choices.values())):
        raise _cut_off()
    folded = [
        {**choice.build(whole.get("id")), "index": index}
        for index, choice in sorted(choices.items())
    ]
    whole |= {"object": _OBJECTS[shape], "choices": folded}
    return whole if usage is None else {**whole, "usage": usage}


class _Choice:
    """One choice of a completions or a chat stream."""

    def __init__(self, tools: Collection[str]) -> None:
        self._tools = tools
        self._known: Json = {}
        self._deltas = ChoiceDeltas()
        self._message: FoldedMessage | None = None

    @property
    def has_finished(self) -> bool:
        """Whether the choice has its finish reason."""
        return bool(self._known.get("finish_reason"))

    def take(self, choice: Json) -> None:
        """Take the choice as one event has it."""
        for piece in self._deltas.take(choice):
            whole = is_whole(piece)
            for name, value in piece.items():
                if name == "delta":
                    self._message = self._message or FoldedMessage(self._tools)
                    self._message.add(delta_of(piece), whole=whole)
                elif name == "finish_reason":
                    self._add(name, ending_word(piece))
                elif not (whole and name == "message"):
                    self._add(name, value)

    def build(self, reply_id: object) -> Json:
        """Return the whole choice; `reply_id` is the id of its reply."""
        if self._message is None:
            return {"finish_reason": _implied_reason(self._known, "text"), **self._known}
        truncated = is_cut_short(self._known.get("finish_reason"))
        message = self._message.build(reply_id, truncated=truncated)
        reason = _implied_reason(message, *(message.keys() - {"role"}))
        return {"finish_reason": reason, **self._known, "message": message}

    def _add(self, name: str, value: object) -> None:
        if name == "text" and isinstance(value, str):
            before = self._known.get("text")
            self._known["text"] = before + value if isinstance(before, str) else value
        elif name == "logprobs" and isinstance(value, dict):
            _extend(self._known.setdefault("logprobs", {}), value)
        elif value is not None and value != "":
            self._known.setdefault(name, value)


def _implied_reason(content: Json, *names: str) -> str | None:
    """Return the finish reason of a choice that has ended without one; None: it is empty."""
    calls = next((name for name in ("tool_calls", "function_call") if content.get(name)), None)
    return calls or ("stop" if any(map(content.get, names)) else None)


def _extend(known: Json, more: Mapping[str, Any]) -> None:
    """Add logprobs: lists are concatenated."""
    for name, value in more.items():
        before = known.get(name)
        known[name] = before + value if isinstance(before, list) and value else value or before


def _cut_off() -> TruncatedStream:
    return TruncatedStream(
        "The upstream answered with a stream that ended before its reply was complete. "
        "Retry the request."
    )
