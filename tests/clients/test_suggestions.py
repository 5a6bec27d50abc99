"""What a 404 suggests, over real sockets: whatever the list is like, and to whom it belongs."""

import asyncio

import msgspec
import pytest

from gateway.config.settings import (
    CredentialPolicy,
    ModelRule,
    Settings,
    TimeoutSettings,
    UpstreamSettings,
)
from tests import kinds
from tests.clients.raw import connect
from tests.clients.running import running_gateway
from tests.upstream.scripted import Peer, Request, scripted, with_length
from tests.waiting import PATIENCE

pytestmark = pytest.mark.anyio

ALIKE = [f"ft:gpt-4o-mini-2024-07-18:acme-corp:support-bot-v{i}:A{i:04d}bCd" for i in range(19_000)]
MESSAGES = [{"role": "user", "content": "Hi"}]
LISTS = {"alice": ["GPT-4o-Mini", "acme-writer-v2", *ALIKE], "bob": ["llama3.1:8b", "openai/o9"]}


def as_json(body: object, status: str = "200 OK") -> bytes:
    return with_length(msgspec.json.encode(body), status, "Content-Type: application/json")


def answer(request: Request) -> bytes:
    if request.method == "POST":
        model = msgspec.json.decode(request.body)["model"]
        message = f"The model `{model}` does not exist or you do not have access to it."
        error = {"message": message, "type": "invalid_request_error", "code": "model_not_found"}
        return as_json({"error": error}, "404 Not Found")
    if request.target.endswith("/models"):
        key = (request.header("authorization") or "").removeprefix("Bearer ")
        cards = [{"id": name, "object": "model"} for name in LISTS[key]]
        return as_json({"object": "list", "data": cards})
    return as_json({"object": "list", "data": []})


async def script(peer: Peer) -> None:
    while True:
        await peer.send(answer(await peer.request()))


def suggestions(base_url: str, key: str, *models: str) -> list[str]:
    """Ask for models that are not there; return what each reply suggests."""
    suggested: list[str] = []
    for model in models:
        with connect(base_url) as client:
            body = msgspec.json.encode({"model": model, "messages": MESSAGES})
            client.request("POST", "/v1/chat/completions", body, authorization=f"Bearer {key}")
            reply = client.reply()
        assert reply.status == 404
        message = msgspec.json.decode(reply.body)["error"]["message"]
        suggested.append(message.partition("Did you mean ")[2])
    return suggested


def settings_for(base_url: str) -> Settings:
    timeouts = TimeoutSettings(metadata=PATIENCE)
    upstream = UpstreamSettings(
        "a", base_url, kinds.OPENAI, CredentialPolicy.CALLER, timeouts=timeouts
    )
    return Settings((upstream,), models=(ModelRule("acme-writter", model="acme-writer-v2"),))


async def test_the_list_of_the_key_is_searched_however_long_it_is() -> None:
    def ask(base_url: str) -> tuple[list[str], list[str]]:
        with running_gateway(settings_for(base_url)) as gateway:
            typo = ALIKE[1234].replace("acme-corp", "acme-crop")
            hers = suggestions(
                gateway.base_url, "alice", "gpt-4O-mini", typo, typo, "acme-writer", "llama3.1"
            )
            his = suggestions(
                gateway.base_url, "bob", "gpt-4O-mini", typo, "acme-writer-v3", "llama3.1", "o9"
            )
        return hers, his

    async with scripted(script) as upstream:
        hers, his = await asyncio.to_thread(ask, upstream.base_url)
    assert hers[0].startswith("'GPT-4o-Mini'")
    assert hers[1].startswith(f"'{ALIKE[1234]}'")
    assert hers[2:] == [hers[1], "'acme-writter' or 'acme-writer-v2'?", ""]
    assert his == ["", "", "'acme-writter'?", "'llama3.1:8b'?", "'openai/o9'?"]
