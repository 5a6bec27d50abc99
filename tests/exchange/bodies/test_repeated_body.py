"""What two bodies of a conversation have in common, and whether a third one goes on from there."""

import json
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidRequest
from gateway.exchange.bodies.repeated_body import LISTS, RepeatedBody
from gateway.exchange.bodies.request_fields import Routed, check_encoding, read_routed
from gateway.shapes import Json, Shape
from gateway.texts import shared_start

each_shape = pytest.mark.parametrize("client", LISTS, ids=str)

TOOL: Json = {"type": "function", "name": "look", "parameters": {"type": "object"}}


def item(number: int, size: int = 1500) -> Json:
    return {"role": "user", "content": f"{number}: {'a line → of text; ' * (size // 18)}"}


def body_of(client: Shape, items: Sequence[object], **others: object) -> bytes:
    """Return a body as the SDKs write it: fields before and behind the conversation."""
    around: Json = {"model": "m", LISTS[client].name: items, "stream": True, "tools": [TOOL]}
    return json.dumps(around | others, ensure_ascii=False, separators=(",", ":")).encode()


def found(client: Shape, last: bytes, body: bytes) -> RepeatedBody | None:
    return RepeatedBody.found(last, shared_start(last, body), LISTS[client])


def of(client: Shape, count: int = 20) -> RepeatedBody:
    """Return what two turns of a conversation have in common."""
    items = [item(number) for number in range(count)]
    last, body = body_of(client, items), body_of(client, [*items, item(count)])
    known = found(client, last, body)
    assert known is not None
    assert known.read(body) is not None
    return known


def fields_in(routed: Routed) -> dict[str, object]:
    """Return what routing has of a body, encoded fields as they are written."""
    values = {name: getattr(routed, name) for name in Routed.__struct_fields__}
    return {k: bytes(v) if isinstance(v, msgspec.Raw) else v for k, v in values.items()}


@each_shape
def test_the_next_turns_are_read_as_a_whole_body_is(client: Shape) -> None:
    known = of(client)
    for count in range(22, 60):
        body = body_of(client, [item(number) for number in range(count)])
        routed = known.read(body)
        assert routed is not None
        assert fields_in(routed) == fields_in(read_routed(body))


@each_shape
def test_the_same_turn_and_the_last_one_are_read_too(client: Shape) -> None:
    known = of(client)
    for count in (21, 21, 20, 21):
        assert known.read(body_of(client, [item(number) for number in range(count)])) is not None


@each_shape
@pytest.mark.parametrize(
    "other", [{"model": "n"}, {"stream": False}, {"tools": []}, {"user": "me"}], ids=str
)
def test_another_field_is_read_anew(client: Shape, other: Json) -> None:
    known, items = of(client), [item(number) for number in range(22)]
    assert known.read(body_of(client, items)) is not None
    assert known.read(body_of(client, items, **other)) is None


def test_a_change_of_the_last_items_is_of_the_same_conversation() -> None:
    # Claude Code marks the last messages of each turn for the cache, and unmarks them in the next.
    known, client = of(Shape.MESSAGES), Shape.MESSAGES
    for count in range(22, 60):
        items = [item(number) for number in range(count)]
        for each in items[-2:]:
            each["cache_control"] = {"type": "ephemeral"}
        assert known.read(body_of(client, items)) is not None


def test_a_change_of_an_early_item_is_of_another_one() -> None:
    known = of(Shape.CHAT)
    items = [item(number) for number in range(22)]
    assert known.read(body_of(Shape.CHAT, [item(7), *items[1:]])) is None


@each_shape
@pytest.mark.parametrize(
    "new",
    [
        b",1",
        b"",
        b',{"role":"user","content":"\xff"}',
        b',{"role":"user","content":"\xe2\x80',
        b'],"model":"n","messages":[{}',
        b'],"model":"n","input":[{}',
        b".5",
        b"5",
        b",",
        b"}",
        b"]",
        b',"',
        b",{}]]",
        b'{"a":1}',
        b',{"a":"\\q"}',
        b',{"a":"\n"}',
        b"," + b"[" * 3000 + b"]" * 3000,
    ],
    ids=lambda new: str(new[:24]),
)
def test_what_is_new_is_a_list_of_items_in_utf_8(client: Shape, new: bytes) -> None:
    known = of(client)
    whole = body_of(client, [item(number) for number in range(21)])
    begin, end = whole.rsplit(b'],"stream":true', 1)
    body = begin + new + b'],"stream":true' + end
    try:
        check_encoding(body)
        expected = read_routed(body)
    except InvalidRequest:
        assert known.read(body) is None
        return
    routed = known.read(body)
    if b"model" in new:
        assert routed is None, "the new part has another model"
    else:
        assert routed is not None
        assert fields_in(routed) == fields_in(expected)


def list_of(body: bytes) -> bytes:
    """Return the list in a body of `body_of`."""
    return body[body.index(b"[{") : body.rindex(b',"stream"')]


def other_of(body: bytes) -> bytes:
    """Return a list that is as long."""
    return list_of(body).replace(b"text", b"TEXT")


@each_shape
@pytest.mark.parametrize(
    "change",
    [
        # Not the list that the field has in the end.
        lambda body, name: body[:-1] + b',"%b":[1]}' % name,
        lambda body, name: body.replace(b'{"model"', b'{"%b":[2],"model"' % name, 1),
        lambda body, name: body.replace(b'{"model"', b'{"a":{"%b":[3]},"model"' % name, 1),
        lambda body, name: body.replace(b'{"model"', b'{"a\\"%b":[3],"model"' % name, 1),
        lambda body, name: body.replace(b'"%b":[' % name, b'"%b":"[' % name, 1),
        lambda body, name: body.replace(b'"%b":' % name, b'"items":', 1),
        lambda body, name: list_of(body).join([b'{"%b":' % name, b',"%b":' % name, b"}"]),
        lambda body, name: b'{"%b":%b,"%b":%b}' % (name, other_of(body), name, list_of(body)),
        # Not JSON, or not UTF-8.
        lambda body, name: body[:-1],
        lambda body, name: body.replace(b'"stream"', b'"str\xffeam"', 1),
        lambda body, name: body.replace(b"0: a line", b"0: a \xff line", 1),
    ],
)
def test_no_other_body_is_a_conversation(client: Shape, change: object) -> None:
    assert callable(change)
    name = LISTS[client].name.encode()
    items = [item(number) for number in range(20)]
    last, body = (change(body_of(client, each), name) for each in (items, [*items, item(20)]))
    assert found(client, last, body) is None


def test_bodies_with_blanks_go_on() -> None:
    def written(count: int) -> bytes:
        items = [item(number) for number in range(count)]
        return json.dumps({"model": "m", "messages": items, "stream": False}).encode()

    known = found(Shape.CHAT, written(20), written(21))
    assert known is not None
    for count in range(22, 50):
        assert known.read(written(count)) is not None
        assert known.size < len(written(count)) + 2000


@pytest.mark.parametrize("nested", [1, 12])
def test_items_end_where_no_object_within_one_does(nested: int) -> None:
    def written(count: int) -> bytes:
        parts = [{"type": "text", "text": "},{ " * 400}] * nested
        items = [{"role": "user", "content": [{"n": number}, *parts]} for number in range(count)]
        return body_of(Shape.CHAT, items)

    known = found(Shape.CHAT, written(20), written(21))
    assert known is not None
    for count in range(22, 40):
        routed = known.read(written(count))
        assert routed is not None
        assert fields_in(routed) == fields_in(read_routed(written(count)))


def test_a_list_of_responses_is_the_new_one() -> None:
    known = of(Shape.RESPONSES)
    items = [item(number) for number in range(40)]
    routed = known.read(body_of(Shape.RESPONSES, items))
    assert routed is not None
    assert msgspec.json.decode(routed.input) == items


def test_input_in_a_chat_body_stays_what_it_is() -> None:
    items = [item(number) for number in range(20)]
    last, body = (body_of(Shape.CHAT, each, input=["own"]) for each in (items, [*items, item(20)]))
    known = found(Shape.CHAT, last, body)
    assert known is not None
    routed = known.read(body)
    assert routed is not None
    assert bytes(routed.input) == b'["own"]'


_PIECES = st.sampled_from(
    [
        b",",
        b"{}",
        b"[]",
        b"]",
        b"}",
        b"[",
        b"{",
        b'"',
        b"\\",
        b":",
        b"0",
        b"1",
        b".5",
        b"e1",
        b" ",
        b"null",
        b'"a"',
        b'"\xe2\x80\x93"',
        b"\xff",
        b"\xe2",
        b'{"a":"},{"}',
        b'{"a":[{"b":1},{"b":2}]}',
        b'],"model":"n"',
        b',"messages":[',
        b'{"role":"user","content":"' + b"words, " * 900 + b'"}',
    ]
)


@given(
    st.lists(st.lists(_PIECES, max_size=6).map(b"".join), min_size=2, max_size=6),
    st.sampled_from([b"},", b"}, ", b"] ,", b",", b""]),
)
def test_whatever_is_sent_it_is_read_as_a_whole_body_is(parts: list[bytes], comma: bytes) -> None:
    """No body is read otherwise than if nothing were known."""
    items = b",".join(msgspec.json.encode(item(number)) for number in range(12))
    front, back = b'{"model":"m","messages":[' + items, b'],"stream":true}'
    sent = [front + back, front + b',{"a":1}' + back]
    known = found(Shape.CHAT, *sent)
    assert known is not None
    said = b""
    for part in parts:
        said += comma + part
        body = front + said + back
        routed = known.read(body)
        if routed is not None:
            check_encoding(body)
            assert msgspec.json.decode(body)["model"] == routed.model
            assert fields_in(routed) == fields_in(read_routed(body))
