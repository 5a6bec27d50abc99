"""Routes are kept for a second, never beyond what they were decided by, and in bounds."""

import asyncio

from gateway.resolve import recent_routes
from gateway.resolve.evidence import Route, Source
from gateway.resolve.recent_routes import LIFETIME, RecentRoutes
from gateway.shapes import Shape
from tests import kinds
from tests.fakes import FakeClock
from tests.resolve.test_resolver import ALICE, BOB, UNKNOWN, Scene, models

ROUTE = Route("up", "m", "m", kinds.OTHER, Shape.CHAT, (Shape.CHAT,), Source.CONFIG)


class Counted:
    version = 0


class Kept:
    """A cache with one route in it."""

    def __init__(self) -> None:
        self.clock, self.memory = FakeClock(), Counted()
        self.routes = RecentRoutes(self.clock, self.memory)
        self.routes.keep("key", ROUTE, self.routes.moment())

    @property
    def found(self) -> bool:
        return self.routes.get("key") is ROUTE


def test_a_route_is_kept_for_its_lifetime() -> None:
    kept = Kept()
    assert kept.found
    assert kept.routes.get("other") is None
    kept.clock.now += LIFETIME - 0.001
    assert kept.found
    kept.clock.now += 0.001
    assert not kept.found


def test_a_change_ends_it_at_once() -> None:
    kept = Kept()
    kept.memory.version += 1
    assert not kept.found
    kept.routes.keep("key", ROUTE, kept.routes.moment())
    assert kept.found


def test_what_was_decided_before_a_change_is_not_kept_after_it() -> None:
    kept = Kept()
    moment = kept.routes.moment()
    kept.memory.version += 1
    kept.routes.keep("late", ROUTE, moment)
    assert kept.routes.get("late") is None


def test_invented_names_do_not_fill_the_memory() -> None:
    kept = Kept()
    for number in range(recent_routes.MAX_ROUTES):
        kept.routes.keep(number, ROUTE, kept.routes.moment())
    assert len(kept.routes._routes) <= recent_routes.MAX_ROUTES
    assert not kept.found


def test_a_second_request_is_decided_by_the_first_one() -> None:
    scene = Scene()

    async def twice() -> bool:
        return await scene.ask("gpt-4o") is await scene.ask("gpt-4o")

    assert asyncio.run(twice())


def test_no_caller_and_no_features_get_the_route_of_others() -> None:
    scene = Scene()

    async def routes() -> list[Route]:
        return [
            await scene.ask("gpt-4o"),
            await scene.ask("gpt-4o", headers=BOB),
            await scene.ask("gpt-4o", Shape.COMPLETIONS),
            await scene.ask("gpt-4o", features=frozenset({"tools"})),
            await scene.ask("gpt-4o-mini"),
        ]

    found = asyncio.run(routes())
    assert len({id(route) for route in found}) == len(found)
    assert found[0].scope != found[1].scope


def test_what_is_learned_counts_from_the_next_request_on() -> None:
    scene = Scene()

    async def scenario() -> None:
        before = await scene.ask("gpt-4o")
        assert before.scope is not None
        scene.learned.learn(before.scope, "gpt-4o", None, Shape.RESPONSES)
        after = await scene.ask("gpt-4o")
        assert (after.shape, after.resolved_by) == (Shape.RESPONSES, Source.LEARNED)
        scene.learned.forget(before.scope, "gpt-4o", frozenset(), Shape.RESPONSES)
        assert (await scene.ask("gpt-4o")).shape is before.shape

    asyncio.run(scenario())


def test_what_is_looked_up_meanwhile_counts_too() -> None:
    scene = Scene(lambda _: models({"id": "m", "owned_by": "vllm"}), UNKNOWN)

    async def scenario() -> None:
        first = await scene.ask("m")
        assert first.kind is kinds.VLLM
        assert await scene.ask("m") is await scene.ask("m")
        await scene.lookup.models(UNKNOWN, ALICE, wanted="n")
        assert (await scene.ask("n", headers=ALICE)).kind is kinds.VLLM

    asyncio.run(scenario())
