"""Replies to turns as frames: whole ones, streams, errors, and clients that do not read."""

import asyncio
from typing import Any

import msgspec
import pytest

from gateway.api.sockets.turn_writer import TurnWriter
from gateway.errors import GatewayError, TruncatedStream, UpstreamError
from gateway.exchange.client_reply import ClientReply, event_stream_reply, json_reply
from gateway.exchange.decision import Decision
from gateway.exchange.remembered.memory import ConnectionMemory
from gateway.exchange.remembered.turns import Turn
from gateway.exchange.reply.body import ReplyBody
from gateway.exchange.sockets.relays import RelayedTurn
from gateway.shapes import Json, Shape, Sink
from gateway.translate.stream.sse import encode_events
from tests.api.sockets.fake_socket import FakeSocket

MESSAGE: Json = {
    "type": "message",
    "id": "msg_1",
    "status": "completed",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "Hello", "annotations": []}],
}
RESPONSE: Json = {"id": "resp_1", "object": "response", "status": "completed", "output": [MESSAGE]}
DONE: Json = {"type": "response.completed", "response": RESPONSE}
DELTA: Json = {"type": "response.output_text.delta", "delta": "x"}


class Pieces(ReplyBody):
    """A body of pieces; after the sink's False it waits. `error` ends it."""

    def __init__(self, *pieces: bytes, error: Exception | None = None) -> None:
        super().__init__()
        self.pieces = list(pieces)
        self.error = error
        self.waits = asyncio.Event()
        self.failed: GatewayError | None = None

    @property
    def failure(self) -> GatewayError | None:
        return self.failed

    async def pipe(self, sink: Sink) -> None:
        while self.pieces:
            if not sink(self.pieces.pop(0)):
                await self.waits.wait()
                self.waits.clear()
        if self.error is not None:
            raise self.error

    def resume(self) -> None:
        self.waits.set()

    async def _release(self) -> None:
        """Nothing is behind it."""


RAW = msgspec.json.encode(DONE)


class Relayed(RelayedTurn, Pieces):
    """A turn of an upstream's socket, whose last frame is its terminal event."""

    def __init__(self, *frames: bytes, error: Exception | None = None) -> None:
        super().__init__(*frames, error=error)
        self.terminal = frames[-1]


class Written:
    """One reply, written."""

    def __init__(self, *, reports: bool = False, stream_id: str | None = None) -> None:
        self.socket = FakeSocket()
        self.turn = Turn({"input": msgspec.Raw(b"[]")}, None, ConnectionMemory(10_000, 10))
        self.writer = TurnWriter(self.socket, self.turn, stream_id, reports=reports)
        self.decision = Decision(upstream="openai", id_line=b"x-request-id: req_1\r\n")

    def write(self, reply: ClientReply) -> list[Any]:
        asyncio.run(self.writer.write(reply, self.decision))
        return self.socket.frames

    def broken(self, reply: ClientReply) -> list[Any]:
        with pytest.raises(GatewayError):
            self.write(reply)
        return self.socket.frames


def sse(*events: Json) -> bytes:
    return encode_events(Shape.RESPONSES, events)


def streamed(*events: Json, error: Exception | None = None) -> ClientReply:
    return event_stream_reply(Pieces(*(sse(event) for event in events), error=error))


def test_a_stream_is_written_event_by_event() -> None:
    written = Written()
    assert written.write(streamed(DELTA, DONE)) == [DELTA, DONE]
    assert written.socket.writes == 2
    assert written.writer.first_at > 0
    assert written.writer.status == 200


def test_what_comes_together_is_one_write() -> None:
    written = Written(stream_id="a")
    frames = written.write(event_stream_reply(Pieces(sse(DELTA, DELTA), sse(DONE))))
    assert [frame["stream_id"] for frame in frames] == ["a"] * 3
    assert written.socket.writes == 2


def test_events_that_are_here_as_a_whole_are_written() -> None:
    assert Written().write(event_stream_reply(sse(DELTA, DONE))) == [DELTA, DONE]


def test_a_piece_without_a_whole_event_is_not_a_write() -> None:
    written = Written()
    data = sse(DONE)
    assert written.write(event_stream_reply(Pieces(data[:5], data[5:]))) == [DONE]
    assert written.socket.writes == 1


@pytest.mark.parametrize("is_piped", [True, False])
def test_an_error_reply_becomes_an_error_frame(*, is_piped: bool) -> None:
    error = {"message": "No.", "type": "t", "param": None, "code": "c"}
    body = msgspec.json.encode({"error": error})
    reply = json_reply(body, 429, [(b"retry-after", b"3")])
    if is_piped:
        reply.body = Pieces(body[:9], body[9:])
    (frame,) = Written(stream_id="a").write(reply)
    assert frame == {
        "type": "error",
        "status": 429,
        "error": {**error, "headers": {"retry-after": "3", "x-request-id": "req_1"}},
        "stream_id": "a",
    }


def test_an_error_reply_in_events_is_an_error_too() -> None:
    reply = event_stream_reply(Pieces(b"data: no\n\n"))
    reply.status = 500
    (frame,) = Written().write(reply)
    assert frame["status"] == 500


def test_an_error_of_the_gateway_is_written() -> None:
    written = Written()
    error = GatewayError("Oh.", status=503, code="c")
    asyncio.run(written.writer.write_error(error, written.decision))
    (frame,) = written.socket.frames
    assert (frame["status"], frame["error"]["code"]) == (503, "c")


def test_an_upstreams_id_is_that_of_the_turn() -> None:
    reply = json_reply(b"no", 500, [(b"x-request-id", b"req_upstream")])
    (frame,) = Written().write(reply)
    assert frame["error"]["headers"] == {"x-request-id": "req_upstream"}


@pytest.mark.parametrize("is_piped", [True, False])
def test_a_response_that_is_not_a_stream_becomes_one(*, is_piped: bool) -> None:
    written = Written()
    body = msgspec.json.encode(RESPONSE)
    reply = json_reply(body)
    if is_piped:
        reply.body = Pieces(body)
    frames = written.write(reply)
    assert [frame["type"] for frame in frames][:2] == ["response.created", "response.in_progress"]
    assert frames[-1]["response"] == RESPONSE
    assert written.turn.memory.recall("resp_1") is not None


@pytest.mark.parametrize("label", [b"application/json", b"text/plain", b"text/event-stream", None])
@pytest.mark.parametrize("is_piped", [True, False])
@pytest.mark.parametrize(
    "body", [sse(DELTA, DONE), b": hi\n\n" + sse(DELTA, DONE), b" " + msgspec.json.encode(RESPONSE)]
)
def test_the_label_of_a_body_does_not_matter(
    body: bytes, label: bytes | None, *, is_piped: bool
) -> None:
    written = Written()
    reply = json_reply(body)
    reply.headers = [] if label is None else [(b"content-type", label)]
    if is_piped:
        reply.body = Pieces(*(body[at : at + 1] for at in range(len(body))))
    frames = written.write(reply)
    assert frames[-1]["type"] == "response.completed"
    assert written.turn.memory.recall("resp_1") is not None


@pytest.mark.parametrize("label", [b"application/json", b"text/event-stream"])
@pytest.mark.parametrize("is_piped", [True, False])
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"error":{"message":"No.","type":"invalid_request_error"}}', 400),
        (b'{"error":"No."}', 502),
        (b'{"object":"error","message":"No.","code":404}', 404),
        (b'{"detail":"No."}', 502),
    ],
)
def test_an_error_in_place_of_a_response_keeps_its_words(
    body: bytes, status: int, label: bytes, *, is_piped: bool
) -> None:
    reply = json_reply(body)
    reply.headers = [(b"content-type", label)]
    if is_piped:
        reply.body = Pieces(body[:9], body[9:])
    (frame,) = Written(stream_id="a").write(reply)
    assert (frame["status"], frame["error"]["message"]) == (status, "No.")
    assert frame["stream_id"] == "a"


@pytest.mark.parametrize("body", [b"{}", b"words", b'{"output":[5]}', b'{"output":5}', b"[]"])
def test_anything_else_is_an_upstreams_error(body: bytes) -> None:
    written = Written()
    (frame,) = written.broken(json_reply(body))
    assert (frame["status"], frame["error"]["code"]) == (502, "upstream_error")
    assert written.turn.memory.recall("resp_1") is None


@pytest.mark.parametrize(
    ("reply", "field"),
    [({"output": [5]}, "output[0]"), ({"output": [{"type": "message"}]}, "output[0].id")],
)
def test_a_response_of_another_form_says_what_is_wrong(reply: Any, field: str) -> None:
    (frame,) = Written().broken(json_reply(msgspec.json.encode(reply)))
    assert f"'{field}' is not" in frame["error"]["message"]


def test_a_response_with_nulls_for_lists_is_one() -> None:
    item = {"id": "rs_1", "type": "reasoning", "summary": None, "content": None}
    frames = Written().write(json_reply(msgspec.json.encode({**RESPONSE, "output": [item]})))
    assert frames[-1]["type"] == "response.completed"
    assert frames[-1]["response"]["output"] == [item]


def test_a_response_that_goes_on_is_not_complete() -> None:
    (frame,) = Written().broken(json_reply(msgspec.json.encode({**RESPONSE, "status": "queued"})))
    assert frame["error"]["code"] == "upstream_stream_truncated"


@pytest.mark.parametrize("sent", [0, 1, 2])
def test_a_stream_that_breaks_ends_in_one_error(sent: int) -> None:
    written = Written()
    events = [DELTA, DELTA][:sent]
    frames = written.broken(streamed(*events, error=TruncatedStream("Cut.")))
    assert [frame["type"] for frame in frames] == [*(DELTA["type"] for _ in events), "error"]
    assert frames[-1]["status"] == 502


def test_after_the_last_event_a_broken_stream_is_nobodys_business() -> None:
    assert Written().broken(streamed(DONE, error=TruncatedStream("Cut."))) == [DONE]


def test_what_follows_the_last_event_is_not_sent() -> None:
    assert Written().write(streamed(DELTA, DONE, DELTA, DELTA)) == [DELTA, DONE]


def test_an_upstream_that_does_not_end_its_stream_is_not_waited_for() -> None:
    class Endless(Pieces):
        async def pipe(self, sink: Sink) -> None:
            await super().pipe(sink)
            await self.waits.wait()

    assert Written().write(event_stream_reply(Endless(sse(DONE)))) == [DONE]


@pytest.mark.parametrize(
    "reply",
    [json_reply(b"no", 500), event_stream_reply(sse(DONE)), ClientReply(200, [], Relayed(RAW))],
)
def test_a_turn_ends_once_its_client_reads(reply: ClientReply) -> None:
    async def run() -> None:
        written = Written()
        written.socket.is_slow = True
        writing = asyncio.create_task(written.writer.write(reply, written.decision))
        await settled()
        assert len(written.socket.messages) == 1
        assert written.writer.has_ended or isinstance(reply.body, Relayed)
        assert not writing.done()
        for _ in range(3):
            written.writer.resume()
            await settled()
        await writing
        written.writer.resume()

    asyncio.run(run())


def test_a_stream_that_just_ends_is_broken() -> None:
    frames = Written().broken(streamed(DELTA))
    assert frames[-1]["error"]["code"] == "upstream_stream_truncated"


def test_what_is_not_an_event_breaks_the_stream() -> None:
    reply = event_stream_reply(Pieces(b"data: words\n\n", sse(DONE)))
    (frame,) = Written().broken(reply)
    assert frame["error"]["code"] == "upstream_error"


def test_an_error_event_has_the_status_of_the_failure_behind_it() -> None:
    body = Pieces(sse({"type": "error", "message": "Oh.", "code": None, "param": None}))
    body.failed = UpstreamError("Oh.", status=503)
    (frame,) = Written().write(event_stream_reply(body))
    assert frame["status"] == 503


def test_the_body_waits_while_the_client_does_not_read() -> None:
    async def run() -> None:
        written = Written()
        written.writer.resume()  # nothing to go on with yet
        written.socket.is_slow = True
        body = Pieces(sse(DELTA), sse(DELTA), sse(DONE))
        reply = event_stream_reply(body)
        writing = asyncio.create_task(written.writer.write(reply, written.decision))
        for left in (2, 1):
            await settled()
            assert len(body.pieces) == left
            written.writer.resume()
        written.socket.is_slow = False
        written.writer.resume()
        await writing
        assert written.socket.types[-1] == "response.completed"

    asyncio.run(run())


async def settled() -> None:
    """Let everything run that can."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_a_report_says_what_header_fields_say_over_http() -> None:
    written = Written(reports=True, stream_id="a")
    written.decision.translation = "from=responses; to=chat"
    written.decision.cors = ((b"access-control-allow-origin", b"*"),)
    frames = written.write(streamed(DELTA, DONE))
    assert frames[0] == {
        "type": "gateway.report",
        "headers": {
            "x-gateway-upstream": "openai",
            "x-gateway-translation": "from=responses; to=chat",
            "x-request-id": "req_1",
        },
        "stream_id": "a",
    }
    assert len(frames) == 3
    whole = Written(reports=True).write(json_reply(b"no", 500))
    assert [frame["type"] for frame in whole] == ["gateway.report", "error"]


def test_frames_of_an_upstreams_socket_are_passed_on_and_the_last_is_remembered() -> None:
    frames = [msgspec.json.encode(event) for event in (DELTA, DONE)]
    written = Written()
    reply = ClientReply(200, [], Relayed(*frames))
    written.write(reply)
    assert written.socket.messages == frames
    assert written.turn.memory.recall("resp_1") is not None
    assert written.writer.first_at > 0


def test_an_error_of_an_upstreams_socket_is_passed_on_too() -> None:
    frame = b'{"type":"error","status":400,"error":{"message":"No."}}'
    written = Written()
    assert len(written.write(ClientReply(400, [], Relayed(frame)))) == 1
    assert written.socket.messages == [frame]


def test_an_upstreams_socket_that_ends_in_a_turn_is_an_error() -> None:
    body = Relayed(msgspec.json.encode(DELTA), error=TruncatedStream("Cut."))
    frames = Written().broken(ClientReply(200, [], body))
    assert [frame["type"] for frame in frames] == [DELTA["type"], "error"]


def test_an_error_from_outside_ends_a_turn_once() -> None:
    written = Written()
    written.writer.fail(GatewayError("Oh."))
    written.writer.fail(GatewayError("Oh."))
    assert written.socket.types == ["error"]
