"""The handlers behind the routes: health, generation, and the responses that the gateway keeps."""

import asyncio
from typing import Any

import msgspec
import pytest

from gateway.config.settings import ClientSettings, ModelRule
from gateway.shapes import Shape, UpstreamCall
from tests.api.client import Client
from tests.api.test_application import BODY, bytes_of, ok
from tests.exchange.scene import ALICE, BOB, Scene
from tests.fakes import Answer, error_reply, json_reply
from tests.translate.demo_upstream import DemoUpstream

MODEL = "gpt-4o-mini"
RESPONSES = "/v1/responses"
MESSAGES_BODY: Any = {"max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}


def keeping(*, stores: bool = True) -> Client:
    """A gateway whose upstream keeps nothing itself."""
    upstream = DemoUpstream()

    def answer(call: UpstreamCall) -> Answer:
        if call.path in {shape.path for shape in Shape}:
            return upstream.answer(call)
        return error_reply(404, f"the upstream has nothing at {call.method} {call.path}")

    rules = (ModelRule(MODEL, endpoints=(Shape.CHAT,)),)
    return Client(answer, scene=Scene(answer, rules=rules, stores=stores))


def made(client: Client) -> Any:
    reply = client.post(RESPONSES, {"model": MODEL, "input": "Hello"}, headers=list(ALICE))
    assert reply.status == 200
    return reply.json


def test_health_and_readiness() -> None:
    client = Client(ok)
    assert client.get("/healthz", host=None).json == {"status": "ok"}
    assert client.get("/readyz").status == 200
    client.gateway.drain()
    assert client.get("/healthz").status == 200
    assert client.get("/readyz").status == 503


@pytest.mark.parametrize("base", ["", "/v1", "/anthropic"])
def test_claude_code_finds_a_connection(base: str) -> None:
    client = Client(ok, clients=(ClientSettings("team", ("0" * 64,)),))
    for _ in range(2):
        for method in ("HEAD", "GET"):
            reply = asyncio.run(client.request(method, f"{base}/api/hello", host=None))
            assert reply.status == 200
        client.gateway.drain()
    assert client.scene.network.calls == []


def test_tokens_are_counted_at_their_path() -> None:
    client = Client(lambda _: json_reply({"input_tokens": 5}))
    body = {**MESSAGES_BODY, "model": "gpt-4o"}
    reply = client.post("/v1/messages/count_tokens", body, headers=list(ALICE))
    assert (reply.status, reply.json) == (200, {"input_tokens": 5})
    assert [call.path for call in client.scene.network.calls] == ["/responses/input_tokens"]


def test_the_paths_deployment_is_the_model() -> None:
    client = Client(ok)
    deployments = "/openai/deployments"
    reply = client.post(f"{deployments}/gpt-4o/chat/completions", {**BODY, "model": "o1"})
    assert msgspec.json.decode(bytes_of(client.scene.network.calls[-1]))["model"] == "gpt-4o"
    assert "the path names the deployment" in reply.headers["x-gateway-warning"]
    del_model = {name: value for name, value in BODY.items() if name != "model"}
    reply = client.post(f"{deployments}/gpt-4o/chat/completions", del_model)
    assert "path names" not in reply.headers.get("x-gateway-warning", "")
    bad = client.post(f"{deployments}/a%0Ab/chat/completions", BODY)
    assert (bad.status, bad.error["code"]) == (400, "invalid_path")
    assert client.post(f"{deployments}/gpt-4o/edits", BODY).status == 200
    assert client.scene.network.calls[-1].path == "/edits"
    assert [seen.client for seen in client.observer.seen] == ["chat"] * 3 + ["other"]


def test_a_kept_response_is_found_at_its_path() -> None:
    client = keeping()
    response = made(client)
    path = f"{RESPONSES}/{response['id']}"
    found = client.get(path, headers=list(ALICE))
    assert (found.status, found.json) == (200, response)
    assert found.headers["content-type"] == "application/json"
    items = client.get(f"{path}/input_items", headers=list(ALICE)).json
    assert [item["content"] for item in items["data"]] == [
        [{"type": "input_text", "text": "Hello"}]
    ]
    assert [call.path for call in client.scene.network.calls] == ["/chat/completions"]


def test_a_kept_response_is_deleted_at_its_path() -> None:
    client = keeping()
    path = f"{RESPONSES}/{made(client)['id']}"
    # A POST means nothing here: the upstream answers it.
    assert client.post(path, {}, headers=list(ALICE)).status == 404
    assert _delete(client, path).json["deleted"] is True
    assert _delete(client, path).status == 404
    assert client.get(path, headers=list(ALICE)).status == 404


def _delete(client: Client, path: str) -> Any:
    return asyncio.run(client.request("DELETE", path, headers=list(ALICE)))


@pytest.mark.parametrize("suffix", ["", "/input_items"])
def test_what_is_not_kept_is_the_upstreams_to_answer(suffix: str) -> None:
    client = keeping()
    response = made(client)
    for headers, response_id in ((ALICE, "resp_other"), (BOB, response["id"])):
        reply = client.get(f"{RESPONSES}/{response_id}{suffix}", headers=list(headers))
        assert reply.status == 404
        assert reply.error["message"].startswith("the upstream has nothing at GET /responses/")


@pytest.mark.parametrize("suffix", ["/cancel", "/input_items/1"])
def test_other_paths_below_a_kept_response_are_passed_on(suffix: str) -> None:
    client = keeping()
    path = f"{RESPONSES}/{made(client)['id']}{suffix}"
    assert client.get(path, headers=list(ALICE)).status == 404
    assert client.scene.network.calls[-1].path == path.removeprefix("/v1")


def test_input_items_cannot_be_deleted() -> None:
    client = keeping()
    response = made(client)
    assert _delete(client, f"{RESPONSES}/{response['id']}/input_items").status == 404
    assert client.get(f"{RESPONSES}/{response['id']}", headers=list(ALICE)).status == 200


def test_without_a_store_every_path_is_the_upstreams() -> None:
    client = keeping(stores=False)
    path = f"{RESPONSES}/{made(client)['id']}"
    for reply in (client.get(path, headers=list(ALICE)), _delete(client, path)):
        assert reply.status == 404
        assert reply.error["message"].startswith("the upstream has nothing")


def test_a_kept_response_is_replayed_and_not_cancelled_at_its_path() -> None:
    client = keeping()
    path = f"{RESPONSES}/{made(client)['id']}"
    replay = asyncio.run(client.request("GET", path, headers=list(ALICE), query=b"stream=true"))
    assert replay.headers["content-type"].startswith("text/event-stream")
    assert b"event: response.completed" in replay.body
    refused = client.post(f"{path}/cancel", b"", headers=list(ALICE))
    assert (refused.status, refused.error["code"]) == (400, "response_not_cancellable")
    assert [call.path for call in client.scene.network.calls] == ["/chat/completions"]
    theirs = client.post(f"{RESPONSES}/resp_other/cancel", b"", headers=list(ALICE))
    assert theirs.error["message"].startswith("the upstream has nothing at POST /responses/")


def test_what_is_beside_responses_answers_for_itself() -> None:
    client = keeping()
    body = {"model": MODEL, "input": "Hello"}
    compacted = client.post(f"{RESPONSES}/compact", body, headers=list(ALICE))
    assert [item["type"] for item in compacted.json["output"]] == ["message", "compaction"]
    tokens = client.post(f"{RESPONSES}/input_tokens", body, headers=list(ALICE))
    assert (tokens.status, tokens.error["code"]) == (400, "unsupported_endpoint")
