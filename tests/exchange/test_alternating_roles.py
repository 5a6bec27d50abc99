"""Messages of one role in a row, at servers whose templates want the roles to alternate."""

import pytest

from gateway.config.settings import ModelRule, PerformanceSettings, UpstreamSettings
from gateway.servers import Profile
from gateway.shapes import Json, Shape
from tests import kinds
from tests.exchange.scene import Scene
from tests.fakes import json_reply
from tests.translate.messages_upstreams import message, text

SAID = [("user", "A"), ("user", "B"), ("assistant", "c"), ("user", "D"), ("user", "E")]
TOOL: Json = {"type": "function", "name": "f", "parameters": {"type": "object"}}
ASKED: dict[Shape, Json] = {
    Shape.CHAT: {
        "messages": [{"role": role, "content": words} for role, words in SAID],
        "max_tokens": 99,
    },
    Shape.RESPONSES: {
        "input": [{"role": role, "content": words} for role, words in SAID],
        "max_output_tokens": 99,
    },
}
TOOLS: dict[Shape, Json] = {
    Shape.CHAT: {"tools": [{"type": "function", "function": {"name": "f"}}]},
    Shape.RESPONSES: {"tools": [TOOL]},
}


def roles_sent(kind: Profile, client: Shape, body: Json, *, fast: bool) -> list[tuple[str, int]]:
    """Return the roles of the messages that are sent to a messages endpoint, and their blocks."""
    scene = Scene(
        lambda _: json_reply(message(text("Hi"))),
        UpstreamSettings("main", "http://127.0.0.1:8000/v1", kind),
        rules=(ModelRule("m", endpoints=(Shape.MESSAGES,)),),
        performance=PerformanceSettings(fast_paths=fast),
    )
    assert scene.generate(client, {"model": "m", **body}).reply.status == 200
    sent = scene.network.bodies()[-1]["messages"]
    contents = [each["content"] for each in sent]
    sizes = [1 if isinstance(content, str) else len(content) for content in contents]
    return list(zip([each["role"] for each in sent], sizes, strict=True))


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("client", ASKED)
@pytest.mark.parametrize("tools", [True, False])
@pytest.mark.parametrize("kind", [kinds.VLLM, kinds.SGLANG, kinds.LLAMACPP, kinds.OTHER])
def test_they_are_joined(kind: Profile, client: Shape, *, tools: bool, fast: bool) -> None:
    body = {**ASKED[client], **(TOOLS[client] if tools else {})}
    sent = roles_sent(kind, client, body, fast=fast)
    assert sent == [("user", 2), ("assistant", 1), ("user", 2)]


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("client", ASKED)
def test_anthropics_api_joins_them_itself(client: Shape, *, fast: bool) -> None:
    sent = roles_sent(kinds.ANTHROPIC, client, ASKED[client], fast=fast)
    assert sent == [(role, 1) for role, _ in SAID]
