"""Routes that are missing, or that go away: what was learned of them goes too."""

import pytest

from gateway.shapes import Json, Shape
from tests import kinds
from tests.clients.resolution.asking import RIGHT
from tests.clients.resolution.scene import (
    EMPTY,
    HOMES,
    MODEL,
    NO_ROUTE,
    Generate,
    Scene,
    answer,
    at_once,
    elsewhere,
    error,
    listing,
)
from tests.clients.resolution.stage import A_MOMENT, set_up

pytestmark = pytest.mark.anyio


def living_at(home: Shape, *lacked: Shape) -> Generate:
    """A model that lives at one endpoint of a server that lacks some routes."""

    def generate(scene: Scene, shape: Shape, body: Json) -> bytes:
        if shape in lacked:
            return NO_ROUTE
        if shape is home:
            return answer(shape, MODEL, streamed=body.get("stream", False))
        return elsewhere(shape, home)

    return generate


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize(
    ("client", "before", "after"),
    [
        (Shape.CHAT, Shape.RESPONSES, Shape.CHAT),
        (Shape.COMPLETIONS, Shape.RESPONSES, Shape.CHAT),
        (Shape.COMPLETIONS, Shape.CHAT, Shape.COMPLETIONS),
        (Shape.RESPONSES, Shape.CHAT, Shape.RESPONSES),
    ],
)
async def test_what_was_learned_is_forgotten_when_its_route_disappears(
    client: Shape, before: Shape, after: Shape, streamed: bool
) -> None:
    """Another server stands behind the same URL."""
    async with set_up(kinds.AUTO) as stage:
        scene = stage.set(Scene("moved", None, at_once(listing(MODEL)), at_once(NO_ROUTE)))
        scene.generate = living_at(before)
        assert (await stage.answered(scene, client, streamed=streamed))[0] == RIGHT[client]
        stage.clock.advance(A_MOMENT)
        assert await stage.answered(scene, client, streamed=streamed) == (RIGHT[client], [before])
        scene.generate = living_at(after, before)
        stage.clock.advance(A_MOMENT)
        said, calls = await stage.answered(scene, client, streamed=streamed)
        assert said == RIGHT[client]
        assert len(calls) <= 3
        for _ in range(3):
            stage.clock.advance(A_MOMENT)
            again = await stage.answered(scene, client, streamed=streamed)
            assert again == (RIGHT[client], [after])
        explained = await stage.explained(scene, client)
        assert explained["endpoint"] == after.endpoint


@pytest.mark.parametrize("client", HOMES)
async def test_a_missing_route_where_routes_are_known_is_relayed(client: Shape) -> None:
    """OpenAI has all three; what lacks one is a proxy before it, and says nothing of models."""

    def generate(scene: Scene, shape: Shape, body: Json) -> bytes:
        if shape is client:
            return error(f"Invalid URL (POST {shape.endpoint})")
        return answer(shape, MODEL, streamed=False)

    async with set_up(kinds.OPENAI) as stage:
        scene = Scene("route", None, at_once(listing(MODEL)), at_once(EMPTY), generate=generate)
        scene = stage.set(scene)
        for _ in range(2):
            reply = await stage.ask(scene, client)
            assert reply.status == 404
            assert reply.error["message"] == f"Invalid URL (POST {client.endpoint})"
            stage.clock.advance(A_MOMENT)
        assert scene.calls == [client, client]
