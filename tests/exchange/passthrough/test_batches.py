"""Aliases in batches of messages, and whose models they are."""

import asyncio
from typing import Any

import msgspec
import pytest

from gateway.config.settings import ClientSettings, ModelRule, UpstreamSettings
from gateway.errors import InvalidRequest, PermissionDenied
from gateway.exchange.decision import Decision
from gateway.exchange.passthrough.batches import PATH, Batches
from gateway.request import Request
from gateway.shapes import Shape
from tests import kinds
from tests.exchange.passthrough.test_forward import ANTHROPIC, AS_JSON, ok, passed, pieces
from tests.exchange.scene import OPENAI, Scene

SECOND = UpstreamSettings("second", "https://s/v1", kinds.ANTHROPIC)
RULES = (
    ModelRule("claude-alias", model="claude-opus-5"),
    ModelRule("claude-second", model="claude-x", upstream="second"),
    ModelRule("claude-first", upstream="anthropic"),
    ModelRule("claude-gpt", model="gpt-5", upstream="openai"),
    ModelRule("claude-chat", model="m", endpoints=(Shape.CHAT,)),
    ModelRule("team/*", model="*"),
)
ODD = b'{"a": 1.50, "b": 12345678901234567890123}'


def scene_of(*rules: ModelRule, redirect: Any = ()) -> Scene:
    return Scene(ok, ANTHROPIC, SECOND, OPENAI, rules=rules or RULES, redirect=redirect)


def batch(*models: str) -> bytes:
    requests = b",".join(
        b'{"custom_id": "r", "params": {"model": "%b", "x": %b}}' % (model.encode(), ODD)
        for model in models
    )
    return b'{"requests": [' + requests + b'], "more": ' + ODD + b"}"


def sent(*models: str, scene: Scene | None = None) -> tuple[str, bytes]:
    scene = scene or scene_of()

    async def scenario() -> None:
        await passed(scene, PATH, body=batch(*models))

    asyncio.run(scenario())
    (call,) = scene.network.calls
    assert isinstance(call.body, bytes)
    return call.upstream, call.body


def names(body: bytes) -> list[str]:
    return [each["params"]["model"] for each in msgspec.json.decode(body)["requests"]]


def test_an_alias_becomes_its_model_and_all_else_stays() -> None:
    upstream, body = sent("claude-alias", "claude-sonnet-5", "team/claude-y")
    assert upstream == "anthropic"
    assert names(body) == ["claude-opus-5", "claude-sonnet-5", "claude-y"]
    assert body.count(ODD) == 4


def test_a_batch_without_aliases_is_sent_as_it_came() -> None:
    models = ("claude-first", "claude-sonnet-5")
    assert sent(*models) == ("anthropic", batch(*models))
    assert sent() == ("anthropic", batch())


def test_a_rule_leads_a_batch_to_its_upstream() -> None:
    upstream, body = sent("claude-alias", "claude-second", "claude-z")
    assert (upstream, names(body)) == ("second", ["claude-opus-5", "claude-x", "claude-z"])


def test_claude_codes_mark_is_no_part_of_a_name() -> None:
    upstream, body = sent("claude-alias[1m]", "claude-sonnet-5[1M][1m]", "m[3m]")
    assert (upstream, names(body)) == ("anthropic", ["claude-opus-5", "claude-sonnet-5", "m[3m]"])
    assert body.count(ODD) == 4
    whole = scene_of(ModelRule("*[[]1m]", model="long"), ModelRule("m", model="short"))
    assert names(sent("m[1m]", "m", scene=whole)[1]) == ["long", "short"]


def test_a_redirect_holds_in_batches() -> None:
    scene = scene_of(redirect=(("claude-2", "claude-alias"),))
    assert names(sent("claude-2", scene=scene)[1]) == ["claude-opus-5"]


@pytest.mark.parametrize(
    ("models", "position", "reason"),
    [
        (("claude-alias", "claude-gpt"), 1, "batches are not translated"),
        (("claude-chat",), 0, "batches are not translated"),
        (("claude-second", "x", "claude-first"), 2, r"that of requests\[0\]\.params\.model"),
    ],
)
def test_a_model_that_a_batch_does_not_reach_is_named(
    models: tuple[str, ...], position: int, reason: str
) -> None:
    scene = scene_of()
    with pytest.raises(InvalidRequest, match=reason) as caught:
        sent(*models, scene=scene)
    assert caught.value.param == f"requests[{position}].params.model"
    assert scene.network.calls == []


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[]", b'{"requests": 7}', b'{"requests": [7, {}, {"params": 7}]}'),
        *(b'{"requests": [{"params": {}}, {"params": {"model": 7}}]}', b'{"a": "\xff"}'),
        b'{"requests": [{"params": {"model": ""}}]}',
    ],
)
def test_what_is_not_a_batch_is_the_upstreams_to_refuse(body: bytes) -> None:
    async def scenario() -> None:
        scene = scene_of()
        await passed(scene, PATH, body=body)
        assert scene.network.calls[-1].body == body

    asyncio.run(scenario())


def test_a_long_batch_is_held_to_be_read() -> None:
    models = ["claude-alias"] * 1500

    async def scenario() -> None:
        scene = scene_of()
        whole = batch(*models)
        await passed(scene, PATH, body=pieces(whole[:70_000], whole[70_000:]))
        body = scene.network.calls[-1].body
        assert isinstance(body, bytes)
        assert set(names(body)) == {"claude-opus-5"}

    asyncio.run(scenario())


def test_every_request_of_a_batch_is_judged() -> None:
    team = ClientSettings("team", ("0" * 64,), ("claude-alias",))

    async def scenario() -> None:
        scene = scene_of()
        batches = Batches(scene.settings, scene.resolver)
        call = Request("POST", PATH, b"", AS_JSON, b"", team)
        await batches.route(call, batch("claude-alias"), Decision())
        with pytest.raises(PermissionDenied) as caught:
            await batches.route(call, batch("claude-alias", "claude-opus-5"), Decision())
        assert caught.value.param == "requests[1].params.model"
        # Servers read batches in more than one way: such a client can send none at all.
        with pytest.raises(PermissionDenied, match="in each of the batch's requests"):
            await passed(scene, PATH, body=batch("claude-alias"), client=team)

    asyncio.run(scenario())
