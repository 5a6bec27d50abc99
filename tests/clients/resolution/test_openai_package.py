"""The current `openai` package in a dozen cells of the table, as people use it."""

from collections.abc import AsyncIterator

import openai
import pytest

from gateway.shapes import Shape
from tests import kinds
from tests.clients.resolution.asking import RIGHT, Said
from tests.clients.resolution.scene import Denial, Metadata, Scene
from tests.clients.resolution.stage import A_MOMENT, Stage, set_up
from tests.clients.resolution.test_matrix import UNREADABLE, metadata_for
from tests.rows import module_fixture

pytestmark = pytest.mark.anyio

COMPLETIONS, CHAT, RESPONSES = Shape.COMPLETIONS, Shape.CHAT, Shape.RESPONSES
CELLS = [
    ("restricted", COMPLETIONS, CHAT, Denial.ABSENT, False),
    ("restricted", COMPLETIONS, CHAT, Denial.ELSEWHERE, True),
    ("restricted", CHAT, COMPLETIONS, Denial.ABSENT, True),
    ("restricted", RESPONSES, CHAT, Denial.ABSENT, False),
    ("list only", CHAT, RESPONSES, Denial.ABSENT, False),
    ("jobs only", CHAT, COMPLETIONS, Denial.ABSENT, False),
    ("empty list", RESPONSES, COMPLETIONS, Denial.ABSENT, True),
    ("no routes", COMPLETIONS, RESPONSES, Denial.ABSENT, True),
    ("hung list", COMPLETIONS, CHAT, Denial.ABSENT, False),
    ("hung jobs", CHAT, RESPONSES, Denial.ELSEWHERE, True),
    ("slow", RESPONSES, CHAT, Denial.ABSENT, True),
    ("429", CHAT, CHAT, Denial.ABSENT, False),
    ("malformed", CHAT, COMPLETIONS, Denial.ELSEWHERE, False),
]


@module_fixture
async def stage() -> AsyncIterator[Stage]:
    async with set_up(kinds.OPENAI) as made:
        yield made


def client_of(stage: Stage, scene: Scene) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=stage.base_url, api_key=scene.key, max_retries=0)


async def whole(client: openai.AsyncOpenAI, shape: Shape, model: str) -> Said:
    if shape is COMPLETIONS:
        completion = await client.completions.create(model=model, prompt="Hello", max_tokens=16)
        return Said(completion.choices[0].text, completion.choices[0].finish_reason)
    if shape is CHAT:
        chat = await client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": "Hello"}]
        )
        return Said(chat.choices[0].message.content or "", chat.choices[0].finish_reason)
    response = await client.responses.create(model=model, input="Hello", store=False)
    return Said(response.output_text, response.status or "")


async def streamed(client: openai.AsyncOpenAI, shape: Shape, model: str) -> Said:
    texts: list[str] = []
    finishes: list[str | None] = []
    if shape is COMPLETIONS:
        async for completion in await client.completions.create(
            model=model, prompt="Hello", max_tokens=16, stream=True
        ):
            texts.append(completion.choices[0].text)
            finishes.append(completion.choices[0].finish_reason)
    elif shape is CHAT:
        async for part in await client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": "Hello"}], stream=True
        ):
            texts.append(part.choices[0].delta.content or "")
            finishes.append(part.choices[0].finish_reason)
    else:
        async for event in await client.responses.create(
            model=model, input="Hello", store=False, stream=True
        ):
            if event.type == "response.output_text.delta":
                texts.append(event.delta)
            elif event.type == "response.completed":
                finishes.append(event.response.status)
    return Said("".join(texts), next(filter(None, finishes)))


@pytest.mark.parametrize(("metadata", "shape", "home", "denial", "as_stream"), CELLS)
async def test_the_package_finds_a_model_whose_name_says_nothing(
    stage: Stage, metadata: str, shape: Shape, home: Shape, denial: Denial, as_stream: bool
) -> None:
    say = streamed if as_stream else whole
    scene = stage.set(Scene("package", home, *metadata_for(home)[metadata], denial))
    async with client_of(stage, scene) as client:
        assert await stage.patiently(scene, say(client, shape, scene.model)) == RIGHT[shape]
        assert len(scene.calls) <= 3
        stage.clock.advance(A_MOMENT)
        scene.calls.clear()
        assert await say(client, shape, scene.model) == RIGHT[shape]
        assert scene.calls == [home]


@pytest.mark.parametrize("shape", list(Shape))
async def test_the_package_raises_not_found_for_a_model_that_is_not_there(
    stage: Stage, shape: Shape
) -> None:
    metadata: tuple[Metadata, Metadata] = UNREADABLE["restricted"]
    scene = stage.set(Scene("package", None, *metadata))
    async with client_of(stage, scene) as client:
        for most in (3, 1):
            scene.calls.clear()
            with pytest.raises(openai.NotFoundError) as caught:
                await whole(client, shape, scene.model)
            assert (caught.value.code, caught.value.param) == ("model_not_found", "model")
            assert len(scene.calls) <= most
            stage.clock.advance(A_MOMENT)
