"""The names that a 404 suggests. What they cost is measured in bench/."""

import asyncio

import pytest

from gateway.servers import Profile
from gateway.shapes import Shape
from tests import kinds
from tests.clients.resolution.asking import Reply
from tests.clients.resolution.scene import EMPTY, Scene, at_once, listing
from tests.clients.resolution.stage import A_MOMENT, set_up

pytestmark = pytest.mark.anyio

SHORT = "ft:gpt-4o-mini-2024-07-18:acme-corp:support-bot-v{0}:A{0:05d}bCd"
LONG = (
    "ft:gpt-4o-mini-2024-07-18:acme-corporation-of-somewhere:"
    "customer-support-bot-of-the-first-{0:05d}:A{0:05d}bC"
)


def suggested(reply: Reply) -> str:
    """Return the end of a 404's message, which suggests names."""
    return str(reply.error["message"]).partition("Did you mean ")[2]


@pytest.mark.parametrize("form", [SHORT, LONG], ids=["59 characters", "105 characters"])
@pytest.mark.parametrize("count", [1_000, 20_000])
async def test_a_slip_in_a_long_list_of_similar_names_gets_the_nearest(
    form: str, count: int
) -> None:
    names = [form.format(number) for number in range(count)]
    right = names[count // 2]
    slip = right.replace("support-bot", "suport-bot")
    async with set_up(kinds.OPENAI) as stage:
        scene = Scene("long list", None, at_once(listing(*names)), at_once(EMPTY), model=slip)
        scene = stage.set(scene)
        reply = await stage.ask(scene, Shape.CHAT)
        assert reply.status == 404
        assert f"'{right}'" in suggested(reply)
        # In a loop, as clients repeat what has failed, and another slip each time.
        stage.clock.advance(A_MOMENT)
        again = await asyncio.gather(*(stage.ask(scene, Shape.CHAT) for _ in range(40)))
        assert {suggested(each) for each in again} == {suggested(reply)}


@pytest.mark.parametrize(
    ("listed", "asked"),
    [
        ("GPT-4o-Mini", "gpt-4O-mini"),
        ("Llama-3-8B-Instruct", "llama-3-8b-instruct"),
        ("qwen-max", "QWEN-MAX"),
        ("My-Straße-Model", "my-STRASSE-model"),
    ],
)
@pytest.mark.parametrize("kind", [kinds.VLLM, kinds.AUTO])
async def test_a_slip_in_case_gets_the_right_name(kind: Profile, listed: str, asked: str) -> None:
    async with set_up(kind) as stage:
        scene = stage.set(
            Scene("case", None, at_once(listing(listed, "another")), at_once(EMPTY), model=asked)
        )
        reply = await stage.ask(scene, Shape.CHAT)
        assert reply.status == 404
        assert f"Did you mean '{listed}'?" in reply.error["message"]
