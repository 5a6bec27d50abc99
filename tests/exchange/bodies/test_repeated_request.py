"""Agents' requests that go on: what is decoded of them is what a whole body is decoded to."""

import json
import sys
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.conversations import Conversation
from gateway.exchange.bodies.fast_requests import Decoded, routed_of
from gateway.exchange.bodies.repeated_body import LISTS
from gateway.exchange.bodies.repeated_request import RepeatedRequest
from gateway.fast.agents.numbers import Literal as NumberLiteral
from gateway.fast.pairs import LOADED
from gateway.shapes import Json, Shape
from gateway.texts import shared_start
from tests.exchange.bodies.test_fast_requests import FULL, MODEL
from tests.exchange.bodies.test_repeated_body import fields_in

each_shape = pytest.mark.parametrize("client", LISTS, ids=str)


def agents_body(client: Shape, turns: int) -> bytes:
    return Conversation(turns, tools=3, result_bytes=600).body(client, MODEL)


def whole(client: Shape, body: bytes) -> Decoded:
    """Return what there is of a body that is decoded whole; raises what its reader raises."""
    return routed_of(LOADED.agent_readers[client](body), LOADED.encode)


def found(client: Shape, last: bytes, body: bytes) -> RepeatedRequest | None:
    return RepeatedRequest.found(last, shared_start(last, body), LISTS[client])


def of(client: Shape, last: bytes, body: bytes) -> RepeatedRequest:
    """Return what two turns of a conversation have in common."""
    known = found(client, last, body)
    assert known is not None
    return known


def written(client: Shape, items: list[Any]) -> bytes:
    """Return a request with everything that there is, after a long conversation."""
    body = {**FULL[client], LISTS[client].name: items}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def full(client: Shape) -> list[Any]:
    items: list[Any] = json.loads(agents_body(client, 10))[LISTS[client].name]
    return [*items, *FULL[client][LISTS[client].name]]


def said(number: int, size: int = 0) -> Json:
    return {"role": "user", "content": f"Now look at {number} → there. {'x' * size}"}


def assert_as_whole(known: RepeatedRequest, client: Shape, body: bytes) -> Decoded:
    """Check that a body is read as it is without what is known."""
    read, expected = known.read(body), whole(client, body)
    assert isinstance(read, Decoded)
    assert fields_in(read) == fields_in(expected)
    assert LOADED.encode(read.request) == LOADED.encode(expected.request)
    return read


@each_shape
def test_the_next_turns_are_decoded_as_a_whole_body_is(client: Shape) -> None:
    known = of(client, agents_body(client, 20), agents_body(client, 21))
    sizes = []
    for count in (*range(21, 80), 80, 80):
        assert_as_whole(known, client, agents_body(client, count))
        sizes.append(known.size)
    assert known.is_unsealed
    assert sizes == sorted(sizes)
    assert sizes[-1] > len(agents_body(client, 80))


@each_shape
def test_items_of_all_kinds_are_known_and_new(client: Shape) -> None:
    items = full(client)
    known = of(client, written(client, [*items, said(1)]), written(client, [*items, said(2)]))
    for more in ([said(2)], [], [said(3, 20_000), *items], [said(3, 20_000), *items, said(4)]):
        assert_as_whole(known, client, written(client, [*items, *more]))


@pytest.mark.parametrize("size", [0, 20_000])
def test_items_without_a_type_are_decoded_one_by_one(size: int) -> None:
    def body(count: int) -> bytes:
        return written(Shape.RESPONSES, [said(number, 2000) for number in range(count)])

    known = of(Shape.RESPONSES, body(9), body(10))
    assert_as_whole(known, Shape.RESPONSES, body(10 + size // 1000))


@each_shape
@pytest.mark.parametrize("size", [0, 20_000])
def test_what_a_codec_does_not_admit_is_read_whole(client: Shape, size: int) -> None:
    items = full(client)
    known = of(client, written(client, [*items, said(1)]), written(client, [*items, said(2)]))
    odd = {**said(3, size), "own": True}
    for more in ([odd], [odd, said(4)], [odd, said(4), said(5)]):
        assert known.read(written(client, [*items, *more])) is None
    good = known.read(written(client, [*items, said(6)]))
    assert (good is None) is bool(size), "it goes on from the odd one now"


@each_shape
def test_nothing_is_found_where_no_item_is_known_or_the_request_is_odd(client: Shape) -> None:
    one = [said(1, 20_000)]
    assert found(client, written(client, one), written(client, [*one, said(2)])) is None
    odd = [{**said(1, 9_000), "own": True}, said(2)]
    assert found(client, written(client, odd), written(client, [*odd, said(3)])) is None
    text = b'{"model":"m"}'
    assert found(client, text, text) is None


@each_shape
def test_another_conversation_does_not_go_on(client: Shape) -> None:
    known = of(client, agents_body(client, 20), agents_body(client, 21))
    assert known.read(written(client, full(client))) is None


@each_shape
@given(data=st.data())
def test_any_body_is_decoded_as_a_whole_one_or_not_at_all(client: Shape, data: Any) -> None:
    items = full(client)
    last, body = (written(client, [*items, said(number)]) for number in (1, 2))
    known = of(client, last, body)
    for _ in range(3):
        at = data.draw(st.integers(shared_start(last, body) - 60, len(body)))
        piece = st.sampled_from(
            [
                *(
                    b"",
                    b",",
                    b"]",
                    b"}",
                    b'"',
                    b" ",
                    b"\\",
                    b"\xe2\x86",
                    "→".encode(),
                    b"null",
                    b"1.10",
                ),
                *(b'{"role":"user","content":"x"}', b',{"role":"user","content":"\\ud83d"}'),
                b'],"' + LISTS[client].name.encode() + b'":[{"role":"user","content":"y"}',
            ]
        )
        changed = body[:at] + data.draw(piece) + body[at + data.draw(st.integers(0, 3)) :]
        read = known.read(changed)
        if read is None:
            continue
        expected = whole(client, changed)
        assert fields_in(read) == fields_in(expected)
        request = cast("Decoded", read).request
        assert LOADED.encode(request) == LOADED.encode(expected.request)


def bytes_of(value: Any) -> int:
    """Return what the lists, objects and literal numbers in a value take in memory."""
    if isinstance(value, msgspec.Struct):
        inner = [getattr(value, name) for name in value.__struct_fields__]
    elif isinstance(value, dict | list):
        inner = [*value.values()] if isinstance(value, dict) else value
    else:
        return sys.getsizeof(value) if isinstance(value, NumberLiteral) else 0
    return sys.getsizeof(value) + sum(map(bytes_of, inner))


@pytest.mark.parametrize("value", [[], {}, {"": {}}, {"": 0}, [[[[[[[]]]]]]], 1.5, "", "x,"])
def test_what_is_made_of_many_short_values_counts(value: object) -> None:
    call = {"type": "tool_use", "id": "c", "name": "f", "input": {"": [value] * 1000}}
    items = [{"role": "assistant", "content": [call]}] * 6

    def body(count: int) -> bytes:
        return written(Shape.MESSAGES, [*items, *items[:count], said(count)])

    known = of(Shape.MESSAGES, body(0), body(1))
    for count in range(1, 7):
        request: Any = assert_as_whole(known, Shape.MESSAGES, body(count)).request
        assert known.size > bytes_of(request.messages[: 4 + count])


@each_shape
def test_a_usual_conversation_counts_for_its_bytes(client: Shape) -> None:
    last, body = agents_body(client, 60), agents_body(client, 61)
    assert of(client, last, body).size < 3 * len(body)
