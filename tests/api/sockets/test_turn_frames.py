"""Event streams as frames, however they arrive."""

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.sockets.turn_frames import TurnFrames
from gateway.errors import GatewayError, TruncatedStream, UpstreamError
from gateway.exchange.decision import Decision
from gateway.exchange.remembered.memory import ConnectionMemory, Remembered
from gateway.exchange.remembered.turns import Turn
from gateway.exchange.reply.reading import Allowance
from gateway.shapes import Json, Shape
from gateway.translate.stream.sse import KEEPALIVE, encode_events
from tests.api.sockets.test_turn_writer import Relayed

ITEM: Json = {"type": "message", "id": "msg_1", "role": "assistant", "content": []}
RESPONSE: Json = {"id": "resp_1", "status": "completed", "output": [ITEM], "store": False}


def begun(**more: Any) -> Json:
    response = {**RESPONSE, "output": [], "status": "in_progress", **more}
    return {"type": "response.created", "sequence_number": 0, "response": response}


def delta(text: str) -> Json:
    return {"type": "response.output_text.delta", "delta": text}


def ended(kind: str = "completed", **more: Any) -> Json:
    return {"type": f"response.{kind}", "response": {**RESPONSE, "status": kind, **more}}


EVENTS: list[Json] = [
    begun(),
    delta("Hé"),
    delta("\u2028l\nlo"),
    {"type": "response.output_item.done", "item": ITEM},
    ended(),
]


def turn(**fields: Any) -> Turn:
    encoded = {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in fields.items()}
    previous = fields.get("previous_response_id")
    return Turn(encoded, previous, ConnectionMemory(10_000, 10))


def frames_of(
    pieces: Iterable[bytes], stream_id: str | None = None, of: Turn | None = None
) -> list[bytes]:
    frames = TurnFrames(of or turn(), stream_id)
    made = [frame for piece in pieces for frame in frames.feed(piece)]
    return made + frames.finish()


def read(frames: Iterable[bytes]) -> list[Any]:
    return [msgspec.json.decode(frame) for frame in frames]


def stream(*events: Json) -> bytes:
    return encode_events(Shape.RESPONSES, events)


def remembered(of: Turn, response_id: str = "resp_1") -> Remembered:
    found = of.memory.recall(response_id)
    assert found is not None
    return found


def items(found: Remembered) -> list[Any]:
    return [msgspec.json.decode(item.raw) for s in found.segments for item in s.items]


def test_each_event_is_a_frame_as_it_came() -> None:
    assert frames_of([stream(*EVENTS)]) == [msgspec.json.encode(event) for event in EVENTS]


def test_frames_have_the_stream_of_the_create_at_their_end() -> None:
    frames = frames_of([stream(*EVENTS)], 'a"b')
    assert read(frames) == [{**event, "stream_id": 'a"b'} for event in EVENTS]
    assert all(frame.startswith(b'{"type":') for frame in frames)


WRITTEN = (
    stream(*EVENTS),
    b"event: keepalive\ndata: 12:30\n\n".join([b"", stream(*EVENTS[:2]), stream(*EVENTS[2:])]),
    stream(*EVENTS).replace(b"\n", b"\r\n"),
    KEEPALIVE + stream(*EVENTS[:2]) + KEEPALIVE + stream(*EVENTS[2:]) + b"data: [DONE]\n\n",
    b"".join(b"data: %b\n\n" % msgspec.json.encode(event) for event in EVENTS),
    b"".join(
        b"data:%b\n\n" % msgspec.json.format(msgspec.json.encode(e)).replace(b"\n", b"\ndata: ")
        for e in EVENTS
    ),
    stream(*EVENTS).rstrip(b"\n"),
)


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("stream_id", [None, "a"])
def test_it_does_not_matter_how_a_stream_is_written_and_split(
    written: bytes, stream_id: str | None
) -> None:
    more = {} if stream_id is None else {"stream_id": stream_id}
    expected = [{**event, **more} for event in EVENTS]
    for at in range(len(written) + 1):
        assert read(frames_of([written[:at], written[at:]], stream_id)) == expected
    assert read(frames_of([written[i : i + 1] for i in range(len(written))], stream_id)) == expected


@given(st.lists(st.integers(0, len(WRITTEN[2])), max_size=8))
def test_several_cuts_do_not_matter_either(cuts: list[int]) -> None:
    written = WRITTEN[2]
    edges = sorted({0, *cuts, len(written)})
    pieces = [written[a:b] for a, b in pairwise(edges)]
    assert read(frames_of(pieces)) == EVENTS


@pytest.mark.parametrize(
    "written",
    [
        b'event: x.delta\ndata: {"type":\ndata: "x"}\n\n',
        b'event: a\nevent: x.delta\ndata: {"type": "x"}\n\n',
        b'event: x.delta\nid: 5\ndata: {"type": "x"}\n\n',
        b'event: x.delta\ndata: {"type": "x"}\nid: 5\n\n',
        b'event: x.delta\r\ndata: {"type": "x"}\r\n\r\nevent: x.delta\ndata: {"type": "x"}\n\n',
        b'event: x.delta\ndata: {"type": "x"}\n\n\n\nevent: x.delta\ndata: {"type": "x"}\n\n',
    ],
)
def test_deltas_may_be_written_in_uncommon_ways(written: bytes) -> None:
    frames = read(frames_of([written, written, stream(ended())]))
    assert {frame["type"] for frame in frames[:-1]} == {"x"}
    assert len(frames) == 2 * written.count(b"x.delta") + 1


LINES = st.sampled_from(
    [
        *(b"event: x.delta\n", b"event: x.delta\r\n", b"event:x.delta\n", b"event: x.done\n"),
        *(b'data: {"type":"x.delta","delta":"\xc3\xa9"}\n', b'data:{"type":"y"}\n'),
        *(b'data: {"type":"z","error":null}\n', b'data: {"type":"z",\n', b'data: "a":"}"}\n'),
        *(b": keepalive\n", b"id: 5\n", b"\n", b"\n", b"\n", b"\r\n"),
        b'data: {"type":"response.incomplete","response":{"id":"resp_1","output":[]}}\n',
        *(b"data: [DONE]\n", b'data: {"type":"error","message":"Oh."}\n'),
    ]
)


@given(st.lists(st.lists(LINES, max_size=6), max_size=4), st.sampled_from([None, "a"]))
def test_the_shortcut_gives_what_the_decoder_gives(
    written: list[list[bytes]], stream_id: str | None
) -> None:
    short, decoding = TurnFrames(turn(), stream_id), TurnFrames(turn(), stream_id)
    for lines in written:
        piece = b"".join(lines)
        decoding._is_between = False
        assert short.feed(piece) == decoding.feed(piece)
        assert short.ended == decoding.ended
    assert short.finish() == decoding.finish()


def test_invalid_text_becomes_valid() -> None:
    data = b'{"type":"response.output_text.delta","delta":"\xff"}'
    pieces = [b"event: response.output_text.delta\ndata: %b\n\n" % data, b"data: %b\n\n" % data]
    frames = frames_of([*pieces, stream(ended())])
    assert [frame["delta"] for frame in read(frames[:2])] == ["\ufffd", "\ufffd"]


@pytest.mark.parametrize("status", ["completed", "failed"])
def test_the_end_of_a_response_has_its_documented_type(status: str) -> None:
    asked = turn(input=[])
    done = {**ended(status), "type": "response.done"}
    (frame,) = frames_of([stream(done)], of=asked)
    assert read([frame]) == [ended(status)]
    noted = turn(input=[])
    TurnFrames(noted, None).note_end(Relayed(msgspec.json.encode(done)))
    for each in (asked, noted):
        assert (each.memory.recall("resp_1") is None) is (status == "failed")


FAILED: Json = {"code": "server_error", "message": "busy"}
ERRORS: list[Json] = [
    {"type": "error", "sequence_number": 1, "param": None, **FAILED},
    {"error": FAILED},
    ended("failed", error=FAILED),
]


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("came", ["events", "whole", "relayed", "known"])
def test_an_error_of_a_turn_that_is_passed_on_is_noted_once(error: Json, came: str) -> None:
    frames = TurnFrames(turn(), None)
    frames.decision = Decision(upstream="up")
    if came == "known":
        frames.decision.failed("up", UpstreamError("busy"), final=True)
    if came == "relayed":
        frames.note_end(Relayed(msgspec.json.encode(error)))
    elif came == "whole" and "response" not in error:
        frames.label(events=False)
        assert [*frames.feed(msgspec.json.encode(error)), *frames.finish()]
    else:
        assert len(frames.feed(stream(begun(), error))) == 2
    assert [failure.message for failure in frames.decision.failures] == ["busy"]
    assert frames.decision.has_failed


def test_a_turn_that_ends_well_has_no_failure() -> None:
    frames = TurnFrames(turn(), None)
    frames.feed(stream(*EVENTS))
    frames.note_end(Relayed(msgspec.json.encode(ended())))
    assert not frames.decision.has_failed


def test_after_the_last_event_nothing_follows() -> None:
    frames = frames_of([stream(ended("failed"), delta("x")), stream(begun())])
    assert read(frames) == [ended("failed")]


def test_a_response_is_remembered_with_the_input_before_it() -> None:
    asked = turn(input="Hi")
    frames_of([stream(begun(), ended())], of=asked)
    message = {"type": "message", "role": "user", "content": "Hi"}
    assert items(remembered(asked)) == [message, ITEM]


@pytest.mark.parametrize("output", [{"output": []}, {"output": None}])
def test_items_that_came_in_their_own_events_are_remembered_too(output: Json) -> None:
    asked = turn(input=[])
    done = {"type": "response.output_item.done", "item": ITEM}
    frames_of([stream(begun(), done, ended("incomplete", **output))], of=asked)
    assert items(remembered(asked)) == [ITEM]


@pytest.mark.parametrize(
    "last",
    [
        ended("failed"),
        ended("cancelled"),
        ended(id=None),
        ended(output={"no": "list"}),
        {"type": "response.completed", "response": None},
        {"type": "error", "message": "Oh."},
    ],
)
def test_what_cannot_be_continued_is_not_remembered(last: Json) -> None:
    asked = turn(input="Hi")
    frames_of([stream(begun(), last)], of=asked)
    assert asked.memory.recall("resp_1") is None


def test_where_a_response_is_stored_is_remembered() -> None:
    asked = turn(input="Hi")
    frames = TurnFrames(asked, None)
    frames.decision = Decision(upstream="openai", shape=Shape.RESPONSES, model_asked="m")
    frames.feed(stream(ended(store=True)))
    assert remembered(asked).kept_at == ("openai", Shape.RESPONSES)
    assert remembered(asked).model == "m"


def test_the_client_sees_the_response_that_it_continues() -> None:
    asked = turn(input="Hi", previous_response_id="resp_0")
    asked.shown = "resp_0"
    events = [begun(previous_response_id=None), delta("x"), ended()]
    frames = read(frames_of([stream(*events)], "a", asked))
    shown = [frame["response"]["previous_response_id"] for frame in frames if "response" in frame]
    assert shown == ["resp_0", "resp_0"]
    assert [frame["stream_id"] for frame in frames] == ["a"] * 3
    assert frames[0]["type"] == "response.created"


def test_a_flat_error_becomes_the_sockets() -> None:
    frames = TurnFrames(turn(), None)
    frames.decision = Decision(id_line=b"x-request-id: req_1\r\n")
    error = {"type": "error", "code": "server_error", "message": "Oh.", "param": None}
    (frame,) = read(frames.feed(stream(error)))
    assert (frame["status"], frame["error"]["message"]) == (502, "Oh.")
    assert frame["error"]["headers"] == {"x-request-id": "req_1"}
    assert (frames.ended, frames.broken) == (True, None)
    assert frames.finish() == []


def worded(upstream: str, error: GatewayError) -> GatewayError:
    """Word what refuses the key of an upstream."""
    own = UpstreamError(f"{upstream} refused the key.", code="upstream_auth_error")
    return own if error.code == "invalid_api_key" else error


@pytest.mark.parametrize("is_begun", [True, False])
@pytest.mark.parametrize(
    "error",
    [
        {"type": "error", "code": "invalid_api_key", "message": "sk-own"},
        {"type": "error", "error": {"code": "invalid_api_key", "message": "sk-own"}},
        {"error": {"code": "invalid_api_key", "message": "sk-own"}},
        ended("failed", error={"code": "invalid_api_key", "message": "sk-own"}),
    ],
)
def test_errors_come_in_the_gateways_words_where_it_has_some(
    error: Json, *, is_begun: bool
) -> None:
    frames = TurnFrames(turn(), "a", worded)
    frames.decision = Decision(upstream="openai", id_line=b"x-request-id: req_1\r\n")
    data = b"data: %b\n\n" % msgspec.json.encode(error)
    *before, frame = read(frames.feed(stream(begun()) * is_begun + data + stream(ended())))
    assert len(before) == is_begun
    assert frame["error"]["message"] == "openai refused the key."
    assert frame["error"]["headers"] == {"x-request-id": "req_1"}
    assert (frame["status"], frame["stream_id"]) == (502, "a")
    assert frames.broken is not None
    assert frames.finish() == []


def test_other_errors_keep_their_words() -> None:
    frames = TurnFrames(turn(), None, worded)
    failed = ended("failed", error={"code": "server_error", "message": "Oh."})
    assert read(frames.feed(stream(failed))) == [failed]
    assert (frames.ended, frames.broken) == (True, None)


def test_so_does_one_that_comes_in_place_of_a_response() -> None:
    for code, shown in (("invalid_api_key", " refused the key."), ("server_error", "sk-own")):
        frames = TurnFrames(turn(), None, worded)
        body = msgspec.json.encode({"error": {"code": code, "message": "sk-own"}})
        (frame,) = read([*frames.feed(body), *frames.finish()])
        assert frame["error"]["message"] == shown


def test_an_error_without_a_type_is_one() -> None:
    frames = frames_of([b'data: {"error": {"message": "Oh.", "type": "t"}}\n\n'])
    assert [frame["error"]["message"] for frame in read(frames)] == ["Oh."]


def test_a_null_beside_other_fields_is_none() -> None:
    assert read(frames_of([b'data: {"error": null}\n\n', stream(ended())]))[0] == {"error": None}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        *((b"", data) for data in (b"words", b"[1]", b'{"type": 5}', b'{"type":"x"', b"{}}")),
        *(
            (b"event: response.x.delta\n", data)
            for data in (b"words", b"[1]", b'{"type":"x"', b"{}}")
        ),
    ],
)
def test_what_is_not_an_event_ends_the_turn(name: bytes, data: bytes) -> None:
    frames = TurnFrames(turn(), "a")
    made = read(frames.feed(stream(begun()) + name + b"data: " + data + b"\n\n" + stream(ended())))
    assert [frame["type"] for frame in made] == ["response.created", "error"]
    assert made[1]["status"] == 502
    assert made[1]["stream_id"] == "a"
    assert frames.broken is not None


@pytest.mark.parametrize("stream_id", [None, "a"])
@pytest.mark.parametrize("data", [b"null", b"{}", b"[]", b'""', b" null ", b""])
def test_what_only_keeps_a_stream_open_is_no_event(data: bytes, stream_id: str | None) -> None:
    kept = stream(begun()) + b"data: " + data + b"\n\n" + stream(ended())
    frames = read(frames_of([kept], stream_id))
    assert [frame["type"] for frame in frames] == ["response.created", "response.completed"]


@pytest.mark.parametrize(
    ("written", "mended"),
    [
        (b'"Hi \\ud83d"', "Hi \ufffd"),
        (b'"\\ude00 Hi"', "\ufffd Hi"),
        (b"NaN", None),
        (b'"response.done \\ud83d"', "response.done \ufffd"),
    ],
)
@pytest.mark.parametrize("is_relayed", [False, True])
def test_what_the_fast_decoder_refuses_ends_no_turn(
    written: bytes, mended: str | None, *, is_relayed: bool
) -> None:
    asked = turn(input="Hi")
    last = msgspec.json.encode(ended(output=[{**ITEM, "text": "?"}])).replace(b'"?"', written)
    if is_relayed:
        TurnFrames(asked, None).note_end(Relayed(last))
    else:
        frame = read(frames_of([stream(begun()), b"data: " + last + b"\n\n"], of=asked))[-1]
        assert frame["response"]["output"][0]["text"] == mended
    assert items(remembered(asked))[-1]["text"] == mended


def test_a_stream_that_ends_too_early_ends_in_an_error() -> None:
    frames = TurnFrames(turn(), None)
    frames.feed(stream(begun()))
    (frame,) = read(frames.finish())
    assert (frame["status"], frame["error"]["code"]) == (502, "upstream_stream_truncated")
    assert isinstance(frames.broken, TruncatedStream)
    assert frames.fail(GatewayError("Later.")) == []


def test_an_endless_event_ends_the_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = TurnFrames(turn(), None)
    monkeypatch.setattr(frames._decoder, "_max_event_bytes", 100)
    (frame,) = read(frames.feed(b"data: " + b"x" * 200))
    assert frame["error"]["code"] == "upstream_error"


def test_a_whole_response_that_is_cut_off_is_called_so() -> None:
    frames = TurnFrames(turn(), None)
    frames.label(events=False)
    whole = msgspec.json.encode(ended()["response"])
    assert frames.feed(whole[:-9]) == []
    (frame,) = read(frames.finish())
    assert frame["error"]["message"].startswith("The upstream's reply ended before it was complete")
    assert frames.ended


def test_so_does_an_endless_beginning() -> None:
    frames = TurnFrames(turn(), "a")
    frames.label(events=False)
    opening = frames._opening
    assert opening is not None
    opening._allowance = Allowance(100)
    assert frames.feed(b" " * 100) == []
    (frame,) = read(frames.feed(b" "))
    assert (frame["error"]["code"], frame["stream_id"]) == ("upstream_error", "a")
    assert frames.finish() == []


def test_an_event_that_was_passed_on_is_noted() -> None:
    asked = turn(input=[])
    frames = TurnFrames(asked, None)
    frames.note_end(Relayed(msgspec.json.encode(ended())))
    assert frames.ended
    assert items(remembered(asked)) == [ITEM]
    for error in (b'{"type":"error","message":"Oh."}', b'{"type":null,"error":{}}'):
        other = TurnFrames(turn(), None)
        other.note_end(Relayed(error))
        assert other.ended


@pytest.mark.parametrize("output", [[], None, [{**ITEM, "id": "msg_2"}]])
def test_items_of_a_turn_that_was_passed_on_may_be_in_their_own_events_only(output: Json) -> None:
    asked = turn(input=[])
    relayed = Relayed(msgspec.json.encode(ended(output=output)))
    relayed.items = [msgspec.Raw(msgspec.json.encode(ITEM))]
    TurnFrames(asked, None).note_end(relayed)
    assert items(remembered(asked)) == (output or [ITEM])


@pytest.mark.parametrize("kind", ["completed", "failed"])
def test_a_steered_conversation_is_not_remembered(kind: str) -> None:
    asked = turn(input="Hi", previous_response_id="resp_0", store=False)
    asked.memory.remember("resp_0", Remembered((), is_fleeting=True))
    relayed = Relayed(msgspec.json.encode(ended(kind)))
    relayed.is_steered = True
    TurnFrames(asked, None).note_end(relayed)
    asked.end()
    assert asked.memory.recall("resp_1") is None
    assert (asked.memory.recall("resp_0") is None) is (kind == "failed")
