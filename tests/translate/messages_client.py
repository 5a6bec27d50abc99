"""A client of `/v1/messages`: the replies that it gets, whole and streamed, are checked."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import msgspec
import pytest

from gateway.errors import GatewayError, TruncatedStream
from gateway.shapes import Json, Seal, Shape
from gateway.translate.contract import Context, Report, StreamTranslation, Translation
from gateway.translate.limits.capabilities import Capabilities
from gateway.translate.pair import PairTranslation
from gateway.translate.parts.messages.reply_options import MessagesReplyOptions
from gateway.translate.stream.sse import DONE, SSEDecoder, encode_events, terminator
from tests.messages_grammar import check_begun, read_broken, read_message
from tests.translate.anthropic_schema import check_event, check_message

HISTORY: Json = {"model": "asked", "max_tokens": 64, "messages": [{"role": "user", "content": "?"}]}


def context(
    capabilities: Capabilities | None = None, *, seal: Seal | None = None, upstream: str = "up"
) -> Context:
    """Return a context whose fresh ids count up: 000…01, 000…02, …."""
    numbers = count(1)
    return Context(
        model_asked="asked",
        model_sent="sent-5.4",
        capabilities=capabilities or Capabilities(),
        new_id=lambda: f"{next(numbers):032x}",
        now=1_700_000_000,
        seal=seal,
        upstream=upstream,
    )


@dataclass(slots=True)
class Request:
    """A prepared request, made by hand."""

    home: Shape
    options: MessagesReplyOptions = field(default_factory=MessagesReplyOptions)
    client: Json = field(default_factory=lambda: HISTORY)
    sent: Json = field(default_factory=dict)

    @property
    def calls(self) -> Sequence[Json]:
        return (self.sent,)

    def client_param(self, call: int, param: str | None) -> str | None:
        return param and {"max_completion_tokens": "max_tokens"}.get(param)


Fold = Callable[[Sequence[Json], Any, Context, Report], Json]
Stream = Callable[[Any, Context, Report], StreamTranslation]


@dataclass(slots=True)
class Pair:
    """The reply half of a pair."""

    home: Shape
    fold: Fold
    streaming: Stream

    def asking(
        self, of: Context | None = None, /, client: Json | None = None, **options: Any
    ) -> Translation:
        """Return a translation of a request, whose `tools` are sent under the names given."""
        report = Report(Shape.MESSAGES, self.home)
        names = {*options.get("tools", ())} | {*options.get("tool_names", ())}
        tools = [{"type": "function", "name": name, "function": {"name": name}} for name in names]
        request = Request(
            self.home,
            MessagesReplyOptions(**options),
            client or HISTORY,
            {"tools": tools} if tools else {},
        )
        return PairTranslation(
            request,
            of or context(),
            report,
            lambda replies, known, where: self.fold(replies, known, where, report),
            lambda known, where: self.streaming(known, where, report),
        )

    def replied(self, reply: Json, of: Context | None = None, /, **options: Any) -> Json:
        """Return the message that a whole reply becomes."""
        before = copy.deepcopy(reply)
        message = self.asking(of, **options).reply([reply])
        assert reply == before
        assert message["type"] == "message"
        assert message["stop_reason"] is not None
        check_message(message)
        return message

    def streamed(
        self, events: Sequence[Json], of: Callable[[], Context] = context, /, **options: Any
    ) -> list[Json]:
        """Return the events that a client is sent for an upstream's; all are checked.

        The stream is sent whole and byte by byte, which must not matter, and cut off after every
        event, which the client must learn of.
        """

        def again() -> Translation:
            return self.asking(of(), **options)

        wire = b"".join(encode_events(self.home, [event]) for event in events)
        ending = terminator(self.home)
        whole = _play(again(), [wire + ending])
        read_message(whole)
        for event in whole:
            check_event(event)
        assert _play(again(), [bytes([byte]) for byte in wire + ending]) == whole
        assert _play(again(), [wire]) == whole, "without a terminator"
        self._cut_off_everywhere(again, events, whole)
        return whole

    def message(
        self, events: Sequence[Json], of: Callable[[], Context] = context, /, **options: Any
    ) -> Json:
        """Return the message that a client makes of a stream."""
        return read_message(self.streamed(events, of, **options))

    def _cut_off_everywhere(
        self, again: Callable[[], Translation], events: Sequence[Json], whole: Sequence[Json]
    ) -> None:
        for length in range(len(events)):
            fold = again().stream()
            received = _feed(fold, self.home, events[:length])
            if fold.satisfied(0) or any(map(ends, events[:length])):
                read_message(received + fold.end(0))
                continue
            assert received == whole[: len(received)], "each event is sent as soon as it can be"
            check_begun(received)
            with pytest.raises(TruncatedStream) as caught:
                fold.end(0)
            failed = fold.fail(caught.value)
            assert failed[-1]["type"] == "error"
            if received:
                assert read_broken(received + failed)["type"] == "api_error"
            assert fold.fail(caught.value) == []
            assert fold.ping() == []


def ends(event: Json) -> bool:
    """Whether an upstream's reply may be over after an event."""
    if event.get("type") in ("response.completed", "response.incomplete"):
        return True
    choices = event.get("choices") or ()
    return any(choice.get("finish_reason") for choice in choices)


def _play(translation: Translation, pieces: Sequence[bytes]) -> list[Json]:
    fold = translation.stream()
    decoder = SSEDecoder()
    received: list[Json] = []
    for piece in pieces:
        for event in decoder.feed(piece):
            if event.data != DONE and not fold.satisfied(0):
                # A copy, as the wire makes one: nothing may change what was emitted before.
                received += copy.deepcopy(fold.feed(0, msgspec.json.decode(event.data)))
    return received + fold.end(0)


def _feed(fold: StreamTranslation, home: Shape, events: Sequence[Json]) -> list[Json]:
    received: list[Json] = []
    for event in events:
        if not fold.satisfied(0):
            received += copy.deepcopy(fold.feed(0, event))
    return received


def kinds(events: Sequence[Json]) -> list[str]:
    """Return what the events are: types of blocks and deltas, `stop` for the end of a block."""
    found: list[str] = []
    for event in events:
        inner: Json = event.get("content_block") or event.get("delta") or {}
        kind: str = inner.get("type") or event["type"]
        found.append("stop" if kind == "content_block_stop" else kind)
    return found


def texts(message: Json) -> list[str]:
    """Return what each block says, in order."""
    return [_said(block) for block in message["content"]]


def _said(block: Json) -> str:
    if block["type"] == "tool_use":
        return f"{block['name']}({msgspec.json.encode(block['input']).decode()})"
    text: str = block.get("text", "") or f"<{block.get('thinking', '…')}>"
    return text


def failure(error: type[GatewayError], act: Callable[[], object]) -> GatewayError:
    """Return the error that is raised."""
    with pytest.raises(error) as caught:
        act()
    return caught.value
