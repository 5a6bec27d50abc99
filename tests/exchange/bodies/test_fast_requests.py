"""Agents' requests that are decoded once, for routing and for the codec."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from msgspec.json import encode

from gateway.config.settings import ModelRule, PerformanceSettings, Settings
from gateway.errors import InvalidRequest
from gateway.exchange.attempt import Attempts
from gateway.exchange.bodies.apart import LARGE_BYTES
from gateway.exchange.bodies.fast_requests import Decoded, FastRequests, NotAdmitted
from gateway.exchange.bodies.request_fields import (
    Routed,
    decode_field,
    features_of,
    has_prompt_object,
    read_routed,
)
from gateway.exchange.contexts import Contexts
from gateway.fast.paths import LARGEST_TEXT
from gateway.request import GenerationRequest
from gateway.resolve.evidence import Route
from gateway.shapes import Json, Shape
from tests.exchange.scene import Scene, chat_completion
from tests.exchange.test_attempt import OPENAI, ROUTE
from tests.fakes import json_reply
from tests.fast.agents import chat_traffic, messages_agents, responses_traffic
from tests.fast.both_paths import changed
from tests.fast.names import names_in_translate

FULL = {
    Shape.CHAT: chat_traffic.FULL,
    Shape.RESPONSES: responses_traffic.FULL,
    Shape.MESSAGES: messages_agents.FULL,
}
ODD = {
    Shape.CHAT: chat_traffic.ODD,
    Shape.RESPONSES: responses_traffic.ODD,
    Shape.MESSAGES: messages_agents.ODD,
}
PAIRS = [(client, home) for client in FULL for home in FULL if client is not home]
MODEL = "asked"

each_shape = pytest.mark.parametrize("client", FULL, ids=str)
each_pair = pytest.mark.parametrize(("client", "home"), PAIRS)


def long(body: Json | bytes, size: int = LARGEST_TEXT) -> bytes:
    """Return a body that is as long as an agent's."""
    written = body if isinstance(body, bytes) else encode(body)
    return written[:-1] + b" " * size + b"}"


def asked(client: Shape, body: Json | bytes | None = None) -> GenerationRequest:
    return GenerationRequest.at(client, long(FULL[client] if body is None else body))


def attempts(*, fast_paths: bool = True) -> Attempts:
    settings = Settings((OPENAI,), performance=PerformanceSettings(fast_paths=fast_paths))
    return Attempts(settings, lambda: 1_795_000_000.5)


def read_by(made: Attempts, call: GenerationRequest) -> Routed:
    return asyncio.run(made.bodies.read(call))[1]


def route_to(home: Shape, model: str = MODEL) -> Route:
    return replace(ROUTE, shape=home, model_asked=model, model_sent=model)


def knowing(client: Shape, *models: str) -> FastRequests:
    """Return what has had requests for models translated."""
    contexts = Contexts(Settings((OPENAI,)), lambda: 1_795_000_000.5)
    home = Shape.CHAT if client is Shape.RESPONSES else Shape.RESPONSES
    requests = FastRequests(contexts)
    for model in models or (MODEL,):
        around = contexts.for_route(route_to(home, model), home)
        assert requests.translation(around.fast[client], asked(client), around.context) is not None
    return requests


def needed(routed: Routed) -> Any:
    """Return what routing has of a body; an error's words are not compared."""
    try:
        fields = (routed.previous_response_id, routed.conversation, routed.store)
        return (
            *(routed.model, routed.stream is True, features_of(routed), has_prompt_object(routed)),
            *(decode_field(field, "") for field in fields),
        )
    except InvalidRequest as error:
        return error.param


def assert_alike(requests: FastRequests, call: GenerationRequest) -> Routed | None:
    """Check that routing needs the same of a request however it is read; return what was read."""
    if not requests.takes(call.shape, call.body):
        return None
    read = requests.decoded(call.shape, call.body)
    assert needed(read) == needed(read_routed(call.body))
    return read


@each_shape
def test_routing_has_the_same_of_a_body_that_is_decoded_whole(client: Shape) -> None:
    requests = knowing(client)
    bodies = [FULL[client], *(changed(FULL[client], [change]) for change in ODD[client])]
    read = [assert_alike(requests, asked(client, body)) for body in bodies]
    kinds = list(map(type, read))
    assert kinds[0] is Decoded
    assert {*kinds[1:]} == {Decoded, NotAdmitted, type(None)}


@each_shape
@pytest.mark.parametrize("value", [None, True, "high", {"effort": "high"}, [{}], 1e3])
def test_so_it_has_with_any_field(client: Shape, value: object) -> None:
    requests = knowing(client)
    for name in names_in_translate():
        assert_alike(requests, asked(client, {**FULL[client], name: value}))


@each_shape
def test_of_a_field_that_is_there_twice_the_last_one_counts(client: Shape) -> None:
    requests = knowing(client)
    again = {"model": "another", "stream": True, "tools": []}
    twice = encode(FULL[client])[:-1] + b"," + encode(again)[1:]
    read = assert_alike(requests, asked(client, twice))
    assert isinstance(read, Decoded)
    assert (read.model, read.stream) == ("another", True)


@each_pair
def test_a_request_is_translated_alike_whenever_it_was_decoded(client: Shape, home: Shape) -> None:
    made, call, route = attempts(), asked(client), route_to(home)

    def sent(routed: Routed | None) -> bytes | None:
        (upstream,) = made.build(call, route, home, (), routed).calls
        assert isinstance(upstream.body, bytes)
        return upstream.body

    first = read_by(made, call)
    expected = sent(first)
    again = read_by(made, call)
    assert (type(first), type(again)) == (Routed, Decoded)
    # One attempt takes what was decoded, another one decodes it again.
    assert [sent(again), sent(again), sent(None)] == [expected] * 3
    assert isinstance(again, Decoded)
    assert again.request is None


@pytest.mark.parametrize("client", [Shape.RESPONSES, Shape.MESSAGES], ids=str)
@pytest.mark.parametrize("stores", [False, True])
def test_the_whole_loop_sends_the_same_again(client: Shape, *, stores: bool) -> None:
    scene = Scene(
        lambda _: json_reply(chat_completion()),
        rules=(ModelRule(MODEL, endpoints=(Shape.CHAT,)),),
        stores=stores,
    )
    for _ in range(3):
        scene.generate(client, asked(client).body)
    bodies = [sent.body for sent in scene.network.calls]
    assert len(bodies) == 3
    assert len({*bodies}) == 1


@each_pair
def test_a_request_that_no_codec_admits_is_not_decoded_again(client: Shape, home: Shape) -> None:
    made, route = attempts(), route_to(home)
    made.build(asked(client), route, home, ())
    odd = asked(client, {**FULL[client], "top_p": "x"})
    routed = read_by(made, odd)
    if isinstance(routed, NotAdmitted):
        assert made.build(asked(client), route, home, (), routed).fast is None
    for known in (None, routed):
        with pytest.raises(InvalidRequest) as refused:
            made.build(odd, route, home, (), known)
        assert refused.value.param == "top_p"


@each_shape
def test_a_model_that_is_at_home_is_forgotten(client: Shape) -> None:
    made, call = attempts(), asked(client)
    away = Shape.CHAT if client is Shape.RESPONSES else Shape.RESPONSES
    made.build(call, route_to(away), away, ())
    routed = read_by(made, call)
    assert isinstance(routed, Decoded)
    (sent,) = made.build(call, route_to(client), client, (), routed).calls
    assert sent.body is call.body
    assert routed.request is None
    assert type(read_by(made, call)) is Routed


def test_without_fast_paths_nothing_is_decoded_whole() -> None:
    made, call = attempts(fast_paths=False), asked(Shape.CHAT)
    made.build(call, route_to(Shape.RESPONSES), Shape.RESPONSES, ())
    assert type(read_by(made, call)) is Routed


@pytest.mark.parametrize(
    ("given", "is_found"),
    [
        (b'{"model":"asked",%b}', True),
        (b'{"model": "asked", %b}', True),
        (b'{%b,"model":"asked","stream":false}', True),
        (b'{%b,"model":"asked","tools":[{"type":"function","function":{"name":"f"}}]}', True),
        (b'{"model":  "asked",%b}', False),
        (b'{"model":"ask\\u0065d",%b}', False),
        (b'{"model":"other",%b}', False),
        (b'{"model":3,%b}', False),
        (b'{"stream":false,%b}', False),
    ],
)
def test_the_name_is_looked_for_where_clients_write_it(given: bytes, *, is_found: bool) -> None:
    said = b'"messages":[{"role":"user","content":"%b"}]' % (b"x" * LARGEST_TEXT)
    call = GenerationRequest.at(Shape.CHAT, given % said)
    assert isinstance(assert_alike(knowing(Shape.CHAT), call), Decoded) is is_found


def test_only_what_is_as_long_as_an_agents_request_is_decoded_whole() -> None:
    made, route, body = attempts(), route_to(Shape.RESPONSES), FULL[Shape.CHAT]

    def read(written: bytes, client: Shape) -> Routed:
        return read_by(made, GenerationRequest.at(client, written))

    shorter, longer = encode(body), long(body, LARGE_BYTES)
    for written in (shorter, longer):
        made.build(GenerationRequest.at(Shape.CHAT, written), route, Shape.RESPONSES, ())
    assert type(read(long(body), Shape.CHAT)) is Routed
    made.build(asked(Shape.CHAT), route, Shape.RESPONSES, ())
    assert type(read(long(body), Shape.CHAT)) is Decoded
    for written, client in (
        *((shorter, Shape.CHAT), (longer, Shape.CHAT)),
        *((long(body), Shape.RESPONSES), (long(body), Shape.COMPLETIONS)),
    ):
        assert type(read(written, client)) is Routed


def test_names_that_clients_invent_take_the_room_of_no_model_for_long() -> None:
    requests = knowing(Shape.CHAT, *(f"m{number}" for number in range(257)))
    taken = [
        requests.takes(Shape.CHAT, long({**FULL[Shape.CHAT], "model": f"m{number}"}))
        for number in (0, 255, 256)
    ]
    assert taken == [False, False, True]


def test_what_is_not_json_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        knowing(Shape.CHAT).decoded(Shape.CHAT, long(FULL[Shape.CHAT]) + b"x")
