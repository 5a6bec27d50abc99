"""Errors about a parameter that was sent under another name than the client's."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from gateway.config.settings import ModelRule, UpstreamSettings
from gateway.errors import GatewayError, UpstreamError
from gateway.shapes import Json, Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import OPENAI, Scene
from tests.fakes import Answer, error_reply, json_reply

CHAT, COMPLETIONS, RESPONSES = Shape.CHAT, Shape.COMPLETIONS, Shape.RESPONSES
HELLO = [{"role": "user", "content": "Hi"}]
VLLM = UpstreamSettings("main", "http://127.0.0.1:8000/v1", kinds.VLLM)
NEW, OLD = "max_completion_tokens", "max_tokens"
HINT = f"Unsupported parameter: '{OLD}' is not supported with this model. Use '{NEW}' instead."
HUGE = f"{NEW} is too large: 99999. This model supports at most 16384 completion tokens."


def server(message: str, *, status: int = 400, **more: Any) -> Callable[[UpstreamCall], Answer]:
    """Answer as a server that takes the limit under its new name only, and then refuses that."""

    def answer(call: UpstreamCall) -> Answer:
        if call.method == "GET":
            return json_reply({"object": "list", "data": [{"id": "m", "object": "model"}]})
        assert isinstance(call.body, bytes)
        if OLD in msgspec.json.decode(call.body):
            return error_reply(400, HINT, param=OLD, code="unsupported_parameter")
        return error_reply(status, message, **more)

    return answer


def refused(scene: Scene, shape: Shape, body: Json) -> GatewayError:
    with pytest.raises(GatewayError) as raised:
        scene.generate(shape, body)
    return raised.value


@pytest.mark.parametrize(
    ("message", "param"),
    [
        (HUGE, NEW),
        (HUGE, None),
        (f"Unsupported parameter: '{NEW}' is not supported with this model.", NEW),
        (f"Unknown parameter: '{NEW}'.", None),
    ],
)
@pytest.mark.parametrize("model", ["m", "gpt-5.4-mini"])
def test_an_error_about_the_new_name_is_one_about_the_clients(
    message: str, param: str | None, model: str
) -> None:
    """Renamed after a refusal, or because the catalogue knows."""
    scene = Scene(server(message, param=param), VLLM if model == "m" else OPENAI)
    error = refused(scene, CHAT, {"model": model, "messages": HELLO, OLD: 99999})
    assert (error.status, error.param) == (400, OLD)
    assert error.message == f"{message.rstrip('.')} (upstream parameter: {NEW})."


@pytest.mark.parametrize(
    ("shape", "said", "own"),
    [
        (COMPLETIONS, {"prompt": "Hi"}, OLD),
        (RESPONSES, {"input": "Hi"}, "max_output_tokens"),
        (CHAT, {"messages": HELLO}, OLD),
    ],
)
@pytest.mark.parametrize("param", [NEW, None])
def test_translated_requests_get_the_same_errors(
    shape: Shape, said: Json, own: str, param: str | None
) -> None:
    home = COMPLETIONS if shape is CHAT else CHAT
    rules = (ModelRule("alias", "m", endpoints=(home,)),)
    scene = Scene(server(HUGE, status=422, param=param), VLLM, rules=rules)
    error = refused(scene, shape, {"model": "alias", **said, own: 99999})
    assert (error.status, error.param) == (400, own)
    assert error.message.endswith(f"(upstream parameter: {NEW}).")


def test_the_status_at_the_clients_own_endpoint_stays() -> None:
    scene = Scene(server(HUGE, status=422, param=NEW), VLLM)
    error = refused(scene, CHAT, {"model": "m", "messages": HELLO, OLD: 99999})
    assert isinstance(error, UpstreamError)
    assert (error.status, error.upstream_status) == (422, 422)
    scene = Scene(server(HUGE, status=200, param=NEW), VLLM)
    error = refused(scene, CHAT, {"model": "m", "messages": HELLO, OLD: 99999})
    assert (error.status, error.param) == (400, OLD)


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ("Something else is wrong.", None),
        ("Something else is wrong.", "messages[0].content"),
        (f"'{OLD}' or '{NEW}' is too large: 99999.", None),
        (f"The option my_{NEW} is unknown; so is {NEW}_limit.", None),
    ],
)
def test_errors_about_anything_else_are_relayed_untouched(message: str, param: str | None) -> None:
    scene = Scene(server(message, param=param), VLLM)
    result = scene.generate(CHAT, {"model": "m", "messages": HELLO, OLD: 99999})
    assert (result.reply.status, result.json["error"]["message"]) == (400, message)


def test_the_clients_own_use_of_the_new_name_is_its_own() -> None:
    scene = Scene(server(HUGE, param=NEW), VLLM)
    result = scene.generate(CHAT, {"model": "m", "messages": HELLO, NEW: 99999})
    assert (result.json["error"]["param"], result.decision.attempts) == (NEW, 1)
