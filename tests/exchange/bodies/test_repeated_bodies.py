"""What is kept of each connection's conversations, for whom, how much and for how long."""

import gc

import pytest
from msgspec import structs
from msgspec.json import encode

from gateway.errors import InvalidRequest
from gateway.exchange.bodies.repeated_bodies import MOST_BYTES, SMALLEST, Known, RepeatedBodies
from gateway.exchange.bodies.repeated_body import LISTS, RepeatedBody
from gateway.exchange.bodies.repeated_request import RepeatedRequest
from gateway.exchange.bodies.request_fields import read_routed
from gateway.request import GenerationRequest
from gateway.shapes import ClientHeaders, RawHeaders, Shape, UpstreamCall
from tests.exchange.bodies.test_fast_requests import attempts, read_by
from tests.exchange.bodies.test_repeated_body import body_of, fields_in, item
from tests.exchange.scene import Scene, chat_completion
from tests.fakes import FakeReply, json_reply

each_kind = pytest.mark.parametrize("kind", [RepeatedBody, RepeatedRequest])
each_shape = pytest.mark.parametrize("client", LISTS, ids=str)


def head(key: str = "sk-one") -> ClientHeaders:
    return ClientHeaders([(b"authorization", f"Bearer {key}".encode())])


def answer(_: UpstreamCall) -> FakeReply:
    return json_reply(chat_completion())


def turn(
    headers: RawHeaders, count: int, client: Shape = Shape.CHAT, first: int = 0
) -> GenerationRequest:
    """Return a turn of a conversation, of which another one has another first item."""
    items = [item(number) for number in range(first, first + count)]
    return GenerationRequest.at(client, body_of(client, items), headers)


@each_shape
def test_a_turn_goes_on_from_the_last_one(client: Shape) -> None:
    repeated, headers = RepeatedBodies(), head()
    assert repeated.read(turn(headers, 30, client)) is None
    for count in range(31, 60):
        call = turn(headers, count, client)
        read = repeated.read(call)
        assert read is not None
        assert read[0] == structs.replace(call, is_utf8=True, is_unsealed=True)
        assert fields_in(read[1]) == fields_in(read_routed(call.body))


@each_shape
def test_nothing_is_known_to_another_head(client: Shape) -> None:
    repeated, one, other = RepeatedBodies(), head(), head()
    for count in range(30, 35):
        repeated.read(turn(one, count, client))
    assert repeated.read(turn(one, 35, client)) is not None
    assert repeated.read(turn(other, 35, client)) is None, "the same fields, another connection"
    assert repeated.read(turn(head("sk-two"), 35, client)) is None


def test_heads_without_derived_values_and_completions_are_read_whole() -> None:
    repeated = RepeatedBodies()
    for count in range(30, 35):
        assert repeated.read(turn(tuple(head()), count)) is None
        body = encode({"model": "m", "prompt": ["text"] * 10_000})
        assert repeated.read(GenerationRequest.at(Shape.COMPLETIONS, body, head())) is None
    assert not repeated.size


def test_sub_agents_go_on_side_by_side() -> None:
    repeated, headers = RepeatedBodies(), head()
    known = [
        repeated.read(turn(headers, count, first=1000 * agent)) is not None
        for count in range(30, 40)
        for agent in range(4)
    ]
    assert known == [False] * 4 + [True] * 36


def test_of_a_fifth_conversation_the_first_is_forgotten() -> None:
    repeated, headers = RepeatedBodies(), head()
    for agent in range(5):
        for count in range(30, 33):
            repeated.read(turn(headers, count, first=1000 * agent))
    assert repeated.read(turn(headers, 33)) is None
    assert repeated.read(turn(headers, 33, first=4000)) is not None


@each_kind
def test_a_conversation_that_begins_again_is_kept_once(kind: type[Known]) -> None:
    repeated, headers = RepeatedBodies(kind=kind), head()
    sizes = []
    for _ in range(3):
        read = [repeated.read(turn(headers, count)) is not None for count in range(30, 50)]
        assert read == [False] + [True] * 19
        sizes.append(repeated.size)
    assert sizes == sizes[:1] * 3


@each_kind
def test_two_that_go_on_from_one_are_both_kept(kind: type[Known]) -> None:
    repeated, headers = RepeatedBodies(kind=kind), head()
    common = list(map(item, range(30)))
    for count in range(1, 20):
        for first in (100, 200):
            items = [*common, *map(item, range(first, first + count))]
            call = GenerationRequest.at(Shape.CHAT, body_of(Shape.CHAT, items), headers)
            assert repeated.read(call) is not None or count < 3


def test_nothing_is_kept_of_a_head_whose_bodies_only_seem_to_go_on() -> None:
    repeated, headers = RepeatedBodies(), head()
    for number in range(20):
        items = [item(count) for count in range(30)]
        body = body_of(Shape.CHAT, items, metadata=str(number), user="x" * 64)
        assert repeated.read(GenerationRequest.at(Shape.CHAT, body, headers)) is None
    assert repeated.size == 0


def test_requests_that_have_little_in_common_are_no_failures() -> None:
    repeated, headers = RepeatedBodies(), head()
    for number in range(20):
        assert repeated.read(turn(headers, 30, first=number * 100)) is None
    assert repeated.read(turn(headers, 31, first=1900)) is not None


@pytest.mark.parametrize(("client", "mark"), [(Shape.RESPONSES, "egs1."), (Shape.MESSAGES, "gw1.")])
@pytest.mark.parametrize("place", [0, 29, 30, 31])
def test_what_is_sealed_is_found_wherever_it_is(client: Shape, mark: str, place: int) -> None:
    repeated, headers = RepeatedBodies(), head()
    for count in range(30, 35):
        items = [item(number) for number in range(count)]
        if place < count:
            items[place]["sealed"] = f"{mark}x"
        read = repeated.read(GenerationRequest.at(client, body_of(client, items), headers))
        if read is not None:
            assert read[0].is_unsealed is (place >= count)
    assert read is not None


def test_what_is_kept_ends_with_the_connection() -> None:
    repeated, headers = RepeatedBodies(), head()
    for count in range(30, 35):
        repeated.read(turn(headers, count))
    assert 30_000 < repeated.size < 100_000
    del headers
    gc.collect()
    assert repeated.size == 0


def test_who_has_sent_nothing_for_the_longest_time_makes_room() -> None:
    repeated = RepeatedBodies(most=400_000)
    heads = [head(f"sk-{number}") for number in range(8)]
    for headers in heads:
        for count in range(30, 35):
            repeated.read(turn(headers, count))
        assert repeated.size <= 400_000
    assert repeated.read(turn(heads[0], 35)) is None
    assert repeated.read(turn(heads[-1], 35)) is not None
    del headers
    heads.clear()
    gc.collect()
    assert repeated.size == 0


def test_a_body_that_is_too_large_to_be_kept_is_read_whole() -> None:
    repeated, headers = RepeatedBodies(most=20_000), head()
    for count in range(30, 35):
        assert repeated.read(turn(headers, count)) is None
        assert repeated.size == 0
    assert MOST_BYTES > SMALLEST


def test_what_is_wrong_with_the_new_items_is_said_as_of_any_body() -> None:
    headers, made = head(), attempts()
    for count in range(30, 33):
        read_by(made, turn(headers, count))
    body = turn(headers, 33).body.replace(b'"32: a', b'"32: \\ud800 a')
    with pytest.raises(InvalidRequest, match=r"'messages\[32\]\.content' has half a character"):
        read_by(made, GenerationRequest.at(Shape.CHAT, body, headers))


def test_each_turn_is_sent_as_it_came_to_the_model_that_it_names() -> None:
    scene, headers, models = Scene(answer), head(), ("gpt-4o", "gpt-4.1")
    for count in range(30, 36):
        for model in models:
            body = turn(headers, count).body.replace(b'"model":"m"', f'"model":"{model}"'.encode())
            exchanged = scene.generate(Shape.CHAT, body, headers=headers)
            assert exchanged.decision.model_asked == model
            assert scene.network.calls[-1].body == body
