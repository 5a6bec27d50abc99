"""Several upstreams: each model's card is at the one that has it, and none holds up the others."""

import pytest

from gateway.config.settings import ModelRule
from gateway.shapes import Json, Shape
from tests import kinds
from tests.clients.resolution.asking import RIGHT
from tests.clients.resolution.scene import (
    EMPTY,
    NO_ROUTE,
    TOO_MANY,
    Scene,
    as_json,
    at_once,
    begun,
    first,
    held,
    listing,
)
from tests.clients.resolution.stage import A_MOMENT, NEGATIVE_TTL, Stage, set_up
from tests.upstream.scripted import Request

pytestmark = pytest.mark.anyio

OURS, THEIRS = "llama-3", "org/llama-3:8b"
RULE = ModelRule("llama-*", upstream="second")


def having(upstream: str, *models: str) -> Scene:
    """An upstream with models: it lists them, has their cards, and deletes them."""

    async def card(scene: Scene, request: Request) -> bytes:
        name = request.target.removeprefix("/v1/models/").replace("%2F", "/")
        if name not in models:
            return NO_ROUTE
        if request.method == "DELETE":
            return as_json({"id": name, "object": "model", "deleted": True, "by": upstream})
        return as_json({"id": name, "object": "model", "created": 1, "owned_by": upstream})

    return Scene("cards", Shape.CHAT, at_once(listing(*models)), at_once(NO_ROUTE), further=card)


@pytest.mark.parametrize("rules", [(), (RULE,)], ids=["discovered", "by a rule"])
@pytest.mark.parametrize("model", [OURS, THEIRS])
async def test_what_is_listed_can_be_retrieved_and_deleted(
    model: str, rules: tuple[ModelRule, ...]
) -> None:
    async with set_up(kinds.OPENAI, kinds.VLLM, rules=rules) as stage:
        main, second = stage.set_all(having("main", "a"), having("second", OURS, THEIRS))
        path = f"/models/{model.replace('/', '%2F')}"
        listed = await stage.fetch(main, "GET", "/models")
        assert {card["id"] for card in listed.json["data"]} == {"a", OURS, THEIRS}
        card = await stage.fetch(main, "GET", path)
        assert (card.status, card.json["id"], card.json["owned_by"]) == (200, model, "second")
        deleted = await stage.fetch(main, "DELETE", path)
        assert (deleted.status, deleted.json["by"]) == (200, "second")
        assert main.others == []
        own = await stage.fetch(main, "GET", "/models/a")
        assert (own.status, own.json["owned_by"]) == (200, "main")
        assert len(second.others) == 2


async def test_engines_are_models_and_are_found_like_them() -> None:
    async with set_up(kinds.VLLM, kinds.VLLM) as stage:
        main, _ = stage.set_all(having("main", "a"), having("second", OURS))
        for model in ("a", OURS):
            engine = await stage.fetch(main, "GET", f"/engines/{model}")
            assert (engine.status, engine.json["id"]) == (200, model)
            assert engine.json["object"] == "engine"


async def test_a_model_that_none_lists_is_asked_for_at_the_first_upstream() -> None:
    async with set_up(kinds.VLLM, kinds.VLLM) as stage:
        main, second = stage.set_all(having("main", "a"), having("second", OURS))
        assert (await stage.fetch(main, "GET", "/models/nonesuch")).status == 404
        assert (main.others, second.others) == (["GET /v1/models/nonesuch"], [])


@pytest.mark.parametrize("hangs", [0, 1], ids=["the first hangs", "the second hangs"])
@pytest.mark.parametrize("half", [False, True], ids=["without a word", "in its body"])
@pytest.mark.parametrize("path", ["/models", "/engines"])
async def test_lists_are_answered_without_the_upstreams_that_hang(
    path: str, half: bool, hangs: int
) -> None:
    async with set_up(kinds.VLLM, kinds.VLLM) as stage:
        scenes = [having("main", "a"), having("second", OURS)]
        scenes[hangs].models = begun(listing("b")) if half else held(listing("b"))
        shown = stage.set_all(*scenes)
        reply = await stage.fetch(shown[0], "GET", path, waits=True)
        names = [card["id"] for card in reply.json["data"]]
        assert (reply.status, names) == (200, [OURS] if hangs == 0 else ["a"])


async def test_lists_say_so_where_every_upstream_hangs() -> None:
    async with set_up(kinds.VLLM, kinds.VLLM) as stage:
        scenes = [having("main", "a"), having("second", OURS)]
        for scene in scenes:
            scene.models = held(EMPTY)
        shown = stage.set_all(*scenes)
        reply = await stage.fetch(shown[0], "GET", "/models", waits=True)
        assert reply.status == 504
        assert set(reply.error) == {"message", "type", "param", "code"}


async def test_a_card_is_found_while_another_upstream_hangs() -> None:
    async with set_up(kinds.VLLM, kinds.VLLM) as stage:
        hung, right = having("main", "a"), having("second", OURS)
        hung.models = held(EMPTY)
        hung, right = stage.set_all(hung, right)
        card = await stage.fetch(hung, "GET", f"/models/{OURS}", waits=True)
        assert (card.status, card.json["owned_by"]) == (200, "second")
        stage.clock.advance(A_MOMENT)
        card = await stage.fetch(hung, "GET", f"/models/{OURS}")
        assert (card.status, card.json["owned_by"]) == (200, "second")


async def unreadable(stage: Stage, once: bytes) -> tuple[Scene, Scene]:
    """Show a first upstream without the model, and a second whose list is not read at first."""
    main = Scene("unread", None, at_once(listing("a", "b")), at_once(NO_ROUTE), model=OURS)
    models = first(at_once(once), at_once(listing(OURS)))
    second = Scene("unread", Shape.CHAT, models, at_once(NO_ROUTE), model=OURS)
    one, other = stage.set_all(main, second)
    return one, other


@pytest.mark.parametrize("client", list(Shape))
async def test_a_404_names_the_upstreams_whose_lists_could_not_be_read(client: Shape) -> None:
    async with set_up(kinds.VLLM, kinds.VLLM) as stage:
        main, second = await unreadable(stage, TOO_MANY)
        reply = await stage.ask(main, client)
        assert reply.status == 404
        assert "second" in reply.error["message"]
        assert "429" in reply.error["message"]
        explained = await stage.explained(main, client)
        assert any("second" in piece["detail"] for piece in explained["evidence"])
        # Once the list can be read, the model is where it is.
        stage.clock.advance(NEGATIVE_TTL)
        stage.clock.advance(A_MOMENT)
        said, calls = await stage.answered(second, client)
        assert said == RIGHT[client]
        assert len(calls) <= 3
        explained = await stage.explained(main, client)
        assert explained["upstream"] == "second"
        assert not [piece for piece in explained["evidence"] if unread(piece)]


def unread(piece: Json) -> bool:
    return "could not be read" in piece["detail"]


async def test_a_404_names_the_upstream_whose_list_hangs() -> None:
    async with set_up(kinds.VLLM, kinds.VLLM, kinds.VLLM) as stage:
        scenes = [
            Scene("hung", None, metadata, at_once(NO_ROUTE), model=OURS)
            for metadata in (at_once(listing("a")), held(EMPTY), at_once(listing("c")))
        ]
        main, *_ = stage.set_all(*scenes)
        reply = await stage.ask(main, Shape.CHAT, waits=True)
        assert reply.status == 404
        assert "'second'" in reply.error["message"]
        assert "'third'" not in reply.error["message"]
