"""How long a request waits for the look-ups of its model: `timeouts.metadata`, all together."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import Any

import msgspec
import pytest

from gateway.config.settings import CredentialPolicy, Settings, TimeoutSettings, UpstreamSettings
from gateway.config.store_settings import MemorySettings
from gateway.servers import Profile
from tests import kinds
from tests.clients.raw import RawConnection, RawReply, connect
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


def settings_for(*base_urls: str, memory: MemorySettings | None = None, **more: Any) -> Settings:
    return Settings(
        tuple(
            UpstreamSettings(
                name,
                base_url,
                timeouts=TimeoutSettings(metadata=METADATA),
                **{"credential": CredentialPolicy.NONE, **more},
            )
            for name, base_url in zip("abcd", base_urls, strict=False)
        ),
        memory=memory or MemorySettings(),
    )


def chat(model: str = "acme-1") -> bytes:
    return msgspec.json.encode({"model": model, "messages": []})


def timed(client: RawConnection, model: str = "acme-1") -> tuple[RawReply, float]:
    """Send one request; return the reply and the seconds that it took."""
    begun = time.monotonic()
    client.request("POST", "/v1/chat/completions", chat(model))
    return client.reply(), time.monotonic() - begun


def ask(settings: Settings, *models: str) -> list[tuple[RawReply, float]]:
    """Send requests through a gateway, one after the other."""
    with running_gateway(settings) as gateway, connect(gateway.base_url) as client:
        return [timed(client, model) for model in models]


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
        settings = settings_for(upstream.base_url)
        ((reply, seconds),) = await asyncio.to_thread(ask, settings, "acme-1")
    assert reply.status == status
    assert 0.9 * METADATA < seconds < 1.6 * METADATA


async def test_look_ups_at_several_upstreams_wait_no_longer() -> None:
    async with scripted(serving(lists_hang)) as one, scripted(serving(lists_hang)) as other:
        settings = settings_for(one.base_url, other.base_url)
        ((reply, seconds),) = await asyncio.to_thread(ask, settings, "acme-1")
    assert reply.status == 200
    assert 0.9 * METADATA < seconds < 1.6 * METADATA


async def test_an_upstream_that_hangs_does_not_hide_what_another_lists() -> None:
    async with scripted(serving(lists_hang)) as one, scripted(serving(lists_the_model)) as other:
        settings = settings_for(one.base_url, other.base_url)
        ((reply, seconds),) = await asyncio.to_thread(ask, settings, "acme-1")
    assert reply.headers["x-gateway-upstream"] == "b"
    assert seconds < 1.6 * METADATA


@pytest.mark.parametrize("kind", [kinds.AUTO, kinds.OPENAI, kinds.VLLM, kinds.OLLAMA])
@pytest.mark.parametrize("routes", [lists_hang, lists_hang_and_the_model_is_unknown])
async def test_only_the_first_request_waits_for_look_ups_that_hang(
    routes: Routes, kind: Profile
) -> None:
    async with scripted(serving(routes)) as upstream:
        settings = settings_for(upstream.base_url, kind=kind)
        asked = await asyncio.to_thread(ask, settings, "acme-1", "acme-1", "acme-2")
    assert 0.9 * METADATA < asked[0][1] < 1.6 * METADATA
    assert max(seconds for _, seconds in asked[1:]) < 0.5 * METADATA


async def test_upstreams_that_hang_before_the_right_one_are_waited_for_once() -> None:
    async with scripted(serving(lists_hang)) as one, scripted(serving(lists_the_model)) as other:
        settings = settings_for(*[one.base_url] * 3, other.base_url)
        asked = await asyncio.to_thread(ask, settings, "acme-1", "acme-1")
    assert [reply.headers["x-gateway-upstream"] for reply, _ in asked] == ["d", "d"]
    assert asked[1][1] < 0.5 * METADATA


async def test_a_list_that_comes_late_is_used() -> None:
    may_answer = asyncio.Event()

    async def late(request: Request) -> bytes:
        if request.target.endswith("/models"):
            await may_answer.wait()
        return await lists_the_model(request)

    loop = asyncio.get_running_loop()

    def run(settings: Settings) -> tuple[str, str]:
        with running_gateway(settings) as gateway, connect(gateway.base_url) as client:
            first, _ = timed(client)
            loop.call_soon_threadsafe(may_answer.set)
            while (reply := timed(client)[0]).headers["x-gateway-upstream"] == "a":
                assert reply.status == 200
            return first.headers["x-gateway-upstream"], reply.headers["x-gateway-upstream"]

    async with scripted(serving(lists_hang)) as one, scripted(serving(late)) as other:
        settings = settings_for(one.base_url, other.base_url)
        assert await asyncio.to_thread(run, settings) == ("a", "b")


async def test_a_known_list_is_good_enough_where_a_new_one_hangs() -> None:
    lists = 0

    async def routes(request: Request) -> bytes:
        nonlocal lists
        lists += request.target.endswith("/models")
        hangs = request.target.endswith("/models") and lists > 1
        return await never() if hangs else await lists_the_model(request)

    def run(settings: Settings) -> list[float]:
        with running_gateway(settings) as gateway, connect(gateway.base_url) as client:
            timed(client)
            while lists == 1:
                longest = timed(client, "adapter")[1]
            return [longest, *(timed(client, "adapter")[1] for _ in range(3))]

    async with scripted(serving(routes)) as upstream:
        memory = MemorySettings(negative_ttl=0.5)
        settings = settings_for(upstream.base_url, kind=kinds.VLLM, memory=memory)
        seconds = await asyncio.to_thread(run, settings)
    # The name has answered before, so nobody waits for the new list, not even once.
    assert max(seconds) < 0.5 * METADATA
    assert lists == 2


@pytest.mark.parametrize(("max_connections", "keys"), [(256, 300), (8, 40)])
async def test_look_ups_that_hang_take_no_place_from_generation(
    max_connections: int, keys: int
) -> None:
    def run(settings: Settings) -> list[int]:
        with running_gateway(settings) as gateway, ExitStack() as stack:
            clients = [stack.enter_context(connect(gateway.base_url)) for _ in range(keys)]
            for number, client in enumerate(clients):
                key = f"Bearer sk-{number}"
                client.request("POST", "/v1/chat/completions", chat(), authorization=key)
            statuses = [client.reply().status for client in clients]
            assert gateway.application.upstreams.stats()["a"].in_flight == 0
            clients[0].request("POST", "/v1/chat/completions", chat(), authorization="Bearer new")
            return [*statuses, clients[0].reply().status]

    async with scripted(serving(lists_hang)) as upstream:
        settings = settings_for(
            upstream.base_url,
            kind=kinds.VLLM,
            credential=CredentialPolicy.CALLER,
            max_connections=max_connections,
        )
        assert await asyncio.to_thread(run, settings) == [200] * (keys + 1)
