"""Metadata that changes, or that fails when it is asked for again."""

import pytest

from gateway.servers import Profile
from gateway.shapes import Json, Shape
from tests import kinds
from tests.clients.resolution.asking import RIGHT, Said
from tests.clients.resolution.scene import (
    EMPTY,
    NO_ROUTE,
    TOO_MANY,
    Scene,
    as_json,
    at_once,
    jobs,
    listing,
)
from tests.clients.resolution.stage import A_MOMENT, NEGATIVE_TTL, TTL, Stage, set_up
from tests.upstream.scripted import Request, until

pytestmark = pytest.mark.anyio

HI = Said("Hi", "stop")
LISTED = listing("another", "ft-your-gpt35-model")


async def a_minute_later(stage: Stage) -> None:
    stage.clock.advance(NEGATIVE_TTL)
    stage.clock.advance(A_MOMENT)


def with_checkpoints(*replies: bytes, model: str) -> Scene:
    """A checkpoint of `another`, whose name says nothing and which no list has."""
    give = at_once(*replies)

    async def further(scene: Scene, request: Request) -> bytes:
        return await give(scene)

    made = jobs(("another", "davinci-002"))
    return Scene(
        "checkpoints",
        Shape.COMPLETIONS,
        at_once(listing("another")),
        at_once(made),
        further=further,
        model=model,
    )


def checkpoints(*models: str) -> bytes:
    own: Json = {"object": "fine_tuning.job.checkpoint", "fine_tuning_job_id": "ftjob-0"}
    data = [
        {**own, "id": f"ftckpt_{n}", "fine_tuned_model_checkpoint": model, "step_number": n}
        for n, model in enumerate(models)
    ]
    return as_json({"object": "list", "data": data, "has_more": False})


@pytest.mark.parametrize("failure", [TOO_MANY, NO_ROUTE], ids=["429", "404"])
async def test_checkpoints_that_failed_are_asked_for_again_after_a_minute(failure: bytes) -> None:
    async with set_up(kinds.OPENAI) as stage:
        scene = stage.set(with_checkpoints(failure, checkpoints("ck-1"), model="ck-1"))
        for _ in range(3):
            assert (await stage.ask(scene, Shape.CHAT)).status == 404
            stage.clock.advance(A_MOMENT)
        assert len(scene.others) == 1
        await a_minute_later(stage)
        assert await stage.answered(scene, Shape.CHAT) == (HI, [Shape.COMPLETIONS])
        assert len(scene.others) == 2


async def test_new_checkpoints_are_found_like_new_models() -> None:
    async with set_up(kinds.OPENAI) as stage:
        scene = with_checkpoints(checkpoints("ck-1"), checkpoints("ck-1", "ck-2"), model="ck-1")
        scene = stage.set(scene)
        assert await stage.answered(scene, Shape.CHAT) == (HI, [Shape.COMPLETIONS])
        scene.model = "ck-2"
        stage.clock.advance(A_MOMENT)
        assert (await stage.ask(scene, Shape.CHAT)).status == 404
        await a_minute_later(stage)
        assert await stage.answered(scene, Shape.CHAT) == (HI, [Shape.COMPLETIONS])


@pytest.mark.parametrize("failure", [TOO_MANY, NO_ROUTE], ids=["429", "404"])
async def test_a_refresh_that_failed_keeps_the_list_and_its_age(failure: bytes) -> None:
    async with set_up(kinds.VLLM) as stage:
        models = at_once(LISTED, failure, LISTED)
        scene = stage.set(Scene("refresh", Shape.CHAT, models, at_once(NO_ROUTE)))
        await stage.answered(scene, Shape.CHAT)
        stage.clock.advance(TTL)
        stage.clock.advance(A_MOMENT)
        assert await stage.answered(scene, Shape.CHAT) == (HI, [Shape.CHAT])
        await until(lambda: len(scene.lookups) == 2)
        stage.clock.advance(A_MOMENT)
        assert await stage.answered(scene, Shape.CHAT) == (HI, [Shape.CHAT])
        listed = (await stage.explained(scene, Shape.CHAT))["evidence"][0]
        assert "in the model list" in listed["detail"]
        assert listed["age_seconds"] > TTL
        assert len(scene.lookups) == 2
        await a_minute_later(stage)
        assert await stage.answered(scene, Shape.CHAT) == (HI, [Shape.CHAT])
        await until(lambda: len(scene.lookups) == 3)


async def test_a_page_of_jobs_that_failed_leaves_the_records_complete() -> None:
    model = "m-3"
    more = as_json(
        {"object": "list", "data": [{"id": "ftjob-9", "status": "running"}], "has_more": True}
    )
    last = jobs((model, "davinci-002"))
    made = at_once(more, last, more, TOO_MANY, more, last)
    async with set_up(kinds.OPENAI) as stage:
        listed = at_once(listing("another", model))
        scene = stage.set(Scene("pages", Shape.COMPLETIONS, listed, made, model=model))
        for since in (0.0, TTL, A_MOMENT, NEGATIVE_TTL, A_MOMENT):
            stage.clock.advance(since)
            stage.clock.advance(A_MOMENT)
            reply = await stage.ask(scene, Shape.CHAT)
            assert (reply.status, reply.headers["x-gateway-resolved-by"]) == (200, "job")
            await until(lambda: scene.lookups.count("/v1/fine_tuning/jobs") % 2 == 0)
        assert set(scene.calls) == {Shape.COMPLETIONS}
        assert scene.lookups.count("/v1/fine_tuning/jobs") == 6


def marked(owner: str, *models: str) -> bytes:
    """Return a list with the mark of its server: vLLM's owner, or OpenAI's dates."""
    mark: Json = {"shutdown_date": None} if owner == "system" else {}
    return listing(*({"id": model, "owned_by": owner, **mark} for model in models))


async def test_a_server_is_recognised_again_when_its_list_says_something_else() -> None:
    before, after = marked("vllm", "another"), marked("system", "another", "ft-your-gpt35-model")
    made = jobs(("ft-your-gpt35-model", "davinci-002"))
    async with set_up(kinds.AUTO) as stage:
        scene = Scene("anew", Shape.CHAT, at_once(before, after), at_once(made), model="another")
        scene = stage.set(scene)
        assert await stage.answered(scene, Shape.CHAT) == (HI, [Shape.CHAT])
        assert (await stage.explained(scene, Shape.CHAT))["kind"] == "vllm"
        stage.clock.advance(TTL)
        stage.clock.advance(A_MOMENT)
        await stage.answered(scene, Shape.CHAT)
        await until(lambda: len(scene.lookups) >= 2)
        stage.clock.advance(A_MOMENT)
        scene.model, scene.home = "ft-your-gpt35-model", Shape.COMPLETIONS
        reply = await stage.ask(scene, Shape.CHAT)
        assert (reply.status, reply.headers["x-gateway-resolved-by"]) == (200, "job")
        assert scene.calls[2:] == [Shape.COMPLETIONS]
        assert (await stage.explained(scene, Shape.CHAT))["kind"] == "openai"


async def test_a_server_that_was_openai_s_and_is_vllm_now_is_recognised_too() -> None:
    before, after = marked("system", "another"), marked("vllm", "another")
    async with set_up(kinds.AUTO) as stage:
        scene = Scene("anew", Shape.CHAT, at_once(before, after), at_once(EMPTY), model="another")
        scene = stage.set(scene)
        assert await stage.answered(scene, Shape.CHAT) == (HI, [Shape.CHAT])
        assert (await stage.explained(scene, Shape.CHAT))["kind"] == "openai"
        stage.clock.advance(TTL)
        stage.clock.advance(A_MOMENT)
        asked = scene.lookups.count("/v1/models")
        await stage.answered(scene, Shape.CHAT)
        await until(lambda: scene.lookups.count("/v1/models") > asked)
        stage.clock.advance(A_MOMENT)
        await stage.answered(scene, Shape.CHAT)
        assert (await stage.explained(scene, Shape.CHAT))["kind"] == "vllm"


@pytest.mark.parametrize("client", list(Shape))
@pytest.mark.parametrize("kind", [kinds.VLLM, kinds.OPENAI, kinds.AUTO])
async def test_a_model_that_was_deleted_costs_one_call_once_that_is_known(
    kind: Profile, client: Shape
) -> None:
    async with set_up(kind) as stage:
        models = at_once(LISTED, listing("another"))
        scene = stage.set(Scene("deleted", Shape.CHAT, models, at_once(EMPTY)))
        assert (await stage.answered(scene, client))[0] == RIGHT[client]
        scene.home = None
        stage.clock.advance(A_MOMENT)
        scene.calls.clear()
        assert (await stage.ask(scene, client)).status == 404
        assert len(scene.calls) <= stage.most_calls
        await until(lambda: scene.lookups.count("/v1/models") == 2)
        stage.clock.advance(A_MOMENT)
        for _ in range(4):
            scene.calls.clear()
            reply = await stage.ask(scene, client)
            assert reply.status == 404
            assert len(scene.calls) == 1
            assert "in the model list, " not in reply.error["message"]
            stage.clock.advance(A_MOMENT)
        assert scene.lookups.count("/v1/models") == 2
