"""Bytes of upstream streams in, the client's bytes out."""

import msgspec
import pytest

from gateway.errors import TruncatedStream, UpstreamError, UpstreamReplied
from gateway.exchange.calls import feeding
from gateway.exchange.calls.feeding import Feeder
from gateway.exchange.reply import reading
from gateway.shapes import Shape
from gateway.translate.contract import Context
from gateway.translate.plan import plan
from gateway.translate.renaming import Renaming
from gateway.translate.stream.sse import KEEPALIVE, SSEDecoder
from tests.exchange.calls.test_pump import GOOD, Folding, event, feeder_of

DONE = b"data: [DONE]\n\n"


def renaming(shape: Shape = Shape.CHAT) -> Feeder:
    """Return a feeder whose upstream speaks the client's shape."""
    context = Context(model_asked="m", model_sent="n")
    return Feeder(shape, shape, 1, Renaming(shape, {}, context).stream())


def test_events_are_folded_as_they_come() -> None:
    feeder = feeder_of(Folding())
    assert feeder.feed(0, GOOD[0][:9]) == b""
    assert feeder.feed(0, GOOD[0][9:]) == b'data: {"call":0,"n":1}\n\n'
    done = [feeder.done]
    assert feeder.feed(0, GOOD[1] + GOOD[2]) == b'data: {"call":0,"n":2}\n\ndata: {"end":true}\n\n'
    assert [*done, feeder.done] == [False, True]
    assert (feeder.ended(0), feeder.broken, feeder.finish(0)) == (True, False, b"")
    assert feeder.terminator() == DONE


def test_nothing_is_taken_after_an_error_and_what_came_before_it_is_sent() -> None:
    feeder = feeder_of(Folding(2))
    result = feeder.feed(0, GOOD[0] + event('{"error": {}}') + GOOD[1])
    assert result == b'data: {"call":0,"n":1}\n\n'
    assert feeder.broken
    assert feeder.done
    assert isinstance(feeder.take_error(), UpstreamReplied)
    assert feeder.take_error() is None


def test_a_stream_that_ends_too_early_is_truncated() -> None:
    feeder = feeder_of(Folding())
    feeder.feed(0, GOOD[0])
    assert feeder.finish(0) == b""
    assert isinstance(feeder.take_error(), TruncatedStream)


@pytest.mark.parametrize(
    ("error", "end"), [(TruncatedStream("cut"), b""), (UpstreamReplied("said so"), DONE)]
)
def test_only_an_error_of_the_upstream_itself_ends_like_a_stream(
    error: UpstreamError, end: bytes
) -> None:
    feeder = feeder_of(Folding())
    shown = feeder.fail(error)
    assert shown.startswith(b'data: {"error":')
    assert shown.endswith(end)
    assert shown.endswith(DONE) is bool(end)
    assert feeder.failure is not None
    assert feeder.fail(error) == b""


def test_an_error_that_is_passed_on_as_an_event_is_noted_and_not_repeated() -> None:
    feeder = renaming()
    feeder.feed(0, event('{"choices": [{"delta": {}}]}'))
    passed = event('{"error": {"message": "overloaded"}}')
    assert feeder.feed(0, passed).startswith(b'data: {"error":')
    assert feeder.failure is not None
    assert feeder.failure.message == "overloaded"
    assert feeder.fail(TruncatedStream("cut")) == b""


def test_a_stream_that_begins_with_an_error_says_which_call_and_what() -> None:
    feeder = renaming()
    feeder.feed(0, event('{"error": {"message": "no such model"}}'))
    assert feeder.opening_error == (0, b'{"error":{"message":"no such model"}}')


def test_an_error_in_no_envelope_counts_where_no_result_follows() -> None:
    feeder = renaming()
    feeder.feed(0, event('{"detail": "too many requests"}'))
    feeder.finish(0)
    error = feeder.take_error()
    assert isinstance(error, UpstreamError)
    assert "too many requests" in error.message


def test_json_that_stands_in_for_a_stream_is_one_event() -> None:
    feeder = feeder_of(Folding())
    feeder.label(0, events=False)
    whole = b'{"choices": [{"index": 0, "message": {"content": "Hi"}, "finish_reason": "stop"}]}'
    assert feeder.feed(0, whole[:30]) == feeder.feed(0, whole[30:]) == b""
    assert feeder.finish(0) == b'data: {"call":0,"n":null}\n\ndata: {"end":true}\n\n'


def test_json_that_is_not_a_reply_is_an_error() -> None:
    feeder = feeder_of(Folding())
    feeder.feed(0, b'{"object": "list"}')
    assert feeder.finish(0) == b""
    error = feeder.take_error()
    assert isinstance(error, UpstreamError)
    assert "JSON without 'choices'" in error.message


def test_what_is_kept_until_it_is_known_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_WHOLE_BYTES", 10)
    feeder = feeder_of(Folding())
    assert feeder.feed(0, b'{"choices": [') == b""
    assert "larger than 10 bytes" in str(feeder.take_error())


def test_a_call_that_satisfies_is_cut_short() -> None:
    feeder = feeder_of(Folding())
    feeder.feed(0, event('{"enough": true}'))
    assert feeder.cut_short(0)
    assert feeder.ended(0)


def test_an_event_that_is_too_long_is_an_error_even_where_the_stream_ends_in_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feeding, "SSEDecoder", lambda: SSEDecoder(max_event_bytes=60))
    feeder = feeder_of(Folding())
    begun = GOOD[0] + b'data: {"n": "' + b"x" * 60
    assert feeder.feed(0, begun) == b'data: {"call":0,"n":1}\n\n'
    assert not feeder.broken
    assert feeder.finish(0) == b""
    assert "more than 60 bytes" in str(feeder.take_error())
    assert feeder.done


def test_half_a_character_at_the_end_of_a_stream_is_sent_as_one_that_is_missing() -> None:
    feeder = renaming()
    half = event(r'{"choices": [{"index": 0, "delta": {"content": "a\ud83d"}}]}')
    assert feeder.feed(0, half) == b""
    assert "a\ufffd" in feeder.finish(0).decode()
    assert isinstance(feeder.take_error(), TruncatedStream)


@pytest.mark.parametrize(
    ("response", "tokens"),
    [("null", None), ('{"usage": {"input_tokens": 2, "output_tokens": 3}}', (2, 3))],
)
def test_a_terminal_event_ends_a_responses_stream_whatever_it_has(
    response: str, tokens: tuple[int, int] | None
) -> None:
    feeder = renaming(Shape.RESPONSES)
    feeder.feed(0, event(f'{{"type": "response.completed", "response": {response}}}'))
    assert feeder.done
    assert feeder.tokens == tokens


START = event('{"type":"message_start","message":{"usage":{"input_tokens":2,"output_tokens":1}}}')
CACHED = event(
    '{"type":"message_delta","delta":{"stop_reason":"end_turn"},'
    '"usage":{"output_tokens":9,"input_tokens":2,"cache_read_input_tokens":6}}'
)
OUTPUT = event('{"type":"message_delta","delta":{},"usage":{"output_tokens":9}}')
STOP = event('{"type":"message_stop"}')


@pytest.mark.parametrize(
    ("events", "tokens"),
    [
        ((START,), (2, 1)),
        ((START, OUTPUT, STOP), (2, 9)),
        ((START, CACHED, STOP), (8, 9)),
        ((event('{"type":"message_start","message":{}}'), OUTPUT), (None, 9)),
        ((event('{"type":"message_start"}'),), None),
    ],
)
def test_the_tokens_of_a_messages_stream_are_those_that_came_last(
    events: tuple[bytes, ...], tokens: tuple[int | None, int] | None
) -> None:
    feeder = renaming(Shape.MESSAGES)
    for each in events:
        feeder.feed(0, each)
    assert feeder.tokens == tokens
    assert feeder.done is (events[-1] == STOP)
    assert feeder.terminator() == b""


def test_a_silent_messages_stream_is_pinged_from_its_beginning_to_its_end() -> None:
    context = Context(model_asked="m", model_sent="n")
    asked = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
    translation = plan(Shape.MESSAGES, Shape.CHAT, asked, context)
    feeder = Feeder(Shape.MESSAGES, Shape.CHAT, 1, translation.stream())
    assert feeder.keep_alive() == KEEPALIVE
    begun = feeder.feed(0, event('{"choices":[{"index":0,"delta":{"content":"Hi"}}]}'))
    assert begun.startswith(b"event: message_start\ndata: ")
    assert feeder.keep_alive() == b'event: ping\ndata: {"type":"ping"}\n\n'
    feeder.feed(0, event('{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}') + DONE)
    assert feeder.keep_alive() == KEEPALIVE
    assert renaming().keep_alive() == KEEPALIVE


def test_an_error_ends_a_messages_stream_as_anthropics_does() -> None:
    feeder = renaming(Shape.MESSAGES)
    feeder.feed(0, START)
    shown = feeder.fail(TruncatedStream("cut"))
    assert shown.startswith(b'event: error\ndata: {"type":"error","error":{"type":"api_error"')
    assert b"[DONE]" not in shown


@pytest.mark.parametrize("shape", [Shape.CHAT, Shape.COMPLETIONS])
def test_a_whole_reply_in_place_of_a_stream_is_counted(shape: Shape) -> None:
    choice = {"index": 0, "text": "Hi", "message": {"content": "Hi"}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 8, "completion_tokens": 9}
    feeder = renaming(shape)
    feeder.feed(0, msgspec.json.encode({"choices": [choice], "usage": usage}))
    assert b'"usage"' not in feeder.finish(0), "nobody has asked for it"
    assert feeder.tokens == (8, 9)
