"""Parameters that the right endpoint refuses: they cost no attempt at finding the endpoint."""

from typing import Any

import pytest

from gateway.servers import Profile
from gateway.shapes import Json, Shape
from tests import kinds
from tests.clients.resolution.asking import RIGHT
from tests.clients.resolution.scene import (
    EMPTY,
    MODEL,
    NO_ROUTE,
    Scene,
    absent,
    answer,
    at_once,
    elsewhere,
    error,
    listing,
)
from tests.clients.resolution.stage import A_MOMENT, set_up

pytestmark = pytest.mark.anyio

KINDS = [kinds.AZURE, kinds.OPENAI, kinds.LITELLM, kinds.VLLM]
REFUSED = ("temperature", "top_p", "presence_penalty", "frequency_penalty")
BAD = "400 Bad Request"


def deployments(kind: Profile) -> str:
    return "/openai" if kind is kinds.AZURE else "/v1"


def refusal(body: Json, wrapped: str) -> bytes | None:
    """Return OpenAI's refusal of the first parameter that a reasoning model does not take."""
    if "max_tokens" in body:
        message = (
            "Unsupported parameter: 'max_tokens' is not supported with this model. "
            "Use 'max_completion_tokens' instead."
        )
        return error(wrapped + message, BAD, "unsupported_parameter", "max_tokens")
    for name in REFUSED:
        if name in body:
            message = (
                f"Unsupported value: '{name}' does not support {body[name]} with this model. "
                "Only the default (1) value is supported."
            )
            return error(wrapped + message, BAD, "unsupported_value", name)
    return None


def refusing(kind: Profile, home: Shape = Shape.CHAT) -> Scene:
    """A model of which nothing is known, and which takes none of the usual parameters."""
    wrapped = "litellm.BadRequestError: OpenAIException - " if kind is kinds.LITELLM else ""

    def generate(scene: Scene, shape: Shape, body: Json) -> bytes:
        if shape is home:
            reply = refusal(body, wrapped)
            return reply or answer(shape, MODEL, streamed=body.get("stream", False))
        if kind is kinds.AZURE and shape is Shape.COMPLETIONS:
            return error(
                "The completion operation does not work with the specified model, gpt-5-mini. "
                "Please choose different model and try again. You can learn more about which "
                "models can be used with each operation here: "
                "https://go.microsoft.com/fwlink/?linkid=2197993.",
                BAD,
                "OperationNotSupported",
            )
        return absent() if kind is kinds.VLLM else elsewhere(shape, home)

    listed = listing("gpt-5-mini") if kind is kinds.AZURE else listing("another", MODEL)
    made = at_once(EMPTY if kind in (kinds.AZURE, kinds.OPENAI) else NO_ROUTE)
    return Scene("refusing", home, at_once(listed), made, generate=generate)


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("kind", KINDS)
async def test_a_completions_client_reaches_a_chat_model_that_refuses_its_parameters(
    kind: Profile, streamed: bool
) -> None:
    async with set_up(kind, base_path=deployments(kind)) as stage:
        scene, client = stage.set(refusing(kind)), Shape.COMPLETIONS
        more: dict[str, Any] = {"max_tokens": 5, "temperature": 0.2}
        said, calls = await stage.answered(scene, client, streamed=streamed, **more)
        assert said == RIGHT[client]
        assert len(set(calls)) <= 3
        assert calls[-1] is Shape.CHAT
        assert "temperature" not in scene.bodies[-1]
        for _ in range(3):
            stage.clock.advance(A_MOMENT)
            again = await stage.answered(scene, client, streamed=streamed, **more)
            assert again == (RIGHT[client], [Shape.CHAT])


WITH_PENALTIES = (Shape.COMPLETIONS, Shape.CHAT)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("client", list(Shape))
async def test_four_refused_parameters_are_not_an_obstacle(client: Shape, kind: Profile) -> None:
    """LangChain sends temperature, top_p and both penalties with every request."""
    async with set_up(kind, base_path=deployments(kind)) as stage:
        scene = stage.set(refusing(kind))
        more: dict[str, Any] = dict.fromkeys(REFUSED[: 4 if client in WITH_PENALTIES else 2], 0.5)
        more["max_output_tokens" if client is Shape.RESPONSES else "max_tokens"] = 64
        said, calls = await stage.answered(scene, client, **more)
        assert said == RIGHT[client]
        assert calls[-1] is Shape.CHAT
        stage.clock.advance(A_MOMENT)
        again = await stage.answered(scene, client, **more)
        assert again == (RIGHT[client], [Shape.CHAT])


@pytest.mark.parametrize("client", [Shape.COMPLETIONS, Shape.CHAT])
async def test_a_model_at_responses_that_refuses_parameters_is_reached(client: Shape) -> None:
    async with set_up(kinds.OPENAI) as stage:
        scene = stage.set(refusing(kinds.OPENAI, Shape.RESPONSES))
        more: dict[str, Any] = {"temperature": 0.2, "top_p": 0.9}
        assert (await stage.answered(scene, client, **more))[0] == RIGHT[client]
        stage.clock.advance(A_MOMENT)
        again = await stage.answered(scene, client, **more)
        assert again == (RIGHT[client], [Shape.RESPONSES])


async def test_an_endpoint_that_refuses_a_parameter_for_good_is_learned_all_the_same() -> None:
    """What asks for something is not dropped; but where the model lives is known then."""

    def generate(scene: Scene, shape: Shape, body: Json) -> bytes:
        if shape is not Shape.CHAT:
            return elsewhere(shape, Shape.CHAT)
        if "logprobs" in body:
            message = "Unsupported parameter: 'logprobs' is not supported with this model."
            return error(message, BAD, "unsupported_parameter", "logprobs")
        return answer(shape, MODEL, streamed=False)

    async with set_up(kinds.OPENAI) as stage:
        scene = Scene(
            "for good", Shape.CHAT, at_once(listing(MODEL)), at_once(EMPTY), generate=generate
        )
        scene = stage.set(scene)
        reply = await stage.ask(scene, Shape.COMPLETIONS, logprobs=1)
        assert (reply.status, reply.error["param"]) == (400, "logprobs")
        stage.clock.advance(A_MOMENT)
        reply = await stage.ask(scene, Shape.COMPLETIONS, logprobs=1)
        assert (reply.status, reply.error["param"]) == (400, "logprobs")
        assert scene.calls == [Shape.COMPLETIONS, Shape.CHAT, Shape.CHAT]
        stage.clock.advance(A_MOMENT)
        again = await stage.answered(scene, Shape.COMPLETIONS)
        assert again == (RIGHT[Shape.COMPLETIONS], [Shape.CHAT])


async def test_a_parameter_that_is_refused_again_ends_the_story() -> None:
    """No name is fixed twice, so an upstream that refuses forever is asked a few times only."""

    def generate(scene: Scene, shape: Shape, body: Json) -> bytes:
        message = "Unsupported parameter: 'temperature' is not supported with this model."
        return error(message, BAD, "unsupported_parameter", "temperature")

    async with set_up(kinds.OPENAI) as stage:
        scene = Scene(
            "for ever", Shape.CHAT, at_once(listing(MODEL)), at_once(EMPTY), generate=generate
        )
        scene = stage.set(scene)
        reply = await stage.ask(scene, Shape.CHAT, temperature=0.2)
        assert (reply.status, reply.error["param"]) == (400, "temperature")
        assert scene.calls == [Shape.CHAT, Shape.CHAT]
