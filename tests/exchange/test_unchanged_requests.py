"""What was refused is not sent again as it was; a wish for single calls is left out."""

from collections.abc import Callable

import pytest

from gateway.config.settings import ModelRule
from gateway.errors import GatewayError
from gateway.shapes import Json, Shape, UpstreamCall
from tests.exchange.scene import Scene
from tests.fakes import FakeReply, json_reply
from tests.faults.payloads import whole

SCHEMA = {"type": "object", "properties": {}}
REQUESTS: dict[Shape, Json] = {
    Shape.CHAT: {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": SCHEMA}}],
        "parallel_tool_calls": False,
    },
    Shape.RESPONSES: {
        "model": "m",
        "input": "Hi",
        "tools": [{"type": "function", "name": "f", "parameters": SCHEMA, "strict": False}],
        "parallel_tool_calls": False,
    },
    Shape.MESSAGES: {
        "model": "m",
        "max_tokens": 99,
        "messages": [{"role": "user", "content": "Hi"}],
        "tools": [{"name": "f", "input_schema": SCHEMA}],
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
    },
}
NAMES = {Shape.CHAT: "parallel_tool_calls", Shape.RESPONSES: "parallel_tool_calls"}
TAGGED = "tool_choice.auto.disable_parallel_tool_use: Extra inputs are not permitted"


def anthropics(message: str) -> FakeReply:
    error = {"type": "invalid_request_error", "message": message}
    return json_reply({"type": "error", "error": error}, 400)


def fastapis(*path: str) -> FakeReply:
    entry = {"type": "extra_forbidden", "loc": ["body", *path], "msg": "Extra inputs", "input": 1}
    return json_reply({"detail": [entry]}, 422)


REFUSALS: dict[str, Callable[[], FakeReply]] = {
    "its type": lambda: anthropics(TAGGED),
    "its path": lambda: anthropics(TAGGED.replace("auto.", "")),
    "FastAPI": lambda: fastapis("tool_choice", "disable_parallel_tool_use"),
    "FastAPI, a union": lambda: fastapis(
        "tool_choice", "ToolChoiceAuto", "disable_parallel_tool_use"
    ),
}


def asked(client: Shape, home: Shape, answer: Callable[[UpstreamCall], FakeReply]) -> Scene:
    return Scene(answer, rules=(ModelRule("m", "m", endpoints=(home,)),))


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("kind", REFUSALS)
@pytest.mark.parametrize("client", [Shape.CHAT, Shape.RESPONSES])
def test_a_refused_wish_for_single_calls_is_left_out(
    client: Shape, kind: str, *, stream: bool
) -> None:
    def answer(call: UpstreamCall) -> FakeReply:
        assert isinstance(call.body, bytes)
        is_refused = b"disable_parallel_tool_use" in call.body
        return REFUSALS[kind]() if is_refused else json_reply(whole(Shape.MESSAGES))

    scene = asked(client, Shape.MESSAGES, answer)
    result = scene.generate(client, {**REQUESTS[client], "stream": stream})
    assert result.reply.status == 200
    first, second = scene.network.bodies()
    assert second == {**first, "tool_choice": {"type": "auto"}}
    assert "dropped=parallel_tool_calls" in (result.decision.translation or "")


@pytest.mark.parametrize("client", list(REQUESTS))
@pytest.mark.parametrize(
    "message",
    [
        "tool_choice: Extra inputs are not permitted",
        "tool_choice.type: Extra inputs are not permitted",
    ],
)
def test_what_cannot_be_changed_is_sent_once(client: Shape, message: str) -> None:
    scene = asked(client, Shape.MESSAGES, lambda _: anthropics(message))
    body = REQUESTS[client]
    if client is Shape.MESSAGES:
        assert scene.generate(client, body).reply.status == 400
    else:
        with pytest.raises(GatewayError) as raised:
            scene.generate(client, body)
        assert raised.value.status == 400
        assert "Extra inputs" in raised.value.message
    assert len(scene.network.calls) == 1
