"""Lists of prompts before servers that take one, and what such servers teach."""

from typing import Any

import msgspec
import pytest

from gateway.config.settings import ModelRule, UpstreamSettings
from gateway.config.translation_settings import TranslationSettings
from gateway.errors import GatewayError, InvalidRequest, UpstreamError
from gateway.exchange.bodies.request_fields import has_prompt_list
from gateway.shapes import Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import Scene, chat_completion, completion
from tests.fakes import Answer, error_reply, json_reply, stream_reply

OLLAMA = UpstreamSettings("ollama", "http://127.0.0.1:11434/v1", kinds.OLLAMA)
VLLM = UpstreamSettings("vllm", "http://127.0.0.1:8000/v1", kinds.VLLM)
LLAMA = UpstreamSettings("llama", "http://127.0.0.1:8001/v1", kinds.LLAMA_CPP_PYTHON)
LISTED = {"object": "list", "data": [{"id": "m", "object": "model"}]}


def one_prompt(call: UpstreamCall) -> Answer:
    """Answer as Ollama does."""
    if call.method == "GET":
        return json_reply(LISTED) if call.path == "/models" else error_reply(404, "no")
    assert isinstance(call.body, bytes)
    body = msgspec.json.decode(call.body)
    if call.path == "/api/show":
        return json_reply({"capabilities": ["completion"]})
    if call.path == "/chat/completions":
        return json_reply(chat_completion())
    if not isinstance(body["prompt"], str):
        return error_reply(400, "json: cannot unmarshal array into .prompt of type string")
    if "bad" in body["prompt"]:
        return error_reply(400, "no", param="prompt")
    if body.get("stream"):
        piece = {"index": 0, "text": body["prompt"].upper(), "finish_reason": "stop"}
        return stream_reply({"id": "cmpl-9", "model": "m", "choices": [piece]})
    return json_reply(completion(body["prompt"].upper()))


def sent(scene: Scene) -> list[Any]:
    return [body for body in scene.network.bodies() if "prompt" in body]


def test_a_list_is_one_call_for_each_prompt_folded_in_order() -> None:
    scene = Scene(one_prompt, OLLAMA)
    result = scene.generate(Shape.COMPLETIONS, {"model": "m", "prompt": ["a", "b"], "n": 2})
    assert [choice["text"] for choice in result.json["choices"]] == ["A", "A", "B", "B"]
    assert [choice["index"] for choice in result.json["choices"]] == [0, 1, 2, 3]
    assert sent(scene) == [{"model": "m", "prompt": prompt} for prompt in "aabb"]
    header = dict(result.decision.headers())[b"x-gateway-translation"]
    assert header == b"from=completions; to=completions; emulated=prompt,n"


def test_a_streamed_list_is_one_stream() -> None:
    scene = Scene(one_prompt, OLLAMA)
    result = scene.generate(Shape.COMPLETIONS, {"model": "m", "prompt": ["a", "b"], "stream": True})
    assert result.events[-1] == "[DONE]"
    texts = {c["index"]: c["text"] for event in result.events[:-1] for c in event["choices"]}
    assert texts == {0: "A", 1: "B"}


def test_under_another_name_it_is_split_too() -> None:
    scene = Scene(one_prompt, OLLAMA, rules=(ModelRule("alias", model="m"),))
    result = scene.generate(Shape.COMPLETIONS, {"model": "alias", "prompt": ["a", "b"]})
    assert result.json["model"] == "alias"
    assert len(result.json["choices"]) == 2


@pytest.mark.parametrize("upstream", [OLLAMA, LLAMA])
def test_a_single_prompt_is_the_clients_own_bytes(upstream: UpstreamSettings) -> None:
    scene = Scene(one_prompt, upstream)
    body = b'{"model": "m",  "prompt": "[a]", "n": 2}'
    scene.generate(Shape.COMPLETIONS, body)
    assert scene.network.calls[-1].body == body


def test_servers_that_take_lists_get_the_clients_own_bytes() -> None:
    def lists(call: UpstreamCall) -> Answer:
        return json_reply(LISTED if call.method == "GET" else completion("x"))

    for prompt in (b'["a", "b"]', b"[1, 2]", b"[[1], [2]]"):
        scene = Scene(lists, VLLM)
        body = b'{"model": "m",  "prompt": ' + prompt + b"}"
        scene.generate(Shape.COMPLETIONS, body)
        assert scene.network.calls[-1].body == body


def test_chat_bodies_are_not_looked_at_for_a_prompt() -> None:
    scene = Scene(one_prompt, OLLAMA)
    body = b'{"model": "m",  "prompt": ["a"], "messages": []}'
    scene.generate(Shape.CHAT, body)
    assert scene.network.calls[-1].body == body


def test_a_prompt_that_is_refused_is_named() -> None:
    scene = Scene(one_prompt, OLLAMA)
    with pytest.raises(GatewayError) as refused:
        scene.generate(Shape.COMPLETIONS, {"model": "m", "prompt": ["a", "bad"]})
    assert (refused.value.status, refused.value.param) == (400, "prompt[1]")


def test_a_server_that_serves_one_at_a_time_is_asked_one_at_a_time() -> None:
    under_way: list[int] = []
    scene = Scene(one_prompt, LLAMA, translation=TranslationSettings(fanout_concurrency=8))
    opened = scene.network.send

    async def counting(call: UpstreamCall) -> Any:
        live = [reply for reply in scene.network.replies if not reply.closed]
        under_way.append(len(live))
        return await opened(call)

    scene.exchange.runner.send = counting
    body = {"model": "m", "prompt": ["a", "b", "c"], "stream": True}
    result = scene.generate(Shape.COMPLETIONS, body)
    assert {c["text"] for e in result.events[:-1] for c in e["choices"]} == {"A", "B", "C"}
    assert len(under_way) == 3
    assert len(set(under_way)) == 1


@pytest.mark.parametrize(
    ("body", "is_list"),
    [
        (b'{"prompt": ["a"]}', True),
        (b'{"prompt":\n [1]}', True),
        (b'{"prompt": "[a]"}', False),
        (b'{"prompt": null}', False),
        (b"{}", False),
    ],
)
def test_a_list_is_seen_without_decoding_it(body: bytes, is_list: bool) -> None:
    assert has_prompt_list(body) is is_list


@pytest.mark.parametrize("body", [b"", b"[]", b'{"prompt": [}'])
def test_what_cannot_be_read_is_the_clients_error(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        has_prompt_list(body)


def only_chat(call: UpstreamCall) -> Answer:
    if call.path == "/models":
        return json_reply(LISTED)
    if call.path == "/chat/completions":
        return json_reply(chat_completion("Hi"))
    return json_reply({"detail": "Not Found"}, 404)


def generating(scene: Scene) -> list[str]:
    calls = scene.network.calls
    return [call.path for call in calls if call.method == "POST" and "/fine" not in call.path]


@pytest.mark.parametrize(
    ("shape", "body"),
    [
        (Shape.COMPLETIONS, {"model": "m", "prompt": "a"}),
        (Shape.RESPONSES, {"model": "m", "input": "a"}),
    ],
)
def test_a_route_that_the_upstream_lacks_is_left_for_one_that_it_has(
    shape: Shape, body: dict[str, Any]
) -> None:
    scene = Scene(only_chat, VLLM)
    for _ in range(2):
        assert scene.generate(shape, body).reply.status == 200
    # Learned with the first request.
    assert generating(scene) == [shape.path, "/chat/completions", "/chat/completions"]


def test_a_lacking_route_says_nothing_about_the_clients_of_others() -> None:
    def no_responses(call: UpstreamCall) -> Answer:
        return json_reply(completion()) if call.path == "/completions" else only_chat(call)

    scene = Scene(no_responses, VLLM)
    scene.generate(Shape.RESPONSES, {"model": "m", "input": "a"})
    result = scene.generate(Shape.COMPLETIONS, {"model": "m", "prompt": "a"})
    assert result.decision.endpoint == "/v1/completions"


def test_where_every_route_is_lacking_the_client_is_told_which() -> None:
    def nothing(call: UpstreamCall) -> Answer:
        if call.path == "/models":
            return json_reply(LISTED)
        return json_reply({"detail": "Not Found", "path": call.path}, 404)

    scene = Scene(nothing, VLLM)
    request = {"model": "m", "messages": [{"role": "user", "content": "a"}]}
    with pytest.raises(UpstreamError, match="has no endpoint at") as raised:
        scene.generate(Shape.CHAT, request)
    assert raised.value.status == 404
    assert len(generating(scene)) == 3


def test_an_endpoint_that_worked_for_one_client_does_not_draw_the_others_to_it() -> None:
    def both(call: UpstreamCall) -> Answer:
        if call.path == "/models":
            return json_reply(LISTED)
        chat = call.path == "/chat/completions"
        return json_reply(chat_completion() if chat else completion())

    scene = Scene(both, VLLM)
    scene.generate(Shape.COMPLETIONS, {"model": "m", "prompt": "a"})
    result = scene.generate(Shape.CHAT, {"model": "m", "messages": []})
    assert result.decision.endpoint == "/v1/chat/completions"
