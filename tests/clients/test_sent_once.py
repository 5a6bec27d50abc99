"""What a client sees of a connection to the upstream that ends after the request was delivered."""

import asyncio

import msgspec
import pytest

from gateway.config.settings import CredentialPolicy, Settings, UpstreamSettings
from tests import kinds
from tests.clients.raw import RawReply, connect
from tests.clients.running import running_gateway
from tests.upstream.scripted import Peer, Script, scripted, with_length

pytestmark = pytest.mark.anyio

OK = with_length(b'{"object":"x","choices":[]}', "200 OK", "Content-Type: application/json")
CHAT = msgspec.json.encode({"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]})
PROMPT = msgspec.json.encode({"model": "gpt-4o", "prompt": "Hi"})


def answers_once_and_then(end: str, received: list[str]) -> Script:
    """Answer the first request of each connection, and end it when the second is delivered."""

    async def script(peer: Peer) -> None:
        received.append((await peer.request()).method)
        await peer.send(OK)
        received.append((await peer.request()).method)
        if end == "reset":
            peer.reset()

    return script


def ask_twice(settings: Settings, method: str, path: str, body: bytes) -> RawReply:
    with running_gateway(settings) as gateway, connect(gateway.base_url) as client:
        client.request("GET", "/v1/files")
        assert client.reply().status == 200
        client.request(method, path, body)
        return client.reply()


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/chat/completions", CHAT),
        ("POST", "/v1/completions", PROMPT),
        ("POST", "/v1/responses", msgspec.json.encode({"model": "gpt-4o", "input": "Hi"})),
        ("POST", "/v1/embeddings", b'{"model":"e","input":"Hi"}'),
        ("DELETE", "/v1/files/f", b""),
        ("GET", "/v1/files", b""),
    ],
)
async def test_only_what_changes_nothing_is_sent_twice(
    end: str, method: str, path: str, body: bytes
) -> None:
    received: list[str] = []
    async with scripted(answers_once_and_then(end, received)) as upstream:
        settings = Settings(
            (
                UpstreamSettings(
                    "up",
                    upstream.base_url,
                    kinds.OPENAI,
                    CredentialPolicy.NONE,
                    keepalive_expiry=30.0,
                ),
            )
        )
        reply = await asyncio.to_thread(ask_twice, settings, method, path, body)
    if method == "GET":
        assert (reply.status, reply.headers["x-gateway-attempts"]) == (200, "2")
        assert received == ["GET"] * 3
    else:
        assert (reply.status, reply.error["code"]) == (502, "upstream_error")
        assert received == ["GET", method]
        assert reply.headers["x-gateway-attempts"] == "1"
