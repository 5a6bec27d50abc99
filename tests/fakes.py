"""A stand-in for the network: a `Send` that answers from a function and remembers what was sent."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from gateway.errors import GatewayError
from gateway.replies import ChunkedReply
from gateway.shapes import RawHeaders, UpstreamCall

JSON = ((b"content-type", b"application/json"),)
EVENT_STREAM = ((b"content-type", b"text/event-stream"),)


@dataclass
class FakeReply(ChunkedReply):
    """An `UpstreamReply` from memory; `error` is raised after the last piece."""

    status: int = 200
    headers: RawHeaders = JSON
    pieces: Sequence[bytes] = (b"",)
    error: GatewayError | None = None
    closed: bool = False
    delivered: int = 0

    def __post_init__(self) -> None:
        super().__init__()

    async def _read(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            if self.closed:
                return
            self.delivered += 1
            yield piece
        if self.error is not None:
            raise self.error

    async def _close(self) -> None:
        self.closed = True


class ArrivedReply(FakeReply):
    """A reply that is here as a whole."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._ahead = b"".join(self.pieces)
        self.ended = True


def json_reply(body: Any, status: int = 200, headers: RawHeaders = ()) -> FakeReply:
    encoded = msgspec.json.encode(body)
    length = (b"content-length", str(len(encoded)).encode())
    return FakeReply(status, (*JSON, length, *headers), (encoded,))


def error_reply(status: int, message: str, **fields: Any) -> FakeReply:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return json_reply({"error": {**error, **fields}}, status)


def stream_reply(*events: Any, done: bool = True, error: GatewayError | None = None) -> FakeReply:
    pieces = [b"data: " + msgspec.json.encode(event) + b"\n\n" for event in events]
    if done:
        pieces.append(b"data: [DONE]\n\n")
    return FakeReply(200, EVENT_STREAM, pieces, error)


Answer = FakeReply | GatewayError


@dataclass
class FakeUpstream:
    """Calls `answer` for each call. Use an instance's `send` as the `Send`."""

    answer: Callable[[UpstreamCall], Answer]
    calls: list[UpstreamCall] = field(default_factory=list)
    replies: list[FakeReply] = field(default_factory=list)

    async def send(self, call: UpstreamCall) -> FakeReply:
        self.calls.append(call)
        answer = self.answer(call)
        if isinstance(answer, GatewayError):
            raise answer
        self.replies.append(answer)
        return answer

    @property
    def paths(self) -> list[str]:
        return [f"{call.method} {call.path}" for call in self.calls]

    def bodies(self) -> list[Any]:
        """The decoded bodies of the POST calls."""
        return [
            msgspec.json.decode(call.body)
            for call in self.calls
            if call.method == "POST" and isinstance(call.body, bytes)
        ]


def fingerprint(upstream: str, headers: RawHeaders) -> str:
    """Tell credentials apart as the network layer does, but readably."""
    key = next((value for name, value in headers if name == b"authorization"), b"")
    return f"{upstream}/{key.decode()}"


@dataclass
class FakeClock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds
