"""How long a request waits for the look-ups of its model: `timeouts.metadata`, all together."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from gateway.config.settings import CredentialPolicy, Settings, TimeoutSettings, UpstreamSettings
from tests.clients.raw import RawReply, connect
from tests.clients.running import running_gateway
from tests.upstream.scripted import Peer, Request, Script, scripted, with_length

pytestmark = pytest.mark.anyio

METADATA = 1.0
Routes = Callable[[Request], Awaitable[bytes]]


def as_json(body: object, status: str = "200 OK") -> bytes:
    return with_length(msgspec.json.encode(body), status, "Content-Type: application/json")


COMPLETION = as_json({"object": "chat.completion", "choices": []})
UNKNOWN = as_json(
    {
        "error": {
            "message": "The model `acme-1` does not exist or you do not have access to it.",
            "type": "invalid_request_error",
            "param": None,
            "code": "model_not_found",
        }
    },
    "404 Not Found",
)


async def never() -> bytes:
    await asyncio.Event().wait()
    raise AssertionError


def serving(routes: Routes) -> Script:
    async def script(peer: Peer) -> None:
        while True:
            await peer.send(await routes(await peer.request()))

    return script


async def lists_hang(request: Request) -> bytes:
    return COMPLETION if request.method == "POST" else await never()


async def lists_hang_and_the_model_is_unknown(request: Request) -> bytes:
    return UNKNOWN if request.method == "POST" else await never()


async def the_list_is_slow_and_the_jobs_hang(request: Request) -> bytes:
    if request.method == "POST":
        return COMPLETION
    if request.target.endswith("/models"):
        await asyncio.sleep(0.8 * METADATA)
        return as_json({"object": "list", "data": []})
    return await never()


async def each_page_is_slow(request: Request) -> bytes:
    if request.method == "POST":
        return COMPLETION
    await asyncio.sleep(0.4 * METADATA)
    if request.target.endswith("/models"):
        return as_json({"object": "list", "data": []})
    job = {"object": "fine_tuning.job", "id": f"ftjob-{time.monotonic_ns()}", "model": "gpt-4o"}
    return as_json({"object": "list", "data": [job], "has_more": True})


async def lists_the_model(request: Request) -> bytes:
    if request.method == "POST":
        return as_json({"object": "chat.completion", "choices": [], "served_by": "b"})
    if request.target.endswith("/models"):
        return as_json({"object": "list", "data": [{"id": "acme-1", "object": "model"}]})
    return as_json({"object": "list", "data": []})


def settings_for(*base_urls: str) -> Settings:
    return Settings(
        tuple(
            UpstreamSettings(
                name,
                base_url,
                credential=CredentialPolicy.NONE,
                timeouts=TimeoutSettings(metadata=METADATA),
            )
            for name, base_url in zip("ab", base_urls, strict=False)
        )
    )


def ask(settings: Settings) -> tuple[RawReply, float]:
    """Send one request through a gateway; return the reply and the seconds that it took."""
    with running_gateway(settings) as gateway, connect(gateway.base_url) as client:
        begun = time.monotonic()
        body = msgspec.json.encode({"model": "acme-1", "messages": []})
        client.request("POST", "/v1/chat/completions", body)
        return client.reply(), time.monotonic() - begun


@pytest.mark.parametrize(
    ("routes", "status"),
    [
        (lists_hang, 200),
        (lists_hang_and_the_model_is_unknown, 404),
        (the_list_is_slow_and_the_jobs_hang, 200),
        (each_page_is_slow, 200),
    ],
)
async def test_all_look_ups_of_a_model_together_wait_for_the_metadata_time(
    routes: Routes, status: int
) -> None:
    async with scripted(serving(routes)) as upstream:
        reply, seconds = await asyncio.to_thread(ask, settings_for(upstream.base_url))
    assert reply.status == status
    assert 0.9 * METADATA < seconds < 1.6 * METADATA


async def test_look_ups_at_several_upstreams_wait_no_longer() -> None:
    async with scripted(serving(lists_hang)) as one, scripted(serving(lists_hang)) as other:
        settings = settings_for(one.base_url, other.base_url)
        reply, seconds = await asyncio.to_thread(ask, settings)
    assert reply.status == 200
    assert 0.9 * METADATA < seconds < 1.6 * METADATA


async def test_an_upstream_that_hangs_does_not_hide_what_another_lists() -> None:
    async with scripted(serving(lists_hang)) as one, scripted(serving(lists_the_model)) as other:
        settings = settings_for(one.base_url, other.base_url)
        reply, seconds = await asyncio.to_thread(ask, settings)
    assert reply.headers["x-gateway-upstream"] == "b"
    assert seconds < 1.6 * METADATA
