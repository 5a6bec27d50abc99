"""Every reply has an `x-request-id`: the client's, else the upstream's, else a new one.

Anthropic's servers have theirs in `request-id`.
"""

import asyncio
from dataclasses import replace
from uuid import UUID

import msgspec
import pytest

from gateway.config.secret import Secret
from gateway.config.settings import CredentialPolicy, Settings, UpstreamSettings
from tests import kinds
from tests.clients.raw import RawReply, connect
from tests.clients.running import running_gateway
from tests.clients.test_isolation import client_settings
from tests.upstream.scripted import Peer, ScriptedUpstream, scripted

pytestmark = pytest.mark.anyio

CHAT = b'{"model":"m","messages":[{"role":"user","content":"Hi"}]}'
COMPLETION = {"id": "c", "object": "chat.completion", "created": 1, "model": "m"}
CHOICE = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
ANSWER = (200, msgspec.json.encode({**COMPLETION, "choices": [CHOICE]}))
NO_SUCH_MODEL = (404, b'{"error":{"message":"no such model","code":"model_not_found"}}')
KEY_REFUSED = (401, b'{"error":{"message":"bad key","code":"invalid_api_key"}}')


class Upstream:
    """Answers everything alike, and keeps the ids that it was sent."""

    def __init__(
        self, answer: tuple[int, bytes] = ANSWER, own_id: str = "", field: str = "X-Request-Id"
    ) -> None:
        self.seen: list[str | None] = []
        self._status, self._body = answer
        self._own_id = f"{field}: {own_id}\r\n" if own_id else ""

    async def __call__(self, peer: Peer) -> None:
        while True:
            request = await peer.request()
            if request.method == "POST":
                self.seen.append(request.header("x-request-id"))
            await peer.send(
                f"HTTP/1.1 {self._status} .\r\ncontent-type: application/json\r\n{self._own_id}"
                f"content-length: {len(self._body)}\r\n\r\n".encode()
                + self._body
            )


def settings_for(upstream: ScriptedUpstream) -> Settings:
    key = Secret("sk-own")
    return Settings(
        (UpstreamSettings("a", upstream.base_url, kinds.VLLM, CredentialPolicy.KEY, api_key=key),)
    )


async def asked(
    settings: Settings, path: str = "/v1/chat/completions", body: bytes = CHAT, **headers: str
) -> RawReply:
    def ask() -> RawReply:
        with running_gateway(settings) as gateway, connect(gateway.base_url) as client:
            client.request("POST", path, body, **headers)
            return client.reply()

    return await asyncio.to_thread(ask)


async def test_the_clients_id_is_that_of_the_reply_and_of_the_upstreams_request() -> None:
    serve = Upstream(own_id="up-1")
    async with scripted(serve) as upstream:
        reply = await asked(settings_for(upstream), x_request_id="mine-1")
    assert (reply.status, reply.headers["x-request-id"]) == (200, "mine-1")
    assert serve.seen == ["mine-1"]


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, 'a"b'])
async def test_without_a_usable_one_the_gateway_gives_one(given: str) -> None:
    serve = Upstream()
    async with scripted(serve) as upstream:
        reply = await asked(settings_for(upstream), x_request_id=given)
    new = reply.headers["x-request-id"]
    assert serve.seen == [str(UUID(new))]


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/embeddings"])
@pytest.mark.parametrize("field", ["X-Request-Id", "Request-Id"])
async def test_an_upstreams_id_is_that_of_the_reply(field: str, path: str) -> None:
    body = CHAT[:-1] + b',"max_tokens":9}'
    async with scripted(Upstream(own_id="up-1", field=field)) as upstream:
        reply = await asked(settings_for(upstream), path, body)
    assert reply.headers["x-request-id"] == "up-1"
    if path == "/v1/messages":
        assert reply.headers["request-id"] == "up-1"


async def test_an_upstreams_id_that_is_not_usable_is_replaced() -> None:
    serve = Upstream(own_id="u p")
    async with scripted(serve) as upstream:
        reply = await asked(settings_for(upstream))
    assert serve.seen == [reply.headers["x-request-id"]]


@pytest.mark.parametrize(("answer", "status"), [(NO_SUCH_MODEL, 404), (KEY_REFUSED, 502)])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/embeddings"])
async def test_errors_in_the_gateways_words_have_the_upstreams_id(
    path: str, answer: tuple[int, bytes], status: int
) -> None:
    async with scripted(Upstream(answer, own_id="up-1")) as upstream:
        reply = await asked(settings_for(upstream), path)
    assert (reply.status, reply.headers["x-request-id"]) == (status, "up-1")


async def test_requests_that_no_upstream_sees_have_one_too() -> None:
    async with scripted(Upstream()) as upstream:
        settings = settings_for(upstream)
        unknown = await asked(settings, "/v2/nothing", x_request_id="mine-1")
        wrong = await asked(settings, body=b"{", x_request_id="mine-2")
        closed = replace(settings, clients=(client_settings("team", "gw-key-123", "*"),))
        refused = await asked(closed)
        malformed = await asked(settings, content_length="-1")
    assert (unknown.status, unknown.headers["x-request-id"]) == (404, "mine-1")
    assert (wrong.status, wrong.headers["x-request-id"]) == (400, "mine-2")
    assert (refused.status, UUID(refused.headers["x-request-id"]).version) == (401, 4)
    assert (malformed.status, UUID(malformed.headers["x-request-id"]).version) == (400, 4)


async def test_requests_on_one_connection_have_ids_of_their_own() -> None:
    serve = Upstream()

    def ask(settings: Settings) -> list[str]:
        with running_gateway(settings) as gateway, connect(gateway.base_url) as client:
            ids = []
            for _ in range(3):
                client.request("POST", "/v1/chat/completions", CHAT)
                ids.append(client.reply().headers["x-request-id"])
            return ids

    async with scripted(serve) as upstream:
        ids = await asyncio.to_thread(ask, settings_for(upstream))
    assert serve.seen == ids
    assert len(set(ids)) == 3
