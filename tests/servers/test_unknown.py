"""Lists of servers without a profile that name the endpoints of each model."""

from typing import Any

import pytest

from gateway.resolve.evidence import Source
from gateway.servers import AUTO, OTHER
from gateway.servers.reading import Capability
from gateway.shapes import Shape
from tests import kinds
from tests.fakes import json_reply
from tests.resolve.scripted_server import ScriptedServer

COMPLETIONS, CHAT = Shape.COMPLETIONS, Shape.CHAT
RESPONSES, MESSAGES = Shape.RESPONSES, Shape.MESSAGES


def paths(*named: Any) -> dict[str, Any]:
    return {"id": "m", "supported_endpoints": list(named)}


def plain(*named: Any) -> dict[str, Any]:
    return {"id": "m", "endpoints": list(named)}


def words(*named: Any) -> dict[str, Any]:
    return {"id": "m", "supported_endpoint_types": list(named)}


@pytest.mark.parametrize(
    ("entry", "shapes", "silent_on"),
    [
        (paths("/responses", "ws:/responses"), (RESPONSES,), ()),
        (paths("/chat/completions", "/responses"), (CHAT, RESPONSES), ()),
        (paths("/v1/messages", "/chat/completions"), (MESSAGES, CHAT), ()),
        (paths("/v1/chat/completions", "/v1/responses"), (CHAT, RESPONSES), ()),
        (paths("/completions", 7, None), (COMPLETIONS,), ()),
        (plain("chat/completions", "completions"), (CHAT, COMPLETIONS), ()),
        (plain("chat/completions", "anthropic", "responses"), (CHAT, MESSAGES, RESPONSES), ()),
        ({**plain("/v1/responses"), **words("openai")}, (RESPONSES,), ()),
        ({**plain("/responses"), **paths("/completions")}, (COMPLETIONS,), ()),
        (words("openai-response", "openai-response-compact"), (RESPONSES,), ()),
        (words("openai"), (CHAT,), (COMPLETIONS, RESPONSES, MESSAGES)),
        (words("anthropic", "openai"), (MESSAGES, CHAT), (COMPLETIONS, RESPONSES)),
        (words("image-generation", "openai"), (CHAT,), (COMPLETIONS, RESPONSES, MESSAGES)),
        ({**paths("/responses"), **words("openai")}, (RESPONSES,), ()),
        ({**paths(), **words("openai-response")}, (RESPONSES,), ()),
    ],
)
def test_endpoints_that_an_entry_names_are_read(
    entry: dict[str, Any], shapes: tuple[Shape, ...], silent_on: tuple[Shape, ...]
) -> None:
    for kind in (AUTO, OTHER):
        capability = kind.capability(entry)
        assert capability is not None
        assert (capability.shapes, capability.silent_on) == (shapes, silent_on)
        assert capability.generative


@pytest.mark.parametrize(
    ("entry", "home"),
    [
        (paths("/v1/embeddings"), "embeddings"),
        (paths("/v1/audio/speech"), "audio/speech"),
        (plain("embeddings"), "embeddings"),
        (words("embeddings"), "embeddings"),
        (words("jina-rerank"), "rerank"),
        (words("openai-video"), "videos"),
    ],
)
def test_a_model_that_generates_no_text_has_its_endpoint(entry: dict[str, Any], home: str) -> None:
    capability = OTHER.capability(entry)
    assert isinstance(capability, Capability)
    assert (capability.generative, capability.other_endpoints) == (False, (home,))


@pytest.mark.parametrize(
    "entry",
    [
        {"id": "m"},
        paths(),
        paths("ws:/responses", "/v1/batch"),
        plain({"name": "Azure", "context_length": 8192}),
        {"id": "m", "endpoints": None},
        words("gemini", "suno"),
        {"id": "m", "supported_endpoints": "/responses"},
        {"id": "m", "supported_endpoints": {"/responses": True}},
    ],
)
def test_an_entry_that_names_none_says_nothing(entry: dict[str, Any]) -> None:
    assert OTHER.capability(entry) is None


@pytest.mark.parametrize(
    ("entry", "client", "home"),
    [
        (paths("/responses"), CHAT, RESPONSES),
        (paths("/responses"), MESSAGES, RESPONSES),
        (plain("chat/completions", "anthropic"), COMPLETIONS, CHAT),
        (plain("completions"), CHAT, COMPLETIONS),
        (paths("/chat/completions"), COMPLETIONS, CHAT),
        (paths("/v1/messages"), CHAT, MESSAGES),
        (words("openai-response"), COMPLETIONS, RESPONSES),
        (words("openai"), RESPONSES, None),
        (words("openai"), COMPLETIONS, None),
    ],
)
def test_a_client_is_led_to_an_endpoint_that_the_list_names(
    entry: dict[str, Any], client: Shape, home: Shape | None
) -> None:
    server = ScriptedServer({"GET /models": json_reply({"data": [entry]})})
    route = server.route("m", client)
    assert route.kind is kinds.OTHER
    assert (route.shape, route.exists) == (home or client, True)
    assert (route.resolved_by is Source.DEFAULT) is (home is None)
