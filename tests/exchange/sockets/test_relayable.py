"""Which turns are relayed: those whose bytes would go to responses unchanged over HTTP."""

from typing import Any

import msgspec
import pytest
from msgspec import structs

from gateway.config.settings import ClientSettings, ModelRule, UpstreamSettings
from gateway.config.translation_settings import ParamSettings
from gateway.errors import InvalidRequest, PermissionDenied
from gateway.exchange.sockets.relayable import Relayable, relayable
from gateway.request import GenerationRequest
from gateway.shapes import Shape
from tests import kinds
from tests.exchange.scene import ALICE, OPENAI, Scene
from tests.fakes import json_reply

pytestmark = pytest.mark.anyio

RULES = (
    ModelRule("alias", model="gpt-5.4"),
    ModelRule(
        "set", model="set", endpoints=(Shape.RESPONSES,), params=ParamSettings(set={"top_p": 1})
    ),
    ModelRule("chatty", endpoints=(Shape.CHAT,)),
    ModelRule("direct", endpoints=(Shape.RESPONSES,)),
    ModelRule("own/*", upstream="local", endpoints=(Shape.RESPONSES,)),
    ModelRule("cloud/*", upstream="cloud", endpoints=(Shape.RESPONSES,)),
    ModelRule("routed/*", upstream="routed", endpoints=(Shape.RESPONSES,)),
    ModelRule("never/*", upstream="never", endpoints=(Shape.RESPONSES,)),
    ModelRule("always/*", upstream="always", endpoints=(Shape.RESPONSES,)),
)
LOCAL = UpstreamSettings("local", "http://127.0.0.1:8000/v1", kinds.VLLM)
CLOUD = UpstreamSettings("cloud", "https://acme.openai.azure.com", kinds.AZURE)
NEVER = UpstreamSettings("never", "https://n/v1", kinds.OPENAI, websockets="never")
ALWAYS = UpstreamSettings("always", "https://x/v1", kinds.OTHER, websockets="always")
ROUTED = UpstreamSettings("routed", "https://r/v1", kinds.OPENAI, model_header="x-model")
ONLY = ClientSettings("only", ("0" * 64,), models=("gpt-5.4",))


async def found(
    body: dict[str, Any] | bytes,
    client: ClientSettings | None = None,
    message: bytes = b"",
    **fields: Any,
) -> Relayable | None:
    scene = Scene(
        lambda _: json_reply({"object": "list", "data": []}),
        *(OPENAI, LOCAL, CLOUD, ROUTED, NEVER, ALWAYS),
        rules=RULES,
    )
    raw = msgspec.json.encode(body) if isinstance(body, dict) else body
    call = GenerationRequest.at(Shape.RESPONSES, raw, ALICE, client=client)
    return await relayable(scene.exchange, structs.replace(call, **fields), message or raw)


@pytest.mark.parametrize("model", ["gpt-5.4", "direct", "cloud/gpt", "always/grok"])
async def test_a_model_at_responses_is_relayed_under_its_own_name(model: str) -> None:
    relayed = await found({"model": model, "input": "hi", "stream": True, "tools": []})
    assert relayed is not None
    assert relayed.route.model_sent == model
    assert relayed.attempt.calls[0].path == "/responses"


@pytest.mark.parametrize(
    "body",
    [
        {"model": "alias"},
        {"model": "set"},
        {"model": "chatty"},
        {"model": "own/m"},
        {"model": "routed/m"},
        {"model": "never/m"},
        {"model": "davinci-002"},
        {"model": "gpt-5.4", "input": [{"type": "compaction", "encrypted_content": "egs1.abc"}]},
        {"model": 7},
        {"input": "without a model"},
        b"no json",
    ],
)
async def test_what_is_changed_on_its_way_is_not(body: dict[str, Any] | bytes) -> None:
    assert await found(body) is None


async def test_the_path_may_name_the_same_model_only() -> None:
    body = {"model": "gpt-5.4", "input": "hi"}
    assert await found(body, model="gpt-5.4") is not None
    assert await found(body, model="gpt-5.5") is None


async def test_a_restricted_client_is_judged_by_what_is_sent() -> None:
    body = {"model": "gpt-5.4", "input": "hi"}
    assert await found(body, ONLY) is not None
    with pytest.raises(PermissionDenied):
        await found({"model": "gpt-5.5", "input": "hi"}, ONLY)
    twice = b'{"type":"response.create","model":"gpt-5.5","model":"gpt-5.4"}'
    with pytest.raises(InvalidRequest):
        await found(body, ONLY, twice)
