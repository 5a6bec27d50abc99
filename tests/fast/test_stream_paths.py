"""The fast path of streams gives what the generic path gives, whatever comes between texts."""

from collections.abc import Iterator, Sequence
from itertools import count, pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import GatewayError
from gateway.exchange.feeding import Feeder
from gateway.shapes import Json, Shape
from gateway.translate.capabilities import Capabilities
from gateway.translate.contract import Context, StreamTranslation, Translation
from gateway.translate.plan import plan
from gateway.translate.stream.sse import SSEDecoder
from tests.fast.both_paths import WILD, names_in_translate

COMPLETIONS, CHAT, RESPONSES = Shape.COMPLETIONS, Shape.CHAT, Shape.RESPONSES
PAIRS = [
    (COMPLETIONS, CHAT),
    (CHAT, RESPONSES),
    (RESPONSES, CHAT),
    (CHAT, COMPLETIONS),
    (COMPLETIONS, RESPONSES),
    (RESPONSES, COMPLETIONS),
]
BODIES: dict[Shape, Json] = {
    COMPLETIONS: {"model": "m", "prompt": "Once", "stream": True, "max_tokens": 99},
    CHAT: {"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": True},
    RESPONSES: {"model": "m", "input": "hi", "stream": True},
}
OPTIONS: dict[Shape, list[Json]] = {
    COMPLETIONS: [
        {},
        {"stream_options": {"include_usage": True}},
        {"n": 2},
        {"prompt": ["a", "b"], "stream_options": {"include_usage": True}},
        {"echo": True},
        {"logprobs": 1},
        {"stop": ["ab", "n"]},
    ],
    CHAT: [
        {},
        {"stream_options": {"include_usage": True}},
        {"n": 2},
        {"stop": "ab"},
        {"response_format": {"type": "json_object"}},
    ],
    RESPONSES: [{}],
}


class Counting(StreamTranslation):
    """A stream translation that counts the events it is fed."""

    def __init__(self, stream: StreamTranslation) -> None:
        self._stream = stream
        self.fed = 0

    def feed(self, call: int, event: Json) -> list[Json]:
        self.fed += 1
        return self._stream.feed(call, event)

    def end(self, call: int) -> list[Json]:
        return self._stream.end(call)

    def fail(self, error: GatewayError) -> list[Json]:
        return self._stream.fail(error)

    def satisfied(self, call: int) -> bool:
        return self._stream.satisfied(call)

    @property
    def passes_text(self) -> bool:
        return self._stream.passes_text


def planned(client: Shape, home: Shape, options: Json) -> Translation:
    numbers = count(1)
    context = Context(
        model_asked="m",
        model_sent="m-sent",
        capabilities=Capabilities(stop="stop" not in options, strict_params=False),
        new_id=lambda: f"{next(numbers):032x}",
        now=1_700_000_000,
    )
    return plan(client, home, {**BODIES[client], **options}, context)


Arrivals = Sequence[tuple[int, bytes | None]]
"""What arrives, and of which call; None is the end of its stream."""


def told(feeder: Feeder, arrivals: Arrivals) -> list[bytes | str]:
    """Return what a client is told, arrival by arrival."""
    said: list[bytes | str] = []
    for call, data in arrivals:
        if feeder.ended(call):
            said.append("ended")
            continue
        said.append(feeder.finish(call) if data is None else feeder.feed(call, data))
        error = feeder.take_error()
        if error is not None:
            assert isinstance(error, GatewayError)
            return [*said, repr(error.envelope()), feeder.fail(error)]
    return said


def both_paths(client: Shape, home: Shape, options: Json, arrivals: Arrivals) -> None:
    """Check that both paths send the client the same."""
    translations = [planned(client, home, options) for _ in range(2)]
    generic, fast = (
        Feeder(client, home, len(translation.calls), translation.stream(), fast=bool(position))
        for position, translation in enumerate(translations)
    )
    assert told(fast, arrivals) == told(generic, arrivals)
    assert translations[0].report.header() == translations[1].report.header()


# --- what upstreams send ------------------------------------------------------------------------

TOKENS = st.one_of(
    st.text(max_size=6).map(msgspec.json.encode),
    st.sampled_from(
        [
            *(
                b'" token"',
                b'"ab"',
                b'""',
                b'"\\""',
                b'"x\\","',
                b'"\\",\\""',
                b'"a\\\\"',
                b'"\\n"',
            ),
            *(b'"\\u00e9"', b'"\\ud83d\\ude00"', b'"\\ud800"', b'"\\/"', b'"\x7f"', b'"\xc3\xa9"'),
            *(b'"\\x"', b'"\xff"', b'"\xed\xa0\x80"', b'"a\rb"', b'"a\nb"', b'"a"\n', b'"a"\r'),
            *(b' "a" ', b'"a', b"null", b"5", b'"a","content":"b"', b'"a\\"', b"[]", b"\xff"),
        ]
    ),
)
PADDINGS = st.sampled_from(
    [b"", b',"obfuscation":"a1B2"', b',"obfuscation":"x"', b',"obfuscation":7']
)
FRAMES = st.sampled_from([b"data: %b\n\n", b"data:%b\n\n", b"event: message\ndata: %b\n\n"])


def chat_chunk(
    token: bytes = b'" on"',
    more: bytes = b"",
    *,
    head: bytes = b'"id":"chatcmpl-7"',
    end: bytes = b"",
) -> bytes:
    return (
        b'{%b,"object":"chat.completion.chunk","created":1600000000,"model":"gpt",'
        b'"choices":[{"index":0,"delta":{"content":%b},"logprobs":null,"finish_reason":null%b}]%b}'
        % (head, token, end, more)
    )


def completions_chunk(
    token: bytes = b'" on"', more: bytes = b"", *, head: bytes = b'"id":"cmpl-7"', end: bytes = b""
) -> bytes:
    return (
        b'{%b,"object":"text_completion","created":1600000000,"model":"gpt","choices":[{"index":0,'
        b'"text":%b,"logprobs":null,"finish_reason":null%b}]%b}' % (head, token, end, more)
    )


def text_event(
    token: bytes = b'" on"', more: bytes = b"", *, number: bytes = b"7", item: bytes = b"msg_1"
) -> bytes:
    return (
        b'{"type":"response.output_text.delta","sequence_number":%b,"item_id":"%b","output_index":0,'
        b'"content_index":0,"delta":%b,"logprobs":[]%b}' % (number, item, token, more)
    )


USAGE = b'"usage":{"prompt_tokens":3,"completion_tokens":5,"total_tokens":8}'
ENDS_OF_CHOICES = [
    b',"finish_reason":"stop"',
    b',"finish_reason":"length"',
    b',"index":1',
    b',"index":7',
]


def odd_chunks(chunk: Any) -> list[bytes]:
    """What else comes at chat and completions endpoints."""
    return [
        *(chunk(end=end) for end in ENDS_OF_CHOICES),
        *(chunk(token, end=ENDS_OF_CHOICES[0]) for token in (b'""', b"null")),
        chunk(more=b"," + USAGE),
        chunk(more=b',"system_fingerprint":"fp"'),
        chunk(more=b',"error":{"message":"no","code":"x"}'),
        chunk(more=b',"moderation":{"a":1}'),
        chunk(more=b',"citations":["u"]'),
        b'{"choices":[],"citations":["v"]}',
        b'{"choices":[],"search_results":[{"url":"u"}]}',
        chunk(head=b'"id":"other"'),
        chunk(head=b'"x":1.5,"id":"chatcmpl-7"'),
        chunk(head=b'"id" : "chatcmpl-7"').replace(b":", b": "),
        chunk(end=b',"content":" elsewhere","text":" elsewhere"'),
        chunk(end=b',"logprobs":{"content":[{"token":" on","logprob":-1}]}'),
        b'{"choices":[],' + USAGE + b"}",
        b'{"choices":[null]}',
        b'{"choices":{}}',
        b'{"error":{"message":"broken"}}',
    ]


ODD: dict[Shape, list[bytes]] = {
    COMPLETIONS: odd_chunks(completions_chunk),
    CHAT: [
        *odd_chunks(chat_chunk),
        *(
            b'{"choices":[{"index":0,"delta":%b,"finish_reason":null}]}' % delta
            for delta in (
                b'{"role":"assistant","content":""}',
                b'{"content":"so","reasoning_content":"hm"}',
                b'{"reasoning":"hm"}',
                b'{"refusal":"no"}',
                b'{"content":"a","annotations":[{"type":"url_citation","url_citation":{"url":"u"}}]}',
                b'{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{}"}}]}',
            )
        ),
        b'{"choices":[{"delta":{"content":"a"}},{"index":1,"delta":{"content":"b"}}]}',
        b'{"choices":[{"index":0,"message":{"content":" on on on on on"},"finish_reason":null}]}',
        b'{"choices":[{"delta":{"content":" on"},"message":{"content":" on on"}}]}',
    ],
    RESPONSES: [
        b'{"type":"response.created","response":{"id":"resp_7","model":"gpt","created_at":5}}',
        (
            b'{"type":"response.output_item.added","output_index":0,"item":{"id":"msg_1",'
            b'"type":"message","content":[]}}'
        ),
        (
            b'{"type":"response.output_item.added","output_index":1,"item":{"id":"msg_2",'
            b'"type":"message","phase":"commentary","content":[]}}'
        ),
        (
            b'{"type":"response.output_text.annotation.added","item_id":"msg_1","content_index":0,'
            b'"annotation":{"type":"url_citation","url":"u","title":"t","start_index":0,"end_index":1}}'
        ),
        (
            b'{"type":"response.output_text.annotation.added","item_id":"msg_1","content_index":1,'
            b'"annotation":{"type":"url_citation","url":"u","title":"t","start_index":0,"end_index":1}}'
        ),
        text_event(item=b"msg_2"),
        text_event(item=b"msg_2", number=b"0"),
        text_event(number=b"07"),
        text_event(number=b"5.5"),
        text_event(more=b',"error":null,"status":"failed"'),
        text_event().replace(b'"content_index":0', b'"content_index":1'),
        text_event().replace(b'"item_id":"msg_1","output_index":0,"content_index":0,', b""),
        text_event().replace(b'"logprobs":[]', b'"logprobs":[{"token":" on","logprob":-1}]'),
        text_event().replace(b"output_text.delta", b"refusal.delta"),
        text_event().replace(b"output_text.delta", b"reasoning_text.delta"),
        (
            b'{"type":"response.output_item.done","output_index":0,"item":{"id":"msg_1","type":'
            b'"message","phase":"commentary","content":[{"type":"output_text","text":"all"}]}}'
        ),
        (
            b'{"type":"response.output_item.done","output_index":2,"item":{"id":"fc","type":'
            b'"function_call","call_id":"c","name":"f","arguments":"{}"}}'
        ),
        (
            b'{"type":"response.completed","response":{"id":"resp_7","status":"completed","output":['
            b'{"id":"msg_1","type":"message","content":[{"type":"output_text","text":"all",'
            b'"annotations":[{"type":"url_citation","url":"u","start_index":0,"end_index":1}]},'
            b'{"type":"output_text","text":"more"}]}],"usage":{"input_tokens":1,"output_tokens":2}}}'
        ),
        text_event().replace(b"delta", b"done").replace(b'"done":" on"', b'"text":" on on on on"'),
        (
            b'{"type":"response.completed","response":{"status":"completed","output":['
            b'{"id":"z","type":"message","content":[{"type":"output_text","text":" on on on on!"}]}'
            b"]}}"
        ),
        b'{"type":"response.incomplete","response":{"status":"incomplete","output":[]}}',
        b'{"type":"response.failed","response":{"error":{"code":"server_error","message":"no"}}}',
        b'{"type":"error","message":"no"}',
    ],
}
ODD_WIRES = [
    *(b"\n", b": ping\n\n", b": ping\n", b"id: 5\n", b"retry: 1\n\n", b"\r\n", b"\r", b"data:\n\n"),
    *(b"data: [DONE]\n\n", b"data: {\n\n", b"data: []\n\n", b"data: 5\n\n", b"\xef\xbb\xbf"),
    *(b"event: x\n\n", b"event: x\n", b"data: ", b'data: {"a":1,\ndata: "b":2}\n\n'),
]


@st.composite
def texts_in_a_row(draw: st.DrawFn, home: Shape, frame: bytes, padded: bool) -> list[bytes]:
    tokens = draw(st.lists(st.one_of(st.just(b'" on"'), TOKENS), min_size=1, max_size=8))
    wires = []
    for number, token in enumerate(tokens, draw(st.integers(0, 99))):
        padding = draw(PADDINGS) if padded else b""
        if home is RESPONSES:
            data = text_event(token, padding, number=b"%d" % number)
        else:
            data = (chat_chunk if home is CHAT else completions_chunk)(token, padding)
        wires.append(frame % data)
    return wires


@st.composite
def streams(draw: st.DrawFn, home: Shape) -> list[bytes]:
    """Return the events of a stream, in their wire form; some are none."""
    frame, padded = draw(FRAMES), draw(st.booleans())
    row = texts_in_a_row(home, frame, padded)
    odd = st.one_of(
        st.builds(lambda other, data: [other % data], FRAMES, st.sampled_from(ODD[home])),
        st.sampled_from(ODD[home]).map(lambda data: [frame % data] * 2),
        st.sampled_from(ODD_WIRES).map(lambda wire: [wire]),
        texts_in_a_row(home, b"data: %b\r\n\r\n", padded),
        texts_in_a_row(home, b"data: %b\r\r", padded),
    )
    groups = draw(st.lists(st.one_of(row, row, row, odd), max_size=8))
    return [wire for group in groups for wire in group]


def cut(stream: bytes, places: Sequence[int]) -> Iterator[bytes]:
    edges = sorted({0, len(stream), *(place % (len(stream) + 1) for place in places)})
    for a, b in pairwise(edges):
        yield stream[a:b]


@pytest.mark.parametrize(("client", "home"), PAIRS)
@given(data=st.data())
def test_both_paths_tell_the_same_however_it_arrives(
    data: st.DataObject, client: Shape, home: Shape
) -> None:
    events = data.draw(streams(home))
    places = data.draw(st.lists(st.integers(0, 10**4), max_size=12))
    options = data.draw(st.sampled_from(OPTIONS[client]))
    whole = b"".join(events)
    both_paths(client, home, options, [*((0, piece) for piece in cut(whole, places)), (0, None)])
    both_paths(client, home, options, [*((0, event) for event in events), (0, None)])


@pytest.mark.parametrize(("client", "home"), PAIRS)
@given(data=st.data())
def test_both_paths_tell_the_same_of_several_calls(
    data: st.DataObject, client: Shape, home: Shape
) -> None:
    options: Json = {"prompt": ["a", "b"]} if client is COMPLETIONS else {}
    options |= {"n": 2} if client is CHAT else {}
    calls = len(planned(client, home, options).calls)
    pieces = [
        list(cut(b"".join(data.draw(streams(home))), data.draw(st.lists(st.integers(0, 10**4)))))
        for _ in range(calls)
    ]
    order = data.draw(st.permutations([c for c in range(calls) for _ in pieces[c]]))
    arrivals: list[tuple[int, bytes | None]] = [(call, pieces[call].pop(0)) for call in order]
    both_paths(client, home, options, [*arrivals, *((call, None) for call in range(calls))])


def usual(home: Shape, texts: Sequence[str], *, padded: bool = False) -> list[bytes]:
    """Return a whole stream as OpenAI sends it."""
    tokens = [msgspec.json.encode(text) for text in texts]
    paddings = [b',"obfuscation":"%b"' % (b"x" * (i % 9 + 1)) for i in range(len(texts))]
    paddings = paddings if padded else [b""] * len(texts)
    if home is RESPONSES:
        opening = [ODD[RESPONSES][0], ODD[RESPONSES][1]]
        middle = [
            text_event(token, padding, number=b"%d" % number)
            for number, (token, padding) in enumerate(zip(tokens, paddings, strict=True))
        ]
        output = [{"id": "msg_1", "type": "message", "content": [{"type": "output_text"}]}]
        output[0]["content"] = [{"type": "output_text", "text": "".join(texts)}]
        response = {"status": "completed", "output": output}
        ending = [msgspec.json.encode({"type": "response.completed", "response": response})]
    else:
        chunk = chat_chunk if home is CHAT else completions_chunk
        opening = [chunk(b'""')]
        middle = [chunk(token, pad) for token, pad in zip(tokens, paddings, strict=True)]
        ending = [chunk(b'""', end=ENDS_OF_CHOICES[0]), b"[DONE]"]
    return [b"data: %b\n\n" % data for data in (*opening, *middle, *ending)]


WORDS = [" Hello", "\n", ' "quoted", ', "é", " 🙂", "a\\", " b", " c"] * 6


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_a_usual_stream_is_told_the_same_however_it_arrives(
    client: Shape, home: Shape, *, padded: bool
) -> None:
    events = usual(home, WORDS, padded=padded)
    whole = b"".join(events)
    for pieces in (
        [whole],
        events,
        [bytes([byte]) for byte in whole],
        [whole[:-2], b"\n", b"\n"],
        [whole[i : i + 1000] for i in range(0, len(whole), 1000)],
    ):
        both_paths(client, home, {}, [*((0, piece) for piece in pieces), (0, None)])
    for length in range(len(events)):
        both_paths(client, home, {}, [(0, b"".join(events[:length])), (0, None)])


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("size", [10**6, 1000, 300])
@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_most_events_of_a_usual_stream_take_the_fast_path(
    client: Shape, home: Shape, size: int, *, padded: bool
) -> None:
    whole = b"".join(usual(home, WORDS, padded=padded))
    translation = planned(client, home, {})
    counting = Counting(translation.stream())
    feeder = Feeder(client, home, 1, counting, fast=True)
    for start in range(0, len(whole), size):
        feeder.feed(0, whole[start : start + size])
    assert counting.fed < 10 < len(WORDS)


def test_a_stream_whose_events_differ_too_much_is_not_looked_at_for_long() -> None:
    stream = planned(COMPLETIONS, CHAT, {}).stream()
    feeder = Feeder(COMPLETIONS, CHAT, 1, stream, fast=True)
    wires = [b"data: %b\n\n" % chat_chunk(head=b'"id":"%d"' % number) for number in range(2000)]
    generic = Feeder(COMPLETIONS, CHAT, 1, planned(COMPLETIONS, CHAT, {}).stream())
    for wire in (*wires, b"".join(wires)):
        assert feeder.feed(0, wire) == generic.feed(0, wire)


@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_what_came_before_an_event_that_is_too_long_is_sent(client: Shape, home: Shape) -> None:
    first, *events = usual(home, WORDS[:8])[:-2]
    feeder = Feeder(client, home, 1, planned(client, home, {}).stream(), fast=True)
    feeder._decoders = [SSEDecoder(10_000)]
    endless = b"".join(events) + b"data: " + b"x" * 10_000
    *said, error, _ = told(feeder, [(0, first), (0, endless)])
    assert sum(part.count(b"data: ") for part in said if isinstance(part, bytes)) > 5
    assert "more than 10000 bytes" in str(error)


@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_whatever_comes_between_texts_takes_the_generic_path(client: Shape, home: Shape) -> None:
    events = usual(home, WORDS[:8])
    wires = [*(b"data: %b\n\n" % data for data in ODD[home]), *ODD_WIRES]
    for options in OPTIONS[client]:
        for odd in wires:
            pieces = [*events[:6], odd, *events[3:5], odd, odd, *events[3:]]
            both_paths(client, home, options, [*((0, piece) for piece in pieces), (0, None)])
            both_paths(client, home, options, [(0, b"".join(pieces)), (0, None)])


@pytest.mark.parametrize("home", [CHAT, COMPLETIONS])
def test_a_reply_that_grows_too_long_ends_where_it_would_have(
    home: Shape, monkeypatch: pytest.MonkeyPatch
) -> None:
    responses = "gateway.translate.responses_via_chat.output.stream"
    for module in (responses, "gateway.fast.text_deltas"):
        monkeypatch.setattr(f"{module}.MAX_REPLY_CHARACTERS", 4000)
    events = usual(home, [word * 50 for word in WORDS])
    both_paths(RESPONSES, home, {}, [(0, b"".join(events)), (0, None)])
    both_paths(RESPONSES, home, {}, [*((0, event) for event in events), (0, None)])


@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_an_event_that_is_held_is_not_lost_at_the_end(client: Shape, home: Shape) -> None:
    events = usual(home, WORDS)
    for missing in (1, 2):
        for length in range(len(events)):
            pieces = [b"".join(events[:length]), events[length][:-missing]]
            both_paths(client, home, {}, [*((0, piece) for piece in pieces), (0, None)])


@pytest.mark.parametrize("count_of_texts", [1, 5, 40])
@pytest.mark.parametrize(("client", "home"), [pair for pair in PAIRS if pair[1] is not COMPLETIONS])
def test_what_a_repetition_adds_is_told_however_the_text_came(
    client: Shape, home: Shape, count_of_texts: int
) -> None:
    said = " on" * count_of_texts
    if home is CHAT:
        row = [chat_chunk() for _ in range(count_of_texts)]
        whole = b'{"choices":[{"index":0,"message":{"content":"%b!"},"finish_reason":"stop"}]}'
    else:
        row = [text_event(number=b"%d" % number) for number in range(count_of_texts)]
        whole = (
            b'{"type":"response.completed","response":{"status":"completed","output":[{"id":"z",'
            b'"type":"message","content":[{"type":"output_text","text":"%b!"}]}]}}'
        )
    wires = [b"data: %b\n\n" % event for event in [*row, whole % said.encode()]]
    for pieces in ([b"".join(wires)], wires, [bytes([byte]) for byte in b"".join(wires)]):
        translation = planned(client, home, {})
        feeder = Feeder(client, home, 1, translation.stream(), fast=True)
        wire = b"".join(feeder.feed(0, piece) for piece in pieces) + feeder.finish(0)
        assert feeder.take_error() is None
        events = [msgspec.json.decode(event.data) for event in SSEDecoder().feed(wire)]
        assert "".join(map(text_in(client), events)) == f"{said}!"


def text_in(shape: Shape) -> Any:
    def of(event: Json) -> str:
        if shape is RESPONSES:
            text: str = event["delta"] if event["type"] == "response.output_text.delta" else ""
            return text
        (choice,) = event["choices"]
        told = choice["text"] if shape is COMPLETIONS else choice["delta"].get("content")
        return told or ""

    return of


def places_of(home: Shape, event: Json) -> list[Json]:
    """Return the objects that a text event consists of."""
    if home is RESPONSES:
        return [event]
    (choice,) = event["choices"]
    return [event, choice, choice["delta"]] if home is CHAT else [event, choice]


def text_events(home: Shape, count_of_texts: int) -> list[Json]:
    if home is RESPONSES:
        return [
            msgspec.json.decode(text_event(b'"%d"' % number, number=b"%d" % number))
            for number in range(count_of_texts)
        ]
    chunk = chat_chunk if home is CHAT else completions_chunk
    return [msgspec.json.decode(chunk(b'"%d"' % number)) for number in range(count_of_texts)]


NAMES = st.sampled_from(names_in_translate())


@pytest.mark.parametrize(("client", "home"), PAIRS)
@given(name=NAMES | st.text(max_size=5), value=WILD, place=st.integers(0, 2))
def test_a_field_that_every_text_event_has_means_what_it_means_generically(
    client: Shape, home: Shape, name: str, value: Any, place: int
) -> None:
    events = text_events(home, 6)
    for event in events:
        places = places_of(home, event)
        places[place % len(places)][name] = value
    row = b"".join(b"data: %b\n\n" % msgspec.json.encode(event) for event in events)
    rest = b"".join(usual(home, WORDS[:3]))
    both_paths(client, home, {}, [(0, row + rest), (0, None)])


@pytest.mark.parametrize(("client", "home"), [pair for pair in PAIRS if pair[0] is not RESPONSES])
def test_a_stop_sequence_is_found_across_texts(client: Shape, home: Shape) -> None:
    wires = usual(home, ["x"] * 9 + ["ya", "bz", "never"] + ["x"] * 9)
    stopped = {"stop": ["ab", "never"]}
    for pieces in ([b"".join(wires)], wires):
        both_paths(client, home, stopped, [*((0, piece) for piece in pieces), (0, None)])
    translation = planned(client, home, stopped)
    feeder = Feeder(client, home, 1, translation.stream(), fast=True)
    written = feeder.feed(0, b"".join(wires))
    assert written.count(b'"x"') == 9
    assert b"never" not in written
