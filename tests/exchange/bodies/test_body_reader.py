"""Bodies before it is known where they go, in the cheapest way that each allows."""

import asyncio

import pytest
from msgspec import structs

from gateway.exchange.bodies.fast_requests import Decoded
from gateway.exchange.bodies.repeated_bodies import SMALLEST
from gateway.exchange.bodies.repeated_body import RepeatedBody
from gateway.exchange.bodies.request_fields import read_routed
from gateway.request import GenerationRequest
from gateway.shapes import Shape
from tests.exchange.bodies.test_fast_requests import PAIRS, asked, attempts, read_by, route_to
from tests.exchange.bodies.test_repeated_bodies import head, turn
from tests.exchange.bodies.test_repeated_body import fields_in
from tests.exchange.bodies.test_repeated_request import agents_body, full, said, whole, written


@pytest.mark.parametrize("fast_paths", [True, False])
def test_a_turn_that_goes_on_is_known_to_be_utf_8(*, fast_paths: bool) -> None:
    bodies, headers = attempts(fast_paths=fast_paths).bodies, head()

    async def read_all() -> None:
        for count in range(30, 35):
            given = turn(headers, count)
            call, routed = await bodies.read(given)
            assert fields_in(routed) == fields_in(read_routed(given.body))
            goes_on = fast_paths and count > 30
            assert call.is_utf8 is goes_on
            assert (await bodies.checked(call) is call) is goes_on

    asyncio.run(read_all())


def test_small_bodies_are_not_kept() -> None:
    bodies, headers = attempts().bodies, head()

    async def read_all() -> None:
        for _ in range(3):
            call = turn(headers, 15)
            assert len(call.body) < SMALLEST
            assert await bodies.read(call) == (call, read_routed(call.body))

    asyncio.run(read_all())


def test_requests_that_a_codec_translates_are_decoded_at_once() -> None:
    made = attempts()
    made.build(asked(Shape.CHAT), route_to(Shape.RESPONSES), Shape.RESPONSES, ())
    call = GenerationRequest.at(Shape.CHAT, asked(Shape.CHAT).body + b" " * SMALLEST, head())
    for _ in range(3):
        assert isinstance(read_by(made, call), Decoded)
    assert RepeatedBody not in call.headers.derived  # type: ignore[attr-defined]


@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_of_requests_that_go_on_only_the_new_items_are_decoded(client: Shape, home: Shape) -> None:
    made, headers, route = attempts(), head(), route_to(home)
    made.build(asked(client), route, home, ())
    long = [*full(client), said(0, SMALLEST)]
    bodies = [agents_body(client, count) for count in range(60, 80)]
    bodies += [written(client, [*long, *map(said, range(count))]) for count in range(1, 9)]

    async def read_all() -> None:
        for index, body in enumerate(bodies):
            given = GenerationRequest.at(client, body, headers)
            call, routed = await made.bodies.read(given)
            goes_on = index not in (0, 20)
            assert call == structs.replace(given, is_utf8=goes_on, is_unsealed=goes_on)
            assert isinstance(routed, Decoded)
            assert fields_in(routed) == fields_in(whole(client, given.body))
            (sent,) = made.build(call, route, home, (), routed).calls
            assert routed.request is None, "a codec has translated it"
            (expected,) = made.build(given, route, home, ()).calls
            assert sent == expected

    asyncio.run(read_all())
