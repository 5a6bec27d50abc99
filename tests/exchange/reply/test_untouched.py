"""Bodies that are passed on as they come, and what is added to those that break off."""

import asyncio
import gzip
import zlib
from collections.abc import Callable, Sequence

import msgspec
import pytest

from gateway.errors import ShuttingDown, TruncatedStream
from gateway.exchange.reply.body import ReplyBody
from gateway.exchange.reply.untouched import passed_on
from gateway.exchange.usage import TAIL
from gateway.replies import BufferedReply
from gateway.shapes import RawHeaders, Shape
from gateway.translate.stream.sse import SSEDecoder
from tests.bodies import read_out
from tests.fakes import EVENT_STREAM, JSON, FakeReply

BROKEN = TruncatedStream("it broke off")
EVENT = b'event: response.x\r\ndata: {"type":"response.x","sequence_number":4}\r\n\r\n'
DELTA = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0}\n\n'
PLAIN = b'data: {"choices":[]}\n\n'


def body_of(reply: FakeReply, client: Shape | None) -> ReplyBody:
    body = passed_on(reply, client).body
    assert isinstance(body, ReplyBody)
    return body


async def drained(body: ReplyBody, *, piped: bool = True) -> bytes:
    assert body.failure is None
    if piped:
        return await read_out(body)
    received = [piece async for piece in body]
    await body.aclose()
    return b"".join(received)


async def read(reply: FakeReply, client: Shape | None, *, piped: bool) -> bytes:
    body = body_of(reply, client)
    received = await drained(body, piped=piped)
    assert body.failure is reply.error
    return received


@pytest.mark.parametrize("piped", [False, True])
@pytest.mark.parametrize("bytewise", [False, True])
@pytest.mark.parametrize(
    ("client", "event"),
    [(Shape.RESPONSES, EVENT), (Shape.CHAT, PLAIN), (None, PLAIN), (Shape.MESSAGES, DELTA)],
)
def test_the_error_is_an_event_of_its_own_wherever_the_stream_breaks(
    client: Shape | None, event: bytes, *, bytewise: bool, piped: bool
) -> None:
    for length in range(2 * len(event) + 1):
        sent = (event * 2)[:length]
        pieces: Sequence[bytes] = [bytes([byte]) for byte in sent] if bytewise else [sent]
        reply = FakeReply(200, EVENT_STREAM, pieces if sent else (), BROKEN)
        received = asyncio.run(read(reply, client, piped=piped))
        # An event that lacks only its end is one.
        whole = (length + len(event) - len(event.rstrip())) // len(event)
        decoder = SSEDecoder()
        *events, last = (*decoder.feed(received), *decoder.finish())
        assert len(events) == whole
        assert all(each.data in event for each in events)
        result = msgspec.json.decode(last.data)
        assert result["error"]["message"] == "it broke off"
        assert b"[DONE]" not in received
        if client is Shape.RESPONSES:
            assert last.event == result["type"] == "error"
            assert result["sequence_number"] == (5 if whole else 0)
        else:
            assert result.keys() - {"type"} == {"error"}
        if client is Shape.MESSAGES:
            assert last.event == result["type"] == "error"
            assert result["error"]["type"] == "api_error"
        if length % len(event) == 0:
            # Between two events: without a blank line, which openai-go takes for an event.
            assert received.removeprefix(sent).startswith((b"data", b"event"))


@pytest.mark.parametrize("piped", [False, True])
@pytest.mark.parametrize(
    ("rest", "passed"),
    [
        (b"data: [DONE]", True),
        (b"data: Hel", True),
        (b": wait", True),
        (b'data: {"choices"', False),
        (b"data: [DO", False),
    ],
)
def test_a_body_that_ends_in_mid_event_did_not_end(
    rest: bytes, *, passed: bool, piped: bool
) -> None:
    # As one does that has no framing, and whose connection broke off.
    reply = FakeReply(200, EVENT_STREAM, (PLAIN, rest))
    body = body_of(reply, Shape.CHAT)
    received = asyncio.run(drained(body))
    assert received.startswith(PLAIN + rest if passed else PLAIN + b'data: {"error":')
    assert (body.failure is None) is passed
    if body.failure is not None:
        assert body.failure.code == "upstream_stream_truncated"
        assert body.failure.message in received.decode()


@pytest.mark.parametrize("rest", [b"event: x", b"event: x\ndata", b"data:", b"data: ", b": wai"])
@pytest.mark.parametrize("client", list(Shape))
def test_the_error_does_not_follow_the_beginning_of_an_event(client: Shape, rest: bytes) -> None:
    # openai-python would decode an event whose data is empty, and fail.
    begun = BEGUN[client]
    received = asyncio.run(drained(body_of(FakeReply(200, EVENT_STREAM, (begun, rest)), client)))
    assert received.startswith(begun)
    assert received.removeprefix(begun).startswith((b"event: error\n", b'data: {"error":'))


@pytest.mark.parametrize("comment", [b": wait\n\n", b": wait\n", b":\n\n", b": wait\r\n\r\n"])
@pytest.mark.parametrize("count", [1, 5, 50])
@pytest.mark.parametrize(
    ("client", "event"), [(Shape.RESPONSES, EVENT), (None, EVENT), (None, PLAIN)]
)
def test_the_error_is_that_of_the_events_before_comments(
    client: Shape | None, event: bytes, comment: bytes, count: int
) -> None:
    reply = FakeReply(200, EVENT_STREAM, (event, *[comment] * count), BROKEN)
    received = asyncio.run(read(reply, client, piped=True))
    assert received.startswith(event + comment * count)
    *_, last = SSEDecoder().feed(received)
    assert last.event == ("error" if event is EVENT else "")
    assert msgspec.json.decode(last.data).get("sequence_number") == (5 if client else None)


@pytest.mark.parametrize("piped", [False, True])
@pytest.mark.parametrize(
    "headers",
    [
        ((b"content-type", b"application/json"),),
        (*EVENT_STREAM, (b"content-length", b"100")),
        (*EVENT_STREAM, (b"content-encoding", b"gzip")),
    ],
)
def test_what_cannot_be_added_to_passes_as_it_comes_and_breaks_off(
    headers: RawHeaders, *, piped: bool
) -> None:
    reply = FakeReply(200, headers, (b"data: {", b"x"), BROKEN)
    with pytest.raises(TruncatedStream):
        asyncio.run(drained(body_of(reply, Shape.CHAT), piped=piped))
    whole = FakeReply(200, headers, (b"data: {", b"x"))
    assert asyncio.run(drained(body_of(whole, Shape.CHAT), piped=piped)) == b"data: {x"


COMPLETE = {
    Shape.COMPLETIONS: b'data: {"choices":[{"index":0,"text":"a","finish_reason":"length"}]}\n\n',
    Shape.CHAT: b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n',
    Shape.RESPONSES: b'event: response.completed\ndata: {"type":"response.completed"}\n\n',
    Shape.MESSAGES: b'event: message_stop\ndata: {"type":"message_stop"}\n\n',
}
BEGUN = {
    Shape.COMPLETIONS: b'data: {"choices":[{"index":0,"text":"a","finish_reason":null}]}\n\n',
    Shape.CHAT: b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n',
    Shape.RESPONSES: EVENT,
    Shape.MESSAGES: b'event: ping\ndata: {"type":"ping"}\n\n',
}
NAMED = (Shape.RESPONSES, Shape.MESSAGES)
"""The shapes whose streams end with an event."""


@pytest.mark.parametrize("piped", [False, True])
@pytest.mark.parametrize("client", list(Shape))
def test_one_that_ends_before_its_reply_is_complete_gets_an_error(
    client: Shape, *, piped: bool
) -> None:
    begun = BEGUN[client]
    body = body_of(FakeReply(200, EVENT_STREAM, (begun, begun[:-1])), client)
    received = asyncio.run(drained(body, piped=piped))
    rest = received.removeprefix(begun + begun.rstrip())
    assert received.startswith(begun + begun.rstrip())
    assert body.failure is not None
    assert body.failure.code == "upstream_stream_truncated"
    assert b"[DONE]" not in received
    (result,) = SSEDecoder().feed(rest.lstrip())
    assert msgspec.json.decode(result.data)["error"]["message"] == body.failure.message
    assert (result.event == "error") is (client in NAMED)


@pytest.mark.parametrize("piped", [False, True])
@pytest.mark.parametrize("client", list(Shape))
def test_one_whose_reply_is_complete_is_not_added_to(client: Shape, *, piped: bool) -> None:
    sent = (BEGUN[client], COMPLETE[client])
    body = body_of(FakeReply(200, EVENT_STREAM, sent), client)
    assert asyncio.run(drained(body, piped=piped)) == b"".join(sent)
    assert body.failure is None


@pytest.mark.parametrize("piped", [False, True])
@pytest.mark.parametrize("client", [*Shape, None])
def test_after_the_terminator_it_does_not_matter_how_the_connection_ends(
    client: Shape | None, *, piped: bool
) -> None:
    end = COMPLETE[client] if client in NAMED else b"data: [DONE]\n\n"
    sent = (BEGUN[client or Shape.CHAT], end)
    body = body_of(FakeReply(200, EVENT_STREAM, sent, BROKEN), client)
    assert asyncio.run(drained(body, piped=piped)) == b"".join(sent)
    assert body.failure is None


def test_a_stream_whose_coding_is_none_can_be_added_to() -> None:
    headers = (*EVENT_STREAM, (b"content-encoding", b"Identity"))
    body = body_of(FakeReply(200, headers, (PLAIN, b"data: {"), BROKEN), Shape.CHAT)
    assert asyncio.run(drained(body)).startswith(PLAIN + b'data: {"error":')


def test_a_body_that_comes_whole_is_not_added_to() -> None:
    for piped in (False, True):
        body = body_of(FakeReply(200, EVENT_STREAM, (PLAIN,)), Shape.CHAT)
        assert asyncio.run(drained(body, piped=piped)) == PLAIN


START = (
    b'event: message_start\ndata: {"type":"message_start","message":{"usage":'
    b'{"cache_read_input_tokens":13,"input_tokens":1,"output_tokens":0}}}\n\n'
)
END = (
    b'event: message_delta\ndata: {"type":"message_delta","usage":{"output_tokens":4}}\n\n'
    b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
)


@pytest.mark.alone
@pytest.mark.parametrize(
    ("size", "deltas"), [(1, 4 * TAIL // len(DELTA)), (7, TAIL), (100_000, TAIL)]
)
def test_a_messages_stream_counts_its_prompt_at_its_beginning(size: int, deltas: int) -> None:
    whole = START + DELTA * deltas + END
    pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
    body = body_of(FakeReply(200, EVENT_STREAM, pieces), Shape.MESSAGES)
    assert asyncio.run(drained(body)) == whole
    assert body.tokens == (14, 4)
    of_chat = body_of(FakeReply(200, EVENT_STREAM, pieces), Shape.CHAT)
    asyncio.run(drained(of_chat))
    assert of_chat.tokens == (None, 4)


@pytest.mark.parametrize("size", [7, 700, 100_000])
@pytest.mark.parametrize("place", [0, 1, 2 * TAIL])
@pytest.mark.parametrize(("client", "counted"), [(Shape.CHAT, False), (None, True), (None, False)])
def test_a_whole_reply_is_counted_by_its_beginning_or_its_end(
    size: int, place: int, client: Shape | None, *, counted: bool
) -> None:
    whole = b'{"a":"%b","usage":{"prompt_tokens":8,"completion_tokens":9},"b":"%b"}' % (
        b"x" * place,
        b"x" * (2 * TAIL - place),
    )
    pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
    body = passed_on(FakeReply(200, JSON, pieces), client, counted=counted).body
    assert isinstance(body, ReplyBody)
    assert asyncio.run(drained(body)) == whole
    assert body.tokens == ((8, 9) if client or counted else None)


@pytest.mark.parametrize("size", [7, 100_000])
@pytest.mark.parametrize("deltas", [0, 1, 200])
@pytest.mark.parametrize("announced", [False, True])
def test_so_does_a_short_one_and_one_with_a_length(
    size: int, deltas: int, *, announced: bool
) -> None:
    whole = START + DELTA * deltas + END
    pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
    length: RawHeaders = ((b"content-length", b"%d" % len(whole)),) if announced else ()
    body = body_of(FakeReply(200, (*EVENT_STREAM, *length), pieces), Shape.MESSAGES)
    assert asyncio.run(drained(body)) == whole
    assert body.tokens == (14, 4)


@pytest.mark.parametrize("piped", [False, True])
@pytest.mark.parametrize("bytewise", [False, True])
@pytest.mark.parametrize("end", [b"", b"data: [DONE]\n\n"])
def test_events_of_messages_get_the_names_they_lack(
    end: bytes, *, bytewise: bool, piped: bool
) -> None:
    named = START + END + end
    sent = named.replace(b"event: message_start\n", b"").replace(b"event: message_delta\n", b"")
    sent = sent.replace(b"event: message_stop\n", b"")
    pieces = [bytes([byte]) for byte in sent] if bytewise else [sent]
    reply = FakeReply(200, EVENT_STREAM, pieces, None)
    assert asyncio.run(read(reply, Shape.MESSAGES, piped=piped)) == named
    for other in (Shape.RESPONSES, None):
        body = body_of(FakeReply(200, EVENT_STREAM, pieces, None), other)
        assert asyncio.run(drained(body, piped=piped)).startswith(sent)
    if not bytewise:
        whole = passed_on(BufferedReply(200, EVENT_STREAM, sent), Shape.MESSAGES).body
        assert isinstance(whole, ReplyBody)
        assert asyncio.run(drained(whole, piped=piped)) == named


def nameless(stream: bytes) -> bytes:
    return b"".join(
        line for line in stream.splitlines(keepends=True) if not line.startswith(b"event:")
    )


PACKED: dict[bytes, Callable[..., bytes]] = {
    b"": bytes,
    b"gzip": gzip.compress,
    b"deflate": zlib.compress,
}


@pytest.mark.parametrize("size", [60, 100_000])
@pytest.mark.parametrize("coding", PACKED)
@pytest.mark.parametrize("stream", [nameless(START + END), START + END])
def test_names_are_added_whatever_the_length_or_the_coding(
    stream: bytes, coding: bytes, size: int
) -> None:
    """The head says of such a stream what is true of the one with names."""
    packed = PACKED[coding](stream)
    described = ((b"content-encoding", coding),) if coding else ()
    head = (*EVENT_STREAM, (b"content-length", b"%d" % len(packed)), *described)
    pieces = [packed[at : at + size] for at in range(0, len(packed), size)]
    is_changed = stream.startswith(b"data:")

    async def scenario() -> None:
        arriving = FakeReply(200, head, pieces)
        assert await arriving.more(1)
        for reply in (arriving, BufferedReply(200, head, packed)):
            passed = passed_on(reply, Shape.MESSAGES)
            assert isinstance(passed.body, ReplyBody)
            assert passed.headers == (EVENT_STREAM if is_changed else head)
            assert await drained(passed.body) == (START + END if is_changed else packed)

    asyncio.run(scenario())


@pytest.mark.parametrize("coding", [b"br", b"gzip"])
def test_a_coding_that_cannot_be_read_passes_as_it_comes(coding: bytes) -> None:
    head = (*EVENT_STREAM, (b"content-encoding", coding))
    for packed in (b"\x1f\x8b" + b"x" * 99, b"\x1f"):
        passed = passed_on(BufferedReply(200, head, packed), Shape.MESSAGES)
        assert isinstance(passed.body, ReplyBody)
        assert passed.headers == head
        assert asyncio.run(drained(passed.body)) == packed


@pytest.mark.parametrize("size", [1000, 100_000, 2_000_000])
def test_a_long_event_gets_its_name_too_and_so_do_those_behind_it(size: int) -> None:
    long = b'event: x_y\ndata: {"type": "x_y","a":"' + b"data: " * 100_000 + b'"}\n\n'
    named = START + long + DELTA * 9 + long + END
    sent = nameless(named)
    pieces = [sent[at : at + size] for at in range(0, len(sent), size)]
    reply = FakeReply(200, EVENT_STREAM, pieces, None)
    assert asyncio.run(read(reply, Shape.MESSAGES, piped=True)) == named


def test_so_does_the_last_one_before_a_stream_breaks_off() -> None:
    stop = b'data: {"type":"message_stop"}'
    reply = FakeReply(200, EVENT_STREAM, (START.split(b"\n", 1)[1] + stop,), BROKEN)
    received = asyncio.run(drained(body_of(reply, Shape.MESSAGES)))
    assert received == START + b"event: message_stop\n" + stop


@pytest.mark.parametrize("client", [*Shape, None])
def test_a_stream_that_is_cut_off_ends_in_the_error(client: Shape | None) -> None:
    body = body_of(FakeReply(200, EVENT_STREAM, (PLAIN,)), client)
    end = body.cut_off(ShuttingDown("stopping"))
    assert end is not None
    (last,) = SSEDecoder().feed(end)
    assert msgspec.json.decode(last.data)["error"]["message"] == "stopping"
    assert isinstance(body.failure, ShuttingDown)


@pytest.mark.parametrize(
    ("client", "last", "is_complete"),
    [
        (Shape.CHAT, b"data: [DONE]\n\n", True),
        (Shape.CHAT, PLAIN, False),
        (Shape.COMPLETIONS, b"data: [DONE]\n\n: ping\n\n", True),
        (Shape.RESPONSES, b'data: {"type":"response.completed"}\n\n', True),
        (Shape.RESPONSES, EVENT, False),
        (Shape.MESSAGES, b'event: message_stop\ndata: {"type":"message_stop"}\n\n', True),
        (Shape.MESSAGES, DELTA, False),
        (None, PLAIN, False),
    ],
)
def test_a_stream_is_complete_once_its_last_event_has_passed(
    client: Shape | None, last: bytes, *, is_complete: bool
) -> None:
    body = body_of(FakeReply(200, EVENT_STREAM, (last,)), client)
    seen: list[bool] = []

    def sink(_: bytes) -> bool:
        seen.append(body.is_complete)
        return True

    assert not body.is_complete
    asyncio.run(body.pipe(sink))
    assert seen[0] is is_complete


def test_nothing_is_added_to_what_is_not_a_stream_of_events() -> None:
    body = body_of(FakeReply(200, ((b"content-type", b"audio/mpeg"),), (b"x",)), None)
    assert body.cut_off(ShuttingDown("stopping")) is None
    assert body.failure is None
    assert not body.is_complete
