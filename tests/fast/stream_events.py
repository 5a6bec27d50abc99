"""The events of upstreams' streams: usual ones, and odd ones between them."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import msgspec
from hypothesis import strategies as st

from gateway.shapes import Shape
from tests.faults import payloads as faults

COMPLETIONS, CHAT, RESPONSES = Shape.COMPLETIONS, Shape.CHAT, Shape.RESPONSES


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


def messages_event(
    token: bytes = b'" on"', more: bytes = b"", *, index: bytes = b"0", kind: bytes = b"text"
) -> bytes:
    return b'{"type":"content_block_delta","index":%b,"delta":{"type":"%b_delta","%b":%b}%b}' % (
        *(index, kind, kind, token, more),
    )


def block_start(block: bytes, index: bytes = b"1") -> bytes:
    return b'{"type":"content_block_start","index":%b,"content_block":%b}' % (index, block)


_CITED = b'{"type":"citations_delta","citation":{"type":"web_search_result_location","url":"u"}}'
_CALL = b'{"type":"tool_use","id":"c","name":"f","input":{}}'


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
    Shape.MESSAGES: [
        b'{"type":"ping"}',
        b'{"type":"message_start","message":{"id":"msg_7","model":"claude","content":[]}}',
        block_start(b'{"type":"text","text":""}'),
        block_start(b'{"type":"text","text":" so"}', b"0"),
        block_start(b'{"type":"thinking","thinking":"","signature":""}'),
        block_start(b'{"type":"redacted_thinking","data":"x"}'),
        block_start(_CALL),
        block_start(b'{"type":"server_tool_use","id":"s","name":"web_search","input":{}}'),
        block_start(b'{"type":"unheard_of"}'),
        messages_event(index=b"1"),
        messages_event(index=b"7"),
        messages_event(index=b'"0"'),
        messages_event(more=b',"usage":{"output_tokens":5}'),
        messages_event(more=b',"error":null'),
        messages_event().replace(b'"text":" on"', b'"text":" on","citations":[]'),
        messages_event(kind=b"thinking", index=b"1"),
        messages_event(kind=b"signature", index=b"1"),
        messages_event().replace(b'"type":"text_delta","text"', b'"type":"text_delta","piece"'),
        messages_event(b'"{}"', index=b"1").replace(
            b'"type":"text_delta","text"', b'"type":"input_json_delta","partial_json"'
        ),
        b'{"type":"content_block_delta","index":0,"delta":%b}' % _CITED,
        b'{"type":"content_block_delta","index":0,"delta":null}',
        b'{"type":"content_block_delta","delta":{"type":"text_delta","text":" on"}}',
        b'{"type":"content_block_stop","index":0}',
        b'{"type":"content_block_stop","index":1}',
        b'{"type":"message_delta","delta":{},"usage":{"output_tokens":7}}',
        b'{"type":"message_delta","delta":{"stop_reason":"max_tokens"},"usage":{"output_tokens":7}}',
        b'{"type":"message_delta","delta":{"stop_reason":"refusal","stop_sequence":null}}',
        b'{"type":"message_stop"}',
        b'{"type":"error","error":{"type":"overloaded_error","message":"no"}}',
        b'{"type":"unheard_of"}',
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
        elif home is Shape.MESSAGES:
            data = messages_event(token, padding)
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
    elif home is Shape.MESSAGES:
        phases = faults.chunk_objects(home)
        opening = [msgspec.json.encode(event) for event in phases["opening"]]
        middle = [messages_event(token) for token in tokens]
        last = phases["closing"] + phases["finish"]
        ending = [msgspec.json.encode(event) for event in last]
    else:
        chunk = chat_chunk if home is CHAT else completions_chunk
        opening = [chunk(b'""')]
        middle = [chunk(token, pad) for token, pad in zip(tokens, paddings, strict=True)]
        ending = [chunk(b'""', end=ENDS_OF_CHOICES[0]), b"[DONE]"]
    return [b"data: %b\n\n" % data for data in (*opening, *middle, *ending)]


WORDS = [" Hello", "\n", ' "quoted", ', "é", " 🙂", "a\\", " b", " c"] * 6
