"""What is suggested for a missing model, where several upstreams have models."""

import asyncio
from collections.abc import Callable, Mapping

import pytest

from gateway.config.settings import ModelRule
from gateway.shapes import UpstreamCall
from tests.fakes import Answer, error_reply
from tests.resolve.test_resolver import ALICE, OPENAI, UNKNOWN, VLLM, Scene, models, nothing

LISTS = {
    "openai": ["gpt-4o-mini-2024-07-18", "o1"],
    "vllm": ["llama-3.1-8b-instruct", "gpt-4o-minni"],
}


def answering(lists: Mapping[str, list[str]]) -> Callable[[UpstreamCall], Answer]:
    def answer(call: UpstreamCall) -> Answer:
        if call.path != "/models":
            return nothing(call)
        names = lists.get(call.upstream)
        return error_reply(500, "broken") if names is None else models(*names)

    return answer


def suggested(
    model: str,
    *rules: ModelRule,
    lists: Mapping[str, list[str]] = LISTS,
    may_see: Callable[[str], bool] = lambda _: True,
) -> list[str]:
    async def scenario() -> list[str]:
        scene = Scene(answering(lists), OPENAI, VLLM, rules=rules)
        route = await scene.ask(model)
        near = await scene.resolver.suggested.nearest(route, ALICE, may_see)
        await scene.resolver.aclose()
        return near

    return asyncio.run(scenario())


@pytest.mark.parametrize(
    ("model", "near"),
    [
        # Known by its name to be OpenAI's, whose list has it no more.
        ("gpt-4o-mini", ["gpt-4o-minni", "gpt-4o-mini-2024-07-18"]),
        ("llama-3.1-8b", ["llama-3.1-8b-instruct"]),
        ("O1", ["o1"]),
        ("nonesuch", []),
    ],
)
def test_the_nearest_of_all_upstreams_are_suggested(model: str, near: list[str]) -> None:
    assert suggested(model) == near


def test_at_most_three_are_suggested_whichever_upstream_has_them() -> None:
    lists = {"openai": ["bot-11", "bot-12"], "vllm": ["bot-1x", "bot-21", "bOt-1"]}
    assert suggested("bot-1", lists=lists) == ["bOt-1", "bot-11", "bot-12"]


def test_what_a_client_may_not_see_takes_no_place() -> None:
    lists = {"openai": [f"secret-{n}" for n in range(8)], "vllm": ["secrets-are-mine"]}
    mine = suggested("secrets-are-min", lists=lists, may_see=lambda name: "mine" in name)
    assert mine == ["secrets-are-mine"]
    lists = {"openai": [f"bot-{n}" for n in range(9)], "vllm": ["bots"]}
    assert suggested("bot", lists=lists, may_see=lambda name: name == "bots") == ["bots"]


def test_a_name_that_a_rule_sends_elsewhere_is_none_of_its_upstream() -> None:
    rule = ModelRule("gpt-*", upstream="openai")
    assert suggested("gpt-4o-mini", rule) == ["gpt-4o-mini-2024-07-18"]
    # Of the list that the rule leads to, and of others where no rule does.
    assert suggested("lama-3.1-8b-instruct", rule) == ["llama-3.1-8b-instruct"]
    alias = ModelRule("fine-bot", model="o1", upstream="openai")
    assert suggested("fine-bat", alias) == ["fine-bot"]


def test_names_are_those_that_the_client_would_ask_for() -> None:
    rules = (
        ModelRule("own/*", model="*", upstream="vllm"),
        ModelRule("own-bot", model="o1", upstream="openai"),
    )
    assert suggested("own/llama-3.1-8b", *rules) == ["own/llama-3.1-8b-instruct"]
    assert suggested("own/own-bt", *rules) == ["own-bot"]
    everywhere = ModelRule("any/*", model="*")
    assert suggested("any/gpt-4o-minii", everywhere)[:1] == ["any/gpt-4o-minni"]


def test_an_upstream_that_cannot_be_read_hides_no_other() -> None:
    assert suggested("llama-3.1-8b", lists={"vllm": LISTS["vllm"]}) == ["llama-3.1-8b-instruct"]


def test_nobody_is_asked_again_who_has_failed() -> None:
    async def scenario() -> None:
        scene = Scene(answering(LISTS), OPENAI, UNKNOWN, VLLM)
        near = scene.resolver.suggested.near
        assert await near("O1", ALICE, unreadable=("openai",)) == []
        assert {call.upstream for call in scene.network.calls} == {"some", "vllm"}
        asked = len(scene.network.calls)
        assert await near("O1", ALICE) == ["o1"]
        assert {call.upstream for call in scene.network.calls[asked:]} == {"openai"}
        await scene.resolver.aclose()

    asyncio.run(scenario())


def test_what_a_rule_sends_is_sought_among_the_names_of_its_upstream() -> None:
    async def scenario() -> None:
        rules = (ModelRule("*", upstream="openai"), ModelRule("bot", model="llama-3.1-8b-instrct"))
        scene = Scene(answering(LISTS), OPENAI, VLLM, rules=rules)
        sent = scene.resolver.suggested.near_sent
        found = await sent("llama-3.1-8b-instrct", ["vllm"], ALICE, {"bot"})
        assert found == ["llama-3.1-8b-instruct"]
        assert await sent("bott", ["vllm"], ALICE, {"bot"}) == []
        await scene.resolver.aclose()

    asyncio.run(scenario())
