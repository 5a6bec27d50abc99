"""A finished message as the events that lead to it (`anthropic`, RawMessageStreamEvent).

Blocks follow strictly one after another.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gateway.demo.generation.answer import Event, Json, Phase, data_event
from gateway.demo.generation.tokens import pieces, tokenise


@dataclass(frozen=True, slots=True)
class MessageStream:
    """The stream of `blocks`, which ends with `ending` and `usage`.

    `started` is the message before anything was generated; `tokens` are those of the text,
    `arguments` those of each call.
    """

    started: Json
    blocks: Sequence[Json]
    tokens: Sequence[bytes]
    arguments: Sequence[Sequence[bytes]]
    ending: Json
    usage: Json

    def events(self) -> Iterator[Event]:
        """Yield the events, encoded."""
        yield _event(Phase.OPENING, "message_start", message=self.started)
        yield _event(Phase.OPENING, "ping")
        arguments = iter(self.arguments)
        for index, block in enumerate(self.blocks):
            if block["type"] == "text":
                yield from _text(index, block, self.tokens)
            elif block["type"] == "tool_use":
                yield from _tool_use(index, block, next(arguments))
            else:
                yield from _thinking(index, block)
        yield _event(Phase.CLOSING, "message_delta", delta=self.ending, usage=self.usage)
        yield _event(Phase.CLOSING, "message_stop")


def _text(index: int, block: Json, tokens: Sequence[bytes]) -> Iterator[Event]:
    yield _start(index, {**block, "text": ""})
    for piece in pieces(tokens):
        if piece:
            yield _delta(Phase.DELTA, index, type="text_delta", text=piece)
    yield _event(Phase.CLOSING, "content_block_stop", index=index)


def _tool_use(index: int, block: Json, arguments: Sequence[bytes]) -> Iterator[Event]:
    """Yield a call; its arguments begin with an empty piece, as Anthropic's do."""
    yield _start(index, {**block, "input": {}})
    written = pieces(arguments)
    if "".join(written) != "{}":
        yield _delta(Phase.OPENING, index, type="input_json_delta", partial_json="")
        for piece in written:
            yield _delta(Phase.DELTA, index, type="input_json_delta", partial_json=piece)
    yield _event(Phase.CLOSING, "content_block_stop", index=index)


def _thinking(index: int, block: Json) -> Iterator[Event]:
    if block["type"] == "redacted_thinking":
        yield _start(index, block)
    else:
        yield _start(index, {**block, "thinking": "", "signature": ""})
        for piece in pieces(tokenise(block["thinking"])):
            yield _delta(Phase.OPENING, index, type="thinking_delta", thinking=piece)
        signature = block["signature"]
        yield _delta(Phase.OPENING, index, type="signature_delta", signature=signature)
    yield _event(Phase.OPENING, "content_block_stop", index=index)


def _start(index: int, block: Json) -> Event:
    return _event(Phase.OPENING, "content_block_start", index=index, content_block=block)


def _delta(phase: Phase, index: int, **delta: str) -> Event:
    return _event(phase, "content_block_delta", index=index, delta=delta)


def _event(phase: Phase, kind: str, **members: object) -> Event:
    return Event(phase, data_event({"type": kind, **members}, kind))
