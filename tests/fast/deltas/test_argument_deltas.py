"""Streams with arguments of calls: both paths send the same, whatever the pieces are."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.json import encode

from gateway.exchange.calls.feeding import Feeder
from gateway.shapes import Json, Shape
from tests.fast.both_streams import Counting, assert_same_stream, planned
from tests.fast.stream_events import cut

CHAT, RESPONSES = Shape.CHAT, Shape.RESPONSES
PAIRS = [(CHAT, RESPONSES), (RESPONSES, CHAT)]
USAGE: Json = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
Step = tuple[str, int, str]
"""What happens, to which call, with which text."""

CODE = '{"path": "a.py", "t": "def f(x):\\n  return {\\"k\\": [x]}  # é \\\\n", "n": [1, {"b": 2}]}'
PIECES = [CODE[i : i + 3] for i in range(0, len(CODE), 3)]
TEXTS = st.sampled_from(
    [
        *(
            '{"a":',
            '"b"',
            "{",
            "}",
            "[",
            "]",
            " ",
            '"',
            "\\",
            "x",
            "{}",
            '{"a":1}',
            ",",
            '\\"',
            ":",
        ),
        *('"x":"', "é", "😀", "}{", "}}", '"}', "\n", '{"a":"', 'b","c":"d', "1"),
    ]
)
STEPS: st.SearchStrategy[list[Step]] = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *("begin", "again", "nameless", "anonymous", "text", "two", "done", "item"),
                *("piece",) * 12,
                *("repeat", "bare", "named", "added"),
            ]
        ),
        st.sampled_from([0, 0, 0, 1]),
        TEXTS,
    ),
    max_size=24,
)


def event(data: Json) -> bytes:
    head = f"event: {data['type']}\n".encode() if "type" in data else b""
    return head + b"data: %b\n\n" % encode(data)


def chunk(delta: Json, reason: str | None = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return event({**head, "choices": [choice], **more})


def calling(*calls: Json) -> bytes:
    return chunk({"tool_calls": list(calls)})


def chat_stream(steps: Sequence[Step]) -> list[bytes]:
    said = {0: "", 1: ""}
    events = [chunk({"role": "assistant", "content": ""})]
    for kind, index, text in steps:
        whole = said[index] + text
        piece: Json = {"index": index, "function": {"arguments": text}}
        named: Json = {**piece, "function": {"name": "f", "arguments": text}, "type": "function"}
        made = {
            "begin": calling({**named, "id": f"call_{index}"}),
            "again": calling({**named, "id": f"call_{index}_{len(events)}"}),
            "nameless": calling({**piece, "id": f"call_{index}"}),
            "anonymous": calling(named),
            "named": calling({**piece, "id": "", "function": {"name": "", "arguments": text}}),
            "text": chunk({"content": text}),
            "two": calling(piece, {**piece, "index": 1 - index}),
            "repeat": calling({**piece, "function": {"arguments": whole}}),
            "bare": calling({"function": {"arguments": text}}),
        }
        events.append(made.get(kind, calling(piece)))
        said[index] = whole
    return [*events, chunk({}, "tool_calls"), chunk({}, usage=USAGE), b"data: [DONE]\n\n"]


def response_stream(steps: Sequence[Step]) -> list[bytes]:
    said = {0: "", 1: ""}
    response: Json = {"id": "r", "object": "response", "status": "in_progress", "output": []}
    events = [event({"type": "response.created", "response": response})]
    for kind, index, text in steps:
        item: Json = {"id": f"fc_{index}", "type": "function_call", "call_id": f"call_{index}"}
        item |= {"name": "f", "arguments": ""}
        at: Json = {"item_id": f"fc_{index}", "output_index": index, "sequence_number": len(events)}
        arguments = "response.function_call_arguments"
        whole = said[index] + text
        made: dict[str, Json] = {
            "begin": {"type": "response.output_item.added", **at, "item": item},
            "again": {
                "type": "response.output_item.added",
                "output_index": len(events),
                "item": {**item, "id": f"fc_{len(events)}"},
            },
            "added": {
                "type": "response.output_item.added",
                **at,
                "item": {**item, "arguments": text},
            },
            "nameless": {
                "type": "response.output_item.added",
                **at,
                "item": {**item, "id": None, "name": ""},
            },
            "text": {"type": "response.output_text.delta", "item_id": "msg_1", "delta": text},
            "done": {"type": f"{arguments}.done", **at, "arguments": said[index]},
            "item": {
                "type": "response.output_item.done",
                **at,
                "item": {**item, "arguments": said[index]},
            },
            "repeat": {"type": f"{arguments}.delta", **at, "delta": whole},
            "bare": {"type": f"{arguments}.delta", "output_index": index, "delta": text},
            "named": {"type": f"{arguments}.delta", **at, "delta": text, "name": "f"},
        }
        events.append(event(made.get(kind, {"type": f"{arguments}.delta", **at, "delta": text})))
        if kind in ("piece", "named", "bare"):
            said[index] = whole
    output = [
        {
            "type": "function_call",
            "id": f"fc_{index}",
            "call_id": f"call_{index}",
            "name": "f",
            "arguments": text,
        }
        for index, text in said.items()
        if text
    ]
    done = {**response, "status": "completed", "output": output}
    return [*events, event({"type": "response.completed", "response": done})]


def stream_of(home: Shape, steps: Sequence[Step]) -> list[bytes]:
    return chat_stream(steps) if home is CHAT else response_stream(steps)


USUAL: list[Step] = [
    ("begin", 0, ""),
    *(("piece", 0, piece) for piece in PIECES * 3),
    ("done", 0, ""),
]
TWO: list[Step] = [
    ("begin", 0, ""),
    *(("piece", 0, piece) for piece in PIECES),
    ("begin", 1, ""),
    *(("piece", 1, piece) for piece in PIECES),
]
INTERLEAVED: list[Step] = [
    ("begin", 0, ""),
    ("begin", 1, ""),
    *(("piece", index, piece) for piece in PIECES for index in (0, 1)),
]


@pytest.mark.parametrize(("client", "home"), PAIRS)
@pytest.mark.parametrize("steps", [USUAL, TWO, INTERLEAVED])
def test_usual_calls_are_sent_the_same_however_they_arrive(
    client: Shape, home: Shape, steps: list[Step]
) -> None:
    events = stream_of(home, steps)
    whole = b"".join(events)
    for pieces in ([whole], events, [whole[i : i + 1000] for i in range(0, len(whole), 1000)]):
        assert_same_stream(client, home, {}, [*((0, piece) for piece in pieces), (0, None)])
    for length in range(0, len(events), 7):
        assert_same_stream(client, home, {}, [(0, b"".join(events[:length])), (0, None)])


@pytest.mark.parametrize(("client", "home"), PAIRS)
@given(steps=STEPS, places=st.lists(st.integers(0, 5000), max_size=8))
@example([("begin", 0, '{"a'), *[("piece", 0, "b")] * 5, ("piece", 0, '{"abbbbb')], [])
@example([("begin", 0, "{"), *[("piece", 0, " ")] * 4, ("piece", 0, "}"), ("piece", 0, "x")], [])
@example([("begin", 0, '{"a":"b'), *[("piece", 0, "c")] * 9, ("repeat", 0, "d")], [])
@example([("repeat", 0, '{"a":'), ("piece", 0, '{"a":'), ("repeat", 0, '{"a":')], [])
@example([("piece", 0, '{"k":"b'), ("piece", 0, '{"k":"{"k":"b')], [])
def test_whatever_the_pieces_are_both_paths_send_the_same(
    client: Shape, home: Shape, steps: list[Step], places: list[int]
) -> None:
    events = stream_of(home, [("begin", 0, '{"k":"'), *steps])
    assert_same_stream(client, home, {}, [*((0, each) for each in events), (0, None)])
    pieces = cut(b"".join(events), places)
    assert_same_stream(client, home, {}, [*((0, piece) for piece in pieces), (0, None)])


@pytest.mark.parametrize(("client", "home"), PAIRS)
@pytest.mark.parametrize("together", [1, 50])
def test_most_events_of_long_arguments_take_the_fast_path(
    client: Shape, home: Shape, together: int
) -> None:
    text = encode({"text": "word " * 2000}).decode()
    pieces = [("piece", 0, text[i : i + 5]) for i in range(0, len(text), 5)]
    events = stream_of(home, [("begin", 0, ""), *pieces])
    counting = Counting(planned(client, home, {}).stream())
    feeder = Feeder(client, home, 1, counting, fast=True)
    for start in range(0, len(events), together):
        feeder.feed(0, b"".join(events[start : start + together]))
    assert counting.fed < len(events) / 10
