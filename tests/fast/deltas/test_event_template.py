"""What is alike in events, and what is certain to differ in their text only."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.fast.deltas.event_template import LARGEST, EventTemplate
from gateway.shapes import Json, Shape

CHAT = b'data: {"id":"c","choices":[{"index":0,"delta":{"content":%b}}]%b}\n\n'


def form_of(wire: bytes, shape: Shape = Shape.CHAT) -> EventTemplate | None:
    event: Json = msgspec.json.decode(wire[wire.index(b"{") :])
    return EventTemplate.of(shape, wire, event)


def known(wire: bytes, shape: Shape = Shape.CHAT) -> EventTemplate:
    form = form_of(wire, shape)
    assert form is not None
    return form


def test_events_of_a_form_are_read_and_written_together() -> None:
    form = known(CHAT % (b'"a"', b""))
    wire = b"".join(CHAT % (token, b"") for token in (b'"b"', b'"\\u00e9"', b'"\\"c"'))
    assert form.read(b"...." + wire, 4) == (["b", "é", '"c'], 4 + len(wire))
    assert form.write(["b", "é", '"c'], 0) == wire.replace(b"\\u00e9", "é".encode())


@pytest.mark.parametrize(
    "behind",
    [
        (CHAT % (b'"c"', b""))[:-1],
        (CHAT % (b'"c"', b""))[:-30],
        CHAT % (b'"c"', b',"x":1'),
        CHAT % (b'""', b""),
        CHAT % (b'"\\ud800"', b""),
        CHAT % (b'"c",', b""),
        b": comment\n" + CHAT % (b'"c"', b""),
        b"\n" + CHAT % (b'"c"', b""),
        b"event: x\n" + CHAT % (b'"c"', b""),
        b"data: [DONE]\n\n",
    ],
)
def test_the_first_event_that_is_different_or_not_whole_ends_the_row(behind: bytes) -> None:
    form = known(CHAT % (b'"a"', b""))
    row = CHAT % (b'"a"', b"") + CHAT % (b'"b"', b"")
    assert form.read(row + behind, 0) == (["a", "b"], len(row))
    assert form.read(row + behind + row, 0) == (["a", "b"], len(row))
    assert form.read(behind, 0) == ([], 0)


def test_lines_that_do_not_end_in_lf_alone_are_left_to_the_generic_path() -> None:
    form = known(CHAT % (b'"a"', b""))
    for token in (b'"b"\r', b'"b\r"', b'"b"\n', b'\r\n"b"'):
        assert form.read(CHAT % (token, b""), 0) == ([], 0)


def test_numbers_and_padding_may_differ() -> None:
    wire = (
        b'event: x\ndata: {"sequence_number":%d,"delta":"%b","logprobs":[],"obfuscation":"%b"}\n\n'
    )
    form = known(wire % (7, b"a", b"xx"), Shape.RESPONSES)
    row = wire % (8, b"b", b"x") + wire % (10, b"c", b"")
    assert form.read(row, 0) == (["b", "c"], len(row))
    assert not form.writable
    for odd in (b"07", b"7.5", b"null", b'"7"', b"-1", b"9" * 40):
        other = row.replace(b"10", odd)
        assert form.read(other, 0) == (["b"], len(wire % (8, b"b", b"x")))


def test_written_events_are_numbered() -> None:
    wire = b'event: x\ndata: {"sequence_number":%d,"delta":"%b"}\n\n'
    form = known(wire % (7, b"a"), Shape.RESPONSES)
    assert form.writable
    assert form.write(["b", "c"], 9) == wire % (9, b"b") + wire % (10, b"c")
    swapped = known(b'data: {"delta":"a","sequence_number":7}\n\n', Shape.RESPONSES)
    assert not swapped.writable


@pytest.mark.parametrize(
    "wire",
    [
        b'data: {"choices":[{"delta":{}}]}\n\n',
        b'data: {"choices":[],"content":"a"}\n\n',
        b'data: {"choices":[{"delta":{"content":5}}]}\n\n',
        b'data: {"content":"a","choices":[{"delta":{"content":"a"}}]}\n\n',
        b'data: {"choices":[{"delta":{"content":"a","content":"a"}}]}\n\n',
        b'data: {"choices":[{},{"delta":{"content":"a"}}]}\n\n',
        b'data: {"choices":[{"delta":"\\"content\\":\\"a\\""}]}\n\n',
        b'data: {"choices":[{"delta":{"content":\n"a"}}]}\n\n',
        b'data: {"choices":[{"delta":{"content":"a"}}]}\r\n\r\n',
        b'data: {"choices":[{"delta":{"content":"a"}}]}\n',
        b'id: 1\ndata: {"choices":[{"delta":{"content":"a"}}]}\n\n',
        b'\xef\xbb\xbfdata: {"choices":[{"delta":{"content":"a"}}]}\n\n',
        b': {\ndata: {"choices":[{"delta":{"content":"a"}}]}\n\n',
        b'data: {"choices":[{"delta":{"content":"%b"}}]}\n\n' % (b"a" * LARGEST),
    ],
)
def test_there_is_no_template_where_it_is_not_certain(wire: bytes) -> None:
    start = wire.index(b'{"')
    event: Json = msgspec.json.decode(wire[start:])
    assert EventTemplate.of(Shape.CHAT, wire, event) is None


def test_an_event_that_is_nested_too_deeply_has_no_form() -> None:
    nested = b"[" * 600 + b"]" * 600
    wire = CHAT % (b'"a"', b',"x":%b' % nested)
    form = form_of(wire)
    assert form is None or form.read(wire, 0) == (["a"], len(wire))


def test_what_cannot_be_decoded_has_no_form() -> None:
    wire = CHAT % (b'"\\ud800"', b"")
    event = {"id": "c", "choices": [{"index": 0, "delta": {"content": "?"}}]}
    assert EventTemplate.of(Shape.CHAT, wire, event) is None


tokens = st.sampled_from(
    [
        *(
            b'"b"',
            b'"\\u00e9"',
            b'"\\n"',
            '"é"'.encode(),
            b'"\\\\"',
            b'""',
            b'"\\ud800"',
            b'"',
            b"",
        ),
        *(
            b'"b"\n',
            b'\r\n"b"',
            b' "b"',
            b'"b\n"',
            b'"b\r"',
            b'"b","x":"c"',
            b'"\xff"',
            b"5",
            b"null",
        ),
    ]
)
changes = st.sampled_from(
    [(b"}", b"}"), (b"data: ", b"data:"), (b"\n\n", b"\n"), (b"}\n\n", b"}\r\n\n")]
)


@given(tokens, changes)
def test_an_event_alone_is_read_as_in_a_row(token: bytes, change: tuple[bytes, bytes]) -> None:
    form = known(CHAT % (b'"a"', b""))
    wire = (CHAT % (token, b"")).replace(*change)
    texts, end = form.read(wire, 0)
    alone = form.read_one(wire)
    assert not alone or ([alone], len(wire)) == (texts, end)
    assert alone or token.strip() != token or texts == []
    assert form.read_one(wire + wire) == ""
    assert form.read_one(wire[:-1]) == ""


RESPONSES = b'event: x\ndata: {"sequence_number":%b,"item_id":"i","delta":%b,"obfuscation":%b}\n\n'
numbers = st.sampled_from([b"8", b"07", b"7.5", b"null", b'"7"', b"-1", b"9" * 40, b"8\n", b""])


@given(numbers, tokens, tokens, changes)
def test_so_is_one_with_a_number_and_padding(
    number: bytes, token: bytes, padding: bytes, change: tuple[bytes, bytes]
) -> None:
    form = known(RESPONSES % (b"7", b'"a"', b'"xx"'), Shape.RESPONSES)
    wire = (RESPONSES % (number, token, padding)).replace(*change)
    texts, end = form.read(wire, 0)
    alone = form.read_one(wire)
    assert ([alone], len(wire)) == (texts, end) if alone else texts == []
    assert form.read_one(wire + wire) == ""


def test_a_long_event_is_read_in_rows_only() -> None:
    long = b'"%b"' % (b"x" * LARGEST)
    assert known(CHAT % (b'"a"', b"")).read_one(CHAT % (long, b"")) == ""
    form = known(RESPONSES % (b"7", b'"a"', b'"xx"'), Shape.RESPONSES)
    assert form.read_one(RESPONSES % (b"8", b'"a"', long)) == ""


@given(st.text(max_size=5), st.integers(0, 999))
def test_an_event_alone_is_written_as_in_a_row(text: str, number: int) -> None:
    numbered = b'event: x\ndata: {"sequence_number":%d,"delta":"%b"}\n\n'
    forms = known(CHAT % (b'"a"', b"")), known(numbered % (7, b"a"), Shape.RESPONSES)
    for form in forms:
        assert form.write_one(text, number) == form.write([text], number)
