"""Look-ups that hang or dawdle: nobody but the first request waits, and that one once."""

import asyncio
from collections.abc import Callable

import pytest

from gateway.config.settings import TimeoutSettings
from gateway.servers import Profile
from gateway.shapes import Shape
from tests import kinds
from tests.clients.resolution.asking import RIGHT, Said, fetch, question, said
from tests.clients.resolution.scene import (
    EMPTY,
    HOMES,
    MODEL,
    NO_ROUTE,
    RESTRICTED,
    HeldBack,
    Metadata,
    Scene,
    as_json,
    at_once,
    begun,
    first,
    held,
    jobs,
    listing,
)
from tests.clients.resolution.stage import A_MOMENT, METADATA, NEGATIVE_TTL, Stage, set_up
from tests.upstream.scripted import Request
from tests.waiting import PATIENCE

pytestmark = pytest.mark.anyio

HI = Said("Hi", "stop")
LISTED = listing(MODEL, "another")


async def embeds(scene: Scene, request: Request) -> bytes:
    return as_json({"object": "list", "data": []})


@pytest.mark.parametrize(
    ("max_connections", "at_once"), [(256, 300), (8, 40)], ids=["256 slots", "8 slots"]
)
async def test_many_keys_before_a_hung_list_are_all_served(
    max_connections: int, at_once: int
) -> None:
    """Generation's slots are never held by a look-up.

    Of a few slots, at most four requests for each can wait; so those come in turns.
    """
    timeouts = TimeoutSettings(metadata=0.3)
    async with set_up(kinds.VLLM, max_connections=max_connections, timeouts=timeouts) as stage:
        stage.clock.go_on()
        turn = asyncio.Semaphore(at_once)
        scenes = [
            stage.set(Scene("many", Shape.CHAT, held(EMPTY), held(EMPTY), further=embeds))
            for _ in range(300)
        ]

        async def ask(scene: Scene) -> Said:
            async with turn:
                return said(Shape.CHAT, await stage.ask(scene, Shape.CHAT), streamed=False)

        assert await asyncio.gather(*map(ask, scenes)) == [HI] * 300
        assert stage.gateway.application.upstreams.stats()["main"].in_flight == 0
        body = question(Shape.CHAT, "embedder")
        reply = await stage.fetch(scenes[0], "POST", "/embeddings", body)
        assert reply.status == 200


async def test_a_hung_look_up_of_one_key_takes_no_slot_from_another() -> None:
    async with set_up(kinds.OPENAI, max_connections=1) as stage:
        hung = stage.set(Scene("hung", Shape.CHAT, held(EMPTY), held(EMPTY)))
        asking = asyncio.create_task(stage.ask(hung, Shape.CHAT))
        await hung.held.wait()
        other = stage.set(Scene("other", Shape.CHAT, at_once(LISTED), at_once(EMPTY)))
        assert await stage.answered(other, Shape.COMPLETIONS) == (
            HI,
            [Shape.COMPLETIONS, Shape.CHAT],
        )
        stage.clock.advance(METADATA)
        assert (await asking).status == 200


LIST_STUCK_ONCE = (lambda: first(held(LISTED), at_once(LISTED)), lambda: at_once(EMPTY))
BOTH_HUNG = (lambda: held(LISTED), lambda: held(EMPTY))
HALF_A_BODY = (lambda: begun(LISTED), lambda: begun(EMPTY))
Made = tuple[Callable[[], Metadata], Callable[[], Metadata]]


@pytest.mark.parametrize(
    "metadata",
    [LIST_STUCK_ONCE, BOTH_HUNG, HALF_A_BODY],
    ids=["the first list", "list and jobs", "half a body"],
)
@pytest.mark.parametrize("kind", [kinds.VLLM, kinds.OPENAI, kinds.AUTO])
async def test_one_request_waits_for_a_hung_look_up_and_no_other(
    kind: Profile, metadata: Made
) -> None:
    async with set_up(kind) as stage:
        scene = stage.set(Scene("stuck", Shape.CHAT, metadata[0](), metadata[1]()))
        assert (await stage.answered(scene, Shape.CHAT, waits=True))[0] == HI
        asked = len(scene.lookups)
        for _ in range(5):
            stage.clock.advance(A_MOMENT)
            assert await stage.answered(scene, Shape.CHAT) == (HI, [Shape.CHAT])
        assert len(scene.lookups) == asked
        # Other models of the key need the same list.
        other = Scene(scene.key, Shape.CHAT, scene.models, scene.jobs, model="another")
        scene.model = other.model
        assert (await stage.ask(other, Shape.CHAT)).status == 200


async def test_a_list_that_was_stuck_is_asked_again_after_a_minute() -> None:
    async with set_up(kinds.VLLM) as stage:
        stuck = first(held(LISTED), at_once(LISTED))
        scene = stage.set(Scene("again", Shape.CHAT, stuck, at_once(NO_ROUTE)))
        await stage.answered(scene, Shape.CHAT, waits=True)
        stage.clock.advance(NEGATIVE_TTL)
        stage.clock.advance(A_MOMENT)
        await stage.answered(scene, Shape.CHAT)
        await known(stage, scene, "in the model list")
        assert len(scene.lookups) == 2


async def test_what_came_too_late_is_used_all_the_same() -> None:
    async with set_up(kinds.VLLM) as stage:
        late = HeldBack(listing("another"))
        scene = stage.set(Scene("late", None, late, at_once(NO_ROUTE)))
        reply = await stage.ask(scene, Shape.CHAT, waits=True)
        assert "the model list could not be read" in reply.error["message"]
        late.opened.set()
        await known(stage, scene, "not the one model that this key sees")
        stage.clock.advance(A_MOMENT)
        reply = await stage.ask(scene, Shape.CHAT)
        assert "not the one model that this key sees" in reply.error["message"]
        assert len(scene.lookups) == 1


async def known(stage: Stage, scene: Scene, detail: str) -> None:
    """Wait until the gateway has read what was said late."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = await stage.explained(scene, Shape.CHAT)
            if any(detail in piece["detail"] for piece in found["evidence"]):
                return


@pytest.mark.parametrize("kind", [kinds.OPENAI, kinds.VLLM])
async def test_a_404_waits_no_longer_than_any_other_reply(kind: Profile) -> None:
    async with set_up(kind) as stage:
        scene = stage.set(Scene("absent", None, held(EMPTY), held(EMPTY)))
        assert (await stage.ask(scene, Shape.CHAT, waits=True)).status == 404
        stage.clock.advance(A_MOMENT)
        assert (await stage.ask(scene, Shape.CHAT)).status == 404


async def test_a_name_on_no_list_does_not_wait_for_a_list_that_hangs_later() -> None:
    """An adapter, a deployment: it worked for long, then its new look-up hangs."""
    async with set_up(kinds.VLLM) as stage:
        models = first(at_once(listing("another")), held(listing("another")))
        scene = stage.set(Scene("adapter", Shape.CHAT, models, at_once(NO_ROUTE)))
        assert await stage.answered(scene, Shape.CHAT) == (HI, [Shape.CHAT])
        for _ in range(3):
            stage.clock.advance(NEGATIVE_TTL)
            stage.clock.advance(A_MOMENT)
            assert await stage.answered(scene, Shape.CHAT) == (HI, [Shape.CHAT])


RENEWED = {
    "a deployment": (kinds.AZURE, listing("gpt-4o"), EMPTY),
    "an adapter": (kinds.VLLM, listing("another"), NO_ROUTE),
    "a router's alias": (kinds.LITELLM, listing("another"), NO_ROUTE),
    "a restricted key": (kinds.OPENAI, RESTRICTED, RESTRICTED),
    "an empty list": (kinds.AUTO, EMPTY, NO_ROUTE),
}


@pytest.mark.parametrize("which", list(RENEWED))
async def test_a_name_that_has_just_answered_is_served_while_its_look_up_is_renewed(
    which: str,
) -> None:
    kind, models, made = RENEWED[which]
    base_path = "/openai/v1" if kind is kinds.AZURE else "/v1"
    async with set_up(kind, base_path=base_path) as stage:
        scene = Scene(
            "renewed",
            Shape.CHAT,
            first(at_once(models), held(models)),
            first(at_once(made), held(made)),
        )
        scene = stage.set(scene)
        assert await stage.answered(scene, Shape.CHAT) == (HI, [Shape.CHAT])
        looked_up = len(scene.lookups)
        for _ in range(3):
            stage.clock.advance(NEGATIVE_TTL / 2)
            assert await stage.answered(scene, Shape.CHAT) == (HI, [Shape.CHAT])
        replies = await asyncio.gather(*(stage.ask(scene, Shape.CHAT) for _ in range(20)))
        assert {reply.status for reply in replies} == {200}
        await scene.held.wait()
        assert len(scene.lookups) > looked_up
        for _ in range(3):
            stage.clock.advance(2 * NEGATIVE_TTL)
            assert (await stage.ask(scene, Shape.CHAT)).status == 200


async def test_all_look_ups_of_a_request_share_one_wait() -> None:
    """List, jobs and checkpoints, each a little quicker than `timeouts.metadata`."""
    async with set_up(kinds.OPENAI) as stage:
        models, made = HeldBack(listing("another")), HeldBack(jobs(("another", "davinci-002")))
        checkpoints = HeldBack(EMPTY)

        async def further(scene: Scene, request: Request) -> bytes:
            return await checkpoints(scene)

        scene = stage.set(Scene("dawdling", Shape.CHAT, models, made, further=further))
        asking = asyncio.create_task(stage.ask(scene, Shape.CHAT))
        await models.reached.wait()
        stage.clock.advance(0.6 * METADATA)
        models.opened.set()
        await made.reached.wait()
        stage.clock.advance(0.3 * METADATA)
        made.opened.set()
        await checkpoints.reached.wait()
        stage.clock.advance(0.1 * METADATA)
        assert (await asking).status == 200


@pytest.mark.parametrize("right", range(4))
async def test_upstreams_are_asked_side_by_side(right: int) -> None:
    async with set_up(*[kinds.VLLM] * 4) as stage:
        held_back = [
            HeldBack(listing(MODEL) if n == right else listing("another")) for n in range(4)
        ]
        scenes = [
            Scene("side", Shape.CHAT if n == right else None, each, at_once(NO_ROUTE))
            for n, each in enumerate(held_back)
        ]
        scenes = stage.set_all(*scenes)
        asking = asyncio.create_task(stage.ask(scenes[0], Shape.CHAT))
        await asyncio.gather(*(each.reached.wait() for each in held_back))
        for each in held_back:
            each.opened.set()
        assert (await asking).status == 200
        assert [scene.calls for scene in scenes] == [
            [Shape.CHAT] if n == right else [] for n in range(4)
        ]


async def test_hung_upstreams_before_the_right_one_are_waited_for_once() -> None:
    async with set_up(*[kinds.VLLM] * 4) as stage:
        hung = [Scene("three", None, held(EMPTY), at_once(NO_ROUTE)) for _ in range(3)]
        last = Scene("three", Shape.CHAT, at_once(listing(MODEL)), at_once(NO_ROUTE))
        *hung, last = stage.set_all(*hung, last)
        assert await stage.answered(last, Shape.CHAT, waits=True) == (HI, [Shape.CHAT])
        for _ in range(3):
            stage.clock.advance(A_MOMENT)
            assert await stage.answered(last, Shape.CHAT) == (HI, [Shape.CHAT])
        assert [scene.calls for scene in hung] == [[], [], []]


@pytest.mark.parametrize("client", HOMES)
async def test_the_gateway_ends_with_look_ups_under_way(client: Shape) -> None:
    async with set_up(kinds.AUTO) as stage:
        scene = stage.set(Scene("ending", client, held(EMPTY), held(EMPTY)))
        assert (await stage.answered(scene, client, waits=True))[0] == RIGHT[client]
    with pytest.raises(ConnectionRefusedError):
        await fetch(stage.base_url, "GET", "/models")
