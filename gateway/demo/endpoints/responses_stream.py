"""A finished response as the events that lead to it (openai-openapi, ResponseStreamEvent).

Items follow strictly one after another; events are numbered from 0.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gateway.demo.endpoints.chat import padding
from gateway.demo.generation.answer import Event, Json, Phase, data_event
from gateway.demo.generation.tokens import pieces, tokenise

_TypedEvent = tuple[Phase, str, Json]
"""A phase, an event's type, and its members besides type and sequence number."""


@dataclass(frozen=True, slots=True)
class ResponseStream:
    """The stream that ends with `finished`.

    `started` is the response object before anything was generated; `tokens` are those of the
    message, where there is one. `noisy` streams pad their deltas.
    """

    started: Json
    finished: Json
    tokens: Sequence[bytes]
    noisy: bool

    def events(self) -> Iterator[Event]:
        """Yield the events, encoded."""
        for number, (phase, kind, members) in enumerate(self._typed_events()):
            yield Event(phase, response_event(kind, number, members))

    def _typed_events(self) -> Iterator[_TypedEvent]:
        for kind in ("response.created", "response.in_progress"):
            yield Phase.OPENING, kind, {"response": self.started}
        writers = {
            "reasoning": _opaque,
            "compaction": _opaque,
            "message": self._message,
            "function_call": self._call,
            "custom_tool_call": self._call,
        }
        for position, item in enumerate(self.finished["output"]):
            yield from writers[item["type"]](position, item)
        yield Phase.CLOSING, f"response.{self.finished['status']}", {"response": self.finished}

    def _message(self, position: int, item: Json) -> Iterator[_TypedEvent]:
        part = item["content"][0]
        name, member = part["type"], "refusal" if part["type"] == "refusal" else "text"
        at = {"item_id": item["id"], "output_index": position, "content_index": 0}
        empty = {**part, member: ""} | ({"logprobs": []} if "logprobs" in part else {})
        opened = {**item, "status": "in_progress", "content": []}
        yield _item(Phase.OPENING, "added", position, opened)
        yield Phase.OPENING, "response.content_part.added", {**at, "part": empty}
        for delta in self._deltas(part):
            yield Phase.DELTA, f"response.{name}.delta", {**at, **delta}
        done = {**at, member: part[member]}
        if "logprobs" in part:
            done["logprobs"] = part["logprobs"]
        yield Phase.CLOSING, f"response.{name}.done", done
        yield Phase.CLOSING, "response.content_part.done", {**at, "part": part}
        yield _item(Phase.CLOSING, "done", position, item)

    def _deltas(self, part: Json) -> Iterator[Json]:
        entries = part.get("logprobs")
        for position, piece in enumerate(pieces(self.tokens)):
            if not piece and not entries:
                continue
            delta = {"delta": piece, **self._noise(piece)}
            if entries is not None:
                delta["logprobs"] = entries[position : position + 1]
            yield delta

    def _noise(self, piece: str) -> Json:
        return {"obfuscation": padding(piece)} if self.noisy else {}

    def _call(self, position: int, item: Json) -> Iterator[_TypedEvent]:
        at = {"item_id": item["id"], "output_index": position}
        field = "arguments" if "arguments" in item else "input"
        kind = f"response.{item['type']}_{field}"
        opened = {**item, "status": "in_progress", field: ""}
        yield _item(Phase.OPENING, "added", position, opened)
        for piece in pieces(tokenise(item[field])):
            if piece:
                delta = {**at, "delta": piece, **self._noise(piece)}
                yield Phase.DELTA, f"{kind}.delta", delta
        named = {"name": item["name"]} if field == "arguments" else {}
        yield Phase.CLOSING, f"{kind}.done", {**at, **named, field: item[field]}
        yield _item(Phase.CLOSING, "done", position, item)


def _opaque(position: int, item: Json) -> Iterator[_TypedEvent]:
    yield _item(Phase.OPENING, "added", position, item)
    yield _item(Phase.OPENING, "done", position, item)


def response_event(kind: str, number: int, members: Json) -> bytes:
    """Encode one event of a response stream."""
    return data_event({"type": kind, "sequence_number": number, **members}, kind)


def _item(phase: Phase, stage: str, position: int, item: Json) -> _TypedEvent:
    members = {"output_index": position, "item": item}
    return phase, f"response.output_item.{stage}", members
